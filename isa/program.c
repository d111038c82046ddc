/*
 * program.c -- lookups in programs, and whether a machine can run one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/isa/program.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "systole/isa/isa.h"

sy_status isa_program_check(const isa_program *program, const isa_config *config, base_diag *diag)
{
    if (program->isa_hash != 0 && program->isa_hash != isa_table_hash()) {
        return base_fail(diag, SY_EMISMATCH,
                         "the program was made for instruction tables %016" PRIx64
                         ", expected %016" PRIx64 ": compile it again",
                         program->isa_hash, isa_table_hash());
    }
    if (program->has_config && isa_config_hash(&program->config) != isa_config_hash(config)) {
        return base_fail(diag, SY_EMISMATCH,
                         "the program was compiled for configuration %s (%016" PRIx64
                         "), expected %s (%016" PRIx64 "): compile it for that one",
                         program->config.name, isa_config_hash(&program->config), config->name,
                         isa_config_hash(config));
    }
    if (program->n_text_bytes > config->imem_bytes) {
        return base_fail(diag, SY_ERANGE,
                         "the program has %" PRIu32
                         " bytes of instructions, expected at most core.imem_bytes = %" PRIu32,
                         program->n_text_bytes, config->imem_bytes);
    }
    if (program->n_data_bytes > config->dmem_bytes) {
        return base_fail(diag, SY_ERANGE,
                         "the program has %" PRIu32
                         " bytes of data, expected at most core.dmem_bytes = %" PRIu32,
                         program->n_data_bytes, config->dmem_bytes);
    }
    if (program->entry >= config->imem_bytes || program->entry % 4 != 0) {
        return base_fail(diag, SY_ERANGE,
                         "the program's entry is 0x%" PRIx32
                         ", expected a multiple of 4 below 0x%" PRIx32,
                         program->entry, config->imem_bytes);
    }
    for (size_t i = 0; i < program->n_dram; i++) {
        const isa_segment *segment = &program->dram[i];
        if ((uint64_t)segment->address + segment->n_bytes > isa_config_dram_bytes(config)) {
            return base_fail(diag, SY_ERANGE,
                             "the program fills DRAM to 0x%" PRIx64
                             ", expected at most dram.size_mib = %" PRIu32 " MiB",
                             (uint64_t)segment->address + segment->n_bytes, config->dram_mib);
        }
    }
    return SY_OK;
}

bool isa_program_find(const isa_program *program, const char *name, uint32_t *pc)
{
    for (size_t i = 0; i < program->n_symbols; i++) {
        if (strcmp(program->symbols[i].name, name) == 0) {
            *pc = program->symbols[i].pc;
            return true;
        }
    }
    return false;
}

const isa_symbol *isa_program_symbol_at(const isa_program *program, uint32_t pc)
{
    const isa_symbol *best = NULL;
    for (size_t i = 0; i < program->n_symbols; i++) {
        const isa_symbol *symbol = &program->symbols[i];
        if (symbol->pc <= pc && (best == NULL || symbol->pc > best->pc)) {
            best = symbol;
        }
    }
    return best;
}

const isa_section *isa_program_section(const isa_program *program, const char *name)
{
    for (size_t i = 0; i < program->n_sections; i++) {
        if (strcmp(program->sections[i].name, name) == 0) {
            return &program->sections[i];
        }
    }
    return NULL;
}

void isa_program_where(const isa_program *program, uint32_t pc, base_buf *out)
{
    const isa_section *lines = isa_program_section(program, ISA_LINES_SECTION);
    const uint8_t *bytes = lines != NULL ? lines->data : NULL;
    const uint8_t *end = lines != NULL ? memchr(bytes, 0, lines->n_bytes) : NULL;
    if (end != NULL && pc % 4 == 0 && pc < lines->n_bytes - (size_t)(end + 1 - bytes)) {
        const size_t left = lines->n_bytes - (size_t)(end + 1 - bytes) - pc;
        const uint32_t line = left >= 4 ? base_get_le32(end + 1 + pc) : 0;
        if (line != 0) {
            base_buf_printf(out, " (%s:%" PRIu32 ")", (const char *)bytes, line);
            return;
        }
    }
    const isa_symbol *symbol = isa_program_symbol_at(program, pc);
    if (symbol != NULL && pc > symbol->pc) {
        base_buf_printf(out, " (%s+0x%" PRIx32 ")", symbol->name, pc - symbol->pc);
    } else if (symbol != NULL) {
        base_buf_printf(out, " (%s)", symbol->name);
    }
}

static int by_pc(const void *a, const void *b)
{
    const isa_symbol *const *x = a;
    const isa_symbol *const *y = b;
    return (*x)->pc<(*y)->pc ? -1 : (*x)->pc>(*y)->pc ? 1 : strcmp((*x)->name, (*y)->name);
}

void isa_program_list(const isa_program *program, base_buf *out)
{
    const size_t n = program->n_symbols;
    base_buf order = {0};
    for (size_t i = 0; i < n; i++) {
        const isa_symbol *symbol = &program->symbols[i];
        base_buf_append(&order, &symbol, sizeof symbol);
    }
    if (base_buf_status(&order) != SY_OK) {
        out->failed = true;
        base_buf_free(&order);
        return;
    }
    const isa_symbol **symbols = (const isa_symbol **)(void *)order.data;
    if (n > 1) {
        qsort(symbols, n, sizeof *symbols, by_pc);
    }
    size_t i = 0;
    for (uint32_t at = 0; at + 4 <= program->n_text_bytes; at += 4) {
        const uint32_t pc = ISA_IMEM_BASE + at;
        const uint32_t word = base_get_le32(program->text + at);
        char text[ISA_DISASM_BYTES];
        for (; i < n && symbols[i]->pc <= pc; i++) {
            base_buf_printf(out, "%s:\n", symbols[i]->name);
        }
        isa_disasm(word, pc, text);
        base_buf_printf(out, "%8" PRIx32 ":  %08" PRIx32 "  %s\n", pc, word, text);
    }
    base_buf_free(&order);
}
