// timeout: 300
/*
 * map.c -- one memory map for instructions and data: code that changes itself, the ends of the
 * window; the watched word; both models in lockstep.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core_suite.h"

enum { UNIFIED = 1 << ISA_HOST_CORE_MAP_UNIFIED_LOW, WATCH = 1 << ISA_HOST_CORE_MAP_WATCH_LOW };

#define BASE UINT32_C(0x80000000)

static sim_run_options options_of(uint32_t base)
{
    return (sim_run_options){.entry = suite.image.entry,
                             .max_cycles = 100000,
                             .core_map = UNIFIED | WATCH,
                             .core_base = base,
                             .core_watch = suite_address("tohost")};
}

/* a0 goes to tohost. */
static void signal(void)
{
    line(" la t6, tohost; sw a0, 0(t6)\nhang: j hang\n.align 3\ntohost: .word 0, 0");
}

static void run_image(void)
{
    suite_load_image(BASE);
    const sim_run_options options = options_of(BASE);
    suite_start(&options);
}

/* t1 is the instruction at label other (never executed there), t0 the address of label there. */
#define PREPARE "la t0, other; lw t1, 0(t0); la t0, there; li a0, 1; li a1, 6; li a2, 3\n"

static const struct {
    const char *text;
    const char *other;
    uint32_t want;
} changes[] = {
    /* the very next instruction, and those behind it */
    {PREPARE "sw t1, 0(t0)\nthere: addi a0, a0, 10", "addi a0, a0, 32", 33},
    {PREPARE "sw t1, 0(t0); nop\nthere: addi a0, a0, 10", "addi a0, a0, 32", 33},
    {PREPARE "sw t1, 0(t0); nop; nop\nthere: addi a0, a0, 10", "addi a0, a0, 32", 33},
    {PREPARE "sw t1, 0(t0); fence.i\nthere: addi a0, a0, 10", "addi a0, a0, 32", 33},
    /* halves and bytes of it */
    {PREPARE "srli t1, t1, 16; sh t1, 2(t0)\nthere: addi a0, a0, 10", "addi a0, a0, 32", 33},
    {PREPARE "sh t1, 0(t0)\nthere: addi a0, a0, 10", "addi a1, a0, 10", 1},
    {PREPARE "srli t1, t1, 24; sb t1, 3(t0)\nthere: addi a0, a0, 0x10", "addi a0, a0, 0x550",
     0x551},
    {PREPARE "sb t1, 0(t0)\nthere: addi a0, x0, 10", "lui a0, 0xA00", 0x00A00000},
    {PREPARE "sb t1, 0(t0); srli t1, t1, 8; sb t1, 1(t0); srli t1, t1, 8; sb t1, 2(t0); srli t1, "
             "t1, 8; sb t1, 3(t0)\nthere: .word 0",
     "addi a0, a0, 32", 33},
    {PREPARE "sh t1, 0(t0); srli t1, t1, 16; sh t1, 2(t0)\nthere: .word 0xFFFFFFFF",
     "addi a0, a0, 32", 33},
    /* of every kind: each has its own cycles */
    {PREPARE "sw t1, 0(t0)\nthere: mul a0, a1, a2", "div a0, a1, a2", 2},
    {PREPARE "sw t1, 0(t0)\nthere: div a0, a1, a2", "mul a0, a1, a2", 18},
    {PREPARE "sw t1, 0(t0)\nthere: nop", "lw a0, 0(t0)", 0x0002A503},
    {PREPARE "sw t1, 0(t0)\nthere: lw a0, 0(t0)", "addi a0, a0, 2", 3},
    {PREPARE "sw t1, 0(t0)\nthere: nop; li a0, 9; li a0, 8", "beq x0, x0, . + 8",
     8}, /* over one instruction */
    {PREPARE "sw t1, 0(t0)\nthere: beq x0, x0, . + 8; li a0, 9; addi a0, a0, 1", "addi a0, a0, 4",
     10},
    {PREPARE "sw t1, 0(t0)\nthere: nop", "csrrs a0, misa, x0", ISA_MISA_VALUE},
    {PREPARE "sw t1, 0(t0)\nthere: nop", "sw a1, 4(t0)",
     1}, /* which makes the next one the illegal word 6 ... */
    {PREPARE "li t2, 5\nsw t1, 0(t0)\nthere: nop; sw t2, 0(t0); lw a0, 0(t0)", "addi a0, a0, 32",
     5},
    /* a loop that changes its own body, backwards */
    {PREPARE "li s0, 0\nagain: addi s0, s0, 1\nthere: addi a0, a0, 10; sw t1, 0(t0); li t2, 3; bne "
             "s0, t2, again",
     "addi a0, a0, 100", 211},
    /* a store that writes over itself */
    {PREPARE "li s0, 0\nagain: addi s0, s0, 1\nthere: sw t1, 0(t0); li t2, 3; bne s0, t2, again",
     "addi a0, a0, 100", 201},
    /* the target of a jump, of a call, and what comes back from memory */
    {PREPARE "sw t1, 0(t0); j there; nop\nthere: addi a0, a0, 10", "addi a0, a0, 32", 33},
    {PREPARE "sw t1, 0(t0)\njalr ra, 0(t0); j on\nthere: nop; ret\non:", "addi a0, a0, 32", 33},
    {PREPARE "sw t1, 0(t0); lb a0, 0(t0)\nj on\nthere: nop\non:", "addi a0, a0, -1", 0x13},
    /* a word that was none becomes one, and the other way round */
    {PREPARE "sw t1, 0(t0)\nthere: .word 0", "addi a0, a0, 32", 33},
    {PREPARE "la t2, h; csrw mtvec, t2; sw t1, 0(t0)\nthere: nop\nh: csrr a0, mtval",
     ".word 0x1234567F", 0x1234567F},
    {PREPARE
     "la t2, h; csrw mtvec, t2\nthere: .word 0; addi a0, a0, 1; j on\nh: sw t1, 0(t0); mret\non:",
     "addi a0, a0, 32", 34},
    /* an address that traps changes nothing */
    {PREPARE "la t2, there; csrw mtvec, t2; sw t1, 1(t0)\nthere: addi a0, a0, 10",
     "addi a0, a0, 32", 11},
    /* an instruction for the units */
    {PREPARE "li a0, 77; sw t1, 0(t0)\nthere: nop; li a0, 1", "core.halt a0", 77},
};
enum { N_CHANGES = sizeof changes / sizeof changes[0] };

static void test_changes(void **state)
{
    (void)state;
    for (unsigned i = 0; i < N_CHANGES; i++) {
        if (strcmp(changes[i].other, "sw a1, 4(t0)") == 0) {
            line("_start: la t3, bad; csrw mtvec, t3\n%s\n addi a0, a0, 1\nbad:", changes[i].text);
        } else {
            line("_start: %s", changes[i].text);
        }
        signal();
        line(".align 2\nother: %s", changes[i].other);
        run_image();
        if (suite.result.end != SIM_END_DONE || suite.result.exit_code != changes[i].want) {
            fail_msg("%s with %s: end %d, 0x%x, expected 0x%x", changes[i].text, changes[i].other,
                     (int)suite.result.end, (unsigned)suite.result.exit_code,
                     (unsigned)changes[i].want);
        }
    }
}

/* The window: tiny has 64 KiB of IMEM and 16 KiB of DMEM, each at the base rounded down to its
 * size. */
static void test_window(void **state)
{
    (void)state;
    const uint32_t dmem_bytes = suite.config.dmem_bytes;
    const uint32_t imem_bytes = suite.config.imem_bytes;
    static const uint32_t bases[] = {0x80000000, 0, 0x10000000, 0xFFFF0000, 0x00070000};
    static const uint32_t given[] = {0x80000000, 0x3FFC, 0x10000004, 0xFFFF1234, 0x00070800};
    for (unsigned i = 0; i < sizeof bases / sizeof bases[0]; i++) {
        const uint32_t base = bases[i];
        line("_start: la t0, handler; csrw mtvec, t0; li s0, 0; li s1, 0x%x", (unsigned)base);
        line(" lw a1, 0(s1)"); /* the first word of the program */
        line(" li s2, 0x%x; sw s1, 0(s2); lw a2, 0(s2)", (unsigned)(base + dmem_bytes - 4));
        line(" lw a3, 4(s2)");                                    /* behind DMEM: cause 5 */
        line(" sb a3, 4(s2)");                                    /* 7 */
        line(" li s3, 0x%x; sw a3, 0(s3)", (unsigned)(base - 4)); /* 7 */
        line(" li s3, 0x%x; jalr ra, 0(s3)",
             (unsigned)(base + dmem_bytes)); /* IMEM goes on there: word 0, cause 2 */
        line(" li s3, 0x%x; jalr ra, 0(s3)", (unsigned)(base + imem_bytes)); /* behind IMEM: 1 */
        line(" li s3, 0x%x; jalr ra, 0(s3)", (unsigned)(base - 4));          /* 1 */
        line(" mv a0, s0; j done");
        line("handler: slli s0, s0, 4; csrr t0, mcause; or s0, s0, t0; addi t1, t0, -1; beqz t1, "
             "back; addi t1, t0, -2; beqz t1, back");
        line(" csrr t0, mepc; addi t0, t0, 4; csrw mepc, t0; mret\nback: csrw mepc, ra; "
             "mret\ndone:");
        signal();
        suite_load_image(base);
        sim_run_options options = options_of(base);
        options.core_base = given[i];
        /* What lies behind the program in IMEM is not defined by it. */
        const uint8_t zeros[4] = {0};
        assert_ok(sim_machine_write(suite.sim, SIM_IMEM, dmem_bytes, zeros, 4));
        if (suite.rtl != NULL) {
            assert_ok(sim_machine_write(suite.rtl, SIM_IMEM, dmem_bytes, zeros, 4));
        }
        suite_start(&options);
        assert_int_equal(suite.result.end, SIM_END_DONE);
        assert_int_equal(suite.result.exit_code, 0x577211);
        assert_int_equal(suite.result.core.x[11], base_get_le32(suite.image.segments[0].data));
        assert_int_equal(suite.result.core.x[12], base);
        assert_int_equal(suite.result.core.x[2],
                         ISA_DMEM_BASE + dmem_bytes); /* sp knows nothing of the map */
    }
}

/* What halts the core and what does not; a1 counts the stores that have not. */
static void test_watch(void **state)
{
    (void)state;
    static const struct {
        const char *text; /* t6 is tohost */
        uint32_t code, count;
        uint32_t word; /* left there */
    } cases[] = {
        {"li a0, 1; sw a0, 0(t6); addi a1, a1, 1", 1, 0, 1},
        {"sw x0, 0(t6); addi a1, a1, 1; li a0, 0x80000000; sw a0, 0(t6)", 0x80000000, 1,
         0x80000000},
        {"li a0, 5; sw a0, 4(t6); sw a0, -4(t6); addi a1, a1, 2; li a0, 3; sw a0, 0(t6)", 3, 2, 3},
        {"li a0, 0x12345678; sh a0, 0(t6)", 0x5678, 0, 0x5678},
        {"li a0, 0x12345678; sh a0, 2(t6)", 0x5678, 0, 0x56780000},
        {"li a0, 0xFFFF0000; sh a0, 0(t6); addi a1, a1, 1; li a0, -1; sh a0, 0(t6)", 0xFFFF, 1,
         0xFFFF},
        {"li a0, 0x12345680; sb a0, 3(t6)", 0x80, 0, 0x80000000},
        {"li a0, 0xFFFFFF00; sb a0, 1(t6); addi a1, a1, 1; li a0, 7; sb a0, 1(t6)", 7, 1, 0x700},
        {"la t0, on; csrw mtvec, t0; li a0, 1; sw a0, 1(t6)\non: addi a1, a1, 1; sb a0, 2(t6)", 1,
         1, 0x10000},
        {"addi t6, t6, 100; li a0, 9; sw a0, -100(t6)", 9, 0, 9},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        line("_start: la t6, tohost; li a1, 0; %s; addi a1, a1, 100; core.halt a1", cases[i].text);
        line(".align 3\n.word 0, 0\ntohost: .word 0, 0");
        run_image();
        const uint32_t offset = suite_address("tohost") - BASE;
        if (suite.result.end != SIM_END_DONE || suite.result.exit_code != cases[i].code ||
            suite.result.core.x[11] != cases[i].count ||
            suite_word(ISA_DMEM_BASE + offset) != cases[i].word) {
            fail_msg("%s: end %d, code 0x%x, count %u, word 0x%x", cases[i].text,
                     (int)suite.result.end, (unsigned)suite.result.exit_code,
                     (unsigned)suite.result.core.x[11],
                     (unsigned)suite_word(ISA_DMEM_BASE + offset));
        }
    }
}

/* The watch without the map, the map without the watch, an address with low bits. */
static void test_registers(void **state)
{
    (void)state;
    line("_start: la t6, tohost; li a0, 5; sw a0, 0(t6); li a0, 6; core.halt a0\n.data\n.word "
         "0\ntohost: .word 0");
    suite_run_to_halt();
    assert_int_equal(suite.result.exit_code, 6);
    suite_start(&(sim_run_options){.core_map = WATCH, .core_watch = ISA_DMEM_BASE + 4});
    assert_int_equal(suite.result.exit_code, 5);
    assert_int_equal(suite.result.cycles, 4);
    suite_start(&(sim_run_options){.core_map = WATCH, .core_watch = ISA_DMEM_BASE + 7});
    assert_int_equal(suite.result.exit_code, 5);
    suite_start(&(sim_run_options){.core_map = WATCH, .core_watch = ISA_DMEM_BASE});
    assert_int_equal(suite.result.exit_code, 6);
    suite_start(
        &(sim_run_options){.core_map = 0, .core_watch = ISA_DMEM_BASE + 4, .core_base = BASE});
    assert_int_equal(suite.result.exit_code, 6);

    line("_start: la t6, tohost; li a0, 5; sw a0, 0(t6); li a0, 6; core.halt a0\ntohost: .word 0");
    suite_load_image(BASE);
    sim_run_options options = options_of(BASE);
    options.core_map = UNIFIED;
    suite_start(&options);
    assert_int_equal(suite.result.exit_code, 6);
}

/* The limit around the store's cycle; units at work, in error, and hanging when it halts the core.
 */
static void test_ends(void **state)
{
    (void)state;
    line("_start: la t6, tohost; li a0, 5; div a1, a0, a0; sw a0, 0(t6)\nhang: j hang\ntohost: "
         ".word 0");
    suite_load_image(BASE);
    sim_run_options options = options_of(BASE);
    suite_start(&options);
    const uint64_t cycles = suite.result.cycles;
    assert_int_equal(cycles, 1 + 1 + 1 + ISA_CYCLES_DIV + 1);
    for (options.max_cycles = cycles - 2; options.max_cycles <= cycles + 2; options.max_cycles++) {
        suite_start(&options);
        const bool done = options.max_cycles >= cycles;
        assert_int_equal(suite.result.end, done ? SIM_END_DONE : SIM_END_LIMIT);
        assert_int_equal(suite.result.exit_code, done ? 5 : 0);
        assert_int_equal(suite.result.retired, done ? 5 : options.max_cycles == cycles - 1 ? 4 : 3);
    }
    /* a load of 64 bytes runs on: the run ends when it does */
    line("_start: ld.setf addr_lo=0, n0=64, n1=1, n2=1, n3=1, hi0=64, hi1=1, hi2=1, hi3=1, m0=16, "
         "m1=1, m2=1, m3=1, t0=1");
    line(" la t6, tohost; li a0, 1; ld.load x0; sw a0, 0(t6)\nhang: j hang\ntohost: .word 0");
    run_image();
    assert_int_equal(suite.result.end, SIM_END_DONE);
    assert_int_equal(suite.result.exit_code, 1);
    assert_true(suite.result.cycles > suite.result.retired + suite.config.dram_latency);
    /* an error of a unit does not stop a core that asks no unit; the end is the error's */
    line("_start: ld.load x0; li t0, 50\nwait: addi t0, t0, -1; bnez t0, wait; la t6, tohost; li "
         "a0, 1; sw a0, 0(t6)");
    line("hang: j hang\ntohost: .word 0");
    run_image();
    assert_int_equal(suite.result.end, SIM_END_ERROR);
    assert_int_equal(suite.result.error_unit, ISA_UNIT_LD);
    assert_int_equal(suite.result.exit_code, 1);
    /* a WAIT that nobody answers: the halted core makes it a deadlock */
    line("_start: li a0, 3; mxu.wait a0; la t6, tohost; sw a0, 0(t6)\nhang: j hang\ntohost: .word "
         "0");
    run_image();
    assert_int_equal(suite.result.end, SIM_END_DEADLOCK);
    assert_int_equal(suite.result.exit_code, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes), cmocka_unit_test(test_window),
        cmocka_unit_test(test_watch),   cmocka_unit_test(test_registers),
        cmocka_unit_test(test_ends),
    };
    return cmocka_run_group_tests(tests, suite_open, suite_close);
}
