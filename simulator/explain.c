/*
 * explain.c -- a deadlock in words: what each unit waits for, and who could give it.
 *
 * How: a unit that hangs has a WAIT on a semaphore of value zero at the head of its queue.  The POST to it is in a queue
 * (behind a WAIT that hangs as well), or the core has not pushed it yet: then the core is asleep, and its program,
 * followed as if nothing held it up, shows where the POST stands.  Otherwise there is none.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <stdio.h>

#include "sim_internal.h"

/* Text in the caller's buffer: n is what there would be to write, as with snprintf. */
typedef struct writer {
    char *text;
    size_t n_bytes;
    size_t n;
} writer;

static void say(writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(writer *w, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const size_t left = w->n < w->n_bytes ? w->n_bytes - w->n : 0;
    const int n = vsnprintf(left > 0 ? w->text + w->n : NULL, left, fmt, args);
    va_end(args);
    w->n += n > 0 ? (size_t)n : 0;
}

static const sim_entry *entry_at(const sim *s, const sim_unit *u, uint32_t i)
{
    return &u->queue[(u->queue_first + i) % s->machine.config.queue_depth];
}

static bool is_wait(const sim_entry *e)
{
    return e->funct7 == ISA_F7_WAIT;
}

/* What stands in front of a POST that is in a queue: its head. */
static void say_queued_post(const sim *s, writer *w, const sim_unit *waiter, const sim_unit *poster)
{
    const sim_entry *head = entry_at(s, poster, 0);
    if (poster == waiter) {
        say(w, "the POST to it is in the same queue, behind this WAIT");
    } else {
        say(w, "the POST to it is in the queue of %s, behind a WAIT for semaphore %u (value 0)", isa_unit_name(poster->id),
            (unsigned)head->a);
    }
}

/* The instruction at which the core sleeps, and why. */
static void say_core_reason(const sim *s, writer *w)
{
    const sim_core *core = &s->core;
    const sim_insn *i = &core->insns[(core->pc - core->imem_base) >> 2];
    const unsigned unit = (unsigned)i->imm >> 8;
    if (unit < ISA_N_QUEUES) {
        say(w, "the %s queue is full", isa_unit_name(unit));
    } else if (i->op == ISA_OP_CORE_SEMWAIT) {
        say(w, "it waits for semaphore %u (value 0)", (unsigned)core->x[i->rs1]);
    } else {
        say(w, "it is in a FENCE");
    }
}

static void say_post_ahead(const sim *s, writer *w, const sim_post_ahead *ahead)
{
    if (ahead->unit == ISA_UNIT_CORE) {
        say(w, "the core's SEMPOST to it, at pc 0x%x, has not executed because ", (unsigned)ahead->pc);
    } else if (ahead->n_commands[ahead->unit] > ahead->n_pushed[ahead->unit]) {
        say(w, "the POST to it is behind %s command %u, which the core has not pushed because ", isa_unit_name(ahead->unit),
            (unsigned)(ahead->n_commands[ahead->unit] - 1));
    } else {
        say(w, "the POST to it, for %s, at pc 0x%x, has not been pushed by the core because ", isa_unit_name(ahead->unit),
            (unsigned)ahead->pc);
    }
    say_core_reason(s, w);
}

/* Who could post to a semaphore that a unit (or, NULL, the core) waits for. */
static void say_poster(sim *s, writer *w, const sim_unit *waiter, uint32_t semaphore)
{
    for (unsigned k = 0; k < ISA_N_QUEUES; k++) {
        const sim_unit *poster = &s->units[k];
        for (uint32_t i = 0; i < poster->queue_n; i++) {
            const sim_entry *e = entry_at(s, poster, i);
            if (e->funct7 == ISA_F7_POST && e->a == semaphore) {
                say_queued_post(s, w, waiter, poster);
                return;
            }
        }
    }
    sim_post_ahead ahead = {0};
    if (sim_core_foresee(s, semaphore, &ahead)) {
        say_post_ahead(s, w, &ahead);
    } else if (s->core.state == SIM_CORE_HALTED) {
        say(w, "no POST to it is queued, and the core has halted");
    } else {
        say(w, "no POST to it is queued, and the program ahead of the core has none");
    }
}

static void say_unit(sim *s, writer *w, const sim_unit *u)
{
    say(w, "%s: ", isa_unit_name(u->id));
    if (u->queue_n == 0) {
        say(w, "nothing to do: its queue is empty, %u commands done\n", (unsigned)u->n_started);
        return;
    }
    const sim_entry *head = entry_at(s, u, 0);
    SY_ASSERT(is_wait(head));
    say(w, "waits for semaphore %u (value 0), pushed at pc 0x%x after %u others; ", (unsigned)head->a,
        (unsigned)head->pc, (unsigned)u->n_popped);
    say_poster(s, w, u, head->a);
    say(w, "\n");
}

static void say_core(sim *s, writer *w)
{
    const sim_core *core = &s->core;
    if (core->state == SIM_CORE_HALTED) {
        say(w, "CORE: has halted, exit code %u\n", (unsigned)core->exit_code);
        return;
    }
    uint32_t word;
    char text[ISA_DISASM_BYTES];
    const uint8_t *p = s->memory[ISA_MEMORY_IMEM] + (core->pc - core->imem_base);
    word = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    isa_disasm(word, core->pc, text);
    say(w, "CORE: asleep since cycle %llu at pc 0x%x (%s): ", (unsigned long long)core->asleep_since,
        (unsigned)core->pc, text);
    say_core_reason(s, w);
    const sim_insn *i = &core->insns[(core->pc - core->imem_base) >> 2];
    if (i->op == ISA_OP_CORE_SEMWAIT) {
        say(w, "; ");
        say_poster(s, w, NULL, core->x[i->rs1]);
    }
    say(w, "\n");
}

size_t sim_explain(sim_machine *machine, char *text, size_t n_bytes)
{
    sim *s = (sim *)machine;
    writer w = {.text = text, .n_bytes = n_bytes};
    if (n_bytes > 0) {
        text[0] = 0;
    }
    if (s->result.end != SIM_END_DEADLOCK) {
        say(&w, "the last run has not ended in a deadlock\n");
        return w.n;
    }
    say(&w, "deadlock at cycle %llu: nothing can move any more\n", (unsigned long long)s->result.cycles);
    for (unsigned k = 0; k < ISA_N_QUEUES; k++) {
        say_unit(s, &w, &s->units[k]);
    }
    say_core(s, &w);
    return w.n;
}
