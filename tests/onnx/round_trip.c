/*
 * round_trip.c -- every model of the zoo: what import makes verifies, and its text parses back to the same module.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include "systole/graph/import.h"
#include "systole/graph/text.h"
#include "systole/graph/verify.h"

#include <dirent.h>

static void round_trip(const char *path)
{
    base_arena *arena = base_arena_create();
    base_diag diag = { "" };
    ir_optable *table;
    ir_module *m, *again;
    char *text, *text_again;
    size_t n, n_again;
    assert_ok(ir_optable_create(arena, &table));
    if (ir_import_onnx(arena, table, path, NULL, &diag, &m) != SY_OK || ir_verify(m, &diag) != SY_OK ||
        ir_print(m, NULL, arena, &diag, &text, &n) != SY_OK ||
        ir_parse(arena, table, "text", text, n, &diag, &again) != SY_OK || ir_verify(again, &diag) != SY_OK ||
        ir_print(again, NULL, arena, &diag, &text_again, &n_again) != SY_OK) {
        fail_msg("%s: %s", path, base_diag_message(&diag));
    }
    assert_int_equal(n, n_again);
    assert_string_equal(text, text_again);
    ir_module_destroy(again);
    ir_module_destroy(m);
    base_arena_destroy(arena);
}

static void test_zoo(void **state)
{
    (void)state;
    DIR *dir = opendir(SY_TEST_DATA_DIR "/zoo");
    assert_non_null(dir);
    int n_models = 0;
    for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        char path[1024];
        const size_t n = strlen(e->d_name);
        if (n > 5 && strcmp(e->d_name + n - 5, ".onnx") == 0) {
            snprintf(path, sizeof path, SY_TEST_DATA_DIR "/zoo/%s", e->d_name);
            round_trip(path);
            n_models++;
        }
    }
    assert_true(n_models > 100);
    closedir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_zoo) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
