/*
 * cosim.c -- lockstep of two models.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/rt/cosim.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "systole/base/assert.h"
#include "systole/isa/isa.h"

/* Instructions kept of the first model: 2 GiB of them. */
#define MAX_INSTRUCTIONS ((uint64_t)1 << 27)

/* How much longer than the first the second model may run before it is stopped: enough to see what
 * it does instead. */
#define SLACK_CYCLES 1000

typedef struct retired {
    uint64_t cycle;
    uint32_t pc;
    uint32_t unused;
} retired;

/* What the first model reported. */
typedef struct record {
    base_buf commands[ISA_N_QUEUES]; /* sim_command_event */
    base_buf instructions;           /* retired */
    base_buf pops[ISA_N_QUEUES];     /* sim_queue_event */
    base_buf fires[ISA_N_QUEUES];    /* the same */
    const sim_observer *watch;       /* may be NULL */
    bool full;
} record;

typedef struct checker {
    const rt_cosim_options *options;
    const char *names[2];
    const record *expected;
    uint64_t n_commands[ISA_N_QUEUES];
    uint64_t n_instructions;
    uint64_t n_pops[ISA_N_QUEUES];
    uint64_t n_fires[ISA_N_QUEUES];
    uint64_t limit; /* events that end here or later are not compared; UINT64_MAX: all are */
    base_buf text;  /* the first difference */
} checker;

/* ---------------------------------------------------------------- the first model */

static bool keep_command(void *user, const sim_command_event *event)
{
    record *r = user;
    if (event->unit >= ISA_N_QUEUES ||
        !base_buf_append(&r->commands[event->unit], event, sizeof *event)) {
        r->full = true;
    }
    if (r->watch != NULL && r->watch->command != NULL &&
        !r->watch->command(r->watch->user, event)) {
        return false;
    }
    return !r->full;
}

static bool keep_retired(void *user, uint32_t pc, uint64_t cycle)
{
    record *r = user;
    const retired event = {.cycle = cycle, .pc = pc};
    if (r->instructions.n_bytes / sizeof event >= MAX_INSTRUCTIONS ||
        !base_buf_append(&r->instructions, &event, sizeof event)) {
        r->full = true;
    }
    if (r->watch != NULL && r->watch->retire != NULL &&
        !r->watch->retire(r->watch->user, pc, cycle)) {
        return false;
    }
    return !r->full;
}

static bool keep_queue(record *r, base_buf *lists, const sim_queue_event *event)
{
    r->full = r->full || event->unit >= ISA_N_QUEUES || !base_buf_append(&lists[event->unit], event, sizeof *event);
    return !r->full;
}

static bool keep_pop(void *user, const sim_queue_event *event)
{
    record *r = user;
    return keep_queue(r, r->pops, event);
}

static bool keep_fire(void *user, const sim_queue_event *event)
{
    record *r = user;
    return keep_queue(r, r->fires, event);
}

static void free_record(record *r)
{
    for (unsigned unit = 0; unit < ISA_N_QUEUES; unit++) {
        base_buf_free(&r->commands[unit]);
        base_buf_free(&r->pops[unit]);
        base_buf_free(&r->fires[unit]);
    }
    base_buf_free(&r->instructions);
}

/* ---------------------------------------------------------------- the second model */

static void print_command(checker *c, const sim_command_event *event)
{
    const isa_op op = isa_op_of_command((isa_unit)event->unit, event->funct7);
    char name[ISA_MNEMONIC_BYTES] = "?";
    if (op != ISA_OP_ILLEGAL) {
        isa_op_mnemonic(op, name);
    }
    const char *layer = c->options->layer != NULL
                            ? c->options->layer(c->options->layer_user, event->tag)
                            : NULL;
    base_buf_printf(&c->text, "%s command %" PRIu32 " (%s, tag %" PRIu32,
                    isa_unit_name(event->unit), event->number, name, event->tag);
    if (layer != NULL) {
        base_buf_printf(&c->text, ", layer '%s'", layer);
    }
    if (event->pc != 0) {
        base_buf_printf(&c->text, ", pc 0x%" PRIx32, event->pc);
    }
    base_buf_puts(&c->text, ")");
}

static void print_side(checker *c, int side, const sim_command_event *event)
{
    base_buf_printf(&c->text, "\n  %s: ", c->names[side]);
    if (event == NULL) {
        base_buf_puts(&c->text, "no such command");
        return;
    }
    base_buf_printf(&c->text,
                    "operation 0x%02x, number %" PRIu32 ", tag %" PRIu32 ", cycles %" PRIu64
                    " to %" PRIu64,
                    event->funct7, event->number, event->tag, event->start, event->end);
}

static void command_differs(checker *c, const sim_command_event *first,
                            const sim_command_event *second)
{
    print_command(c, first != NULL ? first : second);
    base_buf_puts(&c->text, " differs:");
    print_side(c, 0, first);
    print_side(c, 1, second);
}

static bool check_command(void *user, const sim_command_event *event)
{
    checker *c = user;
    if (event->unit >= ISA_N_QUEUES) {
        base_buf_printf(&c->text, "%s reports a command of unit %u, which has no queue",
                        c->names[1], event->unit);
        return false;
    }
    if (event->end >= c->limit) {
        return true;
    }
    const base_buf *list = &c->expected->commands[event->unit];
    const uint64_t i = c->n_commands[event->unit]++;
    sim_command_event first;
    if (i >= list->n_bytes / sizeof first) {
        command_differs(c, NULL, event);
        return false;
    }
    memcpy(&first, list->data + i * sizeof first, sizeof first);
    if (first.end >= c->limit) {
        command_differs(c, NULL, event);
        return false;
    }
    if (first.funct7 != event->funct7 || first.number != event->number || first.tag != event->tag ||
        first.start != event->start || first.end != event->end) {
        command_differs(c, &first, event);
        return false;
    }
    return true;
}

static void instruction_differs(checker *c, uint64_t number, const retired *first,
                                const retired *second)
{
    base_buf_printf(&c->text, "instruction %" PRIu64 " of the core differs:", number);
    for (int side = 0; side < 2; side++) {
        const retired *event = side == 0 ? first : second;
        base_buf_printf(&c->text, "\n  %s: ", c->names[side]);
        if (event == NULL) {
            base_buf_puts(&c->text, "no such instruction");
        } else {
            base_buf_printf(&c->text, "pc 0x%" PRIx32 " retired in cycle %" PRIu64, event->pc,
                            event->cycle);
        }
    }
}

static bool check_retired(void *user, uint32_t pc, uint64_t cycle)
{
    checker *c = user;
    const retired event = {.cycle = cycle, .pc = pc};
    retired first;
    if (cycle >= c->limit) {
        return true;
    }
    const uint64_t i = c->n_instructions++;
    if (i >= c->expected->instructions.n_bytes / sizeof first) {
        instruction_differs(c, i, NULL, &event);
        return false;
    }
    memcpy(&first, c->expected->instructions.data + i * sizeof first, sizeof first);
    if (first.pc != pc || first.cycle != cycle) {
        instruction_differs(c, i, &first, &event);
        return false;
    }
    return true;
}

static void queue_differs(checker *c, bool fires, uint64_t number, const sim_queue_event *first,
                          const sim_queue_event *second)
{
    const sim_queue_event *any = first != NULL ? first : second;
    base_buf_printf(&c->text, fires ? "POST %" PRIu64 " of %s differs:" : "entry %" PRIu64 " of the queue of %s differs:", number,
                    isa_unit_name(any->unit));
    for (int side = 0; side < 2; side++) {
        const sim_queue_event *event = side == 0 ? first : second;
        base_buf_printf(&c->text, "\n  %s: ", c->names[side]);
        if (event == NULL) {
            base_buf_puts(&c->text, fires ? "none has fired" : "none has left it");
        } else if (fires) {
            base_buf_printf(&c->text, "to semaphore %" PRIu32 ", fired in cycle %" PRIu64, event->value, event->cycle);
        } else {
            base_buf_printf(&c->text, "funct7 0x%02x, rs1 0x%" PRIx32 ", popped in cycle %" PRIu64, event->funct7, event->value,
                            event->cycle);
        }
    }
}

static bool check_queue(checker *c, bool fires, const sim_queue_event *event)
{
    if (event->unit >= ISA_N_QUEUES) {
        base_buf_printf(&c->text, "%s reports a queue of unit %u, which has none", c->names[1], event->unit);
        return false;
    }
    if (event->cycle >= c->limit) {
        return true;
    }
    const base_buf *list = fires ? &c->expected->fires[event->unit] : &c->expected->pops[event->unit];
    const uint64_t i = fires ? c->n_fires[event->unit]++ : c->n_pops[event->unit]++;
    sim_queue_event first;
    if (i >= list->n_bytes / sizeof first) {
        queue_differs(c, fires, i, NULL, event);
        return false;
    }
    memcpy(&first, list->data + i * sizeof first, sizeof first);
    if (first.funct7 != event->funct7 || first.value != event->value || first.cycle != event->cycle) {
        queue_differs(c, fires, i, &first, event);
        return false;
    }
    return true;
}

static bool check_pop(void *user, const sim_queue_event *event)
{
    return check_queue(user, false, event);
}

static bool check_fire(void *user, const sim_queue_event *event)
{
    return check_queue(user, true, event);
}

/* The same for entries and posts of a unit. */
static bool check_missing_queue(checker *c, unsigned unit, bool fires)
{
    const base_buf *list = fires ? &c->expected->fires[unit] : &c->expected->pops[unit];
    const uint64_t i = fires ? c->n_fires[unit] : c->n_pops[unit];
    sim_queue_event first;
    if (i >= list->n_bytes / sizeof first) {
        return true;
    }
    memcpy(&first, list->data + i * sizeof first, sizeof first);
    if (first.cycle < c->limit) {
        queue_differs(c, fires, i, &first, NULL);
        return false;
    }
    return true;
}

/* What the first model reported and the second did not. */
static void check_missing(checker *c)
{
    for (unsigned unit = 0; unit < ISA_N_QUEUES; unit++) {
        const base_buf *list = &c->expected->commands[unit];
        const uint64_t i = c->n_commands[unit];
        sim_command_event first;
        if (i < list->n_bytes / sizeof first) {
            memcpy(&first, list->data + i * sizeof first, sizeof first);
            if (first.end < c->limit) {
                command_differs(c, &first, NULL);
                return;
            }
        }
        if (!check_missing_queue(c, unit, false) || !check_missing_queue(c, unit, true)) {
            return;
        }
    }
    retired first;
    if (c->n_instructions < c->expected->instructions.n_bytes / sizeof first) {
        memcpy(&first, c->expected->instructions.data + c->n_instructions * sizeof first,
               sizeof first);
        if (first.cycle < c->limit) {
            instruction_differs(c, c->n_instructions, &first, NULL);
        }
    }
}

/* ---------------------------------------------------------------- results and memories */

static bool check_number(checker *c, const char *what, uint64_t first, uint64_t second)
{
    if (first == second) {
        return true;
    }
    base_buf_printf(&c->text, "%s differs:\n  %s: %" PRIu64 "\n  %s: %" PRIu64, what, c->names[0],
                    first, c->names[1], second);
    return false;
}

/* Both hold zeros after a limit. */
static bool check_core(checker *c, const sim_core_registers *first, const sim_core_registers *second)
{
    char what[64];
    for (unsigned i = 1; i < 32; i++) {
        snprintf(what, sizeof what, "x%u of the core", i);
        if (!check_number(c, what, first->x[i], second->x[i])) {
            return false;
        }
    }
    return check_number(c, "mstatus of the core", first->mstatus, second->mstatus) &&
           check_number(c, "mtvec of the core", first->mtvec, second->mtvec) &&
           check_number(c, "mscratch of the core", first->mscratch, second->mscratch) &&
           check_number(c, "mepc of the core", first->mepc, second->mepc) &&
           check_number(c, "mcause of the core", first->mcause, second->mcause) &&
           check_number(c, "mtval of the core", first->mtval, second->mtval);
}

static void check_results(checker *c, const sim_result *first, const sim_result *second)
{
    if (first->end != second->end) {
        base_buf line = {0};
        base_buf_puts(&c->text, "the end differs:");
        for (int side = 0; side < 2; side++) {
            rt_end_print(side == 0 ? first : second, &line);
            base_buf_printf(&c->text, "\n  %s: %s", c->names[side],
                            line.data != NULL ? line.data : "");
            base_buf_clear(&line);
        }
        base_buf_free(&line);
        return;
    }
    if (!check_number(c, "number of cycles", first->cycles, second->cycles) ||
        !check_number(c, "number of instructions", first->retired, second->retired) ||
        !check_number(c, "exit code", first->exit_code, second->exit_code) ||
        !check_number(c, "error", first->error, second->error) ||
        !check_number(c, "unit of the error", first->error_unit, second->error_unit) ||
        !check_number(c, "command of the error", first->error_command, second->error_command) ||
        !check_core(c, &first->core, &second->core)) {
        return;
    }
    const sim_dram_stats *one = &first->dram;
    const sim_dram_stats *two = &second->dram;
    if (!check_number(c, "number of read bursts", one->bursts[0], two->bursts[0]) ||
        !check_number(c, "number of write bursts", one->bursts[1], two->bursts[1]) ||
        !check_number(c, "number of read beats", one->beats[0], two->beats[0]) ||
        !check_number(c, "number of write beats", one->beats[1], two->beats[1]) ||
        !check_number(c, "number of row hits", one->row_hits, two->row_hits) ||
        !check_number(c, "number of row misses", one->row_misses, two->row_misses) ||
        !check_number(c, "number of row conflicts", one->row_conflicts, two->row_conflicts) ||
        !check_number(c, "number of refreshes", one->refreshes, two->refreshes)) {
        return;
    }
    for (unsigned unit = 0; unit < SIM_N_UNITS; unit++) {
        uint64_t sums[2] = {0};
        for (unsigned cause = 0; cause < SIM_N_CAUSES; cause++) {
            char what[64];
            sums[0] += first->counters[unit][cause];
            sums[1] += second->counters[unit][cause];
            snprintf(what, sizeof what, "counter %s of %s", isa_counter_name(cause),
                     isa_unit_name(unit));
            if (!check_number(c, what, first->counters[unit][cause],
                              second->counters[unit][cause])) {
                return;
            }
        }
        if (sums[0] != first->cycles || sums[1] != second->cycles) {
            base_buf_printf(&c->text, "the counters of %s do not sum to the run's %" PRIu64 " cycles:\n  %s: %" PRIu64 "\n  %s: %" PRIu64,
                            isa_unit_name(unit), first->cycles, c->names[0], sums[0], c->names[1], sums[1]);
            return;
        }
    }
}

static void bytes_differ(checker *c, const isa_config *config, sim_memory memory, uint64_t address,
                         uint8_t first, uint8_t second)
{
    base_buf_printf(&c->text, "%s byte 0x%" PRIx64, rt_memory_name(memory), address);
    if (memory == SIM_SPM) {
        const uint32_t row_bytes = isa_config_spm_row_bytes(config);
        base_buf_printf(&c->text, " (row %" PRIu64 ", lane %" PRIu64 ")", address / row_bytes,
                        address % row_bytes);
    } else if (memory == SIM_ACC) {
        const uint32_t row_bytes = isa_config_acc_row_bytes(config);
        base_buf_printf(&c->text, " (row %" PRIu64 ", lane %" PRIu64 ")", address / row_bytes,
                        address % row_bytes / 4);
    }
    base_buf_printf(&c->text, " differs at the end:\n  %s: 0x%02x\n  %s: 0x%02x", c->names[0],
                    first, c->names[1], second);
}

/* The first n of the memories. */
static sy_status check_memories(checker *c, unsigned n_memories, sim_machine *first,
                                sim_machine *second, rt_cosim_result *result, base_diag *diag)
{
    enum { CHUNK = 65536 };
    base_buf room = {0};
    sy_status status = base_buf_zeros(&room, 2 * CHUNK)
                           ? SY_OK
                           : base_fail(diag, SY_ENOMEM, "out of memory");
    for (sim_memory memory = SIM_IMEM;
         memory < n_memories && status == SY_OK && c->text.n_bytes == 0; memory++) {
        uint64_t n_bytes = rt_memory_bytes(&first->config, memory);
        if (memory == SIM_DRAM && c->options->dram_bytes > 0 && c->options->dram_bytes < n_bytes) {
            n_bytes = c->options->dram_bytes;
        }
        for (uint64_t at = 0; at < n_bytes && status == SY_OK && c->text.n_bytes == 0;
             at += CHUNK) {
            const size_t n = n_bytes - at < CHUNK ? (size_t)(n_bytes - at) : CHUNK;
            const uint8_t *sides[2] = {(const uint8_t *)room.data,
                                       (const uint8_t *)room.data + CHUNK};
            status = sim_machine_read(first, memory, at, room.data, n);
            if (status == SY_OK) {
                status = sim_machine_read(second, memory, at, room.data + CHUNK, n);
            }
            if (status != SY_OK) {
                base_fail(diag, status, "cannot read %s at 0x%" PRIx64, rt_memory_name(memory), at);
            } else if (memcmp(sides[0], sides[1], n) != 0) {
                size_t i = 0;
                while (sides[0][i] == sides[1][i]) {
                    i++;
                }
                bytes_differ(c, &first->config, memory, at + i, sides[0][i], sides[1][i]);
            }
            result->n_bytes += n;
        }
    }
    base_buf_free(&room);
    return status;
}

/* ---------------------------------------------------------------- both */

static sy_status run_first(sim_machine *machine, const rt_cosim_options *options, record *r,
                           sim_result *result, base_diag *diag)
{
    const sim_observer observer = {
        .user = r, .command = keep_command, .retire = keep_retired, .pop = keep_pop, .fire = keep_fire};
    sim_run_options run = options->run;
    run.observer = &observer;
    SY_TRY(sim_machine_run(machine, &run, result, diag));
    if (r->full) {
        return base_fail(diag, SY_ERANGE,
                         "%s: more than %" PRIu64
                         " instructions, or memory is out: set a limit of cycles",
                         machine->name, MAX_INSTRUCTIONS);
    }
    return SY_OK;
}

/* The window of this run, if one is wanted and this run has it. */
static bool find_window(const rt_cosim_options *options, const record *r, const sim_result *first,
                        sim_wave *window)
{
    rt_wave *wave = options->wave;
    if (wave == NULL || wave->drawn) {
        return false;
    }
    rt_wave_run run = {
        .cycles = first->cycles, .layer = options->layer, .layer_user = options->layer_user};
    for (unsigned unit = 0; unit < SIM_N_UNITS; unit++) {
        run.commands[unit] = (const void *)r->commands[unit].data;
        run.n_commands[unit] = r->commands[unit].n_bytes / sizeof(sim_command_event);
    }
    if (!rt_wave_find(wave, &run)) {
        return false;
    }
    *window = (sim_wave){.path = wave->path, .from = wave->from, .to = wave->to};
    return true;
}

static sy_status compare(sim_machine *first, sim_machine *second, const rt_cosim_options *options,
                         record *r, checker *c, rt_cosim_result *result, base_diag *diag)
{
    const sim_observer observer = {
        .user = c, .command = check_command, .retire = check_retired, .pop = check_pop, .fire = check_fire};
    sim_run_options run = options->run;
    run.observer = &observer;
    SY_TRY(run_first(first, options, r, &result->results[0], diag));
    if (result->results[0].end == SIM_END_LIMIT) {
        c->limit = result->results[0].cycles;
    } else {
        /* A second model that never ends is a difference as well, and soon told. */
        run.max_cycles = result->results[0].cycles + SLACK_CYCLES;
    }
    sim_wave window;
    const bool draw = find_window(options, r, &result->results[0], &window);
    run.wave = draw ? &window : NULL;
    SY_TRY(sim_machine_run(second, &run, &result->results[1], diag));
    if (draw) {
        options->wave->drawn = true;
        SY_TRY(rt_wave_save(options->wave, &second->config, diag));
    }
    if (c->text.n_bytes == 0) {
        check_missing(c);
    }
    if (c->text.n_bytes == 0) {
        check_results(c, &result->results[0], &result->results[1]);
    }
    const bool limited = result->results[0].end == SIM_END_LIMIT;
    if (c->text.n_bytes == 0 && (!limited || options->core_stands)) {
        SY_TRY(check_memories(c, limited ? SIM_DMEM + 1 : SIM_N_MEMORIES, first, second, result,
                              diag));
    }
    return SY_OK;
}

sy_status rt_cosim(sim_machine *first, sim_machine *second, const rt_cosim_options *options,
                   rt_cosim_result *result, base_diag *diag)
{
    record r = {.watch = options->watch};
    checker c = {.options = options,
                 .names = {first->name, second->name},
                 .expected = &r,
                 .limit = UINT64_MAX};
    memset(result, 0, sizeof *result);
    const sy_status status = compare(first, second, options, &r, &c, result, diag);
    if (c.text.n_bytes > 0) {
        snprintf(result->difference, sizeof result->difference, "%s", c.text.data);
    }
    result->equal = status == SY_OK && c.text.n_bytes == 0;
    result->n_instructions = c.n_instructions;
    result->n_cycles = result->results[0].cycles;
    for (unsigned unit = 0; unit < ISA_N_QUEUES; unit++) {
        result->n_commands += c.n_commands[unit];
        result->n_entries += c.n_pops[unit];
    }
    free_record(&r);
    base_buf_free(&c.text);
    return status;
}
