/*
 * api.c -- the C API: every device gives the same bits, threads share a model, options grow,
 * mistakes get one line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include <pthread.h>
#include <unistd.h>

#include "systole/systole.h"

#define MODEL SY_SOURCE_DIR "/examples/fashion_mnist/fashion_mnist_int8.onnx"
#define FP32  SY_SOURCE_DIR "/examples/fashion_mnist/fashion_mnist_fp32.onnx"

enum { N_IN = 784, N_OUT = 10 };

static void fill(float *image, int seed)
{
    for (int i = 0; i < N_IN; i++) {
        image[i] = (float)((i * 37 + seed * 101) % 256) / 255.0f;
    }
}

static sy_model *load(const char *path)
{
    sy_model *model = NULL;
    sy_message why;
    if (sy_model_load(path, NULL, &model, &why) != SY_OK) {
        fail_msg("%s", why.text);
    }
    return model;
}

static sy_session *open_session(sy_model *model, const sy_session_options *options)
{
    sy_session *session = NULL;
    sy_message why;
    if (sy_session_create(model, options, &session, &why) != SY_OK) {
        fail_msg("%s", why.text);
    }
    return session;
}

static void run(sy_session *session, int seed, float *out)
{
    static const int64_t in_dims[] = {1, 1, 28, 28};
    float image[N_IN];
    sy_tensor input;
    sy_tensor output = {.data = out, .size_bytes = N_OUT * sizeof *out};
    sy_message why;
    fill(image, seed);
    assert_ok(sy_tensor_init(&input, SY_DT_F32, 4, in_dims, image));
    if (sy_session_run(session, &input, 1, &output, 1, NULL, &why) != SY_OK) {
        fail_msg("%s", why.text);
    }
    assert_int_equal(output.rank, 2);
    assert_int_equal(output.dims[1], N_OUT);
    assert_int_equal(output.dtype, SY_DT_F32);
}

static void test_io(void **state)
{
    (void)state;
    sy_model *model = load(MODEL);
    sy_io io;
    assert_int_equal(sy_model_n_inputs(model), 1);
    assert_int_equal(sy_model_n_outputs(model), 1);
    assert_ok(sy_model_input(model, 0, &io));
    assert_string_equal(io.name, "image");
    assert_int_equal(io.dtype, SY_DT_F32);
    assert_int_equal(io.rank, 4);
    assert_int_equal(io.dims[3], 28);
    assert_ok(sy_model_output(model, 0, &io));
    assert_string_equal(io.name, "logits");
    assert_int_equal(sy_model_input(model, 1, &io), SY_EINVAL);
    assert_string_equal(sy_dtype_text(SY_DT_F32), "f32");
    assert_int_equal(sy_dtype_size_bits(SY_DT_I8), 8);
    sy_model_free(model);
}

static void test_devices_agree(void **state)
{
    (void)state;
    sy_model *model = load(MODEL);
    const sy_session_options reference = {.struct_size = sizeof reference, .reference = true};
    const sy_session_options fast = {.struct_size = sizeof fast};
    const sy_session_options sim = {
        .struct_size = sizeof sim, .device = SY_DEVICE_SIM, .reference = true};
    sy_session *sessions[] = {open_session(model, &reference), open_session(model, &fast), NULL};
    const int n = SY_HAVE_LLVM ? 3 : 2;
    if (SY_HAVE_LLVM) {
        sessions[2] = open_session(model, &sim);
        assert_int_equal(sy_session_device(sessions[2]), SY_DEVICE_SIM);
        assert_string_equal(sy_session_note(sessions[2]), "");
    }
    for (int seed = 0; seed < 3; seed++) {
        float out[3][N_OUT];
        for (int i = 0; i < n; i++) {
            run(sessions[i], seed, out[i]);
            assert_memory_equal(out[i], out[0], sizeof out[0]);
        }
    }
    if (SY_HAVE_LLVM) {
        sy_stats stats = {.struct_size = sizeof stats};
        sy_step_stats step;
        uint64_t sum = 0;
        uint64_t cycles = 0;
        assert_ok(sy_session_stats(sessions[2], &stats));
        assert_true(stats.cycles > 1000 && stats.seconds > 0);
        for (uint32_t i = 0; i < stats.n_steps; i++) {
            assert_ok(sy_session_step(sessions[2], i, &step));
            cycles += step.cycles;
        }
        assert_int_equal(cycles, stats.cycles);
        assert_int_equal(sy_session_step(sessions[2], stats.n_steps, &step), SY_EINVAL);
        for (uint32_t cause = 0; sy_cause_text(cause) != NULL; cause++) {
            uint64_t n_cycles;
            assert_ok(sy_session_counter(sessions[2], 0, cause, &n_cycles));
            sum += n_cycles;
        }
        assert_int_equal(sum, stats.cycles);
        assert_string_equal(sy_unit_text(0), "MXU");
        assert_null(sy_unit_text(4));
    }
    for (int i = 0; i < n; i++) {
        sy_session_free(sessions[i]);
    }
    sy_model_free(model);
}

/* Compiled, written, read, run: the same bits and cycles; another configuration is refused. */
static void test_compiled_file(void **state)
{
    (void)state;
    if (!SY_HAVE_LLVM) {
        skip();
    }
    char path[] = SY_BINARY_DIR "/api_test_XXXXXX";
    const int file = mkstemp(path);
    const sy_session_options sim = {
        .struct_size = sizeof sim, .device = SY_DEVICE_SIM, .reference = true};
    const sy_session_options other = {
        .struct_size = sizeof other, .device = SY_DEVICE_SIM, .config = "tiny"};
    float out[2][N_OUT];
    sy_stats stats[2] = {{.struct_size = sizeof stats[0]}, {.struct_size = sizeof stats[0]}};
    sy_message why;
    assert_true(file >= 0);
    close(file);
    sy_model *model = load(MODEL);
    assert_int_equal(sy_model_save(model, path, &why), SY_EINVAL);
    assert_ok(sy_model_compile(model, "edge", &why));
    assert_ok(sy_model_save(model, path, &why));
    sy_model *again = load(path);
    sy_model *const models[] = {model, again};
    for (int i = 0; i < 2; i++) {
        sy_session *session = open_session(models[i], &sim);
        run(session, 4, out[i]);
        assert_ok(sy_session_stats(session, &stats[i]));
        sy_session_free(session);
    }
    assert_memory_equal(out[0], out[1], sizeof out[0]);
    assert_int_equal(stats[0].cycles, stats[1].cycles);
    sy_session *session = NULL;
    assert_int_equal(sy_session_create(again, &other, &session, &why), SY_EMISMATCH);
    assert_non_null(strstr(why.text, "tiny"));
    assert_null(session);
    assert_int_equal(sy_model_compile(again, "tiny", &why), SY_EMISMATCH);
    sy_model_free(model);
    sy_model_free(again);
    unlink(path);
}

/* Several threads, each with its own session of one model. */
typedef struct worker {
    sy_model *model;
    sy_device device;
    float out[4][N_OUT];
} worker;

static void *work(void *user)
{
    worker *w = user;
    const sy_session_options options = {
        .struct_size = sizeof options, .device = w->device, .reference = true, .n_threads = 1};
    sy_session *session = open_session(w->model, &options);
    for (int seed = 0; seed < 4; seed++) {
        run(session, seed, w->out[seed]);
    }
    sy_session_free(session);
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    enum { N = 4 };
    worker workers[N];
    pthread_t threads[N];
    sy_model *model = load(MODEL);
    for (int i = 0; i < N; i++) {
        workers[i] = (worker){.model = model,
                              .device = SY_HAVE_LLVM && i % 2 == 1 ? SY_DEVICE_SIM : SY_DEVICE_CPU};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < N; i++) {
        pthread_join(threads[i], NULL);
        assert_memory_equal(workers[i].out, workers[0].out, sizeof workers[0].out);
    }
    sy_model_free(model);
}

static sy_status count_values(void *user, const char *name, const sy_tensor *tensor)
{
    int *n = user;
    assert_non_null(name);
    assert_true(sy_tensor_n_elements(tensor) > 0);
    (*n)++;
    return SY_OK;
}

static sy_status stop(void *user, const char *name, const sy_tensor *tensor)
{
    (void)user;
    (void)name;
    (void)tensor;
    return SY_EIO;
}

static void test_save_and_cancel(void **state)
{
    (void)state;
    static const int64_t in_dims[] = {1, 1, 28, 28};
    float image[N_IN];
    float out[N_OUT];
    sy_tensor input;
    sy_tensor output = {.data = out, .size_bytes = sizeof out};
    sy_message why;
    int n = 0;
    int cancel = 0;
    sy_model *model = load(MODEL);
    const sy_session_options sim = {.struct_size = sizeof sim, .device = SY_DEVICE_SIM};
    for (int device = 0; device < (SY_HAVE_LLVM ? 2 : 1); device++) {
        sy_session *session = open_session(model, device == 1 ? &sim : NULL);
        sy_run_options options = {.struct_size = sizeof options,
                                  .save = count_values,
                                  .save_user = &n,
                                  .cancel = &cancel};
        fill(image, 1);
        assert_ok(sy_tensor_init(&input, SY_DT_F32, 4, in_dims, image));
        n = 0;
        cancel = 0;
        assert_ok(sy_session_run(session, &input, 1, &output, 1, &options, &why));
        assert_true(n >= 4); /* input, quantised input, quantised output, output */
        cancel = 1;
        assert_int_equal(sy_session_run(session, &input, 1, &output, 1, &options, &why),
                         SY_ECANCELLED);
        cancel = 0;
        options.save = stop;
        assert_int_equal(sy_session_run(session, &input, 1, &output, 1, &options, &why), SY_EIO);
        /* And after that it runs as before; an output that nobody wants is not copied. */
        output.data = NULL;
        assert_ok(sy_session_run(session, &input, 1, &output, 1, NULL, &why));
        assert_null(output.data);
        assert_int_equal(output.size_bytes, sizeof out);
        output.data = out;
        sy_session_free(session);
    }
    sy_model_free(model);
}

static void test_mistakes(void **state)
{
    (void)state;
    static const int64_t in_dims[] = {1, 1, 28, 28};
    static const int64_t bad_dims[] = {1, 1, 28, 27};
    static float image[N_IN];
    float out[N_OUT];
    sy_tensor input;
    sy_tensor output = {.data = out, .size_bytes = sizeof out};
    sy_message why;
    sy_model *model = NULL;
    sy_session *session = NULL;
    assert_int_equal(sy_model_load("/nonexistent/model.onnx", NULL, &model, &why), SY_EIO);
    assert_non_null(strstr(why.text, "/nonexistent/model.onnx"));
    assert_int_equal(sy_model_load("/nonexistent/model.onnx", NULL, &model, NULL), SY_EIO);
    assert_int_equal(sy_model_load(MODEL, &(sy_model_options){0}, &model, &why), SY_EINVAL);
    assert_non_null(strstr(why.text, "struct_size"));
    assert_null(model);
    model = load(MODEL);
    const sy_session_options no_device = {.struct_size = sizeof no_device, .device = (sy_device)9};
    const sy_session_options no_config = {
        .struct_size = sizeof no_config, .device = SY_DEVICE_SIM, .config = "nowhere"};
    assert_int_equal(sy_session_create(model, &no_device, &session, &why), SY_EINVAL);
    assert_int_equal(sy_session_create(model, &no_config, &session, &why), SY_ECONFIG);
    session = open_session(model, NULL);
    assert_ok(sy_tensor_init(&input, SY_DT_F32, 4, in_dims, image));
    assert_int_equal(sy_session_run(session, &input, 0, &output, 1, NULL, &why), SY_EINVAL);
    assert_non_null(strstr(why.text, "1 inputs"));
    input.size_bytes = 3;
    assert_int_equal(sy_session_run(session, &input, 1, &output, 1, NULL, &why), SY_EINVAL);
    assert_ok(sy_tensor_init(&input, SY_DT_F32, 4, bad_dims, image));
    assert_int_not_equal(sy_session_run(session, &input, 1, &output, 1, NULL, &why), SY_OK);
    assert_non_null(strstr(why.text, "image"));
    assert_ok(sy_tensor_init(&input, SY_DT_I8, 4, in_dims, image));
    assert_int_not_equal(sy_session_run(session, &input, 1, &output, 1, NULL, &why), SY_OK);
    assert_ok(sy_tensor_init(&input, SY_DT_F32, 4, in_dims, image));
    output.size_bytes = sizeof out - 1;
    assert_int_not_equal(sy_session_run(session, &input, 1, &output, 1, NULL, &why), SY_OK);
    output.size_bytes = sizeof out;
    assert_ok(sy_session_run(session, &input, 1, &output, 1, NULL, &why));
    sy_session_free(session);
    sy_model_free(model);
    sy_model_free(NULL);
    sy_session_free(NULL);
    assert_int_equal(sy_tensor_init(&input, SY_DT_F32, 17, in_dims, image), SY_ERANGE);
    assert_int_equal(sy_tensor_init(&input, SY_DT_F32, -1, in_dims, image), SY_EINVAL);
    assert_non_null(strchr(sy_version(), '.'));
}

/* An fp32 network on an int8 machine runs on the cpu and says why; without fallback it is refused.
 */
static void test_fallback(void **state)
{
    (void)state;
    if (!SY_HAVE_LLVM) {
        skip();
    }
    sy_model *model = load(FP32);
    sy_session *session = NULL;
    sy_message why;
    sy_session_options options = {
        .struct_size = sizeof options, .device = SY_DEVICE_SIM, .no_fallback = true};
    assert_int_equal(sy_session_create(model, &options, &session, &why), SY_EUNSUPPORTED);
    assert_non_null(strstr(why.text, "quantise first"));
    options.no_fallback = false;
    session = open_session(model, &options);
    assert_int_equal(sy_session_device(session), SY_DEVICE_CPU);
    assert_non_null(strstr(sy_session_note(session), "quantise first"));
    float out[N_OUT];
    run(session, 2, out);
    sy_session_free(session);
    sy_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_io),
        cmocka_unit_test(test_devices_agree),
        cmocka_unit_test(test_compiled_file),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_save_and_cancel),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_fallback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
