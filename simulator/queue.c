/*
 * queue.c -- the front of each unit: queue, descriptor registers, slot, pending posts, semaphores, errors.
 *
 * Contract: isa/spec/timing.md, sections 1 and 3.  Verilog twins: rtl/queue.v, rtl/semaphores.v.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sim_internal.h"

/* ---- errors ---- */

void sim_raise(sim *s, uint32_t unit, sim_error_kind kind, uint32_t code, uint32_t command)
{
    const unsigned rank = unit * 4 + (unsigned)kind;
    if (rank < s->raised.rank) {
        s->raised = (sim_error){.rank = rank, .unit = unit, .code = code, .command = command};
    }
}

/* ---- commands in flight ---- */

uint64_t sim_end_of(const sim_unit *u, uint32_t n)
{
    if (n > u->n_started) {
        return SIM_NEVER;
    }
    if (n <= u->n_retired) {
        return 0; /* long past: whoever asks wants to know if it lies before now */
    }
    return u->flight[(n - 1) % SIM_FLIGHT].end;
}

uint64_t sim_flight_room(const sim_unit *u, uint64_t cycle, uint32_t limit)
{
    if (u->n_started - u->n_retired < limit) {
        return cycle;
    }
    /* The youngest of those that must have ended; ends come in order. */
    const uint64_t end = sim_end_of(u, u->n_started - limit + 1);
    return end == SIM_NEVER ? SIM_NEVER : sim_max_u64(cycle, end + 1);
}

void sim_retire(sim *s, sim_unit *u, uint64_t cycle)
{
    while (u->n_retired < u->n_started) {
        const sim_command *c = sim_flight(u, u->n_retired);
        if (c->end >= cycle) {
            return;
        }
        u->n_retired++;
        if (s->observer != NULL && s->observer->command != NULL) {
            const sim_command_event event = {
                .unit = (uint8_t)u->id,
                .funct7 = (uint8_t)c->funct7,
                .number = c->number,
                .tag = c->tag,
                .pc = c->pc,
                .start = c->start,
                .end = c->end,
            };
            if (!s->observer->command(s->observer->user, &event)) {
                s->stopped = true;
            }
        }
    }
}

/* ---- queue ---- */

/* The cycle after the last with a command in flight. */
static uint64_t flight_until(const sim_unit *u)
{
    return u->n_started == 0 ? 0 : u->last_end == SIM_NEVER ? SIM_NEVER : u->last_end + 1;
}

static void report_pop(sim *s, const sim_unit *u, const sim_entry *entry, uint64_t cycle)
{
    if (s->observer != NULL && s->observer->pop != NULL) {
        const sim_queue_event event = {
            .unit = (uint8_t)u->id, .funct7 = (uint8_t)entry->funct7, .value = entry->a, .cycle = cycle};
        if (!s->observer->pop(s->observer->user, &event)) {
            s->stopped = true;
        }
    }
}

/*
 * A SET pushed into an empty queue: nothing keeps it from popping in the next cycle, and nobody sees it but the counters
 * of a unit that is idle otherwise.  (An error of this very cycle would keep it, hence the condition on the caller's side.)
 */
static void push_set_through(sim *s, sim_unit *u, const sim_entry *entry)
{
    const uint64_t popped = entry->pushed + 1;
    const unsigned pair = entry->funct7 & ISA_F7_PAIR_MASK;
    u->regs[2 * pair] = entry->a;
    u->regs[2 * pair + 1] = entry->b;
    u->last_pop = popped;
    u->last_action = popped;
    report_pop(s, u, entry, popped);
    const uint64_t until = flight_until(u);
    if (!u->slot.full && until <= popped) {
        const sim_flags first = {.occupied = true, .flight_until = until};
        const sim_flags rest = {.flight_until = until};
        sim_settle(s, u, popped);
        sim_set_flags(u, popped, &first, &rest);
    }
}

void sim_push(sim *s, sim_unit *u, const sim_entry *entry)
{
    if ((entry->funct7 & ISA_F7_SET) != 0 && u->queue_n == 0 && s->n_fires == 0 && s->raised.rank == SIM_NO_ERROR) {
        push_set_through(s, u, entry);
        return;
    }
    const uint32_t depth = s->machine.config.queue_depth;
    SY_ASSERT(u->queue_n < depth);
    uint32_t at = u->queue_first + u->queue_n;
    if (at >= depth) {
        at -= depth;
    }
    u->queue[at] = *entry;
    u->queue_n++;
    sim_wake_front(u, entry->pushed + 1);
}

static void queue_pop(sim *s, sim_unit *u, uint64_t cycle)
{
    report_pop(s, u, &u->queue[u->queue_first], cycle);
    u->queue_first = u->queue_first + 1 == s->machine.config.queue_depth ? 0 : u->queue_first + 1;
    u->queue_n--;
    u->last_pop = cycle;
    u->last_action = cycle;
    sim_wake_core(s, cycle + 1);
}

/* ---- slot ---- */

static void slot_load(sim *s, sim_unit *u, const sim_entry *entry, uint64_t cycle)
{
    sim_slot *slot = &u->slot;
    slot->full = true;
    slot->popped = cycle;
    slot->funct7 = entry->funct7;
    slot->tag = entry->a;
    slot->pc = entry->pc;
    slot->number = u->n_popped++;
    memcpy(slot->regs, u->regs, sizeof slot->regs);
    slot->error = sim_check_again(&s->machine.config, u->id, entry->funct7, slot->regs, &u->check_memo);
    slot->n_streams = 0;
    if (slot->error == ISA_ERROR_NONE) {
        slot->n_streams =
            sim_command_streams(&s->machine.config, u->id, entry->funct7, slot->regs, slot->streams);
        for (unsigned i = 0; i < slot->n_streams; i++) {
            slot->banks[i] = sim_bank_mask(s, slot->streams[i].memory, sim_stream_rows(&slot->streams[i], 0));
        }
    }
}

static uint64_t own_conditions(const sim *s, const sim_unit *u, uint64_t cycle)
{
    switch (u->id) {
    case ISA_UNIT_MXU:
        return sim_mxu_own(s, cycle);
    case ISA_UNIT_VPU:
        return sim_vpu_own(s, cycle);
    case ISA_UNIT_LD:
        return sim_ld_own(s, cycle);
    case ISA_UNIT_ST:
        return sim_st_own(s, cycle);
    case ISA_UNIT_CORE:
        break;
    }
    SY_UNREACHABLE();
}

static void command_begin(sim *s, sim_unit *u, uint64_t cycle)
{
    sim_slot *slot = &u->slot;
    SY_ASSERT(u->n_started - u->n_retired < SIM_FLIGHT);
    sim_command *command = sim_flight(u, slot->number);
    command->number = slot->number;
    command->funct7 = slot->funct7;
    command->tag = slot->tag;
    command->pc = slot->pc;
    command->start = cycle;
    command->end = SIM_NEVER;
    command->n_streams = slot->n_streams;
    memcpy(command->streams, slot->streams, sizeof command->streams);
    memcpy(command->banks, slot->banks, sizeof command->banks);
    command->n_shrinks = 0;
    u->n_started++;
    slot->full = false;
    u->last_action = cycle;
    u->waits_for_unit = 0;
    sim_wake_core(s, cycle + 1);
    switch (u->id) {
    case ISA_UNIT_MXU:
        sim_mxu_begin(s, command, slot->regs);
        return;
    case ISA_UNIT_VPU:
        sim_vpu_begin(s, command, slot->regs);
        return;
    case ISA_UNIT_LD:
        sim_ld_begin(s, command, slot->regs);
        return;
    case ISA_UNIT_ST:
        sim_st_begin(s, command, slot->regs);
        return;
    case ISA_UNIT_CORE:
        break;
    }
    SY_UNREACHABLE();
}

/* ---- one cycle of a front ---- */

/* What a cycle brings, for the counters and the next wake-up. */
typedef struct front_view {
    bool bank;      /* section 11 */
    bool semaphore;
    uint64_t look;  /* when to look at the slot again */
} front_view;

/* The head of the queue; slot and posts as they were at the start of the cycle. */
static void head_act(sim *s, sim_unit *u, uint64_t cycle, bool slot_was_full, unsigned posts_were, front_view *view)
{
    if (u->queue_n == 0 || u->queue[u->queue_first].pushed >= cycle) {
        return;
    }
    const sim_entry *head = &u->queue[u->queue_first];
    if ((head->funct7 & ISA_F7_SET) != 0) {
        const unsigned pair = head->funct7 & ISA_F7_PAIR_MASK;
        u->regs[2 * pair] = head->a;
        u->regs[2 * pair + 1] = head->b;
        queue_pop(s, u, cycle);
    } else if (head->funct7 == ISA_F7_WAIT || head->funct7 == ISA_F7_POST) {
        if (head->a >= s->machine.config.sem_count) {
            sim_raise(s, u->id, SIM_ERROR_OF_HEAD, ISA_ERROR_SEM_RANGE, u->n_popped);
        } else if (head->funct7 == ISA_F7_WAIT) {
            view->semaphore = s->semaphores[head->a] == 0;
            if (!view->semaphore) {
                s->semaphores[head->a]--; /* takers act in tie order, so what is left is theirs */
                sim_note_take(&s->past[head->a], u->id, head->pc, u->n_popped);
                queue_pop(s, u, cycle);
            }
        } else if (posts_were < s->machine.config.post_depth) {
            u->posts[(u->posts_first + u->posts_n) % SIM_MAX_POSTS] =
                (sim_post){.popped = cycle, .pc = head->pc, .semaphore = head->a, .count = u->n_popped};
            u->posts_n++;
            queue_pop(s, u, cycle);
        }
    } else if (!slot_was_full) {
        slot_load(s, u, head, cycle);
        queue_pop(s, u, cycle);
    }
}

/* The pending post at the head. */
static void post_act(sim *s, sim_unit *u, uint64_t cycle)
{
    if (u->posts_n == 0) {
        return;
    }
    const sim_post *post = &u->posts[u->posts_first];
    if (post->popped < cycle && sim_end_of(u, post->count) < cycle) {
        s->fires[s->n_fires].unit = u->id;
        s->fires[s->n_fires].semaphore = post->semaphore;
        s->fires[s->n_fires].command = post->count;
        s->fires[s->n_fires].pc = post->pc;
        s->n_fires++;
        if (s->observer != NULL && s->observer->fire != NULL) {
            const sim_queue_event event = {
                .unit = (uint8_t)u->id, .funct7 = ISA_F7_MXU_POST, .value = post->semaphore, .cycle = cycle};
            if (!s->observer->fire(s->observer->user, &event)) {
                s->stopped = true;
            }
        }
        u->posts_first = (u->posts_first + 1) % SIM_MAX_POSTS;
        u->posts_n--;
        u->last_action = cycle;
        sim_wake_core(s, cycle + 1);
    }
}

/* The command that was in the slot at the start of the cycle. */
static void slot_act(sim *s, sim_unit *u, uint64_t cycle, front_view *view)
{
    const uint64_t checked = u->slot.popped + s->machine.config.check_cycles;
    view->look = checked + 1;
    if (cycle < checked) {
        if (u->slot.error != ISA_ERROR_NONE) {
            view->look = checked;
        }
        return;
    }
    if (u->slot.error != ISA_ERROR_NONE) {
        if (cycle == checked) {
            sim_raise(s, u->id, SIM_ERROR_OF_CHECK, u->slot.error, u->slot.number);
        }
        view->look = SIM_NEVER;
        return;
    }
    if (cycle == checked) {
        return;
    }
    const uint64_t own = own_conditions(s, u, cycle);
    if (own > cycle) {
        view->look = own;
        return;
    }
    const uint64_t blocked = sim_banks_blocked(s, u, cycle);
    if (blocked != 0) {
        view->bank = true;
        view->look = blocked;
        return;
    }
    command_begin(s, u, cycle);
}

/* When this front must act again, if nobody else changes anything. */
static uint64_t next_look(const sim *s, const sim_unit *u, uint64_t cycle, uint64_t slot_look)
{
    uint64_t next = SIM_NEVER;
    if (u->queue_n > 0) {
        const sim_entry *head = &u->queue[u->queue_first];
        bool may_pop = true;
        if (head->funct7 == ISA_F7_WAIT && head->a < s->machine.config.sem_count) {
            may_pop = s->semaphores[head->a] > 0;
        } else if (head->funct7 == ISA_F7_POST && head->a < s->machine.config.sem_count) {
            may_pop = u->posts_n < s->machine.config.post_depth;
        } else if ((head->funct7 & ISA_F7_SET) == 0 && head->funct7 != ISA_F7_WAIT && head->funct7 != ISA_F7_POST) {
            may_pop = !u->slot.full;
        }
        if (may_pop) {
            return cycle + 1;
        }
    }
    if (u->slot.full) {
        next = slot_look;
    }
    if (u->posts_n > 0) {
        const sim_post *post = &u->posts[u->posts_first];
        const uint64_t end = sim_end_of(u, post->count);
        if (end != SIM_NEVER) {
            next = sim_min_u64(next, sim_max_u64(cycle + 1, end + 1));
        }
    }
    return next;
}

static bool head_waits(const sim *s, const sim_unit *u, bool has_error)
{
    if (u->queue_n == 0) {
        return false;
    }
    const sim_entry *head = &u->queue[u->queue_first];
    return head->funct7 == ISA_F7_WAIT && head->a < s->machine.config.sem_count &&
           (has_error || s->semaphores[head->a] == 0);
}

/* After an error nothing moves any more; the counters still want to know what stands there. */
static void front_freeze(sim *s, sim_unit *u, uint64_t cycle)
{
    const sim_flags flags = {
        .semaphore = head_waits(s, u, true),
        .occupied = u->queue_n > 0 || u->slot.full,
        .flight_until = flight_until(u),
    };
    sim_set_flags(u, cycle, &flags, &flags);
    u->front_wake = SIM_NEVER;
}

void sim_front_act(sim *s, sim_unit *u, uint64_t cycle)
{
    sim_settle(s, u, cycle);
    sim_retire(s, u, cycle);
    if (sim_has_error(s, cycle)) {
        front_freeze(s, u, cycle);
        return;
    }
    front_view view = {.look = SIM_NEVER};
    const bool slot_was_full = u->slot.full;
    const unsigned posts_were = u->posts_n;
    sim_flags first = {
        /* what the core pushes in this cycle is not there yet; a SET that it pushed in the last may have gone through */
        .occupied = slot_was_full || u->queue_n > 0 || u->last_pop == cycle,
        .flight_until = flight_until(u),
    };
    post_act(s, u, cycle);
    head_act(s, u, cycle, slot_was_full, posts_were, &view);
    if (slot_was_full) {
        slot_act(s, u, cycle, &view);
    } else if (u->slot.full) {
        const uint64_t checked = cycle + s->machine.config.check_cycles;
        view.look = u->slot.error == ISA_ERROR_NONE ? checked + 1 : checked;
    }
    first.bank = view.bank;
    first.semaphore = view.semaphore;
    const sim_flags rest = {
        .bank = view.bank,
        .semaphore = head_waits(s, u, false),
        .occupied = u->slot.full || u->queue_n > 0,
        .flight_until = flight_until(u),
    };
    sim_set_flags(u, cycle, &first, &rest);
    u->front_wake = next_look(s, u, cycle, view.look);
}

/* ---- the end of a cycle ---- */

void sim_commit(sim *s, uint64_t cycle)
{
    const uint32_t most = isa_config_sem_max(&s->machine.config);
    for (uint32_t i = 0; i < s->n_fires; i++) {
        const uint32_t semaphore = s->fires[i].semaphore;
        s->past[semaphore].n_posts++;
        if (s->semaphores[semaphore] == most) {
            if (s->overflow.unit == SIM_NO_ERROR) {
                s->overflow.unit = s->fires[i].unit;
                s->overflow.semaphore = semaphore;
                s->overflow.pc = s->fires[i].pc;
            }
            sim_raise(s, s->fires[i].unit, SIM_ERROR_OF_POST, ISA_ERROR_SEM_OVERFLOW, s->fires[i].command);
            continue;
        }
        s->semaphores[semaphore]++;
        for (unsigned k = 0; k < ISA_N_QUEUES; k++) {
            sim_unit *u = &s->units[k];
            if (u->queue_n > 0 && u->queue[u->queue_first].funct7 == ISA_F7_WAIT) {
                sim_wake_front(u, cycle + 1);
            }
        }
        sim_wake_core(s, cycle + 1);
    }
    s->n_fires = 0;
    if (s->raised.rank != SIM_NO_ERROR && s->error_cycle == SIM_NEVER) {
        s->latched = s->raised;
        s->error_cycle = cycle;
        for (unsigned k = 0; k < ISA_N_QUEUES; k++) {
            sim_wake_front(&s->units[k], cycle + 1);
        }
        sim_wake_core(s, cycle + 1);
    }
    s->raised.rank = SIM_NO_ERROR;
}
