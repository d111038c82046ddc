/*
 * errors.c -- every error of a command is reported with unit, command number, layer, pc, source line, the field or rows that are
 * wrong and what is allowed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sim_test.h"
#include "systole/rt/machine.h"

static sim_test t;

static int set_up(void **state)
{
    (void)state;
    const isa_config config = test_small_config(); /* D = 4, 1024 rows of SPM, 256 of ACC, 1 MiB of DRAM */
    test_create(&t, &config, (sim_options){0});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_destroy(&t);
    return 0;
}

static const char *layer(void *user, uint32_t tag)
{
    (void)user;
    return tag == 7 ? "conv_7" : NULL;
}

#define MXU "mxu.setf w_base=256, planes=1, n0=2, n1=1, n2=1, n3=1, a_s0=1, c_s0=1; "
#define VEC "vpu.setf n0=4, n1=1, n2=1, n3=1, chain_in=a_src:spm, chain_out=out:spm, a_s0=1, o_base=512, o_s0=1; "
#define LD  "ld.setf n0=16, n1=1, n2=1, n3=1, hi0=16, hi1=1, hi2=1, hi3=1, m0=4, m1=1, m2=1, m3=1, t0=1; "
#define ST  "st.setf n0=16, n1=1, n2=1, n3=1, hi0=16, hi1=1, hi2=1, hi3=1, m0=4, m1=1, m2=1, m3=1, t0=1; "

static const struct {
    const char *text;
    const char *error; /* "RANGE of LD command 3 of layer 'conv_7'" */
    const char *line;
    const char *value;
} cases[] = {
    {MXU "mxu.matmul x0\n mxu.setf flags=8; li a0, 7\n mxu.matmul a0\n", "FIELD of MXU command 1 of layer 'conv_7'", "3",
     "flags is 0x8, expected no bits but those of 0x7"},
    {MXU "mxu.setf a_zero=128; li a0, 9\n mxu.matmul a0\n", "FIELD of MXU command 0 (tag 9)", "2", "a_zero is 128, expected -128 to 127"},
    {MXU "mxu.setf flags=w_unsigned, w_zero=-1\n mxu.matmul x0\n", "FIELD of MXU command 0", "2", "w_zero is -1, expected 0 to 255"},
    {VEC "vpu.setf chain_out=7\n vpu.vec x0\n", "FIELD of VPU command 0", "2", "chain_out.out is 7, expected none (0), spm (1), "},
    {"vpu.rows x0\n", "FIELD of VPU command 0", "1", "rows.first is 0 and rows.count 0, expected a count of 1 to 6 - first"},
    {LD "ld.setf fill=256\n ld.load x0\n", "FIELD of LD command 0", "2", "fill is 256, expected 0 to 255"},
    {ST "st.setf addr_hi=256\n st.store x0\n", "FIELD of ST command 0", "2", "addr_hi is 256, expected 0 to 255"},
    {MXU "mxu.setf n2=0\n mxu.matmul x0\n", "COUNT of MXU command 0", "2", "n2 is 0, expected 1 to 65535"},
    {MXU "mxu.setf planes=65536\n mxu.matmul x0\n", "COUNT of MXU command 0", "2", "planes is 65536, expected 1 to 65535"},
    {MXU "mxu.setf n0=65535, n1=65535, a_s0=0, c_s0=0\n mxu.matmul x0\n", "COUNT of MXU command 0", "2",
     "the counts make more than 2147483647 rows"},
    {LD "ld.setf m0=5\n ld.load x0\n", "COUNT of LD command 0", "2", "the byte walk makes 4 rows of 4 bytes, but m0*m1*m2*m3 is 5"},
    {LD "ld.setf n0=16777216\n ld.load x0\n", "COUNT of LD command 0", "2", "n0 is 16777216, expected 1 to 16777215"},
    {VEC "vpu.setf a_base=1022\n vpu.vec x0\n", "RANGE of VPU command 0", "2", "A reads SPM rows 1022 to 1025, expected 0 to 1023"},
    {VEC "vpu.setf o_s0=-200\n vpu.vec x0\n", "RANGE of VPU command 0", "2", "the output writes SPM rows -88 to 512, expected 0 to 1023"},
    {MXU "mxu.setf c_base=255\n mxu.matmul x0\n", "RANGE of MXU command 0", "2", "the destination writes ACC rows 255 to 256, expected 0 to 255"},
    {LD "ld.setf addr_lo=0xFFFFF\n ld.load x0\n", "RANGE of LD command 0", "2",
     "the byte walk reads DRAM bytes 0xfffff to 0x10000e, expected 0 to 0xfffff"},
    {ST "st.setf n1=2, hi1=2, s1=-32, addr_lo=16, m1=2, t1=4\n st.store x0\n", "RANGE of ST command 0", "2",
     "the byte walk writes DRAM bytes -0x10 to 0x1f, expected 0 to 0xfffff"},
    {LD "ld.setf t0=0\n ld.load x0\n", "REVISIT of LD command 0", "2", "the row walk has counts 4 1 1 1 and strides 0 0 0 0"},
    {VEC "vpu.setf o_base=2\n vpu.vec x0\n", "OVERLAP of VPU command 0", "2", "A reads SPM rows 0 to 3 and the output writes SPM rows 2 to 5"},
    {MXU "mxu.setf w_base=4\n mxu.matmul x0\n", "SELF_CONFLICT of MXU command 0", "2",
     "the weights reads SPM rows 4 to 7 and A reads SPM rows 0 to 1: bank 0 is in both"},
    {"li a0, 32\n st.wait a0\n", "SEM_RANGE of ST command 0", "2", "semaphore 32, expected 0 to 31"},
    {"li a0, 99\n core.sempost a0\n", "SEM_RANGE of the core", "2", "semaphore 99, expected 0 to 31"},
    {"li a0, 3; li a1, 300\n more: core.sempost a0\n addi a1, a1, -1; bnez a1, more\n", "SEM_OVERFLOW of the core", "2",
     "semaphore 3 stands at 255, the most it can hold"},
    {"li a0, 3; li a1, 300\n more: ld.post a0\n addi a1, a1, -1; bnez a1, more\n", "SEM_OVERFLOW of LD command 0", "2",
     "semaphore 3 stands at 255, the most it can hold"},
    {"li a0, 3\n lw a1, 2(a0)\n", "TRAP of the core", "2", "address 0x5"},
    {"nop\n .word 0xFFFFFFFF\n", "TRAP of the core", "2", "the word 0xffffffff"},
};

static void test_errors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        isa_program program = {0};
        base_diag diag = {0};
        static char text[2048];
        snprintf(text, sizeof text, "%s core.fence; core.halt x0\n", cases[i].text);
        if (isa_assemble(t.arena, text, "a.s", &program, NULL, &diag) != SY_OK) {
            fail_msg("%s", base_diag_message(&diag));
        }
        test_load(&t, &program);
        test_start(&t, program.entry);
        assert_int_equal(t.result.end, SIM_END_ERROR);
        const rt_end_context context = {.program = &program, .layer = layer};
        assert_int_equal(rt_end_fail(t.machine, &t.result, &context, &diag), SY_EDEVICE);
        char want[3][256];
        snprintf(want[0], sizeof want[0], "sim: error %s at pc 0x", cases[i].error);
        snprintf(want[1], sizeof want[1], " (a.s:%s): ", cases[i].line);
        snprintf(want[2], sizeof want[2], "%s", cases[i].value);
        for (unsigned k = 0; k < 3; k++) {
            if (strstr(base_diag_message(&diag), want[k]) == NULL) {
                fail_msg("case %u: expected \"%s\" in: %s", (unsigned)i, want[k], base_diag_message(&diag));
            }
        }
    }
}

/* An answer of DRAM that is an error names the command whose burst it was, though the next is already in the slot. */
static void test_axi(void **state)
{
    (void)state;
    isa_program program = {0};
    base_diag diag = {0};
    sim_result result;
    assert_int_equal(isa_assemble(t.arena, "li a0, 7\n" LD "ld.load a0\n ld.load x0\n core.fence; core.halt x0\n", "a.s", &program, NULL,
                                  &diag), SY_OK);
    test_load(&t, &program);
    const sim_run_options options = {.entry = program.entry, .error_one_in = 1};
    assert_ok(sim_machine_run(t.machine, &options, &result, &diag));
    const rt_end_context context = {.program = &program, .layer = layer};
    assert_int_equal(rt_end_fail(t.machine, &result, &context, &diag), SY_EDEVICE);
    assert_non_null(strstr(base_diag_message(&diag), "error AXI of LD command 0 of layer 'conv_7' at pc 0x"));
    assert_non_null(strstr(base_diag_message(&diag), " (a.s:2) (DRAM answered with an error), "));
}

/* Without its source an instruction is named by the label before it; without labels by its pc. */
static void test_where(void **state)
{
    (void)state;
    isa_program program = {0};
    base_diag diag = {0};
    base_buf text = {0};
    assert_int_equal(isa_assemble(t.arena, "nop\n nop\n here: nop\n nop\n", "dir/b.s", &program, NULL, &diag), SY_OK);
    isa_program_where(&program, 4, &text);
    assert_string_equal(text.data, " (dir/b.s:2)");
    base_buf_clear(&text);
    isa_program_where(&program, 400, &text); /* behind the end: the last label */
    assert_string_equal(text.data, " (here+0x188)");
    base_buf_clear(&text);
    program.n_sections = 0;
    isa_program_where(&program, 8, &text);
    isa_program_where(&program, 12, &text);
    assert_string_equal(text.data, " (here) (here+0x4)");
    base_buf_clear(&text);
    isa_program_where(&program, 4, &text);
    assert_int_equal(text.n_bytes, 0);
    /* A section that is cut off, or is none, says nothing. */
    isa_section cut = {.name = ISA_LINES_SECTION, .data = "no end", .n_bytes = 6};
    program.sections = &cut;
    program.n_sections = 1;
    isa_program_where(&program, 0, &text);
    cut = (isa_section){.name = ISA_LINES_SECTION, .data = "f\0\1\0", .n_bytes = 4};
    isa_program_where(&program, 0, &text);
    assert_int_equal(text.n_bytes, 0);
    base_buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_errors), cmocka_unit_test(test_axi), cmocka_unit_test(test_where)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
