/*
 * bf16_bound.c -- products of bf16 matrices on the simulator against float64, within the bound that docs/reference/bf16.md derives.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sim_test.h"

#include <float.h>
#include <math.h>

#include "systole/base/rng.h"
#include "systole/isa/fn.h"

#define D 16u
#define ROWS 64u
#define MOST_PLANES 64u
#define W_BASE 8192u /* SPM row */

static sim_test t;
static uint16_t a[ROWS][MOST_PLANES * D];
static uint16_t w[MOST_PLANES * D][D];
static float c[ROWS][D]; /* what is in ACC before, and after */
static float before[ROWS][D];

/* A bf16 of a kind: its exponent is one of n from `first` on, its sign any or plus. */
typedef struct kind {
    const char *name;
    uint32_t first, n;
    bool positive;
} kind;

static uint16_t random_bf16(base_rng *rng, const kind *k)
{
    const uint32_t bits = (uint32_t)base_rng_next(rng);
    return (uint16_t)((bits & (k->positive ? 0x007F : 0x807F)) | (k->first + (bits >> 16) % k->n) << 7);
}

static double value(uint16_t bits)
{
    const uint32_t wide = isa_bf16_to_fp(bits);
    float x;
    memcpy(&x, &wide, sizeof x);
    return x;
}

/* Operands to SPM: A as [plane][row][D], the weights as [plane][D][D]; sums to ACC. */
static void put(uint32_t n_planes)
{
    for (uint32_t p = 0; p < n_planes; p++) {
        for (uint32_t m = 0; m < ROWS; m++) {
            assert_ok(sim_machine_write(t.machine, SIM_SPM, (p * ROWS + m) * 2ul * D, &a[m][p * D], 2ul * D));
        }
    }
    assert_ok(sim_machine_write(t.machine, SIM_SPM, W_BASE * 2ul * D, w, (size_t)n_planes * D * D * 2));
    assert_ok(sim_machine_write(t.machine, SIM_ACC, 0, before, sizeof before));
}

/* The largest error of a sum as a share of its bound. */
static double worst_share(uint32_t n_terms, bool accumulates)
{
    const double u = 0x1p-24;
    double worst = 0;
    for (uint32_t m = 0; m < ROWS; m++) {
        for (uint32_t j = 0; j < D; j++) {
            double sum = accumulates ? (double)before[m][j] : 0;
            double size = fabs(sum);
            for (uint32_t k = 0; k < n_terms; k++) {
                const double product = value(a[m][k]) * value(w[k][j]);
                sum += product;
                size += fabs(product);
            }
            const double n = n_terms;
            /* the last term: what float64 itself may be off */
            const double g = n * u / (1 - n * u);
            const double bound = g * size + (1 + g) * n * 0x1p-150 + n * DBL_EPSILON * size;
            const double error = fabs((double)c[m][j] - sum);
            assert_true(isfinite(c[m][j]));
            if (error > bound) {
                fail_msg("row %u column %u, %u terms: %.9g, float64 %.17g: error %.3g above %.3g", m, j, n_terms,
                         (double)c[m][j], sum, error, bound);
            }
            worst = fmax(worst, error / bound);
        }
    }
    return worst;
}

static void test_products(void **state)
{
    (void)state;
    static const kind kinds[] = {
        {"within [-2, 2]", 112, 16, false},
        {"positive, of one size", 126, 1, true},
        {"of very different sizes", 97, 60, false},
        {"with products below fp32's normal range", 53, 10, false},
        {"with products below fp32's range", 48, 6, false},
    };
    static const uint32_t planes[] = {1, 4, MOST_PLANES};
    isa_config config;
    assert_ok(isa_config_find("train", &config, NULL));
    test_create(&t, &config, (sim_options){0});
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        for (size_t n = 0; n < 2 * sizeof planes / sizeof planes[0]; n++) {
            const uint32_t n_planes = planes[n / 2];
            const bool accumulates = n % 2 != 0;
            base_rng rng = base_rng_make(i, n);
            for (uint32_t k = 0; k < n_planes * D; k++) {
                for (uint32_t m = 0; m < ROWS; m++) a[m][k] = random_bf16(&rng, &kinds[i]);
                for (uint32_t j = 0; j < D; j++) w[k][j] = random_bf16(&rng, &kinds[i]);
            }
            for (uint32_t m = 0; m < ROWS * D; m++) {
                before[m / D][m % D] = (float)(value(random_bf16(&rng, &kinds[i])) * value(random_bf16(&rng, &kinds[i])) * 3.1);
            }
            put(n_planes);
            char text[256];
            (void)snprintf(text, sizeof text,
                           "mxu.setf w_base=%u, w_plane=16, a_plane=64, n0=64, n1=1, n2=1, n3=1, a_s0=1, c_s0=1, planes=%u, flags=%s\n"
                           " mxu.matmul x0\n core.halt x0\n",
                           W_BASE, n_planes, accumulates ? "accumulate" : "0");
            test_run(&t, text);
            assert_int_equal(t.result.end, SIM_END_DONE);
            assert_ok(sim_machine_read(t.machine, SIM_ACC, 0, c, sizeof c));
            const double share = worst_share(n_planes * D, accumulates);
            print_message("%s, %u terms%s: %.1f %% of the bound\n", kinds[i].name, n_planes * D, accumulates ? " more" : "",
                          100 * share);
        }
    }
    test_destroy(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_products)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
