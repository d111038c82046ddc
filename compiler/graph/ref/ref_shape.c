/*
 * ref_shape.c -- Shape, Size, Constant, ConstantOfShape, Range.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_internal.h"

#include "systole/graph/strings.h"

#include <string.h>

sy_status ir_ref_shape(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    const int64_t rank = x->rank;
    int64_t start = ir_node_int(args->node, "start", 0);
    start += start < 0 ? rank : 0;
    start = start < 0 ? 0 : start > rank ? rank : start;
    const int64_t n = ir_tensor_n_elements(y);
    for (int64_t i = 0; i < n && start + i < rank; i++) {
        ir_ref_put_int(y, i, x->dims[start + i]);
    }
    return SY_OK;
}

sy_status ir_ref_size(const ir_kernel_args *args)
{
    ir_ref_put_int(ir_kernel_output(args, 0), 0, ir_tensor_n_elements(ir_kernel_input(args, 0)));
    return SY_OK;
}

/* The bytes of a tensor attribute; executors have them loaded before, so that threads only read
 * here. */
static sy_status attribute_bytes(const ir_kernel_args *args, ir_const *c, const void **out)
{
    if (c->data != NULL) {
        *out = c->data;
        return SY_OK;
    }
    return ir_const_data(args->node->graph->module, c, args->diag, out);
}

static sy_status constant_bytes(const ir_kernel_args *args, ir_const *value)
{
    ir_tensor *y = ir_kernel_output(args, 0);
    const void *bytes = NULL;
    SY_TRY(attribute_bytes(args, value, &bytes));
    if (value->dtype == SY_DT_STRING) {
        SY_TRY(ir_kernel_room(args, 0, value->size_bytes));
    }
    if (value->size_bytes != y->size_bytes) {
        return base_fail(args->diag, SY_ESHAPE, "the value has %zu bytes, the result %zu",
                         value->size_bytes, y->size_bytes);
    }
    if (y->size_bytes > 0) {
        memcpy(y->data, bytes, y->size_bytes);
    }
    return SY_OK;
}

static sy_status constant_strings(const ir_kernel_args *args, uint32_t n, const ir_str *strings)
{
    base_buf buf = {0};
    for (uint32_t i = 0; i < n; i++) {
        ir_strings_put(&buf, strings[i].text, strings[i].n);
    }
    sy_status status = base_buf_status(&buf);
    status = status == SY_OK ? ir_kernel_room(args, 0, buf.n_bytes) : status;
    if (status == SY_OK && buf.n_bytes > 0) {
        memcpy(ir_kernel_output(args, 0)->data, buf.data, buf.n_bytes);
    }
    base_buf_free(&buf);
    return status;
}

sy_status ir_ref_constant(const ir_kernel_args *args)
{
    ir_tensor *y = ir_kernel_output(args, 0);
    const ir_attr *a = args->node->n_attrs == 1 ? &args->node->attrs[0] : NULL;
    if (a == NULL || y == NULL) {
        return base_fail(args->diag, SY_EINVAL, "Constant must have one attribute");
    }
    switch (a->kind) {
    case IR_ATTR_TENSOR:
        return constant_bytes(args, a->u.tensor);
    case IR_ATTR_INT:
        memcpy(y->data, &a->u.i, sizeof a->u.i);
        return SY_OK;
    case IR_ATTR_FLOAT:
        memcpy(y->data, &a->u.f, sizeof a->u.f);
        return SY_OK;
    case IR_ATTR_STRING:
        return constant_strings(args, 1, &a->u.s);
    case IR_ATTR_INTS:
        memcpy(y->data, a->u.ints, a->n * sizeof *a->u.ints);
        return SY_OK;
    case IR_ATTR_FLOATS:
        memcpy(y->data, a->u.floats, a->n * sizeof *a->u.floats);
        return SY_OK;
    case IR_ATTR_STRINGS:
        return constant_strings(args, a->n, a->u.strings);
    case IR_ATTR_GRAPH:
        break;
    }
    return base_fail(args->diag, SY_EINVAL, "attribute '%s' holds no constant", a->name);
}

/* Elements below a byte: the first one of `from` in all places of the byte. */
static uint8_t repeated_bits(uint8_t from, uint32_t bits)
{
    uint32_t byte = 0;
    for (uint32_t at = 0; at < 8; at += bits) {
        byte |= (from & ((1u << bits) - 1)) << at;
    }
    return (uint8_t)byte;
}

sy_status ir_ref_constantofshape(const ir_kernel_args *args)
{
    ir_tensor *y = ir_kernel_output(args, 0);
    ir_const *value = ir_node_tensor(args->node, "value");
    const uint32_t bits = sy_dtype_bits(y->dtype);
    SY_TRY(ir_ref_need(args, y, bits != 0));
    if (y->size_bytes == 0) {
        return SY_OK;
    }
    if (value == NULL) {
        memset(y->data, 0, y->size_bytes);
        return SY_OK;
    }
    const size_t bytes = bits < 8 ? 1 : bits / 8;
    const void *from = NULL;
    SY_TRY(attribute_bytes(args, value, &from));
    if (value->size_bytes != bytes) {
        return base_fail(args->diag, SY_ESHAPE, "the value must have one element");
    }
    if (bits < 8) {
        memset(y->data, repeated_bits(*(const uint8_t *)from, bits), y->size_bytes);
        return SY_OK;
    }
    for (size_t at = 0; at < y->size_bytes; at += bytes) {
        memcpy((char *)y->data + at, from, bytes);
    }
    return SY_OK;
}

sy_status ir_ref_range(const ir_kernel_args *args)
{
    const ir_tensor *start = ir_kernel_input(args, 0);
    const ir_tensor *delta = ir_kernel_input(args, 2);
    ir_tensor *y = ir_kernel_output(args, 0);
    const bool is_float = ir_ref_is_float(y->dtype);
    SY_TRY(ir_ref_need(args, y, is_float || ir_ref_is_integer(y->dtype)));
    const int64_t n = ir_tensor_n_elements(y);
    for (int64_t i = 0; i < n; i++) {
        if (is_float) {
            ir_ref_put(y, i, ir_ref_get(start, 0) + (double)i * ir_ref_get(delta, 0));
        } else {
            ir_ref_put_int(y, i,
                           (int64_t)((uint64_t)ir_ref_get_int(start, 0) +
                                     (uint64_t)i * (uint64_t)ir_ref_get_int(delta, 0)));
        }
    }
    return SY_OK;
}
