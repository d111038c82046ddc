/*
 * own_sgemm.c -- our own fp32 matrix product.
 *
 * B is packed in panels of 32 columns and DEPTH rows, zeros beyond the last column. A tile of up to
 * 14 rows and 32 columns of C stays in registers while k runs; between blocks of DEPTH it goes back
 * to C, and no partial sums are added, so that the order of additions never changes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "own_sgemm.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define COLUMNS  32
#define DEPTH    512
#define MAX_ROWS 14

_Static_assert(COLUMNS *DEPTH == RT_SGEMM_WORK_FLOATS, "the working memory is one panel");

/*
 * C tile [rows, 32] += A [rows, depth] * panel [depth, 32].
 *   A[i][k] = a[i * row_stride + k * k_stride]
 */
typedef void (*tile_fn)(int64_t depth, const float *a, int64_t row_stride, int64_t k_stride,
                        const float *panel, float *c, int64_t ldc);

typedef struct tiles {
    const char *name;
    int max_rows;
    tile_fn by_rows[MAX_ROWS + 1];
} tiles;

#if defined(__x86_64__)

#define TILE_512(ROWS)                                                                           \
    __attribute__((target("avx512f"))) static void tile_512_##ROWS(                              \
        int64_t depth, const float *a, int64_t row_stride, int64_t k_stride, const float *panel, \
        float *c, int64_t ldc)                                                                   \
    {                                                                                            \
        __m512 sum[ROWS][2];                                                                     \
        _Pragma("GCC unroll 14") for (int i = 0; i < ROWS; i++)                                  \
        {                                                                                        \
            sum[i][0] = _mm512_loadu_ps(c + i * ldc);                                            \
            sum[i][1] = _mm512_loadu_ps(c + i * ldc + 16);                                       \
        }                                                                                        \
        for (int64_t k = 0; k < depth; k++) {                                                    \
            const __m512 left = _mm512_loadu_ps(panel + k * COLUMNS);                            \
            const __m512 right = _mm512_loadu_ps(panel + k * COLUMNS + 16);                      \
            _Pragma("GCC unroll 14") for (int i = 0; i < ROWS; i++)                              \
            {                                                                                    \
                const __m512 x = _mm512_set1_ps(a[i * row_stride + k * k_stride]);               \
                sum[i][0] = _mm512_fmadd_ps(x, left, sum[i][0]);                                 \
                sum[i][1] = _mm512_fmadd_ps(x, right, sum[i][1]);                                \
            }                                                                                    \
        }                                                                                        \
        _Pragma("GCC unroll 14") for (int i = 0; i < ROWS; i++)                                  \
        {                                                                                        \
            _mm512_storeu_ps(c + i * ldc, sum[i][0]);                                            \
            _mm512_storeu_ps(c + i * ldc + 16, sum[i][1]);                                       \
        }                                                                                        \
    }

TILE_512(1)
TILE_512(2)
TILE_512(4)
TILE_512(7)
TILE_512(14)

static const tiles tiles_512 = {
    "avx512",
    14,
    {[1] = tile_512_1, [2] = tile_512_2, [4] = tile_512_4, [7] = tile_512_7, [14] = tile_512_14},
};

#define TILE_256(ROWS)                                                                           \
    __attribute__((target("avx2,fma"))) static void tile_256_##ROWS(                             \
        int64_t depth, const float *a, int64_t row_stride, int64_t k_stride, const float *panel, \
        float *c, int64_t ldc)                                                                   \
    {                                                                                            \
        for (int half = 0; half < COLUMNS; half += 16) {                                         \
            __m256 sum[ROWS][2];                                                                 \
            _Pragma("GCC unroll 6") for (int i = 0; i < ROWS; i++)                               \
            {                                                                                    \
                sum[i][0] = _mm256_loadu_ps(c + i * ldc + half);                                 \
                sum[i][1] = _mm256_loadu_ps(c + i * ldc + half + 8);                             \
            }                                                                                    \
            for (int64_t k = 0; k < depth; k++) {                                                \
                const __m256 left = _mm256_loadu_ps(panel + k * COLUMNS + half);                 \
                const __m256 right = _mm256_loadu_ps(panel + k * COLUMNS + half + 8);            \
                _Pragma("GCC unroll 6") for (int i = 0; i < ROWS; i++)                           \
                {                                                                                \
                    const __m256 x = _mm256_set1_ps(a[i * row_stride + k * k_stride]);           \
                    sum[i][0] = _mm256_fmadd_ps(x, left, sum[i][0]);                             \
                    sum[i][1] = _mm256_fmadd_ps(x, right, sum[i][1]);                            \
                }                                                                                \
            }                                                                                    \
            _Pragma("GCC unroll 6") for (int i = 0; i < ROWS; i++)                               \
            {                                                                                    \
                _mm256_storeu_ps(c + i * ldc + half, sum[i][0]);                                 \
                _mm256_storeu_ps(c + i * ldc + half + 8, sum[i][1]);                             \
            }                                                                                    \
        }                                                                                        \
    }

TILE_256(1)
TILE_256(2)
TILE_256(4)
TILE_256(6)

static const tiles tiles_256 = {
    "avx2",
    6,
    {[1] = tile_256_1, [2] = tile_256_2, [4] = tile_256_4, [6] = tile_256_6},
};

#endif

static void tile_portable(int64_t depth, const float *a, int64_t row_stride, int64_t k_stride,
                          const float *panel, float *c, int64_t ldc)
{
    (void)row_stride;
    (void)ldc;
    for (int64_t k = 0; k < depth; k++) {
        const float x = a[k * k_stride];
        for (int j = 0; j < COLUMNS; j++) {
            c[j] += x * panel[k * COLUMNS + j];
        }
    }
}

static const tiles tiles_portable = {"portable", 1, {[1] = tile_portable}};

static const tiles *best_tiles(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) {
        return &tiles_512;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        return &tiles_256;
    }
#endif
    return &tiles_portable;
}

const char *rt_own_sgemm_name(void)
{
    return best_tiles()->name;
}

static void pack(float *panel, int64_t depth, int64_t columns, const float *b, int64_t k_stride,
                 int64_t column_stride)
{
    for (int64_t k = 0; k < depth; k++) {
        for (int64_t j = 0; j < columns; j++) {
            panel[k * COLUMNS + j] = b[k * k_stride + j * column_stride];
        }
        for (int64_t j = columns; j < COLUMNS; j++) {
            panel[k * COLUMNS + j] = 0.0f;
        }
    }
}

/* All rows of one panel. Tiles at the right edge work on a copy. */
static void panel_rows(const tiles *t, int64_t m, int64_t columns, int64_t depth, const float *a,
                       int64_t row_stride, int64_t k_stride, const float *panel, float *c,
                       int64_t ldc)
{
    float edge[MAX_ROWS * COLUMNS] = {0.0f};
    for (int64_t i = 0; i < m;) {
        int rows = t->max_rows;
        while (rows > m - i || t->by_rows[rows] == NULL) {
            rows--;
        }
        float *tile = c + i * ldc;
        if (columns == COLUMNS) {
            t->by_rows[rows](depth, a + i * row_stride, row_stride, k_stride, panel, tile, ldc);
        } else {
            const size_t bytes = (size_t)columns * sizeof(float);
            for (int r = 0; r < rows; r++) {
                memcpy(edge + r * COLUMNS, tile + r * ldc, bytes);
            }
            t->by_rows[rows](depth, a + i * row_stride, row_stride, k_stride, panel, edge, COLUMNS);
            for (int r = 0; r < rows; r++) {
                memcpy(tile + r * ldc, edge + r * COLUMNS, bytes);
            }
        }
        i += rows;
    }
}

void rt_own_sgemm(float *work, bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k,
                  const float *a, int64_t lda, const float *b, int64_t ldb, float beta, float *c,
                  int64_t ldc)
{
    const tiles *t = best_tiles();
    const int64_t a_row = trans_a ? 1 : lda, a_k = trans_a ? lda : 1;
    const int64_t b_k = trans_b ? 1 : ldb, b_column = trans_b ? ldb : 1;
    float *panel = work;
    for (int64_t i = 0; i < m && beta == 0.0f; i++) {
        memset(c + i * ldc, 0, (size_t)n * sizeof(float));
    }
    for (int64_t j = 0; j < n; j += COLUMNS) {
        const int64_t columns = n - j < COLUMNS ? n - j : COLUMNS;
        for (int64_t k0 = 0; k0 < k; k0 += DEPTH) {
            const int64_t depth = k - k0 < DEPTH ? k - k0 : DEPTH;
            pack(panel, depth, columns, b + k0 * b_k + j * b_column, b_k, b_column);
            panel_rows(t, m, columns, depth, a + k0 * a_k, a_row, a_k, panel, c + j, ldc);
        }
    }
}
