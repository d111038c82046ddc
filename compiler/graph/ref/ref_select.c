/*
 * ref_select.c -- TopK, OneHot, Compress, NonZero, NonMaxSuppression.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_moved.h"

#include "systole/graph/strings.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- TopK */

/* An element to be sorted: the larger key first, of equals the lower index. */
typedef struct ranked {
    int64_t key, index;
} ranked;

static int by_rank(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->key != y->key) {
        return x->key > y->key ? -1 : 1;
    }
    return x->index < y->index ? -1 : x->index > y->index;
}

/* The best `k` of n to the front, in no order: a few beside many need no sort of all. */
static void select_best(ranked *r, int64_t n, int64_t k)
{
    int64_t lo = 0, hi = n - 1;
    while (lo < hi) {
        const ranked pivot = r[lo + (hi - lo) / 2];
        int64_t i = lo, j = hi;
        while (i <= j) {
            while (by_rank(&r[i], &pivot) < 0) {
                i++;
            }
            while (by_rank(&pivot, &r[j]) < 0) {
                j--;
            }
            if (i <= j) {
                const ranked t = r[i];
                r[i++] = r[j];
                r[j--] = t;
            }
        }
        if (k - 1 <= j) {
            hi = j;
        } else if (k - 1 >= i) {
            lo = i;
        } else {
            return;
        }
    }
}

/* The best k of n at the front of `r`, which has room for n. Where k is small, most are only compared with the k-th so far. */
static void rank_row(ranked *r, const int64_t *orders, int64_t n, int64_t k, bool largest)
{
    const int64_t room = k < n / 8 ? 4 * k + 64 < n ? 4 * k + 64 : n : n;
    int64_t n_kept = 0, least = INT64_MIN;
    bool full = false;
    for (int64_t i = 0; i < n; i++) {
        const int64_t key = largest ? orders[i] : ~orders[i];
        if (full && key <= least) {
            continue; /* of equals the first */
        }
        if (n_kept == room) {
            select_best(r, n_kept, k);
            n_kept = k;
            full = true;
            least = r[0].key;
            for (int64_t j = 1; j < k; j++) {
                least = r[j].key < least ? r[j].key : least;
            }
            if (key <= least) {
                continue;
            }
        }
        r[n_kept++] = (ranked){key, i};
    }
    select_best(r, n_kept, k);
    qsort(r, (size_t)k, sizeof *r, by_rank);
}

sy_status ir_ref_topk(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *values = ir_kernel_output(args, 0), *indices = ir_kernel_output(args, 1);
    const ir_tensor *y = values != NULL ? values : indices;
    const bool largest = ir_node_int(args->node, "largest", 1) != 0;
    int32_t axis;
    SY_TRY(ir_ref_need(args, x, ir_ref_is_float(x->dtype) || ir_ref_is_integer(x->dtype)));
    SY_TRY(ir_ref_axis_of(args, x->rank, -1, &axis));
    const int64_t n = x->dims[axis], k = y->dims[axis];
    const int64_t inner = ir_ref_product(x->dims, axis + 1, x->rank);
    const int64_t rows = ir_ref_product(x->dims, 0, axis) * inner;
    const size_t bytes = ir_ref_element_bytes(x->dtype);
    ranked *r = BASE_ARENA_ARRAY(args->scratch, ranked, (size_t)n);
    int64_t *orders = BASE_ARENA_ARRAY(args->scratch, int64_t, (size_t)n);
    if (r == NULL || orders == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t row = 0; row < rows && k > 0; row++) {
        const int64_t from = row / inner * inner * n + row % inner;
        const int64_t to = row / inner * inner * k + row % inner;
        ir_ref_orders(x, from, inner, n, orders);
        rank_row(r, orders, n, k, largest);
        for (int64_t i = 0; i < k; i++) {
            if (values != NULL) {
                memcpy(ir_ref_at(values, to + i * inner, bytes),
                       ir_ref_at(x, from + r[i].index * inner, bytes), bytes);
            }
            if (indices != NULL) {
                ((int64_t *)indices->data)[to + i * inner] = r[i].index;
            }
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- OneHot */

/* Numbers are cut to integers; what is beyond 64 bits, or no number, is no index. */
static bool index_of(const ir_tensor *t, int64_t i, int64_t *out)
{
    if (!ir_ref_is_float(t->dtype)) {
        *out = ir_ref_get_int(t, i);
        return t->dtype != SY_DT_U64 || *out >= 0;
    }
    const double v = ir_ref_get(t, i);
    if (!(v > -9.2e18 && v < 9.2e18)) {
        return false;
    }
    *out = (int64_t)v;
    return true;
}

static sy_status one_hot(const ir_kernel_args *args)
{
    const ir_tensor *indices = ir_kernel_input(args, 0);
    const ir_tensor *values = ir_kernel_input(args, 2);
    ir_tensor *y = ir_kernel_output(args, 0);
    int32_t axis;
    SY_TRY(ir_ref_axis_of(args, y->rank, -1, &axis));
    SY_TRY(ir_ref_need(args, indices,
                       ir_ref_is_float(indices->dtype) || ir_ref_is_integer(indices->dtype)));
    if (ir_tensor_n_elements(values) != 2) {
        return base_fail(args->diag, SY_ESHAPE, "there must be two values, off and on");
    }
    const int64_t depth = y->dims[axis], n = ir_tensor_n_elements(y);
    const int64_t inner = ir_ref_product(y->dims, axis + 1, y->rank);
    const int64_t n_indices = ir_tensor_n_elements(indices);
    const int64_t none[1] = {0}, one[1] = {1}, all[1] = {n};
    const size_t bytes = ir_ref_element_bytes(y->dtype);
    if (n == 0) {
        return SY_OK;
    }
    ir_ref_copy_box(1, all, y->data, one, values->data, none, bytes);
    for (int64_t i = 0; i < n_indices; i++) {
        int64_t at;
        if (!index_of(indices, i, &at) || at < -depth || at >= depth) {
            continue; /* all off */
        }
        at += at < 0 ? depth : 0;
        memcpy(ir_ref_at(y, (i / inner * depth + at) * inner + i % inner, bytes),
               ir_ref_at(values, 1, bytes), bytes);
    }
    return SY_OK;
}

sy_status ir_ref_onehot(const ir_kernel_args *args)
{
    return ir_ref_moved(args, 1u << 2, one_hot);
}

/* ---------------------------------------------------------------- Compress, NonZero */

static sy_status compress(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    const ir_tensor *condition = ir_kernel_input(args, 1);
    ir_tensor *y = ir_kernel_output(args, 0);
    int32_t axis = 0;
    const bool flat = ir_node_attr(args->node, "axis") == NULL;
    if (!flat) {
        SY_TRY(ir_ref_axis_of(args, x->rank, 0, &axis));
    }
    const int64_t size = flat ? ir_tensor_n_elements(x) : x->dims[axis];
    const int64_t outer = flat ? 1 : ir_ref_product(x->dims, 0, axis);
    const int64_t kept = y->dims[axis], n = ir_tensor_n_elements(condition);
    const size_t part = (flat ? 1 : (size_t)ir_ref_product(x->dims, axis + 1, x->rank)) *
                        ir_ref_element_bytes(x->dtype);
    int64_t to = 0;
    for (int64_t i = 0; i < n && i < size; i++) {
        if (ir_ref_get_int(condition, i) == 0) {
            continue;
        }
        for (int64_t o = 0; o < outer && part > 0; o++) {
            memcpy((char *)y->data + (size_t)(o * kept + to) * part,
                   (const char *)x->data + (size_t)(o * size + i) * part, part);
        }
        to++;
    }
    return SY_OK;
}

sy_status ir_ref_compress(const ir_kernel_args *args)
{
    return ir_ref_moved(args, 1u, compress);
}

/* Numbers are not zero if any of their bits is, but for the sign of a float. */
static bool is_zero(const ir_tensor *t, int64_t i, size_t bytes)
{
    if (ir_ref_is_float(t->dtype)) {
        return ir_ref_get(t, i) == 0.0;
    }
    ir_tensor parts = *t;
    if (sy_dtype_class_of(t->dtype) == SY_DC_COMPLEX) {
        parts.dtype = t->dtype == SY_DT_C64 ? SY_DT_F32 : SY_DT_F64;
        return ir_ref_get(&parts, 2 * i) == 0.0 && ir_ref_get(&parts, 2 * i + 1) == 0.0;
    }
    for (size_t b = 0; b < bytes; b++) {
        if (((const uint8_t *)t->data)[(size_t)i * bytes + b] != 0) {
            return false;
        }
    }
    return true;
}

sy_status ir_ref_non_zeros(const ir_tensor *x, base_arena *arena, uint8_t **out, int64_t *n_out)
{
    const int64_t n = ir_tensor_n_elements(x);
    const size_t bytes = ir_ref_element_bytes(x->dtype);
    const uint32_t bits = sy_dtype_bits(x->dtype);
    ir_text *texts = NULL;
    uint8_t *flags = BASE_ARENA_ARRAY(arena, uint8_t, (size_t)n + 1);
    if (flags == NULL) {
        return SY_ENOMEM;
    }
    if (x->dtype == SY_DT_STRING) {
        SY_TRY(ir_strings_read(x, arena, &texts));
    }
    *n_out = 0;
    for (int64_t i = 0; i < n; i++) {
        if (texts != NULL) {
            flags[i] = texts[i].n_bytes > 0;
        } else if (bytes > 0) {
            flags[i] = !is_zero(x, i, bytes);
        } else {
            const uint32_t byte = ((const uint8_t *)x->data)[(uint64_t)i * bits / 8];
            flags[i] = (byte >> (uint64_t)i * bits % 8 & ((1u << bits) - 1)) != 0;
        }
        *n_out += flags[i];
    }
    *out = flags;
    return SY_OK;
}

sy_status ir_ref_nonzero(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    uint8_t *flags = NULL;
    int64_t n_found = 0, column = 0;
    SY_TRY(ir_ref_non_zeros(x, args->scratch, &flags, &n_found));
    ir_ref_walk walk;
    ir_ref_walk_start(&walk, x->rank, x->dims);
    const int64_t n = ir_tensor_n_elements(x);
    for (int64_t i = 0; i < n; i++, ir_ref_walk_next(&walk)) {
        for (int32_t a = 0; flags[i] != 0 && a < x->rank; a++) {
            ((int64_t *)y->data)[a * n_found + column] = walk.index[a];
        }
        column += flags[i];
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- NonMaxSuppression */

/* A box as the intervals that it covers. */
typedef struct box {
    float low[2], high[2];
} box;

static box box_of(const float *v, bool centred)
{
    box b;
    for (int k = 0; k < 2; k++) { /* y1, x1, y2, x2 in any order, or x, y, width, height */
        const float p = centred ? v[k] - v[2 + k] / 2 : v[k];
        const float q = centred ? v[k] + v[2 + k] / 2 : v[2 + k];
        b.low[k] = centred || p < q ? p : q;
        b.high[k] = centred || p < q ? q : p;
    }
    return b;
}

/* In fp32, as all runtimes have it: thresholds are met exactly there. */
static bool overlap(const box *a, const box *b, float threshold)
{
    float common = 1, area_a = 1, area_b = 1;
    for (int k = 1; k >= 0; k--) {
        const float low = a->low[k] > b->low[k] ? a->low[k] : b->low[k];
        const float high = a->high[k] < b->high[k] ? a->high[k] : b->high[k];
        if (!(high > low)) {
            return false;
        }
        common *= high - low;
        area_a *= a->high[k] - a->low[k];
        area_b *= b->high[k] - b->low[k];
    }
    const float total = area_a + area_b - common;
    return common > 0 && area_a > 0 && area_b > 0 && total > 0 && common / total > threshold;
}

typedef struct suppression {
    const ir_tensor *boxes, *scores;
    bool centred, has_least;
    int64_t most;
    float threshold, least;
    ranked *candidates; /* [number of boxes] */
    box *kept;          /* [number of boxes] */
    int64_t n_found, capacity;
    int64_t *found; /* triples */
} suppression;

static sy_status scalar_of(const ir_kernel_args *args, uint32_t i, const ir_tensor **out)
{
    const ir_tensor *t = ir_kernel_input(args, i);
    *out = t != NULL && ir_tensor_n_elements(t) > 0 ? t : NULL; /* empty: as absent */
    return t == NULL || ir_tensor_n_elements(t) <= 1
               ? SY_OK
               : base_fail(args->diag, SY_ESHAPE, "operand %u must be one number", i);
}

static sy_status keep(suppression *s, base_arena *arena, int64_t batch, int64_t class, int64_t i)
{
    if (s->n_found == s->capacity) {
        const int64_t more = 2 * s->capacity + 64;
        int64_t *found = base_arena_alloc(arena, (size_t)more * 3, sizeof *found);
        if (found == NULL) {
            return SY_ENOMEM;
        }
        if (s->n_found > 0) {
            memcpy(found, s->found, (size_t)s->n_found * 3 * sizeof *found);
        }
        s->found = found;
        s->capacity = more;
    }
    int64_t *row = s->found + 3 * s->n_found++;
    row[0] = batch;
    row[1] = class;
    row[2] = i;
    return SY_OK;
}

/* The boxes of one class by falling score; each stays that overlaps none before it too much. */
static sy_status suppress_class(suppression *s, base_arena *arena, int64_t batch, int64_t class)
{
    const int64_t n = s->scores->dims[2], n_classes = s->scores->dims[1];
    const int64_t scores_at = (batch * n_classes + class) * n;
    const float *scores = (const float *)s->scores->data + scores_at;
    const float *boxes = (const float *)s->boxes->data + batch * n * 4;
    int64_t n_candidates = 0, n_kept = 0;
    for (int64_t i = 0; i < n; i++) {
        if (!s->has_least || scores[i] > s->least) {
            s->candidates[n_candidates++] = (ranked){ir_ref_order(s->scores, scores_at + i), i};
        }
    }
    qsort(s->candidates, (size_t)n_candidates, sizeof *s->candidates, by_rank);
    for (int64_t c = 0; c < n_candidates && n_kept < s->most; c++) {
        const int64_t i = s->candidates[c].index;
        const box b = box_of(boxes + 4 * i, s->centred);
        bool stays = true;
        for (int64_t k = 0; k < n_kept && stays; k++) {
            stays = !overlap(&b, &s->kept[k], s->threshold);
        }
        if (stays) {
            s->kept[n_kept++] = b;
            SY_TRY(keep(s, arena, batch, class, i));
        }
    }
    return SY_OK;
}

static sy_status suppression_of(const ir_kernel_args *args, suppression *s)
{
    const ir_tensor *most, *threshold, *least;
    *s = (suppression){.boxes = ir_kernel_input(args, 0), .scores = ir_kernel_input(args, 1)};
    SY_TRY(ir_ref_need(args, s->boxes, s->boxes->dtype == SY_DT_F32));
    SY_TRY(ir_ref_need(args, s->scores, s->scores->dtype == SY_DT_F32));
    if (s->boxes->rank != 3 || s->scores->rank != 3 || s->boxes->dims[2] != 4 ||
        s->boxes->dims[0] != s->scores->dims[0] || s->boxes->dims[1] != s->scores->dims[2]) {
        return base_fail(args->diag, SY_ESHAPE,
                         "boxes must be [batches, boxes, 4] and scores [batches, classes, boxes]");
    }
    SY_TRY(scalar_of(args, 2, &most));
    SY_TRY(scalar_of(args, 3, &threshold));
    SY_TRY(scalar_of(args, 4, &least));
    SY_TRY(most != NULL ? ir_ref_need(args, most, ir_ref_is_integer(most->dtype)) : SY_OK);
    SY_TRY(threshold != NULL ? ir_ref_need(args, threshold, threshold->dtype == SY_DT_F32) : SY_OK);
    SY_TRY(least != NULL ? ir_ref_need(args, least, least->dtype == SY_DT_F32) : SY_OK);
    s->centred = ir_node_int(args->node, "center_point_box", 0) != 0;
    s->most = most != NULL ? ir_ref_get_int(most, 0) : 0;
    s->threshold = threshold != NULL ? *(const float *)threshold->data : 0.0f;
    s->has_least = least != NULL;
    s->least = least != NULL ? *(const float *)least->data : 0.0f;
    s->candidates = BASE_ARENA_ARRAY(args->scratch, ranked, (size_t)s->boxes->dims[1] + 1);
    s->kept = BASE_ARENA_ARRAY(args->scratch, box, (size_t)s->boxes->dims[1] + 1);
    return s->candidates != NULL && s->kept != NULL ? SY_OK : SY_ENOMEM;
}

sy_status ir_ref_nonmaxsuppression(const ir_kernel_args *args)
{
    suppression s;
    SY_TRY(suppression_of(args, &s));
    for (int64_t batch = 0; batch < s.scores->dims[0] && s.boxes->dims[1] > 0; batch++) {
        for (int64_t class = 0; class < s.scores->dims[1]; class++) {
            SY_TRY(suppress_class(&s, args->scratch, batch, class));
        }
    }
    const int64_t dims[2] = {s.n_found, 3};
    SY_TRY(ir_kernel_result(args, 0, SY_DT_I64, 2, dims));
    ir_tensor *y = ir_kernel_output(args, 0);
    if (y != NULL && s.n_found > 0) {
        memcpy(y->data, s.found, y->size_bytes);
    }
    return SY_OK;
}
