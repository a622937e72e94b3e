# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# bash completion for sstpctl(8), which knows itself what can follow

_sstpctl() {
	local current=${COMP_WORDS[COMP_CWORD]} offered
	mapfile -t offered < <(sstpctl __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
	[ "$current" != "=" ] || current=
	if [ "${offered[0]}" = ":files" ]; then
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
	else
		COMPREPLY=("${offered[@]}")
	fi
}
complete -F _sstpctl sstpctl
