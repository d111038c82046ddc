/*
 * strings.c -- the elements of string tensors.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/graph/strings.h"

sy_status ir_strings_read(const ir_tensor *t, base_arena *arena, ir_text **out)
{
    const int64_t n = ir_tensor_n_elements(t);
    if (n < 0 || (uint64_t)n > t->size_bytes / sizeof(uint32_t)) {
        return SY_EINVAL; /* before memory is taken for them */
    }
    ir_text *texts = base_arena_alloc(arena, (size_t)n + 1, sizeof *texts);
    if (texts == NULL) {
        return SY_ENOMEM;
    }
    base_cursor c = base_cursor_at(t->data, t->size_bytes);
    for (int64_t i = 0; i < n; i++) {
        const uint32_t length = base_cursor_le32(&c);
        texts[i] = (ir_text){base_cursor_bytes(&c, length), length};
        if (c.failed) {
            return SY_EINVAL;
        }
    }
    *out = texts;
    return base_cursor_left(&c) == 0 ? SY_OK : SY_EINVAL;
}

void ir_strings_put(base_buf *buf, const char *text, size_t n_bytes)
{
    if (n_bytes > UINT32_MAX) {
        buf->failed = true;
        return;
    }
    (void)base_buf_put_le32(buf, (uint32_t)n_bytes);
    (void)base_buf_append(buf, text, n_bytes);
}
