// timeout: 300
/*
 * random.c -- random words as a program that is its own data: instructions that trap, that change
 * others, that jump anywhere; both models in lockstep, to the last register and byte.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core_suite.h"

#include "systole/base/rng.h"

enum { N_PROGRAMS = 200, N_BODY = 900, HANDLER = 0x3E00, N_TRAPS = 60 };

#define BASE UINT32_C(0x80000000)

static uint64_t program, draw;

static uint32_t below(uint32_t n)
{
    return (uint32_t)(base_rng_u64(0xC0DE, program, draw++) >> 20) % n;
}

static bool one_in(uint32_t n)
{
    return below(n) == 0;
}

/* Any register, but seldom one of those that hold addresses (x8 to x19). */
static unsigned target(void)
{
    const unsigned r = below(32);
    return r >= 8 && r < 20 && !one_in(12) ? r % 8 : r;
}

static unsigned pointer(void)
{
    return one_in(10) ? below(32) : 8 + below(8);
}

static uint32_t any_csr(void)
{
    static const uint16_t csrs[] = {
        ISA_CSR_MSCRATCH, ISA_CSR_MCAUSE,   ISA_CSR_MTVAL,   ISA_CSR_MSTATUS, ISA_CSR_MEPC,
        ISA_CSR_MCYCLE,   ISA_CSR_MINSTRET, ISA_CSR_MCYCLEH, ISA_CSR_MISA,    ISA_CSR_CYCLE,
        ISA_CSR_INSTRET,  ISA_CSR_MHARTID,  ISA_CSR_MIE,     0x7C0,           0xFC8};
    return csrs[below(sizeof csrs / sizeof csrs[0])];
}

static uint32_t any_word(void)
{
    isa_op op = ISA_OP_ILLEGAL;
    while (op == ISA_OP_ILLEGAL || op == ISA_OP_SET ||
           isa_op_describe(op)->format == ISA_FORMAT_XSYSTOLE ||
           (op == ISA_OP_MRET && !one_in(8))) {
        op = (isa_op)below(ISA_N_OPS);
    }
    isa_insn insn = {
        .op = op, .rd = (uint8_t)target(), .rs1 = (uint8_t)below(32), .rs2 = (uint8_t)below(32)};
    switch (isa_op_describe(op)->format) {
    case ISA_FORMAT_R:
    case ISA_FORMAT_NONE:
    case ISA_FORMAT_XSYSTOLE:
        break;
    case ISA_FORMAT_I:
        insn.imm = (int32_t)below(4096) - 2048;
        break;
    case ISA_FORMAT_SHIFT:
        insn.imm = (int32_t)below(32);
        break;
    case ISA_FORMAT_LOAD: /* jalr too: into the code */
        insn.rs1 = (uint8_t)(op == ISA_OP_JALR ? 16 + below(4) : pointer());
        insn.imm = one_in(8) ? (int32_t)below(4096) - 2048 : 4 * ((int32_t)below(64) - 32);
        break;
    case ISA_FORMAT_STORE:
        insn.rs1 = (uint8_t)pointer();
        insn.imm = one_in(8) ? (int32_t)below(4096) - 2048 : 4 * ((int32_t)below(64) - 32);
        break;
    case ISA_FORMAT_BRANCH:
        insn.imm = one_in(16) ? 2 : 4 * ((int32_t)below(20) - 4);
        break;
    case ISA_FORMAT_U:
        insn.imm = (int32_t)(below(1 << 20) << 12);
        break;
    case ISA_FORMAT_J:
        insn.imm = one_in(16) ? 6 : 4 * ((int32_t)below(40) - 8);
        break;
    case ISA_FORMAT_CSR:
    case ISA_FORMAT_CSRI:
        insn.imm = (int32_t)any_csr();
        break;
    case ISA_FORMAT_FENCE:
    case ISA_N_FORMATS:
        insn.rd = 0;
        break;
    }
    uint32_t word = 0;
    if (one_in(24) || isa_encode(&insn, &word) != SY_OK) {
        word = (uint32_t)base_rng_u64(0xBAD, program, draw++);
    }
    return word;
}

/* Goes on behind what has trapped, or at the start after a jump into nothing; signals after N_TRAPS
 * traps. */
static void handler(void)
{
    line(".zero 0x%x - .", (unsigned)(BASE + HANDLER));
    line("handler: csrrw x31, mscratch, x31; la x31, saved; sw x30, 0(x31); lw x30, 4(x31); addi "
         "x30, x30, 1");
    line(" sw x30, 4(x31); addi x30, x30, -%d; bnez x30, go_on; li x30, %d; sw x30, 8(x31)",
         N_TRAPS, N_TRAPS);
    line("go_on: csrr x30, mcause; addi x30, x30, -2; bltz x30, restart");
    line(" csrr x30, mepc; addi x30, x30, 4; csrw mepc, x30; j back");
    line("restart: la x30, body; csrw mepc, x30");
    line("back: lw x30, 0(x31); csrrw x31, mscratch, x31; mret");
    line(".align 4\nsaved: .word 0, 0\ntohost: .word 0");
}

static void make_program(void)
{
    draw = 0;
    line("_start: la t0, handler; csrw mtvec, t0");
    for (unsigned r = 1; r < 32; r++) {
        const uint32_t inside = BASE + (r < 16 ? below(0x3C00) : 0x200 + 4 * below(N_BODY));
        const uint32_t value = r >= 8 && r < 20 ? inside & (one_in(6) ? UINT32_MAX : ~UINT32_C(3))
                                                : suite_corners[below(SUITE_CORNERS)];
        line(" li x%u, 0x%x", r, (unsigned)value);
    }
    line(" j body; .zero 0x%x - .\nbody:", (unsigned)(BASE + 0x200));
    for (unsigned i = 0; i < N_BODY; i++) {
        if (one_in(25)) { /* a store over the instruction behind it */
            static const char *const stores[] = {"sw", "sh", "sb"};
            line(" auipc x20, 0; %s x%u, %u(x20)", stores[below(3)], below(32), 8 + 2 * below(2));
        }
        line(" .word 0x%08x", (unsigned)any_word());
    }
    line(" j body");
    handler();
}

static void test_programs(void **state)
{
    (void)state;
    unsigned n_done = 0;
    unsigned n_inside = 0; /* whose last exception was in the random words */
    uint64_t n_retired = 0;
    for (program = 0; program < N_PROGRAMS; program++) {
        make_program();
        suite_load_image(BASE);
        suite_cover(suite.image.segments[0].data, suite.image.segments[0].n_data);
        suite_start(&(sim_run_options){.entry = suite.image.entry,
                                       .max_cycles = 6000,
                                       .core_map = 1 << ISA_HOST_CORE_MAP_UNIFIED_LOW |
                                                   1 << ISA_HOST_CORE_MAP_WATCH_LOW,
                                       .core_base = BASE,
                                       .core_watch = suite_address("tohost")});
        n_done += suite.result.end == SIM_END_DONE;
        n_inside += suite.result.core.mepc - (BASE + 0x200) < HANDLER - 0x200;
        n_retired += suite.result.retired;
    }
    print_message("%u programs, %llu instructions, %u signalled\n", (unsigned)N_PROGRAMS,
                  (unsigned long long)n_retired, n_done);
    assert_true(n_done > N_PROGRAMS / 2 && n_inside > N_PROGRAMS / 2);
}

static bool mine(isa_format format)
{
    return format != ISA_FORMAT_NONE; /* wfi and mret are rare, ecall and ebreak too */
}

static void test_covered(void **state)
{
    (void)state;
    suite_check_covered(mine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_programs),
        cmocka_unit_test(test_covered),
    };
    return cmocka_run_group_tests(tests, suite_open, suite_close);
}
