/*
 * zoo_sim.c -- every network of the zoo: the reference gives the expected bits, and the simulator gives the reference's, on two machines.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
// timeout: 240
#include "test.h"

#include "systole/rt/buffer.h"
#include "systole/rt/npy.h"
#include "systole/systole.h"

#define ZOO SY_TEST_DATA_DIR "/zoo/"
#define MAX_IO 4

static int n_fallbacks;

typedef struct tensors {
    sy_tensor t[MAX_IO];
    uint32_t n;
} tensors;

static void read_npy(const char *path, sy_tensor *out) {
    base_diag diag = {.message = ""};
    ir_tensor t;
    if (rt_npy_read(path, &diag, &t) != SY_OK) {
        fail_msg("%s", base_diag_message(&diag));
    }
    memset(out, 0, sizeof *out);
    out->dtype = t.dtype;
    out->rank = t.rank;
    memcpy(out->dims, t.dims, sizeof out->dims);
    out->data = t.data;
    out->size_bytes = t.size_bytes;
}

static bool exists(const char *path) {
    FILE *f = fopen(path, "rb");
    if (f != NULL) {
        fclose(f);
    }
    return f != NULL;
}

/* NAME.KIND.npy, or NAME.KIND0.npy, NAME.KIND1.npy, ... */
static tensors read_all(const char *name, const char *kind) {
    tensors all = {.n = 0};
    char path[512];
    snprintf(path, sizeof path, ZOO "%s.%s.npy", name, kind);
    if (exists(path)) {
        read_npy(path, &all.t[all.n++]);
        return all;
    }
    for (uint32_t i = 0; i < MAX_IO; i++) {
        snprintf(path, sizeof path, ZOO "%s.%s%u.npy", name, kind, i);
        if (exists(path)) {
            read_npy(path, &all.t[all.n++]);
        }
    }
    return all;
}

static void free_all(tensors *all) {
    for (uint32_t i = 0; i < all->n; i++) {
        rt_buffer_free(all->t[i].data);
    }
}

/* Runs the model; false with a message. Outputs are to be freed. */
static bool run(sy_model *model, sy_device device, const char *config, const tensors *in, tensors *out, sy_message *message) {
    sy_session_options options = {.struct_size = sizeof options, .device = device, .config = config, .reference = true, .no_fallback = false};
    sy_session *session;
    if (sy_session_create(model, &options, &session, message) != SY_OK) {
        return false;
    }
    if (device == SY_DEVICE_SIM && sy_session_device(session) != SY_DEVICE_SIM) {
        n_fallbacks++; /* nothing in it for the machine: the host gives the same bits */
        assert_true(sy_session_note(session)[0] != '\0');
    }
    out->n = sy_model_n_outputs(model);
    assert_true(out->n <= MAX_IO);
    for (uint32_t i = 0; i < out->n; i++) {
        out->t[i].size_bytes = 1 << 20;
        out->t[i].data = rt_buffer_alloc(out->t[i].size_bytes);
        assert_non_null(out->t[i].data);
    }
    const sy_status status = sy_session_run(session, in->t, in->n, out->t, out->n, NULL, message);
    sy_session_free(session);
    if (status != SY_OK) {
        free_all(out);
    }
    return status == SY_OK;
}

/* The first byte in which two lists of tensors differ; -1: none. */
static long first_difference(const tensors *a, const tensors *b) {
    if (a->n != b->n) {
        return 0;
    }
    long at = 0;
    for (uint32_t i = 0; i < a->n; i++) {
        if (a->t[i].size_bytes != b->t[i].size_bytes) {
            return at;
        }
        for (size_t k = 0; k < a->t[i].size_bytes; k++, at++) {
            if (((const uint8_t *)a->t[i].data)[k] != ((const uint8_t *)b->t[i].data)[k]) {
                return at;
            }
        }
    }
    return -1;
}

/* Returns the number of complaints about one network. */
static int check(const char *name, const char *exact) {
    static const char *const configs[2] = {"tiny", "edge"};
    char path[512];
    sy_message why = {.text = ""};
    tensors in = read_all(name, "in");
    tensors want = {.n = 0};
    int bad = 0;
    snprintf(path, sizeof path, ZOO "%s.onnx", name);
    sy_model *model;
    if (sy_model_load(path, NULL, &model, &why) != SY_OK) {
        print_error("%s: %s\n", name, why.text);
        return 1;
    }
    if (!run(model, SY_DEVICE_CPU, NULL, &in, &want, &why)) {
        print_error("%s on cpu: %s\n", name, why.text);
        sy_model_free(model);
        free_all(&in);
        return 1;
    }
    if (strcmp(exact, "-") != 0) {
        tensors expected = read_all(name, exact);
        const long at = first_difference(&want, &expected);
        if (at >= 0) {
            print_error("%s: byte %ld of the reference differs from .%s.npy\n", name, at, exact);
            bad++;
        }
        free_all(&expected);
    }
    sy_model_free(model);
    for (int i = 0; i < 2; i++) {
        tensors got = {.n = 0};
        assert_int_equal(sy_model_load(path, NULL, &model, &why), SY_OK);
        if (!run(model, SY_DEVICE_SIM, configs[i], &in, &got, &why)) {
            print_error("%s on %s: %s\n", name, configs[i], why.text);
            bad++;
        } else {
            const long at = first_difference(&want, &got);
            if (at >= 0) {
                print_error("%s on %s: byte %ld differs from the reference\n", name, configs[i], at);
                bad++;
            }
            free_all(&got);
        }
        sy_model_free(model);
    }
    free_all(&want);
    free_all(&in);
    return bad;
}

static void networks(void **state) {
    (void)state;
    FILE *f = fopen(ZOO "zoo.tsv", "r");
    assert_non_null(f);
    char line[2048];
    int bad = 0, n = 0;
    while (fgets(line, sizeof line, f) != NULL) {
        char *fields[8];
        int n_fields = 0;
        for (char *p = strtok(line, "\t\n"); p != NULL && n_fields < 8; p = strtok(NULL, "\t\n")) {
            fields[n_fields++] = p;
        }
        if (n_fields < 7 || fields[0][0] == '#') {
            continue;
        }
        bad += check(fields[0], fields[6]);
        n++;
    }
    fclose(f);
    assert_true(n > 100);
    assert_true(n_fallbacks <= 40);
    if (bad > 0) {
        fail_msg("%d complaints about %d networks", bad, n);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(networks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
