/*
 * hash.c -- hashes against published values, random numbers against their definition.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include <math.h>

#include "systole/base/hash.h"
#include "systole/base/rng.h"

#define N_CELLS 10

/* Values from draft-eastlake-fnv, "Appendix C: A Few Test Vectors". */
static void test_fnv1a(void **state)
{
    (void)state;
    assert_true(base_hash_fnv1a_text("") == UINT64_C(0xcbf29ce484222325));
    assert_true(base_hash_fnv1a_text("a") == UINT64_C(0xaf63dc4c8601ec8c));
    assert_true(base_hash_fnv1a_text("foobar") == UINT64_C(0x85944171f73967e8));
    const uint64_t foo = base_hash_fnv1a_text("foo");
    assert_true(base_hash_fnv1a_more(foo, "bar", 3) == base_hash_fnv1a_text("foobar"));
}

static void expect_sha256(const void *data, size_t n_bytes, const char *expected)
{
    unsigned char digest[BASE_SHA256_BYTES];
    char hex[BASE_SHA256_HEX_BYTES];
    base_sha256_of(data, n_bytes, digest);
    base_sha256_hex(digest, hex);
    assert_string_equal(hex, expected);
}

/* Values from FIPS 180-4's examples and NIST's CAVP short messages. */
static void test_sha256(void **state)
{
    (void)state;
    expect_sha256("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect_sha256("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect_sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    char *million = malloc(1000000);
    assert_non_null(million);
    memset(million, 'a', 1000000);
    expect_sha256(million, 1000000,
                  "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(million);
}

/* However the data are cut, the digest is the same: all lengths around the block boundaries. */
static void test_sha256_pieces(void **state)
{
    (void)state;
    unsigned char data[200];
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (unsigned char)(i * 7 + 1);
    }
    for (size_t n = 0; n <= sizeof data; n++) {
        unsigned char whole[BASE_SHA256_BYTES];
        base_sha256_of(data, n, whole);
        for (size_t cut = 0; cut <= n; cut += 1 + n / 9) {
            unsigned char pieces[BASE_SHA256_BYTES];
            base_sha256 sha;
            base_sha256_init(&sha);
            base_sha256_add(&sha, data, cut);
            base_sha256_add(&sha, data + cut, n - cut);
            base_sha256_done(&sha, pieces);
            assert_memory_equal(whole, pieces, sizeof whole);
        }
    }
}

static void test_rng_is_a_function(void **state)
{
    (void)state;
    base_rng rng = base_rng_make(7, 3);
    for (uint64_t i = 0; i < 100; i++) {
        assert_true(base_rng_next(&rng) == base_rng_u64(7, 3, i));
    }
    for (uint64_t a = 0; a < 8; a++) {
        for (uint64_t b = 0; b < 8; b++) {
            if (a != b) {
                assert_true(base_rng_u64(a, 0, 0) != base_rng_u64(b, 0, 0));
                assert_true(base_rng_u64(0, a, 0) != base_rng_u64(0, b, 0));
                assert_true(base_rng_u64(0, 0, a) != base_rng_u64(0, 0, b));
                assert_true(base_rng_u64(a, b, 0) != base_rng_u64(b, a, 0));
            }
        }
    }
}

static void test_rng_below(void **state)
{
    (void)state;
    const int n_draws = 100000;
    int counts[N_CELLS] = {0};
    base_rng rng = base_rng_make(1, 0);
    for (int i = 0; i < n_draws; i++) {
        counts[base_rng_below(&rng, N_CELLS)]++;
    }
    /* Chi-squared with 9 degrees of freedom exceeds 27.9 once in a thousand. */
    double chi2 = 0;
    for (int i = 0; i < N_CELLS; i++) {
        const double d = counts[i] - (double)n_draws / N_CELLS;
        chi2 += d * d / ((double)n_draws / N_CELLS);
    }
    assert_true(chi2 < 27.9);
    for (int i = 0; i < 1000; i++) {
        const int64_t x = base_rng_range(&rng, -3, 3);
        assert_true(x >= -3 && x <= 3);
        assert_int_equal(base_rng_range(&rng, INT64_MIN, INT64_MIN), INT64_MIN);
        assert_int_equal(base_rng_below(&rng, 1), 0);
        assert_true(base_rng_one_in(&rng, 1));
    }
    base_rng_range(&rng, INT64_MIN, INT64_MAX);
}

static void test_rng_reals(void **state)
{
    (void)state;
    const int n_draws = 100000;
    base_rng rng = base_rng_make(2, 0);
    double sum = 0, normal_sum = 0, normal_sum2 = 0;
    for (int i = 0; i < n_draws; i++) {
        const float f = base_rng_float(&rng);
        const double d = base_rng_double(&rng);
        assert_true(f >= 0.0f && f < 1.0f && d >= 0.0 && d < 1.0);
        sum += (double)f + d;
        const double x = base_rng_normal(&rng);
        assert_true(isfinite(x));
        normal_sum += x;
        normal_sum2 += x * x;
    }
    /* Four standard deviations of each mean. */
    assert_true(fabs(sum / (2 * n_draws) - 0.5) < 4 * sqrt(1.0 / 12 / (2 * n_draws)));
    assert_true(fabs(normal_sum / n_draws) < 4 * sqrt(1.0 / n_draws));
    assert_true(fabs(normal_sum2 / n_draws - 1) < 4 * sqrt(2.0 / n_draws));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fnv1a),         cmocka_unit_test(test_sha256),
        cmocka_unit_test(test_sha256_pieces), cmocka_unit_test(test_rng_is_a_function),
        cmocka_unit_test(test_rng_below),     cmocka_unit_test(test_rng_reals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
