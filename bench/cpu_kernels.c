/*
 * cpu_kernels.c -- how fast the host device's kernels are, one thread, beside a bare sgemm of
 * OpenBLAS of the same size.
 *
 *     build/release/bench/cpu_kernels
 *
 * Each line: a convolution (or a product), its multiply-accumulates per second in int8 and in fp32
 * through OpenBLAS and our own sgemm, the bare sgemm, and the ratios to it. A run is one node
 * through the whole executor; the best of several is printed, because other programs can only make
 * it slower.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/base/rng.h"
#include "systole/graph/infer.h"
#include "systole/rt/buffer.h"
#include "systole/rt/cpu.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MIN_SECONDS 0.15

typedef struct layer {
    const char *name;
    int64_t channels, size, n_out, kernel, stride; /* size 1, kernel 1: a product of `rows` rows */
    int64_t rows;
} layer;

static const layer layers[] = {
    {"ResNet-50 conv1 7x7/2", 3, 224, 64, 7, 2, 0},
    {"ResNet-50 3x3 64 56x56", 64, 56, 64, 3, 1, 0},
    {"ResNet-50 1x1 64-256 56x56", 64, 56, 256, 1, 1, 0},
    {"ResNet-50 3x3 128 28x28", 128, 28, 128, 3, 1, 0},
    {"ResNet-50 3x3 256 14x14", 256, 14, 256, 3, 1, 0},
    {"ResNet-50 3x3 512 7x7", 512, 7, 512, 3, 1, 0},
    {"ResNet-20 3x3 16 32x32", 16, 32, 16, 3, 1, 0},
    {"ResNet-20 3x3 64 8x8", 64, 8, 64, 3, 1, 0},
    {"MobileNet depthwise 3x3 144 56x56", 0, 56, 144, 3, 1, 0},
    {"product 1 x 2048 x 1000", 2048, 1, 1000, 1, 1, 1},
    {"product 128 x 768 x 3072", 768, 1, 3072, 1, 1, 128},
};

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void check(sy_status status, const base_diag *diag)
{
    if (status != SY_OK) {
        (void)fprintf(stderr, "cpu_kernels: %s\n", base_diag_message(diag));
        exit(1);
    }
}

static void fill(sy_dtype dtype, void *data, size_t n_bytes)
{
    base_rng rng = base_rng_make(1, 1);
    for (size_t i = 0; i < n_bytes / (dtype == SY_DT_F32 ? 4 : 1); i++) {
        if (dtype == SY_DT_F32) {
            ((float *)data)[i] = base_rng_float(&rng) - 0.5f;
        } else {
            ((uint8_t *)data)[i] = (uint8_t)base_rng_next(&rng);
        }
    }
}

/* The seconds of the fastest run of one node. */
static double time_layer(const layer *l, bool quantised, const char *blas)
{
    const sy_dtype dtype = quantised ? SY_DT_I8 : SY_DT_F32;
    const bool depthwise = l->channels == 0, product = l->rows > 0;
    base_arena *arena = base_arena_create();
    base_diag diag = {""};
    ir_optable *table = NULL;
    ir_module *m = NULL;
    ir_graph *g = NULL;
    ir_const *w = NULL;
    ir_value *operands[2], *result = NULL;
    ir_node *n = NULL;
    ir_type type;
    ir_tensor x, y = {0}, weights;
    const int64_t in = depthwise ? l->n_out : l->channels;
    const int64_t x_dims[] = {1, in, l->size, l->size}, x_rows[] = {l->rows, l->channels};
    const int64_t w_dims[] = {l->n_out, depthwise ? 1 : in, l->kernel, l->kernel},
                  w_rows[] = {l->channels, l->n_out};
    check(ir_optable_create(arena, &table), &diag);
    check(ir_module_create(arena, table, "bench", &m), &diag);
    check(ir_module_add_function(m, "main", &diag, &g), &diag);
    check(ir_tensor_init(&x, dtype, product ? 2 : 4, product ? x_rows : x_dims, NULL), &diag);
    check(ir_tensor_init(&weights, dtype, product ? 2 : 4, product ? w_rows : w_dims, NULL), &diag);
    x.data = base_arena_alloc(arena, x.size_bytes, 1);
    weights.data = base_arena_alloc(arena, weights.size_bytes, 1);
    fill(dtype, x.data, x.size_bytes);
    fill(dtype, weights.data, weights.size_bytes);
    check(ir_type_tensor_i64(m, dtype, x.rank, x.dims, &type), &diag);
    check(ir_graph_add_input(g, "x", &type, &operands[0]), &diag);
    check(ir_const_inline(m, dtype, weights.rank, weights.dims, weights.data, weights.size_bytes,
                          &diag, &w),
          &diag);
    check(ir_graph_add_const(g, "w", w, &operands[1]), &diag);
    const uint32_t code = product ? (quantised ? IR_OP_QGEMM : IR_OP_MATMUL)
                                  : (quantised ? IR_OP_QCONV : IR_OP_CONV);
    check(ir_node_create_op(g, NULL, code, 2, operands, &n, &result), &diag);
    check(ir_graph_add_output(g, result, "y"), &diag);
    if (!product) {
        const int64_t pad = l->kernel / 2;
        check(ir_node_set_ints(n, "pads", 4, (const int64_t[]){pad, pad, pad, pad}), &diag);
        check(ir_node_set_ints(n, "strides", 2, (const int64_t[]){l->stride, l->stride}), &diag);
        check(ir_node_set_int(n, "group", depthwise ? l->n_out : 1), &diag);
    }
    if (quantised) {
        check(ir_node_set_float(n, "x_scale", 0.02f), &diag);
        check(ir_node_set_floats(n, "w_scale", 1, (const float[]){0.01f}), &diag);
        check(ir_node_set_float(n, "y_scale", 0.5f), &diag);
    }
    const rt_cpu_options options = {.n_threads = 1, .blas = blas};
    rt_cpu *cpu = NULL;
    rt_cpu_plan *plan = NULL;
    check(rt_cpu_create(m, &options, &diag, &cpu), &diag);
    check(rt_cpu_plan_graph(cpu, g, &diag, &plan), &diag);
    const ir_tensor *inputs[] = {&x};
    ir_tensor *outputs[] = {&y};
    double best = INFINITY;
    for (const double end = now() + MIN_SECONDS; now() < end;) {
        const double start = now();
        check(rt_cpu_plan_run(plan, inputs, outputs, NULL, &diag), &diag);
        best = fmin(best, now() - start);
    }
    rt_buffer_free(y.data);
    rt_cpu_plan_destroy(plan);
    rt_cpu_destroy(cpu);
    ir_module_destroy(m);
    base_arena_destroy(arena);
    return best;
}

typedef void (*sgemm_fn)(int order, int trans_a, int trans_b, int m, int n, int k, float alpha,
                         const float *a, int lda, const float *b, int ldb, float beta, float *c,
                         int ldc);

/* The fastest bare sgemm of these sizes; 0 without the library. */
static double time_sgemm(int64_t m, int64_t n, int64_t k)
{
    sgemm_fn sgemm = NULL;
    void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    void *symbol = library != NULL ? dlsym(library, "cblas_sgemm") : NULL;
    if (symbol == NULL) {
        return 0.0;
    }
    memcpy(&sgemm, &symbol, sizeof sgemm);
    float *a = rt_buffer_alloc((size_t)(m * k) * 4), *b = rt_buffer_alloc((size_t)(k * n) * 4);
    float *c = rt_buffer_alloc((size_t)(m * n) * 4);
    if (a == NULL || b == NULL || c == NULL) {
        exit(1);
    }
    fill(SY_DT_F32, a, (size_t)(m * k) * 4);
    fill(SY_DT_F32, b, (size_t)(k * n) * 4);
    double best = INFINITY;
    for (const double end = now() + MIN_SECONDS; now() < end;) {
        const double start = now();
        sgemm(101, 111, 111, (int)m, (int)n, (int)k, 1.0f, a, (int)k, b, (int)n, 0.0f, c, (int)n);
        best = fmin(best, now() - start);
    }
    rt_buffer_free(a);
    rt_buffer_free(b);
    rt_buffer_free(c);
    return best;
}

/* The same settings as the runtime gives the library: one thread, nothing from the environment. */
static void neutralise(void)
{
    (void)setenv("OPENBLAS_NUM_THREADS", "1", 1);
    (void)unsetenv("OPENBLAS_CORETYPE");
    (void)unsetenv("OPENBLAS_L2_SIZE");
}

int main(void)
{
    neutralise();
    (void)printf("%-36s %9s %9s %9s %9s   %s\n", "GMAC/s, one thread", "int8", "fp32", "fp32 own",
                 "sgemm", "int8, fp32, own / sgemm");
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++) {
        const layer *l = &layers[i];
        const int64_t out = l->rows > 0
                                ? l->rows
                                : ((l->size - 1) / l->stride + 1) * ((l->size - 1) / l->stride + 1);
        const int64_t depth = (l->channels == 0 ? 1 : l->channels) * l->kernel * l->kernel;
        const double macs = 1e-9 * (double)out * (double)depth * (double)l->n_out;
        const double int8 = macs / time_layer(l, true, ""),
                     fp32 = macs / time_layer(l, false, NULL);
        const double own = macs / time_layer(l, false, "");
        const double seconds = l->rows > 0 ? time_sgemm(out, l->n_out, depth)
                                           : time_sgemm(l->n_out, out, depth);
        const double bare = seconds > 0.0 ? macs / seconds : NAN;
        (void)printf("%-36s %9.1f %9.1f %9.1f %9.1f   %.2f %.2f %.2f\n", l->name, int8, fp32, own,
                     bare, int8 / bare, fp32 / bare, own / bare);
    }
    return 0;
}
