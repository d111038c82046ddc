/*
 * onnx_type.c -- TypeProto to types; free dimensions as symbols; the shapes that the user gives.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "onnx_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TYPE_DEPTH 16

sy_dtype ir_onnx_dtype(int64_t number)
{
    /* the dtype table has ONNX's numbers */
    return number > 0 && number < SY_DT_COUNT ? (sy_dtype)number : SY_DT_NONE;
}

/* ---------------------------------------------------------------- free dimensions */

static const int64_t *known_size(const onnx_import *in, const char *symbol)
{
    for (uint32_t i = 0; i < in->n_symbols; i++) {
        if (in->symbols[i].symbol == symbol) {
            return &in->symbols[i].value;
        }
    }
    return NULL;
}

static sy_status learn_size(onnx_import *in, const char *symbol, int64_t value, const char *where)
{
    const int64_t *known = known_size(in, symbol);
    if (known != NULL) {
        return *known == value
                   ? SY_OK
                   : base_fail(in->diag, SY_EINVAL,
                               "%s: shape of '%s': free dimension '%s' is %lld here and %lld "
                               "elsewhere: give them one size",
                               in->file, where, symbol, (long long)value, (long long)*known);
    }
    SY_ASSERT(in->n_symbols < in->symbols_capacity);
    in->symbols[in->n_symbols].symbol = symbol;
    in->symbols[in->n_symbols++].value = value;
    return SY_OK;
}

/* Exporters write these for every size they do not know: equal names, but not equal sizes. */
static bool is_placeholder(const char *name)
{
    return name[0] == '\0' || strcmp(name, "?") == 0 || strcmp(name, "None") == 0 ||
           strcmp(name, "-1") == 0;
}

/* The free dimension that dimension i of a declared shape is; NULL: it is a size, or has no name.
 */
static const char *dim_name(const Onnx__TensorShapeProto *shape, size_t i)
{
    const Onnx__TensorShapeProto__Dimension *d = shape->dim[i];
    return d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM &&
                   !is_placeholder(d->dim_param)
               ? d->dim_param
               : NULL;
}

static const Onnx__TensorShapeProto *tensor_shape(const Onnx__TypeProto *t)
{
    return t != NULL && t->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE ? t->tensor_type->shape
                                                                             : NULL;
}

static const ir_import_shape *given_shape(const onnx_import *in, const char *name)
{
    for (uint32_t i = 0; in->options != NULL && i < in->options->n_shapes; i++) {
        if (strcmp(in->options->shapes[i].name, name) == 0) {
            in->shape_used[i] = true;
            return &in->options->shapes[i];
        }
    }
    return NULL;
}

/* A shape given for an input also fixes the free dimensions that its declared shape names. */
static sy_status learn_from_input(onnx_import *in, const Onnx__ValueInfoProto *input)
{
    const ir_import_shape *given = given_shape(in, input->name);
    const Onnx__TensorShapeProto *shape = tensor_shape(input->type);
    if (given == NULL || shape == NULL) {
        return SY_OK;
    }
    if (shape->n_dim != (size_t)given->rank) {
        return base_fail(in->diag, SY_EINVAL,
                         "%s: shape given for input '%s' has %d dimensions, the model's %zu",
                         in->file, input->name, given->rank, shape->n_dim);
    }
    for (int32_t i = 0; i < given->rank; i++) {
        const char *name = dim_name(shape, (size_t)i);
        if (name == NULL) {
            continue;
        }
        const char *symbol = ir_intern(in->m, name);
        if (symbol == NULL) {
            return SY_ENOMEM;
        }
        SY_TRY(learn_size(in, symbol, given->dims[i], input->name));
    }
    return SY_OK;
}

static uint32_t count_symbols(const onnx_import *in)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < in->options->n_shapes; i++) {
        n += 1 + (uint32_t)in->options->shapes[i].rank;
    }
    return n;
}

/* A name that is no input is a free dimension with one size; whether the model has it shows when
 * types are made. */
static sy_status learn_named(onnx_import *in, uint32_t i, const Onnx__GraphProto *graph)
{
    const ir_import_shape *s = &in->options->shapes[i];
    for (size_t k = 0; k < graph->n_input; k++) {
        if (graph->input[k]->name != NULL && strcmp(graph->input[k]->name, s->name) == 0) {
            return SY_OK;
        }
    }
    if (s->rank != 1) {
        return base_fail(in->diag, SY_EINVAL,
                         "%s: a shape is given for '%s', but the model has no such input", in->file,
                         s->name);
    }
    const char *symbol = ir_intern(in->m, s->name);
    return symbol == NULL ? SY_ENOMEM : learn_size(in, symbol, s->dims[0], s->name);
}

sy_status ir_onnx_shapes_prepare(onnx_import *in)
{
    const Onnx__GraphProto *graph = in->model->graph;
    if (in->options == NULL || in->options->n_shapes == 0) {
        return SY_OK;
    }
    in->symbols_capacity = count_symbols(in);
    in->symbols = base_arena_alloc(in->scratch, in->symbols_capacity, sizeof *in->symbols);
    in->shape_used = BASE_ARENA_ARRAY(in->scratch, bool, in->options->n_shapes);
    if (in->symbols == NULL || in->shape_used == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t i = 0; i < in->options->n_shapes; i++) {
        SY_TRY(learn_named(in, i, graph));
    }
    for (size_t i = 0; i < graph->n_input; i++) {
        if (graph->input[i]->name != NULL) {
            SY_TRY(learn_from_input(in, graph->input[i]));
        }
    }
    return SY_OK;
}

sy_status ir_onnx_shapes_check(onnx_import *in)
{
    for (uint32_t i = 0; in->options != NULL && i < in->options->n_shapes; i++) {
        if (!in->shape_used[i]) {
            return base_fail(in->diag, SY_EINVAL,
                             "%s: a shape is given for '%s', but the model has no input or free "
                             "dimension of that name",
                             in->file, in->options->shapes[i].name);
        }
    }
    return SY_OK;
}

sy_status ir_onnx_shape_given(onnx_import *in, const char *input, ir_type *type)
{
    const ir_import_shape *given = given_shape(in, input);
    if (given == NULL) {
        return SY_OK;
    }
    if (type->kind != IR_TYPE_TENSOR) {
        return base_fail(in->diag, SY_EINVAL, "%s: a shape is given for '%s', which is no tensor",
                         in->file, input);
    }
    return ir_type_tensor_i64(in->m, type->dtype, given->rank, given->dims, type);
}

/* ---------------------------------------------------------------- types */

static sy_status make_dim(onnx_import *in, const Onnx__TensorShapeProto *shape, size_t i,
                          const char *value_name, ir_dim *out)
{
    const Onnx__TensorShapeProto__Dimension *d = shape->dim[i];
    const char *name = dim_name(shape, i);
    if (name != NULL) {
        const char *symbol = ir_intern(in->m, name);
        const int64_t *size = symbol != NULL ? known_size(in, symbol) : NULL;
        if (size != NULL) {
            (void)given_shape(in, name); /* marks it as used */
        }
        *out = size != NULL ? ir_dim_const(in->m, *size) : ir_dim_symbol(in->m, name);
    } else if (d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE &&
               d->dim_value >= 0) {
        *out = ir_dim_const(in->m, d->dim_value);
    } else if (d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE &&
               d->dim_value < -1) {
        return base_fail(in->diag, SY_ERANGE,
                         "%s: '%s' has size %lld in dimension %zu, expected at least 0", in->file,
                         value_name, (long long)d->dim_value, i);
    } else { /* no size, no name, or -1, which some exporters write: an unknown of its own */
        const char *fresh = base_arena_printf(in->scratch, "%s.%zu", value_name, i);
        *out = fresh != NULL ? ir_dim_symbol(in->m, fresh) : NULL;
    }
    return ir_dim_check(in->m, *out, in->diag, value_name);
}

static sy_status check_size(onnx_import *in, const char *name, int32_t rank, const ir_dim *dims)
{
    int64_t n = 1;
    for (int32_t i = 0; i < rank; i++) {
        int64_t size = 0;
        if (!ir_dim_is_const(dims[i], &size)) {
            continue;
        }
        if (size == 0) {
            return SY_OK;
        }
        if (size > ONNX_MAX_ELEMENTS / n) {
            return base_fail(in->diag, SY_ERANGE, "%s: '%s' has more than 2^40 elements: refused",
                             in->file, name);
        }
        n *= size;
    }
    return SY_OK;
}

static sy_status tensor_type(onnx_import *in, const Onnx__TypeProto__Tensor *t, const char *name,
                             ir_type *out)
{
    const sy_dtype dtype = ir_onnx_dtype(t->has_elem_type ? t->elem_type : 0);
    if (dtype == SY_DT_NONE && t->has_elem_type && t->elem_type != 0) {
        return base_fail(in->diag, SY_EUNSUPPORTED,
                         "%s: '%s' has element type %d, which is not known here", in->file, name,
                         t->elem_type);
    }
    if (t->shape == NULL) {
        return ir_type_tensor(in->m, dtype, -1, NULL, out);
    }
    if (t->shape->n_dim > IR_MAX_RANK) {
        return base_fail(in->diag, SY_ERANGE,
                         "%s: '%s' has %zu dimensions, at most %d are possible", in->file, name,
                         t->shape->n_dim, IR_MAX_RANK);
    }
    ir_dim dims[IR_MAX_RANK];
    for (size_t i = 0; i < t->shape->n_dim; i++) {
        SY_TRY(make_dim(in, t->shape, i, name, &dims[i]));
    }
    SY_TRY(check_size(in, name, (int32_t)t->shape->n_dim, dims));
    return ir_type_tensor(in->m, dtype, (int32_t)t->shape->n_dim, dims, out);
}

static sy_status make_type(onnx_import *in, const Onnx__TypeProto *t, const char *name,
                           uint32_t depth, ir_type *out)
{
    ir_type elem = {0};
    if (t == NULL) {
        *out = (ir_type){.kind = IR_TYPE_UNKNOWN};
        return SY_OK;
    }
    if (depth > MAX_TYPE_DEPTH) {
        return base_fail(in->diag, SY_ERANGE, "%s: the type of '%s' is nested deeper than %d",
                         in->file, name, MAX_TYPE_DEPTH);
    }
    switch (t->value_case) {
    case ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE:
        return tensor_type(in, t->tensor_type, name, out);
    case ONNX__TYPE_PROTO__VALUE_SEQUENCE_TYPE:
        SY_TRY(make_type(in, t->sequence_type->elem_type, name, depth + 1, &elem));
        return ir_type_sequence(in->m, &elem, out);
    case ONNX__TYPE_PROTO__VALUE_OPTIONAL_TYPE:
        SY_TRY(make_type(in, t->optional_type->elem_type, name, depth + 1, &elem));
        return ir_type_optional(in->m, &elem, out);
    case ONNX__TYPE_PROTO__VALUE_MAP_TYPE:
        SY_TRY(make_type(in, t->map_type->value_type, name, depth + 1, &elem));
        return ir_type_map(in->m,
                           ir_onnx_dtype(t->map_type->has_key_type ? t->map_type->key_type : 0),
                           &elem, out);
    case ONNX__TYPE_PROTO__VALUE_SPARSE_TENSOR_TYPE:
        return base_fail(in->diag, SY_EUNSUPPORTED, "%s: '%s' is a sparse tensor: make it dense",
                         in->file, name);
    case ONNX__TYPE_PROTO__VALUE__NOT_SET:
    case _ONNX__TYPE_PROTO__VALUE__CASE_IS_INT_SIZE:
        *out = (ir_type){.kind = IR_TYPE_UNKNOWN};
        return SY_OK;
    }
    SY_UNREACHABLE();
}

sy_status ir_onnx_type(onnx_import *in, const Onnx__TypeProto *t, const char *name, ir_type *out)
{
    return make_type(in, t, name, 0, out);
}

/* ---------------------------------------------------------------- NAME=DIMS */

sy_status ir_import_parse_shape(base_arena *arena, const char *text, base_diag *diag,
                                ir_import_shape *out)
{
    const char *equals = strrchr(text, '='); /* names may hold '=', sizes do not */
    ir_import_shape shape = {0};
    if (equals == NULL || equals == text) {
        return base_fail(diag, SY_EINVAL,
                         "shape '%s': expected NAME=DIMS, such as image=1x3x224x224 or batch=8",
                         text);
    }
    const char *p = equals + 1;
    while (*p != '\0') {
        char *end = NULL;
        errno = 0;
        const long long size = strtoll(p, &end, 10);
        if (end == p || errno != 0 || size < 0 || *p < '0' || *p > '9') {
            return base_fail(diag, SY_EINVAL, "shape '%s': expected a size at '%s'", text, p);
        }
        if (shape.rank == IR_MAX_RANK) {
            return base_fail(diag, SY_EINVAL, "shape '%s': more than %d dimensions", text,
                             IR_MAX_RANK);
        }
        shape.dims[shape.rank++] = size;
        if (*end != '\0' && (strchr("x,", *end) == NULL || end[1] == '\0')) {
            return base_fail(diag, SY_EINVAL, "shape '%s': expected 'x' or ',' and a size at '%s'",
                             text, end);
        }
        p = *end != '\0' ? end + 1 : end;
    }
    shape.name = base_arena_strndup(arena, text, (size_t)(equals - text));
    if (shape.name == NULL) {
        return SY_ENOMEM;
    }
    *out = shape;
    return SY_OK;
}
