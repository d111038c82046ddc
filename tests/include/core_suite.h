/*
 * core_suite.h -- for the tests of the scalar core: a program in assembly, on the simulator and on
 * the Verilog in lockstep.
 *
 * Without Verilator the simulator alone runs, and what a test expects is checked against it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_TESTS_CORE_SUITE_H
#define SYSTOLE_TESTS_CORE_SUITE_H

#include <stdlib.h>

#include "test.h"

#include "systole/base/arena.h"
#include "systole/base/buf.h"
#include "systole/isa/asm.h"
#include "systole/isa/isa.h"
#include "systole/rt/cosim.h"

typedef struct core_suite {
    base_arena *arena;
    isa_config config;
    sim_machine *sim;
    sim_machine *rtl; /* NULL without Verilator */
    base_buf text;    /* of the next program */
    isa_program program;
    isa_image image; /* the last that was loaded */
    sim_result result;
    bool covered[ISA_N_OPS]; /* words of the programs that have run */
} core_suite;

static core_suite suite;

static inline int suite_open(void **state)
{
    (void)state;
    (void)setenv("SYSTOLE_CACHE", SY_BINARY_DIR "/rtl-cache", 1);
    base_diag diag = {0};
    suite.arena = base_arena_create();
    assert_ok(isa_config_find("tiny", &suite.config, &diag));
    assert_ok(rt_machine_create(RT_MACHINE_SIM, &suite.config, NULL, &suite.sim, &diag));
    if (SY_HAVE_VERILATOR &&
        rt_machine_create(RT_MACHINE_RTL, &suite.config, NULL, &suite.rtl, &diag) != SY_OK) {
        fail_msg("%s", base_diag_message(&diag));
    }
    return 0;
}

static inline int suite_close(void **state)
{
    (void)state;
    sim_machine_destroy(suite.sim);
    sim_machine_destroy(suite.rtl);
    base_buf_free(&suite.text);
    base_arena_destroy(suite.arena);
    return 0;
}

/* Appends a line to the next program. */
#define line(...) (base_buf_printf(&suite.text, __VA_ARGS__), base_buf_putc(&suite.text, '\n'))

/* The models run what is in their memories. */
static inline void suite_start(const sim_run_options *options)
{
    base_diag diag = {0};
    sy_status status;
    if (suite.rtl != NULL) {
        rt_cosim_result result;
        const rt_cosim_options cosim = {.run = *options, .dram_bytes = 8};
        status = rt_cosim(suite.sim, suite.rtl, &cosim, &result, &diag);
        suite.result = result.results[0];
        if (status == SY_OK && !result.equal) {
            fail_msg("%s", result.difference);
        }
    } else {
        status = sim_machine_run(suite.sim, options, &suite.result, &diag);
    }
    if (status != SY_OK) {
        fail_msg("%s", base_diag_message(&diag));
    }
}

static inline void suite_cover(const uint8_t *text, uint32_t n_bytes)
{
    for (uint32_t at = 0; at + 4 <= n_bytes; at += 4) {
        isa_insn insn;
        (void)isa_decode(base_get_le32(text + at), &insn);
        suite.covered[insn.op] = true;
    }
}

/* Assembles the lines, and runs them; the next program is then empty. */
static inline void suite_run(void)
{
    base_diag diag = {0};
    base_buf_putc(&suite.text, '\0');
    assert_ok(base_buf_status(&suite.text));
    const sy_status status = isa_assemble(suite.arena, suite.text.data, "test", &suite.program,
                                          NULL, &diag);
    base_buf_clear(&suite.text);
    if (status != SY_OK) {
        fail_msg("%s", base_diag_message(&diag));
    }
    suite_cover(suite.program.text, suite.program.n_text_bytes);
    if (rt_machine_load(suite.sim, &suite.program, &diag) != SY_OK ||
        (suite.rtl != NULL && rt_machine_load(suite.rtl, &suite.program, &diag) != SY_OK)) {
        fail_msg("%s", base_diag_message(&diag));
    }
    suite_start(&(sim_run_options){.entry = suite.program.entry, .max_cycles = 5000000});
}

/* As suite_run, of a program that must halt. */
static inline void suite_run_to_halt(void)
{
    suite_run();
    if (suite.result.end != SIM_END_DONE) {
        base_buf why = {0};
        rt_end_print(&suite.result, &why);
        base_buf_putc(&why, '\0');
        fail_msg("%s", why.data);
    }
}

/* A word of DMEM, by its address. */
static inline uint32_t suite_word(uint32_t address)
{
    uint8_t bytes[4];
    assert_ok(sim_machine_read(suite.sim, SIM_DMEM, address - ISA_DMEM_BASE, bytes, sizeof bytes));
    return base_get_le32(bytes);
}

/* Where a label of the last program lies. */
static inline uint32_t suite_label(const char *name)
{
    uint32_t pc = 0;
    assert_true(isa_program_find(&suite.program, name, &pc));
    return pc;
}

/* Assembles the lines at an address as one segment, and puts it into IMEM and DMEM of both models.
 */
static inline void suite_load_image(uint32_t base)
{
    base_diag diag = {0};
    base_buf_putc(&suite.text, '\0');
    const sy_status status = isa_assemble_image(suite.arena, suite.text.data, "test", base,
                                                &suite.image, NULL, &diag);
    base_buf_clear(&suite.text);
    if (status != SY_OK) {
        fail_msg("%s", base_diag_message(&diag));
    }
    assert_int_equal(suite.image.n_segments, 1);
    const isa_segment *s = &suite.image.segments[0];
    sim_machine *machines[2] = {suite.sim, suite.rtl};
    for (int m = 0; m < 2 && machines[m] != NULL; m++) {
        assert_ok(sim_machine_write(machines[m], SIM_IMEM, 0, s->data, s->n_data));
        assert_ok(sim_machine_write(machines[m], SIM_DMEM, 0, s->data, s->n_data));
    }
}

/* Where a label of the last image lies. */
static inline uint32_t suite_address(const char *name)
{
    uint32_t address = 0;
    assert_true(isa_image_find(&suite.image, name, &address));
    return address;
}

/* Every instruction of rv32.def with a format of mine has been in a program of this file. */
static inline void suite_check_covered(bool (*mine)(isa_format format))
{
    for (isa_op op = ISA_OP_ILLEGAL + 1; op < ISA_N_OPS; op++) {
        const isa_op_info *info = isa_op_describe(op);
        if (info->format != ISA_FORMAT_XSYSTOLE && mine(info->format) && !suite.covered[op]) {
            fail_msg("%s is in no program of this test", info->name);
        }
    }
}

/* Values at which signs, carries, shifts and divisions change. */
static const uint32_t suite_corners[] = {
    0x00000000, 0x00000001, 0x00000002, 0x00000003, 0x00000007, 0x0000001F, 0x00000020, 0x00000021,
    0x0000007F, 0x00000080, 0x000000FF, 0x00007FFF, 0x00008000, 0x0000FFFF, 0x00010000, 0x12345678,
    0x33333333, 0x55555555, 0x7FFFFFFE, 0x7FFFFFFF, 0x80000000, 0x80000001, 0x9ABCDEF0, 0xAAAAAAAA,
    0xFFFF0000, 0xFFFF7FFF, 0xFFFF8000, 0xFFFFFF80, 0xFFFFFFE0, 0xFFFFFFFD, 0xFFFFFFFE, 0xFFFFFFFF,
};
enum { SUITE_CORNERS = sizeof suite_corners / sizeof suite_corners[0] };

/* .data with the corners at label corners, which is the first. */
static inline void suite_corner_data(void)
{
    line(".data");
    line("corners:");
    for (int i = 0; i < SUITE_CORNERS; i++) {
        line(" .word %u", (unsigned)suite_corners[i]);
    }
}

#endif
