/*
 * accuracy.c -- bf16 products, softmax, layer normalisation and Gelu on the machine against double, within the bounds that
 * docs/reference/accuracy.md derives: ordinary inputs, long sums, cancellation, magnitudes far apart, numbers near the smallest.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
// timeout: 300
#include "bf16_nets.h"

#include "accuracy.h"

typedef enum draw { ORDINARY, CANCELLING, SPREAD, SMALL, OFFSET, N_DRAWS } draw;

static const char *const draw_names[N_DRAWS] = {"ordinary", "cancelling", "spread", "small", "offset"};

static uint64_t drawn;
static double worst; /* error / bound of the case at hand */

static double uniform(void)
{
    return (double)(base_rng_u64(4711, 5, drawn++) >> 11) / 0x1p53 * 2.0 - 1.0;
}

/* The nearest bf16, as a float. */
static float to_bf16(double v)
{
    const float f = (float)v;
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return acc_from_bf16(isa_fp_to_bf16(bits));
}

static float one(draw kind)
{
    switch (kind) {
    case ORDINARY:
    case CANCELLING:
    case N_DRAWS:
        break;
    case SPREAD:
        return to_bf16(ldexp(uniform(), (int)(base_rng_u64(4711, 6, drawn) % 60) - 30));
    case SMALL:
        return to_bf16(ldexp(uniform(), -72 - (int)(base_rng_u64(4711, 6, drawn) % 6)));
    case OFFSET:
        return to_bf16(1000.0 + 8 * uniform());
    }
    return to_bf16(2 * uniform());
}

/* ---------------------------------------------------------------- a network on the machine */

typedef struct net {
    char path[64];
    rt_model *model;
    rt_session *session;
    isa_config config;
} net;

/* Takes the model. */
static void open_net(net *n, base_buf model, int64_t d)
{
    base_diag diag = {0};
    snprintf(n->path, sizeof n->path, "/tmp/systole-accuracy-XXXXXX");
    const int fd = mkstemp(n->path);
    assert_ok(base_buf_status(&model));
    assert_true(fd >= 0 && write(fd, model.data, model.n_bytes) == (ssize_t)model.n_bytes);
    close(fd);
    base_buf_free(&model);
    n->config = bn_config(d);
    const rt_session_options options = {.device = RT_DEVICE_SIM, .config = &n->config, .reference = true, .n_threads = 1};
    if (rt_model_load(n->path, NULL, &n->model, &diag) != SY_OK || rt_session_create(n->model, &options, &n->session, &diag) != SY_OK) {
        fail_msg("%s", base_diag_message(&diag));
    }
    assert_int_equal(rt_session_device(n->session), RT_DEVICE_SIM);
    assert_true(bn_placed(n->model, NULL, "accuracy"));
}

static void close_net(net *n)
{
    rt_session_free(n->session);
    rt_model_free(n->model);
    unlink(n->path);
}

static void run_net(net *n, float *const *inputs, float *output)
{
    base_diag diag = {0};
    ir_tensor in[BN_MAX_IO], out;
    const ir_tensor *in_pointers[BN_MAX_IO];
    ir_tensor *out_pointer = &out;
    for (uint32_t i = 0; i < rt_model_n_inputs(n->model); i++) {
        const rt_model_io io = rt_model_input(n->model, i);
        assert_ok(ir_tensor_init(&in[i], io.dtype, io.rank, io.dims, inputs[i]));
        in_pointers[i] = &in[i];
    }
    memset(&out, 0, sizeof out);
    if (rt_session_run(n->session, in_pointers, &out_pointer, NULL, &diag) != SY_OK) {
        fail_msg("%s", base_diag_message(&diag));
    }
    memcpy(output, out.data, out.size_bytes);
    rt_buffer_free(out.data);
}

static void within(double got, double want, double bound, const char *what, const char *how, int64_t at)
{
    const double error = fabs(got - want);
    worst = fmax(worst, error / bound);
    if (!(error <= bound)) {
        fail_msg("%s, %s inputs, result %lld: %.9g instead of %.9g, %.3g off, bound %.3g", what, how, (long long)at, got, want, error, bound);
    }
}

/* ---------------------------------------------------------------- products */

#define ROWS 3
#define COLUMNS 5
#define MOST_TERMS 2048

static float x_data[ROWS * MOST_TERMS], w_data[MOST_TERMS * COLUMNS], bias_data[COLUMNS], y_data[4096];

/* Terms that cancel: the second half is the first with the sign turned, but for a part in 64. */
static void draw_product(draw kind, int64_t k)
{
    for (int64_t i = 0; i < ROWS * k; i++) {
        x_data[i] = one(kind == OFFSET ? ORDINARY : kind);
    }
    for (int64_t i = 0; i < k * COLUMNS; i++) {
        w_data[i] = one(kind);
    }
    for (int64_t j = 0; j < COLUMNS; j++) {
        bias_data[j] = (float)uniform();
    }
    for (int64_t i = k / 2; kind == CANCELLING && i < k / 2 * 2; i++) {
        for (int64_t r = 0; r < ROWS; r++) {
            x_data[r * k + i] = x_data[r * k + i - k / 2];
        }
        for (int64_t j = 0; j < COLUMNS; j++) {
            w_data[i * COLUMNS + j] = to_bf16(-w_data[(i - k / 2) * COLUMNS + j] * (1 + uniform() / 64));
        }
    }
}

static void check_product(int64_t d, int64_t k, draw kind)
{
    base_buf g = {0};
    net n;
    draw_product(kind, k);
    bn_input(&g, "x", 2, (const int64_t[2]){ROWS, k});
    ow_add_const(&g, "w", SY_DT_F32, 2, (const int64_t[2]){k, COLUMNS}, w_data, (size_t)(k * COLUMNS) * 4);
    ow_add_const(&g, "b", SY_DT_F32, 1, (const int64_t[1]){COLUMNS}, bias_data, sizeof bias_data);
    bn_op(&g, "Gemm", "x w b", "y");
    open_net(&n, bn_finish(g, "y"), d);
    run_net(&n, (float *[1]){x_data}, y_data);
    close_net(&n);
    for (int64_t i = 0; i < ROWS; i++) {
        for (int64_t j = 0; j < COLUMNS; j++) {
            double sum = (double)bias_data[j], magnitude = fabs(sum);
            for (int64_t t = 0; t < k; t++) {
                const double term = (double)x_data[i * k + t] * (double)w_data[t * COLUMNS + j];
                sum += term;
                magnitude += fabs(term);
            }
            within((double)y_data[i * COLUMNS + j], sum, acc_to_bf16(sum, acc_product(magnitude, (double)k)), "a product", draw_names[kind],
                   i * COLUMNS + j);
        }
    }
}

static void test_products(void **state)
{
    (void)state;
    static const int64_t terms[] = {1, 7, 64, 333, MOST_TERMS};
    for (unsigned i = 0; i < sizeof terms / sizeof terms[0]; i++) {
        for (draw kind = ORDINARY; kind < N_DRAWS; kind++) {
            check_product(i % 2 ? 16 : 4, terms[i], kind);
        }
    }
    print_message("products: largest error / bound %.3f\n", worst);
}

/* ---------------------------------------------------------------- softmax */

static void fill_rows(float *x, int64_t rows, int64_t n, draw kind)
{
    static const double scales[4] = {1, 10, 80, 1000};
    for (int64_t i = 0; i < rows * n; i++) {
        x[i] = kind == SPREAD ? to_bf16(scales[i / n % 4] * uniform()) : one(kind);
    }
    for (int64_t i = 0; kind == CANCELLING && i < rows; i++) { /* the same everywhere, but for one */
        for (int64_t c = 1; c < n; c++) {
            x[i * n + c] = x[i * n];
        }
        x[i * n + i % n] = one(ORDINARY);
    }
}

static void test_softmax(void **state)
{
    (void)state;
    static const int64_t sizes[] = {2, 13, 64, 500};
    worst = 0;
    for (unsigned s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        const int64_t n = sizes[s], d = s % 2 ? 16 : 4, rows = 8;
        net m;
        open_net(&m, bn_softmax(rows, n), d);
        for (draw kind = ORDINARY; kind < N_DRAWS; kind++) {
            static float x[8 * 512];
            double in[512], y[512], absolute;
            fill_rows(x, rows, n, kind);
            run_net(&m, (float *[1]){x}, y_data);
            for (int64_t i = 0; i < rows; i++) {
                for (int64_t c = 0; c < n; c++) {
                    in[c] = (double)x[i * n + c];
                }
                const double relative = acc_softmax(in, n, d, y, &absolute);
                for (int64_t c = 0; c < n; c++) {
                    within((double)y_data[i * n + c], y[c], acc_to_bf16(y[c], relative * y[c] + absolute), "softmax", draw_names[kind], i * n + c);
                }
            }
        }
        close_net(&m);
    }
    print_message("softmax: largest error / bound %.3f\n", worst);
}

/* ---------------------------------------------------------------- layer normalisation */

static void test_layer_norm(void **state)
{
    (void)state;
    static const int64_t sizes[] = {2, 19, 128, 500};
    worst = 0;
    for (unsigned s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        const int64_t n = sizes[s], d = s % 2 ? 16 : 4, rows = 8;
        static float x[8 * 512], scale_data[512], bias[512];
        double in[512], scale[512], shift[512], y[512], e[512];
        base_buf g = {0};
        net m;
        for (int64_t c = 0; c < n; c++) {
            scale[c] = (double)(scale_data[c] = (float)(1.5 * uniform()));
            shift[c] = (double)(bias[c] = (float)uniform());
        }
        bn_input(&g, "x", 2, (const int64_t[2]){rows, n});
        ow_add_const(&g, "s", SY_DT_F32, 1, &n, scale_data, (size_t)n * 4);
        ow_add_const(&g, "b", SY_DT_F32, 1, &n, bias, (size_t)n * 4);
        bn_op_int(&g, "LayerNormalization", "x s b", "y", "axis", -1);
        open_net(&m, bn_finish(g, "y"), d);
        for (draw kind = ORDINARY; kind < N_DRAWS; kind++) {
            fill_rows(x, rows, n, kind);
            run_net(&m, (float *[1]){x}, y_data);
            for (int64_t i = 0; i < rows; i++) {
                for (int64_t c = 0; c < n; c++) {
                    in[c] = (double)x[i * n + c];
                }
                acc_layer_norm(in, n, d, scale, shift, 1e-5f, y, e);
                for (int64_t c = 0; c < n; c++) {
                    within((double)y_data[i * n + c], y[c], acc_to_bf16(y[c], e[c]), "layer normalisation", draw_names[kind], i * n + c);
                }
            }
        }
        close_net(&m);
    }
    print_message("layer normalisation: largest error / bound %.3f\n", worst);
}

/* ---------------------------------------------------------------- Gelu */

/* Every bf16 from 2^-20 to 2^7 of both signs, and some beyond; the largest error of all, in units of the last place of bf16. */
static void test_gelu(void **state)
{
    (void)state;
    static float x[4096];
    const int64_t n = 4096;
    int64_t filled = 0;
    net m;
    worst = 0;
    open_net(&m, bn_gelu(n / 16, 16, 0), 16);
    for (uint32_t sign = 0; sign < 2; sign++) {
        for (uint32_t magnitude = 0; magnitude < 0x7F80; magnitude += magnitude >= 0x3580 && magnitude < 0x4300 ? 1 : 97) {
            x[filled++] = acc_from_bf16((uint16_t)(sign << 15 | magnitude));
            if (filled == n || (sign == 1 && magnitude >= 0x7F00)) {
                run_net(&m, (float *[1]){x}, y_data);
                for (int64_t i = 0; i < filled; i++) {
                    double e;
                    const double want = acc_gelu((double)x[i], 0, &e);
                    within((double)y_data[i], want, acc_to_bf16(want, e), "Gelu", "all", i);
                }
                filled = 0;
            }
        }
    }
    close_net(&m);
    print_message("Gelu: largest error / bound %.3f\n", worst);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_softmax),
        cmocka_unit_test(test_layer_norm),
        cmocka_unit_test(test_gelu),
    };
    if (!SY_HAVE_LLVM) {
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
