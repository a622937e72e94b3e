# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# bash completion for sstp-gateway(8)

_sstp_gateway() {
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	case $previous in
	-c | --config | -r | --restore)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		;;
	-l | --log-level)
		mapfile -t COMPREPLY < <(compgen -W "error warning info debug" -- "$current")
		;;
	*)
		mapfile -t COMPREPLY < <(compgen -W "--config --check --restore --log-level --version --help" -- "$current")
		;;
	esac
}
complete -F _sstp_gateway sstp-gateway
