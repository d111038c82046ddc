/*
 * dataset.h -- labelled samples for evaluation, one interface for every format.
 *
 *     idx:IMAGES,LABELS    MNIST's format, gzip or not
 *     npy:IMAGES,LABELS    NumPy arrays
 *
 * ",LABELS" may be left out. Images are [N,H,W], [N,C,H,W] or [N,H,W,C] (recognised by a last
 * dimension of 1, 3 or 4 where the second has another size); anything else is taken as [N,
 * features...]. Samples come out as [C,H,W].
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_DATASET_H
#define SYSTOLE_RT_DATASET_H

#include "systole/base/diag.h"
#include "systole/graph/tensor.h"

#define RT_DATASET_MAX_CHANNELS 64

/* Each value becomes ((value * scale) - mean[c]) / std[c], every step one fp32 rounding. */
typedef struct rt_dataset_options {
    float scale;              /* 0 means 1 */
    uint32_t n_means, n_stds; /* 0: none; 1: for all channels; else one per channel */
    float means[RT_DATASET_MAX_CHANNELS], stds[RT_DATASET_MAX_CHANNELS];
} rt_dataset_options;

typedef struct rt_dataset rt_dataset;

/*
 * Opens the data that spec names ("idx:a,b"); options NULL: all zero.
 * Errors, one line each: SY_EINVAL (no such form, means that do not fit the channels, std 0),
 * SY_ESHAPE (as many labels as images), what rt_npy_read and rt_idx_read give.
 */
sy_status rt_dataset_open(const char *spec, const rt_dataset_options *options, base_diag *diag,
                          rt_dataset **out);
void rt_dataset_close(rt_dataset *d); /* NULL is allowed */

int64_t rt_dataset_n(const rt_dataset *d);

/* Shape of one sample, without the batch: [C,H,W] for images. */
int32_t rt_dataset_rank(const rt_dataset *d);
const int64_t *rt_dataset_dims(const rt_dataset *d);

/* Label of sample i, -1 if there are no labels. */
int64_t rt_dataset_label(const rt_dataset *d, int64_t i);

/*
 * Copies samples first, first + 1, ... into `batch`: a tensor [n, ...] with memory, whose other
 * dimensions hold as many elements as a sample. f32: as the options say. Integer types: the nearest
 * integer (ties to even), saturated. SY_ESHAPE if the sizes differ, SY_ERANGE if there are not so
 * many samples, SY_EUNSUPPORTED for other types.
 */
sy_status rt_dataset_fetch(const rt_dataset *d, int64_t first, base_diag *diag, ir_tensor *batch);

#endif
