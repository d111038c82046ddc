/*
 * bf16_edges.c -- float networks that look like what a bf16 machine has and are something else, and sizes at its limits: the meaning
 * stays, and what does not fit stays on the host.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
// timeout: 300
#include "bf16_nets.h"

#include "systole/compiler/compile.h"
#include "systole/graph/optable.h"

static void all_good(void)
{
    const int bad = bn_bad;
    bn_bad = 0;
    assert_int_equal(bad, 0);
}

/* ---------------------------------------------------------------- shapes */

/* One picture's keys and values for two pictures' queries: MatMul repeats them, attention does not. */
static base_buf shared_keys(void)
{
    base_buf g = {0};
    bn_input(&g, "x", 3, (const int64_t[3]){2, 6, 32});
    bn_input(&g, "k", 3, (const int64_t[3]){1, 8, 32});
    bn_input(&g, "v", 3, (const int64_t[3]){1, 8, 32});
    bn_linear(&g, "x", "q", 32, 32, true);
    bn_attention(&g, "q", "k", "v", "y", 32, 2, BN_SCALE_DIV);
    return bn_finish(g, "y");
}

/* Attention whose last Reshape makes one picture of two. */
static base_buf pictures_joined(void)
{
    base_buf g = {0};
    bn_input(&g, "x", 3, (const int64_t[3]){2, 6, 32});
    bn_i64s(&g, "cut", 4, (const int64_t[4]){0, 0, 2, 16});
    bn_i64s(&g, "joined", 3, (const int64_t[3]){1, 12, 32});
    bn_i64s(&g, "first", 1, (const int64_t[1]){0});
    bn_linear(&g, "x", "q", 32, 32, true);
    bn_linear(&g, "x", "k", 32, 32, true);
    bn_linear(&g, "x", "v", 32, 32, true);
    bn_cut(&g, "q", "qh", "cut", false);
    bn_cut(&g, "k", "kh", "cut", true);
    bn_cut(&g, "v", "vh", "cut", false);
    bn_op(&g, "MatMul", "qh kh", "s");
    bn_op_int(&g, "Softmax", "s", "p", "axis", -1);
    bn_op(&g, "MatMul", "p vh", "parts");
    bn_transpose(&g, "parts", "turned", 4, (const int64_t[4]){0, 2, 1, 3});
    bn_op(&g, "Reshape", "turned joined", "one");
    bn_op(&g, "Squeeze", "one first", "y"); /* refused if there are two */
    return bn_finish(g, "y");
}

/* A factor of one element and three axes gives a matrix a third axis. */
static base_buf wide_scalar(const char *op)
{
    base_buf g = {0};
    bn_input(&g, "x", 2, (const int64_t[2]){5, 16});
    bn_weights(&g, "c", 3, (const int64_t[3]){1, 1, 1}, 0.0f, 0.7f);
    bn_linear(&g, "x", "h", 16, 16, true);
    bn_op(&g, op, "h c", "wide");
    bn_transpose(&g, "wide", "y", 3, (const int64_t[3]){0, 2, 1}); /* refused for a matrix */
    return bn_finish(g, "y");
}

static void test_shapes(void **state)
{
    (void)state;
    static const char parts[] = "BMatMul BSoftmax BUnary Softmax Transpose Reshape Squeeze";
    check(shared_keys(), "keys of one picture for two", parts);
    check(pictures_joined(), "pictures joined behind attention", parts);
    check(wide_scalar("Mul"), "a factor with more axes", "Mul BMul Transpose");
    check(wide_scalar("Div"), "a divisor with more axes", "Div BMul Transpose");
    all_good();
}

/* ---------------------------------------------------------------- values */

/* Old exporters list all initializers as inputs. */
static base_buf listed_weights(void)
{
    base_buf g = {0};
    bn_input(&g, "x", 2, (const int64_t[2]){5, 16});
    bn_input(&g, "y_w", 2, (const int64_t[2]){16, 12});
    bn_input(&g, "y_b", 1, (const int64_t[1]){12});
    bn_linear(&g, "x", "y", 16, 12, true);
    return bn_finish(g, "y");
}

/* The model converts to bf16 itself, behind the first user of the same value. */
static base_buf own_conversion(void)
{
    base_buf g = {0};
    bn_input(&g, "x", 2, (const int64_t[2]){5, 16});
    bn_linear(&g, "x", "h", 16, 16, true);
    bn_op(&g, "Softplus", "h", "f"); /* the host's: h is wanted as it is */
    bn_op(&g, "Tanh", "f", "t");
    bn_op(&g, "Sigmoid", "t", "s");
    bn_op_int(&g, "Cast", "f", "narrow", "to", 16);
    bn_op_int(&g, "Cast", "narrow", "wide", "to", 1);
    bn_op(&g, "Mul", "s wide", "y");
    return bn_finish(g, "y");
}

/* 1 / 0 in the lanes behind the last channel must not reach the sums of the product. */
static base_buf reciprocal_of_channels(void)
{
    base_buf g = {0};
    bn_input(&g, "x", 4, (const int64_t[4]){1, 6, 7, 9});
    bn_add_conv(&g, "x", "h", &(bn_conv){.in = 6, .out = 6, .k = 3, .stride = 1, .group = 6, .act = "Reciprocal"});
    bn_add_conv(&g, "h", "y", &(bn_conv){.in = 6, .out = 5, .k = 1, .stride = 1, .group = 1});
    return bn_finish(g, "y");
}

/* Channels joined so that no store reaches the last lanes: what the memory held before is multiplied by weights of 0. */
static base_buf joined_channels(void)
{
    base_buf g = {0};
    bn_input(&g, "x", 4, (const int64_t[4]){1, 3, 128, 128});
    bn_add_conv(&g, "x", "a", &(bn_conv){.in = 3, .out = 6, .k = 1, .stride = 1, .group = 1});
    bn_add_conv(&g, "x", "b", &(bn_conv){.in = 3, .out = 7, .k = 1, .stride = 1, .group = 1});
    bn_op_int(&g, "Concat", "a b", "c", "axis", 1);
    bn_add_conv(&g, "c", "y", &(bn_conv){.in = 13, .out = 4, .k = 1, .stride = 1, .group = 1});
    return bn_finish(g, "y");
}

static void test_values(void **state)
{
    (void)state;
    check(listed_weights(), "weights listed as inputs", NULL);
    check(own_conversion(), "a conversion of the model's own", "Softplus");
    check(reciprocal_of_channels(), "a reciprocal behind a depthwise convolution", "BConv");
    check(joined_channels(), "channels joined", NULL);
    all_good();
}

/* ---------------------------------------------------------------- sizes */

static char path[64]; /* of the model that is loaded: compiling reads it again */

/* Takes the bytes of a model. */
static rt_model *load(base_buf bytes)
{
    base_diag diag = {0};
    rt_model *model = NULL;
    snprintf(path, sizeof path, "/tmp/systole-bf16-XXXXXX");
    const int fd = mkstemp(path);
    assert_ok(base_buf_status(&bytes));
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.data, bytes.n_bytes), (ssize_t)bytes.n_bytes);
    close(fd);
    base_buf_free(&bytes);
    assert_ok(rt_model_load(path, NULL, &model, &diag));
    return model;
}

static void unload(rt_model *model)
{
    rt_model_free(model);
    unlink(path);
}

/* All of the model runs on a machine. */
static void check_fits(base_buf bytes, const isa_config *config, const char *what)
{
    base_diag diag = {0};
    const cc_options plain = {0};
    rt_model *model = load(bytes);
    if (rt_model_compile(model, config, &plain, &diag) != SY_OK) {
        fail_msg("%s: %s", what, base_diag_message(&diag));
    }
    assert_true(bn_placed(model, "Unsqueeze", what));
    unload(model);
}

static void test_tiles(void **state)
{
    (void)state;
    if (!SY_HAVE_LLVM) {
        return;
    }
    /* ACC for 200 queries at once, SPM for some of them */
    isa_config config = bn_config(4);
    config.acc_banks = 4;
    config.acc_bank_bytes = 65536;
    config.spm_banks = 16;
    config.spm_bank_bytes = 1024;
    check_fits(bn_head(200, 32, 16), &config, "more queries than SPM holds");
    /* more queries than a loop of the machine counts, in one tile of ACC; their number is odd */
    config.acc_bank_bytes = 4u << 20;
    config.spm_bank_bytes = 1u << 20;
    check_fits(bn_head(70001, 4, 4), &config, "more queries than a loop counts");
}

/* What is too small is named. */
static void test_reasons(void **state)
{
    (void)state;
    base_diag diag = {0};
    const cc_options plain = {0};
    isa_config config = bn_config(4);
    if (!SY_HAVE_LLVM) {
        return;
    }
    config.spm_banks = 4; /* a norm with a scale has six slots in banks of their own */
    rt_model *model = load(bn_norm(1, 5, 16, 0));
    assert_int_not_equal(rt_model_compile(model, &config, &plain, &diag), SY_OK);
    assert_non_null(strstr(base_diag_message(&diag), "a slot of SPM"));
    unload(model);
}

/* ---------------------------------------------------------------- masks */

static const ir_node *attention_of(const rt_model *model)
{
    const ir_node *n = model->module->main->first;
    while (n != NULL && !ir_node_is(n, IR_OP_BATTENTION)) {
        n = n->next;
    }
    return n;
}

/* One head of 4 queries and keys: scores, then a Where or an Add with a constant. */
static rt_model *masked_head(const char *op, sy_dtype dtype, const void *mask, size_t n_bytes)
{
    base_diag diag = {0};
    base_buf g = {0};
    const isa_config config = bn_config(4);
    bn_input(&g, "q", 2, (const int64_t[2]){4, 16});
    bn_input(&g, "k", 2, (const int64_t[2]){4, 16});
    bn_input(&g, "v", 2, (const int64_t[2]){4, 16});
    ow_add_const(&g, "mask", dtype, 2, (const int64_t[2]){4, 4}, mask, n_bytes);
    ow_add_f32(&g, "low", -10000.0f);
    bn_transpose(&g, "k", "kt", 2, (const int64_t[2]){1, 0});
    bn_op(&g, "MatMul", "q kt", "s");
    bn_op(&g, op, strcmp(op, "Where") == 0 ? "mask s low" : "s mask", "t");
    bn_op_int(&g, "Softmax", "t", "p", "axis", -1);
    bn_op(&g, "MatMul", "p v", "y");
    rt_model *model = load(bn_finish(g, "y"));
    assert_ok(cc_specialise(model->module, &config, &diag));
    return model;
}

static void test_masks(void **state)
{
    (void)state;
    uint8_t keep[16] = {1, 0, 0, 0, 1, 1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 1};
    rt_model *model = masked_head("Where", SY_DT_BOOL, keep, sizeof keep);
    assert_non_null(attention_of(model));
    unload(model);
    keep[0] = 0; /* a query without keys: Where makes it flat, a sum would not */
    model = masked_head("Where", SY_DT_BOOL, keep, sizeof keep);
    assert_null(attention_of(model));
    unload(model);
    float low[16] = {0};
    for (int i = 0; i < 4; i++) {
        low[i] = -3.4028235e38f;
    }
    model = masked_head("Add", SY_DT_F32, low, sizeof low);
    ir_tensor t;
    assert_non_null(attention_of(model));
    assert_ok(ir_const_tensor(model->module, ir_node_input(attention_of(model), 3)->constant, NULL, &t));
    assert_int_equal(((const uint16_t *)t.data)[0], 0xFF7F); /* not -inf */
    unload(model);
}

/* ---------------------------------------------------------------- other machines */

static void test_lanes(void **state)
{
    (void)state;
    base_diag diag = {0};
    const cc_options plain = {0};
    if (!SY_HAVE_LLVM) {
        return;
    }
    base_buf g = {0};
    bn_input(&g, "x", 2, (const int64_t[2]){5, 16});
    bn_linear(&g, "x", "h", 16, 16, true);
    bn_op_int(&g, "Softmax", "h", "y", "axis", -1);
    rt_model *model = load(bn_finish(g, "y"));
    /* made for D = 8, compiled for D = 16: the sums' order is not that machine's */
    const isa_config eight = bn_config(8), sixteen = bn_config(16);
    assert_ok(cc_specialise(model->module, &eight, &diag));
    assert_ok(rt_model_compile(model, &sixteen, &plain, &diag));
    assert_true(bn_placed(model, "BSoftmax", "a softmax for another machine"));
    assert_false(bn_placed(model, NULL, "(as it should be) a softmax for another machine"));
    unload(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_tiles),
        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_masks),
        cmocka_unit_test(test_lanes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
