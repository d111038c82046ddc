/*
 * tensors.c -- values of tensors for people and tests.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/rt/tensors.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "systole/base/rng.h"
#include "systole/isa/fn.h"
#include "systole/rt/buffer.h"

static double from_f16(uint16_t bits)
{
    const int exponent = bits >> 10 & 31;
    const int fraction = bits & 1023;
    double value = exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, exponent - 25);
    if (exponent == 31) {
        value = fraction != 0 ? NAN : INFINITY;
    }
    return (bits & 0x8000) != 0 ? -value : value;
}

static double from_bf16(uint16_t bits)
{
    const uint32_t wide = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &wide, sizeof value);
    return (double)value;
}

bool rt_tensor_get(const ir_tensor *tensor, int64_t i, double *out)
{
    const unsigned char *data = tensor->data;
    float f;
    double d;
    uint16_t h;
    if (tensor->dtype == SY_DT_F32) {
        memcpy(&f, data + 4 * i, sizeof f);
        *out = (double)f;
    } else if (tensor->dtype == SY_DT_F64) {
        memcpy(&d, data + 8 * i, sizeof d);
        *out = d;
    } else if (tensor->dtype == SY_DT_F16 || tensor->dtype == SY_DT_BF16) {
        memcpy(&h, data + 2 * i, sizeof h);
        *out = tensor->dtype == SY_DT_F16 ? from_f16(h) : from_bf16(h);
    } else {
        const sy_dtype_class class = sy_dtype_class_of(tensor->dtype);
        if ((class != SY_DC_INT && class != SY_DC_UINT && class != SY_DC_BOOL) ||
            sy_dtype_bits(tensor->dtype) < 8) {
            return false;
        }
        *out = (double)ir_tensor_get_i64(tensor, i);
    }
    return true;
}

int64_t rt_tensor_argmax(const ir_tensor *tensor, int64_t first, int64_t n)
{
    int64_t best = -1;
    double largest = 0;
    for (int64_t i = 0; i < n; i++) {
        double value;
        if (!rt_tensor_get(tensor, first + i, &value)) {
            return -1;
        }
        if (best < 0 || value > largest) {
            best = i;
            largest = value;
        }
    }
    return best;
}

static void random_element(const ir_tensor *tensor, int64_t i, base_rng *rng)
{
    unsigned char *data = tensor->data;
    if (tensor->dtype == SY_DT_F32) {
        const float value = (float)base_rng_normal(rng);
        memcpy(data + 4 * i, &value, sizeof value);
    } else if (tensor->dtype == SY_DT_F64) {
        const double value = base_rng_normal(rng);
        memcpy(data + 8 * i, &value, sizeof value);
    } else if (tensor->dtype == SY_DT_BF16) {
        const float value = (float)base_rng_normal(rng);
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        const uint16_t half = isa_fp_to_bf16(bits);
        memcpy(data + 2 * i, &half, sizeof half);
    } else if (tensor->dtype == SY_DT_I8 || tensor->dtype == SY_DT_U8) {
        data[i] = (unsigned char)base_rng_below(rng, 256);
    } else {
        const size_t n_bytes = sy_dtype_bits(tensor->dtype) / 8;
        memset(data + (size_t)i * n_bytes, 0, n_bytes);
        data[(size_t)i * n_bytes] = (unsigned char)base_rng_below(rng, 2);
    }
}

sy_status rt_tensor_random(const rt_model_io *io, uint64_t seed, uint32_t number, ir_tensor *out,
                           base_diag *diag)
{
    const sy_dtype_class class = sy_dtype_class_of(io->dtype);
    const uint32_t bits = sy_dtype_bits(io->dtype);
    int64_t dims[IR_MAX_RANK] = {0};
    ir_tensor tensor;
    if (io->rank < 0) {
        return base_fail(diag, SY_ESHAPE,
                         "input '%s': its rank is not known: give --input %s=FILE.npy", io->name,
                         io->name);
    }
    if (io->dtype != SY_DT_F32 && io->dtype != SY_DT_F64 &&
        ((class != SY_DC_INT && class != SY_DC_UINT && class != SY_DC_BOOL) || bits < 8)) {
        return base_fail(diag, SY_EUNSUPPORTED,
                         "input '%s': no random data of type %s: give --input %s=FILE.npy",
                         io->name, sy_dtype_name(io->dtype), io->name);
    }
    for (int32_t i = 0; i < io->rank; i++) {
        dims[i] = io->dims[i] < 0 ? 1 : io->dims[i];
    }
    SY_TRY(ir_tensor_init(&tensor, io->dtype, io->rank, dims, NULL));
    tensor.data = rt_buffer_alloc(tensor.size_bytes);
    if (tensor.data == NULL) {
        return base_fail(diag, SY_ENOMEM, "out of memory: input '%s' takes %zu bytes", io->name,
                         tensor.size_bytes);
    }
    base_rng rng = base_rng_make(seed, number);
    for (int64_t i = 0; i < ir_tensor_n_elements(&tensor); i++) {
        random_element(&tensor, i, &rng);
    }
    *out = tensor;
    return SY_OK;
}

rt_tensor_difference rt_tensor_compare(const ir_tensor *a, const ir_tensor *b)
{
    rt_tensor_difference d = {.first = -1, .snr_db = INFINITY};
    d.comparable = a->dtype == b->dtype && a->rank == b->rank && a->size_bytes == b->size_bytes &&
                   memcmp(a->dims, b->dims, (size_t)a->rank * sizeof a->dims[0]) == 0;
    if (!d.comparable) {
        return d;
    }
    d.n = ir_tensor_n_elements(a);
    d.same_bits = a->size_bytes == 0 || memcmp(a->data, b->data, a->size_bytes) == 0;
    const size_t n_bytes = sy_dtype_bits(a->dtype) / 8;
    double signal = 0;
    double noise = 0;
    for (int64_t i = 0; i < d.n && !d.same_bits && n_bytes > 0; i++) {
        const size_t at = (size_t)i * n_bytes;
        double x = 0;
        double y = 0;
        const bool numbers = rt_tensor_get(a, i, &x) && rt_tensor_get(b, i, &y);
        if (memcmp((const char *)a->data + at, (const char *)b->data + at, n_bytes) != 0) {
            d.first = d.first < 0 ? i : d.first;
            d.n_different++;
            const double gap = isnan(x) && isnan(y)   ? 0.0
                               : isnan(x) || isnan(y) ? INFINITY
                               : x == y               ? 0.0
                                                      : fabs(x - y);
            d.max_abs = gap > d.max_abs ? gap : d.max_abs;
            noise += gap * gap;
        }
        signal += numbers && isfinite(x) ? x * x : 0.0;
    }
    if (noise > 0) {
        d.snr_db = 10.0 * log10(signal / noise);
    }
    return d;
}

void rt_dims_print(int32_t rank, const int64_t *dims, base_buf *out)
{
    for (int32_t i = 0; i < rank; i++) {
        base_buf_printf(out, dims[i] < 0 ? "%s?" : "%s%" PRId64, i > 0 ? "x" : "", dims[i]);
    }
    if (rank <= 0) {
        base_buf_puts(out, rank == 0 ? "scalar" : "?");
    }
}
