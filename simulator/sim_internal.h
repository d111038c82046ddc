/*
 * sim_internal.h -- the state of the event-driven simulator, and what its files offer each other.
 *
 * Every actor (front and engine of each unit, the core) has one wake-up: the next cycle in which it may do something if
 * nobody else does anything before. The loop in sim.c goes to the smallest and lets the actors that are due act in tie
 * order, the core last; what an actor changes in cycle c counts from c + 1 on, so whoever acts later in the same cycle
 * looks at the state at the start of c. Acting without need is harmless; a missed wake-up would be a hang.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_SIM_INTERNAL_H
#define SYSTOLE_SIM_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/kernels.h"
#include "systole/base/arena.h"
#include "systole/base/assert.h"
#include "systole/isa/isa.h"
#include "systole/sim/check.h"
#include "systole/sim/dram.h"
#include "systole/sim/sim.h"
#include "systole/sim/timing.h"

#define SIM_NEVER UINT64_MAX

/* Limits of isa/config.def that size arrays here (checked in sim_create). */
#define SIM_MAX_POSTS 16
#define SIM_MAX_SEMAPHORES 32
#define SIM_MAX_BANKS 64
#define SIM_FLIGHT 32 /* commands in flight of one unit: at most 16, and the MXU's at most 4; a power of two */

/* ---- queue.c: what the core pushed, and what waits in a unit ---- */

typedef struct sim_entry {
    uint64_t pushed; /* cycle; in the queue from the next */
    uint32_t funct7;
    uint32_t a; /* rs1: value, semaphore or tag */
    uint32_t b; /* rs2 */
    uint32_t pc;
} sim_entry;

typedef struct sim_post {
    uint64_t popped;
    uint32_t pc;
    uint32_t semaphore;
    uint32_t count; /* fires when commands 0..count-1 have ended */
} sim_post;

typedef struct sim_slot {
    bool full;
    isa_error error; /* of the checks */
    uint64_t popped;
    uint32_t funct7;
    uint32_t tag;
    uint32_t pc;
    uint32_t number;
    unsigned n_streams;
    sim_stream streams[SIM_MAX_STREAMS];
    uint64_t banks[SIM_MAX_STREAMS]; /* of the full ranges */
    uint32_t regs[ISA_MAX_REGS];
} sim_slot;

/* ---- banks.c ---- */

/* When the iterations of a stream of MXU or VPU are complete: first, second, second + period, ... */
typedef struct sim_progress {
    uint64_t first;
    uint64_t second;
    uint64_t period;
} sim_progress;

/* LD, ST: from a cycle on the command holds only these banks. */
typedef struct sim_shrink {
    uint64_t from;
    uint64_t banks;
} sim_shrink;

/* A command in flight. */
typedef struct sim_command {
    uint32_t number;
    uint32_t funct7;
    uint32_t tag;
    uint32_t pc;
    uint64_t start;
    uint64_t end; /* SIM_NEVER: not known yet */
    unsigned n_streams;
    sim_stream streams[SIM_MAX_STREAMS];
    uint64_t banks[SIM_MAX_STREAMS];
    sim_progress progress[SIM_MAX_STREAMS]; /* MXU, VPU */
    unsigned n_shrinks;                     /* LD, ST */
    sim_shrink shrinks[SIM_MAX_BANKS + 1];
} sim_command;

/* ---- counters.c ---- */

/* What holds for a unit in each cycle of a stretch, apart from what is known in closed form. */
typedef struct sim_flags {
    bool bank;
    bool semaphore;
    bool occupied; /* queue or slot not empty */
    uint64_t flight_until; /* the cycle after the last with a command in flight */
} sim_flags;

typedef struct sim_account {
    uint64_t since;  /* all cycles before are counted */
    sim_flags first; /* cycle `since` */
    sim_flags rest;  /* the cycles after it */
    uint64_t counts[ISA_N_COUNTERS];
} sim_account;

/* n cycles from first on. */
typedef struct sim_train {
    uint64_t first;
    uint64_t n;
} sim_train;

/* ---- a unit ---- */

typedef struct sim_unit {
    isa_unit id;
    uint64_t front_wake;  /* queue, slot, pending posts */
    uint64_t engine_wake; /* LD, ST: the next request */
    uint64_t last_action; /* of the front: pop, start or fire; SIM_NEVER if none since START */
    uint64_t last_pop;

    sim_entry *queue; /* ring of depth */
    uint32_t queue_first;
    uint32_t queue_n;

    sim_post posts[SIM_MAX_POSTS]; /* ring */
    unsigned posts_first;
    unsigned posts_n;

    uint32_t regs[ISA_MAX_REGS];
    uint32_t n_popped; /* commands */
    sim_slot slot;
    sim_check_memo check_memo;

    sim_command flight[SIM_FLIGHT]; /* ring: command k in flight[k % SIM_FLIGHT] */
    uint32_t n_started;
    uint32_t n_retired; /* ended and reported */
    uint64_t last_end;  /* of the last command started; valid if n_started > 0 */

    uint32_t waits_for_unit; /* bit u: the slot waits for a bank of LD or ST, which will say when */
    sim_account account;
} sim_unit;

/* ---- mxu.c ---- */

/* The busy and loading cycles of a command (section 11). */
typedef struct sim_mxu_span {
    uint64_t start;
    uint64_t quiet_from; /* the last plane before has been streamed */
    uint64_t first_stream;
    uint64_t n_planes;
    uint64_t rows;
    uint64_t period;
} sim_mxu_span;

#define SIM_SPANS 32 /* a power of two */

typedef struct sim_mxu {
    sim_mxu_plane last;
    sim_walk last_walk; /* ACC */
    sim_rows last_rows;
    sim_mxu_span spans[SIM_SPANS]; /* ring: those that are not counted to their end */
    unsigned spans_first;
    unsigned spans_n;
} sim_mxu;

typedef struct sim_vpu {
    uint64_t read_end;            /* S' + T' */
    sim_train spans[SIM_SPANS];   /* ring of BUSY stretches */
    unsigned spans_first;
    unsigned spans_n;
    uint32_t *row_registers;      /* [6][D] */
    uint8_t *taps;                /* [25][row bytes] */
    int8_t *table;                /* [256] */
} sim_vpu;

/* ---- dma.c, ld.c, st.c ---- */

/* Where a walk over runs stands. */
typedef struct sim_run_walk {
    sim_bytes bytes;
    uint32_t i[4];
    uint64_t run_address;
    uint32_t valid_low; /* bytes low..high-1 of a run whose indices are valid */
    uint32_t valid_high;
    bool valid; /* this run has valid bytes */
    bool done;
} sim_run_walk;

/* Where a walk over rows stands. */
typedef struct sim_row_walk {
    sim_walk walk;
    uint32_t i[4];
    int64_t row;
    uint64_t n_done;      /* rows complete */
    uint64_t n_rows;
    uint64_t per_iteration; /* rows of one iteration of loop 3 */
    uint64_t shrink_at;   /* n_done at which the banks become fewer */
} sim_row_walk;

/* A burst of LD: what is needed to know when each of its beats is freed. */
typedef struct sim_read_burst {
    uint64_t address;
    uint64_t last_beat; /* cycle */
    uint64_t first_beat;
    uint64_t first_piece; /* cycle */
    uint64_t last_piece;
    uint64_t beat_index;  /* of its first beat, counted since START */
    uint32_t n_bytes;
    uint32_t n_beats;
    uint32_t row_at; /* bytes of the row before its first byte */
    uint32_t row_bytes;
} sim_read_burst;

typedef struct sim_ld {
    uint64_t load_beats;
    uint64_t ring_mask;
    sim_read_burst *bursts; /* ring: burst k in bursts[k & ring_mask] */
    uint64_t n_bursts;      /* requested */
    uint64_t n_beats;
    uint64_t free_burst;    /* where the last look for a freed beat stood */
    /* the address unit */
    bool addressing;
    sim_run_walk address_walk;
    uint32_t address_at;    /* byte of the run where the next burst begins */
    uint64_t next_step;     /* cycle */
    uint64_t last_step;     /* F of the last command; valid when not addressing */
    /* the assembler */
    uint32_t n_assembled;   /* commands */
    bool assembling;
    sim_run_walk walk;
    sim_row_walk rows;
    uint32_t run_at;        /* byte of the run */
    uint32_t row_at;
    uint64_t n_taken;       /* bursts */
    bool any_piece;
    uint64_t last_piece;    /* cycle */
    uint16_t fill[SIM_FLIGHT]; /* bytes 0 and 1 of each two of a row */
    uint32_t regs[SIM_FLIGHT][ISA_MAX_REGS];
} sim_ld;

typedef struct sim_write_burst {
    uint64_t address;
    uint64_t complete;   /* cycle of its last piece; SIM_NEVER: pieces missing */
    uint64_t first_beat; /* W; SIM_NEVER: not sent */
    uint64_t response;   /* B */
    uint64_t beat_index;
    uint32_t n_bytes;
    uint32_t n_beats;
} sim_write_burst;

typedef struct sim_st {
    uint64_t store_beats;
    uint64_t ring_mask;
    sim_write_burst *bursts;
    uint64_t n_bursts; /* begun */
    uint64_t n_beats;  /* begun */
    uint64_t n_sent;   /* AW */
    uint64_t last_request;
    uint64_t room_burst; /* where the last look for a beat's W stood */
    uint8_t *stage;      /* ring of bytes that wait for their AW */
    uint64_t stage_mask;
    uint64_t stage_in;
    uint64_t stage_out;
    /* the disassembler */
    bool cutting;
    bool in_burst;
    sim_run_walk walk;
    sim_row_walk rows;
    uint32_t run_at;
    uint32_t row_at;
    bool row_is_kept;    /* the row that is being cut is in kept_row */
    uint8_t kept_row[512];
    uint32_t burst_end;  /* byte of the run behind the burst that is being filled */
    bool in_beat;
    uint64_t row_ready;  /* first cycle in which the row's first piece may be */
    uint64_t last_piece; /* of the last command, or its S before the first */
    uint64_t resume;     /* cycle in which the disassembler, far ahead, goes on; SIM_NEVER */
    uint64_t n_bursts_of[SIM_FLIGHT]; /* n_bursts behind the last of a command */
    uint64_t last_piece_of[SIM_FLIGHT];
    uint32_t n_cut;      /* commands whose last piece is known */
    uint32_t n_ended;    /* commands whose end is known */
    uint64_t n_bursts_before; /* n_bursts_of of the last of those */
    uint64_t last_end;
} sim_st;

/* The bus as the counters see it. */
typedef struct sim_bus_span {
    uint64_t first;
    uint32_t n;
    uint32_t dir;
} sim_bus_span;

#define SIM_BUS_SPANS 4096 /* a power of two, above twice the bursts that can be in flight */
#define SIM_TRAINS 8192    /* a power of two, above twice the beats a load buffer holds */

/* The counters' view of LD or ST: which cycles have a piece. */
typedef struct sim_pieces_seen {
    sim_train *trains; /* ring of SIM_TRAINS, ascending, not touching */
    uint64_t n_trains;
    uint64_t train;    /* the first that is not wholly counted */
    uint64_t bus_span; /* the same for the bus */
} sim_pieces_seen;

/* ---- core.c ---- */

typedef enum sim_core_state { SIM_CORE_RUNS, SIM_CORE_ASLEEP, SIM_CORE_TRAPS, SIM_CORE_HALTED, SIM_CORE_STOPPED } sim_core_state;

typedef struct sim_insn {
    uint8_t op; /* isa_op */
    uint8_t rd;
    uint8_t rs1;
    uint8_t rs2;
    int32_t imm; /* Xsystole: unit << 8 | funct7 */
} sim_insn;

typedef struct sim_core {
    uint64_t wake;
    sim_core_state state;
    uint32_t pc;
    uint32_t x[32];
    uint64_t cycle; /* of the instruction at pc */
    uint64_t retired;
    uint64_t asleep_since; /* the first cycle without success */
    uint64_t end_cycle;    /* in which it halted or stopped */
    uint32_t exit_code;
    uint32_t trap_cause; /* of SIM_CORE_TRAPS */
    uint32_t trap_value;
    uint32_t mstatus, mtvec, mscratch, mepc, mcause, mtval;
    uint64_t mcycle_offset, minstret_offset; /* what writes have added to the cycle and to retired */
    uint32_t imem_base, dmem_base;           /* multiples of the memories' sizes */
    uint32_t watch;                          /* address of the watched word; 1: none */
    bool stores_reach_imem;                  /* the map is unified */
    sim_insn *insns; /* of IMEM */
    uint32_t n_insns;
    bool insns_valid;
} sim_core;

/* ---- the simulator ---- */

typedef struct sim_error {
    unsigned rank; /* order among those of one cycle; SIM_NO_ERROR if none */
    uint32_t unit;
    uint32_t code;
    uint32_t command;
} sim_error;

#define SIM_NO_ERROR UINT32_MAX

/* What has become of a semaphore's tokens, for explanations. */
typedef struct sim_semaphore_past {
    uint64_t n_posts;
    uint32_t taker; /* of the last that was taken: unit or core, its WAIT, the number of its next command */
    uint32_t taker_pc;
    uint32_t taker_command;
} sim_semaphore_past;

static inline void sim_note_take(sim_semaphore_past *past, uint32_t unit, uint32_t pc, uint32_t command)
{
    past->taker = unit;
    past->taker_pc = pc;
    past->taker_command = command;
}

typedef struct sim {
    sim_machine machine;
    base_arena *arena;
    sim_options options;
    const sim_kernel_set *kernels;
    void *scratch;
    uint8_t *memory[ISA_N_MEMORIES];
    uint64_t memory_bytes[ISA_N_MEMORIES];
    uint8_t *dram_bytes;
    unsigned bank_shift[ISA_N_MEMORIES]; /* row >> shift = bank */
    uint32_t d;
    uint32_t beat_bytes;
    unsigned beat_shift; /* log2 of it */
    uint32_t burst_bytes;
    uint32_t cut_bytes; /* the smaller of the two */

    uint64_t now;
    uint64_t max_cycles; /* SIM_NEVER: no limit */
    bool stopped;        /* by an observer */
    const sim_observer *observer;

    sim_unit units[ISA_N_QUEUES];
    sim_mxu mxu;
    sim_vpu vpu;
    sim_ld ld;
    sim_st st;
    sim_core core;
    sim_dram dram;
    uint64_t axi_error[2]; /* by direction: the cycle of the first answer with an error; SIM_NEVER */

    sim_bus_span *bus; /* ring of SIM_BUS_SPANS */
    uint64_t n_bus;
    sim_pieces_seen pieces[2]; /* LD, ST */

    uint32_t semaphores[SIM_MAX_SEMAPHORES];
    uint32_t n_fires; /* of this cycle, in tie order */
    struct {
        uint32_t unit;
        uint32_t semaphore;
        uint32_t command;
        uint32_t pc;
    } fires[ISA_N_UNITS];
    sim_semaphore_past past[SIM_MAX_SEMAPHORES];
    struct {
        uint32_t unit;
        uint32_t semaphore;
        uint32_t pc;
    } overflow; /* the post of a SEM_OVERFLOW */

    sim_error raised; /* in this cycle */
    sim_error latched;
    uint64_t error_cycle; /* SIM_NEVER: none latched */
    sim_result result;
} sim;

/* True if an error has been latched at the start of a cycle. */
static inline bool sim_has_error(const sim *s, uint64_t cycle)
{
    return s->error_cycle < cycle;
}

static inline void sim_wake_front(sim_unit *u, uint64_t cycle)
{
    if (cycle < u->front_wake) {
        u->front_wake = cycle;
    }
}

/* Something has changed that a sleeping core may wait for. */
static inline void sim_wake_core(sim *s, uint64_t cycle)
{
    if (s->core.state == SIM_CORE_ASLEEP && cycle < s->core.wake) {
        s->core.wake = cycle;
    }
}

/* The next cycle in which a front or the core acts, or DRAM answers with an error. */
static inline uint64_t sim_next_front(const sim *s)
{
    uint64_t next = sim_min_u64(s->core.wake, sim_min_u64(s->axi_error[0], s->axi_error[1]));
    for (unsigned k = 0; k < ISA_N_QUEUES; k++) {
        next = sim_min_u64(next, s->units[k].front_wake);
    }
    return next;
}

static inline sim_command *sim_flight(sim_unit *u, uint32_t number)
{
    return &u->flight[number % SIM_FLIGHT];
}

/* queue.c */
typedef enum sim_error_kind { SIM_ERROR_OF_AXI, SIM_ERROR_OF_POST, SIM_ERROR_OF_CHECK, SIM_ERROR_OF_HEAD } sim_error_kind;
void sim_raise(sim *s, uint32_t unit, sim_error_kind kind, uint32_t code, uint32_t command);
void sim_push(sim *s, sim_unit *u, const sim_entry *entry);
void sim_front_act(sim *s, sim_unit *u, uint64_t cycle);
/* The end of command number n-1 (so of all before it): 0 if n is 0, SIM_NEVER if not known. */
uint64_t sim_end_of(const sim_unit *u, uint32_t n);
/* Commands in flight at the start of a cycle, and the first cycle from `cycle` on in which fewer than `limit` are. */
uint64_t sim_flight_room(const sim_unit *u, uint64_t cycle, uint32_t limit);
void sim_retire(sim *s, sim_unit *u, uint64_t cycle);
/* The end of a cycle: posts are added, errors latched. */
void sim_commit(sim *s, uint64_t cycle);

/* banks.c */
uint64_t sim_bank_mask(const sim *s, isa_memory memory, sim_rows rows);
/* 0 if the slot's command may take its banks in this cycle; else the cycle in which to look again (SIM_NEVER: when LD or ST says so). */
uint64_t sim_banks_blocked(sim *s, sim_unit *u, uint64_t cycle);
void sim_add_shrink(sim *s, sim_unit *u, sim_command *command, uint64_t from, uint64_t banks);

/* mxu.c, vpu.c, ld.c, st.c: the first cycle from `cycle` on in which the unit's own conditions hold (SIM_NEVER: not known yet), and the start. */
uint64_t sim_mxu_own(const sim *s, uint64_t cycle);
uint64_t sim_vpu_own(const sim *s, uint64_t cycle);
uint64_t sim_ld_own(const sim *s, uint64_t cycle);
uint64_t sim_st_own(const sim *s, uint64_t cycle);
void sim_mxu_begin(sim *s, sim_command *command, const uint32_t *regs);
void sim_vpu_begin(sim *s, sim_command *command, const uint32_t *regs);
void sim_ld_begin(sim *s, sim_command *command, const uint32_t *regs);
void sim_st_begin(sim *s, sim_command *command, const uint32_t *regs);
/* All requests of a cycle, and those before the horizon. */
void sim_ld_act(sim *s, uint64_t cycle, uint64_t horizon);
void sim_st_act(sim *s, uint64_t cycle, uint64_t horizon);

/* dma.c */
void sim_run_walk_begin(sim_run_walk *walk, const sim_bytes *bytes);
/* To the next run; true if the run that is left ended an iteration of the closing loop. */
bool sim_run_walk_next(sim_run_walk *walk);
void sim_row_walk_begin(sim *s, sim_row_walk *walk, const sim_walk *rows, const sim_stream *stream);
void sim_row_walk_next(sim_row_walk *walk);
/* Over n rows, n >= 1, of the innermost loop. */
static inline void sim_row_walk_skip(sim_row_walk *walk, uint64_t n)
{
    walk->row += (int64_t)(n - 1) * walk->walk.s[0];
    walk->i[0] += (uint32_t)(n - 1);
    sim_row_walk_next(walk);
}
/* n_done has reached shrink_at in a cycle: notes the banks that are left. */
void sim_row_walk_shrink(sim *s, sim_unit *u, sim_command *command, sim_row_walk *walk, uint64_t cycle);
/* Bytes from byte `at` of a run, at an address, to the end of its burst. */
static inline uint32_t sim_burst_bytes(const sim *s, uint64_t address, uint32_t at, uint32_t valid_high)
{
    const uint32_t to_border = s->burst_bytes - (uint32_t)(address & (s->burst_bytes - 1));
    const uint32_t left = valid_high - at;
    return left < to_border ? left : to_border;
}
/* Beats that n bytes from an address on touch. */
static inline uint32_t sim_beats(const sim *s, uint64_t address, uint64_t n_bytes)
{
    return 1 + (uint32_t)(((address + n_bytes - 1) >> s->beat_shift) - (address >> s->beat_shift));
}
uint64_t sim_bus_request(sim *s, sim_dram_dir dir, uint64_t cycle, uint64_t address, uint32_t n_beats);

/* counters.c */
/* Notes n pieces of LD or ST in consecutive cycles, in the order of their cycles; false: there is no room now. */
bool sim_room_for_pieces(sim *s, isa_unit unit);
void sim_count_pieces(sim *s, isa_unit unit, uint64_t first, uint64_t n);
void sim_settle(sim *s, sim_unit *u, uint64_t cycle);
void sim_set_flags(sim_unit *u, uint64_t cycle, const sim_flags *first, const sim_flags *rest);

/* core.c */
void sim_core_start(sim *s, const sim_run_options *options);
void sim_core_act(sim *s, uint64_t cycle);
void sim_core_decode(sim *s);

/* Where the core, asleep, would post to a semaphore if nothing held it up. */
typedef struct sim_post_ahead {
    unsigned unit;
    uint32_t pc;
    uint32_t n_pushed[ISA_N_QUEUES];   /* commands that each unit has been given until now */
    uint32_t n_commands[ISA_N_QUEUES]; /* and when the post is pushed */
} sim_post_ahead;
bool sim_core_foresee(sim *s, uint32_t semaphore, sim_post_ahead *ahead);

/* explain.c */
size_t sim_explain(sim_machine *machine, char *text, size_t n_bytes);

#endif
