# memory.sh -- memory comes from arenas: the C library's allocator is called in base/ and in the places named here.
#
# SPDX-License-Identifier: Apache-2.0
source "$PWD/tests/include/meta.bash"

# path pattern (anchored at both ends), and the reason
allowed() {
    cat << 'END'
base/.*                 arenas and buffers are made here
runtime/buffer\.c       tensors' memory: sized by the user's data, freed one by one
END
}

check() {
    local patterns
    patterns=$(allowed | sed -E 's/^([^ ]+) .*/^\1$/' | paste -s -d '|')
    source_files | grep -E '^(isa|compiler|simulator|rtl|runtime|cli)/.*\.(c|h)$' | grep -v -E "$patterns" |
        xargs -r -d '\n' grep -n -E '\b(malloc|calloc|realloc|aligned_alloc|posix_memalign|strdup|strndup|v?asprintf)[[:space:]]*\(' || true
}

meta_main \
    'simulator/a.c' 'void *p = malloc(1);' \
    'compiler/passes/a.c' 'char *s = strdup("x");'
