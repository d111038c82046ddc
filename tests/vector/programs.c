/*
 * programs.c -- the programs of examples/vector on the simulator: how many commands, in which cycles (their comments say why), and
 * how far the results are from what they should be.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sim_test.h"

#include "accuracy.h"
#include "systole/base/file.h"

#define X 0x0000
#define CONSTANTS 0x0800
#define Y 0x1000
#define D 4
#define W 36 /* D + pipeline.vpu_stages */

static sim_test t;
static bool is_bf16;

/* Assembles and runs examples/vector/NAME_{bf16,int8}.s. */
static void run(const char *name)
{
    char path[4096];
    isa_config config;
    base_diag diag = {0};
    base_buf text = {0};
    assert_ok(isa_config_find(is_bf16 ? "tiny-bf16" : "tiny", &config, &diag));
    test_create(&t, &config, (sim_options){0});
    snprintf(path, sizeof path, SY_SOURCE_DIR "/examples/vector/%s_%s.s", name, is_bf16 ? "bf16" : "int8");
    assert_ok(base_file_read(&diag, path, 1 << 20, &text));
    base_buf_put_u8(&text, 0);
    assert_ok(base_buf_status(&text));
    test_run(&t, (const char *)text.data);
    base_buf_free(&text);
    assert_int_equal(t.result.end, SIM_END_DONE);
    assert_int_equal(t.result.exit_code, 0);
}

static const sim_command_event *command(unsigned i)
{
    assert_true(i < t.n_events[ISA_UNIT_VPU]);
    return &t.events[ISA_UNIT_VPU][i];
}

/* n commands from `first` on of `rows` rows each, each starting in the cycle after the end of the one before. */
static void one_after_the_other(unsigned first, unsigned n, uint64_t rows)
{
    assert_int_equal(t.n_events[ISA_UNIT_VPU], first + n);
    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(command(first + i)->end, command(first + i)->start + rows - 1 + W);
        if (i > 0) {
            assert_int_equal(command(first + i)->start, command(first + i - 1)->end + 1);
        }
    }
}

/* Value i of the tensor at an address of DRAM; int8 as integers. */
static double value(uint64_t address, int64_t i)
{
    uint8_t bytes[2];
    assert_ok(sim_machine_read(t.machine, SIM_DRAM, address + (uint64_t)i * (is_bf16 ? 2 : 1), bytes, is_bf16 ? 2 : 1));
    return is_bf16 ? (double)acc_from_bf16((uint16_t)(bytes[0] | bytes[1] << 8)) : (double)(int8_t)bytes[0];
}

static float constant(uint64_t address)
{
    float v;
    assert_ok(sim_machine_read(t.machine, SIM_DRAM, address, &v, sizeof v));
    return v;
}

/* Row-major place of channel c of position p in [block][position][lane]. */
static int64_t place(int64_t p, int64_t positions, int64_t c)
{
    return (c / D * positions + p) * D + c % D;
}

static void within(double got, double want, double bound, const char *what, int64_t at)
{
    if (!(fabs(got - want) <= bound)) {
        fail_msg("%s %s, result %lld: %.9g instead of %.9g, more than %.3g off", what, is_bf16 ? "bf16" : "int8", (long long)at, got, want, bound);
    }
}

/* ---------------------------------------------------------------- softmax, layer normalisation */

static void softmax(void)
{
    run("softmax");
    one_after_the_other(0, 3, 64);
    assert_int_equal(command(2)->end + 1 - command(0)->start, 300);
    assert_int_equal(t.result.counters[ISA_UNIT_VPU][ISA_COUNTER_BUSY], 192);
    for (int64_t p = 0; p < 16; p++) {
        double x[16], y[16], absolute;
        for (int64_t c = 0; c < 16; c++) {
            x[c] = value(X, place(p, 16, c)) / (is_bf16 ? 1 : 16);
        }
        const double relative = acc_softmax(x, 16, D, y, &absolute);
        for (int64_t c = 0; c < 16; c++) {
            const double e = relative * y[c] + absolute, got = value(Y, place(p, 16, c));
            if (is_bf16) {
                within(got, y[c], acc_to_bf16(y[c], e), "softmax", p);
            } else { /* 1/256 and the zero point -128; 1 has no int8 */
                within((got + 128) / 256, fmin(y[c], 255.0 / 256), acc_to_int8(e, 1.0 / 256), "softmax", p);
            }
        }
    }
    test_destroy(&t);
}

static void layer_norm(void)
{
    run("layernorm");
    one_after_the_other(1, 3, 64); /* ROWS is the first */
    assert_int_equal(command(3)->end + 1 - command(1)->start, 300);
    assert_int_equal(command(0)->end, command(0)->start + (is_bf16 ? 4 : 8) - 1 + W);
    const double sx = is_bf16 ? 1 : 1.0 / 16, sy = is_bf16 ? 1 : 1.0 / 32;
    double scale[4], bias[4];
    for (unsigned c = 0; c < 4; c++) {
        scale[c] = (double)constant(CONSTANTS + 4 * c) * sy;
        bias[c] = (double)constant(CONSTANTS + 16 + 4 * c) * sy;
    }
    for (int64_t p = 0; p < 64; p++) {
        double x[4], y[4], e[4];
        for (int64_t c = 0; c < 4; c++) {
            x[c] = value(X, 4 * p + c) * sx;
        }
        acc_layer_norm(x, 4, D, scale, bias, 1e-5f, y, e);
        for (int64_t c = 0; c < 4; c++) {
            const double got = value(Y, 4 * p + c) * sy;
            within(got, is_bf16 ? y[c] : fmin(fmax(y[c], -128 * sy), 127 * sy), is_bf16 ? acc_to_bf16(y[c], e[c]) : acc_to_int8(e[c], sy),
                   "layer normalisation", p);
        }
    }
    test_destroy(&t);
}

/* ---------------------------------------------------------------- functions */

static double int8_range(double y, double s)
{
    return fmin(fmax(y, -28 * s), 227 * s); /* zero point -100 */
}

static void functions(void)
{
    run("functions");
    assert_int_equal(t.n_events[ISA_UNIT_VPU], 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(command(i)->start, command(0)->start + 64 * i);
        assert_int_equal(command(i)->end, command(i)->start + 64 - 1 + W);
    }
    assert_int_equal(command(2)->end + 1 - command(0)->start, 228);
    const double s = is_bf16 ? 1 : 1.0 / 16;
    for (int64_t i = 0; i < 256; i++) {
        const double x = is_bf16 ? value(X, i) : (value(X, i) - 3) * s;
        const double sigmoid = 1 / (1 + exp(-x));
        const double gate = fmin(fmax(x / 6 + 0.5, 0), 1);
        double want[3], e[3];
        want[0] = acc_gelu(x, 0, &e[0]);
        want[1] = x * sigmoid;
        e[1] = fabs(want[1]) * (ACC_ETA(SIGMOID) + acc_gamma(2));
        want[2] = x * gate;
        e[2] = fabs(x) * acc_gamma(4) * (fabs(x) / 6 + 0.5);
        for (unsigned f = 0; f < 3; f++) {
            const double raw = value(Y + 0x200 * f, i), got = is_bf16 ? raw : (raw + 100) * s;
            if (is_bf16) {
                within(got, want[f], acc_to_bf16(want[f], e[f]), "function", i);
            } else {
                within(got, int8_range(want[f], s), acc_to_int8(e[f], s), "function", i);
            }
        }
    }
    test_destroy(&t);
}

/* ---------------------------------------------------------------- places, transposes: exact */

static void argmax(void)
{
    run("argmax");
    assert_int_equal(t.n_events[ISA_UNIT_VPU], 1);
    assert_int_equal(command(0)->end + 1 - command(0)->start, 100);
    for (int64_t p = 0; p < 16; p++) {
        int64_t best = 0;
        for (int64_t c = 1; c < 16; c++) {
            best = value(X, place(p, 16, c)) > value(X, place(p, 16, best)) ? c : best;
        }
        uint32_t got[4];
        assert_ok(sim_machine_read(t.machine, SIM_DRAM, Y + 16 * (uint64_t)p, got, sizeof got));
        for (unsigned lane = 0; lane < 4; lane++) {
            assert_int_equal(got[lane], best);
        }
    }
    test_destroy(&t);
}

static void transpose(void)
{
    run("transpose");
    assert_int_equal(t.n_events[ISA_UNIT_VPU], 1);
    assert_int_equal(command(0)->end + 1 - command(0)->start, 68);
    for (int64_t row = 0; row < 8; row++) {
        for (int64_t column = 0; column < 16; column++) {
            const double want = (double)(16 * row + column - (is_bf16 ? 0 : 64));
            assert_true(value(X, place(row, 8, column)) == want);
            assert_true(value(Y, place(column, 16, row)) == want);
        }
    }
    test_destroy(&t);
}

static void in_both(void (*test)(void))
{
    is_bf16 = true;
    test();
    is_bf16 = false;
    test();
}

static void test_softmax(void **state)
{
    (void)state;
    in_both(softmax);
}

static void test_layer_norm(void **state)
{
    (void)state;
    in_both(layer_norm);
}

static void test_functions(void **state)
{
    (void)state;
    in_both(functions);
}

static void test_argmax(void **state)
{
    (void)state;
    in_both(argmax);
}

static void test_transpose(void **state)
{
    (void)state;
    in_both(transpose);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_softmax), cmocka_unit_test(test_layer_norm), cmocka_unit_test(test_functions),
        cmocka_unit_test(test_argmax),  cmocka_unit_test(test_transpose),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
