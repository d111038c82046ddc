/*
 * jit.c -- machine code of elementwise programs: made by LLVM, kept on disk and in memory that may be executed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "jit.h"

#include "systole/base/buf.h"
#include "systole/base/file.h"
#include "systole/base/hash.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#define MIN_ELEMENT_OPERATIONS ((int64_t)1 << 18) /* fewer are done before LLVM is loaded */
#define MAX_CODE_BYTES         ((size_t)1 << 20)
#define VERSION                "systole jit 1"

typedef struct entry {
    struct entry *next;
    uint64_t key[2];
    void *memory; /* NULL: there is none, do not ask again */
    size_t n_bytes;
} entry;

struct rt_jit {
    base_arena *arena;
    rt_jit_mode mode;
    bool no_llvm; /* it was tried */
    cc_host_program *program; /* under construction */
    entry *entries;
};

/* What stands in front of the code in a file. */
typedef struct file_head {
    char magic[8];
    uint64_t key[2];
    uint64_t n_bytes, sum; /* of what follows */
} file_head;

static const char magic[8] = "sysjit01";

rt_jit *rt_jit_create(rt_jit_mode mode)
{
    base_arena *arena = base_arena_create();
    rt_jit *jit = arena != NULL ? BASE_ARENA_NEW(arena, rt_jit) : NULL;
    const char *wanted = getenv("SYSTOLE_JIT");
    if (jit == NULL) {
        base_arena_destroy(arena);
        return NULL;
    }
    jit->arena = arena;
    jit->mode = mode;
    if (mode == RT_JIT_AUTO && wanted != NULL) {
        jit->mode = strcmp(wanted, "off") == 0 ? RT_JIT_OFF : strcmp(wanted, "always") == 0 ? RT_JIT_ALWAYS : mode;
    }
    return jit;
}

void rt_jit_destroy(rt_jit *jit)
{
    if (jit == NULL) {
        return;
    }
    for (entry *e = jit->entries; e != NULL; e = e->next) {
        if (e->memory != NULL) {
            (void)munmap(e->memory, e->n_bytes);
        }
    }
    base_arena_destroy(jit->arena);
}

/* ---------------------------------------------------------------- keys */

/* What the code depends on besides the program: the processor, as it describes itself. */
static uint64_t processor(uint64_t h)
{
#if defined(__x86_64__)
    const unsigned leaves[][2] = {{0, 0}, {1, 0}, {7, 0}, {7, 1}, {0x80000001u, 0}};
    for (size_t i = 0; i < sizeof leaves / sizeof leaves[0]; i++) {
        unsigned words[4] = {0};
        (void)__get_cpuid_count(leaves[i][0], leaves[i][1], &words[0], &words[1], &words[2], &words[3]);
        if (leaves[i][0] == 1) {
            words[1] = 0;            /* which processor of the machine this is */
            words[2] &= ~(1u << 27); /* OSXSAVE, the system's */
        }
        h = base_hash_fnv1a_more(h, words, sizeof words);
    }
#endif
    return h;
}

static void key_of(const cc_host_program *p, uint64_t key[2])
{
    for (uint64_t i = 0; i < 2; i++) {
        uint64_t h = base_hash_fnv1a_more(BASE_FNV1A_INIT ^ (i * 0x9e3779b97f4a7c15u), VERSION, sizeof VERSION);
        h = base_hash_fnv1a_more(h, &p->n_inputs, sizeof p->n_inputs);
        for (uint32_t k = 0; k < p->n_values; k++) {
            const cc_host_value *v = &p->values[k];
            const uint32_t words[] = {(uint32_t)v->op, (uint32_t)v->type, v->a, v->b, v->c, v->bits};
            h = base_hash_fnv1a_more(h, words, sizeof words);
        }
        key[i] = processor(h);
    }
}

/* ---------------------------------------------------------------- the disk */

static bool make_folder(const char *path)
{
    struct stat st;
    return mkdir(path, 0700) == 0 || (stat(path, &st) == 0 && S_ISDIR(st.st_mode));
}

/* The file of a key; false if there is no place for it. */
static bool file_of(const uint64_t key[2], base_buf *path)
{
    const char *own = getenv("SYSTOLE_CACHE"), *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    base_buf_clear(path);
    if (own != NULL && own[0] != '\0') {
        base_buf_puts(path, own);
    } else if (xdg != NULL && xdg[0] == '/') {
        base_buf_printf(path, "%s/systole", xdg);
    } else if (home != NULL && home[0] == '/') {
        base_buf_printf(path, "%s/.cache", home);
        (void)(path->data != NULL && make_folder(path->data));
        base_buf_puts(path, "/systole");
    }
    if (path->n_bytes == 0 || base_buf_status(path) != SY_OK || !make_folder(path->data)) {
        return false;
    }
    base_buf_printf(path, "/%016llx%016llx.jit", (unsigned long long)key[0], (unsigned long long)key[1]);
    return base_buf_status(path) == SY_OK;
}

/* The code in a file; false if there is none, or anything about it is not as it should be. */
static bool read_file(const char *path, const uint64_t key[2], base_buf *bytes)
{
    file_head head;
    if (base_file_read(NULL, path, MAX_CODE_BYTES, bytes) != SY_OK || bytes->n_bytes <= sizeof head) {
        return false;
    }
    memcpy(&head, bytes->data, sizeof head);
    const char *code = (const char *)bytes->data + sizeof head;
    return memcmp(head.magic, magic, sizeof magic) == 0 && head.key[0] == key[0] && head.key[1] == key[1] &&
           head.n_bytes == bytes->n_bytes - sizeof head &&
           head.sum == base_hash_fnv1a_more(BASE_FNV1A_INIT, code, head.n_bytes);
}

/* A cache that cannot be written is none: no error. */
static void write_file(const char *path, const uint64_t key[2], const cc_host_code *code)
{
    base_buf bytes = {0};
    file_head head = {.key = {key[0], key[1]}, .n_bytes = code->n_bytes};
    memcpy(head.magic, magic, sizeof magic);
    head.sum = base_hash_fnv1a_more(BASE_FNV1A_INIT, code->bytes, code->n_bytes);
    if (base_buf_append(&bytes, &head, sizeof head) && base_buf_append(&bytes, code->bytes, code->n_bytes)) {
        (void)base_file_write_atomic(NULL, path, bytes.data, bytes.n_bytes);
    }
    base_buf_free(&bytes);
}

/* ---------------------------------------------------------------- code */

/* Puts code where it may be executed, and not written any more. */
static void place(entry *e, const void *code, size_t n_bytes)
{
    void *memory = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return;
    }
    memcpy(memory, code, n_bytes);
    if (mprotect(memory, n_bytes, PROT_READ | PROT_EXEC) != 0) {
        (void)munmap(memory, n_bytes);
        return;
    }
    e->memory = memory;
    e->n_bytes = n_bytes;
}

static void make_code(rt_jit *jit, const cc_host_program *p, const char *path, entry *e)
{
    cc_host_code code;
    base_arena *scratch = jit->no_llvm ? NULL : base_arena_create();
    if (scratch == NULL) {
        return;
    }
    const sy_status status = cc_host_kernel(scratch, p, &code, NULL);
    jit->no_llvm = status == SY_EUNSUPPORTED;
    if (status == SY_OK) {
        place(e, code.bytes, code.n_bytes);
        if (path != NULL) {
            write_file(path, e->key, &code);
        }
    }
    base_arena_destroy(scratch);
}

static entry *find(const rt_jit *jit, const uint64_t key[2])
{
    entry *e = jit->entries;
    while (e != NULL && (e->key[0] != key[0] || e->key[1] != key[1])) {
        e = e->next;
    }
    return e;
}

cc_host_kernel_fn rt_jit_get(rt_jit *jit, const rt_chain *c, int64_t n_elements)
{
    const bool few = n_elements >= 0 && n_elements < MIN_ELEMENT_OPERATIONS / (int64_t)(c->n_code > 0 ? c->n_code : 1);
    cc_host_kernel_fn kernel = NULL;
    cc_host_program *p = NULL;
    uint64_t key[2];
    if (jit == NULL || jit->mode == RT_JIT_OFF || (jit->mode == RT_JIT_AUTO && (few || c->n_code < 2))) {
        return NULL;
    }
    if (jit->program == NULL) { /* large, and most plans need none */
        jit->program = BASE_ARENA_NEW(jit->arena, cc_host_program);
    }
    p = jit->program;
    if (p == NULL || !rt_jit_lower(c, p)) {
        return NULL;
    }
    key_of(p, key);
    entry *e = find(jit, key);
    if (e == NULL && (e = BASE_ARENA_NEW(jit->arena, entry)) != NULL) {
        base_buf path = {0}, bytes = {0};
        const bool on_disk = file_of(key, &path);
        memcpy(e->key, key, sizeof key);
        if (on_disk && read_file(path.data, key, &bytes)) {
            place(e, (const char *)bytes.data + sizeof(file_head), bytes.n_bytes - sizeof(file_head));
        } else {
            make_code(jit, p, on_disk ? path.data : NULL, e);
        }
        base_buf_free(&path);
        base_buf_free(&bytes);
        e->next = jit->entries;
        jit->entries = e;
    }
    if (e != NULL && e->memory != NULL) {
        memcpy(&kernel, &e->memory, sizeof kernel); /* POSIX: a pointer to data is one to code */
    }
    return kernel;
}
