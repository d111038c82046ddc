/*
 * compile.c -- the compiler's driver: passes, placement, schedule, code, program.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/compiler/compile.h"

#include <string.h>

#include "place.h"
#include "schedule.h"
#include "systole/compiler/codegen.h"
#include "systole/compiler/passes.h"
#include "systole/graph/bf16.h"
#include "systole/graph/import.h"
#include "systole/graph/optable.h"
#include "systole/isa/isa.h"

typedef struct compilation {
    base_arena *arena;
    ir_module *module; /* the compiler's copy */
    const isa_config *config;
    base_diag *diag;
    placement placed;
    const char **entries; /* by level */
    cc_program *programs;
    size_t n_programs;
} compilation;

/* Conversions that every quantised model has at its edges: they are no fallback. */
static bool is_edge(const ir_node *n)
{
    return ir_node_is(n, IR_OP_QUANTIZELINEAR) || ir_node_is(n, IR_OP_DEQUANTIZELINEAR) ||
           ir_node_is(n, IR_OP_CAST);
}

/* What people call a node: its name, or that of its first result. */
static const char *label(const ir_node *n)
{
    const ir_value *y = n->n_outputs > 0 ? ir_node_output(n, 0) : NULL;
    return n->name[0] != '\0' || y == NULL ? n->name : y->name;
}

static sy_status check_fallback(const compilation *c)
{
    for (uint32_t i = 0; i < c->placed.n_items; i++) {
        const place_item *item = &c->placed.items[i];
        if (!item->device && !is_edge(item->node)) {
            return base_fail(c->diag, SY_EUNSUPPORTED, "'%s' (%s) would run on the cpu: %s",
                             label(item->node), item->node->op_name, item->reason);
        }
    }
    return SY_OK;
}

/* True for a product of floats that no quantiser has touched. */
static bool is_float_product(const compilation *c, const ir_node *n)
{
    const ir_value *x = ir_node_input(n, 0);
    return n->op->accel == IR_ACCEL_MATMUL && x != NULL && x->type.dtype == SY_DT_F32 &&
           ir_import_note(c->module, n->number) == NULL;
}

/* Nothing runs on the device: says why, from the first operator that would gain most. */
static sy_status nothing_to_do(const compilation *c)
{
    const place_item *main = NULL;
    for (uint32_t i = 0; i < c->placed.n_items; i++) {
        const place_item *item = &c->placed.items[i];
        const ir_op *op = item->node->op;
        if (op == NULL || op->accel == IR_ACCEL_NONE || op->accel == IR_ACCEL_VIEW) {
            continue;
        }
        if (is_float_product(c, item->node)) {
            return base_fail(
                c->diag, SY_EUNSUPPORTED,
                "'%s' (%s) computes in float and configuration '%s' is int8: quantise first",
                label(item->node), item->node->op_name, c->config->name);
        }
        const bool better = main != NULL && op->accel == IR_ACCEL_MATMUL &&
                            main->node->op->accel != IR_ACCEL_MATMUL;
        main = main == NULL || better ? item : main;
    }
    if (main != NULL) {
        return base_fail(c->diag, SY_EUNSUPPORTED,
                         "nothing in this model runs on the accelerator: '%s' (%s): %s",
                         label(main->node), main->node->op_name, main->reason);
    }
    return base_fail(c->diag, SY_EUNSUPPORTED, "nothing in this model runs on the accelerator: it has no product, pool or sum of %s tensors",
                     c->config->element == ISA_ELEMENT_BF16 ? "float" : "quantised");
}

static sy_status schedule_levels(compilation *c)
{
    c->entries = base_arena_alloc(c->arena, (size_t)c->placed.n_levels + 1, sizeof(char *));
    c->programs = base_arena_alloc(c->arena, (size_t)c->placed.n_levels + 1, sizeof(cc_program));
    if (c->entries == NULL || c->programs == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t i = 0; i < c->placed.n_groups; i++) {
        const int32_t level = c->placed.group_levels[i];
        if (c->entries[level] == NULL) {
            cc_program *p = &c->programs[c->n_programs];
            p->name = base_arena_printf(c->arena, "segment_%zu", c->n_programs);
            if (p->name == NULL) {
                return SY_ENOMEM;
            }
            c->entries[level] = p->name;
            c->n_programs++;
        }
        SY_TRY(sched_group(c->arena, c->config, c->placed.groups[i],
                           &c->programs[c->n_programs - 1], c->diag));
    }
    for (size_t i = 0; i < c->n_programs; i++) {
        SY_TRY(sched_finish(c->arena, &c->programs[i]));
    }
    return SY_OK;
}

/* All blobs in one block of DRAM. */
static sy_status constants_segment(compilation *c, uint64_t address, uint64_t n_bytes,
                                   isa_program *program)
{
    if (n_bytes == 0) {
        return SY_OK;
    }
    uint8_t *bytes = base_arena_alloc(c->arena, (size_t)n_bytes, 1);
    isa_segment *segment = base_arena_alloc(c->arena, 1, sizeof *segment);
    if (bytes == NULL || segment == NULL) {
        return base_fail(c->diag, SY_ENOMEM, "no memory for %llu bytes of constants",
                         (unsigned long long)n_bytes);
    }
    for (uint32_t i = 0; i < c->placed.n_groups; i++) {
        const cc_blob *blobs[2];
        const uint32_t n = cc_group_blobs(c->placed.groups[i], blobs);
        for (uint32_t k = 0; k < n; k++) {
            memcpy(bytes + (blobs[k]->address - address), blobs[k]->bytes,
                   (size_t)blobs[k]->n_bytes);
        }
    }
    *segment = (isa_segment){.address = (uint32_t)address,
                             .n_bytes = (uint32_t)n_bytes,
                             .n_data = (uint32_t)n_bytes,
                             .data = bytes};
    program->dram = segment;
    program->n_dram = 1;
    return SY_OK;
}

static sy_status add_sections(compilation *c, const cc_plan *plan, const void *model,
                              size_t model_bytes, bool strip, isa_program *program)
{
    base_buf text = {.data = NULL};
    sy_status status = cc_plan_encode(plan, &text);
    isa_section *sections = base_arena_alloc(c->arena, 2, sizeof *sections);
    char *copy = status == SY_OK ? base_arena_strndup(c->arena, text.data, text.n_bytes) : NULL;
    const size_t n = text.n_bytes;
    base_buf_free(&text);
    SY_TRY(status);
    if (sections == NULL || copy == NULL) {
        return SY_ENOMEM;
    }
    bool host = false;
    for (uint32_t i = 0; i < plan->n_steps; i++) {
        host = host || plan->steps[i].entry == NULL;
    }
    sections[0] = (isa_section){.name = CC_PLAN_SECTION, .data = copy, .n_bytes = n};
    sections[1] = (isa_section){.name = CC_MODEL_SECTION, .data = model, .n_bytes = model_bytes};
    program->sections = sections;
    program->n_sections = strip && !host ? 1 : 2;
    return SY_OK;
}

/*
 * Initializers listed as graph inputs (old exporters list all) are constants of the program: its
 * inputs are the others.
 */
static void bind_initializers(ir_graph *g)
{
    for (uint32_t i = 0; i < g->n_consts; i++) {
        g->consts[i]->feedable = false;
    }
}

sy_status cc_specialise(ir_module *module, const isa_config *config, base_diag *diag)
{
    if (config->element != ISA_ELEMENT_BF16) {
        return SY_OK;
    }
    bind_initializers(module->main); /* their bf16 forms are the program's: another one cannot be fed */
    SY_TRY(pass_fold_constants(module, diag));
    return ir_recognise_bf16(module, config->d, diag);
}

sy_status cc_compile(base_arena *arena, ir_module *module, const void *model, size_t model_bytes,
                     const isa_config *config, const cc_options *options, isa_program *program,
                     cc_plan *plan, base_diag *diag)
{
    static const cc_options defaults = {.no_fallback = false};
    const cc_options *o = options != NULL ? options : &defaults;
    compilation c = {.arena = arena, .config = config, .diag = diag};
    SY_TRY(sched_check_config(config, diag));
    SY_TRY(ir_module_clone(arena, module, &c.module));
    bind_initializers(c.module->main);
    SY_TRY(cc_specialise(c.module, config, diag));
    SY_TRY(pass_run(c.module, PASS_DEVICE, o->dump_after, o->dump, diag));
    SY_TRY(cc_place_graph(arena, c.module, config, &c.placed, diag));
    if (c.placed.n_groups == 0) {
        return nothing_to_do(&c);
    }
    if (o->no_fallback) {
        SY_TRY(check_fallback(&c));
    }
    uint64_t address, n_bytes;
    SY_TRY(cc_place_memory(arena, config, &c.placed, &address, &n_bytes, diag));
    SY_TRY(schedule_levels(&c));
    memset(program, 0, sizeof *program);
    SY_TRY(cc_codegen(arena, config, c.programs, c.n_programs, program, diag));
    program->isa_hash = isa_table_hash();
    program->has_config = true;
    program->config = *config;
    SY_TRY(constants_segment(&c, address, n_bytes, program));
    SY_TRY(cc_place_plan(arena, c.module, config, &c.placed, c.entries, plan));
    return add_sections(&c, plan, model, model_bytes, o->strip, program);
}
