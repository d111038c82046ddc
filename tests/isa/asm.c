/*
 * asm.c -- the assembler: what it makes of each directive and pseudo-instruction, and what it
 * refuses.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include "systole/base/rng.h"
#include "systole/isa/asm.h"
#include "systole/isa/isa.h"

static base_arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = base_arena_create();
    return arena == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    base_arena_destroy(arena);
    return 0;
}

static isa_program assemble(const char *text)
{
    isa_program program = {0};
    base_diag diag = {0};
    if (isa_assemble(arena, text, "t.s", &program, NULL, &diag) != SY_OK) {
        fail_msg("%s", base_diag_message(&diag));
    }
    return program;
}

/* The instructions of text, disassembled, joined by '|', are what is expected. */
static void expect(const char *text, const char *expected)
{
    const isa_program program = assemble(text);
    base_buf out = {0};
    for (uint32_t at = 0; at < program.n_text_bytes; at += 4) {
        char line[ISA_DISASM_BYTES];
        isa_disasm(base_get_le32(program.text + at), at, line);
        base_buf_printf(&out, "%s%s", at > 0 ? "|" : "", line);
    }
    assert_string_equal(out.data != NULL ? out.data : "", expected);
    base_buf_free(&out);
}

static void refuse(const char *text, const char *message)
{
    isa_program program;
    isa_program before;
    base_diag diag = {0};
    isa_asm_where where = {0};
    memset(&program, 0x5A, sizeof program);
    memcpy(&before, &program, sizeof program);
    assert_int_equal(isa_assemble(arena, text, "t.s", &program, &where, &diag), SY_EFORMAT);
    if (strstr(base_diag_message(&diag), message) == NULL) {
        fail_msg("expected '%s' in '%s'", message, base_diag_message(&diag));
    }
    assert_memory_equal(&program, &before, sizeof program);
}

static void test_pseudo_instructions(void **state)
{
    (void)state;
    expect("nop; mv a0, a1; not a0, a1; neg a0, a1",
           "addi x0, x0, 0|addi x10, x11, 0|xori x10, x11, -1|sub x10, x0, x11");
    expect("seqz a0, a1; snez a0, a1; sltz a0, a1; sgtz a0, a1",
           "sltiu x10, x11, 1|sltu x10, x0, x11|slt x10, x11, x0|slt x10, x0, x11");
    expect("l: beqz a0, l; bnez a0, l; blez a0, l; bgez a0, l; bltz a0, l; bgtz a0, l",
           "beq x10, x0, 0x0|bne x10, x0, 0x0|bge x0, x10, 0x0|bge x10, x0, 0x0|blt x10, x0, "
           "0x0|blt x0, x10, 0x0");
    expect("l: bgt a0, a1, l; ble a0, a1, l; bgtu a0, a1, l; bleu a0, a1, l",
           "blt x11, x10, 0x0|bge x11, x10, 0x0|bltu x11, x10, 0x0|bgeu x11, x10, 0x0");
    expect("j l; jal l; jal t0, l; call l; tail l; l: jr a0; jalr a0; jalr t0, 4(a0); ret",
           "jal x0, 0x14|jal x1, 0x14|jal x5, 0x14|jal x1, 0x14|jal x0, 0x14|jalr x0, 0(x10)|jalr "
           "x1, 0(x10)|"
           "jalr x5, 4(x10)|jalr x0, 0(x1)");
    expect("csrr a0, mcycle; csrw mtvec, a0; csrs mstatus, a0; csrc 0x300, a0; csrwi mscratch, 3; "
           "csrsi mstatus, 8; csrci mstatus, 8",
           "csrrs x10, mcycle, x0|csrrw x0, mtvec, x10|csrrs x0, mstatus, x10|csrrc x0, mstatus, "
           "x10|csrrwi x0, mscratch, 3|"
           "csrrsi x0, mstatus, 8|csrrci x0, mstatus, 8");
    expect("fence; fence rw, w; fence 0, io; fence.i; ecall; ebreak; mret; wfi",
           "fence|fence rw, w|fence 0, io|fence.i|ecall|ebreak|mret|wfi");
    expect("lw a0, (a1); lw a0, 2+2(a1); lw a0, (1+3)(a1); sw zero, -4(fp)",
           "lw x10, 0(x11)|lw x10, 4(x11)|lw x10, 4(x11)|sw x0, -4(x8)");
}

static void test_constants(void **state)
{
    (void)state;
    expect("li a0, 0; li a0, -2048; li a0, 2047",
           "addi x10, x0, 0|addi x10, x0, -2048|addi x10, x0, 2047");
    expect("li a0, 0x12345000; li a0, 0x12345678; li a0, 0xFFFFF800",
           "lui x10, 0x12345|lui x10, 0x12345|addi x10, x10, 1656|addi x10, x0, -2048");
    expect("li a0, 0x12345800; li a0, 0x7FFFFFFF; li a0, 2048",
           "lui x10, 0x12346|addi x10, x10, -2048|lui x10, 0x80000|addi x10, x10, -1|lui x10, "
           "0x1|addi x10, x10, -2048");
    /* A label below takes two words, whatever its value is. */
    expect("la a0, end; end:", "lui x10, 0x0|addi x10, x10, 8");
    expect("la a0, x; .data; .zero 4; x: .word 1", "lui x10, 0x10000|addi x10, x10, 4");
    expect("lui a0, %hi(0x12345FFF); addi a0, a0, %lo(0x12345FFF)",
           "lui x10, 0x12346|addi x10, x10, -1");
    expect(".equ N, 3*(2+1) ; li a0, N<<2|1; li a1, -N; li a2, ~0 & 0xFF; li a3, 17%5; li a4, 'A'; "
           "li a5, 0b101; li a6, 7/2",
           "addi x10, x0, 37|addi x11, x0, -9|addi x12, x0, 255|addi x13, x0, 2|addi x14, x0, "
           "65|addi x15, x0, 5|addi x16, x0, 3");
    expect("nop; li a0, .; beq a0, a0, .", "addi x0, x0, 0|addi x10, x0, 4|beq x10, x10, 0x8");
    expect("li a0, 1.0; li a0, -0.5; li a0, 1e3",
           "lui x10, 0x3f800|lui x10, 0xbf000|lui x10, 0x447a0");
}

static void test_sections(void **state)
{
    (void)state;
    const isa_program p = assemble("# comment\n"
                                   "        .entry main\n"
                                   "        .text // comment\n"
                                   "first:  nop\n"
                                   "main:   li a0, 5; core.halt a0\n"
                                   "        .data\n"
                                   "        .byte 1, -1, 0xFF\n"
                                   "        .align 2\n"
                                   "v:      .half 0x1234, -2\n"
                                   "        .word v, -1, 0xFFFFFFFF, main\n"
                                   "        .float 1.5, -2\n"
                                   "        .dram 0x2000\n"
                                   "        .byte 7\n"
                                   "        .zero 3\n"
                                   "        .random 21, 9\n"
                                   "        .dram 0x1000\n"
                                   "w:      .word w\n"
                                   "        .data\n"
                                   "        .byte 9\n");
    static const uint8_t data[] = {1,    0xFF, 0xFF, 0,    0x34, 0x12, 0xFE, 0xFF, 4,    0,    0,
                                   0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 4,    0,
                                   0,    0,    0,    0,    0xC0, 0x3F, 0,    0,    0,    0xC0, 9};
    assert_int_equal(p.entry, 4);
    assert_int_equal(p.n_text_bytes, 12);
    assert_int_equal(p.n_data_bytes, sizeof data);
    assert_memory_equal(p.data, data, sizeof data);
    assert_int_equal(p.n_dram, 2);
    assert_int_equal(p.dram[0].address, 0x1000);
    assert_int_equal(p.dram[0].n_bytes, 4);
    assert_int_equal(base_get_le32(p.dram[0].data), 0x1000);
    assert_int_equal(p.dram[1].address, 0x2000);
    assert_int_equal(p.dram[1].n_bytes, 25);
    uint8_t expected[24];
    for (size_t i = 0; i < 3; i++) {
        base_set_le64(expected + 8 * i, base_rng_u64(9, 0, i));
    }
    assert_memory_equal(p.dram[1].data + 4, expected, 21);
    assert_int_equal(p.n_symbols, 2);
    assert_string_equal(p.symbols[0].name, "first");
    assert_string_equal(p.symbols[1].name, "main");
    assert_int_equal(p.symbols[1].pc, 4);
    assert_true(p.isa_hash == isa_table_hash());
    assert_false(p.has_config);

    assert_int_equal(assemble("nop\n_start: nop\n").entry, 4);
    assert_int_equal(assemble("nop\nnop\n").entry, 0);
    assert_int_equal(assemble("").n_text_bytes, 0);
    assert_int_equal(assemble(".byte 1").n_text_bytes, 4);
}

static void test_xsystole(void **state)
{
    (void)state;
    expect("mxu.matmul x10; mxu.matmul_t a0; vpu.vec a1; ld.load x0; st.store x3; mxu.wait a0; "
           "st.post a2; core.fence; core.halt a0",
           "mxu.matmul x10|mxu.matmul_t x10|vpu.vec x11|ld.load x0|st.store x3|mxu.wait "
           "x10|st.post x12|core.fence|core.halt x10");
    expect("mxu.set a_base, x10, x11; vpu.set r_mul, x0, x1",
           "mxu.set a_base, x10, x11|vpu.set r_mul, x0, x1");
    expect("vpu.table x1; core.semwait x5; core.sempost x6",
           "vpu.table x1|core.semwait x5|core.sempost x6");
}

static void test_setf(void **state)
{
    (void)state;
    expect("mxu.setf a_base=12, w_base=34",
           "addi x30, x0, 12|addi x31, x0, 34|mxu.set a_base, x30, x31");
    /* The other half: 0 at first, then what was set last. */
    expect("mxu.setf w_base=34; mxu.setf a_base=5; mxu.setf a_base=0",
           "addi x31, x0, 34|mxu.set a_base, x0, x31|addi x30, x0, 5|addi x31, x0, 34|mxu.set "
           "a_base, x30, x31|"
           "addi x31, x0, 34|mxu.set a_base, x0, x31");
    /* Another unit's registers are others; pairs come in rising order. */
    expect("ld.setf n2=2; st.setf n3=1, addr_lo=8; ld.setf n3=3",
           "addi x30, x0, 2|ld.set n2, x30, x0|addi x30, x0, 8|st.set addr_lo, x30, x0|addi x31, "
           "x0, 1|st.set n2, x0, x31|"
           "addi x30, x0, 2|addi x31, x0, 3|ld.set n2, x30, x31");
}

static void test_setf_fields(void **state)
{
    (void)state;
    expect("mxu.setf flags = accumulate | w_unsigned", "addi x30, x0, 5|mxu.set flags, x30, x0");
    expect("mxu.setf flags = accumulate:0 + a_unsigned:1",
           "addi x30, x0, 2|mxu.set flags, x30, x0");
    expect(
        "vpu.setf chain_out = out:spm | red:sum | red_loops:two, chain_fp = fn:relu | mul1:imm, "
        "mul1_imm = 0.5",
        "addi x31, x0, 1028|vpu.set chain_in, x0, x31|addi x30, x0, 529|vpu.set chain_out, x30, x0|"
        "lui x30, 0x3f000|vpu.set mul1_imm, x30, x0");
}

static void test_refusals(void **state)
{
    (void)state;
    refuse("nop\n  frob x1\n", "t.s:2:3: unknown instruction 'frob'");
    refuse("addi a0, a1\n", "t.s:1:12: expected ','");
    refuse("addi a0, a1, 2048\n",
           "t.s:1:14: immediate 2048 is out of range, expected -2048 to 2047");
    refuse("addi a0, q1, 1\n", "t.s:1:10: expected a register, x0 to x31 or an ABI name, got 'q1'");
    refuse("addi x32, x1, 1\n", "t.s:1:6: expected a register");
    refuse("addi x01, x1, 1\n", "t.s:1:6: expected a register");
    refuse("nop nop\n", "t.s:1:5: unexpected text after the operands");
    refuse("j nowhere\n", "t.s:1:3: unknown name 'nowhere'");
    refuse("a: nop\na: nop\n", "t.s:2:1: 'a' is defined twice, first in line 1");
    refuse(".equ a, 1\n.equ a, 2\n", "'a' is defined twice");
    refuse("li x1, a\n.equ a, 2\n", "t.s:1:8: constant 'a' is defined below, in line 2");
    refuse(".equ a, b\nb:\n", "t.s:1:9: this must be known here");
    refuse("li a0, 0x1FFFFFFFF\n", "t.s:1:8: 8589934591 does not fit into 32 bits");
    refuse("li a0, 99999999999999999999\n", "t.s:1:8: number is too large");
    refuse("li a0, 12ab\n", "malformed number");
    refuse("li a0, 1/0\n", "t.s:1:9: division by zero");
    refuse("li a0, 1<<64\n", "shift by 64");
    refuse("li a0, (1\n", "expected ')'");
    refuse("beq a0, a1, 0x2000\n", "t.s:1:13: target is 8192 bytes away, expected -4096 to 4094");
    refuse("beq a0, a1, 3\n", "odd distance");
    refuse("fence wr, rw\n", "expected some of 'iorw' in this order, got 'wr'");
    refuse("slli a0, a0, 32\n", "immediate 32 is out of range, expected 0 to 31");
    refuse(".data\nnop\n", "t.s:2:1: 'nop' stands outside .text");
    refuse(".byte 1\nnop\n", "t.s:2:1: an instruction at address 0x1");
    refuse(".byte 256\n", "t.s:1:7: 256 is out of range, expected -128 to 255");
    refuse(".frob\n", "t.s:1:1: unknown directive '.frob'");
    refuse(".entry x\nnop\n", "t.s:1:8: .entry 'x' is no label of .text");
    refuse(".data\nx: .word 1\n.entry x\n", ".entry 'x' is no label of .text");
    refuse(".dram 0\n.word 1\n.dram 2\n.word 1\n",
           "t.s: the .dram sections at 0x0 and 0x2 overlap");
    refuse(".zero 4194305\n", "the section has 4194305 bytes, expected at most 4194304");
    refuse(".dram 0xFFFFFFFF\n.half 1\n", "expected at most 1");
    refuse("mxu.set w_base, x1, x2\n", "t.s:1:9: 'w_base' is the second of its pair: name a_base");
    refuse("mxu.set frob, x1, x2\n", "t.s:1:9: MXU has no descriptor register 'frob'");
    refuse("core.set frob, x1, x2\n", "unknown instruction 'core.set'");
    refuse("mxu.setf a_base=1, a_base=2\n", "t.s:1:20: 'a_base' is given twice");
    refuse("vpu.setf chain_fp=fn\n", "t.s:1:19: field fn needs a value: fn:VALUE");
    refuse("vpu.setf chain_fp=fn:frob\n", "t.s:1:22: field fn has no value 'frob'");
    refuse("vpu.setf chain_fp=fn:32\n", "t.s:1:22: field fn takes 0 to 31");
    refuse("mxu.wait\n", "t.s:1:9: expected a register");
    refuse("core.fence x1\n", "unexpected text");
    refuse("\x01\n", "expected a label, an instruction or a directive");

    char deep[400];
    memset(deep, '(', sizeof deep);
    memcpy(deep, "li a0, ", 7);
    deep[sizeof deep - 1] = '\0';
    refuse(deep, "nested too deeply");
    memset(deep, '~', 300);
    memcpy(deep, "li a0, ", 7);
    refuse(deep, "nested too deeply");
    memset(deep, 'x', sizeof deep - 1);
    refuse(deep, "a name of 399 characters");
}

static void test_caret(void **state)
{
    (void)state;
    static const char text[] = "nop\n\taddi a0, a1, 9999\nnop\n";
    isa_program program;
    base_diag diag = {0};
    base_buf out = {0};
    isa_asm_where where = {0};
    assert_int_equal(isa_assemble(arena, text, "t.s", &program, &where, &diag), SY_EFORMAT);
    assert_int_equal(where.line, 2);
    assert_int_equal(where.column, 15);
    isa_asm_show(text, where, &out);
    assert_string_equal(out.data, "\taddi a0, a1, 9999\n\t             ^\n");
    base_buf_free(&out);
}

/* Damaged programs are refused or accepted, never a crash. */
static void test_fuzz(void **state)
{
    (void)state;
    static const char seed_text[] =
        ".equ N, 4\nstart: li a0, N*2+(3<<1)\n mxu.setf a_base=%lo(N), "
        "flags=accumulate|w_unsigned\n"
        "loop: addi a0, a0, -1; bnez a0, loop\n lw a1, 4(sp)\n core.halt a0\n.data\nv: .word v, "
        "'a'\n"
        ".float 1.5e3\n.dram 0x100\n.random 9, 1\n.entry start\n vpu.setf chain_fp=fn:relu\n";
    base_rng rng = base_rng_make(7, 0);
    for (int i = 0; i < 4000; i++) {
        char text[sizeof seed_text];
        isa_program program;
        base_diag diag = {0};
        memcpy(text, seed_text, sizeof text);
        const uint64_t n = base_rng_below(&rng, 4);
        for (uint64_t k = 0; k <= n; k++) {
            const size_t at = (size_t)base_rng_below(&rng, sizeof text - 1);
            text[at] = base_rng_one_in(&rng, 8) ? (char)base_rng_below(&rng, 256)
                                                : seed_text[base_rng_below(&rng, sizeof text - 1)];
        }
        (void)isa_assemble(arena, text, "t.s", &program, NULL, &diag);
        base_arena_reset(arena);
    }
    for (size_t n = 0; n < sizeof seed_text; n++) {
        char text[sizeof seed_text];
        isa_program program;
        base_diag diag = {0};
        memcpy(text, seed_text, n);
        text[n] = '\0';
        (void)isa_assemble(arena, text, "t.s", &program, NULL, &diag);
        base_arena_reset(arena);
    }
}

static void test_out_of_memory(void **state)
{
    (void)state;
    static const char text[] = "a: li a0, b\nb: nop\n.dram 0\n.word 1\n.dram 8\n.word 2\n";
    sy_status status = SY_ENOMEM;
    size_t n = 1;
    for (; status == SY_ENOMEM; n++) {
        isa_program program;
        base_diag diag = {0};
        base_arena_reset(arena);
        base_arena_fail_at(arena, n);
        status = isa_assemble(arena, text, "t.s", &program, NULL, &diag);
        assert_true(status == SY_ENOMEM || status == SY_OK);
    }
    assert_true(n > 5);
    base_arena_fail_at(arena, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pseudo_instructions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_constants, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sections, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_xsystole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_setf, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_setf_fields, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refusals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_caret, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_fuzz, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_out_of_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
