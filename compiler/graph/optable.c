/*
 * optable.c -- the operator table: built-in rows from optable.def, lookup, rows added by users.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/graph/optable.h"

#include "systole/graph/list.h"

#include "infer_internal.h"
#include "systole/base/hash.h"

#include <string.h>

#define REF(id, function) sy_status function(const ir_kernel_args *args);
#include "ref/ref_kernels.def"
#undef REF

/* One slot more, so that the initialiser is legal before the first kernel exists. */
static const ir_kernel_fn reference_kernels[IR_OP_COUNT + 1] = {
    [IR_OP_COUNT] = NULL,
#define REF(id, function) [IR_OP_##id] = function,
#include "ref/ref_kernels.def"
#undef REF
};

static const ir_op builtin_rows[IR_OP_COUNT] = {
#define OP(id, dom, opname, version, min_in, max_in, min_out, max_out, inference, properties, accelerator, \
           attributes, line)                                                                             \
    [IR_OP_##id] = { .code = IR_OP_##id, .domain = dom, .name = opname, .since = version,                \
                     .min_inputs = min_in, .max_inputs = max_in, .min_outputs = min_out,                 \
                     .max_outputs = max_out, .infer = ir_infer_##inference, .props = (properties),       \
                     .accel = accelerator, .attrs = attributes, .doc = line },
#include "systole/graph/optable.def"
#undef OP
};

/*
 * Rows are pointers, so that they stay put when the table grows. Lookup is a hash table with open addressing
 * over (domain, name), at most half full.
 */
struct ir_optable {
    base_arena *arena;
    uint32_t n_rows, rows_capacity;
    ir_op **rows;
    uint32_t slots_mask;
    ir_op **slots;
};

static const char *canonical_domain(const char *domain)
{
    return strcmp(domain, "ai.onnx") == 0 ? "" : domain;
}

static uint32_t hash_key(const char *domain, const char *name)
{
    const uint64_t h = base_hash_fnv1a_more(BASE_FNV1A_INIT, domain, strlen(domain) + 1);
    return (uint32_t)base_hash_fnv1a_more(h, name, strlen(name));
}

static ir_op **find_slot(const ir_optable *t, const char *domain, const char *name)
{
    for (uint32_t i = hash_key(domain, name);; i++) {
        ir_op **slot = &t->slots[i & t->slots_mask];
        if (*slot == NULL ||
            (strcmp((*slot)->name, name) == 0 && strcmp((*slot)->domain, domain) == 0)) {
            return slot;
        }
    }
}

static sy_status grow(ir_optable *t)
{
    const uint32_t capacity = t->rows_capacity * 2;
    ir_op **rows = BASE_ARENA_ARRAY(t->arena, ir_op *, capacity);
    ir_op **slots = BASE_ARENA_ARRAY(t->arena, ir_op *, (size_t)capacity * 2);
    if (rows == NULL || slots == NULL) {
        return SY_ENOMEM;
    }
    if (t->n_rows > 0) {
        memcpy(rows, t->rows, t->n_rows * sizeof *rows);
    }
    t->rows = rows;
    t->rows_capacity = capacity;
    t->slots = slots;
    t->slots_mask = capacity * 2 - 1;
    for (uint32_t i = 0; i < t->n_rows; i++) {
        *find_slot(t, rows[i]->domain, rows[i]->name) = rows[i];
    }
    return SY_OK;
}

static sy_status append(ir_optable *t, ir_op *row)
{
    if (t->n_rows == t->rows_capacity) {
        SY_TRY(grow(t));
    }
    row->code = t->n_rows;
    t->rows[t->n_rows++] = row;
    *find_slot(t, row->domain, row->name) = row;
    return SY_OK;
}

sy_status ir_optable_create(base_arena *arena, ir_optable **out)
{
    ir_optable *t = BASE_ARENA_NEW(arena, ir_optable);
    ir_op *rows = BASE_ARENA_ARRAY(arena, ir_op, IR_OP_COUNT);
    if (t == NULL || rows == NULL) {
        return SY_ENOMEM;
    }
    t->arena = arena;
    t->rows_capacity = 64;
    SY_TRY(grow(t)); /* to the first slots; the capacity stays a power of two */
    for (uint32_t i = 0; i < IR_OP_COUNT; i++) {
        rows[i] = builtin_rows[i];
        rows[i].reference = reference_kernels[i];
        SY_TRY(append(t, &rows[i]));
    }
    *out = t;
    return SY_OK;
}

sy_status ir_optable_add(ir_optable *t, const ir_op *row, base_diag *diag, const ir_op **out)
{
    if (row->domain == NULL || row->name == NULL || row->name[0] == '\0') {
        return base_fail(diag, SY_EINVAL, "an operator row needs a domain and a name");
    }
    if (ir_optable_find(t, row->domain, row->name) != NULL) {
        return base_fail(diag, SY_EINVAL, "operator '%s.%s' is in the table already", row->domain,
                         row->name);
    }
    ir_op *copy = BASE_ARENA_NEW(t->arena, ir_op);
    if (copy == NULL) {
        return SY_ENOMEM;
    }
    *copy = *row;
    copy->domain = base_arena_strdup(t->arena, canonical_domain(row->domain));
    copy->name = base_arena_strdup(t->arena, row->name);
    copy->attrs = base_arena_strdup(t->arena, row->attrs != NULL ? row->attrs : "*");
    copy->doc = base_arena_strdup(t->arena, row->doc != NULL ? row->doc : "");
    if (copy->domain == NULL || copy->name == NULL || copy->attrs == NULL || copy->doc == NULL) {
        return SY_ENOMEM;
    }
    SY_TRY(append(t, copy));
    if (out != NULL) {
        *out = copy;
    }
    return SY_OK;
}

void ir_optable_set_fast(ir_optable *t, uint32_t code, ir_kernel_fn fast)
{
    if (code < t->n_rows) {
        t->rows[code]->fast = fast;
    }
}

const ir_op *ir_optable_find(const ir_optable *t, const char *domain, const char *name)
{
    return *find_slot(t, canonical_domain(domain), name);
}

const ir_op *ir_optable_row(const ir_optable *t, uint32_t code)
{
    return code < t->n_rows ? t->rows[code] : NULL;
}

uint32_t ir_optable_count(const ir_optable *t)
{
    return t->n_rows;
}

bool ir_op_attr_kind(const ir_op *op, const char *name, ir_attr_kind *kind)
{
    static const struct {
        const char *text;
        ir_attr_kind kind;
    } kinds[] = {
        { "int", IR_ATTR_INT },       { "float", IR_ATTR_FLOAT },   { "string", IR_ATTR_STRING },
        { "tensor", IR_ATTR_TENSOR }, { "graph", IR_ATTR_GRAPH },   { "ints", IR_ATTR_INTS },
        { "floats", IR_ATTR_FLOATS }, { "strings", IR_ATTR_STRINGS },
    };
    const size_t n = strlen(name);
    for (const char *p = op->attrs; *p != '\0';) {
        const size_t word = strcspn(p, " ");
        if (word > n && p[n] == ':' && memcmp(p, name, n) == 0) {
            for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
                if (strlen(kinds[i].text) == word - n - 1 &&
                    memcmp(p + n + 1, kinds[i].text, word - n - 1) == 0) {
                    *kind = kinds[i].kind;
                    return true;
                }
            }
        }
        p += word;
        p += strspn(p, " ");
    }
    return false;
}

const ir_tensor *ir_kernel_input(const ir_kernel_args *args, uint32_t i)
{
    return i < args->n_inputs ? args->inputs[i] : NULL;
}

ir_tensor *ir_kernel_output(const ir_kernel_args *args, uint32_t i)
{
    return i < args->n_outputs ? args->outputs[i] : NULL;
}

sy_status ir_kernel_room(const ir_kernel_args *args, uint32_t i, size_t n_bytes)
{
    ir_tensor *t = ir_kernel_output(args, i);
    if (t == NULL) {
        return SY_OK;
    }
    if (args->room == NULL) {
        return base_fail(args->diag, SY_EUNSUPPORTED, "the result's size is known only in a run");
    }
    t->size_bytes = n_bytes;
    return args->room(args->room_user, t);
}

sy_status ir_kernel_result(const ir_kernel_args *args, uint32_t i, sy_dtype dtype, int32_t rank, const int64_t *dims)
{
    ir_tensor *t = ir_kernel_output(args, i);
    if (t == NULL) {
        return SY_OK;
    }
    if (ir_tensor_init(t, dtype, rank, dims, NULL) != SY_OK) {
        return base_fail(args->diag, SY_ERANGE, "result %u is too large", i);
    }
    return dtype == SY_DT_STRING ? SY_OK : ir_kernel_room(args, i, t->size_bytes);
}

sy_status ir_kernel_result_list(const ir_kernel_args *args, uint32_t i, ir_type_kind kind, sy_dtype dtype, int64_t n,
                                const ir_tensor *entries)
{
    ir_tensor *t = ir_kernel_output(args, i);
    if (t == NULL) {
        return SY_OK;
    }
    if (ir_list_init(t, kind, dtype, n, entries) != SY_OK) {
        return base_fail(args->diag, SY_ERANGE, "result %u is too large", i);
    }
    SY_TRY(ir_kernel_room(args, i, t->size_bytes));
    ir_list_write(t, entries);
    return SY_OK;
}

sy_status ir_kernel_result_copy(const ir_kernel_args *args, uint32_t i, const ir_tensor *value)
{
    ir_tensor *t = ir_kernel_output(args, i);
    if (t == NULL) {
        return SY_OK;
    }
    *t = *value;
    t->data = NULL;
    SY_TRY(ir_kernel_room(args, i, value->size_bytes));
    if (value->size_bytes > 0) {
        memcpy(t->data, value->data, value->size_bytes);
    }
    return SY_OK;
}
