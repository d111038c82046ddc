# cli.bash -- for the tests of the program: runs it, and checks exit status and messages.
#
# A test sources this file with the build directory as $1. work is a folder of its own, removed at the end.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
systole=$1/cli/systole
# shellcheck disable=SC2034 # for the tests
zoo=tests/data/zoo
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

fail() { printf '%s\n' "$*"; exit 1; }

# expect STATUS ARGUMENT... -- runs systole; its output is in $work/out, its messages in $work/err.
expect() {
    local wanted=$1 status=0
    shift
    timeout 120 "$systole" "$@" > "$work/out" 2> "$work/err" < /dev/null || status=$?
    (( status == wanted )) || fail "systole $*: exit status $status, expected $wanted: $(head -n 3 "$work/err")"
}

# one_line -- what systole said is one line that begins with its name.
one_line() {
    [[ $(wc -l < "$work/err") == 1 && $(cat "$work/err") == systole:* ]] || fail "not one line: $(head -n 5 "$work/err")"
}

# out TEXT, err TEXT -- the text is somewhere in what systole printed, or said.
out() { grep -q -F -e "$1" "$work/out" || fail "'$1' is not in the output: $(head -n 20 "$work/out")"; }
err() { grep -q -F -e "$1" "$work/err" || fail "'$1' is not in the messages: $(head -n 5 "$work/err")"; }
