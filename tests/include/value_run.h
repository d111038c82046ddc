/*
 * value_run.h -- runs models made by onnx_write.h on values of the C API: for tests with strings and lists.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_TESTS_VALUE_RUN_H
#define SYSTOLE_TESTS_VALUE_RUN_H

#include "test.h"

#include "onnx_write.h"
#include "systole/systole.h"

#include <unistd.h>

/* Writes the model (taken) and opens a session of device cpu on it. */
static inline sy_session *open_model(base_buf model, sy_model **out)
{
    char path[] = "/tmp/systole-values-XXXXXX";
    sy_session *session = NULL;
    sy_message why = {{0}};
    const int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, model.data, model.n_bytes) == (ssize_t)model.n_bytes);
    (void)close(fd);
    base_buf_free(&model);
    const sy_status status = sy_model_load(path, NULL, out, &why);
    (void)unlink(path);
    if (status != SY_OK || sy_session_create(*out, NULL, &session, &why) != SY_OK) {
        fail_msg("%s", why.text);
    }
    return session;
}

static inline sy_value *strings(int64_t n, const char *const *texts)
{
    sy_value *v = NULL;
    assert_ok(sy_value_strings(1, &n, texts, NULL, &v));
    return v;
}

static inline void want_string(const sy_value *v, uint64_t i, const char *want)
{
    const char *text = NULL;
    size_t n = 0;
    assert_ok(sy_value_string(v, i, &text, &n));
    assert_int_equal(n, strlen(want));
    assert_memory_equal(text, want, n);
}

#endif
