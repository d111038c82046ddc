/*
 * onnx_import.c -- the ONNX importer's entry: file or bytes in, a verified module out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "onnx_internal.h"

#include "systole/base/file.h"
#include "systole/graph/verify.h"

#include <stdio.h>
#include <string.h>

#define MAX_META 256 /* of the model's own metadata */

static const char *text_or_empty(const char *text)
{
    return text != NULL ? text : "";
}

/* ---------------------------------------------------------------- the model's header */

static sy_status set_meta_number(ir_module *m, const char *key, int64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)value);
    return ir_module_set_meta(m, key, text);
}

static sy_status read_domains(onnx_import *in)
{
    const Onnx__ModelProto *p = in->model;
    if (p->n_opset_import == 0 && p->has_ir_version && p->ir_version >= 3) {
        return base_fail(in->diag, SY_EFORMAT, "%s: the model names no operator set (opset_import)",
                         in->file);
    }
    for (size_t i = 0; i < p->n_opset_import; i++) {
        const Onnx__OperatorSetIdProto *o = p->opset_import[i];
        const char *name = strcmp(text_or_empty(o->domain), "ai.onnx") == 0
                               ? ""
                               : text_or_empty(o->domain);
        const onnx_domain d = {ir_intern(in->m, name), o->has_version ? o->version : 1};
        if (d.name == NULL || !base_vec_push(in->scratch, &in->domains, d)) {
            return SY_ENOMEM;
        }
        if (name[0] == '\0' && (d.version < 1 || d.version > ONNX_MAX_OPSET)) {
            return base_fail(in->diag, SY_EUNSUPPORTED,
                             "%s: the model uses ONNX operator set %lld; 1 to %d are supported: "
                             "export it for one of them",
                             in->file, (long long)d.version, ONNX_MAX_OPSET);
        }
        if (i < MAX_META) {
            const char *key = base_arena_printf(in->scratch,
                                                name[0] == '\0' ? "opset%s" : "opset.%s", name);
            SY_TRY(key == NULL ? SY_ENOMEM : set_meta_number(in->m, key, d.version));
        }
    }
    return SY_OK;
}

static sy_status read_header(onnx_import *in)
{
    const Onnx__ModelProto *p = in->model;
    if (p->graph == NULL) {
        return base_fail(in->diag, SY_EFORMAT, "%s: not an ONNX model: it has no graph", in->file);
    }
    SY_TRY(ir_module_set_meta(in->m, "source", in->file));
    SY_TRY(set_meta_number(in->m, "ir_version", p->has_ir_version ? p->ir_version : 0));
    SY_TRY(read_domains(in));
    const struct {
        const char *key, *value;
    } texts[] = {
        {"producer", p->producer_name},
        {"producer_version", p->producer_version},
        {"domain", p->domain},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i].value != NULL && texts[i].value[0] != '\0') {
            SY_TRY(ir_module_set_meta(in->m, texts[i].key, texts[i].value));
        }
    }
    for (size_t i = 0; i < p->n_metadata_props && i < MAX_META; i++) {
        const char *key = base_arena_printf(in->scratch, "model.%s",
                                            text_or_empty(p->metadata_props[i]->key));
        SY_TRY(key == NULL
                   ? SY_ENOMEM
                   : ir_module_set_meta(in->m, key, text_or_empty(p->metadata_props[i]->value)));
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- names */

/*
 * Interns all names that the model gives to values, so that names made up on the way
 * (ir_name_unique) never take one that the model uses further down.
 */
static sy_status reserve_names(onnx_import *in, size_t n_nodes, Onnx__NodeProto *const *nodes)
{
    for (size_t i = 0; i < n_nodes; i++) {
        for (size_t k = 0; k < nodes[i]->n_output; k++) {
            if (ir_intern(in->m, nodes[i]->output[k]) == NULL) {
                return SY_ENOMEM;
            }
        }
        for (size_t k = 0; k < nodes[i]->n_attribute; k++) { /* the wire pass bounds the depth */
            const Onnx__GraphProto *g = nodes[i]->attribute[k]->g;
            if (g == NULL) {
                continue;
            }
            for (size_t j = 0; j < g->n_input; j++) {
                if (g->input[j]->name != NULL && ir_intern(in->m, g->input[j]->name) == NULL) {
                    return SY_ENOMEM;
                }
            }
            SY_TRY(reserve_names(in, g->n_node, g->node));
        }
    }
    return SY_OK;
}

static sy_status reserve_all_names(onnx_import *in)
{
    const Onnx__GraphProto *g = in->model->graph;
    for (size_t i = 0; i < g->n_input; i++) {
        if (g->input[i]->name != NULL && ir_intern(in->m, g->input[i]->name) == NULL) {
            return SY_ENOMEM;
        }
    }
    for (size_t i = 0; i < in->model->n_functions; i++) {
        SY_TRY(reserve_names(in, in->model->functions[i]->n_node, in->model->functions[i]->node));
    }
    return reserve_names(in, g->n_node, g->node);
}

/* ---------------------------------------------------------------- the whole */

static sy_status check_sizes(onnx_import *in, const ir_graph *g)
{
    for (const ir_node *node = g->first; node != NULL; node = node->next) {
        for (uint32_t i = 0; i < node->n_outputs; i++) {
            int64_t dims[IR_MAX_RANK], count = 1;
            const ir_value *v = node->outputs[i];
            if (v == NULL || !ir_type_static_dims(&v->type, dims)) {
                continue;
            }
            for (int32_t k = 0; k < v->type.rank; k++) {
                if (dims[k] > ONNX_MAX_ELEMENTS / count) {
                    return base_fail(
                        in->diag, SY_ERANGE,
                        "%s: '%s' (result of a %s) has more than 2^40 elements: refused", in->file,
                        v->name, node->op_name);
                }
                count *= dims[k] > 0 ? dims[k] : 1;
            }
        }
        for (uint32_t i = 0; i < node->n_attrs; i++) {
            if (node->attrs[i].kind == IR_ATTR_GRAPH) {
                SY_TRY(check_sizes(in, node->attrs[i].u.graph));
            }
        }
    }
    return SY_OK;
}

/* The status of a step on the finished module, its message with the file in front. */
static sy_status named(const onnx_import *in, sy_status status)
{
    return status == SY_OK || status == SY_ENOMEM
               ? status
               : base_fail(in->diag, status, "%s: %s", in->file, base_diag_message(in->diag));
}

static sy_status import_model(onnx_import *in)
{
    ir_graph *g = NULL;
    Onnx__ModelProto *model = NULL;
    SY_TRY(ir_onnx_unpack(in->scratch, in->file, in->data, in->n_bytes, in->diag, &model));
    in->model = model;
    SY_TRY(ir_onnx_names_init(&in->names, in->scratch));
    SY_TRY(ir_onnx_names_init(&in->infos, in->scratch));
    SY_TRY(ir_onnx_names_init(&in->functions, in->scratch));
    SY_TRY(read_header(in));
    SY_TRY(reserve_all_names(in));
    SY_TRY(ir_onnx_shapes_prepare(in));
    const char *name = text_or_empty(in->model->graph->name);
    SY_TRY(named(in, ir_module_add_function(in->m, name[0] != '\0' ? name : "main", in->diag, &g)));
    SY_TRY(ir_onnx_graph(in, in->model->graph, g, true));
    SY_TRY(ir_onnx_shapes_check(in));
    if (g->n_outputs == 0) {
        return base_fail(in->diag, SY_EFORMAT, "%s: the graph has no outputs", in->file);
    }
    SY_TRY(named(in, ir_infer_module(in->m, in->diag)));
    for (uint32_t i = 0; i < in->m->n_graphs; i++) {
        SY_TRY(check_sizes(in, in->m->graphs[i]));
    }
    if (in->options == NULL || !in->options->keep_float_clusters) {
        SY_TRY(named(in, ir_recognise_quantised(in->m, in->diag)));
    }
    return named(in, ir_verify(in->m, in->diag));
}

static sy_status import_with(base_arena *arena, ir_optable *table, onnx_import *in,
                             const char *file, ir_module **out)
{
    ir_module *m = NULL;
    base_diag dropped = {{0}};
    in->diag = in->diag != NULL ? in->diag : &dropped;
    in->scratch = base_arena_create();
    sy_status status = in->scratch != NULL ? ir_module_create(arena, table, file, &m) : SY_ENOMEM;
    if (status == SY_OK) {
        in->m = m;
        in->file = ir_intern(m, file);
        in->path = in->path != NULL ? in->file : NULL;
        status = in->file != NULL ? import_model(in) : SY_ENOMEM;
    }
    base_arena_destroy(in->scratch);
    if (status != SY_OK) {
        ir_module_destroy(m);
        return status == SY_ENOMEM && base_diag_message(in->diag)[0] == '\0'
                   ? base_fail(in->diag, status, "%s: out of memory", file)
                   : status;
    }
    *out = m;
    return SY_OK;
}

sy_status ir_import_onnx_bytes(base_arena *arena, ir_optable *table, const char *name,
                               const void *data, size_t n_bytes, const ir_import_options *options,
                               base_diag *diag, ir_module **out)
{
    onnx_import in = {.diag = diag, .options = options, .data = data, .n_bytes = n_bytes};
    return import_with(arena, table, &in, name, out);
}

sy_status ir_import_onnx(base_arena *arena, ir_optable *table, const char *path,
                         const ir_import_options *options, base_diag *diag, ir_module **out)
{
    base_map map = {0};
    SY_TRY(base_file_map(diag, path, &map));
    if (map.n_bytes > INT32_MAX) {
        const size_t n_bytes = map.n_bytes;
        base_file_unmap(&map);
        return base_fail(diag, SY_ERANGE,
                         "%s: %zu bytes: an ONNX file ends at 2 GiB, which is all that protobuf can hold; save the weights as external data",
                         path, n_bytes);
    }
    onnx_import in = {
        .diag = diag, .options = options, .path = path, .data = map.data, .n_bytes = map.n_bytes};
    const sy_status status = import_with(arena, table, &in, path, out);
    base_file_unmap(&map);
    return status;
}

/* ---------------------------------------------------------------- notes */

static void note_key(uint32_t number, char key[24])
{
    snprintf(key, 24, "note.%u", number);
}

const char *ir_import_note(const ir_module *m, uint32_t number)
{
    char key[24];
    note_key(number, key);
    return ir_module_meta(m, key);
}

sy_status ir_import_add_note(ir_module *m, uint32_t number, const char *reason)
{
    char key[24];
    note_key(number, key);
    if (m->n_meta >= IR_IMPORT_MAX_NOTES || ir_module_meta(m, key) != NULL) {
        return SY_OK;
    }
    return ir_module_set_meta(m, key, reason);
}
