/*
 * asm_insn.c -- the assembler's instructions: those of the tables, the pseudo-instructions, setf.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "asm_internal.h"
#include "systole/base/assert.h"

/*
 * What stands behind a mnemonic, a letter per operand, with commas between them:
 *
 *     d s t   registers rd, rs1, rs2           i   immediate
 *     m       imm(rs1)                         l   target of a branch or jump
 *     u       20-bit immediate of lui          c   CSR by name or number
 *     z       5-bit immediate, in rs1's place
 *     f       "pred, succ" of a fence or nothing, which means all
 */
static const char *operands_of(isa_format format, isa_args args)
{
    switch (format) {
    case ISA_FORMAT_R:
        return "dst";
    case ISA_FORMAT_I:
    case ISA_FORMAT_SHIFT:
        return "dsi";
    case ISA_FORMAT_LOAD:
        return "dm";
    case ISA_FORMAT_STORE:
        return "tm";
    case ISA_FORMAT_BRANCH:
        return "stl";
    case ISA_FORMAT_U:
        return "du";
    case ISA_FORMAT_J:
        return "dl";
    case ISA_FORMAT_CSR:
        return "dcs";
    case ISA_FORMAT_CSRI:
        return "dcz";
    case ISA_FORMAT_FENCE:
        return "f";
    case ISA_FORMAT_XSYSTOLE:
        return args == ISA_ARGS_NONE ? "" : "s";
    case ISA_FORMAT_NONE:
    case ISA_N_FORMATS:
        break;
    }
    return "";
}

/*
 * Pseudo-instructions that are one instruction: what is not an operand has the value that stands
 * here.
 */
static const struct {
    const char *mnemonic;
    isa_op op;
    const char *operands;
    uint8_t rd;
    uint8_t rs1;
    int32_t imm;
} pseudos[] = {
    {"nop", ISA_OP_ADDI, "", 0, 0, 0},       {"mv", ISA_OP_ADDI, "ds", 0, 0, 0},
    {"not", ISA_OP_XORI, "ds", 0, 0, -1},    {"neg", ISA_OP_SUB, "dt", 0, 0, 0},
    {"seqz", ISA_OP_SLTIU, "ds", 0, 0, 1},   {"snez", ISA_OP_SLTU, "dt", 0, 0, 0},
    {"sltz", ISA_OP_SLT, "ds", 0, 0, 0},     {"sgtz", ISA_OP_SLT, "dt", 0, 0, 0},
    {"beqz", ISA_OP_BEQ, "sl", 0, 0, 0},     {"bnez", ISA_OP_BNE, "sl", 0, 0, 0},
    {"blez", ISA_OP_BGE, "tl", 0, 0, 0},     {"bgez", ISA_OP_BGE, "sl", 0, 0, 0},
    {"bltz", ISA_OP_BLT, "sl", 0, 0, 0},     {"bgtz", ISA_OP_BLT, "tl", 0, 0, 0},
    {"bgt", ISA_OP_BLT, "tsl", 0, 0, 0},     {"ble", ISA_OP_BGE, "tsl", 0, 0, 0},
    {"bgtu", ISA_OP_BLTU, "tsl", 0, 0, 0},   {"bleu", ISA_OP_BGEU, "tsl", 0, 0, 0},
    {"j", ISA_OP_JAL, "l", 0, 0, 0},         {"tail", ISA_OP_JAL, "l", 0, 0, 0},
    {"call", ISA_OP_JAL, "l", 1, 0, 0},      {"jr", ISA_OP_JALR, "s", 0, 0, 0},
    {"ret", ISA_OP_JALR, "", 0, 1, 0},       {"csrr", ISA_OP_CSRRS, "dc", 0, 0, 0},
    {"csrw", ISA_OP_CSRRW, "cs", 0, 0, 0},   {"csrs", ISA_OP_CSRRS, "cs", 0, 0, 0},
    {"csrc", ISA_OP_CSRRC, "cs", 0, 0, 0},   {"csrwi", ISA_OP_CSRRWI, "cz", 0, 0, 0},
    {"csrsi", ISA_OP_CSRRSI, "cz", 0, 0, 0}, {"csrci", ISA_OP_CSRRCI, "cz", 0, 0, 0},
};

static bool take_register(asm_state *state, uint8_t *reg)
{
    static const char *const names[32] = {"zero", "ra", "sp",  "gp",  "tp", "t0", "t1", "t2",
                                          "s0",   "s1", "a0",  "a1",  "a2", "a3", "a4", "a5",
                                          "a6",   "a7", "s2",  "s3",  "s4", "s5", "s6", "s7",
                                          "s8",   "s9", "s10", "s11", "t3", "t4", "t5", "t6"};
    char name[ASM_NAME_BYTES];
    isa_asm_skip_blank(state);
    const char *place = state->at;
    if (!isa_asm_take_name(state, "a register", name)) {
        return false;
    }
    for (uint8_t i = 0; i < 32; i++) {
        if (strcmp(name, names[i]) == 0) {
            *reg = i;
            return true;
        }
    }
    if (strcmp(name, "fp") == 0) {
        *reg = 8;
        return true;
    }
    const size_t n = strlen(name);
    if (name[0] == 'x' && (n == 2 || (n == 3 && name[1] != '0'))) {
        unsigned number = 0;
        for (size_t i = 1; i < n; i++) {
            number = isdigit((unsigned char)name[i]) ? number * 10 + (unsigned)(name[i] - '0') : 99;
        }
        if (number < 32) {
            *reg = (uint8_t)number;
            return true;
        }
    }
    return isa_asm_fail(state, place, "expected a register, x0 to x31 or an ABI name, got '%s'",
                        name);
}

/* An immediate of the range; one not yet known counts as low in the first pass. */
static bool take_imm(asm_state *state, int64_t low, int64_t high, int32_t *imm)
{
    asm_value value = {0, false};
    isa_asm_skip_blank(state);
    const char *place = state->at;
    if (!isa_asm_take_value(state, &value)) {
        return false;
    }
    if (!value.known) {
        return true;
    }
    if (value.number < low || value.number > high) {
        return isa_asm_fail(
            state, place, "immediate %" PRId64 " is out of range, expected %" PRId64 " to %" PRId64,
            value.number, low, high);
    }
    *imm = (int32_t)value.number;
    return true;
}

static bool take_target(asm_state *state, isa_format format, int32_t *imm)
{
    const int64_t reach = format == ISA_FORMAT_J ? 1048576 : 4096;
    asm_value value = {0, false};
    isa_asm_skip_blank(state);
    const char *place = state->at;
    if (!isa_asm_take_value(state, &value)) {
        return false;
    }
    /* The difference of two 32-bit addresses, as the core computes it. */
    const uint32_t distance = (uint32_t)value.number - (uint32_t)isa_asm_here(state);
    const int64_t offset = value.known ? (int32_t)distance : 0;
    if (value.known && (value.number < INT32_MIN || value.number > (int64_t)UINT32_MAX)) {
        return isa_asm_fail(state, place, "target %" PRId64 " is not a 32-bit address",
                            value.number);
    }
    if (offset < -reach || offset >= reach) {
        return isa_asm_fail(state, place,
                            "target is %" PRId64 " bytes away, expected %" PRId64 " to %" PRId64,
                            offset, -reach, reach - 2);
    }
    if ((offset & 1) != 0) {
        return isa_asm_fail(state, place, "target is at an odd distance");
    }
    *imm = (int32_t)offset;
    return true;
}

static bool take_csr(asm_state *state, int32_t *imm)
{
    char name[ASM_NAME_BYTES];
    isa_asm_skip_blank(state);
    const char *start = state->at;
    if (isa_asm_accept_name(state, name)) {
        const int number = isa_csr_find(name);
        if (number >= 0) {
            *imm = number;
            return true;
        }
        state->at = start; /* perhaps a constant */
    }
    return state->status == SY_OK && take_imm(state, 0, 4095, imm);
}

/* One side of a fence: letters of "iorw" in this order, or 0. */
static bool take_fence_set(asm_state *state, int32_t *set)
{
    static const char letters[] = "iorw";
    char name[ASM_NAME_BYTES];
    *set = 0;
    if (isa_asm_accept(state, '0')) {
        return true;
    }
    isa_asm_skip_blank(state);
    const char *place = state->at;
    if (!isa_asm_take_name(state, "some of 'iorw'", name)) {
        return false;
    }
    const char *at = name;
    for (int32_t i = 0; i < 4; i++) {
        if (*at == letters[i]) {
            *set |= 8 >> i;
            at++;
        }
    }
    return *at == '\0' ||
           isa_asm_fail(state, place, "expected some of 'iorw' in this order, got '%s'", name);
}

static bool take_fence(asm_state *state, isa_op op, int32_t *imm)
{
    int32_t pred = 15;
    int32_t succ = 15;
    if (op == ISA_OP_FENCE_I) {
        *imm = 0;
        return true;
    }
    if (!isa_asm_at_end(state) && (!take_fence_set(state, &pred) || !isa_asm_take(state, ',') ||
                                   !take_fence_set(state, &succ))) {
        return false;
    }
    *imm = pred << 4 | succ;
    return true;
}

/* "imm(rs1)", "(rs1)". */
static bool take_memory(asm_state *state, isa_insn *insn)
{
    if (isa_asm_accept(state, '(')) {
        /*
         * "(x1)", or an expression that begins with a parenthesis: then a name of no register
         * follows
         */
        const char *inside = state->at;
        char name[ASM_NAME_BYTES];
        const bool is_name = isa_asm_accept_name(state, name);
        const bool is_symbol = is_name && isa_asm_find(state, name) != NULL;
        state->at = inside;
        if (is_name && !is_symbol) {
            return take_register(state, &insn->rs1) && isa_asm_take(state, ')');
        }
        state->at = inside - 1;
    }
    return state->status == SY_OK && take_imm(state, -2048, 2047, &insn->imm) &&
           isa_asm_take(state, '(') && take_register(state, &insn->rs1) && isa_asm_take(state, ')');
}

static bool take_operand(asm_state *state, char kind, isa_format format, isa_insn *insn)
{
    int32_t imm = 0;
    switch (kind) {
    case 'd':
        return take_register(state, &insn->rd);
    case 's':
        return take_register(state, &insn->rs1);
    case 't':
        return take_register(state, &insn->rs2);
    case 'm':
        return take_memory(state, insn);
    case 'l':
        return take_target(state, format, &insn->imm);
    case 'c':
        return take_csr(state, &insn->imm);
    case 'f':
        return take_fence(state, insn->op, &insn->imm);
    case 'i':
        return format == ISA_FORMAT_SHIFT ? take_imm(state, 0, 31, &insn->imm)
                                          : take_imm(state, -2048, 2047, &insn->imm);
    case 'u':
        if (!take_imm(state, 0, 0xFFFFF, &imm)) {
            return false;
        }
        insn->imm = (int32_t)((uint32_t)imm << 12);
        return true;
    case 'z':
        if (!take_imm(state, 0, 31, &imm)) {
            return false;
        }
        insn->rs1 = (uint8_t)imm;
        return true;
    default:
        break;
    }
    SY_UNREACHABLE();
}

static bool emit(asm_state *state, const char *place, const isa_insn *insn)
{
    uint32_t word = 0;
    if (isa_encode(insn, &word) != SY_OK) {
        return isa_asm_fail(state, place, "operands do not fit the instruction");
    }
    return isa_asm_emit_word(state, place, word);
}

static bool take_operands(asm_state *state, const char *place, const char *operands, isa_insn *insn)
{
    const isa_format format = isa_op_describe(insn->op)->format;
    for (const char *kind = operands; *kind != '\0'; kind++) {
        if ((kind != operands && !isa_asm_take(state, ',')) ||
            !take_operand(state, *kind, format, insn)) {
            return false;
        }
    }
    return emit(state, place, insn);
}

/*
 * Words that a load of the constant takes: 1 or 2. The first pass notes them, as an unknown value
 * may need both.
 */
static bool count_words(asm_state *state, asm_value value, bool may_be_none, unsigned *n_words)
{
    const int32_t number = (int32_t)(uint32_t)value.number;
    if (state->pass == 2) {
        SY_ASSERT(state->i_load < state->n_words.n);
        *n_words = state->n_words.items[state->i_load++];
        return true;
    }
    *n_words = !value.known                        ? 2
               : number == 0 && may_be_none        ? 0
               : number >= -2048 && number <= 2047 ? 1
               : ((uint32_t)number & 0xFFF) == 0   ? 1
                                                   : 2;
    return base_vec_push(state->arena, &state->n_words, (uint8_t)*n_words) ||
           isa_asm_out_of_memory(state);
}

/* reg = value in so many words: addi, lui, or lui and addi. */
static bool emit_constant(asm_state *state, const char *place, uint8_t reg, uint32_t value,
                          unsigned n_words)
{
    const int32_t low = (int32_t)((value & 0xFFF) ^ 0x800) - 0x800;
    const isa_insn lui = {
        .op = ISA_OP_LUI, .rd = reg, .imm = (int32_t)((value - (uint32_t)low) & 0xFFFFF000)};
    const bool short_form = n_words == 1 && lui.imm == 0;
    const isa_insn addi = {.op = ISA_OP_ADDI, .rd = reg, .rs1 = short_form ? 0 : reg, .imm = low};
    if (n_words == 0) {
        return true;
    }
    return (short_form || emit(state, place, &lui)) &&
           ((n_words == 1 && !short_form) || emit(state, place, &addi));
}

/* li and la. */
static bool load_constant(asm_state *state, const char *place)
{
    isa_insn insn = {0};
    asm_value value = {0, false};
    unsigned n_words = 0;
    if (!take_register(state, &insn.rd) || !isa_asm_take(state, ',')) {
        return false;
    }
    isa_asm_skip_blank(state);
    const char *value_place = state->at;
    if (!isa_asm_take_value(state, &value)) {
        return false;
    }
    if (value.known && (value.number < INT32_MIN || value.number > (int64_t)UINT32_MAX)) {
        return isa_asm_fail(state, value_place, "%" PRId64 " does not fit into 32 bits",
                            value.number);
    }
    return count_words(state, value, false, &n_words) &&
           emit_constant(state, place, insn.rd, (uint32_t)value.number, n_words);
}

/* "mxu.set a_base, x10, x11". */
static bool set_pair(asm_state *state, const char *place, isa_unit unit)
{
    char name[ASM_NAME_BYTES];
    isa_insn insn = {.op = ISA_OP_SET, .unit = (uint8_t)unit};
    isa_asm_skip_blank(state);
    const char *reg_place = state->at;
    if (!isa_asm_take_name(state, "a descriptor register", name)) {
        return false;
    }
    const int reg = isa_reg_find(unit, name);
    if (reg < 0) {
        return isa_asm_fail(state, reg_place, "%s has no descriptor register '%s'",
                            isa_unit_name((unsigned)unit), name);
    }
    if (reg % 2 != 0) {
        return isa_asm_fail(state, reg_place, "'%s' is the second of its pair: name %s", name,
                            isa_reg_describe(unit, (unsigned)reg - 1)->name);
    }
    insn.pair = (uint8_t)(reg / 2);
    return isa_asm_take(state, ',') && take_register(state, &insn.rs1) &&
           isa_asm_take(state, ',') && take_register(state, &insn.rs2) && emit(state, place, &insn);
}

/* Sets a pair from the shadow registers, through t5 and t6. */
static bool emit_pair(asm_state *state, const char *place, isa_unit unit, unsigned pair)
{
    const uint8_t temporaries[2] = {30, 31};
    isa_insn insn = {.op = ISA_OP_SET, .unit = (uint8_t)unit, .pair = (uint8_t)pair};
    uint8_t sources[2];
    for (unsigned half = 0; half < 2; half++) {
        const unsigned reg = 2 * pair + half;
        const asm_value value = {state->shadow[unit][reg], state->shadow_known[unit][reg]};
        unsigned n_words = 0;
        if (!count_words(state, value, true, &n_words) ||
            !emit_constant(state, place, temporaries[half], (uint32_t)value.number, n_words)) {
            return false;
        }
        sources[half] = n_words == 0 ? 0 : temporaries[half];
    }
    insn.rs1 = sources[0];
    insn.rs2 = sources[1];
    return emit(state, place, &insn);
}

/* "mxu.setf a_base=12, w_base=34": pairs in rising order, however they are named. */
static bool set_fields(asm_state *state, const char *place, isa_unit unit)
{
    bool touched[ISA_MAX_REGS] = {false};
    do {
        char name[ASM_NAME_BYTES];
        asm_value value = {0, false};
        isa_asm_skip_blank(state);
        const char *reg_place = state->at;
        if (!isa_asm_take_name(state, "a descriptor register", name)) {
            return false;
        }
        const int reg = isa_reg_find(unit, name);
        if (reg < 0) {
            return isa_asm_fail(state, reg_place, "%s has no descriptor register '%s'",
                                isa_unit_name((unsigned)unit), name);
        }
        if (touched[reg]) {
            return isa_asm_fail(state, reg_place, "'%s' is given twice", name);
        }
        touched[reg] = true;
        if (!isa_asm_take(state, '=') ||
            !isa_asm_take_reg_value(state, unit, (unsigned)reg, &value)) {
            return false;
        }
        state->shadow[unit][reg] = (uint32_t)value.number;
        state->shadow_known[unit][reg] = value.known;
    } while (isa_asm_accept(state, ','));
    for (unsigned pair = 0; 2 * pair < isa_unit_n_regs(unit); pair++) {
        if ((touched[2 * pair] || touched[2 * pair + 1]) && !emit_pair(state, place, unit, pair)) {
            return false;
        }
    }
    return true;
}

/* "mxu.set" and "mxu.setf": *found. */
static bool unit_pseudo(asm_state *state, const char *place, const char *mnemonic, bool *found)
{
    const char *dot = strchr(mnemonic, '.');
    *found = false;
    if (dot == NULL || (strcmp(dot, ".set") != 0 && strcmp(dot, ".setf") != 0)) {
        return true;
    }
    for (unsigned unit = 0; unit < ISA_N_QUEUES; unit++) {
        const char *name = isa_unit_name(unit);
        size_t n = 0;
        while (name[n] != '\0' && tolower((unsigned char)name[n]) == mnemonic[n]) {
            n++;
        }
        if (name[n] == '\0' && mnemonic + n == dot) {
            *found = true;
            return strcmp(dot, ".set") == 0 ? set_pair(state, place, (isa_unit)unit)
                                            : set_fields(state, place, (isa_unit)unit);
        }
    }
    return true;
}

/* "jal TARGET" and "jalr RS" mean the return address register. */
static bool one_operand_jump(asm_state *state, const char *place, const char *mnemonic, bool *found)
{
    const bool jal = strcmp(mnemonic, "jal") == 0;
    isa_insn insn = {.op = jal ? ISA_OP_JAL : ISA_OP_JALR, .rd = 1};
    *found = false;
    if (!jal && strcmp(mnemonic, "jalr") != 0) {
        return true;
    }
    const char *c = state->at;
    while (*c != '\0' && strchr("\n;#,/", *c) == NULL) {
        c++;
    }
    if (*c == ',') {
        return true;
    }
    *found = true;
    return take_operands(state, place, jal ? "l" : "s", &insn);
}

bool isa_asm_instruction(asm_state *state, const char *place, const char *mnemonic)
{
    bool found = false;
    if (!state->sections.items[state->current].is_text && !state->is_image) {
        return isa_asm_fail(state, place, "'%s' stands outside .text", mnemonic);
    }
    if (strcmp(mnemonic, "li") == 0 || strcmp(mnemonic, "la") == 0) {
        return load_constant(state, place);
    }
    if (!one_operand_jump(state, place, mnemonic, &found) || found ||
        !unit_pseudo(state, place, mnemonic, &found) || found) {
        return state->status == SY_OK;
    }
    for (size_t i = 0; i < sizeof pseudos / sizeof pseudos[0]; i++) {
        if (strcmp(pseudos[i].mnemonic, mnemonic) == 0) {
            isa_insn insn = {.op = pseudos[i].op,
                             .rd = pseudos[i].rd,
                             .rs1 = pseudos[i].rs1,
                             .imm = pseudos[i].imm};
            return take_operands(state, place, pseudos[i].operands, &insn);
        }
    }
    for (int op = ISA_OP_ILLEGAL + 1; op < ISA_N_OPS; op++) {
        char name[ISA_MNEMONIC_BYTES];
        isa_op_mnemonic((isa_op)op, name);
        if (op != ISA_OP_SET && strcmp(name, mnemonic) == 0) {
            const isa_op_info *info = isa_op_describe((isa_op)op);
            isa_insn insn = {.op = (isa_op)op};
            return take_operands(state, place, operands_of(info->format, info->args), &insn);
        }
    }
    return isa_asm_fail(state, place, "unknown instruction '%s'", mnemonic);
}
