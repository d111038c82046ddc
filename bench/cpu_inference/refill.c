/*
 * refill.c -- random weights for graphs whose weights are ConstantOfShape nodes.
 *
 * Weights of products get He's scale, so that values neither die nor explode on the way through fifty layers; scales and variances
 * lie around 1, biases and means around 0. The seed is fixed: the same file each time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onnx.pb-c.h"

#include "bench.h"
#include "systole/base/file.h"
#include "systole/base/rng.h"

#define MAX_WEIGHT_BYTES ((size_t)1 << 30)

static void *take(size_t n, size_t bytes)
{
    void *p = calloc(n > 0 ? n : 1, bytes);
    if (p == NULL) {
        (void)fprintf(stderr, "cpu_inference: out of memory\n");
        exit(1);
    }
    return p;
}

static char *copy_text(const char *text)
{
    char *copy = take(strlen(text) + 1, 1);
    memcpy(copy, text, strlen(text) + 1);
    return copy;
}

/* The sum of four uniform numbers, brought to variance 1: near enough to a normal distribution. */
static float normal(base_rng *rng)
{
    float sum = 0.0f;
    for (int i = 0; i < 4; i++) {
        sum += base_rng_float(rng) - 0.5f;
    }
    return sum * 1.7320508f;
}

/* True if the values of `name` multiply others, or are variances: they lie around 1. */
static bool scales(const Onnx__GraphProto *g, const char *name)
{
    for (size_t i = 0; i < g->n_node; i++) {
        const Onnx__NodeProto *n = g->node[i];
        for (size_t k = 0; k < n->n_input; k++) {
            if (strcmp(n->input[k], name) != 0) {
                continue;
            }
            if (strcmp(n->op_type, "Unsqueeze") == 0) {
                return scales(g, n->output[0]);
            }
            return strcmp(n->op_type, "Mul") == 0 || (strcmp(n->op_type, "BatchNormalization") == 0 && (k == 1 || k == 4));
        }
    }
    return false;
}

static bool is_residual(const Onnx__GraphProto *g)
{
    for (size_t i = 0; i < g->n_node; i++) {
        if (strcmp(g->node[i]->op_type, "Sum") == 0) {
            return true;
        }
    }
    return false;
}

/* What the values of a tensor lie around, and how far. Each residual sum adds a variance of its own: half the gain there. */
static void scale_of(const Onnx__GraphProto *g, const char *name, size_t rank, const int64_t *dims,
                     float *centre, float *spread)
{
    *centre = rank < 2 && scales(g, name) ? 1.0f : 0.0f;
    *spread = 0.1f;
    if (rank >= 2) {
        int64_t fan_in = 1;
        for (size_t i = 1; i < rank; i++) {
            fan_in *= dims[i];
        }
        *spread = sqrtf((is_residual(g) ? 0.5f : 1.8f) / (float)(fan_in > 0 ? fan_in : 1));
    }
}

static Onnx__TensorProto *random_weights(const Onnx__GraphProto *g, const char *name, size_t rank, const int64_t *dims,
                                         base_rng *rng)
{
    float centre, spread;
    size_t n = 1;
    for (size_t i = 0; i < rank; i++) {
        n *= dims[i] > 0 && (size_t)dims[i] < MAX_WEIGHT_BYTES / 4 / n ? (size_t)dims[i] : 0;
    }
    scale_of(g, name, rank, dims, &centre, &spread);
    Onnx__TensorProto *t = take(1, sizeof *t);
    onnx__tensor_proto__init(t);
    t->name = copy_text(name);
    t->has_data_type = 1;
    t->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    t->n_dims = rank;
    t->dims = take(rank, sizeof *t->dims);
    memcpy(t->dims, dims, rank * sizeof *dims);
    t->has_raw_data = 1;
    t->raw_data.len = n * sizeof(float);
    t->raw_data.data = take(n, sizeof(float));
    for (size_t i = 0; i < n; i++) {
        const float v = fmaxf(centre > 0.0f ? 0.1f : -INFINITY, centre + spread * normal(rng));
        memcpy(t->raw_data.data + i * sizeof v, &v, sizeof v);
    }
    return t;
}

/* The shape that a ConstantOfShape node is given by an initializer; false if it comes from elsewhere. */
static bool shape_of(const Onnx__GraphProto *g, const char *name, size_t *rank, int64_t dims[8])
{
    for (size_t i = 0; i < g->n_initializer; i++) {
        const Onnx__TensorProto *t = g->initializer[i];
        if (strcmp(t->name, name) != 0) {
            continue;
        }
        const size_t n = t->has_raw_data ? t->raw_data.len / sizeof(int64_t) : t->n_int64_data;
        if (n > 8 || t->data_type != ONNX__TENSOR_PROTO__DATA_TYPE__INT64) {
            return false;
        }
        *rank = n;
        if (n > 0) {
            memcpy(dims, t->has_raw_data ? (const void *)t->raw_data.data : (const void *)t->int64_data,
                   n * sizeof *dims);
        }
        return true;
    }
    return false;
}

static void refill_graph(Onnx__GraphProto *g)
{
    base_rng rng = base_rng_make(1, 1);
    size_t n_kept = 0, n_inputs = 0;
    Onnx__TensorProto **all = take(g->n_initializer + g->n_node, sizeof *all);
    size_t n_all = 0;
    for (; n_all < g->n_initializer; n_all++) {
        all[n_all] = g->initializer[n_all];
    }
    for (size_t i = 0; i < g->n_node; i++) {
        Onnx__NodeProto *n = g->node[i];
        size_t rank = 0;
        int64_t dims[8];
        if (strcmp(n->op_type, "ConstantOfShape") == 0 && shape_of(g, n->input[0], &rank, dims)) {
            all[n_all++] = random_weights(g, n->output[0], rank, dims, &rng);
        } else {
            g->node[n_kept++] = n;
        }
    }
    g->n_node = n_kept;
    g->initializer = all;
    g->n_initializer = n_all;
    /* Weights that could be fed are not folded: an input is what has no value. */
    for (size_t i = 0; i < g->n_input; i++) {
        bool has_value = false;
        for (size_t k = 0; k < g->n_initializer; k++) {
            has_value = has_value || strcmp(g->initializer[k]->name, g->input[i]->name) == 0;
        }
        if (!has_value) {
            g->input[n_inputs++] = g->input[i];
        }
    }
    g->n_input = n_inputs;
}

bool bench_refill(const char *from, const char *to)
{
    base_diag diag = {0};
    base_buf bytes = {0};
    if (base_file_read(&diag, from, MAX_WEIGHT_BYTES, &bytes) != SY_OK) {
        (void)fprintf(stderr, "cpu_inference: %s\n", base_diag_message(&diag));
        return false;
    }
    Onnx__ModelProto *m = onnx__model_proto__unpack(NULL, bytes.n_bytes, (const uint8_t *)bytes.data);
    base_buf_free(&bytes);
    if (m == NULL || m->graph == NULL) {
        (void)fprintf(stderr, "cpu_inference: %s: not an ONNX model\n", from);
        return false;
    }
    refill_graph(m->graph);
    m->has_ir_version = 1;
    m->ir_version = 8; /* from 4 on, initializers need not be inputs */
    const size_t n = onnx__model_proto__get_packed_size(m);
    uint8_t *packed = take(n, 1);
    (void)onnx__model_proto__pack(m, packed);
    const sy_status status = base_file_write_atomic(&diag, to, packed, n);
    free(packed);
    if (status != SY_OK) {
        (void)fprintf(stderr, "cpu_inference: %s\n", base_diag_message(&diag));
    }
    return status == SY_OK; /* the message itself lives as long as this short process: its parts have two owners */
}
