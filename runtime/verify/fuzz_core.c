/*
 * fuzz_core.c -- programs that are mostly core instructions: every instruction with corner
 * operands, branches, loops, traps.
 *
 * With a trap handler (mtvec set) an exception is recorded in DMEM and the program goes on behind
 * it; without, it ends the run.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fuzz_internal.h"

/* Registers that random instructions do not write: FUZZ_REG_LOOP0 and above. */
static unsigned any_reg(fuzz_gen *g)
{
    return rt_fuzz_below(g, 32);
}

static unsigned target_reg(fuzz_gen *g)
{
    return rt_fuzz_below(g, FUZZ_REG_LAST_VALUE + 1);
}

static int32_t immediate12(fuzz_gen *g)
{
    static const int16_t corners[] = {0, 1, -1, 2047, -2048, 31, 32, -32, 255, -256};
    return rt_fuzz_one_in(g, 2) ? corners[rt_fuzz_below(g, sizeof corners / sizeof corners[0])]
                                : rt_fuzz_range(g, -2048, 2047);
}

/* Two registers whose values are equal or nearly: what comparisons and subtractions turn on. */
static void near_values(fuzz_gen *g, unsigned *rs1, unsigned *rs2)
{
    const uint32_t value = rt_fuzz_corner(g);
    *rs1 = 1 + rt_fuzz_below(g, FUZZ_REG_LAST_VALUE);
    *rs2 = 1 + rt_fuzz_below(g, FUZZ_REG_LAST_VALUE);
    rt_fuzz_load(g, *rs1, value);
    rt_fuzz_load(g, *rs2, value + (uint32_t)rt_fuzz_range(g, -1, 1));
}

/* A random register or immediate operation. */
static void emit_operation(fuzz_gen *g)
{
    const unsigned rd = target_reg(g);
    unsigned rs1 = any_reg(g), rs2 = any_reg(g);
    const isa_op op = (isa_op)(1 + rt_fuzz_below(g, ISA_OP_SET - 1));
    const isa_op_info *info = isa_op_describe(op);
    switch (info->format) {
    case ISA_FORMAT_R:
        if (rt_fuzz_one_in(g, 4)) {
            near_values(g, &rs1, &rs2);
        }
        rt_fuzz_word(g, isa_encode_r(op, rd, rs1, rs2));
        break;
    case ISA_FORMAT_I: {
        const int32_t imm = immediate12(g);
        if (rt_fuzz_one_in(g, 3)) {
            rs1 = 1 + rt_fuzz_below(g, FUZZ_REG_LAST_VALUE);
            rt_fuzz_load(g, rs1, (uint32_t)(imm + rt_fuzz_range(g, -1, 1)));
        }
        rt_fuzz_word(g, isa_encode_i(op, rd, rs1, imm));
        break;
    }
    case ISA_FORMAT_SHIFT:
        rt_fuzz_word(g, isa_encode_i(op, rd, rs1, (int32_t)rt_fuzz_below(g, 32)));
        break;
    case ISA_FORMAT_U:
        rt_fuzz_word(g, isa_encode_u(op, rd, (int32_t)(rt_fuzz_corner(g) & 0xFFFFF000)));
        break;
    case ISA_FORMAT_FENCE: { /* every field is ignored */
        const uint32_t random = (uint32_t)base_rng_next(&g->rng);
        rt_fuzz_word(g, info->match | (rt_fuzz_one_in(g, 2) ? random & 0xFFFF8F80 : 0));
        break;
    }
    case ISA_FORMAT_LOAD:
    case ISA_FORMAT_STORE:
    case ISA_FORMAT_BRANCH:
    case ISA_FORMAT_J:
    case ISA_FORMAT_CSR:
    case ISA_FORMAT_CSRI:
    case ISA_FORMAT_NONE:
    case ISA_FORMAT_XSYSTOLE:
    case ISA_N_FORMATS:
        rt_fuzz_word(g,
                     isa_encode_r((isa_op)(ISA_OP_MUL + (int)rt_fuzz_below(g, 8)), rd, rs1, rs2));
        break;
    }
}

/* A load or store, aligned and inside DMEM. */
static void emit_memory(fuzz_gen *g)
{
    const isa_op op = (isa_op)(ISA_OP_LB + (int)rt_fuzz_below(g, ISA_OP_SW - ISA_OP_LB + 1));
    const uint32_t end = g->config->dmem_bytes < 2048 ? g->config->dmem_bytes : 2048;
    const int32_t offset = (int32_t)(FUZZ_LOG_START +
                                     4 * rt_fuzz_below(g, (end - FUZZ_LOG_START) / 4));
    int32_t inside = (int32_t)rt_fuzz_below(g, 4);
    if (op == ISA_OP_LW || op == ISA_OP_SW) {
        inside = 0;
    } else if (op == ISA_OP_LH || op == ISA_OP_LHU || op == ISA_OP_SH) {
        inside &= 2;
    }
    if (isa_op_describe(op)->format == ISA_FORMAT_STORE) {
        rt_fuzz_word(g, isa_encode_s(op, FUZZ_REG_DATA, any_reg(g), offset + inside));
    } else {
        rt_fuzz_word(g, isa_encode_i(op, target_reg(g), FUZZ_REG_DATA, offset + inside));
    }
}

/* Forward over a few instructions, taken or not. */
static void emit_branch(fuzz_gen *g)
{
    const unsigned n_over = rt_fuzz_below(g, 5);
    unsigned rs1 = any_reg(g), rs2 = rt_fuzz_one_in(g, 3) ? rs1 : any_reg(g);
    if (rt_fuzz_one_in(g, 3)) {
        near_values(g, &rs1, &rs2);
    }
    const size_t at = g->n_words;
    rt_fuzz_word(g, 0); /* the branch, when its length is known */
    for (unsigned i = 0; i < n_over; i++) {
        emit_operation(g);
    }
    const int32_t distance = (int32_t)(4 * (g->n_words - at));
    const uint32_t kind = rt_fuzz_below(g, 8);
    uint32_t word;
    if (kind < 6) {
        const isa_op op = (isa_op)(ISA_OP_BEQ + (int)kind);
        word = isa_encode_s(op, rs1, rs2, distance);
    } else if (kind == 6) {
        word = isa_encode_u(ISA_OP_JAL, target_reg(g), distance);
    } else { /* bit 0 of the target is dropped */
        const uint32_t target = (uint32_t)(4 * at) + (uint32_t)distance + rt_fuzz_below(g, 2);
        if (target > 2047) {
            word = isa_encode_u(ISA_OP_JAL, 0, distance);
        } else {
            word = isa_encode_i(ISA_OP_JALR, target_reg(g), 0, (int32_t)target);
        }
    }
    g->words[at] = word;
}

/* A counted loop around a few instructions. */
static void emit_loop(fuzz_gen *g)
{
    const uint32_t n = 1 + rt_fuzz_below(g, 12), n_body = 1 + rt_fuzz_below(g, 6);
    rt_fuzz_load(g, FUZZ_REG_COUNT, n);
    const size_t top = g->n_words;
    for (unsigned i = 0; i < n_body; i++) {
        if (rt_fuzz_one_in(g, 3)) {
            emit_memory(g);
        } else {
            emit_operation(g);
        }
    }
    rt_fuzz_word(g, isa_encode_i(ISA_OP_ADDI, FUZZ_REG_COUNT, FUZZ_REG_COUNT, -1));
    rt_fuzz_word(g, isa_encode_s(ISA_OP_BNE, FUZZ_REG_COUNT, 0, -4 * (int32_t)(g->n_words - top)));
    g->bound += 60 * n * (n_body + 2);
}

static uint32_t any_csr(fuzz_gen *g, bool *legal_to_write)
{
    static const uint16_t csrs[] = {
#define S(name, number, access, summary) (number),
#include "systole/isa/tables.h"
    };
    *legal_to_write = true;
    if (rt_fuzz_one_in(g, 3)) {
        *legal_to_write = false;
        return ISA_CSR_COUNTER(rt_fuzz_below(g, ISA_N_QUEUES), rt_fuzz_below(g, ISA_N_COUNTERS));
    }
    const uint32_t csr = csrs[rt_fuzz_below(g, sizeof csrs / sizeof csrs[0])];
    *legal_to_write = csr >> 10 != 3;
    return csr;
}

static void emit_csr(fuzz_gen *g)
{
    bool may_write;
    const uint32_t csr = any_csr(g, &may_write);
    isa_op op = (isa_op)(ISA_OP_CSRRW + (int)rt_fuzz_below(g, 6));
    unsigned rs1 = any_reg(g);
    if (csr == ISA_CSR_MTVEC || !may_write) { /* read only: the handler must stay */
        op = rt_fuzz_one_in(g, 2) ? ISA_OP_CSRRS : ISA_OP_CSRRCI;
        rs1 = 0;
    }
    const unsigned rd = target_reg(g);
    rt_fuzz_word(g, isa_encode_i(op, rd, rs1, (int32_t)csr));
    if (rt_fuzz_one_in(g, 2)) {
        rt_fuzz_log(g, rd);
    }
}

static uint32_t illegal_word(fuzz_gen *g)
{
    for (;;) {
        uint32_t word = (uint32_t)base_rng_next(&g->rng);
        isa_insn insn;
        switch (rt_fuzz_below(g, 4)) {
        case 0: /* a legal one with one bit wrong */
            word = isa_op_describe((isa_op)(1 + rt_fuzz_below(g, ISA_N_OPS - 1)))->match ^
                   UINT32_C(1) << rt_fuzz_below(g, 32);
            break;
        case 1:
            word = (word & ~UINT32_C(0x7F)) | ISA_OPCODE_XSYSTOLE;
            break;
        case 2:
            word = rt_fuzz_one_in(g, 2) ? 0 : UINT32_MAX;
            break;
        }
        if (!isa_decode(word, &insn)) {
            return word;
        }
    }
}

/* Where a fetch fault returns to: the handler finds it in FUZZ_REG_LOOP0. */
static void emit_fetch_fault(fuzz_gen *g)
{
    static const uint32_t far[] = {ISA_DMEM_BASE, 0xFFFFFFFC, 0x80000000, 0x00800000};
    const uint32_t target = rt_fuzz_one_in(g, 2)
                                ? g->config->imem_bytes + 4 * rt_fuzz_below(g, 3)
                                : far[rt_fuzz_below(g, sizeof far / sizeof far[0])];
    const unsigned rd = target_reg(g);
    rt_fuzz_load(g, FUZZ_REG_SPARE, target);
    rt_fuzz_word(g, isa_encode_u(ISA_OP_AUIPC, FUZZ_REG_LOOP0, 0));
    rt_fuzz_word(g, isa_encode_i(ISA_OP_ADDI, FUZZ_REG_LOOP0, FUZZ_REG_LOOP0, 12));
    rt_fuzz_word(g, isa_encode_i(ISA_OP_JALR, rd, FUZZ_REG_SPARE, (int32_t)rt_fuzz_below(g, 2)));
}

void rt_fuzz_exception(fuzz_gen *g)
{
    static const uint32_t outside[] = {0, 0x0FFFFFFC, 0x20000000, 0xFFFFFFF8, 0x7FFFFFFC};
    switch (rt_fuzz_below(g, 9)) {
    case 0:
        rt_fuzz_word(g, isa_op_describe(ISA_OP_ECALL)->match);
        break;
    case 1:
        rt_fuzz_word(g, isa_op_describe(ISA_OP_EBREAK)->match);
        break;
    case 2:
        rt_fuzz_word(g, illegal_word(g));
        break;
    case 3: { /* misaligned */
        const bool store = rt_fuzz_one_in(g, 2), half = rt_fuzz_one_in(g, 2);
        const int32_t offset = 260 +
                               (half ? 1 + 2 * rt_fuzz_range(g, 0, 1) : rt_fuzz_range(g, 1, 3));
        rt_fuzz_word(
            g, store ? isa_encode_s(half ? ISA_OP_SH : ISA_OP_SW, FUZZ_REG_DATA, any_reg(g), offset)
                     : isa_encode_i(half ? ISA_OP_LHU : ISA_OP_LW, target_reg(g), FUZZ_REG_DATA,
                                    offset));
        break;
    }
    case 4: { /* outside DMEM, perhaps misaligned too */
        const uint32_t end = ISA_DMEM_BASE + g->config->dmem_bytes;
        const uint32_t address = rt_fuzz_one_in(g, 2) ? end - rt_fuzz_below(g, 2)
                                                      : outside[rt_fuzz_below(g, 5)];
        rt_fuzz_load(g, FUZZ_REG_SPARE, address);
        if (rt_fuzz_one_in(g, 2)) {
            rt_fuzz_word(g, isa_encode_s((isa_op)(ISA_OP_SB + (int)rt_fuzz_below(g, 3)),
                                         FUZZ_REG_SPARE, any_reg(g), 0));
        } else {
            rt_fuzz_word(g, isa_encode_i((isa_op)(ISA_OP_LB + (int)rt_fuzz_below(g, 5)),
                                         target_reg(g), FUZZ_REG_SPARE, 0));
        }
        break;
    }
    case 5: /* a target between two instructions */
        if (rt_fuzz_one_in(g, 2)) {
            rt_fuzz_word(g,
                         isa_encode_u(ISA_OP_JAL, target_reg(g), 4 * rt_fuzz_range(g, -3, 3) + 2));
        } else {
            const unsigned rs1 = any_reg(g);
            rt_fuzz_word(g, isa_encode_s((isa_op)(ISA_OP_BEQ + (int)rt_fuzz_below(g, 6)), rs1,
                                         any_reg(g), 6));
        }
        break;
    case 6: { /* CSRs that do not exist, counters written */
        const bool counter = rt_fuzz_one_in(g, 2);
        const uint32_t csr = counter ? ISA_CSR_COUNTER(rt_fuzz_below(g, 4), rt_fuzz_below(g, 16))
                                     : rt_fuzz_below(g, 4096);
        rt_fuzz_word(
            g, isa_encode_i((isa_op)(ISA_OP_CSRRW + (int)rt_fuzz_below(g, 6)), target_reg(g),
                            any_reg(g),
                            (int32_t)(csr == ISA_CSR_MTVEC || csr == ISA_CSR_MSCRATCH ? 0 : csr)));
        break;
    }
    case 7:
        emit_fetch_fault(g);
        break;
    default:
        rt_fuzz_word(g, illegal_word(g));
        break;
    }
}

/*
 * Records mcause, mepc, mtval and mstatus, and returns behind the instruction (a fetch fault: to
 * FUZZ_REG_LOOP0). FUZZ_REG_LOOP1 and LOOP2 are the handler's own; mscratch counts the traps.
 */
static void emit_handler(fuzz_gen *g)
{
    static const uint16_t csrs[] = {ISA_CSR_MCAUSE, ISA_CSR_MTVAL, ISA_CSR_MSTATUS, ISA_CSR_MCYCLE,
                                    ISA_CSR_MINSTRET};
    const unsigned a = FUZZ_REG_LOOP1, b = FUZZ_REG_LOOP2;
    for (size_t i = 0; i < sizeof csrs / sizeof csrs[0]; i++) {
        if (i == 0 || rt_fuzz_one_in(g, 2)) {
            rt_fuzz_word(g, isa_encode_i(ISA_OP_CSRRS, a, 0, csrs[i]));
            rt_fuzz_word(g, isa_encode_s(ISA_OP_SW, FUZZ_REG_DATA, a, (int32_t)(192 + 4 * i)));
        }
    }
    rt_fuzz_word(g, isa_encode_i(ISA_OP_CSRRS, b, 0, ISA_CSR_MCAUSE));
    rt_fuzz_word(g, isa_encode_i(ISA_OP_ADDI, b, b, -ISA_EXCEPTION_FETCH_FAULT));
    rt_fuzz_word(g, isa_encode_i(ISA_OP_CSRRS, a, 0, ISA_CSR_MEPC));
    rt_fuzz_word(g, isa_encode_s(ISA_OP_BNE, b, 0, 8));
    rt_fuzz_word(g, isa_encode_i(ISA_OP_ADDI, a, FUZZ_REG_LOOP0, -4));
    rt_fuzz_word(g, isa_encode_i(ISA_OP_ADDI, a, a, 4));
    rt_fuzz_word(g, isa_encode_i(ISA_OP_CSRRW, 0, a, ISA_CSR_MEPC));
    rt_fuzz_word(g, isa_op_describe(ISA_OP_MRET)->match);
}

static void emit_one(fuzz_gen *g, unsigned exceptions_one_in)
{
    switch (rt_fuzz_below(g, 12)) {
    case 0:
    case 1:
        emit_memory(g);
        break;
    case 2:
    case 3:
        emit_branch(g);
        break;
    case 4:
        emit_loop(g);
        break;
    case 5:
        emit_csr(g);
        break;
    case 6:
        rt_fuzz_load(g, 1 + rt_fuzz_below(g, FUZZ_REG_LAST_VALUE), rt_fuzz_corner(g));
        break;
    case 7:
        rt_fuzz_log(g, any_reg(g));
        break;
    case 8:
        if (rt_fuzz_one_in(g, exceptions_one_in)) {
            rt_fuzz_exception(g);
        } else if (rt_fuzz_one_in(g, 3)) {
            rt_fuzz_word(
                g, isa_op_describe(rt_fuzz_one_in(g, 2) ? ISA_OP_WFI : ISA_OP_FENCE_I)->match);
        }
        break;
    default:
        emit_operation(g);
        break;
    }
}

void rt_fuzz_handler(fuzz_gen *g)
{
    const size_t n_before = rt_fuzz_below(g, 3);
    for (size_t i = 0; i < n_before; i++) {
        rt_fuzz_word(g, illegal_word(g)); /* never reached, but for a lost jump */
    }
    const uint32_t handler = (uint32_t)(4 * g->n_words);
    emit_handler(g);
    g->entry = g->n_words;
    g->has_handler = handler != 0; /* mtvec = 0 is none */
    rt_fuzz_load(g, FUZZ_REG_DATA, ISA_DMEM_BASE);
    rt_fuzz_load(g, FUZZ_REG_SPARE,
                 handler == 0 ? 0 : handler + rt_fuzz_below(g, 4)); /* low bits read 0 */
    rt_fuzz_word(g, isa_encode_i(ISA_OP_CSRRW, 0, FUZZ_REG_SPARE, ISA_CSR_MTVEC));
}

void rt_fuzz_core(fuzz_gen *g)
{
    if (rt_fuzz_one_in(g, 8)) {
        rt_fuzz_load(g, FUZZ_REG_DATA, ISA_DMEM_BASE);
    } else {
        rt_fuzz_handler(g);
    }
    rt_fuzz_log(g, 2); /* sp, as START left it */
    const unsigned n_start = rt_fuzz_below(g, FUZZ_REG_LAST_VALUE);
    for (unsigned i = 0; i < n_start; i++) {
        rt_fuzz_load(g, 1 + rt_fuzz_below(g, FUZZ_REG_LAST_VALUE), rt_fuzz_corner(g));
    }
    const unsigned n = 20 + rt_fuzz_below(g, 400);
    for (unsigned i = 0; i < n && rt_fuzz_room(g, 200); i++) {
        emit_one(g, g->has_handler ? 2 : 30);
    }
    for (unsigned reg = 1; reg < 32; reg++) {
        rt_fuzz_log(g, reg);
    }
    rt_fuzz_forget(g);
}
