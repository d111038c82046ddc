/*
 * audit.h -- what a program's own order guarantees, whatever the timing: races, semaphores, rows read before written.
 *
 * An audit listens to a run (sim_audit_xsystole, sim_audit_command) and afterwards derives which command is sure to end
 * before which other one starts, from queues, semaphores and FENCE alone: not from banks, not from the cycles of this run.
 * Two commands of different units that touch a common row or byte, one writing, without such an order are a race, though
 * this run may have been right.  The rules: docs/reference/checks.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_SIM_AUDIT_H
#define SYSTOLE_SIM_AUDIT_H

#include "systole/base/arena.h"
#include "systole/sim/machine.h"

typedef enum sim_finding_kind {
    SIM_FINDING_RACE,      /* two commands, unordered, one writes what the other touches */
    SIM_FINDING_EARLY,     /* a WAIT stands before its POST in program order: run serially it would hang */
    SIM_FINDING_STOLEN,    /* a WAIT may never be served: others may take the tokens of all POSTs before it */
    SIM_FINDING_LEFT,      /* a semaphore is not zero at the end */
    SIM_FINDING_OVERFLOW,  /* a semaphore can pass its maximum in some order */
    SIM_FINDING_UNWRITTEN, /* rows are read that nothing has written: a warning */
    SIM_N_FINDING_KINDS
} sim_finding_kind;

/* A command, or a WAIT or POST, of a unit's queue or of the core. */
typedef struct sim_place {
    uint8_t unit;
    uint8_t funct7;
    bool is_command;
    uint32_t number; /* of the command; of a WAIT or POST: the commands of its queue before it */
    uint32_t tag;    /* is_command */
    uint32_t pc;
} sim_place;

typedef struct sim_finding {
    sim_finding_kind kind;
    sim_place places[2]; /* RACE: the one that started first, the other; else the first alone (LEFT: none) */
    bool is_write[2];    /* RACE */
    sim_memory memory;   /* RACE, UNWRITTEN: SIM_SPM, SIM_ACC (rows), SIM_DRAM (bytes) */
    uint64_t low, high;  /* first and last row or byte concerned */
    uint64_t n;          /* how many of them */
    uint32_t semaphore;  /* the others */
    uint64_t n_posts;    /* EARLY, LEFT: posts and waits in program order, up to there; STOLEN: the posts, and the waits that may be */
    uint64_t n_waits;    /* served before this one; OVERFLOW: the value that it can reach, and the most that it can hold */
} sim_finding;

#define SIM_AUDIT_FINDINGS 64 /* that are kept of each kind */

typedef struct sim_audit sim_audit;

/* For a configuration; all in the arena. NULL when memory is out. */
sim_audit *sim_audit_create(base_arena *arena, const isa_config *config);

/* Before each run: forgets the order of the last, keeps what has been written and all findings. */
void sim_audit_begin(sim_audit *audit);

/* The observer's functions; user is the audit. They always return true. */
bool sim_audit_xsystole(void *audit, const sim_xsystole_event *event);
bool sim_audit_command(void *audit, const sim_command_event *event);

/* After each run: finds what there is to find. has_ended: the program came to its end, so that semaphores must be zero. SY_ENOMEM. */
sy_status sim_audit_end(sim_audit *audit, bool has_ended);

/* How many findings of a kind there were since creation, and finding i < SIM_AUDIT_FINDINGS of them. */
uint64_t sim_audit_n(const sim_audit *audit, sim_finding_kind kind);
const sim_finding *sim_audit_finding(const sim_audit *audit, sim_finding_kind kind, uint64_t i);

/* Commands of the last run, and rows and bytes that were compared in it. */
uint64_t sim_audit_n_commands(const sim_audit *audit);
uint64_t sim_audit_n_touched(const sim_audit *audit);

/* The part of DRAM that the last run's commands have touched: bytes low..high-1 (low >= high: none). */
void sim_audit_dram(const sim_audit *audit, uint64_t *low, uint64_t *high);

#endif
