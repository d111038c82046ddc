# map.sh -- README's map is true: it names each top-level folder of the tree; its commands exist.
#
# SPDX-License-Identifier: Apache-2.0
source "$PWD/tests/include/meta.bash"

check() {
    local folders mapped command
    folders=$(tree_files | grep / | cut -d / -f 1 | grep -v '^\.' | sort -u)
    mapped=$(sed -n -E 's/^\| `([a-z]+)\/`.*/\1/p' README.md 2> /dev/null | sort -u || true)
    comm -23 <(printf '%s\n' "$folders") <(printf '%s\n' "$mapped") | sed 's/$/: a folder that is not in the map of README.md/'
    for command in $(grep -o -h -E '(scripts|examples|bench)/[a-z_/-]+\.sh' README.md CONTRIBUTING.md 2> /dev/null | sort -u); do
        [[ -x $command ]] || printf '%s: named by README.md or CONTRIBUTING.md, but not a program\n' "$command"
    done
}

meta_main \
    'base/a.c' 'x' \
    'README.md' '| `nowhere/` | nothing |'
