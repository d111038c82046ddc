// timeout: 300
/*
 * csr.c -- control and status registers of the core: which exist, what each instruction does to
 * each, the counts; both models in lockstep.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core_suite.h"

/* Notes the number of the CSR (bits 31:20 of the word that trapped) as a half word at s0, and goes
 * on behind it. */
static void handler(void)
{
    line("handler: csrr t0, mtval; srli t0, t0, 20; sh t0, 0(s0); addi s0, s0, 2; csrr t0, mcause; "
         "add s1, s1, t0");
    line(" csrr t0, mepc; addi t0, t0, 4; csrw mepc, t0; mret");
}

/* The numbers that exist, from the specification of the core. */
static bool exists(unsigned csr)
{
    static const uint16_t numbers[] = {
        0x300, 0x301, 0x304, 0x305, 0x310, 0x340, 0x341, 0x342, 0x343, 0x344,
        0x7A0, 0x7A1, 0x7A2, 0x7A3,                                           /* machine mode */
        0xB00, 0xB02, 0xB80, 0xB82, 0xC00, 0xC01, 0xC02, 0xC80, 0xC81, 0xC82, /* counts */
        0xF11, 0xF12, 0xF13, 0xF14, 0xF15,                                    /* identifiers */
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (numbers[i] == csr) {
            return true;
        }
    }
    return csr >= 0xFC0 && csr % 16 < 10; /* the units' counters */
}

static unsigned noted(unsigned i)
{
    return suite_word(ISA_DMEM_BASE + 4 * (i / 2)) >> 16 * (i % 2) & 0xFFFF;
}

/* All 4096 numbers, read; then all that cannot be written, written. */
static void test_numbers(void **state)
{
    (void)state;
    unsigned n = 0;
    line("_start: la t0, handler; csrw mtvec, t0; li s0, notes; li s1, 0");
    for (unsigned csr = 0; csr < 4096; csr++) {
        line(csr % 3 == 0   ? " csrrs a0, %u, x0"
             : csr % 3 == 1 ? " csrrci a0, %u, 0"
                            : " csrrsi x0, %u, 0",
             csr);
    }
    line(" core.halt s1");
    handler();
    line(".data\nnotes: .zero 8192");
    suite_run_to_halt();
    for (unsigned csr = 0; csr < 4096; csr++) {
        if (!exists(csr) && noted(n++) != csr) {
            fail_msg("reading CSR 0x%x: 0x%x has trapped next", csr, noted(n - 1));
        }
    }
    assert_int_equal(suite.result.exit_code, n * ISA_EXCEPTION_ILLEGAL);

    line("_start: la t0, handler; csrw mtvec, t0; li s0, notes; li s1, 0; li a1, 1");
    for (unsigned csr = 0xC00; csr < 4096; csr++) {
        line(csr % 3 == 0   ? " csrrw x0, %u, x0"
             : csr % 3 == 1 ? " csrrsi a0, %u, 4"
                            : " csrrc a0, %u, a1",
             csr);
    }
    line(" core.halt s1");
    handler();
    line(".data\nnotes: .zero 8192");
    suite_run_to_halt();
    assert_int_equal(suite.result.exit_code, 1024 * ISA_EXCEPTION_ILLEGAL);
    for (unsigned csr = 0xC00; csr < 4096; csr++) {
        assert_int_equal(noted(csr - 0xC00), csr);
    }
}

/* What a register keeps of what is written, and what it reads besides. */
static const struct {
    const char *name;
    uint32_t kept, fixed;
} registers[] = {
    {"mscratch", 0xFFFFFFFF, 0},
    {"mtvec", 0xFFFFFFFC, 0},
    {"mepc", 0xFFFFFFFC, 0},
    {"mcause", 0xFFFFFFFF, 0},
    {"mtval", 0xFFFFFFFF, 0},
    {"mstatus", 0x88, 0x1800},
    {"misa", 0, ISA_MISA_VALUE},
    {"mie", 0, 0},
    {"mip", 0, 0},
    {"mstatush", 0, 0},
    {"tselect", 0, 0},
    {"tdata1", 0, 0},
};
enum { N_REGISTERS = sizeof registers / sizeof registers[0] };

/* Each of the six instructions on each of them: the old value is read, the new one stays. */
static void test_instructions(void **state)
{
    (void)state;
    static const char *const names[6] = {"csrrw", "csrrs", "csrrc", "csrrwi", "csrrsi", "csrrci"};
    static const uint32_t values[] = {0, 0xFFFFFFFF, 0x5555AAAA, 0x0000008B, 0x13};
    enum { N_VALUES = sizeof values / sizeof values[0] };
    for (unsigned r = 0; r < N_REGISTERS; r++) {
        unsigned n = 0;
        line("_start: li s0, results");
        for (unsigned op = 0; op < 6; op++) {
            for (unsigned before = 0; before < N_VALUES; before++) {
                for (unsigned with = 0; with < N_VALUES; with++) {
                    line(" li a1, 0x%x; csrw %s, a1; li a1, 0x%x; li a0, 0",
                         (unsigned)values[before], registers[r].name, (unsigned)values[with]);
                    if (op < 3) {
                        line(" %s a0, %s, a1", names[op], registers[r].name);
                    } else {
                        line(" %s a0, %s, %u", names[op], registers[r].name,
                             (unsigned)values[with] & 31);
                    }
                    line(" csrr a2, %s; sw a0, %u(s0); sw a2, %u(s0)", registers[r].name, 8 * n,
                         8 * n + 4);
                    n = (n + 1) % 200;
                }
            }
        }
        line(" core.halt zero\n.data\nresults: .zero 1600");
        suite_run_to_halt();
        for (unsigned i = 0; i < 6 * N_VALUES * N_VALUES; i++) {
            const unsigned op = i / (N_VALUES * N_VALUES);
            const uint32_t kept = registers[r].kept;
            const uint32_t old = values[i / N_VALUES % N_VALUES] & kept;
            const uint32_t operand = op < 3 ? values[i % N_VALUES] : values[i % N_VALUES] & 31;
            const uint32_t written = op % 3 == 0   ? operand
                                     : op % 3 == 1 ? old | operand
                                                   : old & ~operand;
            const uint32_t want[2] = {old | registers[r].fixed,
                                      (written & kept) | registers[r].fixed};
            for (unsigned k = 0; k < 2; k++) {
                const uint32_t got = suite_word(ISA_DMEM_BASE + 8 * i + 4 * k);
                if (got != want[k]) {
                    fail_msg("%s of %s, case %u: %s value 0x%x, expected 0x%x", names[op],
                             registers[r].name, i, k == 0 ? "old" : "new", (unsigned)got,
                             (unsigned)want[k]);
                }
            }
        }
    }
}

/* The same register as source and destination; x0 as either. */
static void test_operands(void **state)
{
    (void)state;
    line("_start: li s0, results; li a0, 0x111; csrw mscratch, a0; li a0, 0x222");
    line(" csrrw a0, mscratch, a0; sw a0, 0(s0); csrr a1, mscratch; sw a1, 4(s0)"); /* swapped */
    line(" li a0, 0x444; csrrs a0, mscratch, a0; sw a0, 8(s0); csrr a1, mscratch; sw a1, 12(s0)");
    line(" li a0, 0x600; csrrc a0, mscratch, a0; sw a0, 16(s0); csrr a1, mscratch; sw a1, 20(s0)");
    line(" li a0, 7; csrrw x0, mscratch, a0; sw x0, 24(s0); csrr a1, mscratch; sw a1, 28(s0)");
    line(
        " csrrw a0, mscratch, x0; sw a0, 32(s0); csrr a1, mscratch; sw a1, 36(s0); core.halt zero");
    line(".data\nresults: .zero 64");
    suite_run_to_halt();
    static const uint32_t want[] = {0x111, 0x222, 0x222, 0x666, 0x666, 0x066, 0, 7, 7, 0};
    for (unsigned i = 0; i < sizeof want / sizeof want[0]; i++) {
        assert_int_equal(suite_word(ISA_DMEM_BASE + 4 * i), want[i]);
    }
}

/* mcycle and minstret: what they count, what writing does to them, carries, their read-only names.
 */
static void test_counts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t want; /* in a0 */
    } cases[] = {
        {"csrr a0, mcycle", 0},
        {"csrr a0, minstret", 0},
        {"csrr a0, mcycleh", 0},
        {"csrr a0, minstreth", 0},
        {"nop\n csrr a1, mcycle\n csrr a0, cycle\n sub a0, a0, a1", 1},
        {"nop\n csrr a1, mcycle\n csrr a0, time\n sub a0, a0, a1", 1},
        {"nop\n csrr a1, minstret\n csrr a0, instret\n sub a0, a0, a1", 1},
        /* each instruction counts once, however long it takes */
        {"li a1, 7\n csrr s0, minstret\n div a2, a1, a1\n mul a2, a1, a1\n beq x0, x0, on\non: lw "
         "a2, -4(sp)\n csrr a0, minstret\n sub a0, a0, s0",
         5},
        {"li a1, 7\n csrr s0, mcycle\n div a2, a1, a1\n csrr a0, mcycle\n sub a0, a0, s0",
         1 + ISA_CYCLES_DIV},
        {"li a1, 7\n csrr s0, mcycle\n mul a2, a1, a1\n csrr a0, mcycle\n sub a0, a0, s0",
         1 + ISA_CYCLES_MUL},
        {"csrr s0, mcycle\n lw a2, -4(sp)\n csrr a0, mcycle\n sub a0, a0, s0", 1 + ISA_CYCLES_LOAD},
        {"csrr s0, mcycle\n sw a2, -4(sp)\n csrr a0, mcycle\n sub a0, a0, s0",
         1 + ISA_CYCLES_STORE},
        {"csrr s0, mcycle\n j on\non: csrr a0, mcycle\n sub a0, a0, s0", 1 + ISA_CYCLES_TAKEN},
        {"csrr s0, mcycle\n fence\n fence.i\n wfi\n csrr a0, mcycle\n sub a0, a0, s0",
         1 + 3 * ISA_CYCLES_ALU},
        /* a write is read by the very next instruction, and has not been counted */
        {"li a1, 1000\n csrw minstret, a1\n csrr a0, minstret", 1000},
        {"li a1, 1000\n csrw minstret, a1\n nop\n nop\n csrr a0, minstret", 1002},
        {"li a1, 1000\n csrw mcycle, a1\n csrr a0, mcycle", 1000},
        {"li a1, 1000\n csrw mcycle, a1\n div a2, a1, a1\n csrr a0, cycle", 1000 + ISA_CYCLES_DIV},
        {"csrrsi x0, minstret, 16\n csrr a0, minstret", 16},
        {"li a1, 255\n csrw minstret, a1\n csrrci a2, minstret, 15\n csrr a0, minstret", 240},
        {"li a1, 1000\n csrw mcycle, a1\n csrrwi a0, mcycle, 5\n csrr a2, mcycle\n add a0, a0, a2",
         1005},
        /* carries */
        {"li a1, -1\n csrw minstret, a1\n nop\n csrr a0, minstreth", 1},
        {"li a1, -1\n csrw minstret, a1\n csrr a0, minstreth", 0},
        {"li a1, -2\n csrw mcycle, a1\n nop\n csrr a2, mcycleh\n csrr a0, timeh\n slli a2, a2, 4\n "
         "or a0, a0, a2",
         1},
        {"li a1, -1\n csrw minstret, a1\n csrw minstreth, a1\n nop\n csrr a1, minstret\n csrr a0, "
         "instreth\n or a0, a0, a1",
         0},
        {"li a1, -1\n csrw mcycle, a1\n csrw mcycleh, a1\n csrr a2, mcycle\n csrr a0, cycleh\n add "
         "a0, a0, a2",
         0xFFFFFFFF},
        {"li a1, 9\n csrw mcycleh, a1\n csrr a0, cycleh", 9},
        {"li a1, 9\n csrw minstreth, a1\n csrr a0, minstreth", 9},
        /* an exception does not retire, its cycles pass */
        {"la t0, h\n csrw mtvec, t0\n csrr s0, minstret\n ecall\nh: csrr a0, minstret\n sub a0, "
         "a0, s0",
         1},
        {"la t0, h\n csrw mtvec, t0\n csrr s0, mcycle\n ecall\nh: csrr a0, mcycle\n sub a0, a0, s0",
         1 + ISA_CYCLES_TRAP},
        /* the run's own numbers do not follow a write: see the end */
        {"li a1, 5000\n csrw minstret, a1\n csrw mcycle, a1\n li a0, 3", 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        line("_start: %s\n core.halt a0", cases[i].text);
        suite_run_to_halt();
        if (suite.result.exit_code != cases[i].want) {
            fail_msg("%s: %u, expected %u", cases[i].text, (unsigned)suite.result.exit_code,
                     (unsigned)cases[i].want);
        }
    }
    assert_int_equal(suite.result.retired, 6);
    assert_int_equal(suite.result.cycles, 6);
}

static bool mine(isa_format format)
{
    return format == ISA_FORMAT_CSR || format == ISA_FORMAT_CSRI || format == ISA_FORMAT_FENCE;
}

static void test_covered(void **state)
{
    (void)state;
    suite_check_covered(mine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),  cmocka_unit_test(test_instructions),
        cmocka_unit_test(test_operands), cmocka_unit_test(test_counts),
        cmocka_unit_test(test_covered),
    };
    return cmocka_run_group_tests(tests, suite_open, suite_close);
}
