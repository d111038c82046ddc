/*
 * winograd.c -- 3x3 convolutions by Winograd's method stay within RT_CPU_WINOGRAD_TOLERANCE of the reference, with the same bits
 * for any number of threads, AVX2 and AVX-512.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node_case.h"

#include "../../runtime/cpu/simd.h"

#include <math.h>

#define N_CASES 24
#define REACH   5 /* inputs of a tile that a result's own kernel may not touch */

typedef struct shape {
    int64_t x[4], w[4], pads[4];
} shape;

static shape random_shape(base_rng *rng)
{
    const int64_t channels = 16 * base_rng_range(rng, 1, 5), outputs = 16 * base_rng_range(rng, 1, 5);
    shape s = {.x = {base_rng_range(rng, 1, 2), channels, base_rng_range(rng, 8, 30),
                     base_rng_range(rng, 8, 30)},
               .w = {outputs, channels, 3, 3}};
    for (int i = 0; i < 4; i++) {
        s.pads[i] = base_rng_range(rng, 0, 2);
    }
    return s;
}

/* Numbers of one size, positive ones, ones of many sizes. */
static float *random_numbers(node_case *c, base_rng *rng, size_t n, uint64_t kind)
{
    float *data = base_arena_alloc(c->arena, n, sizeof *data);
    assert_non_null(data);
    for (size_t i = 0; i < n; i++) {
        const float v = 2.0f * base_rng_float(rng) - 1.0f;
        data[i] = kind == 0   ? v
                  : kind == 1 ? 0.5f + fabsf(v)
                              : ldexpf(v, (int)base_rng_range(rng, -12, 4));
    }
    return data;
}

/* The largest |x| of all channels near a result. */
static double largest_near(const shape *s, const float *x, int64_t image, int64_t h, int64_t w)
{
    double largest = 0.0;
    for (int64_t c = 0; c < s->x[1]; c++) {
        for (int64_t r = h - s->pads[0] - REACH; r <= h - s->pads[0] + 2 + REACH; r++) {
            for (int64_t q = w - s->pads[1] - REACH; q <= w - s->pads[1] + 2 + REACH; q++) {
                if (r >= 0 && r < s->x[2] && q >= 0 && q < s->x[3]) {
                    const double v = fabs((double)x[((image * s->x[1] + c) * s->x[2] + r) * s->x[3] + q]);
                    largest = v > largest ? v : largest;
                }
            }
        }
    }
    return largest;
}

static double sum_of_weights(const shape *s, const float *w, int64_t m)
{
    double sum = 0.0;
    for (int64_t i = 0; i < s->w[1] * 9; i++) {
        sum += fabs((double)w[m * s->w[1] * 9 + i]);
    }
    return sum;
}

/* A few hundred results, spread; the largest error in units of the bound. */
static double compare(const shape *s, const float *x, const float *w, const ir_tensor *want,
                      const ir_tensor *got)
{
    const int64_t n = ir_tensor_n_elements(want), step = n / 300 + 1;
    double worst = 0.0;
    for (int64_t i = 0; i < n; i += step) {
        const int64_t column = i % want->dims[3], row = i / want->dims[3] % want->dims[2];
        const int64_t m = i / (want->dims[3] * want->dims[2]) % want->dims[1];
        const int64_t image = i / (want->dims[3] * want->dims[2] * want->dims[1]);
        const double error = fabs((double)((const float *)want->data)[i] -
                                  (double)((const float *)got->data)[i]);
        const double limit = RT_CPU_WINOGRAD_TOLERANCE * largest_near(s, x, image, row, column) *
                             sum_of_weights(s, w, m);
        worst = error / limit > worst ? error / limit : worst;
    }
    return worst;
}

static void test_bound(void **state)
{
    (void)state;
    const rt_isa best = rt_simd_limit();
    double worst = 0.0;
    for (uint64_t seed = 0; seed < N_CASES; seed++) {
        base_rng rng = base_rng_make(seed, 41);
        const shape s = random_shape(&rng);
        node_case c = node_case_start(IR_OP_CONV);
        const float *x = random_numbers(&c, &rng, (size_t)(s.x[0] * s.x[1] * s.x[2] * s.x[3]), seed % 3);
        const float *w = random_numbers(&c, &rng, (size_t)(s.w[0] * s.w[1] * 9), seed / 3 % 3);
        node_case_input(&c, SY_DT_F32, 4, s.x, x);
        node_case_const(&c, SY_DT_F32, 4, s.w, w);
        assert_ok(ir_node_set_ints(node_case_node(&c, 1), "pads", 4, s.pads));
        NODE_CASE_OK(&c, ir_infer_module(c.module, &c.diag));
        const ir_tensor want = *node_case_run(&c, &node_case_reference, 0);
        ir_tensor first = want;
        first.data = base_arena_memdup(c.arena, want.data, want.size_bytes, 1);
        const rt_cpu_options one = {.n_threads = 1}, three = {.n_threads = 3};
        ir_tensor got = *node_case_run(&c, &one, 0);
        const double ratio = compare(&s, x, w, &first, &got);
        worst = ratio > worst ? ratio : worst;
        if (!(ratio <= 1.0)) {
            fail_msg("seed %lu: %.3g times the bound", (unsigned long)seed, ratio);
        }
        const ir_tensor same = *node_case_run(&c, &three, 0);
        assert_memory_equal(got.data, same.data, got.size_bytes);
        rt_simd_set_limit(best < RT_ISA_AVX2 ? best : RT_ISA_AVX2);
        got = *node_case_run(&c, &one, 0);
        rt_simd_set_limit(best);
        assert_memory_equal(got.data, same.data, got.size_bytes);
        node_case_end(&c);
    }
    print_message("largest error: %.3f of the bound\n", worst);
    assert_true(worst > 0.01); /* else the bound says nothing */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bound)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
