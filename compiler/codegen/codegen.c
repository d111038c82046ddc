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

typedef struct codegen {
    base_arena *arena;
    base_arena *scratch;
    const isa_config *config;
    cc_function_vec functions;
    base_diag *diag;
} codegen;

/* A symbol: what is not a letter or digit becomes '_', and the function's number makes it unique. */
static char *symbol_name(const codegen *g, const char *program, const char *layer) {
    char *name = base_arena_printf(g->arena, "%s.%s.%zu", program, layer, g->functions.n);
    for (char *c = name; name != NULL && *c != '\0'; c++) {
        const bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9');
        if (!letter && *c != '.') {
            *c = '_';
        }
    }
    return name;
}

/* The rules of a layer become functions. Their indices become those of the functions. */
static sy_status add_rules(codegen *g, const char *program, const char *layer, const cc_rule_vec *rules, const cc_facts ***facts) {
    const size_t first = g->functions.n;
    *facts = base_arena_alloc(g->scratch, first + rules->n, sizeof **facts);
    if (*facts == NULL) {
        return SY_ENOMEM;
    }
    for (size_t i = 0; i < rules->n; i++) {
        cc_rule *rule = rules->items[i];
        cc_ops ops;
        rule->index = (uint32_t)g->functions.n;
        SY_TRY(cc_plan_rule(g->scratch, rule, *facts, &ops));
        const cc_function f = {.name = symbol_name(g, program, layer), .n_parameters = rule->n_parameters, .first = ops.first};
        if (f.name == NULL || !base_vec_push(g->scratch, &g->functions, f)) {
            return SY_ENOMEM;
        }
    }
    return SY_OK;
}

/* One layer's commands become a function; its index goes to *out. */
static sy_status add_layer(codegen *g, const cc_program *p, const cc_command *commands, size_t n, cc_registers *registers, size_t *out) {
    const char *layer = commands->layer < p->n_layers ? p->layers[commands->layer].name : "layer";
    cc_rule_vec rules = {0};
    cc_forest forest;
    cc_ops ops;
    const cc_facts **facts = NULL;
    SY_TRY(cc_share(g->scratch, commands, n, &rules, &forest));
    SY_TRY(cc_reroll(g->scratch, &forest));
    SY_TRY(cc_share_inline(g->scratch, &rules, &forest));
    SY_TRY(add_rules(g, p->name, layer, &rules, &facts));
    SY_TRY(cc_plan_forest(g->scratch, &forest, facts, registers, &ops));
    const size_t least_bytes = 4 * cc_ops_count(ops.first);
    if (least_bytes > g->config->imem_bytes) {
        return base_fail(g->diag, SY_ERANGE,
                         "layer '%s' alone needs more than %zu bytes of code, core.imem_bytes is %u: choose a configuration with more", layer,
                         least_bytes, (unsigned)g->config->imem_bytes);
    }
    cc_function f = {.name = symbol_name(g, p->name, layer), .first = ops.first};
    if (f.name == NULL) {
        return SY_ENOMEM;
    }
    SY_TRY(cc_split(g->scratch, f.name, &f.first, 0, &g->functions));
    *out = g->functions.n;
    return base_vec_push(g->scratch, &g->functions, f) ? SY_OK : SY_ENOMEM;
}

static sy_status append_call(codegen *g, cc_op **last, cc_op **first, size_t callee) {
    cc_op *call = BASE_ARENA_NEW(g->scratch, cc_op);
    if (call == NULL) {
        return SY_ENOMEM;
    }
    *call = (cc_op){.kind = CC_OP_CALL, .callee = (uint32_t)callee, .previous = *last};
    *(*last != NULL ? &(*last)->next : first) = call;
    *last = call;
    return SY_OK;
}

static sy_status add_program(codegen *g, const cc_program *p) {
    cc_registers *registers = BASE_ARENA_NEW(g->scratch, cc_registers);
    if (registers == NULL) {
        return SY_ENOMEM;
    }
    for (unsigned u = 0; u < ISA_N_QUEUES; u++) { /* START has made all registers 0 */
        for (unsigned r = 0; r < CC_MAX_REGISTERS; r++) {
            registers->known[u][r] = true;
        }
    }
    cc_op *first = NULL;
    cc_op *last = NULL;
    for (size_t i = 0; i < p->n_commands;) {
        size_t end = i;
        while (end < p->n_commands && p->commands[end].layer == p->commands[i].layer) {
            end++;
        }
        size_t callee = 0;
        SY_TRY(add_layer(g, p, &p->commands[i], end - i, registers, &callee));
        SY_TRY(append_call(g, &last, &first, callee));
        i = end;
    }
    const cc_function entry = {.name = p->name, .entry = true, .first = first};
    return base_vec_push(g->scratch, &g->functions, entry) ? SY_OK : SY_ENOMEM;
}

/* ---------------------------------------------------------------- stack */

/* Bytes by which a function lowers sp: its first "addi sp, sp, -n". */
static uint32_t frame_bytes(const cc_code *code, size_t i) {
    for (uint32_t at = 0; at + 4 <= code->sizes[i]; at += 4) {
        isa_insn insn;
        if (isa_decode(base_get_le32(code->text + code->offsets[i] + at), &insn) && insn.op == ISA_OP_ADDI && insn.rd == 2 &&
            insn.rs1 == 2 && insn.imm < 0) {
            return (uint32_t)-insn.imm;
        }
    }
    return 0;
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
        stacks[i] = frame_bytes(code, i) + stack_of_list(g, g->functions.items[i].first, stacks);
        *out = stacks[i] > *out ? stacks[i] : *out;
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- the program */

static sy_status finish(const codegen *g, const cc_code *code, isa_program *out) {
    uint32_t stack;
    SY_TRY(stack_bytes(g, code, &stack));
    if (code->n_text_bytes > g->config->imem_bytes) {
        return base_fail(g->diag, SY_ERANGE, "the code needs %u bytes, core.imem_bytes of configuration '%s' is %u: choose one with more",
                         (unsigned)code->n_text_bytes, g->config->name, (unsigned)g->config->imem_bytes);
    }
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

static sy_status run(codegen *g, const cc_program *programs, size_t n_programs, isa_program *out) {
    const cc_module *module;
    SY_TRY(cc_load_module(&module, g->diag));
    for (size_t i = 0; i < n_programs; i++) {
        SY_TRY(add_program(g, &programs[i]));
    }
    cc_code code;
    SY_TRY(module->generate(g->scratch, g->functions.items, g->functions.n, &code, g->diag));
    return finish(g, &code, out);
}

sy_status cc_codegen(base_arena *arena, const isa_config *config, const cc_program *programs, size_t n_programs,
                     isa_program *out, base_diag *diag) {
    base_arena *scratch = base_arena_create();
    if (scratch == NULL) {
        return SY_ENOMEM;
    }
    codegen g = {.arena = arena, .scratch = scratch, .config = config, .diag = diag};
    const sy_status status = run(&g, programs, n_programs, out);
    base_arena_destroy(scratch);
    return status;
}
