/*
 * fuzz_coverage.h -- the bins of coverage: groups, what an index in each means.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RUNTIME_FUZZ_COVERAGE_H
#define SYSTOLE_RUNTIME_FUZZ_COVERAGE_H

#include "fuzz_internal.h"

typedef enum fuzz_bins {
    BINS_FIELD, /* classes of registers and values of bit fields, in commands that pass or fail */
    BINS_LEGAL, /* values of bit fields that are built, in commands that pass; others: UNIMPLEMENTED
                 */
    BINS_ILLEGAL,     /* bit registers: bits outside the fields; fields: values not listed */
    BINS_CHECK,       /* unit x error of a command's checks */
    BINS_PRODUCT,     /* MATMUL: operation, rows against D, planes, accumulate */
    BINS_SOURCES,     /* VEC: A x B x output */
    BINS_REDUCE,      /* VEC: reduction x source x loops x output */
    BINS_BYTES,       /* LD, ST: closing loop x memory x how much is valid */
    BINS_SYNC,        /* who posts x who waits */
    BINS_INSTRUCTION, /* from here on: of runs. Retired; of commands: ended */
    BINS_END,
    BINS_ERROR, /* unit x error */
    BINS_EXCEPTION,
    BINS_COUNTER,  /* unit x cause */
    BINS_FULL,     /* unit whose full queue held the core up */
    BINS_BANKS,    /* memory x earlier unit x later unit, which waited for a bank */
    BINS_DEADLOCK, /* what the core does x unit that waits */
    BINS_CAUSES,   /* command x field x cause: together in a run */
    BINS_CONFIG,   /* keys: at the minimum, above; D, element types */
    N_BINS_GROUPS
} fuzz_bins;

/* A class of values of a register, or a value of a bit field. */
typedef struct fuzz_item {
    isa_unit unit;
    unsigned reg;
    bool is_class;
    unsigned class; /* is_class */
    unsigned low, width;
    uint32_t value;
    const char *field; /* else: the bit field, and the value's name or NULL */
    const char *name;
    bool built;
} fuzz_item;

enum { FUZZ_MAX_ITEMS = 2048, FUZZ_INTEGER_CLASSES = 5, FUZZ_FLOAT_CLASSES = 5 };

struct fuzz_coverage {
    base_arena *arena;
    fuzz_item items[FUZZ_MAX_ITEMS];
    size_t n_items;
    uint64_t *hits[N_BINS_GROUPS];
    uint32_t
        seen_by[FUZZ_MAX_ITEMS]; /* of one program: a bit for each command, see FUZZ_COMMANDS */
};

/* Xsystole instructions other than SET, numbered from 0. */
enum { FUZZ_COMMANDS = ISA_N_OPS - ISA_OP_SET - 1 };
#define FUZZ_COMMAND_OP(i) ((isa_op)(ISA_OP_SET + 1 + (int)(i)))

size_t rt_fuzz_n_bins(const fuzz_coverage *c, fuzz_bins group);

/* What no program can reach is left out. */
bool rt_fuzz_bin_is_reachable(const fuzz_coverage *c, fuzz_bins group, size_t bin);

void rt_fuzz_bin_name(const fuzz_coverage *c, fuzz_bins group, size_t bin, char *text,
                      size_t n_bytes);

/* Whether a command reads a register. */
bool rt_fuzz_uses(isa_unit unit, uint32_t funct7, unsigned reg);

/* Keys of the configuration. */
typedef struct fuzz_key {
    const char *name;
    uint32_t minimum;
    bool is_fixed; /* random machines have one value only, or seldom the minimum */
} fuzz_key;
size_t rt_fuzz_keys(const fuzz_key **keys);
uint32_t rt_fuzz_key_value(const isa_config *config, size_t key);

/* D: 4, 8, ... 64, in this order behind the keys; then the element types. */
enum { FUZZ_DIM_BINS = 5, FUZZ_ELEMENT_BINS = 2 };

#endif
