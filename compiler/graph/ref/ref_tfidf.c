/*
 * ref_tfidf.c -- TfIdfVectorizer: counts the n-grams of a pool in each row of tokens.
 *
 * Tokens become numbers first: the place of the first equal token in the pool, or -1. The pool's n-grams lie in a tree
 * of prefixes, whose edges are found by (node, token).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_text.h"

#include <inttypes.h>
#include <string.h>

typedef struct vectorizer {
    const ir_kernel_args *args;
    int64_t min_length, max_length, max_skip;
    int64_t n_pool;         /* tokens */
    const int64_t *tokens;  /* [n_pool] as numbers */
    int64_t n_indexes;
    const int64_t *indexes; /* result place of each n-gram */
    const float *weights;   /* [n_indexes] or NULL: 1 */
    /* the tree: node 0 is the root */
    int64_t n_nodes;
    int64_t *grams;         /* [nodes] the n-gram that ends here, -1: none */
    uint64_t mask;          /* edges: open addressing */
    struct edge {
        int64_t node, token, to; /* to 0: free */
    } *edges;
} vectorizer;

static struct edge *edge_of(const vectorizer *v, int64_t node, int64_t token)
{
    const uint64_t h = ((uint64_t)node * 0x9e3779b97f4a7c15u) ^ ((uint64_t)token * 0xbf58476d1ce4e5b9u);
    for (uint64_t i = h ^ (h >> 29);; i++) {
        struct edge *e = &v->edges[i & v->mask];
        if (e->to == 0 || (e->node == node && e->token == token)) {
            return e;
        }
    }
}

static int64_t length_attribute(const vectorizer *v, const char *name)
{
    return ir_node_int(v->args->node, name, 0);
}

/* The pool, cut into n-grams as ngram_counts says, into the tree. */
static sy_status build_tree(vectorizer *v)
{
    const int64_t *starts = NULL;
    base_arena *scratch = v->args->scratch;
    const uint32_t n_starts = ir_node_ints(v->args->node, "ngram_counts", &starts);
    uint64_t size = 16;
    while (size < (uint64_t)v->n_pool * 2 + 2) {
        size *= 2;
    }
    v->mask = size - 1;
    v->edges = BASE_ARENA_ARRAY(scratch, struct edge, size);
    v->grams = BASE_ARENA_ARRAY(scratch, int64_t, (size_t)v->n_pool + 1);
    if (v->edges == NULL || v->grams == NULL) {
        return SY_ENOMEM;
    }
    v->n_nodes = 1;
    v->grams[0] = -1;
    int64_t gram = 0;
    for (uint32_t k = 0; k < n_starts; k++) {
        const int64_t length = (int64_t)k + 1, from = starts[k], to = k + 1 < n_starts ? starts[k + 1] : v->n_pool;
        if (from < 0 || to < from || to > v->n_pool || (to - from) % length != 0) {
            return base_fail(v->args->diag, SY_EINVAL, "attribute 'ngram_counts': %" PRId64 "-grams from %" PRId64 " to %" PRId64 " of a pool of %" PRId64,
                             length, from, to, v->n_pool);
        }
        for (int64_t at = from; at < to; at += length, gram++) {
            int64_t node = 0;
            for (int64_t i = 0; i < length; i++) {
                struct edge *e = edge_of(v, node, v->tokens[at + i]);
                if (e->to == 0) {
                    *e = (struct edge){ node, v->tokens[at + i], v->n_nodes };
                    v->grams[v->n_nodes++] = -1;
                }
                node = e->to;
            }
            if (gram >= v->n_indexes) {
                return base_fail(v->args->diag, SY_EINVAL, "attribute 'ngram_indexes' has %" PRId64 " entries, the pool more n-grams",
                                 v->n_indexes);
            }
            v->grams[node] = gram;
        }
    }
    return SY_OK;
}

/* Adds what begins at each token of a row to the counts, for every distance between tokens that is allowed. */
static void count_row(const vectorizer *v, const int64_t *row, int64_t n, int64_t *counts)
{
    for (int64_t distance = 1; distance <= v->max_skip + 1 && (distance == 1 || distance < n); distance++) {
        for (int64_t first = 0; first < n; first++) {
            int64_t node = 0;
            for (int64_t length = 1, at = first; length <= v->max_length && at < n; length++, at += distance) {
                const struct edge *e = edge_of(v, node, row[at]);
                if (row[at] < 0 || e->to == 0) {
                    break;
                }
                node = e->to;
                /* one token has no distance: it counts once */
                if (v->grams[node] >= 0 && length >= v->min_length && (length > 1 || distance == 1)) {
                    counts[v->grams[node]]++;
                }
            }
        }
    }
}

/* Tokens of pool and operand as numbers. */
static sy_status number_tokens(vectorizer *v, const ir_tensor *x, int64_t n, int64_t *out)
{
    base_arena *scratch = v->args->scratch;
    const int64_t *ints = NULL;
    ir_text *pool = NULL, *texts = NULL;
    uint32_t n_pool = 0;
    ir_ref_index index;
    if (x->dtype == SY_DT_STRING) {
        SY_TRY(ir_ref_attr_texts(v->args, "pool_strings", &n_pool, &pool));
        SY_TRY(ir_ref_texts(v->args, x, &texts));
    } else {
        SY_TRY(ir_ref_need(v->args, x, x->dtype == SY_DT_I32 || x->dtype == SY_DT_I64));
        n_pool = ir_node_ints(v->args->node, "pool_int64s", &ints);
    }
    v->n_pool = n_pool;
    SY_TRY(ir_ref_index_make(scratch, n_pool, ints, pool, false, &index));
    int64_t *tokens = BASE_ARENA_ARRAY(scratch, int64_t, n_pool);
    if (tokens == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t i = 0; i < n_pool; i++) {
        tokens[i] = pool != NULL ? ir_ref_index_text(&index, &pool[i]) : ir_ref_index_int(&index, ints[i]);
    }
    v->tokens = tokens;
    for (int64_t i = 0; i < n; i++) {
        out[i] = texts != NULL ? ir_ref_index_text(&index, &texts[i]) : ir_ref_index_int(&index, ir_tensor_get_i64(x, i));
    }
    return SY_OK;
}

static sy_status fill(const vectorizer *v, const ir_tensor *x, const int64_t *tokens, ir_tensor *y)
{
    const char *mode = ir_node_string(v->args->node, "mode", "TF");
    const bool tf = strcmp(mode, "TF") == 0, idf = strcmp(mode, "IDF") == 0;
    if (!tf && !idf && strcmp(mode, "TFIDF") != 0) {
        return base_fail(v->args->diag, SY_EINVAL, "attribute 'mode' is '%s', expected TF, IDF or TFIDF", mode);
    }
    const int64_t n_rows = x->rank == 2 ? x->dims[0] : 1, n = x->rank == 0 ? 1 : x->dims[x->rank - 1];
    const int64_t width = y->dims[y->rank - 1];
    int64_t *counts = BASE_ARENA_ARRAY(v->args->scratch, int64_t, (size_t)v->n_indexes);
    if (counts == NULL) {
        return SY_ENOMEM;
    }
    memset(y->data, 0, y->size_bytes);
    for (int64_t r = 0; r < n_rows; r++) {
        float *row = (float *)y->data + r * width;
        memset(counts, 0, (size_t)v->n_indexes * sizeof *counts);
        count_row(v, tokens + r * n, n, counts);
        for (int64_t g = 0; g < v->n_indexes; g++) {
            const float weight = tf || v->weights == NULL ? 1.0f : v->weights[g];
            if (counts[g] > 0) {
                row[v->indexes[g]] = idf ? weight : (float)counts[g] * weight;
            }
        }
    }
    return SY_OK;
}

sy_status ir_ref_tfidf_vectorizer(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    if (y == NULL) {
        return SY_OK;
    }
    vectorizer v = { .args = args };
    v.min_length = length_attribute(&v, "min_gram_length");
    v.max_length = length_attribute(&v, "max_gram_length");
    v.max_skip = length_attribute(&v, "max_skip_count");
    v.n_indexes = ir_node_ints(args->node, "ngram_indexes", &v.indexes);
    const uint32_t n_weights = ir_node_floats(args->node, "weights", &v.weights);
    if (v.min_length < 1 || v.max_length < v.min_length || v.max_skip < 0 || v.max_skip == INT64_MAX ||
        (n_weights != 0 && n_weights != (uint64_t)v.n_indexes)) {
        return base_fail(args->diag, SY_EINVAL, "lengths of n-grams, skip count or number of weights out of range");
    }
    const int64_t n = ir_tensor_n_elements(x);
    int64_t *tokens = BASE_ARENA_ARRAY(args->scratch, int64_t, (size_t)n);
    if (tokens == NULL) {
        return SY_ENOMEM;
    }
    SY_TRY(number_tokens(&v, x, n, tokens));
    SY_TRY(build_tree(&v));
    return fill(&v, x, tokens, y);
}
