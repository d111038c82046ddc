/*
 * ops.c -- see ops.h.
 *
 * A register's life in a loop or a rule is one of three:
 *   nothing     no command in it needs it: it keeps what it holds
 *   value       what an iteration leaves in it is what the next one needs first (a constant is the simplest case): it is set before the loop, once; of a
 *               rule: it needs and leaves the same constant, the caller sees to it
 *   own         anything else: its first value in an iteration is set in the body; so also in the loops around it
 * A rule writes zeros to the other half of a pair that it sets, if that means nothing to it: such a register is lost to the caller.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ops.h"

#include <string.h>

#include "systole/base/assert.h"

/* What a node asks of a register first, and what it leaves in it. */
typedef enum need { NEED_NOTHING, NEED_VALUE, NEED_OWN } need;

struct cc_facts {
    uint8_t first_need[ISA_N_QUEUES][CC_MAX_REGISTERS]; /* of the body */
    cc_affine first[ISA_N_QUEUES][CC_MAX_REGISTERS];    /* NEED_VALUE: in the terms of the body */
    cc_affine last[ISA_N_QUEUES][CC_MAX_REGISTERS];     /* not NEED_NOTHING: what the body leaves */
    bool lost[ISA_N_QUEUES][CC_MAX_REGISTERS];          /* nobody knows what the body leaves */
};

typedef struct planner {
    base_arena *arena;
    const cc_facts *const *rules;
    sy_status status;
} planner;

/* The terms of a node's values: their steps from the node's first value on. */
typedef struct nest {
    uint32_t depth;
    const uint32_t *steps[CC_MAX_TERMS];
} nest;

static nest nest_inside(const nest *outer, const cc_node *loop) {
    nest inner = *outer;
    SY_ASSERT(inner.depth < CC_MAX_TERMS);
    inner.steps[inner.depth++] = loop->steps;
    return inner;
}

static void nest_advance(nest *n, uint32_t n_values) {
    for (uint32_t k = 0; k < n->depth; k++) {
        n->steps[k] += n_values;
    }
}

static cc_affine value_at(const cc_node *leaf, const nest *around, uint32_t index) {
    cc_affine v = {.base = leaf->values[index]};
    for (uint32_t k = 0; k < around->depth; k++) {
        v.steps[k] = around->steps[k][index];
    }
    return v;
}

static bool equal(const cc_affine *a, const cc_affine *b) {
    return memcmp(a, b, sizeof *a) == 0;
}

/* The value in the terms of the caller: parameters become arguments. */
static cc_affine substitute(const cc_affine *v, const cc_node *call, const nest *around) {
    cc_affine out = {.base = v->base};
    for (uint32_t p = 0; p < call->n_values; p++) {
        const cc_affine argument = value_at(call, around, p);
        out.base += v->steps[p] * argument.base;
        for (uint32_t k = 0; k < CC_MAX_TERMS; k++) {
            out.steps[k] += v->steps[p] * argument.steps[k];
        }
    }
    return out;
}

/* The value with the counter of loop k fixed. */
static cc_affine fix(cc_affine v, uint32_t k, uint32_t counter) {
    v.base += v.steps[k] * counter;
    v.steps[k] = 0;
    return v;
}

/* What the value was one iteration of loop k earlier, in terms of this iteration's counter. */
static cc_affine earlier(cc_affine v, uint32_t k) {
    v.base -= v.steps[k];
    return v;
}

/* ---------------------------------------------------------------- facts about loops */

/* Whether the register is carried from iteration to iteration of the loop at depth k. */
static bool carried(const cc_facts *f, uint32_t k, unsigned unit, unsigned r) {
    if (f->first_need[unit][r] != NEED_VALUE || f->lost[unit][r]) {
        return false;
    }
    const cc_affine left = earlier(f->last[unit][r], k);
    return equal(&left, &f->first[unit][r]);
}

static void facts_of_leaf(cc_facts *f, const cc_node *leaf, const nest *around) {
    const unsigned unit = leaf->command->unit;
    uint32_t index = 1;
    for (unsigned r = 0; r < CC_MAX_REGISTERS; r++) {
        if (!(leaf->command->mask >> r & 1)) {
            continue;
        }
        const cc_affine v = value_at(leaf, around, index++);
        if (f->first_need[unit][r] == NEED_NOTHING) {
            f->first_need[unit][r] = NEED_VALUE;
            f->first[unit][r] = v;
        }
        f->last[unit][r] = v;
        f->lost[unit][r] = false;
    }
}

static void facts_of_call(cc_facts *f, const cc_node *call, const cc_facts *callee, const nest *around) {
    for (unsigned unit = 0; unit < ISA_N_QUEUES; unit++) {
        for (unsigned r = 0; r < CC_MAX_REGISTERS; r++) {
            if (callee->first_need[unit][r] == NEED_NOTHING) {
                continue;
            }
            if (f->first_need[unit][r] == NEED_NOTHING) {
                f->first_need[unit][r] = callee->first_need[unit][r];
                f->first[unit][r] = callee->first[unit][r]; /* a constant */
            }
            f->last[unit][r] = substitute(&callee->last[unit][r], call, around);
            f->lost[unit][r] = callee->lost[unit][r];
        }
    }
}

/* Facts of an inner loop (at depth k) become part of those of the body around it. */
static void facts_of_inner(cc_facts *f, const cc_facts *inner, uint32_t k, uint32_t count) {
    for (unsigned unit = 0; unit < ISA_N_QUEUES; unit++) {
        for (unsigned r = 0; r < CC_MAX_REGISTERS; r++) {
            if (inner->first_need[unit][r] == NEED_NOTHING) {
                continue;
            }
            if (f->first_need[unit][r] == NEED_NOTHING) {
                const bool is_carried = carried(inner, k, unit, r);
                f->first_need[unit][r] = is_carried ? NEED_VALUE : NEED_OWN;
                f->first[unit][r] = fix(inner->first[unit][r], k, 0);
            }
            f->last[unit][r] = fix(inner->last[unit][r], k, count - 1);
            f->lost[unit][r] = inner->lost[unit][r];
        }
    }
}

static cc_facts *find_facts(planner *p, cc_node *const *items, size_t n_items, nest inside);

static void facts_of_item(planner *p, cc_facts *f, const cc_node *item, const nest *around) {
    if (item->rule != NULL) {
        facts_of_call(f, item, p->rules[item->rule->index], around);
    } else if (item->count == 0) {
        if (item->command->unit < ISA_N_QUEUES) {
            facts_of_leaf(f, item, around);
        }
    } else {
        const cc_facts *inner = find_facts(p, item->items, item->n_items, nest_inside(around, item));
        if (inner != NULL) {
            facts_of_inner(f, inner, around->depth, item->count);
        }
    }
}

/* The facts of a body. */
static cc_facts *find_facts(planner *p, cc_node *const *items, size_t n_items, nest inside) {
    cc_facts *f = BASE_ARENA_NEW(p->arena, cc_facts);
    if (f == NULL) {
        p->status = SY_ENOMEM;
        return NULL;
    }
    for (size_t i = 0; i < n_items; i++) {
        facts_of_item(p, f, items[i], &inside);
        nest_advance(&inside, items[i]->n_values);
    }
    return f;
}

/* ---------------------------------------------------------------- emission */

/* The list under construction, and where SETs go. */
typedef struct emitter {
    planner *p;
    cc_ops ops;
    cc_op *wait[ISA_N_QUEUES]; /* the first of the WAITs that directly precede, in the unit's queue and in this list; NULL: none */
    cc_registers *registers;
    bool (*lost)[CC_MAX_REGISTERS]; /* registers of which the value was not known, and then was overwritten; NULL: does not matter */
    uint32_t depth;
} emitter;

static cc_op *new_op(emitter *e, cc_op_kind kind, cc_op *before) {
    cc_op *op = BASE_ARENA_NEW(e->p->arena, cc_op);
    if (op == NULL) {
        e->p->status = SY_ENOMEM;
        return NULL;
    }
    op->kind = kind;
    op->next = before;
    op->previous = before != NULL ? before->previous : e->ops.last;
    *(op->previous != NULL ? &op->previous->next : &e->ops.first) = op;
    *(before != NULL ? &before->previous : &e->ops.last) = op;
    return op;
}

/* Sets the pairs of which a register in mask does not hold its value. */
static void emit_sets(emitter *e, unsigned unit, uint64_t mask, const cc_affine values[CC_MAX_REGISTERS]) {
    bool *known = e->registers->known[unit];
    cc_affine *held = e->registers->value[unit];
    for (unsigned pair = 0; pair < CC_MAX_REGISTERS / 2; pair++) {
        bool set = false;
        for (unsigned r = 2 * pair; r < 2 * pair + 2; r++) {
            if (mask >> r & 1) {
                set = set || !known[r] || !equal(&held[r], &values[r]);
            }
        }
        if (!set) {
            continue;
        }
        cc_op *op = new_op(e, CC_OP_PUSH, e->wait[unit]);
        if (op == NULL) {
            return;
        }
        op->unit = (uint8_t)unit;
        op->funct7 = (uint8_t)(ISA_F7_SET | pair);
        for (unsigned half = 0; half < 2; half++) {
            const unsigned r = 2 * pair + half;
            cc_affine *to = half == 0 ? &op->a : &op->b;
            if (mask >> r & 1) {
                held[r] = *to = values[r];
                known[r] = true;
            } else if (known[r]) {
                *to = held[r];
            } else if (e->lost != NULL) {
                e->lost[unit][r] = true;
            }
        }
    }
}

static void emit_leaf(emitter *e, const cc_node *leaf, const nest *around) {
    const cc_command *c = leaf->command;
    const bool queued = c->unit < ISA_N_QUEUES;
    if (queued && c->mask != 0) {
        cc_affine values[CC_MAX_REGISTERS];
        uint32_t index = 1;
        for (unsigned r = 0; r < CC_MAX_REGISTERS; r++) {
            if (c->mask >> r & 1) {
                values[r] = value_at(leaf, around, index++);
            }
        }
        emit_sets(e, c->unit, c->mask, values);
    }
    cc_op *op = new_op(e, CC_OP_PUSH, NULL);
    if (op == NULL) {
        return;
    }
    op->unit = c->unit;
    op->funct7 = c->funct7;
    op->a = value_at(leaf, around, 0);
    if (queued) {
        if (c->funct7 != ISA_F7_WAIT) {
            e->wait[c->unit] = NULL;
        } else if (e->wait[c->unit] == NULL) {
            e->wait[c->unit] = op;
        }
    }
}

static void emit_call(emitter *e, const cc_node *call, const nest *around) {
    const cc_facts *f = e->p->rules[call->rule->index];
    for (unsigned unit = 0; unit < ISA_N_QUEUES; unit++) {
        uint64_t mask = 0;
        for (unsigned r = 0; r < CC_MAX_REGISTERS; r++) {
            mask |= f->first_need[unit][r] == NEED_VALUE ? (uint64_t)1 << r : 0;
        }
        emit_sets(e, unit, mask, f->first[unit]);
        e->wait[unit] = NULL;
    }
    cc_op *op = new_op(e, CC_OP_CALL, NULL);
    cc_affine *arguments = base_arena_alloc(e->p->arena, call->n_values, sizeof *arguments);
    if (op == NULL || arguments == NULL) {
        e->p->status = SY_ENOMEM;
        return;
    }
    op->callee = call->rule->index;
    op->n_arguments = call->n_values;
    op->arguments = arguments;
    for (uint32_t p = 0; p < call->n_values; p++) {
        arguments[p] = value_at(call, around, p);
    }
    for (unsigned unit = 0; unit < ISA_N_QUEUES; unit++) {
        for (unsigned r = 0; r < CC_MAX_REGISTERS; r++) {
            if (f->first_need[unit][r] == NEED_NOTHING) {
                continue;
            }
            e->registers->known[unit][r] = !f->lost[unit][r];
            e->registers->value[unit][r] = substitute(&f->last[unit][r], call, around);
            if (e->lost != NULL && f->lost[unit][r]) {
                e->lost[unit][r] = true;
            }
        }
    }
}

static void emit_list(emitter *e, cc_node *const *items, size_t n, nest *around);

/* Sets before the loop what it carries, and turns e->registers into what holds at the head of every iteration. */
static void enter_loop(emitter *e, const cc_facts *f) {
    for (unsigned unit = 0; unit < ISA_N_QUEUES; unit++) {
        cc_affine values[CC_MAX_REGISTERS];
        uint64_t mask = 0;
        for (unsigned r = 0; r < CC_MAX_REGISTERS; r++) {
            if (carried(f, e->depth, unit, r)) {
                mask |= (uint64_t)1 << r;
                values[r] = fix(f->first[unit][r], e->depth, 0);
            }
        }
        emit_sets(e, unit, mask, values);
        for (unsigned r = 0; r < CC_MAX_REGISTERS; r++) {
            if (mask >> r & 1) {
                e->registers->value[unit][r] = f->first[unit][r];
            } else if (f->first_need[unit][r] != NEED_NOTHING) {
                e->registers->known[unit][r] = false;
            }
        }
    }
}

static void emit_loop(emitter *e, const cc_node *loop, const nest *around) {
    nest inside = nest_inside(around, loop);
    const cc_facts *f = find_facts(e->p, loop->items, loop->n_items, inside);
    if (f == NULL) {
        return;
    }
    enter_loop(e, f);
    cc_op *op = new_op(e, CC_OP_LOOP, NULL);
    if (op == NULL) {
        return;
    }
    op->count = loop->count;
    emitter body = {.p = e->p, .registers = e->registers, .lost = e->lost, .depth = e->depth + 1};
    emit_list(&body, loop->items, loop->n_items, &inside);
    op->body = body.ops.first;
    op->body_last = body.ops.last;
    for (unsigned unit = 0; unit < ISA_N_QUEUES; unit++) {
        e->wait[unit] = NULL;
        for (unsigned r = 0; r < CC_MAX_REGISTERS; r++) {
            if (f->first_need[unit][r] != NEED_NOTHING) {
                e->registers->known[unit][r] = !f->lost[unit][r];
                e->registers->value[unit][r] = fix(f->last[unit][r], e->depth, loop->count - 1);
            }
        }
    }
}

static void emit_list(emitter *e, cc_node *const *items, size_t n, nest *around) {
    for (size_t i = 0; i < n && e->p->status == SY_OK; i++) {
        if (items[i]->rule != NULL) {
            emit_call(e, items[i], around);
        } else if (items[i]->count == 0) {
            emit_leaf(e, items[i], around);
        } else {
            emit_loop(e, items[i], around);
        }
        nest_advance(around, items[i]->n_values);
    }
}

sy_status cc_plan_forest(base_arena *arena, const cc_forest *forest, const cc_facts *const *facts, cc_registers *registers,
                         cc_ops *out) {
    planner p = {.arena = arena, .rules = facts, .status = SY_OK};
    emitter e = {.p = &p, .registers = registers};
    nest none = {0};
    emit_list(&e, forest->items, forest->n, &none);
    *out = e.ops;
    return p.status;
}

/* What the rule asks of its caller: constants that it leaves as they are. All else it sets itself. */
static void settle_needs(cc_facts *f, cc_registers *registers) {
    const cc_affine zero = {0};
    for (unsigned unit = 0; unit < ISA_N_QUEUES; unit++) {
        for (unsigned r = 0; r < CC_MAX_REGISTERS; r++) {
            const cc_affine *first = &f->first[unit][r];
            if (f->first_need[unit][r] != NEED_VALUE) {
                continue;
            }
            if (memcmp(first->steps, zero.steps, sizeof zero.steps) == 0 && !f->lost[unit][r] && equal(first, &f->last[unit][r])) {
                registers->known[unit][r] = true;
                registers->value[unit][r] = *first;
            } else {
                f->first_need[unit][r] = NEED_OWN;
            }
        }
    }
}

sy_status cc_plan_rule(base_arena *arena, const cc_rule *rule, const cc_facts *const *facts, const cc_facts **own, cc_ops *out) {
    planner p = {.arena = arena, .rules = facts, .status = SY_OK};
    nest parameters = {.depth = rule->n_parameters};
    for (uint32_t k = 0; k < rule->n_parameters; k++) {
        parameters.steps[k] = rule->terms[k];
    }
    cc_registers *registers = BASE_ARENA_NEW(arena, cc_registers);
    cc_facts *f = find_facts(&p, rule->items, rule->n_items, parameters);
    if (f == NULL || registers == NULL) {
        return SY_ENOMEM;
    }
    settle_needs(f, registers);
    bool lost[ISA_N_QUEUES][CC_MAX_REGISTERS] = {{false}};
    emitter e = {.p = &p, .registers = registers, .lost = lost, .depth = rule->n_parameters};
    emit_list(&e, rule->items, rule->n_items, &parameters);
    for (unsigned unit = 0; unit < ISA_N_QUEUES; unit++) {
        for (unsigned r = 0; r < CC_MAX_REGISTERS; r++) {
            if (f->first_need[unit][r] == NEED_NOTHING && lost[unit][r]) {
                f->first_need[unit][r] = NEED_OWN;
            }
            f->lost[unit][r] = f->first_need[unit][r] != NEED_NOTHING && !registers->known[unit][r];
            f->last[unit][r] = registers->value[unit][r];
        }
    }
    *own = f;
    *out = e.ops;
    return p.status;
}

size_t cc_ops_count(const cc_op *first) {
    size_t n = 0;
    for (const cc_op *op = first; op != NULL; op = op->next) {
        n += op->kind == CC_OP_LOOP ? cc_ops_count(op->body) : 1;
    }
    return n;
}
