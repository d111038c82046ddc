/*
 * machine.h -- the two models of the machine by name, filled with a program, and what the end of a
 * run means in words.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_MACHINE_H
#define SYSTOLE_RT_MACHINE_H

#include "systole/base/buf.h"
#include "systole/isa/program.h"
#include "systole/sim/machine.h"

typedef enum rt_machine_kind { RT_MACHINE_SIM, RT_MACHINE_RTL } rt_machine_kind;

/* Zero-initialised, or NULL, for the defaults. */
typedef struct rt_machine_options {
    bool timing_only;                             /* sim only: no data */
    bool portable;                                /* sim only: plain C kernels */
    bool serial;                                  /* sim only: one command after the other */
    bool wave;     /* rtl only: it can draw (sim_run_options.wave) */
    void (*notice)(void *user, const char *line); /* rtl only: a line for people before something
                                                     that takes long; may be NULL */
    void *notice_user;
} rt_machine_options;

/*
 * A machine for a configuration; free it with sim_machine_destroy.
 * Errors: SY_EUNSUPPORTED (this build has no rtl; timing_only with rtl), what sim_create and
 * rtl_create give.
 */
sy_status rt_machine_create(rt_machine_kind kind, const isa_config *config,
                            const rt_machine_options *options, sim_machine **out, base_diag *diag);

/*
 * Writes a program's text, data and DRAM segments into the memories, after isa_program_check
 * against the machine's configuration. What the program does not define stays as it is. Errors:
 * SY_EMISMATCH, SY_ERANGE, with one line.
 */
sy_status rt_machine_load(sim_machine *machine, const isa_program *program, base_diag *diag);

/* Size of a memory of the configuration in bytes. */
uint64_t rt_memory_bytes(const isa_config *config, sim_memory memory);

/* "IMEM", ... */
const char *rt_memory_name(sim_memory memory);

/*
 * Fills the memories with the seeded pattern of isa/spec/numerics.md: DRAM only in its first
 * dram_bytes (the rest is left alone; a multiple of 8).
 */
sy_status rt_machine_fill(sim_machine *machine, uint64_t seed, uint64_t dram_bytes,
                          base_diag *diag);

/*
 * Appends how a run ended, on one line: "done in 1234 cycles, exit code 0", "error RANGE of MXU
 * command 3 (an address outside ...), 77 cycles", "deadlock in cycle 99", ...
 */
void rt_end_print(const sim_result *result, base_buf *out);

/* SY_OK for SIM_END_DONE with exit code 0; else SY_EDEVICE, SY_EDEADLOCK, SY_ERANGE (limit) or
 * SY_ECANCELLED (stopped). */
sy_status rt_end_status(const sim_result *result);

/* What helps to explain an end; zero-initialise it, all may be missing. */
typedef struct rt_end_context {
    const isa_program *program; /* where each pc is */
    const char *(*layer)(void *user, uint32_t tag); /* names a command's layer; NULL if it has none */
    void *layer_user;
    sim_machine *twin; /* a simulator that has run the same to the same end: the rtl does not keep what explains it */
} rt_end_context;

/*
 * As rt_end_status, with a line as the message that says why: after an error the command, its layer, pc and source line, the
 * field or row that is wrong and what is allowed; after a deadlock who waits for what. context may be NULL.
 */
sy_status rt_end_fail(sim_machine *machine, const sim_result *result, const rt_end_context *context,
                      base_diag *diag);

/* "done", "error", "deadlock", "limit", "stopped". */
const char *rt_end_name(sim_end end);

#endif
