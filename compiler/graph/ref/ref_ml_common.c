/*
 * ref_ml_common.c -- what the kernels of ai.onnx.ml share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_ml.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

sy_status ir_ml_rows_read(const ir_kernel_args *args, ir_ml_rows *out)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    if (ir_tensor_is_list(x) || x->rank < 1 || x->rank > 2) {
        return base_fail(args->diag, SY_ESHAPE, "operand 0 must have 1 or 2 dimensions");
    }
    SY_TRY(ir_ref_need(args, x, ir_ref_is_float(x->dtype) || ir_ref_is_integer(x->dtype)));
    *out = (ir_ml_rows){ .x = x, .n = x->rank == 2 ? x->dims[0] : 1, .width = x->dims[x->rank - 1] };
    return SY_OK;
}

double ir_ml_number(const ir_tensor *t, int64_t i)
{
    return ir_ref_is_float(t->dtype) ? ir_ref_get(t, i) : (double)ir_ref_get_int(t, i);
}

double ir_ml_feature(const ir_ml_rows *rows, int64_t r, int64_t f)
{
    const int64_t i = r * rows->width + f;
    return ir_ref_is_float(rows->x->dtype) ? ir_ref_get(rows->x, i) : (double)(float)ir_ref_get_int(rows->x, i);
}

/* ---------------------------------------------------------------- scores */

sy_status ir_ml_post_read(const ir_kernel_args *args, ir_ml_post *out)
{
    static const char *const names[] = { [IR_ML_NONE] = "NONE",
                                         [IR_ML_SOFTMAX] = "SOFTMAX",
                                         [IR_ML_LOGISTIC] = "LOGISTIC",
                                         [IR_ML_SOFTMAX_ZERO] = "SOFTMAX_ZERO",
                                         [IR_ML_PROBIT] = "PROBIT" };
    const char *name = ir_node_string(args->node, "post_transform", "NONE");
    for (int i = IR_ML_NONE; i <= IR_ML_PROBIT; i++) {
        if (strcmp(name, names[i]) == 0) {
            *out = (ir_ml_post)i;
            return SY_OK;
        }
    }
    return base_fail(args->diag, SY_EINVAL, "attribute 'post_transform' is '%s', which is not known", name);
}

double ir_ml_logistic(double x)
{
    const double v = 1.0 / (1.0 + ir_ref_exp(-fabs(x)));
    return x < 0.0 ? 1.0 - v : v;
}

double ir_ml_probit(double x)
{
    const double y = 2.0 * x - 1.0, l = ir_ref_log((1.0 - y) * (1.0 + y));
    const double v = 2.0 / (3.14159 * 0.147) + 0.5 * l;
    const double w = sqrt(sqrt(v * v - l / 0.147) - v);
    return 1.41421356 * (y < 0.0 ? -w : w);
}

static void softmax(int64_t n, double *s, bool keep_zeros)
{
    const double most = s[ir_ml_largest(n, s)];
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++) {
        s[i] = keep_zeros && fabs(s[i]) <= 1e-7 ? s[i] * ir_ref_exp(-most) : ir_ref_exp(s[i] - most);
        sum += s[i];
    }
    for (int64_t i = 0; i < n; i++) {
        s[i] /= sum;
    }
}

void ir_ml_transform(ir_ml_post post, int64_t n, double *scores)
{
    switch (post) {
    case IR_ML_NONE:
        return;
    case IR_ML_SOFTMAX:
    case IR_ML_SOFTMAX_ZERO:
        if (n > 0) {
            softmax(n, scores, post == IR_ML_SOFTMAX_ZERO);
        }
        return;
    case IR_ML_LOGISTIC:
        for (int64_t i = 0; i < n; i++) {
            scores[i] = ir_ml_logistic(scores[i]);
        }
        return;
    case IR_ML_PROBIT:
        for (int64_t i = 0; i < n; i++) {
            scores[i] = ir_ml_probit(scores[i]);
        }
        return;
    }
}

int64_t ir_ml_finish(ir_ml_post post, ir_ml_second second, int64_t n, double *scores)
{
    if (n != 1) {
        ir_ml_transform(post, n, scores);
        return n;
    }
    const double s = scores[0];
    if (post == IR_ML_PROBIT) {
        scores[0] = ir_ml_probit(s);
        return 1;
    }
    switch (second) {
    case IR_ML_SECOND_NONE:
        return 1;
    case IR_ML_SECOND_COMPLEMENT:
    case IR_ML_SECOND_NEGATED:
        scores[0] = -s;
        scores[1] = s;
        if (post == IR_ML_LOGISTIC) {
            ir_ml_transform(post, 2, scores);
        } else if (second == IR_ML_SECOND_COMPLEMENT) {
            scores[0] = 1.0 - s;
        }
        return 2;
    }
    return n;
}

/* ---------------------------------------------------------------- labels */

sy_status ir_ml_labels_read(const ir_kernel_args *args, const char *ints, const char *strings, ir_ml_labels *out)
{
    *out = (ir_ml_labels){ 0 };
    SY_TRY(ir_ref_attr_texts(args, strings, &out->n, &out->texts));
    out->strings = out->n > 0;
    if (!out->strings) {
        out->texts = NULL;
        out->n = ir_node_ints(args->node, ints, &out->ints);
    }
    return SY_OK;
}

sy_status ir_ml_labels_write(const ir_kernel_args *args, const ir_ml_labels *labels, int64_t n, const int64_t *classes)
{
    ir_tensor *y = ir_kernel_output(args, 0);
    if (y == NULL) {
        return SY_OK;
    }
    if (!labels->strings) {
        for (int64_t i = 0; i < n; i++) {
            ((int64_t *)y->data)[i] = classes[i] < labels->n ? labels->ints[classes[i]] : classes[i];
        }
        return SY_OK;
    }
    ir_text *texts = BASE_ARENA_ARRAY(args->scratch, ir_text, (size_t)n);
    if (texts == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t i = 0; i < n; i++) {
        texts[i] = classes[i] < labels->n ? labels->texts[classes[i]] : (ir_text){ classes[i] == 0 ? "0" : "1", 1 };
    }
    return ir_ref_result_texts(args, 0, n, texts);
}

int64_t ir_ml_largest(int64_t n, const double *scores)
{
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++) {
        best = scores[i] > scores[best] ? i : best;
    }
    return best;
}
