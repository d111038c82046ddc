/*
 * fuzz_internal.h -- what the parts of the program generator share.
 *
 * A generator writes instruction words and knows, while it writes, what the machine will know when
 * it gets there: the values of the core's registers (so that commands can be pushed back to back),
 * the descriptor registers (so that later commands can rely on them), and for each semaphore who
 * has posted and taken what (fuzz_sync.c).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RUNTIME_FUZZ_INTERNAL_H
#define SYSTOLE_RUNTIME_FUZZ_INTERNAL_H

#include "fuzz.h"

#include "systole/base/rng.h"
#include "systole/isa/isa.h"
#include "systole/sim/check.h"

/* Core registers with a fixed use; x1 to x25 hold values. */
enum {
    FUZZ_REG_LAST_VALUE = 25,
    FUZZ_REG_LOOP0 = 26, /* loops: values that move, or what the trap handler needs */
    FUZZ_REG_LOOP1 = 27,
    FUZZ_REG_LOOP2 = 28,
    FUZZ_REG_COUNT = 29,
    FUZZ_REG_SPARE = 30,
    FUZZ_REG_DATA = 31 /* ISA_DMEM_BASE */
};

#define FUZZ_MAX_POOL   48u  /* constants at the start of DMEM */
#define FUZZ_LOG_START  256u /* where results go in DMEM, up to 2047: what an immediate reaches */
#define FUZZ_MAX_TOKENS 96u  /* posts of one semaphore that the generator follows */
#define FUZZ_N_ACTORS   ISA_N_UNITS
#define FUZZ_FLOATS \
    128u /* well-behaved fp32 values in DRAM, to be loaded as data and constant rows */

/* One entry of a unit's queue, or of the core's. */
typedef enum fuzz_op_kind { FUZZ_OP_SET, FUZZ_OP_WAIT, FUZZ_OP_POST, FUZZ_OP_COMMAND } fuzz_op_kind;
typedef struct fuzz_op {
    fuzz_op_kind kind;
    uint8_t pair;   /* SET */
    uint8_t funct7; /* COMMAND */
    bool is_wild;   /* WAIT, POST: of the semaphore in `a`, whatever that does */
    uint32_t a;     /* SET: values; COMMAND: tag */
    uint32_t b;
} fuzz_op;

#define FUZZ_MAX_OPS 192u
typedef struct fuzz_group {
    isa_unit unit;
    size_t n_ops;
    size_t n_done;
    fuzz_op ops[FUZZ_MAX_OPS];
} fuzz_group;

/* What an actor knows: how many waits of each actor have been taken. */
typedef struct fuzz_clock {
    uint32_t at[FUZZ_N_ACTORS];
} fuzz_clock;

typedef struct fuzz_sem {
    int producer;      /* -1 none, -2 several */
    int consumer;      /* -1 none */
    bool poisoned;     /* starved on purpose: nobody may post any more */
    bool shared;       /* anybody may wait: see fuzz_sync.c */
    uint32_t n_fenced; /* shared: waits before the last FENCE */
    uint8_t posters;   /* for coverage: a bit for each actor */
    uint8_t waiters;
    uint32_t n_posts;
    uint32_t n_waits;
    fuzz_clock post[FUZZ_MAX_TOKENS];  /* what the poster knew */
    uint32_t wait_at[FUZZ_MAX_TOKENS]; /* number of the wait in its actor, from 1 */
} fuzz_sem;

typedef struct fuzz_sync {
    int free_poster; /* the unit that posts to shared semaphores and waits for nothing; -1: none are
                        shared */
    fuzz_clock knows[FUZZ_N_ACTORS];
    fuzz_sem sems[32];
} fuzz_sync;

/* Where the banks of a unit's commands are. */
typedef enum fuzz_spread {
    FUZZ_SPREAD_ALL,
    FUZZ_SPREAD_APART,
    FUZZ_SPREAD_NARROW,
    FUZZ_N_SPREADS
} fuzz_spread;

typedef struct fuzz_note {
    size_t at; /* word */
    const char *text;
} fuzz_note;

typedef struct fuzz_gen {
    base_arena *arena;
    const isa_config *config;
    base_rng rng;
    fuzz_kind kind;
    bool failed; /* memory is out */

    uint32_t *words;
    size_t n_words;
    size_t max_words;
    size_t entry; /* word */
    fuzz_note *notes;
    size_t n_notes;
    size_t max_notes;
    uint32_t pool[FUZZ_MAX_POOL];
    size_t n_pool;
    uint32_t floats[FUZZ_FLOATS];
    uint32_t floats_at; /* DRAM address */

    bool known[32]; /* core registers */
    uint32_t value[32];
    uint32_t pinned; /* one bit per register: not to be overwritten now */
    uint32_t log_at; /* next place in DMEM for a result */

    uint32_t regs[ISA_N_QUEUES]
                 [ISA_MAX_REGS]; /* as the unit has them after what was pushed so far */
    fuzz_sync sync;

    fuzz_spread spread;
    uint32_t narrow[2];    /* first bank of the narrow window: SPM, ACC */
    bool all_set;          /* every command sets all its registers */
    unsigned noise_one_in; /* core instructions between pushes */
    unsigned sync_one_in;  /* semaphores around a command */
    bool long_streams;
    bool has_handler; /* of traps */

    uint64_t budget; /* cycles that commands may still take, roughly */
    uint64_t bound;  /* cycles that the program cannot exceed */
    uint32_t stall_max;
    uint32_t ready_max;

    fuzz_command *commands;
    size_t n_commands;
    size_t max_commands;
    uint64_t banks[ISA_N_QUEUES][2]; /* of each unit's last command: SPM, ACC */
    uint32_t meetings;
} fuzz_gen;

/* fuzz_emit.c: random numbers, words, values, notes, results */
uint32_t rt_fuzz_below(fuzz_gen *g, uint32_t n);
int32_t rt_fuzz_range(fuzz_gen *g, int64_t low, int64_t high);
bool rt_fuzz_one_in(fuzz_gen *g, uint32_t n);
uint32_t rt_fuzz_corner(fuzz_gen *g); /* a 32-bit value, often an extreme one */
uint32_t rt_fuzz_float(fuzz_gen *g);  /* the bits of an fp32 value, mostly a tame one */
bool rt_fuzz_room(const fuzz_gen *g, size_t n_words);
void rt_fuzz_word(fuzz_gen *g, uint32_t word);
void rt_fuzz_note(fuzz_gen *g, const char *format, ...) __attribute__((format(printf, 2, 3)));
void rt_fuzz_load(fuzz_gen *g, unsigned reg, uint32_t value); /* value into a given register */
unsigned rt_fuzz_value(fuzz_gen *g, uint32_t value);          /* a register that holds value */
void rt_fuzz_forget(fuzz_gen *g);            /* no register's value is known any more */
void rt_fuzz_log(fuzz_gen *g, unsigned reg); /* store a register into DMEM */
void rt_fuzz_log_csr(fuzz_gen *g);           /* store a counter or another CSR */
void rt_fuzz_finish(fuzz_gen *g, fuzz_program *out);

/*
 * fuzz_sync.c: posts and waits that cannot deadlock or overflow, however the machine's timing
 * falls.  Each semaphore has one actor that waits; a post is allowed if the waits that surely lie
 * before it leave room.
 */
void rt_fuzz_sync_init(fuzz_gen *g);
int rt_fuzz_sync_find_post(fuzz_gen *g, unsigned actor); /* a semaphore, or -1 */
int rt_fuzz_sync_find_wait(fuzz_gen *g, unsigned actor);
int rt_fuzz_sync_find_fresh(fuzz_gen *g); /* never used, or -1 */
bool rt_fuzz_sync_may_post(const fuzz_gen *g, const fuzz_sync *sync, unsigned actor, unsigned sem);
void rt_fuzz_sync_push(fuzz_sync *sync, unsigned unit); /* before each push */
void rt_fuzz_sync_post(fuzz_sync *sync, unsigned actor, unsigned sem);
void rt_fuzz_sync_wait(fuzz_sync *sync, unsigned actor, unsigned sem);
void rt_fuzz_sync_fence(fuzz_sync *sync);
void rt_fuzz_sync_wild(fuzz_sync *sync, unsigned actor, bool post,
                       uint32_t sem);              /* one without care: for coverage */
uint32_t rt_fuzz_sync_pairs(const fuzz_sync *sync); /* as fuzz_program has them */

/* fuzz_walk.c: places in memory and walks through them */
uint32_t rt_fuzz_memory_rows(const fuzz_gen *g, isa_memory memory);
sim_rows rt_fuzz_region(fuzz_gen *g, isa_unit unit, isa_memory memory);
bool rt_fuzz_two_regions(fuzz_gen *g, isa_unit unit, isa_memory memory, sim_rows regions[2]);
void rt_fuzz_counts(fuzz_gen *g, uint32_t total, uint32_t n[4]); /* product is total */
bool rt_fuzz_strides(fuzz_gen *g, sim_walk *walk, unsigned first_loop, int64_t n_rows, bool unique);
bool rt_fuzz_place(fuzz_gen *g, sim_walk *walk, unsigned first_loop, sim_rows region);
uint32_t rt_fuzz_length(fuzz_gen *g, uint32_t most); /* rows of a stream */

/* fuzz_mxu.c, fuzz_vpu.c, fuzz_dma.c: a command that passes its checks; regs holds the old values
 * and gets the new ones. */
uint8_t rt_fuzz_mxu(fuzz_gen *g, uint32_t regs[ISA_MAX_REGS]);
uint8_t rt_fuzz_vpu(fuzz_gen *g, uint32_t regs[ISA_MAX_REGS]);
void rt_fuzz_window(fuzz_gen *g, uint32_t *regs); /* all that a VEC with a window needs but walks */
uint8_t rt_fuzz_dma(fuzz_gen *g, isa_unit unit, uint32_t regs[ISA_MAX_REGS]);
uint8_t rt_fuzz_command(fuzz_gen *g, isa_unit unit, uint32_t regs[ISA_MAX_REGS]);
uint64_t rt_fuzz_cost(const fuzz_gen *g, isa_unit unit, uint8_t funct7, const uint32_t *regs,
                      uint64_t *bound);

/* fuzz_illegal.c: a command that fails its checks, by an error chosen at random; false if none was
 * found. */
bool rt_fuzz_illegal(fuzz_gen *g, isa_unit unit, uint32_t regs[ISA_MAX_REGS], uint8_t *funct7,
                     isa_error *error);
/* Whether a command of the unit can fail its checks with this error. */
bool rt_fuzz_can_fail(isa_unit unit, isa_error error);
void rt_fuzz_wild(fuzz_gen *g, isa_unit unit, uint32_t regs[ISA_MAX_REGS], uint8_t *funct7);

/* fuzz_group.c: groups of queue entries, merged into the program */
void rt_fuzz_group_command(fuzz_gen *g, fuzz_group *group, uint8_t funct7,
                           const uint32_t regs[ISA_MAX_REGS]);
void rt_fuzz_emit_op(fuzz_gen *g, isa_unit unit, const fuzz_op *op);
void rt_fuzz_emit_groups(fuzz_gen *g, fuzz_group *groups, size_t n);
void rt_fuzz_noise(fuzz_gen *g); /* core instructions and the core's own synchronisation */
void rt_fuzz_loop(fuzz_gen *g);  /* a loop of commands of one to three units */

/* fuzz_core.c: a program that is mostly core instructions; a trap handler for others, and what goes
 * through it */
void rt_fuzz_core(fuzz_gen *g);
void rt_fuzz_handler(fuzz_gen *g);   /* from word 0 on; sets entry, FUZZ_REG_DATA and mtvec */
void rt_fuzz_exception(fuzz_gen *g); /* any exception */

/* fuzz_race.c: posts and waits without care, and what depends on who comes first by a cycle */
void rt_fuzz_wild_sem(fuzz_gen *g, unsigned actor, bool post,
                      uint32_t s); /* one, whatever that does */
void rt_fuzz_posts(fuzz_gen *g, unsigned actor, unsigned sem,
                   uint32_t rounds); /* in a loop of the core */
void rt_fuzz_errors_in_step(
    fuzz_gen *g); /* errors of several actors in one cycle, or nearly; at least one */
void rt_fuzz_semaphore_race(
    fuzz_gen *g); /* as many posts as waits, and perhaps an overflow between them */

#endif
