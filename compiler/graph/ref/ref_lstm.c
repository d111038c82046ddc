/*
 * ref_lstm.c -- LSTM, as ONNX writes it: gates in the order i, o, f, c; sigmoid, tanh, tanh.
 *
 *     i = s(Wi x + Ri h + Wbi + Rbi + Pi c)      f = s(Wf x + Rf h + Wbf + Rbf + Pf c)     g = t(Wc
 * x + Rc h + Wbc + Rbc) C = f c + i g                              o = s(Wo x + Ro h + Wbo + Rbo +
 * Po C)     H = o t(C)
 *
 * The state is rounded to its type after each step.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_internal.h"

#include <math.h>
#include <string.h>

typedef struct lstm {
    const ir_tensor *x, *w, *r, *b, *lengths, *p;
    ir_tensor *y;
    int64_t n_steps, batch, inputs, hidden, n_dirs;
    bool batch_first, input_forget;
    double clip;      /* infinity: none */
    ir_tensor h, c;   /* [batch, hidden] of one direction */
    ir_tensor next_h; /* [hidden] */
} lstm;

enum { GATE_I, GATE_O, GATE_F, GATE_C };

static double clipped(const lstm *l, double v)
{
    return v > l->clip ? l->clip : v < -l->clip ? -l->clip : v;
}

/* W x + R h + biases of one gate's unit. */
static double gate_sum(const lstm *l, int64_t dir, int gate, int64_t unit, int64_t x_at,
                       int64_t h_at)
{
    const int64_t row = dir * 4 * l->hidden + gate * l->hidden + unit;
    double s = 0.0;
    for (int64_t k = 0; k < l->inputs; k++) {
        s += ir_ref_get(l->w, row * l->inputs + k) * ir_ref_get(l->x, x_at + k);
    }
    for (int64_t k = 0; k < l->hidden; k++) {
        s += ir_ref_get(l->r, row * l->hidden + k) * ir_ref_get(&l->h, h_at + k);
    }
    if (l->b != NULL) {
        const int64_t at = dir * 8 * l->hidden + gate * l->hidden + unit;
        s += ir_ref_get(l->b, at) + ir_ref_get(l->b, at + 4 * l->hidden);
    }
    return s;
}

static double peephole(const lstm *l, int64_t dir, int which, int64_t unit, double cell)
{
    return l->p != NULL ? ir_ref_get(l->p, dir * 3 * l->hidden + which * l->hidden + unit) * cell
                        : 0.0;
}

/* One step of one sample; h and c of the sample become the new ones. */
static void step(lstm *l, int64_t dir, int64_t sample, int64_t x_at)
{
    const int64_t at = sample * l->hidden;
    for (int64_t u = 0; u < l->hidden; u++) {
        const double cell = ir_ref_get(&l->c, at + u);
        const double i = ir_ref_sigmoid(
            clipped(l, gate_sum(l, dir, GATE_I, u, x_at, at) + peephole(l, dir, 0, u, cell)));
        const double f = l->input_forget
                             ? 1.0 - i
                             : ir_ref_sigmoid(clipped(l, gate_sum(l, dir, GATE_F, u, x_at, at) +
                                                             peephole(l, dir, 2, u, cell)));
        const double g = ir_ref_tanh(clipped(l, gate_sum(l, dir, GATE_C, u, x_at, at)));
        const double next = f * cell + i * g;
        const double o = ir_ref_sigmoid(
            clipped(l, gate_sum(l, dir, GATE_O, u, x_at, at) + peephole(l, dir, 1, u, next)));
        ir_ref_put(&l->c, at + u, next);
        ir_ref_put(&l->next_h, u, o * ir_ref_tanh(next));
    }
    const size_t bytes = l->next_h.size_bytes;
    memcpy((char *)l->h.data + (size_t)sample * bytes, l->next_h.data, bytes);
}

/* Copies the rows of a state [dirs, batch, hidden] (or [batch, dirs, hidden]) of one direction out
 * or in. */
static void copy_state(const lstm *l, int64_t dir, const ir_tensor *all, ir_tensor *own, bool out)
{
    const size_t bytes = l->next_h.size_bytes;
    for (int64_t s = 0; s < l->batch; s++) {
        const int64_t row = l->batch_first ? s * l->n_dirs + dir : dir * l->batch + s;
        char *there = (char *)all->data + (size_t)row * bytes,
             *here = (char *)own->data + (size_t)s * bytes;
        memcpy(out ? there : here, out ? here : there, bytes);
    }
}

static void run_direction(lstm *l, int64_t dir, bool reverse)
{
    const size_t bytes = l->next_h.size_bytes;
    for (int64_t s = 0; s < l->batch; s++) {
        const int64_t length = l->lengths != NULL ? ir_ref_get_int(l->lengths, s) : l->n_steps;
        for (int64_t k = 0; k < length && k < l->n_steps; k++) {
            const int64_t t = reverse ? length - 1 - k : k;
            step(l, dir, s, (l->batch_first ? s * l->n_steps + t : t * l->batch + s) * l->inputs);
            if (l->y != NULL) {
                const int64_t row = l->batch_first ? (s * l->n_steps + t) * l->n_dirs + dir
                                                   : (t * l->n_dirs + dir) * l->batch + s;
                memcpy((char *)l->y->data + (size_t)row * bytes,
                       (char *)l->h.data + (size_t)s * bytes, bytes);
            }
        }
    }
}

/* Only the standard activations; every name that the attribute lists must be one of them, in its
 * place. */
static bool standard_activations(const ir_node *n)
{
    static const char *const standard[] = {"Sigmoid", "Tanh", "Tanh"};
    const ir_attr *a = ir_node_attr(n, "activations");
    for (uint32_t i = 0; a != NULL && a->kind == IR_ATTR_STRINGS && i < a->n; i++) {
        if (strcmp(a->u.strings[i].text, standard[i % 3]) != 0) {
            return false;
        }
    }
    return true;
}

sy_status ir_ref_lstm(const ir_kernel_args *args)
{
    const ir_node *n = args->node;
    const ir_tensor *h0 = ir_kernel_input(args, 5), *c0 = ir_kernel_input(args, 6);
    ir_tensor *y_h = ir_kernel_output(args, 1), *y_c = ir_kernel_output(args, 2);
    const char *direction = ir_node_string(n, "direction", "forward");
    lstm l = {
        .x = ir_kernel_input(args, 0),
        .w = ir_kernel_input(args, 1),
        .r = ir_kernel_input(args, 2),
        .b = ir_kernel_input(args, 3),
        .lengths = ir_kernel_input(args, 4),
        .p = ir_kernel_input(args, 7),
        .y = ir_kernel_output(args, 0),
        .hidden = ir_node_int(n, "hidden_size", 1),
        .n_dirs = direction[0] == 'b' ? 2 : 1,
        .batch_first = ir_node_int(n, "layout", 0) != 0,
        .input_forget = ir_node_int(n, "input_forget", 0) != 0,
        .clip = (double)ir_node_float(n, "clip", INFINITY),
    };
    SY_TRY(ir_ref_need(args, l.x, ir_ref_is_float(l.x->dtype)));
    if (!standard_activations(n)) {
        return base_fail(args->diag, SY_EUNSUPPORTED,
                         "activations other than Sigmoid, Tanh, Tanh are not supported on the cpu");
    }
    l.n_steps = l.x->dims[l.batch_first ? 1 : 0];
    l.batch = l.x->dims[l.batch_first ? 0 : 1];
    l.inputs = l.x->dims[2];
    const int64_t state_dims[] = {l.batch, l.hidden};
    SY_TRY(ir_tensor_init(&l.h, l.x->dtype, 2, state_dims, NULL));
    SY_TRY(ir_tensor_init(&l.c, l.x->dtype, 2, state_dims, NULL));
    SY_TRY(ir_tensor_init(&l.next_h, l.x->dtype, 1, &l.hidden, NULL));
    l.h.data = base_arena_alloc(args->scratch, l.h.size_bytes, 1);
    l.c.data = base_arena_alloc(args->scratch, l.c.size_bytes, 1);
    l.next_h.data = base_arena_alloc(args->scratch, l.next_h.size_bytes, 1);
    if (l.h.data == NULL || l.c.data == NULL || l.next_h.data == NULL) {
        return SY_ENOMEM;
    }
    if (l.y != NULL) {
        memset(l.y->data, 0, l.y->size_bytes); /* what lies beyond a sample's length */
    }
    for (int64_t dir = 0; dir < l.n_dirs; dir++) {
        memset(l.h.data, 0, l.h.size_bytes);
        memset(l.c.data, 0, l.c.size_bytes);
        if (h0 != NULL) {
            copy_state(&l, dir, h0, &l.h, false);
        }
        if (c0 != NULL) {
            copy_state(&l, dir, c0, &l.c, false);
        }
        run_direction(&l, dir, dir == 1 || direction[0] == 'r');
        if (y_h != NULL) {
            copy_state(&l, dir, y_h, &l.h, true);
        }
        if (y_c != NULL) {
            copy_state(&l, dir, y_c, &l.c, true);
        }
    }
    return SY_OK;
}
