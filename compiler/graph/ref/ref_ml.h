/*
 * ref_ml.h -- what the kernels of ai.onnx.ml share: rows of features, class labels, transforms of scores.
 *
 * Where the specification is silent, and ONNX Runtime and ONNX's own evaluator agree, their answer is taken; where
 * they differ, ONNX Runtime's. Scores are computed in double and rounded once, when they are stored.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_GRAPH_REF_ML_H
#define SYSTOLE_GRAPH_REF_ML_H

#include "ref_text.h"

/* Operand 0 as rows of features: [N, F], or [F] as one row. */
typedef struct ir_ml_rows {
    const ir_tensor *x;
    int64_t n, width;
} ir_ml_rows;

sy_status ir_ml_rows_read(const ir_kernel_args *args, ir_ml_rows *out);

/* Feature f of row r as a number; 64-bit integers are rounded to fp32 first, as all integers are. */
double ir_ml_feature(const ir_ml_rows *rows, int64_t r, int64_t f);

/* Element i of a numeric tensor (float or integer) as a double. */
double ir_ml_number(const ir_tensor *t, int64_t i);

/* ---------------------------------------------------------------- scores */

typedef enum ir_ml_post { IR_ML_NONE, IR_ML_SOFTMAX, IR_ML_LOGISTIC, IR_ML_SOFTMAX_ZERO, IR_ML_PROBIT } ir_ml_post;

/* Attribute post_transform, a name. */
sy_status ir_ml_post_read(const ir_kernel_args *args, ir_ml_post *out);

double ir_ml_logistic(double x);
double ir_ml_probit(double x); /* the approximation of both evaluators: Winitzki's inverse error function */

/* Transforms the scores of one row. */
void ir_ml_transform(ir_ml_post post, int64_t n, double *scores);

/*
 * How one score of a binary classifier becomes those of both classes: 1 - s and s; or -s and s, before the transform.
 */
typedef enum ir_ml_second { IR_ML_SECOND_NONE, IR_ML_SECOND_COMPLEMENT, IR_ML_SECOND_NEGATED } ir_ml_second;

/* The row as it is given out: n scores, transformed; one becomes two if `second` says so. Returns how many there are. */
int64_t ir_ml_finish(ir_ml_post post, ir_ml_second second, int64_t n, double *scores);

/* ---------------------------------------------------------------- labels */

typedef struct ir_ml_labels {
    bool strings;
    uint32_t n;
    const int64_t *ints;
    ir_text *texts;
} ir_ml_labels;

sy_status ir_ml_labels_read(const ir_kernel_args *args, const char *ints, const char *strings, ir_ml_labels *out);

/*
 * Result 0 (its type is set): the label of each row's class. Classes beyond the labels count from 0 themselves ("0", "1").
 */
sy_status ir_ml_labels_write(const ir_kernel_args *args, const ir_ml_labels *labels, int64_t n, const int64_t *classes);

/* The place of the largest, the first of equal ones. */
int64_t ir_ml_largest(int64_t n, const double *scores);

#endif
