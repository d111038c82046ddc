/*
 * bare.c -- bare-metal programs: where they lie, how they end, their signature.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/rt/bare.h"

#include <inttypes.h>
#include <string.h>

#include "systole/base/assert.h"
#include "systole/isa/isa.h"

/* ---------------------------------------------------------------- where it lies */

/* True if all segments lie within n_bytes from base. */
static bool window_holds(const isa_image *image, uint32_t base, uint32_t n_bytes)
{
    for (size_t i = 0; i < image->n_segments; i++) {
        const isa_segment *s = &image->segments[i];
        if (s->address - base >= n_bytes || s->n_bytes > n_bytes - (s->address - base)) {
            return false;
        }
    }
    return true;
}

/* True if each segment lies in IMEM or in DMEM at their own bases. */
static bool split_holds(const isa_image *image, const isa_config *config)
{
    for (size_t i = 0; i < image->n_segments; i++) {
        const isa_image one = {.segments = &image->segments[i], .n_segments = 1};
        if (!window_holds(&one, ISA_IMEM_BASE, config->imem_bytes) &&
            !window_holds(&one, ISA_DMEM_BASE, config->dmem_bytes)) {
            return false;
        }
    }
    return true;
}

static sy_status place(rt_bare *program, const isa_config *config, base_diag *diag)
{
    const isa_image *image = &program->image;
    const uint32_t size = config->imem_bytes < config->dmem_bytes ? config->imem_bytes
                                                                  : config->dmem_bytes;
    const isa_segment *first = &image->segments[0];
    const isa_segment *last = &image->segments[image->n_segments - 1];
    const uint32_t base = first->address & ~(size - 1);
    /* Both memories round the base down to their own size: with the smaller one's they must agree.
     */
    const uint32_t larger = config->imem_bytes ^ config->dmem_bytes ^ size;
    const bool aligned = (base & (larger - 1)) == 0;
    if (aligned && window_holds(image, base, size)) {
        program->run.core_map = UINT32_C(1) << ISA_HOST_CORE_MAP_UNIFIED_LOW;
        program->run.core_base = base;
        return SY_OK;
    }
    if (split_holds(image, config)) {
        return SY_OK;
    }
    return base_fail(diag, SY_ERANGE,
                     "%s: it lies from 0x%" PRIx32 " to 0x%" PRIx32
                     ", expected within one window of 0x%" PRIx32
                     " bytes at a multiple of that (core.imem_bytes, core.dmem_bytes of "
                     "configuration %s), or instructions at 0x%x and data at 0x%x",
                     program->name, first->address, last->address + last->n_bytes - 1, size,
                     config->name, ISA_IMEM_BASE, ISA_DMEM_BASE);
}

/* The memories' bytes behind an address of DMEM in the program's map; false if they are outside. */
static bool data_offset(const rt_bare *program, const isa_config *config, uint32_t address,
                        uint32_t n_bytes, uint32_t *offset)
{
    const uint32_t base = program->run.core_map != 0 ? program->run.core_base : ISA_DMEM_BASE;
    *offset = address - (base & ~(config->dmem_bytes - 1));
    return *offset < config->dmem_bytes && n_bytes <= config->dmem_bytes - *offset;
}

static sy_status find_symbols(rt_bare *program, const isa_config *config, base_diag *diag)
{
    const isa_image *image = &program->image;
    uint32_t end = 0;
    uint32_t offset;
    program->has_tohost = isa_image_find(image, "tohost", &program->tohost);
    program->has_signature = isa_image_find(image, "begin_signature", &program->signature) &&
                             isa_image_find(image, "end_signature", &end);
    program->n_signature_bytes = end - program->signature;
    if (program->has_signature &&
        (end < program->signature || program->n_signature_bytes % 4 != 0)) {
        return base_fail(diag, SY_EFORMAT,
                         "%s: the signature goes from 0x%" PRIx32 " to 0x%" PRIx32
                         ", expected whole words",
                         program->name, program->signature, end);
    }
    if (program->has_signature && program->n_signature_bytes > 0 &&
        !data_offset(program, config, program->signature, program->n_signature_bytes, &offset)) {
        return base_fail(diag, SY_ERANGE,
                         "%s: the signature from 0x%" PRIx32 " to 0x%" PRIx32 " lies outside DMEM",
                         program->name, program->signature, end);
    }
    if (program->has_tohost) {
        if (program->tohost % 4 != 0 ||
            !data_offset(program, config, program->tohost, 4, &offset)) {
            return base_fail(diag, SY_ERANGE,
                             "%s: tohost is at 0x%" PRIx32 ", expected a word of DMEM",
                             program->name, program->tohost);
        }
        program->run.core_map |= UINT32_C(1) << ISA_HOST_CORE_MAP_WATCH_LOW;
        program->run.core_watch = program->tohost;
    }
    return SY_OK;
}

sy_status rt_bare_open(base_arena *arena, const char *path, const isa_config *config,
                       rt_bare *program, base_diag *diag)
{
    rt_bare made = {.name = path, .run = {.max_cycles = RT_BARE_MAX_CYCLES}};
    SY_TRY(isa_image_load(arena, path, &made.image, diag));
    made.run.entry = made.image.entry;
    if (made.image.entry % 4 != 0) {
        return base_fail(diag, SY_EFORMAT, "%s: entry 0x%" PRIx32 ", expected a multiple of 4",
                         path, made.image.entry);
    }
    SY_TRY(place(&made, config, diag));
    SY_TRY(find_symbols(&made, config, diag));
    *program = made;
    return SY_OK;
}

/* ---------------------------------------------------------------- loading */

static sy_status clear(sim_machine *machine, sim_memory memory)
{
    static const uint8_t zeros[65536];
    const uint64_t n_bytes = rt_memory_bytes(&machine->config, memory);
    for (uint64_t at = 0; at < n_bytes; at += sizeof zeros) {
        const uint64_t left = n_bytes - at;
        SY_TRY(sim_machine_write(machine, memory, at, zeros,
                                 left < sizeof zeros ? (size_t)left : sizeof zeros));
    }
    return SY_OK;
}

sy_status rt_bare_load(sim_machine *machine, const rt_bare *program, base_diag *diag)
{
    static const sim_memory memories[2] = {SIM_IMEM, SIM_DMEM};
    const isa_config *c = &machine->config;
    const bool unified = (program->run.core_map >> ISA_HOST_CORE_MAP_UNIFIED_LOW & 1) != 0;
    const uint32_t bases[2] = {unified ? program->run.core_base : ISA_IMEM_BASE,
                               unified ? program->run.core_base : ISA_DMEM_BASE};
    const uint32_t sizes[2] = {c->imem_bytes, c->dmem_bytes};
    sy_status status = SY_OK;
    for (size_t k = 0; k < 2 && status == SY_OK; k++) {
        status = clear(machine, memories[k]);
        for (size_t i = 0; i < program->image.n_segments && status == SY_OK; i++) {
            const isa_segment *s = &program->image.segments[i];
            if (s->address - bases[k] < sizes[k] && s->n_data > 0) {
                status = sim_machine_write(machine, memories[k], s->address - bases[k], s->data,
                                           s->n_data);
            }
        }
    }
    return status == SY_OK ? SY_OK
                           : base_fail(diag, status, "%s: cannot be loaded into %s", program->name,
                                       machine->name);
}

/* ---------------------------------------------------------------- running */

/* Watches for a jump to itself: the same pc thrice in a row. */
typedef struct watcher {
    uint32_t pc;
    unsigned n; /* times in a row */
    uint64_t cycle;
} watcher;

static bool watch(void *user, uint32_t pc, uint64_t cycle)
{
    watcher *w = user;
    w->n = w->n > 0 && w->pc == pc ? w->n + 1 : 1;
    w->pc = pc;
    w->cycle = cycle;
    return w->n < 3;
}

void rt_bare_judge(const rt_bare *program, const sim_result *run, rt_bare_result *result)
{
    *result = (rt_bare_result){.run = *run};
    if (run->end == SIM_END_DONE) {
        /* A HALT with 0 is a good end of any program. */
        result->signalled = program->has_tohost && run->exit_code != 0;
        result->value = run->exit_code;
        result->passed = run->exit_code == (result->signalled ? 1 : 0);
    } else if (run->end == SIM_END_ERROR && run->error == ISA_ERROR_TRAP && !program->has_tohost) {
        result->passed = run->error_command == ISA_EXCEPTION_ECALL ||
                         run->error_command == ISA_EXCEPTION_BREAKPOINT;
    }
}

sy_status rt_bare_run(sim_machine *machine, const rt_bare *program, rt_bare_result *result,
                      base_diag *diag)
{
    watcher w = {0};
    const sim_observer observer = {.user = &w, .retire = watch};
    sim_run_options run = program->run;
    sim_result end;
    run.observer = &observer;
    SY_TRY(rt_bare_load(machine, program, diag));
    SY_TRY(sim_machine_run(machine, &run, &end, diag));
    if (end.end == SIM_END_STOPPED) {
        /* Once more, to exactly there: what a stopped run leaves in memory is not known. */
        run.observer = NULL;
        run.max_cycles = w.cycle + 1;
        SY_TRY(rt_bare_load(machine, program, diag));
        SY_TRY(sim_machine_run(machine, &run, &end, diag));
        rt_bare_judge(program, &end, result);
        result->loops = true;
        result->loop_pc = w.pc;
        result->passed = !program->has_tohost;
        return SY_OK;
    }
    rt_bare_judge(program, &end, result);
    return SY_OK;
}

/* ---------------------------------------------------------------- words */

/* "0x80000054 (write_tohost + 4)" */
static void print_place(const isa_image *image, uint32_t pc, base_buf *out)
{
    const isa_symbol *best = NULL;
    for (size_t i = 0; i < image->n_symbols; i++) {
        const isa_symbol *s = &image->symbols[i];
        if (s->pc <= pc && (best == NULL || s->pc > best->pc)) {
            best = s;
        }
    }
    base_buf_printf(out, "0x%" PRIx32, pc);
    if (best != NULL && pc == best->pc) {
        base_buf_printf(out, " (%s)", best->name);
    } else if (best != NULL) {
        base_buf_printf(out, " (%s + %" PRIu32 ")", best->name, pc - best->pc);
    }
}

/* The exception that a failure may come from; an ecall is how tests end. */
static void print_exception(const rt_bare *program, const sim_core_registers *core, base_buf *out)
{
    if (core->mepc != 0 && core->mcause != ISA_EXCEPTION_ECALL) {
        const char *text = isa_exception_text(core->mcause); /* what it is; what mtval holds */
        base_buf_printf(out, "; last exception: %" PRIu32 " (%.*s) at ", core->mcause,
                        (int)strcspn(text, ";"), text);
        print_place(&program->image, core->mepc, out);
        base_buf_printf(out, ", mtval 0x%" PRIx32, core->mtval);
    }
}

static void print_reason(const rt_bare *program, const rt_bare_result *result, base_buf *out)
{
    if (result->loops) {
        base_buf_puts(out, program->has_tohost ? "it never stored to tohost: it jumps to itself at "
                                               : "in a jump to itself at ");
        print_place(&program->image, result->loop_pc, out);
    } else if (result->signalled && result->value % 2 == 0) {
        base_buf_printf(out, "tohost = 0x%" PRIx32 ", a request that no host serves here",
                        result->value);
    } else if (result->signalled && !result->passed) {
        base_buf_printf(out, "test %" PRIu32 " failed (tohost = %" PRIu32 ")", result->value >> 1,
                        result->value);
    } else if (result->run.end == SIM_END_LIMIT) {
        base_buf_printf(out, "it never %s: --max-cycles raises the limit",
                        program->has_tohost ? "stored to tohost"
                                            : "ended, and has no symbol tohost");
    } else if (!result->signalled) {
        rt_end_print(&result->run, out);
        return;
    }
    base_buf_printf(out, "%s%" PRIu64 " cycles, %" PRIu64 " instructions",
                    result->passed && !result->loops ? "" : ", ", result->run.cycles,
                    result->run.retired);
    if (!result->passed) {
        print_exception(program, &result->run.core, out);
    }
    if (!result->passed && program->image.compressed) {
        base_buf_puts(out,
                      "; the file says it has compressed instructions, which this core has not");
    }
}

void rt_bare_print(const rt_bare *program, const rt_bare_result *result, base_buf *out)
{
    base_buf_puts(out, result->passed ? "pass: " : "fail: ");
    print_reason(program, result, out);
}

sy_status rt_bare_signature(sim_machine *machine, const rt_bare *program, base_buf *out,
                            base_diag *diag)
{
    uint32_t at = 0;
    if (!program->has_signature) {
        return base_fail(diag, SY_EFORMAT, "%s: no symbols begin_signature and end_signature",
                         program->name);
    }
    (void)data_offset(program, &machine->config, program->signature, 0, &at);
    for (uint32_t i = 0; i < program->n_signature_bytes; i += 4) {
        uint8_t word[4];
        SY_TRY(sim_machine_read(machine, SIM_DMEM, at + i, word, sizeof word));
        base_buf_printf(out, "%08" PRIx32 "\n", base_get_le32(word));
    }
    return base_buf_status(out);
}
