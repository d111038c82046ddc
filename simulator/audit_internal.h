/*
 * audit_internal.h -- what the files of an audit share: the program as a list of items, and their clocks.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_AUDIT_INTERNAL_H
#define SYSTOLE_AUDIT_INTERNAL_H

#include "systole/base/assert.h"
#include "systole/base/vec.h"
#include "systole/isa/isa.h"
#include "systole/sim/audit.h"
#include "systole/sim/check.h"

#define AUDIT_SEMAPHORES 32 /* the limit of isa/config.def */
#define AUDIT_ACTORS     ((unsigned)ISA_N_UNITS) /* the units and the core */
#define AUDIT_NO_START   UINT64_MAX

typedef enum audit_kind { AUDIT_COMMAND, AUDIT_WAIT, AUDIT_POST, AUDIT_FENCE } audit_kind;

/*
 * clock[v] = n: before this item leaves its queue (the core: before it executes), the items 0..n-1 of actor v are complete:
 * commands have ended, WAITs have been taken, POSTs have fired.
 */
typedef struct audit_item {
    uint8_t kind; /* audit_kind */
    uint8_t unit;
    uint8_t funct7;
    uint32_t semaphore; /* a command: its tag */
    uint32_t pc;
    uint32_t index;  /* in its actor */
    uint32_t number; /* commands before it in its unit */
    uint32_t regs;   /* a command: which set of registers */
    uint32_t clock[ISA_N_UNITS];
    uint64_t start; /* a command: cycle, AUDIT_NO_START if it has not started */
} audit_item;

typedef BASE_VEC(uint32_t) audit_list; /* of item numbers, rising */

typedef struct audit_regs {
    uint32_t r[ISA_MAX_REGS];
} audit_regs;

/* Last toucher of each byte of a DRAM page (index + 1, 0: none), or of all of them alike. */
#define AUDIT_PAGE 4096
typedef struct audit_page {
    uint32_t *each; /* room, made when first needed */
    uint32_t alike;
    bool is_split;  /* each holds, not alike */
} audit_page;

/* Last accesses to the rows of SPM or ACC: index + 1 in the unit, 0: none in this run. */
typedef struct audit_rows {
    uint32_t n_rows;
    uint32_t *last[2][ISA_N_QUEUES]; /* [is_write] */
    bool any[2][ISA_N_QUEUES];
    uint8_t *written; /* ever */
} audit_rows;

struct sim_audit {
    base_arena *arena;
    isa_config config;
    bool out_of_memory;

    BASE_VEC(audit_item) items;         /* in program order */
    audit_list actors[ISA_N_UNITS];     /* the items of each */
    audit_list commands[ISA_N_QUEUES];
    audit_list posts[AUDIT_SEMAPHORES][ISA_N_UNITS];
    audit_list waits[AUDIT_SEMAPHORES][ISA_N_UNITS];
    BASE_VEC(audit_regs) regs;
    uint32_t now[ISA_N_QUEUES][ISA_MAX_REGS];
    bool changed[ISA_N_QUEUES]; /* since the last set of registers was kept, */
    uint32_t kept[ISA_N_QUEUES]; /* which is this one */

    audit_rows rows[2]; /* SPM, ACC */
    audit_page *pages[2]; /* [is_write], of DRAM */
    uint64_t n_pages;
    uint64_t page_low, page_high; /* touched in this run: low..high-1 */
    uint64_t n_touched;

    uint64_t n_findings[SIM_N_FINDING_KINDS];
    sim_finding findings[SIM_N_FINDING_KINDS][SIM_AUDIT_FINDINGS];
};

/* Counts a finding and gives the room for it, zeroed but for its kind; NULL: there are enough. */
sim_finding *sim_audit_add(sim_audit *audit, sim_finding_kind kind);
sim_place sim_audit_place(const audit_item *item);

static inline const audit_item *audit_of(const sim_audit *audit, const audit_list *list, size_t i)
{
    return &audit->items.items[list->items[i]];
}

/* audit_order.c: the clocks of all items; the semaphores. */
void sim_audit_order(sim_audit *audit);
void sim_audit_semaphores(sim_audit *audit, bool has_ended);

/* audit_race.c: races and unwritten rows, command by command in the order of their starts. */
void sim_audit_races(sim_audit *audit);

#endif
