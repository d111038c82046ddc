/*
 * sim.h -- the cycle-exact, event-driven C simulator.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_SIM_SIM_H
#define SYSTOLE_SIM_SIM_H

#include "systole/sim/machine.h"

typedef enum sim_kernels {
    SIM_KERNELS_BEST,     /* the fastest that this host can run */
    SIM_KERNELS_PORTABLE, /* plain C */
    SIM_KERNELS_AVX2,     /* AVX2 with FMA; refused where the host lacks it */
    SIM_KERNELS_VNNI      /* AVX-512 VNNI; the same */
} sim_kernels;

typedef struct sim_options {
    bool timing_only;    /* no data: SPM, ACC and DRAM are neither read nor written by commands */
    sim_kernels kernels;
    bool no_batches; /* one burst at a time, for tests: the results are the same */
    bool serial; /* the core pushes nothing but SET before all that it has pushed is done: what the program means
                    when nothing runs beside anything. Not the machine's cycles. */
} sim_options;

/* Makes a simulator; options may be NULL. All memory is taken here, none during a run. SY_ENOMEM, SY_EUNSUPPORTED (kernels). Free with sim_machine_destroy. */
sy_status sim_create(const isa_config *config, const sim_options *options, sim_machine **out, base_diag *diag);

/* True for what sim_create has made. */
bool sim_is_simulator(const sim_machine *m);

/* What stands behind the error of the last run. */
typedef struct sim_fault {
    bool has_pc;
    bool has_tag;
    uint32_t pc;    /* of the push, or of the core */
    uint32_t tag;   /* of the command */
    char text[320]; /* which field, its value, what is allowed: "n0 is 0, expected 1 to 65535"; "" if there is no more to say */
} sim_fault;

/* False, and nothing known, if it is no simulator or the last run has not ended in an error. */
bool sim_last_fault(const sim_machine *m, sim_fault *fault);

/* DRAM as a flat array of config.dram_mib MiB, for loading without a copy; valid until destroy. */
uint8_t *sim_dram_bytes(sim_machine *m);

#endif
