/*
 * onnx_write.h -- writes ONNX models byte by byte, legal ones and others: for tests of the
 * importer.
 *
 * Messages are buffers; what is put into another message is freed by it. Names of operands and
 * results are given as one text with spaces between ("x w b"; "-" stands for an absent one). Field
 * numbers are those of onnx.proto.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_TESTS_ONNX_WRITE_H
#define SYSTOLE_TESTS_ONNX_WRITE_H

#include "systole/base/buf.h"
#include "systole/graph/dtype.h"

#include <string.h>

static inline void ow_raw_varint(base_buf *m, uint64_t v)
{
    for (; v >= 0x80; v >>= 7) {
        base_buf_put_u8(m, (uint8_t)(v | 0x80));
    }
    base_buf_put_u8(m, (uint8_t)v);
}

static inline void ow_int(base_buf *m, uint32_t field, int64_t v)
{
    ow_raw_varint(m, (uint64_t)field << 3);
    ow_raw_varint(m, (uint64_t)v);
}

static inline void ow_float(base_buf *m, uint32_t field, float v)
{
    ow_raw_varint(m, (uint64_t)field << 3 | 5);
    base_buf_append(m, &v, sizeof v);
}

static inline void ow_bytes(base_buf *m, uint32_t field, const void *data, size_t n_bytes)
{
    ow_raw_varint(m, (uint64_t)field << 3 | 2);
    ow_raw_varint(m, n_bytes);
    base_buf_append(m, data, n_bytes);
}

static inline void ow_text(base_buf *m, uint32_t field, const char *text)
{
    ow_bytes(m, field, text, strlen(text));
}

/* Puts `part` into m and frees it. */
static inline void ow_message(base_buf *m, uint32_t field, base_buf part)
{
    ow_bytes(m, field, part.data != NULL ? part.data : "", part.n_bytes);
    base_buf_free(&part);
}

/* The words of a text, each as one string field; "-" is an empty one. */
static inline void ow_words(base_buf *m, uint32_t field, const char *words)
{
    for (const char *p = words + strspn(words, " "); *p != '\0'; p += strspn(p, " ")) {
        const size_t n = strcspn(p, " ");
        ow_bytes(m, field, p, n == 1 && *p == '-' ? 0 : n);
        p += n;
    }
}

/* ---------------------------------------------------------------- nodes */

static inline base_buf ow_node(const char *op, const char *inputs, const char *outputs)
{
    base_buf m = {0};
    ow_words(&m, 1, inputs);
    ow_words(&m, 2, outputs);
    ow_text(&m, 4, op);
    return m;
}

static inline base_buf ow_attr(const char *name, int type)
{
    base_buf a = {0};
    ow_text(&a, 1, name);
    ow_int(&a, 20, type);
    return a;
}

static inline void ow_attr_int(base_buf *node, const char *name, int64_t v)
{
    base_buf a = ow_attr(name, 2);
    ow_int(&a, 3, v);
    ow_message(node, 5, a);
}

static inline void ow_attr_float(base_buf *node, const char *name, float v)
{
    base_buf a = ow_attr(name, 1);
    ow_float(&a, 2, v);
    ow_message(node, 5, a);
}

static inline void ow_attr_text(base_buf *node, const char *name, const char *text)
{
    base_buf a = ow_attr(name, 3);
    ow_text(&a, 4, text);
    ow_message(node, 5, a);
}

static inline void ow_attr_ints(base_buf *node, const char *name, size_t n, const int64_t *v)
{
    base_buf a = ow_attr(name, 7);
    for (size_t i = 0; i < n; i++) {
        ow_int(&a, 8, v[i]);
    }
    ow_message(node, 5, a);
}

static inline void ow_attr_graph(base_buf *node, const char *name, base_buf graph)
{
    base_buf a = ow_attr(name, 5);
    ow_message(&a, 6, graph);
    ow_message(node, 5, a);
}

/* ---------------------------------------------------------------- values */

/* A ValueInfoProto; a size of -1 is the free dimension "n". rank -1: no shape. */
static inline base_buf ow_value(const char *name, sy_dtype dtype, int rank, const int64_t *dims)
{
    base_buf info = {0}, type = {0}, tensor = {0}, shape = {0};
    for (int i = 0; i < rank; i++) {
        base_buf dim = {0};
        if (dims[i] == -1) {
            ow_text(&dim, 2, "n");
        } else {
            ow_int(&dim, 1, dims[i]);
        }
        ow_message(&shape, 1, dim);
    }
    ow_int(&tensor, 1, dtype);
    if (rank >= 0) {
        ow_message(&tensor, 2, shape);
    }
    ow_message(&type, 1, tensor);
    ow_text(&info, 1, name);
    ow_message(&info, 2, type);
    return info;
}

/* A TensorProto with raw data. */
static inline base_buf ow_tensor(const char *name, sy_dtype dtype, int rank, const int64_t *dims,
                                 const void *data, size_t n_bytes)
{
    base_buf t = {0};
    for (int i = 0; i < rank; i++) {
        ow_int(&t, 1, dims[i]);
    }
    ow_int(&t, 2, dtype);
    ow_text(&t, 8, name);
    ow_bytes(&t, 9, data, n_bytes);
    return t;
}

/* ---------------------------------------------------------------- graphs */

static inline void ow_add_node(base_buf *graph, base_buf node)
{
    ow_message(graph, 1, node);
}

static inline void ow_add_input(base_buf *graph, const char *name, sy_dtype dtype, int rank,
                                const int64_t *dims)
{
    ow_message(graph, 11, ow_value(name, dtype, rank, dims));
}

static inline void ow_add_output(base_buf *graph, const char *name, sy_dtype dtype)
{
    ow_message(graph, 12, ow_value(name, dtype, -1, NULL));
}

static inline void ow_add_const(base_buf *graph, const char *name, sy_dtype dtype, int rank,
                                const int64_t *dims, const void *data, size_t n_bytes)
{
    ow_message(graph, 5, ow_tensor(name, dtype, rank, dims, data, n_bytes));
}

static inline void ow_add_f32(base_buf *graph, const char *name, float v)
{
    ow_add_const(graph, name, SY_DT_F32, 0, NULL, &v, sizeof v);
}

static inline void ow_add_i8(base_buf *graph, const char *name, int v)
{
    const int8_t byte = (int8_t)v;
    ow_add_const(graph, name, SY_DT_I8, 0, NULL, &byte, 1);
}

static inline void ow_add_u8(base_buf *graph, const char *name, int v)
{
    const uint8_t byte = (uint8_t)v;
    ow_add_const(graph, name, SY_DT_U8, 0, NULL, &byte, 1);
}

/* A ModelProto around the graph, with one operator set. */
static inline base_buf ow_model(base_buf graph, int64_t opset)
{
    base_buf m = {0}, set = {0};
    ow_int(&m, 1, 8);
    ow_int(&set, 2, opset);
    ow_message(&m, 8, set);
    ow_message(&m, 7, graph);
    return m;
}

#endif
