/*
 * ref_ml_linear.c -- LinearClassifier, LinearRegressor, SVMClassifier, SVMRegressor.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_ml.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------- linear models */

typedef struct linear {
    ir_ml_rows rows;
    int64_t n_targets;
    const float *coefficients; /* [n_targets, width] */
    const float *intercepts;   /* [n_targets] or NULL */
} linear;

/* `n_targets` 0: as many as the coefficients are for. */
static sy_status linear_read(const ir_kernel_args *args, int64_t n_targets, linear *out)
{
    SY_TRY(ir_ml_rows_read(args, &out->rows));
    const uint32_t n = ir_node_floats(args->node, "coefficients", &out->coefficients);
    const uint32_t n_intercepts = ir_node_floats(args->node, "intercepts", &out->intercepts);
    const int64_t width = out->rows.width;
    out->n_targets = n_targets > 0 ? n_targets : n_intercepts > 0 ? n_intercepts : width > 0 ? n / width : 0;
    if (out->n_targets < 1 || (width > 0 && out->n_targets > (int64_t)n / width) ||
        out->n_targets * width != (int64_t)n || (n_intercepts > 0 && n_intercepts < out->n_targets)) {
        return base_fail(args->diag, SY_ESHAPE, "%u coefficients and %u intercepts for %" PRId64 " features", n,
                         n_intercepts, width);
    }
    out->intercepts = n_intercepts > 0 ? out->intercepts : NULL;
    return SY_OK;
}

static void linear_scores(const linear *l, int64_t r, double *out)
{
    for (int64_t t = 0; t < l->n_targets; t++) {
        double s = 0.0;
        for (int64_t f = 0; f < l->rows.width; f++) {
            s += (double)l->coefficients[t * l->rows.width + f] * ir_ml_feature(&l->rows, r, f);
        }
        out[t] = s + (l->intercepts != NULL ? (double)l->intercepts[t] : 0.0);
    }
}

static sy_status store_row(const ir_kernel_args *args, ir_tensor *z, int64_t r, int64_t n, const double *scores)
{
    if (z == NULL) {
        return SY_OK;
    }
    const int64_t width = z->dims[z->rank - 1];
    if (n > width) {
        return base_fail(args->diag, SY_ESHAPE, "%" PRId64 " scores for %" PRId64 " classes", n, width);
    }
    for (int64_t i = 0; i < width; i++) {
        ir_ref_put(z, r * width + i, i < n ? scores[i] : 0.0);
    }
    return SY_OK;
}

sy_status ir_ref_ml_linear_regressor(const ir_kernel_args *args)
{
    linear l = { 0 };
    ir_ml_post post;
    ir_tensor *y = ir_kernel_output(args, 0);
    SY_TRY(ir_ml_post_read(args, &post));
    SY_TRY(linear_read(args, ir_node_int(args->node, "targets", 1), &l));
    double *scores = BASE_ARENA_ARRAY(args->scratch, double, (size_t)l.n_targets + 1);
    if (scores == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t r = 0; r < l.rows.n; r++) {
        linear_scores(&l, r, scores);
        SY_TRY(store_row(args, y, r, ir_ml_finish(post, IR_ML_SECOND_NONE, l.n_targets, scores), scores));
    }
    return SY_OK;
}

sy_status ir_ref_ml_linear_classifier(const ir_kernel_args *args)
{
    linear l = { 0 };
    ir_ml_post post;
    ir_ml_labels labels;
    SY_TRY(ir_ml_post_read(args, &post));
    SY_TRY(linear_read(args, 0, &l));
    SY_TRY(ir_ml_labels_read(args, "classlabels_ints", "classlabels_strings", &labels));
    double *scores = BASE_ARENA_ARRAY(args->scratch, double, (size_t)l.n_targets + 1);
    int64_t *classes = BASE_ARENA_ARRAY(args->scratch, int64_t, (size_t)l.rows.n);
    if (scores == NULL || classes == NULL) {
        return SY_ENOMEM;
    }
    const bool two = l.n_targets == 1 && labels.n == 2;
    if (l.n_targets == 1 && !two) {
        labels.n = 0; /* positive or not: 1 or 0 */
    } else if (!two && labels.n != l.n_targets) {
        return base_fail(args->diag, SY_ESHAPE, "%u labels for %" PRId64 " scores", labels.n, l.n_targets);
    }
    for (int64_t r = 0; r < l.rows.n; r++) {
        linear_scores(&l, r, scores);
        classes[r] = l.n_targets == 1 ? scores[0] > 0.0 : ir_ml_largest(l.n_targets, scores);
        const int64_t n = ir_ml_finish(post, two ? IR_ML_SECOND_COMPLEMENT : IR_ML_SECOND_NONE, l.n_targets, scores);
        SY_TRY(store_row(args, ir_kernel_output(args, 1), r, n, scores));
    }
    return ir_ml_labels_write(args, &labels, l.rows.n, classes);
}

/* ---------------------------------------------------------------- support vectors */

typedef enum svm_kernel { SVM_LINEAR, SVM_POLY, SVM_RBF, SVM_SIGMOID } svm_kernel;

typedef struct svm {
    const ir_kernel_args *args;
    ir_ml_rows rows;
    svm_kernel kernel;
    double gamma, coef0, degree;
    int64_t n_vectors; /* 0: a linear model, coefficients for each feature */
    const float *vectors, *coefficients, *rho;
    uint32_t n_coefficients, n_rho;
    double *x; /* [width] the row */
} svm;

static sy_status svm_read(const ir_kernel_args *args, int64_t n_vectors, svm *s)
{
    static const char *const names[] = {
        [SVM_LINEAR] = "LINEAR", [SVM_POLY] = "POLY", [SVM_RBF] = "RBF", [SVM_SIGMOID] = "SIGMOID"
    };
    const char *name = ir_node_string(args->node, "kernel_type", "LINEAR");
    const float *params = NULL;
    *s = (svm){ .args = args, .n_vectors = n_vectors };
    SY_TRY(ir_ml_rows_read(args, &s->rows));
    int k = SVM_LINEAR;
    while (k <= SVM_SIGMOID && strcmp(name, names[k]) != 0) {
        k++;
    }
    if (k > SVM_SIGMOID) {
        return base_fail(args->diag, SY_EINVAL, "attribute 'kernel_type' is '%s', which is not known", name);
    }
    s->kernel = n_vectors > 0 ? (svm_kernel)k : SVM_LINEAR;
    const uint32_t n_params = ir_node_floats(args->node, "kernel_params", &params);
    s->gamma = n_params > 0 ? (double)params[0] : 0.0;
    s->coef0 = n_params > 1 ? (double)params[1] : 0.0;
    s->degree = n_params > 2 ? (double)params[2] : 0.0;
    s->n_coefficients = ir_node_floats(args->node, "coefficients", &s->coefficients);
    s->n_rho = ir_node_floats(args->node, "rho", &s->rho);
    const uint32_t n = ir_node_floats(args->node, "support_vectors", &s->vectors);
    if (n_vectors < 0 || (n_vectors > 0 && (s->rows.width > UINT32_MAX / n_vectors || (int64_t)n != n_vectors * s->rows.width))) {
        return base_fail(args->diag, SY_ESHAPE, "%u numbers in %" PRId64 " support vectors of %" PRId64 " features", n,
                         n_vectors, s->rows.width);
    }
    if (s->n_rho == 0) {
        return base_fail(args->diag, SY_EINVAL, "attribute 'rho' is empty");
    }
    s->x = BASE_ARENA_ARRAY(args->scratch, double, (size_t)s->rows.width);
    return s->x != NULL ? SY_OK : SY_ENOMEM;
}

static void load_row(const svm *s, int64_t r)
{
    for (int64_t f = 0; f < s->rows.width; f++) {
        s->x[f] = ir_ml_feature(&s->rows, r, f);
    }
}

static double kernel_of(const svm *s, const float *v)
{
    double sum = 0.0;
    for (int64_t f = 0; f < s->rows.width; f++) {
        const double d = s->x[f] - (double)v[f];
        sum += s->kernel == SVM_RBF ? d * d : s->x[f] * (double)v[f];
    }
    switch (s->kernel) {
    case SVM_LINEAR:
        return sum;
    case SVM_POLY:
        return ir_ref_pow(s->gamma * sum + s->coef0, s->degree);
    case SVM_RBF:
        return ir_ref_exp(-s->gamma * sum);
    case SVM_SIGMOID:
        return ir_ref_tanh(s->gamma * sum + s->coef0);
    }
    return sum;
}

sy_status ir_ref_ml_svm_regressor(const ir_kernel_args *args)
{
    svm s;
    ir_ml_post post;
    ir_tensor *y = ir_kernel_output(args, 0);
    SY_TRY(ir_ml_post_read(args, &post));
    SY_TRY(svm_read(args, ir_node_int(args->node, "n_supports", 0), &s));
    if (s.n_coefficients != (s.n_vectors > 0 ? s.n_vectors : s.rows.width)) {
        return base_fail(args->diag, SY_ESHAPE, "%u coefficients for %" PRId64 " support vectors", s.n_coefficients,
                         s.n_vectors);
    }
    const bool one_class = ir_node_int(args->node, "one_class", 0) != 0;
    for (int64_t r = 0; r < s.rows.n && y != NULL; r++) {
        double sum = 0.0;
        load_row(&s, r);
        for (int64_t j = 0; j < s.n_vectors; j++) {
            sum += (double)s.coefficients[j] * kernel_of(&s, s.vectors + j * s.rows.width);
        }
        sum = (s.n_vectors > 0 ? sum : kernel_of(&s, s.coefficients)) + (double)s.rho[0];
        double scores[2] = { one_class ? (sum > 0.0 ? 1.0 : -1.0) : sum, 0.0 };
        SY_TRY(store_row(args, y, r, ir_ml_finish(post, IR_ML_SECOND_NONE, 1, scores), scores));
    }
    return SY_OK;
}

typedef struct svc {
    svm s;
    ir_ml_labels labels;
    ir_ml_post post;
    int64_t n_classes, n_pairs;
    const int64_t *per_class; /* [n_classes] support vectors */
    int64_t *starts;
    const float *prob_a, *prob_b; /* NULL: no probabilities */
    double *kernels, *scores, *votes, *matrix, *work;
    bool all_positive;
} svc;

static sy_status svc_read(const ir_kernel_args *args, svc *c)
{
    int64_t n_vectors = 0;
    *c = (svc){ 0 };
    SY_TRY(ir_ml_post_read(args, &c->post));
    SY_TRY(ir_ml_labels_read(args, "classlabels_ints", "classlabels_strings", &c->labels));
    const uint32_t n_per_class = ir_node_ints(args->node, "vectors_per_class", &c->per_class);
    c->n_classes = n_per_class > 0 ? n_per_class : c->labels.n > 0 ? c->labels.n : 1;
    c->starts = BASE_ARENA_ARRAY(args->scratch, int64_t, n_per_class);
    if (c->starts == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t i = 0; i < n_per_class; i++) {
        c->starts[i] = n_vectors;
        if (c->per_class[i] < 0 || __builtin_add_overflow(n_vectors, c->per_class[i], &n_vectors)) {
            return base_fail(args->diag, SY_EINVAL, "attribute 'vectors_per_class' has %" PRId64, c->per_class[i]);
        }
    }
    SY_TRY(svm_read(args, n_vectors, &c->s));
    const uint32_t n_a = ir_node_floats(args->node, "prob_a", &c->prob_a), n_b = ir_node_floats(args->node, "prob_b", &c->prob_b);
    c->n_pairs = n_vectors > 0 ? c->n_classes * (c->n_classes - 1) / 2 : 0;
    c->prob_a = n_a > 0 && n_vectors > 0 ? c->prob_a : NULL;
    const uint64_t want = n_vectors > 0 ? (uint64_t)(c->n_classes - 1) * (uint64_t)n_vectors
                                        : (uint64_t)c->n_classes * (uint64_t)c->s.rows.width;
    if (c->n_classes > 4096 || c->s.n_coefficients != want || (int64_t)c->s.n_rho < c->n_pairs ||
        (c->prob_a != NULL && ((int64_t)n_a < c->n_pairs || (int64_t)n_b < c->n_pairs)) ||
        (c->labels.n > 0 && c->labels.n != c->n_classes)) {
        return base_fail(args->diag, SY_ESHAPE,
                         "%u coefficients, %u rho, %u labels do not fit %" PRId64 " classes with %" PRId64 " support vectors",
                         c->s.n_coefficients, c->s.n_rho, c->labels.n, c->n_classes, n_vectors);
    }
    c->all_positive = true;
    for (uint32_t i = 0; i < c->s.n_coefficients; i++) {
        c->all_positive = c->all_positive && c->s.coefficients[i] >= 0.0f;
    }
    const size_t n = (size_t)c->n_classes, most = (size_t)(c->n_pairs > c->n_classes ? c->n_pairs : c->n_classes) + 2;
    c->kernels = BASE_ARENA_ARRAY(args->scratch, double, (size_t)n_vectors);
    c->scores = BASE_ARENA_ARRAY(args->scratch, double, most);
    c->votes = BASE_ARENA_ARRAY(args->scratch, double, n);
    c->matrix = BASE_ARENA_ARRAY(args->scratch, double, 2 * n * n);
    c->work = BASE_ARENA_ARRAY(args->scratch, double, 2 * n + 2);
    return c->kernels != NULL && c->scores != NULL && c->votes != NULL && c->matrix != NULL && c->work != NULL
               ? SY_OK
               : SY_ENOMEM;
}

/* One score for each pair of classes; each gives a vote. */
static void pair_scores(svc *c)
{
    const int64_t n_vectors = c->s.n_vectors;
    const float *k = c->s.coefficients;
    for (int64_t v = 0; v < n_vectors; v++) {
        c->kernels[v] = kernel_of(&c->s, c->s.vectors + v * c->s.rows.width);
    }
    memset(c->votes, 0, (size_t)c->n_classes * sizeof *c->votes);
    for (int64_t i = 0, pair = 0; i < c->n_classes; i++) {
        for (int64_t j = i + 1; j < c->n_classes; j++, pair++) {
            double sum = 0.0;
            for (int64_t v = 0; v < c->per_class[i]; v++) {
                sum += (double)k[(j - 1) * n_vectors + c->starts[i] + v] * c->kernels[c->starts[i] + v];
            }
            for (int64_t v = 0; v < c->per_class[j]; v++) {
                sum += (double)k[i * n_vectors + c->starts[j] + v] * c->kernels[c->starts[j] + v];
            }
            c->scores[pair] = sum + (double)c->s.rho[pair];
            c->votes[c->scores[pair] > 0.0 ? i : j] += 1.0;
        }
    }
}

/*
 * Probabilities of classes from those of pairs: minimises sum over i < j of (r_ji p_i - r_ij p_j)^2 (Wu, Lin and Weng,
 * "Probability estimates for multi-class classification by pairwise coupling", 2004, algorithm 2). p gets the result.
 */
static void couple_pairs(int64_t n, const double *r, double *q, double *qp, double *p)
{
    for (int64_t t = 0; t < n; t++) {
        p[t] = 1.0 / (double)n;
        q[t * n + t] = 0.0;
        for (int64_t j = 0; j < n; j++) {
            if (j != t) {
                q[t * n + t] += r[j * n + t] * r[j * n + t];
                q[t * n + j] = -r[j * n + t] * r[t * n + j];
            }
        }
    }
    for (int64_t round = 0; round < (n > 100 ? n : 100); round++) {
        double pqp = 0.0, worst = 0.0;
        for (int64_t t = 0; t < n; t++) {
            qp[t] = 0.0;
            for (int64_t j = 0; j < n; j++) {
                qp[t] += q[t * n + j] * p[j];
            }
            pqp += p[t] * qp[t];
        }
        for (int64_t t = 0; t < n; t++) {
            const double error = fabs(qp[t] - pqp);
            worst = error > worst ? error : worst;
        }
        if (worst < 0.005 / (double)n) {
            return;
        }
        for (int64_t t = 0; t < n; t++) {
            const double step = (pqp - qp[t]) / q[t * n + t];
            p[t] += step;
            pqp = (pqp + step * (step * q[t * n + t] + 2.0 * qp[t])) / (1.0 + step) / (1.0 + step);
            for (int64_t j = 0; j < n; j++) {
                qp[j] = (qp[j] + step * q[t * n + j]) / (1.0 + step);
                p[j] /= 1.0 + step;
            }
        }
    }
}

/* Platt's probabilities of the pairs, joined; scores[0 .. n_classes) become those of the classes. */
static void probabilities(svc *c)
{
    const int64_t n = c->n_classes;
    double *r = c->matrix;
    for (int64_t i = 0, pair = 0; i < n; i++) {
        for (int64_t j = i + 1; j < n; j++, pair++) {
            double v = 1.0 - ir_ml_logistic(c->scores[pair] * (double)c->prob_a[pair] + (double)c->prob_b[pair]);
            v = v < 1e-7 ? 1e-7 : v > 1.0 - 1e-7 ? 1.0 - 1e-7 : v;
            r[i * n + j] = v;
            r[j * n + i] = 1.0 - v;
        }
    }
    couple_pairs(n, r, r + n * n, c->work, c->scores);
}

/* The class of a row whose scores are there, and how its one score becomes two. */
static int64_t choose_class(const svc *c, int64_t n_scores, ir_ml_second *second)
{
    const bool votes = c->s.n_vectors > 0;
    const int64_t best = votes ? ir_ml_largest(c->n_classes, c->votes) : ir_ml_largest(n_scores, c->scores);
    const double most = votes ? c->votes[best] : c->scores[best];
    *second = IR_ML_SECOND_NONE;
    if (c->s.n_rho != 1) {
        return best;
    }
    if (c->labels.n != 2) {
        return most > 0.0;
    }
    *second = c->post == IR_ML_NONE ? IR_ML_SECOND_NEGATED : IR_ML_SECOND_COMPLEMENT;
    return !votes && most > (c->all_positive ? 0.5 : 0.0) ? 1 : best;
}

sy_status ir_ref_ml_svm_classifier(const ir_kernel_args *args)
{
    svc c;
    SY_TRY(svc_read(args, &c));
    int64_t *classes = BASE_ARENA_ARRAY(args->scratch, int64_t, (size_t)c.s.rows.n);
    if (classes == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t r = 0; r < c.s.rows.n; r++) {
        int64_t n = c.n_classes;
        ir_ml_second second;
        load_row(&c.s, r);
        if (c.s.n_vectors == 0) {
            for (int64_t i = 0; i < n; i++) {
                c.scores[i] = kernel_of(&c.s, c.s.coefficients + i * c.s.rows.width) + (double)c.s.rho[0];
            }
        } else {
            pair_scores(&c);
            n = c.n_pairs;
            if (c.prob_a != NULL) {
                probabilities(&c);
                n = c.n_classes;
            }
        }
        classes[r] = choose_class(&c, n, &second);
        n = ir_ml_finish(c.post, second, n, c.scores);
        SY_TRY(store_row(args, ir_kernel_output(args, 1), r, n, c.scores));
    }
    return ir_ml_labels_write(args, &c.labels, c.s.rows.n, classes);
}
