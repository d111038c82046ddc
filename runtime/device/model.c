/*
 * model.c -- loads models and programs, compiles, saves; inputs and outputs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/rt/model.h"

#include <inttypes.h>
#include <string.h>

#include "session_internal.h"
#include "systole/base/assert.h"
#include "systole/base/file.h"

#define MODEL_LIMIT_BYTES \
    ((size_t)1 << 32) /* an ELF32 file cannot be longer, nor a protobuf message */

static sy_status out_of_memory(base_diag *diag)
{
    return base_fail(diag, SY_ENOMEM, "out of memory");
}

/* ---------------------------------------------------------------- loading */

static sy_status parse_shapes(rt_model *model, uint32_t n, const char *const *texts,
                              ir_import_shape **out, base_diag *diag)
{
    ir_import_shape *shapes = BASE_ARENA_ARRAY(model->arena, ir_import_shape, n);
    const char **copies = BASE_ARENA_ARRAY(model->arena, const char *, n);
    if (shapes == NULL || copies == NULL) {
        return out_of_memory(diag);
    }
    for (uint32_t i = 0; i < n; i++) {
        SY_TRY(ir_import_parse_shape(model->arena, texts[i], diag, &shapes[i]));
        copies[i] = base_arena_strdup(model->arena, texts[i]);
        if (copies[i] == NULL) {
            return out_of_memory(diag);
        }
    }
    model->shape_texts = copies;
    model->n_shape_texts = n;
    *out = shapes;
    return SY_OK;
}

static sy_status import_options(rt_model *model, uint32_t n, const char *const *texts,
                                ir_import_options *out, base_diag *diag)
{
    ir_import_shape *shapes = NULL;
    SY_TRY(parse_shapes(model, n, texts, &shapes, diag));
    *out = (ir_import_options){.shapes = shapes, .n_shapes = n};
    return SY_OK;
}

/* The lines of RT_SHAPES_SECTION. */
static sy_status split_lines(rt_model *model, const isa_section *section, const char *const **out,
                             uint32_t *n_out, base_diag *diag)
{
    char *text = base_arena_strndup(model->arena, section->data, section->n_bytes);
    const char **lines = BASE_ARENA_ARRAY(model->arena, const char *, section->n_bytes + 1);
    uint32_t n = 0;
    char *rest = NULL;
    if (text == NULL || lines == NULL) {
        return out_of_memory(diag);
    }
    for (char *line = strtok_r(text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        lines[n++] = line;
    }
    *out = lines;
    *n_out = n;
    return SY_OK;
}

/* The graph that a compiled model carries. */
static sy_status import_from_program(rt_model *model, base_diag *diag)
{
    const isa_section *section = isa_program_section(&model->program, CC_MODEL_SECTION);
    const isa_section *shapes = isa_program_section(&model->program, RT_SHAPES_SECTION);
    const char *const *texts = NULL;
    uint32_t n_texts = 0;
    ir_import_options options;
    if (section == NULL) {
        return SY_OK;
    }
    if (shapes != NULL) {
        SY_TRY(split_lines(model, shapes, &texts, &n_texts, diag));
    }
    SY_TRY(import_options(model, n_texts, texts, &options, diag));
    SY_TRY(ir_import_onnx_bytes(model->arena, model->table, model->path, section->data,
                                section->n_bytes, &options, diag, &model->module));
    return cc_specialise(model->module, &model->program.config, diag);
}

static sy_status load_program(rt_model *model, base_diag *diag)
{
    SY_TRY(isa_program_load(model->arena, model->path, &model->program, diag));
    model->has_program = true;
    const isa_section *section = isa_program_section(&model->program, CC_PLAN_SECTION);
    if (section == NULL) {
        return SY_OK;
    }
    sy_status status = cc_plan_decode(model->arena, section->data, section->n_bytes, &model->plan,
                                      diag);
    if (status == SY_OK && !model->program.has_config) {
        status = base_fail(diag, SY_EFORMAT, "it has a plan, but no configuration");
    }
    if (status == SY_OK) {
        status = isa_program_check(&model->program, &model->program.config, diag);
    }
    if (status == SY_OK) {
        status = rt_plan_check(&model->plan, &model->program, &model->program.config, diag);
    }
    if (status != SY_OK) {
        return strncmp(base_diag_message(diag), model->path, strlen(model->path)) == 0
                   ? status
                   : base_fail(diag, status, "%s: %s", model->path, base_diag_message(diag));
    }
    model->has_plan = true;
    return import_from_program(model, diag);
}

static sy_status load(rt_model *model, const rt_model_options *options, base_diag *diag)
{
    base_map map;
    SY_TRY(base_file_map(diag, model->path, &map));
    const bool is_elf = map.n_bytes >= 4 && memcmp(map.data, "\177ELF", 4) == 0;
    base_file_unmap(&map);
    SY_TRY(ir_optable_create(model->arena, &model->table));
    if (is_elf) {
        if (options != NULL && options->n_shapes > 0) {
            return base_fail(diag, SY_EINVAL,
                             "%s: shapes are fixed when a model is compiled; give --shape there",
                             model->path);
        }
        return load_program(model, diag);
    }
    const size_t n = strlen(model->path);
    if (n > 4 && strcmp(model->path + n - 4, ".elf") == 0) { /* not to be called a bad ONNX model */
        return base_fail(diag, SY_EFORMAT, "%s: not an ELF file", model->path);
    }
    ir_import_options import;
    SY_TRY(import_options(model, options != NULL ? options->n_shapes : 0,
                          options != NULL ? options->shapes : NULL, &import, diag));
    return ir_import_onnx(model->arena, model->table, model->path, &import, diag, &model->module);
}

sy_status rt_model_load(const char *path, const rt_model_options *options, rt_model **out,
                        base_diag *diag)
{
    base_arena *arena = base_arena_create();
    rt_model *model = arena != NULL ? BASE_ARENA_NEW(arena, rt_model) : NULL;
    if (model == NULL) {
        base_arena_destroy(arena);
        return out_of_memory(diag);
    }
    model->arena = arena;
    model->path = base_arena_strdup(arena, path);
    if (model->path == NULL || pthread_mutex_init(&model->lock, NULL) != 0) {
        base_arena_destroy(arena);
        return out_of_memory(diag);
    }
    const sy_status status = load(model, options, diag);
    if (status != SY_OK) {
        rt_model_free(model);
        return status;
    }
    *out = model;
    return SY_OK;
}

void rt_model_free(rt_model *model)
{
    if (model == NULL) {
        return;
    }
    base_arena *arena = model->arena;
    ir_module_destroy(model->module);
    pthread_mutex_destroy(&model->lock);
    base_arena_destroy(arena);
}

/* ---------------------------------------------------------------- compiling */

/* The bytes of the model file, in the arena; none for a graph whose program is to be stripped. */
static sy_status read_model(rt_model *model, const void **bytes, size_t *n_bytes, base_diag *diag)
{
    base_buf file = {0};
    SY_TRY(base_file_read(diag, model->path, MODEL_LIMIT_BYTES, &file));
    *bytes = base_arena_memdup(model->arena, file.data, file.n_bytes, 1);
    *n_bytes = file.n_bytes;
    base_buf_free(&file);
    return *bytes != NULL ? SY_OK : out_of_memory(diag);
}

/* Adds the sections that a compiled model needs and the compiler has not made. */
static sy_status add_sections(rt_model *model, base_diag *diag)
{
    isa_program *program = &model->program;
    isa_section *sections = BASE_ARENA_ARRAY(model->arena, isa_section, program->n_sections + 2);
    size_t n = program->n_sections;
    base_buf plan = {0};
    base_buf shapes = {0};
    if (sections == NULL) {
        return out_of_memory(diag);
    }
    if (n > 0) {
        memcpy(sections, program->sections, n * sizeof *sections);
    }
    if (isa_program_section(program, CC_PLAN_SECTION) == NULL) {
        SY_TRY(cc_plan_encode(&model->plan, &plan));
        const void *copy = base_arena_memdup(model->arena, plan.data, plan.n_bytes, 1);
        sections[n++] = (isa_section){CC_PLAN_SECTION, copy, plan.n_bytes};
        base_buf_free(&plan);
    }
    if (model->n_shape_texts > 0) {
        for (uint32_t i = 0; i < model->n_shape_texts; i++) {
            base_buf_printf(&shapes, "%s\n", model->shape_texts[i]);
        }
        const void *copy = base_arena_memdup(model->arena, shapes.data, shapes.n_bytes, 1);
        sections[n++] = (isa_section){RT_SHAPES_SECTION, copy, shapes.n_bytes};
        base_buf_free(&shapes);
    }
    program->sections = sections;
    program->n_sections = n;
    return SY_OK;
}

sy_status rt_model_compile_locked(rt_model *model, const isa_config *config,
                                  const cc_options *options, base_diag *diag)
{
    const void *bytes = NULL;
    size_t n_bytes = 0;
    isa_program program = {0};
    cc_plan plan = {0};
    if (model->has_program) {
        return !model->has_plan ? SY_OK : isa_program_check(&model->program, config, diag);
    }
    SY_TRY(read_model(model, &bytes, &n_bytes, diag));
    SY_TRY(cc_specialise(model->module, config, diag));
    SY_TRY(cc_compile(model->arena, model->module, bytes, n_bytes, config, options, &program, &plan,
                      diag));
    if (!program.has_config) {
        program.config = *config;
        program.has_config = true;
    }
    SY_TRY(rt_plan_check(&plan, &program, config, diag));
    model->program = program;
    model->plan = plan;
    SY_TRY(add_sections(model, diag));
    model->has_program = true;
    model->has_plan = true;
    return SY_OK;
}

sy_status rt_model_compile(rt_model *model, const isa_config *config, const cc_options *options,
                           base_diag *diag)
{
    pthread_mutex_lock(&model->lock);
    const sy_status status = rt_model_compile_locked(model, config, options, diag);
    pthread_mutex_unlock(&model->lock);
    return status;
}

sy_status rt_model_save(const rt_model *model, const char *path, base_diag *diag)
{
    if (!model->has_program) {
        return base_fail(diag, SY_EINVAL, "%s is not compiled", model->path);
    }
    return isa_program_write(&model->program, path, diag);
}

/* ---------------------------------------------------------------- checking a plan */

static sy_status check_tensor(const cc_plan_tensor *tensor, const isa_config *config,
                              base_diag *diag)
{
    const int64_t d = tensor->lanes;
    const int64_t blocks = (tensor->c + d - 1) / d;
    const int64_t room = tensor->rows - (tensor->n - 1) * tensor->n_stride -
                         tensor->p; /* >= 0: cc_plan_decode */
    if (blocks > 1 && (tensor->block_stride < 1 || tensor->block_stride > room / (blocks - 1))) {
        return base_fail(diag, SY_EFORMAT,
                         "tensor '%s': %" PRId64 " channel blocks do not fit its %" PRId64 " rows",
                         tensor->value, blocks, tensor->rows);
    }
    const uint64_t n_bytes = isa_config_dram_bytes(config);
    if (tensor->address > n_bytes ||
        (uint64_t)tensor->rows > (n_bytes - tensor->address) / (uint64_t)(d * tensor->element_bytes)) {
        return base_fail(diag, SY_EFORMAT,
                         "tensor '%s': %" PRId64 " rows at 0x%" PRIx64 " do not lie in the %" PRIu64
                         " bytes of DRAM",
                         tensor->value, tensor->rows, tensor->address, n_bytes);
    }
    return SY_OK;
}

sy_status rt_plan_check(const cc_plan *plan, const isa_program *program, const isa_config *config,
                        base_diag *diag)
{
    for (uint32_t i = 0; i < plan->n_tensors; i++) {
        const cc_plan_tensor *tensor = &plan->tensors[i];
        if ((tensor->n - 1) * tensor->n_stride + tensor->p > tensor->rows) {
            return base_fail(diag, SY_EFORMAT,
                             "tensor '%s': its positions do not fit its %" PRId64 " rows",
                             tensor->value, tensor->rows);
        }
        SY_TRY(check_tensor(tensor, config, diag));
    }
    for (uint32_t i = 0; i < plan->n_steps; i++) {
        uint32_t pc;
        if (plan->steps[i].entry != NULL && !isa_program_find(program, plan->steps[i].entry, &pc)) {
            return base_fail(diag, SY_EFORMAT,
                             "step %" PRIu32 ": the program has no entry point '%s'", i,
                             plan->steps[i].entry);
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- inputs and outputs */

static rt_model_io io_of_value(const char *name, const ir_value *value)
{
    rt_model_io io = {.name = name, .dtype = value->type.dtype, .rank = -1, .kind = value->type.kind};
    for (const ir_type *t = &value->type; t->kind > IR_TYPE_TENSOR; t = t->elem) {
        io.dtype = t->elem->dtype;
    }
    if (value->type.kind == IR_TYPE_TENSOR && value->type.has_rank) {
        io.rank = value->type.rank;
        for (int32_t i = 0; i < io.rank; i++) {
            if (!ir_dim_is_const(value->type.dims[i], &io.dims[i])) {
                io.dims[i] = -1;
            }
        }
    }
    return io;
}

static rt_model_io io_of_tensor(const cc_plan_tensor *tensor)
{
    rt_model_io io = {
        .name = tensor->value, .dtype = rt_plan_dtype(tensor), .rank = tensor->rank, .kind = IR_TYPE_TENSOR};
    memcpy(io.dims, tensor->dims, (size_t)tensor->rank * sizeof io.dims[0]);
    return io;
}

/*
 * Of a plan without a graph (stripped: device steps alone): tensor number i among those that the
 * host must write (or, for outputs, reads); NULL beyond the last.
 */
static const cc_plan_tensor *plan_io(const cc_plan *plan, bool output, uint32_t i)
{
    for (uint32_t s = 0; s < plan->n_steps; s++) {
        const cc_plan_step *step = &plan->steps[s];
        const uint32_t n = output ? step->n_outputs : step->n_inputs;
        for (uint32_t t = 0; t < n; t++) {
            const uint32_t tensor = output ? step->outputs[t] : step->inputs[t];
            bool made = false; /* by an earlier device step */
            for (uint32_t before = 0; !output && before < s; before++) {
                for (uint32_t o = 0; o < plan->steps[before].n_outputs; o++) {
                    made = made || plan->steps[before].outputs[o] == tensor;
                }
            }
            if (!made && i-- == 0) {
                return &plan->tensors[tensor];
            }
        }
    }
    return NULL;
}

static uint32_t n_io(const rt_model *model, bool output)
{
    uint32_t n = 0;
    if (model->module != NULL) {
        return output ? model->module->main->n_outputs : model->module->main->n_inputs;
    }
    while (model->has_plan && plan_io(&model->plan, output, n) != NULL) {
        n++;
    }
    return n;
}

uint32_t rt_model_n_inputs(const rt_model *model)
{
    return n_io(model, false);
}

uint32_t rt_model_n_outputs(const rt_model *model)
{
    return n_io(model, true);
}

rt_model_io rt_model_input(const rt_model *model, uint32_t i)
{
    SY_ASSERT(i < rt_model_n_inputs(model));
    if (model->module != NULL) {
        const ir_value *value = model->module->main->inputs[i];
        return io_of_value(value->name, value);
    }
    return io_of_tensor(plan_io(&model->plan, false, i));
}

rt_model_io rt_model_output(const rt_model *model, uint32_t i)
{
    SY_ASSERT(i < rt_model_n_outputs(model));
    if (model->module != NULL) {
        const ir_output *output = model->module->main->outputs[i];
        return io_of_value(output->name, output->use.value);
    }
    return io_of_tensor(plan_io(&model->plan, true, i));
}

const cc_plan_layer *rt_model_layer(const rt_model *model, uint32_t tag)
{
    for (uint32_t i = 0; i < model->plan.n_layers; i++) {
        if (model->plan.layers[i].tag == tag) {
            return &model->plan.layers[i];
        }
    }
    return NULL;
}
