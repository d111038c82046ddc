/*
 * channels_last.c -- random convolutional graphs: merged and channels last, they stay near the reference; the bits do not
 * depend on the number of threads, nor on AVX2 or AVX-512.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node_case.h"

#include "../../runtime/cpu/simd.h"

#include <math.h>

#define N_GRAPHS   120
#define MAX_VALUES 24

typedef struct maker {
    node_case c;
    base_rng rng;
    ir_value *values[MAX_VALUES];
    int64_t dims[MAX_VALUES][4];
    int n;
} maker;

static int64_t between(maker *m, int64_t low, int64_t high)
{
    return base_rng_range(&m->rng, low, high);
}

static bool chance(maker *m, uint32_t n)
{
    return base_rng_one_in(&m->rng, n);
}

/* A constant of random numbers in [low, low + span). */
static ir_value *numbers(maker *m, int32_t rank, const int64_t *dims, float low, float span)
{
    ir_const *k = NULL;
    ir_value *v = NULL;
    ir_tensor t;
    assert_ok(ir_tensor_init(&t, SY_DT_F32, rank, dims, NULL));
    float *data = base_arena_alloc(m->c.arena, t.size_bytes, 1);
    for (size_t i = 0; i < t.size_bytes / 4; i++) {
        data[i] = low + span * base_rng_float(&m->rng);
    }
    NODE_CASE_OK(&m->c, ir_const_inline(m->c.module, SY_DT_F32, rank, dims, data, t.size_bytes,
                                        &m->c.diag, &k));
    NODE_CASE_OK(&m->c, ir_graph_add_const(m->c.module->main, NULL, k, &v));
    return v;
}

static ir_value *vector_of(maker *m, int64_t n, float low, float span)
{
    return numbers(m, 1, &n, low, span);
}

static ir_node *node(maker *m, uint32_t code, uint32_t n, ir_value *const *inputs, ir_value **out)
{
    ir_node *it = NULL;
    NODE_CASE_OK(&m->c,
                 ir_node_create_op(m->c.module->main, NULL, code, n, inputs, &it, out));
    return it;
}

static int keep(maker *m, ir_value *v, const int64_t dims[4])
{
    assert_true(m->n < MAX_VALUES);
    m->values[m->n] = v;
    memcpy(m->dims[m->n], dims, 4 * sizeof(int64_t));
    return m->n++;
}

/* A convolution of value x, with the pads of kernel / 2, and what may follow it. */
static int conv(maker *m, int x, int64_t n_out)
{
    const int64_t *in = m->dims[x];
    const bool depthwise = n_out == 0;
    const int64_t outputs = depthwise ? in[1] : n_out;
    const int64_t group = depthwise ? in[1]
                          : in[1] % 2 == 0 && outputs % 2 == 0 && chance(m, 4) ? 2 : 1;
    const int64_t kernel = chance(m, 3) ? 1 : between(m, 2, 4), dilation = between(m, 1, 2),
                  stride = chance(m, 3) ? 2 : 1;
    const int64_t reach = (kernel - 1) * dilation, pad = (reach + 1) / 2;
    const int64_t pads[] = {pad, pad, pad, pad}, dilations[] = {dilation, dilation},
                  strides[] = {stride, stride};
    const int64_t w[] = {outputs, in[1] / group, kernel, kernel};
    const float span = 2.0f / sqrtf((float)(w[1] * kernel * kernel));
    ir_value *operands[] = {m->values[x], numbers(m, 4, w, -span / 2, span),
                            chance(m, 2) ? vector_of(m, outputs, -0.5f, 1.0f) : NULL};
    ir_value *y = NULL;
    ir_node *n = node(m, IR_OP_CONV, 3, operands, &y);
    assert_ok(ir_node_set_int(n, "group", group));
    assert_ok(ir_node_set_ints(n, "pads", 4, pads));
    assert_ok(ir_node_set_ints(n, "dilations", 2, dilations));
    assert_ok(ir_node_set_ints(n, "strides", 2, strides));
    const int64_t out[] = {in[0], outputs, (in[2] + 2 * pad - reach - 1) / stride + 1,
                           (in[3] + 2 * pad - reach - 1) / stride + 1};
    if (chance(m, 3)) {
        ir_value *bn[] = {y, vector_of(m, outputs, 0.5f, 1.0f), vector_of(m, outputs, -0.5f, 1.0f),
                          vector_of(m, outputs, -0.5f, 1.0f), vector_of(m, outputs, 0.5f, 1.0f)};
        (void)node(m, IR_OP_BATCHNORM, 5, bn, &y);
    }
    return keep(m, y, out);
}

static int activation(maker *m, int x)
{
    static const uint32_t codes[] = {IR_OP_RELU,        IR_OP_LEAKYRELU, IR_OP_SIGMOID,
                                     IR_OP_HARDSIGMOID, IR_OP_HARDSWISH, IR_OP_TANH,
                                     IR_OP_CLIP};
    const uint32_t code = codes[between(m, 0, 6)];
    ir_value *y = NULL, *in[] = {m->values[x], NULL, NULL};
    if (code == IR_OP_CLIP) {
        in[1] = numbers(m, 0, NULL, -0.5f, 0.1f);
        in[2] = numbers(m, 0, NULL, 0.5f, 0.1f);
    }
    (void)node(m, code, code == IR_OP_CLIP ? 3 : 1, in, &y);
    if (code == IR_OP_SIGMOID && chance(m, 2)) {
        ir_value *gate[] = {m->values[x], y};
        (void)node(m, IR_OP_MUL, 2, gate, &y);
    }
    return keep(m, y, m->dims[x]);
}

static bool same_sizes(const maker *m, int a, int b, int from)
{
    return memcmp(m->dims[a] + from, m->dims[b] + from, (size_t)(4 - from) * sizeof(int64_t)) == 0;
}

/* Adds or joins with an earlier value, if one fits. */
static int combine(maker *m, int x)
{
    const int other = (int)between(m, 0, m->n - 1);
    ir_value *y = NULL, *in[] = {m->values[x], m->values[other]};
    int64_t dims[4];
    memcpy(dims, m->dims[x], sizeof dims);
    if (!same_sizes(m, x, other, 2)) {
        return x;
    }
    if (m->dims[other][1] == dims[1] && chance(m, 2)) {
        (void)node(m, chance(m, 4) ? IR_OP_MUL : IR_OP_ADD, 2, in, &y);
        return keep(m, y, dims);
    }
    dims[1] += m->dims[other][1];
    assert_ok(ir_node_set_int(node(m, IR_OP_CONCAT, 2, in, &y), "axis", 1));
    return keep(m, y, dims);
}

static int pool(maker *m, int x)
{
    static const uint32_t codes[] = {IR_OP_MAXPOOL, IR_OP_AVERAGEPOOL, IR_OP_LRN};
    const uint32_t code = codes[between(m, 0, 2)];
    ir_value *y = NULL;
    int64_t dims[4];
    memcpy(dims, m->dims[x], sizeof dims);
    ir_node *n = node(m, code, 1, &m->values[x], &y);
    if (code == IR_OP_LRN) {
        assert_ok(ir_node_set_int(n, "size", between(m, 1, 6)));
        assert_ok(ir_node_set_float(n, "alpha", 0.5f));
        assert_ok(ir_node_set_float(n, "beta", chance(m, 2) ? 0.75f : 0.5f));
        return keep(m, y, dims);
    }
    const int64_t pads[] = {1, 1, 1, 1}, kernel[] = {3, 3};
    assert_ok(ir_node_set_ints(n, "pads", 4, pads));
    assert_ok(ir_node_set_ints(n, "kernel_shape", 2, kernel));
    if (code == IR_OP_AVERAGEPOOL) {
        assert_ok(ir_node_set_int(n, "count_include_pad", between(m, 0, 1)));
    }
    return keep(m, y, dims);
}

/* Operators that know nothing of channels last, and back. */
static int plain(maker *m, int x)
{
    static const int64_t turned[] = {0, 1, 3, 2}, away[] = {0, 2, 3, 1}, back[] = {0, 3, 1, 2};
    ir_value *y = NULL;
    if (chance(m, 2)) {
        assert_ok(ir_node_set_ints(node(m, IR_OP_TRANSPOSE, 1, &m->values[x], &y), "perm", 4, away));
        if (chance(m, 2)) {
            (void)node(m, IR_OP_RELU, 1, &y, &y);
        }
        assert_ok(ir_node_set_ints(node(m, IR_OP_TRANSPOSE, 1, &y, &y), "perm", 4, back));
        return keep(m, y, m->dims[x]);
    }
    const int64_t dims[] = {m->dims[x][0], m->dims[x][1], m->dims[x][3], m->dims[x][2]};
    assert_ok(ir_node_set_ints(node(m, IR_OP_TRANSPOSE, 1, &m->values[x], &y), "perm", 4, turned));
    return keep(m, y, dims);
}

/* x * sigmoid(conv(mean of x)), as in squeeze and excitation. */
static int gate(maker *m, int x)
{
    ir_value *mean = NULL, *y = NULL;
    const int64_t channels = m->dims[x][1], w[] = {channels, channels, 1, 1};
    (void)node(m, IR_OP_GLOBALAVERAGEPOOL, 1, &m->values[x], &mean);
    ir_value *conv_in[] = {mean, numbers(m, 4, w, -0.2f, 0.4f)};
    (void)node(m, IR_OP_CONV, 2, conv_in, &y);
    (void)node(m, IR_OP_SIGMOID, 1, &y, &y);
    ir_value *in[] = {m->values[x], y};
    (void)node(m, IR_OP_MUL, 2, in, &y);
    return keep(m, y, m->dims[x]);
}

static void build(maker *m, uint64_t seed)
{
    *m = (maker){.c = node_case_start(IR_OP_CONV), .rng = base_rng_make(seed, 31)};
    const int64_t dims[] = {between(m, 1, 2), between(m, 1, 20), between(m, 4, 33),
                            between(m, 4, 33)};
    ir_tensor t;
    assert_ok(ir_tensor_init(&t, SY_DT_F32, 4, dims, NULL));
    float *data = base_arena_alloc(m->c.arena, t.size_bytes, 1);
    node_case_random(&m->rng, SY_DT_F32, data, t.size_bytes);
    node_case_input(&m->c, SY_DT_F32, 4, dims, data);
    int x = keep(m, m->c.operands[0], dims);
    for (int i = 0; i < 9; i++) {
        switch (between(m, 0, 9)) {
        case 0:
        case 1:
        case 2: x = conv(m, x, between(m, 1, chance(m, 3) ? 90 : 40)); break;
        case 3: x = conv(m, x, 0); break;
        case 4: x = activation(m, x); break;
        case 5:
        case 6: x = combine(m, x); break;
        case 7: x = pool(m, x); break;
        case 8: x = plain(m, x); break;
        case 9: x = gate(m, x); break;
        }
    }
    x = conv(m, x, 24);
    NODE_CASE_OK(&m->c, ir_graph_add_output(m->c.module->main, m->values[x], NULL));
    const int other = (int)between(m, 0, m->n - 1);
    if (other != x && other != 0) {
        NODE_CASE_OK(&m->c, ir_graph_add_output(m->c.module->main, m->values[other], NULL));
    }
    NODE_CASE_OK(&m->c, ir_infer_module(m->c.module, &m->c.diag));
}

static ir_tensor copy_of(maker *m, const ir_tensor *t)
{
    ir_tensor c = *t;
    c.data = base_arena_memdup(m->c.arena, t->data, t->size_bytes, 1);
    assert_non_null(c.data);
    return c;
}

/* Rounding of a few layers, relative to the largest value: 2^-24 each, as a random walk. */
#define LIMIT 1e-4

static void test_graphs(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < N_GRAPHS; seed++) {
        maker m;
        build(&m, seed);
        const uint32_t n = m.c.module->main->n_outputs;
        ir_tensor want[2], first[2] = {{0}};
        (void)node_case_run(&m.c, &node_case_reference, 0);
        for (uint32_t i = 0; i < n; i++) {
            want[i] = copy_of(&m, &m.c.results[(m.c.n_runs - 1) % 2][i]);
        }
        const rt_isa best = rt_simd_limit();
        for (int run = 0; run < 4; run++) {
            const rt_cpu_options options = {.n_threads = run == 1 ? 3 : 1};
            rt_simd_set_limit(run == 2 ? RT_ISA_AVX2 : run == 3 ? RT_ISA_PORTABLE : best);
            (void)node_case_run(&m.c, &options, 0);
            for (uint32_t i = 0; i < n; i++) {
                const ir_tensor *got = &m.c.results[(m.c.n_runs - 1) % 2][i];
                assert_int_equal(got->size_bytes, want[i].size_bytes);
                double largest = 1e-3, worst = 0.0;
                for (size_t k = 0; k < got->size_bytes / 4; k++) {
                    const double w = (double)((const float *)want[i].data)[k];
                    const double d = fabs(w - (double)((const float *)got->data)[k]);
                    largest = fabs(w) > largest ? fabs(w) : largest;
                    worst = d <= worst ? worst : d;
                }
                if (!(worst <= LIMIT * largest)) {
                    fail_msg("seed %lu, run %d, result %u: differs by %.3g of %.3g",
                             (unsigned long)seed, run, i, worst, largest);
                }
                if (run == 0) {
                    first[i] = copy_of(&m, got);
                } else if (run < 3 && memcmp(first[i].data, got->data, got->size_bytes) != 0) {
                    fail_msg("seed %lu, run %d, result %u: other bits", (unsigned long)seed, run, i);
                }
            }
        }
        rt_simd_set_limit(best);
        node_case_end(&m.c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_graphs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
