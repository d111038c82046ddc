# headers.sh -- every header compiles by itself: who includes it needs to include nothing before it.
#
# SPDX-License-Identifier: Apache-2.0
source "$PWD/tests/include/meta.bash"

compiler=$(command -v cc || command -v gcc || command -v clang) || { echo "skipped: no C compiler"; exit 77; }

check() {
    local include_flags=() folder header
    while read -r folder; do
        include_flags+=(-I "$folder")
    done < <(tree_files | grep -o -E '^.*/include/systole/' | sed 's|/systole/$||' | sort -u)
    tree_files | grep -E '/include/systole/.*\.h$' | while read -r header; do
        printf '#include "%s"\n#include "%s"\nextern int something;\n' "${header#*/include/}" "${header#*/include/}" |
            "$compiler" -std=c11 -D_XOPEN_SOURCE=700 -Wall -Wextra -Wpedantic -Werror -fsyntax-only \
                "${include_flags[@]}" -x c - 2>&1 | grep -E 'error' | head -n 1 | sed "s|^|$header: |" || true
    done
}

meta_main \
    'base/include/systole/a.h' 'size_t base_a(void);' \
    'base/include/systole/b.h' 'struct b { int x; };'
