/*
 * fuse_transformer.c -- linear layers, activations, normalisation and attention written as many
 * operators: few steps, results near the reference's, the same bits for any number of threads and
 * every instruction set with fused multiply-add.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include "../../runtime/cpu/internal.h"
#include "../../runtime/cpu/simd.h"

#include "systole/base/buf.h"
#include "systole/base/rng.h"
#include "systole/graph/text.h"
#include "systole/rt/buffer.h"

#include <math.h>

#define MAX_IO 6

static base_diag diag;
static base_rng rng;

#define CHECK(call)                                   \
    do {                                              \
        if ((call) != SY_OK) {                        \
            fail_msg("%s", base_diag_message(&diag)); \
        }                                             \
    } while (0)

/* A graph in the making: constants, a head of inputs, nodes. */
typedef struct sketch {
    base_buf constants, names, inputs, nodes;
    unsigned n_constants;
    int64_t dims[MAX_IO][4];
    int32_t ranks[MAX_IO];
    sy_dtype dtypes[MAX_IO];
    unsigned n_inputs, n_products; /* in one result */
} sketch;

static int64_t between(int64_t low, int64_t high)
{
    return base_rng_range(&rng, low, high);
}

static void put_hex(base_buf *b, const void *data, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        base_buf_printf(b, "%02x", ((const unsigned char *)data)[i]);
    }
}

/* A constant %cN; returns N. rank 0: the value. */
static unsigned constant(sketch *s, int32_t rank, int64_t d0, int64_t d1, float value)
{
    const unsigned n = s->n_constants++;
    const int64_t count = rank == 0 ? 1 : rank == 1 ? d0 : d0 * d1;
    base_buf_printf(&s->constants, "const #%u = f32[", n);
    if (rank > 0) {
        base_buf_printf(&s->constants, "%d", (int)d0);
    }
    if (rank > 1) {
        base_buf_printf(&s->constants, ", %d", (int)d1);
    }
    base_buf_printf(&s->constants, "] hex ");
    for (int64_t i = 0; i < count; i++) {
        const float v = rank == 0 ? value : base_rng_float(&rng) - 0.5f;
        put_hex(&s->constants, &v, sizeof v);
    }
    base_buf_printf(&s->constants, "\n");
    base_buf_printf(&s->names, "const %%c%u: f32[", n);
    if (rank > 0) {
        base_buf_printf(&s->names, rank > 1 ? "%d, %d" : "%d", (int)d0, (int)d1);
    }
    base_buf_printf(&s->names, "] = #%u ", n);
    return n;
}

static unsigned integers(sketch *s, unsigned count, const int64_t *values)
{
    const unsigned n = s->n_constants++;
    base_buf_printf(&s->constants, "const #%u = i64[%u] hex ", n, count);
    put_hex(&s->constants, values, count * sizeof *values);
    base_buf_printf(&s->constants, "\n");
    base_buf_printf(&s->names, "const %%c%u: i64[%u] = #%u ", n, count, n);
    return n;
}

static void input(sketch *s, const char *name, sy_dtype dtype, int32_t rank, const int64_t *dims)
{
    base_buf_printf(&s->inputs, "%s%%%s: %s[", s->n_inputs > 0 ? ", " : "", name,
                    sy_dtype_name(dtype));
    for (int32_t i = 0; i < rank; i++) {
        base_buf_printf(&s->inputs, "%s%d", i > 0 ? ", " : "", (int)dims[i]);
        s->dims[s->n_inputs][i] = dims[i];
    }
    base_buf_printf(&s->inputs, "]");
    s->ranks[s->n_inputs] = rank;
    s->dtypes[s->n_inputs++] = dtype;
}

#define NODE(s, ...) base_buf_printf(&(s)->nodes, __VA_ARGS__)

/* ---------------------------------------------------------------- running */

typedef struct result {
    ir_tensor y;
    uint32_t n_steps;
} result;

static result run(const sketch *s, const base_buf *text, bool reference, uint32_t n_threads,
                  ir_tensor *inputs)
{
    base_arena *arena = base_arena_create();
    ir_optable *table = NULL;
    ir_module *module = NULL;
    rt_cpu *cpu = NULL;
    rt_cpu_plan *plan = NULL;
    result r = {.n_steps = 0};
    const rt_cpu_options options = {.reference = reference, .n_threads = n_threads};
    assert_ok(ir_optable_create(arena, &table));
    CHECK(ir_parse(arena, table, "t", text->data, text->n_bytes, &diag, &module));
    CHECK(ir_infer_module(module, &diag));
    CHECK(rt_cpu_create(module, &options, &diag, &cpu));
    CHECK(rt_cpu_plan_graph(cpu, module->main, &diag, &plan));
    const ir_tensor *in[MAX_IO];
    for (unsigned i = 0; i < s->n_inputs; i++) {
        in[i] = &inputs[i];
    }
    ir_tensor *out[] = {&r.y};
    CHECK(rt_cpu_plan_run(plan, in, out, NULL, &diag));
    r.n_steps = plan->n_steps;
    rt_cpu_plan_destroy(plan);
    rt_cpu_destroy(cpu);
    ir_module_destroy(module);
    base_arena_destroy(arena);
    return r;
}

static void make_inputs(const sketch *s, base_arena *arena, ir_tensor *inputs)
{
    for (unsigned i = 0; i < s->n_inputs; i++) {
        assert_ok(ir_tensor_init(&inputs[i], s->dtypes[i], s->ranks[i], s->dims[i], NULL));
        inputs[i].data = base_arena_alloc(arena, inputs[i].size_bytes + 1, 1);
        const int64_t n = ir_tensor_n_elements(&inputs[i]);
        for (int64_t k = 0; k < n; k++) {
            if (s->dtypes[i] == SY_DT_BOOL) { /* the first key of each query is seen */
                const int64_t last = s->dims[i][s->ranks[i] - 1];
                ((uint8_t *)inputs[i].data)[k] = k % last == 0 || base_rng_one_in(&rng, 2);
            } else {
                ((float *)inputs[i].data)[k] = 4.0f * (base_rng_float(&rng) - 0.5f);
            }
        }
    }
}

/* Runs the sketch, whose result is %y, in all ways; it must become n_steps steps. */
static void check(sketch *s, const char *what, uint32_t n_steps)
{
    base_arena *arena = base_arena_create();
    base_buf text = {0};
    ir_tensor inputs[MAX_IO];
    base_buf_printf(&text, "systole_ir 1 module \"t\" %sfunc @main main (%s) -> (%%y) { %s%s }",
                    s->constants.n_bytes > 0 ? s->constants.data : "", s->inputs.data,
                    s->names.n_bytes > 0 ? s->names.data : "", s->nodes.data);
    make_inputs(s, arena, inputs);
    const result want = run(s, &text, true, 1, inputs);
    const result one = run(s, &text, false, 1, inputs), three = run(s, &text, false, 3, inputs);
    rt_simd_set_limit(RT_ISA_AVX2);
    const result avx2 = run(s, &text, false, 1, inputs);
    rt_simd_set_limit(RT_ISA_PORTABLE);
    const result portable = run(s, &text, false, 2, inputs);
    rt_simd_set_limit(RT_ISA_AVX512);
    if (one.n_steps != n_steps) {
        fail_msg("%s: %u steps, expected %u", what, one.n_steps, n_steps);
    }
    assert_int_equal(want.y.size_bytes, one.y.size_bytes);
    assert_memory_equal(one.y.data, three.y.data, one.y.size_bytes);
    assert_memory_equal(one.y.data, avx2.y.data, one.y.size_bytes);
    const float *w = want.y.data, *g = one.y.data, *p = portable.y.data;
    double largest = 1.0;
    for (size_t i = 0; i < want.y.size_bytes / 4; i++) {
        largest = fmax(largest, (double)fabsf(w[i]));
    }
    const double limit = 4.0 * RT_CPU_FLOAT_TOLERANCE * sqrt((double)s->n_products) * largest;
    for (size_t i = 0; i < want.y.size_bytes / 4; i++) {
        if (!(fabs((double)w[i] - (double)g[i]) <= limit &&
              fabs((double)w[i] - (double)p[i]) <= limit)) {
            fail_msg("%s: element %zu: reference %.9g, fast %.9g, portable %.9g, limit %.3g", what,
                     i, (double)w[i], (double)g[i], (double)p[i], limit);
        }
    }
    rt_buffer_free(want.y.data);
    rt_buffer_free(one.y.data);
    rt_buffer_free(three.y.data);
    rt_buffer_free(avx2.y.data);
    rt_buffer_free(portable.y.data);
    base_buf_free(&text);
    base_buf_free(&s->constants);
    base_buf_free(&s->names);
    base_buf_free(&s->inputs);
    base_buf_free(&s->nodes);
    base_arena_destroy(arena);
}

/* ---------------------------------------------------------------- linear layers */

/* An activation in operators from %h to %y. */
static const char *const activations[] = {
    "%y: ? = Relu(%h)",
    "%y: ? = Gelu(%h)",
    "%y: ? = Gelu(%h) {approximate = \"tanh\"}",
    "%s: ? = Sigmoid(%h) %y: ? = Mul(%h, %s)",
    "%a: ? = Div(%h, %root2) %e: ? = Erf(%a) %f: ? = Add(%e, %one) %g: ? = Mul(%h, %f) %y: ? = "
    "Mul(%g, %half)",
    "%a: ? = Mul(%h, %inv2) %e: ? = Erf(%a) %f: ? = Add(%one, %e) %g: ? = Mul(%half, %h) %y: ? = "
    "Mul(%g, %f)",
    "%a: ? = Pow(%h, %three) %b: ? = Mul(%a, %k1) %c: ? = Add(%h, %b) %d: ? = Mul(%c, %k2) %e: ? = "
    "Tanh(%d) %f: ? = Add(%e, %one) "
    "%g: ? = Mul(%h, %half) %y: ? = Mul(%g, %f)",
    "%a: ? = Mul(%h, %h) %a3: ? = Mul(%a, %h) %b: ? = Mul(%k1, %a3) %c: ? = Add(%h, %b) %d: ? = "
    "Mul(%k2, %c) %e: ? = Tanh(%d) "
    "%f: ? = Add(%one, %e) %g: ? = Mul(%f, %h) %y: ? = Mul(%g, %half)",
};

static void named_scalars(sketch *s)
{
    const struct {
        const char *name;
        float value;
    } all[] = {{"root2", 1.41421356f}, {"inv2", 0.707106781f}, {"one", 1.0f},       {"half", 0.5f},
               {"three", 3.0f},        {"k1", 0.044715f},      {"k2", 0.797884561f}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        const unsigned n = s->n_constants++;
        base_buf_printf(&s->constants, "const #%u = f32[] hex ", n);
        put_hex(&s->constants, &all[i].value, 4);
        base_buf_printf(&s->constants, "\n");
        base_buf_printf(&s->names, "const %%%s: f32[] = #%u ", all[i].name, n);
    }
}

static void test_linear(void **state)
{
    (void)state;
    rng = base_rng_make(5, 1);
    for (unsigned i = 0; i < 54; i++) {
        sketch s = {.n_constants = 0};
        const bool gemm = i % 2 == 1, residual = i % 3 == 0;
        const int64_t m = between(1, 40), k = between(1, 80), n = between(1, 100);
        const int64_t x[] = {m, k}, r[] = {m, n};
        s.n_products = (unsigned)k + 2;
        input(&s, "x", SY_DT_F32, 2, x);
        if (residual) {
            input(&s, "r", SY_DT_F32, 2, r);
        }
        named_scalars(&s);
        const unsigned w = constant(&s, 2, k, n, 0.0f), b = constant(&s, 1, n, 0, 0.0f);
        const char *out = residual ? "q" : "h";
        if (gemm) {
            const unsigned shape = integers(&s, 2, (const int64_t[]){-1, n});
            NODE(&s, "%%p: ? = Gemm(%%x, %%c%u, %%c%u) %%%s: ? = Reshape(%%p, %%c%u) ", w, b, out,
                 shape);
        } else {
            NODE(&s, "%%p: ? = MatMul(%%x, %%c%u) %%%s: ? = Add(%%c%u, %%p) ", w, out, b);
        }
        const char *act = activations[i % (sizeof activations / sizeof activations[0])];
        NODE(&s, "%s%s", residual ? "%h: ? = Add(%q, %r) " : "", act);
        check(&s, act, 1);
    }
}

/* ---------------------------------------------------------------- normalisation */

static void test_norm(void **state)
{
    (void)state;
    rng = base_rng_make(6, 1);
    for (unsigned i = 0; i < 40; i++) {
        sketch s = {.n_products = 4};
        const int64_t x[] = {between(1, 3), between(1, 30), between(2, i % 8 == 0 ? 3000 : 200)};
        input(&s, "x", SY_DT_F32, 3, x);
        const unsigned axes = integers(&s, 1, (const int64_t[]){i % 2 == 0 ? -1 : 2});
        const unsigned two = constant(&s, 0, 0, 0, 2.0f), eps = constant(&s, 0, 0, 0, 1e-5f);
        const unsigned scale = constant(&s, 1, x[2], 0, 0.0f),
                       bias = constant(&s, 1, x[2], 0, 0.0f);
        const bool rms = i % 4 == 3;
        if (i % 5 == 4) {
            NODE(&s, "%%y: ? = LayerNormalization(%%x, %%c%u, %%c%u)", scale, bias);
            check(&s, "LayerNormalization", 1);
            continue;
        }
        if (!rms) {
            NODE(&s, "%%m: ? = ReduceMean(%%x, %%c%u) %%d: ? = Sub(%%x, %%m) ", axes);
        }
        const char *centre = rms ? "x" : "d";
        if (i % 3 == 0) {
            NODE(&s, "%%q: ? = Mul(%%%s, %%%s) ", centre, centre);
        } else {
            NODE(&s, "%%q: ? = Pow(%%%s, %%c%u) ", centre, two);
        }
        NODE(&s, "%%v: ? = ReduceMean(%%q, %%c%u) %%e: ? = Add(%%v, %%c%u) %%s: ? = Sqrt(%%e) ",
             axes, eps);
        if (i % 6 == 1) {
            NODE(&s, "%%r: ? = Reciprocal(%%s) %%z: ? = Mul(%%%s, %%r) ", centre);
        } else {
            NODE(&s, "%%z: ? = Div(%%%s, %%s) ", centre);
        }
        NODE(&s, "%%%s: ? = Mul(%%c%u, %%z) ", rms ? "y" : "t", scale);
        if (!rms) {
            NODE(&s, "%%y: ? = Add(%%t, %%c%u)", bias);
        }
        check(&s, rms ? "RMS normalisation" : "layer normalisation", 1);
    }
}

static void test_softmax(void **state)
{
    (void)state;
    rng = base_rng_make(7, 1);
    for (unsigned i = 0; i < 30; i++) {
        sketch s = {.n_products = 4};
        const int64_t x[] = {between(1, 20), between(1, i % 4 == 0 ? 300 : 20), between(1, 400)};
        input(&s, "x", SY_DT_F32, 3, x);
        NODE(&s, "%%y: ? = Softmax(%%x) {axis = %d}", (int)(i % 6) - 3);
        check(&s, "Softmax", 1);
    }
}

/* ---------------------------------------------------------------- attention */

static void test_attention(void **state)
{
    (void)state;
    rng = base_rng_make(8, 1);
    for (unsigned i = 0; i < 60; i++) {
        sketch s = {.n_constants = 0};
        const int64_t batch = between(1, 2), heads = between(1, 4),
                      queries = i % 5 == 0 ? 1 : between(1, i % 7 == 0 ? 500 : 50),
                      keys = between(1, 90), size = between(1, 40), v_size = between(1, 70);
        const bool split = i % 2 == 0;
        const unsigned form = i % 3;
        s.n_products = (unsigned)(keys > size ? keys : size) + 8;
        input(&s, "q", SY_DT_F32, 4,
              split ? (const int64_t[]){batch, queries, heads, size}
                    : (const int64_t[]){batch, heads, queries, size});
        input(&s, "k", SY_DT_F32, 4,
              split ? (const int64_t[]){batch, keys, heads, size}
                    : (const int64_t[]){batch, heads, keys, size});
        input(&s, "v", SY_DT_F32, 4,
              split ? (const int64_t[]){batch, keys, heads, v_size}
                    : (const int64_t[]){batch, heads, keys, v_size});
        const int64_t mask[] = {base_rng_one_in(&rng, 2) ? 1 : batch,
                                base_rng_one_in(&rng, 2) ? 1 : heads,
                                base_rng_one_in(&rng, 2) ? 1 : queries, keys};
        const unsigned root = constant(&s, 0, 0, 0, 3.0f), least = constant(&s, 0, 0, 0, -1e9f);
        if (form > 0) {
            input(&s, "mask", form == 1 ? SY_DT_F32 : SY_DT_BOOL, 4, mask);
        }
        if (split) {
            NODE(&s,
                 "%%q4: ? = Transpose(%%q) {perm = ints[0, 2, 1, 3]} %%kt: ? = Transpose(%%k) "
                 "{perm = ints[0, 2, 3, 1]} "
                 "%%v4: ? = Transpose(%%v) {perm = ints[0, 2, 1, 3]} %%p: ? = MatMul(%%q4, %%kt) "
                 "%%s: ? = Div(%%p, %%c%u) ",
                 root);
        } else {
            NODE(&s,
                 "%%qs: ? = Div(%%q, %%c%u) %%kt: ? = Transpose(%%k) {perm = ints[0, 1, 3, 2]} "
                 "%%s: ? = MatMul(%%qs, %%kt) ",
                 root);
        }
        if (form == 1) {
            NODE(&s, "%%a: ? = Add(%%mask, %%s) ");
        } else if (form == 2) {
            NODE(&s, "%%a: ? = Where(%%mask, %%s, %%c%u) ", least);
        }
        NODE(&s, "%%w: ? = Softmax(%%%s) ", form == 0 ? "s" : "a");
        NODE(&s, "%s",
             split ? "%o: ? = MatMul(%w, %v4) %y: ? = Transpose(%o) {perm = ints[0, 2, 1, 3]}"
                   : "%y: ? = MatMul(%w, %v)");
        check(&s, "attention", 1);
    }
}

/* The operator; in every second case a mask, rank 3, shared keys, past keys and values. */
static void test_operator(void **state)
{
    (void)state;
    rng = base_rng_make(9, 1);
    for (unsigned i = 0; i < 40; i++) {
        sketch s = {.n_constants = 0};
        const int64_t batch = between(1, 2), kv_heads = between(1, 3),
                      heads = kv_heads * between(1, 2), queries = between(1, 40),
                      fresh = between(1, 60), size = between(1, 30), v_size = between(1, 40);
        const bool join = i % 2 == 0, past = i % 4 < 2, mask = i % 8 < 4;
        const int64_t n_past = past ? between(1, 20) : 0, keys = fresh + n_past;
        s.n_products = (unsigned)(keys > size ? keys : size) + 8;
        input(&s, "q", SY_DT_F32, join ? 3 : 4,
              join ? (const int64_t[]){batch, queries, heads * size}
                   : (const int64_t[]){batch, heads, queries, size});
        input(&s, "k", SY_DT_F32, join ? 3 : 4,
              join ? (const int64_t[]){batch, fresh, kv_heads * size}
                   : (const int64_t[]){batch, kv_heads, fresh, size});
        input(&s, "v", SY_DT_F32, join ? 3 : 4,
              join ? (const int64_t[]){batch, fresh, kv_heads * v_size}
                   : (const int64_t[]){batch, kv_heads, fresh, v_size});
        if (mask) {
            input(&s, "m", i % 3 == 0 ? SY_DT_BOOL : SY_DT_F32, 2,
                  (const int64_t[]){queries, keys});
        }
        if (past) {
            input(&s, "pk", SY_DT_F32, 4, (const int64_t[]){batch, kv_heads, n_past, size});
            input(&s, "pv", SY_DT_F32, 4, (const int64_t[]){batch, kv_heads, n_past, v_size});
        }
        NODE(&s, "%%y: ? = Attention(%%q, %%k, %%v%s%s) {is_causal = %d",
             mask   ? ", %m"
             : past ? ", _"
                    : "",
             past ? ", %pk, %pv" : "", (int)(i % 5 == 0));
        if (join) {
            NODE(&s, ", q_num_heads = %d, kv_num_heads = %d", (int)heads, (int)kv_heads);
        }
        NODE(&s, "}");
        check(&s, "Attention", 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linear),   cmocka_unit_test(test_norm),
        cmocka_unit_test(test_softmax),  cmocka_unit_test(test_attention),
        cmocka_unit_test(test_operator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
