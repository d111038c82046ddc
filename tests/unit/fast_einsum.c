/*
 * fast_einsum.c -- Einsum of two fp32 operands: the reference's sums within rounding, the same bits for any number
 * of threads.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node_case.h"

#include <math.h>

/* Letters stand for these sizes. */
static int64_t size_of(char letter)
{
    static const int64_t sizes[8] = {2, 3, 17, 33, 5, 1, 40, 9};
    return sizes[letter - 'a'];
}

static const char *const equations[] = {
    "ac,cd->ad",      "ac,dc->ad",    "ca,cd->ad",       "ac,cd->da",     "bac,bcd->bad", "abcd,abgd->abcg",
    "acbd,agbd->abcg", "abcg,agbd->acbd", "abcd,cd->ab",  "cd,c->d",       "c,c->",        "c,d->cd",
    "abc,abc->",      "abc,cba->b",   "bacd,hcd->bha",   "ab,cd->dcba",   "afc,fcd->afd", "abc,dc->bad",
    /* the reference's: a diagonal, a sum of one operand alone */
    "aa,ab->b",       "ab,cd->ad",
};

static uint32_t letters(const char *from, int64_t dims[8])
{
    uint32_t n = 0;
    for (; *from >= 'a' && *from <= 'h'; from++) {
        dims[n++] = size_of(*from);
    }
    return n;
}

static void test_equations(void **state)
{
    (void)state;
    enum { LIMIT = 65536 };
    static float a[LIMIT], b[LIMIT];
    base_rng rng = base_rng_make(9, 4);
    node_case_random(&rng, SY_DT_F32, a, sizeof a);
    node_case_random(&rng, SY_DT_F32, b, sizeof b);
    for (size_t i = 0; i < sizeof equations / sizeof equations[0]; i++) {
        int64_t dims_a[8], dims_b[8];
        const uint32_t n_a = letters(equations[i], dims_a),
                       n_b = letters(strchr(equations[i], ',') + 1, dims_b);
        node_case c = node_case_start(IR_OP_EINSUM);
        node_case_input(&c, SY_DT_F32, (int32_t)n_a, dims_a, a);
        node_case_input(&c, SY_DT_F32, (int32_t)n_b, dims_b, b);
        assert_ok(ir_node_set_string(node_case_node(&c, 1), "equation", equations[i], strlen(equations[i])));
        const rt_cpu_options one = {.n_threads = 1}, three = {.n_threads = 3};
        const ir_tensor want = *node_case_run(&c, &node_case_reference, 0);
        const ir_tensor got = *node_case_run(&c, &one, 0);
        const int64_t n = ir_tensor_n_elements(&want);
        assert_int_equal(got.size_bytes, want.size_bytes);
        for (int64_t k = 0; k < n; k++) {
            const double w = (double)((const float *)want.data)[k], g = (double)((const float *)got.data)[k];
            if (!(fabs(w - g) <= 1e-4 + 1e-5 * fabs(w))) { /* sums of at most 6,000 products below 1 */
                fail_msg("%s: element %lld: reference %g, fast %g", equations[i], (long long)k, w, g);
            }
        }
        float *bits = base_arena_memdup(c.arena, got.data, got.size_bytes, 1);
        const ir_tensor *again = node_case_run(&c, &three, 0);
        assert_memory_equal(again->data, bits, again->size_bytes);
        node_case_end(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_equations)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
