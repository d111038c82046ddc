/*
 * ref_shape.c -- Shape, Size, Constant, ConstantOfShape, Range.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_internal.h"

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

sy_status ir_ref_constant(const ir_kernel_args *args)
{
    const ir_node *n = args->node;
    ir_tensor *y = ir_kernel_output(args, 0);
    ir_const *value = ir_node_tensor(n, "value");
    const void *bytes = NULL;
    if (value != NULL) {
        SY_TRY(attribute_bytes(args, value, &bytes));
        if (value->size_bytes != y->size_bytes) {
            return base_fail(args->diag, SY_ESHAPE, "the value has %zu bytes, the result %zu",
                             value->size_bytes, y->size_bytes);
        }
        if (y->size_bytes > 0) {
            memcpy(y->data, bytes, y->size_bytes);
        }
        return SY_OK;
    }
    const ir_attr *a = NULL;
    const char *names[] = {"value_float", "value_floats", "value_int", "value_ints"};
    for (size_t i = 0; i < sizeof names / sizeof names[0] && a == NULL; i++) {
        a = ir_node_attr(n, names[i]);
    }
    if (a == NULL) {
        return base_fail(args->diag, SY_EUNSUPPORTED,
                         "Constant of strings is not supported on the cpu");
    }
    const int64_t count = ir_tensor_n_elements(y);
    for (int64_t i = 0; i < count; i++) {
        if (a->kind == IR_ATTR_FLOAT || a->kind == IR_ATTR_FLOATS) {
            ((float *)y->data)[i] = a->kind == IR_ATTR_FLOAT ? a->u.f : a->u.floats[i];
        } else {
            ((int64_t *)y->data)[i] = a->kind == IR_ATTR_INT ? a->u.i : a->u.ints[i];
        }
    }
    return SY_OK;
}

sy_status ir_ref_constantofshape(const ir_kernel_args *args)
{
    ir_tensor *y = ir_kernel_output(args, 0);
    ir_const *value = ir_node_tensor(args->node, "value");
    const size_t bytes = ir_ref_element_bytes(y->dtype);
    SY_TRY(ir_ref_need(args, y, bytes != 0));
    if (value == NULL) {
        memset(y->data, 0, y->size_bytes);
        return SY_OK;
    }
    const void *from = NULL;
    SY_TRY(attribute_bytes(args, value, &from));
    if (value->size_bytes != bytes) {
        return base_fail(args->diag, SY_ESHAPE, "the value must have one element");
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
