/*
 * ref_recurrent.c -- RNN, GRU and LSTM, as ONNX writes them. f, g, h are the activations in the order of the attribute:
 *
 *   RNN   H = f(W x + R h + Wb + Rb)
 *   GRU   z = f(Wz x + Rz h + Wbz + Rbz)        r = f(Wr x + Rr h + Wbr + Rbr)
 *         n = g(Wh x + Rh (r h) + Rbh + Wbh)    or, linear_before_reset: g(Wh x + r (Rh h + Rbh) + Wbh)
 *         H = (1 - z) n + z h
 *   LSTM  i = f(Wi x + Ri h + Wbi + Rbi + Pi c) F = f(Wf x + Rf h + Wbf + Rbf + Pf c), or 1 - i: input_forget
 *         n = g(Wc x + Rc h + Wbc + Rbc)        C = F c + i n
 *         o = f(Wo x + Ro h + Wbo + Rbo + Po C) H = o h(C)
 *
 * What goes into the gates is clipped (C, which goes into h, is not). Everything is in double; sums run over x, then h, then the biases; the states
 * are rounded to their type after each step. Operands are converted once, the matrices transposed on the way, so that
 * the innermost loops go over units.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_internal.h"

#include <math.h>
#include <string.h>
#include <strings.h>

typedef enum cell_kind { CELL_RNN, CELL_GRU, CELL_LSTM } cell_kind;

/* ---------------------------------------------------------------- activations */

typedef enum activation_kind {
    ACT_RELU,
    ACT_TANH,
    ACT_SIGMOID,
    ACT_AFFINE,
    ACT_LEAKY_RELU,
    ACT_THRESHOLDED_RELU,
    ACT_SCALED_TANH,
    ACT_HARD_SIGMOID,
    ACT_ELU,
    ACT_SOFTSIGN,
    ACT_SOFTPLUS
} activation_kind;

typedef struct activation {
    activation_kind kind;
    double alpha, beta;
} activation;

static const struct activation_row {
    const char *name;
    activation_kind kind;
    bool has_alpha, has_beta;
    float alpha, beta;
} activation_rows[] = {
    { "Relu", ACT_RELU, false, false, 0.0f, 0.0f },
    { "Tanh", ACT_TANH, false, false, 0.0f, 0.0f },
    { "Sigmoid", ACT_SIGMOID, false, false, 0.0f, 0.0f },
    { "Affine", ACT_AFFINE, true, true, 1.0f, 0.0f },
    { "LeakyRelu", ACT_LEAKY_RELU, true, false, 0.01f, 0.0f },
    { "ThresholdedRelu", ACT_THRESHOLDED_RELU, true, false, 1.0f, 0.0f },
    { "ScaledTanh", ACT_SCALED_TANH, true, true, 1.0f, 1.0f },
    { "HardSigmoid", ACT_HARD_SIGMOID, true, true, 0.2f, 0.5f },
    { "Elu", ACT_ELU, true, false, 1.0f, 0.0f },
    { "Softsign", ACT_SOFTSIGN, false, false, 0.0f, 0.0f },
    { "Softplus", ACT_SOFTPLUS, false, false, 0.0f, 0.0f },
};

static double activate(const activation *a, double x)
{
    switch (a->kind) {
    case ACT_RELU:
        return x > 0.0 ? x : 0.0;
    case ACT_TANH:
        return ir_ref_tanh(x);
    case ACT_SIGMOID:
        return ir_ref_sigmoid(x);
    case ACT_AFFINE:
        return a->alpha * x + a->beta;
    case ACT_LEAKY_RELU:
        return x >= 0.0 ? x : a->alpha * x;
    case ACT_THRESHOLDED_RELU:
        return x >= a->alpha ? x : 0.0;
    case ACT_SCALED_TANH:
        return a->alpha * ir_ref_tanh(a->beta * x);
    case ACT_HARD_SIGMOID: {
        const double y = a->alpha * x + a->beta;
        return y < 0.0 ? 0.0 : y > 1.0 ? 1.0 : y;
    }
    case ACT_ELU:
        return x >= 0.0 ? x : a->alpha * ir_ref_expm1(x);
    case ACT_SOFTSIGN:
        return x / (1.0 + fabs(x));
    case ACT_SOFTPLUS:
        return x > 0.0 ? x + ir_ref_log(1.0 + ir_ref_exp(-x)) : ir_ref_log(1.0 + ir_ref_exp(x));
    }
    return x;
}

static const struct activation_row *activation_named(const char *name)
{
    for (size_t i = 0; i < sizeof activation_rows / sizeof activation_rows[0]; i++) {
        if (strcasecmp(activation_rows[i].name, name) == 0) {
            return &activation_rows[i];
        }
    }
    return NULL;
}

/*
 * The activations of all directions, `each` for one. Values of activation_alpha and activation_beta belong to those
 * activations that have such a parameter, in order.
 */
static sy_status read_activations(const ir_kernel_args *args, cell_kind kind, uint32_t each, uint32_t n_dirs,
                                  activation *out)
{
    static const char *const defaults[][3] = {
        [CELL_RNN] = { "Tanh" }, [CELL_GRU] = { "Sigmoid", "Tanh" }, [CELL_LSTM] = { "Sigmoid", "Tanh", "Tanh" }
    };
    const ir_attr *names = ir_node_attr(args->node, "activations");
    const float *alphas = NULL, *betas = NULL;
    const uint32_t n_alphas = ir_node_floats(args->node, "activation_alpha", &alphas);
    const uint32_t n_betas = ir_node_floats(args->node, "activation_beta", &betas);
    const uint32_t n_names = names != NULL && names->kind == IR_ATTR_STRINGS ? names->n : 0;
    if (n_names != 0 && n_names < each * n_dirs && n_names != each) {
        return base_fail(args->diag, SY_EINVAL, "attribute 'activations' has %u names, expected %u", n_names,
                         each * n_dirs);
    }
    for (uint32_t i = 0, i_alpha = 0, i_beta = 0; i < each * n_dirs; i++) {
        const char *name = n_names > 0 ? names->u.strings[i % n_names].text : defaults[kind][i % each];
        const struct activation_row *row = activation_named(name);
        if (row == NULL) {
            return base_fail(args->diag, SY_EUNSUPPORTED, "activation '%s' is not known", name);
        }
        out[i] = (activation){ row->kind, (double)row->alpha, (double)row->beta };
        if (row->has_alpha && i_alpha < n_alphas) {
            out[i].alpha = (double)alphas[i_alpha++];
        }
        if (row->has_beta && i_beta < n_betas) {
            out[i].beta = (double)betas[i_beta++];
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- one direction */

typedef struct recurrent {
    cell_kind kind;
    int64_t n_gates, n_steps, batch, inputs, hidden, n_dirs;
    bool batch_first, input_forget, linear_before_reset;
    double clip; /* infinity: none */
    const ir_tensor *x, *w, *r, *b, *lengths, *p;
    ir_tensor *y;
    const activation *act; /* of this direction */
    double *wt, *rt;       /* [inputs][gates * hidden], [hidden][gates * hidden] */
    double *bias_w, *bias_r; /* [gates * hidden] each, zeros without biases */
    double *peepholes;     /* [3 * hidden] */
    double *in, *sums, *recurrent_sums, *reset; /* of one step: x, sums of all gates, of R h alone, r h */
    double *h, *c;         /* [hidden] of the sample */
    ir_tensor rounded;     /* [hidden] in the type of the tensors */
} recurrent;

static double clipped(const recurrent *l, double v)
{
    return v > l->clip ? l->clip : v < -l->clip ? -l->clip : v;
}

static double act(const recurrent *l, int which, double v)
{
    return activate(&l->act[which], clipped(l, v));
}

/* sums[j] += sum over k of v[k] * m[k][j], k in order, for n columns from `first` of rows of `width`. */
static void add_product(double *restrict sums, const double *restrict v, int64_t n_v, const double *restrict m,
                        int64_t width, int64_t first, int64_t n)
{
    for (int64_t k = 0; k < n_v; k++) {
        const double *row = m + k * width + first;
        const double s = v[k];
        for (int64_t j = 0; j < n; j++) {
            sums[j] += s * row[j];
        }
    }
}

static void rnn_step(recurrent *l)
{
    const int64_t n = l->hidden;
    add_product(l->sums, l->h, n, l->rt, n, 0, n);
    for (int64_t u = 0; u < n; u++) {
        l->h[u] = act(l, 0, l->sums[u] + (l->bias_w[u] + l->bias_r[u]));
    }
}

static void gru_step(recurrent *l)
{
    const int64_t n = l->hidden, width = 3 * n;
    add_product(l->sums, l->h, n, l->rt, width, 0, 2 * n);
    for (int64_t u = 0; u < 2 * n; u++) { /* z, then r */
        l->sums[u] = act(l, 0, l->sums[u] + (l->bias_w[u] + l->bias_r[u]));
    }
    const double *r = l->sums + n;
    double *candidate = l->sums + 2 * n;
    if (l->linear_before_reset) {
        memset(l->recurrent_sums, 0, (size_t)n * sizeof *l->recurrent_sums);
        add_product(l->recurrent_sums, l->h, n, l->rt, width, 2 * n, n);
        for (int64_t u = 0; u < n; u++) {
            candidate[u] += r[u] * (l->recurrent_sums[u] + l->bias_r[2 * n + u]) + l->bias_w[2 * n + u];
        }
    } else {
        for (int64_t u = 0; u < n; u++) {
            l->reset[u] = r[u] * l->h[u];
        }
        add_product(candidate, l->reset, n, l->rt, width, 2 * n, n);
        for (int64_t u = 0; u < n; u++) {
            candidate[u] += l->bias_r[2 * n + u] + l->bias_w[2 * n + u];
        }
    }
    for (int64_t u = 0; u < n; u++) {
        const double z = l->sums[u];
        l->h[u] = (1.0 - z) * act(l, 1, candidate[u]) + z * l->h[u];
    }
}

static void lstm_step(recurrent *l)
{
    const int64_t n = l->hidden;
    add_product(l->sums, l->h, n, l->rt, 4 * n, 0, 4 * n);
    for (int64_t u = 0; u < 4 * n; u++) {
        l->sums[u] += l->bias_w[u] + l->bias_r[u];
    }
    for (int64_t u = 0; u < n; u++) { /* gates lie in the order i, o, f, c; peepholes i, o, f */
        const double cell = l->c[u], *p = l->peepholes;
        const double i = act(l, 0, l->sums[u] + p[u] * cell);
        const double f = l->input_forget ? 1.0 - i : act(l, 0, l->sums[2 * n + u] + p[2 * n + u] * cell);
        const double next = f * cell + i * act(l, 1, l->sums[3 * n + u]);
        const double o = act(l, 0, l->sums[n + u] + p[n + u] * next);
        l->c[u] = next;
        l->h[u] = o * activate(&l->act[2], next);
    }
}

/* v as numbers of the tensors' type. */
static void round_state(recurrent *l, double *v)
{
    for (int64_t u = 0; u < l->hidden; u++) {
        ir_ref_put(&l->rounded, u, v[u]);
        v[u] = ir_ref_get(&l->rounded, u);
    }
}

static void run_sample(recurrent *l, int64_t dir, int64_t sample, bool reverse)
{
    int64_t length = l->lengths != NULL ? ir_ref_get_int(l->lengths, sample) : l->n_steps;
    length = length < 0 ? 0 : length > l->n_steps ? l->n_steps : length;
    const int64_t width = l->n_gates * l->hidden;
    const size_t bytes = l->rounded.size_bytes;
    for (int64_t k = 0; k < length; k++) {
        const int64_t t = reverse ? length - 1 - k : k;
        const int64_t row = l->batch_first ? sample * l->n_steps + t : t * l->batch + sample;
        for (int64_t i = 0; i < l->inputs; i++) {
            l->in[i] = ir_ref_get(l->x, row * l->inputs + i);
        }
        memset(l->sums, 0, (size_t)width * sizeof *l->sums);
        add_product(l->sums, l->in, l->inputs, l->wt, width, 0, width);
        switch (l->kind) {
        case CELL_RNN:
            rnn_step(l);
            break;
        case CELL_GRU:
            gru_step(l);
            break;
        case CELL_LSTM:
            lstm_step(l);
            round_state(l, l->c);
            break;
        }
        round_state(l, l->h);
        if (l->y != NULL) {
            const int64_t at = l->batch_first ? (sample * l->n_steps + t) * l->n_dirs + dir
                                              : (t * l->n_dirs + dir) * l->batch + sample;
            memcpy((char *)l->y->data + (size_t)at * bytes, l->rounded.data, bytes);
        }
    }
}

/* ---------------------------------------------------------------- operands */

/* Rows [first, first + n_rows) of a matrix, transposed. */
static void transpose(const ir_tensor *t, int64_t first, int64_t n_rows, int64_t n_columns, double *out)
{
    for (int64_t r = 0; r < n_rows; r++) {
        for (int64_t k = 0; k < n_columns; k++) {
            out[k * n_rows + r] = ir_ref_get(t, (first + r) * n_columns + k);
        }
    }
}

static void load_direction(recurrent *l, int64_t dir)
{
    const int64_t width = l->n_gates * l->hidden;
    transpose(l->w, dir * width, width, l->inputs, l->wt);
    transpose(l->r, dir * width, width, l->hidden, l->rt);
    for (int64_t i = 0; l->b != NULL && i < width; i++) {
        l->bias_w[i] = ir_ref_get(l->b, dir * 2 * width + i);
        l->bias_r[i] = ir_ref_get(l->b, dir * 2 * width + width + i);
    }
    for (int64_t i = 0; l->p != NULL && i < 3 * l->hidden; i++) {
        l->peepholes[i] = ir_ref_get(l->p, dir * 3 * l->hidden + i);
    }
}

/* A state of one sample out of, or into, all of them. */
static void load_state(const recurrent *l, const ir_tensor *all, int64_t row, double *out)
{
    for (int64_t u = 0; u < l->hidden; u++) {
        out[u] = all != NULL ? ir_ref_get(all, row * l->hidden + u) : 0.0;
    }
}

static void store_state(const recurrent *l, ir_tensor *all, int64_t row, const double *v)
{
    for (int64_t u = 0; all != NULL && u < l->hidden; u++) {
        ir_ref_put(all, row * l->hidden + u, v[u]);
    }
}

static sy_status make_room(recurrent *l, base_arena *scratch)
{
    const size_t h = (size_t)l->hidden, width = (size_t)l->n_gates * h, in = (size_t)l->inputs;
    l->wt = BASE_ARENA_ARRAY(scratch, double, in *width);
    l->rt = BASE_ARENA_ARRAY(scratch, double, h *width);
    l->in = BASE_ARENA_ARRAY(scratch, double, in);
    double *rest = BASE_ARENA_ARRAY(scratch, double, 3 * width + 7 * h);
    SY_TRY(ir_tensor_init(&l->rounded, l->x->dtype, 1, &l->hidden, NULL));
    l->rounded.data = base_arena_alloc(scratch, l->rounded.size_bytes, 1);
    if (l->wt == NULL || l->rt == NULL || l->in == NULL || rest == NULL || l->rounded.data == NULL) {
        return SY_ENOMEM;
    }
    l->bias_w = rest;
    l->bias_r = rest + width;
    l->sums = rest + 2 * width;
    l->peepholes = rest + 3 * width;
    l->recurrent_sums = l->peepholes + 3 * h;
    l->reset = l->recurrent_sums + h;
    l->h = l->reset + h;
    l->c = l->h + h;
    return SY_OK;
}

static sy_status run(const ir_kernel_args *args, cell_kind kind, int64_t n_gates, uint32_t n_activations)
{
    const ir_node *n = args->node;
    const bool lstm = kind == CELL_LSTM;
    const ir_tensor *h0 = ir_kernel_input(args, 5), *c0 = lstm ? ir_kernel_input(args, 6) : NULL;
    ir_tensor *y_h = ir_kernel_output(args, 1), *y_c = lstm ? ir_kernel_output(args, 2) : NULL;
    const char *direction = ir_node_string(n, "direction", "forward");
    activation activations[6];
    recurrent l = {
        .kind = kind,
        .n_gates = n_gates,
        .x = ir_kernel_input(args, 0),
        .w = ir_kernel_input(args, 1),
        .r = ir_kernel_input(args, 2),
        .b = ir_kernel_input(args, 3),
        .lengths = ir_kernel_input(args, 4),
        .p = lstm ? ir_kernel_input(args, 7) : NULL,
        .y = ir_kernel_output(args, 0),
        .n_dirs = direction[0] == 'b' ? 2 : 1,
        .batch_first = ir_node_int(n, "layout", 0) != 0,
        .input_forget = ir_node_int(n, "input_forget", 0) != 0,
        .linear_before_reset = ir_node_int(n, "linear_before_reset", 0) != 0,
        .clip = (double)ir_node_float(n, "clip", INFINITY),
    };
    l.clip = l.clip > 0.0 ? l.clip : (double)INFINITY; /* 0 is how exporters write "none" */
    SY_TRY(ir_ref_need(args, l.x, ir_ref_is_float(l.x->dtype)));
    SY_TRY(read_activations(args, kind, n_activations, (uint32_t)l.n_dirs, activations));
    l.n_steps = l.x->dims[l.batch_first ? 1 : 0];
    l.batch = l.x->dims[l.batch_first ? 0 : 1];
    l.inputs = l.x->dims[2];
    l.hidden = l.r->dims[2];
    SY_TRY(make_room(&l, args->scratch));
    if (l.y != NULL) {
        memset(l.y->data, 0, l.y->size_bytes); /* what lies beyond a sample's length */
    }
    for (int64_t dir = 0; dir < l.n_dirs; dir++) {
        l.act = activations + dir * n_activations;
        load_direction(&l, dir);
        for (int64_t s = 0; s < l.batch; s++) {
            const int64_t row = l.batch_first ? s * l.n_dirs + dir : dir * l.batch + s;
            load_state(&l, h0, row, l.h);
            load_state(&l, c0, row, l.c);
            run_sample(&l, dir, s, dir == 1 || direction[0] == 'r');
            store_state(&l, y_h, row, l.h);
            store_state(&l, y_c, row, l.c);
        }
    }
    return SY_OK;
}

sy_status ir_ref_rnn(const ir_kernel_args *args)
{
    return run(args, CELL_RNN, 1, 1);
}

sy_status ir_ref_gru(const ir_kernel_args *args)
{
    return run(args, CELL_GRU, 3, 2);
}

sy_status ir_ref_lstm(const ir_kernel_args *args)
{
    return run(args, CELL_LSTM, 4, 3);
}
