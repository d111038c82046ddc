/*
 * element.c -- elementwise operators and chains of them: the reference's bits where each is one operation, its tolerance where there
 * are functions; the same bits for any number of threads, and merged or one by one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node_case.h"

#include <math.h>

#define N_CASES 400

static int64_t between(base_rng *rng, int64_t low, int64_t high)
{
    return base_rng_range(rng, low, high);
}

/* ---------------------------------------------------------------- functions of one number */

/* Every exponent, both signs, random mantissas; NaN, infinities and both zeros. */
static void test_functions(void **state)
{
    (void)state;
    const uint32_t codes[] = {IR_OP_SQRT,      IR_OP_EXP,       IR_OP_LOG,         IR_OP_ERF,       IR_OP_RECIPROCAL,
                              IR_OP_FLOOR,     IR_OP_CEIL,      IR_OP_ROUND,       IR_OP_SIGMOID,   IR_OP_TANH,
                              IR_OP_SOFTPLUS,  IR_OP_ELU,       IR_OP_LEAKYRELU,   IR_OP_NEG,       IR_OP_ABS,
                              IR_OP_RELU,      IR_OP_GELU,      IR_OP_HARDSIGMOID, IR_OP_HARDSWISH, IR_OP_POW,
                              IR_OP_SIN,       IR_OP_COS,       IR_OP_SIGN,        IR_OP_SOFTSIGN,  IR_OP_MISH,
                              IR_OP_SELU,      IR_OP_CELU,      IR_OP_SWISH,       IR_OP_THRESHOLDEDRELU};
    enum { N = 60000 };
    static float x[N];
    base_rng rng = base_rng_make(3, 16);
    for (size_t i = 0; i < N; i++) {
        uint32_t bits = (uint32_t)base_rng_next(&rng);
        if (i % 2 == 0) { /* the range where something happens */
            bits = (bits & 0x807fffffu) | ((100u + bits % 35u) << 23);
        }
        memcpy(&x[i], &bits, 4);
    }
    memcpy(x, (const float[]){NAN, INFINITY, -INFINITY, 0.0f, -0.0f, 1.0f, 0.5f, 2.5f}, 8 * sizeof *x);
    for (size_t f = 0; f < sizeof codes / sizeof codes[0]; f++) {
        for (int exponent = 0; exponent < (codes[f] == IR_OP_POW ? 4 : 1); exponent++) {
            const float exponents[] = {2.0f, 3.0f, 0.5f, -1.7f};
            node_case c = node_case_start(codes[f]);
            node_case_input(&c, SY_DT_F32, 1, (const int64_t[]){N}, x);
            if (codes[f] == IR_OP_POW) {
                node_case_const(&c, SY_DT_F32, 0, NULL, &exponents[exponent]);
            }
            (void)node_case_node(&c, 1);
            const rt_cpu_options fast = {.n_threads = 1};
            const ir_tensor want = *node_case_run(&c, &node_case_reference, 0);
            const ir_tensor *got = node_case_run(&c, &fast, 0);
            for (size_t i = 0; i < N; i++) {
                const double w = (double)((const float *)want.data)[i], g = (double)((const float *)got->data)[i];
                /* Sums in front of a product cancel: relative to what was summed. */
                const double scale = codes[f] == IR_OP_GELU || codes[f] == IR_OP_HARDSWISH
                                         ? fmin(fabs((double)x[i]), 1e30)
                                     : codes[f] == IR_OP_HARDSIGMOID ? 1.0
                                     : codes[f] == IR_OP_SOFTPLUS || codes[f] == IR_OP_MISH ? fabs(w) + 1e-9
                                                                     : fabs(w);
                const bool same = (isnan(w) && isnan(g)) || w == g;
                if (!same && !(fabs(w - g) <= RT_CPU_FLOAT_TOLERANCE * scale + 0x1p-126 * fmax(1.0, fabs((double)x[i])))) {
                    fail_msg("%s of %.9g: reference %.9g, fast %.9g", c.node->op_name, (double)x[i], w, g);
                }
            }
            node_case_end(&c);
        }
    }
}

/* ---------------------------------------------------------------- operators with the reference's bits */

static void random_operand(node_case *c, base_rng *rng, sy_dtype dtype, int32_t rank, const int64_t *dims)
{
    ir_tensor t;
    assert_ok(ir_tensor_init(&t, dtype, rank, dims, NULL));
    char *data = base_arena_alloc(c->arena, t.size_bytes + 1, 1);
    for (int64_t i = 0; i < ir_tensor_n_elements(&t); i++) {
        const int64_t whole = between(rng, -3, 3);
        const float f = (float)between(rng, -6, 6) / 4.0f;
        const uint8_t flag = whole > 0;
        const uint16_t bits16 = (uint16_t)base_rng_next(rng); /* any f16, any bf16 but those that are no number */
        const uint16_t narrow = dtype == SY_DT_F16 ? ((bits16 & 0x7c00u) == 0x7c00u ? bits16 & 0xfc00u : bits16)
                                                   : ((bits16 & 0x7f80u) == 0x7f80u ? bits16 & 0xff80u : bits16);
        const size_t bytes = sy_dtype_bits(dtype) / 8;
        const void *from = dtype == SY_DT_F32    ? (const void *)&f
                           : dtype == SY_DT_BOOL ? (const void *)&flag
                           : bytes == 2          ? (const void *)&narrow
                                                 : (const void *)&whole;
        memcpy(data + (size_t)i * bytes, from, bytes);
    }
    node_case_input(c, dtype, rank, dims, data);
}

static void random_shapes(base_rng *rng, int n, int32_t ranks[3], int64_t shapes[3][5])
{
    int64_t full[5];
    for (int i = 0; i < 5; i++) {
        full[i] = base_rng_one_in(rng, 12) ? between(rng, 1, 90) : between(rng, 1, 9);
    }
    for (int k = 0; k < n; k++) {
        ranks[k] = (int32_t)between(rng, k == 0 ? 3 : 0, 5);
        for (int i = 0; i < 5; i++) {
            shapes[k][i] = base_rng_one_in(rng, 3) ? 1 : full[i];
        }
    }
}

static void test_exact(void **state)
{
    (void)state;
    const uint32_t codes[] = {IR_OP_ADD,   IR_OP_SUB,     IR_OP_MUL,            IR_OP_DIV,  IR_OP_MIN,
                              IR_OP_MAX,   IR_OP_EQUAL,   IR_OP_GREATER,        IR_OP_LESS, IR_OP_GREATEROREQUAL,
                              IR_OP_AND,   IR_OP_OR,      IR_OP_XOR,            IR_OP_NOT,  IR_OP_WHERE,
                              IR_OP_CAST,  IR_OP_LESSOREQUAL};
    const sy_dtype types[] = {SY_DT_F32, SY_DT_I32, SY_DT_I64, SY_DT_F16, SY_DT_BF16, SY_DT_BOOL};
    for (uint64_t seed = 0; seed < N_CASES; seed++) {
        base_rng rng = base_rng_make(seed, 21);
        const uint32_t code = codes[seed % 17];
        const bool logic = code == IR_OP_AND || code == IR_OP_OR || code == IR_OP_XOR || code == IR_OP_NOT;
        const bool any = code == IR_OP_EQUAL || code == IR_OP_WHERE || code == IR_OP_CAST;
        const sy_dtype dtype = logic              ? SY_DT_BOOL
                               : code == IR_OP_DIV ? SY_DT_F32
                                                   : types[base_rng_below(&rng, any ? 6 : 5)];
        const int n = code == IR_OP_NOT || code == IR_OP_CAST ? 1 : code == IR_OP_WHERE ? 3 : 2;
        int32_t ranks[3];
        int64_t shapes[3][5];
        node_case c = node_case_start(code);
        random_shapes(&rng, n, ranks, shapes);
        for (int k = 0; k < n; k++) {
            random_operand(&c, &rng, code == IR_OP_WHERE && k == 0 ? SY_DT_BOOL : dtype, ranks[k], shapes[k] + 5 - ranks[k]);
        }
        ir_node *node = node_case_node(&c, 1);
        if (code == IR_OP_CAST) {
            const int64_t to[] = {1, 6, 7, 9, 10, 16}; /* ONNX's numbers of the types */
            assert_ok(ir_node_set_int(node, "to", to[base_rng_below(&rng, 6)]));
        }
        const rt_cpu_options fast = {.n_threads = 1};
        const ir_tensor want = *node_case_run(&c, &node_case_reference, 0);
        const ir_tensor *got = node_case_run(&c, &fast, 0);
        if (want.size_bytes != got->size_bytes || memcmp(want.data, got->data, want.size_bytes) != 0) {
            fail_msg("seed %lu: %s of %s", (unsigned long)seed, c.node->op_name, sy_dtype_name(dtype));
        }
        node_case_end(&c);
    }
}

/* ---------------------------------------------------------------- chains */

/* A random graph of operators whose bits the reference defines, on operands of several shapes. */
static void random_chain(node_case *c, base_rng *rng, int n_nodes)
{
    const uint32_t codes[] = {IR_OP_ADD, IR_OP_SUB, IR_OP_MUL, IR_OP_MAX, IR_OP_RELU, IR_OP_NEG, IR_OP_WHERE, IR_OP_FLOOR};
    ir_graph *g = c->module->main;
    ir_value *values[64];
    int32_t ranks[3];
    int64_t shapes[3][5];
    int n_values = 0;
    random_shapes(rng, 3, ranks, shapes);
    for (int k = 0; k < 3; k++) {
        random_operand(c, rng, SY_DT_F32, ranks[k], shapes[k] + 5 - ranks[k]);
        values[n_values++] = c->operands[k];
    }
    for (int i = 0; i < n_nodes; i++) {
        const uint32_t code = codes[base_rng_below(rng, 8)];
        ir_value *recent = values[base_rng_one_in(rng, 3) ? (int)base_rng_below(rng, (uint32_t)n_values) : n_values - 1];
        ir_value *other = values[base_rng_below(rng, (uint32_t)n_values)];
        ir_node *n = NULL;
        ir_value *y = NULL;
        if (code == IR_OP_WHERE) {
            ir_value *compared[] = {recent, other}, *test = NULL;
            NODE_CASE_OK(c, ir_node_create_op(g, NULL, IR_OP_GREATER, 2, compared, &n, &test));
            ir_value *chosen[] = {test, other, recent};
            NODE_CASE_OK(c, ir_node_create_op(g, NULL, code, 3, chosen, &n, &y));
        } else {
            ir_value *operands[] = {recent, other};
            const bool one = code == IR_OP_RELU || code == IR_OP_NEG || code == IR_OP_FLOOR;
            NODE_CASE_OK(c, ir_node_create_op(g, NULL, code, one ? 1 : 2, operands, &n, &y));
        }
        values[n_values++] = y;
    }
    NODE_CASE_OK(c, ir_graph_add_output(g, values[n_values - 1], NULL));
    if (base_rng_one_in(rng, 3)) {
        NODE_CASE_OK(c, ir_graph_add_output(g, values[base_rng_below(rng, (uint32_t)(n_values - 4)) + 3], NULL));
    }
    NODE_CASE_OK(c, ir_infer_module(c->module, &c->diag));
}

static void test_chains(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < N_CASES; seed++) {
        base_rng rng = base_rng_make(seed, 22);
        node_case c = node_case_start(IR_OP_ADD);
        random_chain(&c, &rng, (int)between(&rng, 2, 50));
        for (uint32_t n_threads = 1; n_threads <= 3; n_threads += 2) {
            const rt_cpu_options fast = {.n_threads = n_threads};
            for (uint32_t i = 0; i < c.module->main->n_outputs; i++) {
                const ir_tensor want = *node_case_run(&c, &node_case_reference, i);
                const ir_tensor *got = node_case_run(&c, &fast, i);
                if (want.size_bytes != got->size_bytes || memcmp(want.data, got->data, want.size_bytes) != 0) {
                    fail_msg("seed %lu: output %u differs", (unsigned long)seed, i);
                }
            }
        }
        node_case_end(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_functions),
        cmocka_unit_test(test_exact),
        cmocka_unit_test(test_chains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
