# coverage_waivers.sh -- each line of scripts/coverage.waivers stands in its file, and says why it need not run.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
status=0
while IFS= read -r line; do
    [[ -z $line || $line == '#'* ]] && continue
    file=${line%%' | '*}
    rest=${line#*' | '}
    text=${rest% | *}
    reason=${rest##* | }
    if [[ $line != *' | '*' | '* || -z $reason ]]; then
        echo "not FILE | LINE | REASON: $line"
        status=1
    elif ! sed 's/^[[:space:]]*//; s/[[:space:]]*$//' "rtl/$file" | grep -x -F -e "$text" > /dev/null; then
        echo "rtl/$file has no line '$text'"
        status=1
    fi
done < scripts/coverage.waivers
exit "$status"
