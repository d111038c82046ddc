/*
 * zoo.c -- what the compiler makes of every network of the zoo and of the demo's is clean under every check, on two machines; and a pair of POST
 * and WAIT that is taken out of it is missed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
// timeout: 300
#include "test.h"

#include "systole/base/vec.h"
#include "systole/isa/isa.h"
#include "systole/rt/buffer.h"
#include "systole/rt/npy.h"
#include "systole/rt/session.h"

#define ZOO    SY_TEST_DATA_DIR "/zoo/"
#define MAX_IO 8

static const char *const configs[] = {"tiny", "edge"};

/* Reads NAME.in.npy, or NAME.in0.npy, NAME.in1.npy, ...; without a file (all inputs are constants) there is none. */
static uint32_t read_inputs(const char *name, ir_tensor *tensors)
{
    uint32_t n = 0;
    char path[4096];
    base_diag diag = {0};
    snprintf(path, sizeof path, ZOO "%s.in.npy", name);
    if (rt_npy_read(path, &diag, &tensors[0]) == SY_OK) {
        return 1;
    }
    for (; n < MAX_IO; n++) {
        snprintf(path, sizeof path, ZOO "%s.in%u.npy", name, (unsigned)n);
        if (rt_npy_read(path, &diag, &tensors[n]) != SY_OK) {
            break;
        }
    }
    return n;
}

typedef BASE_VEC(sim_xsystole_event) event_vec;

/* Inputs that no file gives: zeros. */
static uint32_t make_inputs(const rt_model *model, ir_tensor *tensors)
{
    const uint32_t n = rt_model_n_inputs(model);
    assert_true(n <= MAX_IO);
    for (uint32_t i = 0; i < n; i++) {
        const rt_model_io io = rt_model_input(model, i);
        assert_ok(ir_tensor_init(&tensors[i], io.dtype, io.rank, io.dims, NULL));
        tensors[i].data = rt_buffer_alloc(tensors[i].size_bytes);
        assert_non_null(tensors[i].data);
        memset(tensors[i].data, 0, tensors[i].size_bytes);
    }
    return n;
}

/* A checked run of a file, with the zoo's inputs of a name or (NULL) zeros; false after a message. *on_device: the machine had something to do. */
static bool run_checked(const char *path, const char *name, const char *config_name, bool *on_device)
{
    base_diag diag = {0};
    isa_config config;
    rt_model *model = NULL;
    rt_session *session = NULL;
    ir_tensor inputs[MAX_IO], outputs[MAX_IO];
    const ir_tensor *input_pointers[MAX_IO];
    ir_tensor *output_pointers[MAX_IO];
    memset(outputs, 0, sizeof outputs);
    for (unsigned i = 0; i < MAX_IO; i++) {
        input_pointers[i] = &inputs[i];
        output_pointers[i] = &outputs[i];
    }
    uint32_t n_inputs = 0;
    assert_ok(isa_config_find(config_name, &config, &diag));
    const rt_session_options options = {
        .device = RT_DEVICE_SIM, .config = &config, .reference = true, .n_threads = 1, .check = true};
    bool good = rt_model_load(path, NULL, &model, &diag) == SY_OK;
    if (good) {
        n_inputs = name != NULL ? read_inputs(name, inputs) : make_inputs(model, inputs);
    }
    good = good && rt_session_create(model, &options, &session, &diag) == SY_OK &&
                rt_session_run(session, input_pointers, output_pointers, NULL, &diag) == SY_OK;
    if (!good) {
        print_error("%s on %s: %s\n", path, config_name, base_diag_message(&diag));
    }
    const rt_check *check = good ? rt_session_check(session) : NULL;
    *on_device = check != NULL;
    if (check != NULL && rt_check_n_errors(check) + rt_check_n(check, RT_CHECK_UNWRITTEN) > 0) {
        base_buf text = {0};
        rt_check_print(check, &text);
        print_error("%s on %s:\n%.2000s", path, config_name, text.data);
        base_buf_free(&text);
        good = false;
    }
    for (uint32_t i = 0; i < n_inputs; i++) {
        rt_buffer_free(inputs[i].data);
    }
    for (uint32_t i = 0; i < MAX_IO; i++) {
        rt_buffer_free(outputs[i].data);
    }
    rt_session_free(session);
    rt_model_free(model);
    return good;
}

static void test_zoo(void **state)
{
    (void)state;
    FILE *f = fopen(ZOO "zoo.tsv", "r");
    assert_non_null(f);
    char line[2048];
    unsigned n = 0, n_on_device = 0, n_bad = 0;
    while (fgets(line, sizeof line, f) != NULL) {
        if (line[0] == '#' || strchr(line, '\t') == NULL) {
            continue;
        }
        *strchr(line, '\t') = '\0';
        for (unsigned c = 0; c < sizeof configs / sizeof configs[0]; c++) {
            bool on_device = false;
            char path[4096];
            snprintf(path, sizeof path, ZOO "%s.onnx", line);
            n_bad += run_checked(path, line, configs[c], &on_device) ? 0 : 1;
            n_on_device += on_device ? 1 : 0;
            n++;
        }
    }
    fclose(f);
    print_message("%u networks and machines, %u with work for the machine\n", n, n_on_device);
    assert_true(n > 200 && n_on_device > 160);
    assert_int_equal(n_bad, 0);
}

static void test_demo(void **state)
{
    (void)state;
    for (unsigned c = 0; c < sizeof configs / sizeof configs[0]; c++) {
        bool on_device = false;
        assert_true(run_checked(SY_SOURCE_DIR "/examples/fashion_mnist/fashion_mnist_int8.onnx", NULL, configs[c], &on_device));
        assert_true(on_device);
    }
}

/* ---- pairs taken out ---- */

typedef struct recording {
    base_arena *arena;
    event_vec events;
    BASE_VEC(sim_command_event) commands;
} recording;

static bool keep_xsystole(void *user, const sim_xsystole_event *event)
{
    recording *r = user;
    return base_vec_push(r->arena, &r->events, *event);
}

static bool keep_command(void *user, const sim_command_event *event)
{
    recording *r = user;
    return base_vec_push(r->arena, &r->commands, *event);
}

static bool is_sync(const sim_xsystole_event *e, unsigned funct7, uint32_t semaphore)
{
    return e->funct7 == funct7 && e->a == semaphore;
}

/* Races of the recording without the k-th POST and the k-th WAIT of a semaphore; false: it has no such pair. */
static bool races_without(const recording *r, const isa_config *config, uint32_t semaphore, unsigned k, uint64_t *n_races)
{
    base_arena *arena = base_arena_create();
    sim_audit *audit = sim_audit_create(arena, config);
    assert_non_null(audit);
    sim_audit_begin(audit);
    unsigned n_posts = 0, n_waits = 0;
    for (size_t i = 0; i < r->events.n; i++) {
        const sim_xsystole_event *e = &r->events.items[i];
        const bool out = (is_sync(e, ISA_F7_POST, semaphore) && n_posts++ == k) ||
                         (is_sync(e, ISA_F7_WAIT, semaphore) && n_waits++ == k);
        if (!out) {
            (void)sim_audit_xsystole(audit, e);
        }
    }
    for (size_t i = 0; i < r->commands.n; i++) {
        (void)sim_audit_command(audit, &r->commands.items[i]);
    }
    assert_ok(sim_audit_end(audit, true));
    *n_races = sim_audit_n(audit, SIM_FINDING_RACE);
    base_arena_destroy(arena);
    return n_posts > k && n_waits > k;
}

static void test_pairs(void **state)
{
    (void)state;
    if (!SY_HAVE_LLVM) {
        skip();
    }
    base_diag diag = {0};
    isa_config config;
    rt_model *model;
    const cc_options options = {0};
    assert_ok(isa_config_find("tiny", &config, &diag));
    assert_ok(rt_model_load(ZOO "t_lenet.onnx", NULL, &model, &diag));
    assert_ok(rt_model_compile(model, &config, &options, &diag));
    recording r = {.arena = base_arena_create()};
    sim_machine *machine;
    const rt_machine_options timing = {.timing_only = true};
    assert_ok(rt_machine_create(RT_MACHINE_SIM, &config, &timing, &machine, &diag));
    assert_ok(rt_machine_load(machine, &model->program, &diag));
    const sim_observer observer = {.user = &r, .command = keep_command, .xsystole = keep_xsystole};
    uint32_t entry;
    sim_result result;
    for (uint32_t i = 0; i < model->plan.n_steps; i++) {
        if (model->plan.steps[i].entry != NULL &&
            isa_program_find(&model->program, model->plan.steps[i].entry, &entry)) {
            const sim_run_options run = {.entry = entry, .observer = &observer};
            r.events.n = 0;
            r.commands.n = 0;
            assert_ok(sim_machine_run(machine, &run, &result, &diag));
            break;
        }
    }
    assert_int_equal(result.end, SIM_END_DONE);
    uint64_t n_races;
    (void)races_without(&r, &config, UINT32_MAX, 0, &n_races);
    assert_int_equal(n_races, 0);
    unsigned n_pairs = 0, n_found = 0;
    for (uint32_t semaphore = 0; semaphore < config.sem_count; semaphore++) {
        for (unsigned k = 0; races_without(&r, &config, semaphore, k, &n_races); k += 1 + k / 8) {
            n_pairs++;
            n_found += n_races > 0 ? 1 : 0;
        }
    }
    print_message("%u of %u pairs of POST and WAIT are missed when they are taken out\n", n_found, n_pairs);
    assert_true(n_pairs >= 20);
    assert_true(n_found * 10 >= n_pairs * 9);
    sim_machine_destroy(machine);
    base_arena_destroy(r.arena);
    rt_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_zoo), cmocka_unit_test(test_demo), cmocka_unit_test(test_pairs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
