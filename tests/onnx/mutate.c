/*
 * mutate.c -- real models, cut short and with bytes changed: an import ends with a module or with
 * one line, never otherwise.
 *
 * Deterministic: the same mutations in every run. tests/fuzz/fuzz_onnx.c does the same without end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
// timeout: 120
#include "test.h"

#include "systole/base/file.h"
#include "systole/base/rng.h"
#include "systole/graph/import.h"
#include "systole/graph/text.h"

#define N_CUTS    150
#define N_CHANGES 700
#define SEED      7

static const char *const models[] = {
    "zoo/conv_qop_u8.onnx",      "zoo/residual.onnx",    "zoo/concat3_u8.onnx",
    "zoo/mixed_silu.onnx",       "zoo/old_opset.onnx",   "zoo/shape_chain.onnx",
    "zoo/mean_hw.onnx",          "zoo/gemm_qop_u8.onnx", "zoo/matmul_two_batch.onnx",
    "zoo/uint_io.onnx",          "zoo/pad_value.onnx",   "zoo/fused_clip.onnx",
    "zoo/avg_ceil.onnx",         "zoo/init_inputs.onnx", "zoo/constants.onnx",
    "hostile/deep_regions.onnx",
};

/* Bytes, mutations and the counters of what came of them. */
typedef struct trial {
    const char *model;
    base_buf bytes, copy;
    int n_ok, n_refused;
} trial;

static void import(trial *t, size_t n_bytes)
{
    base_arena *arena = base_arena_create();
    base_diag diag = {{0}};
    ir_optable *table = NULL;
    ir_module *m = NULL;
    assert_ok(ir_optable_create(arena, &table));
    /* exactly n_bytes, so that the sanitizer sees one byte too many */
    void *exact = malloc(n_bytes > 0 ? n_bytes : 1);
    assert_non_null(exact);
    memcpy(exact, t->copy.data, n_bytes);
    const sy_status status = ir_import_onnx_bytes(arena, table, "mutated", exact, n_bytes, NULL,
                                                  &diag, &m);
    if (status == SY_OK) {
        char *text = NULL;
        size_t n_text = 0;
        if (ir_print(m, NULL, arena, &diag, &text, &n_text) != SY_OK) {
            fail_msg("%s: imported, but cannot be printed: %s", t->model, diag.message);
        }
        t->n_ok++;
    } else {
        if (strncmp(diag.message, "mutated: ", 9) != 0 || strchr(diag.message, '\n') != NULL) {
            fail_msg("%s: status '%s', not one line that names the file: %s", t->model,
                     sy_status_text(status), diag.message);
        }
        t->n_refused++;
    }
    ir_module_destroy(m);
    base_arena_destroy(arena);
    free(exact);
}

static void restore(trial *t)
{
    base_buf_clear(&t->copy);
    assert_true(base_buf_append(&t->copy, t->bytes.data, t->bytes.n_bytes));
}

/* One to four bytes: another value, one bit, a large varint, or a small number. */
static void change(trial *t, base_rng *rng)
{
    const uint64_t n = 1 + base_rng_below(rng, 4);
    for (uint64_t i = 0; i < n; i++) {
        char *at = &t->copy.data[base_rng_below(rng, t->copy.n_bytes)];
        switch (base_rng_below(rng, 4)) {
        case 0:
            *at = (char)base_rng_below(rng, 256);
            break;
        case 1:
            *at = (char)(*at ^ (1 << base_rng_below(rng, 8)));
            break;
        case 2:
            *at = (char)0xff;
            break;
        default:
            *at = (char)base_rng_below(rng, 4);
            break;
        }
    }
}

static void test_mutations(void **state)
{
    (void)state;
    int n_ok = 0, n_refused = 0;
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        trial t = {.model = models[i]};
        base_diag diag = {{0}};
        base_rng rng = base_rng_make(SEED, i);
        char path[512];
        snprintf(path, sizeof path, SY_TEST_DATA_DIR "/%s", models[i]);
        assert_ok(base_file_read(&diag, path, SIZE_MAX, &t.bytes));
        for (size_t k = 0; k < N_CUTS; k++) {
            restore(&t);
            import(&t, t.bytes.n_bytes * k / N_CUTS);
        }
        for (size_t k = 0; k < N_CHANGES; k++) {
            restore(&t);
            change(&t, &rng);
            import(&t, t.copy.n_bytes);
        }
        n_ok += t.n_ok;
        n_refused += t.n_refused;
        base_buf_free(&t.bytes);
        base_buf_free(&t.copy);
    }
    assert_true(n_ok > 100); /* mutations that go deep, too */
    assert_true(n_refused > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_mutations)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
