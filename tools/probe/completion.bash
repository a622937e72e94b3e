# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# bash completion for sstp-probe(1)

_sstp_probe() {
	local current=${COMP_WORDS[COMP_CWORD]}
	case ${COMP_WORDS[COMP_CWORD - 1]} in
	--cacert)
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		return
		;;
	--name) return ;;
	esac
	case $current in
	-*) mapfile -t COMPREPLY < <(compgen -W "--name --cacert --json --version --help" -- "$current") ;;
	*) mapfile -t COMPREPLY < <(compgen -A hostname -- "$current") ;;
	esac
}
complete -F _sstp_probe sstp-probe
