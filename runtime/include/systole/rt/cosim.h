/*
 * cosim.h -- two models of the machine run one program, and everything they report is compared.
 *
 * Compared: each command's unit, operation, number, tag, start and end cycle; each entry of a
 * queue (SET, WAIT, POST, command) and the cycle in which it leaves it; each POST's semaphore and
 * the cycle in which it fires; each retired instruction's pc and cycle, and so every push; the end and its cause, cycles, exit code, counters; at the end the
 * core's registers and every byte of every memory. The first model runs alone and its events are
 * kept; the second is compared with them as it goes, and is stopped at the first difference. (It is
 * the slow one. What the two report would be the same side by side.)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_COSIM_H
#define SYSTOLE_RT_COSIM_H

#include "systole/rt/machine.h"
#include "systole/rt/wave.h"

typedef struct rt_cosim_options {
    sim_run_options run; /* entry, limit, stalls; the observer is not used */
    bool core_stands;    /* at the limit the core does nothing any more: IMEM and DMEM are compared */
    uint64_t dram_bytes; /* compare so much of DRAM from address 0; 0: all of it */
    const char *(*layer)(
        void *user, uint32_t tag); /* names a command's layer, NULL if it has none; may be NULL */
    void *layer_user;
    const sim_observer *watch; /* sees the first model's events too; may be NULL */
    rt_wave *wave; /* NULL, or a window to draw, once: of the first run that has it. The second
                      machine must be made for it (rt_machine_options) */
} rt_cosim_options;

#define RT_COSIM_TEXT_BYTES 1024

typedef struct rt_cosim_result {
    bool equal;
    char difference[RT_COSIM_TEXT_BYTES]; /* the first difference, in lines: where, then each
                                             model's side; "" if equal */
    sim_result results[2];
    uint64_t n_commands;     /* compared */
    uint64_t n_instructions; /* compared */
    uint64_t n_entries;      /* of queues, compared */
    uint64_t n_cycles;       /* of the first */
    uint64_t n_bytes;        /* of memories, compared */
} rt_cosim_result;

/*
 * Both machines must hold the same memories. After a limit (SIM_END_LIMIT) what began before the
 * limit and ended after it is not compared, nor (but for core_stands) are memories. Errors: those of the models
 * themselves, SY_ENOMEM, SY_ERANGE (more events than are kept: set a limit). A difference is no
 * error: see result->equal.
 */
sy_status rt_cosim(sim_machine *first, sim_machine *second, const rt_cosim_options *options,
                   rt_cosim_result *result, base_diag *diag);

#endif
