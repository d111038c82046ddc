# how_to.sh -- the how-to pages are true: files they name exist, and each row of a table has what the page says.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

status=0
bad() { printf '%s\n' "$*"; status=1; }

# Paths in backquotes that begin with a folder of ours; NAME and * stand for something.
while IFS=: read -r page path; do
    case $path in
        *NAME* | *'*'*) continue ;;
    esac
    [[ -e $path ]] || bad "$page names $path, which does not exist"
done < <(grep -o -E '`(base|isa|compiler|simulator|rtl|runtime|cli|configs|tests|docs|scripts|examples)/[A-Za-z0-9_./-]*`' -r docs/developer docs/overview.md docs/reference/schedule.md | tr -d '`')

while read -r name; do
    [[ -e compiler/passes/$name.c ]] || bad "pass $name has no compiler/passes/$name.c"
    grep -q "pass_$name" compiler/include/systole/compiler/passes.h || bad "pass $name has no prototype"
done < <(sed -n 's/^P(\([a-z_]*\),.*/\1/p' compiler/passes/passes.def)

# Links between pages.
while IFS=: read -r page link; do
    [[ -e $(dirname "$page")/$link ]] || bad "$page links to $link, which does not exist"
done < <(grep -o -E '\]\([^)#:]+\.md\)' -r docs README.md | sed 's/](\(.*\))/\1/')
exit $status
