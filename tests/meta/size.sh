# size.sh -- no file is longer than a reader's patience: 1,000 lines (800 is what we aim at).
#
# Data and generated files are as long as they are.
#
# SPDX-License-Identifier: Apache-2.0
source "$PWD/tests/include/meta.bash"

check() {
    { source_files; tree_files | grep -E '\.md$' || true; } | while read -r file; do
        local n_lines
        n_lines=$(wc -l < "$file")
        if (( n_lines > 1000 )) && ! is_generated "$file"; then
            printf '%s: %d lines\n' "$file" "$n_lines"
        fi
    done
}

meta_main 'a.c' "$(seq 1001)"
