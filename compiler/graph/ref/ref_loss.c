/*
 * ref_loss.c -- losses and optimisers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_internal.h"

#include <math.h>
#include <string.h>

typedef struct nll {
    int64_t n_images, n_classes, n_inner;
    const ir_tensor *x, *target, *weight;
    bool ignoring;
    int64_t ignored;
} nll;

/* The loss of one element and its weight; 0 and 0 where the target is ignored. */
static sy_status nll_element(const nll *l, const ir_kernel_args *args, int64_t i, double *loss, double *weight)
{
    const int64_t c = ir_ref_get_int(l->target, i), image = i / l->n_inner, inner = i % l->n_inner;
    *loss = *weight = 0.0;
    if (l->ignoring && c == l->ignored) {
        return SY_OK;
    }
    if (c < 0 || c >= l->n_classes) {
        return base_fail(args->diag, SY_ERANGE, "target %lld is class %lld, there are %lld", (long long)i, (long long)c,
                         (long long)l->n_classes);
    }
    *weight = l->weight != NULL ? ir_ref_get(l->weight, c) : 1.0;
    *loss = -*weight * ir_ref_get(l->x, (image * l->n_classes + c) * l->n_inner + inner);
    return SY_OK;
}

sy_status ir_ref_nll_loss(const ir_kernel_args *args)
{
    const ir_node *n = args->node;
    const ir_tensor *x = args->inputs[0], *target = args->inputs[1];
    ir_tensor *y = args->outputs[0];
    const char *reduction = ir_node_string(n, "reduction", "mean");
    const bool none = strcmp(reduction, "none") == 0, mean = strcmp(reduction, "mean") == 0;
    nll l = {.x = x, .target = target, .weight = ir_kernel_input(args, 2), .ignoring = ir_node_attr(n, "ignore_index") != NULL};
    SY_TRY(ir_ref_need(args, x, ir_ref_is_float(x->dtype)));
    if (!none && !mean && strcmp(reduction, "sum") != 0) {
        return base_fail(args->diag, SY_EINVAL, "reduction '%s': expected none, sum or mean", reduction);
    }
    l.n_images = x->dims[0];
    l.n_classes = x->dims[1];
    l.n_inner = ir_ref_product(x->dims, 2, x->rank);
    l.ignored = ir_node_int(n, "ignore_index", 0);
    const int64_t count = ir_tensor_n_elements(target);
    if ((target->dtype != SY_DT_I32 && target->dtype != SY_DT_I64) || count != l.n_images * l.n_inner ||
        (l.weight != NULL && (l.weight->dtype != x->dtype || ir_tensor_n_elements(l.weight) != l.n_classes))) {
        return base_fail(args->diag, SY_ESHAPE, "the target or the weights do not fit the scores");
    }
    double loss = 0.0, weight = 0.0;
    for (int64_t i = 0; i < count; i++) {
        double v = 0.0, w = 0.0;
        SY_TRY(nll_element(&l, args, i, &v, &w));
        loss += v;
        weight += w;
        if (none) {
            ir_ref_put(y, i, v);
        }
    }
    if (!none) {
        ir_ref_put(y, 0, mean ? loss / weight : loss);
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- optimisers */

typedef struct step {
    const ir_kernel_args *args;
    uint32_t n; /* tensors */
    double rate, t;
} step;

static sy_status step_of(const ir_kernel_args *args, uint32_t groups, step *s)
{
    const ir_tensor *r = args->inputs[0], *t = args->inputs[1];
    *s = (step){.args = args, .n = (args->n_inputs - 2) / groups};
    SY_TRY(ir_ref_need(args, r, ir_ref_is_float(r->dtype) && ir_tensor_n_elements(r) == 1));
    SY_TRY(ir_ref_need(args, t, t->dtype == SY_DT_I64 && ir_tensor_n_elements(t) == 1));
    for (uint32_t i = 2; i < args->n_inputs; i++) {
        const ir_tensor *x = args->inputs[i], *first = args->inputs[2 + (i - 2) % s->n];
        SY_TRY(ir_ref_need(args, x, x != NULL && ir_ref_is_float(x->dtype) && x->dtype == first->dtype &&
                                        x->size_bytes == first->size_bytes));
    }
    s->rate = ir_ref_get(r, 0);
    s->t = (double)ir_ref_get_int(t, 0);
    return SY_OK;
}

static double group(const step *s, uint32_t g, uint32_t tensor, int64_t i)
{
    return ir_ref_get(s->args->inputs[2 + g * s->n + tensor], i);
}

static void put(const step *s, uint32_t g, uint32_t tensor, int64_t i, double v)
{
    ir_tensor *y = ir_kernel_output(s->args, g * s->n + tensor);
    if (y != NULL) {
        ir_ref_put(y, i, v);
    }
}

static double attr(const step *s, const char *name, float fallback)
{
    return (double)ir_node_float(s->args->node, name, fallback);
}

sy_status ir_ref_adagrad(const ir_kernel_args *args)
{
    step s;
    SY_TRY(step_of(args, 3, &s));
    const double rate = s.rate / (1.0 + s.t * attr(&s, "decay_factor", 0.0f)), norm = attr(&s, "norm_coefficient", 0.0f),
                 epsilon = attr(&s, "epsilon", 0.0f);
    for (uint32_t k = 0; k < s.n; k++) {
        for (int64_t i = 0; i < ir_tensor_n_elements(args->inputs[2 + k]); i++) {
            const double x = group(&s, 0, k, i), g = norm * x + group(&s, 1, k, i), h = group(&s, 2, k, i) + g * g;
            put(&s, 0, k, i, x - rate * g / (sqrt(h) + epsilon));
            put(&s, 1, k, i, h);
        }
    }
    return SY_OK;
}

sy_status ir_ref_adam(const ir_kernel_args *args)
{
    step s;
    SY_TRY(step_of(args, 4, &s));
    const double alpha = attr(&s, "alpha", 0.9f), beta = attr(&s, "beta", 0.999f), epsilon = attr(&s, "epsilon", 0.0f),
                 norm = attr(&s, "norm_coefficient", 0.0f), post = attr(&s, "norm_coefficient_post", 0.0f);
    const double rate = s.t > 0.0 ? s.rate * sqrt(1.0 - ir_ref_pow(beta, s.t)) / (1.0 - ir_ref_pow(alpha, s.t)) : s.rate;
    for (uint32_t k = 0; k < s.n; k++) {
        for (int64_t i = 0; i < ir_tensor_n_elements(args->inputs[2 + k]); i++) {
            const double x = group(&s, 0, k, i), g = norm * x + group(&s, 1, k, i);
            const double v = alpha * group(&s, 2, k, i) + (1.0 - alpha) * g, h = beta * group(&s, 3, k, i) + (1.0 - beta) * g * g;
            put(&s, 0, k, i, (1.0 - post) * (x - rate * v / (sqrt(h) + epsilon)));
            put(&s, 1, k, i, v);
            put(&s, 2, k, i, h);
        }
    }
    return SY_OK;
}

sy_status ir_ref_momentum(const ir_kernel_args *args)
{
    step s;
    SY_TRY(step_of(args, 3, &s));
    const char *mode = ir_node_string(args->node, "mode", "standard");
    const bool nesterov = strcmp(mode, "nesterov") == 0;
    if (!nesterov && strcmp(mode, "standard") != 0) {
        return base_fail(args->diag, SY_EINVAL, "mode '%s': expected standard or nesterov", mode);
    }
    const double alpha = attr(&s, "alpha", 0.0f), norm = attr(&s, "norm_coefficient", 0.0f);
    const double beta = s.t > 0.0 ? attr(&s, "beta", 0.0f) : 1.0;
    for (uint32_t k = 0; k < s.n; k++) {
        for (int64_t i = 0; i < ir_tensor_n_elements(args->inputs[2 + k]); i++) {
            const double x = group(&s, 0, k, i), g = norm * x + group(&s, 1, k, i), v = alpha * group(&s, 2, k, i) + beta * g;
            put(&s, 0, k, i, x - s.rate * (nesterov ? g + alpha * v : v));
            put(&s, 1, k, i, v);
        }
    }
    return SY_OK;
}
