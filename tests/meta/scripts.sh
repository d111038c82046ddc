# scripts.sh -- shell scripts are well formed, and well mannered where shellcheck is there to say so.
#
# SPDX-License-Identifier: Apache-2.0
source "$PWD/tests/include/meta.bash"

check() {
    local file
    tree_files | grep -E '\.(sh|bash)$|^\.ci/run$' | while read -r file; do
        bash -n "$file" 2>&1 || true
        if command -v shellcheck > /dev/null; then
            shellcheck --shell=bash --severity=warning --format=gcc "$file" || true
        fi
    done
}

meta_main 'a.sh' 'if true; then'
