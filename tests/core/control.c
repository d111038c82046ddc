// timeout: 300
/*
 * control.c -- branches and jumps of rv32im: corner operands, both ways, links, the farthest
 * targets, cycles; both models in lockstep.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core_suite.h"

static bool beq(uint32_t a, uint32_t b)
{
    return a == b;
}
static bool bne(uint32_t a, uint32_t b)
{
    return a != b;
}
static bool bltu(uint32_t a, uint32_t b)
{
    return a < b;
}
static bool bgeu(uint32_t a, uint32_t b)
{
    return a >= b;
}
static bool blt(uint32_t a, uint32_t b)
{
    return (int64_t)(int32_t)a < (int64_t)(int32_t)b;
}
static bool bge(uint32_t a, uint32_t b)
{
    return (int64_t)(int32_t)a >= (int64_t)(int32_t)b;
}

static const struct {
    const char *name;
    bool (*taken)(uint32_t a, uint32_t b);
} branches[] = {{"beq", beq}, {"bne", bne},   {"blt", blt},
                {"bge", bge}, {"bltu", bltu}, {"bgeu", bgeu}};
enum { N_BRANCHES = sizeof branches / sizeof branches[0] };

/* Each branch on each pair of corners, forwards, with the cycles it takes. */
static void test_conditions(void **state)
{
    (void)state;
    for (size_t k = 0; k < N_BRANCHES; k++) {
        line("_start: li s0, corners; li s2, results; li s3, results - corners; add s3, s3, s0");
        line("outer: li s1, corners");
        line("inner: lw a1, 0(s0); lw a2, 0(s1); li a0, 1; csrr s4, mcycle; %s a1, a2, taken; li "
             "a0, 0",
             branches[k].name);
        line("taken: csrr s5, mcycle; sub s5, s5, s4; slli s5, s5, 8; or a0, a0, s5; sh a0, 0(s2)");
        line(" addi s2, s2, 2; addi s1, s1, 4; bne s1, s3, inner; addi s0, s0, 4; bne s0, s3, "
             "outer; core.halt zero");
        suite_corner_data();
        line("results: .zero %d", 2 * SUITE_CORNERS * SUITE_CORNERS);
        suite_run_to_halt();
        for (uint32_t i = 0; i < SUITE_CORNERS * SUITE_CORNERS; i++) {
            const uint32_t a = suite_corners[i / SUITE_CORNERS];
            const uint32_t b = suite_corners[i % SUITE_CORNERS];
            const bool taken = branches[k].taken(a, b);
            const uint32_t word = suite_word(ISA_DMEM_BASE + 4 * (SUITE_CORNERS + i / 2)) >>
                                      16 * (i % 2) &
                                  0xFFFF;
            /* not taken: the branch, the li; both ways: the first csrr */
            const uint32_t cycles = taken ? 1 + ISA_CYCLES_TAKEN : 1 + ISA_CYCLES_BRANCH + 1;
            if (word != (cycles << 8 | taken)) {
                fail_msg("%s of 0x%08x, 0x%08x: %s, %u cycles, expected %s, %u", branches[k].name,
                         (unsigned)a, (unsigned)b, word & 1 ? "taken" : "not taken",
                         (unsigned)word >> 8, taken ? "taken" : "not taken", (unsigned)cycles);
            }
        }
    }
}

/* The farthest branch forwards and backwards: 4094 is no multiple of 4, so 4092, and -4096. */
static void test_branch_reach(void **state)
{
    (void)state;
    line("_start: li s0, 0; j middle");
    line("low: addi s0, s0, 1; j done");
    for (int i = 0; i < 1022; i++) {
        line(" core.halt s0");
    }
    line("middle: beq x0, x0, high");
    for (int i = 0; i < 1022; i++) {
        line(" core.halt s0");
    }
    line("high: addi s0, s0, 1; j middle2; nop");
    line("middle2: j back");
    line("done: addi s0, s0, 40; core.halt s0");
    line("back: la t0, low; jr t0");
    suite_run();
    assert_int_equal(suite.result.end, SIM_END_DONE);
    assert_int_equal(suite.result.exit_code, 42);
    assert_int_equal(suite_label("high") - suite_label("middle"), 4092);

    line("_start: li s0, 0; j high");
    line("low: addi s0, s0, 42; core.halt s0");
    for (int i = 0; i < 1022; i++) {
        line(" core.halt s0");
    }
    line("high: bne sp, x0, low; core.halt s0");
    suite_run();
    assert_int_equal(suite.result.exit_code, 42);
    assert_int_equal(suite_label("high") - suite_label("low"), 4096);
}

/* Links, jalr's low bit, rd = rs1, x0 as link, return chains, a jump to the last word of IMEM. */
static void test_jumps(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t want; /* in a0 */
    } cases[] = {
        {"here: jal a0, over\n nop\nover: la a1, here\n sub a0, a0, a1", 4},
        {"jal x0, over\n li a0, 9\nover: mv a0, x0", 0},
        {"la a1, over\nhere: jalr a0, 0(a1)\n nop\nover: la a1, here\n sub a0, a0, a1", 4},
        {"la a1, over\n jalr a0, 1(a1)\n li a0, 9\nover: li a0, 3", 3},
        {"la a1, over + 1\n jalr a0, 0(a1)\n li a0, 9\nover: li a0, 3", 3},
        {"la a1, over + 1\n jalr a0, -1(a1)\n li a0, 9\nover: li a0, 4", 4},
        {"la a1, over - 2047\n jalr a0, 2047(a1)\n li a0, 9\nover: li a0, 5", 5},
        {"la a1, over + 1024\n addi a1, a1, 1024\n jalr a0, -2048(a1)\n li a0, 9\nover: li a0, 6",
         6},
        {"la a0, over\nhere: jalr a0, 0(a0)\n nop\nover: la a1, here\n sub a0, a0, a1",
         4}, /* rd = rs1 */
        {"la a1, over\n jalr x0, 0(a1)\n nop\nover: mv a0, x0", 0},
        {"jalr a0, over(x0)\n li a0, 9\nover: li a0, 7", 7},
        {"li a0, 1\n call f\n addi a0, a0, 1\n j end\nf: addi a0, a0, 10\n mv s1, ra\n call g\n jr "
         "s1\ng: addi a0, a0, 100\n ret\nend:",
         112},
        {"li a0, 0\n li a1, 5\nloop: addi a0, a0, 3\n addi a1, a1, -1\n bnez a1, loop", 15},
        {"li a0, 65532\n li t0, 0x10000000\n j end\nend:", 65532},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        line("_start: li a0, 0\n%s\n core.halt a0", cases[i].text);
        suite_run();
        if (suite.result.end != SIM_END_DONE || suite.result.exit_code != cases[i].want) {
            fail_msg("%s: %u, expected %u", cases[i].text, (unsigned)suite.result.exit_code,
                     (unsigned)cases[i].want);
        }
    }
    /* The last word of IMEM is an instruction like any other, and the one behind it is not. */
    line("_start: la t0, handler; csrw mtvec, t0; la t0, last; jr t0");
    line("handler: csrr a0, mepc; csrr a1, mcause; add a0, a0, a1; core.halt a0");
    line(" .zero %u - 4 - .", (unsigned)suite.config.imem_bytes);
    line("last: nop");
    suite_run();
    assert_int_equal(suite.result.end, SIM_END_DONE);
    assert_int_equal(suite.result.exit_code, suite.config.imem_bytes + ISA_EXCEPTION_FETCH_FAULT);
}

static bool mine(isa_format format)
{
    return format == ISA_FORMAT_BRANCH || format == ISA_FORMAT_J;
}

static void test_covered(void **state)
{
    (void)state;
    suite_check_covered(mine);
    assert_true(suite.covered[ISA_OP_JALR]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_branch_reach),
        cmocka_unit_test(test_jumps),
        cmocka_unit_test(test_covered),
    };
    return cmocka_run_group_tests(tests, suite_open, suite_close);
}
