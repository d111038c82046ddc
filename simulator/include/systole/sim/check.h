/*
 * check.h -- what a command touches, and whether it may run: walks, streams, banks, and the checks of a command in its
 * slot (isa/spec/timing.md, sections 4 and 9).
 *
 * The simulator, the compiler and the fuzzer use the same functions.  Registers are a unit's descriptor registers by
 * number (ISA_MXU_A_BASE ...).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_SIM_CHECK_H
#define SYSTOLE_SIM_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "systole/base/buf.h"
#include "systole/isa/config.h"
#include "systole/isa/isa.h"

/* Four nested loops over rows; loop 0 is the innermost. */
typedef struct sim_walk {
    int64_t base;
    uint32_t n[4];
    int32_t s[4];
} sim_walk;

/* Rows low..high, both included. */
typedef struct sim_rows {
    int64_t low;
    int64_t high;
} sim_rows;

static inline bool sim_rows_meet(sim_rows a, sim_rows b)
{
    return a.low <= b.high && b.low <= a.high;
}

/* All rows between the lowest and the highest that loops 0..n_loops-1 reach from the base. Counts must be >= 1. */
sim_rows sim_walk_rows(const sim_walk *walk, unsigned n_loops);

/* Equal field by field: base, counts and strides. */
bool sim_walk_equal(const sim_walk *a, const sim_walk *b);

/* True if the rule REVISIT is broken: of the loops first_loop..3 with count > 1 (section 9). */
bool sim_walk_revisits(const sim_walk *walk, unsigned first_loop);

/* What a stream is for its command. */
typedef enum sim_role {
    SIM_ROLE_WEIGHTS, /* MXU */
    SIM_ROLE_A,       /* MXU, VPU (ROWS: the constants) */
    SIM_ROLE_B,       /* VPU */
    SIM_ROLE_ACC,     /* MXU */
    SIM_ROLE_OUT,     /* VPU */
    SIM_ROLE_OUT2,    /* VPU: the second, reduced output */
    SIM_ROLE_ROWS     /* LD, ST */
} sim_role;

/* A stream's rows by iteration of its outermost loop: iteration i reaches first.low + i * step .. first.high + i * step. */
typedef struct sim_stream {
    sim_role role;
    isa_memory memory; /* ISA_MEMORY_SPM or ISA_MEMORY_ACC */
    bool is_write;     /* MXU's ACC is a write, though it also reads */
    bool also_reads;   /* a write that needs what its rows held before the command */
    sim_rows first;
    int64_t step;
    uint32_t n_iterations;
} sim_stream;

#define SIM_MAX_STREAMS 4

/*
 * The streams of a command: MXU weights, A, ACC; VPU A, B, output, second output (those that it has); LD, ST the rows.
 * Returns how many. The command must have passed sim_check, or at least its COUNT rules.
 */
unsigned sim_command_streams(const isa_config *config, isa_unit unit, uint32_t funct7,
                             const uint32_t regs[ISA_MAX_REGS], sim_stream streams[SIM_MAX_STREAMS]);

/* Rows of the iterations i..n_iterations-1, the range of section 4; i < n_iterations. */
sim_rows sim_stream_rows(const sim_stream *stream, uint32_t i);

/* Banks from that of the lowest to that of the highest row, bit b for bank b; the rows must lie in the memory. */
uint64_t sim_rows_banks(const isa_config *config, isa_memory memory, sim_rows rows);

/* The rows of a stream, each at least once: base + i0*s[0] + ... + i4*s[4] for all 0 <= ik < n[k]. */
typedef struct sim_row_set {
    int64_t base;
    uint32_t n[5];
    int64_t s[5];
} sim_row_set;
sim_row_set sim_stream_set(const isa_config *config, isa_unit unit, uint32_t funct7,
                           const uint32_t regs[ISA_MAX_REGS], const sim_stream *stream);

/*
 * The walk of a role of a command, for roles that the command has. Weights of the MXU: those of one plane. ROWS, TAPS and TABLE: n[0] rows.
 * VEC with a window: A's rows by (r, column, -, loop 3), outputs by (-, output, line, loop 3) (timing.md, section 6).
 */
sim_walk sim_command_walk(const isa_config *config, isa_unit unit, uint32_t funct7, const uint32_t regs[ISA_MAX_REGS],
                          sim_role role);

/* The window of a VEC; taps = 0: none. The numbers hold if the COUNT rules do. */
typedef struct sim_window {
    uint32_t taps;    /* K: 3 or 5 */
    uint32_t stride;  /* 1 or 2 */
    uint32_t pad;     /* padding columns left */
    uint32_t first;   /* first kernel row among the weights */
    uint32_t top;     /* padding rows above */
    uint32_t rows;    /* of A's plane */
    uint32_t outputs; /* of a line */
    uint32_t trail;   /* column steps behind the last line */
    int64_t rows_read;   /* R: rows 0..R-1 of the plane are read */
    int64_t last_column; /* e(outputs - 1) */
} sim_window;
sim_window sim_command_window(const uint32_t regs[ISA_MAX_REGS]);

/* T of a VPU command: the cycles in which it takes rows. */
uint64_t sim_vpu_rows(const isa_config *config, uint32_t funct7, const uint32_t regs[ISA_MAX_REGS]);

/* Byte walk of LD and ST. */
typedef struct sim_bytes {
    uint64_t address; /* of byte 0 of run 0 */
    uint32_t n[4];    /* n[0]: bytes of a run */
    int32_t s[4];     /* s[0] = 1 */
    uint32_t low[4];  /* valid: low <= index < high, and index < n */
    uint32_t high[4];
    unsigned close;     /* rows are closed at the end of each iteration of this loop */
    isa_memory memory;  /* of the rows */
    uint32_t row_bytes; /* D elements, or 4 D bytes in ACC */
} sim_bytes;
sim_bytes sim_command_bytes(const isa_config *config, isa_unit unit, const uint32_t regs[ISA_MAX_REGS]);

/* True if any byte of the walk is valid; then low and high are the lowest and the highest DRAM address of those. */
bool sim_bytes_extent(const sim_bytes *bytes, int64_t *low, int64_t *high);

/* The checks of section 9 in their order: the error, or ISA_ERROR_NONE. Commands only (no SET, WAIT or POST). */
isa_error sim_check(const isa_config *config, isa_unit unit, uint32_t funct7, const uint32_t regs[ISA_MAX_REGS]);

/*
 * Says why a command has failed its checks with `error`: "n0 is 0, expected 1 to 65535". False, and nothing appended, if there is
 * no more to say than the error's own text.
 */
bool sim_check_words(const isa_config *config, isa_unit unit, uint32_t funct7, const uint32_t regs[ISA_MAX_REGS],
                     isa_error error, base_buf *out);

/* What the tables said of the bit fields of a unit's last commands. Zero-initialise; one for each unit. */
#define SIM_CHECK_MEMO_BITS 5
typedef struct sim_check_memo_row {
    bool known;
    unsigned reg;
    uint32_t value;
    isa_error error;
} sim_check_memo_row;
typedef struct sim_check_memo {
    sim_check_memo_row rows[1 << SIM_CHECK_MEMO_BITS];
} sim_check_memo;

/* sim_check for many commands of one unit, whose bit fields seldom change. */
isa_error sim_check_again(const isa_config *config, isa_unit unit, uint32_t funct7, const uint32_t regs[ISA_MAX_REGS],
                          sim_check_memo *memo);

#endif
