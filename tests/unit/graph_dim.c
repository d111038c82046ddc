/*
 * graph_dim.c -- dimension expressions: canonical form, arithmetic that means what it says, limits.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include "systole/graph/optable.h"
#include "systole/graph/text.h"

typedef struct fixture {
    base_arena *arena;
    ir_module *m;
} fixture;

static fixture begin(void)
{
    fixture f = { base_arena_create(), NULL };
    ir_optable *table;
    assert_ok(ir_optable_create(f.arena, &table));
    assert_ok(ir_module_create(f.arena, table, "m", &f.m));
    return f;
}

static void test_canonical_form(void **state)
{
    (void)state;
    fixture f = begin();
    ir_module *m = f.m;
    const ir_dim a = ir_dim_symbol(m, "a"), b = ir_dim_symbol(m, "b"), one = ir_dim_const(m, 1);
    const ir_dim two = ir_dim_const(m, 2), three = ir_dim_const(m, 3), six = ir_dim_const(m, 6);
    assert_ptr_equal(ir_dim_add(m, a, b), ir_dim_add(m, b, a));
    assert_ptr_equal(ir_dim_mul(m, ir_dim_add(m, a, one), b), ir_dim_add(m, ir_dim_mul(m, b, a), b));
    assert_ptr_equal(ir_dim_sub(m, ir_dim_add(m, a, b), b), a);
    assert_ptr_equal(ir_dim_sub(m, a, a), ir_dim_const(m, 0));
    assert_ptr_equal(ir_dim_floor_div(m, ir_dim_mul(m, six, a), three), ir_dim_mul(m, two, a));
    assert_ptr_equal(ir_dim_floor_div(m, ir_dim_mul(m, a, ir_dim_mul(m, b, six)), ir_dim_mul(m, b, two)),
                     ir_dim_mul(m, three, a));
    /* floor((a - 3) / 2) + 1 = floor((a - 1) / 2): two ways to size a convolution */
    assert_ptr_equal(ir_dim_add(m, ir_dim_floor_div(m, ir_dim_sub(m, a, three), two), one),
                     ir_dim_floor_div(m, ir_dim_sub(m, a, one), two));
    assert_ptr_equal(ir_dim_floor_div(m, ir_dim_floor_div(m, a, two), three), ir_dim_floor_div(m, a, six));
    assert_ptr_equal(ir_dim_ceil_div(m, ir_dim_ceil_div(m, a, two), three), ir_dim_ceil_div(m, a, six));
    assert_ptr_equal(ir_dim_floor_div(m, a, a), one);
    assert_ptr_not_equal(ir_dim_fresh(m, "a"), a);
    const ir_dim e = ir_dim_add(m, ir_dim_mul(m, three, ir_dim_mul(m, a, b)), ir_dim_ceil_div(m, ir_dim_add(m, a, b), six));
    assert_string_equal(ir_dim_text(e, f.arena), "3*a*b + ceil(a + b, 6)");
    assert_ptr_equal(ir_dim_substitute(m, e, a, two), ir_dim_add(m, ir_dim_mul(m, six, b), ir_dim_ceil_div(m, ir_dim_add(m, b, two), six)));
    base_arena_destroy(f.arena);
}

static void test_bounds(void **state)
{
    (void)state;
    fixture f = begin();
    ir_module *m = f.m;
    const ir_dim a = ir_dim_symbol(m, "a"), one = ir_dim_const(m, 1);
    assert_true(ir_dim_at_least(a, 0));
    assert_false(ir_dim_at_least(a, 1));
    assert_true(ir_dim_at_least(ir_dim_add(m, a, one), 1));
    assert_true(ir_dim_at_least(ir_dim_floor_div(m, ir_dim_add(m, a, ir_dim_const(m, 9)), ir_dim_const(m, 4)), 2));
    assert_false(ir_dim_at_least(ir_dim_sub(m, a, one), 0));
    assert_false(ir_dim_at_least(ir_dim_sub(m, one, a), -100));
    assert_false(ir_dim_at_least(NULL, 0));
    base_arena_destroy(f.arena);
}

static void test_limits(void **state)
{
    (void)state;
    fixture f = begin();
    ir_module *m = f.m;
    base_diag diag = { "" };
    const ir_dim big = ir_dim_const(m, INT64_MAX), low = ir_dim_const(m, INT64_MIN), a = ir_dim_symbol(m, "a");
    assert_null(ir_dim_add(m, big, ir_dim_const(m, 1)));
    assert_int_equal(ir_dim_check(m, NULL, &diag, "here"), SY_ERANGE);
    assert_string_equal(base_diag_message(&diag), "here: a dimension leaves 64 bits");
    assert_null(ir_dim_mul(m, ir_dim_mul(m, big, a), ir_dim_const(m, 2)));
    assert_null(ir_dim_floor_div(m, low, ir_dim_const(m, -1)));
    assert_non_null(ir_dim_floor_div(m, ir_dim_mul(m, low, a), ir_dim_mul(m, ir_dim_const(m, -1), a)));
    assert_null(ir_dim_floor_div(m, a, ir_dim_const(m, 0)));
    assert_int_equal(ir_dim_check(m, NULL, &diag, "here"), SY_ERANGE);
    assert_string_equal(base_diag_message(&diag), "here: a dimension is divided by zero");
    assert_null(ir_dim_add(m, NULL, a));
    assert_ok(ir_dim_check(m, a, &diag, "here"));

    /* products that would expand without bound stay what they are, and still mean the same */
    ir_dim sum = a;
    for (int i = 0; i < 40; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%d", i);
        sum = ir_dim_add(m, sum, ir_dim_symbol(m, name));
    }
    ir_dim square = ir_dim_mul(m, sum, sum);
    assert_non_null(square);
    for (int i = 0; i < 40; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%d", i);
        square = ir_dim_substitute(m, square, ir_dim_symbol(m, name), ir_dim_const(m, i));
    }
    square = ir_dim_substitute(m, square, a, ir_dim_const(m, 20));
    int64_t value;
    assert_true(ir_dim_is_const(square, &value));
    assert_int_equal(value, 800 * 800);
    base_arena_destroy(f.arena);
}

/* ---------------------------------------------------------------- random expressions against integers */

#define N_SYMBOLS 3

static uint64_t random_bits(uint64_t *s)
{
    *s ^= *s << 13; /* xorshift64 */
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    const int64_t q = a / b;
    return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

/* A random expression and its value where the symbols have `values`. Divisors are positive constants or symbols. */
static ir_dim random_dim(ir_module *m, uint64_t *s, int depth, const int64_t values[N_SYMBOLS], int64_t *value)
{
    static const char *const names[N_SYMBOLS] = { "p", "q", "r" };
    const uint64_t pick = random_bits(s) % (depth == 0 ? 2 : 7);
    int64_t x, y;
    if (pick == 0) {
        *value = (int64_t)(random_bits(s) % 9) - 3;
        return ir_dim_const(m, *value);
    }
    if (pick == 1) {
        const uint64_t i = random_bits(s) % N_SYMBOLS;
        *value = values[i];
        return ir_dim_symbol(m, names[i]);
    }
    const ir_dim a = random_dim(m, s, depth - 1, values, &x);
    if (pick >= 5) {
        const bool symbolic = random_bits(s) % 4 == 0;
        const int64_t divisor = symbolic ? values[0] : (int64_t)(random_bits(s) % 6) + 1;
        const ir_dim d = symbolic ? ir_dim_symbol(m, names[0]) : ir_dim_const(m, divisor);
        *value = pick == 5 ? floor_div(x, divisor) : -floor_div(-x, divisor);
        return pick == 5 ? ir_dim_floor_div(m, a, d) : ir_dim_ceil_div(m, a, d);
    }
    const ir_dim b = random_dim(m, s, depth - 1, values, &y);
    *value = pick == 2 ? x + y : pick == 3 ? x - y : x * y;
    return pick == 2 ? ir_dim_add(m, a, b) : pick == 3 ? ir_dim_sub(m, a, b) : ir_dim_mul(m, a, b);
}

/* The text after a trip through another module, where symbols have other ages. */
static const char *reparsed(ir_module *m, const char *text)
{
    base_diag diag = { "" };
    ir_module *other;
    const char *all = base_arena_printf(m->arena, "systole_ir 1 module \"m\" func @f (%%x: f32[r*q + p, %s]) -> () {}", text);
    if (ir_parse(m->arena, m->table, "dim", all, strlen(all), &diag, &other) != SY_OK) {
        fail_msg("%s: %s", text, base_diag_message(&diag));
    }
    return ir_dim_text(other->main->inputs[0]->type.dims[1], m->arena);
}

static void test_random_expressions(void **state)
{
    (void)state;
    uint64_t s = 88172645463325252u;
    for (int round = 0; round < 20000; round++) {
        fixture f = begin();
        const int64_t values[N_SYMBOLS] = { (int64_t)(random_bits(&s) % 7) + 1, (int64_t)(random_bits(&s) % 7),
                                            (int64_t)(random_bits(&s) % 50) };
        int64_t expected, got;
        const uint64_t seed = s;
        ir_dim d = random_dim(f.m, &s, 4, values, &expected);
        if (d == NULL) {
            base_arena_destroy(f.arena);
            continue; /* left 64 bits on the way */
        }
        const char *text = ir_dim_text(d, f.arena);
        ir_dim v = ir_dim_substitute(f.m, d, ir_dim_symbol(f.m, "p"), ir_dim_const(f.m, values[0]));
        v = ir_dim_substitute(f.m, v, ir_dim_symbol(f.m, "q"), ir_dim_const(f.m, values[1]));
        v = ir_dim_substitute(f.m, v, ir_dim_symbol(f.m, "r"), ir_dim_const(f.m, values[2]));
        if (!ir_dim_is_const(v, &got) || got != expected || ir_dim_at_least(d, expected + 1)) {
            fail_msg("seed %llu: %s is not %lld", (unsigned long long)seed, text, (long long)expected);
        }
        if (round % 10 == 0 && !ir_dim_is_const(d, NULL)) {
            assert_string_equal(reparsed(f.m, text), text);
        }
        base_arena_destroy(f.arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_canonical_form),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_random_expressions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
