/*
 * fuzz.h -- random programs for random machines: what `systole fuzz` and the tests run through
 * simulator and RTL.
 *
 * A program is determined by (configuration, seed, number): the same three give the same program on
 * every host. Programs cover all units and operations, all ways of synchronising, valid and invalid
 * descriptors, deadlocks, traps, full queues; fuzz_kind says which sort it is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RUNTIME_FUZZ_H
#define SYSTOLE_RUNTIME_FUZZ_H

#include "systole/base/arena.h"
#include "systole/base/buf.h"
#include "systole/base/diag.h"
#include "systole/isa/config.h"
#include "systole/isa/isa.h"
#include "systole/isa/program.h"
#include "systole/sim/machine.h"

typedef enum fuzz_kind {
    FUZZ_VALID,    /* serially legal: ends by HALT */
    FUZZ_ILLEGAL,  /* one descriptor or semaphore is wrong: ends by an error */
    FUZZ_DEADLOCK, /* a WAIT or more without POST */
    FUZZ_CORE,     /* mostly core instructions: traps, CSRs, counters, loops */
    FUZZ_WILD,     /* anything goes */
    FUZZ_N_KINDS
} fuzz_kind;

/* A command as the generator planned it: for coverage and reports. A loop's command is listed once.
 */
typedef struct fuzz_command {
    isa_unit unit;
    uint8_t funct7;
    isa_error expect; /* what its checks say */
    uint32_t regs[ISA_MAX_REGS];
} fuzz_command;

typedef struct fuzz_program {
    isa_program program;
    const char *source; /* assembly that gives the same program, for reports and shrinking */
    fuzz_kind kind;
    uint64_t stall_seed; /* injected DRAM stalls of this run */
    uint32_t stall_max;
    uint64_t max_cycles; /* enough for every program that ends, unless is_limited */
    bool is_limited;     /* a small limit, to be compared where it cuts the run off */
    const fuzz_command *commands;
    size_t n_commands;
} fuzz_program;

/* A random configuration that passes isa_config_check; dims from 4 to max_dim. */
void rt_fuzz_config(uint64_t seed, uint64_t number, uint32_t max_dim, isa_config *out);

/* The program (seed, number) for a configuration, in the arena. Memories are to be filled with the
 * pattern of `seed` (isa/spec/numerics.md, "After START"). */
sy_status rt_fuzz_program(base_arena *arena, const isa_config *config, uint64_t seed,
                          uint64_t number, fuzz_program *out, base_diag *diag);

const char *rt_fuzz_kind_name(fuzz_kind kind);

/*
 * What a set of programs has exercised, counted in bins that come from the tables of isa/: every
 * instruction, value of a bit field, class of value of a descriptor register, error of a unit, end,
 * exception, counter, and some products of these.
 */
typedef struct fuzz_coverage fuzz_coverage;

/* All bins empty; NULL when memory is out. */
fuzz_coverage *rt_fuzz_coverage_create(base_arena *arena);

/* Counts a program; and how it ended, unless result is NULL. */
void rt_fuzz_coverage_add(fuzz_coverage *coverage, const fuzz_program *program,
                          const sim_result *result);

/*
 * Appends one line per group of bins ("instruction: 72 of 72"), and below it the names of those
 * that are empty.  Returns how many are empty; without_ends leaves out the groups that need
 * results.
 */
size_t rt_fuzz_coverage_print(const fuzz_coverage *coverage, bool without_ends, base_buf *out);

#endif
