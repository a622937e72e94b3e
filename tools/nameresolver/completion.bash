# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# bash completion for nameresolver(1)

_nameresolver() {
	local current=${COMP_WORDS[COMP_CWORD]}
	case $current in
	-*) mapfile -t COMPREPLY < <(compgen -W "-4 -6 --crlf --json --version --help" -- "$current") ;;
	*) mapfile -t COMPREPLY < <(compgen -A hostname -- "$current") ;;
	esac
}
complete -F _nameresolver nameresolver
