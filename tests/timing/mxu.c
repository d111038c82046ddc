/*
 * mxu.c -- planes of the matrix unit, counted by hand (isa/spec/timing.md, section 5). D = 4.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sim_test.h"

static sim_test t;

static int set_up(void **state)
{
    (void)state;
    const isa_config config = test_small_config();
    test_create(&t, &config, (sim_options){0});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_destroy(&t);
    return 0;
}

#define SETF "mxu.setf w_base=256, w_plane=4, n1=1, n2=1, n3=1, a_s0=1, c_s0=1, "

static uint64_t counter(isa_counter cause)
{
    return t.result.counters[ISA_UNIT_MXU][cause];
}

/* L = S, M = S + D, E = M + T + D. */
static void test_one_plane(void **state)
{
    (void)state;
    test_run(&t, SETF "planes=1, n0=8\n mxu.matmul x0\n core.halt x0\n");
    const uint64_t start = t.events[ISA_UNIT_MXU][0].start;
    assert_command(&t, MXU, 0, start, start + 4 + 8 + 4);
    assert_int_equal(t.result.cycles, start + 17);
    assert_int_equal(counter(ISA_COUNTER_LOAD), 4);
    assert_int_equal(counter(ISA_COUNTER_BUSY), 8);
    assert_int_equal(counter(ISA_COUNTER_DRAIN), 5); /* D + 1: behind the last row of A */
}

/* T >= D: no bubble between planes, the loads lie under the streams. */
static void test_long_planes(void **state)
{
    (void)state;
    test_run(&t, SETF "planes=5, n0=4\n mxu.matmul x0\n core.halt x0\n");
    const uint64_t start = t.events[ISA_UNIT_MXU][0].start;
    assert_command(&t, MXU, 0, start, start + 4 + 5 * 4 + 4);
    assert_int_equal(counter(ISA_COUNTER_LOAD), 4);
    assert_int_equal(counter(ISA_COUNTER_BUSY), 20);
}

/* T < D: a plane takes D cycles, of which T stream and the rest load. */
static void test_short_planes(void **state)
{
    (void)state;
    test_run(&t, SETF "planes=5, n0=1\n mxu.matmul x0\n core.halt x0\n");
    const uint64_t start = t.events[ISA_UNIT_MXU][0].start;
    assert_command(&t, MXU, 0, start, start + 4 + 4 * 4 + 1 + 4);
    assert_int_equal(counter(ISA_COUNTER_BUSY), 5);
    assert_int_equal(counter(ISA_COUNTER_LOAD), 4 + 4 * 3);
}

/* Over a command's border: the same walk follows without a bubble, another one on the same rows a cycle later. */
static void test_acc_relations(void **state)
{
    (void)state;
    static const struct {
        const char *change;
        uint64_t late;
    } cases[] = {
        {"", 0},                                    /* accumulates on the same walk */
        {"mxu.setf c_base=100\n", 0},               /* elsewhere */
        {"mxu.setf c_base=1\n", 1},                 /* overlaps */
        {"mxu.setf c_base=19, c_s0=-1\n", 1},       /* the same rows, backwards */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512];
        (void)snprintf(text, sizeof text, SETF "planes=1, n0=20, flags=accumulate\n mxu.matmul x0\n %s mxu.matmul x0\n core.halt x0\n",
                       cases[i].change);
        test_run(&t, text);
        const sim_command_event *e = t.events[ISA_UNIT_MXU];
        assert_int_equal(t.n_events[ISA_UNIT_MXU], 2);
        /* M' = S' + D; M = M' + T' + late; E = M + T + D */
        assert_int_equal(e[1].end, e[0].start + 4 + 20 + cases[i].late + 20 + 4);
    }
}

/* A short stream before: the next command's first load waits until the shadow registers are free (L >= L' + D). */
static void test_load_after_load(void **state)
{
    (void)state;
    isa_config config = test_small_config();
    config.check_cycles = 1;
    sim_test own;
    test_create(&own, &config, (sim_options){0});
    test_run(&own, SETF "planes=1, n0=1\n mxu.matmul x0\n mxu.matmul x0\n core.halt x0\n");
    const sim_command_event *e = own.events[ISA_UNIT_MXU];
    assert_int_equal(e[1].start, e[0].start + 4); /* it could by S' + 3 */
    assert_int_equal(own.result.counters[ISA_UNIT_MXU][ISA_COUNTER_BANK], 0);
    test_destroy(&own);
}

/* New weights in the bank from which A is read: they wait for its last row. */
static void test_weights_against_a(void **state)
{
    (void)state;
    test_run(&t, SETF "planes=1, n0=40\n mxu.matmul x0\n mxu.setf w_base=64, a_base=512\n mxu.matmul x0\n core.halt x0\n");
    const sim_command_event *e = t.events[ISA_UNIT_MXU];
    assert_int_equal(e[1].start, e[0].start + 4 + 40); /* A's last row is read in M + 39 */
    assert_true(counter(ISA_COUNTER_BANK) == 0);       /* for BUSY comes first */
}

static void create_bf16(sim_test *own)
{
    isa_config config = test_small_config();
    config.element = ISA_ELEMENT_BF16;
    config.spm_bank_bytes = 2048;
    test_create(own, &config, (sim_options){0});
}

/* bf16 takes sums up at the column's top: a plane follows the one before in H = D + 2 cycles at the least. */
static void test_bf16_planes(void **state)
{
    (void)state;
    static const struct {
        unsigned rows, period, load;
    } cases[] = {{1, 6, 3}, {3, 6, 1}, {4, 6, 0}, {5, 6, 0}, {6, 6, 0}, {7, 7, 0}, {20, 20, 0}}; /* load: under no stream */
    sim_test own;
    create_bf16(&own);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512];
        (void)snprintf(text, sizeof text, SETF "planes=5, n0=%u\n mxu.matmul x0\n core.halt x0\n", cases[i].rows);
        test_run(&own, text);
        const uint64_t start = own.events[ISA_UNIT_MXU][0].start;
        const uint64_t length = 4 + 4 * cases[i].period + cases[i].rows + 4;
        const uint64_t *counters = own.result.counters[ISA_UNIT_MXU];
        assert_command(&own, MXU, 0, start, start + length);
        assert_int_equal(counters[ISA_COUNTER_BUSY], 5 * cases[i].rows);
        assert_int_equal(counters[ISA_COUNTER_LOAD], 4 + 4 * cases[i].load);
        assert_int_equal(counters[ISA_COUNTER_DRAIN], length + 1 - 5 * cases[i].rows - 4 - 4 * cases[i].load);
    }
    test_destroy(&own);
}

/* Over a command's border: H behind the first row where the walk is the same, H behind the last where another meets it. */
static void test_bf16_acc_relations(void **state)
{
    (void)state;
    static const struct {
        unsigned rows;
        const char *change;
        uint64_t apart; /* M - M' */
    } cases[] = {
        {20, "", 20},
        {20, "mxu.setf c_base=100\n", 20},
        {20, "mxu.setf c_base=1\n", 25},
        {20, "mxu.setf c_base=19, c_s0=-1\n", 25},
        {1, "", 6},
        {5, "", 6},
        {1, "mxu.setf c_base=100\n", 4},
        {5, "mxu.setf c_base=100\n", 5},
        {2, "mxu.setf c_base=1\n", 7},
    };
    sim_test own;
    create_bf16(&own);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512];
        (void)snprintf(text, sizeof text,
                       SETF "planes=1, n0=%u, flags=accumulate\n li a0, 1\n mxu.wait a0\n mxu.matmul x0\n %s mxu.matmul x0\n"
                       " core.sempost a0\n core.halt x0\n",
                       cases[i].rows, cases[i].change);
        test_run(&own, text);
        const sim_command_event *e = own.events[ISA_UNIT_MXU];
        assert_int_equal(own.n_events[ISA_UNIT_MXU], 2);
        assert_int_equal(e[1].end - e[0].end, cases[i].apart);
    }
    test_destroy(&own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_plane, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_long_planes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_short_planes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_acc_relations, set_up, tear_down),
        cmocka_unit_test(test_load_after_load),
        cmocka_unit_test(test_bf16_planes),
        cmocka_unit_test(test_bf16_acc_relations),
        cmocka_unit_test_setup_teardown(test_weights_against_a, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
