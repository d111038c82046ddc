/*
 * onnx_order.c -- the order in which nodes are imported.
 *
 * ONNX asks writers for topological order, and nearly all keep to it: that is checked with one
 * lookup per operand. Only where it fails, nodes are sorted (stable: of those that are ready, the
 * first in the file comes first), counting what their regions capture as operands too.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "onnx_internal.h"

typedef struct edges {
    onnx_import *in;
    onnx_names producers; /* name -> pointer into `index` */
    uint32_t *index;      /* index[i] = i: what the names point to */
    uint32_t n_nodes;
    BASE_VEC(uint32_t) users; /* pairs (producer, user), in one list */
} edges;

static sy_status producer(const edges *e, const char *name, uint32_t *out)
{
    *out = e->n_nodes;
    if (name[0] != '\0') {
        const char *interned = ir_intern(e->in->m, name);
        if (interned == NULL) {
            return SY_ENOMEM;
        }
        const uint32_t *p = ir_onnx_names_find(&e->producers, interned);
        *out = p != NULL ? *p : e->n_nodes;
    }
    return SY_OK;
}

static sy_status find_producers(edges *e, Onnx__NodeProto *const *nodes)
{
    SY_TRY(ir_onnx_names_init(&e->producers, e->in->scratch));
    for (uint32_t i = 0; i < e->n_nodes; i++) {
        e->index[i] = i;
        for (size_t k = 0; k < nodes[i]->n_output; k++) {
            if (nodes[i]->output[k][0] == '\0') {
                continue;
            }
            const char *interned = ir_intern(e->in->m, nodes[i]->output[k]);
            if (interned == NULL) {
                return SY_ENOMEM;
            }
            const sy_status status = ir_onnx_names_bind(&e->producers, interned, &e->index[i]);
            if (status != SY_OK &&
                status != SY_EINVAL) { /* duplicates are reported when the node is built */
                return status;
            }
        }
    }
    return SY_OK;
}

static sy_status is_sorted(const edges *e, Onnx__NodeProto *const *nodes, bool *out)
{
    *out = true;
    for (uint32_t i = 0; i < e->n_nodes && *out; i++) {
        for (size_t k = 0; k < nodes[i]->n_input; k++) {
            uint32_t p = 0;
            SY_TRY(producer(e, nodes[i]->input[k], &p));
            *out = *out && (p < i || p == e->n_nodes);
        }
    }
    return SY_OK;
}

static sy_status add_edges(edges *e, const Onnx__NodeProto *node, uint32_t user)
{
    for (size_t k = 0; k < node->n_input; k++) {
        uint32_t p = 0;
        SY_TRY(producer(e, node->input[k], &p));
        if (p < e->n_nodes && (!base_vec_push(e->in->scratch, &e->users, p) ||
                               !base_vec_push(e->in->scratch, &e->users, user))) {
            return SY_ENOMEM;
        }
    }
    for (size_t k = 0; k < node->n_attribute;
         k++) { /* what regions use: the wire pass bounds the depth */
        const Onnx__GraphProto *g = node->attribute[k]->g;
        for (size_t i = 0; g != NULL && i < g->n_node; i++) {
            SY_TRY(add_edges(e, g->node[i], user));
        }
        for (size_t i = 0; g != NULL && i < g->n_output; i++) {
            uint32_t p = e->n_nodes;
            if (g->output[i]->name != NULL) {
                SY_TRY(producer(e, g->output[i]->name, &p));
            }
            if (p < e->n_nodes && p != user &&
                (!base_vec_push(e->in->scratch, &e->users, p) ||
                 !base_vec_push(e->in->scratch, &e->users, user))) {
                return SY_ENOMEM;
            }
        }
    }
    return SY_OK;
}

/* The ready node that comes first in the file: a binary heap of indices. */
static void heap_push(uint32_t *heap, uint32_t *n, uint32_t value)
{
    uint32_t i = (*n)++;
    for (; i > 0 && heap[(i - 1) / 2] > value; i = (i - 1) / 2) {
        heap[i] = heap[(i - 1) / 2];
    }
    heap[i] = value;
}

static uint32_t heap_pop(uint32_t *heap, uint32_t *n)
{
    const uint32_t top = heap[0], last = heap[--*n];
    uint32_t i = 0;
    for (uint32_t child = 1; child < *n; child = 2 * i + 1) {
        child += child + 1 < *n && heap[child + 1] < heap[child];
        if (heap[child] >= last) {
            break;
        }
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = last;
    return top;
}

static sy_status sort(edges *e, Onnx__NodeProto *const *nodes, uint32_t *order)
{
    const uint32_t n = e->n_nodes;
    for (uint32_t i = 0; i < n; i++) {
        SY_TRY(add_edges(e, nodes[i], i));
    }
    const size_t n_edges = e->users.n / 2;
    uint32_t *waits = BASE_ARENA_ARRAY(e->in->scratch, uint32_t, n); /* producers not yet placed */
    size_t *first = BASE_ARENA_ARRAY(e->in->scratch, size_t, (size_t)n + 2);
    uint32_t *users = BASE_ARENA_ARRAY(e->in->scratch, uint32_t, n_edges);
    uint32_t *heap = BASE_ARENA_ARRAY(e->in->scratch, uint32_t, n);
    if (waits == NULL || first == NULL || users == NULL || heap == NULL) {
        return SY_ENOMEM;
    }
    for (size_t k = 0; k < n_edges; k++) { /* users of p: users[first[p] .. first[p + 1]) */
        first[e->users.items[2 * k] + 2]++;
        waits[e->users.items[2 * k + 1]]++;
    }
    for (uint32_t i = 0; i < n; i++) {
        first[i + 2] += first[i + 1];
    }
    for (size_t k = 0; k < n_edges; k++) {
        users[first[e->users.items[2 * k] + 1]++] = e->users.items[2 * k + 1];
    }
    uint32_t n_ready = 0, n_placed = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (waits[i] == 0) {
            heap_push(heap, &n_ready, i);
        }
    }
    while (n_ready > 0) {
        const uint32_t i = heap_pop(heap, &n_ready);
        order[n_placed++] = i;
        for (size_t k = first[i]; k < first[i + 1]; k++) {
            if (--waits[users[k]] == 0) {
                heap_push(heap, &n_ready, users[k]);
            }
        }
    }
    for (uint32_t i = 0; n_placed < n && i < n; i++) {
        if (waits[i] > 0) {
            return base_fail(
                e->in->diag, SY_EFORMAT,
                "%s: node '%s' (%s) cannot be placed: the graph has a cycle in it or before it",
                e->in->file,
                nodes[i]->name != NULL && nodes[i]->name[0] != '\0' ? nodes[i]->name
                : nodes[i]->n_output > 0                            ? nodes[i]->output[0]
                                                                    : "",
                nodes[i]->op_type != NULL ? nodes[i]->op_type : "");
        }
    }
    return SY_OK;
}

sy_status ir_onnx_order(onnx_import *in, size_t n_nodes, Onnx__NodeProto *const *nodes,
                        uint32_t **out)
{
    if (n_nodes >= UINT32_MAX) {
        return base_fail(in->diag, SY_ERANGE, "%s: a graph has %zu nodes: too many", in->file,
                         n_nodes);
    }
    edges e = {.in = in, .n_nodes = (uint32_t)n_nodes};
    uint32_t *order = BASE_ARENA_ARRAY(in->scratch, uint32_t, n_nodes);
    bool sorted = true;
    e.index = BASE_ARENA_ARRAY(in->scratch, uint32_t, n_nodes);
    if (order == NULL || e.index == NULL) {
        return SY_ENOMEM;
    }
    SY_TRY(find_producers(&e, nodes));
    SY_TRY(is_sorted(&e, nodes, &sorted));
    if (sorted) {
        for (uint32_t i = 0; i < e.n_nodes; i++) {
            order[i] = i;
        }
    } else {
        SY_TRY(sort(&e, nodes, order));
    }
    *out = order;
    return SY_OK;
}
