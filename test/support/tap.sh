# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# TAP for shell scripts. A script writes one function per case, each named as a sentence, and ends with
#
#	tap_main case_one case_two ... -- "$@"
#
# which prints the names for --list, else calls setup (where the script has one) and then every case in
# order. A case fails when one of its checks failed; the others still run. Checks print what was expected
# and what came, so that a log is enough to understand a failure.

tap_case_failed=no

diag() {
	printf '%s\n' "$@" | sed 's/^/# /'
}

# a check that failed: says so, and lets the case go on
flunk() {
	tap_case_failed=yes
	diag "$@"
}

# is GOT EXPECTED WHAT
is() {
	[ "$1" = "$2" ] || flunk "$3" "  expected: $2" "  got:      $1"
}

# isnt GOT UNEXPECTED WHAT
isnt() {
	[ "$1" != "$2" ] || flunk "$3" "  expected anything but: $2"
}

# like GOT EXTENDED_REGEX WHAT
like() {
	[[ $1 =~ $2 ]] || flunk "$3" "  expected to match: $2" "  got:               $1"
}

# at_most GOT LIMIT WHAT, whole numbers
at_most() {
	[ "$1" -le "$2" ] || flunk "$3" "  expected at most: $2" "  got:              $1"
}

# at_least GOT LIMIT WHAT, whole numbers
at_least() {
	[ "$1" -ge "$2" ] || flunk "$3" "  expected at least: $2" "  got:               $1"
}

# succeeds WHAT COMMAND...
succeeds() {
	local what=$1
	shift
	"$@" || flunk "$what" "  failed with $?: $*"
}

tap_main() {
	local cases=() number=0 any_failed=no
	while [ "$1" != -- ]; do
		cases+=("$1")
		shift
	done
	shift
	if [ "${1-}" = --list ]; then
		printf '%s\n' "${cases[@]}"
		exit 0
	fi
	for tap_case in "${cases[@]}"; do
		declare -F "$tap_case" >/dev/null && continue
		echo "Bail out! there is no case '$tap_case'; --list names them"
		exit 1
	done
	echo "1..${#cases[@]}"
	if declare -F setup >/dev/null && ! setup; then
		echo "Bail out! the set-up failed"
		exit 1
	fi
	for tap_case in "${cases[@]}"; do
		number=$((number + 1))
		tap_case_failed=no
		"$tap_case"
		if [ $tap_case_failed = yes ]; then
			any_failed=yes
			declare -F tap_explain >/dev/null && tap_explain
			echo "not ok $number - $tap_case"
		else
			echo "ok $number - $tap_case"
		fi
	done
	[ $any_failed = no ]
	exit
}
