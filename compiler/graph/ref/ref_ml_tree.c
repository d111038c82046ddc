/*
 * ref_ml_tree.c -- TreeEnsembleClassifier, TreeEnsembleRegressor, TreeEnsemble.
 *
 * All three become one forest first: nodes in one array, each leaf with the range of its weights. Whatever the
 * attributes say is checked there; links may still run in circles, so a walk that visits more nodes than there are ends.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_ml.h"

#include "systole/graph/forest.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

typedef enum node_mode { MODE_LEQ, MODE_LT, MODE_GTE, MODE_GT, MODE_EQ, MODE_NEQ, MODE_MEMBER, MODE_LEAF } node_mode;

typedef struct tree_node {
    double value;
    int32_t yes, no; /* nodes; -1: there is none */
    int32_t feature;
    int32_t first, n; /* of a leaf its weights, of a set its members */
    uint8_t mode;     /* node_mode; small, as forests should fit the caches */
    bool missing_is_true;
} tree_node;

typedef struct tree_weight {
    int64_t target;
    double value;
} tree_weight;

typedef enum tree_sum { SUM_AVERAGE, SUM_SUM, SUM_MIN, SUM_MAX } tree_sum;

#define BLOCK_ROWS 64

typedef struct tree_classes {
    ir_ml_labels labels;
    bool one_id;       /* two classes, but all weights are of one */
    bool all_positive; /* weights */
} tree_classes;

typedef struct ir_forest {
    const ir_kernel_args *args; /* of the run */
    int64_t n_nodes, n_roots, n_weights, n_targets;
    tree_node *nodes;
    int64_t *roots;
    tree_weight *weights;
    double *members;
    tree_sum how;
    int64_t n_base;
    double *base;
    bool narrow; /* sums are of fp32, as both evaluators have them: for all operands but f64 */
    ir_ml_post post;
    bool classifier;
    tree_classes classes;
    /* of the run: a block of rows */
    int64_t stride; /* of a row's scores: two may become of one */
    double *features, *scores;
    bool *has;
} forest;

static sy_status wrong(const forest *f, const char *name, int64_t n, int64_t want)
{
    return base_fail(f->args->diag, SY_EINVAL, "attribute '%s' has %" PRId64 " entries, expected %" PRId64, name, n, want);
}

static sy_status check_size(const forest *f, int64_t n)
{
    return n <= INT32_MAX ? SY_OK : base_fail(f->args->diag, SY_ERANGE, "%" PRId64 " nodes or weights are too many", n);
}

/* A list of integers that must have n entries. `needed`: else it may be absent (NULL). */
static sy_status ints_of(const forest *f, const char *name, int64_t n, bool needed, const int64_t **out)
{
    const uint32_t have = ir_node_ints(f->args->node, name, out);
    return have == n || (have == 0 && !needed) ? SY_OK : wrong(f, name, have, n);
}

static sy_status tensor_of(const forest *f, const char *name, ir_tensor *out)
{
    ir_const *c = ir_node_tensor(f->args->node, name);
    *out = (ir_tensor){ 0 };
    if (c == NULL) {
        return SY_OK;
    }
    SY_TRY(ir_const_tensor(f->args->node->graph->module, c, f->args->diag, out));
    return ir_ref_is_float(out->dtype) || ir_ref_is_integer(out->dtype)
               ? SY_OK
               : base_fail(f->args->diag, SY_EINVAL, "attribute '%s' is of %s", name, sy_dtype_name(out->dtype));
}

/* Numbers from a list, or from the tensor `name`_as_tensor or `name` itself; *n of them. */
static sy_status numbers_of(const forest *f, const char *name, const char *tensor_name, int64_t *n, double **out)
{
    const float *list = NULL;
    ir_tensor t;
    *n = ir_node_floats(f->args->node, name, &list);
    SY_TRY(tensor_of(f, tensor_name, &t));
    if (*n == 0 && t.dtype != SY_DT_NONE) {
        *n = ir_tensor_n_elements(&t);
    }
    *out = BASE_ARENA_ARRAY(f->args->scratch, double, (size_t)*n);
    if (*out == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t i = 0; i < *n; i++) {
        (*out)[i] = list != NULL ? (double)list[i] : ir_ml_number(&t, i);
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- operator set 1 and 3 */

typedef struct node_id {
    int64_t tree, node;
} node_id;

static sy_status index_nodes(const forest *f, const int64_t *trees, const int64_t *ids, ir_ref_index *out)
{
    node_id *keys = BASE_ARENA_ARRAY(f->args->scratch, node_id, (size_t)f->n_nodes);
    ir_text *texts = BASE_ARENA_ARRAY(f->args->scratch, ir_text, (size_t)f->n_nodes);
    if (keys == NULL || texts == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t i = 0; i < f->n_nodes; i++) {
        keys[i] = (node_id){ trees[i], ids[i] };
        texts[i] = (ir_text){ (const char *)&keys[i], sizeof keys[i] };
    }
    return ir_ref_index_make(f->args->scratch, f->n_nodes, NULL, texts, false, out);
}

static int64_t node_at(const ir_ref_index *index, int64_t tree, int64_t id)
{
    const node_id key = { tree, id };
    const ir_text text = { (const char *)&key, sizeof key };
    return ir_ref_index_text(index, &text);
}

static sy_status mode_of(const forest *f, const ir_str *name, uint8_t *out)
{
    static const char *const names[] = { [MODE_LEQ] = "BRANCH_LEQ", [MODE_LT] = "BRANCH_LT",   [MODE_GTE] = "BRANCH_GTE",
                                         [MODE_GT] = "BRANCH_GT",   [MODE_EQ] = "BRANCH_EQ",   [MODE_NEQ] = "BRANCH_NEQ",
                                         [MODE_MEMBER] = "",        [MODE_LEAF] = "LEAF" };
    for (int i = MODE_LEQ; i <= MODE_LEAF; i++) {
        if (names[i][0] != '\0' && strlen(names[i]) == name->n && memcmp(names[i], name->text, name->n) == 0) {
            *out = (uint8_t)i;
            return SY_OK;
        }
    }
    return base_fail(f->args->diag, SY_EINVAL, "attribute 'nodes_modes' has '%s', which is not known", name->text);
}

/* A number of a feature; all that cannot be one are too large. */
static int32_t feature_of(int64_t number)
{
    return number < INT32_MAX && number > INT32_MIN ? (int32_t)number : INT32_MAX;
}

/* The nodes and their links; `index` finds them by tree and number. */
static sy_status read_nodes(forest *f, ir_ref_index *index)
{
    const ir_attr *modes = ir_node_attr(f->args->node, "nodes_modes");
    const int64_t *trees, *ids, *features, *yes, *no, *missing;
    double *values;
    int64_t n_values = 0;
    f->n_nodes = modes != NULL && modes->kind == IR_ATTR_STRINGS ? modes->n : 0;
    SY_TRY(check_size(f, f->n_nodes));
    SY_TRY(ints_of(f, "nodes_treeids", f->n_nodes, true, &trees));
    SY_TRY(ints_of(f, "nodes_nodeids", f->n_nodes, true, &ids));
    SY_TRY(ints_of(f, "nodes_featureids", f->n_nodes, true, &features));
    SY_TRY(ints_of(f, "nodes_truenodeids", f->n_nodes, true, &yes));
    SY_TRY(ints_of(f, "nodes_falsenodeids", f->n_nodes, true, &no));
    SY_TRY(ints_of(f, "nodes_missing_value_tracks_true", f->n_nodes, false, &missing));
    SY_TRY(numbers_of(f, "nodes_values", "nodes_values_as_tensor", &n_values, &values));
    if (n_values != f->n_nodes || f->n_nodes == 0) {
        return wrong(f, "nodes_values", n_values, f->n_nodes);
    }
    SY_TRY(index_nodes(f, trees, ids, index));
    f->nodes = BASE_ARENA_ARRAY(f->args->scratch, tree_node, (size_t)f->n_nodes);
    f->roots = BASE_ARENA_ARRAY(f->args->scratch, int64_t, (size_t)f->n_nodes);
    if (f->nodes == NULL || f->roots == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t i = 0; i < f->n_nodes; i++) {
        tree_node *n = &f->nodes[i];
        *n = (tree_node){ .feature = feature_of(features[i]), .value = values[i], .yes = -1, .no = -1 };
        n->missing_is_true = missing != NULL && missing[i] != 0;
        SY_TRY(mode_of(f, &modes->u.strings[i], &n->mode));
        if (n->mode != MODE_LEAF) {
            n->yes = (int32_t)node_at(index, trees[i], yes[i]);
            n->no = (int32_t)node_at(index, trees[i], no[i]);
        }
        if (i == 0 || trees[i] != trees[i - 1]) { /* a tree begins with its root */
            f->roots[f->n_roots++] = i;
        }
    }
    return SY_OK;
}

/* Weights of the leaves: `prefix`_treeids, _nodeids, _ids and _weights. */
static sy_status read_weights(forest *f, const ir_ref_index *index, const char *const names[5])
{
    const int64_t *trees, *ids, *targets;
    double *values;
    SY_TRY(numbers_of(f, names[3], names[4], &f->n_weights, &values));
    SY_TRY(check_size(f, f->n_weights));
    SY_TRY(ints_of(f, names[0], f->n_weights, true, &trees));
    SY_TRY(ints_of(f, names[1], f->n_weights, true, &ids));
    SY_TRY(ints_of(f, names[2], f->n_weights, true, &targets));
    int64_t *nodes = BASE_ARENA_ARRAY(f->args->scratch, int64_t, (size_t)f->n_weights);
    f->weights = BASE_ARENA_ARRAY(f->args->scratch, tree_weight, (size_t)f->n_weights);
    if (nodes == NULL || f->weights == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t i = 0; i < f->n_weights; i++) {
        nodes[i] = node_at(index, trees[i], ids[i]);
        if (nodes[i] < 0 || targets[i] < 0 || targets[i] >= f->n_targets) {
            return base_fail(f->args->diag, SY_EINVAL,
                             "weight %" PRId64 " is of node %" PRId64 " of tree %" PRId64 " and result %" PRId64 " of %" PRId64 ": there is no such",
                             i, ids[i], trees[i], targets[i], f->n_targets);
        }
        f->nodes[nodes[i]].n++;
    }
    for (int64_t i = 0, at = 0; i < f->n_nodes; i++) {
        f->nodes[i].first = (int32_t)at;
        at += f->nodes[i].n;
        f->nodes[i].n = 0;
    }
    for (int64_t i = 0; i < f->n_weights; i++) {
        tree_node *n = &f->nodes[nodes[i]];
        f->weights[n->first + n->n++] = (tree_weight){ targets[i], values[i] };
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- operator set 5 */

/* The sets of the nodes that test membership: one after the other, NaN between them. */
static sy_status read_members(forest *f, int64_t n_inner)
{
    int64_t n = 0;
    SY_TRY(numbers_of(f, "", "membership_values", &n, &f->members));
    for (int64_t i = 0, at = 0; i < n_inner; i++) {
        tree_node *node = &f->nodes[i];
        if (node->mode != MODE_MEMBER) {
            continue;
        }
        node->first = (int32_t)at;
        while (at < n && !isnan(f->members[at])) {
            at++;
        }
        node->n = (int32_t)(at - node->first);
        at += at < n;
    }
    return SY_OK;
}

static sy_status link_of(const forest *f, const int64_t *links, const int64_t *leaves, int64_t i, int64_t n_inner,
                         int32_t *out)
{
    const int64_t n = leaves[i] != 0 ? f->n_nodes - n_inner : n_inner;
    if (links[i] < 0 || links[i] >= n) {
        return base_fail(f->args->diag, SY_EINVAL, "node %" PRId64 " leads to %s %" PRId64 " of %" PRId64, i,
                         leaves[i] != 0 ? "leaf" : "node", links[i], n);
    }
    *out = (int32_t)(leaves[i] != 0 ? n_inner + links[i] : links[i]);
    return SY_OK;
}

static sy_status read_inner(forest *f, int64_t n_inner, const ir_tensor *modes, const double *values)
{
    const int64_t *features, *yes, *no, *yes_leaf, *no_leaf, *missing;
    SY_TRY(ints_of(f, "nodes_featureids", n_inner, true, &features));
    SY_TRY(ints_of(f, "nodes_truenodeids", n_inner, true, &yes));
    SY_TRY(ints_of(f, "nodes_falsenodeids", n_inner, true, &no));
    SY_TRY(ints_of(f, "nodes_trueleafs", n_inner, true, &yes_leaf));
    SY_TRY(ints_of(f, "nodes_falseleafs", n_inner, true, &no_leaf));
    SY_TRY(ints_of(f, "nodes_missing_value_tracks_true", n_inner, false, &missing));
    for (int64_t i = 0; i < n_inner; i++) {
        tree_node *n = &f->nodes[i];
        const int64_t mode = ir_ref_is_integer(modes->dtype) ? ir_ref_get_int(modes, i) : -1;
        if (mode < MODE_LEQ || mode > MODE_MEMBER) {
            return base_fail(f->args->diag, SY_EINVAL, "attribute 'nodes_modes' has %" PRId64 ", expected 0 to 6", mode);
        }
        *n = (tree_node){ .mode = (uint8_t)mode, .feature = feature_of(features[i]), .value = values[i] };
        n->missing_is_true = missing != NULL && missing[i] != 0;
        SY_TRY(link_of(f, yes, yes_leaf, i, n_inner, &n->yes));
        SY_TRY(link_of(f, no, no_leaf, i, n_inner, &n->no));
    }
    return read_members(f, n_inner);
}

static sy_status read_ensemble(forest *f)
{
    ir_tensor modes;
    const int64_t *targets, *roots;
    double *values, *weights;
    int64_t n_values = 0;
    SY_TRY(tensor_of(f, "nodes_modes", &modes));
    SY_TRY(numbers_of(f, "", "nodes_splits", &n_values, &values));
    SY_TRY(numbers_of(f, "", "leaf_weights", &f->n_weights, &weights));
    const int64_t n_inner = modes.dtype != SY_DT_NONE ? ir_tensor_n_elements(&modes) : 0;
    if (n_values != n_inner || n_inner == 0) {
        return wrong(f, "nodes_splits", n_values, n_inner);
    }
    f->n_nodes = n_inner + f->n_weights;
    SY_TRY(check_size(f, f->n_nodes));
    f->nodes = BASE_ARENA_ARRAY(f->args->scratch, tree_node, (size_t)f->n_nodes);
    f->weights = BASE_ARENA_ARRAY(f->args->scratch, tree_weight, (size_t)f->n_weights);
    if (f->nodes == NULL || f->weights == NULL) {
        return SY_ENOMEM;
    }
    SY_TRY(read_inner(f, n_inner, &modes, values));
    SY_TRY(ints_of(f, "leaf_targetids", f->n_weights, true, &targets));
    for (int64_t i = 0; i < f->n_weights; i++) {
        f->nodes[n_inner + i] = (tree_node){ .mode = MODE_LEAF, .first = (int32_t)i, .n = 1 };
        f->weights[i] = (tree_weight){ targets[i], weights[i] };
        if (targets[i] < 0 || targets[i] >= f->n_targets) {
            return base_fail(f->args->diag, SY_EINVAL, "leaf %" PRId64 " is of target %" PRId64 " of %" PRId64, i,
                             targets[i], f->n_targets);
        }
    }
    f->n_roots = ir_node_ints(f->args->node, "tree_roots", &roots);
    f->roots = base_arena_memdup(f->args->scratch, roots, (size_t)f->n_roots, sizeof *roots);
    if (f->roots == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t i = 0; i < f->n_roots; i++) {
        if (roots[i] < 0 || roots[i] >= n_inner) {
            return base_fail(f->args->diag, SY_EINVAL, "attribute 'tree_roots' has %" PRId64 " of %" PRId64 " nodes",
                             roots[i], n_inner);
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- walks */

static bool is_member(const forest *f, const tree_node *n, double x)
{
    for (int32_t i = 0; i < n->n; i++) {
        if (f->members[n->first + i] == x) {
            return true;
        }
    }
    return false;
}

static bool goes_true(const forest *f, const tree_node *n, double x)
{
    if (isnan(x) && n->missing_is_true) {
        return true;
    }
    switch ((node_mode)n->mode) {
    case MODE_LEQ:
        return x <= n->value;
    case MODE_LT:
        return x < n->value;
    case MODE_GTE:
        return x >= n->value;
    case MODE_GT:
        return x > n->value;
    case MODE_EQ:
        return x == n->value;
    case MODE_NEQ:
        return x != n->value;
    case MODE_MEMBER:
        return is_member(f, n, x);
    case MODE_LEAF:
        break;
    }
    return false;
}

static sy_status walk(const forest *f, const double *row, int64_t width, int64_t at, const tree_node **leaf)
{
    for (int64_t steps = 0; steps <= f->n_nodes; steps++) {
        const tree_node *n = &f->nodes[at];
        if (n->mode == MODE_LEAF) {
            *leaf = n;
            return SY_OK;
        }
        if (n->feature < 0 || n->feature >= width) {
            return base_fail(f->args->diag, SY_ERANGE, "node %" PRId64 " looks at feature %d of %" PRId64, at,
                             n->feature, width);
        }
        const bool yes = goes_true(f, n, row[n->feature]);
        const int64_t next = yes ? n->yes : n->no;
        if (next < 0) {
            return base_fail(f->args->diag, SY_EINVAL, "node %" PRId64 " leads to a node that is not there", at);
        }
        at = next;
    }
    return base_fail(f->args->diag, SY_EINVAL, "the nodes of a tree lead back to one of them");
}

/* Adds the weights of a leaf to the scores of a row. */
static void add_leaf(const forest *f, const tree_node *leaf, double *scores, bool *has)
{
    for (int32_t i = 0; i < leaf->n; i++) {
        const tree_weight *w = &f->weights[leaf->first + i];
        double *s = &scores[w->target];
        switch (f->how) {
        case SUM_AVERAGE:
        case SUM_SUM:
            *s = f->narrow ? (double)((float)*s + (float)w->value) : *s + w->value;
            break;
        case SUM_MIN:
            *s = has[w->target] && *s < w->value ? *s : w->value;
            break;
        case SUM_MAX:
            *s = has[w->target] && *s > w->value ? *s : w->value;
            break;
        }
        has[w->target] = true;
    }
}

/*
 * The scores of the n rows of a block, without base values; has[t]: some leaf gave result t a weight. Tree by tree: a
 * tree stays in the cache for all rows, and each row still adds up its trees in order.
 */
static sy_status score_block(const forest *f, const ir_ml_rows *rows, int64_t first, int64_t n)
{
    const int64_t width = rows->width;
    memset(f->scores, 0, (size_t)(n * f->stride) * sizeof *f->scores);
    memset(f->has, 0, (size_t)(n * f->stride) * sizeof *f->has);
    for (int64_t i = 0; i < n * width; i++) {
        f->features[i] = ir_ml_feature(rows, first, i);
    }
    for (int64_t t = 0; t < f->n_roots; t++) {
        for (int64_t r = 0; r < n; r++) {
            const tree_node *leaf = NULL;
            SY_TRY(walk(f, f->features + r * width, width, f->roots[t], &leaf));
            add_leaf(f, leaf, f->scores + r * f->stride, f->has + r * f->stride);
        }
    }
    for (int64_t i = 0; f->how == SUM_AVERAGE && i < n * f->stride; i++) {
        f->scores[i] /= (double)f->n_roots;
    }
    return SY_OK;
}

static sy_status check_targets(const forest *f)
{
    return f->n_targets >= 1 && f->n_targets <= INT32_MAX
               ? SY_OK
               : base_fail(f->args->diag, SY_EINVAL, "%" PRId64 " results, expected at least 1", f->n_targets);
}

/* Row r of the result, from the scores of the block's row `at`. */
static void regress(const forest *f, int64_t r, int64_t at)
{
    ir_tensor *y = ir_kernel_output(f->args, 0);
    double *scores = f->scores + at * f->stride;
    const bool *has = f->has + at * f->stride;
    for (int64_t t = 0; t < f->n_targets; t++) {
        scores[t] += t < f->n_base && has[t] ? f->base[t] : 0.0; /* what no leaf knows stays 0 */
    }
    (void)ir_ml_finish(f->post, IR_ML_SECOND_NONE, f->n_targets, scores);
    for (int64_t t = 0; y != NULL && t < f->n_targets; t++) {
        ir_ref_put(y, r * f->n_targets + t, scores[t]);
    }
}

static sy_status read_regressor(forest *f)
{
    static const char *const names[] = { [SUM_AVERAGE] = "AVERAGE", [SUM_SUM] = "SUM", [SUM_MIN] = "MIN", [SUM_MAX] = "MAX" };
    static const char *const weights[5] = { "target_treeids", "target_nodeids", "target_ids", "target_weights",
                                            "target_weights_as_tensor" };
    const char *how = ir_node_string(f->args->node, "aggregate_function", "SUM");
    ir_ref_index index;
    SY_TRY(ir_ml_post_read(f->args, &f->post));
    int i = SUM_AVERAGE;
    while (i <= SUM_MAX && strcmp(how, names[i]) != 0) {
        i++;
    }
    if (i > SUM_MAX) {
        return base_fail(f->args->diag, SY_EINVAL, "attribute 'aggregate_function' is '%s', which is not known", how);
    }
    f->how = (tree_sum)i;
    f->n_targets = ir_node_int(f->args->node, "n_targets", 1);
    SY_TRY(check_targets(f));
    SY_TRY(read_nodes(f, &index));
    SY_TRY(read_weights(f, &index, weights));
    return numbers_of(f, "base_values", "base_values_as_tensor", &f->n_base, &f->base);
}

static sy_status read_version_5(forest *f)
{
    const int64_t how = ir_node_int(f->args->node, "aggregate_function", SUM_SUM);
    const int64_t post = ir_node_int(f->args->node, "post_transform", IR_ML_NONE);
    if (how < SUM_AVERAGE || how > SUM_MAX || post < IR_ML_NONE || post > IR_ML_PROBIT) {
        return base_fail(f->args->diag, SY_EINVAL,
                         "aggregate_function %" PRId64 " or post_transform %" PRId64 " is not known", how, post);
    }
    f->how = (tree_sum)how;
    f->post = (ir_ml_post)post;
    f->n_targets = ir_node_int(f->args->node, "n_targets", 1);
    SY_TRY(check_targets(f));
    return read_ensemble(f);
}

/* ---------------------------------------------------------------- classes */

/*
 * Base values of at most two classes; returns how many scores there are: one stands for both unless the second has its
 * own. A class that no leaf gave a weight keeps the score 0.
 */
static int64_t binary_scores(const forest *f, double *s, const bool *has)
{
    if (f->n_base == 2) {
        if (has[1]) { /* the second base value counts, the first is not used */
            s[1] = f->base[1] + s[0];
            s[0] = has[0] ? -s[1] : 0.0;
        } else {
            s[0] += has[0] ? f->base[0] : 0.0;
        }
        return 2;
    }
    s[0] += f->n_base == 1 && has[0] ? f->base[0] : 0.0;
    return f->n_targets == 2 && has[1] ? 2 : 1;
}

static int64_t binary_class(const forest *f, const tree_classes *c, int64_t n, const double *s, const bool *has, ir_ml_second *second)
{
    const double positive = n == 2 && has[1] ? s[1] : s[0];
    *second = IR_ML_SECOND_NONE;
    if (c->labels.strings && c->labels.n == 1) {
        return 0; /* there is no other text */
    }
    const bool share = c->one_id && c->all_positive;
    if (f->n_targets == 2 && (f->n_base != 1 || c->one_id)) {
        *second = share ? IR_ML_SECOND_COMPLEMENT : IR_ML_SECOND_NEGATED;
    }
    return positive > (share ? 0.5 : 0.0);
}

/* Adds base values; the largest of the scores that some leaf or base value gave. */
static int64_t best_class(const forest *f, double *scores, const bool *has)
{
    const bool base = f->n_base == f->n_targets;
    int64_t best = -1;
    for (int64_t t = 0; t < f->n_targets; t++) {
        scores[t] += base ? f->base[t] : 0.0;
        if ((base || has[t]) && (best < 0 || scores[t] > scores[best])) {
            best = t;
        }
    }
    return best < 0 ? 0 : best;
}

/* Row r of the scores, from the block's row `at`; its class. */
static int64_t classify(const forest *f, int64_t r, int64_t at)
{
    ir_tensor *z = ir_kernel_output(f->args, 1);
    double *scores = f->scores + at * f->stride;
    const bool *has = f->has + at * f->stride;
    int64_t n = f->n_targets, class;
    ir_ml_second second = IR_ML_SECOND_NONE;
    if (n > 2) {
        class = best_class(f, scores, has);
    } else {
        n = binary_scores(f, scores, has);
        class = binary_class(f, &f->classes, n, scores, has, &second);
    }
    n = ir_ml_finish(f->post, second, n, scores);
    for (int64_t t = 0; z != NULL && t < f->n_targets; t++) {
        ir_ref_put(z, r * f->n_targets + t, t < n ? scores[t] : 0.0);
    }
    return class;
}

static sy_status read_classifier(forest *f)
{
    static const char *const weights[5] = { "class_treeids", "class_nodeids", "class_ids", "class_weights",
                                            "class_weights_as_tensor" };
    tree_classes *c = &f->classes;
    ir_ref_index index;
    f->classifier = true;
    f->how = SUM_SUM;
    SY_TRY(ir_ml_post_read(f->args, &f->post));
    SY_TRY(ir_ml_labels_read(f->args, "classlabels_int64s", "classlabels_strings", &c->labels));
    f->n_targets = c->labels.n;
    SY_TRY(check_targets(f));
    SY_TRY(read_nodes(f, &index));
    SY_TRY(read_weights(f, &index, weights));
    SY_TRY(numbers_of(f, "base_values", "base_values_as_tensor", &f->n_base, &f->base));
    c->one_id = f->n_targets == 2;
    c->all_positive = true;
    for (int64_t i = 0; i < f->n_weights; i++) {
        c->one_id = c->one_id && f->weights[i].target == f->weights[0].target;
        c->all_positive = c->all_positive && f->weights[i].value >= 0.0;
    }
    if (f->n_targets == 1 && !c->labels.strings) {
        c->labels.n = 0; /* positive or not: 1 or 0 */
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- the kernel */

sy_status ir_forest_read(const ir_node *node, base_arena *arena, base_diag *diag, ir_forest **out)
{
    const ir_kernel_args args = { .node = node, .scratch = arena, .diag = diag };
    forest *f = BASE_ARENA_NEW(arena, forest);
    if (f == NULL) {
        return SY_ENOMEM;
    }
    f->args = &args;
    SY_TRY(ir_node_is(node, IR_OP_ML_TREEENSEMBLE)             ? read_version_5(f)
           : ir_node_is(node, IR_OP_ML_TREEENSEMBLECLASSIFIER) ? read_classifier(f)
                                                               : read_regressor(f));
    f->args = NULL;
    *out = f;
    return SY_OK;
}

sy_status ir_forest_run(const ir_forest *read, const ir_kernel_args *args)
{
    forest f = *read;
    ir_ml_rows rows;
    f.args = args;
    SY_TRY(ir_ml_rows_read(args, &rows));
    const size_t block = (size_t)(rows.n < BLOCK_ROWS ? rows.n : BLOCK_ROWS);
    f.narrow = rows.x->dtype != SY_DT_F64;
    f.stride = f.n_targets + 1;
    f.features = base_arena_alloc(args->scratch, block, (size_t)rows.width * sizeof *f.features);
    f.scores = base_arena_alloc(args->scratch, block, (size_t)f.stride * sizeof *f.scores);
    f.has = base_arena_alloc(args->scratch, block, (size_t)f.stride * sizeof *f.has);
    int64_t *classes = BASE_ARENA_ARRAY(args->scratch, int64_t, (size_t)rows.n);
    if (f.features == NULL || f.scores == NULL || f.has == NULL || classes == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t first = 0; first < rows.n; first += BLOCK_ROWS) {
        const int64_t n = rows.n - first < BLOCK_ROWS ? rows.n - first : BLOCK_ROWS;
        SY_TRY(score_block(&f, &rows, first, n));
        for (int64_t at = 0; at < n; at++) {
            if (f.classifier) {
                classes[first + at] = classify(&f, first + at, at);
            } else {
                regress(&f, first + at, at);
            }
        }
    }
    return f.classifier ? ir_ml_labels_write(args, &f.classes.labels, rows.n, classes) : SY_OK;
}

sy_status ir_ref_ml_tree(const ir_kernel_args *args)
{
    ir_forest *f = NULL;
    SY_TRY(ir_forest_read(args->node, args->scratch, args->diag, &f));
    return ir_forest_run(f, args);
}
