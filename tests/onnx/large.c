/*
 * large.c -- models over 2 GiB: weights in another file, beyond 4 GiB, at any alignment; a protobuf file of that size is refused.
 *
 * The files are sparse: they take no room on the disk, and only the pages that are used come into memory.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _FILE_OFFSET_BITS 64
#include "test.h"

#include "onnx_write.h"
#include "systole/base/file.h"
#include "systole/systole.h"

#include <fcntl.h>
#include <unistd.h>

#define GIB ((int64_t)1 << 30)

static char folder[] = "/tmp/onnx_large_XXXXXX";

static void in_folder(const char *name, char path[300])
{
    (void)snprintf(path, 300, "%s/%s", folder, name);
}

/* A sparse file of that size with the number v at `offset`; false if the file system does not take it. */
static bool make_sparse(const char *name, int64_t n_bytes, int64_t offset, float v)
{
    char path[300];
    in_folder(name, path);
    const int fd = open(path, O_CREAT | O_RDWR | O_TRUNC, 0600);
    assert_true(fd >= 0);
    const bool made = ftruncate(fd, (off_t)n_bytes) == 0 && pwrite(fd, &v, sizeof v, (off_t)offset) == (ssize_t)sizeof v;
    (void)close(fd);
    return made;
}

static void entry(base_buf *t, const char *key, const char *value)
{
    base_buf e = {0};
    ow_text(&e, 1, key);
    ow_text(&e, 2, value);
    ow_message(t, 13, e);
}

/* y = x + w[1]: w is f32 [2] at `offset` of weights.bin, with `length` bytes. */
static void write_model(const char *location, int64_t offset, int64_t length)
{
    static const int64_t two[1] = {2};
    char path[300], number[24];
    base_buf g = {0}, t = {0};
    base_diag diag = {{0}};
    ow_int(&t, 1, 2);
    ow_int(&t, 2, SY_DT_F32);
    ow_text(&t, 8, "w");
    entry(&t, "location", location);
    (void)snprintf(number, sizeof number, "%lld", (long long)offset);
    entry(&t, "offset", number);
    (void)snprintf(number, sizeof number, "%lld", (long long)length);
    entry(&t, "length", number);
    ow_int(&t, 14, 1); /* data_location EXTERNAL */
    ow_message(&g, 5, t);
    ow_add_input(&g, "x", SY_DT_F32, 1, two);
    ow_add_node(&g, ow_node("Add", "x w", "y"));
    ow_message(&g, 12, ow_value("y", SY_DT_F32, 1, two));
    base_buf model = ow_model(g, 13);
    in_folder("m.onnx", path);
    assert_ok(base_file_write_atomic(&diag, path, model.data, model.n_bytes));
    base_buf_free(&model);
}

static sy_status load(sy_model **model, sy_message *why)
{
    char path[300];
    in_folder("m.onnx", path);
    return sy_model_load(path, NULL, model, why);
}

static void run(float want0, float want1)
{
    sy_model *model = NULL;
    sy_session *session = NULL;
    sy_message why = {""};
    sy_tensor x, y;
    float x_data[2] = {10.0f, 20.0f}, y_data[2] = {0};
    const int64_t two = 2;
    if (load(&model, &why) != SY_OK || sy_session_create(model, NULL, &session, &why) != SY_OK) {
        fail_msg("%s", why.text);
    }
    assert_ok(sy_tensor_init(&x, SY_DT_F32, 1, &two, x_data));
    assert_ok(sy_tensor_init(&y, SY_DT_F32, 1, &two, y_data));
    assert_ok(sy_session_run(session, &x, 1, &y, 1, NULL, &why));
    assert_true(y_data[0] == want0 && y_data[1] == want1);
    sy_session_free(session);
    sy_model_free(model);
}

static void refused(const char *part)
{
    sy_model *model = NULL;
    sy_message why = {""};
    assert_int_not_equal(load(&model, &why), SY_OK);
    if (strstr(why.text, part) == NULL || strchr(why.text, '\n') != NULL) {
        fail_msg("'%s' is not in one line: %s", part, why.text);
    }
}

static void test_far_away(void **state)
{
    (void)state;
    if (!make_sparse("weights.bin", 5 * GIB, 4 * GIB + 4, 3.0f)) {
        skip();
    }
    write_model("weights.bin", 4 * GIB, 8);
    run(10.0f, 23.0f);
    write_model("weights.bin", 4 * GIB + 4, 8);
    run(13.0f, 20.0f);
    write_model("weights.bin", 5 * GIB - 8, 8); /* to the last byte */
    run(10.0f, 20.0f);
    make_sparse("weights.bin", 5 * GIB, 3 * GIB + 5, 7.0f); /* no alignment at all */
    write_model("weights.bin", 3 * GIB + 1, 8);
    run(10.0f, 27.0f);
}

static void test_what_is_not_there(void **state)
{
    (void)state;
    if (!make_sparse("weights.bin", 3 * GIB, 0, 0.0f)) {
        skip();
    }
    write_model("weights.bin", 3 * GIB - 4, 8);
    refused("3221225472 bytes");
    write_model("weights.bin", 3 * GIB - 4, 4);
    refused("need 8 bytes");
    write_model("nothing.bin", 0, 8);
    refused("nothing.bin");
    write_model("../weights.bin", 0, 8);
    refused("not inside the model's folder");
}

static void test_protobuf(void **state)
{
    (void)state;
    if (!make_sparse("m.onnx", 2 * GIB + 1, 0, 0.0f)) {
        skip();
    }
    refused("external data");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_far_away),
        cmocka_unit_test(test_what_is_not_there),
        cmocka_unit_test(test_protobuf),
    };
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    char path[300];
    in_folder("weights.bin", path);
    (void)unlink(path);
    in_folder("m.onnx", path);
    (void)unlink(path);
    (void)rmdir(folder);
    return failed;
}
