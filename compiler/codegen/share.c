/*
 * share.c -- see share.h.
 *
 * Whether two values of a sequence share a parameter is decided for all occurrences at once: each value has a hash over what it differs from its first occurrence
 * by. Equal hashes: they differ by a constant; hash 0: it is one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "share.h"

#include <stdlib.h>
#include <string.h>

#include "systole/base/assert.h"

enum {
    MIN_SAVING = 12,   /* words */
    MAX_CANDIDATES = 24, /* pairs looked at closely in a round */
    MAX_ROUNDS = 300,
    BODY_WORDS = 8 /* return, and saving what it must */
};

typedef struct sharer {
    base_arena *arena;
    cc_rule_vec *rules;
    cc_node **items;
    size_t n;
    uint32_t call_words;
} sharer;

/* Places in the list where a sequence of `length` items of one shape begins. */
typedef struct occurrences {
    const size_t *at;
    size_t n;
    size_t length;
} occurrences;

/* The values of a sequence: parameter (or -1) and constant of each. */
typedef struct layout {
    uint32_t n_values, n_parameters;
    int32_t *parameter;
    uint32_t *base;   /* in the first occurrence */
    uint32_t *leader; /* index of the value that is the parameter */
} layout;

/* A value of the sequence at `at`, and the layer's parameter in it. */
static void value_of(const sharer *s, size_t at, uint32_t index, uint32_t *value, uint8_t *added) {
    while (index >= s->items[at]->n_values) {
        index -= s->items[at++]->n_values;
    }
    *value = s->items[at]->values[index];
    *added = s->items[at]->added != NULL ? s->items[at]->added[index] : 0;
}

static uint32_t values_of(const sharer *s, const occurrences *o) {
    uint32_t n = 0;
    for (size_t k = 0; k < o->length; k++) {
        n += s->items[o->at[0] + k]->n_values;
    }
    return n;
}

/* Finds out which values are constants and which go together. */
static sy_status find_layout(sharer *s, const occurrences *o, layout *out) {
    layout l = {.n_values = values_of(s, o)};
    uint64_t *hashes = base_arena_alloc(s->arena, l.n_values, sizeof *hashes);
    l.parameter = base_arena_alloc(s->arena, l.n_values, sizeof *l.parameter);
    l.base = base_arena_alloc(s->arena, l.n_values, sizeof *l.base);
    l.leader = base_arena_alloc(s->arena, l.n_values, sizeof *l.leader);
    if (hashes == NULL || l.parameter == NULL || l.base == NULL || l.leader == NULL) {
        return SY_ENOMEM;
    }
    for (size_t i = 0; i < o->n; i++) {
        const uint64_t weight = cc_mix(1, i) | 1;
        uint32_t v = 0;
        for (size_t k = 0; k < o->length; k++) {
            const cc_node *node = s->items[o->at[i] + k];
            for (uint32_t j = 0; j < node->n_values; j++, v++) {
                if (i == 0) {
                    l.base[v] = node->values[j];
                    hashes[v] = node->added != NULL && node->added[j] != 0 ? cc_mix(2, node->added[j]) : 0; /* never a constant */
                }
                hashes[v] += weight * cc_mix(0, node->values[j] - l.base[v]) - weight * cc_mix(0, 0);
            }
        }
    }
    for (uint32_t v = 0; v < l.n_values; v++) {
        l.parameter[v] = -1;
        for (uint32_t p = 0; hashes[v] != 0 && p < l.n_parameters && l.parameter[v] < 0; p++) {
            if (hashes[l.leader[p]] == hashes[v]) {
                l.parameter[v] = (int32_t)p;
            }
        }
        if (hashes[v] != 0 && l.parameter[v] < 0) {
            l.leader[l.n_parameters] = v;
            l.parameter[v] = (int32_t)l.n_parameters++;
        }
    }
    *out = l;
    return SY_OK;
}

static uint32_t call_cost(const sharer *s, uint32_t n_parameters) {
    enum { IN_REGISTERS = 8 }; /* the others are stored, and loaded again */
    return s->call_words + n_parameters + n_parameters / 2 + (n_parameters > IN_REGISTERS ? 2 * (n_parameters - IN_REGISTERS) : 0);
}

/* Words that a rule for the sequence saves. */
static int64_t saving(const sharer *s, const occurrences *o, const layout *l) {
    if (l->n_parameters > CC_MAX_PARAMETERS) {
        return 0;
    }
    int64_t body = 0;
    for (size_t k = 0; k < o->length; k++) {
        body += s->items[o->at[0] + k]->cost;
    }
    return (int64_t)o->n * (body - call_cost(s, l->n_parameters)) - body - BODY_WORDS;
}

/* A copy of a node with other values, to which nothing is added. */
static cc_node *with_values(base_arena *arena, const cc_node *node, const uint32_t *values) {
    cc_node *copy = base_arena_memdup(arena, node, 1, sizeof *node);
    if (copy != NULL) {
        copy->values = values;
        copy->added = NULL;
    }
    return copy;
}

static cc_rule *make_rule(sharer *s, const occurrences *o, const layout *l) {
    cc_rule *rule = BASE_ARENA_NEW(s->arena, cc_rule);
    uint32_t *values = base_arena_alloc(s->arena, l->n_values, sizeof *values);
    if (rule == NULL || values == NULL || (rule->items = base_arena_alloc(s->arena, o->length, sizeof(cc_node *))) == NULL) {
        return NULL;
    }
    rule->n_parameters = l->n_parameters;
    rule->n_items = (uint32_t)o->length;
    rule->n_values = l->n_values;
    for (uint32_t p = 0; p < l->n_parameters; p++) {
        uint32_t *terms = base_arena_alloc(s->arena, l->n_values, sizeof *terms);
        if (terms == NULL) {
            return NULL;
        }
        for (uint32_t v = 0; v < l->n_values; v++) {
            terms[v] = l->parameter[v] == (int32_t)p;
        }
        rule->terms[p] = terms;
    }
    for (uint32_t v = 0; v < l->n_values; v++) {
        values[v] = l->base[v] - (l->parameter[v] >= 0 ? l->base[l->leader[l->parameter[v]]] : 0);
    }
    for (uint32_t k = 0; k < rule->n_items; k++) {
        const cc_node *item = s->items[o->at[0] + k];
        rule->items[k] = with_values(s->arena, item, values);
        if (rule->items[k] == NULL) {
            return NULL;
        }
        values += item->n_values;
    }
    return base_vec_push(s->arena, s->rules, rule) ? rule : NULL;
}

/* The shape of a leaf or a call, from that without what is added. */
static uint64_t shape_of(uint64_t shape, const cc_node *node) {
    for (uint32_t v = 0; v < node->n_values && node->added != NULL; v++) {
        shape = node->added[v] != 0 ? cc_mix(shape, (uint64_t)v << 8 | node->added[v]) : shape;
    }
    return shape;
}

/* Replaces all occurrences (in rising order, apart from each other) by calls of a new rule. */
static sy_status apply(sharer *s, const occurrences *o, const layout *l) {
    cc_rule *rule = make_rule(s, o, l);
    cc_node *calls = base_arena_alloc(s->arena, o->n, sizeof *calls);
    if (rule == NULL || calls == NULL) {
        return SY_ENOMEM;
    }
    size_t out = 0;
    size_t from = 0;
    for (size_t i = 0; i < o->n; i++) {
        uint32_t *arguments = base_arena_alloc(s->arena, l->n_parameters, sizeof *arguments);
        if (arguments == NULL) {
            return SY_ENOMEM;
        }
        uint8_t *added = base_arena_alloc(s->arena, l->n_parameters, sizeof *added);
        if (added == NULL) {
            return SY_ENOMEM;
        }
        for (uint32_t p = 0; p < l->n_parameters; p++) {
            value_of(s, o->at[i], l->leader[p], &arguments[p], &added[p]);
        }
        for (; from < o->at[i]; from++) {
            s->items[out++] = s->items[from];
        }
        calls[i] = (cc_node){.rule = rule, .n_values = l->n_parameters, .values = arguments, .cost = call_cost(s, l->n_parameters)};
        calls[i].added = added;
        calls[i].shape = shape_of(cc_mix(0x5255, s->rules->n), &calls[i]);
        s->items[out++] = &calls[i];
        from += o->length;
    }
    for (; from < s->n; from++) {
        s->items[out++] = s->items[from];
    }
    s->n = out;
    return SY_OK;
}

/* Makes a rule if that saves enough. */
static sy_status try_apply(sharer *s, const occurrences *o, bool *applied) {
    layout l;
    *applied = false;
    if (o->n < 2) {
        return SY_OK;
    }
    SY_TRY(find_layout(s, o, &l));
    if (saving(s, o, &l) < MIN_SAVING) {
        return SY_OK;
    }
    *applied = true;
    return apply(s, o, &l);
}

/* ---------------------------------------------------------------- sequences by key */

typedef struct place {
    uint64_t key;
    size_t at;
} place;

static int compare_places(const void *a, const void *b) {
    const place *x = a;
    const place *y = b;
    return x->key != y->key ? (x->key < y->key ? -1 : 1) : x->at != y->at ? (x->at < y->at ? -1 : 1) : 0;
}

/* Places of one key in a sorted array, from *i on; moves *i behind them. */
static sy_status next_group(sharer *s, const place *places, size_t n, size_t *i, size_t length, occurrences *out) {
    size_t end = *i;
    while (end < n && places[end].key == places[*i].key) {
        end++;
    }
    size_t *at = base_arena_alloc(s->arena, end - *i, sizeof *at);
    if (at == NULL) {
        return SY_ENOMEM;
    }
    for (size_t k = *i; k < end; k++) {
        at[k - *i] = places[k].at;
    }
    *out = (occurrences){.at = at, .n = end - *i, .length = length};
    *i = end;
    return SY_OK;
}

/* ---------------------------------------------------------------- runs of one unit's commands */

static bool is_data(const cc_node *node) {
    return node->rule == NULL && node->command->mask != 0;
}

static size_t run_at(const sharer *s, size_t i) {
    size_t n = 0;
    while (i + n < s->n && is_data(s->items[i + n]) && s->items[i + n]->command->unit == s->items[i]->command->unit) {
        n++;
    }
    return n;
}

/* Hash of a run's shapes; `strict`: and of what its values differ by from the first command's. */
static uint64_t run_key(const sharer *s, size_t at, size_t length, bool strict) {
    const cc_node *first = s->items[at];
    uint64_t key = length;
    for (size_t k = 0; k < length; k++) {
        const cc_node *node = s->items[at + k];
        key = cc_mix(key, node->shape);
        for (uint32_t v = 0; strict && v < node->n_values; v++) {
            key = cc_mix(key, node->values[v] - (v < first->n_values ? first->values[v] : 0));
        }
    }
    return key;
}

/* Sorted places of all runs of two commands or more. */
static sy_status find_runs(const sharer *s, bool strict, place **out, size_t *n_out) {
    place *places = base_arena_alloc(s->arena, s->n, sizeof *places);
    if (places == NULL) {
        return SY_ENOMEM;
    }
    size_t n = 0;
    for (size_t i = 0; i < s->n;) {
        const size_t length = run_at(s, i);
        if (length >= 2) {
            places[n++] = (place){.key = run_key(s, i, length, strict), .at = i};
        }
        i += length > 0 ? length : 1;
    }
    qsort(places, n, sizeof *places, compare_places);
    *out = places;
    *n_out = n;
    return SY_OK;
}

/* What a rule saves for each run that begins at a place, by the index of the place: its saving divided by its occurrences. */
static sy_status rate_runs(sharer *s, bool strict, double *rates) {
    place *places;
    size_t n;
    SY_TRY(find_runs(s, strict, &places, &n));
    for (size_t i = 0; i < n;) {
        occurrences o;
        layout l;
        SY_TRY(next_group(s, places, n, &i, run_at(s, places[i].at), &o));
        SY_TRY(find_layout(s, &o, &l));
        const int64_t saved = o.n >= 2 ? saving(s, &o, &l) : 0;
        for (size_t k = 0; k < o.n; k++) {
            rates[o.at[k]] = saved >= MIN_SAVING ? (double)saved / (double)o.n : 0;
        }
    }
    return SY_OK;
}

/*
 * Makes rules of runs. Either one rule for all runs of the same shapes, or (strict) one for each kind that differs by constants alone, with fewer
 * parameters: by shape, what saves more.
 */
static sy_status share_runs(sharer *s, bool *changed) {
    place *places;
    size_t n;
    double *loose = base_arena_alloc(s->arena, s->n, sizeof *loose);
    double *strict = base_arena_alloc(s->arena, s->n, sizeof *strict);
    if (loose == NULL || strict == NULL) {
        return SY_ENOMEM;
    }
    SY_TRY(rate_runs(s, false, loose));
    SY_TRY(rate_runs(s, true, strict));
    SY_TRY(find_runs(s, false, &places, &n));
    *changed = false;
    for (size_t i = 0; i < n && !*changed;) {
        occurrences o;
        const size_t length = run_at(s, places[i].at);
        SY_TRY(next_group(s, places, n, &i, length, &o));
        double loose_sum = 0;
        double strict_sum = 0;
        size_t best = 0;
        for (size_t k = 0; k < o.n; k++) {
            loose_sum += loose[o.at[k]];
            strict_sum += strict[o.at[k]];
            best = strict[o.at[k]] > strict[o.at[best]] ? k : best;
        }
        if (strict_sum > loose_sum) {
            const uint64_t key = run_key(s, o.at[best], length, true);
            size_t *at = base_arena_alloc(s->arena, o.n, sizeof *at);
            occurrences kind = {.at = at, .length = length};
            if (at == NULL) {
                return SY_ENOMEM;
            }
            for (size_t k = 0; k < o.n; k++) {
                if (run_key(s, o.at[k], length, true) == key) {
                    at[kind.n++] = o.at[k];
                }
            }
            o = kind;
        }
        SY_TRY(try_apply(s, &o, changed));
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- pairs */

typedef struct candidate {
    size_t first, n; /* in the sorted places */
    uint64_t most;   /* it cannot save more */
} candidate;

static int compare_candidates(const void *a, const void *b) {
    const candidate *x = a;
    const candidate *y = b;
    return x->most != y->most ? (x->most > y->most ? -1 : 1) : x->first < y->first ? -1 : x->first > y->first;
}

/* All pairs of neighbours that come twice or more, best first. */
static sy_status find_pairs(sharer *s, place **places_out, candidate **out, size_t *n_out) {
    place *places = base_arena_alloc(s->arena, s->n, sizeof *places);
    candidate *candidates = base_arena_alloc(s->arena, s->n, sizeof *candidates);
    if (places == NULL || candidates == NULL) {
        return SY_ENOMEM;
    }
    size_t n = 0;
    for (size_t i = 0; i + 1 < s->n; i++) {
        const cc_node *a = s->items[i];
        const cc_node *b = s->items[i + 1];
        const bool repeats = a->shape == b->shape || (i > 0 && s->items[i - 1]->shape == a->shape) ||
                             (i + 2 < s->n && s->items[i + 2]->shape == b->shape);
        if (!repeats) {
            places[n++] = (place){.key = cc_mix(a->shape, b->shape), .at = i};
        }
    }
    qsort(places, n, sizeof *places, compare_places);
    *n_out = 0;
    for (size_t i = 0; i < n;) {
        const size_t first = i;
        while (i < n && places[i].key == places[first].key) {
            i++;
        }
        const size_t at = places[first].at;
        const uint64_t cost = (uint64_t)s->items[at]->cost + s->items[at + 1]->cost;
        if (i - first >= 2) {
            candidates[(*n_out)++] = (candidate){.first = first, .n = i - first, .most = cost * (i - first)};
        }
    }
    qsort(candidates, *n_out, sizeof *candidates, compare_candidates);
    *places_out = places;
    *out = candidates;
    return SY_OK;
}

static sy_status share_best_pair(sharer *s, bool *changed) {
    place *places;
    candidate *candidates;
    size_t n;
    SY_TRY(find_pairs(s, &places, &candidates, &n));
    int64_t best_saving = MIN_SAVING - 1;
    occurrences best = {0};
    layout best_layout = {0};
    for (size_t c = 0; c < n && c < MAX_CANDIDATES && (int64_t)candidates[c].most > best_saving; c++) {
        occurrences o;
        layout l;
        size_t i = candidates[c].first;
        SY_TRY(next_group(s, places, i + candidates[c].n, &i, 2, &o));
        SY_TRY(find_layout(s, &o, &l));
        if (saving(s, &o, &l) > best_saving) {
            best_saving = saving(s, &o, &l);
            best = o;
            best_layout = l;
        }
    }
    *changed = best.n > 0;
    return *changed ? apply(s, &best, &best_layout) : SY_OK;
}

sy_status cc_share(base_arena *arena, uint32_t call_words, cc_rule_vec *rules, cc_forest *list) {
    sharer s = {.arena = arena, .rules = rules, .items = list->items, .n = list->n, .call_words = call_words};
    bool changed = true;
    while (changed) {
        SY_TRY(share_runs(&s, &changed));
    }
    changed = true;
    for (int round = 0; round < MAX_ROUNDS && changed; round++) {
        SY_TRY(share_best_pair(&s, &changed));
    }
    list->n = s.n;
    return SY_OK;
}

/* ---------------------------------------------------------------- layers of equal geometry */

/* The first list's leaves with the layout's parameters in place of what differs. */
static sy_status parametrise(base_arena *arena, const cc_forest *first, const layout *l, cc_forest *out) {
    cc_node *nodes = base_arena_alloc(arena, first->n, sizeof *nodes);
    out->items = base_arena_alloc(arena, first->n, sizeof *out->items);
    uint32_t *values = base_arena_alloc(arena, l->n_values, sizeof *values);
    uint8_t *added = base_arena_alloc(arena, l->n_values, sizeof *added);
    if (nodes == NULL || out->items == NULL || values == NULL || added == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t v = 0; v < l->n_values; v++) {
        const int32_t p = l->parameter[v];
        values[v] = l->base[v] - (p >= 0 ? l->base[l->leader[p]] : 0);
        added[v] = (uint8_t)(p + 1);
    }
    for (size_t i = 0; i < first->n; i++) {
        nodes[i] = *first->items[i];
        nodes[i].values = values;
        nodes[i].added = added;
        nodes[i].shape = shape_of(nodes[i].shape, &nodes[i]);
        values += nodes[i].n_values;
        added += nodes[i].n_values;
        out->items[i] = &nodes[i];
    }
    out->n = first->n;
    return SY_OK;
}

/* Puts the lists one after the other. */
static sy_status join(base_arena *arena, const cc_forest *lists, size_t n_lists, sharer *s, occurrences *o) {
    size_t *at = base_arena_alloc(arena, n_lists, sizeof *at);
    *s = (sharer){.arena = arena};
    s->items = base_arena_alloc(arena, n_lists * lists[0].n, sizeof *s->items);
    if (s->items == NULL || at == NULL) {
        return SY_ENOMEM;
    }
    for (size_t i = 0; i < n_lists; i++) {
        at[i] = s->n;
        for (size_t k = 0; k < lists[i].n; k++) {
            s->items[s->n++] = lists[i].items[k];
        }
    }
    *o = (occurrences){.at = at, .n = n_lists, .length = lists[0].n};
    return SY_OK;
}

sy_status cc_share_layers(base_arena *arena, const cc_forest *lists, size_t n_lists, bool *fits, cc_forest *out, uint32_t *n_parameters,
                          uint32_t **arguments) {
    *fits = true;
    for (size_t i = 1; i < n_lists && *fits; i++) {
        *fits = lists[i].n == lists[0].n;
        for (size_t k = 0; k < lists[0].n && *fits; k++) {
            *fits = lists[i].items[k]->shape == lists[0].items[k]->shape && lists[i].items[k]->n_values == lists[0].items[k]->n_values;
        }
    }
    if (!*fits) {
        return SY_OK;
    }
    sharer s;
    occurrences o;
    layout l;
    SY_TRY(join(arena, lists, n_lists, &s, &o));
    SY_TRY(find_layout(&s, &o, &l));
    *fits = l.n_parameters <= CC_MAX_PARAMETERS;
    if (!*fits) {
        return SY_OK;
    }
    uint32_t *a = base_arena_alloc(arena, n_lists * l.n_parameters, sizeof *a);
    if (a == NULL) {
        return SY_ENOMEM;
    }
    for (size_t i = 0; i < n_lists; i++) {
        for (uint32_t p = 0; p < l.n_parameters; p++) {
            uint8_t added;
            value_of(&s, o.at[i], l.leader[p], &a[i * l.n_parameters + p], &added);
        }
    }
    *n_parameters = l.n_parameters;
    *arguments = a;
    return parametrise(arena, &lists[0], &l, out);
}

/* Fills the terms of a list's values, from value *at on. */
static void fill_terms(cc_node *const *items, size_t n, uint32_t *const *terms, uint32_t *at) {
    for (size_t i = 0; i < n; i++) {
        const cc_node *node = items[i];
        if (node->count > 0) {
            fill_terms(node->items, node->n_items, terms, at);
            continue;
        }
        for (uint32_t v = 0; v < node->n_values; v++, ++*at) {
            if (node->added != NULL && node->added[v] != 0) {
                terms[node->added[v] - 1][*at] = 1;
            }
        }
    }
}

sy_status cc_share_rule(base_arena *arena, const cc_forest *forest, uint32_t n_parameters, cc_rule **out) {
    cc_rule *rule = BASE_ARENA_NEW(arena, cc_rule);
    if (rule == NULL) {
        return SY_ENOMEM;
    }
    rule->items = forest->items;
    rule->n_items = (uint32_t)forest->n;
    rule->n_parameters = n_parameters;
    for (size_t i = 0; i < forest->n; i++) {
        rule->n_values += forest->items[i]->n_values;
    }
    uint32_t *terms[CC_MAX_PARAMETERS] = {NULL};
    for (uint32_t p = 0; p < n_parameters; p++) {
        terms[p] = base_arena_alloc(arena, rule->n_values, sizeof *terms[p]);
        if (terms[p] == NULL) {
            return SY_ENOMEM;
        }
        rule->terms[p] = terms[p];
    }
    uint32_t at = 0;
    fill_terms(forest->items, forest->n, terms, &at);
    *out = rule;
    return SY_OK;
}

/* ---------------------------------------------------------------- inlining */

static void count_uses(cc_node *const *items, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (items[i]->rule != NULL) {
            items[i]->rule->uses++;
        }
        count_uses(items[i]->items, items[i]->n_items);
    }
}

/* Where a value of a new list comes from: a value of the old one, if `old` is not -1, plus a constant. */
typedef struct source {
    int64_t old;
    uint32_t base;
} source;

/* A list in which calls are being replaced. */
typedef struct rewrite {
    base_arena *arena;
    BASE_VEC(cc_node *) items;
    BASE_VEC(source) sources; /* of all values of the items */
} rewrite;

/* Values or (steps) what is added to them, by sources whose old values begin at index `first`. */
static const uint32_t *rewritten(base_arena *arena, const source *sources, size_t n, const uint32_t *old, uint32_t first, bool steps) {
    uint32_t *values = base_arena_alloc(arena, n, sizeof *values);
    for (size_t i = 0; values != NULL && i < n; i++) {
        values[i] = (steps ? 0 : sources[i].base) + (sources[i].old >= 0 ? old[sources[i].old - first] : 0);
    }
    return values;
}

static sy_status push_item(rewrite *r, cc_node *node) {
    return node != NULL && node->values != NULL && base_vec_push(r->arena, &r->items, node) ? SY_OK : SY_ENOMEM;
}

/* A call becomes the rule's items; its values are the old ones from `first` on. */
static sy_status rewrite_call(rewrite *r, const cc_node *call, uint32_t first) {
    const cc_rule *rule = call->rule;
    uint32_t at = 0;
    for (uint32_t i = 0; i < rule->n_items; i++) {
        const cc_node *item = rule->items[i];
        const size_t from = r->sources.n;
        for (uint32_t v = 0; v < item->n_values; v++, at++) {
            source origin = {.old = -1, .base = item->values[v]};
            for (uint32_t p = 0; p < rule->n_parameters; p++) {
                if (rule->terms[p][at] != 0) {
                    origin.old = (int64_t)first + p;
                }
            }
            if (!base_vec_push(r->arena, &r->sources, origin)) {
                return SY_ENOMEM;
            }
        }
        const uint32_t *values = rewritten(r->arena, r->sources.items + from, item->n_values, call->values, first, false);
        uint8_t *added = base_arena_alloc(r->arena, item->n_values, sizeof *added);
        cc_node *copy = with_values(r->arena, item, values);
        if (added == NULL || copy == NULL) {
            return SY_ENOMEM;
        }
        for (uint32_t v = 0; v < item->n_values && call->added != NULL; v++) {
            const int64_t old = r->sources.items[from + v].old;
            added[v] = old >= 0 ? call->added[old - first] : 0;
        }
        copy->added = added;
        SY_TRY(push_item(r, copy));
    }
    return SY_OK;
}

static sy_status rewrite_list(rewrite *r, cc_node *const *items, size_t n);

static sy_status rewrite_loop(rewrite *r, const cc_node *loop, uint32_t first) {
    rewrite body = {.arena = r->arena};
    SY_TRY(rewrite_list(&body, loop->items, loop->n_items));
    cc_node *copy = base_arena_memdup(r->arena, loop, 1, sizeof *loop);
    if (copy == NULL) {
        return SY_ENOMEM;
    }
    copy->items = body.items.items;
    copy->n_items = (uint32_t)body.items.n;
    copy->n_values = (uint32_t)body.sources.n;
    copy->values = rewritten(r->arena, body.sources.items, body.sources.n, loop->values, 0, false);
    copy->steps = rewritten(r->arena, body.sources.items, body.sources.n, loop->steps, 0, true);
    for (size_t i = 0; i < body.sources.n; i++) {
        source origin = body.sources.items[i];
        origin.old += origin.old >= 0 ? first : 0;
        if (!base_vec_push(r->arena, &r->sources, origin)) {
            return SY_ENOMEM;
        }
    }
    return copy->steps != NULL ? push_item(r, copy) : SY_ENOMEM;
}

static sy_status rewrite_list(rewrite *r, cc_node *const *items, size_t n) {
    uint32_t first = 0;
    for (size_t i = 0; i < n; first += items[i++]->n_values) {
        if (items[i]->rule != NULL && items[i]->rule->uses == 1) {
            SY_TRY(rewrite_call(r, items[i], first));
        } else if (items[i]->count > 0) {
            SY_TRY(rewrite_loop(r, items[i], first));
        } else {
            for (uint32_t v = 0; v < items[i]->n_values; v++) {
                const source same = {.old = (int64_t)first + v};
                if (!base_vec_push(r->arena, &r->sources, same)) {
                    return SY_ENOMEM;
                }
            }
            SY_TRY(push_item(r, items[i]));
        }
    }
    return SY_OK;
}

static sy_status rewrite_rule(base_arena *arena, cc_rule *rule) {
    rewrite r = {.arena = arena};
    SY_TRY(rewrite_list(&r, rule->items, rule->n_items));
    for (uint32_t p = 0; p < rule->n_parameters; p++) {
        rule->terms[p] = rewritten(arena, r.sources.items, r.sources.n, rule->terms[p], 0, true);
        if (rule->terms[p] == NULL) {
            return SY_ENOMEM;
        }
    }
    rule->items = r.items.items;
    rule->n_items = (uint32_t)r.items.n;
    rule->n_values = (uint32_t)r.sources.n;
    return SY_OK;
}

sy_status cc_share_inline(base_arena *arena, cc_rule_vec *rules, cc_forest *forest) {
    for (size_t i = 0; i < rules->n; i++) {
        rules->items[i]->uses = 0;
    }
    count_uses(forest->items, forest->n);
    for (size_t i = 0; i < rules->n; i++) {
        count_uses(rules->items[i]->items, rules->items[i]->n_items);
    }
    size_t kept = 0;
    for (size_t i = 0; i < rules->n; i++) { /* callees come first, and are done when they are put into others */
        SY_TRY(rewrite_rule(arena, rules->items[i]));
        if (rules->items[i]->uses > 1) {
            rules->items[kept++] = rules->items[i];
        }
    }
    rules->n = kept;
    rewrite r = {.arena = arena};
    SY_TRY(rewrite_list(&r, forest->items, forest->n));
    *forest = (cc_forest){.items = r.items.items, .n = r.items.n};
    return SY_OK;
}
