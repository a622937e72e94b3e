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
		--own-netns | --current-netns | --pap | -n | --check | -V | --version | -h | --help) ;;
		-*) ((i++)) ;;
		*)
			echo "$i"
			return
			;;
		esac
	done
}

_sstp_worker_namespaces() {
	[ -d /run/netns ] && (cd /run/netns && compgen -f -- "$1")
}

# what can stand at the end of a list with commas
_sstp_worker_offloads() {
	case $1 in
	*,*) printf '%s\n' "${1%,*},"{tcp-read,udp-read,tcp-merge,udp-merge} ;;
	*) printf '%s\n' all {tcp-read,udp-read,tcp-merge,udp-merge} ;;
	esac
}

_sstp_worker() {
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} app
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
	-g | --gateway) mapfile -t COMPREPLY < <(compgen -A hostname -- "$current") ;;
	--netns) mapfile -t COMPREPLY < <(_sstp_worker_namespaces "$current") ;;
	--log-level) mapfile -t COMPREPLY < <(compgen -W "error warning info debug" -- "$current") ;;
	--log-target) mapfile -t COMPREPLY < <(compgen -W "stderr journal" -- "$current") ;;
	--congestion) mapfile -t COMPREPLY < <(compgen -W "auto cubic bbr" -- "$current") ;;
	--no-offload) mapfile -t COMPREPLY < <(compgen -W "$(_sstp_worker_offloads "$current")" -- "$current") ;;
	-u | --user | --vnet-name | -r | --route | --tun | --mtu | --connect-timeout) ;;
	*)
		mapfile -t COMPREPLY < <(compgen -W "--config --gateway --user --password-file --ca --pap
			--vnet-name --route --own-netns --netns --current-netns --tun --mtu
			--connect-timeout --congestion --no-offload --log-level --log-target --check --version --help --" -- "$current")
		;;
	esac
}
complete -F _sstp_worker sstp-worker
