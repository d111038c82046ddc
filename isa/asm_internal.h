/*
 * asm_internal.h -- what the parts of the assembler share.
 *
 * Two passes over the text run the same code: the first learns the address of each label, the
 * second, with room allocated for what the first counted, writes.  Where the length of the code
 * depends on a value, the first pass notes how many words it took and the second keeps to that.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_ISA_ASM_INTERNAL_H
#define SYSTOLE_ISA_ASM_INTERNAL_H

#include "systole/base/vec.h"
#include "systole/isa/asm.h"
#include "systole/isa/isa.h"

/* Longest name of a label, constant, mnemonic or field. */
#define ASM_NAME_BYTES 128

typedef struct asm_section {
    uint64_t base;
    uint64_t limit_bytes;
    uint64_t n_bytes; /* reached in this pass */
    uint8_t *data;    /* second pass */
    bool is_text;
} asm_section;

typedef struct asm_symbol {
    const char *name;
    struct asm_symbol *next; /* of the same bucket */
    int64_t value;
    unsigned line; /* where it is defined */
    bool is_label;
    bool in_text;
    bool seen; /* in this pass: a constant's value holds only below its line */
} asm_symbol;

#define ASM_BUCKETS 1024

typedef struct asm_state {
    base_arena *arena;
    const char *name;
    base_diag *diag;
    sy_status status; /* of the first error */
    isa_asm_where where;

    int pass; /* 1 or 2 */
    const char *line_start;
    const char *at; /* the next character */
    unsigned line;

    BASE_VEC(asm_section) sections; /* 0: .text, 1: .data, then .dram in order of appearance */
    size_t current;
    size_t n_dram; /* met in this pass */

    asm_symbol *buckets[ASM_BUCKETS];
    BASE_VEC(asm_symbol *) labels; /* of .text (an image: all), in order */
    bool is_image;

    uint8_t *lines; /* second pass: the section ISA_LINES_SECTION */
    size_t n_line_bytes;

    BASE_VEC(uint8_t) n_words; /* of each constant load, noted in the first pass */
    size_t i_load;             /* next of n_words in the second pass */

    uint32_t shadow[ISA_N_UNITS][ISA_MAX_REGS]; /* what setf has set above, as far as known */
    bool shadow_known[ISA_N_UNITS][ISA_MAX_REGS];

    char entry[ASM_NAME_BYTES];
    isa_asm_where entry_where;
    unsigned depth; /* of parentheses */
} asm_state;

/* A value, and whether it is known yet (in the first pass a label below is not). */
typedef struct asm_value {
    int64_t number;
    bool known;
} asm_value;

/* Records the first error at a place in the current line, and returns false. */
bool isa_asm_fail(asm_state *state, const char *place, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
bool isa_asm_out_of_memory(asm_state *state);

/*
 * asm_lex.c: characters, names and expressions. All skip blanks first; the take functions fail with
 * a message.
 */
void isa_asm_skip_blank(asm_state *state);
bool isa_asm_at_end(asm_state *state); /* of the statement: newline, ';', a comment */
bool isa_asm_accept(asm_state *state, char c);
bool isa_asm_take(asm_state *state, char c);
bool isa_asm_accept_name(asm_state *state,
                         char name[ASM_NAME_BYTES]); /* letters, digits, '_', '.', '$' */
bool isa_asm_take_name(asm_state *state, const char *what, char name[ASM_NAME_BYTES]);
bool isa_asm_take_value(asm_state *state, asm_value *value);
/* Its number must be known (in both passes) and from low to high. */
bool isa_asm_take_constant(asm_state *state, int64_t low, int64_t high, int64_t *number);
/* The value of a descriptor register, with FIELD:VALUE for the fields it has. */
bool isa_asm_take_reg_value(asm_state *state, isa_unit unit, unsigned reg, asm_value *value);
/* A plain decimal floating-point number, as fp32 bits. */
bool isa_asm_take_float(asm_state *state, uint32_t *bits);

asm_symbol *isa_asm_find(asm_state *state, const char *name);
bool isa_asm_define(asm_state *state, const char *place, const char *name, int64_t value,
                    bool is_label);

/* asm.c: bytes into the current section. */
bool isa_asm_emit(asm_state *state, const char *place, const void *data,
                  size_t n_bytes); /* data NULL: zeros */
bool isa_asm_emit_word(asm_state *state, const char *place, uint32_t word);
/* The address of the next byte. */
uint64_t isa_asm_here(const asm_state *state);

/* asm_insn.c: the instruction whose mnemonic was just read at place. */
bool isa_asm_instruction(asm_state *state, const char *place, const char *mnemonic);

#endif
