/*
 * schedule_edges.c -- lowering and schedules at their edges: odd shapes, odd graphs, machines of
 * hardly any memory. Each is either right or refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
// timeout: 120
#include "net_check.h"

static void drop(net *n)
{
    ir_module_destroy(n->m);
    base_arena_destroy(n->arena);
}

/* Gives the graph its output, checks it, drops it. `part`: NULL: it must run on the device; else
 * refused, and the reason holds this text; "": either. */
static void check_output(net *n, ir_value *y, const isa_config *config, const char *part)
{
    assert_int_equal(ir_graph_add_output(n->g, y, "out"), SY_OK);
    const bool ran = check_net(n, config);
    const char *reason = base_diag_message(&n->diag);
    if (part == NULL && !ran) {
        fail_msg("refused: %s", reason);
    }
    if (part != NULL && part[0] != '\0' && (ran || strstr(reason, part) == NULL)) {
        fail_msg("%s, expected a refusal with '%s'", ran ? "it ran" : reason, part);
    }
    drop(n);
}

typedef struct conv_shape {
    int64_t out, kh, kw, stride, dilation, pad_top, pad_left, pad_bottom, pad_right, groups;
} conv_shape;

static ir_value *conv(net *n, ir_value *x, int64_t channels, const conv_shape *c)
{
    const int64_t w_dims[4] = {c->out, channels / c->groups, c->kh, c->kw};
    ir_value *const in[3] = {x, constant(n, SY_DT_I8, 4, w_dims),
                             constant(n, SY_DT_I32, 1, &c->out)};
    ir_value *y;
    ir_node *k = node(n, IR_OP_QCONV, 3, in, &y);
    assert_int_equal(
        ir_node_set_ints(k, "pads", 4,
                         (const int64_t[4]){c->pad_top, c->pad_left, c->pad_bottom, c->pad_right}),
        SY_OK);
    assert_int_equal(ir_node_set_ints(k, "strides", 2, (const int64_t[2]){c->stride, c->stride}),
                     SY_OK);
    assert_int_equal(
        ir_node_set_ints(k, "dilations", 2, (const int64_t[2]){c->dilation, c->dilation}), SY_OK);
    assert_int_equal(ir_node_set_int(k, "group", c->groups), SY_OK);
    set_scales(k, (const char *const[]){"x", "y", NULL});
    assert_int_equal(ir_node_set_floats(k, "w_scale", 1, (const float[1]){0.002F}), SY_OK);
    return y;
}

static ir_value *binary(net *n, uint32_t code, ir_value *a, ir_value *b)
{
    ir_value *y;
    set_scales(node(n, code, 2, (ir_value *const[]){a, b}, &y),
               (const char *const[]){"a", "b", "y", NULL});
    return y;
}

/* ---------------------------------------------------------------- who shares a tensor */

/* The image of a first layer is gathered by windows and is the residual too: two layouts of one
 * tensor. */
static void residual_of_the_image(void **state)
{
    (void)state;
    for (int trial = 0; trial < 6; trial++) {
        isa_config config = pick_machine();
        config.dram_latency = 4; /* gathering pays */
        net n = new_net();
        const int64_t c = pick(1, 4);
        ir_value *x = input(&n, 4, (const int64_t[4]){pick(1, 2), c, 12, 12});
        const conv_shape shape = {c, 5, 5, 1, 1, 2, 2, 2, 2, 1};
        ir_value *y = conv(&n, x, c, &shape);
        ir_value *sum = binary(&n, IR_OP_QADD, y, x);
        assert_int_equal(
            ir_node_set_int(sum->producer, "a_zero", ir_node_int(y->producer, "y_zero", 0)), SY_OK);
        check_output(&n, sum, &config, NULL);
    }
}

/* Two convolutions read the image; or the image is joined, added to itself, or given out through a
 * view. */
static void shared_operands(void **state)
{
    (void)state;
    const conv_shape shape = {5, 3, 3, 1, 1, 1, 1, 1, 1, 1};
    for (int trial = 0; trial < 4; trial++) {
        const isa_config config = pick_machine();
        net n = new_net();
        ir_value *x = input(&n, 4, (const int64_t[4]){2, 3, 9, 9});
        ir_value *a = conv(&n, x, 3, &shape), *b = conv(&n, x, 3, &shape);
        check_output(&n, binary(&n, IR_OP_QMUL, a, b), &config, NULL);

        n = new_net();
        x = input(&n, 4, (const int64_t[4]){2, 7, 4, 5});
        check_output(&n, binary(&n, IR_OP_QADD, x, x), &config, NULL);

        n = new_net();
        x = input(&n, 4, (const int64_t[4]){2, 7, 4, 5});
        ir_value *y;
        ir_node *k = node(&n, IR_OP_CONCAT, 3, (ir_value *const[]){x, x, x}, &y);
        assert_int_equal(ir_node_set_int(k, "axis", -3), SY_OK);
        check_output(&n, y, &config, NULL);

        n = new_net();
        x = input(&n, 4, (const int64_t[4]){1, 9, 1, 1});
        k = node(&n, IR_OP_CONCAT, 1, (ir_value *const[]){x}, &y);
        assert_int_equal(ir_node_set_int(k, "axis", 1), SY_OK);
        check_output(&n, y, &config, NULL);
    }
}

/* Both branches of an addition are products; one of the two becomes its epilogue. A product's value
 * is given out besides. */
static void two_products(void **state)
{
    (void)state;
    const conv_shape shape = {6, 3, 3, 1, 1, 1, 1, 1, 1, 1};
    for (int trial = 0; trial < 6; trial++) {
        const isa_config config = pick_machine();
        net n = new_net();
        ir_value *x = input(&n, 4, (const int64_t[4]){1, 6, 7, 7});
        ir_value *a = conv(&n, x, 6, &shape), *b = conv(&n, a, 6, &shape),
                 *c = conv(&n, x, 6, &shape);
        ir_value *sum = binary(&n, IR_OP_QADD, b, c);
        assert_int_equal(
            ir_node_set_int(sum->producer, "a_zero", ir_node_int(b->producer, "y_zero", 0)), SY_OK);
        assert_int_equal(
            ir_node_set_int(sum->producer, "b_zero", ir_node_int(c->producer, "y_zero", 0)), SY_OK);
        if (trial % 2 == 0) {
            assert_int_equal(ir_graph_add_output(n.g, trial % 4 == 0 ? a : b, "inner"), SY_OK);
        }
        check_output(&n, sum, &config, NULL);
    }
}

/* A flattened image goes into a product, and is given out; Flatten at other axes. */
static void views(void **state)
{
    (void)state;
    static const int64_t axes[4] = {0, 1, 2, -1};
    for (int trial = 0; trial < 16; trial++) {
        const isa_config config = pick_machine();
        net n = new_net();
        const int64_t dims[4] = {trial % 2 + 1, trial % 3 == 0 ? 1 : 6, trial % 5 == 0 ? 1 : 3, 4};
        ir_value *x = input(&n, 4, dims), *q, *f, *z;
        set_scales(node(&n, IR_OP_QREQUANTIZE, 1, &x, &q), (const char *const[]){"x", "y", NULL});
        ir_node *k = node(&n, IR_OP_FLATTEN, 1, &q, &f);
        const int64_t axis = axes[trial / 4];
        assert_int_equal(ir_node_set_int(k, "axis", axis), SY_OK);
        const int64_t rows = axis == 0   ? 1
                             : axis == 1 ? dims[0]
                             : axis == 2 ? dims[0] * dims[1]
                                         : dims[0] * dims[1] * dims[2];
        const int64_t columns = dims[0] * dims[1] * dims[2] * dims[3] / rows;
        ir_value *const in[2] = {f, constant(&n, SY_DT_I8, 2, (const int64_t[2]){columns, 5})};
        k = node(&n, IR_OP_QGEMM, 2, in, &z);
        set_scales(k, (const char *const[]){"x", "y", NULL});
        assert_int_equal(ir_node_set_floats(k, "w_scale", 1, (const float[1]){0.003F}), SY_OK);
        assert_int_equal(ir_graph_add_output(n.g, f, "flat"), SY_OK);
        check_output(&n, z, &config, axis == 1 ? NULL : "");
    }
}

/* ---------------------------------------------------------------- windows */

/* Images of one pixel, several of them: their positions are images, over which no window moves. */
static void one_pixel(void **state)
{
    (void)state;
    static const conv_shape shapes[5] = {{5, 1, 1, 1, 1, 0, 0, 0, 0, 1},
                                         {5, 1, 1, 2, 1, 0, 0, 0, 0, 1},
                                         {6, 1, 1, 3, 2, 0, 0, 0, 0, 2},
                                         {5, 1, 1, 2, 1, 1, 1, 0, 0, 1},
                                         {5, 3, 3, 1, 1, 1, 1, 1, 1, 1}};
    for (int trial = 0; trial < 20; trial++) {
        const isa_config config = pick_machine();
        net n = new_net();
        ir_value *x = input(&n, 4, (const int64_t[4]){trial % 4 + 1, 6, 1, 1});
        const conv_shape *shape = &shapes[trial % 5];
        const bool plain = shape->pad_top == 0;
        check_output(&n, conv(&n, x, 6, shape), &config, plain ? NULL : "");
    }
}

/* Strides beyond kernels, dilations beyond images, kernels beyond images, groups of odd sizes. */
static void odd_windows(void **state)
{
    (void)state;
    int done = 0;
    for (int trial = 0; trial < 60; trial++) {
        const isa_config config = pick_machine();
        net n = new_net();
        const int64_t groups = trial % 3 == 0 ? 3 : trial % 5 == 0 ? 7 : 1;
        const int64_t channels = groups * pick(1, 9), size = pick(1, 5);
        conv_shape shape = {groups * pick(1, 9),
                            pick(1, 4),
                            pick(1, 4),
                            pick(1, 9),
                            pick(1, 6),
                            0,
                            0,
                            0,
                            0,
                            groups};
        const int64_t reach_h = (shape.kh - 1) * shape.dilation,
                      reach_w = (shape.kw - 1) * shape.dilation;
        shape.pad_top = pick(0, reach_h + 1);
        shape.pad_bottom = sched_max(0, reach_h + 1 - size - shape.pad_top) + pick(0, 3);
        shape.pad_left = pick(0, reach_w + 1);
        shape.pad_right = sched_max(0, reach_w + 1 - size - shape.pad_left) + pick(0, 3);
        ir_value *x = input(&n, 4, (const int64_t[4]){pick(1, 3), channels, size, size});
        ir_value *y = conv(&n, x, channels, &shape);
        assert_int_equal(ir_graph_add_output(n.g, y, "out"), SY_OK);
        done += check_net(&n, &config) ? 1 : 0;
        drop(&n);
    }
    assert_true(done > 45);
}

/* Pools whose windows miss the image, or see only some of its rows. */
static void odd_pools(void **state)
{
    (void)state;
    int done = 0;
    for (int trial = 0; trial < 60; trial++) {
        const isa_config config = pick_machine();
        net n = new_net();
        const bool average = trial % 2 == 0;
        const int64_t size = pick(1, 6), kernel = pick(1, 4), dilation = average ? 1 : pick(1, 5);
        ir_value *x = input(&n, 4, (const int64_t[4]){pick(1, 3), pick(1, 20), size, size}), *y;
        ir_node *k = node(&n, average ? IR_OP_QAVERAGEPOOL : IR_OP_MAXPOOL, 1, &x, &y);
        const int64_t reach = (kernel - 1) * dilation, before = pick(0, reach),
                      after = sched_max(0, reach + 1 - size - before) + pick(0, 2);
        assert_int_equal(ir_node_set_ints(k, "kernel_shape", 2, (const int64_t[2]){kernel, kernel}),
                         SY_OK);
        if (!average) {
            assert_int_equal(
                ir_node_set_ints(k, "dilations", 2, (const int64_t[2]){dilation, dilation}), SY_OK);
        }
        assert_int_equal(
            ir_node_set_ints(k, "pads", 4, (const int64_t[4]){before, before, after, after}),
            SY_OK);
        assert_int_equal(
            ir_node_set_ints(k, "strides", 2, (const int64_t[2]){pick(1, 7), pick(1, 7)}), SY_OK);
        assert_int_equal(ir_node_set_int(k, "ceil_mode", pick(0, 1)), SY_OK);
        if (average) {
            assert_int_equal(ir_node_set_int(k, "count_include_pad", pick(0, 1)), SY_OK);
            set_scales(k, (const char *const[]){"x", "y", NULL});
        }
        assert_int_equal(ir_graph_add_output(n.g, y, "out"), SY_OK);
        if (check_net(&n, &config)) {
            done++;
        } else if (strstr(base_diag_message(&n.diag), "padding alone") == NULL &&
                   strstr(base_diag_message(&n.diag), "one pixel") == NULL) {
            fail_msg("refused: %s", base_diag_message(&n.diag));
        }
        drop(&n);
    }
    assert_true(done > 20);
}

/* A window of two thousand million taps, nearly all of them in the padding: no loop over taps. */
static void endless_windows(void **state)
{
    (void)state;
    net n = new_net();
    ir_value *x = input(&n, 4, (const int64_t[4]){1, 16, 4, 4}), *y;
    ir_node *k = node(&n, IR_OP_MAXPOOL, 1, &x, &y);
    const int64_t kernel = 0x7fffffff;
    assert_int_equal(ir_node_set_ints(k, "kernel_shape", 2, (const int64_t[2]){1, kernel}), SY_OK);
    assert_int_equal(ir_node_set_ints(k, "pads", 4, (const int64_t[4]){0, kernel - 1, 0, 0}),
                     SY_OK);
    assert_int_equal(ir_infer_module(n.m, &n.diag), SY_OK);
    const sched_span s = sched_span_at(0, 4, kernel, 1, 1, kernel - 1, 4, 4);
    assert_int_equal(s.lo, 0);
    assert_int_equal(s.hi, 1);
    assert_int_equal(s.tap_lo, kernel - 1);
    assert_int_equal(s.tap_hi, kernel);
    drop(&n);
}

/* Padding that begins far before a tensor which lies low in DRAM. */
static void wide_padding(void **state)
{
    (void)state;
    isa_config config = small_machine(32, 8, 4096, 64);
    net n = new_net();
    const int64_t pads[8] = {0, 0, 9, 5, 0, 0, 1, 0};
    ir_const *pc;
    ir_value *pv, *y;
    assert_int_equal(ir_const_i64s(n.m, 8, pads, &pc), SY_OK);
    assert_int_equal(ir_graph_add_const(n.g, NULL, pc, &pv), SY_OK);
    ir_value *x = input(&n, 4, (const int64_t[4]){1, 3, 2, 600});
    node(&n, IR_OP_PAD, 2, (ir_value *const[]){x, pv}, &y);
    check_output(&n, y, &config, NULL);
}

/* ---------------------------------------------------------------- broadcasting */

/* [C, H, W] against [N, C, H, W] with equal sizes: the axes of one are not those of the other. */
static void ranks_differ(void **state)
{
    (void)state;
    const isa_config config = small_machine(4, 8, 256, 64);
    net n = new_net();
    ir_value *a = input(&n, 4, (const int64_t[4]){5, 5, 5, 5}),
             *b = input(&n, 3, (const int64_t[3]){5, 5, 5});
    check_output(&n, binary(&n, IR_OP_QADD, a, b), &config, "");
    n = new_net();
    a = input(&n, 3, (const int64_t[3]){4, 4, 4});
    b = input(&n, 2, (const int64_t[2]){4, 4});
    check_output(&n, binary(&n, IR_OP_QSUB, b, a), &config, "");
}

/* [N, C, 1, 1] against [N, C, H, W]: a gate for each image, as in squeeze and excite. */
static void gates(void **state)
{
    (void)state;
    for (int trial = 0; trial < 16; trial++) {
        const isa_config config = pick_machine();
        net n = new_net();
        const int64_t images = pick(1, 4), channels = pick(1, 40);
        ir_value *x = input(&n, 4,
                            (const int64_t[4]){images, channels, pick(1, 7),
                                               trial % 4 == 0 ? images + 1 : pick(2, 9)});
        ir_value *b = input(&n, 4, (const int64_t[4]){trial % 3 == 0 ? 1 : images, channels, 1, 1});
        const bool swap = pick(0, 1) == 1;
        check_output(
            &n, binary(&n, trial % 2 == 0 ? IR_OP_QMUL : IR_OP_QSUB, swap ? b : x, swap ? x : b),
            &config, NULL);
    }
}

/* Ranks that no layout has, and tensors without elements. */
static void odd_ranks(void **state)
{
    (void)state;
    const isa_config config = small_machine(16, 8, 256, 64);
    static const int64_t dims[6] = {2, 3, 2, 2, 2, 2};
    for (int32_t rank = 0; rank <= 6; rank++) {
        net n = new_net();
        ir_value *x = input(&n, rank, dims);
        check_output(&n, binary(&n, IR_OP_QADD, x, x), &config,
                     rank >= 2 && rank <= 4 ? NULL : "dimensions");
    }
    net n = new_net();
    ir_value *x = input(&n, 4, (const int64_t[4]){1, 3, 0, 4});
    check_output(&n, binary(&n, IR_OP_QADD, x, x), &config, "no elements");
}

/* ---------------------------------------------------------------- sizes */

/* Placement alone: shapes for which no memory is ever there. */
static void absurd_sizes(void **state)
{
    (void)state;
    static const int64_t sizes[6] = {
        65537,           INT64_C(1) << 24, INT64_C(1) << 31, INT64_C(1) << 40, INT64_C(1) << 61,
        INT64_C(1) << 62};
    const isa_config config = small_machine(16, 16, 1024, 256);
    for (int i = 0; i < 6; i++) {
        for (int axis = 0; axis < 4; axis++) {
            for (int op = 0; op < 4; op++) {
                net n = new_net();
                int64_t dims[4] = {1, 3, 8, 8};
                dims[axis] = sizes[i];
                ir_value *x = input(&n, 4, dims), *y;
                if (op == 0 && axis != 1) {
                    const conv_shape shape = {4, 3, 3, 1, 1, 1, 1, 1, 1, 1};
                    y = conv(&n, x, 3, &shape);
                } else if (op == 1) {
                    ir_node *k = node(&n, IR_OP_MAXPOOL, 1, &x, &y);
                    assert_int_equal(
                        ir_node_set_ints(k, "kernel_shape", 2, (const int64_t[2]){2, 2}), SY_OK);
                } else if (op == 2) {
                    node(&n, IR_OP_CONCAT, 2, (ir_value *const[]){x, x}, &y);
                    assert_int_equal(ir_node_set_int(y->producer, "axis", 1), SY_OK);
                } else {
                    y = binary(&n, IR_OP_QADD, x, x);
                }
                assert_int_equal(ir_graph_add_output(n.g, y, "out"), SY_OK);
                if (ir_infer_module(n.m, &n.diag) == SY_OK) {
                    placement p;
                    assert_int_equal(cc_place_graph(n.arena, n.m, &config, &p, &n.diag), SY_OK);
                    assert_int_equal(p.n_items, 1);
                    uint64_t address, n_bytes;
                    const sy_status status = cc_place_memory(n.arena, &config, &p, &address,
                                                             &n_bytes, &n.diag);
                    assert_true(status == SY_OK || status == SY_ERANGE);
                    assert_true(!p.items[0].device || sizes[i] <= INT64_C(1) << 24);
                }
                drop(&n);
            }
        }
    }
}

/* One small network on machines from hardly anything upwards: right, or refused with a reason. */
static void small_memories(void **state)
{
    (void)state;
    int ran = 0, refused = 0;
    for (uint32_t d = 4; d <= 16; d *= 4) {
        for (uint32_t banks = 2; banks <= 16; banks *= 2) {
            for (uint32_t rows = 64 / d; rows <= 64; rows *= 4) {
                for (uint32_t acc_rows = 16 / d; acc_rows <= 16; acc_rows *= 4) {
                    for (int op = 0; op < 5; op++) {
                        isa_config config = small_machine(d, banks, rows, acc_rows);
                        config.acc_banks = 2;
                        net n = new_net();
                        const int64_t dims[4] = {2, 9, 6, 5};
                        const conv_shape shape = {9, 3, 3, 1, 1, 1, 1, 1, 1, 1};
                        ir_value *x = input(&n, 4, dims), *y = x;
                        if (op == 0) {
                            ir_value *product = conv(&n, x, 9, &shape);
                            y = binary(&n, IR_OP_QADD, product,
                                       x); /* fused; where that is too large, one after the other */
                            assert_int_equal(
                                ir_node_set_int(y->producer, "a_zero",
                                                ir_node_int(product->producer, "y_zero", 0)),
                                SY_OK);
                        } else if (op == 1) {
                            assert_int_equal(ir_node_set_ints(node(&n, IR_OP_MAXPOOL, 1, &x, &y),
                                                              "kernel_shape", 2,
                                                              (const int64_t[2]){3, 2}),
                                             SY_OK);
                        } else if (op == 2) {
                            assert_int_equal(ir_node_set_int(node(&n, IR_OP_CONCAT, 2,
                                                                  (ir_value *const[]){x, x}, &y),
                                                             "axis", 1),
                                             SY_OK);
                        } else if (op == 3) {
                            y = binary(&n, IR_OP_QMUL, x,
                                       constant(&n, SY_DT_I8, 4, (const int64_t[4]){1, 9, 1, 5}));
                        } else {
                            y = binary(&n, IR_OP_QSUB, x, x);
                        }
                        assert_int_equal(ir_graph_add_output(n.g, y, "out"), SY_OK);
                        if (check_net(&n, &config)) {
                            ran++;
                        } else {
                            assert_true(base_diag_message(&n.diag)[0] != '\0');
                            refused++;
                        }
                        drop(&n);
                    }
                }
            }
        }
    }
    assert_true(ran > 20 && refused > 20);
}

/* Semaphores of few bits: no ring may have more slots than a semaphore can count. */
static void narrow_semaphores(void **state)
{
    (void)state;
    for (uint32_t bits = 1; bits <= 5; bits++) {
        isa_config config = small_machine(4, 16, 256, 64);
        config.sem_bits = bits;
        net n = new_net();
        ir_value *x = input(&n, 4, (const int64_t[4]){1, 8, 6, 6});
        const conv_shape shape = {512, 1, 1, 1, 1, 0, 0, 0, 0, 1};
        check_output(&n, conv(&n, x, 8, &shape), &config, bits == 1 ? "semaphore" : NULL);
    }
}

/* The number of a layer is 16 bits of each command. */
static void too_many_layers(void **state)
{
    (void)state;
    const isa_config config = small_machine(4, 8, 256, 64);
    net n = new_net();
    cc_tensor x = {.name = "x", .n = 1, .c = 4, .h = 1, .w = 4, .blocks = 1, .rows = 4}, y = x;
    const cc_group g = {.kind = CC_GROUP_STREAM,
                        .name = "g",
                        .x = &x,
                        .y = &y,
                        .u.stream = {.op = CC_STREAM_CLAMP, .y = {.lo = 0, .hi = 9}}};
    cc_program program = {.name = "segment_0"};
    for (int i = 1; i < CC_MAX_LAYERS; i++) {
        assert_int_equal(cc_program_begin_layer(n.arena, &program, "g"), SY_OK);
    }
    assert_int_equal(sched_group(n.arena, &config, &g, &program, &n.diag), SY_OK);
    assert_int_equal(program.commands[program.n_commands - 1].layer, CC_MAX_LAYERS - 1);
    assert_int_equal(sched_group(n.arena, &config, &g, &program, &n.diag), SY_ERANGE);
    drop(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(residual_of_the_image),
        cmocka_unit_test(shared_operands),
        cmocka_unit_test(two_products),
        cmocka_unit_test(views),
        cmocka_unit_test(one_pixel),
        cmocka_unit_test(odd_windows),
        cmocka_unit_test(odd_pools),
        cmocka_unit_test(endless_windows),
        cmocka_unit_test(wide_padding),
        cmocka_unit_test(ranks_differ),
        cmocka_unit_test(gates),
        cmocka_unit_test(odd_ranks),
        cmocka_unit_test(absurd_sizes),
        cmocka_unit_test(small_memories),
        cmocka_unit_test(narrow_semaphores),
        cmocka_unit_test(too_many_layers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
