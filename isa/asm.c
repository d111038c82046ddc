/*
 * asm.c -- the assembler: passes, sections, directives.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/isa/asm.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asm_internal.h"
#include "systole/base/assert.h"
#include "systole/base/rng.h"

/* The largest memories of a core, see config.def. */
#define CORE_MEMORY_LIMIT (UINT32_C(1) << 22)

bool isa_asm_fail(asm_state *state, const char *place, const char *fmt, ...)
{
    if (state->status == SY_OK) {
        char text[512];
        va_list args;
        va_start(args, fmt);
        (void)vsnprintf(text, sizeof text, fmt, args);
        va_end(args);
        state->where = (isa_asm_where){state->line, (unsigned)(place - state->line_start) + 1};
        state->status = base_fail(state->diag, SY_EFORMAT, "%s:%u:%u: %s", state->name,
                                  state->where.line, state->where.column, text);
    }
    return false;
}

bool isa_asm_out_of_memory(asm_state *state)
{
    if (state->status == SY_OK) {
        state->status = base_fail(state->diag, SY_ENOMEM, "%s: out of memory", state->name);
    }
    return false;
}

uint64_t isa_asm_here(const asm_state *state)
{
    const asm_section *section = &state->sections.items[state->current];
    return section->base + section->n_bytes;
}

/* Room for n_bytes more in the current section; what to write to in the second pass. */
static bool take_room(asm_state *state, const char *place, uint64_t n_bytes, uint8_t **out)
{
    asm_section *section = &state->sections.items[state->current];
    if (n_bytes > section->limit_bytes - section->n_bytes) {
        return isa_asm_fail(state, place,
                            "the section has %" PRIu64 " bytes, expected at most %" PRIu64,
                            section->n_bytes + n_bytes, section->limit_bytes);
    }
    *out = section->data != NULL ? section->data + section->n_bytes : NULL;
    section->n_bytes += n_bytes;
    return true;
}

/* The words that the next n_bytes begin or go on come from this line. */
static void note_lines(asm_state *state, size_t n_bytes)
{
    const size_t n_name = strlen(state->name) + 1;
    const size_t from = (size_t)state->sections.items[0].n_bytes & ~(size_t)3;
    const size_t end = (size_t)state->sections.items[0].n_bytes + n_bytes;
    for (size_t at = from; at < end && n_name + at + 4 <= state->n_line_bytes; at += 4) {
        base_set_le32(state->lines + n_name + at, state->line);
    }
}

bool isa_asm_emit(asm_state *state, const char *place, const void *data, size_t n_bytes)
{
    uint8_t *out = NULL;
    if (state->lines != NULL && state->current == 0) {
        note_lines(state, n_bytes);
    }
    if (!take_room(state, place, n_bytes, &out)) {
        return false;
    }
    if (out != NULL && data != NULL) {
        memcpy(out, data, n_bytes);
    }
    return true;
}

bool isa_asm_emit_word(asm_state *state, const char *place, uint32_t word)
{
    uint8_t bytes[4];
    if ((state->sections.items[state->current].n_bytes & 3) != 0) {
        return isa_asm_fail(state, place,
                            "an instruction at address 0x%" PRIx64
                            ", which is no multiple of 4: use .align 2",
                            isa_asm_here(state));
    }
    base_set_le32(bytes, word);
    return isa_asm_emit(state, place, bytes, sizeof bytes);
}

/* .byte, .half, .word, by size. */
static bool put_values(asm_state *state, size_t n_bytes)
{
    const int64_t high = (int64_t)((UINT64_C(1) << (8 * n_bytes)) - 1);
    const int64_t low = -(high / 2) - 1;
    do {
        asm_value value = {0, false};
        uint8_t bytes[8];
        isa_asm_skip_blank(state);
        const char *place = state->at;
        if (!isa_asm_take_value(state, &value)) {
            return false;
        }
        if (value.known && (value.number < low || value.number > high)) {
            return isa_asm_fail(state, place,
                                "%" PRId64 " is out of range, expected %" PRId64 " to %" PRId64,
                                value.number, low, high);
        }
        base_set_le64(bytes, (uint64_t)value.number);
        if (!isa_asm_emit(state, place, bytes, n_bytes)) {
            return false;
        }
    } while (isa_asm_accept(state, ','));
    return true;
}

static bool put_floats(asm_state *state)
{
    do {
        uint32_t bits = 0;
        uint8_t bytes[4];
        const char *place = state->at;
        if (!isa_asm_take_float(state, &bits)) {
            return false;
        }
        base_set_le32(bytes, bits);
        if (!isa_asm_emit(state, place, bytes, sizeof bytes)) {
            return false;
        }
    } while (isa_asm_accept(state, ','));
    return true;
}

static bool put_random(asm_state *state, const char *place)
{
    int64_t n = 0;
    int64_t seed = 0;
    uint8_t *out = NULL;
    if (!isa_asm_take_constant(state, 0, UINT32_MAX, &n) || !isa_asm_take(state, ',') ||
        !isa_asm_take_constant(state, 0, INT64_MAX, &seed) ||
        !take_room(state, place, (uint64_t)n, &out)) {
        return false;
    }
    base_rng rng = base_rng_make((uint64_t)seed, 0);
    for (int64_t i = 0; out != NULL && i < n; i += 8) {
        uint8_t bytes[8];
        base_set_le64(bytes, base_rng_next(&rng));
        memcpy(out + i, bytes, (size_t)(n - i < 8 ? n - i : 8));
    }
    return true;
}

static bool put_zeros(asm_state *state, const char *place)
{
    int64_t n = 0;
    return isa_asm_take_constant(state, 0, UINT32_MAX, &n) &&
           isa_asm_emit(state, place, NULL, (size_t)n);
}

static bool align(asm_state *state, const char *place)
{
    int64_t power = 0;
    if (!isa_asm_take_constant(state, 0, 20, &power)) {
        return false;
    }
    const uint64_t size = UINT64_C(1) << power;
    return isa_asm_emit(state, place, NULL,
                        (size_t)((size - (isa_asm_here(state) & (size - 1))) & (size - 1)));
}

/* The second pass meets the sections of the first in the same order. */
static bool begin_dram(asm_state *state)
{
    int64_t address = 0;
    if (!isa_asm_take_constant(state, 0, UINT32_MAX, &address)) {
        return false;
    }
    state->current = 2 + state->n_dram++;
    if (state->pass == 2) {
        return true;
    }
    const uint64_t room = (UINT64_C(1) << 32) - (uint64_t)address;
    const asm_section section = {.base = (uint64_t)address,
                                 .limit_bytes = room < ISA_ASM_DRAM_LIMIT ? room
                                                                          : ISA_ASM_DRAM_LIMIT};
    return base_vec_push(state->arena, &state->sections, section) || isa_asm_out_of_memory(state);
}

static bool define_constant(asm_state *state)
{
    char name[ASM_NAME_BYTES];
    int64_t number = 0;
    isa_asm_skip_blank(state);
    const char *place = state->at;
    return isa_asm_take_name(state, "a name", name) && isa_asm_take(state, ',') &&
           isa_asm_take_constant(state, INT64_MIN, INT64_MAX, &number) &&
           isa_asm_define(state, place, name, number, false);
}

static bool set_entry(asm_state *state, const char *place)
{
    if (state->entry[0] != '\0' && state->pass == 1) {
        return isa_asm_fail(state, place, ".entry is given twice, first in line %u",
                            state->entry_where.line);
    }
    isa_asm_skip_blank(state);
    state->entry_where = (isa_asm_where){state->line,
                                         (unsigned)(state->at - state->line_start) + 1};
    return isa_asm_take_name(state, "a label", state->entry);
}

static bool directive(asm_state *state, const char *place, const char *name)
{
    if (strcmp(name, ".text") == 0 || strcmp(name, ".data") == 0) {
        state->current = name[1] == 't' ? 0 : 1;
        return true;
    }
    if (strcmp(name, ".word") == 0 || strcmp(name, ".half") == 0 || strcmp(name, ".byte") == 0) {
        return put_values(state, name[1] == 'w' ? 4 : name[1] == 'h' ? 2 : 1);
    }
    if (strcmp(name, ".dram") == 0) {
        return begin_dram(state);
    }
    if (strcmp(name, ".float") == 0) {
        return put_floats(state);
    }
    if (strcmp(name, ".zero") == 0) {
        return put_zeros(state, place);
    }
    if (strcmp(name, ".align") == 0) {
        return align(state, place);
    }
    if (strcmp(name, ".random") == 0) {
        return put_random(state, place);
    }
    if (strcmp(name, ".equ") == 0) {
        return define_constant(state);
    }
    if (strcmp(name, ".entry") == 0) {
        return set_entry(state, place);
    }
    return isa_asm_fail(state, place, "unknown directive '%s'", name);
}

/* One statement: labels, then a directive or an instruction, or nothing. */
static bool statement(asm_state *state)
{
    while (!isa_asm_at_end(state)) {
        char name[ASM_NAME_BYTES];
        const char *place = state->at;
        if (!isa_asm_take_name(state, "a label, an instruction or a directive", name)) {
            return false;
        }
        if (*state->at == ':') {
            state->at++;
            if (!isa_asm_define(state, place, name, (int64_t)isa_asm_here(state), true)) {
                return false;
            }
            continue;
        }
        const bool done = name[0] == '.' ? directive(state, place, name)
                                         : isa_asm_instruction(state, place, name);
        if (!done) {
            return false;
        }
        return isa_asm_at_end(state) ||
               isa_asm_fail(state, state->at, "unexpected text after the operands");
    }
    return true;
}

static bool run_pass(asm_state *state, const char *text, int pass)
{
    state->pass = pass;
    state->line = 1;
    state->line_start = text;
    state->at = text;
    state->current = 0;
    state->n_dram = 0;
    memset(state->shadow, 0, sizeof state->shadow);
    memset(state->shadow_known, 1, sizeof state->shadow_known);
    for (size_t i = 0; i < state->sections.n; i++) {
        state->sections.items[i].n_bytes = 0;
    }
    for (size_t i = 0; i < ASM_BUCKETS; i++) {
        for (asm_symbol *symbol = state->buckets[i]; symbol != NULL; symbol = symbol->next) {
            symbol->seen = false;
        }
    }
    while (*state->at != '\0') {
        if (!statement(state)) {
            return false;
        }
        /* Past the comment, or only past ';'. */
        if (*state->at != ';') {
            state->at += strcspn(state->at, "\n");
        }
        if (*state->at == '\n') {
            state->line++;
            state->line_start = state->at + 1;
        }
        state->at += *state->at != '\0' ? 1 : 0;
    }
    return true;
}

/* Between the passes: room for what the first has counted. */
static bool allocate(asm_state *state)
{
    for (size_t i = 0; i < state->sections.n; i++) {
        asm_section *section = &state->sections.items[i];
        if (section->is_text) {
            section->n_bytes = (section->n_bytes + 3) & ~UINT64_C(3);
        }
        section->data = base_arena_alloc(state->arena, (size_t)section->n_bytes, 1);
        if (section->data == NULL) {
            return isa_asm_out_of_memory(state);
        }
    }
    const size_t n_name = strlen(state->name) + 1;
    state->n_line_bytes = n_name + (size_t)state->sections.items[0].n_bytes;
    state->lines = base_arena_alloc(state->arena, state->n_line_bytes, 1);
    if (state->lines == NULL) {
        return isa_asm_out_of_memory(state);
    }
    memcpy(state->lines, state->name, n_name);
    return true;
}

/* Which line each instruction came from. */
static bool collect_lines(asm_state *state, isa_program *program)
{
    isa_section *section = BASE_ARENA_NEW(state->arena, isa_section);
    if (section == NULL) {
        return isa_asm_out_of_memory(state);
    }
    *section = (isa_section){
        .name = ISA_LINES_SECTION, .data = state->lines, .n_bytes = state->n_line_bytes};
    program->sections = section;
    program->n_sections = 1;
    return true;
}

static int by_address(const void *a, const void *b)
{
    const isa_segment *x = a;
    const isa_segment *y = b;
    return x->address < y->address ? -1 : x->address > y->address ? 1 : 0;
}

static bool collect_dram(asm_state *state, isa_program *program)
{
    isa_segment *segments = BASE_ARENA_ARRAY(state->arena, isa_segment, state->sections.n);
    size_t n = 0;
    if (segments == NULL) {
        return isa_asm_out_of_memory(state);
    }
    for (size_t i = 2; i < state->sections.n; i++) {
        const asm_section *section = &state->sections.items[i];
        if (section->n_bytes > 0) {
            segments[n++] = (isa_segment){.address = (uint32_t)section->base,
                                          .n_bytes = (uint32_t)section->n_bytes,
                                          .n_data = (uint32_t)section->n_bytes,
                                          .data = section->data};
        }
    }
    qsort(segments, n, sizeof *segments, by_address);
    for (size_t i = 1; i < n; i++) {
        if ((uint64_t)segments[i - 1].address + segments[i - 1].n_bytes > segments[i].address) {
            state->status = base_fail(state->diag, SY_EFORMAT,
                                      "%s: the .dram sections at 0x%" PRIx32 " and 0x%" PRIx32
                                      " overlap",
                                      state->name, segments[i - 1].address, segments[i].address);
            return false;
        }
    }
    program->dram = segments;
    program->n_dram = n;
    return true;
}

/* Labels of .text become symbols; the entry is found. */
static bool collect_symbols(asm_state *state, isa_program *program)
{
    isa_symbol *symbols = BASE_ARENA_ARRAY(state->arena, isa_symbol, state->labels.n);
    if (symbols == NULL) {
        return isa_asm_out_of_memory(state);
    }
    for (size_t i = 0; i < state->labels.n; i++) {
        const asm_symbol *label = state->labels.items[i];
        symbols[i] = (isa_symbol){.name = label->name, .pc = (uint32_t)label->value};
    }
    program->symbols = symbols;
    program->n_symbols = state->labels.n;
    const bool given = state->entry[0] != '\0';
    const asm_symbol *entry = isa_asm_find(state, given ? state->entry : "_start");
    if (entry != NULL && entry->in_text) {
        program->entry = (uint32_t)entry->value;
    } else if (given) {
        state->where = state->entry_where;
        state->status = base_fail(state->diag, SY_EFORMAT,
                                  "%s:%u:%u: .entry '%s' is no label of .text", state->name,
                                  state->where.line, state->where.column, state->entry);
        return false;
    }
    return true;
}

/* Both passes over a text whose .text and .data lie at these addresses; NULL after an error,
 * *status set. */
static asm_state *assemble(base_arena *arena, const char *text, const char *name,
                           const asm_section sections[2], bool is_image, isa_asm_where *where,
                           sy_status *status, base_diag *diag)
{
    /* Too large for the stack of a small thread. */
    asm_state *state = BASE_ARENA_NEW(arena, asm_state);
    if (state == NULL) {
        *status = base_fail(diag, SY_ENOMEM, "%s: out of memory", name);
        return NULL;
    }
    state->arena = arena;
    state->name = name;
    state->diag = diag;
    state->is_image = is_image;
    const bool done = ((base_vec_push(arena, &state->sections, sections[0]) &&
                        base_vec_push(arena, &state->sections, sections[1])) ||
                       isa_asm_out_of_memory(state)) &&
                      run_pass(state, text, 1) && allocate(state) && run_pass(state, text, 2);
    if (where != NULL) {
        *where = state->where;
    }
    *status = state->status;
    return done ? state : NULL;
}

sy_status isa_assemble(base_arena *arena, const char *text, const char *name, isa_program *program,
                       isa_asm_where *where, base_diag *diag)
{
    const asm_section sections[2] = {
        {.base = ISA_IMEM_BASE, .limit_bytes = CORE_MEMORY_LIMIT, .is_text = true},
        {.base = ISA_DMEM_BASE, .limit_bytes = CORE_MEMORY_LIMIT}};
    isa_program made = {.isa_hash = isa_table_hash()};
    sy_status status;
    asm_state *state = assemble(arena, text, name, sections, false, where, &status, diag);
    if (state == NULL) {
        return status;
    }
    if (!collect_dram(state, &made) || !collect_symbols(state, &made) ||
        !collect_lines(state, &made)) {
        if (where != NULL) {
            *where = state->where;
        }
        return state->status;
    }
    made.text = state->sections.items[0].data;
    made.n_text_bytes = (uint32_t)((state->sections.items[0].n_bytes + 3) & ~UINT64_C(3));
    made.data = state->sections.items[1].data;
    made.n_data_bytes = (uint32_t)state->sections.items[1].n_bytes;
    *program = made;
    return SY_OK;
}

/* How many of n bytes from an address have one. */
static uint64_t below_4_gib(uint64_t address, uint64_t n)
{
    const uint64_t end = (uint64_t)UINT32_MAX + 1;
    return address >= end ? 0 : n < end - address ? n : end - address;
}

sy_status isa_assemble_image(base_arena *arena, const char *text, const char *name, uint32_t base,
                             isa_image *image, isa_asm_where *where, base_diag *diag)
{
    const asm_section sections[2] = {
        {.base = base, .limit_bytes = below_4_gib(base, ISA_ASM_IMAGE_TEXT), .is_text = true},
        {.base = (uint64_t)base + ISA_ASM_IMAGE_TEXT,
         .limit_bytes = below_4_gib((uint64_t)base + ISA_ASM_IMAGE_TEXT, CORE_MEMORY_LIMIT)}};
    isa_program made = {.entry = base};
    sy_status status;
    if (base % 4 != 0) {
        return base_fail(diag, SY_EINVAL, "an image at 0x%" PRIx32 ", expected a multiple of 4",
                         base);
    }
    asm_state *state = assemble(arena, text, name, sections, true, where, &status, diag);
    isa_segment *segments = BASE_ARENA_ARRAY(arena, isa_segment, 2);
    if (state == NULL || segments == NULL) {
        return state == NULL ? status : base_fail(diag, SY_ENOMEM, "%s: out of memory", name);
    }
    if (state->sections.n > 2) {
        return base_fail(diag, SY_EFORMAT, "%s: an image has no .dram", name);
    }
    if (!collect_symbols(state, &made)) {
        return state->status;
    }
    size_t n = 0;
    for (size_t i = 0; i < 2; i++) {
        const asm_section *section = &state->sections.items[i];
        if (section->n_bytes > 0) {
            segments[n++] = (isa_segment){.address = (uint32_t)section->base,
                                          .n_bytes = (uint32_t)section->n_bytes,
                                          .n_data = (uint32_t)section->n_bytes,
                                          .data = section->data};
        }
    }
    if (n == 0) {
        return base_fail(diag, SY_EFORMAT, "%s: the image is empty", name);
    }
    *image = (isa_image){.segments = segments,
                         .n_segments = n,
                         .symbols = made.symbols,
                         .n_symbols = made.n_symbols,
                         .entry = made.entry};
    return SY_OK;
}

void isa_asm_show(const char *text, isa_asm_where where, base_buf *out)
{
    for (unsigned line = 1; line < where.line && *text != '\0'; line++) {
        text += strcspn(text, "\n");
        text += *text != '\0' ? 1 : 0;
    }
    const size_t n = strcspn(text, "\r\n");
    for (size_t i = 0; i < n; i++) { /* a file that is no text must not send codes to a terminal */
        const bool shown = (text[i] >= ' ' && text[i] <= '~') || text[i] == '\t';
        base_buf_putc(out, shown ? text[i] : '?');
    }
    base_buf_putc(out, '\n');
    /* Tabs stay tabs, so that the caret stands where it should. */
    for (unsigned column = 1; column < where.column; column++) {
        base_buf_putc(out, column <= n && text[column - 1] == '\t' ? '\t' : ' ');
    }
    base_buf_puts(out, "^\n");
}
