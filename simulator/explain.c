/*
 * explain.c -- a deadlock in words: what each unit waits for, who could give it, and where that ends.
 *
 * How: a unit that hangs has a WAIT on a semaphore of value zero at the head of its queue.  The POST to it is in a queue
 * (behind a WAIT that hangs as well), or the core has not pushed it yet: then the core is asleep, and its program,
 * followed as if nothing held it up, shows where the POST stands.  Otherwise there is none.  So each actor waits for one
 * other, for itself, or for nobody; following this from any of them leads to the cause: a ring, or a POST that is missing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim_internal.h"
#include "systole/base/buf.h"

/* Whom an actor waits for, besides the actors themselves. */
#define NOBODY  ((unsigned)ISA_N_UNITS)
#define NOTHING (NOBODY + 1) /* it has nothing to do */

/* A place from which a semaphore will be posted. */
typedef struct poster {
    enum { POSTER_QUEUED, POSTER_AHEAD, POSTER_MISSING } kind;
    unsigned unit;        /* QUEUED: whose queue; AHEAD: who waits for it */
    uint32_t pc;
    uint32_t n_before;    /* QUEUED: commands in front of it in the queue */
    uint32_t command;     /* QUEUED, AHEAD: the command that it follows, if has_command */
    bool has_command;
} poster;

static const sim_entry *entry_at(const sim *s, const sim_unit *u, uint32_t i)
{
    return &u->queue[(u->queue_first + i) % s->machine.config.queue_depth];
}

static bool is_command(const sim_entry *e)
{
    return (e->funct7 & ISA_F7_SET) == 0 && e->funct7 != ISA_F7_WAIT && e->funct7 != ISA_F7_POST;
}

static const sim_insn *core_insn(const sim *s)
{
    return &s->core.insns[(s->core.pc - s->core.imem_base) >> 2];
}

static poster find_poster(sim *s, uint32_t semaphore)
{
    for (unsigned k = 0; k < ISA_N_QUEUES; k++) {
        const sim_unit *u = &s->units[k];
        uint32_t n_before = 0;
        for (uint32_t i = 0; i < u->queue_n; i++) {
            const sim_entry *e = entry_at(s, u, i);
            n_before += is_command(e) ? 1 : 0;
            if (e->funct7 == ISA_F7_POST && e->a == semaphore) {
                return (poster){.kind = POSTER_QUEUED,
                                .unit = k,
                                .pc = e->pc,
                                .n_before = n_before,
                                .command = u->n_popped + n_before - 1,
                                .has_command = n_before > 0};
            }
        }
    }
    sim_post_ahead ahead = {0};
    if (!sim_core_foresee(s, semaphore, &ahead)) {
        return (poster){.kind = POSTER_MISSING};
    }
    poster p = {.kind = POSTER_AHEAD, .unit = ahead.unit, .pc = ahead.pc};
    if (ahead.unit != ISA_UNIT_CORE && ahead.n_commands[ahead.unit] > ahead.n_pushed[ahead.unit]) {
        p.has_command = true;
        p.command = ahead.n_commands[ahead.unit] - 1;
    }
    return p;
}

/* ---- who waits for whom ---- */

/* The semaphore that an actor waits for; false if it waits for something else, or nothing. */
static bool awaited(const sim *s, unsigned actor, uint32_t *semaphore)
{
    if (actor < ISA_N_QUEUES) {
        const sim_unit *u = &s->units[actor];
        if (u->queue_n > 0) {
            *semaphore = entry_at(s, u, 0)->a;
        }
        return u->queue_n > 0;
    }
    const bool asleep = s->core.state == SIM_CORE_ASLEEP && core_insn(s)->op == ISA_OP_CORE_SEMWAIT;
    if (asleep) {
        *semaphore = s->core.x[core_insn(s)->rs1];
    }
    return asleep;
}

/* The unit for which a sleeping core waits: the one whose queue is full, or in a FENCE the first that has something to do. */
static unsigned core_waits_for(const sim *s)
{
    const unsigned unit = (unsigned)core_insn(s)->imm >> 8;
    if (unit < ISA_N_QUEUES) {
        return unit;
    }
    for (unsigned k = 0; k < ISA_N_QUEUES; k++) {
        if (s->units[k].queue_n > 0) {
            return k;
        }
    }
    return NOBODY;
}

static unsigned waits_for(sim *s, unsigned actor)
{
    uint32_t semaphore;
    if (awaited(s, actor, &semaphore)) {
        const poster p = find_poster(s, semaphore);
        return p.kind == POSTER_QUEUED ? p.unit : p.kind == POSTER_AHEAD ? (unsigned)ISA_UNIT_CORE : NOBODY;
    }
    return actor == ISA_UNIT_CORE && s->core.state == SIM_CORE_ASLEEP ? core_waits_for(s) : NOTHING;
}

static const char *actor_name(unsigned actor)
{
    return actor == ISA_UNIT_CORE ? "the core" : isa_unit_name(actor);
}

/* What all waiting comes down to: each ring, and each POST that is missing. */
static void say_causes(sim *s, base_buf *out)
{
    unsigned next[ISA_N_UNITS];
    bool told[ISA_N_UNITS] = {false};
    for (unsigned k = 0; k < ISA_N_UNITS; k++) {
        next[k] = waits_for(s, k);
    }
    for (unsigned k = 0; k < ISA_N_UNITS; k++) {
        uint32_t semaphore = 0;
        if (next[k] == NOBODY && awaited(s, k, &semaphore)) {
            base_buf_printf(out, "cause: %s waits for semaphore %" PRIu32 ", to which nobody will post\n", actor_name(k),
                            semaphore);
        }
        unsigned at = k;
        for (unsigned step = 0; step < ISA_N_UNITS && at < NOBODY; step++) { /* after so many steps it is in a ring */
            at = next[at];
        }
        if (at < NOBODY && !told[at]) {
            for (unsigned i = next[at], first = at; i != first; i = next[i]) { /* told from its first in tie order */
                at = i < at ? i : at;
            }
            base_buf_puts(out, "cause:");
            do {
                told[at] = true;
                base_buf_printf(out, " %s waits for %s%s", actor_name(at),
                                next[at] == at ? "itself" : actor_name(next[at]), told[next[at]] ? "\n" : ",");
                at = next[at];
            } while (!told[at]);
        }
    }
}

/* ---- sentences ---- */

/* The instruction at which the core sleeps, and why. */
static void say_core_reason(const sim *s, base_buf *out)
{
    const sim_insn *i = core_insn(s);
    const unsigned unit = (unsigned)i->imm >> 8;
    if (unit < ISA_N_QUEUES) {
        base_buf_printf(out, "the %s queue is full (depth %" PRIu32 ")", isa_unit_name(unit), s->machine.config.queue_depth);
    } else if (i->op == ISA_OP_CORE_SEMWAIT) {
        base_buf_printf(out, "it waits for semaphore %" PRIu32 " (value 0)", s->core.x[i->rs1]);
    } else {
        base_buf_puts(out, "it is in a FENCE, and the queue of ");
        base_buf_puts(out, isa_unit_name(core_waits_for(s)));
        base_buf_puts(out, " is not empty");
    }
}

static void say_missing(const sim *s, base_buf *out, uint32_t semaphore)
{
    const sim_semaphore_past *past = &s->past[semaphore];
    base_buf_puts(out, s->core.state == SIM_CORE_HALTED ? "no POST to it is queued, and the core has halted"
                                                        : "no POST to it is queued, and the program ahead of the core has none");
    if (past->n_posts == 0) {
        base_buf_puts(out, "; nothing has posted to it");
        return;
    }
    base_buf_printf(out, "; it was posted %" PRIu64 " times, and the last was taken by %s's WAIT at pc 0x%" PRIx32,
                    past->n_posts, actor_name(past->taker), past->taker_pc);
    if (past->taker != ISA_UNIT_CORE) {
        base_buf_printf(out, " before its command %" PRIu32, past->taker_command);
    }
}

/* Who could post to a semaphore that an actor waits for. */
static void say_poster(sim *s, base_buf *out, unsigned waiter, uint32_t semaphore)
{
    const poster p = find_poster(s, semaphore);
    switch (p.kind) {
    case POSTER_QUEUED:
        if (p.unit == waiter) {
            base_buf_printf(out, "the POST to it, at pc 0x%" PRIx32 ", is in the same queue, behind this WAIT", p.pc);
        } else {
            const sim_entry *head = entry_at(s, &s->units[p.unit], 0);
            base_buf_printf(out, "the POST to it, at pc 0x%" PRIx32 ", is in the queue of %s, behind a WAIT for semaphore %" PRIu32
                                 " (value 0)",
                            p.pc, isa_unit_name(p.unit), head->a);
        }
        if (p.has_command) {
            base_buf_printf(out, " and %s command %" PRIu32, isa_unit_name(p.unit), p.command);
        }
        return;
    case POSTER_AHEAD:
        if (p.unit == ISA_UNIT_CORE) {
            base_buf_printf(out, "the core's SEMPOST to it, at pc 0x%" PRIx32 ", has not executed because ", p.pc);
        } else if (p.has_command) {
            base_buf_printf(out, "the POST to it, at pc 0x%" PRIx32 ", is behind %s command %" PRIu32
                                 ", which the core has not pushed because ",
                            p.pc, isa_unit_name(p.unit), p.command);
        } else {
            base_buf_printf(out, "the POST to it, for %s at pc 0x%" PRIx32 ", has not been pushed by the core because ",
                            isa_unit_name(p.unit), p.pc);
        }
        say_core_reason(s, out);
        return;
    case POSTER_MISSING:
        say_missing(s, out, semaphore);
        return;
    }
    SY_UNREACHABLE();
}

static void say_unit(sim *s, base_buf *out, const sim_unit *u)
{
    base_buf_printf(out, "%s: ", isa_unit_name(u->id));
    if (u->queue_n == 0) {
        base_buf_printf(out, "nothing to do: its queue is empty, %" PRIu32 " commands done\n", u->n_started);
        return;
    }
    const sim_entry *head = entry_at(s, u, 0);
    SY_ASSERT(head->funct7 == ISA_F7_WAIT);
    base_buf_printf(out, "waits for semaphore %" PRIu32 " (value 0) at pc 0x%" PRIx32 ", before its command %" PRIu32, head->a,
                    head->pc, u->n_popped);
    for (uint32_t i = 1; i < u->queue_n; i++) {
        const sim_entry *e = entry_at(s, u, i);
        if (is_command(e)) {
            if (e->a != 0) {
                base_buf_printf(out, " (tag %" PRIu32 ")", e->a);
            }
            break;
        }
    }
    base_buf_puts(out, "; ");
    say_poster(s, out, u->id, head->a);
    base_buf_putc(out, '\n');
}

static void say_core(sim *s, base_buf *out)
{
    const sim_core *core = &s->core;
    if (core->state == SIM_CORE_HALTED) {
        base_buf_printf(out, "CORE: has halted, exit code %" PRIu32 "\n", core->exit_code);
        return;
    }
    char text[ISA_DISASM_BYTES];
    isa_disasm(base_get_le32(s->memory[ISA_MEMORY_IMEM] + (core->pc - core->imem_base)), core->pc, text);
    base_buf_printf(out, "CORE: asleep since cycle %" PRIu64 " at pc 0x%" PRIx32 " (%s): ", core->asleep_since, core->pc, text);
    say_core_reason(s, out);
    uint32_t semaphore;
    if (awaited(s, ISA_UNIT_CORE, &semaphore)) {
        base_buf_puts(out, "; ");
        say_poster(s, out, ISA_UNIT_CORE, semaphore);
    }
    base_buf_putc(out, '\n');
}

size_t sim_explain(sim_machine *machine, char *text, size_t n_bytes)
{
    sim *s = (sim *)machine;
    base_buf out = {0};
    if (s->result.end != SIM_END_DEADLOCK) {
        base_buf_puts(&out, "the last run has not ended in a deadlock\n");
    } else {
        base_buf_printf(&out, "deadlock at cycle %" PRIu64 ": nothing can move any more\n", s->result.cycles);
        say_causes(s, &out);
        for (unsigned k = 0; k < ISA_N_QUEUES; k++) {
            say_unit(s, &out, &s->units[k]);
        }
        say_core(s, &out);
    }
    const size_t n = out.n_bytes;
    if (n_bytes > 0) {
        snprintf(text, n_bytes, "%s", out.data != NULL ? out.data : "");
    }
    base_buf_free(&out);
    return n;
}
