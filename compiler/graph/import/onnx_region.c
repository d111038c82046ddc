/*
 * onnx_region.c -- operators of older operator sets that own regions, and attributes that are types.
 *
 * Scan of operator set 8 goes over a batch axis first: it becomes a Scan over the batch whose region holds today's
 * Scan over the sequence. Where samples have lengths of their own, the region cuts the sequences to the sample's length
 * first and fills the results up with zeros.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "onnx_internal.h"

#include <string.h>

typedef struct batched_scan {
    onnx_node *n;
    ir_graph *region;       /* of one sample */
    uint32_t n_states, n_scanned;
    bool has_lengths;
    ir_value *length;       /* [1] of the sample; NULL: whole sequences */
    ir_value *missing;      /* [1] steps beyond it */
    ir_value **operands;    /* of the Scan inside */
} batched_scan;

/* The type of one sample. */
static sy_status sample_type(const onnx_node *n, const ir_value *v, ir_type *out)
{
    const ir_type *t = &v->type;
    const bool ranked = t->kind == IR_TYPE_TENSOR && t->has_rank && t->rank > 0;
    return ir_type_tensor(n->in->m, t->kind == IR_TYPE_TENSOR ? t->dtype : SY_DT_NONE, ranked ? t->rank - 1 : -1,
                          ranked ? t->dims + 1 : NULL, out);
}

static sy_status inside(const batched_scan *s, uint32_t code, uint32_t n_inputs, ir_value *const *inputs, ir_value **out)
{
    ir_node *node = NULL;
    return ir_node_create_op(s->region, NULL, code, n_inputs, inputs, &node, out);
}

static sy_status i64s_inside(const batched_scan *s, uint32_t count, const int64_t *values, ir_value **out)
{
    ir_const *c = NULL;
    SY_TRY(ir_const_i64s(s->n->in->m, count, values, &c));
    return ir_graph_add_const(s->region, NULL, c, out);
}

/* Cuts the scanned operands to the sample's length and computes what is missing. */
static sy_status cut(batched_scan *s)
{
    ir_value *zero = NULL, *shape = NULL, *steps = NULL;
    const int64_t first = 0;
    SY_TRY(i64s_inside(s, 1, &first, &zero));
    SY_TRY(inside(s, IR_OP_SHAPE, 1, &s->operands[s->n_states], &shape));
    SY_TRY(inside(s, IR_OP_GATHER, 2, (ir_value *[]){shape, zero}, &steps));
    SY_TRY(inside(s, IR_OP_UNSQUEEZE, 2, (ir_value *[]){s->length, zero}, &s->length));
    SY_TRY(inside(s, IR_OP_SUB, 2, (ir_value *[]){steps, s->length}, &s->missing));
    for (uint32_t i = s->n_states; i < s->n_states + s->n_scanned; i++) {
        SY_TRY(inside(s, IR_OP_SLICE, 4, (ir_value *[]){s->operands[i], zero, s->length, zero}, &s->operands[i]));
    }
    return SY_OK;
}

static sy_status fill_up(const batched_scan *s, ir_value **v)
{
    ir_value *zero = NULL, *pads = NULL;
    ir_node *concat = NULL;
    const int64_t first = 0;
    SY_TRY(i64s_inside(s, 1, &first, &zero));
    SY_TRY(ir_node_create_op(s->region, NULL, IR_OP_CONCAT, 2, (ir_value *[]){zero, s->missing}, &concat, &pads));
    SY_TRY(ir_node_set_int(concat, "axis", 0));
    return inside(s, IR_OP_PAD, 4, (ir_value *[]){*v, pads, NULL, zero}, v);
}

/* The Scan of one sample. */
static sy_status build_inside(batched_scan *s, uint32_t n_directions, const int64_t *directions)
{
    onnx_node *n = s->n;
    ir_node *scan = NULL;
    SY_TRY(s->has_lengths ? cut(s) : SY_OK);
    SY_TRY(ir_node_create(s->region, NULL, "", "Scan", n->proto->name != NULL ? n->proto->name : "",
                          s->n_states + s->n_scanned, s->operands, n->n_outputs, &scan));
    n->in->depth++;
    SY_TRY(ir_onnx_attrs_set(n, scan));
    n->in->depth--;
    if (n_directions > 0) {
        SY_TRY(ir_node_set_ints(scan, "scan_input_directions", n_directions, directions));
    }
    for (uint32_t i = 0; i < n->n_outputs; i++) {
        ir_value *v = scan->outputs[i];
        if (s->has_lengths && i >= s->n_states) {
            SY_TRY(fill_up(s, &v));
        }
        SY_TRY(ir_graph_add_output(s->region, v, NULL));
    }
    return SY_OK;
}

sy_status ir_onnx_scan_8(onnx_node *n, bool *built)
{
    int64_t n_scanned = 0;
    const int64_t *directions = NULL;
    uint32_t n_directions = 0;
    bool found = false;
    const Onnx__AttributeProto *count = ir_onnx_attr_find(n, "num_scan_inputs");
    n_scanned = count != NULL ? count->i : 0;
    SY_TRY(ir_onnx_take_ints(n, "directions", &directions, &n_directions, &found));
    if (n->n_inputs < 2 || n_scanned < 1 || n_scanned > n->n_inputs - 1) {
        return ir_onnx_fail(n, SY_EFORMAT, "attribute 'num_scan_inputs' is %lld for %u operands", (long long)n_scanned,
                            n->n_inputs);
    }
    batched_scan s = { .n = n, .n_scanned = (uint32_t)n_scanned, .has_lengths = n->inputs[0] != NULL };
    s.n_states = n->n_inputs - 1 - s.n_scanned;
    s.operands = BASE_ARENA_ARRAY(n->in->scratch, ir_value *, n->n_inputs);
    if (s.operands == NULL) {
        return SY_ENOMEM;
    }
    ir_node *outer = NULL;
    const uint32_t skip = s.has_lengths ? 0 : 1;
    SY_TRY(ir_node_create(n->graph, NULL, "", "Scan", n->proto->name != NULL ? n->proto->name : "", n->n_inputs - skip,
                          n->inputs + skip, n->n_outputs, &outer));
    outer->number = n->number;
    outer->loc = (ir_loc){.file = n->in->file, .line = n->number + 1};
    SY_TRY(ir_node_set_int(outer, "num_scan_inputs", n->n_inputs - skip));
    SY_TRY(ir_node_add_region(outer, "body", &s.region));
    for (uint32_t i = skip; i < n->n_inputs; i++) {
        ir_type t;
        ir_value *v = NULL;
        if (n->inputs[i] == NULL) {
            return ir_onnx_fail(n, SY_EFORMAT, "operand %u is missing", i);
        }
        SY_TRY(sample_type(n, n->inputs[i], &t));
        SY_TRY(ir_graph_add_input(s.region, NULL, &t, &v));
        *(i == 0 ? &s.length : &s.operands[i - 1]) = v;
    }
    SY_TRY(build_inside(&s, n_directions, directions));
    for (uint32_t i = 0; i < n->n_outputs; i++) {
        n->outputs[i] = outer->outputs[i];
        if (n->proto->output[i][0] != '\0') {
            SY_TRY(ir_value_rename(n->outputs[i], n->proto->output[i]));
        }
    }
    *built = true;
    return ir_onnx_emit_infer(n, outer);
}

sy_status ir_onnx_optional(onnx_node *n, bool *built)
{
    const Onnx__AttributeProto *a = ir_onnx_attr_take(n, "type");
    ir_type t = {0};
    ir_node *node = NULL;
    if (n->n_inputs > 0 && n->inputs[0] != NULL) {
        return SY_OK; /* the operand says what it is */
    }
    if (a == NULL || n->n_outputs != 1) {
        return ir_onnx_fail(n, SY_EFORMAT, "without an operand it needs attribute 'type' and one result");
    }
    SY_TRY(ir_onnx_type(n->in, a->tp, "type", &t));
    const bool sequence = t.kind == IR_TYPE_SEQUENCE;
    t = sequence ? *t.elem : t;
    if (t.kind != IR_TYPE_TENSOR || t.dtype == SY_DT_NONE) {
        return ir_onnx_fail(n, SY_EFORMAT, "attribute 'type' is neither a tensor type nor a sequence of tensors");
    }
    *built = true;
    SY_TRY(ir_onnx_emit(n, IR_OP_OPTIONAL, 0, NULL, &node, &n->outputs[0]));
    SY_TRY(ir_node_set_int(node, "elem_dtype", t.dtype));
    SY_TRY(ir_node_set_int(node, "elem_sequence", sequence));
    return ir_onnx_emit_infer(n, node);
}
