# meta.bash -- for the tests of the tree itself: which files there are, and how a finding is reported.
#
# A meta test sources this file, defines check() -- which prints one line for each finding in the files under the
# current directory -- and ends with
#
#     meta_main 'path/of/a/planted.c' 'contents that check must find'  ['path' 'contents' ...]
#
# which runs check() on the tree, where it must print nothing, and on a folder with each planted file alone, where it
# must print something: a check that cannot fail is worth nothing.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

# All files of the tree that are ours to read: tracked or new, not ignored; NUL-free names, one a line.
tree_files() {
    if git rev-parse --is-inside-work-tree > /dev/null 2>&1; then
        git ls-files --cached --others --exclude-standard | while read -r file; do
            if [[ -f $file ]]; then printf '%s\n' "$file"; fi
        done
    else
        find . -path ./.git -prune -o -path ./build -prune -o -path './build-*' -prune -o -type f -printf '%P\n'
    fi
}

# Those of them that are source text: C, Verilog, tables, CMake, shell, Python; not the data of tests.
source_files() {
    tree_files | grep -v '^tests/data/' | grep -E '(\.(c|h|v|vh|sv|vlt|def|inc|cmake|sh|bash|py|s|ys)|/CMakeLists\.txt|^CMakeLists\.txt|^\.ci/run)$' || true
}

# True if the file was written by a program: its first two lines say so.
is_generated() {
    [[ $(head -n 2 "$1") == *GENERATED* ]]
}

meta_main() {
    local findings dir
    findings=$(check)
    if [[ -n $findings ]]; then
        printf '%s\n' "$findings"
        printf '%s: %d findings\n' "$(basename "$0")" "$(wc -l <<< "$findings")"
        exit 1
    fi
    while (( $# >= 2 )); do
        dir=$(mktemp -d)
        mkdir -p "$dir/$(dirname "$1")"
        printf '%s\n' "$2" > "$dir/$1"
        findings=$(cd "$dir" && check)
        rm -r "$dir"
        if [[ -z $findings ]]; then
            printf '%s: the check does not see what was planted in %s\n' "$(basename "$0")" "$1"
            exit 1
        fi
        shift 2
    done
}
