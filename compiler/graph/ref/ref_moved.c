/*
 * ref_moved.c -- data of every type for kernels that only know whole bytes; boxes of elements.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_moved.h"

#include "systole/graph/strings.h"

#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------- elements below a byte */

static bool is_data(uint32_t data, uint32_t i)
{
    return data == IR_REF_EVERY || (i < 32 && (data >> i & 1u) != 0);
}

/* Bytes for t's elements under another type. */
static sy_status stand_in(const ir_kernel_args *args, const ir_tensor *t, sy_dtype dtype,
                          ir_tensor *out)
{
    if (ir_tensor_init(out, dtype, t->rank, t->dims, NULL) != SY_OK) {
        return base_fail(args->diag, SY_ERANGE, "an operand or result is too large");
    }
    out->data = base_arena_alloc(args->scratch, out->size_bytes + 1, 1);
    return out->data != NULL ? SY_OK : SY_ENOMEM;
}

static void unpack(const ir_tensor *t, ir_tensor *out)
{
    const uint32_t bits = sy_dtype_bits(t->dtype), per_byte = 8 / bits;
    const bool is_signed = sy_dtype_class_of(t->dtype) == SY_DC_INT;
    const int64_t n = ir_tensor_n_elements(t);
    for (int64_t i = 0; i < n; i++) {
        const uint32_t byte = ((const uint8_t *)t->data)[i / per_byte];
        const uint32_t v = byte >> ((uint32_t)(i % per_byte) * bits) & ((1u << bits) - 1);
        const uint32_t sign = is_signed ? v & 1u << (bits - 1) : 0;
        ((uint8_t *)out->data)[i] = (uint8_t)(v - 2 * sign);
    }
}

static void pack(const ir_tensor *t, ir_tensor *out)
{
    const uint32_t bits = sy_dtype_bits(out->dtype), per_byte = 8 / bits;
    const int64_t n = ir_tensor_n_elements(t);
    memset(out->data, 0, out->size_bytes);
    for (int64_t i = 0; i < n; i++) {
        const uint32_t v = ((const uint8_t *)t->data)[i] & ((1u << bits) - 1);
        uint8_t *byte = (uint8_t *)out->data + i / per_byte;
        *byte = (uint8_t)(*byte | v << ((uint32_t)(i % per_byte) * bits));
    }
}

/* ---------------------------------------------------------------- strings */

/* The strings of all operands, by number; number 0 is the empty one. */
typedef struct string_pool {
    int64_t n, capacity;
    ir_text *texts;
} string_pool;

static sy_status number_strings(const ir_kernel_args *args, string_pool *pool, const ir_tensor *t,
                                ir_tensor *out)
{
    const int64_t n = ir_tensor_n_elements(t);
    ir_text *texts = NULL;
    const sy_status status = ir_strings_read(t, args->scratch, &texts);
    if (status != SY_OK) {
        return status == SY_ENOMEM ? status
                                   : base_fail(args->diag, status, "a string tensor's bytes do not fit its shape");
    }
    for (int64_t i = 0; i < n; i++) {
        pool->texts[pool->n] = texts[i];
        ((int64_t *)out->data)[i] = pool->n++;
    }
    return SY_OK;
}

static sy_status string_result(const ir_kernel_args *args, uint32_t i, const string_pool *pool,
                               const ir_tensor *numbers)
{
    const int64_t n = ir_tensor_n_elements(numbers);
    const int64_t *v = numbers->data;
    size_t n_bytes = 0;
    for (int64_t k = 0; k < n; k++) {
        if (__builtin_add_overflow(n_bytes, sizeof(uint32_t) + pool->texts[v[k]].n_bytes, &n_bytes)) {
            return base_fail(args->diag, SY_ERANGE, "result %u is too large", i);
        }
    }
    SY_TRY(ir_kernel_room(args, i, n_bytes));
    char *at = args->outputs[i]->data;
    for (int64_t k = 0; k < n; k++) {
        const ir_text *s = &pool->texts[v[k]];
        base_set_le32(at, s->n_bytes);
        at += sizeof(uint32_t);
        if (s->n_bytes > 0) {
            memcpy(at, s->text, s->n_bytes);
        }
        at += s->n_bytes;
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- any type */

static sy_dtype stand_in_type(sy_dtype t)
{
    if (t == SY_DT_STRING) {
        return SY_DT_I64;
    }
    return sy_dtype_class_of(t) == SY_DC_INT ? SY_DT_I8 : SY_DT_U8;
}

static sy_status pool_create(const ir_kernel_args *args, uint32_t data, string_pool *pool)
{
    int64_t n = 1;
    for (uint32_t i = 0; i < args->n_inputs; i++) {
        const ir_tensor *t = args->inputs[i];
        n += t != NULL && is_data(data, i) ? ir_tensor_n_elements(t) : 0;
    }
    *pool = (string_pool){.n = 1, .texts = BASE_ARENA_ARRAY(args->scratch, ir_text, (size_t)n)};
    if (pool->texts == NULL) {
        return SY_ENOMEM;
    }
    pool->texts[0] = (ir_text){"", 0};
    return SY_OK;
}

static sy_status stand_in_operands(const ir_kernel_args *args, uint32_t data, sy_dtype dtype,
                                   string_pool *pool, ir_tensor *tensors, const ir_tensor **inputs)
{
    for (uint32_t i = 0; i < args->n_inputs; i++) {
        const ir_tensor *t = args->inputs[i];
        inputs[i] = t;
        if (t == NULL || !is_data(data, i)) {
            continue;
        }
        if (t->dtype != dtype) {
            return base_fail(args->diag, SY_EINVAL, "operands must have one type, got %s and %s",
                             sy_dtype_name(dtype), sy_dtype_name(t->dtype));
        }
        SY_TRY(stand_in(args, t, stand_in_type(dtype), &tensors[i]));
        if (dtype == SY_DT_STRING) {
            SY_TRY(number_strings(args, pool, t, &tensors[i]));
        } else {
            unpack(t, &tensors[i]);
        }
        inputs[i] = &tensors[i];
    }
    return SY_OK;
}

static sy_status move_stand_ins(const ir_kernel_args *args, uint32_t data, sy_dtype dtype,
                                ir_kernel_fn plain)
{
    ir_kernel_args inner = *args;
    ir_tensor *tensors = BASE_ARENA_ARRAY(args->scratch, ir_tensor,
                                          (size_t)args->n_inputs + args->n_outputs);
    const ir_tensor **inputs = BASE_ARENA_ARRAY(args->scratch, const ir_tensor *, args->n_inputs);
    ir_tensor **outputs = BASE_ARENA_ARRAY(args->scratch, ir_tensor *, args->n_outputs);
    string_pool pool;
    if (tensors == NULL || inputs == NULL || outputs == NULL) {
        return SY_ENOMEM;
    }
    SY_TRY(pool_create(args, data, &pool));
    SY_TRY(stand_in_operands(args, data, dtype, &pool, tensors, inputs));
    for (uint32_t i = 0; i < args->n_outputs; i++) {
        ir_tensor *t = args->outputs[i];
        outputs[i] = t;
        if (t != NULL && t->dtype == dtype) {
            outputs[i] = &tensors[args->n_inputs + i];
            SY_TRY(stand_in(args, t, stand_in_type(dtype), outputs[i]));
        }
    }
    inner.inputs = inputs;
    inner.outputs = outputs;
    SY_TRY(plain(&inner));
    for (uint32_t i = 0; i < args->n_outputs; i++) {
        if (args->outputs[i] == NULL || args->outputs[i]->dtype != dtype) {
            continue;
        }
        if (dtype == SY_DT_STRING) {
            SY_TRY(string_result(args, i, &pool, outputs[i]));
        } else {
            pack(outputs[i], args->outputs[i]);
        }
    }
    return SY_OK;
}

sy_status ir_ref_moved(const ir_kernel_args *args, uint32_t data, ir_kernel_fn plain)
{
    sy_dtype dtype = SY_DT_NONE;
    for (uint32_t i = 0; i < args->n_inputs && dtype == SY_DT_NONE; i++) {
        dtype = args->inputs[i] != NULL && is_data(data, i) ? args->inputs[i]->dtype : SY_DT_NONE;
    }
    if (ir_ref_element_bytes(dtype) != 0 || dtype == SY_DT_NONE) {
        return plain(args);
    }
    return move_stand_ins(args, data, dtype, plain);
}

/* ---------------------------------------------------------------- boxes */

void ir_ref_own_strides(const ir_tensor *t, int64_t strides[IR_MAX_RANK])
{
    int64_t stride = 1;
    for (int32_t i = t->rank - 1; i >= 0; i--) {
        strides[i] = stride;
        stride *= t->dims[i];
    }
}

#define COPY_ELEMENTS(n_bytes)                                          \
    for (int64_t i = 0; i < n; i++) {                                   \
        memcpy(to + i * to_step, from + i * from_step, (n_bytes)); \
    }

/* One row; steps in bytes. The sizes are spelled out so that each copy is one instruction. */
static void copy_row(int64_t n, char *to, int64_t to_step, const char *from, int64_t from_step,
                     size_t bytes)
{
    if (to_step == (int64_t)bytes && from_step == (int64_t)bytes) {
        memcpy(to, from, (size_t)n * bytes);
    } else if (bytes == 1) {
        COPY_ELEMENTS(1)
    } else if (bytes == 2) {
        COPY_ELEMENTS(2)
    } else if (bytes == 4) {
        COPY_ELEMENTS(4)
    } else if (bytes == 8) {
        COPY_ELEMENTS(8)
    } else {
        COPY_ELEMENTS(bytes)
    }
}

/* Leaves out axes of size 1 and joins axes that both sides step through as through one. */
static int32_t join_axes(int32_t rank, const int64_t *dims, const int64_t *to, const int64_t *from,
                         int64_t out[3][IR_REF_BOX_RANK])
{
    int32_t n = 0;
    for (int32_t i = 0; i < rank; i++) {
        if (dims[i] == 1) {
            continue;
        }
        if (n > 0 && out[1][n - 1] == to[i] * dims[i] && out[2][n - 1] == from[i] * dims[i]) {
            n--;
            out[0][n] *= dims[i];
        } else {
            out[0][n] = dims[i];
        }
        out[1][n] = to[i];
        out[2][n] = from[i];
        n++;
    }
    return n;
}

void ir_ref_copy_box(int32_t rank, const int64_t *dims, void *to, const int64_t *to_strides,
                     const void *from, const int64_t *from_strides, size_t bytes)
{
    int64_t axes[3][IR_REF_BOX_RANK] = {{0}}, index[IR_REF_BOX_RANK] = {0};
    for (int32_t i = 0; i < rank; i++) {
        if (dims[i] == 0) {
            return;
        }
    }
    const int32_t n = join_axes(rank, dims, to_strides, from_strides, axes);
    if (n == 0) {
        memcpy(to, from, bytes);
        return;
    }
    const int64_t width = (int64_t)bytes, *sizes = axes[0], *to_steps = axes[1],
                  *from_steps = axes[2];
    int64_t to_at = 0, from_at = 0; /* offsets, which may pass outside between rows; pointers may not */
    for (int32_t a = 0; a >= 0;) {
        copy_row(sizes[n - 1], (char *)to + to_at * width, to_steps[n - 1] * width,
                 (const char *)from + from_at * width, from_steps[n - 1] * width, bytes);
        for (a = n - 2; a >= 0; a--) {
            to_at += to_steps[a];
            from_at += from_steps[a];
            if (++index[a] < sizes[a]) {
                break;
            }
            to_at -= to_steps[a] * sizes[a];
            from_at -= from_steps[a] * sizes[a];
            index[a] = 0;
        }
    }
}

/* ---------------------------------------------------------------- indices and order */

sy_status ir_ref_axis_of(const ir_kernel_args *args, int32_t rank, int64_t fallback, int32_t *out)
{
    const int64_t axis = ir_node_int(args->node, "axis", fallback);
    if (!ir_ref_axis(axis, rank, out)) {
        return base_fail(args->diag, SY_EINVAL, "axis %lld is outside a tensor of %d dimensions",
                         (long long)axis, rank);
    }
    return SY_OK;
}

sy_status ir_ref_index(const ir_kernel_args *args, int64_t index, int64_t size, int64_t *out)
{
    if (index < -size || index >= size) {
        return base_fail(args->diag, SY_ERANGE, "index %lld is outside the axis of size %lld",
                         (long long)index, (long long)size);
    }
    *out = index + (index < 0 ? size : 0);
    return SY_OK;
}

sy_status ir_ref_indices(const ir_kernel_args *args, const ir_tensor *indices, int64_t size,
                         int64_t **out)
{
    const int64_t n = ir_tensor_n_elements(indices);
    const bool narrow = indices->dtype == SY_DT_I32;
    int64_t *v = BASE_ARENA_ARRAY(args->scratch, int64_t, (size_t)n);
    SY_TRY(ir_ref_need(args, indices, narrow || indices->dtype == SY_DT_I64));
    if (v == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t i = 0; i < n; i++) {
        const int64_t index = narrow ? ((const int32_t *)indices->data)[i]
                                     : ((const int64_t *)indices->data)[i];
        if (index >= 0 && index < size) {
            v[i] = index;
        } else {
            SY_TRY(ir_ref_index(args, index, size, &v[i]));
        }
    }
    *out = v;
    return SY_OK;
}

int64_t ir_ref_order(const ir_tensor *t, int64_t i)
{
    if (ir_ref_is_float(t->dtype)) {
        const double v = ir_ref_get(t, i);
        int64_t bits;
        memcpy(&bits, &v, sizeof bits);
        return isnan(v) ? INT64_MAX : v == 0.0 ? 0 : bits < 0 ? INT64_MIN - bits : bits;
    }
    const int64_t v = ir_ref_get_int(t, i);
    return t->dtype == SY_DT_U64 ? (int64_t)((uint64_t)v ^ (uint64_t)INT64_MIN) : v;
}

void ir_ref_orders(const ir_tensor *t, int64_t from, int64_t step, int64_t n, int64_t *out)
{
    const float *f = t->data;
    for (int64_t i = 0; t->dtype == SY_DT_F32 && i < n; i++) { /* as below, without the way through double */
        const float v = f[from + i * step];
        int32_t code;
        memcpy(&code, &v, sizeof code);
        out[i] = v != v ? INT64_MAX : v == 0.0f ? 0 : code < 0 ? (int64_t)INT32_MIN - code : code;
    }
    for (int64_t i = 0; t->dtype != SY_DT_F32 && i < n; i++) {
        out[i] = ir_ref_order(t, from + i * step);
    }
}
