/*
 * narrow.c -- f16 and bf16 on the fp32 kernels: within one unit in the last place of the reference, which sums in double.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node_case.h"

#include <math.h>

static float value_of(sy_dtype dtype, uint16_t code)
{
    if (dtype == SY_DT_BF16) {
        const uint32_t bits = (uint32_t)code << 16;
        float v;
        memcpy(&v, &bits, 4);
        return v;
    }
    const int exponent = code >> 10 & 31, mantissa = code & 1023;
    const float v = exponent == 0 ? ldexpf((float)mantissa, -24) : ldexpf((float)(1024 + mantissa), exponent - 25);
    return (code & 0x8000) != 0 ? -v : v;
}

static void operand(node_case *c, base_rng *rng, sy_dtype dtype, bool constant, int32_t rank, const int64_t *dims)
{
    ir_tensor t;
    assert_ok(ir_tensor_init(&t, dtype, rank, dims, NULL));
    uint16_t *data = base_arena_alloc(c->arena, t.size_bytes + 2, 1);
    for (size_t i = 0; i < t.size_bytes / 2; i++) { /* from 1/8 to 1, both signs */
        const uint16_t low = (uint16_t)base_rng_next(rng);
        data[i] = dtype == SY_DT_F16 ? (uint16_t)((low & 0x83ff) | (12 + low % 3) << 10)
                                     : (uint16_t)((low & 0x807f) | (124 + low % 3) << 7);
    }
    (constant ? node_case_const : node_case_input)(c, dtype, rank, dims, data);
}

static void build(uint64_t seed, sy_dtype dtype, node_case *c)
{
    const uint32_t codes[] = {IR_OP_CONV, IR_OP_MATMUL, IR_OP_GEMM, IR_OP_SOFTMAX, IR_OP_MAXPOOL, IR_OP_REDUCESUM, IR_OP_GLOBALAVERAGEPOOL};
    base_rng rng = base_rng_make(seed, 61);
    const uint32_t code = codes[seed % 7];
    const int64_t n = base_rng_range(&rng, 1, 20), k = base_rng_range(&rng, 1, 30), m = base_rng_range(&rng, 1, 20);
    const bool image = code == IR_OP_CONV || code == IR_OP_MAXPOOL || code == IR_OP_GLOBALAVERAGEPOOL;
    *c = node_case_start(code);
    operand(c, &rng, dtype, false, image ? 4 : 2, image ? (const int64_t[]){1, k, 7, m} : (const int64_t[]){m, k});
    if (code == IR_OP_CONV) {
        operand(c, &rng, dtype, true, 4, (const int64_t[]){n, k, 1, 1});
        operand(c, &rng, dtype, true, 1, &n);
    } else if (code == IR_OP_MATMUL || code == IR_OP_GEMM) {
        operand(c, &rng, dtype, seed % 2 != 0, 2, (const int64_t[]){k, n});
    }
    ir_node *node = node_case_node(c, 1);
    if (code == IR_OP_MAXPOOL) {
        assert_ok(ir_node_set_ints(node, "kernel_shape", 2, (const int64_t[]){3, 1}));
    }
}

static void test_reference(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 280; seed++) {
        const sy_dtype dtype = seed / 7 % 2 == 0 ? SY_DT_F16 : SY_DT_BF16;
        const double ulp = dtype == SY_DT_F16 ? 0x1p-10 : 0x1p-7;
        node_case c;
        build(seed, dtype, &c);
        const rt_cpu_options fast = {.n_threads = 2};
        const ir_tensor want = *node_case_run(&c, &node_case_reference, 0);
        const ir_tensor *got = node_case_run(&c, &fast, 0);
        assert_int_equal(want.size_bytes, got->size_bytes);
        for (size_t i = 0; i < want.size_bytes / 2; i++) {
            const double w = (double)value_of(dtype, ((const uint16_t *)want.data)[i]);
            const double g = (double)value_of(dtype, ((const uint16_t *)got->data)[i]);
            if (!(fabs(w - g) <= ulp * fabs(w) + 1e-5)) {
                fail_msg("seed %lu: %s of %s: element %zu: %.9g, expected %.9g", (unsigned long)seed, c.node->op_name,
                         sy_dtype_name(dtype), i, g, w);
            }
        }
        node_case_end(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_reference)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
