/*
 * ref_math.c -- elementary functions of the reference against the C library in 80 bits; casts, bits, integer
 * division, reductions over nothing, Einsum.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node_case.h"

#include "systole/graph/strings.h"

#include <math.h>

#define DIMS(...)     \
    (const int64_t[]) \
    {                 \
        __VA_ARGS__   \
    }
#define EXPECT(c, dtype, rank, dims, data) \
    node_case_expect(node_case_run(&(c), &node_case_reference, 0), dtype, rank, dims, data)

/* ---------------------------------------------------------------- elementary functions */

typedef enum range { ANGLES, UNIT, REALS, ABOVE_1 } range;

static const struct {
    uint32_t code;
    long double (*judge)(long double);
    range range;
} functions[] = {
    {IR_OP_SIN, sinl, ANGLES},   {IR_OP_COS, cosl, ANGLES},   {IR_OP_TAN, tanl, ANGLES},
    {IR_OP_ASIN, asinl, UNIT},   {IR_OP_ACOS, acosl, UNIT},   {IR_OP_ATAN, atanl, REALS},
    {IR_OP_SINH, sinhl, REALS},  {IR_OP_COSH, coshl, REALS},  {IR_OP_ASINH, asinhl, REALS},
    {IR_OP_ACOSH, acoshl, ABOVE_1}, {IR_OP_ATANH, atanhl, UNIT},
};

#define N_ARGUMENTS 20000

static double argument(base_rng *rng, range r, int i)
{
    const double u = 2.0 * (double)base_rng_float(rng) - 1.0 + 0x1p-30 * (double)base_rng_float(rng);
    switch (r) {
    case ANGLES: /* near multiples of pi / 2, and as large as doubles are */
        return i % 3 == 0   ? rint(u * 1e5) * 1.57079632679489662
               : i % 3 == 1 ? ldexp(u, (int)base_rng_range(rng, -40, 1020))
                            : 10.0 * u;
    case UNIT:
        return i % 2 == 0 ? u : ldexp(u, (int)base_rng_range(rng, -60, 0));
    case REALS:
        return i % 2 == 0 ? 30.0 * u : ldexp(u, (int)base_rng_range(rng, -60, 9));
    case ABOVE_1:
        return 1.0 + ldexp(fabs(u), (int)base_rng_range(rng, -40, 90));
    }
    return u;
}

static void test_functions(void **state)
{
    (void)state;
    static double x[N_ARGUMENTS];
    base_rng rng = base_rng_make(7, 1);
    for (size_t f = 0; f < sizeof functions / sizeof functions[0]; f++) {
        for (int i = 0; i < N_ARGUMENTS; i++) {
            x[i] = argument(&rng, functions[f].range, i);
        }
        memcpy(x, (const double[]){0.0, -0.0, NAN, INFINITY, -INFINITY, 1.0, -1.0}, 7 * sizeof *x);
        node_case c = node_case_start(functions[f].code);
        node_case_input(&c, SY_DT_F64, 1, DIMS(N_ARGUMENTS), x);
        (void)node_case_node(&c, 1);
        const double *y = node_case_run(&c, &node_case_reference, 0)->data;
        for (int i = 0; i < N_ARGUMENTS; i++) {
            const long double want = functions[f].judge((long double)x[i]);
            int e = 0;
            (void)frexp((double)want, &e);
            const double ulp = fmax(ldexp(1.0, e - 53), 0x1p-1074);
            const bool same = (isnan(y[i]) && isnan((double)want)) || y[i] == (double)want;
            if (!same && !(fabsl((long double)y[i] - want) <= (long double)(5.0 * ulp))) {
                fail_msg("%s(%a): got %a, want %La", ir_optable_row(c.module->table, functions[f].code)->name,
                         x[i], y[i], want);
            }
        }
        node_case_end(&c);
    }
}

/* ---------------------------------------------------------------- casts */

static void expect_cast(sy_dtype from, const void *x, sy_dtype to, const void *y, int64_t n, const char *rounding,
                        int64_t saturate)
{
    node_case c = node_case_start(IR_OP_CAST);
    node_case_input(&c, from, 1, &n, x);
    ir_node *node = node_case_node(&c, 1);
    assert_ok(ir_node_set_int(node, "to", to));
    assert_ok(ir_node_set_int(node, "saturate", saturate));
    assert_ok(ir_node_set_string(node, "round_mode", rounding, strlen(rounding)));
    EXPECT(c, to, 1, &n, y);
    node_case_end(&c);
}

static void test_casts(void **state)
{
    (void)state;
    static const float x[7] = {-9.0f, -1.0f, 0.0f, 2.0f, 7.0f, 8.0f, 15.0f};
    static const int8_t as_i8[7] = {-9, -1, 0, 2, 7, 8, 15};
    static const uint8_t as_i4[4] = {0xf7, 0x20, 0x87, 0x0f}; /* the first in the low bits */
    static const uint8_t as_u2[2] = {0x8f, 0x33};
    expect_cast(SY_DT_F32, x, SY_DT_I4, as_i4, 7, "up", 1);
    expect_cast(SY_DT_I8, as_i8, SY_DT_U4, as_i4, 7, "up", 1);
    expect_cast(SY_DT_F32, x, SY_DT_U2, as_u2, 7, "up", 1);
    static const float back[7] = {7, -1, 0, 2, 7, -8, -1};
    expect_cast(SY_DT_I4, as_i4, SY_DT_F32, back, 7, "up", 1);

    static const float odd[6] = {300.0f, -1.5f, -300.0f, NAN, 3e9f, -0.4f};
    expect_cast(SY_DT_F32, odd, SY_DT_U8, (const uint8_t[]){44, 255, 212, 0, 0, 0}, 6, "up", 1);
    expect_cast(SY_DT_F32, odd, SY_DT_BOOL, (const uint8_t[]){1, 1, 1, 1, 1, 1}, 6, "up", 1);
    expect_cast(SY_DT_F32, odd, SY_DT_I32, (const int32_t[]){300, -1, -300, 0, INT32_MAX, 0}, 6, "up", 1);

    /* powers of two: 0 and what is below count as the lowest, what is above as the highest, if it saturates */
    static const float p[7] = {0.0f, 0.75f, 1.0f, 1.4f, 1.5f, INFINITY, NAN};
    expect_cast(SY_DT_F32, p, SY_DT_F8E8M0, (const uint8_t[]){0, 127, 127, 128, 128, 254, 255}, 7, "up", 1);
    expect_cast(SY_DT_F32, p, SY_DT_F8E8M0, (const uint8_t[]){0, 126, 127, 127, 127, 254, 255}, 7, "down", 1);
    expect_cast(SY_DT_F32, p, SY_DT_F8E8M0, (const uint8_t[]){255, 127, 127, 127, 128, 255, 255}, 7, "nearest",
                0);
    /* 8 bits: the largest number, or what stands for more */
    static const float f[4] = {1e6f, -1e6f, INFINITY, 0.3f};
    expect_cast(SY_DT_F32, f, SY_DT_F8E4M3FN, (const uint8_t[]){0x7e, 0xfe, 0x7e, 0x2a}, 4, "up", 1);
    expect_cast(SY_DT_F32, f, SY_DT_F8E5M2, (const uint8_t[]){0x7c, 0xfc, 0x7c, 0x35}, 4, "up", 0);
    expect_cast(SY_DT_F32, f, SY_DT_F4E2M1, (const uint8_t[]){0xf7, 0x17}, 4, "up", 1);
}

/* The text of numbers, and the numbers again. */
static void test_strings(void **state)
{
    (void)state;
    static const double x[8] = {0.1, -2.0, 1e16, 1e-5, 123456.75, NAN, -INFINITY, 0.0};
    static const char *const words[8] = {"0.1", "-2.0", "1e+16", "1e-05", "123456.75", "nan", "-inf", "0.0"};
    node_case c = node_case_start(IR_OP_CAST);
    node_case_input(&c, SY_DT_F64, 1, DIMS(8), x);
    assert_ok(ir_node_set_int(node_case_node(&c, 1), "to", SY_DT_STRING));
    const ir_tensor *y = node_case_run(&c, &node_case_reference, 0);
    ir_text *texts = NULL;
    assert_ok(ir_strings_read(y, c.arena, &texts));
    for (int i = 0; i < 8; i++) {
        assert_int_equal(texts[i].n_bytes, strlen(words[i]));
        assert_memory_equal(texts[i].text, words[i], strlen(words[i]));
    }
    node_case_end(&c);
}

/* ---------------------------------------------------------------- integers */

static void expect_i32(uint32_t code, const char *name, const char *value, int64_t number, const int32_t *a,
                       const int32_t *b, const int32_t *y, int64_t n)
{
    node_case c = node_case_start(code);
    node_case_input(&c, SY_DT_I32, 1, &n, a);
    node_case_input(&c, SY_DT_I32, 1, &n, b);
    ir_node *node = node_case_node(&c, 1);
    if (value != NULL) {
        assert_ok(ir_node_set_string(node, name, value, strlen(value)));
    } else if (name != NULL) {
        assert_ok(ir_node_set_int(node, name, number));
    }
    EXPECT(c, SY_DT_I32, 1, &n, y);
    node_case_end(&c);
}

static void test_integers(void **state)
{
    (void)state;
    static const int32_t a[6] = {7, -7, 7, -7, 5, INT32_MIN}, b[6] = {2, 2, -2, -2, 0, -1};
    expect_i32(IR_OP_DIV, NULL, NULL, 0, a, b, (const int32_t[]){3, -3, -3, 3, 0, INT32_MIN}, 6);
    expect_i32(IR_OP_MOD, NULL, NULL, 0, a, b, (const int32_t[]){1, 1, -1, -1, 0, 0}, 6);
    expect_i32(IR_OP_MOD, "fmod", NULL, 1, a, b, (const int32_t[]){1, -1, 1, -1, 0, 0}, 6);
    static const int32_t s[6] = {1, 31, 32, -1, 0, 4};
    expect_i32(IR_OP_BITSHIFT, "direction", "RIGHT", 0, a, s, (const int32_t[]){3, -1, 0, -1, 5, INT32_MIN / 16},
               6);
    expect_i32(IR_OP_BITSHIFT, "direction", "LEFT", 0, a, s, (const int32_t[]){14, INT32_MIN, 0, 0, 5, 0}, 6);
}

/* ---------------------------------------------------------------- reductions over nothing */

static void test_empty(void **state)
{
    (void)state;
    static const struct {
        uint32_t code;
        float result;
    } rows[] = {
        {IR_OP_REDUCESUM, 0.0f},        {IR_OP_REDUCEPROD, 1.0f},       {IR_OP_REDUCEMAX, -INFINITY},
        {IR_OP_REDUCEMIN, INFINITY},    {IR_OP_REDUCEL1, 0.0f},         {IR_OP_REDUCEL2, 0.0f},
        {IR_OP_REDUCESUMSQUARE, 0.0f},  {IR_OP_REDUCELOGSUM, -INFINITY}, {IR_OP_REDUCELOGSUMEXP, -INFINITY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        node_case c = node_case_start(rows[i].code);
        node_case_input(&c, SY_DT_F32, 2, DIMS(2, 0), NULL);
        node_case_const(&c, SY_DT_I64, 1, DIMS(1), DIMS(-1));
        assert_ok(ir_node_set_int(node_case_node(&c, 1), "keepdims", 0));
        const float want[2] = {rows[i].result, rows[i].result};
        EXPECT(c, SY_DT_F32, 1, DIMS(2), want);
        node_case_end(&c);
    }
    node_case c = node_case_start(IR_OP_REDUCEMAX);
    node_case_input(&c, SY_DT_I8, 1, DIMS(0), NULL);
    assert_ok(ir_node_set_int(node_case_node(&c, 1), "keepdims", 1));
    EXPECT(c, SY_DT_I8, 1, DIMS(1), (const int8_t[]){INT8_MIN});
    node_case_end(&c);
}

/* ---------------------------------------------------------------- Einsum */

static const float six[6] = {1, 2, 3, 4, 5, 6};

/* x [2,3] and, if the equation has a comma, y [3,2]. */
static sy_status einsum(node_case *c, const char *equation)
{
    *c = node_case_start(IR_OP_EINSUM);
    node_case_input(c, SY_DT_F32, 2, DIMS(2, 3), six);
    if (strchr(equation, ',') != NULL) {
        node_case_input(c, SY_DT_F32, 2, DIMS(3, 2), six);
    }
    assert_ok(ir_node_set_string(node_case_node(c, 1), "equation", equation, strlen(equation)));
    return node_case_try(c, &node_case_reference);
}

static void test_einsum(void **state)
{
    (void)state;
    static const struct {
        const char *equation;
        int32_t rank;
        int64_t dims[3];
        float y[18];
    } good[] = {
        {"ij->ji", 2, {3, 2}, {1, 4, 2, 5, 3, 6}},
        {"ba", 2, {3, 2}, {1, 4, 2, 5, 3, 6}}, /* letters of the result in the order of the alphabet */
        {"ij->", 0, {0}, {21}},
        {"i...->...", 1, {3}, {5, 7, 9}},
        {"...", 2, {2, 3}, {1, 2, 3, 4, 5, 6}},
        {"ij, jk -> ik", 2, {2, 2}, {22, 28, 49, 64}},
        {"ij,jk", 2, {2, 2}, {22, 28, 49, 64}},
        {"ij,ji->i", 1, {2}, {22, 64}},
        {"...j,j...->...", 1, {2}, {22, 64}},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        node_case c;
        if (einsum(&c, good[i].equation) != SY_OK) {
            fail_msg("%s: %s", good[i].equation, base_diag_message(&c.diag));
        }
        node_case_expect(&c.results[(c.n_runs - 1) % 2][0], SY_DT_F32, good[i].rank, good[i].dims, good[i].y);
        node_case_end(&c);
    }
    static const char *const bad[] = {"",      "ijk->",   "i->i",  "ij->ii",       "ij->k",      "ij-ji",
                                      "ij->i,", "ij,jk,kl", "i1->i", "......->...", "ii->i",      "ij->->",
                                      "ij,kk->i", "i-",    ",",     "abcdefghijklmnopqr->", "ij->ij..", "i.j"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        node_case c;
        assert_int_not_equal(einsum(&c, bad[i]), SY_OK);
        assert_true(base_diag_message(&c.diag)[0] != '\0');
        node_case_end(&c);
    }
}

/* ---------------------------------------------------------------- Dropout */

static void test_dropout(void **state)
{
    (void)state;
    enum { N = 40000 };
    static float x[N];
    for (int i = 0; i < N; i++) {
        x[i] = 3.0f;
    }
    node_case c = node_case_start(IR_OP_DROPOUT);
    node_case_input(&c, SY_DT_F32, 1, DIMS(N), x);
    node_case_const(&c, SY_DT_F32, 0, NULL, (const float[]){0.25f});
    node_case_const(&c, SY_DT_BOOL, 0, NULL, (const uint8_t[]){1});
    assert_ok(ir_node_set_int(node_case_node(&c, 2), "seed", 5));
    const float *y = node_case_run(&c, &node_case_reference, 0)->data;
    const uint8_t *mask = c.results[(c.n_runs - 1) % 2][1].data;
    int kept = 0, pairs = 0;
    for (int i = 0; i < N; i++) {
        assert_true(mask[i] != 0 ? y[i] == 4.0f : y[i] == 0.0f);
        kept += mask[i] != 0;
        pairs += i > 0 && mask[i] != 0 && mask[i - 1] != 0;
    }
    assert_true(abs(kept - 3 * N / 4) < 500);   /* 5.8 deviations */
    assert_true(abs(pairs - 9 * N / 16) < 700); /* neighbours do not know of each other */
    node_case_end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_functions), cmocka_unit_test(test_casts),  cmocka_unit_test(test_strings),
        cmocka_unit_test(test_integers),  cmocka_unit_test(test_empty),  cmocka_unit_test(test_einsum),
        cmocka_unit_test(test_dropout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
