/*
 * const.h -- constants as handles. Weights are never inside the IR: a value points to a handle, the handle
 * says where the bytes are.
 *
 *   inline   bytes in the module's arena (small things: shapes, scales, folded vectors)
 *   file     path, offset, length; mapped read-only on first use, unmapped when the module is destroyed
 *   derived  a recipe over other constants (folding, packing): bytes made on demand by whoever registered the
 *            recipe, named by the hash of recipe and sources
 *   state    mutable state (batch-norm statistics, optimiser slots, KV caches): bytes are the initial contents
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_GRAPH_CONST_H
#define SYSTOLE_GRAPH_CONST_H

#include "systole/graph/tensor.h"

typedef enum ir_const_kind {
    IR_CONST_INLINE,
    IR_CONST_FILE,
    IR_CONST_DERIVED,
    IR_CONST_STATE
} ir_const_kind;

typedef struct ir_const ir_const;
struct ir_const {
    ir_const_kind kind;
    uint32_t id; /* position in module->consts; `#id` in the text form */
    sy_dtype dtype;
    int32_t rank;
    int64_t dims[IR_MAX_RANK];
    size_t size_bytes;

    const char *path; /* FILE */
    uint64_t offset;

    const char *recipe;       /* DERIVED: a name, e.g. "fold" */
    const char *params;       /* DERIVED: its parameters, free text, never NULL */
    ir_const *const *sources; /* DERIVED */
    uint32_t n_sources;

    const void *data; /* the bytes once they are there; use ir_const_data */
    uint64_t hash;    /* of dtype, dims and bytes (derived: of recipe and sources); use ir_const_hash */
    bool has_hash;
};

/* Makes the bytes of a derived constant: fills `out` (size_bytes of c), reads sources through ir_const_data. */
typedef sy_status (*ir_recipe_fn)(void *user, ir_module *m, const ir_const *c, void *out,
                                  base_diag *diag);

/* Bytes copied into the module's arena. dtype STRING: data_bytes counts, else it must fit dtype and dims. */
sy_status ir_const_inline(ir_module *m, sy_dtype dtype, int32_t rank, const int64_t *dims,
                          const void *data, size_t data_bytes, base_diag *diag, ir_const **out);

/*
 * Bytes that the caller keeps alive as long as the module (a mapped model file, say): not copied, otherwise as inline.
 * data must be aligned for the dtype.
 */
sy_status ir_const_borrow(ir_module *m, sy_dtype dtype, int32_t rank, const int64_t *dims,
                          const void *data, size_t data_bytes, base_diag *diag, ir_const **out);

/* Bytes [offset, offset + size of the tensor) of a file, not opened before they are needed. */
sy_status ir_const_file(ir_module *m, sy_dtype dtype, int32_t rank, const int64_t *dims,
                        const char *path, uint64_t offset, base_diag *diag, ir_const **out);

sy_status ir_const_derived(ir_module *m, sy_dtype dtype, int32_t rank, const int64_t *dims,
                           const char *recipe, const char *params, ir_const *const *sources,
                           uint32_t n_sources, base_diag *diag, ir_const **out);

/* data NULL: zeros. */
sy_status ir_const_state(ir_module *m, sy_dtype dtype, int32_t rank, const int64_t *dims,
                         const void *data, base_diag *diag, ir_const **out);

/* Short forms of ir_const_inline: a scalar (rank 0) or a vector. */
sy_status ir_const_f32(ir_module *m, float value, ir_const **out);
sy_status ir_const_i64(ir_module *m, int64_t value, ir_const **out);
sy_status ir_const_i64s(ir_module *m, uint32_t n, const int64_t *values, ir_const **out);

/* How derived constants named `recipe` are made. Replaces an earlier registration. */
sy_status ir_recipe_register(ir_module *m, const char *recipe, ir_recipe_fn fn, void *user);

/*
 * The bytes; maps the file or runs the recipe the first time. Valid as long as the module.
 * Errors: SY_EIO (no such file, too short), SY_EUNSUPPORTED (no such recipe), SY_ENOMEM. One thread at a time per module.
 */
sy_status ir_const_data(ir_module *m, ir_const *c, base_diag *diag, const void **out);

/*
 * Gives the memory of mapped files back: what was packed elsewhere is not needed again, what is needed is read again. Costs
 * nothing but time.
 */
void ir_consts_drop(ir_module *m);

/* The same as a view; its data must not be written. */
sy_status ir_const_tensor(ir_module *m, ir_const *c, base_diag *diag, ir_tensor *out);

/* Gives a derived constant its bytes now (copied), instead of by its recipe. */
sy_status ir_const_fill(ir_module *m, ir_const *c, const void *data);

/* Content hash; reads the bytes of inline, file and state constants the first time. */
sy_status ir_const_hash(ir_module *m, ir_const *c, base_diag *diag, uint64_t *out);

/* The constant's type: a tensor with constant dimensions. */
sy_status ir_const_type(ir_module *m, const ir_const *c, ir_type *out);

#endif
