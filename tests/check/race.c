/*
 * race.c -- races and unwritten rows: what is one and what is none, row by row and byte by byte.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "audit_test.h"

static audit_test t;

static int set_up(void **state)
{
    (void)state;
    const isa_config config = test_small_config(); /* D = 4, 1024 rows of SPM */
    audit_test_create(&t, &config);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    audit_test_destroy(&t);
    return 0;
}

/* Commands of four rows; registers that a program changes stand in front of them. */
#define LD_4  "ld.setf n0=16, n1=1, n2=1, n3=1, hi0=16, hi1=1, hi2=1, hi3=1, m0=4, m1=1, m2=1, m3=1, t0=1\n"
#define ST_4  "st.setf n0=16, n1=1, n2=1, n3=1, hi0=16, hi1=1, hi2=1, hi3=1, m0=4, m1=1, m2=1, m3=1, t0=1\n"
#define VPU_4 "vpu.setf n0=4, n1=1, n2=1, n3=1, chain_in=a_src:spm, chain_out=out:spm, a_s0=1, o_base=512, o_s0=1, o_lo=-128, o_hi=127\n"
#define MXU_4 "mxu.setf w_base=256, planes=1, n0=4, n1=1, n2=1, n3=1, a_s0=1, c_s0=1\n"
#define SETUP "li s0, 0\n li s1, 1\n li s2, 2\n li s3, 3\n" LD_4 ST_4 VPU_4 MXU_4
#define END   "core.halt x0\n"

/* Runs it to its end; races expected. */
static uint64_t races(const char *text, sim_finding *first)
{
    static char whole[8192];
    snprintf(whole, sizeof whole, "%s%s%s", SETUP, text, END);
    audit_test_run(&t, whole);
    assert_int_equal(t.sim.result.end, SIM_END_DONE);
    return audit_test_n(&t, SIM_FINDING_RACE, first);
}

static void test_write_then_read(void **state)
{
    (void)state;
    sim_finding f;
    assert_int_equal(races("ld.load x0\n vpu.vec s3\n", &f), 1);
    assert_int_equal(f.memory, SIM_SPM);
    assert_int_equal(f.low, 0);
    assert_int_equal(f.high, 3);
    assert_int_equal(f.n, 4);
    /* Who came first in this run stands first. */
    assert_int_equal(f.places[0].unit, ISA_UNIT_LD);
    assert_true(f.is_write[0] && !f.is_write[1]);
    assert_int_equal(f.places[1].unit, ISA_UNIT_VPU);
    assert_int_equal(f.places[1].tag, 3);
    assert_true(f.places[0].pc > 0 && f.places[0].pc < f.places[1].pc);
    assert_int_equal(races("ld.load x0\n ld.post s0\n vpu.wait s0\n vpu.vec x0\n", NULL), 0);
    /* The post stands before the command, or the wait behind it. */
    assert_int_equal(races("ld.post s0\n ld.load x0\n vpu.wait s0\n vpu.vec x0\n", NULL), 1);
    assert_int_equal(races("ld.load x0\n ld.post s0\n vpu.vec x0\n vpu.wait s0\n", NULL), 1);
}

static void test_read_then_write(void **state)
{
    (void)state;
    sim_finding f;
    assert_int_equal(races("vpu.vec x0\n ld.load x0\n", &f), 1);
    assert_true(!f.is_write[0] && f.is_write[1]);
    assert_int_equal(races("vpu.vec x0\n vpu.post s0\n ld.wait s0\n ld.load x0\n", NULL), 0);
    /* Two writers. */
    assert_int_equal(races("vpu.vec x0\n ld.setf row_base=514\n ld.load x0\n", &f), 1);
    assert_true(f.is_write[0] && f.is_write[1]);
    assert_int_equal(f.low, 514);
    assert_int_equal(f.high, 515);
    /* Two readers. */
    assert_int_equal(races("vpu.vec x0\n st.store x0\n", NULL), 0);
}

static void test_fences_and_the_core(void **state)
{
    (void)state;
    assert_int_equal(races("ld.load x0\n core.fence\n vpu.vec x0\n", NULL), 0);
    assert_int_equal(races("ld.load x0\n ld.post s0\n core.semwait s0\n vpu.vec x0\n", NULL), 0);
    assert_int_equal(races("ld.load x0\n ld.post s0\n core.semwait s0\n core.sempost s1\n vpu.wait s1\n vpu.vec x0\n", NULL), 0);
    assert_int_equal(races("ld.load x0\n core.sempost s1\n vpu.wait s1\n vpu.vec x0\n", NULL), 1);
    /* Through a third unit. */
    assert_int_equal(races("ld.load x0\n ld.post s0\n mxu.wait s0\n mxu.post s1\n vpu.wait s1\n vpu.vec x0\n", NULL), 0);
    /* The cycles of this run are no order, and neither is a bank that both need. */
    assert_int_equal(races("ld.load x0\n li t0, 1000\n again: addi t0, t0, -1\n bnez t0, again\n vpu.vec x0\n", NULL), 1);
}

static void test_walks_are_exact(void **state)
{
    (void)state;
    /* LD writes the even rows 0..6, the VPU reads the odd ones. */
    assert_int_equal(races("ld.setf t0=2\n ld.load x0\n vpu.setf a_base=1, a_s0=2\n vpu.vec x0\n", NULL), 0);
    sim_finding f;
    assert_int_equal(races("ld.setf t0=2\n ld.load x0\n vpu.setf a_base=1, a_s0=3\n vpu.vec x0\n", &f), 1); /* 1 4 7 10 */
    assert_int_equal(f.low, 4);
    assert_int_equal(f.n, 1);
    /* Backwards: rows 9 7 5 3 against 0 2 4 6. */
    assert_int_equal(races("ld.setf t0=2\n ld.load x0\n vpu.setf a_base=9, a_s0=-2\n vpu.vec x0\n", NULL), 0);
    /* Planes of the MXU: A is rows 0..3 and 8..11, weights 256..259 and 264..267. */
    assert_int_equal(races("mxu.setf planes=2, a_plane=8, w_plane=8\n mxu.matmul x0\n"
                           "ld.setf row_base=4\n ld.load x0\n ld.setf row_base=260\n ld.load x0\n", NULL), 0);
    assert_int_equal(races("mxu.setf planes=2, a_plane=8, w_plane=8\n mxu.matmul x0\n ld.setf row_base=11\n ld.load x0\n", &f), 1);
    assert_int_equal(f.low, 11);
    assert_int_equal(f.n, 1);
    assert_int_equal(races("mxu.setf planes=2, a_plane=8, w_plane=8\n mxu.matmul x0\n ld.setf row_base=261\n ld.load x0\n", &f), 1);
    assert_int_equal(f.low, 264);
    /* ACC is another memory. */
    assert_int_equal(races("mxu.matmul x0\n vpu.vec x0\n", NULL), 0);
    assert_int_equal(races("mxu.matmul x0\n vpu.setf chain_in=a_src:acc_i32\n vpu.vec x0\n", &f), 1);
    assert_int_equal(f.memory, SIM_ACC);
}

static void test_bytes_of_dram(void **state)
{
    (void)state;
    sim_finding f;
    assert_int_equal(races("st.setf addr_lo=0x1000\n st.store x0\n ld.setf addr_lo=0x100c, row_base=64\n ld.load x0\n", &f), 1);
    assert_int_equal(f.memory, SIM_DRAM);
    assert_int_equal(f.low, 0x100c);
    assert_int_equal(f.high, 0x100f);
    assert_int_equal(races("st.setf addr_lo=0x1000\n st.store x0\n ld.setf addr_lo=0x1010, row_base=64\n ld.load x0\n", NULL), 0);
    /* Bytes that are not valid are not touched. */
    assert_int_equal(races("st.setf addr_lo=0x1000\n st.store x0\n ld.setf addr_lo=0x1008, lo0=8, row_base=64\n ld.load x0\n", NULL), 0);
    assert_int_equal(races("st.setf addr_lo=0x1000, hi0=12\n st.store x0\n ld.setf addr_lo=0x100c, row_base=64\n ld.load x0\n", NULL), 0);
    /* Runs that interleave. */
    assert_int_equal(races("st.setf addr_lo=0x1000, n0=4, n1=4, s1=8, hi0=4, hi1=4\n st.store x0\n"
                           "ld.setf addr_lo=0x1004, n0=4, n1=4, s1=8, hi0=4, hi1=4, row_base=64\n ld.load x0\n", NULL), 0);
    /* Across a border of the audit's pages, whole pages and parts. */
    assert_int_equal(races("st.setf addr_lo=0x1ff8\n st.store x0\n ld.setf addr_lo=0x2004, row_base=64\n ld.load x0\n", &f), 1);
    assert_int_equal(f.low, 0x2004);
    assert_int_equal(f.n, 4);
    assert_int_equal(races("ld.setf addr_lo=0x1000, n0=4096, hi0=4096, m0=1024\n ld.load x0\n"
                           "st.setf addr_lo=0x1ffe, row_base=1020, n0=4, hi0=4, m0=1\n st.wait s1\n st.store x0\n core.sempost s1\n", &f), 2);
    assert_int_equal(f.low, 1020); /* the row, and the bytes of the page */
    assert_int_equal(races("st.setf addr_lo=0x1000\n st.store x0\n st.post s0\n ld.wait s0\n"
                           "ld.setf addr_lo=0x1000, row_base=64\n ld.load x0\n", NULL), 0);
}

static void test_one_unit_is_in_order(void **state)
{
    (void)state;
    assert_int_equal(races("ld.load x0\n ld.load x0\n", NULL), 0);
    assert_int_equal(races("st.store x0\n st.store x0\n", NULL), 0);
    assert_int_equal(races("vpu.vec x0\n vpu.setf a_base=512, o_base=0\n vpu.vec x0\n vpu.vec x0\n", NULL), 0);
    /* A command has the registers of its own unit, also where the last that were set are another's. */
    sim_finding f;
    assert_int_equal(races("mxu.matmul x0\n core.fence\n vpu.setf a_base=600, n0=1\n vpu.vec x0\n mxu.matmul x0\n ld.load x0\n", &f), 1);
    assert_int_equal(f.places[0].number, 1);
    assert_int_equal(f.high, 3);
    assert_int_equal(races("mxu.matmul x0\n mxu.setf flags=accumulate, c_s0=2\n mxu.matmul x0\n", NULL), 0);
}

static void test_counting(void **state)
{
    (void)state;
    /* Two posts of one unit: the first WAIT follows the first. */
#define TWO_LOADS "ld.load x0\n ld.post s0\n ld.setf row_base=64\n ld.load x0\n ld.post s0\n"
    assert_int_equal(races(TWO_LOADS "vpu.wait s0\n vpu.vec x0\n vpu.wait s0\n", NULL), 0);
    assert_int_equal(races(TWO_LOADS "vpu.wait s0\n vpu.setf a_base=64\n vpu.vec x0\n vpu.wait s0\n", NULL), 1);
    assert_int_equal(races(TWO_LOADS "vpu.wait s0\n vpu.wait s0\n vpu.setf a_base=64\n vpu.vec x0\n", NULL), 0);
    /* Two posters: one WAIT may have been served by either. */
#define TWO_POSTERS "ld.load x0\n ld.post s0\n mxu.post s0\n"
    assert_int_equal(races(TWO_POSTERS "vpu.wait s0\n vpu.vec x0\n vpu.wait s0\n", NULL), 1);
    assert_int_equal(races(TWO_POSTERS "vpu.wait s0\n vpu.wait s0\n vpu.vec x0\n", NULL), 0);
    /* Two takers: each may have got the first token. */
    assert_int_equal(races(TWO_LOADS "mxu.wait s0\n vpu.wait s0\n vpu.vec x0\n", NULL), 0);
    assert_int_equal(races(TWO_LOADS "mxu.wait s0\n vpu.wait s0\n vpu.setf a_base=64\n vpu.vec x0\n", NULL), 1);
    /* ... unless one is known to take before the other. */
    assert_int_equal(races(TWO_LOADS "mxu.wait s0\n mxu.post s1\n vpu.wait s1\n vpu.wait s0\n vpu.setf a_base=64\n vpu.vec x0\n", NULL), 0);
    /* Two posters of which one cannot be the first: it waits for an answer. */
    assert_int_equal(races("ld.load x0\n ld.post s0\n vpu.wait s0\n vpu.vec x0\n vpu.post s1\n mxu.wait s1\n mxu.post s0\n vpu.wait s0\n", NULL), 0);
}

/* Two buffers, filled and read in turn for 20 rounds, with a semaphore in each direction. */
static void test_buffers_in_turn(void **state)
{
    (void)state;
    static const char *const early = "li a0, 20\n core.sempost s1\n core.sempost s1\n li a1, 0\n"
                                     "round: ld.wait s1\n ld.set row_base, a1, x0\n ld.load x0\n ld.post s0\n"
                                     "vpu.wait s0\n vpu.set a_base, a1, x0\n vpu.post s1\n vpu.vec x0\n"
                                     "xori a1, a1, 64\n addi a0, a0, -1\n bnez a0, round\n ld.wait s1\n ld.wait s1\n";
    static const char *const right = "li a0, 20\n core.sempost s1\n core.sempost s1\n li a1, 0\n"
                                     "round: ld.wait s1\n ld.set row_base, a1, x0\n ld.load x0\n ld.post s0\n"
                                     "vpu.wait s0\n vpu.set a_base, a1, x0\n vpu.vec x0\n vpu.post s1\n"
                                     "xori a1, a1, 64\n addi a0, a0, -1\n bnez a0, round\n ld.wait s1\n ld.wait s1\n";
    assert_int_equal(races(right, NULL), 0);
    assert_int_equal(audit_test_n(&t, SIM_FINDING_LEFT, NULL), 0);
    assert_int_equal(audit_test_n(&t, SIM_FINDING_EARLY, NULL), 0);
    assert_int_equal(audit_test_n(&t, SIM_FINDING_OVERFLOW, NULL), 0);
    assert_true(races(early, NULL) > 0); /* the buffer is given back before it is read */
}

/* An order against the program's order is one, though not a serially legal one. */
static void test_against_program_order(void **state)
{
    (void)state;
    sim_finding f;
    assert_int_equal(races("vpu.wait s0\n vpu.vec x0\n ld.load x0\n ld.post s0\n", NULL), 0);
    assert_int_equal(audit_test_n(&t, SIM_FINDING_EARLY, &f), 1);
    assert_int_equal(f.semaphore, 0);
    assert_int_equal(f.places[0].unit, ISA_UNIT_VPU);
    assert_int_equal(f.places[0].number, 0);
    assert_int_equal(f.n_posts, 0);
    assert_int_equal(f.n_waits, 1);
}

static void test_unwritten(void **state)
{
    (void)state;
    sim_finding f;
    assert_int_equal(races("ld.load x0\n core.fence\n vpu.setf n0=6\n vpu.vec x0\n", NULL), 0);
    assert_int_equal(audit_test_n(&t, SIM_FINDING_UNWRITTEN, &f), 1);
    assert_int_equal(f.memory, SIM_SPM);
    assert_int_equal(f.low, 4);
    assert_int_equal(f.high, 5);
    assert_int_equal(f.places[0].unit, ISA_UNIT_VPU);
    /* ACC is read by a product that accumulates, and not by one that overwrites. */
    static const char *const loads = "ld.load x0\n ld.setf row_base=256\n ld.load x0\n core.fence\n";
    static char text[1024];
    snprintf(text, sizeof text, "%smxu.matmul x0\n mxu.setf flags=accumulate\n mxu.matmul x0\n", loads);
    (void)races(text, NULL);
    assert_int_equal(audit_test_n(&t, SIM_FINDING_UNWRITTEN, NULL), 0);
    snprintf(text, sizeof text, "%smxu.setf flags=accumulate\n mxu.matmul x0\n", loads);
    (void)races(text, NULL);
    assert_int_equal(audit_test_n(&t, SIM_FINDING_UNWRITTEN, &f), 1);
    assert_int_equal(f.memory, SIM_ACC);
    /* What an earlier run of the same audit has written is there. */
    const sim_observer observer = {.user = t.audit, .command = sim_audit_command, .xsystole = sim_audit_xsystole};
    const sim_run_options options = {.observer = &observer};
    base_diag diag = {0};
    sim_audit_begin(t.audit);
    assert_ok(sim_machine_run(t.sim.machine, &options, &t.sim.result, &diag));
    assert_ok(sim_audit_end(t.audit, true));
    assert_int_equal(audit_test_n(&t, SIM_FINDING_UNWRITTEN, NULL), 1);
}

static void test_balance(void **state)
{
    (void)state;
    sim_finding f;
    (void)races("ld.post s2\n ld.post s2\n st.wait s2\n", NULL);
    assert_int_equal(audit_test_n(&t, SIM_FINDING_LEFT, &f), 1);
    assert_int_equal(f.semaphore, 2);
    assert_int_equal(f.n_posts, 2);
    assert_int_equal(f.n_waits, 1);
    /* Two takers: the VPU may take the token of the MXU, which then waits for one that is posted behind it. */
    (void)races("ld.post s2\n mxu.wait s2\n mxu.post s2\n vpu.wait s2\n", NULL);
    assert_int_equal(audit_test_n(&t, SIM_FINDING_EARLY, NULL), 0);
    assert_int_equal(audit_test_n(&t, SIM_FINDING_STOLEN, &f), 1);
    assert_int_equal(f.places[0].unit, ISA_UNIT_MXU);
    assert_int_equal(f.n_posts, 1);
    assert_int_equal(f.n_waits, 1);
    (void)races("ld.post s2\n ld.post s2\n mxu.wait s2\n vpu.wait s2\n", NULL); /* enough for both */
    assert_int_equal(audit_test_n(&t, SIM_FINDING_STOLEN, NULL), 0);
    (void)races("ld.post s2\n mxu.wait s2\n mxu.post s3\n vpu.wait s3\n ld.post s2\n vpu.wait s2\n", NULL); /* one after the other */
    assert_int_equal(audit_test_n(&t, SIM_FINDING_STOLEN, NULL), 0);
    /* 4 bits: 15 posts fit. The 16th may come before the WAIT, or (here) never. */
    isa_config config = test_small_config();
    config.sem_bits = 4;
    tear_down(NULL);
    audit_test_create(&t, &config);
    static const char *const answered = "li a0, 20\n round: ld.post s0\n st.wait s0\n st.post s1\n ld.wait s1\n addi a0, a0, -1\n bnez a0, round\n";
    static const char *const luck = "li a0, 20\n round: ld.post s0\n st.wait s0\n addi a0, a0, -1\n bnez a0, round\n";
    (void)races(answered, NULL);
    assert_int_equal(audit_test_n(&t, SIM_FINDING_OVERFLOW, NULL), 0);
    (void)races(luck, NULL); /* ends well in this run */
    assert_int_equal(audit_test_n(&t, SIM_FINDING_OVERFLOW, &f), 1);
    assert_int_equal(f.semaphore, 0);
    assert_int_equal(f.n_posts, 20);
    assert_int_equal(f.n_waits, 15);
    assert_int_equal(f.places[0].unit, ISA_UNIT_LD);
}

/* Whichever allocation fails, the audit says so and does nothing else. */
static void test_out_of_memory(void **state)
{
    (void)state;
    (void)races("ld.load x0\n ld.post s0\n vpu.wait s0\n vpu.vec x0\n st.setf addr_lo=0x1008\n st.store x0\n", NULL);
    unsigned n_failed = 0;
    for (size_t n = 1;; n++) {
        base_arena *arena = base_arena_create();
        base_arena_fail_at(arena, n);
        sim_audit *audit = sim_audit_create(arena, &t.sim.config);
        sy_status status = SY_ENOMEM;
        if (audit != NULL) {
            const sim_observer observer = {.user = audit, .command = sim_audit_command, .xsystole = sim_audit_xsystole};
            const sim_run_options options = {.observer = &observer};
            base_diag diag = {0};
            sim_audit_begin(audit);
            assert_ok(sim_machine_run(t.sim.machine, &options, &t.sim.result, &diag));
            assert_int_equal(t.sim.result.end, SIM_END_DONE);
            status = sim_audit_end(audit, true);
        }
        base_arena_destroy(arena);
        if (status == SY_OK) {
            break;
        }
        assert_int_equal(status, SY_ENOMEM);
        n_failed++;
    }
    assert_true(n_failed > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_then_read),
        cmocka_unit_test(test_read_then_write),
        cmocka_unit_test(test_fences_and_the_core),
        cmocka_unit_test(test_walks_are_exact),
        cmocka_unit_test(test_bytes_of_dram),
        cmocka_unit_test(test_one_unit_is_in_order),
        cmocka_unit_test(test_counting),
        cmocka_unit_test(test_buffers_in_turn),
        cmocka_unit_test(test_against_program_order),
        cmocka_unit_test(test_unwritten),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_balance),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
