/*
 * fast_float.c -- the fast fp32 kernels stay within the documented tolerance of the reference; the
 * bits do not depend on the number of threads.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node_case.h"

#include "../../runtime/cpu/blas.h"
#include "../../runtime/cpu/simd.h"

#include <math.h>

#define N_CASES 100

static int64_t between(base_rng *rng, int64_t low, int64_t high)
{
    return base_rng_range(rng, low, high);
}

static void random_input(node_case *c, base_rng *rng, bool absolute, bool constant, int32_t rank,
                         const int64_t *dims)
{
    ir_tensor t;
    assert_ok(ir_tensor_init(&t, SY_DT_F32, rank, dims, NULL));
    float *data = base_arena_alloc(c->arena, t.size_bytes, 1);
    node_case_random(rng, SY_DT_F32, data, t.size_bytes);
    for (size_t i = 0; absolute && i < t.size_bytes / 4; i++) {
        data[i] = fabsf(data[i]);
    }
    if (constant) {
        node_case_const(c, SY_DT_F32, rank, dims, data);
    } else {
        node_case_input(c, SY_DT_F32, rank, dims, data);
    }
}

/* Makes the case of a seed, with all operands made positive or not; returns k, the number of
 * products in one result. */
typedef int64_t (*builder)(uint64_t seed, bool absolute, node_case *c);

static int64_t build_conv(uint64_t seed, bool absolute, node_case *c)
{
    base_rng rng = base_rng_make(seed, 11);
    *c = node_case_start(IR_OP_CONV);
    const int spatial = base_rng_one_in(&rng, 6) ? 1 : base_rng_one_in(&rng, 12) ? 3 : 2;
    const bool depthwise = base_rng_one_in(&rng, 4), point = base_rng_one_in(&rng, 4);
    const int64_t group = base_rng_one_in(&rng, 3) || depthwise ? between(&rng, 1, 4) : 1;
    const int64_t group_channels = depthwise ? 1 : between(&rng, 1, 18);
    const int64_t n_out = group * between(&rng, 1, depthwise ? 3 : 40);
    int64_t x[5] = {between(&rng, 1, 3), group * group_channels}, w[5] = {n_out, group_channels};
    int64_t dilation[3], strides[3], pads[6], k = group_channels;
    for (int i = 0; i < spatial; i++) {
        w[2 + i] = point ? 1 : between(&rng, 1, 4);
        dilation[i] = between(&rng, 1, 3);
        strides[i] = point && seed % 2 == 0 ? 1 : between(&rng, 1, 3);
        const int64_t reach = (w[2 + i] - 1) * dilation[i];
        x[2 + i] = reach + between(&rng, 1, spatial == 3 ? 6 : 30);
        pads[i] = between(&rng, 0, reach);
        pads[spatial + i] = between(&rng, 0, reach);
        k *= w[2 + i];
    }
    random_input(c, &rng, absolute, false, 2 + spatial, x);
    random_input(c, &rng, absolute, true, 2 + spatial, w);
    if (!base_rng_one_in(&rng, 3)) {
        random_input(c, &rng, absolute, true, 1, &n_out);
    }
    ir_node *n = node_case_node(c, 1);
    assert_ok(ir_node_set_int(n, "group", group));
    assert_ok(ir_node_set_ints(n, "dilations", (uint32_t)spatial, dilation));
    assert_ok(ir_node_set_ints(n, "strides", (uint32_t)spatial, strides));
    assert_ok(ir_node_set_ints(n, "pads", (uint32_t)(2 * spatial), pads));
    return k + 1;
}

static int64_t build_gemm(uint64_t seed, bool absolute, node_case *c)
{
    base_rng rng = base_rng_make(seed, 12);
    *c = node_case_start(IR_OP_GEMM);
    const bool large = base_rng_one_in(&rng, 10);
    const int64_t m = between(&rng, 1, large ? 400 : 70), n_columns = between(&rng, 1, 70),
                  k = between(&rng, 0, large ? 2000 : 700);
    const bool trans_a = base_rng_one_in(&rng, 2), trans_b = base_rng_one_in(&rng, 2);
    random_input(c, &rng, absolute, false, 2,
                 trans_a ? (const int64_t[]){k, m} : (const int64_t[]){m, k});
    random_input(c, &rng, absolute, base_rng_one_in(&rng, 2), 2,
                 trans_b ? (const int64_t[]){n_columns, k} : (const int64_t[]){k, n_columns});
    if (base_rng_one_in(&rng, 2)) {
        const int64_t bias[] = {base_rng_one_in(&rng, 2) ? 1 : m,
                                base_rng_one_in(&rng, 3) ? 1 : n_columns};
        const int32_t rank = (int32_t)between(&rng, 1, 2);
        random_input(c, &rng, absolute, false, rank, bias + 2 - rank);
    }
    ir_node *n = node_case_node(c, 1);
    assert_ok(ir_node_set_int(n, "transA", trans_a));
    assert_ok(ir_node_set_int(n, "transB", trans_b));
    assert_ok(ir_node_set_float(n, "alpha", base_rng_one_in(&rng, 4) ? 0.5f : 1.0f));
    assert_ok(ir_node_set_float(n, "beta", base_rng_one_in(&rng, 4) ? 0.5f : 1.0f));
    return k + 1;
}

static int64_t build_matmul(uint64_t seed, bool absolute, node_case *c)
{
    base_rng rng = base_rng_make(seed, 13);
    *c = node_case_start(IR_OP_MATMUL);
    const int64_t batch = between(&rng, 1, 3),
                  n = between(&rng, 1, base_rng_one_in(&rng, 4) ? 300 : 50),
                  m = between(&rng, 1, base_rng_one_in(&rng, 4) ? 200 : 20),
                  k = between(&rng, 1, 90);
    const int64_t a[] = {base_rng_one_in(&rng, 2) ? 1 : batch, 2, m, k};
    const int64_t b[] = {batch, base_rng_one_in(&rng, 2) ? 1 : 2, k, n};
    const int32_t a_rank = (int32_t)between(&rng, 1, 4), b_rank = (int32_t)between(&rng, 1, 4);
    random_input(c, &rng, absolute, false, a_rank, a_rank == 1 ? &k : a + 4 - a_rank);
    random_input(c, &rng, absolute, base_rng_one_in(&rng, 2), b_rank,
                 b_rank == 1 ? &k : b + 4 - b_rank);
    (void)node_case_node(c, 1);
    return k;
}

static int64_t build_average(uint64_t seed, bool absolute, node_case *c)
{
    base_rng rng = base_rng_make(seed, 14);
    *c = node_case_start(IR_OP_AVERAGEPOOL);
    const int64_t x[] = {2, between(&rng, 1, 4), between(&rng, 5, 30), between(&rng, 5, 30)};
    const int64_t kernel[] = {between(&rng, 1, 5), between(&rng, 1, 5)};
    const int64_t strides[] = {between(&rng, 1, 3), between(&rng, 1, 3)};
    const int64_t pads[] = {between(&rng, 0, kernel[0] / 2), between(&rng, 0, kernel[1] / 2),
                            between(&rng, 0, kernel[0] / 2), between(&rng, 0, kernel[1] / 2)};
    random_input(c, &rng, absolute, false, 4, x);
    ir_node *n = node_case_node(c, 1);
    assert_ok(ir_node_set_ints(n, "kernel_shape", 2, kernel));
    assert_ok(ir_node_set_ints(n, "strides", 2, strides));
    assert_ok(ir_node_set_ints(n, "pads", 4, pads));
    assert_ok(ir_node_set_int(n, "count_include_pad", (int64_t)base_rng_below(&rng, 2)));
    assert_ok(ir_node_set_int(n, "ceil_mode", (int64_t)base_rng_below(&rng, 2)));
    return kernel[0] * kernel[1];
}

static void check_sums(builder build, const char *blas, uint64_t n_cases)
{
    for (uint64_t seed = 0; seed < n_cases; seed++) {
        node_case sizes, c;
        (void)build(seed, true, &sizes);
        const ir_tensor *absolute = node_case_run(&sizes, &node_case_reference, 0);
        const int64_t k = build(seed, false, &c);
        const ir_tensor want = *node_case_run(&c, &node_case_reference, 0);
        const rt_cpu_options fast = {.n_threads = 2, .blas = blas};
        const ir_tensor *got = node_case_run(&c, &fast, 0);
        assert_int_equal(want.size_bytes, got->size_bytes);
        for (size_t i = 0; i < want.size_bytes / 4; i++) {
            const double w = (double)((const float *)want.data)[i],
                         g = (double)((const float *)got->data)[i];
            const double limit = RT_CPU_FLOAT_TOLERANCE * sqrt((double)k) *
                                 (double)((const float *)absolute->data)[i];
            if (!(fabs(w - g) <= limit)) {
                fail_msg("seed %lu: element %zu: reference %.9g, fast %.9g, limit %.3g",
                         (unsigned long)seed, i, w, g, limit);
            }
        }
        node_case_end(&sizes);
        node_case_end(&c);
    }
}

static void test_own(void **state)
{
    (void)state;
    for (int isa = RT_ISA_AVX512; isa >= RT_ISA_PORTABLE; isa--) {
        rt_simd_set_limit((rt_isa)isa);
        check_sums(build_conv, "", isa == RT_ISA_AVX512 ? N_CASES : N_CASES / 4);
        check_sums(build_gemm, "", isa == RT_ISA_AVX512 ? N_CASES : N_CASES / 4);
        check_sums(build_matmul, "", isa == RT_ISA_AVX512 ? N_CASES : N_CASES / 4);
        check_sums(build_average, "", isa == RT_ISA_AVX512 ? N_CASES : N_CASES / 4);
    }
    rt_simd_set_limit(RT_ISA_AVX512);
}

/* Instruction sets with fused multiply-add give the same bits. */
static void test_instruction_sets(void **state)
{
    (void)state;
    const builder builders[] = {build_gemm, build_matmul};
    for (uint64_t seed = 0; seed < 60; seed++) {
        node_case c;
        (void)builders[seed % 2](2000 + seed, false, &c);
        const rt_cpu_options one = {.n_threads = 1};
        const ir_tensor want = *node_case_run(&c, &one, 0);
        rt_simd_set_limit(RT_ISA_AVX2);
        const ir_tensor *got = node_case_run(&c, &one, 0);
        rt_simd_set_limit(RT_ISA_AVX512);
        assert_memory_equal(want.data, got->data, want.size_bytes);
        node_case_end(&c);
    }
}

static void test_libraries(void **state)
{
    (void)state;
    const char *const names[] = {"openblas", "onednn"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        rt_blas blas;
        base_diag diag = {0};
        if (rt_blas_open(&blas, names[i], &diag) != SY_OK) {
            assert_non_null(strstr(base_diag_message(&diag), "cannot load"));
            print_message("%s\n", base_diag_message(&diag));
            continue;
        }
        print_message("%s\n", blas.name);
        rt_blas_close(&blas);
        check_sums(build_conv, names[i], N_CASES / 2);
        check_sums(build_gemm, names[i], N_CASES / 2);
        check_sums(build_matmul, names[i], N_CASES / 2);
    }
}

static void test_threads(void **state)
{
    (void)state;
    const builder builders[] = {build_conv, build_gemm, build_matmul};
    for (uint64_t seed = 0; seed < 60; seed++) {
        node_case c;
        (void)builders[seed % 3](1000 + seed, false, &c);
        const char *blas = seed % 4 == 0 ? "openblas" : NULL;
        const rt_cpu_options one = {.n_threads = 1, .blas = blas},
                             three = {.n_threads = 3, .blas = blas};
        const ir_tensor want = *node_case_run(&c, &one, 0);
        const ir_tensor *got = node_case_run(&c, &three, 0);
        assert_memory_equal(want.data, got->data, want.size_bytes);
        node_case_end(&c);
    }
}

/* Elementwise operators of one operation and MaxPool give the reference's bits. */
static void test_exact(void **state)
{
    (void)state;
    const uint32_t codes[] = {IR_OP_ADD, IR_OP_SUB,     IR_OP_MUL,
                              IR_OP_DIV, IR_OP_MAXPOOL, IR_OP_RELU};
    for (uint64_t seed = 0; seed < 3 * N_CASES; seed++) {
        base_rng rng = base_rng_make(seed, 15);
        const uint32_t code = codes[seed % 6];
        node_case c = node_case_start(code);
        int64_t a[4], b[4];
        for (int i = 0; i < 4; i++) {
            a[i] = b[i] = between(&rng, code == IR_OP_MAXPOOL && i > 1 ? 6 : 1, 20);
            a[i] = base_rng_one_in(&rng, 4) && code != IR_OP_MAXPOOL ? 1 : a[i];
            b[i] = base_rng_one_in(&rng, 4) ? 1 : b[i];
        }
        random_input(&c, &rng, false, false, 4, a);
        if (code == IR_OP_MAXPOOL) {
            ir_node *n = node_case_node(&c, 1);
            const int64_t kernel[] = {between(&rng, 1, 5), between(&rng, 1, 5)};
            const int64_t strides[] = {between(&rng, 1, 3), between(&rng, 1, 3)};
            const int64_t pads[] = {kernel[0] / 2, kernel[1] / 2, between(&rng, 0, kernel[0] / 2),
                                    0};
            assert_ok(ir_node_set_ints(n, "kernel_shape", 2, kernel));
            assert_ok(ir_node_set_ints(n, "strides", 2, strides));
            assert_ok(ir_node_set_ints(n, "pads", 4, pads));
            assert_ok(ir_node_set_int(n, "ceil_mode", (int64_t)base_rng_below(&rng, 2)));
        } else if (code == IR_OP_RELU) {
            (void)node_case_node(&c, 1);
        } else {
            const int32_t rank = (int32_t)between(&rng, 0, 4);
            random_input(&c, &rng, false, false, rank, b + 4 - rank);
            (void)node_case_node(&c, 1);
        }
        const rt_cpu_options fast = {.n_threads = 1, .blas = ""};
        const ir_tensor want = *node_case_run(&c, &node_case_reference, 0);
        const ir_tensor *got = node_case_run(&c, &fast, 0);
        assert_memory_equal(want.data, got->data, want.size_bytes);
        node_case_end(&c);
    }
}

/* Every exponent, both signs, random mantissas; NaN and infinities too. */
static void test_functions(void **state)
{
    (void)state;
    const uint32_t codes[] = {IR_OP_SIGMOID, IR_OP_TANH, IR_OP_EXP};
    enum { N = 100000 };
    static float x[N];
    base_rng rng = base_rng_make(3, 16);
    for (size_t i = 0; i < N; i++) {
        uint32_t bits = (uint32_t)base_rng_next(&rng);
        if (i % 2 == 0) { /* the range where something happens */
            bits = (bits & 0x807fffffu) | ((100u + bits % 35u) << 23);
        }
        memcpy(&x[i], &bits, 4);
    }
    x[0] = NAN;
    x[1] = INFINITY;
    x[2] = -INFINITY;
    x[3] = -0.0f;
    for (size_t f = 0; f < 3; f++) {
        node_case c = node_case_start(codes[f]);
        node_case_input(&c, SY_DT_F32, 1, (const int64_t[]){N}, x);
        (void)node_case_node(&c, 1);
        const rt_cpu_options fast = {.n_threads = 1, .blas = ""};
        const ir_tensor want = *node_case_run(&c, &node_case_reference, 0);
        const ir_tensor *got = node_case_run(&c, &fast, 0);
        for (size_t i = 0; i < N; i++) {
            const double w = (double)((const float *)want.data)[i],
                         g = (double)((const float *)got->data)[i];
            const bool same = (isnan(w) && isnan(g)) || w == g;
            if (!same && !(fabs(w - g) <= RT_CPU_FLOAT_TOLERANCE * fabs(w) + 0x1p-126)) {
                fail_msg("%s of %.9g: reference %.9g, fast %.9g", c.node->op_name, (double)x[i], w,
                         g);
            }
        }
        node_case_end(&c);
    }
}

/* The reference functions against libm: at most one fp32 number apart. */
static void test_reference_functions(void **state)
{
    (void)state;
    const struct {
        uint32_t code;
        double (*exact)(double);
    } functions[] = {{IR_OP_TANH, tanh}, {IR_OP_EXP, exp}, {IR_OP_ERF, erf}, {IR_OP_SQRT, sqrt}};
    enum { N = 100000 };
    static float x[N];
    base_rng rng = base_rng_make(4, 17);
    for (size_t i = 0; i < N; i++) {
        uint32_t bits = (uint32_t)base_rng_next(&rng);
        bits = (bits & 0x807fffffu) | ((90u + bits % 45u) << 23);
        memcpy(&x[i], &bits, 4);
    }
    for (size_t f = 0; f < sizeof functions / sizeof functions[0]; f++) {
        node_case c = node_case_start(functions[f].code);
        node_case_input(&c, SY_DT_F32, 1, (const int64_t[]){N}, x);
        (void)node_case_node(&c, 1);
        const ir_tensor *got = node_case_run(&c, &node_case_reference, 0);
        size_t n_different = 0;
        for (size_t i = 0; i < N; i++) {
            const float want = (float)functions[f].exact((double)x[i]),
                        g = ((const float *)got->data)[i];
            const bool same = want == g || (isnan(want) && isnan(g));
            n_different += !same;
            if (!same && nextafterf(want, g) != g) {
                fail_msg("%s of %.9g: %.9g, expected %.9g", c.node->op_name, (double)x[i],
                         (double)g, (double)want);
            }
        }
        assert_true(n_different <= 3);
        node_case_end(&c);
    }
}

static void test_double(void **state)
{
    (void)state;
    base_rng rng = base_rng_make(9, 18);
    for (unsigned i = 0; i < 20; i++) {
        node_case c = node_case_start(IR_OP_MATMUL);
        const int64_t a[] = {2, between(&rng, 1, 20), between(&rng, 1, 300)},
                      b[] = {a[2], between(&rng, 1, 600)};
        for (int k = 0; k < 2; k++) {
            const int64_t *dims = k == 0 ? a : b;
            const int64_t n = k == 0 ? a[0] * a[1] * a[2] : b[0] * b[1];
            double *data = BASE_ARENA_ARRAY(c.arena, double, (size_t)n);
            for (int64_t j = 0; j < n; j++) {
                data[j] = (double)base_rng_float(&rng);
            }
            node_case_input(&c, SY_DT_F64, k == 0 ? 3 : 2, dims, data);
        }
        (void)node_case_node(&c, 1);
        const rt_cpu_options fast = {.n_threads = 2};
        const ir_tensor want = *node_case_run(&c, &node_case_reference, 0);
        const ir_tensor *got = node_case_run(&c, &fast, 0);
        assert_int_equal(want.size_bytes, got->size_bytes);
        for (size_t j = 0; j < want.size_bytes / 8; j++) {
            const double w = ((const double *)want.data)[j], g = ((const double *)got->data)[j];
            assert_true(fabs(w - g) <= 0x1p-45 * w);
        }
        node_case_end(&c);
    }
}

static void test_missing_library(void **state)
{
    (void)state;
    node_case c;
    (void)build_gemm(1, false, &c);
    const rt_cpu_options options = {.blas = "libnowhere.so.9"};
    assert_int_equal(node_case_try(&c, &options), SY_EIO);
    assert_non_null(strstr(base_diag_message(&c.diag), "libnowhere.so.9"));
    node_case_end(&c);
}

/* The library that a process finds must not follow the environment; the environment is as before.
 */
static void test_environment(void **state)
{
    (void)state;
    rt_cpu *cpu = NULL;
    node_case c;
    (void)build_gemm(1, false, &c);
    (void)setenv("OPENBLAS_CORETYPE", "Prescott", 1);
    const rt_cpu_options options = {.blas = "openblas"};
    assert_ok(rt_cpu_create(c.module, &options, &c.diag, &cpu));
    assert_null(strstr(rt_cpu_blas_name(cpu), "Prescott"));
    assert_string_equal(getenv("OPENBLAS_CORETYPE"), "Prescott");
    rt_cpu_destroy(cpu);
    node_case_end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_environment),      cmocka_unit_test(test_own),
        cmocka_unit_test(test_libraries),        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_instruction_sets), cmocka_unit_test(test_exact),
        cmocka_unit_test(test_functions),        cmocka_unit_test(test_missing_library),
        cmocka_unit_test(test_double),           cmocka_unit_test(test_reference_functions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
