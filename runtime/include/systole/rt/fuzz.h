/*
 * fuzz.h -- random programs on random machines, through simulator and Verilog in lockstep.
 *
 * A program is determined by configuration, seed and number, so any failure can be run again alone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_FUZZ_H
#define SYSTOLE_RT_FUZZ_H

#include "systole/base/json.h"
#include "systole/rt/cosim.h"

/* Fuzzing uses this much DRAM, whatever the configuration says: it is filled and compared whole for
 * each program. */
#define RT_FUZZ_DRAM_MIB 1

/* One program on two machines of one configuration. */
typedef struct rt_fuzz_case {
    const char *kind;   /* of program: "valid", "illegal", ... */
    const char *source; /* assembly; in the arena */
    uint64_t stall_seed;
    uint32_t stall_max, ready_max, error_one_in; /* systole/sim/dram.h */
    rt_cosim_result result;
} rt_fuzz_case;

/*
 * Makes program (seed, number), fills both machines' memories with the seeded pattern, runs them in
 * lockstep. Errors: those of rt_cosim and of the generator. A difference is no error: see
 * out->result.
 */
sy_status rt_fuzz_one(base_arena *arena, sim_machine *first, sim_machine *second, uint64_t seed,
                      uint64_t number, rt_fuzz_case *out, base_diag *diag);

typedef struct rt_fuzz_options {
    const isa_config *config; /* NULL: random ones */
    uint64_t seed;
    uint64_t config_seed;  /* of random configurations */
    uint64_t first, count; /* program numbers first .. first + count - 1 of each configuration */
    uint64_t first_config, n_configs; /* random configurations; n_configs 0 acts as 1 */
    uint32_t max_dim;                 /* of random configurations; 0: 16 */
    const char *directory;            /* where a failure's files go; NULL: "." */
    bool whole;                       /* a failing program is not shrunk */
    base_buf *coverage;               /* gets what the programs exercised, as text; may be NULL */
    base_json *coverage_json;         /* gets the same as an object, all missing bins by name */
    bool portable; /* the second machine is the simulator with portable kernels, not the Verilog */
    /* After each program; false ends the fuzzing. May be NULL. */
    bool (*progress)(void *user, const isa_config *config, uint64_t done, uint64_t total,
                     uint64_t n_different);
    void *progress_user;
    void (*notice)(void *user,
                   const char *line); /* a line for people before Verilog is built; may be NULL */
    void *notice_user;
} rt_fuzz_options;

typedef struct rt_fuzz_summary {
    uint64_t n_configs, n_programs, n_different;
    uint64_t n_ends[5]; /* by sim_end, of the simulator */
    uint64_t n_commands, n_instructions, n_cycles;
    char first[3 * RT_COSIM_TEXT_BYTES]; /* the first difference: what, configuration, files, how to
                                            run it again; "" if none */
    char minimal[8192]; /* the first failing program shrunk, as assembly (its beginning, if that is
                           long); "" if none */
    char minimal_report[2 * RT_COSIM_TEXT_BYTES]; /* its difference, and the commands that run it */
} rt_fuzz_summary;

/*
 * Runs configurations one after the other, all programs of each. After a difference it shrinks the
 * program (files fuzz-CONFIG-SEED-NUMBER.s, .min.s and .ini) and goes on with the next
 * configuration. Errors: what makes machines and programs fail; SY_ECANCELLED; SY_EIO if a
 * failure cannot be written.
 */
sy_status rt_fuzz(const rt_fuzz_options *options, rt_fuzz_summary *summary, base_diag *diag);

#endif
