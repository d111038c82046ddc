/*
 * plan.c -- a plan survives its JSON; every wrong field is refused with one line; no truncation
 * crashes the reader.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include "systole/compiler/plan.h"

static cc_plan example(void)
{
    static uint32_t inputs[] = {0};
    static uint32_t outputs[] = {1};
    static const char *values[] = {"q\"x\"", "r"};
    static cc_plan_tensor tensors[] = {
        {.value = "q\"x\"",
         .rank = 4,
         .dims = {2, 17, 3, 5},
         .n = 2,
         .c = 17,
         .p = 15,
         .lanes = 16,
         .element_bytes = 1,
         .n_stride = 30,
         .block_stride = 15,
         .rows = 60,
         .address = 4096,
         .zero = -128},
        {.value = "y",
         .rank = 2,
         .dims = {2, 10},
         .n = 2,
         .c = 10,
         .p = 1,
         .lanes = 16,
         .element_bytes = 1,
         .n_stride = 1,
         .block_stride = 2,
         .rows = 2,
         .address = 8192,
         .zero = 3},
    };
    static cc_plan_step steps[] = {
        {.n_values = 2, .values = values},
        {.entry = "segment_0", .n_inputs = 1, .inputs = inputs, .n_outputs = 1, .outputs = outputs},
    };
    static cc_plan_layer layers[] = {{.name = "conv",
                                      .op = "QConv",
                                      .tag = 3,
                                      .step = 1,
                                      .macs = 1234,
                                      .array_cycles = 5,
                                      .weight_cycles = 6,
                                      .dram_bytes = 7}};
    static cc_plan_placement placements[] = {
        {.node = "conv", .op = "QConv", .unit = "mxu", .reason = "", .macs = 1234}};
    return (cc_plan){.n_tensors = 2,
                     .tensors = tensors,
                     .n_steps = 2,
                     .steps = steps,
                     .n_layers = 1,
                     .layers = layers,
                     .n_placements = 1,
                     .placements = placements,
                     .model_name = "a model"};
}

static void test_round_trip(void **state)
{
    (void)state;
    const cc_plan plan = example();
    base_arena *arena = base_arena_create();
    base_buf text = {0};
    base_buf again = {0};
    base_diag diag = {0};
    cc_plan read = {0};
    assert_ok(cc_plan_encode(&plan, &text));
    if (cc_plan_decode(arena, text.data, text.n_bytes, &read, &diag) != SY_OK) {
        fail_msg("%s", base_diag_message(&diag));
    }
    assert_ok(cc_plan_encode(&read, &again));
    assert_string_equal(text.data, again.data);
    assert_string_equal(read.tensors[0].value, "q\"x\"");
    assert_int_equal(read.tensors[0].dims[1], 17);
    assert_string_equal(read.steps[1].entry, "segment_0");
    assert_null(read.steps[0].entry);
    base_buf_free(&text);
    base_buf_free(&again);
    base_arena_destroy(arena);
}

/* Replaces `from` by `to` in the plan's JSON; the reader must refuse it with a line that holds
 * `part`. */
static void expect_refused(const char *from, const char *to, const char *part)
{
    const cc_plan plan = example();
    base_arena *arena = base_arena_create();
    base_buf text = {0};
    base_buf broken = {0};
    base_diag diag = {0};
    cc_plan read = {0};
    assert_ok(cc_plan_encode(&plan, &text));
    const char *at = strstr(text.data, from);
    assert_non_null(at);
    base_buf_append(&broken, text.data, (size_t)(at - text.data));
    base_buf_puts(&broken, to);
    base_buf_puts(&broken, at + strlen(from));
    assert_ok(base_buf_status(&broken));
    assert_int_equal(cc_plan_decode(arena, broken.data, broken.n_bytes, &read, &diag), SY_EFORMAT);
    if (strstr(base_diag_message(&diag), part) == NULL) {
        fail_msg("expected '%s' in '%s'", part, base_diag_message(&diag));
    }
    assert_null(read.tensors);
    base_buf_free(&text);
    base_buf_free(&broken);
    base_arena_destroy(arena);
}

static void test_refused(void **state)
{
    (void)state;
    expect_refused("\"format\": 1", "\"format\": 2", "\"format\" is 2");
    expect_refused("\"tensors\"", "\"tensor\"", "no array \"tensors\"");
    expect_refused("\"c\": 17", "\"c\": 18", "are not the 510 elements");
    expect_refused("\"c\": 17", "\"c\": 0", "\"c\" is 0");
    expect_refused("\"c\": 17", "\"c\": 1.5", "\"c\" is not of type int");
    expect_refused("\"rows\": 60", "\"rows\": 1099511627777", "\"rows\"");
    expect_refused("\"rows\": 60", "\"rows\": 20", "\"n_stride\" is 30");
    expect_refused("\"rows\": 60", "\"rows\": 30", "do not fit 30 rows");
    expect_refused("\"rows\": 60", "\"rows\": 44", "its positions do not fit");
    expect_refused("\"zero\": -128", "\"zero\": -129", "\"zero\" is -129");
    expect_refused("\"address\": 4096", "\"address\": -1", "\"address\" is -1");
    expect_refused("\"step\": 1", "\"step\": 0", "no device step");
    expect_refused("\"step\": 1", "\"step\": 7", "no device step");
    expect_refused("\"entry\": \"segment_0\"", "\"entry\": \"a\\u0000b\"", "holds a NUL");
    expect_refused("\"unit\": \"mxu\"", "\"unit\": 3", "\"unit\" is not of type string");
    expect_refused("\"value\": \"y\"", "\"name\": \"y\"", "has no \"value\"");
}

static void test_truncated(void **state)
{
    (void)state;
    const cc_plan plan = example();
    base_buf text = {0};
    assert_ok(cc_plan_encode(&plan, &text));
    const size_t n_needed = (size_t)(strrchr(text.data, '}') - text.data) + 1;
    for (size_t n = 0; n < n_needed; n++) {
        base_arena *arena = base_arena_create();
        base_diag diag = {0};
        cc_plan read = {0};
        assert_int_equal(cc_plan_decode(arena, text.data, n, &read, &diag), SY_EFORMAT);
        base_arena_destroy(arena);
    }
    base_buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_truncated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
