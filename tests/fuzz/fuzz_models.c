/*
 * fuzz_models.c -- libFuzzer target: bytes choose a model of any operators, operands and attributes, which runs or is refused.
 *
 *     cmake --preset asan -B build/fuzz -DCMAKE_C_COMPILER=clang-19 -DSY_FUZZ=ON && ninja -C build/fuzz fuzz_models
 *     build/fuzz/tests/fuzz/fuzz_models -max_len=800 -rss_limit_mb=8000 -timeout=60 CORPUS
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "random_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    base_arena *arena = base_arena_create();
    ir_optable *table = NULL;
    char why[1024];
    if (arena != NULL && ir_optable_create(arena, &table) == SY_OK) {
        rm_source source = {data, n_bytes, 0};
        if (rm_check(&source, table, why, sizeof why) == RM_WRONG) {
            fprintf(stderr, "%s\n", why);
            __builtin_trap();
        }
    }
    base_arena_destroy(arena);
    return 0;
}
