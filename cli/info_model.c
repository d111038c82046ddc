/*
 * info_model.c -- systole info FILE.onnx.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <string.h>

#include "info.h"
#include "systole/rt/model.h"
#include "systole/rt/tensors.h"

static cli_table *io_table(base_arena *arena, const rt_model *model)
{
    static const cli_column columns[] = {{"what", "", CLI_LEFT},
                                         {"name", "name", CLI_LEFT},
                                         {"dtype", "type", CLI_LEFT},
                                         {"dims", "shape", CLI_LEFT}};
    cli_table *table = cli_table_create(arena, columns, 4);
    const uint32_t n_inputs = rt_model_n_inputs(model);
    for (uint32_t i = 0; i < n_inputs + rt_model_n_outputs(model); i++) {
        const rt_model_io io = i < n_inputs ? rt_model_input(model, i)
                                            : rt_model_output(model, i - n_inputs);
        base_buf dims = {0};
        rt_dims_print(io.rank, io.dims, &dims);
        cli_table_cell(table, "%s", i < n_inputs ? "input" : "output");
        cli_table_cell(table, "%s", io.name);
        cli_table_cell(table, "%s", sy_dtype_name(io.dtype));
        cli_table_cell(table, "%s", dims.data != NULL ? dims.data : "");
        base_buf_free(&dims);
    }
    return table;
}

/* Operators after import, with how often each is there: rows of the table are in order of first
 * use. */
static cli_table *operators_table(base_arena *arena, const ir_module *module)
{
    static const cli_column columns[] = {{"domain", "domain", CLI_LEFT},
                                         {"operator", "operator", CLI_LEFT},
                                         {"count", "count", CLI_RIGHT},
                                         {"known", "", CLI_LEFT}};
    cli_table *table = cli_table_create(arena, columns, 4);
    for (const ir_node *node = module->main->first; node != NULL; node = node->next) {
        uint64_t n = 0;
        bool first = true;
        for (const ir_node *other = module->main->first; other != NULL; other = other->next) {
            /* Names are interned: equal text is the same pointer. */
            if (other->op_name == node->op_name && other->domain == node->domain) {
                first = first && (n > 0 || other == node);
                n++;
            }
        }
        if (first) {
            cli_table_cell(table, "%s", node->domain[0] != '\0' ? node->domain : "ai.onnx");
            cli_table_cell(table, "%s", node->op_name);
            cli_table_cell(table, "%" PRIu64, n);
            cli_table_cell(table, "%s", node->op != NULL ? "" : "nobody knows it");
        }
    }
    return table;
}

sy_status info_model(base_arena *arena, const char *path, bool json, base_diag *diag)
{
    rt_model *model = NULL;
    uint64_t n_parameters = 0;
    uint64_t n_bytes = 0;
    SY_TRY(rt_model_load(path, NULL, &model, diag));
    const ir_module *module = model->module;
    for (uint32_t i = 0; i < module->n_consts; i++) {
        ir_tensor shape;
        const ir_const *constant = module->consts[i];
        if (ir_tensor_init(&shape, constant->dtype, constant->rank, constant->dims, NULL) ==
            SY_OK) {
            n_parameters += (uint64_t)ir_tensor_n_elements(&shape);
            n_bytes += constant->size_bytes;
        }
    }
    cli_table *io = io_table(arena, model);
    cli_table *operators = operators_table(arena, module);
    if (json) {
        base_buf text = {0};
        base_json document = base_json_to(&text);
        base_json_object_begin(&document);
        base_json_key_string(&document, "kind", "model");
        base_json_key_string(&document, "name", module->name);
        base_json_key_u64(&document, "nodes", module->main->n_nodes);
        base_json_key_u64(&document, "constants", n_parameters);
        base_json_key_u64(&document, "constant_bytes", n_bytes);
        base_json_key(&document, "values");
        cli_table_json(io, &document);
        base_json_key(&document, "operators");
        cli_table_json(operators, &document);
        base_json_object_end(&document);
        cli_print_buf(&text);
        base_buf_free(&text);
    } else {
        printf("model '%s': %" PRIu32 " operators, %" PRIu64 " constants in %" PRIu64 " bytes\n",
               module->name, module->main->n_nodes, n_parameters, n_bytes);
        for (uint32_t i = 0; i < module->n_meta; i++) {
            /* Notes of the importer are the report's; a file's own texts may be long. */
            if (strlen(module->meta[i].value) < 80 && strchr(module->meta[i].value, '\n') == NULL) {
                printf("  %s: %s\n", module->meta[i].key, module->meta[i].value);
            }
        }
        printf("\n");
        cli_table_print(io, stdout);
        printf("\n");
        cli_table_print(operators, stdout);
    }
    rt_model_free(model);
    return SY_OK;
}
