/*
 * dram.h -- DRAM and its bus (isa/spec/timing.md, section 10): when the beats of a request move.
 *
 * One model for both machines: the simulator asks it, and so does the Verilog's test bench, which answers on AXI4 in
 * the cycles it is told.  There is no clock in it: the answer depends on the requests alone, and costs the same whether
 * the next request comes in the next cycle or in a million.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_SIM_DRAM_H
#define SYSTOLE_SIM_DRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "systole/isa/config.h"

typedef enum sim_dram_dir {
    SIM_DRAM_READ, /* LD: the cycle of AR */
    SIM_DRAM_WRITE /* ST: the cycle of AW */
} sim_dram_dir;

/* What a run may put in the way, the same in every model; all 0 for nothing. */
typedef struct sim_dram_faults {
    uint64_t seed;
    uint32_t stall_max;    /* 0..stall_max extra cycles before a burst's beats */
    uint32_t ready_max;    /* 0..ready_max cycles before a burst's address is taken (ARREADY, AWREADY) */
    uint32_t error_one_in; /* one in so many bursts is answered with SLVERR or DECERR; 0: none */
} sim_dram_faults;

/* What has been moved. The last four: model banked alone. */
typedef struct sim_dram_stats {
    uint64_t bursts[2]; /* by direction */
    uint64_t beats[2];
    uint64_t row_hits;  /* column accesses to a row that was open */
    uint64_t row_misses;    /* of a bank without an open row */
    uint64_t row_conflicts; /* of a bank with another row open */
    uint64_t refreshes; /* of a channel, before its last access */
} sim_dram_stats;

/* Adds those of another run. */
static inline void sim_dram_stats_add(sim_dram_stats *sum, const sim_dram_stats *stats)
{
    for (unsigned dir = 0; dir < 2; dir++) {
        sum->bursts[dir] += stats->bursts[dir];
        sum->beats[dir] += stats->beats[dir];
    }
    sum->row_hits += stats->row_hits;
    sum->row_misses += stats->row_misses;
    sum->row_conflicts += stats->row_conflicts;
    sum->refreshes += stats->refreshes;
}

#define SIM_DRAM_CHANNELS 16 /* limits of isa/config.def */
#define SIM_DRAM_GROUPS   8

/* The cycles are the first in which something is allowed. */
typedef struct sim_dram_bank {
    uint64_t column_ok; /* column access to the open row */
    uint64_t close_ok;  /* PRE */
    uint64_t act_ok;    /* ACT, once closed */
    uint32_t row;       /* UINT32_MAX: none is open */
    uint32_t request;   /* the last that used it, modulo 2^32 */
} sim_dram_bank;

typedef struct sim_dram_channel {
    uint64_t column_ok[2]; /* by direction */
    uint64_t act_ok;
    uint64_t window_ok[4]; /* after each of the last four ACT: t_faw */
    uint32_t window_at;    /* the oldest */
    uint64_t refresh_due;  /* UINT64_MAX: never */
    uint64_t group_column_ok[SIM_DRAM_GROUPS][2];
    uint64_t group_act_ok[SIM_DRAM_GROUPS];
    sim_dram_bank banks[ISA_MAX_DRAM_BANKS];
} sim_dram_channel;

/*
 * Full bursts that follow each other in a direction, through rows that are known to be open: such a burst takes a few
 * additions.  As long as no other request comes between, the banks need not hear of it: they do when the train ends.
 */
typedef struct sim_dram_train {
    uint64_t next;  /* the address that goes on; UINT64_MAX: none */
    uint64_t end;   /* of the rows; a power of two's multiple */
    uint64_t epoch; /* no row of these banks has been opened or closed by anyone else, as long as it is what it was */
    uint32_t bank;  /* of each group: where the rows lie */
    uint32_t n_atoms; /* accessed since, up to the number of groups */
} sim_dram_train;

#define SIM_DRAM_TRAIN 8 /* bursts whose cycles are kept: at least the groups */

/* Plain data: copy it to look ahead. The members are for reading. */
typedef struct sim_dram {
    sim_dram_faults faults;
    sim_dram_stats stats;
    uint64_t free_cycle; /* the first cycle in which the bus has nothing promised */
    uint32_t latency;    /* config dram.latency */
    uint32_t beat_shift; /* log2 of the bytes of a beat */
    bool banked;
    /* the rest: model banked */
    bool closes;                /* page closed */
    uint32_t atom_shift;        /* log2 of the bytes of an atom */
    uint32_t channel_bits;      /* an atom's number, from its low bit: channel, then the rest, of which: */
    uint32_t group_bits, bank_shift, bank_mask, row_shift, xor_mask;
    uint32_t n_banks; /* of a channel */
    uint32_t column_gap, column_gap_same;    /* any column access, in the same group */
    uint32_t turn[2], turn_same[2];          /* from a column access in a direction to one in the other */
    uint32_t close_gap[2];                   /* from a column access to PRE */
    uint32_t data[2];                        /* from a column access: read, its data are there; write, they are wanted */
    uint32_t t_rcd, t_rp, t_rp_all, t_ras, t_rc, t_rrd_s, t_rrd_l, t_faw, t_refi, t_rfc;
    bool trains_possible; /* one channel, page open, groups below columns and enough of them, bursts of whole atoms */
    uint32_t burst_beats, burst_bytes, burst_atoms; /* of a full burst */
    uint32_t burst_lag[2];  /* from its first access: read, its first beat at the soonest; write, at the latest */
    uint32_t burst_wait;    /* write: from its first beat to its first access at the soonest, if that is later */
    uint32_t burst_ahead;   /* the same if it is sooner */
    uint64_t window;        /* bytes that have their rows in common */
    uint64_t n_closed; /* all rows, by a refresh */
    uint64_t n_opened[ISA_MAX_DRAM_BANKS]; /* rows in the banks with this number in their groups */
    sim_dram_train trains[2];
    sim_dram_dir last_dir;
    uint64_t n_ahead;       /* bursts that the banks have not heard of */
    uint64_t ahead_end;     /* address behind them */
    uint64_t ahead[SIM_DRAM_TRAIN]; /* cycles of their first accesses, by number modulo */
    uint64_t column_next;   /* if any: the next access is allowed */
    sim_dram_channel channels[SIM_DRAM_CHANNELS];
} sim_dram;

/* START: a quiet bus, all rows closed; the first refresh is due t_refi later. faults: NULL for none. */
void sim_dram_start(sim_dram *dram, const isa_config *config, const sim_dram_faults *faults);

/*
 * A request for n_beats >= 1 from the beat of an address on, made in a cycle (of its AR or AW).  Returns the cycle of
 * its first beat; the others follow in consecutive cycles.  Requests must come in the order of their cycles, in one cycle
 * the read first.
 *
 * A read takes its data from memory in the cycle of its first beat (it is driven on R in that cycle), a write puts its
 * data in the cycle of its last; B is in the cycle after that.
 */
uint64_t sim_dram_request(sim_dram *dram, sim_dram_dir dir, uint64_t cycle, uint64_t address, uint32_t n_beats);

/*
 * What faults do to burst `number` (from 0 in its direction since START), with h = base_rng_u64(seed, stream + dir, number):
 * its stall is h mod (stall_max + 1) with stream 0; the cycles that its address waits, h mod (ready_max + 1) with stream 2.
 */
uint32_t sim_dram_stall(const sim_dram *dram, sim_dram_dir dir, uint64_t number);
uint32_t sim_dram_ready(const sim_dram *dram, sim_dram_dir dir, uint64_t number);

/*
 * The answer of burst `number`: 0 OKAY; else, if h mod error_one_in is 0 (stream 4), SLVERR (2) or DECERR (3) by bit 32 of h,
 * for a read in beat (h >> 40) mod n_beats alone.
 */
uint32_t sim_dram_answer(const sim_dram *dram, sim_dram_dir dir, uint64_t number, uint32_t n_beats, uint32_t *beat);

/* Cycles that no request of a burst can exceed, from its AR or AW to its last beat on a quiet bus, without faults. */
uint64_t sim_dram_longest(const isa_config *config);

#endif
