/*
 * share.c -- sequences that come again, layers of equal geometry: expanding what was made of them gives the lists back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "random_list.h"

#include "../../compiler/codegen/share.h"

/* Expands and compares. */
static void expect_list(const cc_forest *forest, const cc_command *commands, size_t n, uint64_t seed)
{
    if (cc_forest_length(forest) != n) {
        fail_msg("seed %llu: expected %zu commands, got %zu", (unsigned long long)seed, n, cc_forest_length(forest));
    }
    cc_command *again = calloc(n + 1, sizeof *again);
    assert_non_null(again);
    cc_forest_expand(forest, again);
    for (size_t i = 0; i < n; i++) {
        again[i].layer = commands[i].layer;
        if (memcmp(&again[i], &commands[i], sizeof *again) != 0) {
            fail_msg("seed %llu: command %zu differs", (unsigned long long)seed, i);
        }
    }
    free(again);
}

static void test_random(void **state)
{
    (void)state;
    size_t n_rules = 0;
    for (uint64_t seed = 0; seed < 150; seed++) {
        base_arena *arena = base_arena_create();
        base_rng rng = base_rng_make(seed, 11);
        cc_program p = {.name = "p"};
        list_add_nest(arena, &p, &rng, (unsigned)base_rng_below(&rng, 5));
        cc_forest list;
        cc_rule_vec rules = {0};
        assert_ok(cc_leaves(arena, p.commands, p.n_commands, &list));
        assert_ok(cc_share(arena, (uint32_t)(3 + seed % 6), &rules, &list));
        expect_list(&list, p.commands, p.n_commands, seed);
        assert_ok(cc_reroll(arena, &list));
        expect_list(&list, p.commands, p.n_commands, seed);
        assert_ok(cc_share_inline(arena, &rules, &list));
        expect_list(&list, p.commands, p.n_commands, seed);
        n_rules += rules.n;
        base_arena_destroy(arena);
    }
    print_message("%zu rules\n", n_rules);
    assert_true(n_rules > 20);
}

/* Copies of one list, with other values: one rule, a call for each. */
static void test_layers(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        base_arena *arena = base_arena_create();
        base_rng rng = base_rng_make(seed, 12);
        cc_program p[3] = {{.name = "p"}, {.name = "p"}, {.name = "p"}};
        cc_forest lists[3];
        list_add_nest(arena, &p[0], &rng, (unsigned)base_rng_below(&rng, 4));
        for (uint32_t i = 0; i < 3; i++) {
            for (size_t k = 0; k < p[0].n_commands && i > 0; k++) {
                cc_command c = p[0].commands[k];
                for (unsigned r = 0; r < CC_MAX_REGISTERS; r++) {
                    const uint32_t kind = (uint32_t)(base_rng_u64(seed, k, r) % 3);
                    c.regs[r] += (c.mask >> r & 1) && r % 3 == 0 ? i * i * 1000 * kind : 0;
                }
                list_add(arena, &p[i], &c);
            }
            assert_ok(cc_leaves(arena, p[i].commands, p[i].n_commands, &lists[i]));
        }
        cc_forest list;
        uint32_t n_parameters;
        uint32_t *arguments;
        bool fits;
        cc_rule_vec rules = {0};
        cc_rule *layer;
        assert_ok(cc_share_layers(arena, lists, 3, &fits, &list, &n_parameters, &arguments));
        assert_true(fits);
        assert_true(n_parameters <= 2);
        assert_ok(cc_share(arena, 4, &rules, &list));
        assert_ok(cc_reroll(arena, &list));
        assert_ok(cc_share_inline(arena, &rules, &list));
        assert_ok(cc_share_rule(arena, &list, n_parameters, &layer));
        for (uint32_t i = 0; i < 3; i++) {
            cc_node call = {.rule = layer, .n_values = n_parameters, .values = arguments + i * n_parameters};
            cc_node *items[1] = {&call};
            const cc_forest one = {.items = items, .n = 1};
            expect_list(&one, p[i].commands, p[i].n_commands, seed);
        }
        base_arena_destroy(arena);
    }
}

/* Lists of other shapes, or of too many differences, are no layers of one geometry. */
static void test_other_layers(void **state)
{
    (void)state;
    base_arena *arena = base_arena_create();
    cc_program p[2] = {{.name = "p"}, {.name = "p"}};
    for (uint32_t i = 0; i < 2; i++) {
        for (uint32_t k = 0; k < 40; k++) {
            cc_command c = {.unit = ISA_UNIT_LD, .funct7 = ISA_F7_LD_LOAD};
            cc_set(&c, ISA_LD_N0, i * k);
            list_add(arena, &p[i], &c);
        }
    }
    for (size_t n = 10; n <= 40; n += 30) {
        cc_forest lists[2];
        cc_forest list;
        uint32_t n_parameters;
        uint32_t *arguments;
        bool fits;
        for (uint32_t i = 0; i < 2; i++) {
            assert_ok(cc_leaves(arena, p[i].commands, n, &lists[i]));
        }
        assert_ok(cc_share_layers(arena, lists, 2, &fits, &list, &n_parameters, &arguments));
        assert_true(fits == (n == 10));
        lists[1].n--;
        assert_ok(cc_share_layers(arena, lists, 2, &fits, &list, &n_parameters, &arguments));
        assert_false(fits);
    }
    base_arena_destroy(arena);
}

static void test_no_memory(void **state)
{
    (void)state;
    base_arena *lists = base_arena_create();
    base_rng rng = base_rng_make(3, 13);
    cc_program p = {.name = "p"};
    while (p.n_commands < 150) {
        list_add_nest(lists, &p, &rng, 2);
    }
    base_arena *arena = base_arena_create();
    sy_status status = SY_ENOMEM;
    for (size_t n = 1; status != SY_OK; n += 7) {
        cc_forest list;
        cc_rule_vec rules = {0};
        cc_rule *rule;
        base_arena_reset(arena);
        base_arena_fail_at(arena, n);
        status = cc_leaves(arena, p.commands, p.n_commands, &list);
        status = status == SY_OK ? cc_share(arena, 3, &rules, &list) : status;
        status = status == SY_OK ? cc_reroll(arena, &list) : status;
        status = status == SY_OK ? cc_share_inline(arena, &rules, &list) : status;
        status = status == SY_OK ? cc_share_rule(arena, &list, 0, &rule) : status;
        assert_true(status == SY_OK || status == SY_ENOMEM);
    }
    base_arena_destroy(arena);
    base_arena_destroy(lists);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_layers),
        cmocka_unit_test(test_other_layers),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
