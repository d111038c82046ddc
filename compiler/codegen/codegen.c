/*
 * codegen.c -- see systole/compiler/codegen.h: re-rolling, pushes, functions, then LLVM in its loadable part, then the program's text and symbols.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/compiler/codegen.h"

#include <string.h>

#include "load.h"
#include "split.h"
#include "systole/base/assert.h"

/* One layer of one program. */
typedef struct layer {
    const cc_program *program;
    const cc_command *commands;
    size_t n;
    uint64_t key;              /* hash of what its commands are, without values */
    cc_rule *rule;             /* the function that it becomes a call of */
    const uint32_t *arguments; /* of that call */
} layer;
typedef BASE_VEC(layer) layer_vec;

typedef struct codegen {
    base_arena *arena;
    base_arena *scratch;
    const isa_config *config;
    uint32_t call_words; /* see cc_share */
    layer_vec layers;
    cc_function_vec functions;
    const cc_facts **facts; /* of functions that are rules */
    size_t facts_capacity;
    base_diag *diag;
} codegen;

/* A symbol: what is not a letter or digit becomes '_', and the function's number makes it unique. */
static char *symbol_name(const codegen *g, const layer *l) {
    const uint16_t index = l->commands->layer;
    char *name = base_arena_printf(g->arena, "%s.%s.%zu", l->program->name, index < l->program->n_layers ? l->program->layers[index].name : "",
                                   g->functions.n);
    for (char *c = name; name != NULL && *c != '\0'; c++) {
        const bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9');
        if (!letter && *c != '.') {
            *c = '_';
        }
    }
    return name;
}

/* Makes room for the facts of all functions. */
static sy_status grow_facts(codegen *g) {
    if (g->functions.n <= g->facts_capacity) {
        return SY_OK;
    }
    const size_t capacity = 2 * g->functions.n + 64;
    const cc_facts **larger = base_arena_alloc(g->scratch, capacity, sizeof *larger);
    if (larger == NULL) {
        return SY_ENOMEM;
    }
    for (size_t i = 0; i < g->facts_capacity; i++) {
        larger[i] = g->facts[i];
    }
    g->facts = larger;
    g->facts_capacity = capacity;
    return SY_OK;
}

/* A rule becomes a function, and its index that of the function. */
static sy_status add_rule(codegen *g, const layer *l, cc_rule *rule) {
    cc_ops ops;
    const cc_facts *facts;
    SY_TRY(cc_plan_rule(g->scratch, rule, g->facts, &facts, &ops));
    cc_function f = {.name = symbol_name(g, l), .n_parameters = rule->n_parameters, .first = ops.first};
    if (f.name == NULL) {
        return SY_ENOMEM;
    }
    SY_TRY(cc_split(g->scratch, f.name, &f.first, f.n_parameters, &g->functions));
    rule->index = (uint32_t)g->functions.n;
    if (!base_vec_push(g->scratch, &g->functions, f)) {
        return SY_ENOMEM;
    }
    SY_TRY(grow_facts(g));
    g->facts[rule->index] = facts;
    return SY_OK;
}

/* The list, in which equal layers are parameters apart, becomes a function for all of them. */
static sy_status make_function(codegen *g, const layer *l, cc_forest *list, uint32_t n_parameters, cc_rule **out) {
    cc_rule_vec rules = {0};
    SY_TRY(cc_share(g->scratch, g->call_words, &rules, list));
    SY_TRY(cc_reroll(g->scratch, list));
    SY_TRY(cc_share_inline(g->scratch, &rules, list));
    SY_TRY(cc_share_rule(g->scratch, list, n_parameters, out));
    for (size_t i = 0; i < rules.n; i++) {
        SY_TRY(add_rule(g, l, rules.items[i]));
    }
    return add_rule(g, l, *out);
}

/* Makes the function of layer `first`, and of all later ones that it fits too. */
static sy_status add_layer(codegen *g, size_t first) {
    layer *layers = g->layers.items;
    size_t *members = base_arena_alloc(g->scratch, g->layers.n, sizeof *members);
    cc_forest *lists = base_arena_alloc(g->scratch, g->layers.n, sizeof *lists);
    if (members == NULL || lists == NULL) {
        return SY_ENOMEM;
    }
    size_t n = 0;
    for (size_t i = first; i < g->layers.n; i++) {
        if (layers[i].key == layers[first].key && layers[i].n == layers[first].n && layers[i].rule == NULL) {
            SY_TRY(cc_leaves(g->scratch, layers[i].commands, layers[i].n, &lists[n]));
            members[n++] = i;
        }
    }
    cc_forest list;
    uint32_t n_parameters = 0;
    uint32_t *arguments = NULL;
    bool fits;
    SY_TRY(cc_share_layers(g->scratch, lists, n, &fits, &list, &n_parameters, &arguments));
    if (!fits) {
        n = 1;
        list = lists[0];
    }
    cc_rule *rule;
    SY_TRY(make_function(g, &layers[first], &list, n_parameters, &rule));
    for (size_t i = 0; i < n; i++) {
        layers[members[i]].rule = rule;
        layers[members[i]].arguments = arguments + i * n_parameters;
    }
    return SY_OK;
}

/* The entry point of a program: its layers, one after the other. */
static sy_status add_entry(codegen *g, const cc_program *p) {
    cc_registers *registers = BASE_ARENA_NEW(g->scratch, cc_registers);
    cc_node *calls = base_arena_alloc(g->scratch, g->layers.n, sizeof *calls);
    cc_node **items = base_arena_alloc(g->scratch, g->layers.n, sizeof *items);
    if (registers == NULL || calls == NULL || items == NULL) {
        return SY_ENOMEM;
    }
    for (unsigned u = 0; u < ISA_N_QUEUES; u++) { /* START has made all registers 0 */
        for (unsigned r = 0; r < CC_MAX_REGISTERS; r++) {
            registers->known[u][r] = true;
        }
    }
    cc_forest list = {.items = items};
    for (size_t i = 0; i < g->layers.n; i++) {
        const layer *l = &g->layers.items[i];
        if (l->program == p) {
            calls[i] = (cc_node){.rule = l->rule, .n_values = l->rule->n_parameters, .values = l->arguments};
            items[list.n++] = &calls[i];
        }
    }
    cc_ops ops;
    SY_TRY(cc_plan_forest(g->scratch, &list, g->facts, registers, &ops));
    const cc_function entry = {.name = p->name, .entry = true, .first = ops.first};
    return base_vec_push(g->scratch, &g->functions, entry) ? grow_facts(g) : SY_ENOMEM;
}

/* Runs of commands of one layer. */
static sy_status find_layers(codegen *g, const cc_program *p) {
    for (size_t i = 0; i < p->n_commands;) {
        layer l = {.program = p, .commands = &p->commands[i]};
        while (i < p->n_commands && p->commands[i].layer == l.commands->layer) {
            const cc_command *c = &p->commands[i++];
            l.key = cc_mix(l.key, (uint64_t)c->unit << 8 | c->funct7);
            l.key = cc_mix(l.key, c->mask != 0 ? c->mask : c->payload);
            l.n++;
        }
        if (!base_vec_push(g->scratch, &g->layers, l)) {
            return SY_ENOMEM;
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- stack */

/* Bytes by which a function lowers sp, once, by "addi sp, sp, -n"; false if it does it in a way that this does not see. */
static bool frame_bytes(const cc_code *code, size_t i, uint32_t *out) {
    enum { SP = 2 };
    *out = 0;
    for (uint32_t at = 0; at + 4 <= code->sizes[i]; at += 4) {
        isa_insn insn;
        if (!isa_decode(base_get_le32(code->text + code->offsets[i] + at), &insn) || insn.rd != SP || insn.format == ISA_FORMAT_STORE) {
            continue;
        }
        if (insn.op != ISA_OP_ADDI || insn.rs1 != SP) {
            return false;
        }
        if (insn.imm < 0) {
            *out += (uint32_t)-insn.imm;
        }
    }
    return true;
}

static uint32_t stack_of_list(const codegen *g, const cc_op *first, const uint32_t *stacks) {
    uint32_t most = 0;
    for (const cc_op *op = first; op != NULL; op = op->next) {
        const uint32_t n = op->kind == CC_OP_CALL ? stacks[op->callee] : op->kind == CC_OP_LOOP ? stack_of_list(g, op->body, stacks) : 0;
        most = n > most ? n : most;
    }
    return most;
}

/* The deepest stack. Callees stand before their callers. */
static sy_status stack_bytes(const codegen *g, const cc_code *code, uint32_t *out) {
    uint32_t *stacks = base_arena_alloc(g->scratch, g->functions.n, sizeof *stacks);
    if (stacks == NULL) {
        return SY_ENOMEM;
    }
    *out = 0;
    for (size_t i = 0; i < g->functions.n; i++) {
        uint32_t frame;
        if (!frame_bytes(code, i, &frame)) {
            return base_fail(g->diag, SY_EINTERNAL, "function '%s' has a stack frame of unknown size", g->functions.items[i].name);
        }
        stacks[i] = frame + stack_of_list(g, g->functions.items[i].first, stacks);
        *out = stacks[i] > *out ? stacks[i] : *out;
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- the program */

static sy_status finish(const codegen *g, const cc_code *code, isa_program *out) {
    uint32_t stack;
    SY_TRY(stack_bytes(g, code, &stack));
    if (stack > g->config->dmem_bytes) {
        return base_fail(g->diag, SY_ERANGE, "the code needs %u bytes of data memory, core.dmem_bytes of configuration '%s' is %u: choose one with more",
                         (unsigned)stack, g->config->name, (unsigned)g->config->dmem_bytes);
    }
    const size_t n = g->functions.n;
    isa_symbol *symbols = base_arena_alloc(g->arena, n, sizeof *symbols);
    uint8_t *text = base_arena_memdup(g->arena, code->text, code->n_text_bytes, 1);
    if (symbols == NULL || text == NULL) {
        return SY_ENOMEM;
    }
    uint32_t entry = ISA_IMEM_BASE;
    for (size_t i = n; i-- > 0;) {
        const cc_function *f = &g->functions.items[i];
        symbols[i] = (isa_symbol){.pc = ISA_IMEM_BASE + code->offsets[i], .n_bytes = code->sizes[i]};
        symbols[i].name = base_arena_strdup(g->arena, f->name);
        if (symbols[i].name == NULL) {
            return SY_ENOMEM;
        }
        entry = f->entry ? symbols[i].pc : entry;
    }
    out->text = text;
    out->n_text_bytes = code->n_text_bytes;
    out->data = NULL;
    out->n_data_bytes = 0;
    out->entry = entry;
    out->symbols = symbols;
    out->n_symbols = n;
    return SY_OK;
}

/* Bytes of code that no compiler could do without: one word for each push. */
static size_t least_bytes(const codegen *g) {
    size_t n = 0;
    for (size_t i = 0; i < g->functions.n; i++) {
        n += 4 * cc_ops_count(g->functions.items[i].first);
    }
    return n;
}

static sy_status too_large(const codegen *g, const char *how, size_t n_bytes) {
    return base_fail(g->diag, SY_ERANGE, "the code needs %s%zu bytes, core.imem_bytes of configuration '%s' is %u: choose one with more", how, n_bytes,
                     g->config->name, (unsigned)g->config->imem_bytes);
}

static sy_status run(codegen *g, const cc_module *module, const cc_program *programs, size_t n_programs, isa_program *out) {
    for (size_t i = 0; i < n_programs; i++) {
        SY_TRY(find_layers(g, &programs[i]));
    }
    for (size_t i = 0; i < g->layers.n; i++) {
        if (g->layers.items[i].rule == NULL) {
            SY_TRY(add_layer(g, i));
        }
    }
    for (size_t i = 0; i < n_programs; i++) {
        SY_TRY(add_entry(g, &programs[i]));
    }
    if (least_bytes(g) > g->config->imem_bytes) {
        return too_large(g, "more than ", least_bytes(g));
    }
    cc_code code;
    SY_TRY(module->generate(g->scratch, g->functions.items, g->functions.n, &code, g->diag));
    if (code.n_text_bytes > g->config->imem_bytes) {
        return too_large(g, "", code.n_text_bytes);
    }
    return finish(g, &code, out);
}

sy_status cc_codegen(base_arena *arena, const isa_config *config, const cc_program *programs, size_t n_programs,
                     isa_program *out, base_diag *diag) {
    static const uint32_t call_words[] = {8, 5}; /* fast code; if that is too large, small code */
    const cc_module *module;
    SY_TRY(cc_load_module(&module, diag));
    sy_status status = SY_ERANGE;
    for (size_t i = 0; i < sizeof call_words / sizeof call_words[0] && status == SY_ERANGE; i++) {
        base_arena *scratch = base_arena_create();
        if (scratch == NULL) {
            return SY_ENOMEM;
        }
        codegen g = {.arena = arena, .scratch = scratch, .config = config, .call_words = call_words[i], .diag = diag};
        status = run(&g, module, programs, n_programs, out);
        base_arena_destroy(scratch);
    }
    return status;
}
