/*
 * fn.c -- the elementary functions: special values, errors within what the reference states, vector versions bit-equal.
 *
 * All inputs: bench/fn_error.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include <math.h>

#include "systole/base/rng.h"
#include "systole/isa/fn.h"

#define NAN_BITS 0x7FC00000u
#define INF_BITS 0x7F800000u
#define SIGN_BIT 0x80000000u
#define ONE_BITS 0x3F800000u

static float to_float(uint32_t bits)
{
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static uint32_t to_bits(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

/* What each function gives for: +0, -0, +infinity, -infinity, -1, the smallest subnormal, its negative. */
static const uint32_t specials[ISA_FN_N][7] = {
    [ISA_FN_EXP2] = {ONE_BITS, ONE_BITS, INF_BITS, 0, 0x3F000000, ONE_BITS, ONE_BITS},
    [ISA_FN_LOG2] = {INF_BITS | SIGN_BIT, INF_BITS | SIGN_BIT, INF_BITS, NAN_BITS, NAN_BITS, 0xC3150000, NAN_BITS},
    [ISA_FN_RECIP] = {INF_BITS, INF_BITS | SIGN_BIT, 0, SIGN_BIT, 0xBF800000, INF_BITS, INF_BITS | SIGN_BIT},
    [ISA_FN_RSQRT] = {INF_BITS, INF_BITS | SIGN_BIT, 0, NAN_BITS, NAN_BITS, 0x64B504F3, NAN_BITS},
    [ISA_FN_SQRT] = {0, SIGN_BIT, INF_BITS, NAN_BITS, NAN_BITS, 0x1A3504F3, NAN_BITS},
    [ISA_FN_TANH] = {0, SIGN_BIT, ONE_BITS, 0xBF800000, 0xBF42F7D6, 1, SIGN_BIT | 1},
    [ISA_FN_SIGMOID] = {0x3F000000, 0x3F000000, ONE_BITS, 0, 0x3E89B2B1, 0x3F000000, 0x3F000000},
    [ISA_FN_ERF] = {0, SIGN_BIT, ONE_BITS, 0xBF800000, 0xBF57BB3D, 1, SIGN_BIT | 1},
    [ISA_FN_PHI] = {0x3F000000, 0x3F000000, ONE_BITS, 0, 0x3DA1130B, 0x3F000000, 0x3F000000},
};

static void test_special_values(void **state)
{
    (void)state;
    static const uint32_t inputs[7] = {0, SIGN_BIT, INF_BITS, INF_BITS | SIGN_BIT, 0xBF800000, 1, SIGN_BIT | 1};
    static const uint32_t nans[] = {0x7F800001, 0x7FC00000, 0x7FFFFFFF, 0xFF800001, 0xFFC12345};
    for (int fn = 0; fn < ISA_FN_N; fn++) {
        for (int i = 0; i < 7; i++) {
            const uint32_t got = isa_fn_bits((isa_fn)fn, inputs[i]);
            if (got != specials[fn][i]) {
                fail_msg("%s of 0x%08X: got 0x%08X, want 0x%08X", isa_fn_name((isa_fn)fn), inputs[i], got, specials[fn][i]);
            }
        }
        for (size_t i = 0; i < sizeof nans / sizeof nans[0]; i++) {
            assert_int_equal(isa_fn_bits((isa_fn)fn, nans[i]), NAN_BITS);
        }
    }
}

static void test_limits(void **state)
{
    (void)state;
    assert_int_equal(isa_fn_bits(ISA_FN_EXP2, to_bits(127.99999F)), 0x7F7FFFA7);
    assert_int_equal(isa_fn_bits(ISA_FN_EXP2, to_bits(128.0F)), INF_BITS);
    assert_int_equal(isa_fn_bits(ISA_FN_EXP2, to_bits(-149.0F)), 1);
    assert_int_equal(isa_fn_bits(ISA_FN_EXP2, to_bits(-149.99998F)), 1);
    assert_int_equal(isa_fn_bits(ISA_FN_EXP2, to_bits(-150.0F)), 0); /* half of the smallest: to even */
    for (int n = -149; n < 128; n++) {
        assert_true(isa_fn_float(ISA_FN_EXP2, (float)n) == (float)ldexp(1.0, n));
        assert_true(isa_fn_float(ISA_FN_LOG2, (float)ldexp(1.0, n)) == (float)n);
    }
    for (int n = 1; n < 4096; n++) {
        assert_true(isa_fn_float(ISA_FN_SQRT, (float)(n * n)) == (float)n);
    }
    assert_int_equal(isa_fn_bits(ISA_FN_RECIP, 0x7F7FFFFF), 0x00200000); /* subnormal results */
    assert_int_equal(isa_fn_bits(ISA_FN_RECIP, 0x00200000), INF_BITS);
    assert_int_equal(isa_fn_bits(ISA_FN_RECIP, 0x00200001), 0x7F7FFFF8);
    assert_int_equal(isa_fn_bits(ISA_FN_TANH, to_bits(9.1F)), ONE_BITS);
    assert_int_equal(isa_fn_bits(ISA_FN_SIGMOID, to_bits(17.5F)), ONE_BITS);
    assert_int_equal(isa_fn_bits(ISA_FN_SIGMOID, to_bits(-103.9F)), 1);
    assert_int_equal(isa_fn_bits(ISA_FN_SIGMOID, to_bits(-104.1F)), 0);
    assert_int_equal(isa_fn_bits(ISA_FN_ERF, to_bits(-4.0F)), ONE_BITS | SIGN_BIT);
    assert_int_equal(isa_fn_bits(ISA_FN_PHI, to_bits(-4.0F)), 0);
    assert_true(isa_fn_float(ISA_FN_PHI, -3.999F) > 7.7e-9F);
}

static long double exact(isa_fn fn, long double v)
{
    switch (fn) {
    case ISA_FN_EXP2:
        return exp2l(v);
    case ISA_FN_LOG2:
        return log2l(v);
    case ISA_FN_RECIP:
        return 1 / v;
    case ISA_FN_RSQRT:
        return 1 / sqrtl(v);
    case ISA_FN_SQRT:
        return sqrtl(v);
    case ISA_FN_TANH:
        return tanhl(v);
    case ISA_FN_SIGMOID:
        return v < 0 ? expl(v) / (1 + expl(v)) : 1 / (1 + expl(-v));
    case ISA_FN_ERF:
        return erfl(v);
    case ISA_FN_PHI:
        return v <= -4 ? 0 : erfcl(-v) / 2;
    }
    return 0;
}

/* The distance of got from want in units of want's last place. */
static double ulps(float got, long double want)
{
    int e = 0;
    (void)frexpl(want, &e);
    const int low = want == 0 || e < -125 ? -125 : e;
    return (double)fabsl(((long double)got - want) * ldexpl(1.0L, 24 - low));
}

static void check(isa_fn fn, uint32_t bits)
{
    const long double want = exact(fn, (long double)to_float(bits));
    const float got = to_float(isa_fn_bits(fn, bits));
    const float nearest = (float)want;
    if (isnan(nearest) || isinf(nearest)) {
        if (isnan(nearest) ? !isnan(got) : got != nearest) {
            fail_msg("%s of 0x%08X: got %a, want %a", isa_fn_name(fn), bits, (double)got, (double)nearest);
        }
    } else if (!(ulps(got, want) <= isa_fn_max_ulp(fn))) {
        fail_msg("%s of 0x%08X: got %a, want %La: %.5f ulp, at most %.5f are stated", isa_fn_name(fn), bits, (double)got, want,
                 ulps(got, want), isa_fn_max_ulp(fn));
    }
}

/* A value of any exponent, or of those between 2^-15 and 2^8, or next to the end of a segment. */
static uint32_t sample(uint64_t r)
{
    const uint32_t v = (uint32_t)r;
    const uint32_t middle = (v & 0x807FFFFFu) | (112 + (uint32_t)(r >> 40) % 24) << 23;
    switch (r >> 32 & 3) {
    case 0:
        return v;
    case 1:
        return (middle & 0xFFFE0000u) + ((uint32_t)(r >> 48) & 7) - 4;
    default:
        return middle;
    }
}

/* near: where the errors are largest */
static void test_errors(void **state)
{
    (void)state;
    static const uint32_t near[] = {
#define FN(NAME, name, ulp, at, range, summary) at,
#include "systole/isa/functions.def"
#undef FN
    };
    base_rng rng = base_rng_make(31, 0);
    for (int fn = 0; fn < ISA_FN_N; fn++) {
        for (int i = 0; i < 500000; i++) {
            check((isa_fn)fn, sample(base_rng_next(&rng)));
        }
        for (uint32_t i = 0; i < 20000; i++) {
            check((isa_fn)fn, near[fn] + 10000 - i);
        }
    }
}

/* From one fp32 number to the next no function goes the wrong way. */
static void test_monotonic(void **state)
{
    (void)state;
    base_rng rng = base_rng_make(32, 0);
    for (int fn = 0; fn < ISA_FN_N; fn++) {
        const float direction = fn == ISA_FN_RECIP || fn == ISA_FN_RSQRT ? -1 : 1;
        for (int i = 0; i < 300000; i++) {
            const uint32_t bits = sample(base_rng_next(&rng)) & ~SIGN_BIT;
            const uint32_t sign = (i & 1) != 0 ? SIGN_BIT : 0;
            const float away = sign != 0 ? -direction : direction;
            const float here = to_float(isa_fn_bits((isa_fn)fn, bits | sign));
            const float next = to_float(isa_fn_bits((isa_fn)fn, (bits + 1) | sign));
            if (here * away > next * away) {
                fail_msg("%s falls from 0x%08X to the next", isa_fn_name((isa_fn)fn), bits | sign);
            }
        }
    }
}

/* All lengths, places and inputs: the bits of the definition, and nothing beyond the end. */
static void test_rows(void **state)
{
    (void)state;
    enum { MOST = 300 };
    float v[MOST];
    float y[MOST + 1];
    base_rng rng = base_rng_make(33, 0);
    for (int round = 0; round < 4000; round++) {
        const size_t n = round < MOST ? (size_t)round : MOST;
        const isa_fn fn = (isa_fn)(round % ISA_FN_N);
        for (size_t i = 0; i < n; i++) {
            v[i] = to_float(sample(base_rng_next(&rng)));
        }
        const size_t from = n > 3 ? (size_t)(round % 4) : 0;
        y[n] = 7;
        isa_fn_rows(fn, v + from, y + from, n - from);
        assert_true(y[n] == 7);
        for (size_t i = from; i < n; i++) {
            if (to_bits(y[i]) != isa_fn_bits(fn, to_bits(v[i]))) {
                fail_msg("%s of %a: rows give %a", isa_fn_name(fn), (double)v[i], (double)y[i]);
            }
        }
        isa_fn_rows(fn, v, v, n); /* in place */
        assert_memory_equal(v + from, y + from, (n - from) * sizeof v[0]);
    }
}

static void test_fused(void **state)
{
    (void)state;
    /* (1 + 2^-12)^2 - 1 keeps its last bit; the sum of a rounded product would not */
    assert_int_equal(isa_fp_fma(to_bits(1.000244140625F), to_bits(1.000244140625F), to_bits(-1.0F)), to_bits(0.00048834085F));
    assert_int_equal(isa_fp_fma(INF_BITS, 0, ONE_BITS), NAN_BITS);
    assert_int_equal(isa_fp_fma(INF_BITS, ONE_BITS, INF_BITS | SIGN_BIT), NAN_BITS);
    assert_int_equal(isa_fp_fma(SIGN_BIT, ONE_BITS, SIGN_BIT), SIGN_BIT);
    assert_int_equal(isa_fp_fma(ONE_BITS, ONE_BITS, to_bits(-1.0F)), 0);
    /* two bf16 subnormals: 2^-266, which decides a tie and vanishes alone */
    assert_int_equal(isa_bf16_fma(1, 1, 0), 0);
    assert_int_equal(isa_bf16_fma(1, 0x8001, 0), SIGN_BIT);
    assert_int_equal(isa_bf16_fma(1, 1, 0x00000001), 1);
    assert_int_equal(isa_bf16_fma(0x7F7F, 0x7F7F, 0), INF_BITS);
    assert_int_equal(isa_bf16_fma(0xFF81, 0x3F80, 0), NAN_BITS);
}

static void test_bf16(void **state)
{
    (void)state;
    assert_int_equal(isa_fp_to_bf16(0x3F808000), 0x3F80); /* ties to even */
    assert_int_equal(isa_fp_to_bf16(0x3F818000), 0x3F82);
    assert_int_equal(isa_fp_to_bf16(0x3F808001), 0x3F81);
    assert_int_equal(isa_fp_to_bf16(0x7F7FFFFF), 0x7F80);
    assert_int_equal(isa_fp_to_bf16(0xFF800000), 0xFF80);
    assert_int_equal(isa_fp_to_bf16(0xFF800001), 0x7FC0);
    assert_int_equal(isa_fp_to_bf16(0x00008000), 0);
    assert_int_equal(isa_fp_to_bf16(0x80018000), 0x8002);
    for (uint32_t v = 0; v < 0x10000; v++) {
        const uint32_t fp = isa_bf16_to_fp((uint16_t)v);
        assert_int_equal(isa_fp_to_bf16(fp), (v & 0x7FFF) > 0x7F80 ? 0x7FC0 : v);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_special_values), cmocka_unit_test(test_limits), cmocka_unit_test(test_errors), cmocka_unit_test(test_monotonic),
        cmocka_unit_test(test_rows),           cmocka_unit_test(test_fused),  cmocka_unit_test(test_bf16),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
