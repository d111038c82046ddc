/*
 * random_model.h -- models of one to three nodes, any operator of the table with any operands and attributes, from a string of
 * bytes: for the fuzzer, and for a test with pseudo-random bytes. A model may be senseless: then it must be refused in one line.
 *
 * rm_check imports a model and runs it by the reference kernels and by the fast ones. What the reference computes, the fast ones must
 * compute too: the same types and shapes, and the same numbers within a tolerance that only catches wrong ones.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_TESTS_RANDOM_MODEL_H
#define SYSTOLE_TESTS_RANDOM_MODEL_H

#include "onnx_write.h"

#include "systole/graph/import.h"
#include "systole/graph/list.h"
#include "systole/graph/strings.h"
#include "systole/rt/buffer.h"
#include "systole/rt/cpu.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define RM_MAX_VALUES 24
#define RM_MAX_NODES  3
#define RM_STEPS      2000 /* nodes that a run may take: loops may be endless */

typedef struct rm_source {
    const uint8_t *bytes;
    size_t n, at;
} rm_source;

/* Below n; 0 when the bytes are used up. */
static inline uint32_t rm_below(rm_source *s, uint32_t n)
{
    uint32_t v = s->at < s->n ? s->bytes[s->at++] : 0;
    if (n > 256) {
        v = v << 8 | (s->at < s->n ? s->bytes[s->at++] : 0);
    }
    return n > 0 ? v % n : 0;
}

static inline bool rm_one_in(rm_source *s, uint32_t n)
{
    return rm_below(s, n) == 0;
}

typedef struct rm_value {
    char name[8];
    sy_dtype dtype;
    int32_t rank;
    int64_t dims[4];
    base_buf data;
    bool is_input;
} rm_value;

typedef struct rm_model {
    base_buf graph;
    rm_value values[RM_MAX_VALUES]; /* operands that are fed or constant */
    uint32_t n_values, n_results;
    char text[256]; /* what it is, for messages */
    bool random;    /* one of its operators draws numbers */
} rm_model;

static inline void rm_free(rm_model *m)
{
    for (uint32_t i = 0; i < m->n_values; i++) {
        base_buf_free(&m->values[i].data);
    }
    base_buf_free(&m->graph);
}

/* ---------------------------------------------------------------- operands */

static inline int64_t rm_integer(rm_source *s)
{
    static const int64_t corners[] = {INT64_MAX, INT64_MIN, INT64_C(1) << 40, -(INT64_C(1) << 40), INT32_MIN, 1000};
    return rm_one_in(s, 16) ? corners[rm_below(s, 6)] : (int64_t)rm_below(s, 9) - 3;
}

static inline void rm_element(rm_source *s, sy_dtype dtype, base_buf *to)
{
    static const char *const words[] = {"", "a", "1.5", "-3", "nan", "Straße", "a b", "x,y"};
    const uint32_t bits = sy_dtype_bits(dtype);
    uint8_t raw[16];
    if (dtype == SY_DT_STRING) {
        const char *word = words[rm_below(s, 8)];
        ir_strings_put(to, word, strlen(word));
        return;
    }
    const double value = rm_one_in(s, 24) ? (double)INFINITY : rm_one_in(s, 24) ? (double)NAN : (double)rm_below(s, 64) / 8.0 - 3.0;
    const float f = (float)value;
    const int64_t i = rm_integer(s);
    memset(raw, 0, sizeof raw);
    if (dtype == SY_DT_F32) {
        memcpy(raw, &f, sizeof f);
    } else if (dtype == SY_DT_F64) {
        memcpy(raw, &value, sizeof value);
    } else if (dtype == SY_DT_BF16) {
        memcpy(raw, (const char *)&f + 2, 2);
    } else if (dtype == SY_DT_F16) { /* 2^-3 .. 2^3 */
        const uint32_t code = rm_below(s, 2) << 15 | (12 + rm_below(s, 6)) << 10 | rm_below(s, 1024);
        memcpy(raw, &code, 2);
    } else if (dtype == SY_DT_BOOL) {
        raw[0] = (uint8_t)rm_below(s, 2);
    } else if (sy_dtype_class_of(dtype) == SY_DC_INT || sy_dtype_class_of(dtype) == SY_DC_UINT) {
        memcpy(raw, &i, sizeof i);
    } else {
        for (size_t k = 0; k < sizeof raw; k++) {
            raw[k] = (uint8_t)rm_below(s, 256);
        }
    }
    (void)base_buf_append(to, raw, bits >= 8 ? bits / 8 : 1);
}

static inline void rm_fill(rm_source *s, rm_value *v)
{
    int64_t n = 1;
    for (int32_t i = 0; i < v->rank; i++) {
        n *= v->dims[i];
    }
    const uint32_t bits = sy_dtype_bits(v->dtype);
    const int64_t count = bits > 0 && bits < 8 ? (n * bits + 7) / 8 : n;
    for (int64_t i = 0; i < count; i++) {
        rm_element(s, v->dtype, &v->data);
    }
}

/* A new operand: the first of a node of the model's type in a common shape; others most often like it, or a small list of integers. */
static inline rm_value *rm_operand(rm_source *s, rm_model *m, sy_dtype common, bool first)
{
    static const struct {
        int32_t rank;
        int64_t dims[4];
    } shapes[] = {{4, {1, 2, 4, 5}}, {4, {2, 4, 3, 3}}, {3, {2, 3, 4}}, {3, {1, 4, 6}}, {2, {3, 4}}, {2, {4, 4}}, {1, {5}}, {0, {0}}};
    if (m->n_values == RM_MAX_VALUES) {
        return &m->values[0];
    }
    rm_value *v = &m->values[m->n_values];
    *v = (rm_value){.dtype = common, .is_input = !rm_one_in(s, 3)};
    (void)snprintf(v->name, sizeof v->name, "v%u", m->n_values);
    const uint32_t form = first ? 6 + rm_below(s, 2) : rm_below(s, 8);
    if (form < 4 && m->n_values > 0) { /* like an earlier one */
        const rm_value *like = &m->values[rm_below(s, m->n_values)];
        v->rank = like->rank;
        memcpy(v->dims, like->dims, sizeof v->dims);
    } else if (form == 6 || form == 5) {
        const uint32_t shape = rm_below(s, sizeof shapes / sizeof shapes[0]);
        v->rank = shapes[shape].rank;
        memcpy(v->dims, shapes[shape].dims, sizeof v->dims);
    } else if (form == 4) { /* a list of axes, sizes, indices */
        v->dtype = rm_one_in(s, 4) ? SY_DT_I32 : SY_DT_I64;
        v->rank = rm_one_in(s, 4) ? 0 : 1;
        v->dims[0] = rm_below(s, 5);
        v->is_input = rm_one_in(s, 2);
    } else {
        v->rank = (int32_t)rm_below(s, 5);
        for (int32_t i = 0; i < v->rank; i++) {
            v->dims[i] = rm_one_in(s, 12) ? 0 : 1 + rm_below(s, 4);
        }
    }
    if (rm_one_in(s, 12)) {
        v->dtype = (sy_dtype)(1 + rm_below(s, SY_DT_COUNT - 1));
    }
    rm_fill(s, v);
    m->n_values++;
    return v;
}

/* ---------------------------------------------------------------- attributes */

static inline base_buf rm_tensor(rm_source *s, const char *name)
{
    rm_value v = {.dtype = (sy_dtype)(1 + rm_below(s, SY_DT_COUNT - 1)), .rank = rm_one_in(s, 2) ? 1 : 0, .dims = {1}};
    v.dtype = v.dtype == SY_DT_STRING ? SY_DT_F32 : v.dtype;
    rm_fill(s, &v);
    base_buf t = ow_tensor(name, v.dtype, v.rank, v.dims, v.data.data, v.data.n_bytes);
    base_buf_free(&v.data);
    return t;
}

static inline void rm_attribute(rm_source *s, base_buf *node, const char *name, const char *kind)
{
    static const char *const words[] = {
        "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID", "constant", "reflect", "edge",   "wrap",   "nearest", "linear", "cubic",
        "mean",   "sum",        "none",       "max",   "tanh",     "DCR",     "CRD",    "RIGHT",  "LEFT",    "add",    "mul",
        "forward", "reverse",   "bidirectional", "Relu", "asymmetric", "floor", "ij,jk->ik", "...i->i", "LOWER", ""};
    const uint32_t n_words = sizeof words / sizeof words[0];
    base_buf a = {0};
    if (strcmp(kind, "int") == 0) {
        ow_attr_int(node, name, rm_one_in(s, 3) ? rm_integer(s) : (int64_t)rm_below(s, 4));
    } else if (strcmp(kind, "float") == 0) {
        ow_attr_float(node, name, rm_one_in(s, 12) ? 1e30f : (float)rm_below(s, 40) / 8.0f - 1.0f);
    } else if (strcmp(kind, "string") == 0) {
        ow_attr_text(node, name, words[rm_below(s, n_words)]);
    } else if (strcmp(kind, "ints") == 0) {
        int64_t list[6];
        const uint32_t n = rm_one_in(s, 3) ? rm_below(s, 7) : 1 + rm_below(s, 4);
        const bool mild = !rm_one_in(s, 4);
        for (uint32_t i = 0; i < n; i++) {
            list[i] = mild ? 1 + (int64_t)rm_below(s, 3) : rm_integer(s);
        }
        ow_attr_ints(node, name, n, list);
    } else if (strcmp(kind, "floats") == 0) {
        a = ow_attr(name, 6);
        for (uint32_t n = rm_below(s, 5); n > 0; n--) {
            ow_float(&a, 7, (float)rm_below(s, 40) / 8.0f - 1.0f);
        }
        ow_message(node, 5, a);
    } else if (strcmp(kind, "strings") == 0) {
        a = ow_attr(name, 8);
        for (uint32_t n = rm_below(s, 5); n > 0; n--) {
            ow_text(&a, 9, words[rm_below(s, n_words)]);
        }
        ow_message(node, 5, a);
    } else if (strcmp(kind, "tensor") == 0) {
        a = ow_attr(name, 4);
        ow_message(&a, 5, rm_tensor(s, "t"));
        ow_message(node, 5, a);
    } else if (strcmp(kind, "graph") == 0) { /* passes its one input through */
        base_buf g = {0};
        ow_text(&g, 2, "g");
        ow_add_node(&g, ow_node("Identity", "gi", "go"));
        ow_add_input(&g, "gi", SY_DT_F32, -1, NULL);
        ow_add_output(&g, "go", SY_DT_F32);
        ow_attr_graph(node, name, g);
    }
}

static inline void rm_attributes(rm_source *s, base_buf *node, const ir_op *op)
{
    char name[64], kind[16];
    for (const char *p = op->attrs; *p != '\0'; p += strspn(p, " ")) {
        const size_t n = strcspn(p, " "), colon = strcspn(p, ":");
        if (colon < n && colon < sizeof name && n - colon - 1 < sizeof kind && rm_one_in(s, 2)) {
            memcpy(name, p, colon);
            name[colon] = '\0';
            memcpy(kind, p + colon + 1, n - colon - 1);
            kind[n - colon - 1] = '\0';
            rm_attribute(s, node, name, kind);
        }
        p += n;
    }
}

/* ---------------------------------------------------------------- models */

static inline void rm_node(rm_source *s, rm_model *m, const ir_op *op, sy_dtype common)
{
    char inputs[256] = "", outputs[64] = "";
    const uint32_t most = op->max_inputs == IR_MANY ? op->min_inputs + 3u : op->max_inputs;
    const uint32_t extra = most > op->min_inputs ? rm_below(s, most - op->min_inputs + 1) : 0;
    for (uint32_t i = 0; i < op->min_inputs + extra && i < 14; i++) {
        char word[16];
        if (m->n_results > 0 && rm_one_in(s, 3)) {
            (void)snprintf(word, sizeof word, "r%u ", rm_below(s, m->n_results));
        } else if (i >= op->min_inputs && rm_one_in(s, 4)) {
            (void)snprintf(word, sizeof word, "- ");
        } else {
            (void)snprintf(word, sizeof word, "%s ", rm_operand(s, m, common, i == 0)->name);
        }
        (void)strncat(inputs, word, sizeof inputs - strlen(inputs) - 1);
    }
    const uint32_t n_out = op->min_outputs + (op->max_outputs > op->min_outputs ? rm_below(s, 2) : 0);
    for (uint32_t i = 0; i < n_out; i++) {
        char word[16];
        (void)snprintf(word, sizeof word, "r%u ", m->n_results++);
        (void)strncat(outputs, word, sizeof outputs - strlen(outputs) - 1);
    }
    base_buf node = ow_node(op->name, inputs, outputs);
    if (op->domain[0] != '\0') {
        ow_text(&node, 7, op->domain);
    }
    rm_attributes(s, &node, op);
    ow_add_node(&m->graph, node);
    m->random = m->random || (op->props & (IR_P_PURE | IR_P_REGION)) == 0;
    const size_t at = strlen(m->text);
    (void)snprintf(m->text + at, sizeof m->text - at, "%s(%s) ", op->name, inputs);
}

/* The bytes of the whole model; free them. */
static inline base_buf rm_generate(rm_source *s, const ir_optable *table, rm_model *m)
{
    static const sy_dtype common[] = {SY_DT_F32, SY_DT_F32, SY_DT_F32, SY_DT_F32, SY_DT_F64, SY_DT_F16,
                                      SY_DT_BF16, SY_DT_I64, SY_DT_I32, SY_DT_I8, SY_DT_U8, SY_DT_BOOL, SY_DT_STRING};
    static const char *const domains[] = {"", "ai.onnx.ml", "com.microsoft", "ai.onnx.preview.training"};
    *m = (rm_model){0};
    const sy_dtype dtype = common[rm_below(s, sizeof common / sizeof common[0])];
    const uint32_t n_nodes = 1 + rm_below(s, RM_MAX_NODES);
    (void)snprintf(m->text, sizeof m->text, "%s ", sy_dtype_name(dtype));
    ow_text(&m->graph, 2, "g");
    for (uint32_t i = 0; i < n_nodes; i++) {
        const ir_op *op = ir_optable_row(table, rm_below(s, ir_optable_count(table)));
        if (strcmp(op->domain, "systole") != 0 && m->n_values < RM_MAX_VALUES - 14) {
            rm_node(s, m, op, dtype);
        }
    }
    for (uint32_t i = 0; i < m->n_values; i++) {
        rm_value *v = &m->values[i];
        v->is_input = v->is_input || v->dtype == SY_DT_STRING;
        if (v->is_input) {
            ow_add_input(&m->graph, v->name, v->dtype, v->rank, v->dims);
        } else {
            ow_add_const(&m->graph, v->name, v->dtype, v->rank, v->dims, v->data.data, v->data.n_bytes);
        }
    }
    for (uint32_t i = 0; i < m->n_results; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "r%u", i);
        base_buf info = {0};
        ow_text(&info, 1, name);
        ow_message(&m->graph, 12, info);
    }
    base_buf model = {0};
    ow_int(&model, 1, 8);
    const int64_t opset = rm_one_in(s, 2) ? 21 : 1 + rm_below(s, 24);
    for (size_t i = 0; i < sizeof domains / sizeof domains[0]; i++) {
        base_buf set = {0};
        ow_text(&set, 1, domains[i]);
        ow_int(&set, 2, i == 0 ? opset : 1 + rm_below(s, 5));
        ow_message(&model, 8, set);
    }
    ow_message(&model, 7, m->graph);
    m->graph = (base_buf){0};
    return model;
}

/* ---------------------------------------------------------------- runs */

typedef struct rm_run {
    sy_status status;
    ir_tensor outputs[RM_MAX_VALUES];
    uint32_t n_outputs;
    base_diag diag;
} rm_run;

static inline bool rm_tired(void *user)
{
    uint32_t *steps = user;
    return ++*steps > RM_STEPS;
}

static inline void rm_run_free(rm_run *r)
{
    for (uint32_t i = 0; i < r->n_outputs; i++) {
        rt_buffer_free(r->outputs[i].data);
    }
}

static inline void rm_run_once(ir_module *im, const rm_model *m, bool reference, rm_run *r)
{
    const rt_cpu_options options = {.reference = reference, .n_threads = 2};
    uint32_t steps = 0;
    const rt_cpu_run_options limits = {.cancelled = rm_tired, .cancelled_user = &steps};
    ir_tensor inputs[RM_MAX_VALUES];
    const ir_tensor *in[RM_MAX_VALUES];
    ir_tensor *out[RM_MAX_VALUES];
    rt_cpu *cpu = NULL;
    rt_cpu_plan *plan = NULL;
    uint32_t n = 0;
    *r = (rm_run){.n_outputs = im->main->n_outputs};
    for (uint32_t i = 0; i < m->n_values; i++) {
        const rm_value *v = &m->values[i];
        if (v->is_input) {
            (void)ir_tensor_init(&inputs[n], v->dtype, v->rank, v->dims, v->data.data != NULL ? v->data.data : (void *)"");
            inputs[n].size_bytes = v->data.n_bytes;
            in[n] = &inputs[n];
            n++;
        }
    }
    for (uint32_t i = 0; i < r->n_outputs; i++) {
        out[i] = &r->outputs[i];
    }
    r->status = rt_cpu_create(im, &options, &r->diag, &cpu);
    r->status = r->status == SY_OK ? rt_cpu_plan_graph(cpu, im->main, &r->diag, &plan) : r->status;
    r->status = r->status == SY_OK ? rt_cpu_plan_run(plan, in, out, &limits, &r->diag) : r->status;
    rt_cpu_plan_destroy(plan);
    rt_cpu_destroy(cpu);
}

/* True if both say the same; wide open for what rounding may do, since a chain may amplify it. */
static inline bool rm_same(const ir_tensor *a, const ir_tensor *b, char *why, size_t n_why)
{
    if (a->kind != b->kind || a->dtype != b->dtype || a->rank != b->rank ||
        memcmp(a->dims, b->dims, (size_t)a->rank * sizeof(int64_t)) != 0) {
        (void)snprintf(why, n_why, "type or shape differ: %s of rank %d, %s of rank %d", sy_dtype_name(a->dtype), a->rank,
                       sy_dtype_name(b->dtype), b->rank);
        return false;
    }
    if (ir_tensor_is_list(a)) {
        for (int64_t i = 0; i < ir_list_n(a); i++) {
            ir_tensor x, y;
            ir_list_entry(a, i, &x);
            ir_list_entry(b, i, &y);
            if (!rm_same(&x, &y, why, n_why)) {
                return false;
            }
        }
        return true;
    }
    if (a->dtype == SY_DT_STRING) {
        (void)snprintf(why, n_why, "strings differ");
        return a->size_bytes == b->size_bytes && memcmp(a->data, b->data, a->size_bytes) == 0;
    }
    const int64_t n = ir_tensor_n_elements(a);
    const bool is_float = sy_dtype_class_of(a->dtype) == SY_DC_FLOAT || sy_dtype_class_of(a->dtype) == SY_DC_COMPLEX;
    for (int64_t i = 0; i < n; i++) {
        const double x = ir_tensor_get_f64(a, i), y = ir_tensor_get_f64(b, i);
        const double room = is_float ? 1e-2 * fmax(1.0, fmax(fabs(x), fabs(y))) : 0.0;
        if (!(x == y || (isnan(x) && isnan(y)) || fabs(x - y) <= room || isinf(room))) {
            (void)snprintf(why, n_why, "element %" PRId64 " is %g and %g", i, x, y);
            return false;
        }
    }
    return true;
}

static inline bool rm_one_line(const base_diag *diag)
{
    const char *text = base_diag_message(diag);
    return text[0] != '\0' && strchr(text, '\n') == NULL;
}

typedef enum rm_outcome { RM_REFUSED, RM_RAN, RM_WRONG } rm_outcome;

/* One model. RM_WRONG: `why` says what. */
static inline rm_outcome rm_check(rm_source *s, ir_optable *table, char *why, size_t n_why)
{
    base_arena *arena = base_arena_create();
    rm_model m;
    base_buf bytes = rm_generate(s, table, &m);
    base_diag diag = {{0}};
    ir_module *im = NULL;
    rm_outcome outcome = RM_REFUSED;
    char reason[256] = "";
    sy_status status = ir_import_onnx_bytes(arena, table, "random", bytes.data, bytes.n_bytes, NULL, &diag, &im);
    if (status != SY_OK) {
        outcome = rm_one_line(&diag) ? RM_REFUSED : RM_WRONG;
        (void)snprintf(reason, sizeof reason, "import says '%s'", base_diag_message(&diag));
    } else if (im->main->n_outputs <= RM_MAX_VALUES) {
        rm_run slow, fast;
        rm_run_once(im, &m, true, &slow);
        rm_run_once(im, &m, false, &fast);
        const bool tired = slow.status == SY_ECANCELLED || fast.status == SY_ECANCELLED;
        if (tired) {
            outcome = RM_REFUSED;
        } else if ((slow.status == SY_OK) != (fast.status == SY_OK)) {
            outcome = RM_WRONG;
            (void)snprintf(reason, sizeof reason, "the reference says '%s', the fast kernels '%s'",
                           base_diag_message(&slow.diag), base_diag_message(&fast.diag));
        } else if (slow.status != SY_OK) {
            outcome = rm_one_line(&slow.diag) && rm_one_line(&fast.diag) ? RM_REFUSED : RM_WRONG;
            (void)snprintf(reason, sizeof reason, "the run says '%s'", base_diag_message(&slow.diag));
        } else {
            outcome = RM_RAN;
            for (uint32_t i = 0; i < slow.n_outputs && outcome == RM_RAN && !m.random; i++) {
                outcome = rm_same(&slow.outputs[i], &fast.outputs[i], reason, sizeof reason) ? RM_RAN : RM_WRONG;
            }
        }
        rm_run_free(&slow);
        rm_run_free(&fast);
    }
    (void)snprintf(why, n_why, "%s: %s", m.text, reason);
    ir_module_destroy(im);
    rm_free(&m);
    base_buf_free(&bytes);
    base_arena_destroy(arena);
    return outcome;
}

#endif
