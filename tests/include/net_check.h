/*
 * net_check.h -- small networks made by hand, compiled up to commands, run by the command model,
 * compared with the reference kernels.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_TESTS_NET_CHECK_H
#define SYSTOLE_TESTS_NET_CHECK_H

#include "test.h"

#include "command_model.h"
#include "emit.h"
#include "place.h"
#include "schedule.h"
#include "systole/base/rng.h"
#include "systole/compiler/passes.h"
#include "systole/graph/infer.h"
#include "systole/graph/optable.h"

static uint64_t counter;

static inline int64_t pick(int64_t lo, int64_t hi)
{
    return lo + (int64_t)(base_rng_u64(20261120, 7, counter++) % (uint64_t)(hi - lo + 1));
}

typedef struct net {
    base_arena *arena;
    ir_optable *table;
    ir_module *m;
    ir_graph *g;
    base_diag diag;
} net;

static inline net new_net(void)
{
    net n = {.arena = base_arena_create()};
    assert_int_equal(ir_optable_create(n.arena, &n.table), SY_OK);
    assert_int_equal(ir_module_create(n.arena, n.table, "test", &n.m), SY_OK);
    assert_int_equal(ir_module_add_function(n.m, "main", &n.diag, &n.g), SY_OK);
    return n;
}

static inline ir_value *input(net *n, int32_t rank, const int64_t *dims)
{
    ir_type type;
    ir_value *v;
    assert_int_equal(ir_type_tensor_i64(n->m, SY_DT_I8, rank, dims, &type), SY_OK);
    assert_int_equal(ir_graph_add_input(n->g, NULL, &type, &v), SY_OK);
    return v;
}

static inline ir_value *constant(net *n, sy_dtype dtype, int32_t rank, const int64_t *dims)
{
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

static inline ir_node *node(net *n, uint32_t code, uint32_t n_inputs, ir_value *const *inputs,
                            ir_value **result)
{
    ir_node *out;
    assert_int_equal(ir_node_create_op(n->g, NULL, code, n_inputs, inputs, &out, result), SY_OK);
    return out;
}

static inline void set_scales(ir_node *n, const char *const *names)
{
    for (int i = 0; names[i] != NULL; i++) {
        char key[32];
        snprintf(key, sizeof key, "%s_scale", names[i]);
        assert_int_equal(ir_node_set_float(n, key, (float)pick(1, 1000) / 7000.0F), SY_OK);
        snprintf(key, sizeof key, "%s_zero", names[i]);
        assert_int_equal(ir_node_set_int(n, key, pick(-128, 127)), SY_OK);
    }
    assert_int_equal(ir_node_set_int(n, "y_min", pick(0, 1) ? -128 : pick(-128, 0)), SY_OK);
}

static inline void fill_data(uint8_t *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        data[i] = (uint8_t)pick(0, 255);
    }
}

/* Host layout to device layout and back, by the plan's definition. */
static inline void to_device(command_model *m, const cc_plan_tensor *t, const uint8_t *data)
{
    for (int64_t i = 0; i < t->n * t->c * t->p; i++) {
        const int64_t n = i / (t->c * t->p), c = i / t->p % t->c, p = i % t->p;
        m->dram[(int64_t)t->address +
                (n * t->n_stride + c / t->lanes * t->block_stride + p) * t->lanes + c % t->lanes] =
            data[i];
    }
}

static inline int64_t first_difference(const command_model *m, const cc_plan_tensor *t,
                                       const uint8_t *want)
{
    for (int64_t i = 0; i < t->n * t->c * t->p; i++) {
        const int64_t n = i / (t->c * t->p), c = i / t->p % t->c, p = i % t->p;
        if (m->dram[(int64_t)t->address +
                    (n * t->n_stride + c / t->lanes * t->block_stride + p) * t->lanes +
                    c % t->lanes] != want[i]) {
            return i;
        }
    }
    return -1;
}

/* The reference's results of all nodes; slot of value v: v->mark. */
static inline ir_tensor *reference(net *n, uint8_t *const *inputs)
{
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
        assert_int_equal(
            ir_tensor_init(&t[i], SY_DT_I8, n->g->inputs[i]->type.rank, dims, inputs[i]), SY_OK);
    }
    for (uint32_t i = 0; i < n->g->n_consts; i++) {
        assert_int_equal(
            ir_const_tensor(n->m, n->g->consts[i]->constant, &n->diag, &t[n->g->consts[i]->mark]),
            SY_OK);
    }
    for (ir_node *k = n->g->first; k != NULL; k = k->next) {
        const ir_tensor *in[8];
        ir_tensor *out = &t[k->outputs[0]->mark];
        int64_t dims[IR_MAX_RANK];
        for (uint32_t i = 0; i < k->n_inputs; i++) {
            in[i] = ir_node_input(k, i) != NULL ? &t[ir_node_input(k, i)->mark] : NULL;
        }
        assert_true(ir_type_static_dims(&k->outputs[0]->type, dims));
        assert_int_equal(ir_tensor_init(out, SY_DT_I8, k->outputs[0]->type.rank, dims, NULL),
                         SY_OK);
        out->data = base_arena_alloc(n->arena, out->size_bytes + 1, 1);
        const ir_kernel_args args = {.node = k,
                                     .n_inputs = k->n_inputs,
                                     .inputs = in,
                                     .n_outputs = 1,
                                     .outputs = &out,
                                     .scratch = n->arena,
                                     .diag = &n->diag};
        assert_int_equal(k->op->reference(&args), SY_OK);
    }
    return t;
}

/* Every output of the step against the graph's output of that name. */
static inline void compare_outputs(const net *n, const command_model *m, const cc_plan *plan,
                                   const ir_tensor *values)
{
    const cc_plan_step *step = &plan->steps[plan->n_steps - 1];
    uint32_t compared = 0;
    for (uint32_t i = 0; i < step->n_outputs; i++) {
        const cc_plan_tensor *t = &plan->tensors[step->outputs[i]];
        for (uint32_t k = 0; k < n->g->n_outputs; k++) {
            const ir_value *v = n->g->outputs[k]->use.value;
            if (strcmp(v->name, t->value) != 0) {
                continue;
            }
            const int64_t difference = first_difference(m, t, values[v->mark].data);
            if (difference >= 0) {
                fail_msg("D = %lld, draw %llu: element %lld of '%s' differs", (long long)m->d,
                         (unsigned long long)counter, (long long)difference, t->value);
            }
            compared++;
        }
    }
    assert_true(compared >= step->n_outputs && compared > 0);
}

/*
 * Compiles n up to commands, runs them, compares the outputs. Returns false where placement refused
 * a node, or DRAM is too small (reason in n->diag).
 */
static inline bool check_net(net *n, const isa_config *config)
{
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
    const sy_status fits = cc_place_memory(n->arena, config, &p, &address, &n_bytes, &n->diag);
    if (fits == SY_ERANGE) {
        return false;
    }
    assert_int_equal(fits, SY_OK);
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
    compare_outputs(n, &m, &plan, values);
    model_destroy(&m);
    return true;
}

static inline isa_config small_machine(uint32_t d, uint32_t banks, uint32_t bank_rows,
                                       uint32_t acc_bank_rows)
{
    isa_config c;
    isa_config_default(&c);
    c.d = d;
    c.spm_banks = banks;
    c.spm_bank_bytes = bank_rows * d;
    c.acc_bank_bytes = acc_bank_rows * 4 * d;
    c.dram_mib = 4;
    return c;
}

static inline isa_config pick_machine(void)
{
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

#endif
