/*
 * The shrinker: asked by predicates that know what the smallest program is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include "fuzz.h"
#include "shrink.h"
#include "systole/isa/asm.h"

#define SEED UINT64_C(9)

/* The text and data of a shrunk program, assembled again from what is printed. */
static void check_prints(const shrink_case *c)
{
    base_arena *arena = base_arena_create();
    base_buf text = {0};
    base_diag diag = {0};
    isa_program program = {0};
    rt_shrink_print(c, &text);
    if (isa_assemble(arena, text.data, "shrunk", &program, NULL, &diag) != SY_OK) {
        fail_msg("%s in:\n%s", base_diag_message(&diag), text.data);
    }
    assert_int_equal(program.n_text_bytes, 4 * c->n_text);
    assert_int_equal(program.n_data_bytes, 4 * c->n_data);
    assert_int_equal(program.entry, 4 * c->entry);
    for (size_t i = 0; i < c->n_text; i++) {
        assert_int_equal(base_get_le32(program.text + 4 * i), c->text[i]);
    }
    base_buf_free(&text);
    base_arena_destroy(arena);
}

static size_t count(const shrink_case *c, isa_op op)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n_text; i++) {
        isa_insn insn;
        n += isa_decode(c->text[i], &insn) && insn.op == op ? 1 : 0;
    }
    return n;
}

/* A multiplication and a matrix product, and a stall. */
static bool needs_two(void *user, const shrink_case *c)
{
    (*(size_t *)user)++;
    return count(c, ISA_OP_MUL) > 0 && count(c, ISA_OP_MXU_MATMUL) > 0 && c->stall_max >= 3;
}

static void test_random_programs(void **state)
{
    (void)state;
    unsigned n_shrunk = 0;
    for (uint64_t i = 0; i < 60; i++) {
        base_arena *arena = base_arena_create();
        isa_config config;
        fuzz_program fuzz;
        shrink_case c;
        size_t n_questions = 0;
        rt_fuzz_config(SEED, i, 8, &config);
        assert_ok(rt_fuzz_program(arena, &config, SEED, i, &fuzz, NULL));
        assert_ok(rt_shrink_from(arena, &fuzz.program, 17, &c, NULL));
        if (needs_two(&n_questions, &c)) {
            const size_t n = rt_shrink(arena, &c, needs_two, &n_questions, 6000);
            assert_int_equal(n + 1, n_questions);
            assert_true(n < 6000);
            assert_int_equal(c.stall_max, 3);
            assert_int_equal(c.n_data, 0);
            assert_int_equal(c.n_dram, 0);
            assert_int_equal(count(&c, ISA_OP_MUL), 1);
            assert_int_equal(count(&c, ISA_OP_MXU_MATMUL), 1);
            assert_true(c.n_text <= 3); /* and HALT, which stays */
            check_prints(&c);
            n_shrunk++;
        }
        base_arena_destroy(arena);
    }
    assert_true(n_shrunk > 10);
}

static shrink_case assemble(base_arena *arena, const char *text)
{
    isa_program program = {0};
    shrink_case c;
    base_diag diag = {0};
    if (isa_assemble(arena, text, "test", &program, NULL, &diag) != SY_OK) {
        fail_msg("%s", base_diag_message(&diag));
    }
    assert_ok(rt_shrink_from(arena, &program, 0, &c, NULL));
    return c;
}

/* A branch from one division to the other, whatever lies between them. */
static bool jumps_between(void *user, const shrink_case *c)
{
    (void)user;
    for (size_t i = 0; i + 1 < c->n_text; i++) {
        isa_insn first, branch, second;
        if (isa_decode(c->text[i], &first) && first.op == ISA_OP_DIV &&
            isa_decode(c->text[i + 1], &branch) && branch.op == ISA_OP_BNE) {
            const int64_t target = (int64_t)i + 1 + branch.imm / 4;
            return target >= 0 && target < (int64_t)c->n_text &&
                   isa_decode(c->text[target], &second) && second.op == ISA_OP_DIVU;
        }
    }
    return false;
}

static void test_branches_keep_their_targets(void **state)
{
    (void)state;
    base_arena *arena = base_arena_create();
    shrink_case c = assemble(arena, "start: addi x1, x0, 7\n addi x2, x0, 3\n nop\n div x3, x1, x2\n"
                                    " bne x1, x2, target\n nop\n nop\n addi x4, x0, 1\n nop\n"
                                    "target: divu x5, x1, x2\n nop\n core.halt x0\n");
    assert_true(jumps_between(NULL, &c));
    assert_true(rt_shrink(arena, &c, jumps_between, NULL, 1000) > 0);
    assert_int_equal(c.n_text, 4); /* div, bne, divu, halt */
    check_prints(&c);
    base_arena_destroy(arena);
}

/* The value that SET writes, as the core would compute it, is at least 100. */
static bool sets_at_least_100(void *user, const shrink_case *c)
{
    (void)user;
    uint32_t x[32] = {0};
    for (size_t i = c->entry; i < c->n_text; i++) {
        isa_insn insn;
        (void)isa_decode(c->text[i], &insn);
        if (insn.op == ISA_OP_ADDI) {
            x[insn.rd] = x[insn.rs1] + (uint32_t)insn.imm;
        } else if (insn.op == ISA_OP_LUI) {
            x[insn.rd] = (uint32_t)insn.imm;
        } else if (insn.op == ISA_OP_LW && insn.rs1 == 31) {
            x[insn.rd] = (size_t)insn.imm / 4 < c->n_data ? c->data[insn.imm / 4] : 0;
        } else if (insn.op == ISA_OP_SET) {
            return x[insn.rs1] >= 100 && x[insn.rs2] >= 1;
        }
        x[0] = 0;
    }
    return false;
}

static void test_values_become_small(void **state)
{
    (void)state;
    base_arena *arena = base_arena_create();
    shrink_case c = assemble(arena, "start: lui x31, 0x10000\n lui x7, 0x12345\n addi x7, x7, 1000\n"
                                    " lw x9, 4(x31)\n ld.set n0, x9, x7\n core.halt x0\n"
                                    ".data\n .word 5\n .word 1900\n .word 6\n");
    assert_true(sets_at_least_100(NULL, &c));
    assert_true(rt_shrink(arena, &c, sets_at_least_100, NULL, 1000) > 0);
    assert_int_equal(c.n_text, 3); /* li, set, halt */
    assert_int_equal(c.n_data, 0);
    isa_insn li;
    assert_true(isa_decode(c.text[0], &li) && li.op == ISA_OP_ADDI && li.imm == 100);
    check_prints(&c);
    base_arena_destroy(arena);
}

static bool always(void *user, const shrink_case *c)
{
    (void)user;
    return c->n_text > 0;
}

static void test_limits(void **state)
{
    (void)state;
    base_arena *arena = base_arena_create();
    shrink_case c = assemble(arena, "start: nop\n nop\n nop\n core.halt x0\n");
    assert_int_equal(rt_shrink(arena, &c, always, NULL, 1), 1);
    assert_true(c.n_text < 4);
    (void)rt_shrink(arena, &c, always, NULL, 100);
    assert_int_equal(c.n_text, 1); /* HALT alone */
    base_arena_fail_at(arena, 1);
    assert_int_equal(rt_shrink(arena, &c, always, NULL, 100), 0);
    base_arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_programs),
        cmocka_unit_test(test_branches_keep_their_targets),
        cmocka_unit_test(test_values_become_small),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
