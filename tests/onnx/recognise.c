/*
 * recognise.c -- which clusters become quantised operators, that the exact ones are exact, and what
 * is said about the rest.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "onnx_run.h"

#include "systole/base/rng.h"

#include <float.h>
#include <math.h>

static const int64_t plane[4] = {1, 1, 16, 16}; /* one of each int8 value */

/* A graph with an int8 or uint8 input x and its DequantizeLinear d (scale xs, zero xz); y's
 * parameters are ys, yz. */
static base_buf cluster(sy_dtype dtype, float xs, int xz, float ys, int yz)
{
    base_buf g = {0};
    ow_text(&g, 2, "g");
    ow_add_input(&g, "x", dtype, 4, plane);
    ow_add_f32(&g, "xs", xs);
    ow_add_f32(&g, "ys", ys);
    if (dtype == SY_DT_U8) {
        ow_add_u8(&g, "xz", xz);
        ow_add_u8(&g, "yz", yz);
    } else {
        ow_add_i8(&g, "xz", xz);
        ow_add_i8(&g, "yz", yz);
    }
    ow_add_node(&g, ow_node("DequantizeLinear", "x xs xz", "d"));
    return g;
}

/* Q of `v` as the graph's output y. */
static base_buf close_cluster(base_buf g, const char *v)
{
    char inputs[64];
    snprintf(inputs, sizeof inputs, "%s ys yz", v);
    ow_add_node(&g, ow_node("QuantizeLinear", inputs, "y"));
    ow_add_output(&g, "y", SY_DT_NONE);
    return ow_model(g, 17);
}

static void run_all_values(const imported *i, sy_dtype dtype, ir_tensor *out)
{
    uint8_t data[256];
    ir_tensor x;
    for (int k = 0; k < 256; k++) {
        data[k] = (uint8_t)(k * 37 + 11); /* all values, not in order */
    }
    assert_ok(ir_tensor_init(&x, dtype, 4, plane, data));
    run_reference(i, &x, out);
}

static base_buf copy_of(base_buf model)
{
    base_buf copy = {0};
    assert_true(base_buf_append(&copy, model.data, model.n_bytes));
    return copy;
}

/* The module without float operators gives what the float operators give, for every input value. */
static void check_exact(base_buf model, sy_dtype dtype, const char *what)
{
    const ir_import_options keep = {.keep_float_clusters = true};
    base_buf again = copy_of(model);
    imported quantised = import_model(model), as_float = import_with(again, &keep);
    ir_tensor a, b;
    if (n_of(&quantised, IR_OP_DEQUANTIZELINEAR) + n_of(&quantised, IR_OP_QUANTIZELINEAR) != 0) {
        fail_msg("%s: something is left in float", what);
    }
    run_all_values(&quantised, dtype, &a);
    run_all_values(&as_float, dtype, &b);
    assert_int_equal(a.dtype, b.dtype);
    assert_int_equal(a.size_bytes, b.size_bytes);
    if (memcmp(a.data, b.data, a.size_bytes) != 0) {
        fail_msg("%s: differs from the float operators", what);
    }
    rt_buffer_free(a.data);
    rt_buffer_free(b.data);
    drop(&quantised);
    drop(&as_float);
}

/* ---------------------------------------------------------------- the exact operators */

static base_buf one_move(const char *op, sy_dtype dtype, float scale, int zero, base_rng *rng)
{
    static const int64_t shape[2] = {4, 64}, pads[8] = {0, 0, 1, 2, 0, 0, 0, 3}, kernel[2] = {3, 2};
    static const int64_t mp_pads[4] = {1, 0, 1, 1}, perm[4] = {3, 0, 1, 2};
    static const int64_t starts[1] = {3}, ends[1] = {14}, axis[1] = {3}, two[1] = {2},
                         eight[1] = {8}, one[1] = {1};
    base_buf g = cluster(dtype, scale, zero, scale, zero), node;
    if (strcmp(op, "Clip") == 0) {
        ow_add_f32(&g, "low", scale * (float)base_rng_range(rng, -90, 10) / 3.0f);
        ow_add_f32(&g, "high", scale * (float)base_rng_range(rng, 40, 300) / 3.0f);
        node = ow_node("Clip", "d low high", "v");
    } else if (strcmp(op, "Reshape") == 0) {
        ow_add_const(&g, "shape", SY_DT_I64, 1, two, shape, sizeof shape);
        node = ow_node("Reshape", "d shape", "v");
    } else if (strcmp(op, "Pad") == 0) {
        ow_add_const(&g, "pads", SY_DT_I64, 1, eight, pads, sizeof pads);
        ow_add_f32(&g, "fill", scale * (float)base_rng_range(rng, -300, 300) / 7.0f);
        node = ow_node("Pad", "d pads fill", "v");
    } else if (strcmp(op, "MaxPool") == 0) {
        node = ow_node("MaxPool", "d", "v");
        ow_attr_ints(&node, "kernel_shape", 2, kernel);
        ow_attr_ints(&node, "pads", 4, mp_pads);
    } else if (strcmp(op, "Transpose") == 0) {
        node = ow_node("Transpose", "d", "v");
        ow_attr_ints(&node, "perm", 4, perm);
    } else if (strcmp(op, "Slice") == 0) {
        ow_add_const(&g, "starts", SY_DT_I64, 1, one, starts, sizeof starts);
        ow_add_const(&g, "ends", SY_DT_I64, 1, one, ends, sizeof ends);
        ow_add_const(&g, "axes", SY_DT_I64, 1, one, axis, sizeof axis);
        node = ow_node("Slice", "d starts ends axes", "v");
    } else if (strcmp(op, "Concat") == 0) {
        node = ow_node("Concat", "d d", "v");
        ow_attr_int(&node, "axis", 1);
    } else if (strcmp(op, "Split") == 0) {
        node = ow_node("Split", "d", "other v");
        ow_attr_int(&node, "axis", 2);
    } else { /* no attributes: Relu, Flatten, Squeeze, Identity */
        node = ow_node(op, "d", "v");
    }
    ow_add_node(&g, node);
    return close_cluster(g, "v");
}

static void test_exact(void **state)
{
    (void)state;
    static const char *const ops[] = {"Relu",      "Clip",     "Reshape", "Flatten",
                                      "Squeeze",   "Identity", "Pad",     "MaxPool",
                                      "Transpose", "Slice",    "Concat",  "Split"};
    base_rng rng = base_rng_make(11, 0);
    for (int trial = 0; trial < 12; trial++) {
        const float scale = ldexpf(1.0f + base_rng_float(&rng), (int)base_rng_range(&rng, -12, 6));
        const sy_dtype dtype = trial % 2 ? SY_DT_U8 : SY_DT_I8;
        const int zero = (int)base_rng_range(&rng, 0, 255) - (dtype == SY_DT_I8 ? 128 : 0);
        for (size_t k = 0; k < sizeof ops / sizeof ops[0]; k++) {
            check_exact(one_move(ops[k], dtype, scale, zero, &rng), dtype, ops[k]);
        }
    }
    /* where sizes are at the edges of fp32: still exact, or left alone */
    check_exact(one_move("Clip", SY_DT_I8, FLT_MIN, 5, &rng), SY_DT_I8, "smallest scale");
    check_exact(one_move("Relu", SY_DT_I8, FLT_MAX / 1024, 5, &rng), SY_DT_I8, "largest scale");
}

/* Several of them in a row, in any order, on either side of MaxPool. */
static void test_exact_chains(void **state)
{
    (void)state;
    static const int64_t pads[8] = {0, 0, 1, 1, 0, 0, 1, 1}, eight[1] = {8}, kernel[2] = {2, 2};
    base_rng rng = base_rng_make(12, 0);
    for (int trial = 0; trial < 60; trial++) {
        const float scale = ldexpf(1.0f + base_rng_float(&rng), (int)base_rng_range(&rng, -8, 2));
        base_buf g = cluster(SY_DT_I8, scale, (int)base_rng_range(&rng, -128, 127), scale, 0);
        char from[16] = "d", to[16];
        ow_add_const(&g, "pads", SY_DT_I64, 1, eight, pads, sizeof pads);
        ow_add_f32(&g, "fill", scale * 5.0f);
        ow_add_f32(&g, "low", scale * -31.5f);
        ow_add_f32(&g, "high", scale * 60.25f);
        for (int k = 0; k < 4; k++) {
            static const char *const names[4] = {"Relu", "Clip", "Pad", "MaxPool"};
            static const char *const more[4] = {"", " low high", " pads fill", ""};
            const uint64_t which = base_rng_below(&rng, 4);
            char inputs[64];
            snprintf(to, sizeof to, "v%d", k);
            snprintf(inputs, sizeof inputs, "%s%s", from, more[which]);
            base_buf node = ow_node(names[which], inputs, to);
            if (which == 3) {
                ow_attr_ints(&node, "kernel_shape", 2, kernel);
            }
            ow_add_node(&g, node);
            memcpy(from, to, sizeof from);
        }
        /* y with x's parameters: then Q(DQ(x)) = x and all is exact */
        char inputs[64];
        snprintf(inputs, sizeof inputs, "%s xs xz", from);
        ow_add_node(&g, ow_node("QuantizeLinear", inputs, "y"));
        ow_add_output(&g, "y", SY_DT_I8);
        check_exact(ow_model(g, 17), SY_DT_I8, "chain");
    }
}

/* ---------------------------------------------------------------- clamps folded into an operator
 */

/* GlobalAveragePool, Relu or Clip, Q: the clamp is in y_min and y_max, as Q of its limits. */
static void test_folded_clamp(void **state)
{
    (void)state;
    base_buf g = cluster(SY_DT_I8, 0.5f, 3, 0.25f, -10);
    ow_add_f32(&g, "low", -1.1f);
    ow_add_f32(&g, "high", 6.0f);
    ow_add_node(&g, ow_node("GlobalAveragePool", "d", "p"));
    ow_add_node(&g, ow_node("Relu", "p", "r"));
    ow_add_node(&g, ow_node("Clip", "r low high", "c"));
    ow_add_node(&g, ow_node("Flatten", "c", "f"));
    imported i = import_model(close_cluster(g, "f"));
    const ir_node *pool = find_node(&i, IR_OP_QAVERAGEPOOL);
    assert_int_equal(ir_node_int(pool, "y_min", 0), -10); /* Q(0) */
    assert_int_equal(ir_node_int(pool, "y_max", 0), 14);  /* Q(6) = 24 - 10 */
    assert_int_equal(n_of(&i, IR_OP_CLIP), 0);
    assert_int_equal(n_of(&i, IR_OP_FLATTEN), 1);
    assert_int_equal(i.m->main->n_nodes, 2);
    assert_string_equal(i.m->main->outputs[0]->name, "y");
    assert_string_equal(i.m->main->outputs[0]->use.value->name, "y");
    drop(&i);
}

/* ---------------------------------------------------------------- uint8 */

static void test_uint8_edges(void **state)
{
    (void)state;
    /* uint8 in and out: converted exactly at both ends, int8 inside */
    base_buf g = cluster(SY_DT_U8, 0.5f, 130, 0.25f, 120);
    ow_add_node(&g, ow_node("GlobalAveragePool", "d", "p"));
    imported i = import_model(close_cluster(g, "p"));
    const ir_node *pool = find_node(&i, IR_OP_QAVERAGEPOOL);
    assert_int_equal(ir_node_int(pool, "x_zero", 99), 2);
    assert_int_equal(ir_node_int(pool, "y_zero", 99), -8);
    assert_int_equal(i.m->main->inputs[0]->type.dtype, SY_DT_U8);
    assert_int_equal(i.m->main->outputs[0]->use.value->type.dtype, SY_DT_U8);
    assert_int_equal(n_of(&i, IR_OP_CAST), 4);
    drop(&i);

    /* float in and out: one Q to int8, one DQ from int8, nothing converted */
    g = (base_buf){0};
    ow_add_input(&g, "x", SY_DT_F32, 4, plane);
    ow_add_f32(&g, "s", 0.5f);
    ow_add_u8(&g, "z", 130);
    ow_add_node(&g, ow_node("QuantizeLinear", "x s z", "q"));
    ow_add_node(&g, ow_node("DequantizeLinear", "q s z", "d"));
    ow_add_node(&g, ow_node("GlobalAveragePool", "d", "p"));
    ow_add_node(&g, ow_node("QuantizeLinear", "p s z", "r"));
    ow_add_node(&g, ow_node("DequantizeLinear", "r s z", "y"));
    ow_add_output(&g, "y", SY_DT_F32);
    i = import_model(ow_model(g, 17));
    assert_int_equal(i.m->main->n_nodes, 3);
    assert_int_equal(i.m->main->first->outputs[0]->type.dtype, SY_DT_I8);
    assert_string_equal(i.m->main->first->outputs[0]->name, "q");
    drop(&i);
}

/* ---------------------------------------------------------------- what stays in float, and why */

static void expect_note(base_buf model, uint32_t number, const char *words)
{
    imported i = import_model(model);
    const char *note = ir_import_note(i.m, number);
    if (note == NULL || strstr(note, words) == NULL) {
        fail_msg("expected a note with '%s' on node %u, got '%s'", words, number,
                 note != NULL ? note : "none");
    }
    for (uint32_t code = IR_OP_QCONV; code <= IR_OP_QTABLE; code++) {
        assert_int_equal(n_of(&i, code), 0);
    }
    drop(&i);
}

static base_buf mean_with_scales(float xs, float ys)
{
    base_buf g = cluster(SY_DT_I8, xs, 0, ys, 0);
    ow_add_node(&g, ow_node("GlobalAveragePool", "d", "p"));
    return close_cluster(g, "p");
}

static void test_scales(void **state)
{
    (void)state;
    imported i = import_model(mean_with_scales(FLT_MIN, FLT_MIN));
    assert_int_equal(n_of(&i, IR_OP_QAVERAGEPOOL), 1);
    drop(&i);
    expect_note(mean_with_scales(FLT_MIN / 2, FLT_MIN), 0, "normal");
    expect_note(mean_with_scales(0.0f, 1.0f), 0, "normal");
    expect_note(mean_with_scales(-1.0f, 1.0f), 0, "normal");
    expect_note(mean_with_scales(NAN, 1.0f), 0, "normal");
    expect_note(mean_with_scales(1.0f, INFINITY), 2, "normal");
    expect_note(mean_with_scales(FLT_MIN, FLT_MAX / 1024), 1, "ratio");
}

static void test_used_in_float(void **state)
{
    (void)state;
    base_buf g = cluster(SY_DT_I8, 0.5f, 0, 0.5f, 0);
    ow_add_node(&g, ow_node("GlobalAveragePool", "d", "p"));
    ow_add_output(&g, "p", SY_DT_F32);
    expect_note(close_cluster(g, "p"), 1, "also used in float");

    g = cluster(SY_DT_I8, 0.5f, 0, 0.5f, 0); /* no Q at all */
    ow_add_node(&g, ow_node("GlobalAveragePool", "d", "p"));
    ow_add_output(&g, "p", SY_DT_F32);
    expect_note(ow_model(g, 17), 1, "not quantised");

    g = cluster(SY_DT_I8, 0.5f, 0, 0.5f, 0);
    ow_add_node(&g, ow_node("Softmax", "d", "p"));
    expect_note(close_cluster(g, "p"), 1, "no quantised form");
}

/* Two Q with equal parameters share the operator; with others there are two. */
static void test_fan_out(void **state)
{
    (void)state;
    for (int other = 0; other < 2; other++) {
        base_buf g = cluster(SY_DT_I8, 0.5f, 0, 0.25f, 0);
        ow_add_f32(&g, "os", other ? 0.125f : 0.25f);
        ow_add_node(&g, ow_node("GlobalAveragePool", "d", "p"));
        ow_add_node(&g, ow_node("QuantizeLinear", "p os yz", "o"));
        ow_add_output(&g, "o", SY_DT_I8);
        imported i = import_model(close_cluster(g, "p"));
        assert_int_equal(n_of(&i, IR_OP_QAVERAGEPOOL), other ? 2 : 1);
        assert_int_equal(i.m->main->n_nodes, other ? 2 : 1);
        drop(&i);
    }
}

/* ---------------------------------------------------------------- convolutions */

typedef struct conv_case {
    sy_dtype w_dtype;
    int w_zero;
    float bias_scale_ulps; /* away from x_scale * w_scale */
    int bias_zero;
    bool float_bias, auto_pad, free_size, free_batch;
} conv_case;

static base_buf conv(conv_case c)
{
    static const int64_t wide[4] = {2, 1, 3, 3}, two[1] = {2};
    static const uint8_t weights[18] = {1,  2,  3,  4,  5,  6,  7,  8,  9,
                                        10, 11, 12, 13, 14, 15, 16, 17, 18};
    static const int32_t bias[2] = {100, -7};
    static const float float_bias[2] = {1, 2};
    const float xs = 0.3f, ws = 0.7f;
    const int64_t dims[4] = {c.free_batch ? -1 : 1, 1, c.free_size ? -1 : 16, 16};
    base_buf g = {0};
    float bs = xs * ws;
    for (int k = 0; k < (int)c.bias_scale_ulps; k++) {
        bs = nextafterf(bs, 1.0f);
    }
    ow_add_input(&g, "x", SY_DT_I8, 4, dims);
    ow_add_f32(&g, "xs", xs);
    ow_add_i8(&g, "xz", 4);
    ow_add_f32(&g, "ys", 9.0f);
    ow_add_i8(&g, "yz", 1);
    ow_add_f32(&g, "ws", ws);
    ow_add_const(&g, "w", c.w_dtype, 4, wide, weights, sizeof weights);
    if (c.w_dtype == SY_DT_U8) {
        ow_add_u8(&g, "wz", c.w_zero);
    } else {
        ow_add_i8(&g, "wz", c.w_zero);
    }
    ow_add_f32(&g, "bs", bs);
    ow_add_const(&g, "bz", SY_DT_I32, 0, NULL, &c.bias_zero, 4);
    ow_add_node(&g, ow_node("DequantizeLinear", "x xs xz", "d"));
    ow_add_node(&g, ow_node("DequantizeLinear", "w ws wz", "dw"));
    if (c.float_bias) {
        ow_add_const(&g, "db", SY_DT_F32, 1, two, float_bias, sizeof float_bias);
    } else {
        ow_add_const(&g, "b", SY_DT_I32, 1, two, bias, sizeof bias);
        ow_add_node(&g, ow_node("DequantizeLinear", "b bs bz", "db"));
    }
    base_buf node = ow_node("Conv", "d dw db", "v");
    if (c.auto_pad) {
        ow_attr_text(&node, "auto_pad", "SAME_UPPER");
    }
    ow_add_node(&g, node);
    return close_cluster(g, "v");
}

static void test_conv(void **state)
{
    (void)state;
    imported i = import_model(conv((conv_case){.w_dtype = SY_DT_I8}));
    const ir_node *q = find_node(&i, IR_OP_QCONV);
    assert_int_equal(i.m->main->n_nodes, 1);
    assert_int_equal(q->n_inputs, 3);
    assert_string_equal(ir_node_input(q, 1)->name,
                        "w"); /* the model's own constant: nothing copied */
    assert_int_equal(q->number, 3);
    drop(&i);

    i = import_model(conv((conv_case){.w_dtype = SY_DT_U8, .w_zero = 128, .bias_scale_ulps = 1}));
    const void *w = NULL;
    assert_ok(ir_const_data(i.m, ir_node_input(find_node(&i, IR_OP_QCONV), 1)->constant, NULL, &w));
    assert_int_equal(((const int8_t *)w)[0], 1 - 128);
    drop(&i);

    i = import_model(conv((conv_case){.w_dtype = SY_DT_I8, .auto_pad = true, .free_batch = true}));
    const int64_t *pads = NULL;
    assert_int_equal(ir_node_ints(find_node(&i, IR_OP_QCONV), "pads", &pads), 4);
    assert_true(pads[0] == 1 && pads[3] == 1);
    assert_null(ir_node_attr(find_node(&i, IR_OP_QCONV), "auto_pad"));
    drop(&i);

    expect_note(conv((conv_case){.w_dtype = SY_DT_U8, .w_zero = 127}), 3, "zero point");
    expect_note(conv((conv_case){.w_dtype = SY_DT_I8, .w_zero = 1}), 3, "zero point");
    expect_note(conv((conv_case){.w_dtype = SY_DT_I8, .bias_scale_ulps = 2}), 3,
                "scale of its bias");
    expect_note(conv((conv_case){.w_dtype = SY_DT_I8, .bias_zero = 1}), 3,
                "its bias has a zero point");
    expect_note(conv((conv_case){.w_dtype = SY_DT_I8, .float_bias = true}), 2,
                "bias is not a constant int32");
    expect_note(conv((conv_case){.w_dtype = SY_DT_I8, .auto_pad = true, .free_size = true}), 3,
                "auto_pad");
}

/* Weights that the model keeps in float and quantises itself (trained quantisation): folded. */
static void test_float_weights(void **state)
{
    (void)state;
    static const int64_t wide[4] = {2, 1, 1, 1};
    static const float weights[2] = {0.35f, -9.0f};
    base_buf g = cluster(SY_DT_I8, 0.5f, 0, 0.25f, 0);
    ow_add_const(&g, "w", SY_DT_F32, 4, wide, weights, sizeof weights);
    ow_add_f32(&g, "ws", 0.1f);
    ow_add_i8(&g, "wz", 0);
    ow_add_node(&g, ow_node("QuantizeLinear", "w ws wz", "wq"));
    ow_add_node(&g, ow_node("DequantizeLinear", "wq ws wz", "wd"));
    ow_add_node(&g, ow_node("Conv", "d wd", "v"));
    imported i = import_model(close_cluster(g, "v"));
    const void *w = NULL;
    assert_int_equal(i.m->main->n_nodes, 1);
    assert_ok(ir_const_data(i.m, ir_node_input(i.m->main->first, 1)->constant, NULL, &w));
    assert_int_equal(((const int8_t *)w)[0], (int)rintf(0.35f / 0.1f));
    assert_int_equal(((const int8_t *)w)[1], -90);
    drop(&i);
}

/* ONNX Runtime's own operators: with a quantised form, and without one. */
static void test_qlinear(void **state)
{
    (void)state;
    static const struct {
        const char *op;
        int n_quantised, n_float;
        uint32_t middle;
    } cases[] = {
        {"QLinearReduceMean", 1, 0, IR_OP_QAVERAGEPOOL},
        {"QLinearGlobalAveragePool", 1, 0, IR_OP_QAVERAGEPOOL},
        {"QLinearSigmoid", 0, 0, IR_OP_QTABLE},
        {"QLinearLeakyRelu", 0, 0, IR_OP_QTABLE},
        {"QLinearSoftmax", 0, 1, IR_OP_SOFTMAX},
    };
    static const int64_t axes[2] = {-1, 2};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        base_buf g = {0}, node = ow_node(cases[k].op, "x xs xz ys yz", "y");
        ow_text(&node, 7, "com.microsoft");
        if (k == 0) {
            ow_attr_ints(&node, "axes", 2, axes);
            ow_attr_int(&node, "keepdims", 0);
        }
        ow_add_input(&g, "x", SY_DT_I8, 4, plane);
        ow_add_f32(&g, "xs", 0.5f);
        ow_add_f32(&g, "ys", 0.25f);
        ow_add_i8(&g, "xz", 3);
        ow_add_i8(&g, "yz", -3);
        ow_add_node(&g, node);
        ow_add_output(&g, "y", SY_DT_I8);
        imported i = import_model(ow_model(g, 17));
        assert_int_equal(n_of(&i, cases[k].middle), 1);
        assert_int_equal(n_of(&i, IR_OP_DEQUANTIZELINEAR), cases[k].n_float);
        assert_int_equal(n_of(&i, IR_OP_QAVERAGEPOOL), cases[k].n_quantised);
        assert_int_equal(n_of(&i, IR_OP_SQUEEZE), k == 0);
        drop(&i);
    }
    base_buf g = {0}, node = ow_node("QLinearGlobalAveragePool", "x xs xz ys yz", "y");
    ow_text(&node, 7, "com.microsoft");
    ow_attr_int(&node, "channels_last", 1); /* between two transpositions */
    ow_add_input(&g, "x", SY_DT_I8, 4, plane);
    ow_add_f32(&g, "xs", 0.5f);
    ow_add_f32(&g, "ys", 0.25f);
    ow_add_i8(&g, "xz", 3);
    ow_add_i8(&g, "yz", -3);
    ow_add_node(&g, node);
    ow_add_output(&g, "y", SY_DT_I8);
    imported i = import_model(ow_model(g, 17));
    assert_int_equal(i.m->main->n_nodes, 3);
    assert_int_equal(n_of(&i, IR_OP_TRANSPOSE), 2);
    assert_int_equal(n_of(&i, IR_OP_QAVERAGEPOOL), 1);
    drop(&i);
}

/* A region whose Q quantises what the graph around it computes. */
static void test_regions(void **state)
{
    (void)state;
    base_buf g = cluster(SY_DT_I8, 0.5f, 0, 0.25f, 0), branches[2], node = ow_node("If", "c", "y");
    ow_add_node(&g, ow_node("GlobalAveragePool", "d", "p"));
    for (int k = 0; k < 2; k++) {
        branches[k] = (base_buf){0};
        ow_add_node(&branches[k],
                    ow_node("QuantizeLinear", k == 0 ? "p ys yz" : "d xs xz", k == 0 ? "t" : "e"));
        ow_message(&branches[k], 12, ow_value(k == 0 ? "t" : "e", SY_DT_I8, -1, NULL));
        ow_attr_graph(&node, k == 0 ? "then_branch" : "else_branch", branches[k]);
    }
    ow_add_input(&g, "c", SY_DT_BOOL, 0, NULL);
    ow_add_node(&g, node);
    ow_add_output(&g, "y", SY_DT_I8);
    imported i = import_model(ow_model(g, 17));
    assert_int_equal(n_of(&i, IR_OP_QAVERAGEPOOL), 1);
    assert_int_equal(n_of(&i, IR_OP_DEQUANTIZELINEAR), 0);
    drop(&i);
}

/* ---------------------------------------------------------------- functions of one number */

/* Nodes "Op inputs -> output" between d and v; further operands are the constants below. */
static base_buf function_of(sy_dtype dtype, float scale, int zero, const char *nodes)
{
    static const int64_t one[1] = {1}, ones[4] = {1, 1, 1, 1}, many[5] = {1, 1, 1, 1, 1}, two = 2;
    static const float tenth = 0.1f, third = 1.0f / 3.0f;
    base_buf g = cluster(dtype, scale, zero, scale * 0.8f, zero / 2 + (dtype == SY_DT_U8 ? 70 : 0));
    char text[512], *rest = text;
    ow_add_f32(&g, "half", 0.5f);
    ow_add_f32(&g, "one", 1.0f);
    ow_add_f32(&g, "low", -0.3f);
    ow_add_f32(&g, "three", 3.0f);
    ow_add_f32(&g, "six", 6.0f);
    ow_add_f32(&g, "root2", 1.41421354f);
    ow_add_f32(&g, "nought", 0.0f);
    ow_add_f32(&g, "ms", scale * 0.6f);
    ow_add_i8(&g, "mz", -20);
    ow_add_i8(&g, "c", 77);
    ow_add_const(&g, "tenth", SY_DT_F32, 1, one, &tenth, sizeof tenth);
    ow_add_const(&g, "third", SY_DT_F32, 4, ones, &third, sizeof third);
    ow_add_const(&g, "rank5", SY_DT_F32, 5, many, &third, sizeof third);
    ow_add_const(&g, "two", SY_DT_I64, 0, NULL, &two, sizeof two);
    snprintf(text, sizeof text, "%s", nodes);
    for (char *line = strtok_r(rest, ";", &rest); line != NULL; line = strtok_r(rest, ";", &rest)) {
        char *inputs = strchr(line, ' ') + 1, *arrow = strstr(line, " -> ");
        inputs[-1] = '\0';
        *arrow = '\0';
        ow_add_node(&g, ow_node(line, inputs, arrow + 4));
    }
    return close_cluster(g, "v");
}

static void test_functions(void **state)
{
    (void)state;
    static const char *const functions[] = {
        "Sigmoid d -> v", "Tanh d -> v", "HardSwish d -> v", "HardSigmoid d -> v", "LeakyRelu d -> v", "Elu d -> v", "Exp d -> v",
        "Softplus d -> v", "Reciprocal d -> v", "Erf d -> v", "Abs d -> v", "Neg d -> v", "Sqrt d -> v", "Log d -> v", "Floor d -> v",
        "Mul d half -> v", "Add tenth d -> v", "Sub three d -> v", "Div d third -> v", "Div one d -> v", "Max d tenth half -> v",
        "Pow d two -> v", "Pow d half -> v", "PRelu d tenth -> v", "Sum d d d -> v",
        /* SiLU, HardSwish in pieces, GELU as exporters write it, and as tanh */
        "Sigmoid d -> a;Mul d a -> v",
        "Add d three -> a;Clip a nought six -> b;Mul d b -> e;Div e six -> v",
        "HardSigmoid d -> a;Mul d a -> v",
        "Div d root2 -> a;Erf a -> b;Add b one -> e;Mul d e -> f;Mul f half -> v",
        "Pow d two -> a;Mul a d -> b;Mul b tenth -> e;Add d e -> f;Tanh f -> h;Add h one -> k;Mul d k -> l;Mul l half -> v",
        /* clamps on either side, moves before, a second DequantizeLinear, a quantised constant */
        "Relu d -> a;Tanh a -> v", "Sigmoid d -> a;Relu a -> v", "Exp d -> a;Clip a half three -> v", "Log d -> a;Clip a half three -> v",
        "Transpose d -> a;Sigmoid a -> b;Mul a b -> v", "Sigmoid d -> a;Transpose a -> v",
        "DequantizeLinear x xs xz -> e;Sigmoid e -> a;Mul d a -> v",
        "DequantizeLinear c ms mz -> k;Sigmoid d -> a;Mul a k -> v"};
    for (size_t k = 0; k < sizeof functions / sizeof functions[0]; k++) {
        for (int dtype = 0; dtype < 2; dtype++) {
            const sy_dtype t = dtype == 0 ? SY_DT_I8 : SY_DT_U8;
            const int zero = dtype == 0 ? -7 : 121;
            imported i = import_model(function_of(t, 0.043f, zero, functions[k]));
            if (n_of(&i, IR_OP_QTABLE) != 1) {
                fail_msg("%s is not one table", functions[k]);
            }
            drop(&i);
            check_exact(function_of(t, 0.043f, zero, functions[k]), t, functions[k]);
        }
    }
}

/* With Q and DQ between the pieces each piece is an operator of its own. */
static void test_function_pieces(void **state)
{
    (void)state;
    static const char *const nodes = "Sigmoid d -> a;QuantizeLinear a ms mz -> q;DequantizeLinear q ms mz -> b;Mul d b -> v";
    imported i = import_model(function_of(SY_DT_I8, 0.05f, 3, nodes));
    assert_int_equal(n_of(&i, IR_OP_QTABLE), 1);
    assert_int_equal(n_of(&i, IR_OP_QMUL), 1);
    assert_int_equal(i.m->main->n_nodes, 2);
    drop(&i);
    expect_note(function_of(SY_DT_I8, 0.05f, 3, "Mul d rank5 -> v"), 1, "second operand");
    expect_note(function_of(SY_DT_I8, 0.05f, 3, "Softmax d -> a;Sigmoid a -> v"), 1, "not quantised");
    i = import_model(function_of(SY_DT_I8, 0.05f, 3, "Log d -> a;GlobalMaxPool a -> v")); /* NaN is no integer's business */
    assert_int_equal(n_of(&i, IR_OP_QTABLE), 0);
    drop(&i);
}

/* ---------------------------------------------------------------- cost */

/* Concat of a value with itself, 20 times: a million paths from DQ to Q. */
static void test_many_paths(void **state)
{
    (void)state;
    for (int quantised = 0; quantised < 2; quantised++) {
        base_buf g = cluster(SY_DT_I8, 0.5f, 0, 0.25f, 0);
        char from[16] = "d", to[16], inputs[64];
        if (!quantised) {
            ow_add_node(&g, ow_node("Softmax", "d", "s"));
            memcpy(from, "s", 2);
        }
        for (int k = 0; k < 20; k++) {
            snprintf(to, sizeof to, "c%d", k);
            snprintf(inputs, sizeof inputs, "%s %s", from, from);
            base_buf node = ow_node("Concat", inputs, to);
            ow_attr_int(&node, "axis", 0);
            ow_add_node(&g, node);
            memcpy(from, to, sizeof from);
        }
        imported i = import_model(close_cluster(g, from));
        assert_int_equal(n_of(&i, IR_OP_SOFTMAX), !quantised);
        assert_true(i.m->main->n_nodes <= 24);
        drop(&i);
    }
}

/* A thousand Q, each with its own scale, above a Concat of a thousand operands: cut off, not a
 * million nodes. */
static void test_wide(void **state)
{
    (void)state;
    base_buf g = cluster(SY_DT_I8, 0.5f, 0, 0.25f, 0), node = {0};
    for (int k = 0; k < 1000; k++) {
        ow_words(&node, 1, "d");
    }
    ow_words(&node, 2, "c");
    ow_text(&node, 4, "Concat");
    ow_attr_int(&node, "axis", 0);
    ow_add_node(&g, node);
    for (int k = 0; k < 1000; k++) {
        char scale[16], inputs[32], to[16];
        snprintf(scale, sizeof scale, "s%d", k);
        snprintf(inputs, sizeof inputs, "c %s yz", scale);
        snprintf(to, sizeof to, "q%d", k);
        ow_add_f32(&g, scale, 0.001f * (float)(k + 1));
        ow_add_node(&g, ow_node("QuantizeLinear", inputs, to));
        ow_add_output(&g, to, SY_DT_I8);
    }
    imported i = import_model(ow_model(g, 17));
    assert_true(i.m->main->n_nodes < 40000);
    drop(&i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact),         cmocka_unit_test(test_exact_chains),
        cmocka_unit_test(test_folded_clamp),  cmocka_unit_test(test_uint8_edges),
        cmocka_unit_test(test_scales),        cmocka_unit_test(test_used_in_float),
        cmocka_unit_test(test_fan_out),       cmocka_unit_test(test_conv),
        cmocka_unit_test(test_float_weights), cmocka_unit_test(test_qlinear),
        cmocka_unit_test(test_regions),       cmocka_unit_test(test_functions),
        cmocka_unit_test(test_many_paths),    cmocka_unit_test(test_function_pieces),
        cmocka_unit_test(test_wide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
