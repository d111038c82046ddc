/*
 * random_models.c -- thousands of random models: each runs, by both kinds of kernels alike, or is refused in one line.
 *
 * SY_TEST_SEED, SY_TEST_FIRST and SY_TEST_COUNT in the environment choose other ones.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
// timeout: 300
#include "test.h"

#include "random_model.h"

#include <stdlib.h>
#include <sys/resource.h>

#define N_MODELS    8000
#define MODEL_BYTES 600

static uint64_t next(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    uint64_t v = *state;
    v ^= v >> 33;
    v *= UINT64_C(0xff51afd7ed558ccd);
    return v ^ v >> 33;
}

static uint64_t from_environment(const char *name, uint64_t fallback)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 0) : fallback;
}

static void test_random(void **state)
{
    (void)state;
    const uint64_t seed = from_environment("SY_TEST_SEED", 20261120), count = from_environment("SY_TEST_COUNT", N_MODELS);
    base_arena *arena = base_arena_create();
    ir_optable *table = NULL;
    const bool verbose = getenv("SY_TEST_VERBOSE") != NULL;
    unsigned n_wrong = 0, n_ran = 0;
    assert_ok(ir_optable_create(arena, &table));
    for (uint64_t i = from_environment("SY_TEST_FIRST", 0); i < count; i++) {
        uint8_t bytes[MODEL_BYTES];
        uint64_t random = seed + i * UINT64_C(0x9e3779b97f4a7c15);
        char why[1024];
        for (size_t k = 0; k < sizeof bytes; k++) {
            bytes[k] = (uint8_t)next(&random);
        }
        rm_source source = {bytes, sizeof bytes, 0};
        const rm_outcome outcome = rm_check(&source, table, why, sizeof why);
        if (verbose) {
            print_message("model %llu: %s\n", (unsigned long long)i, why);
        }
        n_ran += outcome == RM_RAN;
        if (outcome == RM_WRONG) {
            print_error("model %llu of seed %llu: %s\n", (unsigned long long)i, (unsigned long long)seed, why);
            n_wrong++;
        }
    }
    print_message("%u of %llu models run\n", n_ran, (unsigned long long)count);
    base_arena_destroy(arena);
    assert_int_equal(n_wrong, 0);
    assert_true(n_ran * 20 > count);
}

int main(void)
{
    /* Memory that a hostile model asks for must be refused, not taken: a bound far above what these need. AddressSanitizer wants more. */
#if !defined(__SANITIZE_ADDRESS__)
    const struct rlimit bound = {(rlim_t)8 << 30, (rlim_t)8 << 30};
    (void)setrlimit(RLIMIT_AS, &bound);
#endif
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
