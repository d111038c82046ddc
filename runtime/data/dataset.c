/*
 * dataset.c -- labelled samples.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/rt/dataset.h"

#include "systole/base/arena.h"
#include "systole/rt/buffer.h"
#include "systole/rt/npy.h"

#include <math.h>
#include <string.h>

struct rt_dataset {
    base_arena *arena;
    ir_tensor samples, labels; /* labels.data NULL: none */
    rt_dataset_options options;
    bool channels_last;
    int32_t rank;
    int64_t dims[IR_MAX_RANK];       /* of one sample, channels first */
    int64_t n_channels, plane, size; /* elements; size = n_channels * plane */
};

typedef sy_status (*reader_fn)(const char *path, base_diag *diag, ir_tensor *out);

static const struct {
    const char *prefix;
    reader_fn read;
} forms[] = {
    {"idx:", rt_idx_read},
    {"npy:", rt_npy_read},
};
#define N_FORMS (sizeof forms / sizeof forms[0])

static bool numeric(sy_dtype t)
{
    const sy_dtype_class c = sy_dtype_class_of(t);
    return t == SY_DT_F32 || t == SY_DT_F64 ||
           ((c == SY_DC_INT || c == SY_DC_UINT) && sy_dtype_bits(t) >= 8);
}

static float value_at(const ir_tensor *t, int64_t i)
{
    if (t->dtype == SY_DT_F32) {
        return ((const float *)t->data)[i];
    }
    if (t->dtype == SY_DT_F64) {
        return (float)((const double *)t->data)[i];
    }
    return (float)ir_tensor_get_i64(t, i);
}

static bool few_channels(int64_t n)
{
    return n == 1 || n == 3 || n == 4;
}

static void find_shape(rt_dataset *d)
{
    const ir_tensor *t = &d->samples;
    d->rank = t->rank - 1;
    for (int32_t i = 0; i < d->rank; i++) {
        d->dims[i] = t->dims[i + 1];
    }
    if (t->rank == 3) { /* [N,H,W] */
        d->rank = 3;
        d->dims[2] = d->dims[1];
        d->dims[1] = d->dims[0];
        d->dims[0] = 1;
    }
    d->channels_last = t->rank == 4 && few_channels(t->dims[3]) && !few_channels(t->dims[1]);
    if (d->channels_last) {
        d->dims[0] = t->dims[3];
        d->dims[1] = t->dims[1];
        d->dims[2] = t->dims[2];
    }
    d->n_channels = d->rank == 3 ? d->dims[0] : 1;
    d->size = 1;
    for (int32_t i = 0; i < d->rank; i++) {
        d->size *= d->dims[i];
    }
    d->plane = d->n_channels > 0 ? d->size / d->n_channels : 0;
}

static sy_status check(const rt_dataset *d, const char *spec, base_diag *diag)
{
    if (d->samples.rank < 2 || !numeric(d->samples.dtype)) {
        return base_fail(diag, SY_ESHAPE,
                         "%s: expected numbers in at least two dimensions, got %s in %d", spec,
                         sy_dtype_name(d->samples.dtype), d->samples.rank);
    }
    const bool has_labels = d->labels.dtype != SY_DT_NONE;
    if (has_labels && (d->labels.dtype == SY_DT_F32 || d->labels.dtype == SY_DT_F64 ||
                       !numeric(d->labels.dtype))) {
        return base_fail(diag, SY_EINVAL, "%s: labels must be integers, got %s", spec,
                         sy_dtype_name(d->labels.dtype));
    }
    if (has_labels && ir_tensor_n_elements(&d->labels) != d->samples.dims[0]) {
        return base_fail(diag, SY_ESHAPE, "%s: %lld samples but %lld labels", spec,
                         (long long)d->samples.dims[0],
                         (long long)ir_tensor_n_elements(&d->labels));
    }
    const rt_dataset_options *o = &d->options;
    if ((o->n_means > 1 && o->n_means != d->n_channels) ||
        (o->n_stds > 1 && o->n_stds != d->n_channels)) {
        return base_fail(diag, SY_EINVAL,
                         "%s: %u means and %u standard deviations for %lld channels", spec,
                         o->n_means, o->n_stds, (long long)d->n_channels);
    }
    for (uint32_t i = 0; i < o->n_stds; i++) {
        if (!(fabsf(o->stds[i]) > 0.0f)) {
            return base_fail(diag, SY_EINVAL, "%s: a standard deviation must not be 0", spec);
        }
    }
    return SY_OK;
}

static sy_status open_form(rt_dataset *d, const char *spec, base_diag *diag)
{
    size_t form = 0;
    while (form < N_FORMS && strncmp(spec, forms[form].prefix, strlen(forms[form].prefix)) != 0) {
        form++;
    }
    if (form == N_FORMS) {
        return base_fail(diag, SY_EINVAL, "'%s': expected idx:IMAGES,LABELS or npy:IMAGES,LABELS",
                         spec);
    }
    const char *first = spec + strlen(forms[form].prefix);
    const char *comma = strchr(first, ',');
    const size_t n = comma != NULL ? (size_t)(comma - first) : strlen(first);
    const char *path = base_arena_strndup(d->arena, first, n);
    if (path == NULL) {
        return SY_ENOMEM;
    }
    SY_TRY(forms[form].read(path, diag, &d->samples));
    if (comma != NULL) {
        SY_TRY(forms[form].read(comma + 1, diag, &d->labels));
    }
    return SY_OK;
}

sy_status rt_dataset_open(const char *spec, const rt_dataset_options *options, base_diag *diag,
                          rt_dataset **out)
{
    base_arena *arena = base_arena_create();
    rt_dataset *d = arena != NULL ? BASE_ARENA_NEW(arena, rt_dataset) : NULL;
    if (d == NULL) {
        base_arena_destroy(arena);
        return base_fail(diag, SY_ENOMEM, "out of memory");
    }
    d->arena = arena;
    if (options != NULL) {
        d->options = *options;
    }
    sy_status status = open_form(d, spec, diag);
    if (status == SY_OK) {
        if (d->samples.rank >= 2) {
            find_shape(d);
        }
        status = check(d, spec, diag);
    }
    if (status != SY_OK) {
        rt_dataset_close(d);
        return status;
    }
    *out = d;
    return SY_OK;
}

void rt_dataset_close(rt_dataset *d)
{
    if (d != NULL) {
        rt_buffer_free(d->samples.data);
        rt_buffer_free(d->labels.data);
        base_arena_destroy(d->arena);
    }
}

int64_t rt_dataset_n(const rt_dataset *d)
{
    return d->samples.dims[0];
}

int32_t rt_dataset_rank(const rt_dataset *d)
{
    return d->rank;
}

const int64_t *rt_dataset_dims(const rt_dataset *d)
{
    return d->dims;
}

int64_t rt_dataset_label(const rt_dataset *d, int64_t i)
{
    return d->labels.dtype != SY_DT_NONE ? ir_tensor_get_i64(&d->labels, i) : -1;
}

/* Element i (channels first) of a sample, preprocessed. */
static float sample_value(const rt_dataset *d, int64_t sample, int64_t i)
{
    const rt_dataset_options *o = &d->options;
    const int64_t c = i / d->plane;
    const int64_t at = d->channels_last ? i % d->plane * d->n_channels + c : i;
    float v = value_at(&d->samples, sample * d->size + at);
    if (o->scale != 0.0f) {
        v = v * o->scale;
    }
    if (o->n_means > 0) {
        v = v - o->means[o->n_means == 1 ? 0 : c];
    }
    if (o->n_stds > 0) {
        v = v / o->stds[o->n_stds == 1 ? 0 : c];
    }
    return v;
}

static void put_rounded(ir_tensor *t, int64_t i, float v)
{
    const bool is_signed = t->dtype == SY_DT_I8;
    const float low = is_signed ? -128.0f : 0.0f, high = is_signed ? 127.0f : 255.0f;
    const float r = rintf(v);
    const float clamped = r > low ? (r < high ? r : high) : low; /* NaN: low */
    if (is_signed) {
        ((int8_t *)t->data)[i] = (int8_t)clamped;
    } else {
        ((uint8_t *)t->data)[i] = (uint8_t)clamped;
    }
}

sy_status rt_dataset_fetch(const rt_dataset *d, int64_t first, base_diag *diag, ir_tensor *batch)
{
    const int64_t n = batch->rank > 0 ? batch->dims[0] : 0;
    if (n == 0 || ir_tensor_n_elements(batch) / n != d->size) {
        return base_fail(diag, SY_ESHAPE, "a sample has %lld elements, the network wants %lld",
                         (long long)d->size,
                         (long long)(n > 0 ? ir_tensor_n_elements(batch) / n : 0));
    }
    if (first < 0 || n > rt_dataset_n(d) || first > rt_dataset_n(d) - n) {
        return base_fail(diag, SY_ERANGE, "samples %lld to %lld of %lld", (long long)first,
                         (long long)(first + n - 1), (long long)rt_dataset_n(d));
    }
    if (batch->dtype != SY_DT_F32 && batch->dtype != SY_DT_U8 && batch->dtype != SY_DT_I8) {
        return base_fail(diag, SY_EUNSUPPORTED,
                         "the network wants %s; data can become f32, u8 or i8",
                         sy_dtype_name(batch->dtype));
    }
    for (int64_t s = 0; s < n; s++) {
        for (int64_t i = 0; i < d->size; i++) {
            const float v = sample_value(d, first + s, i);
            if (batch->dtype == SY_DT_F32) {
                ((float *)batch->data)[s * d->size + i] = v;
            } else {
                put_rounded(batch, s * d->size + i, v);
            }
        }
    }
    return SY_OK;
}
