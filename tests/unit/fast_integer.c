/*
 * fast_integer.c -- MatMulInteger, DynamicQuantizeLinear and MatMulNBits of the fast kernels
 * against the reference's, on random shapes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node_case.h"

#include "../../runtime/cpu/simd.h"

#include <math.h>

static base_rng rng;

static int64_t between(int64_t low, int64_t high)
{
    return base_rng_range(&rng, low, high);
}

static void operand(node_case *c, sy_dtype dtype, bool constant, int32_t rank, const int64_t *dims)
{
    ir_tensor t;
    assert_ok(ir_tensor_init(&t, dtype, rank, dims, NULL));
    void *data = base_arena_alloc(c->arena, t.size_bytes + 1, 1);
    node_case_random(&rng, dtype, data, t.size_bytes);
    if (constant) {
        node_case_const(c, dtype, rank, dims, data);
    } else {
        node_case_input(c, dtype, rank, dims, data);
    }
}

/* What the reference gives, kept while the case lives. */
static ir_tensor reference(node_case *c, unsigned result)
{
    ir_tensor t = *node_case_run(c, &node_case_reference, result);
    t.data = base_arena_memdup(c->arena, t.data, t.size_bytes, 1);
    assert_non_null(t.data);
    return t;
}

/* All instruction sets, one and three threads: the reference's bits. */
static void check_equal(node_case *c, unsigned result)
{
    const ir_tensor want = reference(c, result);
    for (int isa = RT_ISA_AVX512; isa >= RT_ISA_PORTABLE; isa--) {
        const rt_cpu_options fast = {.n_threads = isa == RT_ISA_AVX2 ? 1 : 3};
        rt_simd_set_limit((rt_isa)isa);
        const ir_tensor *got = node_case_run(c, &fast, result);
        rt_simd_set_limit(RT_ISA_AVX512);
        assert_int_equal(want.size_bytes, got->size_bytes);
        assert_memory_equal(want.data, got->data, want.size_bytes);
    }
}

static void test_matmul_integer(void **state)
{
    (void)state;
    rng = base_rng_make(1, 31);
    for (unsigned i = 0; i < 60; i++) {
        node_case c = node_case_start(IR_OP_MATMULINTEGER);
        const bool constant = i % 2 == 0, batched = !constant && i % 3 == 0;
        const int64_t m = between(1, 60), k = between(1, 300), n = between(1, 90),
                      batch = between(1, 3);
        const sy_dtype a = i % 4 < 2 ? SY_DT_U8 : SY_DT_I8, b = i % 5 < 2 ? SY_DT_U8 : SY_DT_I8;
        const int64_t one = 1;
        operand(&c, a, false, 3, (const int64_t[]){batch, m, k});
        operand(&c, b, constant, batched ? 3 : 2,
                batched ? (const int64_t[]){batch, k, n} : (const int64_t[]){k, n});
        if (i % 3 != 1) {
            operand(&c, a, false, i % 2 == 0 ? 0 : 1, &one);
            if (i % 6 != 0) {
                operand(&c, b, true, i % 6 == 2 ? 1 : 0, &n);
            }
        }
        (void)node_case_node(&c, 1);
        check_equal(&c, 0);
        node_case_end(&c);
    }
}

static void test_dynamic_quantize(void **state)
{
    (void)state;
    rng = base_rng_make(2, 31);
    for (unsigned i = 0; i < 40; i++) {
        const int64_t n = i == 0 ? 1 : between(1, 3000);
        for (unsigned result = 0; result < 3; result++) {
            node_case c = node_case_start(IR_OP_DYNAMICQUANTIZE);
            operand(&c, SY_DT_F32, false, 1, &n);
            (void)node_case_node(&c, 3);
            check_equal(&c, result);
            node_case_end(&c);
        }
    }
}

static void test_nbits(void **state)
{
    (void)state;
    rng = base_rng_make(3, 31);
    for (unsigned i = 0; i < 40; i++) {
        node_case c = node_case_start(IR_OP_MS_MATMULNBITS);
        const int64_t bits = i % 4 == 3 ? 8 : i % 4 == 2 ? 2 : 4, block = 16 << between(0, 3);
        const int64_t m = i % 3 == 0 ? 1 : between(1, 40), n = between(1, 100),
                      k = between(1, 6) * block - (i % 5 == 0 ? 3 : 0);
        const int64_t blocks = (k + block - 1) / block;
        operand(&c, SY_DT_F32, false, 2, (const int64_t[]){m, k});
        operand(&c, SY_DT_U8, true, 3, (const int64_t[]){n, blocks, block * bits / 8});
        operand(&c, SY_DT_F32, true, 2, (const int64_t[]){n, blocks});
        if (i % 2 == 0 && bits < 8) {
            operand(&c, SY_DT_U8, true, 2, (const int64_t[]){n, (blocks * bits + 7) / 8});
        }
        ir_node *node = node_case_node(&c, 1);
        assert_ok(ir_node_set_int(node, "K", k));
        assert_ok(ir_node_set_int(node, "N", n));
        assert_ok(ir_node_set_int(node, "bits", bits));
        assert_ok(ir_node_set_int(node, "block_size", block));
        const ir_tensor want = reference(&c, 0);
        double largest = 0.0;
        for (int64_t e = 0; e < m * n; e++) {
            largest = fmax(largest, (double)fabsf(((const float *)want.data)[e]));
        }
        for (int isa = RT_ISA_AVX512; isa >= RT_ISA_PORTABLE; isa--) {
            const rt_cpu_options fast = {.n_threads = 3};
            rt_simd_set_limit((rt_isa)isa);
            const ir_tensor *got = node_case_run(&c, &fast, 0);
            rt_simd_set_limit(RT_ISA_AVX512);
            for (int64_t e = 0; e < m * n; e++) {
                const double w = (double)((const float *)want.data)[e],
                             g = (double)((const float *)got->data)[e];
                if (!(fabs(w - g) <= 4.0 * RT_CPU_FLOAT_TOLERANCE * sqrt((double)k) * largest)) {
                    fail_msg("case %u: element %d: reference %.9g, fast %.9g", i, (int)e, w, g);
                }
            }
        }
        node_case_end(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matmul_integer),
        cmocka_unit_test(test_dynamic_quantize),
        cmocka_unit_test(test_nbits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
