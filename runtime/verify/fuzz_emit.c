/*
 * fuzz_emit.c -- random values, instruction words, and the program they make.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fuzz_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

uint32_t rt_fuzz_below(fuzz_gen *g, uint32_t n)
{
    return (uint32_t)base_rng_below(&g->rng, n);
}

int32_t rt_fuzz_range(fuzz_gen *g, int64_t low, int64_t high)
{
    return (int32_t)base_rng_range(&g->rng, low, high);
}

bool rt_fuzz_one_in(fuzz_gen *g, uint32_t n)
{
    return base_rng_one_in(&g->rng, n);
}

uint32_t rt_fuzz_corner(fuzz_gen *g)
{
    static const uint32_t corners[] = {
        0,          1,          2,          UINT32_MAX, UINT32_MAX - 1, 0x80000000,
        0x80000001, 0x7FFFFFFF, 0x7FFFFFFE, 0x0000FFFF, 0x00010000,     0xFFFF0000,
        0x000000FF, 0xFFFFFF80, 0x0000007F, 0x55555555, 0xAAAAAAAA,     3,
        7,          31,         32,         33};
    switch (rt_fuzz_below(g, 4)) {
    case 0:
        return (uint32_t)rt_fuzz_range(g, -200, 200);
    case 1:
        return (uint32_t)base_rng_next(&g->rng);
    case 2: {
        const uint32_t shift = rt_fuzz_below(g, 32);
        return (UINT32_C(1) << shift) + (uint32_t)rt_fuzz_range(g, -1, 1);
    }
    }
    return corners[rt_fuzz_below(g, sizeof corners / sizeof corners[0])];
}

uint32_t rt_fuzz_float(fuzz_gen *g)
{
    static const uint32_t special[] = {
        0x00000000, 0x80000000, 0x7F800000, 0xFF800000, 0x7FC00000, 0xFFC00001, 0x7F800001,
        0x00000001, 0x807FFFFF, 0x00800000, 0x7F7FFFFF, 0xFF7FFFFF, 0x4F000000, 0xCF000000,
        0x4EFFFFFF, 0x3F000000, 0x3F800000, 0xBF800000, 0x4B000000, 0x4B800001,
    };
    float value;
    if (rt_fuzz_one_in(g, 8)) {
        return special[rt_fuzz_below(g, sizeof special / sizeof special[0])];
    }
    if (rt_fuzz_one_in(g, 16)) {
        return (uint32_t)base_rng_next(&g->rng);
    }
    if (rt_fuzz_one_in(g, 3)) { /* ties for rne */
        value = (float)rt_fuzz_range(g, -300, 300) * 0.5f;
    } else { /* a scale of quantised networks */
        const uint32_t exponent = 127 - 12 + rt_fuzz_below(g, 16);
        const uint32_t sign = rt_fuzz_below(g, 4) == 0 ? UINT32_C(1) << 31 : 0;
        return sign | exponent << 23 | ((uint32_t)base_rng_next(&g->rng) & 0x7FFFFF);
    }
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

bool rt_fuzz_room(const fuzz_gen *g, size_t n_words)
{
    return g->n_words + n_words <= g->max_words && !g->failed;
}

void rt_fuzz_word(fuzz_gen *g, uint32_t word)
{
    if (g->n_words < g->max_words) {
        g->words[g->n_words++] = word;
    } else {
        g->failed = true;
    }
}

void rt_fuzz_note(fuzz_gen *g, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (g->n_notes < g->max_notes) {
        const char *copy = base_arena_strdup(g->arena, text);
        g->failed = g->failed || copy == NULL;
        g->notes[g->n_notes++] = (fuzz_note){.at = g->n_words, .text = copy != NULL ? copy : ""};
    }
}

/* The value from the constants in DMEM, if there is room for it. */
static bool load_from_pool(fuzz_gen *g, unsigned reg, uint32_t value)
{
    size_t i = 0;
    while (i < g->n_pool && g->pool[i] != value) {
        i++;
    }
    if (i == FUZZ_MAX_POOL || !g->known[FUZZ_REG_DATA]) {
        return false;
    }
    if (i == g->n_pool) {
        g->pool[g->n_pool++] = value;
    }
    rt_fuzz_word(g, isa_encode_i(ISA_OP_LW, reg, FUZZ_REG_DATA, (int32_t)(4 * i)));
    return true;
}

void rt_fuzz_load(fuzz_gen *g, unsigned reg, uint32_t value)
{
    const int32_t low = (int32_t)(value << 20) >> 20;
    const uint32_t high = value - (uint32_t)low;
    g->known[reg] = reg != 0;
    g->value[reg] = value;
    if (reg != FUZZ_REG_DATA && rt_fuzz_one_in(g, 12) && load_from_pool(g, reg, value)) {
        return;
    }
    if (high == 0) {
        rt_fuzz_word(g, isa_encode_i(ISA_OP_ADDI, reg, 0, low));
        return;
    }
    rt_fuzz_word(g, isa_encode_u(ISA_OP_LUI, reg, (int32_t)high));
    if (low != 0) {
        rt_fuzz_word(g, isa_encode_i(ISA_OP_ADDI, reg, reg, low));
    }
}

unsigned rt_fuzz_value(fuzz_gen *g, uint32_t value)
{
    if (value == 0) {
        return 0;
    }
    const unsigned first = 1 + rt_fuzz_below(g, FUZZ_REG_LAST_VALUE);
    for (unsigned i = 0; i < FUZZ_REG_LAST_VALUE; i++) {
        const unsigned reg = 1 + (first + i) % FUZZ_REG_LAST_VALUE;
        if (g->known[reg] && g->value[reg] == value) {
            g->pinned |= UINT32_C(1) << reg;
            return reg;
        }
    }
    unsigned reg = first;
    while ((g->pinned >> reg & 1) != 0) {
        reg = 1 + reg % FUZZ_REG_LAST_VALUE;
    }
    rt_fuzz_load(g, reg, value);
    g->pinned |= UINT32_C(1) << reg;
    return reg;
}

void rt_fuzz_forget(fuzz_gen *g)
{
    memset(g->known, 0, sizeof g->known);
    g->pinned = 0;
}

void rt_fuzz_log(fuzz_gen *g, unsigned reg)
{
    const uint32_t end = g->config->dmem_bytes < 2048 ? g->config->dmem_bytes : 2048;
    rt_fuzz_word(g, isa_encode_s(ISA_OP_SW, FUZZ_REG_DATA, reg, (int32_t)g->log_at));
    g->log_at = g->log_at + 8 <= end ? g->log_at + 4 : FUZZ_LOG_START;
}

void rt_fuzz_log_csr(fuzz_gen *g)
{
    static const uint16_t csrs[] = {ISA_CSR_MCYCLE,    ISA_CSR_MINSTRET, ISA_CSR_MCYCLEH,
                                    ISA_CSR_MINSTRETH, ISA_CSR_MCYCLE,   ISA_CSR_MINSTRET,
                                    ISA_CSR_MHARTID,   ISA_CSR_MSTATUS};
    uint32_t csr = csrs[rt_fuzz_below(g, sizeof csrs / sizeof csrs[0])];
    if (!rt_fuzz_one_in(g, 3)) {
        csr = ISA_CSR_COUNTER(rt_fuzz_below(g, ISA_N_QUEUES), rt_fuzz_below(g, ISA_N_COUNTERS));
    }
    rt_fuzz_word(g, isa_encode_i(ISA_OP_CSRRS, FUZZ_REG_SPARE, 0, (int32_t)csr));
    rt_fuzz_log(g, FUZZ_REG_SPARE);
}

static void print_words(base_buf *out, const char *directive, const uint32_t *words, size_t n)
{
    base_buf_printf(out, "%s\n", directive);
    for (size_t i = 0; i < n; i++) {
        base_buf_printf(out, "    .word 0x%08" PRIx32 "\n", words[i]);
    }
}

static void print_source(const fuzz_gen *g, base_buf *out)
{
    size_t i_note = 0;
    base_buf_printf(out, ".entry start\n.text\n");
    for (size_t i = 0; i < g->n_words; i++) {
        char text[ISA_DISASM_BYTES];
        for (; i_note < g->n_notes && g->notes[i_note].at <= i; i_note++) {
            base_buf_printf(out, "    # %s\n", g->notes[i_note].text);
        }
        if (i == g->entry) {
            base_buf_printf(out, "start:\n");
        }
        isa_disasm(g->words[i], (uint32_t)(4 * i), text);
        base_buf_printf(out, "    %s\n", text);
    }
    if (g->n_pool > 0) {
        print_words(out, ".data", g->pool, g->n_pool);
    }
    char directive[32];
    (void)snprintf(directive, sizeof directive, ".dram 0x%08" PRIx32, g->floats_at);
    print_words(out, directive, g->floats, FUZZ_FLOATS);
}

/* Little-endian bytes of words, in the arena. */
static const uint8_t *bytes_of(fuzz_gen *g, const uint32_t *words, size_t n)
{
    uint8_t *bytes = BASE_ARENA_ARRAY(g->arena, uint8_t, 4 * n);
    g->failed = g->failed || bytes == NULL;
    for (size_t i = 0; i < n && bytes != NULL; i++) {
        base_set_le32(bytes + 4 * i, words[i]);
    }
    return bytes;
}

void rt_fuzz_finish(fuzz_gen *g, fuzz_program *out)
{
    base_buf source = {0};
    print_source(g, &source);
    out->source = base_buf_status(&source) == SY_OK ? base_arena_strdup(g->arena, source.data)
                                                    : NULL;
    base_buf_free(&source);

    isa_segment *dram = BASE_ARENA_NEW(g->arena, isa_segment);
    g->failed = g->failed || dram == NULL || out->source == NULL;
    if (g->failed) {
        return;
    }
    *dram = (isa_segment){.address = g->floats_at,
                          .n_bytes = 4 * FUZZ_FLOATS,
                          .n_data = 4 * FUZZ_FLOATS,
                          .data = bytes_of(g, g->floats, FUZZ_FLOATS)};
    out->program = (isa_program){
        .text = bytes_of(g, g->words, g->n_words),
        .n_text_bytes = (uint32_t)(4 * g->n_words),
        .data = bytes_of(g, g->pool, g->n_pool),
        .n_data_bytes = (uint32_t)(4 * g->n_pool),
        .entry = (uint32_t)(4 * g->entry),
        .dram = dram,
        .n_dram = 1,
        .isa_hash = isa_table_hash(),
        .has_config = true,
        .config = *g->config,
    };
    out->commands = g->commands;
    out->n_commands = g->n_commands;
    out->sync_pairs = rt_fuzz_sync_pairs(&g->sync);
    out->meetings = g->meetings;
}
