/*
 * lower.c -- see lower.h: operands, results, views, and the dispatch by operator.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lower.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "systole/graph/optable.h"

sy_status cc_lower_refuse(lower *l, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const sy_status status = base_vfail(l->diag, SY_EUNSUPPORTED, fmt, args);
    va_end(args);
    return status;
}

sy_status cc_lower_dims(lower *l, const ir_value *v, int32_t *rank, int64_t dims[IR_MAX_RANK])
{
    if (v->type.kind != IR_TYPE_TENSOR || !v->type.has_rank ||
        !ir_type_static_dims(&v->type, dims)) {
        return cc_lower_refuse(l, "the shape of '%s' is not known (give it with --shape)", v->name);
    }
    *rank = v->type.rank;
    for (int32_t i = 0; i < *rank; i++) {
        if (dims[i] < 1) {
            return cc_lower_refuse(l, "'%s' has no elements", v->name);
        }
    }
    return SY_OK;
}

/* *product *= factor, at most one more than the limit: sizes in a model are anything. */
static void multiply(int64_t *product, int64_t factor, int64_t limit)
{
    *product = factor > limit / *product ? limit + 1 : *product * factor;
}

/* Byte strides are 32 bits with a sign; and what DRAM cannot hold is of no use there. Beyond this
 * check no product of sizes overflows. */
static sy_status check_size(lower *l, const ir_value *v, int32_t rank, const int64_t *dims,
                            int32_t channel)
{
    const int64_t dram = (int64_t)isa_config_dram_bytes(l->config);
    const int64_t limit = dram < INT32_MAX ? dram : INT32_MAX;
    int64_t bytes = l->d * l->element_bytes;
    for (int32_t i = 0; i < rank; i++) {
        multiply(&bytes, i == channel ? (dims[i] - 1) / l->d + 1 : dims[i], limit);
    }
    return bytes <= limit
               ? SY_OK
               : cc_lower_refuse(l,
                                 "'%s' is larger than the %lld bytes that a tensor may have there",
                                 v->name, (long long)limit);
}

/* The tensor that a value of these sizes is in a layout. */
static sy_status shape_tensor(lower *l, const ir_value *v, lower_layout layout, cc_tensor *t)
{
    int64_t dims[IR_MAX_RANK];
    int32_t rank = 0;
    SY_TRY(cc_lower_dims(l, v, &rank, dims));
    if (v->type.dtype != l->dtype) {
        return cc_lower_refuse(l, "'%s' is not %s", v->name, sy_dtype_name(l->dtype));
    }
    if (rank < 2 || (layout == LOWER_AXIS_1 && rank > 4)) {
        return cc_lower_refuse(l, "'%s' has %d dimensions", v->name, (int)rank);
    }
    SY_TRY(check_size(l, v, rank, dims, layout == LOWER_AXIS_LAST ? rank - 1 : 1));
    *t = (cc_tensor){.name = v->name, .n = dims[0], .c = dims[1], .h = 1, .w = 1};
    if (layout == LOWER_AXIS_LAST) {
        t->n = 1;
        t->c = dims[rank - 1];
        t->w = 1;
        for (int32_t i = 0; i + 1 < rank; i++) {
            t->w *= dims[i];
        }
        t->folded = true;
    } else {
        t->h = rank == 4 ? dims[2] : 1;
        t->w = rank == 4 ? dims[3] : rank == 3 ? dims[2] : 1;
        if (t->h * t->w == 1) {
            t->folded = true;
            t->w = t->n;
            t->n = 1;
        }
    }
    t->blocks = (t->c + l->d - 1) / l->d;
    t->rows = t->n * t->blocks * t->h * t->w;
    return SY_OK;
}

static lower_value *value_info(lower *l, ir_value *v)
{
    if (v->info == NULL) {
        v->info = base_arena_alloc(l->arena, 1, sizeof(lower_value));
    }
    return v->info;
}

lower_layout cc_lower_layout_of(const ir_value *v)
{
    const lower_value *info = v->info;
    if (info != NULL && info->tensor != NULL) {
        return info->layout;
    }
    /* bf16 networks with three dimensions are mostly sequences of vectors; one row for each picture is a mask of attention */
    int64_t dims[IR_MAX_RANK];
    if (v->type.dtype == SY_DT_BF16 && v->type.rank == 4 && ir_type_static_dims(&v->type, dims) && dims[1] == 1 && dims[2] == 1) {
        return LOWER_AXIS_LAST;
    }
    return v->type.rank == 3 && v->type.dtype == SY_DT_BF16 ? LOWER_AXIS_LAST : LOWER_AXIS_1;
}

sy_status cc_lower_operand(lower *l, ir_value *v, lower_layout want, bool *flat, cc_tensor **out)
{
    if (v->kind == IR_VALUE_CONST) {
        return cc_lower_refuse(l, "operand '%s' is a constant", v->name);
    }
    lower_value *info = value_info(l, v);
    if (info == NULL) {
        return SY_ENOMEM;
    }
    if (info->tensor == NULL) {
        cc_tensor shape;
        SY_TRY(shape_tensor(l, v, want, &shape));
        info->tensor = base_arena_alloc(l->arena, 1, sizeof(cc_tensor));
        if (info->tensor == NULL) {
            return SY_ENOMEM;
        }
        *info->tensor = shape;
        info->layout = want;
        info->made_for = l->node;
    }
    const bool matrix = v->type.rank == 2 && info->tensor->folded; /* both layouts at once */
    if (info->layout != want && !matrix && !info->flat) {
        return cc_lower_refuse(l, "operand '%s' lies with its channels on another axis", v->name);
    }
    if (info->flat && flat == NULL) {
        return cc_lower_refuse(l, "operand '%s' is a flattened image", v->name);
    }
    if (flat != NULL) {
        *flat = info->flat;
    }
    *out = info->tensor;
    return SY_OK;
}

sy_status cc_lower_result_tensor(lower *l, ir_value *v, lower_layout layout, cc_tensor **out)
{
    cc_tensor shape;
    SY_TRY(shape_tensor(l, v, layout, &shape));
    lower_value *info = value_info(l, v);
    cc_tensor *t = base_arena_alloc(l->arena, 1, sizeof *t);
    if (info == NULL || t == NULL) {
        return SY_ENOMEM;
    }
    *t = shape;
    info->tensor = t;
    info->layout = layout;
    *out = t;
    return SY_OK;
}

sy_status cc_lower_constant(lower *l, ir_value *v, ir_tensor *out)
{
    if (v == NULL || v->kind != IR_VALUE_CONST || v->feedable) {
        return cc_lower_refuse(l, "operand '%s' is not a constant", v == NULL ? "?" : v->name);
    }
    return ir_const_tensor(l->module, v->constant, l->diag, out);
}

cc_requant cc_lower_requant(const ir_node *n)
{
    return (cc_requant){.zero = (int32_t)ir_node_int(n, "y_zero", 0),
                        .lo = (int32_t)ir_node_int(n, "y_min", -128),
                        .hi = (int32_t)ir_node_int(n, "y_max", 127)};
}

/* ---------------------------------------------------------------- views */

/*
 * A view keeps the order of elements. The device tensor can stay as it is if images and channels
 * stay (only the positions are renamed), if an image's [c][h][w] becomes one axis (a product then
 * permutes its weights), or, with channels last, if the last axis stays.
 */
static sy_status lower_view(lower *l, ir_node *node, lower_result *out)
{
    ir_value *x = ir_node_input(node, 0);
    ir_value *y = ir_node_output(node, 0);
    const lower_value *from = x->info;
    if (from == NULL || from->tensor == NULL || !from->on_device) {
        return cc_lower_refuse(l, "a view of a tensor that is not on the accelerator");
    }
    int64_t a[IR_MAX_RANK], b[IR_MAX_RANK];
    int32_t ra = 0;
    int32_t rb = 0;
    SY_TRY(cc_lower_dims(l, x, &ra, a));
    SY_TRY(cc_lower_dims(l, y, &rb, b));
    bool same = false, flat = false;
    if (from->flat) {
        same = ra == 2 && rb == 2 && a[0] == b[0] && a[1] == b[1];
        flat = same;
    } else if (from->layout == LOWER_AXIS_LAST) {
        same = a[ra - 1] == b[rb - 1] && rb >= 2;
    } else {
        same = rb >= 2 && rb <= 4 && a[0] == b[0] && a[1] == b[1];
        if (same && !from->tensor->folded && rb == 2) {
            same = false;
        }
        flat = !same && rb == 2 && a[0] == b[0];
        if (same && rb == 4 && ra >= 3 && (b[2] != from->tensor->h || b[3] != from->tensor->w) &&
            !from->tensor->folded) {
            same = false; /* rows and columns regrouped: a window would see another picture */
        }
        if (same && rb == 3 && from->tensor->h != 1) {
            same = false;
        }
    }
    if (!same && !flat) {
        return cc_lower_refuse(l, "regroups elements across channels");
    }
    lower_value *to = value_info(l, y);
    if (to == NULL) {
        return SY_ENOMEM;
    }
    *to = *from;
    to->flat = flat;
    *out = (lower_result){.view = true, .op = node->op_name, .unit = "view"};
    return SY_OK;
}

/* ---------------------------------------------------------------- dispatch */

/* The value outside that a value of a fused region stands for. */
static ir_value *outside(const ir_node *fused, ir_value *v)
{
    return v->kind == IR_VALUE_INPUT && v->graph->owner == fused ? ir_node_input(fused, v->index)
                                                                 : v;
}

static float fl_div(float a, float b)
{
    return a / b;
}

/* systole.Fused of kind "residual": a product, then QAdd with something that is there already. */
static sy_status lower_residual(lower *l, ir_node *fused, cc_group *g, lower_result *out)
{
    const ir_graph *body = ir_node_region(fused, "body");
    ir_node *product = body->first;
    ir_node *sum = body->last;
    ir_value *y = ir_node_output(fused, 0);
    ir_value *x = outside(fused, ir_node_input(product, 0));
    if (ir_node_is(product, IR_OP_QCONV)) {
        SY_TRY(cc_lower_conv(l, product, x, y, g));
        if (g->kind == CC_GROUP_DEPTHWISE) {
            return cc_lower_refuse(l, "a residual behind a depthwise window");
        }
    } else {
        SY_TRY(cc_lower_gemm(l, product, x, y, g));
    }
    const bool first = ir_node_input(sum, 0) == ir_node_output(product, 0);
    ir_value *other = outside(fused, ir_node_input(sum, first ? 1 : 0));
    cc_matmul *m = &g->u.matmul;
    const lower_value *info = y->info;
    SY_TRY(cc_lower_operand(l, other, info->layout, NULL, &m->residual));
    if (m->residual->rows != g->y->rows || m->residual->h != g->y->h || m->residual->w != g->y->w) {
        return cc_lower_refuse(l, "the residual '%s' has another shape", other->name);
    }
    const float y_scale = ir_node_float(sum, "y_scale", 1.0F);
    m->mid_scale = fl_div(ir_node_float(sum, first ? "a_scale" : "b_scale", 1.0F), y_scale);
    m->residual_scale = fl_div(ir_node_float(sum, first ? "b_scale" : "a_scale", 1.0F), y_scale);
    m->residual_zero = (int32_t)ir_node_int(sum, first ? "b_zero" : "a_zero", 0);
    m->sum = cc_lower_requant(sum);
    out->op = ir_node_is(product, IR_OP_QCONV) ? "QConv+QAdd" : "QGemm+QAdd";
    return SY_OK;
}

/* systole.Fused of kind "table": a product, then a function of its result. */
static sy_status lower_with_table(lower *l, ir_node *fused, cc_group *g, lower_result *out)
{
    const ir_graph *body = ir_node_region(fused, "body");
    ir_node *product = body->first;
    ir_value *x = outside(fused, ir_node_input(product, 0)), *y = ir_node_output(fused, 0);
    const bool is_conv = ir_node_is(product, IR_OP_QCONV);
    SY_TRY(is_conv ? cc_lower_conv(l, product, x, y, g) : cc_lower_gemm(l, product, x, y, g));
    const bool depthwise = g->kind == CC_GROUP_DEPTHWISE;
    cc_blob *constants = depthwise ? &g->u.depthwise.constants : &g->u.matmul.constants, table;
    cc_table *t = depthwise ? &g->u.depthwise.table : &g->u.matmul.table;
    SY_TRY(cc_lower_table(l, body->last, (int32_t)ir_node_int(product, "y_zero", 0), &table));
    uint8_t *bytes = base_arena_alloc(l->arena, (size_t)(constants->n_bytes + table.n_bytes), 1);
    if (bytes == NULL) {
        return SY_ENOMEM;
    }
    memcpy(bytes, constants->bytes, (size_t)constants->n_bytes);
    memcpy(bytes + constants->n_bytes, table.bytes, (size_t)table.n_bytes);
    *t = (cc_table){.used = true, .offset = constants->n_bytes, .y = cc_lower_requant(body->last)};
    t->y.zero = 0; /* it is in the table */
    constants->bytes = bytes;
    constants->n_bytes += table.n_bytes;
    out->op = is_conv ? "QConv+QTable" : "QGemm+QTable";
    out->unit = depthwise ? "vpu" : "mxu";
    return SY_OK;
}

static sy_status lower_group(lower *l, ir_node *node, cc_group *g, lower_result *out)
{
    out->op = node->op_name;
    out->unit = "vpu";
    if (node->op == NULL) {
        return cc_lower_refuse(l, "an operator nobody knows");
    }
    switch (node->op->code) {
    case IR_OP_QCONV:
        SY_TRY(cc_lower_conv(l, node, ir_node_input(node, 0), ir_node_output(node, 0), g));
        out->unit = g->kind == CC_GROUP_DEPTHWISE ? "vpu" : "mxu";
        return SY_OK;
    case IR_OP_QGEMM:
        out->unit = "mxu";
        return cc_lower_gemm(l, node, ir_node_input(node, 0), ir_node_output(node, 0), g);
    case IR_OP_QMATMUL:
        out->unit = "mxu";
        return cc_lower_matmul(l, node, ir_node_input(node, 0), ir_node_input(node, 1),
                               ir_node_output(node, 0), g);
    case IR_OP_FUSED:
        out->unit = "mxu";
        return strcmp(ir_node_string(node, "kind", ""), "table") == 0 ? lower_with_table(l, node, g, out)
                                                                      : lower_residual(l, node, g, out);
    case IR_OP_MAXPOOL:
    case IR_OP_QAVERAGEPOOL:
    case IR_OP_BAVERAGEPOOL:
        return cc_lower_pool(l, node, g);
    case IR_OP_QADD:
    case IR_OP_QSUB:
    case IR_OP_QMUL:
    case IR_OP_QREQUANTIZE:
    case IR_OP_QTABLE:
    case IR_OP_CLIP:
    case IR_OP_RELU:
        return cc_lower_stream(l, node, g);
    case IR_OP_BCONV:
        out->unit = "mxu";
        SY_TRY(cc_lower_conv(l, node, ir_node_input(node, 0), ir_node_output(node, 0), g));
        if (g->kind == CC_GROUP_DEPTHWISE) {
            out->unit = "vpu";
        }
        return SY_OK;
    case IR_OP_BLINEAR:
        out->unit = "mxu";
        return cc_lower_gemm(l, node, ir_node_input(node, 0), ir_node_output(node, 0), g);
    case IR_OP_BMATMUL:
        out->unit = "mxu";
        return cc_lower_matmul(l, node, ir_node_input(node, 0), ir_node_input(node, 1),
                               ir_node_output(node, 0), g);
    case IR_OP_BATTENTION:
        out->unit = "mxu";
        return cc_lower_attention(l, node, g);
    case IR_OP_BSOFTMAX:
    case IR_OP_BLAYERNORM:
        return cc_lower_norm(l, node, g);
    case IR_OP_BADD:
    case IR_OP_BSUB:
    case IR_OP_BMUL:
    case IR_OP_BUNARY:
        return cc_lower_elements(l, node, g);
    case IR_OP_PAD:
        out->unit = "dma";
        return cc_lower_pad(l, node, g);
    case IR_OP_CONCAT:
        out->unit = "dma";
        return cc_lower_concat(l, node, g);
    default: /* user rows too: codes beyond the enum */
        return cc_lower_refuse(l, "the accelerator has no %s", node->op_name);
    }
}

/* The machine computes from its elements to its elements; anything else says why. */
static sy_status check_types(lower *l, const ir_node *node)
{
    const ir_value *x = ir_node_input(node, 0);
    const ir_value *y = ir_node_output(node, 0);
    if (x == NULL || y == NULL || x->type.kind != IR_TYPE_TENSOR ||
        y->type.kind != IR_TYPE_TENSOR) {
        return cc_lower_refuse(l, "the accelerator has no %s", node->op_name);
    }
    const bool is_bf16 = l->dtype == SY_DT_BF16;
    if (ir_node_is(node, IR_OP_QUANTIZELINEAR) || ir_node_is(node, IR_OP_DEQUANTIZELINEAR)) {
        return cc_lower_refuse(
            l, "converts between float and integers, which this configuration (%s) cannot",
            is_bf16 ? "bf16" : "int8");
    }
    if (ir_node_is(node, IR_OP_CAST)) {
        return cc_lower_refuse(l, "converts between element types");
    }
    const sy_dtype other = x->type.dtype != l->dtype ? x->type.dtype : y->type.dtype;
    if (other != l->dtype) {
        const bool is_float = other == SY_DT_F32 || other == SY_DT_F16 || other == SY_DT_BF16 ||
                              other == SY_DT_F64;
        return cc_lower_refuse(l, "%s on %s: this configuration is %s%s", node->op_name,
                               sy_dtype_name(other), is_bf16 ? "bf16" : "int8",
                               is_float && !is_bf16 ? " (quantise first)" : "");
    }
    if (is_bf16 && (ir_node_is(node, IR_OP_RELU) || ir_node_is(node, IR_OP_CLIP) || ir_node_is(node, IR_OP_PAD))) {
        return cc_lower_refuse(l, "the accelerator has no %s of bf16", node->op_name);
    }
    return SY_OK;
}

void cc_lower_undo(ir_node *node)
{
    for (uint32_t i = 0; i < node->n_inputs; i++) {
        lower_value *info = ir_node_input(node, i) != NULL ? ir_node_input(node, i)->info : NULL;
        if (info != NULL && info->made_for == node) {
            info->tensor = NULL;
            info->made_for = NULL;
        }
    }
    lower_value *result = ir_node_output(node, 0)->info;
    if (result != NULL) {
        result->tensor = NULL;
    }
}

sy_status cc_lower_node(lower *l, ir_node *node, lower_result *out)
{
    l->node = node;
    *out = (lower_result){.op = node->op_name, .unit = "cpu"};
    SY_TRY(check_types(l, node));
    if (node->op != NULL && node->op->accel == IR_ACCEL_VIEW) {
        return lower_view(l, node, out);
    }
    for (uint32_t i = 1; i < node->n_outputs; i++) {
        if (ir_node_output(node, i) != NULL) {
            return cc_lower_refuse(l, "a second result is wanted");
        }
    }
    cc_group *g = base_arena_alloc(l->arena, 1, sizeof *g);
    if (g == NULL) {
        return SY_ENOMEM;
    }
    g->name = node->name[0] != '\0' ? node->name : ir_node_output(node, 0)->name;
    g->tag = node->number;
    const sy_status status = lower_group(l, node, g, out);
    if (status != SY_OK) {
        cc_lower_undo(node);
        out->unit = "cpu";
        return status;
    }
    out->group = g;
    return SY_OK;
}
