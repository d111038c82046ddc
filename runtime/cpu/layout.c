/*
 * layout.c -- shapes and memory of a plan for one set of input shapes.
 *
 * The steps are walked once without running them: inference gives the shapes; small results that
 * depend on shapes and constants alone (Shape, Gather, Concat, ... in front of a Reshape) are
 * computed for good on the way. If a shape stays open, the layout is dynamic. Then results get
 * places in one block: the largest first, each at the lowest offset where nothing that lives at the
 * same time lies.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fast_internal.h"

#include <stdlib.h>
#include <string.h>

#define MAX_LAYOUTS        16   /* kept per plan; more sets of shapes are laid out anew each time */
#define MAX_COMPUTED_BYTES 4096 /* results computed beforehand are shapes, not weights */
#define ALIGNMENT_BYTES    64

static sy_status key_of(const rt_cpu_plan *plan, rt_layout *l, const ir_tensor *const *inputs)
{
    l->ranks = BASE_ARENA_ARRAY(l->arena, int32_t, plan->n_live_in);
    l->dims = base_arena_alloc(l->arena, plan->n_live_in, sizeof *l->dims);
    if (l->ranks == NULL || l->dims == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t i = 0; i < plan->n_live_in; i++) {
        l->ranks[i] = inputs[i]->rank;
        memcpy(l->dims[i], inputs[i]->dims, (size_t)inputs[i]->rank * sizeof(int64_t));
    }
    return SY_OK;
}

static bool key_fits(const rt_cpu_plan *plan, const rt_layout *l, const ir_tensor *const *inputs)
{
    for (uint32_t i = 0; i < plan->n_live_in; i++) {
        if (l->ranks[i] != inputs[i]->rank ||
            memcmp(l->dims[i], inputs[i]->dims, (size_t)inputs[i]->rank * sizeof(int64_t)) != 0) {
            return false;
        }
    }
    return true;
}

/* True if the step's results can be computed now: Shape, or all operands are known. */
static bool known_now(const rt_step *step, const ir_tensor *const *inputs)
{
    const ir_op *op = step->node->op;
    if (step->view || op->reference == NULL || (op->props & IR_P_PURE) == 0) {
        return false;
    }
    for (uint32_t i = 0; i < step->n_inputs; i++) {
        const bool known = inputs[i] == NULL || inputs[i]->data != NULL ||
                           ir_tensor_n_elements(inputs[i]) == 0;
        if (!known && op->code != IR_OP_SHAPE) {
            return false;
        }
    }
    return true;
}

static sy_status compute_now(rt_layout *l, const rt_step *step, const ir_tensor *const *inputs,
                             ir_tensor *const *outputs, base_arena *scratch, base_diag *diag,
                             bool *done)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < step->n_outputs; i++) {
        bytes += outputs[i] != NULL ? outputs[i]->size_bytes : 0;
    }
    *done = bytes <= MAX_COMPUTED_BYTES;
    if (!*done) {
        return SY_OK;
    }
    for (uint32_t i = 0; i < step->n_outputs; i++) {
        if (outputs[i] != NULL) {
            outputs[i]->data = base_arena_alloc(l->arena, outputs[i]->size_bytes, 1);
            if (outputs[i]->data == NULL) {
                return SY_ENOMEM;
            }
        }
    }
    const ir_kernel_args args = {
        .node = step->node,
        .n_inputs = step->n_inputs,
        .inputs = inputs,
        .n_outputs = step->n_outputs,
        .outputs = outputs,
        .scratch = scratch,
        .diag = diag,
    };
    const sy_status status = step->node->op->reference(&args);
    base_arena_reset(scratch);
    return status;
}

static bool any_strings(uint32_t n, ir_tensor *const *tensors)
{
    for (uint32_t i = 0; i < n; i++) {
        if (tensors[i] != NULL && tensors[i]->dtype == SY_DT_STRING) {
            return true;
        }
    }
    return false;
}

/* What infer_steps works with. */
typedef struct inference {
    const rt_cpu_plan *plan;
    rt_layout *layout;
    const ir_tensor **inputs; /* [max_operands] */
    ir_tensor **outputs;
    base_arena *scratch;
    base_diag *diag;
} inference;

/* Reference kernels, which compute beforehand, know plain values only. */
static bool any_channels_last(const rt_cpu_plan *plan, const rt_step *step)
{
    for (uint32_t k = 0; k < step->n_outputs; k++) {
        if (step->outputs[k] != RT_NONE && plan->slots[step->outputs[k]].channels_last) {
            return true;
        }
    }
    return false;
}

static bool same_type(const ir_tensor *a, const ir_tensor *b)
{
    return a->dtype == b->dtype && a->rank == b->rank &&
           memcmp(a->dims, b->dims, (size_t)a->rank * sizeof a->dims[0]) == 0;
}

/* Types of an If's results from one branch; `again`: they must be those that are there. */
static sy_status infer_branch(const inference *f, const rt_step *step, uint32_t branch, bool again)
{
    rt_layout *l = f->layout, *inner = NULL;
    const rt_region *region = &step->regions[branch];
    const rt_cpu_plan *plan = region->plan;
    const ir_tensor **captured = BASE_ARENA_ARRAY(l->arena, const ir_tensor *, region->n_captures);
    bool cached = true;
    if (captured == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t i = 0; i < region->n_captures; i++) {
        captured[i] = &l->tensors[region->captures[i]];
    }
    const sy_status status = rt_layout_get(region->plan, captured, f->diag, &inner, &cached);
    if (status != SY_OK) {
        l->dynamic = true; /* perhaps a branch that is never taken; if it is, the run says what is wrong */
        base_diag_clear(f->diag);
        return status == SY_ENOMEM ? status : SY_OK;
    }
    l->dynamic = inner->dynamic || plan->n_live_out < step->n_outputs;
    for (uint32_t k = 0; k < step->n_outputs && !l->dynamic; k++) {
        const ir_tensor *t = &inner->tensors[plan->live_out[k]];
        ir_tensor *own = step->outputs[k] != RT_NONE ? &l->tensors[step->outputs[k]] : NULL;
        l->dynamic = ir_tensor_is_list(t) || t->dtype == SY_DT_STRING || (again && own != NULL && !same_type(own, t));
        if (own != NULL) {
            *own = *t;
            own->data = NULL;
        }
    }
    if (!cached) {
        rt_layout_destroy(inner);
    }
    return SY_OK;
}

/* If: the branch that a known condition takes, else both, which must agree. A Loop's or Scan's results are open. */
static sy_status infer_region(const inference *f, const rt_step *step)
{
    rt_layout *l = f->layout;
    const ir_tensor *condition = step->inputs[0] != RT_NONE ? &l->tensors[step->inputs[0]] : NULL;
    if (step->n_regions != 2 || condition == NULL) {
        l->dynamic = true;
        return SY_OK;
    }
    const bool known = condition->data != NULL && condition->dtype == SY_DT_BOOL && condition->size_bytes > 0;
    const bool yes = known && *(const uint8_t *)condition->data != 0;
    if (known) {
        return infer_branch(f, step, yes ? 0 : 1, false);
    }
    SY_TRY(infer_branch(f, step, 0, false));
    return l->dynamic ? SY_OK : infer_branch(f, step, 1, true);
}

/* One step that is not merged, or one part. *done: its results were computed. */
static sy_status infer_step(const inference *f, const rt_step *step, bool *done)
{
    rt_layout *l = f->layout;
    if (step->converts) {
        l->tensors[step->outputs[0]] = l->tensors[step->inputs[0]];
        l->tensors[step->outputs[0]].data = NULL;
        return SY_OK;
    }
    if ((step->node->op->props & IR_P_ALLOC) != 0) {
        l->dynamic = true;
        return SY_OK;
    }
    for (uint32_t k = 0; k < step->n_inputs; k++) {
        f->inputs[k] = step->inputs[k] != RT_NONE ? &l->tensors[step->inputs[k]] : NULL;
    }
    for (uint32_t k = 0; k < step->n_outputs; k++) {
        f->outputs[k] = step->outputs[k] != RT_NONE ? &l->tensors[step->outputs[k]] : NULL;
    }
    const sy_status status = ir_infer_tensors(step->node, f->scratch, step->n_inputs, f->inputs,
                                              step->n_outputs, f->outputs, f->diag);
    base_arena_reset(f->scratch);
    if (status == SY_ESHAPE) {
        /* Open, or wrong: if it is wrong, the run will say so, with data. */
        l->dynamic = true;
        return SY_OK;
    }
    SY_TRY(status);
    if (any_strings(step->n_outputs, f->outputs)) {
        l->dynamic = true;
        return SY_OK;
    }
    if (known_now(step, f->inputs) && !any_channels_last(f->plan, step)) {
        const sy_status computed = compute_now(l, step, f->inputs, f->outputs, f->scratch, f->diag,
                                               done);
        return computed == SY_OK ? SY_OK : rt_node_failed(f->diag, step->node, computed);
    }
    if (step->view && f->inputs[0] != NULL && f->outputs[0] != NULL) {
        f->outputs[0]->data = f->inputs[0]->data; /* known bytes stay known */
    }
    return SY_OK;
}

/* All results of a merged step are known already. */
static bool all_known(const rt_layout *l, const rt_step *step)
{
    for (uint32_t k = 0; k < step->n_outputs; k++) {
        if (step->outputs[k] != RT_NONE && l->tensors[step->outputs[k]].data == NULL) {
            return false;
        }
    }
    return true;
}

static sy_status infer_steps(rt_cpu_plan *plan, rt_layout *l, base_arena *scratch, base_diag *diag)
{
    const inference f = {.plan = plan,
                         .layout = l,
                         .inputs = BASE_ARENA_ARRAY(l->arena, const ir_tensor *,
                                                    plan->max_operands),
                         .outputs = BASE_ARENA_ARRAY(l->arena, ir_tensor *, plan->max_operands),
                         .scratch = scratch,
                         .diag = diag};
    if (f.inputs == NULL || f.outputs == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t i = 0; i < plan->n_steps && !l->dynamic; i++) {
        const rt_step *step = &plan->steps[i];
        if (step->n_regions > 0) {
            SY_TRY(infer_region(&f, step));
        } else if (step->n_parts == 0) {
            SY_TRY(infer_step(&f, step, &l->done[i]));
        } else {
            for (uint32_t p = 0; p < step->n_parts && !l->dynamic; p++) {
                bool unused = false;
                SY_TRY(infer_step(&f, &step->parts[p], &unused));
            }
            l->done[i] = all_known(l, step);
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- places */

typedef struct piece {
    uint32_t slot, first, last;
    size_t bytes, offset;
} piece;

static int larger_first(const void *a, const void *b)
{
    const piece *x = a, *y = b;
    if (x->bytes != y->bytes) {
        return x->bytes > y->bytes ? -1 : 1;
    }
    return x->slot < y->slot ? -1 : 1;
}

static int lower_first(const void *a, const void *b)
{
    const piece *const *x = a, *const *y = b;
    if ((*x)->offset != (*y)->offset) {
        return (*x)->offset < (*y)->offset ? -1 : 1;
    }
    return (*x)->slot < (*y)->slot ? -1 : 1;
}

/* The lowest offset for piece p beside the pieces placed before it that live when it does. */
static size_t place(piece *p, piece *placed, size_t n_placed, const piece **beside)
{
    size_t n = 0;
    for (size_t i = 0; i < n_placed; i++) {
        if (placed[i].first <= p->last && p->first <= placed[i].last) {
            beside[n++] = &placed[i];
        }
    }
    qsort(beside, n, sizeof *beside, lower_first);
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        if (beside[i]->offset >= at + p->bytes) {
            break;
        }
        const size_t end = beside[i]->offset + beside[i]->bytes;
        at = end > at ? end : at;
    }
    return at;
}

/* True if slot s has a place of its own in the block. Results that the caller wants go straight into the caller's buffers. */
static bool has_place(const rt_cpu_plan *plan, const rt_layout *l, uint32_t s)
{
    const rt_slot *slot = &plan->slots[s];
    return slot->live_in == RT_NONE && slot->constant == NULL && slot->view_of == RT_NONE &&
           l->tensors[s].data == NULL && slot->live_out == RT_NONE && !slot->interior;
}

/* The slot whose place the result of elementwise step i may take: an operand of its size that is not used again. */
static uint32_t overwritten(const rt_cpu_plan *plan, const rt_layout *l, uint32_t i)
{
    const rt_step *step = &plan->steps[i];
    const uint32_t n = step->n_inputs > 2 && step->n_parts == 0 ? 1 : step->n_inputs; /* of many, the first is read first */
    if (step->fast == NULL || !(step->fast->in_place || step->fast->run == rt_fast_element) || step->n_outputs != 1 ||
        step->outputs[0] == RT_NONE || l->done[i] || !has_place(plan, l, step->outputs[0])) {
        return RT_NONE;
    }
    const ir_tensor *y = &l->tensors[step->outputs[0]];
    for (uint32_t k = 0; k < n; k++) {
        const uint32_t s = step->inputs[k] != RT_NONE ? rt_slot_root(plan, step->inputs[k]) : RT_NONE;
        if (s == RT_NONE || !has_place(plan, l, s) || plan->slots[s].last != i) {
            continue;
        }
        const ir_tensor *x = &l->tensors[step->inputs[k]];
        if (x->size_bytes == y->size_bytes && l->tensors[s].size_bytes == y->size_bytes &&
            sy_dtype_bits(x->dtype) == sy_dtype_bits(y->dtype) &&
            plan->slots[step->inputs[k]].channels_last == plan->slots[step->outputs[0]].channels_last) {
            return s;
        }
    }
    return RT_NONE;
}

static sy_status place_all(rt_cpu_plan *plan, rt_layout *l)
{
    base_arena *scratch = base_arena_create();
    piece *pieces = scratch != NULL ? BASE_ARENA_ARRAY(scratch, piece, plan->n_slots) : NULL;
    const piece **beside = pieces != NULL ? BASE_ARENA_ARRAY(scratch, const piece *, plan->n_slots)
                                          : NULL;
    uint32_t *home = beside != NULL ? BASE_ARENA_ARRAY(scratch, uint32_t, plan->n_slots) : NULL;
    uint32_t *last = home != NULL ? BASE_ARENA_ARRAY(scratch, uint32_t, plan->n_slots) : NULL;
    if (last == NULL) {
        base_arena_destroy(scratch);
        return SY_ENOMEM;
    }
    for (uint32_t s = 0; s < plan->n_slots; s++) {
        home[s] = s;
        last[s] = plan->slots[s].last;
        l->offsets[s] = SIZE_MAX;
    }
    for (uint32_t i = 0; i < plan->n_steps; i++) {
        const uint32_t s = overwritten(plan, l, i);
        if (s != RT_NONE) {
            const uint32_t y = plan->steps[i].outputs[0];
            home[y] = home[s];
            last[home[y]] = plan->slots[y].last;
        }
    }
    size_t n = 0;
    for (uint32_t s = 0; s < plan->n_slots; s++) {
        if (home[s] == s && has_place(plan, l, s)) {
            const size_t bytes = (l->tensors[s].size_bytes + ALIGNMENT_BYTES) / ALIGNMENT_BYTES *
                                 ALIGNMENT_BYTES;
            pieces[n++] = (piece){
                .slot = s, .first = plan->slots[s].first, .last = last[s], .bytes = bytes};
        }
    }
    qsort(pieces, n, sizeof *pieces, larger_first);
    for (size_t i = 0; i < n; i++) {
        pieces[i].offset = place(&pieces[i], pieces, i, beside);
        l->offsets[pieces[i].slot] = pieces[i].offset;
        const size_t end = pieces[i].offset + pieces[i].bytes;
        l->block_bytes = end > l->block_bytes ? end : l->block_bytes;
    }
    for (uint32_t s = 0; s < plan->n_slots; s++) {
        l->offsets[s] = l->offsets[home[s]];
    }
    base_arena_destroy(scratch);
    return SY_OK;
}

/* ---------------------------------------------------------------- */

void rt_layout_destroy(rt_layout *layout)
{
    if (layout != NULL) {
        base_arena_destroy(layout->arena);
    }
}

static sy_status fill(rt_cpu_plan *plan, rt_layout *l, const ir_tensor *const *inputs,
                      base_diag *diag)
{
    l->tensors = BASE_ARENA_ARRAY(l->arena, ir_tensor, plan->n_slots);
    l->offsets = BASE_ARENA_ARRAY(l->arena, size_t, plan->n_slots);
    l->done = BASE_ARENA_ARRAY(l->arena, bool, plan->n_steps);
    if (l->tensors == NULL || l->offsets == NULL || l->done == NULL) {
        return SY_ENOMEM;
    }
    SY_TRY(key_of(plan, l, inputs));
    for (uint32_t s = 0; s < plan->n_slots; s++) {
        const rt_slot *slot = &plan->slots[s];
        if (slot->constant != NULL) {
            l->tensors[s] = *slot->constant;
        } else if (slot->live_in != RT_NONE) {
            l->tensors[s] = *inputs[slot->live_in];
            l->tensors[s].data = NULL; /* another run may bring other data */
        }
    }
    for (uint32_t i = 0; i < plan->n_live_in; i++) {
        l->dynamic = l->dynamic || ir_tensor_is_list(inputs[i]) || inputs[i]->dtype == SY_DT_STRING;
    }
    if (!l->dynamic) {
        base_arena *scratch = base_arena_create();
        const sy_status status = scratch != NULL ? infer_steps(plan, l, scratch, diag) : SY_ENOMEM;
        base_arena_destroy(scratch);
        SY_TRY(status);
    }
    if (!l->dynamic) {
        SY_TRY(place_all(plan, l));
    }
    return SY_OK;
}

static sy_status make(rt_cpu_plan *plan, const ir_tensor *const *inputs, base_diag *diag,
                      rt_layout **out)
{
    base_arena *arena = base_arena_create();
    rt_layout *l = arena != NULL ? BASE_ARENA_NEW(arena, rt_layout) : NULL;
    if (l == NULL) {
        base_arena_destroy(arena);
        return SY_ENOMEM;
    }
    l->arena = arena;
    const sy_status status = fill(plan, l, inputs, diag);
    if (status != SY_OK) {
        rt_layout_destroy(l);
        return status;
    }
    *out = l;
    return SY_OK;
}

static rt_layout *find(rt_cpu_plan *plan, const ir_tensor *const *inputs)
{
    rt_layout *l = plan->layouts;
    while (l != NULL && !key_fits(plan, l, inputs)) {
        l = l->next;
    }
    return l;
}

sy_status rt_layout_get(rt_cpu_plan *plan, const ir_tensor *const *inputs, base_diag *diag,
                        rt_layout **out, bool *cached)
{
    *cached = true;
    (void)pthread_mutex_lock(&plan->lock);
    *out = find(plan, inputs);
    (void)pthread_mutex_unlock(&plan->lock);
    if (*out != NULL) {
        return SY_OK;
    }
    rt_layout *fresh = NULL;
    SY_TRY(make(plan, inputs, diag, &fresh));
    (void)pthread_mutex_lock(&plan->lock);
    rt_layout *other = find(plan, inputs); /* another thread may have been faster */
    if (other != NULL) {
        rt_layout_destroy(fresh);
        *out = other;
    } else {
        *out = fresh;
        *cached = plan->n_layouts < MAX_LAYOUTS;
        if (*cached) {
            fresh->next = plan->layouts;
            plan->layouts = fresh;
            plan->n_layouts++;
        }
    }
    (void)pthread_mutex_unlock(&plan->lock);
    return SY_OK;
}
