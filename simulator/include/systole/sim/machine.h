/*
 * machine.h -- what every model of the machine offers: the C simulator (sim.h) and the Verilog through Verilator (rtl.h).
 *
 * A model is created for one configuration. It has five memories, starts at an entry point, runs to the end of the program and reports
 * what isa/spec/timing.md defines: command events, retired core instructions, counters, the end and its cause. Two models that
 * are given the same memories, entry, stalls and limit report the same, to the cycle and to the byte.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_SIM_MACHINE_H
#define SYSTOLE_SIM_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "systole/base/diag.h"
#include "systole/isa/config.h"
#include "systole/sim/dram.h"
#include "systole/status.h"

/* The memories, numbered as in the host port's MEM_SELECT and in the seeded pattern (isa/spec/numerics.md). */
typedef enum sim_memory { SIM_IMEM, SIM_DMEM, SIM_SPM, SIM_ACC, SIM_DRAM, SIM_N_MEMORIES } sim_memory;

/* One command of one unit, reported once, at its end or later; the commands of a unit come in order. */
typedef struct sim_command_event {
    uint8_t unit;    /* isa unit number */
    uint8_t funct7;  /* operation */
    uint32_t number; /* from 0 in its unit, in order of popping */
    uint32_t tag;    /* rs1 of the command */
    uint32_t pc;     /* of the push, 0 if the model does not keep it (not compared) */
    uint64_t start;  /* cycle */
    uint64_t end;    /* cycle */
} sim_command_event;

/* One Xsystole instruction of the core, in the cycle in which it succeeds. */
typedef struct sim_xsystole_event {
    uint8_t unit;   /* isa unit number: whose queue, or CORE */
    uint8_t funct7; /* operation, or SET */
    uint32_t a;     /* rs1 */
    uint32_t b;     /* rs2 */
    uint32_t pc;
    uint64_t cycle;
} sim_xsystole_event;

/* An entry that leaves a unit's queue (SET, WAIT, POST, command), or a pending POST that fires; each unit's in order. */
typedef struct sim_queue_event {
    uint8_t unit;
    uint8_t funct7;
    uint32_t value; /* pop: rs1; fire: the semaphore */
    uint64_t cycle;
} sim_queue_event;

/* Called during sim_machine_run; any member may be NULL. Observers never change the model. Return false to stop the run (end: SIM_END_STOPPED). */
typedef struct sim_observer {
    void *user;
    bool (*command)(void *user, const sim_command_event *event);
    bool (*retire)(void *user, uint32_t pc, uint64_t cycle); /* every core instruction, in its last cycle */
    bool (*pop)(void *user, const sim_queue_event *event);
    bool (*fire)(void *user, const sim_queue_event *event);
    bool (*xsystole)(void *user, const sim_xsystole_event *event);  /* the simulator alone calls it */
} sim_observer;

typedef enum sim_end {
    SIM_END_DONE,     /* halted, all quiet */
    SIM_END_ERROR,    /* error, unit, command hold the cause */
    SIM_END_DEADLOCK, /* nothing can ever move: `sim_machine_explain` names who waits for what */
    SIM_END_LIMIT,    /* max_cycles reached */
    SIM_END_STOPPED   /* an observer returned false */
} sim_end;

#define SIM_N_UNITS  4  /* units with a queue: MXU VPU LD ST */
#define SIM_N_CAUSES 10 /* rows of isa/counters.def */

/* What software sees of the core. */
typedef struct sim_core_registers {
    uint32_t x[32];
    uint32_t mstatus, mtvec, mscratch, mepc, mcause, mtval;
} sim_core_registers;

typedef struct sim_result {
    sim_end end;
    uint64_t cycles;    /* total, as in isa/spec/timing.md section 3 */
    uint64_t retired;   /* core instructions */
    uint32_t exit_code; /* host register EXIT_CODE */
    uint32_t error;     /* isa/errors.def; 0 without error */
    uint32_t error_unit;
    uint32_t error_command;
    uint64_t counters[SIM_N_UNITS][SIM_N_CAUSES];
    sim_core_registers core; /* at the end; zeros after SIM_END_LIMIT and SIM_END_STOPPED, which cut instructions in two */
    sim_dram_stats dram;
} sim_result;

/* A window of a run to draw into an FST file; the rtl made with rtl_options.wave can, other models leave it alone. */
typedef struct sim_wave {
    const char *path;   /* written anew */
    uint64_t from, to;  /* cycles, both included; cycle c begins at time c * 1000, which viewers show as c ns */
} sim_wave;

/* How to run. Zero-initialise, then set what matters. */
typedef struct sim_run_options {
    uint32_t entry;      /* pc */
    uint32_t core_map;   /* host registers CORE_MAP, CORE_BASE and CORE_WATCH, for programs that other toolchains have linked */
    uint32_t core_base;
    uint32_t core_watch;
    uint64_t max_cycles; /* 0: no limit; else a run whose total would exceed it ends with SIM_END_LIMIT and cycles = max_cycles */
    uint64_t stall_seed; /* injected DRAM stalls: */
    uint32_t stall_max;  /* 0 = none; else 0..stall_max extra cycles for each burst */
    uint32_t ready_max;  /* 0 = none; else a burst's address waits 0..ready_max cycles for ARREADY or AWREADY */
    uint32_t error_one_in; /* 0 = none; else one in so many bursts is answered with an error. All three: systole/sim/dram.h */
    const sim_observer *observer;
    const sim_wave *wave; /* NULL: draw nothing. With a window, a run that the observer stops goes on to the window's end unobserved */
} sim_run_options;

typedef struct sim_machine sim_machine;

/* A model's functions; the inline calls below are the interface. */
typedef struct sim_machine_ops {
    sy_status (*write)(sim_machine *m, sim_memory mem, uint64_t address, const void *data, size_t n_bytes);
    sy_status (*read)(sim_machine *m, sim_memory mem, uint64_t address, void *data, size_t n_bytes);
    sy_status (*run)(sim_machine *m, const sim_run_options *options, sim_result *result, base_diag *diag);
    size_t (*explain)(sim_machine *m, char *text, size_t n_bytes);
    void (*destroy)(sim_machine *m);
} sim_machine_ops;

/* First member of every model. */
struct sim_machine {
    const sim_machine_ops *ops;
    const char *name;  /* "sim", "rtl" */
    isa_config config; /* a copy */
};

/* Writes or reads n_bytes of a memory at a byte address, between runs. SY_ERANGE if outside the memory. */
static inline sy_status sim_machine_write(sim_machine *m, sim_memory mem, uint64_t address, const void *data, size_t n_bytes) {
    return m->ops->write(m, mem, address, data, n_bytes);
}
static inline sy_status sim_machine_read(sim_machine *m, sim_memory mem, uint64_t address, void *data, size_t n_bytes) {
    return m->ops->read(m, mem, address, data, n_bytes);
}
/* START at options->entry and run to the end. SY_OK whatever the program's own end (see result->end); an error status only if the model itself failed. */
static inline sy_status sim_machine_run(sim_machine *m, const sim_run_options *options, sim_result *result, base_diag *diag) {
    return m->ops->run(m, options, result, diag);
}
/* After a deadlock: what each unit waits for and who could give it, a line each. As snprintf: at most n_bytes with the NUL; returns the length of the whole text. */
static inline size_t sim_machine_explain(sim_machine *m, char *text, size_t n_bytes) {
    return m->ops->explain(m, text, n_bytes);
}
static inline void sim_machine_destroy(sim_machine *m) {
    if (m != NULL) m->ops->destroy(m);
}

#endif
