/*
 * fuzz_onnx.c -- libFuzzer target for the ONNX importer: bytes in, a module or an error out.
 *
 *     cmake --preset asan -B build/fuzz -DCMAKE_C_COMPILER=clang-19 -DSY_FUZZ=ON && ninja -C
 * build/fuzz fuzz_onnx build/fuzz/tests/fuzz/fuzz_onnx -max_len=20000 CORPUS tests/data/zoo
 * tests/data/hostile
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/graph/import.h"
#include "systole/graph/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    base_arena *arena = base_arena_create();
    base_diag diag = {{0}};
    ir_optable *table = NULL;
    ir_module *m = NULL;
    if (arena != NULL && ir_optable_create(arena, &table) == SY_OK &&
        ir_import_onnx_bytes(arena, table, "fuzz", data, n_bytes, NULL, &diag, &m) == SY_OK) {
        char *text = NULL;
        size_t n_text = 0;
        (void)ir_print(m, NULL, arena, &diag, &text, &n_text);
        ir_module_destroy(m);
    }
    base_arena_destroy(arena);
    return 0;
}
