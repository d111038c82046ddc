/*
 * file.c -- whole files: limits, gzip, damaged gzip, maps, and replacement that loses nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "systole/base/file.h"

#define LIMIT ((size_t)1 << 20)

static char folder[] = "/tmp/systole-file-XXXXXX";
static char path[256];

static void in_folder(char out[256], const char *name)
{
    assert_true(snprintf(out, 256, "%s/%s", folder, name) < 256);
}

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    in_folder(path, "file");
    return 0;
}

/* The number of files in the folder, which are all removed if asked for. */
static int n_files(bool remove_them)
{
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    int n = 0;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        n++;
        if (remove_them) {
            char name[256];
            in_folder(name, entry->d_name);
            remove(name);
        }
    }
    closedir(dir);
    return n;
}

static int empty_folder(void **state)
{
    (void)state;
    n_files(true);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static void put_file(const char *name, const void *data, size_t n_bytes)
{
    FILE *file = fopen(name, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, n_bytes, file), n_bytes);
    assert_int_equal(fclose(file), 0);
}

static void expect_file(const char *name, const char *text)
{
    base_buf buf = {0};
    assert_ok(base_file_read(NULL, name, LIMIT, &buf));
    assert_int_equal(buf.n_bytes, strlen(text));
    assert_memory_equal(buf.data, text, buf.n_bytes);
    base_buf_free(&buf);
}

static void test_read(void **state)
{
    (void)state;
    base_diag diag = {0};
    base_buf buf = {0};
    put_file(path, "hello", 5);
    assert_ok(base_file_read(&diag, path, 5, &buf));
    assert_string_equal(buf.data, "hello");
    assert_int_equal(base_file_read(&diag, path, 4, &buf), SY_ERANGE);
    assert_int_equal(buf.n_bytes, 0);
    assert_non_null(strstr(base_diag_message(&diag), "limit of 4 bytes"));
    put_file(path, "", 0);
    assert_ok(base_file_read(&diag, path, LIMIT, &buf));
    assert_int_equal(buf.n_bytes, 0);

    assert_int_equal(base_file_read(&diag, "/nonexistent/x", LIMIT, &buf), SY_EIO);
    assert_string_equal(base_diag_message(&diag),
                        "/nonexistent/x: cannot open: No such file or directory");
    assert_int_equal(base_file_read(&diag, folder, LIMIT, &buf), SY_EIO);         /* a folder */
    assert_int_equal(base_file_read(&diag, "/dev/zero", LIMIT, &buf), SY_ERANGE); /* endless */
    base_buf_free(&buf);
}

/* Compresses data as a gzip member at the end of out. */
static void gzip_append(base_buf *out, const void *data, size_t n_bytes)
{
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_true(base_buf_reserve(out, n_bytes + 1000));
    stream.next_in = (Bytef *)(uintptr_t)data;
    stream.avail_in = (uInt)n_bytes;
    stream.next_out = (Bytef *)out->data + out->n_bytes;
    stream.avail_out = (uInt)(n_bytes + 1000);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out->n_bytes += stream.total_out;
    deflateEnd(&stream);
}

static void test_gzip(void **state)
{
    (void)state;
    base_diag diag = {0};
    base_buf plain = {0}, packed = {0}, back = {0};
    for (int i = 0; i < 40000; i++) {
        base_buf_printf(&plain, "%d ", i * i);
    }
    gzip_append(&packed, plain.data, plain.n_bytes);
    put_file(path, packed.data, packed.n_bytes);
    assert_ok(base_file_read(&diag, path, LIMIT, &back));
    assert_int_equal(back.n_bytes, plain.n_bytes);
    assert_memory_equal(back.data, plain.data, plain.n_bytes);
    assert_int_equal(base_file_read(&diag, path, plain.n_bytes, &back), SY_OK);
    assert_int_equal(base_file_read(&diag, path, plain.n_bytes - 1, &back), SY_ERANGE);
    assert_int_equal(back.n_bytes, 0);

    /* Two members and padding read as one text. */
    base_buf two = {0};
    gzip_append(&two, "first ", 6);
    gzip_append(&two, "second", 6);
    base_buf_zeros(&two, 10);
    put_file(path, two.data, two.n_bytes);
    expect_file(path, "first second");

    base_buf_free(&two);
    base_buf_free(&back);
    base_buf_free(&packed);
    base_buf_free(&plain);
}

static void test_gzip_damaged(void **state)
{
    (void)state;
    base_diag diag = {0};
    base_buf packed = {0}, back = {0};
    const char text[] = "to be, or not to be, that is the question: to be, or not to be";
    gzip_append(&packed, text, sizeof text);
    for (size_t n = 0; n < packed.n_bytes; n++) {
        assert_int_equal(base_gzip_inflate(&diag, "x", packed.data, n, LIMIT, &back), SY_EFORMAT);
        assert_string_equal(base_diag_message(&diag), "x: gzip data are truncated");
        assert_int_equal(back.n_bytes, 0);
    }
    /* A flipped bit is an error or, in fields that carry no data (time, system), no change at all.
     */
    for (size_t i = 0; i < packed.n_bytes * 8; i++) {
        packed.data[i / 8] = (char)(packed.data[i / 8] ^ 1 << i % 8);
        if (base_gzip_inflate(&diag, "x", packed.data, packed.n_bytes, LIMIT, &back) == SY_OK) {
            assert_int_equal(back.n_bytes, sizeof text);
            assert_memory_equal(back.data, text, sizeof text);
        } else {
            assert_int_equal(back.n_bytes, 0);
        }
        packed.data[i / 8] = (char)(packed.data[i / 8] ^ 1 << i % 8);
    }
    base_buf_free(&back);
    base_buf_free(&packed);
}

static void test_map(void **state)
{
    (void)state;
    base_diag diag = {0};
    base_map map = {0};
    put_file(path, "mapped", 6);
    assert_ok(base_file_map(&diag, path, &map));
    assert_int_equal(map.n_bytes, 6);
    assert_memory_equal(map.data, "mapped", 6);
    base_file_unmap(&map);
    assert_null(map.data);
    base_file_unmap(&map);
    put_file(path, "", 0);
    assert_ok(base_file_map(&diag, path, &map));
    assert_non_null(map.data);
    assert_int_equal(map.n_bytes, 0);
    base_file_unmap(&map);
    assert_int_equal(base_file_map(&diag, folder, &map), SY_EIO);
    assert_int_equal(base_file_map(&diag, "/nonexistent", &map), SY_EIO);
}

static void test_write(void **state)
{
    (void)state;
    base_diag diag = {0};
    assert_ok(base_file_write_atomic(&diag, path, "one", 3));
    expect_file(path, "one");
    assert_int_equal(chmod(path, 0640), 0);
    assert_ok(base_file_write_atomic(&diag, path, "three", 5));
    expect_file(path, "three");
    assert_ok(base_file_write_atomic(&diag, path, "", 0));
    expect_file(path, "");
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
    assert_int_equal(n_files(false), 1);

    char link_path[256];
    in_folder(link_path, "link");
    assert_int_equal(symlink("file", link_path), 0);
    assert_ok(base_file_write_atomic(&diag, link_path, "through", 7));
    expect_file(path, "through");
    assert_int_equal(lstat(link_path, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_int_equal(n_files(false), 2);
    assert_ok(base_file_write_atomic(&diag, "/dev/null", "gone", 4));
}

static void test_write_fails(void **state)
{
    (void)state;
    base_diag diag = {0};
    assert_int_equal(base_file_write_atomic(&diag, "/nonexistent/x", "a", 1), SY_EIO);
    assert_string_equal(base_diag_message(&diag),
                        "/nonexistent/x: cannot write: No such file or directory");
    assert_int_equal(base_file_write_atomic(&diag, folder, "a", 1), SY_EIO);
    assert_int_equal(base_file_write_atomic(&diag, "/dev/full", "a", 1), SY_EIO);
    char long_path[5000];
    memset(long_path, 'x', sizeof long_path);
    long_path[sizeof long_path - 1] = '\0';
    assert_int_equal(base_file_write_atomic(&diag, long_path, "a", 1), SY_EIO);
    assert_int_equal(n_files(false), 0);
}

/* The disk fills up in the middle (here: the limit on a file's size): the old contents stay. */
static void test_write_fails_midway(void **state)
{
    (void)state;
    base_diag diag = {0};
    char *large = calloc(1, LIMIT);
    assert_non_null(large);
    assert_ok(base_file_write_atomic(&diag, path, "precious", 8));
    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = LIMIT / 3;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    const sy_status status = base_file_write_atomic(&diag, path, large, LIMIT);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(status, SY_EIO);
    assert_non_null(strstr(base_diag_message(&diag), "cannot write: File too large"));
    expect_file(path, "precious");
    assert_int_equal(n_files(false), 1);
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_read, empty_folder),
        cmocka_unit_test_teardown(test_gzip, empty_folder),
        cmocka_unit_test_teardown(test_gzip_damaged, empty_folder),
        cmocka_unit_test_teardown(test_map, empty_folder),
        cmocka_unit_test_teardown(test_write, empty_folder),
        cmocka_unit_test_teardown(test_write_fails, empty_folder),
        cmocka_unit_test_teardown(test_write_fails_midway, empty_folder),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
