/*
 * dma.c -- loads and stores, counted by hand (isa/spec/timing.md, sections 7, 8 and 10).
 *
 * D = 4: a row of SPM is 4 bytes, of ACC 16; a beat is 4 bytes, a burst at most 16; the latency is 10.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sim_test.h"

static sim_test t;

#define LD "ld.setf n1=1, n2=1, n3=1, hi0=9999, hi1=1, hi2=1, hi3=1, m1=1, m2=1, m3=1, t0=1, fill=7, "
#define ST "st.setf n1=1, n2=1, n3=1, hi0=9999, hi1=1, hi2=1, hi3=1, m1=1, m2=1, m3=1, t0=1, "

static const sim_command_event *run(isa_unit unit, const isa_config *config, const char *text)
{
    test_create(&t, config, (sim_options){0});
    test_run(&t, text);
    assert_int_equal(t.result.end, SIM_END_DONE);
    test_destroy(&t);
    return t.events[unit];
}

/* Cycles from the start to the end of the first command. */
static uint64_t length(isa_unit unit, const isa_config *config, const char *text)
{
    const sim_command_event *e = run(unit, config, text);
    return e->end - e->start;
}

/* AR in S+1, beats from S+11 on, each piece a cycle after its beat. */
static void test_single_load(void **state)
{
    (void)state;
    const isa_config c = test_small_config();
    assert_int_equal(length(ISA_UNIT_LD, &c, LD "n0=16, m0=4\n ld.load x0\n core.halt x0\n"), 15);
    assert_int_equal(t.result.counters[ISA_UNIT_LD][ISA_COUNTER_BUSY], 5); /* beats S+11..14, pieces S+12..15 */
    assert_int_equal(t.result.counters[ISA_UNIT_LD][ISA_COUNTER_DRAM_LAT], 10);
    /* Two bursts: the second AR a cycle later, its beats right behind the first's. */
    assert_int_equal(length(ISA_UNIT_LD, &c, LD "n0=32, m0=8\n ld.load x0\n core.halt x0\n"), 19);
    /* Bytes 2..9: beats of 2, 4, 2 bytes in rows of 4: pieces 2-3, 4-5, 6-7, 8-9. */
    assert_int_equal(length(ISA_UNIT_LD, &c, LD "addr_lo=2, n0=8, m0=2\n ld.load x0\n core.halt x0\n"), 15);
}

static void test_fill(void **state)
{
    (void)state;
    const isa_config c = test_small_config();
    /* Nothing valid: a piece for each row, from S+1 on. */
    assert_int_equal(length(ISA_UNIT_LD, &c, LD "n0=16, m0=4\n ld.setf hi0=0\n ld.load x0\n core.halt x0\n"), 4);
    assert_int_equal(t.result.counters[ISA_UNIT_LD][ISA_COUNTER_BUSY], 4);
    /* Six bytes before (two pieces), ten fetched: beats 6-7, 8-11, 12-15; pieces S+12, S+13, S+14. */
    assert_int_equal(length(ISA_UNIT_LD, &c, LD "n0=16, m0=4\n ld.setf lo0=6\n ld.load x0\n core.halt x0\n"), 14);
    /* Rows closed at each run of three bytes: four rows, each a beat of its own. */
    assert_int_equal(length(ISA_UNIT_LD, &c,
                            LD "n0=3, m0=4\n ld.setf n1=4, hi1=4, s1=4, addr_lo=64\n ld.load x0\n core.halt x0\n"),
                     15);
}

static void test_load_limits(void **state)
{
    (void)state;
    isa_config c = test_small_config();
    c.dram_outstanding = 1; /* the next AR a cycle after the last beat: S+15, so beats from S+25 to S+28 */
    assert_int_equal(length(ISA_UNIT_LD, &c, LD "n0=32, m0=8\n ld.load x0\n core.halt x0\n"), 29);
    c = test_small_config();
    c.load_beats = 4; /* the last piece of the first burst is in S+15, AR in S+16 */
    assert_int_equal(length(ISA_UNIT_LD, &c, LD "n0=32, m0=8\n ld.load x0\n core.halt x0\n"), 30);
}

/* The next command may start with the last step of the one before, and its first AR follows a cycle later. */
static void test_load_behind_load(void **state)
{
    (void)state;
    const isa_config c = test_small_config();
    const sim_command_event *e = run(ISA_UNIT_LD, &c, LD "n0=128, m0=32\n ld.load x0\n ld.load x0\n core.halt x0\n");
    /* Eight bursts, four outstanding: AR in S+1..S+4, then when bursts 0..3 have ended (S+14, 18, 22, 26) and their */
    /* beats are pieces (load_beats = 16): S+16, 20, 24, 28 = F. */
    assert_int_equal(e[1].start, e[0].start + 28);
}

/* First row read in S, pieces S+1..S+4, AW S+5, W S+15..S+18, B S+19. */
static void test_single_store(void **state)
{
    (void)state;
    isa_config c = test_small_config();
    assert_int_equal(length(ISA_UNIT_ST, &c, ST "n0=16, m0=4\n st.store x0\n core.halt x0\n"), 19);
    assert_int_equal(t.result.counters[ISA_UNIT_ST][ISA_COUNTER_BUSY], 8);
    assert_int_equal(t.result.counters[ISA_UNIT_ST][ISA_COUNTER_DRAM_LAT], 11);
    /* ACC: a row's first piece is D cycles after it was read: S+4..S+7, the next row's S+11..S+14; AW S+8 and S+15. */
    assert_int_equal(length(ISA_UNIT_ST, &c, ST "n0=16, m0=1, flags=acc\n st.store x0\n core.halt x0\n"), 22);
    assert_int_equal(length(ISA_UNIT_ST, &c, ST "n0=32, m0=2, flags=acc\n st.store x0\n core.halt x0\n"), 29);
    /* Four beats of room: beat 4 waits for beat 0's W in S+15. Pieces S+16..S+19, AW S+20, B S+34. */
    c.store_beats = 4;
    assert_int_equal(length(ISA_UNIT_ST, &c, ST "n0=32, m0=8\n st.store x0\n core.halt x0\n"), 34);
    /* Nothing valid: only pieces. */
    assert_int_equal(length(ISA_UNIT_ST, &c, ST "n0=16, m0=4\n st.setf hi0=0\n st.store x0\n core.halt x0\n"), 4);
}

/* A store without valid bytes behind one that waits for its B ends a cycle after that. */
static void test_ends_in_order(void **state)
{
    (void)state;
    const isa_config c = test_small_config();
    const sim_command_event *e =
        run(ISA_UNIT_ST, &c, ST "n0=16, m0=4\n st.store x0\n st.setf hi0=0\n st.store x0\n core.halt x0\n");
    assert_true(e[1].start < e[0].end);
    assert_int_equal(e[1].end, e[0].end + 1);
}

/* One bus: the bursts of LD and ST one behind the other, in the order of their requests. */
static void test_shared_bus(void **state)
{
    (void)state;
    const isa_config c = test_small_config();
    (void)run(ISA_UNIT_LD, &c,
              LD "n0=16, m0=4\n" ST "n0=16, m0=4, addr_lo=64, row_base=256\n st.store x0\n ld.load x0\n core.halt x0\n");
    const sim_command_event *store = t.events[ISA_UNIT_ST];
    const sim_command_event *load = t.events[ISA_UNIT_LD];
    assert_int_equal(load->start, store->start + 1); /* AR in store's S+2, before the AW in S+5 */
    assert_int_equal(load->end, load->start + 15);   /* beats S+12..S+15 */
    assert_int_equal(store->end, store->start + 20); /* W from S+16 instead of S+15 */
    assert_int_equal(t.result.counters[ISA_UNIT_ST][ISA_COUNTER_DRAM_BW], 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single_load),       cmocka_unit_test(test_fill),        cmocka_unit_test(test_load_limits),
        cmocka_unit_test(test_load_behind_load), cmocka_unit_test(test_single_store), cmocka_unit_test(test_ends_in_order),
        cmocka_unit_test(test_shared_bus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
