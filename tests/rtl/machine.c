// label: fast
// timeout: 300
/*
 * machine.c -- the Verilog as a sim_machine: a program with results computed by hand, memories by both ways, ends, refusals.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include "systole/base/arena.h"
#include "systole/base/rng.h"
#include "systole/isa/asm.h"
#include "systole/isa/isa.h"
#include "systole/rtl/rtl.h"

typedef struct fixture {
    base_arena *arena;
    isa_config config;
    sim_machine *machine;
} fixture;

static fixture fx;

static int set_up(void **unused)
{
    (void)unused;
    (void)setenv("SYSTOLE_CACHE", SY_BINARY_DIR "/rtl-cache", 1);
    base_diag diag = {0};
    fx.arena = base_arena_create();
    assert_ok(isa_config_find("tiny", &fx.config, &diag));
    const sy_status status = rtl_create(&fx.config, NULL, &fx.machine, &diag);
    if (status == SY_EUNSUPPORTED) {
        return 1;
    }
    if (status != SY_OK) {
        print_error("%s\n", base_diag_message(&diag));
    }
    return status;
}

static int tear_down(void **unused)
{
    (void)unused;
    sim_machine_destroy(fx.machine);
    base_arena_destroy(fx.arena);
    return 0;
}

static void load(sim_machine *m, const char *text, isa_program *program)
{
    base_diag diag = {0};
    const sy_status status = isa_assemble(fx.arena, text, "test", program, NULL, &diag);
    if (status != SY_OK) {
        print_error("%s\n", base_diag_message(&diag));
    }
    assert_ok(status);
    assert_ok(sim_machine_write(m, SIM_IMEM, 0, program->text, program->n_text_bytes));
    if (program->n_data_bytes > 0) {
        assert_ok(sim_machine_write(m, SIM_DMEM, 0, program->data, program->n_data_bytes));
    }
    for (size_t i = 0; i < program->n_dram; i++) {
        assert_ok(sim_machine_write(m, SIM_DRAM, program->dram[i].address, program->dram[i].data, program->dram[i].n_data));
    }
}

static sim_result run(sim_machine *m, const char *text, uint64_t max_cycles, const sim_observer *observer)
{
    isa_program program;
    base_diag diag = {0};
    sim_result result = {0};
    load(m, text, &program);
    const sim_run_options options = {.entry = program.entry, .max_cycles = max_cycles, .observer = observer};
    const sy_status status = sim_machine_run(m, &options, &result, &diag);
    if (status != SY_OK) {
        print_error("%s\n", base_diag_message(&diag));
    }
    assert_ok(status);
    return result;
}

/* Loads W = 2 * identity and A = 1..16 into two banks, multiplies, halves and clamps, stores; all numbers follow by hand. */
static const char layer[] =
    ".text\n"
    "_start: ld.setf addr_lo=0, n0=32, n1=1, n2=1, n3=1, hi0=32, hi1=1, hi2=1, hi3=1, m0=4, m1=2, m2=1, m3=1, t0=1, t1=256\n"
    " li a0, 7\n"
    " ld.load a0\n"
    " li a1, 3\n"
    " ld.post a1\n"
    " mxu.wait a1\n"
    " mxu.setf w_base=0, a_base=256, c_base=0, planes=1, n0=4, n1=1, n2=1, n3=1, a_s0=1, c_s0=1\n"
    " mxu.matmul a0\n"
    " mxu.post a1\n"
    " vpu.wait a1\n"
    " vpu.setf n0=4, n1=1, n2=1, n3=1, a_base=0, a_s0=1, o_base=512, o_s0=1, chain_in=a_src:acc_i32, chain_fp=mul1:imm,"
    " mul1_imm=0.5, chain_out=out:spm, o_lo=-128, o_hi=12\n"
    " vpu.vec a0\n"
    " vpu.post a1\n"
    " st.wait a1\n"
    " st.setf addr_lo=256, n0=16, n1=1, n2=1, n3=1, hi0=16, hi1=1, hi2=1, hi3=1, row_base=512, m0=4, m1=1, m2=1, m3=1, t0=1\n"
    " st.store a0\n"
    " core.fence\n"
    " li a0, 42\n"
    " core.halt a0\n"
    ".dram 0\n"
    " .byte 2,0,0,0, 0,2,0,0, 0,0,2,0, 0,0,0,2\n"
    " .byte 1,2,3,4, 5,6,7,8, 9,10,11,12, 13,14,15,16\n";

static void check_layer(sim_machine *m)
{
    const uint8_t expected[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 12, 12, 12, 12};
    int32_t acc[16];
    uint8_t bytes[16];
    assert_ok(sim_machine_read(m, SIM_ACC, 0, acc, sizeof acc));
    for (int i = 0; i < 16; i++) {
        assert_int_equal(acc[i], 2 * (i + 1));
    }
    assert_ok(sim_machine_read(m, SIM_SPM, 4 * 512, bytes, sizeof bytes));
    assert_memory_equal(bytes, expected, sizeof bytes);
    assert_ok(sim_machine_read(m, SIM_DRAM, 256, bytes, sizeof bytes));
    assert_memory_equal(bytes, expected, sizeof bytes);
}

static bool count(void *user, const sim_command_event *event)
{
    unsigned *n = user;
    assert_int_equal(event->tag, 7);
    assert_true(event->end > event->start);
    n[event->unit]++;
    return true;
}

static void test_layer(void **unused)
{
    (void)unused;
    unsigned n[SIM_N_UNITS] = {0};
    const sim_observer observer = {.user = n, .command = count};
    const sim_result result = run(fx.machine, layer, 0, &observer);
    assert_int_equal(result.end, SIM_END_DONE);
    assert_int_equal(result.exit_code, 42);
    for (int u = 0; u < SIM_N_UNITS; u++) {
        uint64_t sum = 0;
        for (int k = 0; k < SIM_N_CAUSES; k++) {
            sum += result.counters[u][k];
        }
        assert_int_equal(n[u], 1);
        assert_int_equal(sum, result.cycles);
    }
    assert_int_equal(result.counters[ISA_UNIT_MXU][ISA_COUNTER_BUSY], 4);
    assert_int_equal(result.counters[ISA_UNIT_MXU][ISA_COUNTER_LOAD], 4);
    check_layer(fx.machine);
}

/* The same through the host port, with memories full of random words: each of them comes back, or what the run made of it. */
static void test_host_port(void **unused)
{
    (void)unused;
    static const sim_memory memories[] = {SIM_DMEM, SIM_SPM, SIM_ACC};
    const uint32_t sizes[] = {fx.config.dmem_bytes, fx.config.spm_banks * fx.config.spm_bank_bytes,
                              fx.config.acc_banks * fx.config.acc_bank_bytes};
    const rtl_options options = {.host_port = true, .reset_seed = 5};
    base_diag diag = {0};
    sim_machine *by_port;
    assert_ok(rtl_create(&fx.config, &options, &by_port, &diag));
    for (int i = 0; i < 3; i++) {
        uint8_t *bytes = malloc(sizes[i]);
        assert_non_null(bytes);
        for (uint32_t b = 0; b < sizes[i]; b++) {
            bytes[b] = (uint8_t)base_rng_u64(1, (uint64_t)i, b);
        }
        assert_ok(sim_machine_write(by_port, memories[i], 0, bytes, sizes[i]));
        assert_ok(sim_machine_write(fx.machine, memories[i], 0, bytes, sizes[i]));
        free(bytes);
    }
    const sim_result first = run(by_port, layer, 0, NULL);
    const sim_result second = run(fx.machine, layer, 0, NULL);
    assert_memory_equal(&first, &second, sizeof first);
    check_layer(by_port);
    for (int i = 0; i < 3; i++) {
        uint8_t *a = malloc(sizes[i]);
        uint8_t *b = malloc(sizes[i]);
        assert_non_null(a);
        assert_non_null(b);
        assert_ok(sim_machine_read(by_port, memories[i], 0, a, sizes[i]));
        assert_ok(sim_machine_read(fx.machine, memories[i], 0, b, sizes[i]));
        assert_memory_equal(a, b, sizes[i]);
        free(a);
        free(b);
    }
    sim_machine_destroy(by_port);
}

/* The layer on a bf16 machine, memories by either way: fp32 sums, and an output that is rounded to bf16. */
static const char bf16_layer[] =
    ".text\n"
    "_start: ld.setf addr_lo=0, n0=64, n1=1, n2=1, n3=1, hi0=62, hi1=1, hi2=1, hi3=1, m0=4, m1=2, m2=1, m3=1, t0=1, t1=256,"
    " fill=0x4180\n" /* 16.0: what the last element of A would be */
    " ld.load x0\n"
    " core.fence\n"
    " mxu.setf w_base=0, a_base=256, c_base=0, planes=1, n0=4, n1=1, n2=1, n3=1, a_s0=1, c_s0=1\n"
    " mxu.matmul x0\n"
    " core.fence\n"
    " vpu.setf n0=4, n1=1, n2=1, n3=1, a_base=0, a_s0=1, o_base=512, o_s0=1, chain_in=a_src:acc_f32, chain_fp=add1:imm,"
    " add1_imm=128.75, chain_out=out:spm\n"
    " vpu.vec x0\n"
    " core.fence\n"
    " core.halt x0\n"
    ".dram 0\n"
    " .half 0x4000,0,0,0, 0,0x4000,0,0, 0,0,0x4000,0, 0,0,0,0x4000\n" /* 2.0 */
    " .half 0x3F80,0x4000,0x4040,0x4080, 0x40A0,0x40C0,0x40E0,0x4100, 0x4110,0x4120,0x4130,0x4140, 0x4150,0x4160,0x4170\n";

static void test_bf16(void **unused)
{
    (void)unused;
    isa_config config;
    base_diag diag = {0};
    assert_ok(isa_config_find("tiny-bf16", &config, &diag));
    for (int by_port = 0; by_port < 2; by_port++) {
        const rtl_options options = {.host_port = by_port != 0};
        sim_machine *m;
        float acc[16];
        uint16_t spm[16];
        uint32_t pattern[512], back[512];
        assert_ok(rtl_create(&config, &options, &m, &diag));
        for (uint32_t i = 0; i < 512; i++) {
            pattern[i] = (uint32_t)base_rng_u64(2, 0, i);
        }
        assert_ok(sim_machine_write(m, SIM_SPM, 8 * 1024, pattern, sizeof pattern));
        const sim_result result = run(m, bf16_layer, 0, NULL);
        assert_int_equal(result.end, SIM_END_DONE);
        assert_ok(sim_machine_read(m, SIM_ACC, 0, acc, sizeof acc));
        assert_ok(sim_machine_read(m, SIM_SPM, 8 * 512, spm, sizeof spm));
        assert_ok(sim_machine_read(m, SIM_SPM, 8 * 1024, back, sizeof back));
        assert_memory_equal(pattern, back, sizeof pattern);
        for (int i = 0; i < 16; i++) {
            assert_true(acc[i] == 2.0f * (float)(i + 1));
            /* 130.75 to 160.75: bf16 has whole numbers from 128 to 255 */
            assert_int_equal(spm[i], 0x4300 + 2 * (i + 1) + 1);
        }
        sim_machine_destroy(m);
    }
}

/* One map for instructions and data, through the host port: a store that the next instruction is, and what both memories hold then. */
static void test_host_port_unified(void **unused)
{
    (void)unused;
    const rtl_options options = {.host_port = true};
    base_diag diag = {0};
    sim_machine *by_port;
    isa_image image;
    uint32_t tohost = 0;
    assert_ok(rtl_create(&fx.config, &options, &by_port, &diag));
    assert_ok(isa_assemble_image(fx.arena,
                                 "_start: la t0, next\n la t1, other\n lw t1, 0(t1)\n li a0, 1\n sw t1, 0(t0)\n next: nop\n"
                                 " la t0, tohost\n sw a0, 0(t0)\n hang: j hang\n other: addi a0, a0, 41\n tohost: .word 0\n",
                                 "test", 0x80000000, &image, NULL, &diag));
    assert_true(isa_image_find(&image, "tohost", &tohost));
    sim_machine *const machines[2] = {by_port, fx.machine};
    sim_result results[2];
    for (int m = 0; m < 2; m++) {
        const isa_segment *s = &image.segments[0];
        assert_ok(sim_machine_write(machines[m], SIM_IMEM, 0, s->data, s->n_data));
        assert_ok(sim_machine_write(machines[m], SIM_DMEM, 0, s->data, s->n_data));
        const sim_run_options run_options = {.entry = image.entry,
                                             .max_cycles = 1000,
                                             .core_map = 1 << ISA_HOST_CORE_MAP_UNIFIED_LOW | 1 << ISA_HOST_CORE_MAP_WATCH_LOW,
                                             .core_base = 0x80000000,
                                             .core_watch = tohost};
        assert_ok(sim_machine_run(machines[m], &run_options, &results[m], &diag));
        assert_int_equal(results[m].end, SIM_END_DONE);
        assert_int_equal(results[m].exit_code, 42);
        uint8_t memories[2][256];
        assert_ok(sim_machine_read(machines[m], SIM_IMEM, 0, memories[0], sizeof memories[0]));
        assert_ok(sim_machine_read(machines[m], SIM_DMEM, 0, memories[1], sizeof memories[1]));
        assert_memory_equal(memories[0], memories[1], s->n_data);
        assert_int_equal(memories[0][tohost - 0x80000000], 42);
    }
    assert_memory_equal(&results[0], &results[1], sizeof results[0]);
    sim_machine_destroy(by_port);
}

static bool stop_at_once(void *user, uint32_t pc, uint64_t cycle)
{
    (void)user;
    (void)pc;
    return cycle < 5;
}

static void test_ends(void **unused)
{
    (void)unused;
    char text[1024];
    sim_result result = run(fx.machine, "_start: j _start\n", 1000, NULL);
    assert_int_equal(result.end, SIM_END_LIMIT);
    assert_int_equal(result.cycles, 1000);
    assert_int_equal(result.retired, 500);
    assert_int_equal(result.counters[ISA_UNIT_LD][ISA_COUNTER_EMPTY], 1000);

    const sim_observer observer = {.retire = stop_at_once};
    result = run(fx.machine, "_start: j _start\n", 0, &observer);
    assert_int_equal(result.end, SIM_END_STOPPED);

    result = run(fx.machine, "_start: li a0, 9\n ld.wait a0\n li a0, 4\n core.semwait a0\n", 0, NULL);
    assert_int_equal(result.end, SIM_END_DEADLOCK);
    assert_true(sim_machine_explain(fx.machine, text, sizeof text) < sizeof text);
    assert_non_null(strstr(text, "LD: waits for semaphore 9 (value 0)"));
    assert_non_null(strstr(text, "core.semwait x10): it waits for semaphore 4 (value 0)"));

    result = run(fx.machine, "_start: ld.setf addr_hi=256\n ld.load x0\n core.fence\n core.halt x0\n", 0, NULL);
    assert_int_equal(result.end, SIM_END_ERROR);
    assert_int_equal(result.error, ISA_ERROR_FIELD);
    assert_int_equal(result.error_unit, ISA_UNIT_LD);
    assert_int_equal(result.error_command, 0);

    result = run(fx.machine, layer, 0, NULL);
    assert_int_equal(result.end, SIM_END_DONE);
    check_layer(fx.machine);
}

static void test_ranges(void **unused)
{
    (void)unused;
    uint8_t byte = 0;
    assert_int_equal(sim_machine_write(fx.machine, SIM_IMEM, fx.config.imem_bytes, &byte, 1), SY_ERANGE);
    assert_int_equal(sim_machine_read(fx.machine, SIM_DRAM, UINT64_MAX, &byte, 1), SY_ERANGE);
    assert_ok(sim_machine_write(fx.machine, SIM_IMEM, fx.config.imem_bytes - 1, &byte, 1));
}

static void test_refusals(void **unused)
{
    (void)unused;
    base_diag diag = {0};
    sim_machine *m = NULL;
    char cache[] = "/tmp/systole-rtl-XXXXXX";
    char *old_path = strdup(getenv("PATH"));
    assert_non_null(old_path);
    assert_non_null(mkdtemp(cache));
    const rtl_options empty_cache = {.cache_dir = cache};
    (void)setenv("PATH", "/nowhere", 1);
    assert_int_equal(rtl_create(&fx.config, &empty_cache, &m, &diag), SY_EUNSUPPORTED);
    assert_non_null(strstr(base_diag_message(&diag), "Verilator"));
    (void)setenv("PATH", old_path, 1);
    free(old_path);

    const rtl_options no_sources = {.cache_dir = cache, .source_dir = "/nowhere"};
    assert_int_equal(rtl_create(&fx.config, &no_sources, &m, &diag), SY_EIO);
    isa_config bad = fx.config;
    bad.d = 5;
    assert_int_equal(rtl_create(&bad, NULL, &m, &diag), SY_ECONFIG);
    assert_null(m);
    char command[64];
    (void)snprintf(command, sizeof command, "rm -rf %s", cache);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    if (system("command -v verilator >/dev/null 2>&1") != 0) {
        return TEST_SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layer),  cmocka_unit_test(test_bf16),   cmocka_unit_test(test_host_port), cmocka_unit_test(test_host_port_unified),
        cmocka_unit_test(test_ends),   cmocka_unit_test(test_ranges), cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
