/*
 * ref_text.c -- strings in kernels.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_text.h"

#include <string.h>

sy_status ir_ref_texts(const ir_kernel_args *args, const ir_tensor *t, ir_text **out)
{
    if (t == NULL || ir_tensor_is_list(t)) {
        return base_fail(args->diag, SY_EINVAL, "an operand must be a tensor of strings");
    }
    SY_TRY(ir_ref_need(args, t, t->dtype == SY_DT_STRING));
    const sy_status status = ir_strings_read(t, args->scratch, out);
    return status == SY_EINVAL ? base_fail(args->diag, status, "the bytes of a string operand are damaged") : status;
}

bool ir_ref_text_equal(const ir_text *a, const ir_text *b)
{
    return a->n_bytes == b->n_bytes && (a->n_bytes == 0 || memcmp(a->text, b->text, a->n_bytes) == 0);
}

/* Bytes that texts take as elements. */
static bool encoded_bytes(int64_t n, const ir_text *texts, size_t *out)
{
    *out = 0;
    for (int64_t i = 0; i < n; i++) {
        if (__builtin_add_overflow(*out, sizeof(uint32_t) + texts[i].n_bytes, out)) {
            return false;
        }
    }
    return true;
}

static void encode(int64_t n, const ir_text *texts, char *to)
{
    for (int64_t i = 0; i < n; i++) {
        base_set_le32(to, texts[i].n_bytes);
        to += sizeof(uint32_t);
        if (texts[i].n_bytes > 0) {
            memcpy(to, texts[i].text, texts[i].n_bytes);
        }
        to += texts[i].n_bytes;
    }
}

static sy_status too_large(const ir_kernel_args *args)
{
    return base_fail(args->diag, SY_ERANGE, "the result is too large");
}

sy_status ir_ref_result_texts(const ir_kernel_args *args, uint32_t i, int64_t n, const ir_text *texts)
{
    size_t n_bytes;
    if (!encoded_bytes(n, texts, &n_bytes)) {
        return too_large(args);
    }
    SY_TRY(ir_kernel_room(args, i, n_bytes));
    const ir_tensor *t = ir_kernel_output(args, i);
    if (t != NULL) {
        encode(n, texts, t->data);
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- cells */

sy_status ir_ref_cells_make(const ir_kernel_args *args, sy_dtype dtype, int64_t n, ir_ref_cells *out)
{
    const size_t bytes = dtype == SY_DT_STRING ? sizeof(ir_text) : ir_ref_element_bytes(dtype);
    if (bytes == 0) {
        return base_fail(args->diag, SY_EUNSUPPORTED, "%s is not supported here", sy_dtype_name(dtype));
    }
    if (n < 0 || (uint64_t)n > SIZE_MAX / 2 / bytes) {
        return too_large(args);
    }
    *out = (ir_ref_cells){ .dtype = dtype, .cell_bytes = bytes };
    out->cells = base_arena_alloc(args->scratch, (size_t)n, bytes);
    return out->cells != NULL ? SY_OK : SY_ENOMEM;
}

sy_status ir_ref_cells_read(const ir_kernel_args *args, const ir_tensor *t, ir_ref_cells *out)
{
    if (t->dtype == SY_DT_STRING) {
        ir_text *texts = NULL;
        SY_TRY(ir_ref_texts(args, t, &texts));
        *out = (ir_ref_cells){ SY_DT_STRING, sizeof *texts, (char *)texts };
        return SY_OK;
    }
    *out = (ir_ref_cells){ t->dtype, ir_ref_element_bytes(t->dtype), t->data };
    return ir_ref_need(args, t, out->cell_bytes > 0);
}

sy_status ir_ref_cells_tensor(const ir_kernel_args *args, const ir_ref_cells *cells, int32_t rank, const int64_t *dims,
                              ir_tensor *out)
{
    if (ir_tensor_init(out, cells->dtype, rank, dims, cells->cells) != SY_OK) {
        return too_large(args);
    }
    if (cells->dtype != SY_DT_STRING) {
        return SY_OK;
    }
    const ir_text *texts = (const ir_text *)(const void *)cells->cells;
    const int64_t n = ir_tensor_n_elements(out);
    if (!encoded_bytes(n, texts, &out->size_bytes)) {
        return too_large(args);
    }
    out->data = base_arena_alloc(args->scratch, out->size_bytes, 1);
    if (out->data == NULL) {
        return SY_ENOMEM;
    }
    encode(n, texts, out->data);
    return SY_OK;
}

/* ---------------------------------------------------------------- tables of keys */

static uint64_t mixed(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9u;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static uint64_t text_hash(const ir_text *t)
{
    uint64_t h = 14695981039346656037u;
    for (uint32_t i = 0; i < t->n_bytes; i++) {
        h = (h ^ (unsigned char)t->text[i]) * 1099511628211u;
    }
    return mixed(h);
}

/* The slot of the key: its own, or the free one where it would be. */
static int64_t *slot_of(const ir_ref_index *x, int64_t key, const ir_text *text)
{
    for (uint64_t i = text != NULL ? text_hash(text) : mixed((uint64_t)key);; i++) {
        int64_t *slot = &x->slots[i & x->mask];
        if (*slot == 0 ||
            (text != NULL ? ir_ref_text_equal(&x->texts[*slot - 1], text) : x->ints[*slot - 1] == key)) {
            return slot;
        }
    }
}

sy_status ir_ref_index_make(base_arena *scratch, int64_t n, const int64_t *ints, const ir_text *texts, bool last,
                            ir_ref_index *out)
{
    uint64_t size = 4;
    while (size < (uint64_t)n * 2 + 2) {
        size *= 2;
    }
    *out = (ir_ref_index){ .mask = size - 1, .ints = ints, .texts = texts };
    out->slots = BASE_ARENA_ARRAY(scratch, int64_t, size);
    if (out->slots == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t *slot = slot_of(out, ints != NULL ? ints[i] : 0, texts != NULL ? &texts[i] : NULL);
        *slot = *slot == 0 || last ? i + 1 : *slot;
    }
    return SY_OK;
}

int64_t ir_ref_index_int(const ir_ref_index *index, int64_t key)
{
    return *slot_of(index, key, NULL) - 1;
}

int64_t ir_ref_index_text(const ir_ref_index *index, const ir_text *key)
{
    return *slot_of(index, 0, key) - 1;
}

sy_status ir_ref_attr_texts(const ir_kernel_args *args, const char *name, uint32_t *n, ir_text **out)
{
    const ir_attr *a = ir_node_attr(args->node, name);
    *n = a != NULL && a->kind == IR_ATTR_STRINGS ? a->n : 0;
    *out = BASE_ARENA_ARRAY(args->scratch, ir_text, *n);
    if (*out == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t i = 0; i < *n; i++) {
        if (a->u.strings[i].n > UINT32_MAX) {
            return base_fail(args->diag, SY_ERANGE, "attribute '%s': a string is too long", name);
        }
        (*out)[i] = (ir_text){ a->u.strings[i].text, (uint32_t)a->u.strings[i].n };
    }
    return SY_OK;
}
