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
#include "systole/base/json.h"
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
    uint32_t ready_max;    /* and waits for ARREADY, AWREADY */
    uint32_t error_one_in; /* and answers with an error: such a run may end by error AXI, whatever its kind */
    uint64_t max_cycles; /* enough for every program that ends, unless is_limited */
    bool is_limited;     /* a small limit, to be compared where it cuts the run off */
    const fuzz_command *commands;
    size_t n_commands;
    uint32_t sync_pairs; /* bit 5 * poster + waiter: both name one semaphore */
    uint32_t meetings;   /* bit 16 * memory + 4 * earlier + later, memory 0 SPM, 1 ACC: banks of two
                            units' commands, near each other, meet */
} fuzz_program;

/* A random configuration that passes isa_config_check; dims from 4 to max_dim. */
void rt_fuzz_config(uint64_t seed, uint64_t number, uint32_t max_dim, isa_config *out);

/* The program (seed, number) for a configuration, in the arena. Memories are to be filled with the
 * pattern of `seed` (isa/spec/numerics.md, "After START"). */
sy_status rt_fuzz_program(base_arena *arena, const isa_config *config, uint64_t seed,
                          uint64_t number, fuzz_program *out, base_diag *diag);

const char *rt_fuzz_kind_name(fuzz_kind kind);

/*
 * What a run showed, from the simulator's events: fuzz_run.c.
 *
 *     rt_fuzz_run_begin(&run, &program);
 *     ... a run with the observer rt_fuzz_run_observer(&run) ...
 *     rt_fuzz_run_end(&run, machine, &result);
 */
typedef struct fuzz_run {
    const fuzz_program *program;
    sim_observer observer;
    sim_result result;
    bool retired[ISA_N_OPS];
    bool ended[ISA_N_OPS];       /* commands */
    bool full[ISA_N_QUEUES];     /* the core slept in a push */
    isa_op deadlock_op;          /* in which the core sleeps; HALT: it has halted */
    isa_unit deadlock_unit;      /* a push to this one, else CORE */
    bool deadlocked[ISA_N_QUEUES]; /* units that wait for ever */
    uint64_t last_cycle;
} fuzz_run;

void rt_fuzz_run_begin(fuzz_run *run, const fuzz_program *program);
void rt_fuzz_run_end(fuzz_run *run, sim_machine *machine, const sim_result *result);

/*
 * What a set of programs has exercised, counted in bins that come from the tables of isa/: every
 * instruction, value of a bit field, class of value of a descriptor register, error of a unit, end,
 * exception, counter, and products of these. A new row of a table is a new bin.
 */
typedef struct fuzz_coverage fuzz_coverage;

/* All bins empty; NULL when memory is out. */
fuzz_coverage *rt_fuzz_coverage_create(base_arena *arena);

/* Counts a program; and what its run showed, unless run is NULL. */
void rt_fuzz_coverage_add(fuzz_coverage *coverage, const fuzz_program *program,
                          const fuzz_run *run);

/* Which bins are counted: those of programs, of their runs, of the configurations. */
enum { FUZZ_BINS_PROGRAM = 1, FUZZ_BINS_RUN = 2, FUZZ_BINS_CONFIG = 4 };

/*
 * Appends one line per group of bins ("instruction: 72 of 72"), below it the names of those that
 * are empty (at most so many per group), and a total. Returns how many are empty.
 */
size_t rt_fuzz_coverage_print(const fuzz_coverage *coverage, unsigned bins, size_t most_names,
                              base_buf *out);

/* The same as an object: bins, seen, percent, groups of name, bins, seen, missing (all names). */
void rt_fuzz_coverage_json(const fuzz_coverage *coverage, unsigned bins, base_json *json);

#endif
