# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# bash completion for sstpctl(8)

# Nouns, verbs and arguments in front of the cursor, without the options among them.
_sstpctl_words() {
	local i
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--socket | --lifetime | --app | --vnet | --gateway | --name)
			[ "${COMP_WORDS[i + 1]}" = "=" ] && ((i++))
			((i++))
			;;
		-*) ;;
		*) printf '%s ' "${COMP_WORDS[i]}" ;;
		esac
	done
}

_sstpctl_ids() { # NOUN: first column of its list
	sstpctl "$1" list 2>/dev/null | awk 'NR > 1 { print $1 }'
}

_sstpctl() {
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} words
	local common="--socket --json --help --version"
	case $previous in
	--socket)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		return
		;;
	--lifetime)
		mapfile -t COMPREPLY < <(compgen -W "15m 1h 1d 7d" -- "$current")
		return
		;;
	--app | --vnet | --gateway | --name) return ;;
	esac
	case $(_sstpctl_words) in
	"" | "help ") words="token cert root help $common" ;;
	"token " | "help token ") words="create list drop $common" ;;
	"cert " | "help cert ") words="list show revoke server status $common" ;;
	"root " | "help root ") words="list rotate import drop $common" ;;
	"token create ") words="--app --vnet --gateway --lifetime $common" ;;
	"cert revoke ") words="--app --foreign $common $(_sstpctl_ids cert)" ;;
	"cert show ") words="$common $(_sstpctl_ids cert)" ;;
	"token drop ") words="$common $(_sstpctl_ids token)" ;;
	"root drop ") words="$common $(_sstpctl_ids root)" ;;
	"root import ")
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -W "--name --vnet $common" -- "$current")
		return
		;;
	"cert revoke "*) words="--app --foreign $common" ;;
	"root import "*) words="--name --vnet $common" ;;
	*) words=$common ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F _sstpctl sstpctl
