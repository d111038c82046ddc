/*
 * conformance.c -- ONNX's own test cases (Debian's libonnx-testdata) on the reference kernels and
 * on the fast ones.
 *
 * Cases with operators that are not in the table, or with values that are no tensors of numbers,
 * are left out and counted. SY_TEST_VERBOSE=1 says which.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
// timeout: 120
#include "test.h"

#include "tensor_proto.h"

#include "systole/graph/import.h"
#include "systole/rt/cpu.h"

#include <dirent.h>
#include <math.h>
#include <sys/stat.h>

#define DATA       "/usr/share/libonnx-testdata/data/"
#define MAX_VALUES 16

/* The tolerance of ONNX's own runner. */
#define RELATIVE 1e-3
#define ABSOLUTE 1e-7

/* Random values; a sequence in a loop; input files of another shape than the model's; bf16 cut
 * where ONNX says rounded. */
static const char *const left_out[] = {"test_bernoulli",
                                       "test_loop16_seq_none",
                                       "test_training_dropout",
                                       "test_castlike_BFLOAT16_to_FLOAT",
                                       "test_castlike_FLOAT_to_BFLOAT16",
                                       "test_cast_FLOAT_to_BFLOAT16",
                                       NULL};

typedef enum outcome { PASSED, FAILED, LEFT_OUT } outcome;

static base_diag diag;

/* The files hold bf16 under the number of uint16. */
static void retype(ir_tensor *t, sy_dtype wanted)
{
    if (t->dtype == SY_DT_U16 && wanted == SY_DT_BF16) {
        t->dtype = SY_DT_BF16;
    }
}

static bool close_enough(const ir_tensor *got, const ir_tensor *want)
{
    if (got->dtype != want->dtype) {
        return false;
    }
    if (got->rank != want->rank || got->size_bytes != want->size_bytes ||
        memcmp(got->dims, want->dims, (size_t)got->rank * sizeof(int64_t)) != 0) {
        return false;
    }
    const int64_t n = ir_tensor_n_elements(got);
    for (int64_t i = 0; i < n; i++) {
        double x, y;
        if (got->dtype == SY_DT_F32) {
            x = (double)((const float *)got->data)[i];
            y = (double)((const float *)want->data)[i];
        } else if (got->dtype == SY_DT_F64) {
            x = ((const double *)got->data)[i];
            y = ((const double *)want->data)[i];
        } else {
            return memcmp(got->data, want->data, got->size_bytes) == 0;
        }
        const bool same = x == y || (isnan(x) && isnan(y));
        if (!same && !(fabs(x - y) <= ABSOLUTE + RELATIVE * fabs(y))) {
            return false;
        }
    }
    return true;
}

/* One data set of a case on one kind of kernels. */
static outcome run_set(ir_module *m, const char *folder, bool reference, const char **why)
{
    const rt_cpu_options options = {.reference = reference, .n_threads = 2};
    rt_cpu *cpu = NULL;
    rt_cpu_plan *plan = NULL;
    ir_tensor inputs[MAX_VALUES] = {{0}}, outputs[MAX_VALUES] = {{0}};
    const ir_tensor *in[MAX_VALUES];
    ir_tensor *out[MAX_VALUES];
    char path[2048];
    outcome result = PASSED;
    *why = "values that are no tensors of numbers";
    for (unsigned i = 0; i < MAX_VALUES; i++) {
        in[i] = &inputs[i];
        out[i] = &outputs[i];
        (void)snprintf(path, sizeof path, "%s/input_%u.pb", folder, i);
        if (i < m->main->n_inputs && !tensor_proto_read(path, &inputs[i])) {
            result = LEFT_OUT;
        } else if (i < m->main->n_inputs) {
            retype(&inputs[i], m->main->inputs[i]->type.dtype);
        }
    }
    sy_status status = SY_OK;
    if (result == PASSED) {
        status = rt_cpu_create(m, &options, &diag, &cpu);
        status = status == SY_OK ? rt_cpu_plan_graph(cpu, m->main, &diag, &plan) : status;
        status = status == SY_OK ? rt_cpu_plan_run(plan, in, out, NULL, &diag) : status;
        *why = base_diag_message(&diag);
        result = status == SY_OK ? PASSED : status == SY_EUNSUPPORTED ? LEFT_OUT : FAILED;
    }
    for (unsigned i = 0; i < m->main->n_outputs && result == PASSED; i++) {
        ir_tensor want = {0};
        (void)snprintf(path, sizeof path, "%s/output_%u.pb", folder, i);
        if (!tensor_proto_read(path, &want)) {
            result = LEFT_OUT;
        } else if (retype(&want, outputs[i].dtype), !close_enough(&outputs[i], &want)) {
            result = FAILED;
            *why = reference ? "the reference differs" : "the fast kernels differ";
        }
        rt_buffer_free(want.data);
    }
    rt_cpu_plan_destroy(plan);
    rt_cpu_destroy(cpu);
    for (unsigned i = 0; i < MAX_VALUES; i++) {
        rt_buffer_free(inputs[i].data);
        rt_buffer_free(outputs[i].data);
    }
    return result;
}

static outcome run_case(const char *folder, const char **why)
{
    base_arena *arena = base_arena_create();
    ir_optable *table = NULL;
    ir_module *m = NULL;
    char path[2048];
    (void)snprintf(path, sizeof path, "%s/model.onnx", folder);
    assert_ok(ir_optable_create(arena, &table));
    const sy_status status = ir_import_onnx(arena, table, path, NULL, &diag, &m);
    outcome result = status == SY_OK ? PASSED : status == SY_EUNSUPPORTED ? LEFT_OUT : FAILED;
    *why = base_diag_message(&diag);
    if (result == PASSED && (m->main->n_inputs > MAX_VALUES || m->main->n_outputs > MAX_VALUES)) {
        result = LEFT_OUT;
    }
    for (int set = 0; set < 3 && result == PASSED; set++) {
        struct stat info;
        (void)snprintf(path, sizeof path, "%s/test_data_set_%d", folder, set);
        if (stat(path, &info) == 0) {
            result = run_set(m, path, true, why);
            result = result == PASSED ? run_set(m, path, false, why) : result;
        }
    }
    static char message[BASE_DIAG_BYTES];
    (void)snprintf(message, sizeof message, "%s", *why);
    *why = message;
    ir_module_destroy(m);
    base_arena_destroy(arena);
    return result;
}

static void run_folder(const char *name, unsigned counts[3])
{
    char folder[512];
    (void)snprintf(folder, sizeof folder, DATA "%s", name);
    struct dirent **entries = NULL;
    const int n = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        char path[1024];
        bool skip = entries[i]->d_name[0] == '.';
        for (int k = 0; left_out[k] != NULL; k++) {
            skip = skip || strncmp(entries[i]->d_name, left_out[k], strlen(left_out[k])) == 0;
        }
        if (!skip) {
            const char *why = "";
            (void)snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
            const outcome o = run_case(path, &why);
            counts[o]++;
            if (o == FAILED || (o == LEFT_OUT && getenv("SY_TEST_VERBOSE") != NULL)) {
                print_error("%s %s: %s\n", o == FAILED ? "FAILED" : "left out", entries[i]->d_name,
                            why);
            }
        }
        free(entries[i]);
    }
    free(entries);
}

static void test_cases(void **state)
{
    (void)state;
    unsigned counts[3] = {0, 0, 0};
    run_folder("node", counts);
    run_folder("simple", counts);
    run_folder("pytorch-operator", counts);
    run_folder("pytorch-converted", counts);
    print_message("%u passed, %u left out, %u failed\n", counts[PASSED], counts[LEFT_OUT],
                  counts[FAILED]);
    assert_int_equal(counts[FAILED], 0);
    assert_true(counts[PASSED] >= 700);
}

int main(void)
{
    struct stat info;
    if (stat(DATA "node", &info) != 0) {
        print_message("skipped: no ONNX test cases (Debian: libonnx-testdata)\n");
        return TEST_SKIPPED;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
