/*
 * sim_dram.c -- the DRAM model (isa/spec/timing.md, section 10): timelines counted by hand; then random requests against
 * dram_model.h, which tries every cycle.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include "dram_model.h"
#include "systole/base/rng.h"
#include "systole/sim/dram.h"

static sim_dram dram;
static dram_model model;

static isa_config flat_config(void)
{
    isa_config c;
    isa_config_default(&c);
    c.dram_latency = 10;
    c.dram_width = 4;
    c.dram_burst_bytes = 16;
    return c;
}

/* Rows of 64 bytes in two banks, atoms of two beats; no two times alike. */
static isa_config small_config(void)
{
    isa_config c = flat_config();
    c.dram_model = ISA_DRAM_BANKED;
    c.dram_channels = 1;
    c.dram_groups = 1;
    c.dram_banks = 2;
    c.dram_row_bytes = 64;
    c.dram_atom_bytes = 8;
    c.dram_mapping = ISA_DRAM_ROW;
    c.dram_page = ISA_DRAM_OPEN;
    c.dram_t_atom = c.dram_t_ccd_s = c.dram_t_ccd_l = 2;
    c.dram_t_rcd = 5;
    c.dram_t_rp = 4;
    c.dram_t_rp_all = 6;
    c.dram_t_ras = 12;
    c.dram_t_rc = 17;
    c.dram_t_rrd_s = c.dram_t_rrd_l = 3;
    c.dram_t_faw = 20;
    c.dram_t_cl = 6;
    c.dram_t_cwl = 4;
    c.dram_t_rtp = 3;
    c.dram_t_wr = 5;
    c.dram_t_wtr_s = c.dram_t_wtr_l = 4;
    c.dram_t_rtw = 7;
    c.dram_t_refi = 0;
    c.dram_t_rfc = 30;
    return c;
}

static void start(isa_config c)
{
    base_diag diag = {0};
    if (isa_config_check(&c, &diag) != SY_OK) {
        fail_msg("%s", base_diag_message(&diag));
    }
    sim_dram_start(&dram, &c, NULL);
}

static void reads(uint64_t cycle, uint64_t address, uint32_t n_beats, uint64_t first)
{
    assert_int_equal(sim_dram_request(&dram, SIM_DRAM_READ, cycle, address, n_beats), first);
}

static void writes(uint64_t cycle, uint64_t address, uint32_t n_beats, uint64_t first)
{
    assert_int_equal(sim_dram_request(&dram, SIM_DRAM_WRITE, cycle, address, n_beats), first);
}

static void counted(uint64_t hits, uint64_t misses, uint64_t conflicts, uint64_t refreshes)
{
    assert_int_equal(dram.stats.row_hits, hits);
    assert_int_equal(dram.stats.row_misses, misses);
    assert_int_equal(dram.stats.row_conflicts, conflicts);
    assert_int_equal(dram.stats.refreshes, refreshes);
}

static void test_one_bus(void **state)
{
    (void)state;
    start(flat_config());
    reads(5, 0, 4, 15);   /* 15..18 */
    writes(6, 64, 2, 19); /* behind it: 19, 20 */
    reads(30, 0, 1, 40);  /* quiet again */
    assert_int_equal(dram.stats.bursts[SIM_DRAM_READ], 2);
    assert_int_equal(dram.stats.beats[SIM_DRAM_READ], 5);
    assert_int_equal(dram.stats.beats[SIM_DRAM_WRITE], 2);
    start(flat_config());
    reads(0, 0, 1, 10);
}

static void test_faults(void **state)
{
    (void)state;
    const isa_config c = flat_config();
    const sim_dram_faults faults = {.seed = 99, .stall_max = 7, .ready_max = 3, .error_one_in = 5};
    uint32_t most = 0, most_ready = 0, n_errors = 0;
    sim_dram_start(&dram, &c, &faults);
    for (uint64_t k = 0; k < 400; k++) {
        const sim_dram_dir dir = k % 3 == 0 ? SIM_DRAM_WRITE : SIM_DRAM_READ;
        const uint64_t number = dram.stats.bursts[dir];
        const uint32_t stall = sim_dram_stall(&dram, dir, number);
        const uint32_t ready = sim_dram_ready(&dram, dir, number);
        uint32_t beat;
        const uint32_t answer = sim_dram_answer(&dram, dir, number, 4, &beat);
        assert_int_equal(stall, base_rng_u64(99, dir, number) % 8);
        assert_int_equal(ready, base_rng_u64(99, 2 + (uint64_t)dir, number) % 4);
        assert_true(answer == 0 || answer == 2 || answer == 3);
        assert_true(beat < 4);
        n_errors += answer != 0;
        assert_int_equal(sim_dram_request(&dram, dir, 100 * k, 0, 2), 100 * k + 10 + stall);
        most = stall > most ? stall : most;
        most_ready = ready > most_ready ? ready : most_ready;
    }
    assert_int_equal(most, 7);
    assert_int_equal(most_ready, 3);
    assert_in_range(n_errors, 40, 120);
}

static void test_rows(void **state)
{
    (void)state;
    start(small_config());
    reads(0, 0, 2, 23);   /* at DRAM in 10: ACT 10, RD 15, data 21 and 22, handed on from 23 */
    reads(1, 8, 2, 25);   /* hit: RD 17 */
    reads(2, 64, 2, 27);  /* other bank: ACT 13 = 10 + t_rrd, RD 19 (18 is between two RD) */
    reads(3, 128, 2, 40); /* other row: PRE 22 = 10 + t_ras, ACT 27 = 10 + t_rc, RD 32 */
    writes(4, 136, 2, 42); /* hit; the bus is free in 42, so W 42 and 43, data from 44, WR 40 (39 by t_rtw) */
    writes(5, 144, 2, 44); /* WR 42 */
    reads(6, 72, 2, 60);   /* RD 52 = 42 + t_cwl + t_atom + t_wtr */
    counted(4, 2, 1, 0);
    writes(100, 256, 2, 121); /* at DRAM in 110: row 2 of bank 0: PRE 110, ACT 114, WR 119, data 123, W 121 and 122 */
    counted(4, 2, 2, 0);
}

static void test_rows_after_write(void **state)
{
    (void)state;
    start(small_config());
    writes(0, 0, 2, 17);   /* ACT 10, WR 15, data 19: W 17 and 18 */
    reads(1, 128, 2, 43);  /* PRE 26 = 15 + t_cwl + t_atom + t_wr, ACT 30, RD 35 */
    counted(0, 1, 1, 0);
    isa_config closed = small_config();
    closed.dram_page = ISA_DRAM_CLOSED;
    start(closed);
    writes(0, 0, 2, 17);
    reads(1, 128, 2, 43); /* the same, but the row was closed without being asked */
    reads(2, 64, 4, 46);  /* two atoms of the other bank: ACT 33 = 30 + t_rrd, RD 38 and 40: 46 and 48, less no and 2 beats */
    counted(1, 3, 0, 0);
}

static void test_atoms_and_beats(void **state)
{
    (void)state;
    isa_config c = small_config();
    c.dram_atom_bytes = 16; /* four beats */
    start(c);
    reads(0, 28, 3, 24); /* beat 7 of atom 1, beats 8 and 9 of atom 2: RD 15 and 17; there in 23 and 25 */
    c.dram_width = 32;   /* a beat is two atoms */
    c.dram_burst_bytes = 64;
    start(c);
    reads(0, 32, 1, 25);
    counted(1, 1, 0, 0);
    start(c);
    writes(0, 0, 1, 18); /* WR 15 and 17, data from 19 and 21: W before 19 */
}

static void test_refresh(void **state)
{
    (void)state;
    isa_config c = small_config();
    c.dram_t_refi = 200;
    start(c);
    reads(0, 0, 2, 23);
    reads(195, 8, 2, 249); /* at DRAM in 205, after the refresh was due: PRE all 200, REF 206, ACT 236, RD 241 */
    counted(0, 2, 0, 1);
    reads(10000, 16, 2, 10043); /* the last of 49 more at 10000: ACT 10030 */
    counted(0, 3, 0, 50);
    start(c);
    reads(185, 0, 2, 208); /* at DRAM in 195: ACT before the refresh is due, so RD 200 goes before it */
    reads(186, 8, 2, 256); /* PRE all 207 = 195 + t_ras, REF 213, ACT 243, RD 248 */
    counted(0, 2, 0, 1);
}

static void test_groups(void **state)
{
    (void)state;
    isa_config c = small_config();
    c.dram_groups = 2;
    c.dram_banks = 4;
    c.dram_t_ccd_l = 5;
    c.dram_t_rrd_l = 8;
    c.dram_mapping = ISA_DRAM_BANK; /* atoms: group, bank, column */
    start(c);
    reads(0, 0, 2, 23);   /* ACT 10, RD 15 */
    reads(0, 8, 2, 26);   /* other group: ACT 13, RD 18 */
    reads(0, 16, 2, 31);  /* first group: ACT 18 = 10 + t_rrd_l, RD 23 */
    reads(0, 24, 2, 34);  /* other group: ACT 21 = 13 + 8, RD 26 */
    reads(0, 32, 2, 43);  /* fifth: ACT 30 = 10 + t_faw, RD 35 */
    reads(0, 64, 2, 48);  /* hit of the first bank, in its group: RD 40 = 35 + t_ccd_l */
    counted(1, 5, 0, 0);
}

static void test_presets(void **state)
{
    (void)state;
    static const struct {
        const char *config;
        uint64_t closed; /* first beat of a lone read of a closed row */
    } parts[] = {{"edge-lpddr4", 40 + 15 + 17 + 4}, {"edge-hbm2", 60 + 14 + 14 + 2}};
    for (size_t i = 0; i < 2; i++) {
        isa_config c;
        base_diag diag = {0};
        assert_ok(isa_config_find(parts[i].config, &c, &diag));
        start(c);
        /* the first atom of hbm2 is there alone, the second, in another group, is its second ACT */
        const uint64_t first = sim_dram_request(&dram, SIM_DRAM_READ, 0, 0, 2);
        assert_int_equal(first, parts[i].closed);
        assert_int_equal(isa_config_dram_wait(&c), parts[i].closed);
        /* sixteen MiB in a row: what refresh leaves of the bus, and no more than a few percent else */
        uint64_t last = 0;
        const uint64_t n = (16u << 20) / 64;
        for (uint64_t k = 0; k < n; k++) {
            last = sim_dram_request(&dram, SIM_DRAM_READ, last > 200 ? last - 200 : 0, 64 * k, 4) + 4;
        }
        const double rate = 64.0 * (double)n / (double)last;
        if (rate > isa_config_dram_rate(&c) || rate < 0.97 * isa_config_dram_rate(&c)) {
            fail_msg("%s: %g bytes per cycle, expected nearly %g", parts[i].config, rate, isa_config_dram_rate(&c));
        }
    }
}

static uint32_t below(base_rng *rng, uint32_t n)
{
    return (uint32_t)base_rng_below(rng, n);
}

/* streams: a machine on which bursts can go in trains (dram.h). */
static isa_config random_config(base_rng *rng, bool streams)
{
    isa_config c;
    isa_config_default(&c);
    c.dram_model = ISA_DRAM_BANKED;
    c.dram_latency = 1 + below(rng, 20);
    c.dram_width = 4u << below(rng, 6);
    c.dram_burst_bytes = c.dram_width << below(rng, 3);
    c.dram_channels = 1u << below(rng, 5);
    c.dram_groups = 1u << below(rng, 4);
    c.dram_banks = 1u << below(rng, 4);
    c.dram_atom_bytes = 4u << below(rng, 6);
    while (c.dram_atom_bytes * 16 < c.dram_burst_bytes) {
        c.dram_atom_bytes *= 2;
    }
    c.dram_row_bytes = c.dram_atom_bytes << below(rng, 5);
    c.dram_row_bytes = c.dram_row_bytes < 64 ? 64 : c.dram_row_bytes;
    c.dram_mapping = below(rng, 3);
    c.dram_page = below(rng, 2);
    if (streams) {
        c.dram_channels = 1;
        c.dram_mapping = below(rng, 2);
        c.dram_page = ISA_DRAM_OPEN;
        c.dram_row_bytes = c.dram_atom_bytes << (2 + below(rng, 6));
        c.dram_row_bytes = c.dram_row_bytes < 64 ? 64 : c.dram_row_bytes;
    }
    uint32_t *const times[] = {&c.dram_t_atom,   &c.dram_t_ccd_s, &c.dram_t_ccd_l, &c.dram_t_rcd,   &c.dram_t_rp,
                               &c.dram_t_rp_all, &c.dram_t_ras,   &c.dram_t_rc,    &c.dram_t_rrd_s, &c.dram_t_rrd_l,
                               &c.dram_t_faw,    &c.dram_t_cl,    &c.dram_t_cwl,   &c.dram_t_rtp,   &c.dram_t_wr,
                               &c.dram_t_wtr_s,  &c.dram_t_wtr_l, &c.dram_t_rtw,   &c.dram_t_rfc};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        *times[i] = 1 + below(rng, base_rng_one_in(rng, 3) ? 40 : 10);
    }
    c.dram_t_refi = base_rng_one_in(rng, 5) ? 0 : 2 * (c.dram_t_rfc + c.dram_t_rp_all + c.dram_t_rc) + below(rng, 300);
    return c;
}

static void test_random(void **state)
{
    (void)state;
    uint64_t hits = 0, misses = 0, conflicts = 0, refreshes = 0, n_trains = 0;
    for (uint64_t seed = 1; seed <= 80; seed++) {
        base_rng rng = base_rng_make(seed, 77);
        const bool streams = seed % 2 == 0; /* mostly one after the other */
        const isa_config c = random_config(&rng, streams);
        start(c);
        dram_model_start(&model, &c);
        const uint32_t reach = 1u << (9 + below(&rng, 8));
        const uint32_t pace = base_rng_one_in(&rng, 2) ? 3 : 40;
        const uint32_t turns = seed % 4 == 0 ? 30 : 3;
        const uint32_t strays = seed % 8 < 4 ? 10 : 200; /* one request in so many is not the next full burst of its stream */
        uint64_t streams_at[2] = {0, 1u << 20};
        bool is_write = false;
        uint64_t cycle = 0, address = 0;
        for (unsigned k = 0; k < 200; k++) {
            is_write = base_rng_one_in(&rng, turns) != is_write;
            cycle += base_rng_one_in(&rng, 50) ? below(&rng, 1500) : below(&rng, pace);
            address = base_rng_one_in(&rng, 2) ? address + c.dram_burst_bytes : below(&rng, reach);
            if (streams && !base_rng_one_in(&rng, 4 * strays)) {
                address = streams_at[is_write];
                streams_at[is_write] += c.dram_burst_bytes;
            }
            const uint32_t n_beats = streams && !base_rng_one_in(&rng, strays) ? c.dram_burst_bytes / c.dram_width : 1 + below(&rng, c.dram_burst_bytes / c.dram_width);
            const uint64_t want = dram_model_request(&model, is_write, cycle + c.dram_latency, address, n_beats);
            const uint64_t got = sim_dram_request(&dram, is_write ? SIM_DRAM_WRITE : SIM_DRAM_READ, cycle, address, n_beats);
            n_trains += dram.n_ahead > 0;
            if (got != want) {
                fail_msg("seed %d request %u: first beat %d, expected %d", (int)seed, k, (int)got, (int)want);
            }
            assert_true(got + n_beats <= cycle + (k + 1) * sim_dram_longest(&c));
        }
        counted(model.hits, model.misses, model.conflicts, model.refreshes);
        hits += model.hits;
        misses += model.misses;
        conflicts += model.conflicts;
        refreshes += model.refreshes;
    }
    print_message("%d hits, %d misses, %d conflicts, %d refreshes, %d in trains\n", (int)hits, (int)misses, (int)conflicts, (int)refreshes, (int)n_trains);
    assert_true(hits > 10000 && misses > 10000 && conflicts > 1000 && refreshes > 1000 && n_trains > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_bus), cmocka_unit_test(test_faults),  cmocka_unit_test(test_rows),
        cmocka_unit_test(test_rows_after_write), cmocka_unit_test(test_atoms_and_beats),
        cmocka_unit_test(test_refresh), cmocka_unit_test(test_groups),  cmocka_unit_test(test_presets),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
