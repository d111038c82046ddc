/*
 * simd.c -- all variants of the host's inner loops give the same bits, and the int8 tile what its
 * definition says.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include "../../runtime/cpu/simd.h"

#include "systole/base/rng.h"

#define N    333
#define ROOM (N + 2 * RT_TAPS_BLOCK + 32)

static base_rng rng;
static int8_t bytes_a[4 * ROOM], bytes_b[4 * ROOM];
static float floats_a[4 * ROOM], floats_b[4 * ROOM];
static int32_t ints[4 * ROOM];

static void setup_data(uint64_t seed)
{
    rng = base_rng_make(seed, 21);
    for (size_t i = 0; i < 4 * ROOM; i++) {
        bytes_a[i] = (int8_t)base_rng_next(&rng);
        bytes_b[i] = (int8_t)base_rng_next(&rng);
        floats_a[i] = 40.0f * (base_rng_float(&rng) - 0.5f);
        floats_b[i] = 4.0f * (base_rng_float(&rng) - 0.5f);
        ints[i] = (int32_t)base_rng_next(&rng) >> base_rng_below(&rng, 24);
    }
}

/* What one variant makes of the data: everything one after the other. */
typedef struct results {
    int8_t bytes[8][ROOM];
    int32_t sums[2][ROOM];
    float floats[12][ROOM];
    uint8_t panel[8 * RT_QUAD_BYTES];
} results;

static void compute(const rt_simd *s, results *r)
{
    const rt_requant q = {.zero = -7, .low = -100, .high = 127};
    const int64_t offsets[32] = {5, 0, 17, 40, 3, 9, 64, 1, 2, 8, 31, 30, 29, 28, 27, 26, 7};
    memset(r, 0, sizeof *r);
    s->pack_panel(8, (const uint8_t *)bytes_a, offsets, 0x80, r->panel);
    s->qtaps(N, 9, bytes_b, (const uint8_t *)bytes_a, offsets, -12345, r->sums[0]);
    s->add_bytes(N, bytes_a, 1, r->sums[1]);
    s->add_bytes(N, bytes_b, 3, r->sums[1]);
    s->requantise(N, ints, 0.013f, &q, r->bytes[0]);
    s->requantise_each(N, ints, floats_a, &q, r->bytes[1]);
    s->qadd(N, bytes_a, 3, 0.37f, bytes_b, 1, -4, 0.51f, &q, r->bytes[2]);
    s->qadd(N, bytes_a, 3, 0.37f, bytes_b, 0, -4, 0.51f, &q, r->bytes[3]);
    s->qmul(N, bytes_a, 3, bytes_b, 1, -4, 0.0021f, &q, r->bytes[4]);
    s->qmul(N, bytes_a, 3, bytes_b, 0, -4, 0.0021f, &q, r->bytes[5]);
    s->quantise(N, floats_a, 0.1f, &q, r->bytes[6]);
    s->max_bytes(N, bytes_a, 1, r->bytes[7]);
    s->max_bytes(N, bytes_b, 2, r->bytes[7]);
    s->max_floats(N, floats_a, 2, r->floats[0]);
    s->add_floats(N, floats_a, 1, r->floats[1]);
    s->fadd(N, floats_a, floats_b, 1, r->floats[2]);
    s->fsub(N, floats_a, floats_b, 0, r->floats[3]);
    s->fmul(N, floats_a, floats_b, 1, r->floats[4]);
    s->fdiv(N, floats_a, floats_b, 1, r->floats[5]);
    s->axpb(N, floats_a, 1.3f, -0.7f, r->floats[6]);
    s->clip(N, floats_a, -1.0f, 6.0f, r->floats[7]);
    s->taps(N, 9, floats_b, floats_a, offsets, 0.25f, r->floats[8]);
    s->sigmoid(N, floats_a, r->floats[9]);
    s->tanh(N, floats_a, r->floats[10]);
    s->exp(N, floats_a, 1.5f, r->floats[11]);
}

static void test_variants(void **state)
{
    (void)state;
    static results want, got;
    for (uint64_t seed = 0; seed < 20; seed++) {
        setup_data(seed);
        compute(rt_simd_variant(0), &want);
        for (unsigned v = 1; rt_simd_variant(v) != NULL; v++) {
            compute(rt_simd_variant(v), &got);
            if (memcmp(&want, &got, sizeof want) != 0) {
                size_t i = 0;
                while (((const char *)&want)[i] == ((const char *)&got)[i]) {
                    i++;
                }
                fail_msg("seed %lu: %s and %s differ at byte %zu", (unsigned long)seed,
                         rt_simd_variant(0)->name, rt_simd_variant(v)->name, i);
            }
        }
    }
}

static void test_tile(void **state)
{
    (void)state;
    setup_data(99);
    for (unsigned v = 0; rt_simd_variant(v) != NULL; v++) {
        for (int rows = 1; rows <= RT_QTILE_ROWS; rows++) {
            const int64_t n_quads = 1 + (rows * 5) % 9, lda = 4 * n_quads + 3;
            const int32_t *columns = rows % 3 == 0 ? NULL : ints + 50;
            int32_t sums[RT_QTILE_ROWS * RT_QTILE_COLUMNS];
            rt_simd_variant(v)->qtile(rows, n_quads, bytes_a, lda, (const uint8_t *)bytes_b, ints,
                                      columns, sums);
            for (int i = 0; i < rows; i++) {
                for (int j = 0; j < RT_QTILE_COLUMNS; j++) {
                    uint32_t want = (uint32_t)ints[i] +
                                    (columns != NULL ? (uint32_t)columns[j] : 0);
                    for (int64_t k = 0; k < 4 * n_quads; k++) {
                        const uint8_t b = (uint8_t)bytes_b[k / 4 * RT_QUAD_BYTES + 4 * j + k % 4];
                        want += (uint32_t)(bytes_a[i * lda + k] * b);
                    }
                    if ((uint32_t)sums[i * RT_QTILE_COLUMNS + j] != want) {
                        fail_msg("%s: %d rows: row %d, column %d: %d, expected %d",
                                 rt_simd_variant(v)->name, rows, i, j,
                                 sums[i * RT_QTILE_COLUMNS + j], (int32_t)want);
                    }
                }
            }
        }
    }
}

int main(void)
{
    for (unsigned v = 0; rt_simd_variant(v) != NULL; v++) {
        print_message("variant %s\n", rt_simd_variant(v)->name);
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_variants),
                                       cmocka_unit_test(test_tile)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
