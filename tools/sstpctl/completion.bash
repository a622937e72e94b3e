# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# bash completion for sstpctl(8)

_sstpctl_ids() { # PATH-IN-THE-LIST: first column of a list
	sstpctl "$1" list 2>/dev/null | awk 'NR > 1 { print $1 }'
}

_sstpctl() {
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} words=
	case $previous in
	--socket)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		return
		;;
	--lifetime) words="15m 1h 1d 7d" ;;
	--app | --vnet | --gateway | --name) return ;;
	*)
		case "$COMP_CWORD ${COMP_WORDS[1]} ${COMP_WORDS[2]}" in
		"1 "*) words="token cert root --help --version" ;;
		"2 token"*) words="create list drop" ;;
		"2 cert"*) words="list show revoke status" ;;
		"2 root"*) words="list rotate import drop" ;;
		*" token create") words="--app --vnet --gateway --lifetime --socket --json --help" ;;
		*" cert revoke") words="--renewals --foreign --socket --json --help $(_sstpctl_ids cert)" ;;
		*" cert show") words="--socket --json --help $(_sstpctl_ids cert)" ;;
		*" token drop") words="--socket --json --help $(_sstpctl_ids token)" ;;
		*" root drop") words="--socket --json --help $(_sstpctl_ids root)" ;;
		*" root import")
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -W "--name --vnet --socket --json --help" -- "$current")
			return
			;;
		*) words="--socket --json --help" ;;
		esac
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F _sstpctl sstpctl
