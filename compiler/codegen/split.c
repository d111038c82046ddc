/*
 * split.c -- see split.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "split.h"

enum { MAX_PUSHES = 1000 }; /* of a function: about 40 ms of LLVM */

static size_t size_of(const cc_op *op) {
    switch (op->kind) {
    case CC_OP_PUSH:
    case CC_OP_CALL:
        return 1;
    case CC_OP_LOOP: {
        size_t n = 1;
        for (const cc_op *b = op->body; b != NULL; b = b->next) {
            n += size_of(b);
        }
        return n;
    }
    }
    return 1;
}

static size_t size_of_list(const cc_op *first) {
    size_t n = 0;
    for (const cc_op *op = first; op != NULL; op = op->next) {
        n += size_of(op);
    }
    return n;
}

sy_status cc_split(base_arena *arena, const char *name, cc_op **first, uint32_t depth, cc_function_vec *functions) {
    if (size_of_list(*first) <= MAX_PUSHES) {
        return SY_OK;
    }
    for (cc_op *op = *first; op != NULL; op = op->next) {
        if (op->kind == CC_OP_LOOP && size_of(op) > MAX_PUSHES) {
            SY_TRY(cc_split(arena, name, &op->body, depth + 1, functions));
        }
    }
    cc_op *last_call = NULL;
    cc_op *op = *first;
    while (op != NULL) {
        /* as many ops as one function may have, at least one */
        cc_op *const from = op;
        cc_op *to = op;
        size_t n = size_of(op);
        for (op = op->next; op != NULL && n + size_of(op) <= MAX_PUSHES; op = op->next) {
            n += size_of(op);
            to = op;
        }
        to->next = NULL;
        from->previous = NULL;
        cc_op *call = BASE_ARENA_NEW(arena, cc_op);
        cc_function f = {.n_parameters = depth, .first = from};
        f.name = base_arena_printf(arena, "%s.%zu", name, functions->n);
        if (call == NULL || f.name == NULL || !base_vec_push(arena, functions, f)) {
            return SY_ENOMEM;
        }
        *call = (cc_op){.kind = CC_OP_CALL, .callee = (uint32_t)functions->n - 1, .previous = last_call, .n_arguments = depth};
        call->arguments = base_arena_alloc(arena, depth, sizeof *call->arguments);
        if (call->arguments == NULL) {
            return SY_ENOMEM;
        }
        for (uint32_t k = 0; k < depth; k++) {
            call->arguments[k].steps[k] = 1; /* the counter itself */
        }
        *(last_call != NULL ? &last_call->next : first) = call;
        last_call = call;
    }
    return SY_OK;
}
