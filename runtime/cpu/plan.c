/*
 * plan.c -- from nodes to steps over numbered slots.
 *
 * Fused operators and calls are unrolled: they mean exactly their bodies. A scope maps the values
 * of one body to slots; what a body captures is found in the scopes around it. Then rules merge steps
 * (fuse.h), and kernels pack their weights.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "channels_last.h"
#include "widen.h"

#include "systole/base/vec.h"

#include <string.h>

#define MAX_FOLDED_BYTES \
    ((size_t)1 << 30)     /* more is computed in each run, where memory is shared */
#define DROP_BYTES     ((size_t)16 << 20)
#define MAX_CALL_DEPTH 64 /* functions do not recurse; a hostile file may say they do */

typedef struct scope {
    const struct scope *up;
    uint32_t mask, n;
    struct scope_entry {
        const ir_value *value; /* NULL: free */
        uint32_t slot;
    } *entries;
} scope;

typedef struct builder {
    rt_cpu_plan *plan;
    base_arena *arena;   /* the plan's */
    base_arena *scratch; /* gone when the plan is made */
    base_diag *diag;
    rt_slots slots;
    rt_steps steps;
    BASE_VEC(void *) folded;
    size_t folded_bytes, read_bytes;
    uint32_t depth;
} builder;

/* ---------------------------------------------------------------- scopes */

static uint32_t scope_hash(const ir_value *v)
{
    const uintptr_t p = (uintptr_t)v;
    return (uint32_t)((p >> 4) * 2654435761u);
}

static struct scope_entry *scope_entry_of(const scope *s, const ir_value *v)
{
    for (uint32_t i = scope_hash(v);; i++) {
        struct scope_entry *e = &s->entries[i & s->mask];
        if (e->value == NULL || e->value == v) {
            return e;
        }
    }
}

static sy_status scope_put(builder *b, scope *s, const ir_value *v, uint32_t slot)
{
    if (s->entries == NULL || (s->n + 1) * 2 > s->mask) {
        scope larger = {.up = s->up, .mask = s->entries == NULL ? 63 : s->mask * 2 + 1};
        larger.entries = BASE_ARENA_ARRAY(b->scratch, struct scope_entry, (size_t)larger.mask + 1);
        if (larger.entries == NULL) {
            return SY_ENOMEM;
        }
        for (uint32_t i = 0; s->entries != NULL && i <= s->mask; i++) {
            if (s->entries[i].value != NULL) {
                *scope_entry_of(&larger, s->entries[i].value) = s->entries[i];
            }
        }
        larger.n = s->n;
        *s = larger;
    }
    struct scope_entry *e = scope_entry_of(s, v);
    s->n += e->value == NULL;
    *e = (struct scope_entry){v, slot};
    return SY_OK;
}

static uint32_t scope_find(const scope *s, const ir_value *v)
{
    for (; s != NULL; s = s->up) {
        if (s->entries != NULL) {
            const struct scope_entry *e = scope_entry_of(s, v);
            if (e->value != NULL) {
                return e->slot;
            }
        }
    }
    return RT_NONE;
}

/* ---------------------------------------------------------------- slots */

static sy_status new_slot(builder *b, const ir_value *value, uint32_t *out)
{
    const rt_slot slot = {
        .value = value, .live_in = RT_NONE, .view_of = RT_NONE, .live_out = RT_NONE};
    *out = (uint32_t)b->slots.n;
    return base_vec_push(b->scratch, &b->slots, slot) ? SY_OK : SY_ENOMEM;
}

/* The slot of an operand: from the scopes, or a constant met for the first time. */
static sy_status slot_of(builder *b, scope *s, const ir_value *v, const char *user, uint32_t *out)
{
    *out = scope_find(s, v);
    if (*out != RT_NONE) {
        return SY_OK;
    }
    if (v->kind != IR_VALUE_CONST) {
        return base_fail(b->diag, SY_EINVAL, "%s uses '%s', which is neither given nor made before",
                         user, v->name);
    }
    SY_TRY(new_slot(b, v, out));
    ir_tensor *t = BASE_ARENA_NEW(b->arena, ir_tensor);
    if (t == NULL) {
        return SY_ENOMEM;
    }
    SY_TRY(ir_const_tensor(b->plan->cpu->module, v->constant, b->diag, t));
    b->slots.items[*out].constant = t;
    return scope_put(b, s, v, *out);
}

/* ---------------------------------------------------------------- nodes */

static sy_status add_graph(builder *b, scope *s, const ir_graph *g);

static const char *node_title(const ir_node *n)
{
    if (n->name != NULL && n->name[0] != '\0') {
        return n->name;
    }
    for (uint32_t i = 0; i < n->n_outputs; i++) {
        if (n->outputs[i] != NULL) {
            return n->outputs[i]->name;
        }
    }
    return "?";
}

sy_status rt_node_failed(base_diag *diag, const ir_node *n, sy_status status)
{
    const char *message = base_diag_message(diag);
    if (strncmp(message, "node '", 6) == 0) { /* inference and regions say it themselves */
        return status;
    }
    return base_fail(diag, status, "node '%s' (%s): %s", node_title(n), n->op_name,
                     message[0] != '\0' ? message : sy_status_text(status));
}

/* A body in place of its node: inputs are the operands, results the body's outputs. */
static sy_status add_body(builder *b, scope *s, const ir_node *n, const ir_graph *body,
                          bool captures)
{
    if (body == NULL || body->n_inputs < n->n_inputs || body->n_outputs < n->n_outputs) {
        return base_fail(b->diag, SY_EINVAL, "node '%s' (%s) does not fit its body", node_title(n),
                         n->op_name);
    }
    if (b->depth >= MAX_CALL_DEPTH) {
        return base_fail(b->diag, SY_EUNSUPPORTED, "functions call each other more than %d deep",
                         MAX_CALL_DEPTH);
    }
    scope inner = {.up = captures ? s : NULL};
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        if (n->inputs[i].value != NULL) {
            uint32_t slot = RT_NONE;
            SY_TRY(slot_of(b, s, n->inputs[i].value, node_title(n), &slot));
            SY_TRY(scope_put(b, &inner, body->inputs[i], slot));
        }
    }
    b->depth++;
    SY_TRY(add_graph(b, &inner, body));
    b->depth--;
    for (uint32_t i = 0; i < n->n_outputs; i++) {
        if (n->outputs[i] != NULL) {
            uint32_t slot = RT_NONE;
            SY_TRY(slot_of(b, &inner, body->outputs[i]->use.value, node_title(n), &slot));
            if (b->slots.items[slot].live_in == RT_NONE && b->slots.items[slot].constant == NULL) {
                b->slots.items[slot].value = n->outputs[i]; /* the name that people know */
            }
            SY_TRY(scope_put(b, s, n->outputs[i], slot));
        }
    }
    return SY_OK;
}

/* A plan for the region of an If, Loop, Scan or SequenceMap. */
static sy_status add_region(builder *b, scope *s, const ir_node *n, const char *name,
                            rt_region *out)
{
    ir_graph *body = ir_node_region(n, name);
    if (body == NULL) {
        return base_fail(b->diag, SY_EINVAL, "node '%s' (%s) has no region '%s'", node_title(n),
                         n->op_name, name);
    }
    ir_value **captured = NULL;
    uint32_t n_captured = 0;
    SY_TRY(ir_region_captures(body, b->scratch, &captured, &n_captured));
    const size_t most = (size_t)body->n_inputs + n_captured;
    ir_value **live_in = BASE_ARENA_ARRAY(b->scratch, ir_value *, most);
    uint32_t *slots = BASE_ARENA_ARRAY(b->arena, uint32_t, n_captured);
    ir_node **nodes = BASE_ARENA_ARRAY(b->scratch, ir_node *, body->n_nodes);
    ir_value **live_out = BASE_ARENA_ARRAY(b->scratch, ir_value *, body->n_outputs);
    if (live_in == NULL || slots == NULL || nodes == NULL || live_out == NULL) {
        return SY_ENOMEM;
    }
    if (body->n_inputs > 0) {
        memcpy(live_in, body->inputs, body->n_inputs * sizeof *live_in);
    }
    uint32_t n_live_in = body->n_inputs;
    for (uint32_t i = 0; i < n_captured; i++) {
        /* Constants are found again by the region's own plan, unless the caller replaced them. */
        uint32_t slot = RT_NONE;
        SY_TRY(slot_of(b, s, captured[i], node_title(n), &slot));
        if (b->slots.items[slot].constant == NULL) {
            slots[n_live_in - body->n_inputs] = slot;
            live_in[n_live_in++] = captured[i];
        }
    }
    uint32_t n_nodes = 0;
    for (ir_node *inner = body->first; inner != NULL; inner = inner->next) {
        nodes[n_nodes++] = inner;
    }
    for (uint32_t i = 0; i < body->n_outputs; i++) {
        live_out[i] = body->outputs[i]->use.value;
    }
    *out = (rt_region){
        .n_inputs = body->n_inputs, .n_captures = n_live_in - body->n_inputs, .captures = slots};
    return rt_cpu_plan_create(b->plan->cpu, n_nodes, nodes, n_live_in, live_in, body->n_outputs,
                              live_out, b->diag, &out->plan);
}

static sy_status add_regions(builder *b, scope *s, const ir_node *n, rt_step *step)
{
    const bool is_if = ir_node_is(n, IR_OP_IF);
    rt_region *regions = BASE_ARENA_ARRAY(b->arena, rt_region, 2);
    if (regions == NULL) {
        return SY_ENOMEM;
    }
    step->regions = regions;
    sy_status status = add_region(b, s, n, is_if ? "then_branch" : "body", &regions[0]);
    if (status == SY_OK && is_if) {
        status = add_region(b, s, n, "else_branch", &regions[1]);
    }
    step->n_regions = is_if ? 2 : 1;
    if (status != SY_OK) {
        rt_cpu_plan_destroy(regions[0].plan);
        rt_cpu_plan_destroy(regions[1].plan);
    }
    return status;
}

static sy_status choose_kernel(builder *b, const ir_node *n, rt_step *step)
{
    const ir_op *op = n->op;
    if (op == NULL) {
        return base_fail(b->diag, SY_EUNSUPPORTED, "node '%s': operator %s%s%s is not known",
                         node_title(n), n->domain, n->domain[0] != '\0' ? "." : "", n->op_name);
    }
    step->view = (op->props & IR_P_VIEW) != 0;
    if (!b->plan->cpu->reference) {
        step->fast = op->fast == NULL ? rt_kernel_of(op->code) : NULL;
        step->plain = op->fast;
    }
    if (step->plain == NULL) {
        step->plain = op->reference;
    }
    if (step->plain == NULL && step->fast == NULL) {
        return base_fail(b->diag, SY_EUNSUPPORTED, "node '%s': %s has no kernel on the cpu",
                         node_title(n), n->op_name);
    }
    return SY_OK;
}

/* Bytes of tensor attributes, while only one thread is here. */
static sy_status load_attributes(builder *b, const ir_node *n)
{
    for (uint32_t i = 0; i < n->n_attrs; i++) {
        const void *data;
        if (n->attrs[i].kind == IR_ATTR_TENSOR) {
            SY_TRY(ir_const_data(b->plan->cpu->module, n->attrs[i].u.tensor, b->diag, &data));
        }
    }
    return SY_OK;
}

static sy_status prepare(builder *b, rt_step *step)
{
    if (step->fast == NULL || step->fast->prepare == NULL) {
        return SY_OK;
    }
    const ir_tensor **constants = BASE_ARENA_ARRAY(b->scratch, const ir_tensor *, step->n_inputs);
    if (constants == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t i = 0; i < step->n_inputs; i++) {
        constants[i] = step->inputs[i] != RT_NONE ? b->slots.items[step->inputs[i]].constant : NULL;
    }
    const rt_prepare_args args = {
        .node = step->node,
        .step = step,
        .cpu = b->plan->cpu,
        .n_inputs = step->n_inputs,
        .constants = constants,
        .arena = b->arena,
        .diag = b->diag,
    };
    const sy_status status = step->fast->prepare(&args, &step->state);
    for (uint32_t i = 0; i < step->n_inputs; i++) {
        b->read_bytes += constants[i] != NULL ? constants[i]->size_bytes : 0;
    }
    if (b->read_bytes > DROP_BYTES) { /* packed by now: a large model must not be in memory twice */
        ir_consts_drop(b->plan->cpu->module);
        b->read_bytes = 0;
    }
    return status == SY_OK ? SY_OK : rt_node_failed(b->diag, step->node, status);
}

/* ---------------------------------------------------------------- nodes of constants */

static bool all_constant(const builder *b, const rt_step *step)
{
    for (uint32_t i = 0; i < step->n_inputs; i++) {
        if (step->inputs[i] != RT_NONE && b->slots.items[step->inputs[i]].constant == NULL) {
            return false;
        }
    }
    return true;
}

/* Types of the results from constant operands; false if they do not come out or are too large to
 * keep. */
static bool folded_types(builder *b, const rt_step *step, const ir_tensor **inputs,
                         ir_tensor **outputs)
{
    base_diag unused;
    size_t bytes = 0;
    if (ir_infer_tensors(step->node, b->scratch, step->n_inputs, inputs, step->n_outputs, outputs,
                         &unused) != SY_OK) {
        return false; /* the run will say why */
    }
    for (uint32_t i = 0; i < step->n_outputs; i++) {
        if (outputs[i] != NULL && (outputs[i]->dtype == SY_DT_STRING ||
                                   outputs[i]->size_bytes > MAX_FOLDED_BYTES - bytes)) {
            return false;
        }
        bytes += outputs[i] != NULL ? outputs[i]->size_bytes : 0;
    }
    if (bytes > MAX_FOLDED_BYTES - b->folded_bytes) {
        return false;
    }
    b->folded_bytes += bytes;
    return true;
}

/*
 * Computes a pure node whose operands are all constants now, once, so that the nodes behind it see
 * constant weights. *done: its results are constant slots in `outputs`.
 */
static sy_status fold(builder *b, const rt_step *step, uint32_t *outputs, bool *done)
{
    const ir_op *op = step->node->op;
    *done = false;
    if (b->plan->cpu->reference || (op->props & IR_P_PURE) == 0 || op->reference == NULL ||
        !all_constant(b, step)) {
        return SY_OK;
    }
    const ir_tensor **inputs = BASE_ARENA_ARRAY(b->scratch, const ir_tensor *, step->n_inputs);
    ir_tensor **results = BASE_ARENA_ARRAY(b->scratch, ir_tensor *, step->n_outputs);
    ir_tensor *tensors = BASE_ARENA_ARRAY(b->arena, ir_tensor, step->n_outputs);
    if (inputs == NULL || results == NULL || tensors == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t i = 0; i < step->n_inputs; i++) {
        inputs[i] = step->inputs[i] != RT_NONE ? b->slots.items[step->inputs[i]].constant : NULL;
    }
    for (uint32_t i = 0; i < step->n_outputs; i++) {
        results[i] = step->node->outputs[i] != NULL ? &tensors[i] : NULL;
    }
    if (!folded_types(b, step, inputs, results)) {
        return SY_OK;
    }
    for (uint32_t i = 0; i < step->n_outputs; i++) {
        if (results[i] != NULL) {
            results[i]->data = rt_buffer_alloc(results[i]->size_bytes);
            if (results[i]->data == NULL ||
                !base_vec_push(b->scratch, &b->folded, results[i]->data)) {
                rt_buffer_free(results[i]->data);
                return SY_ENOMEM;
            }
        }
    }
    const ir_kernel_args args = {
        .node = step->node,
        .n_inputs = step->n_inputs,
        .inputs = inputs,
        .n_outputs = step->n_outputs,
        .outputs = results,
        .scratch = b->scratch,
        .diag = b->diag,
    };
    if (op->reference(&args) != SY_OK) {
        base_diag_clear(b->diag);
        return SY_OK; /* perhaps a branch that is never taken; if it is, the run says what is wrong
                       */
    }
    for (uint32_t i = 0; i < step->n_outputs; i++) {
        outputs[i] = RT_NONE;
        if (results[i] != NULL) {
            SY_TRY(new_slot(b, step->node->outputs[i], &outputs[i]));
            b->slots.items[outputs[i]].constant = results[i];
            b->slots.items[outputs[i]].folded = true;
        }
    }
    *done = true;
    return SY_OK;
}

/* ---------------------------------------------------------------- */

static sy_status add_node(builder *b, scope *s, const ir_node *n)
{
    if (ir_node_is(n, IR_OP_FUSED)) {
        return add_body(b, s, n, ir_node_region(n, "body"), true);
    }
    if (ir_node_is(n, IR_OP_CALL)) {
        return add_body(b, s, n, n->callee, false);
    }
    rt_step step = {.node = n, .n_inputs = n->n_inputs, .n_outputs = n->n_outputs};
    uint32_t *inputs = BASE_ARENA_ARRAY(b->arena, uint32_t, n->n_inputs);
    uint32_t *outputs = BASE_ARENA_ARRAY(b->arena, uint32_t, n->n_outputs);
    if (inputs == NULL || outputs == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        inputs[i] = RT_NONE;
        if (n->inputs[i].value != NULL) {
            SY_TRY(slot_of(b, s, n->inputs[i].value, node_title(n), &inputs[i]));
        }
    }
    step.inputs = inputs;
    step.outputs = outputs;
    if (ir_node_is(n, IR_OP_IF) || ir_node_is(n, IR_OP_LOOP) || ir_node_is(n, IR_OP_SCAN) ||
        ir_node_is(n, IR_OP_SEQUENCEMAP)) {
        SY_TRY(add_regions(b, s, n, &step));
    } else {
        bool done = false;
        SY_TRY(choose_kernel(b, n, &step));
        SY_TRY(load_attributes(b, n));
        SY_TRY(fold(b, &step, outputs, &done));
        for (uint32_t i = 0; done && i < n->n_outputs; i++) {
            if (outputs[i] != RT_NONE) {
                SY_TRY(scope_put(b, s, n->outputs[i], outputs[i]));
            }
        }
        if (done) {
            return SY_OK;
        }
        if (n->n_inputs > 0 && inputs[0] != RT_NONE) {
            const rt_slot *first = &b->slots.items[inputs[0]];
            const ir_type *type = &first->value->type;
            SY_TRY(rt_widen_step(b->arena,
                                 first->constant != NULL         ? first->constant->dtype
                                 : type->kind == IR_TYPE_TENSOR ? type->dtype
                                                                : SY_DT_NONE,
                                 &step));
        }
    }
    /* From here on the step owns its regions: the plan's destructor finds them. */
    if (!base_vec_push(b->scratch, &b->steps, step)) {
        for (uint32_t i = 0; i < step.n_regions; i++) {
            rt_cpu_plan_destroy(step.regions[i].plan);
        }
        return SY_ENOMEM;
    }
    for (uint32_t i = 0; i < n->n_outputs; i++) {
        outputs[i] = RT_NONE;
        if (n->outputs[i] != NULL) {
            SY_TRY(new_slot(b, n->outputs[i], &outputs[i]));
            SY_TRY(scope_put(b, s, n->outputs[i], outputs[i]));
            if (step.view && n->n_inputs > 0 && inputs[0] != RT_NONE) {
                b->slots.items[outputs[i]].view_of = inputs[0];
            }
        }
    }
    return SY_OK;
}

static sy_status add_graph(builder *b, scope *s, const ir_graph *g)
{
    for (const ir_node *n = g->first; n != NULL; n = n->next) {
        SY_TRY(add_node(b, s, n));
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- the plan */

uint32_t rt_slot_root(const rt_cpu_plan *plan, uint32_t s)
{
    while (plan->slots[s].view_of != RT_NONE) {
        s = plan->slots[s].view_of;
    }
    return s;
}

static void set_lifetimes(rt_cpu_plan *plan)
{
    for (uint32_t i = 0; i < plan->n_steps; i++) {
        const rt_step *step = &plan->steps[i];
        for (uint32_t k = 0; k < step->n_outputs; k++) {
            if (step->outputs[k] != RT_NONE) {
                plan->slots[step->outputs[k]].first = i;
                plan->slots[rt_slot_root(plan, step->outputs[k])].last = i;
            }
        }
        for (uint32_t k = 0; k < step->n_inputs; k++) {
            if (step->inputs[k] != RT_NONE) {
                plan->slots[rt_slot_root(plan, step->inputs[k])].last = i;
            }
        }
        for (uint32_t r = 0; r < step->n_regions; r++) {
            for (uint32_t k = 0; k < step->regions[r].n_captures; k++) {
                plan->slots[rt_slot_root(plan, step->regions[r].captures[k])].last = i;
            }
        }
    }
    for (uint32_t i = 0; i < plan->n_live_out; i++) {
        rt_slot *slot = &plan->slots[plan->live_out[i]];
        slot->live_out = slot->live_out == RT_NONE ? i : slot->live_out;
        plan->slots[rt_slot_root(plan, plan->live_out[i])].last = plan->n_steps;
    }
}

/* Merges steps; those that own regions are never merged. */
static sy_status fuse_steps(builder *b, uint32_t *live_out)
{
    rt_fusion f = {.cpu = b->plan->cpu,
                   .arena = b->arena,
                   .scratch = b->scratch,
                   .diag = b->diag,
                   .steps = b->steps,
                   .slots = b->slots,
                   .n_live_out = b->plan->n_live_out,
                   .live_out = live_out};
    sy_status status = rt_fuse(&f);
    status = status == SY_OK ? rt_channels_last(&f) : status;
    b->steps = f.steps;
    b->slots = f.slots;
    return status;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static void count_operands(rt_cpu_plan *plan, const rt_step *step)
{
    plan->max_operands = larger(plan->max_operands, larger(step->n_inputs, step->n_outputs));
    for (uint32_t i = 0; i < step->n_parts; i++) {
        count_operands(plan, &step->parts[i]);
    }
    plan->fused = plan->fused || step->n_parts > 0;
}

static sy_status build(builder *b, bool fuse, uint32_t n_nodes, ir_node *const *nodes,
                       ir_value *const *live_in, ir_value *const *live_out)
{
    rt_cpu_plan *plan = b->plan;
    scope top = {.up = NULL};
    for (uint32_t i = 0; i < plan->n_live_in; i++) {
        uint32_t slot = RT_NONE;
        SY_TRY(new_slot(b, live_in[i], &slot));
        b->slots.items[slot].live_in = i;
        SY_TRY(scope_put(b, &top, live_in[i], slot));
    }
    for (uint32_t i = 0; i < n_nodes; i++) {
        SY_TRY(add_node(b, &top, nodes[i]));
    }
    uint32_t *outputs = BASE_ARENA_ARRAY(b->arena, uint32_t, plan->n_live_out);
    if (outputs == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t i = 0; i < plan->n_live_out; i++) {
        SY_TRY(slot_of(b, &top, live_out[i], "the list of results", &outputs[i]));
    }
    plan->live_out = outputs;
    if (fuse) {
        SY_TRY(fuse_steps(b, outputs));
    }
    for (size_t i = 0; i < b->steps.n; i++) {
        count_operands(plan, &b->steps.items[i]);
        SY_TRY(prepare(b, &b->steps.items[i]));
    }
    plan->slots = base_arena_memdup(b->arena, b->slots.items, b->slots.n, sizeof(rt_slot));
    plan->n_slots = (uint32_t)b->slots.n;
    return plan->slots != NULL ? SY_OK : SY_ENOMEM;
}

sy_status rt_plan_make(rt_cpu *cpu, bool fuse, uint32_t n_nodes, ir_node *const *nodes,
                       uint32_t n_live_in, ir_value *const *live_in, uint32_t n_live_out,
                       ir_value *const *live_out, base_diag *diag, rt_cpu_plan **out)
{
    base_arena *arena = base_arena_create(), *scratch = base_arena_create();
    rt_cpu_plan *plan = arena != NULL ? BASE_ARENA_NEW(arena, rt_cpu_plan) : NULL;
    if (plan == NULL || scratch == NULL) {
        base_arena_destroy(scratch);
        base_arena_destroy(arena);
        return base_fail(diag, SY_ENOMEM, "out of memory");
    }
    base_diag_clear(diag);
    plan->cpu = cpu;
    plan->arena = arena;
    plan->n_live_in = n_live_in;
    plan->n_live_out = n_live_out;
    (void)pthread_mutex_init(&plan->lock, NULL);
    plan->live_in = base_arena_memdup(arena, live_in, n_live_in, sizeof *live_in);
    plan->n_nodes = n_nodes;
    plan->nodes = base_arena_memdup(arena, nodes, n_nodes, sizeof *nodes);
    plan->wanted = base_arena_memdup(arena, live_out, n_live_out, sizeof *live_out);
    builder b = {.plan = plan, .arena = arena, .scratch = scratch, .diag = diag};
    sy_status status = SY_ENOMEM;
    if (plan->live_in != NULL && plan->nodes != NULL && plan->wanted != NULL) {
        status = build(&b, fuse, n_nodes, nodes, live_in, live_out);
    }
    /* Also after a failure: the steps may own plans of regions; buffers are freed with the plan. */
    plan->folded = base_arena_memdup(arena, b.folded.items, b.folded.n, sizeof(void *));
    plan->n_folded = plan->folded != NULL ? (uint32_t)b.folded.n : 0;
    status = plan->folded != NULL ? status : SY_ENOMEM;
    plan->steps = base_arena_memdup(arena, b.steps.items, b.steps.n, sizeof(rt_step));
    if (plan->steps != NULL) {
        plan->n_steps = (uint32_t)b.steps.n;
    } else {
        status = SY_ENOMEM;
    }
    if (status == SY_OK) {
        set_lifetimes(plan);
        *out = plan;
    } else {
        if (status == SY_ENOMEM && base_diag_message(diag)[0] == '\0') {
            (void)base_fail(diag, status, "out of memory");
        }
        rt_cpu_plan_destroy(plan);
    }
    base_arena_destroy(scratch);
    return status;
}

sy_status rt_cpu_plan_create(rt_cpu *cpu, uint32_t n_nodes, ir_node *const *nodes,
                             uint32_t n_live_in, ir_value *const *live_in, uint32_t n_live_out,
                             ir_value *const *live_out, base_diag *diag, rt_cpu_plan **out)
{
    return rt_plan_make(cpu, !cpu->reference, n_nodes, nodes, n_live_in, live_in, n_live_out,
                        live_out, diag, out);
}

sy_status rt_cpu_plan_graph(rt_cpu *cpu, ir_graph *g, base_diag *diag, rt_cpu_plan **out)
{
    base_arena *arena = base_arena_create();
    ir_node **nodes = arena != NULL ? BASE_ARENA_ARRAY(arena, ir_node *, g->n_nodes) : NULL;
    ir_value **live_out = nodes != NULL ? BASE_ARENA_ARRAY(arena, ir_value *, g->n_outputs) : NULL;
    sy_status status = SY_ENOMEM;
    if (live_out != NULL) {
        uint32_t n_nodes = 0;
        for (ir_node *n = g->first; n != NULL; n = n->next) {
            nodes[n_nodes++] = n;
        }
        for (uint32_t i = 0; i < g->n_outputs; i++) {
            live_out[i] = g->outputs[i]->use.value;
        }
        status = rt_cpu_plan_create(cpu, n_nodes, nodes, g->n_inputs, g->inputs, g->n_outputs,
                                    live_out, diag, out);
    }
    base_arena_destroy(arena);
    return status;
}

void rt_cpu_plan_destroy(rt_cpu_plan *plan)
{
    if (plan == NULL) {
        return;
    }
    for (uint32_t i = 0; i < plan->n_steps; i++) {
        for (uint32_t k = 0; k < plan->steps[i].n_regions; k++) {
            rt_cpu_plan_destroy(plan->steps[i].regions[k].plan);
        }
    }
    for (rt_layout *l = plan->layouts, *next; l != NULL; l = next) {
        next = l->next;
        rt_layout_destroy(l);
    }
    for (rt_frame *f = plan->frames, *next; f != NULL; f = next) {
        next = f->next;
        rt_frame_destroy(f);
    }
    for (uint32_t i = 0; i < plan->n_folded; i++) {
        rt_buffer_free(plan->folded[i]);
    }
    rt_cpu_plan_destroy(plan->plain);
    (void)pthread_mutex_destroy(&plan->lock);
    base_arena_destroy(plan->arena);
}
