// timeout: 300
/*
 * traps.c -- exceptions of the core: cause, pc, value, what is left undone, what they cost, and how
 * they end; both models in lockstep.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core_suite.h"

/* A trap handler that notes the trap and goes on at s10. */
enum {
    NOTE_CAUSE,
    NOTE_PC,
    NOTE_VALUE,
    NOTE_STATUS,
    NOTE_RETIRED,
    NOTE_CYCLE,
    NOTE_A0,
    NOTE_A1,
    NOTE_BEFORE_RETIRED,
    NOTE_BEFORE_CYCLE,
    NOTE_RA,
    NOTE_WORDS
};

static void handler(void)
{
    static const char *const csrs[] = {"mcause", "mepc", "mtval", "mstatus", "minstret", "mcycle"};
    line("handler: csrw mscratch, t0");
    for (int i = 0; i < 6; i++) {
        line(" csrr t0, %s; sw t0, %d(s11)", csrs[i], 4 * i);
    }
    line(" sw a0, 24(s11); sw a1, 28(s11); sw s8, 32(s11); sw s9, 36(s11); sw ra, 40(s11); addi "
         "s11, s11, %d",
         4 * NOTE_WORDS);
    line(" csrw mepc, s10; csrr t0, mscratch; mret");
}

typedef struct trap_case {
    const char *set_up;
    const char *text; /* raises at label here; a0 is where it would leave something */
    uint32_t cause;
    uint32_t value;
    uint32_t pc; /* 0: of the instruction itself */
} trap_case;

#define AT_HERE 0xFFFFFFF0 /* mtval is here's address */

static const trap_case cases[] = {
    {"", "ecall", ISA_EXCEPTION_ECALL, 0, 0},
    {"", "ebreak", ISA_EXCEPTION_BREAKPOINT, AT_HERE, 0},
    {"", ".word 0", ISA_EXCEPTION_ILLEGAL, 0, 0},
    {"", ".word 0xFFFFFFFF", ISA_EXCEPTION_ILLEGAL, 0xFFFFFFFF, 0},
    {"", ".word 0x10200073", ISA_EXCEPTION_ILLEGAL, 0x10200073, 0}, /* sret */
    {"", ".word 0x00200073", ISA_EXCEPTION_ILLEGAL, 0x00200073, 0}, /* uret */
    {"", ".word 0x70200073", ISA_EXCEPTION_ILLEGAL, 0x70200073, 0}, /* mnret */
    {"", ".word 0x12000073", ISA_EXCEPTION_ILLEGAL, 0x12000073, 0}, /* sfence.vma */
    {"", ".word 0xC0001073", ISA_EXCEPTION_ILLEGAL, 0xC0001073, 0}, /* unimp: csrw cycle */
    {"", ".word 0x0000006B", ISA_EXCEPTION_ILLEGAL, 0x0000006B, 0},
    {"", ".word 0x02B51513", ISA_EXCEPTION_ILLEGAL, 0x02B51513, 0}, /* slli with a shamt of 43 */
    {"", ".word 0x02055513", ISA_EXCEPTION_ILLEGAL, 0x02055513, 0}, /* srli with bit 5 */
    {"", ".word 0x0005350F", ISA_EXCEPTION_ILLEGAL, 0x0005350F, 0}, /* MISC-MEM, funct3 3 */
    {"", ".word 0x0005B503", ISA_EXCEPTION_ILLEGAL, 0x0005B503, 0}, /* ld */
    {"", ".word 0x0005E503", ISA_EXCEPTION_ILLEGAL, 0x0005E503, 0}, /* lwu */
    {"", ".word 0x00A5B023", ISA_EXCEPTION_ILLEGAL, 0x00A5B023, 0}, /* sd */
    {"", ".word 0x1005A52F", ISA_EXCEPTION_ILLEGAL, 0x1005A52F, 0}, /* lr.w */
    {"", ".word 0x0005A507", ISA_EXCEPTION_ILLEGAL, 0x0005A507, 0}, /* flw */
    {"", ".word 0x0085053B", ISA_EXCEPTION_ILLEGAL, 0x0085053B, 0}, /* addw */
    {"", ".word 0x00859567", ISA_EXCEPTION_ILLEGAL, 0x00859567, 0}, /* jalr, funct3 1 */
    {"", ".word 0x00B52463", ISA_EXCEPTION_ILLEGAL, 0x00B52463, 0}, /* branch, funct3 2 */
    {"", ".word 0x40B51533", ISA_EXCEPTION_ILLEGAL, 0x40B51533, 0}, /* sll, funct7 0x20 */
    {"", ".word 0x04B50533", ISA_EXCEPTION_ILLEGAL, 0x04B50533, 0}, /* OP, funct7 2 */
    {"", ".word 0x00004073", ISA_EXCEPTION_ILLEGAL, 0x00004073, 0}, /* SYSTEM, funct3 4 */
    {"", ".word 0x0600458B", ISA_EXCEPTION_ILLEGAL, 0x0600458B, 0}, /* core.fence with rd */
    {"", ".word 0x7E00400B", ISA_EXCEPTION_ILLEGAL, 0x7E00400B, 0}, /* core, funct7 0x3F */
    {"", ".word 0x0200500B", ISA_EXCEPTION_ILLEGAL, 0x0200500B, 0}, /* no unit 5 */
    {"", "csrr a0, 0x7C0", ISA_EXCEPTION_ILLEGAL, 0x7C002573, 0},
    {"", "csrrw a0, mhartid, a1", ISA_EXCEPTION_ILLEGAL, 0xF1459573, 0},
    {"", "csrrs a0, mhartid, a1", ISA_EXCEPTION_ILLEGAL, 0xF145A573, 0},
    {"", "csrrwi a0, cycle, 0", ISA_EXCEPTION_ILLEGAL, 0xC0005573, 0},
    {"", "csrrci a0, 0xFC0, 1", ISA_EXCEPTION_ILLEGAL, 0xFC00F573, 0},
    {"", "csrr a0, 0xFCA", ISA_EXCEPTION_ILLEGAL, 0xFCA02573, 0}, /* no such counter */
    {"li a1, 0x10000001", "lh a0, 0(a1)", ISA_EXCEPTION_LOAD_MISALIGNED, 0x10000001, 0},
    {"li a1, 0x10000003", "lhu a0, 0(a1)", ISA_EXCEPTION_LOAD_MISALIGNED, 0x10000003, 0},
    {"li a1, 0x10000001", "lw a0, 0(a1)", ISA_EXCEPTION_LOAD_MISALIGNED, 0x10000001, 0},
    {"li a1, 0x10000000", "lw a0, 2(a1)", ISA_EXCEPTION_LOAD_MISALIGNED, 0x10000002, 0},
    {"li a1, 0x10000004", "lw a0, -1(a1)", ISA_EXCEPTION_LOAD_MISALIGNED, 0x10000003, 0},
    {"li a1, 0x10000001", "sh a0, 0(a1)", ISA_EXCEPTION_STORE_MISALIGNED, 0x10000001, 0},
    {"li a1, 0x10000001", "sw a0, 0(a1)", ISA_EXCEPTION_STORE_MISALIGNED, 0x10000001, 0},
    {"li a1, 0x10000002", "sw a0, 0(a1)", ISA_EXCEPTION_STORE_MISALIGNED, 0x10000002, 0},
    {"li a1, 0x10000002", "sw a0, 1(a1)", ISA_EXCEPTION_STORE_MISALIGNED, 0x10000003, 0},
    {"li a1, 0x0FFFFFFF", "lb a0, 0(a1)", ISA_EXCEPTION_LOAD_FAULT, 0x0FFFFFFF, 0},
    {"li a1, 0x10004000", "lbu a0, 0(a1)", ISA_EXCEPTION_LOAD_FAULT, 0x10004000,
     0}, /* tiny has 16 KiB */
    {"li a1, 0x10004000", "lh a0, 0(a1)", ISA_EXCEPTION_LOAD_FAULT, 0x10004000, 0},
    {"li a1, 0x10003FFC", "lw a0, 4(a1)", ISA_EXCEPTION_LOAD_FAULT, 0x10004000, 0},
    {"li a1, 0", "lw a0, 0(a1)", ISA_EXCEPTION_LOAD_FAULT, 0, 0}, /* IMEM is no data */
    {"li a1, 0x90000000", "lhu a0, 0(a1)", ISA_EXCEPTION_LOAD_FAULT, 0x90000000, 0},
    {"li a1, 0", "lw a0, -4(a1)", ISA_EXCEPTION_LOAD_FAULT, 0xFFFFFFFC, 0},
    {"li a1, 0", "sb a0, -1(a1)", ISA_EXCEPTION_STORE_FAULT, 0xFFFFFFFF, 0},
    {"li a1, 0x10004000", "sh a0, 0(a1)", ISA_EXCEPTION_STORE_FAULT, 0x10004000, 0},
    {"li a1, 0x20000000", "sw a0, 0(a1)", ISA_EXCEPTION_STORE_FAULT, 0x20000000, 0},
    {"li a1, 0x100", "sw a0, 0(a1)", ISA_EXCEPTION_STORE_FAULT, 0x100, 0},
    {"li a1, 0x10004001", "lw a0, 0(a1)", ISA_EXCEPTION_LOAD_MISALIGNED, 0x10004001,
     0}, /* misaligned comes first */
    {"li a1, 0x3", "sh a0, 0(a1)", ISA_EXCEPTION_STORE_MISALIGNED, 3, 0},
    {"li a1, 0x202", "jalr ra, 0(a1)", ISA_EXCEPTION_FETCH_MISALIGNED, 0x202, 0},
    {"li a1, 0x203", "jalr ra, 0(a1)", ISA_EXCEPTION_FETCH_MISALIGNED, 0x202, 0},
    {"li a1, 0x200", "jalr a1, -2(a1)", ISA_EXCEPTION_FETCH_MISALIGNED, 0x1FE, 0},
    {"", ".word 0x006000EF", ISA_EXCEPTION_FETCH_MISALIGNED, AT_HERE + 6, 0}, /* jal ra, here + 6 */
    {"", ".word 0xFE000FE3", ISA_EXCEPTION_FETCH_MISALIGNED, AT_HERE - 2,
     0}, /* beq x0, x0, here - 2 */
    {"", ".word 0x00B51363", ISA_EXCEPTION_FETCH_MISALIGNED, AT_HERE + 6,
     0}, /* bne a0, a1, here + 6 */
    {"li a1, 0x10000", "jr a1", ISA_EXCEPTION_FETCH_FAULT, 0x10000,
     0x10000}, /* tiny has 64 KiB of IMEM */
    {"li a1, 0x10000000", "jr a1", ISA_EXCEPTION_FETCH_FAULT, 0x10000000, 0x10000000},
    {"li a1, 0", "jalr x0, -4(a1)", ISA_EXCEPTION_FETCH_FAULT, 0xFFFFFFFC, 0xFFFFFFFC},
};
enum { N_CASES = sizeof cases / sizeof cases[0] };

/* Exceptions 0 and 2 to 11 belong to an instruction, which has done nothing; 1 to the pc that a
 * jump has gone to. */
static void check_note(unsigned k, uint32_t here)
{
    const trap_case *c = &cases[k];
    const bool jumped = c->cause == ISA_EXCEPTION_FETCH_FAULT;
    uint32_t note[NOTE_WORDS];
    for (unsigned i = 0; i < NOTE_WORDS; i++) {
        note[i] = suite_word(ISA_DMEM_BASE + 64 + 4 * (k * NOTE_WORDS + i));
    }
    const bool relative = c->value >= AT_HERE - 8 && c->value < AT_HERE + 8;
    const uint32_t want[NOTE_WORDS] = {
        [NOTE_CAUSE] = c->cause,
        [NOTE_PC] = c->pc != 0 ? c->pc : here,
        [NOTE_VALUE] = relative && c->cause != ISA_EXCEPTION_STORE_FAULT
                           ? here + (c->value - AT_HERE)
                           : c->value,
        [NOTE_STATUS] = 0x1880, /* MIE was set: it is in MPIE */
        /* the two csrr before it, nine of the handler; a jump that has gone wrong later has retired
         */
        [NOTE_RETIRED] = note[NOTE_BEFORE_RETIRED] + 2 + 9 + jumped,
        [NOTE_CYCLE] = note[NOTE_BEFORE_CYCLE] + 1 + ISA_CYCLES_TRAP + 11 +
                       (jumped ? ISA_CYCLES_TAKEN : 0),
        [NOTE_A0] = 0x5EED,
        [NOTE_A1] = note[NOTE_A1],
        [NOTE_BEFORE_RETIRED] = note[NOTE_BEFORE_RETIRED],
        [NOTE_BEFORE_CYCLE] = note[NOTE_BEFORE_CYCLE],
        [NOTE_RA] = 0x7777,
    };
    static const char *const names[NOTE_WORDS] = {
        "mcause", "mepc", "mtval", "mstatus", "minstret", "mcycle", "a0", "a1", "", "", "ra"};
    for (unsigned i = 0; i < NOTE_WORDS; i++) {
        if (note[i] != want[i]) {
            fail_msg("%s; %s: %s is 0x%x, expected 0x%x", c->set_up, c->text, names[i],
                     (unsigned)note[i], (unsigned)want[i]);
        }
    }
}

static void test_each(void **state)
{
    (void)state;
    line("_start: la t0, handler; csrw mtvec, t0; li s11, notes; li s7, 0");
    for (unsigned k = 0; k < N_CASES; k++) {
        line(" li a0, 0x5EED; li ra, 0x7777; li a1, 0; csrwi mstatus, 8; la s10, resume%u", k);
        line(" %s", cases[k].set_up);
        line(" csrr s8, minstret; csrr s9, mcycle");
        line("here%u: %s", k, cases[k].text);
        line(" addi s7, s7, 1"); /* never */
        line("resume%u:", k);
    }
    line(" core.halt s7");
    handler();
    line(".data\n .word 0x13579BDF, 0x2468ACE0\n .zero 56\nnotes: .zero %u",
         4 * N_CASES * NOTE_WORDS);
    suite_run_to_halt();
    assert_int_equal(suite.result.exit_code, 0);
    for (unsigned k = 0; k < N_CASES; k++) {
        char label[16];
        (void)snprintf(label, sizeof label, "here%u", k);
        check_note(k, suite_label(label));
    }
    assert_int_equal(suite_word(ISA_DMEM_BASE), 0x13579BDF); /* no store has left anything */
    assert_int_equal(suite_word(ISA_DMEM_BASE + 4), 0x2468ACE0);
}

/* A branch that is not taken may have any target. */
static void test_not_taken(void **state)
{
    (void)state;
    line("_start: li a0, 1; li a1, 1");
    line(" .word 0x00B51363; addi a0, a0, 2"); /* bne a0, a1, + 6 */
    line(" core.halt a0");
    suite_run_to_halt();
    assert_int_equal(suite.result.exit_code, 3);
}

/* ---- words that are no instruction ---- */

/* Whether a word is an instruction of rv32im, Zicsr, Zifencei or machine mode: from the
 * specification; custom-0 and CSRs apart. */
static bool is_rv32im(uint32_t word)
{
    const uint32_t f3 = word >> 12 & 7;
    const uint32_t f7 = word >> 25;
    switch (word & 0x7F) {
    case 0x37:
    case 0x17:
    case 0x6F:
        return true;
    case 0x67:
        return f3 == 0;
    case 0x63:
        return f3 != 2 && f3 != 3;
    case 0x03:
        return f3 <= 5 && f3 != 3;
    case 0x23:
        return f3 <= 2;
    case 0x13:
        return f3 == 1 ? f7 == 0 : f3 == 5 ? f7 == 0 || f7 == 0x20 : true;
    case 0x33:
        return f7 <= 1 || (f7 == 0x20 && (f3 == 0 || f3 == 5));
    case 0x0F:
        return f3 <= 1;
    case 0x73:
        return f3 != 4 && (f3 != 0 || word == 0x00000073 || word == 0x00100073 ||
                           word == 0x30200073 || word == 0x10500073);
    case 0x0B:
        return (word >> 7 & 31) == 0;
    default:
        return false;
    }
}

static void test_illegal_words(void **state)
{
    (void)state;
    enum { N = 3600 };
    static uint32_t words[N];
    static const uint8_t opcodes[] = {0x67, 0x63, 0x03, 0x23, 0x13, 0x33, 0x0F,
                                      0x73, 0x0B, 0x2F, 0x3B, 0x07, 0x53};
    uint32_t random = 1;
    unsigned n = 0;
    line("_start: la t0, handler; csrw mtvec, t0; li s0, notes; li s1, 0; li s2, 0");
    for (unsigned i = 0; n < N; i++) {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        const uint32_t opcode = i < 128 * 8 ? i / 8 : opcodes[i % sizeof opcodes];
        const uint32_t word = (random & ~UINT32_C(0x7F)) | opcode;
        if (!is_rv32im(word)) {
            line(" .word 0x%08x", (unsigned)word);
            words[n++] = word;
        }
    }
    line(" core.halt s2");
    line("handler: csrr t0, mtval; sw t0, 0(s0); addi s0, s0, 4; csrr t0, mcause; add s2, s2, t0; "
         "csrr t0, mepc; addi t0, t0, 4; csrw mepc, t0; mret");
    line(".data\nnotes: .zero %d", 4 * N);
    suite_run_to_halt();
    assert_int_equal(suite.result.exit_code, N * ISA_EXCEPTION_ILLEGAL);
    for (unsigned i = 0; i < N; i++) {
        if (suite_word(ISA_DMEM_BASE + 4 * i) != words[i]) {
            fail_msg("word %u, 0x%08x, has not trapped: 0x%08x has", i, (unsigned)words[i],
                     (unsigned)suite_word(ISA_DMEM_BASE + 4 * i));
        }
    }
}

/* ---- mstatus, mret, traps in traps ---- */

static void test_status(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 4; bits++) {
        const uint32_t mie = bits & 1;
        const uint32_t mpie = bits >> 1;
        line("_start: la t0, handler; csrw mtvec, t0; li s0, results; li t1, %u; csrw mstatus, t1; "
             "ecall",
             (unsigned)(mie << 3 | mpie << 7));
        line(" csrr a3, mstatus; la t0, second; csrw mepc, t0; li t1, %u; csrw mstatus, t1; mret; "
             "core.halt s0",
             (unsigned)(mie << 3 | mpie << 7));
        line("second: csrr a4, mstatus; sw a2, 0(s0); sw a3, 4(s0); sw a4, 8(s0); core.halt zero");
        line("handler: csrr a2, mstatus; csrr t0, mepc; addi t0, t0, 4; csrw mepc, t0; mret");
        line(".data\nresults: .zero 16");
        suite_run_to_halt();
        assert_int_equal(suite.result.exit_code, 0);
        assert_int_equal(suite_word(ISA_DMEM_BASE),
                         0x1800 | mie << 7); /* in the handler: MPIE = MIE, MIE = 0 */
        assert_int_equal(suite_word(ISA_DMEM_BASE + 4),
                         0x1880 | mie << 3); /* after mret: MIE = MPIE, MPIE = 1 */
        assert_int_equal(suite_word(ISA_DMEM_BASE + 8),
                         0x1880 | mpie << 3); /* after an mret that had no trap */
    }
}

static void test_nested(void **state)
{
    (void)state;
    line("_start: la t0, outer; csrw mtvec, t0; csrwi mstatus, 8; li s0, results");
    line("first: ecall");
    line("outer: csrr a0, mepc; sw a0, 0(s0); la t0, inner; csrw mtvec, t0");
    line("second: lw a1, 1(s0)");
    line("inner: csrr a0, mepc; sw a0, 4(s0); csrr a0, mcause; sw a0, 8(s0); csrr a0, mtval; sw "
         "a0, 12(s0); csrr a0, mstatus; sw a0, 16(s0)");
    line(" core.halt zero");
    line(".data\nresults: .zero 32");
    suite_run_to_halt();
    assert_int_equal(suite_word(ISA_DMEM_BASE), suite_label("first"));
    assert_int_equal(suite_word(ISA_DMEM_BASE + 4), suite_label("second"));
    assert_int_equal(suite_word(ISA_DMEM_BASE + 8), ISA_EXCEPTION_LOAD_MISALIGNED);
    assert_int_equal(suite_word(ISA_DMEM_BASE + 12), ISA_DMEM_BASE + 1);
    assert_int_equal(suite_word(ISA_DMEM_BASE + 16), 0x1800); /* both lost */
}

/* mret to where there is nothing; a handler where there is nothing, which traps for ever. */
static void test_nowhere(void **state)
{
    (void)state;
    line("_start: la t0, handler; csrw mtvec, t0; li t0, 0x40000000; csrw mepc, t0; mret");
    line("handler: csrr a0, mepc; csrr a1, mcause; add a0, a0, a1; core.halt a0");
    suite_run_to_halt();
    assert_int_equal(suite.result.exit_code, 0x40000000 + ISA_EXCEPTION_FETCH_FAULT);

    line("_start: li t0, 0x50000000; csrw mtvec, t0; ecall");
    base_diag diag = {0};
    base_buf_putc(&suite.text, '\0');
    assert_ok(isa_assemble(suite.arena, suite.text.data, "test", &suite.program, NULL, &diag));
    base_buf_clear(&suite.text);
    assert_ok(rt_machine_load(suite.sim, &suite.program, &diag));
    if (suite.rtl != NULL) {
        assert_ok(rt_machine_load(suite.rtl, &suite.program, &diag));
    }
    for (uint64_t limit = 1001; limit < 1005; limit++) {
        suite_start(&(sim_run_options){.max_cycles = limit});
        assert_int_equal(suite.result.end, SIM_END_LIMIT);
        assert_int_equal(suite.result.retired, 2);
    }
}

/* Without a handler the core stops: the error names the cause; what ran before stays. */
static void test_stop(void **state)
{
    (void)state;
    for (unsigned k = 0; k < N_CASES; k++) {
        line("_start: li a0, 0x5EED; li a1, 0; csrr s8, mcycle");
        line(" %s\n %s", cases[k].set_up, cases[k].text);
        line(" core.halt zero");
        suite_run();
        if (suite.result.end != SIM_END_ERROR || suite.result.error != ISA_ERROR_TRAP ||
            suite.result.error_unit != ISA_UNIT_CORE ||
            suite.result.error_command != cases[k].cause || suite.result.core.x[10] != 0x5EED ||
            suite.result.core.mepc != 0) {
            fail_msg("%s; %s: end %d, error %u, command %u", cases[k].set_up, cases[k].text,
                     (int)suite.result.end, (unsigned)suite.result.error,
                     (unsigned)suite.result.error_command);
        }
    }
}

static bool mine(isa_format format)
{
    return format == ISA_FORMAT_NONE;
}

static void test_covered(void **state)
{
    (void)state;
    line("_start: wfi; fence; fence.i; core.halt zero");
    suite_run_to_halt();
    suite_check_covered(mine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each),          cmocka_unit_test(test_not_taken),
        cmocka_unit_test(test_illegal_words), cmocka_unit_test(test_status),
        cmocka_unit_test(test_nested),        cmocka_unit_test(test_nowhere),
        cmocka_unit_test(test_stop),          cmocka_unit_test(test_covered),
    };
    return cmocka_run_group_tests(tests, suite_open, suite_close);
}
