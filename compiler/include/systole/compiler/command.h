/*
 * command.h -- the scheduler's output: a flat list of unit commands in program order.
 *
 * The scheduler writes each command with the whole set of descriptor registers that matter to it,
 * as if registers cost nothing. Code generation finds the loops again (reroll.h), drops SETs of
 * registers that already hold their value, and emits code. The list is serially legal: every WAIT
 * finds its POST earlier.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_COMPILER_COMMAND_H
#define SYSTOLE_COMPILER_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "systole/base/arena.h"
#include "systole/status.h"

#define CC_MAX_LAYERS    65536 /* of a program */
#define CC_MAX_REGISTERS 54    /* of any unit; a test holds it against isa/fields.def */

/* A push: a command of a unit, or a WAIT or POST to a unit's queue, or an instruction of the core
 * (SEMWAIT, FENCE). */
typedef struct cc_command {
    uint8_t unit;     /* isa unit number */
    uint8_t funct7;   /* operation */
    uint16_t layer;   /* index into cc_program.layers: the code generator makes one function of each
                         run of equal layers */
    uint32_t payload; /* WAIT, POST: the semaphore; commands: the tag (number of the graph node) */
    uint64_t mask;    /* bit r: register r matters; 0 for WAIT and POST */
    uint32_t regs[CC_MAX_REGISTERS];
} cc_command;

typedef struct cc_layer {
    const char *name; /* a legal symbol is made from it */
} cc_layer;

/* One entry point of a binary: the commands of one accelerator segment. The core halts with exit
 * code 0 after the last. */
typedef struct cc_program {
    const char *name; /* symbol of the entry point */
    cc_command *commands;
    size_t n_commands, capacity;
    cc_layer *layers;
    uint32_t n_layers, layers_capacity;
} cc_program;

/* Starts the next layer; commands added after it belong to it. The name is copied. */
sy_status cc_program_begin_layer(base_arena *arena, cc_program *p, const char *name);

/* Appends a copy of *command (its layer is set). */
sy_status cc_program_add(base_arena *arena, cc_program *p, const cc_command *command);

/* Appends WAIT or POST on a semaphore to a unit's queue. */
sy_status cc_program_wait(base_arena *arena, cc_program *p, uint8_t unit, uint32_t semaphore);
sy_status cc_program_post(base_arena *arena, cc_program *p, uint8_t unit, uint32_t semaphore);

/* Sets register r of a command. */
static inline void cc_set(cc_command *c, unsigned r, uint32_t value)
{
    c->regs[r] = value;
    c->mask |= (uint64_t)1 << r;
}

#endif
