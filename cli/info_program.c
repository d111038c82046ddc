/*
 * info_program.c -- systole info FILE.elf.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <string.h>

#include "info.h"
#include "systole/compiler/plan.h"
#include "systole/isa/isa.h"
#include "systole/isa/program.h"

typedef struct use {
    const char *name;
    uint64_t used, capacity; /* bytes; capacity 0: not known */
} use;

static uint64_t dram_used(const isa_program *program)
{
    uint64_t end = 0;
    for (size_t i = 0; i < program->n_dram; i++) {
        const uint64_t last = (uint64_t)program->dram[i].address + program->dram[i].n_bytes;
        end = last > end ? last : end;
    }
    return end;
}

static const char *dims_text(base_arena *arena, const cc_plan_tensor *tensor)
{
    base_buf text = {0};
    for (int32_t i = 0; i < tensor->rank; i++) {
        base_buf_printf(&text, "%s%" PRId64, i > 0 ? "x" : "", tensor->dims[i]);
    }
    const char *copy = base_arena_strdup(arena, text.data != NULL ? text.data : "scalar");
    base_buf_free(&text);
    return copy;
}

static cli_table *sizes_table(base_arena *arena, const isa_program *program)
{
    static const cli_column columns[] = {{"memory", "memory", CLI_LEFT},
                                         {"used", "bytes used", CLI_RIGHT},
                                         {"capacity", "of", CLI_RIGHT},
                                         {"share", "share", CLI_RIGHT}};
    const bool known = program->has_config;
    const use uses[] = {
        {"IMEM", program->n_text_bytes, known ? program->config.imem_bytes : 0},
        {"DMEM", program->n_data_bytes, known ? program->config.dmem_bytes : 0},
        {"DRAM", dram_used(program), known ? isa_config_dram_bytes(&program->config) : 0},
    };
    cli_table *table = cli_table_create(arena, columns, 4);
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++) {
        cli_table_cell(table, "%s", uses[i].name);
        cli_table_cell(table, "%" PRIu64, uses[i].used);
        if (uses[i].capacity > 0) {
            cli_table_cell(table, "%" PRIu64, uses[i].capacity);
            cli_table_cell(table, "%.1f %%",
                           100.0 * (double)uses[i].used / (double)uses[i].capacity);
        } else {
            cli_table_cell(table, "%s", "");
            cli_table_cell(table, "%s", "");
        }
    }
    return table;
}

static cli_table *tensors_table(base_arena *arena, const cc_plan *plan)
{
    static const cli_column columns[] = {{"value", "tensor", CLI_LEFT},
                                         {"dims", "shape", CLI_LEFT},
                                         {"address", "DRAM address", CLI_RIGHT},
                                         {"rows", "rows", CLI_RIGHT},
                                         {"zero", "zero point", CLI_RIGHT}};
    cli_table *table = cli_table_create(arena, columns, 5);
    for (uint32_t i = 0; i < plan->n_tensors; i++) {
        const cc_plan_tensor *tensor = &plan->tensors[i];
        cli_table_cell(table, "%s", tensor->value);
        cli_table_cell(table, "%s", dims_text(arena, tensor));
        cli_table_cell(table, "%" PRIu64, tensor->address);
        cli_table_cell(table, "%" PRId64, tensor->rows);
        cli_table_cell(table, "%" PRId32, tensor->zero);
    }
    return table;
}

static void add_names(base_buf *text, const cc_plan *plan, uint32_t n, const uint32_t *tensors)
{
    for (uint32_t i = 0; i < n; i++) {
        base_buf_printf(text, "%s%s", i > 0 ? ", " : "", plan->tensors[tensors[i]].value);
    }
}

static cli_table *steps_table(base_arena *arena, const cc_plan *plan)
{
    static const cli_column columns[] = {{"step", "step", CLI_RIGHT},
                                         {"where", "where", CLI_LEFT},
                                         {"reads", "reads", CLI_LEFT},
                                         {"makes", "makes", CLI_LEFT}};
    cli_table *table = cli_table_create(arena, columns, 4);
    for (uint32_t i = 0; i < plan->n_steps; i++) {
        const cc_plan_step *step = &plan->steps[i];
        base_buf reads = {0};
        base_buf makes = {0};
        if (step->entry != NULL) {
            add_names(&reads, plan, step->n_inputs, step->inputs);
            add_names(&makes, plan, step->n_outputs, step->outputs);
        }
        for (uint32_t v = 0; v < step->n_values; v++) {
            base_buf_printf(&makes, "%s%s", v > 0 ? ", " : "", step->values[v]);
        }
        cli_table_cell(table, "%" PRIu32, i);
        cli_table_cell(table, "%s", step->entry != NULL ? step->entry : "host");
        cli_table_cell(table, "%s", reads.data != NULL ? reads.data : "");
        cli_table_cell(table, "%s", makes.data != NULL ? makes.data : "");
        base_buf_free(&reads);
        base_buf_free(&makes);
    }
    return table;
}

cli_table *cli_placement_table(base_arena *arena, const cc_plan *plan)
{
    static const cli_column columns[] = {{"node", "node", CLI_LEFT},
                                         {"op", "operator", CLI_LEFT},
                                         {"unit", "unit", CLI_LEFT},
                                         {"macs", "MACs", CLI_RIGHT},
                                         {"reason", "", CLI_LEFT}};
    cli_table *table = cli_table_create(arena, columns, 5);
    for (uint32_t i = 0; i < plan->n_placements; i++) {
        const cc_plan_placement *placement = &plan->placements[i];
        cli_table_cell(table, "%s", placement->node);
        cli_table_cell(table, "%s", placement->op);
        cli_table_cell(table, "%s", placement->unit);
        cli_table_cell(table, "%" PRIu64, placement->macs);
        cli_table_cell(table, "%s", placement->reason);
    }
    return table;
}

static void print_json(base_arena *arena, const isa_program *program, const cc_plan *plan)
{
    base_buf text = {0};
    char hash[17];
    base_json json = base_json_to(&text);
    base_json_object_begin(&json);
    base_json_key_string(&json, "kind", plan != NULL ? "compiled model" : "program");
    if (program->has_config) {
        base_json_key_string(&json, "config", program->config.name);
        snprintf(hash, sizeof hash, "%016" PRIx64, isa_config_hash(&program->config));
        base_json_key_string(&json, "config_hash", hash);
    }
    snprintf(hash, sizeof hash, "%016" PRIx64, program->isa_hash);
    base_json_key_string(&json, "isa_hash", hash);
    base_json_key_u64(&json, "entry", program->entry);
    base_json_key_u64(&json, "instructions", program->n_text_bytes / 4);
    base_json_key(&json, "sizes");
    cli_table_json(sizes_table(arena, program), &json);
    if (plan != NULL) {
        base_json_key_string(&json, "model", plan->model_name);
        base_json_key(&json, "tensors");
        cli_table_json(tensors_table(arena, plan), &json);
        base_json_key(&json, "steps");
        cli_table_json(steps_table(arena, plan), &json);
        base_json_key(&json, "placements");
        cli_table_json(cli_placement_table(arena, plan), &json);
    }
    base_json_object_end(&json);
    cli_print_buf(&text);
    base_buf_free(&text);
}

static void print_text(base_arena *arena, const isa_program *program, const cc_plan *plan)
{
    if (plan != NULL) {
        printf("compiled model '%s'", plan->model_name);
    } else {
        printf("program");
    }
    if (program->has_config) {
        printf(" for configuration %s (hash %016" PRIx64 ")\n", program->config.name,
               isa_config_hash(&program->config));
    } else {
        printf(" for any configuration\n");
    }
    printf("instruction tables %016" PRIx64 "%s\n", program->isa_hash,
           program->isa_hash == 0 ? " (not known)"
           : program->isa_hash == isa_table_hash()
               ? ""
               : ": not those of this systole, compile it again");
    printf("%" PRIu32 " instructions, entry 0x%" PRIx32 ", %zu DRAM segment%s, %zu symbol%s\n\n",
           program->n_text_bytes / 4, program->entry, program->n_dram,
           program->n_dram == 1 ? "" : "s", program->n_symbols, program->n_symbols == 1 ? "" : "s");
    cli_table_print(sizes_table(arena, program), stdout);
    if (plan != NULL) {
        printf("\ntensors that cross between host and machine:\n");
        cli_table_print(tensors_table(arena, plan), stdout);
        printf("\nsteps:\n");
        cli_table_print(steps_table(arena, plan), stdout);
        printf("\nplacement:\n");
        cli_table_print(cli_placement_table(arena, plan), stdout);
    }
}

sy_status info_program(base_arena *arena, const char *path, bool json, base_diag *diag)
{
    isa_program program = {0};
    cc_plan plan = {0};
    SY_TRY(isa_program_load(arena, path, &program, diag));
    const isa_section *section = isa_program_section(&program, CC_PLAN_SECTION);
    if (section != NULL) {
        const sy_status status = cc_plan_decode(arena, section->data, section->n_bytes, &plan,
                                                diag);
        if (status != SY_OK) {
            return base_fail(diag, status, "%s: %s", path, base_diag_message(diag));
        }
    }
    if (json) {
        print_json(arena, &program, section != NULL ? &plan : NULL);
    } else {
        print_text(arena, &program, section != NULL ? &plan : NULL);
    }
    return SY_OK;
}
