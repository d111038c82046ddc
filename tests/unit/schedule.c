/*
 * schedule.c -- lowering and schedules: random layers on several configurations, run by the command
 * model, against the reference kernels.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
// timeout: 120
#include "net_check.h"

/* ---------------------------------------------------------------- tests */

static ir_value *random_conv(net *n, ir_value *x, int64_t images_channels, bool keep_shape)
{
    const int64_t kh = keep_shape ? 3 : pick(1, 5), kw = keep_shape ? 3 : pick(1, 5);
    const int64_t groups = !keep_shape && images_channels % 2 == 0 && pick(0, 3) == 0
                               ? (pick(0, 1) ? images_channels : 2)
                               : 1;
    const int64_t out = keep_shape ? images_channels : groups * pick(1, groups > 4 ? 2 : 12);
    const int64_t w_dims[4] = {out, images_channels / groups, kh, kw};
    ir_value *const in[3] = {x, constant(n, SY_DT_I8, 4, w_dims), constant(n, SY_DT_I32, 1, &out)};
    ir_value *y;
    ir_node *k = node(n, IR_OP_QCONV, pick(0, 3) > 0 ? 3 : 2, in, &y);
    const int64_t dilation = keep_shape || kh * kw > 9 ? 1 : pick(1, 2);
    const int64_t pads[4] = {keep_shape ? 1 : pick(0, kh - 1), keep_shape ? 1 : pick(0, kw - 1),
                             keep_shape ? 1 : pick(0, kh), keep_shape ? 1 : pick(0, kw)};
    const int64_t strides[2] = {keep_shape ? 1 : pick(1, 3), keep_shape ? 1 : pick(1, 3)};
    assert_int_equal(ir_node_set_ints(k, "pads", 4, pads), SY_OK);
    assert_int_equal(ir_node_set_ints(k, "strides", 2, strides), SY_OK);
    assert_int_equal(ir_node_set_ints(k, "dilations", 2, (const int64_t[2]){dilation, dilation}),
                     SY_OK);
    assert_int_equal(ir_node_set_int(k, "group", groups), SY_OK);
    set_scales(k, (const char *const[]){"x", "y", NULL});
    float *scales = base_arena_alloc(n->arena, (size_t)out, sizeof(float));
    for (int64_t i = 0; i < out; i++) {
        scales[i] = (float)pick(1, 500) / 300000.0F;
    }
    assert_int_equal(ir_node_set_floats(k, "w_scale", pick(0, 1) ? 1 : (uint32_t)out, scales),
                     SY_OK);
    return y;
}

static void convolutions(void **state)
{
    (void)state;
    int done = 0;
    for (int trial = 0; trial < 150; trial++) {
        const isa_config config = pick_machine();
        net n = new_net();
        const int64_t dims[4] = {pick(0, 3) == 0 ? 3 : 1, pick(1, pick(0, 4) == 0 ? 70 : 20),
                                 pick(9, 20), pick(9, 20)};
        ir_value *y = random_conv(&n, input(&n, 4, dims), dims[1], false);
        assert_int_equal(ir_graph_add_output(n.g, y, "out"), SY_OK);
        done += check_net(&n, &config) ? 1 : 0;
        ir_module_destroy(n.m);
        base_arena_destroy(n.arena);
    }
    assert_true(done > 130);
}

static void residuals(void **state)
{
    (void)state;
    for (int trial = 0; trial < 20; trial++) {
        const isa_config config = pick_machine();
        net n = new_net();
        const int64_t dims[4] = {pick(1, 2), pick(1, 20), pick(5, 12), pick(5, 12)};
        ir_value *x = input(&n, 4, dims);
        ir_value *y = random_conv(&n, random_conv(&n, x, dims[1], true), dims[1], true);
        ir_value *sum;
        const bool swap = pick(0, 1) == 1;
        ir_node *k = node(&n, IR_OP_QADD, 2,
                          swap ? (ir_value *const[]){x, y} : (ir_value *const[]){y, x}, &sum);
        set_scales(k, (const char *const[]){"a", "b", "y", NULL});
        if (trial % 4 != 0) { /* as in real networks; else the two stay apart */
            assert_int_equal(ir_node_set_int(k, swap ? "b_zero" : "a_zero",
                                             ir_node_int(y->producer, "y_zero", 0)),
                             SY_OK);
        }
        assert_int_equal(ir_graph_add_output(n.g, sum, "out"), SY_OK);
        if (!check_net(&n, &config)) {
            fail_msg("refused: %s", base_diag_message(&n.diag));
        }
        ir_module_destroy(n.m);
        base_arena_destroy(n.arena);
    }
}

static void pools(void **state)
{
    (void)state;
    int done = 0;
    for (int trial = 0; trial < 60; trial++) {
        const isa_config config = pick_machine();
        net n = new_net();
        const int64_t dims[4] = {pick(1, 2), pick(1, 40), pick(5, 14), pick(5, 14)};
        const bool average = pick(0, 1) == 1;
        ir_value *y;
        ir_value *x = input(&n, 4, dims);
        ir_node *k = node(&n, average ? IR_OP_QAVERAGEPOOL : IR_OP_MAXPOOL, 1, &x, &y);
        if (average && pick(0, 2) == 0) {
            assert_int_equal(ir_node_set_int(k, "global", 1), SY_OK);
        } else {
            const int64_t kernel[2] = {pick(1, 4), pick(1, 4)};
            const int64_t pads[4] = {pick(0, kernel[0] - 1), pick(0, kernel[1] - 1),
                                     pick(0, kernel[0] - 1), pick(0, kernel[1] - 1)};
            assert_int_equal(ir_node_set_ints(k, "kernel_shape", 2, kernel), SY_OK);
            assert_int_equal(ir_node_set_ints(k, "pads", 4, pads), SY_OK);
            assert_int_equal(
                ir_node_set_ints(k, "strides", 2, (const int64_t[2]){pick(1, 3), pick(1, 3)}),
                SY_OK);
            assert_int_equal(ir_node_set_int(k, "ceil_mode", pick(0, 1)), SY_OK);
            if (average) {
                assert_int_equal(ir_node_set_int(k, "count_include_pad", pick(0, 1)), SY_OK);
            }
        }
        if (average) {
            set_scales(k, (const char *const[]){"x", "y", NULL});
        }
        assert_int_equal(ir_graph_add_output(n.g, y, "out"), SY_OK);
        done += check_net(&n, &config) ? 1 : 0;
        ir_module_destroy(n.m);
        base_arena_destroy(n.arena);
    }
    assert_true(done > 45);
}

static void products(void **state)
{
    (void)state;
    for (int trial = 0; trial < 40; trial++) {
        const isa_config config = pick_machine();
        net n = new_net();
        const int64_t images = pick(1, 3),
                      least =
                          images > 1
                              ? 2
                              : 1; /* a 3 x 3 window over several images of one pixel is refused */
        const int64_t dims[4] = {images, pick(1, 40), pick(least, 5), pick(least, 5)};
        const int64_t flat[2] = {dims[0], dims[1] * dims[2] * dims[3]};
        ir_value *x = input(&n, 4, dims);
        const bool pooled = pick(0, 1) ==
                            1; /* a device tensor, so that the view stays on the device */
        ir_value *y = random_conv(&n, x, dims[1], true);
        if (pooled) {
            ir_value *p;
            set_scales(node(&n, IR_OP_QREQUANTIZE, 1, &y, &p),
                       (const char *const[]){"x", "y", NULL});
            y = p;
        }
        ir_value *f;
        node(&n, IR_OP_FLATTEN, 1, &y, &f);
        const int64_t out = pick(1, 40);
        ir_value *const in[3] = {f, constant(&n, SY_DT_I8, 2, (const int64_t[2]){flat[1], out}),
                                 constant(&n, SY_DT_I32, 1, &out)};
        ir_value *z;
        ir_node *k = node(&n, IR_OP_QGEMM, 3, in, &z);
        set_scales(k, (const char *const[]){"x", "y", NULL});
        assert_int_equal(ir_node_set_floats(k, "w_scale", 1, (const float[1]){0.003F}), SY_OK);
        assert_int_equal(ir_graph_add_output(n.g, z, "out"), SY_OK);
        if (!check_net(&n, &config)) {
            fail_msg("refused: %s", base_diag_message(&n.diag));
        }
        ir_module_destroy(n.m);
        base_arena_destroy(n.arena);
    }
}

static void two_activations(void **state)
{
    (void)state;
    for (int trial = 0; trial < 30; trial++) {
        const isa_config config = pick_machine();
        net n = new_net();
        const int64_t batch = pick(1, 3), m = pick(1, 30), k = config.d * pick(1, 3),
                      c = pick(1, 40);
        const int64_t a_dims[3] = {batch, m, k}, b_dims[3] = {batch, k, c};
        ir_value *const in[2] = {input(&n, 3, a_dims), input(&n, 3, b_dims)};
        ir_value *y;
        set_scales(node(&n, IR_OP_QMATMUL, 2, in, &y), (const char *const[]){"a", "b", "y", NULL});
        assert_int_equal(ir_graph_add_output(n.g, y, "out"), SY_OK);
        if (!check_net(&n, &config)) {
            fail_msg("refused: %s", base_diag_message(&n.diag));
        }
        ir_module_destroy(n.m);
        base_arena_destroy(n.arena);
    }
}

static void elementwise(void **state)
{
    (void)state;
    static const uint32_t codes[5] = {IR_OP_QADD, IR_OP_QSUB, IR_OP_QMUL, IR_OP_QREQUANTIZE, IR_OP_QTABLE};
    static const int64_t table[1] = {256};
    for (int trial = 0; trial < 50; trial++) {
        const isa_config config = pick_machine();
        net n = new_net();
        const int64_t dims[4] = {pick(1, 2), pick(1, 40), pick(1, 14), pick(1, 14)};
        const uint32_t code = codes[pick(0, 4)];
        const bool two = code != IR_OP_QREQUANTIZE && code != IR_OP_QTABLE;
        ir_value *x = input(&n, 4, dims);
        ir_value *const in[2] = {x, two                    ? input(&n, 4, dims)
                                    : code == IR_OP_QTABLE ? constant(&n, SY_DT_I8, 1, table)
                                                           : NULL};
        ir_value *y;
        ir_node *k = node(&n, code, in[1] != NULL ? 2 : 1, in, &y);
        set_scales(k, two ? (const char *const[]){"a", "b", "y", NULL}
                                    : (const char *const[]){"x", "y", NULL, NULL});
        assert_int_equal(ir_graph_add_output(n.g, y, "out"), SY_OK);
        if (!check_net(&n, &config)) {
            fail_msg("refused: %s", base_diag_message(&n.diag));
        }
        ir_module_destroy(n.m);
        base_arena_destroy(n.arena);
    }
}

/* A function behind a convolution or a product: looked up in its epilogue, also where SPM has little room. */
static void functions(void **state)
{
    (void)state;
    static const int64_t table[1] = {256};
    int done = 0;
    for (int trial = 0; trial < 40; trial++) {
        const isa_config config = pick_machine();
        net n = new_net();
        const int64_t dims[4] = {pick(1, 2), pick(1, 40), pick(2, 12), pick(2, 12)};
        ir_value *x = input(&n, 4, dims), *y;
        ir_value *const in[2] = {random_conv(&n, x, dims[1], true), constant(&n, SY_DT_I8, 1, table)};
        set_scales(node(&n, IR_OP_QTABLE, 2, in, &y), (const char *const[]){"x", "y", NULL});
        assert_int_equal(ir_graph_add_output(n.g, y, "out"), SY_OK);
        done += check_net(&n, &config) ? 1 : 0;
        ir_module_destroy(n.m);
        base_arena_destroy(n.arena);
    }
    assert_true(done > 30);
}

/* Second operands that are broadcast: constants of any such shape, tensors that have all channels.
 */
static void broadcast(void **state)
{
    (void)state;
    static const uint32_t codes[3] = {IR_OP_QADD, IR_OP_QSUB, IR_OP_QMUL};
    int done = 0;
    for (int trial = 0; trial < 80; trial++) {
        const isa_config config = pick_machine();
        net n = new_net();
        const int64_t dims[4] = {pick(1, 2), pick(1, 40), pick(1, 10), pick(1, 10)};
        const int32_t rank = pick(0, 2) == 0 ? 2 : 4;
        int64_t other[4];
        const bool is_constant = pick(0, 2) > 0;
        for (int32_t i = 0; i < rank; i++) {
            other[i] = pick(0, 1) == 1 && (is_constant || i != 1) ? 1 : dims[i];
        }
        const int32_t skip = is_constant ? (int32_t)pick(0, rank) : 0;
        ir_value *x = input(&n, rank, dims);
        ir_value *b = is_constant ? constant(&n, SY_DT_I8, rank - skip, other + skip)
                                  : input(&n, rank, other);
        const bool swap = pick(0, 1) == 1;
        ir_value *const in[2] = {swap ? b : x, swap ? x : b};
        ir_value *y;
        set_scales(node(&n, codes[pick(0, 2)], 2, in, &y),
                   (const char *const[]){"a", "b", "y", NULL});
        assert_int_equal(ir_graph_add_output(n.g, y, "out"), SY_OK);
        done += check_net(&n, &config) ? 1 : 0;
        ir_module_destroy(n.m);
        base_arena_destroy(n.arena);
    }
    assert_true(done > 60);
}

static void moves(void **state)
{
    (void)state;
    for (int trial = 0; trial < 40; trial++) {
        const isa_config config = pick_machine();
        net n = new_net();
        const int64_t dims[4] = {pick(1, 2), pick(1, 40), pick(1, 9), pick(2, 9)};
        ir_value *y;
        if (pick(0, 1) == 0) {
            int64_t more[4] = {dims[0], pick(1, 40), dims[2], dims[3]};
            ir_value *const in[3] = {input(&n, 4, dims), input(&n, 4, more), input(&n, 4, dims)};
            ir_node *k = node(&n, IR_OP_CONCAT, 3, in, &y);
            assert_int_equal(ir_node_set_int(k, "axis", 1), SY_OK);
        } else {
            const int64_t pads[8] = {0, 0, pick(0, 3), pick(0, 3), 0, 0, pick(0, 3), pick(0, 3)};
            const int8_t fill = (int8_t)pick(-128, 127);
            ir_const *pc, *fc;
            ir_value *pv, *fv;
            assert_int_equal(ir_const_i64s(n.m, 8, pads, &pc), SY_OK);
            assert_int_equal(ir_const_inline(n.m, SY_DT_I8, 0, NULL, &fill, 1, &n.diag, &fc),
                             SY_OK);
            assert_int_equal(ir_graph_add_const(n.g, NULL, pc, &pv), SY_OK);
            assert_int_equal(ir_graph_add_const(n.g, NULL, fc, &fv), SY_OK);
            ir_value *const in[3] = {input(&n, 4, dims), pv, fv};
            node(&n, IR_OP_PAD, 3, in, &y);
        }
        assert_int_equal(ir_graph_add_output(n.g, y, "out"), SY_OK);
        if (!check_net(&n, &config)) {
            fail_msg("refused: %s", base_diag_message(&n.diag));
        }
        ir_module_destroy(n.m);
        base_arena_destroy(n.arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elementwise), cmocka_unit_test(functions),  cmocka_unit_test(broadcast),
        cmocka_unit_test(moves),        cmocka_unit_test(pools),
        cmocka_unit_test(convolutions), cmocka_unit_test(residuals),
        cmocka_unit_test(products),     cmocka_unit_test(two_activations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
