/*
 * codegen.c -- generated code, executed: at each command the registers that matter hold what the list says, in the list's order.
 *
 * The code runs in a small RV32IM interpreter (push_core.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include "push_core.h"
#include "random_list.h"
#include "systole/compiler/codegen.h"

static void compile(base_arena *arena, const isa_config *config, const cc_program *lists, size_t n, isa_program *program)
{
    base_diag diag = {0};
    if (cc_codegen(arena, config, lists, n, program, &diag) != SY_OK) {
        fail_msg("%s", base_diag_message(&diag));
    }
}

static isa_config large_config(void)
{
    isa_config config;
    isa_config_default(&config);
    config.imem_bytes = 1 << 20;
    return config;
}

static void test_random(void **state)
{
    (void)state;
    const isa_config config = large_config();
    for (uint64_t seed = 0; seed < 60; seed++) {
        base_arena *arena = base_arena_create();
        cc_program lists[2] = {{.name = "first"}, {.name = "second"}};
        for (unsigned i = 0; i < 2; i++) {
            base_rng rng = base_rng_make(seed, i);
            for (uint64_t l = base_rng_below(&rng, 4); l > 0; l--) {
                assert_ok(cc_program_begin_layer(arena, &lists[i], "node/of a graph:0"));
                list_add_nest(arena, &lists[i], &rng, (unsigned)base_rng_below(&rng, 4));
            }
        }
        isa_program program = {0};
        compile(arena, &config, lists, 2, &program);
        run(&config, &program, &lists[0]);
        run(&config, &program, &lists[1]);
        base_arena_destroy(arena);
    }
}

/* Layers that differ in a few values are one function; those of another geometry are not. */
static void test_equal_layers(void **state)
{
    (void)state;
    const isa_config config = large_config();
    for (uint64_t seed = 0; seed < 10; seed++) {
        base_arena *arena = base_arena_create();
        base_rng rng = base_rng_make(seed, 7);
        cc_program list = {.name = "entry"};
        assert_ok(cc_program_begin_layer(arena, &list, "a"));
        list_add_nest(arena, &list, &rng, 2);
        const size_t n = list.n_commands;
        for (uint32_t l = 0; l < 3; l++) {
            assert_ok(cc_program_begin_layer(arena, &list, "b"));
            list_add_nest(arena, &list, &rng, 1);
            assert_ok(cc_program_begin_layer(arena, &list, "c"));
            for (size_t k = 0; k < n; k++) {
                cc_command c = list.commands[k];
                for (unsigned r = 0; r < CC_MAX_REGISTERS; r++) {
                    c.regs[r] += (c.mask >> r & 1) && r % 5 == 0 ? 1000 * l + r : 0;
                }
                list_add(arena, &list, &c);
            }
        }
        isa_program program = {0};
        compile(arena, &config, &list, 1, &program);
        run(&config, &program, &list);
        base_arena_destroy(arena);
    }
}

/* A loop over a body that is too large for one function: its parts get the loops' counters. */
static void test_large_body(void **state)
{
    (void)state;
    const isa_config config = large_config();
    base_arena *arena = base_arena_create();
    base_rng rng = base_rng_make(1, 2);
    cc_program list = {.name = "entry"};
    assert_ok(cc_program_begin_layer(arena, &list, "large"));
    for (unsigned k = 0; k < 1500; k++) {
        const cc_command c = list_random_command(&rng);
        list_add(arena, &list, &c);
    }
    for (uint32_t i = 1; i < 4; i++) {
        list_repeat(arena, &list, 0, 1500, 42, i);
    }
    isa_program program = {0};
    compile(arena, &config, &list, 1, &program);
    run(&config, &program, &list);
    base_arena_destroy(arena);
}

/* What a convolution of 3 x 3 with two rings looks like: code and cycles stay small. */
static void test_cost(void **state)
{
    (void)state;
    const isa_config config = large_config();
    base_arena *arena = base_arena_create();
    cc_program list = {.name = "entry"};
    assert_ok(cc_program_begin_layer(arena, &list, "conv"));
    for (uint32_t step = 0; step < 24; step++) {
        const bool top = step % 6 == 0;
        const bool bottom = step % 6 == 5;
        cc_command load = {.unit = ISA_UNIT_LD, .funct7 = ISA_F7_LD_LOAD, .payload = 5};
        for (unsigned r = 0; r < isa_unit_n_regs(ISA_UNIT_LD); r++) {
            cc_set(&load, r, r == ISA_LD_ADDR_LO ? 4096 + 800 * step : r == ISA_LD_ROW_BASE ? 512 * (step % 3) : r % 7);
        }
        if (step >= 3) {
            assert_ok(cc_program_wait(arena, &list, ISA_UNIT_LD, 1));
        }
        list_add(arena, &list, &load);
        assert_ok(cc_program_post(arena, &list, ISA_UNIT_LD, 0));
        assert_ok(cc_program_wait(arena, &list, ISA_UNIT_MXU, 0));
        for (uint32_t t = 0; t < 9; t++) {
            const uint32_t ky = t / 3;
            const uint32_t kx = t % 3;
            const bool short_tap = (top && ky == 0) || (bottom && ky == 2);
            cc_command tap = {.unit = ISA_UNIT_MXU, .funct7 = ISA_F7_MXU_MATMUL, .payload = 5};
            for (unsigned r = 0; r < isa_unit_n_regs(ISA_UNIT_MXU); r++) {
                cc_set(&tap, r, r % 5);
            }
            cc_set(&tap, ISA_MXU_A_BASE, 512 * (step % 3) + 32 * ky + kx);
            cc_set(&tap, ISA_MXU_W_BASE, 8192 + 16 * t);
            cc_set(&tap, ISA_MXU_C_BASE, 256 * (step % 2) + (top && ky == 0 ? 32 : 0));
            cc_set(&tap, ISA_MXU_N0, kx == 1 ? 32 : 31);
            cc_set(&tap, ISA_MXU_N1, short_tap ? 7 : 8);
            cc_set(&tap, ISA_MXU_FLAGS, t > 0);
            list_add(arena, &list, &tap);
        }
        assert_ok(cc_program_post(arena, &list, ISA_UNIT_MXU, 1));
    }
    isa_program program = {0};
    compile(arena, &config, &list, 1, &program);
    const run_cost cost = run(&config, &program, &list);
    print_message("%zu commands: %u bytes of code, %llu cycles, %llu SETs\n", list.n_commands, (unsigned)program.n_text_bytes,
                  (unsigned long long)cost.cycles, (unsigned long long)cost.sets);
    assert_true(program.n_text_bytes < 2000);
    assert_true(cost.cycles < 8 * list.n_commands);
    base_arena_destroy(arena);
}

/* Too much code: one line with what is needed and what there is. */
static void test_too_large(void **state)
{
    (void)state;
    isa_config config = large_config();
    base_arena *arena = base_arena_create();
    base_rng rng = base_rng_make(3, 3);
    cc_program list = {.name = "entry"};
    assert_ok(cc_program_begin_layer(arena, &list, "large"));
    for (unsigned k = 0; k < 300; k++) {
        const cc_command c = list_random_command(&rng);
        list_add(arena, &list, &c);
    }
    static const uint32_t sizes[] = {1024, 4096};
    for (size_t i = 0; i < 2; i++) {
        isa_program program = {0};
        base_diag diag = {0};
        config.imem_bytes = sizes[i];
        assert_int_equal(cc_codegen(arena, &config, &list, 1, &program, &diag), SY_ERANGE);
        assert_non_null(strstr(base_diag_message(&diag), "core.imem_bytes"));
        assert_null(program.text);
    }
    base_arena_destroy(arena);
}

static void test_module_missing(void **state)
{
    (void)state;
    const isa_config config = large_config();
    base_arena *arena = base_arena_create();
    const cc_program list = {.name = "entry"};
    isa_program program = {0};
    base_diag diag = {0};
    assert_int_equal(setenv("SYSTOLE_CODEGEN", "/nowhere/libsystole-codegen.so", 1), 0);
    assert_int_equal(cc_codegen(arena, &config, &list, 1, &program, &diag), SY_EUNSUPPORTED);
    assert_non_null(strstr(base_diag_message(&diag), "/nowhere"));
    assert_int_equal(setenv("SYSTOLE_CODEGEN", "libm.so.6", 1), 0);
    assert_int_equal(cc_codegen(arena, &config, &list, 1, &program, &diag), SY_EMISMATCH);
    assert_int_equal(unsetenv("SYSTOLE_CODEGEN"), 0);
    base_arena_destroy(arena);
}

int main(void)
{
    if (!SY_HAVE_LLVM) {
        return TEST_SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random), cmocka_unit_test(test_equal_layers), cmocka_unit_test(test_large_body),
        cmocka_unit_test(test_cost),   cmocka_unit_test(test_too_large),    cmocka_unit_test(test_module_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
