/*
 * const.c -- constants as handles; files are mapped and recipes run on first use.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "internal.h"

#include "systole/base/hash.h"

#include <string.h>

static sy_status make(ir_module *m, ir_const_kind kind, sy_dtype dtype, int32_t rank,
                      const int64_t *dims, base_diag *diag, ir_const **out)
{
    ir_tensor t;
    if (sy_dtype_bits(dtype) == 0 && dtype != SY_DT_STRING) {
        return base_fail(diag, SY_EINVAL, "a constant needs an element type");
    }
    if (ir_tensor_init(&t, dtype, rank, dims, NULL) != SY_OK) {
        return base_fail(diag, SY_ERANGE, "a constant of rank %d has impossible dimensions", rank);
    }
    SY_TRY(IR_RESERVE(m->arena, m->consts, m->n_consts, m->consts_capacity));
    ir_const *c = BASE_ARENA_NEW(m->arena, ir_const);
    if (c == NULL) {
        return SY_ENOMEM;
    }
    c->kind = kind;
    c->id = m->n_consts;
    c->dtype = dtype;
    c->rank = rank;
    memcpy(c->dims, t.dims, sizeof c->dims);
    c->size_bytes = t.size_bytes;
    c->params = "";
    *out = c;
    return SY_OK;
}

static void add(ir_module *m, ir_const *c, ir_const **out)
{
    m->consts[m->n_consts++] = c;
    *out = c;
}

sy_status ir_const_parsed(ir_module *m, ir_const_kind kind, sy_dtype dtype, int32_t rank, const int64_t *dims,
                          const char *path, uint64_t offset, uint64_t hash, base_diag *diag, ir_const **out)
{
    ir_const *c = NULL;
    SY_TRY(make(m, kind, dtype, rank, dims, diag, &c));
    c->path = path;
    c->offset = offset;
    c->hash = hash;
    c->has_hash = path == NULL;
    add(m, c, out);
    return SY_OK;
}

/* The bytes of a string tensor must be exactly its elements: length, text, length, text, ... */
static bool strings_fit(const ir_const *c, const void *data, size_t n_bytes)
{
    ir_tensor t;
    if (ir_tensor_init(&t, c->dtype, c->rank, c->dims, NULL) != SY_OK) {
        return false;
    }
    base_cursor cursor = base_cursor_at(data, n_bytes);
    for (int64_t i = ir_tensor_n_elements(&t); i > 0 && !cursor.failed; i--) {
        base_cursor_bytes(&cursor, base_cursor_le32(&cursor));
    }
    return !cursor.failed && base_cursor_left(&cursor) == 0;
}

static sy_status make_sized(ir_module *m, sy_dtype dtype, int32_t rank, const int64_t *dims,
                            const void *data, size_t data_bytes, base_diag *diag, ir_const **out)
{
    ir_const *c = NULL;
    SY_TRY(make(m, IR_CONST_INLINE, dtype, rank, dims, diag, &c));
    if (dtype == SY_DT_STRING) {
        c->size_bytes = data_bytes;
        if (!strings_fit(c, data, data_bytes)) {
            return base_fail(diag, SY_EFORMAT, "the bytes of a string constant do not match its dimensions");
        }
    } else if (data_bytes != c->size_bytes) {
        return base_fail(diag, SY_EFORMAT, "a constant of type %s takes %zu bytes, got %zu",
                         sy_dtype_name(dtype), c->size_bytes, data_bytes);
    }
    *out = c;
    return SY_OK;
}

sy_status ir_const_inline(ir_module *m, sy_dtype dtype, int32_t rank, const int64_t *dims,
                          const void *data, size_t data_bytes, base_diag *diag, ir_const **out)
{
    ir_const *c = NULL;
    SY_TRY(make_sized(m, dtype, rank, dims, data, data_bytes, diag, &c));
    c->data = base_arena_memdup(m->arena, data, 1, data_bytes);
    if (c->data == NULL) {
        return SY_ENOMEM;
    }
    add(m, c, out);
    return SY_OK;
}

sy_status ir_const_borrow(ir_module *m, sy_dtype dtype, int32_t rank, const int64_t *dims,
                          const void *data, size_t data_bytes, base_diag *diag, ir_const **out)
{
    ir_const *c = NULL;
    SY_TRY(make_sized(m, dtype, rank, dims, data, data_bytes, diag, &c));
    c->data = data != NULL ? data : "";
    add(m, c, out);
    return SY_OK;
}

sy_status ir_const_file(ir_module *m, sy_dtype dtype, int32_t rank, const int64_t *dims,
                        const char *path, uint64_t offset, base_diag *diag, ir_const **out)
{
    if (dtype == SY_DT_STRING) {
        return base_fail(diag, SY_EUNSUPPORTED, "'%s': a string tensor cannot be mapped from a file", path);
    }
    ir_const *c = NULL;
    SY_TRY(make(m, IR_CONST_FILE, dtype, rank, dims, diag, &c));
    c->path = ir_intern(m, path);
    c->offset = offset;
    if (c->path == NULL) {
        return SY_ENOMEM;
    }
    add(m, c, out);
    return SY_OK;
}

sy_status ir_const_derived(ir_module *m, sy_dtype dtype, int32_t rank, const int64_t *dims,
                           const char *recipe, const char *params, ir_const *const *sources,
                           uint32_t n_sources, base_diag *diag, ir_const **out)
{
    if (dtype == SY_DT_STRING) {
        return base_fail(diag, SY_EUNSUPPORTED, "recipe '%s': a string tensor cannot be derived", recipe);
    }
    ir_const *c = NULL;
    SY_TRY(make(m, IR_CONST_DERIVED, dtype, rank, dims, diag, &c));
    c->recipe = ir_intern(m, recipe);
    c->params = ir_intern(m, params != NULL ? params : "");
    c->sources = base_arena_memdup(m->arena, sources, n_sources, sizeof *sources);
    c->n_sources = n_sources;
    if (c->recipe == NULL || c->params == NULL || c->sources == NULL) {
        return SY_ENOMEM;
    }
    add(m, c, out);
    return SY_OK;
}

sy_status ir_const_state(ir_module *m, sy_dtype dtype, int32_t rank, const int64_t *dims,
                         const void *data, base_diag *diag, ir_const **out)
{
    if (dtype == SY_DT_STRING) {
        return base_fail(diag, SY_EUNSUPPORTED, "a state cannot hold strings");
    }
    ir_const *c = NULL;
    SY_TRY(make(m, IR_CONST_STATE, dtype, rank, dims, diag, &c));
    c->data = data != NULL ? base_arena_memdup(m->arena, data, 1, c->size_bytes)
                           : base_arena_alloc(m->arena, 1, c->size_bytes);
    if (c->data == NULL) {
        return SY_ENOMEM;
    }
    add(m, c, out);
    return SY_OK;
}

sy_status ir_const_f32(ir_module *m, float value, ir_const **out)
{
    return ir_const_inline(m, SY_DT_F32, 0, NULL, &value, sizeof value, NULL, out);
}

sy_status ir_const_i64(ir_module *m, int64_t value, ir_const **out)
{
    return ir_const_inline(m, SY_DT_I64, 0, NULL, &value, sizeof value, NULL, out);
}

sy_status ir_const_i64s(ir_module *m, uint32_t n, const int64_t *values, ir_const **out)
{
    const int64_t dims[1] = { n };
    return ir_const_inline(m, SY_DT_I64, 1, dims, values, n * sizeof *values, NULL, out);
}

sy_status ir_recipe_register(ir_module *m, const char *recipe, ir_recipe_fn fn, void *user)
{
    const ir_recipe r = { ir_intern(m, recipe), fn, user };
    if (r.name == NULL) {
        return SY_ENOMEM;
    }
    for (size_t i = 0; i < m->intern->recipes.n; i++) {
        if (m->intern->recipes.items[i].name == r.name) {
            m->intern->recipes.items[i] = r;
            return SY_OK;
        }
    }
    return base_vec_push(m->arena, &m->intern->recipes, r) ? SY_OK : SY_ENOMEM;
}

/* ---------------------------------------------------------------- bytes */

void ir_consts_drop(ir_module *m)
{
    for (size_t i = 0; i < m->intern->files.n; i++) {
        const base_map *map = &m->intern->files.items[i].map;
        base_file_map_drop(map, 0, map->n_bytes);
    }
}

static sy_status map_file(ir_module *m, ir_const *c, base_diag *diag)
{
    ir_mapped_file *file = NULL;
    for (size_t i = 0; i < m->intern->files.n && file == NULL; i++) {
        if (m->intern->files.items[i].path == c->path) {
            file = &m->intern->files.items[i];
        }
    }
    if (file == NULL) {
        const ir_mapped_file none = { c->path, { NULL, 0 } };
        if (!base_vec_reserve(m->arena, &m->intern->files, m->intern->files.n + 1)) {
            return SY_ENOMEM;
        }
        base_map map;
        SY_TRY(base_file_map(diag, c->path, &map));
        file = &m->intern->files.items[m->intern->files.n++];
        *file = none;
        file->map = map;
    }
    if (c->offset > file->map.n_bytes || c->size_bytes > file->map.n_bytes - c->offset) {
        return base_fail(diag, SY_EIO, "'%s' has %zu bytes, a constant needs bytes %llu to %llu", c->path,
                         file->map.n_bytes, (unsigned long long)c->offset,
                         (unsigned long long)c->offset + c->size_bytes);
    }
    const unsigned char *data = file->map.data + c->offset;
    const uint32_t align = sy_dtype_bits(c->dtype) / 8;
    if (align > 1 && (uintptr_t)data % align != 0) {
        data = base_arena_memdup(m->arena, data, 1, c->size_bytes);
        if (data == NULL) {
            return SY_ENOMEM;
        }
        base_file_map_drop(&file->map, c->offset, c->size_bytes);
    }
    c->data = data;
    return SY_OK;
}

static sy_status run_recipe(ir_module *m, ir_const *c, base_diag *diag)
{
    for (size_t i = 0; i < m->intern->recipes.n; i++) {
        const ir_recipe r = m->intern->recipes.items[i];
        if (r.name == c->recipe) {
            void *data = base_arena_alloc(m->arena, 1, c->size_bytes);
            if (data == NULL) {
                return SY_ENOMEM;
            }
            SY_TRY(r.fn(r.user, m, c, data, diag));
            c->data = data;
            return SY_OK;
        }
    }
    return base_fail(diag, SY_EUNSUPPORTED, "constant #%u is derived by recipe '%s', which nobody registered",
                     c->id, c->recipe);
}

sy_status ir_const_data(ir_module *m, ir_const *c, base_diag *diag, const void **out)
{
    if (c->data == NULL) {
        switch (c->kind) {
        case IR_CONST_FILE:
            SY_TRY(map_file(m, c, diag));
            break;
        case IR_CONST_DERIVED:
            SY_TRY(run_recipe(m, c, diag));
            break;
        case IR_CONST_INLINE:
        case IR_CONST_STATE:
            if (c->path == NULL) {
                return base_fail(diag, SY_EUNSUPPORTED, "the bytes of constant #%u were elided from the text",
                                 c->id);
            }
            SY_TRY(map_file(m, c, diag));
            break;
        }
    }
    *out = c->data;
    return SY_OK;
}

sy_status ir_const_tensor(ir_module *m, ir_const *c, base_diag *diag, ir_tensor *out)
{
    const void *data = NULL;
    SY_TRY(ir_const_data(m, c, diag, &data));
    ir_tensor t = { .dtype = c->dtype, .rank = c->rank, .size_bytes = c->size_bytes };
    memcpy(t.dims, c->dims, sizeof t.dims);
    memcpy(&t.data, &data, sizeof data); /* the view type serves results too, so its data is not const */
    *out = t;
    return SY_OK;
}

sy_status ir_const_fill(ir_module *m, ir_const *c, const void *data)
{
    const void *copy = base_arena_memdup(m->arena, data, 1, c->size_bytes);
    if (copy == NULL) {
        return SY_ENOMEM;
    }
    c->data = copy;
    return SY_OK;
}

sy_status ir_const_hash(ir_module *m, ir_const *c, base_diag *diag, uint64_t *out)
{
    if (!c->has_hash) {
        const uint32_t head[2] = { (uint32_t)c->dtype, (uint32_t)c->rank };
        uint64_t h = base_hash_fnv1a_more(BASE_FNV1A_INIT, head, sizeof head);
        h = base_hash_fnv1a_more(h, c->dims, (size_t)c->rank * sizeof c->dims[0]);
        if (c->kind == IR_CONST_DERIVED) {
            h = base_hash_fnv1a_more(h, c->recipe, strlen(c->recipe) + 1);
            h = base_hash_fnv1a_more(h, c->params, strlen(c->params) + 1);
            for (uint32_t i = 0; i < c->n_sources; i++) {
                uint64_t source;
                SY_TRY(ir_const_hash(m, c->sources[i], diag, &source));
                h = base_hash_fnv1a_more(h, &source, sizeof source);
            }
        } else {
            const void *data;
            SY_TRY(ir_const_data(m, c, diag, &data));
            h = base_hash_fnv1a_more(h, data, c->size_bytes);
        }
        c->hash = h;
        c->has_hash = true;
    }
    *out = c->hash;
    return SY_OK;
}

sy_status ir_const_type(ir_module *m, const ir_const *c, ir_type *out)
{
    return ir_type_tensor_i64(m, c->dtype, c->rank, c->dims, out);
}
