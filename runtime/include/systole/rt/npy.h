/*
 * npy.h -- NumPy's .npy files and MNIST's IDX files, in and out. Files of unknown origin: each byte
 * is checked.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_NPY_H
#define SYSTOLE_RT_NPY_H

#include "systole/base/diag.h"
#include "systole/graph/tensor.h"

/*
 * Reads a .npy file (format 1, 2 or 3; gzip too). Big-endian data and Fortran order are converted.
 * The data lie in a buffer that the caller frees with rt_buffer_free.
 *
 * Types: bool, signed and unsigned integers, floats of 2, 4 and 8 bytes, complex numbers of 8
 * and 16. Errors, each one line that begins with the path: SY_EIO; SY_EFORMAT (no .npy file,
 * damaged header, data too short or too long); SY_EUNSUPPORTED (Python objects, structures,
 * strings, more than IR_MAX_RANK dimensions); SY_ENOMEM. out untouched.
 */
sy_status rt_npy_read(const char *path, base_diag *diag, ir_tensor *out);

/* The same from memory; name is for messages. */
sy_status rt_npy_parse(const char *name, const void *data, size_t n_bytes, base_diag *diag,
                       ir_tensor *out);

/*
 * Writes format 1, little-endian, C order; path holds the old contents or the new ones, whatever
 * fails. SY_EUNSUPPORTED for a type that NumPy lacks (bf16, 8-bit floats, 4-bit integers, strings);
 * SY_EIO, SY_ENOMEM.
 */
sy_status rt_npy_write(const char *path, const ir_tensor *tensor, base_diag *diag);

/*
 * Reads an IDX file (gzip too) of bytes, integers or floats, as rt_npy_read.
 */
sy_status rt_idx_read(const char *path, base_diag *diag, ir_tensor *out);
sy_status rt_idx_parse(const char *name, const void *data, size_t n_bytes, base_diag *diag,
                       ir_tensor *out);

#endif
