/*
 * chain.c -- runs elementwise programs block by block.
 *
 * An input is one of three kinds: it lies as the result does (blocks are read where they lie), it is one element
 * (a block of it is made once), or it repeats along some axes (each block is written out).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "chain.h"

#include <string.h>

#define BLOCKS_PER_TASK 16
#define BUFFER_BYTES    (RT_ELEMENT_BLOCK * sizeof(int64_t))

typedef struct source {
    const char *data;
    size_t element_bytes;
    enum { SOURCE_WHOLE, SOURCE_ONE, SOURCE_REPEATED } kind;
    int32_t rank; /* repeated: axes from the innermost on, joined where they go on alike */
    int64_t dims[IR_MAX_RANK], strides[IR_MAX_RANK]; /* in elements */
    char *buffer;
} source;

typedef struct job {
    const rt_chain *chain;
    const rt_element_fn *loops;
    int64_t n;
    char *y;
    size_t y_bytes; /* of an element */
    int64_t block; /* elements, at most RT_ELEMENT_BLOCK */
    source sources[RT_CHAIN_INPUTS];
} job;

/* ---------------------------------------------------------------- inputs */

static void make_source(const ir_tensor *t, const ir_tensor *y, source *s)
{
    int64_t stride = 1;
    bool one = true, whole = true;
    *s = (source){.data = t->data, .element_bytes = sy_dtype_bits(t->dtype) / 8};
    for (int32_t i = y->rank - 1; i >= 0; i--) {
        const int32_t own = i - (y->rank - t->rank);
        const int64_t size = own < 0 ? 1 : t->dims[own];
        const int64_t step = size == 1 ? 0 : stride;
        stride *= size;
        if (y->dims[i] == 1) {
            continue;
        }
        one = one && step == 0;
        whole = whole && step != 0;
        const int32_t last = s->rank - 1;
        if (s->rank > 0 && step == s->strides[last] * s->dims[last]) {
            s->dims[last] *= y->dims[i];
        } else {
            s->dims[s->rank] = y->dims[i];
            s->strides[s->rank++] = step;
        }
    }
    s->kind = whole ? SOURCE_WHOLE : one ? SOURCE_ONE : SOURCE_REPEATED;
}

static void repeat(char *to, const char *from, size_t element_bytes, int64_t n)
{
    if (element_bytes == 4) {
        uint32_t v;
        memcpy(&v, from, 4);
        for (int64_t i = 0; i < n; i++) {
            memcpy(to + 4 * i, &v, 4);
        }
    } else if (element_bytes == 8) {
        uint64_t v;
        memcpy(&v, from, 8);
        for (int64_t i = 0; i < n; i++) {
            memcpy(to + 8 * i, &v, 8);
        }
    } else if (element_bytes == 2) {
        uint16_t v;
        memcpy(&v, from, 2);
        for (int64_t i = 0; i < n; i++) {
            memcpy(to + 2 * i, &v, 2);
        }
    } else {
        memset(to, *from, (size_t)n);
    }
}

/* What a thread's buffer of a repeated input holds: n elements from `start` on; start -1: nothing. */
typedef struct held {
    int64_t start, n;
} held;

/*
 * Where a block's elements begin in a pattern that comes back: one element for the whole block, or a row that is repeated
 * again and again. Blocks that begin alike are alike. -1: there is no such pattern.
 */
static int64_t pattern_start(const source *s, int64_t at, int64_t n, int64_t offset)
{
    if (s->strides[0] == 0 && at % s->dims[0] + n <= s->dims[0]) {
        return offset;
    }
    return s->rank == 2 && s->strides[1] == 0 ? at % s->dims[0] : -1;
}

/* Elements [at, at + n) of a repeated input: in a buffer, or where they lie if they lie in one run. */
static const char *spread(const source *s, int64_t at, int64_t n, char *buffer, held *kept)
{
    int64_t index[IR_MAX_RANK], offset = 0, start = at;
    for (int32_t i = 0; i < s->rank; i++) {
        index[i] = at % s->dims[i];
        at /= s->dims[i];
        offset += index[i] * s->strides[i];
    }
    start = pattern_start(s, start, n, offset);
    if (start >= 0 && start == kept->start && n <= kept->n) {
        return buffer;
    }
    *kept = (held){start, n};
    for (int64_t done = 0; done < n;) {
        const int64_t left = s->dims[0] - index[0], run = left < n - done ? left : n - done;
        const char *from = s->data + (size_t)offset * s->element_bytes;
        char *to = buffer + (size_t)done * s->element_bytes;
        if (s->strides[0] != 0 && run == n) {
            kept->start = -1;
            return from;
        }
        if (s->strides[0] == 0) {
            repeat(to, from, s->element_bytes, run);
        } else if (run == 1) {
            memcpy(to, from, s->element_bytes == 4 ? 4 : s->element_bytes);
        } else {
            memcpy(to, from, (size_t)run * s->element_bytes);
        }
        done += run;
        offset += (run - 1) * s->strides[0];
        index[0] += run - 1;
        for (int32_t i = 0; i < s->rank; i++) { /* one step on, with carries */
            offset += s->strides[i];
            if (++index[i] < s->dims[i]) {
                break;
            }
            offset -= index[i] * s->strides[i];
            index[i] = 0;
        }
    }
    return buffer;
}

/* ---------------------------------------------------------------- blocks */

static sy_status run_blocks(void *user, int64_t i_task, rt_scratch *scratch)
{
    const job *j = user;
    const rt_chain *c = j->chain;
    const int64_t first = i_task * BLOCKS_PER_TASK * j->block;
    const int64_t left = j->n - first, most = BLOCKS_PER_TASK * j->block;
    const int64_t end = first + (left < most ? left : most);
    const void *values[RT_CHAIN_VALUES];
    held kept[RT_CHAIN_INPUTS];
    char *own = rt_scratch_get(scratch, (c->n_inputs + c->n_buffers) * BUFFER_BYTES);
    if (own == NULL) {
        return SY_ENOMEM;
    }
    char *const buffers = own + c->n_inputs * BUFFER_BYTES;
    for (uint32_t i = 0; i < c->n_inputs; i++) {
        const source *s = &j->sources[i];
        kept[i].start = -1;
        if (s->kind == SOURCE_ONE) {
            const int64_t n = end - first;
            repeat(own + i * BUFFER_BYTES, s->data, s->element_bytes, n < j->block ? n : j->block);
            values[i] = own + i * BUFFER_BYTES;
        }
    }
    for (int64_t at = first; at < end; at += j->block) {
        const int64_t n = end - at < j->block ? end - at : j->block;
        for (uint32_t i = 0; i < c->n_inputs; i++) {
            const source *s = &j->sources[i];
            if (s->kind == SOURCE_WHOLE) {
                values[i] = s->data + (size_t)at * s->element_bytes;
            } else if (s->kind == SOURCE_REPEATED) {
                values[i] = spread(s, at, n, own + i * BUFFER_BYTES, &kept[i]);
            }
        }
        if (c->compiled != NULL) {
            c->compiled(n, values, j->y + (size_t)at * j->y_bytes);
            continue;
        }
        for (uint32_t k = 0; k < c->n_code; k++) {
            const rt_instruction *in = &c->code[k];
            const void *from[3] = {values[in->from[0]], values[in->from[1]], values[in->from[2]]};
            void *to = k + 1 == c->n_code ? j->y + (size_t)at * j->y_bytes
                                          : buffers + in->buffer * BUFFER_BYTES;
            j->loops[in->op](n, from, in->p, in->q, to);
            values[c->n_inputs + k] = to;
        }
    }
    return SY_OK;
}

/* Blocks that do not cross the runs of a repeated input, or take several whole ones, if there is such a size. */
static int64_t block_for(const job *j, uint32_t n_inputs)
{
    for (uint32_t i = 0; i < n_inputs; i++) {
        const int64_t run = j->sources[i].kind == SOURCE_REPEATED ? j->sources[i].dims[0] : 0;
        if (run > 0 && run <= RT_ELEMENT_BLOCK) {
            return RT_ELEMENT_BLOCK / run * run;
        }
        for (int64_t n = RT_ELEMENT_BLOCK; run > 0 && n >= RT_ELEMENT_BLOCK / 2; n--) {
            if (run % n == 0) {
                return n;
            }
        }
    }
    return RT_ELEMENT_BLOCK;
}

sy_status rt_chain_run(const rt_chain *c, const ir_tensor *const *inputs, ir_tensor *y, const rt_env *env)
{
    job j = {.chain = c,
             .loops = rt_simd_best()->elements,
             .n = ir_tensor_n_elements(y),
             .y = y->data,
             .y_bytes = sy_dtype_bits(y->dtype) / 8};
    if (j.n == 0) {
        return SY_OK;
    }
    for (uint32_t i = 0; i < c->n_inputs; i++) {
        make_source(inputs[i], y, &j.sources[i]);
    }
    j.block = block_for(&j, c->n_inputs);
    const int64_t most = BLOCKS_PER_TASK * j.block;
    return rt_pool_run(rt_pool_for(env, c->cost * (double)j.n), (j.n + most - 1) / most, run_blocks, &j, env->scratch);
}
