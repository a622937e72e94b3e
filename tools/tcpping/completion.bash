# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# bash completion for tcpping(1)

_tcpping() {
	local current=${COMP_WORDS[COMP_CWORD]}
	case ${COMP_WORDS[COMP_CWORD - 1]} in
	-n | -w) return ;;
	esac
	case $current in
	-*) mapfile -t COMPREPLY < <(compgen -W "-n -w -4 -6 --crlf --json --version --help" -- "$current") ;;
	*) mapfile -t COMPREPLY < <(compgen -A hostname -- "$current") ;;
	esac
}
complete -F _tcpping tcpping
