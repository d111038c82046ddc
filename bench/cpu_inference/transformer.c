/*
 * transformer.c -- an encoder of BERT-base's size and a decoder of GPT-2's, random weights, as exporters write them: attention, GELU
 * and masks of plain operators, LayerNormalization of operator set 17.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onnx.pb-c.h"

#include "bench.h"
#include "systole/base/rng.h"

#define WIDTH    768
#define HEADS    12
#define LAYERS   12
#define MAX_PARTS 4096

typedef struct model {
    Onnx__GraphProto graph;
    base_rng rng;
    int n_names;
    int64_t tokens;
} model;

static void *take(size_t n, size_t bytes)
{
    void *p = calloc(n > 0 ? n : 1, bytes);
    if (p == NULL) {
        (void)fprintf(stderr, "cpu_inference: out of memory\n");
        exit(1);
    }
    return p;
}

static char *name_of(model *m, const char *what)
{
    char *text = take(32, 1);
    (void)snprintf(text, 32, "%.20s_%d", what, m->n_names++);
    return text;
}

/* ---------------------------------------------------------------- weights */

static char *tensor(model *m, int32_t dtype, size_t rank, const int64_t *dims, void *data, size_t n_bytes)
{
    Onnx__TensorProto *t = take(1, sizeof *t);
    onnx__tensor_proto__init(t);
    t->name = name_of(m, "w");
    t->has_data_type = 1;
    t->data_type = dtype;
    t->n_dims = rank;
    t->dims = take(rank, sizeof *t->dims);
    memcpy(t->dims, dims, rank * sizeof *dims);
    t->has_raw_data = 1;
    t->raw_data.len = n_bytes;
    t->raw_data.data = data;
    m->graph.initializer[m->graph.n_initializer++] = t;
    return t->name;
}

/* A matrix (columns > 0) or vector of numbers within `spread` of `centre`. */
static char *weights(model *m, int64_t rows, int64_t columns, float centre, float spread)
{
    const int64_t dims[] = {rows, columns};
    const size_t n = (size_t)(rows * (columns > 0 ? columns : 1));
    float *data = take(n, sizeof *data);
    for (size_t i = 0; i < n; i++) {
        data[i] = centre + spread * (2.0f * base_rng_float(&m->rng) - 1.0f);
    }
    return tensor(m, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, columns > 0 ? 2 : 1, dims, data, n * sizeof *data);
}

static char *scalar(model *m, float v)
{
    float *data = take(1, sizeof *data);
    *data = v;
    return tensor(m, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, 0, NULL, data, sizeof *data);
}

static char *shape(model *m, size_t n, const int64_t *sizes)
{
    const int64_t dims[] = {(int64_t)n};
    int64_t *data = take(n, sizeof *data);
    memcpy(data, sizes, n * sizeof *data);
    return tensor(m, ONNX__TENSOR_PROTO__DATA_TYPE__INT64, 1, dims, data, n * sizeof *data);
}

/* ---------------------------------------------------------------- nodes */

static Onnx__NodeProto *node(model *m, const char *op, size_t n_inputs, char *const *inputs)
{
    Onnx__NodeProto *n = take(1, sizeof *n);
    onnx__node_proto__init(n);
    n->op_type = take(strlen(op) + 1, 1);
    memcpy(n->op_type, op, strlen(op) + 1);
    n->n_input = n_inputs;
    n->input = take(n_inputs, sizeof *n->input);
    memcpy(n->input, inputs, n_inputs * sizeof *inputs);
    n->n_output = 1;
    n->output = take(1, sizeof *n->output);
    n->output[0] = name_of(m, op);
    m->graph.node[m->graph.n_node++] = n;
    return n;
}

static char *one(model *m, const char *op, char *a)
{
    return node(m, op, 1, &a)->output[0];
}

static char *two(model *m, const char *op, char *a, char *b)
{
    char *const inputs[] = {a, b};
    return node(m, op, 2, inputs)->output[0];
}

static char *three(model *m, const char *op, char *a, char *b, char *c)
{
    char *const inputs[] = {a, b, c};
    return node(m, op, 3, inputs)->output[0];
}

static char *transpose(model *m, char *x, const int64_t perm[4])
{
    static char name[] = "perm";
    Onnx__NodeProto *n = node(m, "Transpose", 1, &x);
    Onnx__AttributeProto *a = take(1, sizeof *a);
    onnx__attribute_proto__init(a);
    a->name = name;
    a->has_type = 1;
    a->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS;
    a->n_ints = 4;
    a->ints = take(4, sizeof *a->ints);
    memcpy(a->ints, perm, 4 * sizeof *perm);
    n->n_attribute = 1;
    n->attribute = take(1, sizeof *n->attribute);
    n->attribute[0] = a;
    return n->output[0];
}

/* ---------------------------------------------------------------- layers */

static char *linear(model *m, char *x, int64_t in, int64_t out)
{
    return two(m, "Add", two(m, "MatMul", x, weights(m, in, out, 0.0f, 0.04f)), weights(m, out, 0, 0.0f, 0.02f));
}

static char *norm(model *m, char *x)
{
    return three(m, "LayerNormalization", x, weights(m, WIDTH, 0, 1.0f, 0.1f), weights(m, WIDTH, 0, 0.0f, 0.1f));
}

static char *heads(model *m, char *x, bool keys)
{
    const int64_t split[] = {1, m->tokens, HEADS, WIDTH / HEADS}, plain[] = {0, 2, 1, 3}, turned[] = {0, 2, 3, 1};
    return transpose(m, two(m, "Reshape", x, shape(m, 4, split)), keys ? turned : plain);
}

/* mask: NULL, or bools [1, 1, tokens, tokens]. */
static char *attention(model *m, char *x, char *mask)
{
    const int64_t joined[] = {1, m->tokens, WIDTH}, back[] = {0, 2, 1, 3};
    char *q = heads(m, linear(m, x, WIDTH, WIDTH), false), *k = heads(m, linear(m, x, WIDTH, WIDTH), true);
    char *v = heads(m, linear(m, x, WIDTH, WIDTH), false);
    char *scores = two(m, "Div", two(m, "MatMul", q, k), scalar(m, 8.0f));
    if (mask != NULL) {
        scores = three(m, "Where", mask, scores, scalar(m, -1e9f));
    }
    char *sum = transpose(m, two(m, "MatMul", one(m, "Softmax", scores), v), back);
    return linear(m, two(m, "Reshape", sum, shape(m, 3, joined)), WIDTH, WIDTH);
}

static char *gelu_erf(model *m, char *x)
{
    char *phi = two(m, "Add", one(m, "Erf", two(m, "Div", x, scalar(m, 1.41421356f))), scalar(m, 1.0f));
    return two(m, "Mul", two(m, "Mul", x, phi), scalar(m, 0.5f));
}

static char *gelu_tanh(model *m, char *x)
{
    char *cubed = two(m, "Mul", two(m, "Pow", x, scalar(m, 3.0f)), scalar(m, 0.044715f));
    char *t = one(m, "Tanh", two(m, "Mul", two(m, "Add", x, cubed), scalar(m, 0.797884561f)));
    return two(m, "Mul", two(m, "Mul", x, scalar(m, 0.5f)), two(m, "Add", t, scalar(m, 1.0f)));
}

static char *embed(model *m, char *ids, int64_t vocabulary)
{
    const int64_t dims[] = {1, m->tokens, WIDTH};
    char *words = two(m, "Gather", weights(m, vocabulary, WIDTH, 0.0f, 0.05f), ids);
    char *places = two(m, "Reshape", weights(m, m->tokens, WIDTH, 0.0f, 0.05f), shape(m, 3, dims));
    return two(m, "Add", words, places);
}

static char *encoder(model *m, char *ids)
{
    char *x = norm(m, embed(m, ids, 30522));
    for (int i = 0; i < LAYERS; i++) {
        x = norm(m, two(m, "Add", x, attention(m, x, NULL)));
        x = norm(m, two(m, "Add", x, linear(m, gelu_erf(m, linear(m, x, WIDTH, 4 * WIDTH)), 4 * WIDTH, WIDTH)));
    }
    return x;
}

static char *decoder(model *m, char *ids)
{
    const int64_t dims[] = {1, 1, m->tokens, m->tokens}, n = m->tokens;
    uint8_t *causal = take((size_t)(n * n), 1);
    for (int64_t i = 0; i < n * n; i++) {
        causal[i] = i % n <= i / n;
    }
    char *mask = tensor(m, ONNX__TENSOR_PROTO__DATA_TYPE__BOOL, 4, dims, causal, (size_t)(n * n));
    char *x = embed(m, ids, 50257);
    for (int i = 0; i < LAYERS; i++) {
        x = two(m, "Add", x, attention(m, norm(m, x), mask));
        x = two(m, "Add", x, linear(m, gelu_tanh(m, linear(m, norm(m, x), WIDTH, 4 * WIDTH)), 4 * WIDTH, WIDTH));
    }
    return two(m, "MatMul", norm(m, x), weights(m, WIDTH, 50257, 0.0f, 0.05f));
}

/* ---------------------------------------------------------------- files */

static Onnx__ValueInfoProto *value(model *m, char *name, int32_t dtype, size_t rank)
{
    const int64_t sizes[] = {1, m->tokens};
    Onnx__ValueInfoProto *v = take(1, sizeof *v);
    Onnx__TypeProto *type = take(1, sizeof *type);
    Onnx__TypeProto__Tensor *t = take(1, sizeof *t);
    onnx__value_info_proto__init(v);
    onnx__type_proto__init(type);
    onnx__type_proto__tensor__init(t);
    v->name = name;
    v->type = type;
    type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type->tensor_type = t;
    t->has_elem_type = 1;
    t->elem_type = dtype;
    if (rank > 0) {
        t->shape = take(1, sizeof *t->shape);
        onnx__tensor_shape_proto__init(t->shape);
        t->shape->n_dim = rank;
        t->shape->dim = take(rank, sizeof *t->shape->dim);
        for (size_t i = 0; i < rank; i++) {
            t->shape->dim[i] = take(1, sizeof **t->shape->dim);
            onnx__tensor_shape_proto__dimension__init(t->shape->dim[i]);
            t->shape->dim[i]->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
            t->shape->dim[i]->dim_value = sizes[i];
        }
    }
    return v;
}

typedef struct sink {
    ProtobufCBuffer base;
    FILE *file;
} sink;

static void append(ProtobufCBuffer *buffer, size_t n, const uint8_t *data)
{
    sink *s = (sink *)(void *)buffer;
    (void)fwrite(data, 1, n, s->file);
}

static bool generate(const char *to, int64_t tokens, char *(*build)(model *m, char *ids))
{
    static char graph_name[] = "main", ids[] = "ids";
    Onnx__ModelProto p = ONNX__MODEL_PROTO__INIT;
    Onnx__OperatorSetIdProto set = ONNX__OPERATOR_SET_ID_PROTO__INIT, *sets[] = {&set};
    model *m = take(1, sizeof *m);
    onnx__graph_proto__init(&m->graph);
    m->graph.name = graph_name;
    m->graph.node = take(MAX_PARTS, sizeof *m->graph.node);
    m->graph.initializer = take(MAX_PARTS, sizeof *m->graph.initializer);
    m->rng = base_rng_make(1, 2);
    m->tokens = tokens;
    Onnx__ValueInfoProto *input = value(m, ids, ONNX__TENSOR_PROTO__DATA_TYPE__INT64, 2);
    Onnx__ValueInfoProto *output = value(m, build(m, ids), ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, 0);
    m->graph.n_input = m->graph.n_output = 1;
    m->graph.input = &input;
    m->graph.output = &output;
    set.has_version = 1;
    set.version = 17;
    p.has_ir_version = 1;
    p.ir_version = 8;
    p.n_opset_import = 1;
    p.opset_import = sets;
    p.graph = &m->graph;
    sink s = {.base = {.append = append}, .file = fopen(to, "wb")};
    if (s.file == NULL) {
        (void)fprintf(stderr, "cpu_inference: cannot write %s\n", to);
        return false;
    }
    (void)onnx__model_proto__pack_to_buffer(&p, &s.base);
    for (size_t i = 0; i < m->graph.n_initializer; i++) {
        free(m->graph.initializer[i]->raw_data.data); /* the bulk; the rest goes with the process */
    }
    const bool failed = ferror(s.file) != 0;
    return fclose(s.file) == 0 && !failed;
}

bool bench_encoder(const char *from, const char *to)
{
    (void)from;
    return generate(to, 128, encoder);
}

bool bench_decoder(const char *from, const char *to)
{
    (void)from;
    return generate(to, 64, decoder);
}
