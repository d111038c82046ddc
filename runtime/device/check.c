/*
 * check.c -- checked runs, and their findings in words.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/rt/check.h"

#include <inttypes.h>
#include <string.h>

#include "systole/base/assert.h"
#include "systole/base/hash.h"
#include "systole/base/vec.h"
#include "systole/isa/isa.h"

typedef BASE_VEC(const char *) text_vec;

/* What the core did, for comparing two runs. */
typedef struct step_mark {
    uint64_t hash;
    uint32_t pc;
} step_mark;

struct rt_check {
    base_arena *arena;
    const rt_model *model;
    sim_machine *serial;
    sim_audit *audit;
    BASE_VEC(step_mark) marks; /* of the concurrent run */
    size_t n_marks;            /* of the serial run */
    bool differs;              /* the serial run does something else */
    uint32_t other_pc;
    bool failed;               /* memory is out */
    text_vec serial_findings;
    const sim_observer *inner;
    uint64_t n_runs, n_commands, n_touched, n_bytes;
};

const char *rt_check_name(rt_check_kind kind)
{
    static const char *const names[RT_N_CHECKS] = {"race", "semaphore", "serial", "unwritten"};
    return names[kind];
}

sy_status rt_check_create(const rt_model *model, sim_machine *serial, rt_check **out, base_diag *diag)
{
    base_arena *arena = base_arena_create();
    rt_check *check = arena != NULL ? BASE_ARENA_NEW(arena, rt_check) : NULL;
    if (check != NULL) {
        *check = (rt_check){.arena = arena, .model = model, .serial = serial};
        check->audit = sim_audit_create(arena, &serial->config);
    }
    if (check == NULL || check->audit == NULL) {
        base_arena_destroy(arena);
        return base_fail(diag, SY_ENOMEM, "no memory for a checked run");
    }
    *out = check;
    return SY_OK;
}

void rt_check_free(rt_check *check)
{
    if (check != NULL) {
        base_arena_destroy(check->arena);
    }
}

/* ---------------------------------------------------------------- listening */

static step_mark mark_of(const sim_xsystole_event *event)
{
    const uint32_t words[] = {event->unit, event->funct7, event->a, event->b, event->pc};
    return (step_mark){base_hash_fnv1a(words, sizeof words), event->pc};
}

static bool hear_xsystole(void *user, const sim_xsystole_event *event)
{
    rt_check *check = user;
    check->failed = !base_vec_push(check->arena, &check->marks, mark_of(event)) || check->failed;
    return sim_audit_xsystole(check->audit, event);
}

static bool hear_command(void *user, const sim_command_event *event)
{
    rt_check *check = user;
    (void)sim_audit_command(check->audit, event);
    const sim_observer *inner = check->inner;
    return inner == NULL || inner->command == NULL || inner->command(inner->user, event);
}

static bool hear_retire(void *user, uint32_t pc, uint64_t cycle)
{
    const sim_observer *inner = ((rt_check *)user)->inner;
    return inner->retire(inner->user, pc, cycle);
}

static bool hear_serial(void *user, const sim_xsystole_event *event)
{
    rt_check *check = user;
    const step_mark mark = mark_of(event);
    if (check->n_marks == check->marks.n || check->marks.items[check->n_marks].hash != mark.hash) {
        check->differs = true;
        check->other_pc = mark.pc;
        return false;
    }
    check->n_marks++;
    return true;
}

/* ---------------------------------------------------------------- words */

static void say_pc(const rt_check *check, uint32_t pc, base_buf *out)
{
    base_buf_printf(out, "pc 0x%" PRIx32, pc);
    isa_program_where(&check->model->program, pc, out);
}

static const cc_plan_layer *layer_of(const rt_check *check, const sim_place *place)
{
    return place->is_command && check->model->has_plan ? rt_model_layer(check->model, place->tag) : NULL;
}

/* "LD command 3 of layer 'conv1' at pc 0x44 (copy.s:12)", "LD's WAIT at pc 0x40 before command 3". */
static void say_place(const rt_check *check, const sim_place *place, base_buf *out)
{
    const char *unit = isa_unit_name(place->unit);
    if (!place->is_command) {
        base_buf_printf(out, "%s's %s at ", unit, place->funct7 == ISA_F7_WAIT ? "WAIT" : "POST");
        say_pc(check, place->pc, out);
        if (place->unit != ISA_UNIT_CORE) {
            base_buf_printf(out, ", before its command %" PRIu32, place->number);
        }
        return;
    }
    const cc_plan_layer *layer = layer_of(check, place);
    base_buf_printf(out, "%s command %" PRIu32, unit, place->number);
    if (layer != NULL) {
        base_buf_printf(out, " of layer '%s'", layer->name);
    } else if (place->tag != 0) {
        base_buf_printf(out, " (tag %" PRIu32 ")", place->tag);
    }
    base_buf_puts(out, " at ");
    say_pc(check, place->pc, out);
}

static void say_range(const sim_finding *f, base_buf *out)
{
    const char *name = rt_memory_name(f->memory);
    if (f->memory == SIM_DRAM) {
        base_buf_printf(out, "%s bytes 0x%" PRIx64 "..0x%" PRIx64, name, f->low, f->high);
    } else {
        base_buf_printf(out, "%s rows %" PRIu64 "..%" PRIu64, name, f->low, f->high);
    }
    if (f->n != f->high - f->low + 1) {
        base_buf_printf(out, " (%" PRIu64 " of them)", f->n);
    }
}

static void say_finding(const rt_check *check, const sim_finding *f, base_buf *out)
{
    switch (f->kind) {
    case SIM_FINDING_RACE:
        say_range(f, out);
        base_buf_puts(out, ": ");
        say_place(check, &f->places[0], out);
        base_buf_printf(out, " %s, ", f->is_write[0] ? "writes" : "reads");
        say_place(check, &f->places[1], out);
        base_buf_printf(out, " %s, and no semaphore or fence orders them", f->is_write[1] ? "writes" : "reads");
        return;
    case SIM_FINDING_EARLY:
        base_buf_printf(out, "semaphore %" PRIu32 ": ", f->semaphore);
        say_place(check, &f->places[0], out);
        base_buf_printf(out, " is WAIT number %" PRIu64 ", but only %" PRIu64 " POSTs stand before it in program order",
                        f->n_waits, f->n_posts);
        return;
    case SIM_FINDING_STOLEN:
        base_buf_printf(out, "semaphore %" PRIu32 ": ", f->semaphore);
        say_place(check, &f->places[0], out);
        base_buf_printf(out, " may never be served: %" PRIu64 " POSTs stand before it in program order, and %" PRIu64
                             " other WAITs may take their tokens first",
                        f->n_posts, f->n_waits);
        return;
    case SIM_FINDING_LEFT:
        base_buf_printf(out, "semaphore %" PRIu32 ": %" PRIu64 " POSTs, %" PRIu64 " WAITs: %" PRId64
                             " at the end, expected 0",
                        f->semaphore, f->n_posts, f->n_waits, (int64_t)(f->n_posts - f->n_waits));
        return;
    case SIM_FINDING_OVERFLOW:
        base_buf_printf(out, "semaphore %" PRIu32 " can reach %" PRIu64 ", expected at most %" PRIu64 ": with ",
                        f->semaphore, f->n_posts, f->n_waits);
        say_place(check, &f->places[0], out);
        return;
    case SIM_FINDING_UNWRITTEN:
        say_place(check, &f->places[0], out);
        base_buf_puts(out, " reads ");
        say_range(f, out);
        base_buf_puts(out, ", which nothing has written");
        return;
    case SIM_N_FINDING_KINDS:
        break;
    }
    SY_UNREACHABLE();
}

static void add_serial(rt_check *check, base_buf *text)
{
    const char *copy = base_arena_strdup(check->arena, text->data != NULL ? text->data : "");
    check->failed = copy == NULL || !base_vec_push(check->arena, &check->serial_findings, copy) || check->failed;
    base_buf_free(text);
}

/* ---------------------------------------------------------------- the serial run */

typedef struct part {
    sim_memory memory;
    uint64_t low, high;
} part;

static void say_difference(const isa_config *config, sim_memory memory, uint64_t address, uint8_t here, uint8_t there,
                           uint64_t n, base_buf *text)
{
    base_buf_printf(text, "%s byte 0x%" PRIx64, rt_memory_name(memory), address);
    if (memory == SIM_SPM || memory == SIM_ACC) {
        const uint32_t row_bytes =
            memory == SIM_SPM ? isa_config_spm_row_bytes(config) : isa_config_acc_row_bytes(config);
        base_buf_printf(text, " (row %" PRIu64 ")", address / row_bytes);
    }
    base_buf_printf(text, " is 0x%02x at the end, run serially it is 0x%02x; %" PRIu64 " bytes of %s differ", here, there, n,
                    rt_memory_name(memory));
}

/* Compares a stretch of a memory of both machines: at most one finding. */
static sy_status compare_part(rt_check *check, sim_machine *machine, const part *p, base_diag *diag)
{
    enum { CHUNK = 65536 };
    base_buf room = {0};
    uint64_t n_differ = 0, first = 0;
    uint8_t here = 0, there = 0;
    if (!base_buf_zeros(&room, 2 * CHUNK)) {
        return base_fail(diag, SY_ENOMEM, "out of memory");
    }
    for (uint64_t at = p->low; at < p->high; at += CHUNK) {
        const size_t n = p->high - at < CHUNK ? (size_t)(p->high - at) : CHUNK;
        const uint8_t *sides[2] = {(const uint8_t *)room.data, (const uint8_t *)room.data + CHUNK};
        SY_ASSERT(sim_machine_read(machine, p->memory, at, room.data, n) == SY_OK);
        SY_ASSERT(sim_machine_read(check->serial, p->memory, at, room.data + CHUNK, n) == SY_OK);
        check->n_bytes += n;
        for (size_t i = 0; memcmp(sides[0], sides[1], n) != 0 && i < n; i++) {
            if (sides[0][i] != sides[1][i] && n_differ++ == 0) {
                first = at + i;
                here = sides[0][i];
                there = sides[1][i];
            }
        }
    }
    base_buf_free(&room);
    if (n_differ > 0) {
        base_buf text = {0};
        say_difference(&machine->config, p->memory, first, here, there, n_differ, &text);
        add_serial(check, &text);
    }
    return SY_OK;
}

static void serial_goes_elsewhere(rt_check *check)
{
    base_buf text = {0};
    base_buf_printf(&text, "after %zu Xsystole instructions the core is at ", check->n_marks);
    if (check->n_marks < check->marks.n) {
        say_pc(check, check->marks.items[check->n_marks].pc, &text);
    } else {
        base_buf_puts(&text, "its end");
    }
    base_buf_puts(&text, ", run serially at ");
    say_pc(check, check->other_pc, &text);
    base_buf_puts(&text, ", or with other operands: what the program does depends on time");
    add_serial(check, &text);
}

/* A serial run that takes so much longer than the other does something else. */
#define SERIAL_FACTOR 100
#define SERIAL_CYCLES 1000000

/* cycles: of the concurrent run. */
static sy_status run_serially(rt_check *check, sim_machine *machine, const sim_run_options *run, uint64_t cycles,
                              base_diag *diag)
{
    const sim_observer observer = {.user = check, .xsystole = hear_serial};
    sim_run_options options = *run;
    sim_result result;
    options.observer = &observer;
    options.stall_max = 0; /* what comes one after the other does not depend on it */
    options.ready_max = 0;
    options.error_one_in = 0;
    options.wave = NULL;
    options.max_cycles = cycles > (UINT64_MAX - SERIAL_CYCLES) / SERIAL_FACTOR ? 0 : SERIAL_CYCLES + SERIAL_FACTOR * cycles;
    check->n_marks = 0;
    check->differs = false;
    SY_TRY(sim_machine_run(check->serial, &options, &result, diag));
    if (check->differs || (result.end == SIM_END_DONE && check->n_marks < check->marks.n)) {
        serial_goes_elsewhere(check);
        return SY_OK;
    }
    if (result.end != SIM_END_DONE) {
        base_buf text = {0};
        base_buf_puts(&text, "run one command after the other, the program ends otherwise: ");
        rt_end_print(&result, &text);
        add_serial(check, &text);
        return SY_OK;
    }
    for (sim_memory memory = SIM_IMEM; memory < SIM_N_MEMORIES; memory++) {
        part p = {memory, 0, rt_memory_bytes(&machine->config, memory)};
        if (memory == SIM_DRAM) { /* both have run the same commands, so the rest cannot differ */
            sim_audit_dram(check->audit, &p.low, &p.high);
        }
        SY_TRY(compare_part(check, machine, &p, diag));
    }
    return SY_OK;
}

sy_status rt_check_run(rt_check *check, sim_machine *machine, const sim_run_options *run, sim_result *result,
                       base_diag *diag)
{
    const sim_observer *inner = run->observer;
    const sim_observer observer = {
        .user = check,
        .command = hear_command,
        .retire = inner != NULL && inner->retire != NULL ? hear_retire : NULL,
        .xsystole = hear_xsystole,
    };
    sim_run_options options = *run;
    options.observer = &observer;
    check->inner = inner;
    check->marks.n = 0;
    sim_audit_begin(check->audit);
    SY_TRY(sim_machine_run(machine, &options, result, diag));
    if (sim_audit_end(check->audit, result->end == SIM_END_DONE) != SY_OK) {
        return base_fail(diag, SY_ENOMEM, "no memory for a checked run");
    }
    check->n_runs++;
    check->n_commands += sim_audit_n_commands(check->audit);
    check->n_touched += sim_audit_n_touched(check->audit);
    if (result->end == SIM_END_DONE) {
        SY_TRY(run_serially(check, machine, run, result->cycles, diag));
    }
    return check->failed ? base_fail(diag, SY_ENOMEM, "no memory for a checked run") : SY_OK;
}

/* ---------------------------------------------------------------- findings */

static rt_check_kind kind_of(sim_finding_kind kind)
{
    switch (kind) {
    case SIM_FINDING_RACE:
        return RT_CHECK_RACE;
    case SIM_FINDING_EARLY:
    case SIM_FINDING_STOLEN:
    case SIM_FINDING_LEFT:
    case SIM_FINDING_OVERFLOW:
        return RT_CHECK_SEMAPHORE;
    case SIM_FINDING_UNWRITTEN:
        return RT_CHECK_UNWRITTEN;
    case SIM_N_FINDING_KINDS:
        break;
    }
    SY_UNREACHABLE();
}

uint64_t rt_check_n(const rt_check *check, rt_check_kind kind)
{
    uint64_t n = kind == RT_CHECK_SERIAL ? check->serial_findings.n : 0;
    for (sim_finding_kind k = SIM_FINDING_RACE; k < SIM_N_FINDING_KINDS; k++) {
        n += kind_of(k) == kind ? sim_audit_n(check->audit, k) : 0;
    }
    return n;
}

uint64_t rt_check_n_errors(const rt_check *check)
{
    return rt_check_n(check, RT_CHECK_RACE) + rt_check_n(check, RT_CHECK_SEMAPHORE) + rt_check_n(check, RT_CHECK_SERIAL);
}

/* Calls give for every finding that was kept; f is NULL for those of the serial run. */
typedef void (*give_fn)(const rt_check *check, void *user, rt_check_kind kind, const sim_finding *f, const char *text);

static void each_finding(const rt_check *check, give_fn give, void *user)
{
    for (rt_check_kind kind = RT_CHECK_RACE; kind < RT_N_CHECKS; kind++) {
        for (sim_finding_kind k = SIM_FINDING_RACE; k < SIM_N_FINDING_KINDS; k++) {
            const uint64_t n = kind_of(k) == kind ? sim_audit_n(check->audit, k) : 0;
            for (uint64_t i = 0; i < n && i < SIM_AUDIT_FINDINGS; i++) {
                base_buf text = {0};
                const sim_finding *f = sim_audit_finding(check->audit, k, i);
                say_finding(check, f, &text);
                give(check, user, kind, f, text.data != NULL ? text.data : "");
                base_buf_free(&text);
            }
        }
        for (size_t i = 0; kind == RT_CHECK_SERIAL && i < check->serial_findings.n; i++) {
            give(check, user, kind, NULL, check->serial_findings.items[i]);
        }
    }
}

static void print_one(const rt_check *check, void *user, rt_check_kind kind, const sim_finding *f, const char *text)
{
    (void)check;
    (void)f;
    base_buf_printf(user, "%s%s: %s\n", kind == RT_CHECK_UNWRITTEN ? "warning: " : "", rt_check_name(kind), text);
}

void rt_check_print(const rt_check *check, base_buf *out)
{
    each_finding(check, print_one, out);
    base_buf_printf(out, "check: %" PRIu64 " commands, %" PRIu64 " rows and bytes touched, %" PRIu64
                         " bytes compared with a serial run:",
                    check->n_commands, check->n_touched, check->n_bytes);
    for (rt_check_kind kind = RT_CHECK_RACE; kind < RT_N_CHECKS; kind++) {
        base_buf_printf(out, "%s %s %" PRIu64, kind == RT_CHECK_RACE ? "" : ",", rt_check_name(kind),
                        rt_check_n(check, kind));
    }
    base_buf_putc(out, '\n');
}

static void json_place(const rt_check *check, const sim_place *place, const char *access, base_json *json)
{
    const cc_plan_layer *layer = layer_of(check, place);
    base_buf where = {0};
    base_json_object_begin(json);
    base_json_key_string(json, "unit", isa_unit_name(place->unit));
    if (place->is_command) {
        base_json_key_u64(json, "command", place->number);
        base_json_key_u64(json, "tag", place->tag);
    } else {
        base_json_key_string(json, "operation", place->funct7 == ISA_F7_WAIT ? "WAIT" : "POST");
        base_json_key_u64(json, "before_command", place->number);
    }
    base_json_key_u64(json, "pc", place->pc);
    isa_program_where(&check->model->program, place->pc, &where);
    if (where.n_bytes > 3) { /* " (...)" */
        where.data[where.n_bytes - 1] = '\0';
        base_json_key_string(json, "where", where.data + 2);
    }
    if (layer != NULL) {
        base_json_key_string(json, "layer", layer->name);
    }
    if (access != NULL) {
        base_json_key_string(json, "access", access);
    }
    base_json_object_end(json);
    base_buf_free(&where);
}

static void json_one(const rt_check *check, void *user, rt_check_kind kind, const sim_finding *f, const char *text)
{
    base_json *json = user;
    base_json_object_begin(json);
    base_json_key_string(json, "check", rt_check_name(kind));
    base_json_key_string(json, "severity", kind == RT_CHECK_UNWRITTEN ? "warning" : "error");
    base_json_key_string(json, "text", text);
    if (f != NULL && (f->kind == SIM_FINDING_RACE || f->kind == SIM_FINDING_UNWRITTEN)) {
        base_json_key_string(json, "memory", rt_memory_name(f->memory));
        base_json_key_u64(json, "low", f->low);
        base_json_key_u64(json, "high", f->high);
        base_json_key_u64(json, "n", f->n);
    } else if (f != NULL) {
        base_json_key_u64(json, "semaphore", f->semaphore);
    }
    if (f != NULL && f->kind != SIM_FINDING_LEFT) {
        base_json_key(json, "places");
        base_json_array_begin(json);
        for (unsigned i = 0; i < (f->kind == SIM_FINDING_RACE ? 2 : 1); i++) {
            const char *access = f->is_write[i] ? "write" : "read";
            json_place(check, &f->places[i], f->kind == SIM_FINDING_RACE ? access : NULL, json);
        }
        base_json_array_end(json);
    }
    base_json_object_end(json);
}

void rt_check_json(const rt_check *check, base_json *json)
{
    base_json_object_begin(json);
    base_json_key_u64(json, "runs", check->n_runs);
    base_json_key_u64(json, "commands", check->n_commands);
    base_json_key_u64(json, "touched", check->n_touched);
    base_json_key_u64(json, "bytes_compared", check->n_bytes);
    for (rt_check_kind kind = RT_CHECK_RACE; kind < RT_N_CHECKS; kind++) {
        base_json_key_u64(json, rt_check_name(kind), rt_check_n(check, kind));
    }
    base_json_key(json, "findings");
    base_json_array_begin(json);
    each_finding(check, json_one, json);
    base_json_array_end(json);
    base_json_object_end(json);
}
