/*
 * core.c -- the scalar core on the simulator: each instruction's result and cycles, CSRs, traps (isa/spec/timing.md, section 2).
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

/* Runs text, which ends by leaving its result in a0. */
static uint32_t result_of(const char *text)
{
    char program[2048];
    (void)snprintf(program, sizeof program, "%s\n core.halt a0\n", text);
    test_run(&t, program);
    if (t.result.end != SIM_END_DONE) {
        fail_msg("%s: end %d, error %s, mcause %u", text, (int)t.result.end, isa_error_name(t.result.error), t.result.error_command);
    }
    return t.result.exit_code;
}

static void test_register_operations(void **state)
{
    (void)state;
    static const struct {
        const char *op;
        uint32_t a, b, want;
        unsigned cycles;
    } cases[] = {
        {"add", 0x7FFFFFFF, 1, 0x80000000, 1},
        {"sub", 0, 1, 0xFFFFFFFF, 1},
        {"sll", 1, 33, 2, 1},
        {"slt", 0xFFFFFFFF, 0, 1, 1},
        {"slt", 0, 0xFFFFFFFF, 0, 1},
        {"sltu", 0xFFFFFFFF, 0, 0, 1},
        {"sltu", 0, 0xFFFFFFFF, 1, 1},
        {"xor", 0xF0F0F0F0, 0xFF00FF00, 0x0FF00FF0, 1},
        {"srl", 0x80000000, 31, 1, 1},
        {"sra", 0x80000000, 31, 0xFFFFFFFF, 1},
        {"or", 0xF0F00000, 0x0000FF00, 0xF0F0FF00, 1},
        {"and", 0xF0F0F0F0, 0xFF00FF00, 0xF000F000, 1},
        {"mul", 0xFFFFFFFF, 0xFFFFFFFF, 1, 2},
        {"mulh", 0xFFFFFFFF, 0xFFFFFFFF, 0, 2},
        {"mulh", 0x80000000, 0x80000000, 0x40000000, 2},
        {"mulhsu", 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 2},
        {"mulhsu", 0x80000000, 0xFFFFFFFF, 0x80000000, 2},
        {"mulhu", 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFE, 2},
        {"div", 0xFFFFFFF9, 2, 0xFFFFFFFD, 18},
        {"div", 7, 0, 0xFFFFFFFF, 18},
        {"div", 0x80000000, 0xFFFFFFFF, 0x80000000, 18},
        {"divu", 0xFFFFFFF9, 2, 0x7FFFFFFC, 18},
        {"divu", 7, 0, 0xFFFFFFFF, 18},
        {"rem", 0xFFFFFFF9, 2, 0xFFFFFFFF, 18},
        {"rem", 7, 0, 7, 18},
        {"rem", 0x80000000, 0xFFFFFFFF, 0, 18},
        {"remu", 0xFFFFFFF9, 2, 1, 18},
        {"remu", 7, 0, 7, 18},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256];
        (void)snprintf(text, sizeof text, "li a1, %u\n li a2, %u\n csrr s0, mcycle\n %s a0, a1, a2\n csrr s1, mcycle\n", cases[i].a,
                       cases[i].b, cases[i].op);
        const uint32_t got = result_of(text);
        if (got != cases[i].want) {
            fail_msg("%s 0x%x, 0x%x: 0x%x, expected 0x%x", cases[i].op, cases[i].a, cases[i].b, got, cases[i].want);
        }
        (void)snprintf(text, sizeof text, "li a1, %u\n li a2, %u\n csrr s0, mcycle\n %s a0, a1, a2\n csrr s1, mcycle\n sub a0, s1, s0\n",
                       cases[i].a, cases[i].b, cases[i].op);
        assert_int_equal(result_of(text), 1 + cases[i].cycles);
    }
}

static void test_other_operations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t want;
    } cases[] = {
        {"lui a0, 0xFFFFF", 0xFFFFF000},
        {"nop\n auipc a0, 1", 0x1004},
        {"li a1, 5\n addi a0, a1, -6", 0xFFFFFFFF},
        {"li a1, -5\n slti a0, a1, -4", 1},
        {"li a1, 5\n sltiu a0, a1, -1", 1},
        {"li a1, 5\n xori a0, a1, -1", 0xFFFFFFFA},
        {"li a1, 5\n ori a0, a1, 8", 13},
        {"li a1, 5\n andi a0, a1, 4", 4},
        {"li a1, 5\n slli a0, a1, 31", 0x80000000},
        {"li a1, -5\n srli a0, a1, 31", 1},
        {"li a1, -5\n srai a0, a1, 1", 0xFFFFFFFD},
        {"li x0, 5\n mv a0, x0", 0},
        {"mv a0, sp", ISA_DMEM_BASE + 1024},
        {"li a1, 0x10000000\n li a2, 0x8182F3F4\n sw a2, 4(a1)\n lw a0, 4(a1)", 0x8182F3F4},
        {"li a1, 0x10000000\n li a2, 0x8182F3F4\n sw a2, 4(a1)\n lb a0, 5(a1)", 0xFFFFFFF3},
        {"li a1, 0x10000000\n li a2, 0x8182F3F4\n sw a2, 4(a1)\n lbu a0, 5(a1)", 0xF3},
        {"li a1, 0x10000000\n li a2, 0x8182F3F4\n sw a2, 4(a1)\n lh a0, 6(a1)", 0xFFFF8182},
        {"li a1, 0x10000000\n li a2, 0x8182F3F4\n sw a2, 4(a1)\n lhu a0, 6(a1)", 0x8182},
        {"li a1, 0x10000000\n sw x0, 0(a1)\n li a2, -1\n sb a2, 1(a1)\n sh a2, 2(a1)\n lw a0, 0(a1)", 0xFFFFFF00},
        {"li a0, 1\n j over\n li a0, 2\n over:", 1},
        {"jal a0, over\n over:", 4},
        {"la a1, over\n jalr a0, 1(a1)\n nop\n over:", 12},
        {"li a0, 1\n li a1, -1\n blt a1, x0, over\n li a0, 2\n over:", 1},
        {"li a0, 1\n li a1, -1\n bltu a1, x0, over\n li a0, 2\n over:", 2},
        {"li a0, 1\n li a1, -1\n bge a1, x0, over\n li a0, 2\n over:", 2},
        {"li a0, 1\n li a1, -1\n bgeu a1, x0, over\n li a0, 2\n over:", 1},
        {"li a0, 1\n beq a0, a0, over\n li a0, 2\n over:", 1},
        {"li a0, 1\n bne a0, a0, over\n li a0, 2\n over:", 2},
        {"fence\n fence.i\n wfi\n li a0, 3", 3},
        /* CSRs */
        {"li a1, -1\n csrw mstatus, a1\n csrr a0, mstatus", 0x1888},
        {"csrr a0, mstatus", 0x1800},
        {"li a1, -1\n csrw mtvec, a1\n csrr a0, mtvec", 0xFFFFFFFC},
        {"li a1, -1\n csrw mepc, a1\n csrr a0, mepc", 0xFFFFFFFC},
        {"li a1, 0x1234\n csrw mscratch, a1\n csrrs a0, mscratch, a1\n csrrci a2, mscratch, 4\n csrr a0, mscratch", 0x1230},
        {"csrrwi a1, mscratch, 7\n csrrsi a0, mscratch, 8\n csrr a0, mscratch", 15},
        {"li a1, 77\n csrw mcycle, a1\n csrr a0, mcycle", 77},
        {"csrwi minstret, 5\n csrr a0, minstret", 5},
        {"li a1, -1\n csrw minstret, a1\n csrw minstreth, a1\n nop\n csrr a1, minstret\n csrr a0, minstreth\n add a0, a0, a1", 0},
        {"li a1, -1\n csrw mcycle, a1\n nop\n csrr a0, mcycleh", 1},
        {"li a1, -1\n csrw misa, a1\n csrw mie, a1\n csrw mip, a1\n csrw mstatush, a1\n csrr a0, misa", ISA_MISA_VALUE},
        {"csrr a0, mhartid", 0},
        {"nop\n nop\n csrr a0, minstret", 2},
        {"nop\n nop\n csrr a0, mcycleh", 0},
        {"nop\n nop\n csrr a0, 0xFC8", 2}, /* MXU EMPTY in cycle 2 */
        {"nop\n nop\n csrr a0, 0xFF8", 2}, /* ST */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const uint32_t got = result_of(cases[i].text);
        if (got != cases[i].want) {
            fail_msg("%s: 0x%x, expected 0x%x", cases[i].text, got, cases[i].want);
        }
    }
}

/* Cycles between two reads of mcycle, less those of the first. */
static void test_cycles(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t want;
    } cases[] = {
        {"nop", 1},         {"lw a1, 0(a2)", 2},     {"sw a1, 0(a2)", 1},   {"beq a2, x0, over\n over:", 1},
        {"bne a2, x0, over\n over:", 2}, {"j over\n over:", 2}, {"la a1, over\n jalr x0, 0(a1)\n over:", 4}, {"csrr a1, mscratch", 1},
        {"mul a1, a2, a2", 2}, {"divu a1, a2, a2", 18}, {"la a1, over\n csrw mepc, a1\n mret\n over:", 5},
        {"la a1, over\n csrw mtvec, a1\n ecall\n over:", 5}, {"mxu.set n0, x0, x0", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512];
        (void)snprintf(text, sizeof text, "li a2, 0x10000000\n csrr s0, mcycle\n %s\n csrr s1, mcycle\n sub a0, s1, s0\n", cases[i].text);
        const uint32_t got = result_of(text) - 1;
        if (got != cases[i].want) {
            fail_msg("%s: %u cycles, expected %u", cases[i].text, got, cases[i].want);
        }
    }
}

/* An exception with a handler: mcause, mepc, mtval and mstatus, and back by mret. */
static void test_traps(void **state)
{
    (void)state;
    static const struct {
        const char *text; /* raises at label here */
        uint32_t cause, value;
    } cases[] = {
        {"here: ecall", ISA_EXCEPTION_ECALL, 0},
        {"here: .word 0xFFFFFFFF", ISA_EXCEPTION_ILLEGAL, 0xFFFFFFFF},
        {"li a1, 0x10000001\n here: lw a2, 0(a1)", ISA_EXCEPTION_LOAD_MISALIGNED, 0x10000001},
        {"li a1, 0x20000000\n here: lb a2, 0(a1)", ISA_EXCEPTION_LOAD_FAULT, 0x20000000},
        {"li a1, 0x10000400\n here: sw a2, 0(a1)", ISA_EXCEPTION_STORE_FAULT, 0x10000400},
        {"li a1, 0x3\n here: sh a2, 0(a1)", ISA_EXCEPTION_STORE_MISALIGNED, 3},
        {"li a1, 0x6\n here: jalr a2, 0(a1)", ISA_EXCEPTION_FETCH_MISALIGNED, 6},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static const char *const reads[] = {"csrr a0, mcause", "csrr a0, mtval", "csrr a0, mepc\n la a1, here\n sub a0, a0, a1",
                                            "csrr a0, mstatus", "mv a0, s5"};
        const uint32_t want[] = {cases[i].cause, cases[i].value, 0, 0x1880, 0};
        for (unsigned k = 0; k < 5; k++) {
            char text[512];
            (void)snprintf(text, sizeof text,
                           "la a1, handler\n csrw mtvec, a1\n csrwi mstatus, 8\n li a2, 0\n %s\n handler:\n mv s5, a2\n %s\n",
                           cases[i].text, reads[k]);
            const uint32_t got = result_of(text);
            if (got != want[k]) {
                fail_msg("%s, %s: 0x%x, expected 0x%x", cases[i].text, reads[k], got, want[k]);
            }
        }
    }
    /* mret goes back and restores MIE; an exception does not retire. */
    assert_int_equal(result_of("la a1, handler\n csrw mtvec, a1\n csrwi mstatus, 8\n csrr s0, minstret\n ecall\n csrr s1, minstret\n"
                               "csrr a0, mstatus\n j done\n handler: csrr a1, mepc\n addi a1, a1, 4\n csrw mepc, a1\n mret\n done:"),
                     0x1888);
    assert_int_equal(result_of("la a1, handler\n csrw mtvec, a1\n csrr s0, minstret\n ecall\n csrr s1, minstret\n sub a0, s1, s0\n"
                               "j done\n handler: csrr a1, mepc\n addi a1, a1, 4\n csrw mepc, a1\n mret\n done:"),
                     5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_register_operations, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_operations, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cycles, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_traps, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
