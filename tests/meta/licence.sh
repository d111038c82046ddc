# licence.sh -- each source file's head comment has the SPDX line; generated files have their source's licence.
#
# SPDX-License-Identifier: Apache-2.0
source "$PWD/tests/include/meta.bash"

check() {
    source_files | while read -r file; do
        if ! is_generated "$file" && ! head -n 40 "$file" | grep 'SPDX-License-Identifier: Apache-2.0' > /dev/null; then
            printf '%s: no SPDX line in the first 40 lines\n' "$file"
        fi
    done
}

meta_main 'a.c' 'int main(void) { return 0; }'
