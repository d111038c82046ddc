/*
 * ref_ml_label.c -- LabelEncoder, CategoryMapper, and the operators on maps: CastMap, DictVectorizer, ZipMap.
 *
 * Keys are looked up as texts or as 64-bit integers: of floats, the bits of the number as a double, all NaNs the same.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_ml.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- tensors in attributes */

/* The attribute PREFIX_tensor, PREFIX_strings, PREFIX_int64s or PREFIX_floats as a tensor; dtype none: there is none. */
static sy_status list_attribute(const ir_kernel_args *args, const char *prefix, ir_tensor *out)
{
    char name[64];
    *out = (ir_tensor){ 0 };
    (void)snprintf(name, sizeof name, "%s_tensor", prefix);
    ir_const *c = ir_node_tensor(args->node, name);
    if (c != NULL) {
        return ir_const_tensor(args->node->graph->module, c, args->diag, out);
    }
    ir_ref_cells cells = { 0 };
    const int64_t *ints = NULL;
    const float *floats = NULL;
    ir_text *texts = NULL;
    uint32_t n = 0;
    (void)snprintf(name, sizeof name, "%s_int64s", prefix);
    int64_t n_all = ir_node_ints(args->node, name, &ints);
    if (n_all > 0) {
        return ir_tensor_init(out, SY_DT_I64, 1, &n_all, (void *)(uintptr_t)ints);
    }
    (void)snprintf(name, sizeof name, "%s_floats", prefix);
    n_all = ir_node_floats(args->node, name, &floats);
    if (n_all > 0) {
        return ir_tensor_init(out, SY_DT_F32, 1, &n_all, (void *)(uintptr_t)floats);
    }
    (void)snprintf(name, sizeof name, "%s_strings", prefix);
    SY_TRY(ir_ref_attr_texts(args, name, &n, &texts));
    n_all = n;
    cells = (ir_ref_cells){ SY_DT_STRING, sizeof *texts, (char *)texts };
    return n > 0 ? ir_ref_cells_tensor(args, &cells, 1, &n_all, out) : SY_OK;
}

/* Element i of a numeric tensor as a key. */
static int64_t number_key(const ir_tensor *t, int64_t i)
{
    if (!ir_ref_is_float(t->dtype)) {
        return ir_ref_get_int(t, i);
    }
    double v = ir_ref_get(t, i);
    int64_t key;
    v = isnan(v) ? (double)NAN : v == 0.0 ? 0.0 : v;
    memcpy(&key, &v, sizeof key);
    return isnan(v) ? INT64_MAX : key;
}

/* All elements as keys: one of the two arrays. */
static sy_status keys_of(const ir_kernel_args *args, const ir_tensor *t, int64_t **ints, ir_text **texts)
{
    *ints = NULL;
    *texts = NULL;
    if (t->dtype == SY_DT_STRING) {
        return ir_ref_texts(args, t, texts);
    }
    SY_TRY(ir_ref_need(args, t, ir_ref_is_float(t->dtype) || ir_ref_is_integer(t->dtype)));
    const int64_t n = ir_tensor_n_elements(t);
    *ints = BASE_ARENA_ARRAY(args->scratch, int64_t, (size_t)n);
    for (int64_t i = 0; *ints != NULL && i < n; i++) {
        (*ints)[i] = number_key(t, i);
    }
    return *ints != NULL ? SY_OK : SY_ENOMEM;
}

/* Result 0 gets the cells, which have its type. */
static sy_status store_cells(const ir_kernel_args *args, const ir_ref_cells *cells)
{
    ir_tensor *y = ir_kernel_output(args, 0), whole;
    SY_TRY(ir_ref_cells_tensor(args, cells, y->rank, y->dims, &whole));
    if (y->dtype == SY_DT_STRING) {
        SY_TRY(ir_kernel_room(args, 0, whole.size_bytes));
    }
    if (whole.size_bytes > 0) {
        memcpy(y->data, whole.data, whole.size_bytes);
    }
    return SY_OK;
}

/* y = values[place of x's element among keys], `otherwise` (one cell) if it is not there. */
static sy_status map_elements(const ir_kernel_args *args, const ir_tensor *keys, const ir_tensor *values,
                              const void *otherwise)
{
    const ir_tensor *x = args->inputs[0];
    int64_t *key_ints, *x_ints;
    ir_text *key_texts, *x_texts;
    ir_ref_index index;
    ir_ref_cells from, to;
    const int64_t n = ir_tensor_n_elements(x), n_keys = ir_tensor_n_elements(keys);
    if (ir_kernel_output(args, 0) == NULL) {
        return SY_OK;
    }
    if (keys->dtype != x->dtype || n_keys != ir_tensor_n_elements(values)) {
        return base_fail(args->diag, SY_EINVAL, "%" PRId64 " keys of %s and %" PRId64 " values for an operand of %s", n_keys,
                         sy_dtype_name(keys->dtype), ir_tensor_n_elements(values), sy_dtype_name(x->dtype));
    }
    SY_TRY(keys_of(args, keys, &key_ints, &key_texts));
    SY_TRY(keys_of(args, x, &x_ints, &x_texts));
    SY_TRY(ir_ref_index_make(args->scratch, n_keys, key_ints, key_texts, true, &index));
    SY_TRY(ir_ref_cells_read(args, values, &from));
    SY_TRY(ir_ref_cells_make(args, values->dtype, n, &to));
    for (int64_t i = 0; i < n; i++) {
        const int64_t at = x_texts != NULL ? ir_ref_index_text(&index, &x_texts[i]) : ir_ref_index_int(&index, x_ints[i]);
        memcpy(to.cells + (size_t)i * to.cell_bytes, at >= 0 ? from.cells + (size_t)at * from.cell_bytes : otherwise,
               to.cell_bytes);
    }
    return store_cells(args, &to);
}

static ir_text string_attribute(const ir_kernel_args *args, const char *name, const char *fallback)
{
    const ir_attr *a = ir_node_attr(args->node, name);
    return a != NULL && a->kind == IR_ATTR_STRING && a->u.s.n <= UINT32_MAX
               ? (ir_text){ a->u.s.text, (uint32_t)a->u.s.n }
               : (ir_text){ fallback, (uint32_t)strlen(fallback) };
}

sy_status ir_ref_ml_label_encoder(const ir_kernel_args *args)
{
    ir_tensor keys, values;
    ir_ref_cells fallback = { 0 };
    SY_TRY(list_attribute(args, "keys", &keys));
    SY_TRY(list_attribute(args, "values", &values));
    if (values.dtype != SY_DT_STRING && !ir_ref_is_float(values.dtype) && !ir_ref_is_integer(values.dtype)) {
        return base_fail(args->diag, SY_EINVAL, "there are no values, or of type %s", sy_dtype_name(values.dtype));
    }
    if (values.dtype != args->outputs[0]->dtype) {
        return base_fail(args->diag, SY_EINVAL, "there are values of several types: of %s and %s",
                         sy_dtype_name(args->outputs[0]->dtype), sy_dtype_name(values.dtype));
    }
    ir_const *c = ir_node_tensor(args->node, "default_tensor");
    if (c != NULL) {
        ir_tensor t;
        SY_TRY(ir_const_tensor(args->node->graph->module, c, args->diag, &t));
        if (t.dtype != values.dtype || ir_tensor_n_elements(&t) != 1) {
            return base_fail(args->diag, SY_EINVAL, "attribute 'default_tensor' must be one %s",
                             sy_dtype_name(values.dtype));
        }
        SY_TRY(ir_ref_cells_read(args, &t, &fallback));
        return map_elements(args, &keys, &values, fallback.cells);
    }
    SY_TRY(ir_ref_cells_make(args, values.dtype, 1, &fallback));
    const int64_t one = 1;
    ir_tensor view;
    SY_TRY(ir_tensor_init(&view, values.dtype, 1, &one, fallback.cells));
    if (values.dtype == SY_DT_STRING) {
        *(ir_text *)(void *)fallback.cells = string_attribute(args, "default_string", "_Unused");
    } else if (ir_ref_is_float(values.dtype)) {
        ir_ref_put(&view, 0, (double)ir_node_float(args->node, "default_float", -0.0f));
    } else {
        ir_ref_put_int(&view, 0, ir_node_int(args->node, "default_int64", -1));
    }
    return map_elements(args, &keys, &values, fallback.cells);
}

sy_status ir_ref_ml_category_mapper(const ir_kernel_args *args)
{
    const bool strings = args->inputs[0]->dtype == SY_DT_STRING;
    const int64_t *ints = NULL, number = ir_node_int(args->node, "default_int64", -1);
    const ir_text text = string_attribute(args, "default_string", "_Unused");
    ir_text *texts = NULL;
    ir_tensor from_ints, from_texts;
    uint32_t n_texts = 0;
    int64_t n = ir_node_ints(args->node, "cats_int64s", &ints);
    SY_TRY(ir_ref_attr_texts(args, "cats_strings", &n_texts, &texts));
    if (n_texts != n) {
        return base_fail(args->diag, SY_EINVAL, "%u strings and %" PRId64 " integers", n_texts, n);
    }
    const ir_ref_cells cells = { SY_DT_STRING, sizeof *texts, (char *)texts };
    SY_TRY(ir_tensor_init(&from_ints, SY_DT_I64, 1, &n, (void *)(uintptr_t)ints));
    SY_TRY(ir_ref_cells_tensor(args, &cells, 1, &n, &from_texts));
    return strings ? map_elements(args, &from_texts, &from_ints, &number)
                   : map_elements(args, &from_ints, &from_texts, &text);
}

/* ---------------------------------------------------------------- maps */

/* Keys and values of a map; values as cells, from a tensor or from a sequence of scalars. */
static sy_status read_map(const ir_kernel_args *args, const ir_tensor *map, ir_tensor *keys, ir_ref_cells *values)
{
    if (map == NULL || map->kind != IR_TYPE_MAP || ir_list_n(map) != 2) {
        return base_fail(args->diag, SY_EINVAL, "operand 0 must be a map");
    }
    ir_tensor all;
    ir_list_entry(map, 0, keys);
    ir_list_entry(map, 1, &all);
    const int64_t n = ir_tensor_n_elements(keys);
    if (!ir_tensor_is_list(&all)) {
        SY_TRY(ir_ref_cells_read(args, &all, values));
        return ir_tensor_n_elements(&all) == n ? SY_OK
                                               : base_fail(args->diag, SY_EINVAL, "the map has not one value for each key");
    }
    SY_TRY(ir_ref_cells_make(args, all.dtype != SY_DT_NONE ? all.dtype : SY_DT_F32, n, values));
    for (int64_t i = 0; i < n; i++) {
        ir_tensor entry;
        ir_ref_cells one = { 0 };
        bool fits = i < ir_list_n(&all);
        if (fits) {
            ir_list_entry(&all, i, &entry);
            fits = !ir_tensor_is_list(&entry) && entry.dtype == values->dtype && ir_tensor_n_elements(&entry) == 1;
        }
        if (!fits) {
            return base_fail(args->diag, SY_EINVAL, "the map has not one value for each key");
        }
        SY_TRY(ir_ref_cells_read(args, &entry, &one));
        memcpy(values->cells + (size_t)i * values->cell_bytes, one.cells, one.cell_bytes);
    }
    return SY_OK;
}

/* Result 0: one row of these cells. */
static sy_status row_result(const ir_kernel_args *args, const ir_ref_cells *cells, int64_t n)
{
    const int64_t dims[2] = { 1, n };
    ir_tensor whole;
    SY_TRY(ir_ref_cells_tensor(args, cells, 2, dims, &whole));
    return ir_kernel_result_copy(args, 0, &whole);
}

sy_status ir_ref_ml_dict_vectorizer(const ir_kernel_args *args)
{
    ir_tensor keys;
    ir_ref_cells values, row;
    ir_ml_labels words;
    ir_ref_index index;
    int64_t *ints;
    ir_text *texts;
    SY_TRY(read_map(args, ir_kernel_input(args, 0), &keys, &values));
    SY_TRY(ir_ml_labels_read(args, "int64_vocabulary", "string_vocabulary", &words));
    if (words.n == 0 || words.strings != (keys.dtype == SY_DT_STRING)) {
        return base_fail(args->diag, SY_EINVAL, "the vocabulary is not of the type of the map's keys, %s",
                         sy_dtype_name(keys.dtype));
    }
    SY_TRY(keys_of(args, &keys, &ints, &texts));
    SY_TRY(ir_ref_index_make(args->scratch, words.n, words.ints, words.texts, true, &index));
    SY_TRY(ir_ref_cells_make(args, values.dtype, words.n, &row));
    for (int64_t i = 0; i < ir_tensor_n_elements(&keys); i++) {
        const int64_t at = texts != NULL ? ir_ref_index_text(&index, &texts[i]) : ir_ref_index_int(&index, ints[i]);
        if (at >= 0) { /* keys outside the vocabulary have no place */
            memcpy(row.cells + (size_t)at * row.cell_bytes, values.cells + (size_t)i * row.cell_bytes, row.cell_bytes);
        }
    }
    return row_result(args, &row, words.n);
}

/* One value of a map of floats or strings as a cell of another type. */
static sy_status cast_cell(const ir_kernel_args *args, const ir_ref_cells *from, int64_t i, const ir_ref_cells *to, int64_t at)
{
    char *cell = to->cells + (size_t)at * to->cell_bytes;
    const char *have = from->cells + (size_t)i * from->cell_bytes;
    char text[64];
    double v = 0.0;
    if (from->dtype == SY_DT_STRING && to->dtype == SY_DT_STRING) {
        memcpy(cell, have, sizeof(ir_text));
        return SY_OK;
    }
    if (from->dtype == SY_DT_STRING) {
        const ir_text *t = (const ir_text *)(const void *)have;
        char *end = text;
        const size_t n = t->n_bytes < sizeof text - 1 ? t->n_bytes : sizeof text - 1;
        memcpy(text, t->text, n);
        text[n] = '\0';
        v = strtod(text, &end);
        if (end == text || *end != '\0') {
            return base_fail(args->diag, SY_EINVAL, "value '%s' is no number", text);
        }
    } else {
        v = (double)*(const float *)(const void *)have;
    }
    if (to->dtype == SY_DT_F32) {
        *(float *)(void *)cell = (float)v;
    } else if (to->dtype == SY_DT_I64) {
        *(int64_t *)(void *)cell = v >= -0x1p63 && v < 0x1p63 ? (int64_t)v : INT64_MIN;
    } else {
        const char *copy = base_arena_printf(args->scratch, "%f", v);
        if (copy == NULL) {
            return SY_ENOMEM;
        }
        *(ir_text *)(void *)cell = (ir_text){ copy, (uint32_t)strlen(copy) };
    }
    return SY_OK;
}

typedef struct ordered {
    int64_t key, place;
} ordered;

static int by_key(const void *a, const void *b)
{
    const ordered *x = a, *y = b;
    return x->key < y->key ? -1 : x->key > y->key;
}

sy_status ir_ref_ml_cast_map(const ir_kernel_args *args)
{
    const char *to_name = ir_node_string(args->node, "cast_to", "TO_FLOAT");
    const bool sparse = strcmp(ir_node_string(args->node, "map_form", "DENSE"), "SPARSE") == 0;
    const sy_dtype to = strcmp(to_name, "TO_STRING") == 0 ? SY_DT_STRING : strcmp(to_name, "TO_INT64") == 0 ? SY_DT_I64 : SY_DT_F32;
    ir_tensor keys;
    ir_ref_cells values, row;
    SY_TRY(read_map(args, ir_kernel_input(args, 0), &keys, &values));
    SY_TRY(ir_ref_need(args, &keys, keys.dtype == SY_DT_I64));
    if (values.dtype != SY_DT_STRING && values.dtype != SY_DT_F32) {
        return base_fail(args->diag, SY_EINVAL, "the map's values must be string or f32, got %s", sy_dtype_name(values.dtype));
    }
    const int64_t n = ir_tensor_n_elements(&keys), most = ir_node_int(args->node, "max_map", 1);
    const int64_t width = sparse ? most : n;
    ordered *order = BASE_ARENA_ARRAY(args->scratch, ordered, (size_t)n);
    if (order == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t i = 0; i < n; i++) {
        order[i] = (ordered){ ((const int64_t *)keys.data)[i], i };
        if (sparse && (order[i].key < 0 || order[i].key >= most)) {
            return base_fail(args->diag, SY_ERANGE, "key %" PRId64 " of a map with max_map %" PRId64, order[i].key, most);
        }
    }
    qsort(order, (size_t)n, sizeof *order, by_key);
    SY_TRY(ir_ref_cells_make(args, to, width, &row));
    for (int64_t i = 0; to == SY_DT_STRING && i < width; i++) {
        ((ir_text *)(void *)row.cells)[i] = (ir_text){ "", 0 };
    }
    for (int64_t i = 0; i < n; i++) {
        SY_TRY(cast_cell(args, &values, order[i].place, &row, sparse ? order[i].key : i));
    }
    return row_result(args, &row, width);
}

sy_status ir_ref_ml_zip_map(const ir_kernel_args *args)
{
    ir_ml_rows rows;
    ir_ml_labels labels;
    ir_tensor entry[2];
    SY_TRY(ir_ml_rows_read(args, &rows));
    SY_TRY(ir_ref_need(args, rows.x, rows.x->dtype == SY_DT_F32));
    SY_TRY(ir_ml_labels_read(args, "classlabels_int64s", "classlabels_strings", &labels));
    if (labels.n != rows.width) {
        return base_fail(args->diag, SY_ESHAPE, "%u labels for %" PRId64 " columns", labels.n, rows.width);
    }
    const ir_ref_cells texts = { SY_DT_STRING, sizeof(ir_text), (char *)labels.texts };
    SY_TRY(labels.strings ? ir_ref_cells_tensor(args, &texts, 1, &rows.width, &entry[0])
                          : ir_tensor_init(&entry[0], SY_DT_I64, 1, &rows.width, (void *)(uintptr_t)labels.ints));
    ir_tensor *maps = BASE_ARENA_ARRAY(args->scratch, ir_tensor, (size_t)rows.n);
    if (maps == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t r = 0; r < rows.n; r++) { /* the keys in the order of the labels: a map has none of its own */
        SY_TRY(ir_tensor_init(&entry[1], SY_DT_F32, 1, &rows.width, (float *)rows.x->data + r * rows.width));
        SY_TRY(ir_list_init(&maps[r], IR_TYPE_MAP, SY_DT_F32, 2, entry));
        maps[r].data = base_arena_alloc(args->scratch, maps[r].size_bytes, 1);
        if (maps[r].data == NULL) {
            return SY_ENOMEM;
        }
        ir_list_write(&maps[r], entry);
    }
    return ir_kernel_result_list(args, 0, IR_TYPE_SEQUENCE, SY_DT_F32, rows.n, maps);
}
