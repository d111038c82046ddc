# markers.sh -- nothing is left undone: no marker words in the tree.
#
# SPDX-License-Identifier: Apache-2.0
source "$PWD/tests/include/meta.bash"

check() {
    tree_files | grep -v -E '^(tests/meta/markers\.sh|LICENSE)$' | grep -v -E '\.(onnx|npy|gz|png|elf|bin)$' |
        xargs -r -d '\n' grep -n -I -w -E 'TODO|FIXME|XXX|HACK|TBD' || true
}

meta_main \
    'a.c' '/* TODO: later */' \
    'docs/b.md' 'This is FIXME.'
