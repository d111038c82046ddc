/*
 * movement.c -- operators that move data, on every kind of element, at the edges of their operands, and asked for the
 * impossible.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node_case.h"

#include "systole/graph/strings.h"

#include <math.h>

#define DIMS(...) ((const int64_t[]){__VA_ARGS__})
#define I64S(...) ((const int64_t[]){__VA_ARGS__})
#define I32S(...) ((const int32_t[]){__VA_ARGS__})
#define F32S(...) ((const float[]){__VA_ARGS__})
#define BYTES(...) ((const uint8_t[]){__VA_ARGS__})

static const rt_cpu_options fast = {.n_threads = 1};

static void vector_i64(node_case *c, int64_t n, const int64_t *v)
{
    node_case_input(c, SY_DT_I64, 1, &n, v);
}

static void set_int(node_case *c, const char *name, int64_t v)
{
    NODE_CASE_OK(c, ir_node_set_int(c->node, name, v));
}

static void set_text(node_case *c, const char *name, const char *text)
{
    NODE_CASE_OK(c, ir_node_set_string(c->node, name, text, strlen(text)));
}

static void expect_i64s(const ir_tensor *t, int64_t n, const int64_t *want)
{
    node_case_expect(t, SY_DT_I64, 1, &n, want);
}

/* ---------------------------------------------------------------- strings */

/* Words of `text`, separated by spaces; "-" is the empty string. */
static void put_words(base_buf *buf, const char *text)
{
    for (const char *p = text; *p != '\0';) {
        const size_t n = strcspn(p, " ");
        ir_strings_put(buf, p, n == 1 && *p == '-' ? 0 : n);
        p += n + (p[n] == ' ');
    }
}

static void strings_input(node_case *c, int32_t rank, const int64_t *dims, const char *text)
{
    base_buf buf = {0};
    ir_tensor *t = &c->tensors[c->n_inputs];
    put_words(&buf, text);
    node_case_input(c, SY_DT_STRING, rank, dims, "");
    t->data = base_arena_memdup(c->arena, buf.data, buf.n_bytes, 1);
    t->size_bytes = buf.n_bytes;
    base_buf_free(&buf);
}

static void expect_strings(const ir_tensor *t, int32_t rank, const int64_t *dims, const char *text)
{
    base_buf buf = {0};
    put_words(&buf, text);
    assert_int_equal(t->dtype, SY_DT_STRING);
    assert_int_equal(t->rank, rank);
    assert_memory_equal(t->dims, dims, (size_t)rank * sizeof *dims);
    assert_int_equal(t->size_bytes, buf.n_bytes);
    assert_memory_equal(t->data, buf.data, buf.n_bytes);
    base_buf_free(&buf);
}

/* One operator on the strings a b cd - of shape [2,2], with up to two integer operands. */
typedef struct string_case {
    uint32_t code;
    const char *more; /* a further operand of strings; NULL: none */
    int64_t n_ints, ints[4];
    const char *attr;
    int64_t attr_value;
    int32_t rank;
    int64_t dims[3];
    const char *want;
} string_case;

static const string_case string_cases[] = {
    {IR_OP_TRANSPOSE, NULL, 0, {0}, NULL, 0, 2, {2, 2}, "a cd b -"},
    {IR_OP_IDENTITY, NULL, 0, {0}, NULL, 0, 2, {2, 2}, "a b cd -"},
    {IR_OP_FLATTEN, NULL, 0, {0}, "axis", 0, 2, {1, 4}, "a b cd -"},
    {IR_OP_RESHAPE, NULL, 1, {4}, NULL, 0, 1, {4}, "a b cd -"},
    {IR_OP_CONCAT, "xyz -", 0, {0}, "axis", 0, 2, {3, 2}, "a b cd - xyz -"},
    {IR_OP_GATHER, NULL, 1, {-1}, "axis", 1, 2, {2, 1}, "b -"},
    {IR_OP_TILE, NULL, 2, {1, 2}, NULL, 0, 2, {2, 4}, "a b a b cd - cd -"},
    {IR_OP_EXPAND, NULL, 3, {2, 1, 1}, NULL, 0, 3, {2, 2, 2}, "a b cd - a b cd -"},
    {IR_OP_PAD, NULL, 4, {0, 1, 0, 0}, NULL, 0, 2, {2, 3}, "- a b - cd -"},
    {IR_OP_PAD, NULL, 4, {0, -1, 0, 2}, NULL, 0, 2, {2, 3}, "b - - - - -"},
    {IR_OP_CENTERCROPPAD, NULL, 2, {1, 4}, NULL, 0, 2, {1, 4}, "- a b -"},
    {IR_OP_TRILU, NULL, 0, {0}, "upper", 0, 2, {2, 2}, "a - cd -"},
    {IR_OP_REVERSESEQUENCE, NULL, 2, {2, 1}, NULL, 0, 2, {2, 2}, "cd b a -"},
};

static void test_strings(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2 * sizeof string_cases / sizeof string_cases[0]; k++) {
        const string_case *s = &string_cases[k / 2];
        node_case c = node_case_start(s->code);
        strings_input(&c, 2, DIMS(2, 2), "a b cd -");
        if (s->more != NULL) {
            strings_input(&c, 2, DIMS(1, 2), s->more);
        }
        if (s->n_ints > 0) {
            vector_i64(&c, s->n_ints, s->ints);
        }
        (void)node_case_node(&c, 1);
        if (s->attr != NULL) {
            set_int(&c, s->attr, s->attr_value);
        }
        expect_strings(node_case_run(&c, k % 2 ? &fast : &node_case_reference, 0), s->rank, s->dims, s->want);
        node_case_end(&c);
    }
}

/* Results of several kinds: parts, updates, values and counts. */
static void test_strings_in_parts(void **state)
{
    (void)state;
    node_case c = node_case_start(IR_OP_SPLIT);
    strings_input(&c, 1, DIMS(4), "a bb - d");
    vector_i64(&c, 2, I64S(1, 3));
    (void)node_case_node(&c, 2);
    expect_strings(node_case_run(&c, &node_case_reference, 0), 1, DIMS(1), "a");
    expect_strings(node_case_run(&c, &node_case_reference, 1), 1, DIMS(3), "bb - d");
    node_case_end(&c);

    c = node_case_start(IR_OP_SCATTERELEMENTS);
    strings_input(&c, 1, DIMS(4), "a bb - d");
    vector_i64(&c, 2, I64S(-1, 0));
    strings_input(&c, 1, DIMS(2), "last first");
    (void)node_case_node(&c, 1);
    expect_strings(node_case_run(&c, &node_case_reference, 0), 1, DIMS(4), "first bb - last");
    set_text(&c, "reduction", "add");
    assert_int_equal(node_case_try(&c, &node_case_reference), SY_EUNSUPPORTED);
    node_case_end(&c);

    c = node_case_start(IR_OP_UNIQUE);
    strings_input(&c, 1, DIMS(5), "b a - b a");
    (void)node_case_node(&c, 4);
    expect_strings(node_case_run(&c, &node_case_reference, 0), 1, DIMS(3), "- a b");
    expect_i64s(node_case_run(&c, &node_case_reference, 1), 3, I64S(2, 1, 0));
    expect_i64s(node_case_run(&c, &node_case_reference, 2), 5, I64S(2, 1, 0, 2, 1));
    expect_i64s(node_case_run(&c, &node_case_reference, 3), 3, I64S(1, 2, 2));
    set_int(&c, "sorted", 0);
    expect_strings(node_case_run(&c, &node_case_reference, 0), 1, DIMS(3), "b a -");
    expect_i64s(node_case_run(&c, &node_case_reference, 1), 3, I64S(0, 1, 2));
    expect_i64s(node_case_run(&c, &node_case_reference, 2), 5, I64S(0, 1, 2, 0, 1));
    expect_i64s(node_case_run(&c, &node_case_reference, 3), 3, I64S(2, 2, 1));
    node_case_end(&c);

    c = node_case_start(IR_OP_ONEHOT);
    vector_i64(&c, 2, I64S(1, -2));
    vector_i64(&c, 1, I64S(2));
    strings_input(&c, 1, DIMS(2), "no yes");
    (void)node_case_node(&c, 1);
    expect_strings(node_case_run(&c, &node_case_reference, 0), 2, DIMS(2, 2), "no yes yes no");
    node_case_end(&c);

    c = node_case_start(IR_OP_NONZERO);
    strings_input(&c, 1, DIMS(4), "a - c -");
    (void)node_case_node(&c, 1);
    node_case_expect(node_case_run(&c, &node_case_reference, 0), SY_DT_I64, 2, DIMS(1, 2), I64S(0, 2));
    node_case_end(&c);
}

/* ---------------------------------------------------------------- odd element sizes */

/* Elements of 4 bits, two to a byte, the first in the low half; of 2 bits; of 16 bytes. */
static void test_element_sizes(void **state)
{
    (void)state;
    node_case c = node_case_start(IR_OP_TRANSPOSE);
    node_case_input(&c, SY_DT_I4, 2, DIMS(3, 3), BYTES(0x21, 0x43, 0x65, 0x87, 0x09));
    (void)node_case_node(&c, 1);
    node_case_expect(node_case_run(&c, &node_case_reference, 0), SY_DT_I4, 2, DIMS(3, 3),
                     BYTES(0x41, 0x27, 0x85, 0x63, 0x09));
    node_case_end(&c);

    c = node_case_start(IR_OP_CONCAT);
    node_case_input(&c, SY_DT_U2, 1, DIMS(3), BYTES(0x39)); /* 1 2 3 */
    node_case_input(&c, SY_DT_U2, 1, DIMS(2), BYTES(0x0e)); /* 2 3 */
    (void)node_case_node(&c, 1);
    set_int(&c, "axis", 0);
    node_case_expect(node_case_run(&c, &node_case_reference, 0), SY_DT_U2, 1, DIMS(5), BYTES(0xb9, 0x03));
    node_case_end(&c);

    c = node_case_start(IR_OP_GATHER);
    node_case_input(&c, SY_DT_C128, 1, DIMS(2), ((const double[]){1, 2, 3, 4}));
    vector_i64(&c, 3, I64S(1, -2, 1));
    (void)node_case_node(&c, 1);
    node_case_expect(node_case_run(&c, &node_case_reference, 0), SY_DT_C128, 1, DIMS(3),
                     ((const double[]){3, 4, 1, 2, 3, 4}));
    node_case_end(&c);

    c = node_case_start(IR_OP_CONSTANTOFSHAPE);
    vector_i64(&c, 1, I64S(3));
    (void)node_case_node(&c, 1);
    ir_const *five = NULL;
    NODE_CASE_OK(&c, ir_const_inline(c.module, SY_DT_U4, 1, DIMS(1), BYTES(0x05), 1, &c.diag, &five));
    NODE_CASE_OK(&c, ir_node_set_tensor(c.node, "value", five));
    const ir_tensor *y = node_case_run(&c, &node_case_reference, 0);
    assert_int_equal(y->size_bytes, 2);
    assert_int_equal(((const uint8_t *)y->data)[0], 0x55);
    assert_int_equal(((const uint8_t *)y->data)[1] & 0x0f, 0x05);
    node_case_end(&c);
}

/* ---------------------------------------------------------------- selections */

static void test_topk(void **state)
{
    (void)state;
    static const float x[6] = {2, NAN, -0.0f, 0, 2, -INFINITY};
    node_case c = node_case_start(IR_OP_TOPK);
    node_case_input(&c, SY_DT_F32, 2, DIMS(1, 6), x);
    vector_i64(&c, 1, I64S(5));
    (void)node_case_node(&c, 2);
    /* NaN is above all, of equals the first comes first; the two zeros are equal */
    node_case_expect(node_case_run(&c, &node_case_reference, 1), SY_DT_I64, 2, DIMS(1, 5), I64S(1, 0, 4, 2, 3));
    set_int(&c, "largest", 0);
    node_case_expect(node_case_run(&c, &node_case_reference, 1), SY_DT_I64, 2, DIMS(1, 5), I64S(5, 2, 3, 0, 4));
    node_case_end(&c);

    /* along another axis, and beyond the numbers that a double has */
    c = node_case_start(IR_OP_TOPK);
    static const uint64_t big[4] = {UINT64_MAX, 1, UINT64_MAX - 1, (uint64_t)1 << 63};
    node_case_input(&c, SY_DT_U64, 2, DIMS(2, 2), big);
    vector_i64(&c, 1, I64S(1));
    (void)node_case_node(&c, 2);
    set_int(&c, "axis", 0);
    node_case_expect(node_case_run(&c, &node_case_reference, 0), SY_DT_U64, 2, DIMS(1, 2),
                     ((const uint64_t[]){UINT64_MAX, (uint64_t)1 << 63}));
    node_case_expect(node_case_run(&c, &node_case_reference, 1), SY_DT_I64, 2, DIMS(1, 2), I64S(0, 1));
    node_case_end(&c);
}

/* Many equal keys: the selection of the first k must not depend on how it is made. */
static void test_topk_of_many(void **state)
{
    (void)state;
    int8_t x[1000], values[300];
    int64_t order[1000], n = 0;
    base_rng rng = base_rng_make(5, 0);
    for (int i = 0; i < 1000; i++) {
        x[i] = (int8_t)(base_rng_next(&rng) % 7);
    }
    for (int v = 6; v >= 0; v--) {
        for (int i = 0; i < 1000; i++) {
            if (x[i] == v) {
                order[n++] = i;
            }
        }
    }
    for (int i = 0; i < 300; i++) {
        values[i] = x[order[i]];
    }
    node_case c = node_case_start(IR_OP_TOPK);
    node_case_input(&c, SY_DT_I8, 1, DIMS(1000), x);
    vector_i64(&c, 1, I64S(300));
    (void)node_case_node(&c, 2);
    node_case_expect(node_case_run(&c, &fast, 0), SY_DT_I8, 1, DIMS(300), values);
    expect_i64s(node_case_run(&c, &fast, 1), 300, order);
    node_case_end(&c);
}

static void test_selections(void **state)
{
    (void)state;
    node_case c = node_case_start(IR_OP_COMPRESS); /* the condition may be shorter than the axis, or longer */
    node_case_input(&c, SY_DT_I32, 2, DIMS(2, 3), I32S(1, 2, 3, 4, 5, 6));
    node_case_input(&c, SY_DT_BOOL, 1, DIMS(2), BYTES(0, 1));
    (void)node_case_node(&c, 1);
    node_case_expect(node_case_run(&c, &node_case_reference, 0), SY_DT_I32, 1, DIMS(1), I32S(2));
    set_int(&c, "axis", -1);
    node_case_expect(node_case_run(&c, &node_case_reference, 0), SY_DT_I32, 2, DIMS(2, 1), I32S(2, 5));
    node_case_end(&c);

    c = node_case_start(IR_OP_NONZERO); /* a scalar has no index: ONNX says (0, n) */
    node_case_input(&c, SY_DT_F32, 0, NULL, F32S(3));
    (void)node_case_node(&c, 1);
    node_case_expect(node_case_run(&c, &node_case_reference, 0), SY_DT_I64, 2, DIMS(0, 1), "");
    node_case_end(&c);

    c = node_case_start(IR_OP_UNIQUE); /* columns, the first of equal ones */
    node_case_input(&c, SY_DT_F32, 2, DIMS(2, 4), F32S(2, 1, 2, NAN, 0, 5, -0.0f, 1));
    (void)node_case_node(&c, 4);
    set_int(&c, "axis", 1);
    assert_int_equal(node_case_run(&c, &node_case_reference, 0)->dims[1], 3);
    expect_i64s(node_case_run(&c, &node_case_reference, 1), 3, I64S(1, 0, 3));
    expect_i64s(node_case_run(&c, &node_case_reference, 3), 3, I64S(1, 2, 1));
    node_case_end(&c);

    c = node_case_start(IR_OP_ONEHOT); /* an index outside is nowhere; numbers are cut */
    node_case_input(&c, SY_DT_F32, 1, DIMS(4), F32S(1.9f, 3, -1, NAN));
    node_case_input(&c, SY_DT_F32, 0, NULL, F32S(3));
    node_case_input(&c, SY_DT_I8, 1, DIMS(2), BYTES(7, 8));
    (void)node_case_node(&c, 1);
    set_int(&c, "axis", 0);
    node_case_expect(node_case_run(&c, &node_case_reference, 0), SY_DT_I8, 2, DIMS(3, 4),
                     BYTES(7, 7, 7, 7, 8, 7, 7, 7, 7, 7, 8, 7));
    node_case_end(&c);
}

/* ---------------------------------------------------------------- scattering */

static void scatter_case(const char *reduction, sy_dtype dtype, const void *x, const void *updates, const void *want)
{
    node_case c = node_case_start(IR_OP_SCATTERELEMENTS);
    node_case_input(&c, dtype, 1, DIMS(3), x);
    vector_i64(&c, 3, I64S(0, 0, -1));
    node_case_input(&c, dtype, 1, DIMS(3), updates);
    (void)node_case_node(&c, 1);
    set_text(&c, "reduction", reduction);
    node_case_expect(node_case_run(&c, &node_case_reference, 0), dtype, 1, DIMS(3), want);
    node_case_end(&c);
}

static void test_scatter_reductions(void **state)
{
    (void)state;
    static const uint64_t u[3] = {UINT64_MAX, 5, 6}, v[3] = {1, 2, UINT64_MAX};
    scatter_case("none", SY_DT_I32, I32S(1, 2, 3), I32S(4, 5, 6), I32S(5, 2, 6));
    scatter_case("add", SY_DT_I32, I32S(INT32_MAX, 2, 3), I32S(1, 1, 6), I32S(INT32_MIN + 1, 2, 9));
    scatter_case("mul", SY_DT_F32, F32S(2, 2, 3), F32S(3, 0.5f, -1), F32S(3, 2, -3));
    scatter_case("max", SY_DT_U64, u, v, ((const uint64_t[]){UINT64_MAX, 5, UINT64_MAX}));
    scatter_case("min", SY_DT_U64, u, v, ((const uint64_t[]){1, 5, 6}));
    scatter_case("add", SY_DT_BOOL, BYTES(0, 0, 0), BYTES(1, 1, 0), BYTES(1, 0, 0));
    scatter_case("mul", SY_DT_C64, F32S(0, 1, 0, 0, 1, 1), F32S(0, 1, 2, 0, 1, -1), F32S(-2, 0, 0, 0, 2, 0));
}

static void test_cache(void **state)
{
    (void)state;
    node_case c = node_case_start(IR_OP_TENSORSCATTER); /* [batch 2, steps 3, width 1] */
    node_case_input(&c, SY_DT_I8, 3, DIMS(2, 3, 1), BYTES(1, 2, 3, 4, 5, 6));
    node_case_input(&c, SY_DT_I8, 3, DIMS(2, 2, 1), BYTES(10, 11, 12, 13));
    vector_i64(&c, 2, I64S(1, 2));
    (void)node_case_node(&c, 1);
    assert_int_equal(node_case_try(&c, &node_case_reference), SY_ERANGE);
    set_text(&c, "mode", "circular");
    node_case_expect(node_case_run(&c, &node_case_reference, 0), SY_DT_I8, 3, DIMS(2, 3, 1),
                     BYTES(1, 10, 11, 13, 5, 12));
    node_case_end(&c);
}

/* ---------------------------------------------------------------- the impossible */

/* x is f32 [2,3]; operand 1, given when it runs, is a vector of int64. */
typedef struct refusal {
    uint32_t code;
    int64_t n, ints[4];
    const char *attr;
    int64_t attr_value;
    sy_status want;
} refusal;

static const refusal refusals[] = {
    {IR_OP_GATHER, 1, {2}, NULL, 0, SY_ERANGE},
    {IR_OP_GATHER, 1, {INT64_MIN}, NULL, 0, SY_ERANGE},
    {IR_OP_GATHER, 1, {0}, "axis", INT64_MIN, SY_ESHAPE},
    {IR_OP_GATHERND, 1, {-3}, NULL, 0, SY_ERANGE},
    {IR_OP_GATHERND, 3, {0, 0, 0}, NULL, 0, SY_ESHAPE},
    {IR_OP_GATHERND, 1, {0}, "batch_dims", -1, SY_ESHAPE},
    {IR_OP_GATHERELEMENTS, 2, {0, 0}, NULL, 0, SY_ESHAPE},
    {IR_OP_TILE, 2, {1, -1}, NULL, 0, SY_EINVAL},
    {IR_OP_TILE, 2, {INT64_MAX, INT64_MAX}, NULL, 0, SY_ERANGE},
    {IR_OP_TILE, 2, {(int64_t)1 << 30, (int64_t)1 << 30}, NULL, 0, SY_ERANGE},
    {IR_OP_TILE, 1, {1}, NULL, 0, SY_ESHAPE},
    {IR_OP_EXPAND, 2, {(int64_t)1 << 39, 3}, NULL, 0, SY_ESHAPE},
    {IR_OP_EXPAND, 3, {(int64_t)1 << 39, 2, 3}, NULL, 0, SY_ERANGE},
    {IR_OP_PAD, 4, {0, INT64_MAX, 0, INT64_MAX}, NULL, 0, SY_ERANGE},
    {IR_OP_PAD, 4, {0, INT64_MIN, 0, INT64_MAX}, NULL, 0, SY_ERANGE},
    {IR_OP_PAD, 4, {0, -4, 0, 0}, NULL, 0, SY_ESHAPE},
    {IR_OP_PAD, 3, {0, 0, 0}, NULL, 0, SY_ESHAPE},
    {IR_OP_TOPK, 1, {4}, NULL, 0, SY_ERANGE},
    {IR_OP_TOPK, 1, {-1}, NULL, 0, SY_ERANGE},
    {IR_OP_TOPK, 2, {1, 1}, NULL, 0, SY_ESHAPE},
    {IR_OP_REVERSESEQUENCE, 3, {1, 3, 1}, NULL, 0, SY_ERANGE},
    {IR_OP_REVERSESEQUENCE, 3, {1, -1, 1}, NULL, 0, SY_ERANGE},
    {IR_OP_REVERSESEQUENCE, 2, {1, 1}, NULL, 0, SY_ESHAPE},
    {IR_OP_REVERSESEQUENCE, 3, {1, 1, 1}, "batch_axis", 7, SY_EINVAL},
    {IR_OP_CENTERCROPPAD, 2, {-1, 2}, NULL, 0, SY_ESHAPE},
    {IR_OP_CENTERCROPPAD, 2, {(int64_t)1 << 62, 2}, NULL, 0, SY_ERANGE},
    {IR_OP_RESHAPE, 2, {-1, -1}, NULL, 0, SY_ESHAPE},
    {IR_OP_RESHAPE, 2, {INT64_MAX, INT64_MAX}, NULL, 0, SY_ERANGE},
    {IR_OP_SPLIT, 2, {INT64_MAX, INT64_MAX}, NULL, 0, SY_ERANGE},
    {IR_OP_UNSQUEEZE, 1, {3}, NULL, 0, SY_ESHAPE},
    {IR_OP_UNSQUEEZE, 2, {0, -4}, NULL, 0, SY_EINVAL},
    {IR_OP_SQUEEZE, 1, {1}, NULL, 0, SY_ESHAPE},
};

static void test_refusals(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof refusals / sizeof refusals[0]; k++) {
        const refusal *r = &refusals[k];
        node_case c = node_case_start(r->code);
        node_case_input(&c, SY_DT_F32, 2, DIMS(2, 3), F32S(1, 2, 3, 4, 5, 6));
        vector_i64(&c, r->n, r->ints);
        (void)node_case_node(&c, r->code == IR_OP_TOPK || r->code == IR_OP_SPLIT ? 2 : 1);
        if (r->attr != NULL) {
            set_int(&c, r->attr, r->attr_value);
        }
        const sy_status status = node_case_try(&c, &node_case_reference);
        if (status != r->want || strchr(base_diag_message(&c.diag), '\n') != NULL) {
            fail_msg("case %zu: %s: %s", k, sy_status_text(status), base_diag_message(&c.diag));
        }
        node_case_end(&c);
    }
}

/* Words that are none of an attribute's, and axes given twice. */
static void test_words(void **state)
{
    (void)state;
    node_case c = node_case_start(IR_OP_PAD);
    node_case_input(&c, SY_DT_F32, 1, DIMS(2), F32S(1, 2));
    vector_i64(&c, 4, I64S(1, 1, 0, 0));
    node_case_absent(&c);
    vector_i64(&c, 2, I64S(0, -1));
    (void)node_case_node(&c, 1);
    assert_int_equal(node_case_try(&c, &node_case_reference), SY_EINVAL);
    assert_non_null(strstr(base_diag_message(&c.diag), "twice"));
    set_text(&c, "mode", "mirror");
    assert_int_equal(node_case_try(&c, &node_case_reference), SY_EINVAL);
    assert_non_null(strstr(base_diag_message(&c.diag), "mirror"));
    node_case_end(&c);

    c = node_case_start(IR_OP_DEPTHTOSPACE);
    node_case_input(&c, SY_DT_I8, 4, DIMS(1, 4, 1, 1), BYTES(1, 2, 3, 4));
    (void)node_case_node(&c, 1);
    assert_int_equal(node_case_try(&c, &node_case_reference), SY_EINVAL); /* no block size */
    set_int(&c, "blocksize", 3);
    assert_int_equal(node_case_try(&c, &node_case_reference), SY_ESHAPE);
    set_int(&c, "blocksize", 2);
    node_case_expect(node_case_run(&c, &node_case_reference, 0), SY_DT_I8, 4, DIMS(1, 1, 2, 2), BYTES(1, 2, 3, 4));
    set_text(&c, "mode", "RCD");
    assert_int_equal(node_case_try(&c, &node_case_reference), SY_EINVAL);
    node_case_end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_strings_in_parts),
        cmocka_unit_test(test_element_sizes),
        cmocka_unit_test(test_topk),
        cmocka_unit_test(test_topk_of_many),
        cmocka_unit_test(test_selections),
        cmocka_unit_test(test_scatter_reductions),
        cmocka_unit_test(test_cache),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
