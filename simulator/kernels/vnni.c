/*
 * vnni.c -- the kernels for AVX-512 VNNI.
 *
 * How MATMUL of int8 is exact: vpdpbusd multiplies unsigned by signed bytes and adds four products to a 32-bit lane. With
 * A' = A + 128 unsigned (one exclusive or with 0x80 on the way; nothing to do if A is unsigned already) and W' signed
 * (minus 128 if W is unsigned),
 *
 *     sum (A - za) (W - zw) = sum A' W'  -  za' sum W'  -  zw' (sum A' - n za')
 *
 * with za' and zw' moved alike.  Sums of W' are made once when the weights are packed; the last term is left out when
 * zw' = 0, which is the rule.  All of it is modulo 2^32, as the machine is.
 *
 * Weights of a block of planes are packed once as [16 lanes][plane][4 k][16 lanes][4]; up to TILE rows that lie at one
 * stride are summed over all planes of the block in registers, so ACC is read and written once for each block.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kernels/kernels.h"

#if defined(__x86_64__) && defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && \
    defined(__AVX512VNNI__)

#include <immintrin.h>

#include "kernels/bf16_block.h"
#include "kernels/vec_block.h"

#define TILE 12u
#define PACKED_BYTES ((size_t)128 << 10)

_Static_assert(PACKED_BYTES + 4096 <= SIM_SCRATCH_BYTES, "packed weights and constants lie in the scratch memory");

/* A job, prepared. */
typedef struct product {
    const sim_matmul *m;
    uint8_t *packed;
    int32_t *constants; /* [d] -za' sum W' + n za' zw' of the block */
    uint32_t n_groups;  /* of four k */
    uint32_t n_columns; /* of 16 lanes */
    uint32_t lanes;     /* in a column: 16, or d below that */
    uint32_t a_flip;    /* 0x80808080 or 0 */
    uint8_t w_flip;
    int32_t a_zero;
    int32_t w_zero;
    uint32_t first_plane; /* of the block */
    uint32_t n_planes;
} product;

/* ---- packing ---- */

/* Four rows of 16 bytes to 16 lanes of four: dwords, then the bytes in each 16. */
static inline __m512i interleave(const uint8_t *w, uint32_t d)
{
    const __m512i dwords = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m128i bytes = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    __m512i rows;
    if (d == 16) {
        rows = _mm512_loadu_si512(w);
    } else {
        rows = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)(const void *)w));
        rows = _mm512_inserti32x4(rows, _mm_loadu_si128((const __m128i *)(const void *)(w + d)), 1);
        rows = _mm512_inserti32x4(rows, _mm_loadu_si128((const __m128i *)(const void *)(w + 2 * (size_t)d)), 2);
        rows = _mm512_inserti32x4(rows, _mm_loadu_si128((const __m128i *)(const void *)(w + 3 * (size_t)d)), 3);
    }
    return _mm512_shuffle_epi8(_mm512_permutexvar_epi32(dwords, rows), _mm512_broadcast_i32x4(bytes));
}

/* Lanes 16c.. of rows 4g.. of a plane. */
static inline __m512i pack_group(const product *x, const uint8_t *w, uint32_t c, uint32_t g)
{
    const uint32_t d = x->m->d;
    if (d >= 16 && !x->m->transposed) {
        return interleave(w + (size_t)g * 4 * d + (size_t)c * 16, d);
    }
    _Alignas(64) uint8_t group[64] = {0};
    for (uint32_t j = 0; j < x->lanes; j++) {
        const size_t lane = (size_t)c * 16 + j;
        for (uint32_t q = 0; q < 4; q++) {
            const size_t k = (size_t)g * 4 + q;
            group[4 * j + q] = x->m->transposed ? w[lane * d + k] : w[k * d + lane];
        }
    }
    return _mm512_load_si512(group);
}

/* The block's planes, and its constants. */
static void pack(product *x)
{
    const sim_matmul *m = x->m;
    const __m512i ones = _mm512_set1_epi8(1);
    const __m512i flip = _mm512_set1_epi8((char)x->w_flip);
    const uint32_t shift = (uint32_t)x->a_zero * (uint32_t)x->w_zero * m->d * x->n_planes;
    uint8_t *to = x->packed;
    for (uint32_t c = 0; c < x->n_columns; c++) {
        __m512i sums = _mm512_setzero_si512();
        for (uint32_t p = 0; p < x->n_planes; p++) {
            const int64_t row = m->w_base + m->w_plane * (int64_t)(x->first_plane + p);
            for (uint32_t g = 0; g < x->n_groups; g++, to += 64) {
                __m512i group = pack_group(x, m->spm + (uint64_t)row * m->d, c, g);
                group = _mm512_xor_si512(group, flip); /* lanes beyond D become 0x80, and are never looked at */
                _mm512_store_si512(to, group);
                sums = _mm512_dpbusd_epi32(sums, ones, group);
            }
        }
        const __m512i constants = _mm512_sub_epi32(_mm512_set1_epi32((int32_t)shift),
                                                   _mm512_mullo_epi32(sums, _mm512_set1_epi32(x->a_zero)));
        _mm512_store_si512(x->constants + (size_t)c * 16, constants);
    }
}

/* ---- tiles ---- */

/* Rows of a tile: A at one stride, ACC anywhere. */
typedef struct tile {
    const uint8_t *a; /* of the first row in the block's first plane */
    ptrdiff_t a_stride;
    int32_t *acc[TILE];
    int32_t corrections[TILE]; /* -zw' sum A' */
    bool accumulate;
} tile;

/* c += a' w', a' four bytes of A and the same for all lanes. */
#define DOT(c, address, flip, w)                                                                    \
    do {                                                                                            \
        __m512i bytes_;                                                                             \
        __asm__("vpxord %1%{1to16%}, %2, %0"                                                        \
                : "=v"(bytes_)                                                                      \
                : "m"(*(const int32_t(*))(const void *)(address)), "v"(flip));                      \
        __asm__("vpdpbusd %2, %1, %0" : "+v"(c) : "v"(bytes_), "v"(w));                             \
    } while (0)

/* n rows of column c; n and n_groups are constants where this is inlined, or n_groups is x->n_groups. */
static inline __attribute__((always_inline)) void tile_column(const product *x, const tile *t, uint32_t c,
                                                              const uint32_t n, const uint32_t n_groups)
{
    const __mmask16 mask = (__mmask16)((1u << x->lanes) - 1);
    const __m512i constants = _mm512_load_si512(x->constants + (size_t)c * 16);
    const __m512i flip = _mm512_set1_epi32((int32_t)x->a_flip);
    __m512i sum[TILE];
#pragma GCC unroll 12
    for (uint32_t r = 0; r < n; r++) {
        sum[r] = _mm512_add_epi32(constants, _mm512_set1_epi32(t->corrections[r]));
        if (t->accumulate) {
            sum[r] = _mm512_add_epi32(sum[r], _mm512_maskz_loadu_epi32(mask, t->acc[r] + (size_t)c * 16));
        }
    }
    const ptrdiff_t stride = t->a_stride;
    const ptrdiff_t plane = x->m->a_plane * (int64_t)x->m->d;
    const uint8_t *w = x->packed + (size_t)c * x->n_planes * n_groups * 64;
    const uint8_t *a0 = t->a;
    for (uint32_t p = 0; p < x->n_planes; p++, a0 += plane) {
        const uint8_t *a3 = a0 + 3 * stride;
        const uint8_t *a6 = a0 + 6 * stride;
        const uint8_t *a9 = a0 + 9 * stride;
#pragma GCC unroll 4
        for (uint32_t g = 0; g < n_groups; g++, w += 64) {
            const __m512i weights = _mm512_load_si512(w);
            const size_t at = (size_t)g * 4;
#pragma GCC unroll 12
            for (uint32_t r = 0; r < n; r++) {
                const uint8_t *base = r < 3 ? a0 : r < 6 ? a3 : r < 9 ? a6 : a9;
                DOT(sum[r], base + (ptrdiff_t)(r % 3) * stride + at, flip, weights);
            }
        }
    }
#pragma GCC unroll 12
    for (uint32_t r = 0; r < n; r++) {
        _mm512_mask_storeu_epi32(t->acc[r] + (size_t)c * 16, mask, sum[r]);
    }
}

#define TILE_FUNCTION(n)                                                   \
    static void tile_##n(const product *x, const tile *t)                  \
    {                                                                      \
        if (x->n_groups == 4) { /* D = 16 */                               \
            tile_column(x, t, 0, n, 4);                                    \
            return;                                                        \
        }                                                                  \
        for (uint32_t c = 0; c < x->n_columns; c++) {                      \
            tile_column(x, t, c, n, x->n_groups);                          \
        }                                                                  \
    }
TILE_FUNCTION(1)
TILE_FUNCTION(2)
TILE_FUNCTION(3)
TILE_FUNCTION(4)
TILE_FUNCTION(5)
TILE_FUNCTION(6)
TILE_FUNCTION(7)
TILE_FUNCTION(8)
TILE_FUNCTION(9)
TILE_FUNCTION(10)
TILE_FUNCTION(11)
TILE_FUNCTION(12)

static void (*const tiles[TILE + 1])(const product *, const tile *) = {
    NULL, tile_1, tile_2, tile_3, tile_4, tile_5, tile_6, tile_7, tile_8, tile_9, tile_10, tile_11, tile_12,
};

/* -zw' times the sum of A' over the block's planes of one row. */
static int32_t correction(const product *x, const uint8_t *a)
{
    const uint32_t d = x->m->d;
    const uint8_t flip = (uint8_t)x->a_flip;
    uint32_t sum = 0;
    for (uint32_t p = 0; p < x->n_planes; p++) {
        const uint8_t *row = a + x->m->a_plane * (int64_t)p * d;
        for (uint32_t k = 0; k < d; k++) {
            sum += (uint8_t)(row[k] ^ flip);
        }
    }
    return (int32_t)(0 - (uint32_t)x->w_zero * sum);
}

/* ---- the command ---- */

/* How many rows of A, from the first on, lie at one stride: loops that continue each other are one. */
static uint64_t run_length(const sim_walk *a)
{
    uint64_t n = a->n[0];
    for (unsigned k = 1; k < 4; k++) {
        if (a->n[k] > 1 && a->s[k] != (int64_t)a->s[0] * (int64_t)n) {
            break;
        }
        n *= a->n[k];
    }
    return n;
}

static void multiply_block(const product *x)
{
    const sim_matmul *m = x->m;
    const uint64_t n_rows = (uint64_t)m->a.n[0] * m->a.n[1] * m->a.n[2] * m->a.n[3];
    const uint64_t run = run_length(&m->a);
    const uint64_t n_tiles = (run + TILE - 1) / TILE;
    const ptrdiff_t c_stride = (ptrdiff_t)m->c.s[0] * (ptrdiff_t)m->d;
    sim_walker a = sim_walker_begin(&m->a);
    sim_walker c = sim_walker_begin(&m->c);
    tile t = {.a_stride = (ptrdiff_t)m->a.s[0] * (ptrdiff_t)m->d, .accumulate = m->accumulate || x->first_plane > 0};
    for (uint64_t done = 0; done < n_rows; done += run) {
        for (uint64_t i = 0; i < n_tiles; i++) {
            const uint32_t n = (uint32_t)((i + 1) * run / n_tiles - i * run / n_tiles); /* evened out */
            t.a = m->spm + (uint64_t)(a.row + m->a_plane * (int64_t)x->first_plane) * m->d;
            for (uint32_t r = 0; x->w_zero != 0 && r < n; r++) {
                t.corrections[r] = correction(x, t.a + (ptrdiff_t)r * t.a_stride);
            }
            for (uint32_t r = 0; r < n;) {
                int32_t *acc = m->acc + (uint64_t)c.row * m->d;
                for (const uint32_t end = r + sim_walker_take(&c, n - r); r < end; r++, acc += c_stride) {
                    t.acc[r] = acc;
                }
            }
            for (uint32_t r = 0; r < n;) {
                r += sim_walker_take(&a, n - r);
            }
            tiles[n](x, &t);
        }
    }
}

static void matmul_int8(const sim_matmul *m)
{
    product x = {
        .m = m,
        .packed = m->scratch,
        .constants = (int32_t *)(void *)((uint8_t *)m->scratch + PACKED_BYTES),
        .n_groups = m->d / 4,
        .n_columns = (m->d + 15) / 16,
        .lanes = m->d < 16 ? m->d : 16,
        .a_flip = m->a_unsigned ? 0 : 0x80808080u,
        .w_flip = m->w_unsigned ? 0x80 : 0,
        .a_zero = m->a_zero + (m->a_unsigned ? 0 : 128),
        .w_zero = m->w_zero - (m->w_unsigned ? 128 : 0),
    };
    const uint32_t plane_bytes = x.n_columns * x.n_groups * 64;
    const uint32_t most = (uint32_t)(PACKED_BYTES / plane_bytes);
    for (; x.first_plane < m->n_planes; x.first_plane += x.n_planes) {
        const uint32_t left = m->n_planes - x.first_plane;
        x.n_planes = left < most ? left : most;
        pack(&x);
        multiply_block(&x);
    }
}

static void matmul(const sim_matmul *m)
{
    if (m->bf16) {
        matmul_bf16(m);
    } else {
        matmul_int8(m);
    }
}

static const sim_kernel_set kernels_vnni = {.name = "vnni", .matmul = matmul, .vec = vec};

const sim_kernel_set *sim_kernels_vnni(void)
{
    const bool has = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                     __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
                     __builtin_cpu_supports("avx512vnni");
    return has ? &kernels_vnni : NULL;
}

#else

const sim_kernel_set *sim_kernels_vnni(void)
{
    return NULL;
}

#endif
