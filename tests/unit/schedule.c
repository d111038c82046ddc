/*
 * schedule.c -- lowering and schedules: random layers on several configurations, run by the command model, against the reference kernels.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
// timeout: 120
#include "test.h"

#include "place.h"
#include "schedule.h"
#include "command_model.h"
#include "systole/base/rng.h"
#include "systole/compiler/passes.h"
#include "systole/graph/infer.h"
#include "systole/graph/optable.h"

static uint64_t counter;

static int64_t pick(int64_t lo, int64_t hi) {
    return lo + (int64_t)(base_rng_u64(20261120, 7, counter++) % (uint64_t)(hi - lo + 1));
}

typedef struct net {
    base_arena *arena;
    ir_optable *table;
    ir_module *m;
    ir_graph *g;
    base_diag diag;
} net;

static net new_net(void) {
    net n = {.arena = base_arena_create()};
    assert_int_equal(ir_optable_create(n.arena, &n.table), SY_OK);
    assert_int_equal(ir_module_create(n.arena, n.table, "test", &n.m), SY_OK);
    assert_int_equal(ir_module_add_function(n.m, "main", &n.diag, &n.g), SY_OK);
    return n;
}

static ir_value *input(net *n, int32_t rank, const int64_t *dims) {
    ir_type type;
    ir_value *v;
    assert_int_equal(ir_type_tensor_i64(n->m, SY_DT_I8, rank, dims, &type), SY_OK);
    assert_int_equal(ir_graph_add_input(n->g, NULL, &type, &v), SY_OK);
    return v;
}

static ir_value *constant(net *n, sy_dtype dtype, int32_t rank, const int64_t *dims) {
    int64_t count = 1;
    for (int32_t i = 0; i < rank; i++) {
        count *= dims[i];
    }
    const size_t bytes = (size_t)count * (dtype == SY_DT_I32 ? 4 : 1);
    uint8_t *data = base_arena_alloc(n->arena, bytes + 1, 1);
    for (int64_t i = 0; i < count; i++) {
        if (dtype == SY_DT_I32) {
            ((int32_t *)(void *)data)[i] = (int32_t)pick(-3000, 3000);
        } else {
            data[i] = (uint8_t)pick(0, 255);
        }
    }
    ir_const *c;
    ir_value *v;
    assert_int_equal(ir_const_inline(n->m, dtype, rank, dims, data, bytes, &n->diag, &c), SY_OK);
    assert_int_equal(ir_graph_add_const(n->g, NULL, c, &v), SY_OK);
    return v;
}

static ir_node *node(net *n, uint32_t code, uint32_t n_inputs, ir_value *const *inputs, ir_value **result) {
    ir_node *out;
    assert_int_equal(ir_node_create_op(n->g, NULL, code, n_inputs, inputs, &out, result), SY_OK);
    return out;
}

static void set_scales(ir_node *n, const char *const *names) {
    for (int i = 0; names[i] != NULL; i++) {
        char key[32];
        snprintf(key, sizeof key, "%s_scale", names[i]);
        assert_int_equal(ir_node_set_float(n, key, (float)pick(1, 1000) / 7000.0F), SY_OK);
        snprintf(key, sizeof key, "%s_zero", names[i]);
        assert_int_equal(ir_node_set_int(n, key, pick(-128, 127)), SY_OK);
    }
    assert_int_equal(ir_node_set_int(n, "y_min", pick(0, 1) ? -128 : pick(-128, 0)), SY_OK);
}

static void fill_data(uint8_t *data, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) {
        data[i] = (uint8_t)pick(0, 255);
    }
}

/* Host layout to device layout and back, by the plan's definition. */
static void to_device(command_model *m, const cc_plan_tensor *t, const uint8_t *data) {
    for (int64_t i = 0; i < t->n * t->c * t->p; i++) {
        const int64_t n = i / (t->c * t->p), c = i / t->p % t->c, p = i % t->p;
        m->dram[(int64_t)t->address + (n * t->n_stride + c / t->lanes * t->block_stride + p) * t->lanes + c % t->lanes] = data[i];
    }
}

static int64_t first_difference(const command_model *m, const cc_plan_tensor *t, const uint8_t *want) {
    for (int64_t i = 0; i < t->n * t->c * t->p; i++) {
        const int64_t n = i / (t->c * t->p), c = i / t->p % t->c, p = i % t->p;
        if (m->dram[(int64_t)t->address + (n * t->n_stride + c / t->lanes * t->block_stride + p) * t->lanes + c % t->lanes] != want[i]) {
            return i;
        }
    }
    return -1;
}

/* The reference's results of all nodes; slot of value v: v->mark. */
static ir_tensor *reference(net *n, uint8_t *const *inputs) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < n->g->n_inputs; i++) {
        n->g->inputs[i]->mark = count++;
    }
    for (uint32_t i = 0; i < n->g->n_consts; i++) {
        n->g->consts[i]->mark = count++;
    }
    for (ir_node *k = n->g->first; k != NULL; k = k->next) {
        k->outputs[0]->mark = count++;
    }
    ir_tensor *t = base_arena_alloc(n->arena, count, sizeof(ir_tensor));
    for (uint32_t i = 0; i < n->g->n_inputs; i++) {
        int64_t dims[IR_MAX_RANK];
        assert_true(ir_type_static_dims(&n->g->inputs[i]->type, dims));
        assert_int_equal(ir_tensor_init(&t[i], SY_DT_I8, n->g->inputs[i]->type.rank, dims, inputs[i]), SY_OK);
    }
    for (uint32_t i = 0; i < n->g->n_consts; i++) {
        assert_int_equal(ir_const_tensor(n->m, n->g->consts[i]->constant, &n->diag, &t[n->g->consts[i]->mark]), SY_OK);
    }
    for (ir_node *k = n->g->first; k != NULL; k = k->next) {
        const ir_tensor *in[8];
        ir_tensor *out = &t[k->outputs[0]->mark];
        int64_t dims[IR_MAX_RANK];
        for (uint32_t i = 0; i < k->n_inputs; i++) {
            in[i] = ir_node_input(k, i) != NULL ? &t[ir_node_input(k, i)->mark] : NULL;
        }
        assert_true(ir_type_static_dims(&k->outputs[0]->type, dims));
        assert_int_equal(ir_tensor_init(out, SY_DT_I8, k->outputs[0]->type.rank, dims, NULL), SY_OK);
        out->data = base_arena_alloc(n->arena, out->size_bytes + 1, 1);
        const ir_kernel_args args = {.node = k, .n_inputs = k->n_inputs, .inputs = in, .n_outputs = 1, .outputs = &out,
                                     .scratch = n->arena, .diag = &n->diag};
        assert_int_equal(k->op->reference(&args), SY_OK);
    }
    return t;
}

/* Compiles n up to commands, runs them, compares the outputs. Returns false where placement refused a node (reason in n->diag). */
static bool check_net(net *n, const isa_config *config) {
    uint8_t *inputs[4];
    assert_int_equal(ir_infer_module(n->m, &n->diag), SY_OK);
    for (uint32_t i = 0; i < n->g->n_inputs; i++) {
        int64_t dims[IR_MAX_RANK], count = 1;
        assert_true(ir_type_static_dims(&n->g->inputs[i]->type, dims));
        for (int32_t k = 0; k < n->g->inputs[i]->type.rank; k++) {
            count *= dims[k];
        }
        inputs[i] = base_arena_alloc(n->arena, (size_t)count + 1, 1);
        fill_data(inputs[i], (size_t)count);
    }
    const ir_tensor *values = reference(n, inputs);
    const ir_tensor want = values[n->g->outputs[0]->use.value->mark];
    ir_module *copy;
    assert_int_equal(ir_module_clone(n->arena, n->m, &copy), SY_OK);
    const sy_status passed = pass_run(copy, PASS_DEVICE, NULL, NULL, &n->diag);
    if (passed != SY_OK) {
        print_error("pass: %s\n", base_diag_message(&n->diag));
    }
    assert_int_equal(passed, SY_OK);
    placement p;
    assert_int_equal(cc_place_graph(n->arena, copy, config, &p, &n->diag), SY_OK);
    for (uint32_t i = 0; i < p.n_items; i++) {
        if (!p.items[i].device) {
            snprintf(n->diag.message, sizeof n->diag.message, "%s", p.items[i].reason);
            return false;
        }
    }
    uint64_t address, n_bytes;
    assert_int_equal(cc_place_memory(n->arena, config, &p, &address, &n_bytes, &n->diag), SY_OK);
    cc_program program = {.name = "segment_0"};
    for (uint32_t i = 0; i < p.n_groups; i++) {
        assert_int_equal(sched_group(n->arena, config, p.groups[i], &program, &n->diag), SY_OK);
    }
    assert_int_equal(sched_finish(n->arena, &program), SY_OK);
    const char *entries[2] = {NULL, "segment_0"};
    cc_plan plan;
    assert_int_equal(cc_place_plan(n->arena, copy, config, &p, entries, &plan), SY_OK);
    command_model m;
    model_create(&m, config);
    memset(m.dram, 0x5A, (size_t)m.dram_bytes);
    for (uint32_t i = 0; i < p.n_groups; i++) {
        const cc_blob *blobs[2];
        const uint32_t n_blobs = cc_group_blobs(p.groups[i], blobs);
        for (uint32_t k = 0; k < n_blobs; k++) {
            memcpy(m.dram + blobs[k]->address, blobs[k]->bytes, (size_t)blobs[k]->n_bytes);
        }
    }
    assert_int_equal(plan.n_steps, 1);
    for (uint32_t i = 0; i < plan.steps[0].n_inputs; i++) {
        const cc_plan_tensor *t = &plan.tensors[plan.steps[0].inputs[i]];
        for (uint32_t k = 0; k < n->g->n_inputs; k++) {
            if (strcmp(n->g->inputs[k]->name, t->value) == 0) {
                to_device(&m, t, inputs[k]);
            }
        }
    }
    if (!model_run(&m, &program)) {
        fail_msg("D = %u: %s", config->d, m.error);
    }
    const cc_plan_tensor *out = &plan.tensors[plan.steps[0].outputs[0]];
    const int64_t difference = first_difference(&m, out, want.data);
    if (difference >= 0) {
        fail_msg("D = %u, draw %llu: element %lld of the output differs", config->d, (unsigned long long)counter, (long long)difference);
    }
    model_destroy(&m);
    return true;
}

static isa_config small_machine(uint32_t d, uint32_t banks, uint32_t bank_rows, uint32_t acc_bank_rows) {
    isa_config c;
    isa_config_default(&c);
    c.d = d;
    c.spm_banks = banks;
    c.spm_bank_bytes = bank_rows * d;
    c.acc_bank_bytes = acc_bank_rows * 4 * d;
    c.dram_mib = 4;
    return c;
}

static isa_config pick_machine(void) {
    switch (pick(0, 4)) {
    case 0:
        return small_machine(4, 8, 256, 64);
    case 1:
        return small_machine(4, 16, 64, 16);
    case 2:
        return small_machine(8, 8, 256, 32);
    case 3:
        return small_machine(16, 16, 1024, 256);
    default:
        return small_machine(32, 8, 512, 64);
    }
}

/* ---------------------------------------------------------------- tests */

static ir_value *random_conv(net *n, ir_value *x, int64_t images_channels, bool keep_shape) {
    const int64_t kh = keep_shape ? 3 : pick(1, 5), kw = keep_shape ? 3 : pick(1, 5);
    const int64_t groups = !keep_shape && images_channels % 2 == 0 && pick(0, 3) == 0 ? (pick(0, 1) ? images_channels : 2) : 1;
    const int64_t out = keep_shape ? images_channels : groups * pick(1, groups > 4 ? 2 : 12);
    const int64_t w_dims[4] = {out, images_channels / groups, kh, kw};
    ir_value *const in[3] = {x, constant(n, SY_DT_I8, 4, w_dims), constant(n, SY_DT_I32, 1, &out)};
    ir_value *y;
    ir_node *k = node(n, IR_OP_QCONV, pick(0, 3) > 0 ? 3 : 2, in, &y);
    const int64_t dilation = keep_shape || kh * kw > 9 ? 1 : pick(1, 2);
    const int64_t pads[4] = {keep_shape ? 1 : pick(0, kh - 1), keep_shape ? 1 : pick(0, kw - 1), keep_shape ? 1 : pick(0, kh), keep_shape ? 1 : pick(0, kw)};
    const int64_t strides[2] = {keep_shape ? 1 : pick(1, 3), keep_shape ? 1 : pick(1, 3)};
    assert_int_equal(ir_node_set_ints(k, "pads", 4, pads), SY_OK);
    assert_int_equal(ir_node_set_ints(k, "strides", 2, strides), SY_OK);
    assert_int_equal(ir_node_set_ints(k, "dilations", 2, (const int64_t[2]){dilation, dilation}), SY_OK);
    assert_int_equal(ir_node_set_int(k, "group", groups), SY_OK);
    set_scales(k, (const char *const[]){"x", "y", NULL});
    float *scales = base_arena_alloc(n->arena, (size_t)out, sizeof(float));
    for (int64_t i = 0; i < out; i++) {
        scales[i] = (float)pick(1, 500) / 300000.0F;
    }
    assert_int_equal(ir_node_set_floats(k, "w_scale", pick(0, 1) ? 1 : (uint32_t)out, scales), SY_OK);
    return y;
}

static void convolutions(void **state) {
    (void)state;
    int done = 0;
    for (int trial = 0; trial < 150; trial++) {
        const isa_config config = pick_machine();
        net n = new_net();
        const int64_t dims[4] = {pick(0, 3) == 0 ? 3 : 1, pick(1, pick(0, 4) == 0 ? 70 : 20), pick(9, 20), pick(9, 20)};
        ir_value *y = random_conv(&n, input(&n, 4, dims), dims[1], false);
        assert_int_equal(ir_graph_add_output(n.g, y, "out"), SY_OK);
        done += check_net(&n, &config) ? 1 : 0;
        ir_module_destroy(n.m);
        base_arena_destroy(n.arena);
    }
    assert_true(done > 130);
}

static void residuals(void **state) {
    (void)state;
    for (int trial = 0; trial < 20; trial++) {
        const isa_config config = pick_machine();
        net n = new_net();
        const int64_t dims[4] = {pick(1, 2), pick(1, 20), pick(5, 12), pick(5, 12)};
        ir_value *x = input(&n, 4, dims);
        ir_value *y = random_conv(&n, random_conv(&n, x, dims[1], true), dims[1], true);
        ir_value *sum;
        const bool swap = pick(0, 1) == 1;
        ir_node *k = node(&n, IR_OP_QADD, 2, swap ? (ir_value *const[]){x, y} : (ir_value *const[]){y, x}, &sum);
        set_scales(k, (const char *const[]){"a", "b", "y", NULL});
        if (trial % 4 != 0) { /* as in real networks; else the two stay apart */
            assert_int_equal(ir_node_set_int(k, swap ? "b_zero" : "a_zero", ir_node_int(y->producer, "y_zero", 0)), SY_OK);
        }
        assert_int_equal(ir_graph_add_output(n.g, sum, "out"), SY_OK);
        if (!check_net(&n, &config)) {
            fail_msg("refused: %s", base_diag_message(&n.diag));
        }
        ir_module_destroy(n.m);
        base_arena_destroy(n.arena);
    }
}

static void pools(void **state) {
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
            const int64_t pads[4] = {pick(0, kernel[0] - 1), pick(0, kernel[1] - 1), pick(0, kernel[0] - 1), pick(0, kernel[1] - 1)};
            assert_int_equal(ir_node_set_ints(k, "kernel_shape", 2, kernel), SY_OK);
            assert_int_equal(ir_node_set_ints(k, "pads", 4, pads), SY_OK);
            assert_int_equal(ir_node_set_ints(k, "strides", 2, (const int64_t[2]){pick(1, 3), pick(1, 3)}), SY_OK);
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

static void products(void **state) {
    (void)state;
    for (int trial = 0; trial < 40; trial++) {
        const isa_config config = pick_machine();
        net n = new_net();
        const int64_t images = pick(1, 3), least = images > 1 ? 2 : 1; /* a 3 x 3 window over several images of one pixel is refused */
        const int64_t dims[4] = {images, pick(1, 40), pick(least, 5), pick(least, 5)};
        const int64_t flat[2] = {dims[0], dims[1] * dims[2] * dims[3]};
        ir_value *x = input(&n, 4, dims);
        const bool pooled = pick(0, 1) == 1; /* a device tensor, so that the view stays on the device */
        ir_value *y = random_conv(&n, x, dims[1], true);
        if (pooled) {
            ir_value *p;
            set_scales(node(&n, IR_OP_QREQUANTIZE, 1, &y, &p), (const char *const[]){"x", "y", NULL});
            y = p;
        }
        ir_value *f;
        node(&n, IR_OP_FLATTEN, 1, &y, &f);
        const int64_t out = pick(1, 40);
        ir_value *const in[3] = {f, constant(&n, SY_DT_I8, 2, (const int64_t[2]){flat[1], out}), constant(&n, SY_DT_I32, 1, &out)};
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

static void two_activations(void **state) {
    (void)state;
    for (int trial = 0; trial < 30; trial++) {
        const isa_config config = pick_machine();
        net n = new_net();
        const int64_t batch = pick(1, 3), m = pick(1, 30), k = config.d * pick(1, 3), c = pick(1, 40);
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

static void elementwise(void **state) {
    (void)state;
    static const uint32_t codes[4] = {IR_OP_QADD, IR_OP_QSUB, IR_OP_QMUL, IR_OP_QREQUANTIZE};
    for (int trial = 0; trial < 40; trial++) {
        const isa_config config = pick_machine();
        net n = new_net();
        const int64_t dims[4] = {pick(1, 2), pick(1, 40), pick(1, 14), pick(1, 14)};
        const uint32_t code = codes[pick(0, 3)];
        ir_value *const in[2] = {input(&n, 4, dims), code != IR_OP_QREQUANTIZE ? input(&n, 4, dims) : NULL};
        ir_value *y;
        ir_node *k = node(&n, code, in[1] != NULL ? 2 : 1, in, &y);
        set_scales(k, in[1] != NULL ? (const char *const[]){"a", "b", "y", NULL} : (const char *const[]){"x", "y", NULL, NULL});
        assert_int_equal(ir_graph_add_output(n.g, y, "out"), SY_OK);
        if (!check_net(&n, &config)) {
            fail_msg("refused: %s", base_diag_message(&n.diag));
        }
        ir_module_destroy(n.m);
        base_arena_destroy(n.arena);
    }
}

/* Second operands that are broadcast: constants of any such shape, tensors that have all channels. */
static void broadcast(void **state) {
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
        ir_value *b = is_constant ? constant(&n, SY_DT_I8, rank - skip, other + skip) : input(&n, rank, other);
        const bool swap = pick(0, 1) == 1;
        ir_value *const in[2] = {swap ? b : x, swap ? x : b};
        ir_value *y;
        set_scales(node(&n, codes[pick(0, 2)], 2, in, &y), (const char *const[]){"a", "b", "y", NULL});
        assert_int_equal(ir_graph_add_output(n.g, y, "out"), SY_OK);
        done += check_net(&n, &config) ? 1 : 0;
        ir_module_destroy(n.m);
        base_arena_destroy(n.arena);
    }
    assert_true(done > 60);
}

static void moves(void **state) {
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
            assert_int_equal(ir_const_inline(n.m, SY_DT_I8, 0, NULL, &fill, 1, &n.diag, &fc), SY_OK);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elementwise), cmocka_unit_test(broadcast), cmocka_unit_test(moves),    cmocka_unit_test(pools),          cmocka_unit_test(convolutions),
        cmocka_unit_test(residuals),   cmocka_unit_test(products), cmocka_unit_test(two_activations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
