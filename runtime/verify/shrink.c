/*
 * shrink.c -- delta debugging over instructions, then over their operands and the data.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shrink.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "systole/isa/isa.h"

typedef struct shrinker {
    shrink_case *now;
    shrink_case next; /* the candidate: arrays as large as those of now */
    uint32_t *moved;  /* where a word goes */
    shrink_test test;
    void *user;
    size_t n_tests, max_tests;
} shrinker;

static void copy(shrink_case *to, const shrink_case *from)
{
    uint32_t *const text = to->text, *const data = to->data, *const dram = to->dram;
    memcpy(text, from->text, from->n_text * sizeof *text);
    memcpy(data, from->data, from->n_data * sizeof *data);
    memcpy(dram, from->dram, from->n_dram * sizeof *dram);
    *to = *from;
    to->text = text;
    to->data = data;
    to->dram = dram;
}

/* Keeps the candidate if it shows the fault. */
static bool keep(shrinker *s)
{
    if (s->n_tests >= s->max_tests) {
        return false;
    }
    s->n_tests++;
    if (!s->test(s->user, &s->next)) {
        return false;
    }
    copy(s->now, &s->next);
    return true;
}

/* ---- instructions removed ---- */

/* The word of a branch or jump, that went from word `at` to `new_at`, with the target it had. */
static uint32_t with_target(const shrinker *s, uint32_t word, size_t at, size_t new_at)
{
    isa_insn insn;
    if (!isa_decode(word, &insn) ||
        (insn.format != ISA_FORMAT_BRANCH && insn.format != ISA_FORMAT_J) || insn.imm % 4 != 0) {
        return word;
    }
    const int64_t target = (int64_t)at + insn.imm / 4;
    if (target < 0 || target > (int64_t)s->now->n_text) {
        return word;
    }
    insn.imm = (int32_t)(4 * ((int64_t)s->moved[target] - (int64_t)new_at));
    (void)isa_encode(&insn, &word); /* distances only fall */
    return word;
}

/* Tries without the n words from `first` on. */
static bool remove_words(shrinker *s, size_t first, size_t n)
{
    shrink_case *const next = &s->next;
    copy(next, s->now);
    for (size_t i = 0; i <= s->now->n_text; i++) {
        s->moved[i] = (uint32_t)(i < first ? i : i < first + n ? first : i - n);
    }
    next->n_text = s->now->n_text - n;
    next->entry = s->moved[s->now->entry];
    for (size_t i = 0; i < s->now->n_text; i++) {
        if (i < first || i >= first + n) {
            next->text[s->moved[i]] = with_target(s, s->now->text[i], i, s->moved[i]);
        }
    }
    return next->n_text > next->entry && keep(s);
}

static bool is_halt(uint32_t word)
{
    isa_insn insn;
    return isa_decode(word, &insn) && insn.op == ISA_OP_CORE_HALT;
}

/* From the end to the start; the last HALT stays, so that the program has an end. */
static bool remove_all_chunks(shrinker *s, size_t chunk)
{
    bool any = false;
    size_t end = s->now->n_text;
    if (end > 0 && is_halt(s->now->text[end - 1])) {
        end--;
    }
    while (end > 0) {
        const size_t n = chunk < end ? chunk : end;
        if (remove_words(s, end - n, n)) {
            any = true;
        }
        end -= n;
    }
    return any;
}

static bool remove_instructions(shrinker *s, size_t first_chunk)
{
    bool any = false;
    for (size_t chunk = first_chunk; chunk > 0; chunk /= 2) {
        while (remove_all_chunks(s, chunk)) {
            any = true;
            if (chunk > 4) {
                break; /* smaller ones first */
            }
        }
    }
    return any;
}

/* ---- instructions made simpler ---- */

static bool try_insn(shrinker *s, size_t at, const isa_insn *insn)
{
    uint32_t word;
    if (isa_encode(insn, &word) != SY_OK || word == s->now->text[at]) {
        return false;
    }
    copy(&s->next, s->now);
    s->next.text[at] = word;
    return keep(s);
}

/* An immediate nearer to zero: 1, then halves, then one less. */
static bool try_immediate(shrinker *s, size_t at, isa_insn insn, int32_t unit)
{
    const int32_t was = insn.imm / unit;
    const int32_t values[] = {1, was / 2, was > 0 ? was - 1 : was + 1};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        insn.imm = values[i] * unit;
        if (values[i] != 0 && (was < 0 || values[i] < was) && try_insn(s, at, &insn)) {
            return true;
        }
    }
    return false;
}

/* A source register that is x0, or one with a lower number that is written somewhere. */
static bool try_source(shrinker *s, size_t at, isa_insn *insn, uint8_t *field)
{
    const unsigned was = *field;
    uint32_t written = 1;
    for (size_t i = 0; i < s->now->n_text; i++) {
        isa_insn other;
        if (isa_decode(s->now->text[i], &other)) {
            written |= UINT32_C(1) << other.rd;
        }
    }
    for (unsigned reg = 0; reg < was; reg++) {
        if ((written >> reg & 1) != 0) {
            *field = (uint8_t)reg;
            if (try_insn(s, at, insn)) {
                return true;
            }
        }
    }
    return false;
}

/* What gives a register a value: the value 1, or a constant of the data without the load. */
static bool try_constant(shrinker *s, size_t at, const isa_insn *insn)
{
    isa_insn simple = {.op = ISA_OP_ADDI, .rd = insn->rd, .imm = 1};
    if (insn->rd == 0 || (insn->op == ISA_OP_ADDI && insn->rs1 == 0)) {
        return false;
    }
    if (try_insn(s, at, &simple)) {
        return true;
    }
    const size_t word = (size_t)insn->imm / 4;
    if (insn->op == ISA_OP_LW && insn->imm >= 0 && word < s->now->n_data) {
        const int32_t value = (int32_t)s->now->data[word];
        const int32_t low = (int32_t)((uint32_t)value << 20) >> 20;
        simple.imm = low;
        if (try_insn(s, at, &simple)) {
            return true;
        }
        simple.op = ISA_OP_LUI;
        simple.imm = (int32_t)((uint32_t)value - (uint32_t)low);
        return try_insn(s, at, &simple);
    }
    return false;
}

static bool simplify(shrinker *s, size_t at)
{
    isa_insn insn;
    if (!isa_decode(s->now->text[at], &insn)) {
        return false;
    }
    const isa_insn nop = {.op = ISA_OP_ADDI};
    if (insn.op != ISA_OP_CORE_HALT && try_insn(s, at, &nop)) {
        return true; /* it is there for its time alone */
    }
    isa_insn other = insn; /* try_source leaves its last attempt in it */
    switch (insn.format) {
    case ISA_FORMAT_XSYSTOLE:
        return try_source(s, at, &other, &other.rs1) ||
               (insn.op == ISA_OP_SET && try_source(s, at, &insn, &insn.rs2));
    case ISA_FORMAT_I:
    case ISA_FORMAT_SHIFT:
        return try_constant(s, at, &insn) || try_source(s, at, &other, &other.rs1) ||
               try_immediate(s, at, insn, 1);
    case ISA_FORMAT_U:
        return try_constant(s, at, &insn) || try_immediate(s, at, insn, 4096);
    case ISA_FORMAT_R:
    case ISA_FORMAT_LOAD:
    case ISA_FORMAT_CSR:
    case ISA_FORMAT_CSRI:
        return try_constant(s, at, &insn);
    case ISA_FORMAT_STORE:
    case ISA_FORMAT_BRANCH:
    case ISA_FORMAT_J:
    case ISA_FORMAT_FENCE:
    case ISA_FORMAT_NONE:
    case ISA_N_FORMATS:
        break;
    }
    return false;
}

/* ---- data and stalls ---- */

/* Fewer words at the end of an array. */
static bool cut(shrinker *s, size_t *now, size_t *next)
{
    bool any = false;
    for (size_t n = *now; n > 0; n /= 2) {
        while (*now >= n) {
            copy(&s->next, s->now);
            *next = *now - n;
            if (!keep(s)) {
                break;
            }
            any = true;
        }
    }
    return any;
}

static bool without_stalls(shrinker *s)
{
    bool any = false;
    for (uint32_t less = s->now->stall_max; less > 0; less /= 2) {
        copy(&s->next, s->now);
        s->next.stall_max = s->now->stall_max - less;
        any = keep(s) || any;
        less = less < s->now->stall_max ? less : s->now->stall_max;
    }
    return any;
}

static bool shrinker_init(shrinker *s, base_arena *arena)
{
    const shrink_case *c = s->now;
    s->next.text = BASE_ARENA_ARRAY(arena, uint32_t, c->n_text + 1);
    s->next.data = BASE_ARENA_ARRAY(arena, uint32_t, c->n_data + 1);
    s->next.dram = BASE_ARENA_ARRAY(arena, uint32_t, c->n_dram + 1);
    s->moved = BASE_ARENA_ARRAY(arena, uint32_t, c->n_text + 1);
    return s->next.text != NULL && s->next.data != NULL && s->next.dram != NULL && s->moved != NULL;
}

size_t rt_shrink(base_arena *arena, shrink_case *c, shrink_test test, void *user, size_t max_tests)
{
    shrinker s = {.now = c, .test = test, .user = user, .max_tests = max_tests};
    if (!shrinker_init(&s, arena)) {
        return 0;
    }
    (void)without_stalls(&s);
    (void)remove_instructions(&s, c->n_text / 2);
    for (bool any = true; any && s.n_tests < max_tests;) {
        any = cut(&s, &c->n_dram, &s.next.n_dram) || cut(&s, &c->n_data, &s.next.n_data);
        for (size_t i = c->n_text; i-- > 0;) {
            while (i < c->n_text && simplify(&s, i)) {
                any = true;
            }
        }
        any = remove_instructions(&s, 4) || any;
        any = without_stalls(&s) || any;
    }
    return s.n_tests;
}

/* ---- from and to programs ---- */

static uint32_t *words_of(base_arena *arena, const uint8_t *bytes, size_t n)
{
    uint32_t *words = BASE_ARENA_ARRAY(arena, uint32_t, n + 1);
    for (size_t i = 0; i < n && words != NULL; i++) {
        words[i] = base_get_le32(bytes + 4 * i);
    }
    return words;
}

static const uint8_t *bytes_of(base_arena *arena, const uint32_t *words, size_t n)
{
    uint8_t *bytes = BASE_ARENA_ARRAY(arena, uint8_t, 4 * n + 1);
    for (size_t i = 0; i < n && bytes != NULL; i++) {
        base_set_le32(bytes + 4 * i, words[i]);
    }
    return bytes;
}

sy_status rt_shrink_from(base_arena *arena, const isa_program *program, uint32_t stall_max,
                         shrink_case *out, base_diag *diag)
{
    const isa_segment *dram = program->n_dram > 0 ? &program->dram[0] : NULL;
    *out = (shrink_case){.n_text = program->n_text_bytes / 4,
                         .entry = program->entry / 4,
                         .n_data = program->n_data_bytes / 4,
                         .n_dram = dram != NULL ? (size_t)dram->n_data / 4 : 0,
                         .dram_at = dram != NULL ? (uint32_t)dram->address : 0,
                         .stall_max = stall_max};
    out->text = words_of(arena, program->text, out->n_text);
    out->data = words_of(arena, program->data, out->n_data);
    out->dram = words_of(arena, dram != NULL ? dram->data : NULL, out->n_dram);
    return out->text != NULL && out->data != NULL && out->dram != NULL
               ? SY_OK
               : base_fail(diag, SY_ENOMEM, "out of memory");
}

sy_status rt_shrink_program(base_arena *arena, const shrink_case *c, const isa_config *config,
                            isa_program *out, base_diag *diag)
{
    isa_segment *dram = BASE_ARENA_NEW(arena, isa_segment);
    *out = (isa_program){
        .text = bytes_of(arena, c->text, c->n_text),
        .n_text_bytes = (uint32_t)(4 * c->n_text),
        .data = bytes_of(arena, c->data, c->n_data),
        .n_data_bytes = (uint32_t)(4 * c->n_data),
        .entry = (uint32_t)(4 * c->entry),
        .dram = dram,
        .n_dram = c->n_dram > 0 ? 1 : 0,
        .isa_hash = isa_table_hash(),
        .has_config = true,
        .config = *config,
    };
    if (dram == NULL || out->text == NULL || out->data == NULL) {
        return base_fail(diag, SY_ENOMEM, "out of memory");
    }
    *dram = (isa_segment){.address = c->dram_at,
                          .n_bytes = (uint32_t)(4 * c->n_dram),
                          .n_data = (uint32_t)(4 * c->n_dram),
                          .data = bytes_of(arena, c->dram, c->n_dram)};
    return dram->data != NULL ? SY_OK : base_fail(diag, SY_ENOMEM, "out of memory");
}

static void print_words(base_buf *out, const char *directive, const uint32_t *words, size_t n)
{
    base_buf_printf(out, "%s\n", directive);
    for (size_t i = 0; i < n; i++) {
        base_buf_printf(out, "    .word 0x%08" PRIx32 "\n", words[i]);
    }
}

void rt_shrink_print(const shrink_case *c, base_buf *out)
{
    char text[ISA_DISASM_BYTES];
    base_buf_printf(out, ".entry start\n.text\n");
    for (size_t i = 0; i < c->n_text; i++) {
        if (i == c->entry) {
            base_buf_printf(out, "start:\n");
        }
        isa_disasm(c->text[i], (uint32_t)(4 * i), text);
        base_buf_printf(out, "    %s\n", text);
    }
    if (c->n_data > 0) {
        print_words(out, ".data", c->data, c->n_data);
    }
    if (c->n_dram > 0) {
        (void)snprintf(text, sizeof text, ".dram 0x%08" PRIx32, c->dram_at);
        print_words(out, text, c->dram, c->n_dram);
    }
}
