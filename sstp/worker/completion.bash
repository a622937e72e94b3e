# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# bash completion for sstp-worker(8)

# Prints the place of APP among the words, or nothing: behind --, or the first word that is neither an
# option nor the value of one.
_sstp_worker_app() {
	local i
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--)
			echo $((i + 1))
			return
			;;
		--own-netns | --current-netns | --pap | --eap-mschapv2 | --no-eap-mschapv2 | --renew-by-reconnect | -n | --check | -V | --version | -h | --help) ;;
		-*) ((i++)) ;;
		*)
			echo "$i"
			return
			;;
		esac
	done
}

# names in the folder of profiles, and files
_sstp_worker_profiles() {
	local folder=/etc/sstp-gateway/profiles
	[ "$(id -u)" = 0 ] || folder=${XDG_CONFIG_HOME:-$HOME/.config}/sstp-gateway/profiles
	(cd "$folder" 2>/dev/null && compgen -f -X '!*.yaml' -- "$1" | sed 's/\.yaml$//')
	compgen -f -- "$1"
}

# names of the workers that run
_sstp_worker_running() {
	sed -n 's/^  "name": "\(.*\)",$/\1/p' /run/sstp-worker/*/status.json 2>/dev/null
}

# behind enrol, renew, profile or status
_sstp_worker_command() {
	local current=$1 previous=$2 command=$3 words
	case $command:$previous in
	*:-P | *:--profile | profile:show | profile:update)
		mapfile -t COMPREPLY < <(_sstp_worker_profiles "$current")
		return
		;;
	*:--if-still) return ;;
	profile:profile) words="show update" ;;
	status:status) words="$(_sstp_worker_running) --json --help" ;;
	status:*) words="--json --help" ;;
	profile:*) words="--json --help" ;;
	enrol:*) words="--profile --force --help" ;;
	renew:*) words="--profile --if-still --help" ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

# behind exec: a worker, then a command
_sstp_worker_exec() {
	local at=3
	[ "${COMP_WORDS[3]}" != -- ] || at=4
	if [ "$COMP_CWORD" -eq 2 ]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_sstp_worker_running) --help" -- "$1")
	elif [ "$COMP_CWORD" -ge "$at" ] && declare -F _command_offset >/dev/null; then
		_command_offset "$at"
	else
		mapfile -t COMPREPLY < <(compgen -c -f -- "$1")
	fi
}

_sstp_worker_namespaces() {
	[ -d /run/netns ] && (cd /run/netns && compgen -f -- "$1")
}

# what can stand at the end of a list with commas
_sstp_worker_offloads() {
	case $1 in
	*,*) printf '%s\n' "${1%,*},"{tcp-read,udp-read,tcp-merge,udp-merge,io-uring} ;;
	*) printf '%s\n' all {tcp-read,udp-read,tcp-merge,udp-merge,io-uring} ;;
	esac
}

_sstp_worker() {
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} app first
	case ${COMP_WORDS[1]} in
	exec)
		if [ "$COMP_CWORD" -gt 1 ]; then
			_sstp_worker_exec "$current"
			return
		fi
		;;
	enrol | renew | profile | status)
		if [ "$COMP_CWORD" -gt 1 ]; then
			_sstp_worker_command "$current" "$previous" "${COMP_WORDS[1]}"
			return
		fi
		;;
	esac
	app=$(_sstp_worker_app)
	if [ -n "$app" ]; then
		if declare -F _command_offset >/dev/null; then
			_command_offset "$app"
		else
			mapfile -t COMPREPLY < <(compgen -c -f -- "$current")
		fi
		return
	fi
	case $previous in
	-c | --config | -p | --password-file | --ca)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		;;
	-P | --profile) mapfile -t COMPREPLY < <(_sstp_worker_profiles "$current") ;;
	-g | --gateway) mapfile -t COMPREPLY < <(compgen -A hostname -- "$current") ;;
	--netns) mapfile -t COMPREPLY < <(_sstp_worker_namespaces "$current") ;;
	--log-level) mapfile -t COMPREPLY < <(compgen -W "error warning info debug" -- "$current") ;;
	--log-target) mapfile -t COMPREPLY < <(compgen -W "stderr journal" -- "$current") ;;
	--congestion) mapfile -t COMPREPLY < <(compgen -W "auto cubic bbr" -- "$current") ;;
	--no-offload) mapfile -t COMPREPLY < <(compgen -W "$(_sstp_worker_offloads "$current")" -- "$current") ;;
	--restart-app) mapfile -t COMPREPLY < <(compgen -W "never on-address-change always" -- "$current") ;;
	-u | --user | --vnet-name | -r | --route | --dns-server | --dns-alt-server | --on-event | --tun | --mtu | --connect-timeout) ;;
	*)
		[ "$COMP_CWORD" -ne 1 ] || first="enrol renew profile status exec"
		mapfile -t COMPREPLY < <(compgen -W "--config --profile --gateway --user --password-file --ca --pap
			--eap-mschapv2 --no-eap-mschapv2 --renew-by-reconnect
			--vnet-name --route --dns-server --dns-alt-server --restart-app --on-event --own-netns --netns --current-netns --tun --mtu
			--connect-timeout --congestion --no-offload --log-level --log-target --check --version --help -- $first" -- "$current")
		;;
	esac
}
complete -F _sstp_worker sstp-worker
