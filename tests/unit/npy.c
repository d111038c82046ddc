/*
 * npy.c -- .npy and IDX files: round trips, all forms of the header, and hostile bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include "systole/base/file.h"
#include "systole/base/rng.h"
#include "systole/rt/buffer.h"
#include "systole/rt/dataset.h"
#include "systole/rt/npy.h"

#include <unistd.h>

static base_diag diag;

static const char *temporary(const char *name)
{
    static char path[4096];
    (void)snprintf(path, sizeof path, "%s/test_npy_%ld_%s", SY_BINARY_DIR, (long)getpid(), name);
    return path;
}

/* A file of format 1 with this header and n_data bytes 0, 1, 2, ... */
static base_buf file_of(const char *header, size_t n_data)
{
    base_buf b = {0};
    (void)base_buf_append(&b, "\x93NUMPY\x01", 8);
    (void)base_buf_put_le16(&b, (uint16_t)strlen(header));
    (void)base_buf_puts(&b, header);
    for (size_t i = 0; i < n_data; i++) {
        (void)base_buf_putc(&b, (char)i);
    }
    assert_ok(base_buf_status(&b));
    return b;
}

static sy_status parse(const char *header, size_t n_data, ir_tensor *t)
{
    base_buf b = file_of(header, n_data);
    const sy_status status = rt_npy_parse("x.npy", b.data, b.n_bytes, &diag, t);
    base_buf_free(&b);
    if (status != SY_OK) {
        assert_memory_equal(base_diag_message(&diag), "x.npy: ", 7);
    }
    return status;
}

static void test_round_trip(void **state)
{
    (void)state;
    const sy_dtype types[] = {SY_DT_BOOL, SY_DT_I8,  SY_DT_I16, SY_DT_I32, SY_DT_I64,
                              SY_DT_U8,   SY_DT_U16, SY_DT_U32, SY_DT_U64, SY_DT_F16,
                              SY_DT_F32,  SY_DT_F64, SY_DT_C64, SY_DT_C128};
    const int64_t dims[] = {2, 3, 1};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        for (int32_t rank = 0; rank <= 3; rank++) {
            uint8_t data[96];
            for (size_t k = 0; k < sizeof data; k++) {
                data[k] = (uint8_t)(types[i] == SY_DT_BOOL ? k % 2 : k * 7);
            }
            ir_tensor t, back;
            assert_ok(ir_tensor_init(&t, types[i], rank, dims, data));
            const char *path = temporary("round.npy");
            assert_ok(rt_npy_write(path, &t, &diag));
            assert_ok(rt_npy_read(path, &diag, &back));
            assert_int_equal(back.dtype, t.dtype);
            assert_int_equal(back.rank, rank);
            assert_int_equal(back.size_bytes, t.size_bytes);
            assert_memory_equal(back.data, data, t.size_bytes);
            rt_buffer_free(back.data);
            (void)unlink(path);
        }
    }
    ir_tensor t;
    uint16_t half = 0;
    assert_ok(ir_tensor_init(&t, SY_DT_BF16, 0, NULL, &half));
    assert_int_equal(rt_npy_write(temporary("never.npy"), &t, &diag), SY_EUNSUPPORTED);
}

static void test_headers(void **state)
{
    (void)state;
    ir_tensor t;
    assert_ok(parse("{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3), }   \n", 24, &t));
    assert_int_equal(t.rank, 2);
    assert_int_equal(((int32_t *)t.data)[1], 0x07060504);
    rt_buffer_free(t.data);
    assert_ok(parse("{\"shape\":(2L,),\"descr\":\">i2\",\"fortran_order\":False}", 4, &t));
    assert_int_equal(((int16_t *)t.data)[0], 1);
    assert_int_equal(((int16_t *)t.data)[1], 0x0203);
    rt_buffer_free(t.data);
    assert_ok(parse("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3)}", 6, &t));
    assert_memory_equal(t.data, ((const uint8_t[]){0, 2, 4, 1, 3, 5}), 6);
    rt_buffer_free(t.data);
    assert_ok(parse("{'descr': '>u2', 'fortran_order': True, 'shape': (2, 1)}", 4, &t));
    assert_int_equal(((uint16_t *)t.data)[1], 0x0203);
    rt_buffer_free(t.data);
    assert_ok(parse("{'descr': '<f4', 'fortran_order': False, 'shape': ()}", 4, &t));
    assert_int_equal(t.rank, 0);
    rt_buffer_free(t.data);
    assert_ok(parse("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 5)}", 0, &t));
    assert_int_equal(ir_tensor_n_elements(&t), 0);
    rt_buffer_free(t.data);
}

static void test_refused(void **state)
{
    (void)state;
    ir_tensor t = {0};
    const char *format[] = {
        "",
        "{",
        "{}",
        "[1]",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': ()} ",
        "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}",
        "{'descr: '<f4'}",
    };
    for (size_t i = 0; i < sizeof format / sizeof format[0]; i++) {
        assert_int_equal(parse(format[i], 5, &t), SY_EFORMAT);
    }
    const char *unsupported[] = {
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<U3', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f4x', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1)}",
    };
    for (size_t i = 0; i < sizeof unsupported / sizeof unsupported[0]; i++) {
        assert_int_equal(parse(unsupported[i], 4, &t), SY_EUNSUPPORTED);
    }
    assert_null(t.data);
}

/* Every truncation is refused; so is every damaged byte that is noticed, and nothing is read beyond
 * the end. */
static void test_hostile(void **state)
{
    (void)state;
    base_buf b = file_of("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 24);
    ir_tensor t;
    for (size_t n = 0; n < b.n_bytes; n++) {
        uint8_t *exact = rt_buffer_alloc(n); /* the sanitizer guards its end */
        memcpy(exact, b.data, n);
        assert_int_not_equal(rt_npy_parse("x.npy", exact, n, &diag, &t), SY_OK);
        rt_buffer_free(exact);
    }
    base_rng rng = base_rng_make(7, 0);
    for (int i = 0; i < 20000; i++) {
        const size_t at = base_rng_below(&rng, b.n_bytes);
        const char old = b.data[at];
        b.data[at] = (char)base_rng_next(&rng);
        if (rt_npy_parse("x.npy", b.data, b.n_bytes, &diag, &t) == SY_OK) {
            rt_buffer_free(t.data);
        }
        b.data[at] = old;
    }
    base_buf_free(&b);
}

static void test_idx(void **state)
{
    (void)state;
    const uint8_t file[] = {0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6};
    ir_tensor t;
    assert_ok(rt_idx_parse("x.idx", file, sizeof file, &diag, &t));
    assert_int_equal(t.dtype, SY_DT_U8);
    assert_int_equal(t.dims[1], 3);
    assert_memory_equal(t.data, file + 12, 6);
    rt_buffer_free(t.data);
    for (size_t n = 0; n < sizeof file; n++) {
        assert_int_equal(rt_idx_parse("x.idx", file, n, &diag, &t), SY_EFORMAT);
    }
    const uint8_t wide[] = {0, 0, 0x0b, 1, 0, 0, 0, 2, 1, 2, 0xff, 0xfe};
    assert_ok(rt_idx_parse("x.idx", wide, sizeof wide, &diag, &t));
    assert_int_equal(((int16_t *)t.data)[0], 0x102);
    assert_int_equal(((int16_t *)t.data)[1], -2);
    rt_buffer_free(t.data);
    const uint8_t huge[] = {0,    0,    8,    3,    0xff, 0xff, 0xff, 0xff,
                            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    assert_int_equal(rt_idx_parse("x.idx", huge, sizeof huge, &diag, &t), SY_EFORMAT);
}

static void write_npy(const char *path, sy_dtype dtype, int32_t rank, const int64_t *dims,
                      void *data)
{
    ir_tensor t;
    assert_ok(ir_tensor_init(&t, dtype, rank, dims, data));
    assert_ok(rt_npy_write(path, &t, &diag));
}

static void test_dataset(void **state)
{
    (void)state;
    char images[4200], labels[4200], spec[9000];
    (void)snprintf(images, sizeof images, "%s", temporary("images.npy"));
    (void)snprintf(labels, sizeof labels, "%s", temporary("labels.npy"));
    (void)snprintf(spec, sizeof spec, "npy:%s,%s", images, labels);
    uint8_t pixels[2 * 2 * 2 * 3];
    for (size_t i = 0; i < sizeof pixels; i++) {
        pixels[i] = (uint8_t)i;
    }
    write_npy(images, SY_DT_U8, 4, (const int64_t[]){2, 2, 2, 3}, pixels); /* N, H, W, C */
    write_npy(labels, SY_DT_I64, 1, (const int64_t[]){2}, (int64_t[]){7, 9});
    const rt_dataset_options options = {
        .scale = 0.5f, .n_means = 3, .means = {1, 2, 3}, .n_stds = 1, .stds = {2}};
    rt_dataset *d = NULL;
    assert_ok(rt_dataset_open(spec, &options, &diag, &d));
    assert_int_equal(rt_dataset_n(d), 2);
    assert_int_equal(rt_dataset_rank(d), 3);
    assert_int_equal(rt_dataset_dims(d)[0], 3);
    assert_int_equal(rt_dataset_label(d, 1), 9);
    float out[12];
    ir_tensor batch;
    assert_ok(ir_tensor_init(&batch, SY_DT_F32, 4, (const int64_t[]){1, 3, 2, 2}, out));
    assert_ok(rt_dataset_fetch(d, 1, &diag, &batch));
    assert_float_equal(out[1], (15 * 0.5f - 1) / 2,
                       0); /* channel 0, pixel 1 of image 1 is byte 12 + 3 */
    assert_float_equal(out[8], (14 * 0.5f - 3) / 2, 0);
    assert_int_equal(rt_dataset_fetch(d, 2, &diag, &batch), SY_ERANGE);
    int8_t bytes[24];
    assert_ok(ir_tensor_init(&batch, SY_DT_I8, 2, (const int64_t[]){2, 12}, bytes));
    assert_ok(rt_dataset_fetch(d, 0, &diag, &batch));
    assert_int_equal(bytes[4], -1); /* (1 * 0.5 - 2) / 2 = -0.75 -> -1 is channel 1, pixel 0 */
    rt_dataset_close(d);

    rt_dataset_options bad = options;
    bad.n_means = 2;
    assert_int_equal(rt_dataset_open(spec, &bad, &diag, &d), SY_EINVAL);
    assert_int_equal(rt_dataset_open("csv:x", NULL, &diag, &d), SY_EINVAL);
    assert_int_equal(rt_dataset_open("idx:/nowhere,/nowhere", NULL, &diag, &d), SY_EIO);
    write_npy(labels, SY_DT_I64, 1, (const int64_t[]){1}, (int64_t[]){7});
    assert_int_equal(rt_dataset_open(spec, NULL, &diag, &d), SY_ESHAPE);
    (void)unlink(images);
    (void)unlink(labels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_headers),
        cmocka_unit_test(test_refused),    cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_idx),        cmocka_unit_test(test_dataset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
