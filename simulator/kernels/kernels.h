/*
 * kernels.h -- the data of commands: what numerics.md says, as dense kernels for this host.
 *
 * A command acts as if it did all its reads and then all its writes at its start, so a kernel gets the whole of it.
 * Every kernel set gives the same bits.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_SIM_KERNELS_H
#define SYSTOLE_SIM_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "systole/sim/check.h"

/* Bytes of scratch memory that a kernel may use, aligned to 64. */
#define SIM_SCRATCH_BYTES ((size_t)1 << 20)

/* MATMUL: acc[c(t)][j] (+)= sum over planes p, k of (a[a(t) + p a_plane][k] - a_zero) (w[w_base + p w_plane + k][j] - w_zero). */
typedef struct sim_matmul {
    const uint8_t *spm; /* [rows][d], of bytes or (bf16) of two bytes */
    int32_t *acc;       /* [rows][d], wraps modulo 2^32; bf16: the bits of fp32 */
    void *scratch;
    uint32_t d;
    bool bf16; /* the element; zero points and unsigned flags are 0 then */
    sim_walk a;
    sim_walk c;
    uint32_t n_planes;
    int64_t a_plane;
    int64_t w_base;
    int64_t w_plane;
    int32_t a_zero;
    int32_t w_zero;
    bool transposed; /* w[w_base + p w_plane + j][k] */
    bool accumulate;
    bool a_unsigned;
    bool w_unsigned;
} sim_matmul;

/* VEC: the registers hold the chain. */
typedef struct sim_vec {
    uint8_t *spm;
    uint32_t *acc;
    const uint32_t *row_registers; /* [6][d] */
    const uint8_t *taps;           /* [25][d] elements */
    const int8_t *table;           /* [256] */
    void *scratch;
    uint32_t d;
    bool bf16; /* the element of an SPM row */
    const uint32_t *regs;
    sim_walk a; /* walks of streams that the command lacks are not looked at */
    sim_walk b;
    sim_walk out;
    sim_walk out2;
} sim_vec;

/* Numbers of row registers (the field `first` of ROWS). */
enum { SIM_ROW_IADD, SIM_ROW_MUL1, SIM_ROW_ADD1, SIM_ROW_MUL2, SIM_ROW_ADD2, SIM_ROW_MUL3, SIM_N_ROW_REGISTERS };

#define SIM_MAX_D         128u
#define SIM_N_TAPS        25u /* weight rows of the window */
#define SIM_TABLE_ENTRIES 256u

typedef struct sim_kernel_set {
    const char *name;
    void (*matmul)(const sim_matmul *job);
    void (*vec)(const sim_vec *job);
} sim_kernel_set;

/* Plain C, on every host. */
extern const sim_kernel_set sim_kernels_portable;

/* AVX2 with FMA; NULL where compiler or host lack it. */
const sim_kernel_set *sim_kernels_avx2(void);

/* AVX-512 VNNI; NULL where compiler or host lack it. */
const sim_kernel_set *sim_kernels_vnni(void);

/* One lane of one row after another, word for word as numerics.md has it: what the others are tested against. */
extern const sim_kernel_set sim_kernels_scalar;
void sim_scalar_vec(const sim_vec *job); /* its VEC */

/* Rows of a walk, one after another. */
typedef struct sim_walker {
    const sim_walk *walk;
    uint32_t i[4];
    int64_t row;
} sim_walker;

static inline sim_walker sim_walker_begin(const sim_walk *walk)
{
    return (sim_walker){.walk = walk, .row = walk->base};
}

static inline void sim_walker_next(sim_walker *w)
{
    for (unsigned k = 0; k < 4; k++) {
        w->row += w->walk->s[k];
        if (++w->i[k] < w->walk->n[k]) {
            return;
        }
        w->row -= (int64_t)w->walk->s[k] * w->walk->n[k];
        w->i[k] = 0;
    }
}

/* Rows that follow at stride s[0] from the walker's on, at most `most`; moves behind them. */
static inline uint32_t sim_walker_take(sim_walker *w, uint32_t most)
{
    const uint32_t left = w->walk->n[0] - w->i[0];
    const uint32_t n = left < most ? left : most;
    w->row += (int64_t)w->walk->s[0] * (n - 1);
    w->i[0] += n - 1;
    sim_walker_next(w);
    return n;
}

#endif
