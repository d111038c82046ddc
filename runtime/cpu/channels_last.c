/*
 * channels_last.c -- which values of a plan lie channels last, and the conversions.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "channels_last.h"

#include <string.h>

rt_image rt_image_of(const ir_tensor *t)
{
    return (rt_image){.n = t->dims[0],
                      .channels = t->dims[1],
                      .height = t->rank == 4 ? t->dims[2] : 1,
                      .width = t->dims[t->rank - 1]};
}

int64_t rt_position_step(const rt_env *env, uint32_t slot, int64_t channels)
{
    (void)env;
    (void)slot;
    return channels;
}

/* ---------------------------------------------------------------- conversions */

#define EDGE 16 /* of the squares in which large planes are turned */

typedef struct turn_job {
    const char *from;
    char *to;
    int64_t rows, columns; /* from [rows][columns] to [columns][rows], for each image */
    size_t item_bytes;
    int64_t block, n_blocks; /* columns of `from` per task */
} turn_job;

/* A few long rows woven into one: images of two to four channels. */
#define WEAVE(N)                                                                         \
    static void weave_##N(int64_t n, const float *restrict from, int64_t step,           \
                          float *restrict to)                                            \
    {                                                                                    \
        for (int64_t i = 0; i < n; i++) {                                                \
            for (int64_t c = 0; c < N; c++) {                                            \
                to[i * N + c] = from[c * step + i];                                      \
            }                                                                            \
        }                                                                                \
    }

WEAVE(2)
WEAVE(3)
WEAVE(4)

#define TURN(T, name)                                                                              \
    static void name(int64_t rows, int64_t n, const T *restrict from, int64_t step, T *restrict to) \
    {                                                                                              \
        for (int64_t r = 0; r < rows; r += EDGE) {                                                 \
            const int64_t last = r + EDGE < rows ? r + EDGE : rows;                                \
            for (int64_t i = 0; i < n; i++) {                                                      \
                for (int64_t q = r; q < last; q++) {                                               \
                    to[i * rows + q] = from[q * step + i];                                         \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }

TURN(uint8_t, turn_8)
TURN(uint16_t, turn_16)
TURN(uint32_t, turn_32)
TURN(uint64_t, turn_64)

static sy_status turn_task(void *user, int64_t i, rt_scratch *scratch)
{
    const turn_job *j = user;
    const int64_t image = i / j->n_blocks, first = i % j->n_blocks * j->block;
    const int64_t n = first + j->block < j->columns ? j->block : j->columns - first;
    const int64_t at = image * j->rows * j->columns;
    const char *from = j->from + (size_t)(at + first) * j->item_bytes;
    char *to = j->to + (size_t)(at + first * j->rows) * j->item_bytes;
    (void)scratch;
    if (j->item_bytes == 4 && j->rows >= 2 && j->rows <= 4) {
        void (*const weave[])(int64_t, const float *, int64_t, float *) = {weave_2, weave_3,
                                                                           weave_4};
        weave[j->rows - 2](n, (const void *)from, j->columns, (void *)to);
    } else if (j->item_bytes == 4) {
        turn_32(j->rows, n, (const void *)from, j->columns, (void *)to);
    } else if (j->item_bytes == 1) {
        turn_8(j->rows, n, (const void *)from, j->columns, (void *)to);
    } else if (j->item_bytes == 2) {
        turn_16(j->rows, n, (const void *)from, j->columns, (void *)to);
    } else {
        turn_64(j->rows, n, (const void *)from, j->columns, (void *)to);
    }
    return SY_OK;
}

static sy_status turn(const ir_kernel_args *args, const rt_env *env, bool to_last)
{
    const ir_tensor *x = args->inputs[0];
    ir_tensor *y = args->outputs[0];
    const rt_image d = rt_image_of(x);
    const int64_t plane = d.height * d.width;
    if (plane == 1 || d.channels == 1 || x->size_bytes == 0) {
        if (x->size_bytes > 0) {
            memcpy(y->data, x->data, x->size_bytes);
        }
        return SY_OK;
    }
    turn_job j = {.from = x->data,
                  .to = y->data,
                  .rows = to_last ? d.channels : plane,
                  .columns = to_last ? plane : d.channels,
                  .item_bytes = sy_dtype_bits(x->dtype) / 8};
    const int64_t n = ir_tensor_n_elements(x);
    j.block = n < 65536 ? j.columns : (j.columns + 15) / 16;
    j.n_blocks = (j.columns + j.block - 1) / j.block;
    return rt_pool_run(rt_pool_for(env, 4.0 * (double)n), d.n * j.n_blocks, turn_task, &j,
                       env->scratch);
}

static sy_status run_to_last(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    (void)state;
    return turn(args, env, true);
}

static sy_status run_to_plain(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    (void)state;
    return turn(args, env, false);
}

static const rt_kernel to_last_kernel = {.run = run_to_last};
static const rt_kernel to_plain_kernel = {.run = run_to_plain};

/* ---------------------------------------------------------------- elementwise operators */

/* Any kernel that goes by the dims alone, called with the dims in the order of the memory. */
typedef struct permuted {
    const rt_kernel *kernel;
    ir_kernel_fn plain; /* without `kernel` */
    void *state;
    int32_t rank;
} permuted;

static sy_status prepare_permuted(const rt_prepare_args *args, void **state)
{
    permuted *p = *state;
    return p->kernel != NULL && p->kernel->prepare != NULL ? p->kernel->prepare(args, &p->state)
                                                           : SY_OK;
}

static ir_tensor permuted_tensor(const ir_tensor *t, int32_t rank)
{
    ir_tensor to = *t;
    if (t->rank == 0) {
        return to;
    }
    int64_t dims[IR_MAX_RANK] = {1};
    for (int32_t i = 0; i < rank; i++) {
        const int32_t own = i - (rank - t->rank);
        dims[i] = own < 0 ? 1 : t->dims[own];
    }
    to.rank = rank;
    to.dims[0] = dims[0];
    for (int32_t i = 2; i < rank; i++) {
        to.dims[i - 1] = dims[i];
    }
    to.dims[rank - 1] = dims[1];
    return to;
}

static sy_status run_permuted(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    const permuted *p = state;
    ir_tensor *tensors = BASE_ARENA_ARRAY(args->scratch, ir_tensor,
                                          (size_t)args->n_inputs + args->n_outputs);
    const ir_tensor **inputs = BASE_ARENA_ARRAY(args->scratch, const ir_tensor *, args->n_inputs);
    ir_tensor **outputs = BASE_ARENA_ARRAY(args->scratch, ir_tensor *, args->n_outputs);
    if (tensors == NULL || inputs == NULL || outputs == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t i = 0; i < args->n_inputs; i++) {
        if (args->inputs[i] != NULL) {
            *tensors = permuted_tensor(args->inputs[i], p->rank);
            inputs[i] = tensors++;
        }
    }
    for (uint32_t i = 0; i < args->n_outputs; i++) {
        if (args->outputs[i] != NULL) {
            *tensors = permuted_tensor(args->outputs[i], p->rank);
            outputs[i] = tensors++;
        }
    }
    ir_kernel_args own = *args;
    own.inputs = inputs;
    own.outputs = outputs;
    return p->kernel != NULL ? p->kernel->run(&own, env, p->state) : p->plain(&own);
}

static const rt_kernel permuted_kernel = {.prepare = prepare_permuted, .run = run_permuted};

/* ---------------------------------------------------------------- the walk */

/* Operators with kernels of their own: they follow operand 0. */
static const struct {
    uint32_t code;
    const rt_kernel *kernel;
    bool (*fits)(const rt_fusion *f, const rt_step *step); /* NULL: always */
} rows[] = {
    {IR_OP_MAXPOOL, &rt_max_last, rt_pool_fits},
    {IR_OP_AVERAGEPOOL, &rt_average_last, rt_pool_fits},
    {IR_OP_GLOBALAVERAGEPOOL, &rt_global_average_last, NULL},
    {IR_OP_LRN, &rt_lrn_last, rt_lrn_fits},
    {IR_OP_CONCAT, &rt_concat_last, rt_concat_fits},
    {IR_OP_COUNT, NULL, NULL},
};

typedef struct walk {
    rt_fusion *f;
    rt_steps steps;      /* the new list */
    uint32_t *last;      /* [n_slots] the slot with the same value channels last; RT_NONE: not yet */
    uint32_t *plain;     /* the same, plain */
    size_t n_slots;      /* before conversions */
} walk;

static bool is_last(const walk *w, uint32_t s)
{
    return s != RT_NONE && w->f->slots.items[s].channels_last;
}

/* The same bytes in either order: known when the plan is made to have one position or one channel. */
static bool is_both(const rt_fusion *f, uint32_t s, int32_t rank)
{
    const int32_t own = rt_fuse_rank(f, s);
    if (own < 0 || own > rank) {
        return false;
    }
    bool point = true;
    for (int32_t i = 2; i < rank; i++) {
        point = point && (i < rank - own || rt_fuse_dim(f, s, i - (rank - own)) == 1);
    }
    const int32_t channel = 1 - (rank - own);
    return point || channel < 0 || rt_fuse_dim(f, s, channel) == 1;
}

static sy_status convert(walk *w, const ir_node *node, uint32_t s, bool to_last, uint32_t *out)
{
    uint32_t *known = to_last ? w->last : w->plain;
    rt_fusion *f = w->f;
    *out = s;
    if (s == RT_NONE || s >= w->n_slots || is_last(w, s) == to_last) {
        return SY_OK;
    }
    if (known[s] != RT_NONE) {
        *out = known[s];
        return SY_OK;
    }
    const rt_slot fresh = {.value = f->slots.items[s].value,
                           .live_in = RT_NONE,
                           .view_of = RT_NONE,
                           .live_out = RT_NONE,
                           .channels_last = to_last};
    *out = known[s] = (uint32_t)f->slots.n;
    uint32_t *operands = BASE_ARENA_ARRAY(f->arena, uint32_t, 2);
    if (operands == NULL || !base_vec_push(f->scratch, &f->slots, fresh)) {
        return SY_ENOMEM;
    }
    operands[0] = s;
    operands[1] = *out;
    const rt_step step = {.node = node,
                          .n_inputs = 1,
                          .n_outputs = 1,
                          .inputs = operands,
                          .outputs = operands + 1,
                          .converts = true,
                          .fast = to_last ? &to_last_kernel : &to_plain_kernel};
    return base_vec_push(f->scratch, &w->steps, step) ? SY_OK : SY_ENOMEM;
}

static void replace(uint32_t n, uint32_t *operands, uint32_t from, uint32_t to)
{
    for (uint32_t i = 0; i < n; i++) {
        operands[i] = operands[i] == from ? to : operands[i];
    }
}

/* Operand k of the step, and of its parts, becomes slot `to`. */
static sy_status set_operand(walk *w, rt_step *step, uint32_t k, uint32_t to)
{
    const uint32_t from = step->inputs[k];
    if (from == to) {
        return SY_OK;
    }
    base_arena *arena = w->f->arena;
    uint32_t *inputs = base_arena_memdup(arena, step->inputs, step->n_inputs, sizeof *inputs);
    rt_step *parts = base_arena_memdup(arena, step->parts, step->n_parts, sizeof *parts);
    if (inputs == NULL || parts == NULL) {
        return SY_ENOMEM;
    }
    inputs[k] = to;
    step->inputs = inputs;
    for (uint32_t p = 0; p < step->n_parts; p++) {
        uint32_t *own = base_arena_memdup(arena, parts[p].inputs, parts[p].n_inputs, sizeof *own);
        if (own == NULL) {
            return SY_ENOMEM;
        }
        replace(parts[p].n_inputs, own, from, to);
        parts[p].inputs = own;
    }
    step->parts = step->n_parts > 0 ? parts : NULL;
    return SY_OK;
}

static sy_status want(walk *w, rt_step *step, uint32_t k, bool last)
{
    uint32_t slot = step->inputs[k];
    SY_TRY(convert(w, step->node, slot, last, &slot));
    return set_operand(w, step, k, slot);
}

/* Operand k channels last, unless its bytes are the same anyway. */
static sy_status want_last(walk *w, rt_step *step, uint32_t k, int32_t rank)
{
    if (step->inputs[k] == RT_NONE || is_last(w, step->inputs[k]) ||
        is_both(w->f, step->inputs[k], rank)) {
        return SY_OK;
    }
    return want(w, step, k, true);
}

static void mark_results(walk *w, const rt_step *step, int32_t rank)
{
    for (uint32_t k = 0; k < step->n_outputs; k++) {
        if (step->outputs[k] != RT_NONE) {
            w->f->slots.items[step->outputs[k]].channels_last = !is_both(w->f, step->outputs[k],
                                                                         rank);
        }
    }
}

/* What captures see is plain too. */
static sy_status plain_captures(walk *w, rt_step *step)
{
    for (uint32_t r = 0; r < step->n_regions; r++) {
        rt_region *regions = base_arena_memdup(w->f->arena, step->regions, step->n_regions,
                                               sizeof *regions);
        uint32_t *captures = base_arena_memdup(w->f->arena, step->regions[r].captures,
                                               step->regions[r].n_captures, sizeof *captures);
        if (regions == NULL || captures == NULL) {
            return SY_ENOMEM;
        }
        for (uint32_t k = 0; k < regions[r].n_captures; k++) {
            SY_TRY(convert(w, step->node, captures[k], false, &captures[k]));
        }
        regions[r].captures = captures;
        step->regions = regions;
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- who follows */

/* The rank of an elementwise step that should work channels last; 0: it should not. */
static int32_t elementwise_rank(const walk *w, const rt_step *step)
{
    const rt_fusion *f = w->f;
    const ir_op *op = step->node->op;
    const bool any_order = step->n_parts > 0
                               ? step->fast != NULL && step->fast->any_order
                               : op != NULL && (op->props & IR_P_ELEMENTWISE) != 0 &&
                                     (op->props & IR_P_QUANTISED) == 0 && !step->view &&
                                     ir_node_attr(step->node, "axis") == NULL;
    ir_attr_kind kind;
    if (!any_order || step->n_regions > 0 || step->n_outputs == 0 ||
        (step->n_parts == 0 && ir_op_attr_kind(op, "axis", &kind))) {
        return 0;
    }
    int32_t rank = 0;
    for (uint32_t k = 0; k < step->n_inputs; k++) {
        rank = is_last(w, step->inputs[k]) ? rt_fuse_rank(f, step->inputs[k]) : rank;
    }
    if (rank != 3 && rank != 4) {
        return 0;
    }
    for (uint32_t k = 0; k < step->n_outputs; k++) {
        const uint32_t s = step->outputs[k];
        if (s != RT_NONE && (rt_fuse_rank(f, s) != rank || rt_fuse_dtype(f, s) == SY_DT_NONE ||
                             sy_dtype_bits(rt_fuse_dtype(f, s)) < 8)) {
            return 0;
        }
    }
    for (uint32_t k = 0; k < step->n_inputs; k++) {
        const uint32_t s = step->inputs[k];
        if (s != RT_NONE && !is_last(w, s) && !is_both(f, s, rank) &&
            (rt_fuse_rank(f, s) != rank || sy_dtype_bits(rt_fuse_dtype(f, s)) < 8)) {
            return 0;
        }
    }
    return rank;
}

static sy_status follow_elementwise(walk *w, rt_step *step, int32_t rank)
{
    permuted *p = BASE_ARENA_NEW(w->f->arena, permuted);
    if (p == NULL) {
        return SY_ENOMEM;
    }
    *p = (permuted){.kernel = step->fast, .plain = step->plain, .state = step->state, .rank = rank};
    for (uint32_t k = 0; k < step->n_inputs; k++) {
        SY_TRY(want_last(w, step, k, rank));
    }
    mark_results(w, step, rank);
    step->fast = &permuted_kernel;
    step->state = p;
    return SY_OK;
}

static const rt_kernel *own_kernel(const walk *w, const rt_step *step)
{
    if (step->fast == &rt_shuffle_kernel) {
        return &rt_shuffle_last;
    }
    if (step->fast == &rt_affine_kernel) {
        return &rt_affine_last;
    }
    for (size_t i = 0; rows[i].kernel != NULL; i++) {
        if (step->n_parts == 0 && ir_node_is(step->node, rows[i].code) &&
            rt_fuse_dtype(w->f, step->inputs[0]) == SY_DT_F32 &&
            (rows[i].fits == NULL || rows[i].fits(w->f, step))) {
            return rows[i].kernel;
        }
    }
    return NULL;
}

static bool same_shape_view(const rt_step *step)
{
    return step->view && step->n_parts == 0 &&
           ir_node_is(step->node, IR_OP_IDENTITY);
}

/* A Transpose that moves the channels last (or from there), where the memory is like that already. */
static bool is_turn(const rt_step *step, int32_t rank, bool to_last)
{
    static const int64_t perms[2][2][4] = {{{0, 2, 1}, {0, 2, 3, 1}}, {{0, 2, 1}, {0, 3, 1, 2}}};
    const int64_t *perm;
    return step->n_parts == 0 && (rank == 3 || rank == 4) &&
           ir_node_is(step->node, IR_OP_TRANSPOSE) &&
           ir_node_ints(step->node, "perm", &perm) == (uint32_t)rank &&
           memcmp(perm, perms[to_last ? 0 : 1][rank - 3], (size_t)rank * sizeof *perm) == 0;
}

/* True if a convolution after step i reads the slot. */
static bool feeds_conv(const rt_fusion *f, size_t i, uint32_t s)
{
    for (i++; i < f->steps.n; i++) {
        if (f->steps.items[i].fast == &rt_conv_kernel && f->steps.items[i].inputs[0] == s) {
            return true;
        }
    }
    return false;
}

/* Makes a Transpose a view if it is one in memory. */
static bool take_turn(walk *w, rt_step *step, size_t i)
{
    rt_fusion *f = w->f;
    if (step->n_inputs != 1 || step->inputs[0] == RT_NONE || step->outputs[0] == RT_NONE) {
        return false;
    }
    const uint32_t x = step->inputs[0], y = step->outputs[0];
    const int32_t rank = rt_fuse_rank(f, x);
    const bool away = is_last(w, x) && is_turn(step, rank, true);
    const bool back = !is_last(w, x) && is_turn(step, rank, false) &&
                      rt_fuse_dtype(f, x) == SY_DT_F32 && feeds_conv(f, i, y) &&
                      !is_both(f, y, rank);
    if (away || back) {
        step->view = true;
        f->slots.items[y].view_of = x;
        f->slots.items[y].channels_last = back;
    }
    return away || back;
}

static sy_status visit(walk *w, rt_step *step, size_t i)
{
    rt_fusion *f = w->f;
    if (step->fast == &rt_conv_kernel) {
        const int32_t rank = rt_fuse_rank(f, step->inputs[0]);
        SY_TRY(want_last(w, step, 0, rank));
        if (step->inputs[3] != RT_NONE) {
            SY_TRY(want_last(w, step, 3, rank));
        }
        mark_results(w, step, rank);
        return SY_OK;
    }
    if (take_turn(w, step, i)) {
        return SY_OK;
    }
    const int32_t rank = elementwise_rank(w, step);
    if (rank > 0) {
        return follow_elementwise(w, step, rank);
    }
    if (step->n_inputs > 0 && is_last(w, step->inputs[0])) {
        const int32_t own = rt_fuse_rank(f, step->inputs[0]);
        const rt_kernel *kernel = own_kernel(w, step);
        if (kernel != NULL) {
            for (uint32_t k = 0; k < step->n_inputs; k++) {
                SY_TRY(want_last(w, step, k, own));
            }
            step->fast = kernel;
            mark_results(w, step, own);
            return SY_OK;
        }
        if (same_shape_view(step)) {
            f->slots.items[step->outputs[0]].channels_last = true;
            return SY_OK;
        }
    }
    for (uint32_t k = 0; k < step->n_inputs; k++) {
        SY_TRY(want(w, step, k, false));
        if (k == 0 && step->view && step->outputs[0] != RT_NONE && step->inputs[0] != RT_NONE) {
            f->slots.items[step->outputs[0]].view_of = step->inputs[0];
        }
    }
    return plain_captures(w, step);
}

sy_status rt_channels_last(rt_fusion *f)
{
    walk w = {.f = f, .n_slots = f->slots.n};
    w.last = BASE_ARENA_ARRAY(f->scratch, uint32_t, w.n_slots);
    w.plain = BASE_ARENA_ARRAY(f->scratch, uint32_t, w.n_slots);
    if (w.last == NULL || w.plain == NULL) {
        return SY_ENOMEM;
    }
    for (size_t s = 0; s < w.n_slots; s++) {
        w.last[s] = w.plain[s] = RT_NONE;
    }
    const ir_node *node = NULL;
    for (size_t i = 0; i < f->steps.n; i++) {
        rt_step *step = &f->steps.items[i];
        node = step->node;
        SY_TRY(visit(&w, step, i));
        if (!base_vec_push(f->scratch, &w.steps, *step)) {
            return SY_ENOMEM;
        }
    }
    for (uint32_t i = 0; i < f->n_live_out; i++) {
        SY_TRY(convert(&w, node, f->live_out[i], false, &f->live_out[i]));
    }
    f->steps = w.steps;
    return SY_OK;
}
