/*
 * encode.c -- words to instructions to text and back: all instructions, random operands, random
 * words.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include "systole/base/rng.h"
#include "systole/isa/asm.h"
#include "systole/isa/isa.h"

#define SEED 20261120u

/* A random word of an instruction: its fixed bits, and anything in its operands. */
static uint32_t random_word(base_rng *rng, isa_op op)
{
    const isa_op_info *info = isa_op_describe(op);
    const uint32_t free_bits = (uint32_t)base_rng_next(rng) & ~info->mask;
    if (op != ISA_OP_SET) {
        return info->match | free_bits;
    }
    const isa_unit unit = (isa_unit)base_rng_below(rng, ISA_N_QUEUES);
    const uint32_t pair = (uint32_t)base_rng_below(rng, (isa_unit_n_regs(unit) + 1) / 2);
    return info->match | (free_bits & 0x01FF8000) | (uint32_t)unit << 12 | pair << 25;
}

static void test_decode_encode(void **state)
{
    (void)state;
    base_rng rng = base_rng_make(SEED, 1);
    for (int op = ISA_OP_ILLEGAL + 1; op < ISA_N_OPS; op++) {
        for (int i = 0; i < 2000; i++) {
            const uint32_t word = random_word(&rng, (isa_op)op);
            isa_insn insn;
            uint32_t back = 0;
            if (!isa_decode(word, &insn) || insn.op != (isa_op)op) {
                fail_msg("seed %u: 0x%08x is %s, expected %s", SEED, word,
                         isa_op_describe(insn.op)->name, isa_op_describe((isa_op)op)->name);
            }
            assert_int_equal(insn.word, word);
            /* FENCE ignores rd and rs1, which encode leaves 0. */
            const uint32_t ignored = insn.format == ISA_FORMAT_FENCE ? 0x000F8F80 : 0;
            assert_ok(isa_encode(&insn, &back));
            assert_int_equal(back, word & ~ignored);
        }
    }
}

/* Disassembles words, assembles the text, expects the words. */
static void expect_same(const uint32_t *words, size_t n)
{
    base_arena *arena = base_arena_create();
    base_buf text = {0};
    base_diag diag = {0};
    isa_program program = {0};
    for (size_t i = 0; i < n; i++) {
        char line[ISA_DISASM_BYTES];
        isa_disasm(words[i], (uint32_t)(4 * i), line);
        assert_true(strlen(line) < ISA_DISASM_BYTES - 1);
        base_buf_printf(&text, "%s\n", line);
    }
    assert_ok(base_buf_status(&text));
    if (isa_assemble(arena, text.data, "words.s", &program, NULL, &diag) != SY_OK) {
        fail_msg("%s", base_diag_message(&diag));
    }
    assert_int_equal(program.n_text_bytes, 4 * n);
    for (size_t i = 0; i < n; i++) {
        const uint32_t got = base_get_le32(program.text + 4 * i);
        if (got != words[i]) {
            char line[ISA_DISASM_BYTES];
            isa_disasm(words[i], (uint32_t)(4 * i), line);
            fail_msg("seed %u: word %zu is 0x%08x, prints as '%s', assembles to 0x%08x", SEED, i,
                     words[i], line, got);
        }
    }
    base_buf_free(&text);
    base_arena_destroy(arena);
}

static void test_text_of_all(void **state)
{
    (void)state;
    enum { N_EACH = 150 };
    static uint32_t words[ISA_N_OPS * N_EACH];
    base_rng rng = base_rng_make(SEED, 2);
    size_t n = 0;
    for (int op = ISA_OP_ILLEGAL + 1; op < ISA_N_OPS; op++) {
        for (int i = 0; i < N_EACH; i++) {
            words[n++] = random_word(&rng, (isa_op)op);
        }
    }
    expect_same(words, n);
}

static void test_text_of_random_words(void **state)
{
    (void)state;
    enum { N = 20000 };
    static uint32_t words[N];
    base_rng rng = base_rng_make(SEED, 3);
    for (size_t i = 0; i < N; i++) {
        words[i] = (uint32_t)base_rng_next(&rng);
        /* Half of them with a major opcode that we have. */
        if (i % 2 == 0) {
            static const uint8_t opcodes[] = {0x37, 0x17, 0x6F, 0x67, 0x63, 0x03,
                                              0x23, 0x13, 0x33, 0x0F, 0x73, 0x0B};
            words[i] = (words[i] & ~0x7Fu) | opcodes[i / 2 % sizeof opcodes];
        }
    }
    expect_same(words, N);
}

/* Xsystole by the rules of isa.def, written a second time. */
static bool legal_by_rule(uint32_t word)
{
    const unsigned unit = word >> 12 & 7;
    const unsigned funct7 = word >> 25;
    const unsigned rd = word >> 7 & 31;
    const unsigned rs1 = word >> 15 & 31;
    const unsigned rs2 = word >> 20 & 31;
    static const unsigned n_pairs[8] = {
        ISA_MXU_N_PAIRS, ISA_VPU_N_PAIRS, ISA_LD_N_PAIRS, ISA_ST_N_PAIRS, 0, 0, 0, 0};
    if (rd != 0) {
        return false;
    }
    if (funct7 >= 0x40) {
        return funct7 - 0x40 < n_pairs[unit];
    }
    bool none = false;
    bool found = false;
#define I(unit_name, name, number, args, built, summary)      \
    if (unit == ISA_UNIT_##unit_name && funct7 == (number)) { \
        found = true;                                         \
        none = ISA_ARGS_##args == ISA_ARGS_NONE;              \
    }
#include "systole/isa/tables.h"
    return found && rs2 == 0 && (!none || rs1 == 0);
}

static void test_xsystole_legality(void **state)
{
    (void)state;
    /* All units and operations, with each register field zero and not. */
    for (uint32_t high = 0; high < 1024; high++) {
        for (uint32_t fields = 0; fields < 8; fields++) {
            const uint32_t word = ISA_OPCODE_XSYSTOLE | (high & 7) << 12 | (high >> 3) << 25 |
                                  ((fields & 1) != 0 ? 3u << 7 : 0) |
                                  ((fields & 2) != 0 ? 5u << 15 : 0) |
                                  ((fields & 4) != 0 ? 9u << 20 : 0);
            isa_insn insn;
            if (isa_decode(word, &insn) != legal_by_rule(word)) {
                fail_msg("0x%08x: decode says %s", word, isa_op_describe(insn.op)->name);
            }
            if (insn.op != ISA_OP_ILLEGAL) {
                assert_int_equal(insn.unit, high & 7);
                assert_int_equal(insn.funct7, high >> 3);
                assert_int_equal(insn.timing, ISA_TIMING_XSYSTOLE);
            } else {
                assert_int_equal(insn.timing, ISA_TIMING_TRAP);
            }
        }
    }
}

static void expect_text(uint32_t word, uint32_t pc, const char *text)
{
    char got[ISA_DISASM_BYTES];
    isa_disasm(word, pc, got);
    assert_string_equal(got, text);
}

/* Words from the RISC-V manual's rules, put together by hand. */
static void test_known_words(void **state)
{
    (void)state;
    expect_text(0x00000013, 0, "addi x0, x0, 0");
    expect_text(0xFFF00093, 0, "addi x1, x0, -1");
    expect_text(0x12345537, 0, "lui x10, 0x12345");
    expect_text(0x00A5A023, 0, "sw x10, 0(x11)");
    expect_text(0xFEA5AE23, 0, "sw x10, -4(x11)");
    expect_text(0x0045A503, 0, "lw x10, 4(x11)");
    expect_text(0x00B50463, 0x100, "beq x10, x11, 0x108");
    expect_text(0xFE051EE3, 0x100, "bne x10, x0, 0xfc");
    expect_text(0x0080006F, 0x20, "jal x0, 0x28");
    expect_text(0xFFDFF0EF, 0x20, "jal x1, 0x1c");
    expect_text(0x00008067, 0, "jalr x0, 0(x1)");
    expect_text(0x02B50533, 0, "mul x10, x10, x11");
    expect_text(0x40355513, 0, "srai x10, x10, 3");
    expect_text(0x30529073, 0, "csrrw x0, mtvec, x5");
    expect_text(0xFC0022F3, 0, "csrrs x5, 0xfc0, x0");
    expect_text(0x30047073, 0, "csrrci x0, mstatus, 8");
    expect_text(0x30200073, 0, "mret");
    expect_text(0x0FF0000F, 0, "fence");
    expect_text(0x0330000F, 0, "fence rw, rw");
    expect_text(0x0000100F, 0, "fence.i");
    expect_text(0x00000000, 0, ".word 0x00000000");
    expect_text(0xFFFFFFFF, 0, ".word 0xffffffff");
    expect_text(ISA_OPCODE_XSYSTOLE | 10u << 15 | 0x10u << 25, 0, "mxu.matmul x10");
    expect_text(ISA_OPCODE_XSYSTOLE | 10u << 15 | 11u << 20 | 0x40u << 25, 0,
                "mxu.set a_base, x10, x11");
    expect_text(ISA_OPCODE_XSYSTOLE | 4u << 12 | 5u << 15 | 1u << 25, 0, "core.semwait x5");
    expect_text(ISA_OPCODE_XSYSTOLE | 4u << 12 | 3u << 25, 0, "core.fence");
    assert_int_equal(isa_encode_set(ISA_UNIT_VPU, 12, 10, 11),
                     0x0B | 1 << 12 | 10 << 15 | 11 << 20 | 0x4Cu << 25);
    assert_int_equal(isa_encode_command(ISA_OP_CORE_HALT, 10), 0x0B | 4 << 12 | 10 << 15 | 4 << 25);
    assert_int_equal(isa_encode_r(ISA_OP_MUL, 10, 10, 11), 0x02B50533);
    assert_int_equal(isa_encode_i(ISA_OP_ADDI, 1, 0, -1), 0xFFF00093);
    assert_int_equal(isa_encode_s(ISA_OP_SW, 11, 10, -4), 0xFEA5AE23);
    assert_int_equal(isa_encode_s(ISA_OP_BNE, 10, 0, -4), 0xFE051EE3);
    assert_int_equal(isa_encode_u(ISA_OP_LUI, 10, 0x12345000), 0x12345537);
    assert_int_equal(isa_encode_u(ISA_OP_JAL, 1, -4), 0xFFDFF0EF);
}

static void expect_encode(isa_insn insn, sy_status status)
{
    uint32_t word = 0x5A5A5A5A;
    assert_int_equal(isa_encode(&insn, &word), status);
    if (status != SY_OK) {
        assert_int_equal(word, 0x5A5A5A5A);
    }
}

static void test_encode_refuses(void **state)
{
    (void)state;
    expect_encode((isa_insn){.op = ISA_OP_ILLEGAL}, SY_EINVAL);
    expect_encode((isa_insn){.op = ISA_OP_ADDI, .imm = 2047}, SY_OK);
    expect_encode((isa_insn){.op = ISA_OP_ADDI, .imm = 2048}, SY_ERANGE);
    expect_encode((isa_insn){.op = ISA_OP_ADDI, .imm = -2049}, SY_ERANGE);
    expect_encode((isa_insn){.op = ISA_OP_ADDI, .rs2 = 1}, SY_EINVAL);
    expect_encode((isa_insn){.op = ISA_OP_ADD, .imm = 1}, SY_ERANGE);
    expect_encode((isa_insn){.op = ISA_OP_ADD, .rd = 32}, SY_ERANGE);
    expect_encode((isa_insn){.op = ISA_OP_SLLI, .imm = 32}, SY_ERANGE);
    expect_encode((isa_insn){.op = ISA_OP_BEQ, .imm = 4094}, SY_OK);
    expect_encode((isa_insn){.op = ISA_OP_BEQ, .imm = 4096}, SY_ERANGE);
    expect_encode((isa_insn){.op = ISA_OP_BEQ, .imm = 3}, SY_ERANGE);
    expect_encode((isa_insn){.op = ISA_OP_JAL, .imm = -1048576}, SY_OK);
    expect_encode((isa_insn){.op = ISA_OP_JAL, .imm = 1048576}, SY_ERANGE);
    expect_encode((isa_insn){.op = ISA_OP_LUI, .imm = 1}, SY_ERANGE);
    expect_encode((isa_insn){.op = ISA_OP_SW, .rd = 1}, SY_EINVAL);
    expect_encode((isa_insn){.op = ISA_OP_ECALL, .rs1 = 1}, SY_EINVAL);
    expect_encode((isa_insn){.op = ISA_OP_CORE_FENCE, .rs1 = 1}, SY_EINVAL);
    expect_encode((isa_insn){.op = ISA_OP_MXU_MATMUL, .rs1 = 1}, SY_OK);
    expect_encode((isa_insn){.op = ISA_OP_MXU_MATMUL, .rs2 = 1}, SY_EINVAL);
    expect_encode((isa_insn){.op = ISA_OP_SET, .unit = ISA_UNIT_CORE}, SY_EINVAL);
    expect_encode((isa_insn){.op = ISA_OP_SET, .unit = ISA_UNIT_MXU, .pair = ISA_MXU_N_PAIRS - 1},
                  SY_OK);
    expect_encode((isa_insn){.op = ISA_OP_SET, .unit = ISA_UNIT_MXU, .pair = ISA_MXU_N_PAIRS},
                  SY_EINVAL);
}

static void test_register_checks(void **state)
{
    (void)state;
    uint32_t word = 0;
    assert_int_equal(isa_reg_check(ISA_UNIT_MXU, ISA_MXU_A_BASE, 0xFFFFFFFF), ISA_ERROR_NONE);
    assert_int_equal(isa_reg_check(ISA_UNIT_MXU, ISA_MXU_FLAGS, 7), ISA_ERROR_NONE);
    assert_int_equal(isa_reg_check(ISA_UNIT_MXU, ISA_MXU_FLAGS, 8), ISA_ERROR_FIELD);
    word = ISA_PUT(word, ISA_VPU_CHAIN_FP_FN, ISA_VPU_CHAIN_FP_FN_RELU);
    assert_int_equal(word, 1 << 10);
    assert_int_equal(ISA_GET(word, ISA_VPU_CHAIN_FP_FN), ISA_VPU_CHAIN_FP_FN_RELU);
    assert_int_equal(isa_reg_check(ISA_UNIT_VPU, ISA_VPU_CHAIN_FP, word), ISA_ERROR_NONE);
    word = ISA_PUT(word, ISA_VPU_CHAIN_FP_FN, ISA_VPU_CHAIN_FP_FN_TANH);
    assert_int_equal(isa_reg_check(ISA_UNIT_VPU, ISA_VPU_CHAIN_FP, word), ISA_ERROR_NONE);
    word = ISA_PUT(word, ISA_VPU_CHAIN_FP_MUL2, 3);
    assert_int_equal(isa_reg_check(ISA_UNIT_VPU, ISA_VPU_CHAIN_FP, word), ISA_ERROR_FIELD);
    assert_int_equal(isa_reg_find(ISA_UNIT_VPU, "o_base"), ISA_VPU_O_BASE);
    assert_int_equal(isa_reg_find(ISA_UNIT_VPU, "nothing"), -1);
    assert_null(isa_reg_describe(ISA_UNIT_CORE, 0));
    assert_null(isa_reg_describe(ISA_UNIT_MXU, ISA_MXU_N_REGS));
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(isa_unit_name(ISA_UNIT_LD), "LD");
    assert_string_equal(isa_unit_name(99), "?");
    assert_string_equal(isa_error_name(ISA_ERROR_REVISIT), "REVISIT");
    assert_string_equal(isa_error_text(99), "unknown error");
    assert_string_equal(isa_counter_name(ISA_COUNTER_BANK), "BANK");
    assert_string_equal(isa_csr_name(ISA_CSR_MEPC), "mepc");
    assert_null(isa_csr_name(0x123));
    assert_int_equal(isa_csr_find("mhartid"), ISA_CSR_MHARTID);
    assert_int_equal(isa_timing_cycles(ISA_TIMING_DIV), ISA_CYCLES_DIV);
    assert_int_equal(ISA_CSR_COUNTER(ISA_UNIT_ST, ISA_COUNTER_HALTED), 0xFC0 + 48 + 9);
    assert_true(isa_table_hash() == ISA_TABLE_HASH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode_encode),        cmocka_unit_test(test_text_of_all),
        cmocka_unit_test(test_text_of_random_words), cmocka_unit_test(test_xsystole_legality),
        cmocka_unit_test(test_known_words),          cmocka_unit_test(test_encode_refuses),
        cmocka_unit_test(test_register_checks),      cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
