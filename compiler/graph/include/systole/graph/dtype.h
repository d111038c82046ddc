/*
 * dtype.h -- the element types of tensors: one table for the whole project.
 *
 * The values are ONNX's TensorProto.DataType numbers, so that importers need no second table. Types of
 * 4 and 2 bits are packed, the first element in the lowest bits. A string tensor's data is, for each
 * element, a little-endian uint32 length and then the bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_GRAPH_DTYPE_H
#define SYSTOLE_GRAPH_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*         symbol          number  text           bits  class                                       */
#define SY_DTYPE_MAP(X)                       \
    X(SY_DT_NONE,          0,      "none",        0,    SY_DC_NONE)    /* not known yet           */ \
    X(SY_DT_F32,           1,      "f32",         32,   SY_DC_FLOAT)   \
    X(SY_DT_U8,            2,      "u8",          8,    SY_DC_UINT)    \
    X(SY_DT_I8,            3,      "i8",          8,    SY_DC_INT)     \
    X(SY_DT_U16,           4,      "u16",         16,   SY_DC_UINT)    \
    X(SY_DT_I16,           5,      "i16",         16,   SY_DC_INT)     \
    X(SY_DT_I32,           6,      "i32",         32,   SY_DC_INT)     \
    X(SY_DT_I64,           7,      "i64",         64,   SY_DC_INT)     \
    X(SY_DT_STRING,        8,      "string",      0,    SY_DC_STRING)  \
    X(SY_DT_BOOL,          9,      "bool",        8,    SY_DC_BOOL)    \
    X(SY_DT_F16,           10,     "f16",         16,   SY_DC_FLOAT)   \
    X(SY_DT_F64,           11,     "f64",         64,   SY_DC_FLOAT)   \
    X(SY_DT_U32,           12,     "u32",         32,   SY_DC_UINT)    \
    X(SY_DT_U64,           13,     "u64",         64,   SY_DC_UINT)    \
    X(SY_DT_C64,           14,     "c64",         64,   SY_DC_COMPLEX) /* two f32                 */ \
    X(SY_DT_C128,          15,     "c128",        128,  SY_DC_COMPLEX) /* two f64                 */ \
    X(SY_DT_BF16,          16,     "bf16",        16,   SY_DC_FLOAT)   \
    X(SY_DT_F8E4M3FN,      17,     "f8e4m3fn",    8,    SY_DC_FLOAT)   \
    X(SY_DT_F8E4M3FNUZ,    18,     "f8e4m3fnuz",  8,    SY_DC_FLOAT)   \
    X(SY_DT_F8E5M2,        19,     "f8e5m2",      8,    SY_DC_FLOAT)   \
    X(SY_DT_F8E5M2FNUZ,    20,     "f8e5m2fnuz",  8,    SY_DC_FLOAT)   \
    X(SY_DT_U4,            21,     "u4",          4,    SY_DC_UINT)    \
    X(SY_DT_I4,            22,     "i4",          4,    SY_DC_INT)     \
    X(SY_DT_F4E2M1,        23,     "f4e2m1",      4,    SY_DC_FLOAT)   \
    X(SY_DT_F8E8M0,        24,     "f8e8m0",      8,    SY_DC_FLOAT)   \
    X(SY_DT_U2,            25,     "u2",          2,    SY_DC_UINT)    \
    X(SY_DT_I2,            26,     "i2",          2,    SY_DC_INT)

typedef enum sy_dtype {
#define X(sym, num, text, bits, class) sym = num,
    SY_DTYPE_MAP(X)
#undef X
} sy_dtype;

#define SY_DT_COUNT 27

typedef enum sy_dtype_class {
    SY_DC_NONE,
    SY_DC_FLOAT,
    SY_DC_INT,
    SY_DC_UINT,
    SY_DC_BOOL,
    SY_DC_COMPLEX,
    SY_DC_STRING
} sy_dtype_class;

/* All of these accept any number: one that is no dtype acts as SY_DT_NONE. */
const char *sy_dtype_name(sy_dtype t);
uint32_t sy_dtype_bits(sy_dtype t); /* 0 for none and string */
sy_dtype_class sy_dtype_class_of(sy_dtype t);

/* The dtype of that name, SY_DT_NONE if there is none. `name` need not be terminated. */
sy_dtype sy_dtype_from_name(const char *name, size_t n);

/*
 * Bytes that n elements take (sub-byte types rounded up to whole bytes).
 * False if the product overflows, n is negative, or the type has no fixed size.
 */
bool sy_dtype_size_bytes(sy_dtype t, int64_t n, size_t *out);

#endif
