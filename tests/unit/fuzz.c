/*
 * The program generator: determined by its arguments, source and program say the same, every
 * machine is legal, everything in the tables is exercised.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include "fuzz.h"
#include "systole/isa/asm.h"
#include "systole/sim/check.h"

#define SEED UINT64_C(20)

static void test_configurations_are_legal(void **state)
{
    (void)state;
    bool minimum_queue = false, largest_dim = false;
    for (uint64_t i = 0; i < 3000; i++) {
        isa_config config, again;
        base_diag diag = {0};
        rt_fuzz_config(SEED, i, 32, &config);
        rt_fuzz_config(SEED, i, 32, &again);
        if (isa_config_check(&config, &diag) != SY_OK) {
            fail_msg("configuration %u: %s", (unsigned)i, base_diag_message(&diag));
        }
        assert_true(config.d >= 4 && config.d <= 32);
        assert_true(isa_config_hash(&config) == isa_config_hash(&again));
        minimum_queue = minimum_queue || config.queue_depth == 1;
        largest_dim = largest_dim || config.d == 32;
    }
    assert_true(minimum_queue && largest_dim);
}

static bool same_program(const isa_program *a, const isa_program *b)
{
    if (a->n_text_bytes != b->n_text_bytes || memcmp(a->text, b->text, a->n_text_bytes) != 0 ||
        a->n_data_bytes != b->n_data_bytes || a->entry != b->entry || a->n_dram != b->n_dram ||
        (a->n_data_bytes > 0 && memcmp(a->data, b->data, a->n_data_bytes) != 0)) {
        return false;
    }
    for (size_t i = 0; i < a->n_dram; i++) {
        if (a->dram[i].address != b->dram[i].address || a->dram[i].n_bytes != b->dram[i].n_bytes ||
            a->dram[i].n_data != b->dram[i].n_data ||
            memcmp(a->dram[i].data, b->dram[i].data, a->dram[i].n_data) != 0) {
            return false;
        }
    }
    return true;
}

static void test_programs_are_determined(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 150; i++) {
        base_arena *arena = base_arena_create();
        isa_config config;
        fuzz_program first, second;
        rt_fuzz_config(SEED, i % 10, 16, &config);
        assert_ok(rt_fuzz_program(arena, &config, SEED, i, &first, NULL));
        assert_ok(rt_fuzz_program(arena, &config, SEED, i, &second, NULL));
        assert_true(same_program(&first.program, &second.program));
        assert_string_equal(first.source, second.source);
        assert_int_equal(first.kind, second.kind);
        assert_true(first.stall_seed == second.stall_seed && first.max_cycles == second.max_cycles);
        assert_ok(isa_program_check(&first.program, &config, NULL));
        base_arena_destroy(arena);
    }
}

static void test_source_is_the_program(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 300; i++) {
        base_arena *arena = base_arena_create();
        isa_config config;
        fuzz_program fuzz;
        isa_program assembled = {0};
        base_diag diag = {0};
        rt_fuzz_config(SEED, i % 20, 32, &config);
        assert_ok(rt_fuzz_program(arena, &config, SEED, i, &fuzz, NULL));
        if (isa_assemble(arena, fuzz.source, "fuzz", &assembled, NULL, &diag) != SY_OK) {
            fail_msg("program %u: %s", (unsigned)i, base_diag_message(&diag));
        }
        if (!same_program(&fuzz.program, &assembled)) {
            fail_msg("program %u: its source assembles to another program", (unsigned)i);
        }
        base_arena_destroy(arena);
    }
}

/* What the generator promises of each command is what the checks say. */
static void test_commands_fail_as_expected(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 300; i++) {
        base_arena *arena = base_arena_create();
        isa_config config;
        fuzz_program fuzz;
        rt_fuzz_config(SEED, i % 20, 16, &config);
        assert_ok(rt_fuzz_program(arena, &config, SEED, i, &fuzz, NULL));
        for (size_t k = 0; k < fuzz.n_commands; k++) {
            const fuzz_command *c = &fuzz.commands[k];
            assert_int_equal(sim_check(&config, c->unit, c->funct7, c->regs), c->expect);
            assert_true(c->expect == ISA_ERROR_NONE ||
                        (fuzz.kind != FUZZ_VALID && fuzz.kind != FUZZ_DEADLOCK));
        }
        base_arena_destroy(arena);
    }
}

static void test_tables_are_covered(void **state)
{
    (void)state;
    base_arena *keep = base_arena_create();
    base_arena *arena = base_arena_create();
    fuzz_coverage *coverage = rt_fuzz_coverage_create(keep);
    assert_non_null(coverage);
    for (uint64_t i = 0; i < 14000; i++) {
        isa_config config;
        fuzz_program fuzz;
        rt_fuzz_config(SEED, i % 16, 8, &config);
        assert_ok(rt_fuzz_program(arena, &config, SEED, i, &fuzz, NULL));
        rt_fuzz_coverage_add(coverage, &fuzz, NULL);
        base_arena_reset(arena);
    }
    base_buf text = {0};
    const size_t n_missing = rt_fuzz_coverage_print(coverage, FUZZ_BINS_PROGRAM, 100, &text);
    print_message("%s", text.data);
    base_buf_free(&text);
    base_arena_destroy(arena);
    base_arena_destroy(keep);
    assert_int_equal(n_missing, 0);
}

/* Memory that runs out anywhere gives SY_ENOMEM. */
static void test_memory_runs_out(void **state)
{
    (void)state;
    isa_config config;
    rt_fuzz_config(SEED, 0, 4, &config);
    for (size_t n = 1;; n++) {
        base_arena *arena = base_arena_create();
        fuzz_program fuzz;
        base_arena_fail_at(arena, n);
        const sy_status status = rt_fuzz_program(arena, &config, SEED, 1, &fuzz, NULL);
        base_arena_destroy(arena);
        if (status == SY_OK) {
            assert_true(n > 3);
            return;
        }
        assert_int_equal(status, SY_ENOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_configurations_are_legal),
        cmocka_unit_test(test_programs_are_determined),
        cmocka_unit_test(test_source_is_the_program),
        cmocka_unit_test(test_commands_fail_as_expected),
        cmocka_unit_test(test_tables_are_covered),
        cmocka_unit_test(test_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
