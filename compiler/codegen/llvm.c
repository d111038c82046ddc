/*
 * llvm.c -- the loadable part of code generation: functions of pushes, loops and calls become RV32IM code by LLVM.
 *
 * A push is one word, written with inline assembly. Loops count down; what is affine in a counter is a phi that a step is added to, one for all values of equal
 * steps that lie within an immediate of it. All functions go into one .text with internal calls, so there is nothing left to link.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include <llvm-c/Analysis.h>
#include <llvm-c/Core.h>
#include <llvm-c/Object.h>
#include <llvm-c/Target.h>
#include <llvm-c/TargetMachine.h>

#include "host_llvm.h"
#include "module.h"
#include "systole/base/vec.h"

enum {
    IMMEDIATE = 2047,  /* of addi */
    MAX_VARIABLES = 12 /* phis of a loop; more would only be spilled */
};

/* A value that is kept in a register: base and steps as in cc_affine. */
typedef struct variable {
    cc_affine value;
    LLVMValueRef now;
} variable;
typedef BASE_VEC(variable) variable_vec;

/* A loop under construction, or (the first) the function around all of them. */
typedef struct scope {
    LLVMBasicBlockRef before; /* block before the loop; its terminator is there already */
    LLVMBasicBlockRef head;
    variable_vec variables;
} scope;

typedef struct generator {
    base_arena *arena;
    sy_status status;
    LLVMContextRef context;
    LLVMModuleRef module;
    LLVMBuilderRef builder;
    LLVMTypeRef i32, nothing;
    const cc_function *functions;
    LLVMValueRef *made;
    LLVMTypeRef *types;
    /* the function under construction */
    const cc_function *f;
    LLVMValueRef function;
    scope scopes[CC_MAX_LOOPS + 1]; /* [0]: the function; [1 + k]: its own loop k */
    uint32_t n_loops;
} generator;

static LLVMValueRef constant(const generator *g, uint32_t value) {
    return LLVMConstInt(g->i32, value, 0);
}

static LLVMValueRef add(const generator *g, LLVMValueRef a, uint32_t b) {
    return b == 0 ? a : LLVMBuildAdd(g->builder, a, constant(g, b), "");
}

/* The innermost scope that the value changes in: 0 if it changes in no loop of the function itself. */
static uint32_t scope_of(const generator *g, const cc_affine *value) {
    for (uint32_t k = CC_MAX_TERMS; k-- > g->f->n_parameters;) {
        if (value->steps[k] != 0) {
            return 1 + k - g->f->n_parameters;
        }
    }
    return 0;
}

static bool is_constant(const cc_affine *value) {
    for (uint32_t k = 0; k < CC_MAX_TERMS; k++) {
        if (value->steps[k] != 0) {
            return false;
        }
    }
    return true;
}

/* A variable of equal steps: one within an immediate, else (far) any. */
static const variable *find_variable(const scope *s, const cc_affine *value, bool far) {
    const variable *found = NULL;
    for (size_t i = 0; i < s->variables.n; i++) {
        const variable *v = &s->variables.items[i];
        if (memcmp(v->value.steps, value->steps, sizeof value->steps) != 0) {
            continue;
        }
        const uint32_t offset = value->base - v->value.base;
        if (offset + IMMEDIATE <= 2 * IMMEDIATE) {
            return v;
        }
        found = far ? v : found;
    }
    return found;
}

static LLVMValueRef evaluate(generator *g, const cc_affine *value);

/* A new variable of loop scope `at`: a phi, which the end of the loop completes. */
static LLVMValueRef make_phi(generator *g, uint32_t at, const cc_affine *value) {
    scope *s = &g->scopes[at];
    const LLVMBasicBlockRef here = LLVMGetInsertBlock(g->builder);
    cc_affine first = *value;
    first.steps[g->f->n_parameters + at - 1] = 0;
    LLVMPositionBuilderBefore(g->builder, LLVMGetBasicBlockTerminator(s->before));
    LLVMValueRef start = evaluate(g, &first);
    const LLVMValueRef top = LLVMGetFirstInstruction(s->head);
    if (top != NULL) {
        LLVMPositionBuilderBefore(g->builder, top);
    } else {
        LLVMPositionBuilderAtEnd(g->builder, s->head);
    }
    LLVMValueRef phi = LLVMBuildPhi(g->builder, g->i32, "");
    LLVMAddIncoming(phi, &start, &s->before, 1);
    LLVMPositionBuilderAtEnd(g->builder, here);
    return phi;
}

/* A value that depends on parameters alone: computed once, in the first block. */
static LLVMValueRef make_sum(generator *g, const cc_affine *value) {
    const LLVMBasicBlockRef here = LLVMGetInsertBlock(g->builder);
    const LLVMBasicBlockRef first = g->scopes[0].head;
    LLVMPositionBuilderBefore(g->builder, LLVMGetBasicBlockTerminator(first));
    LLVMValueRef sum = constant(g, value->base);
    for (uint32_t k = 0; k < g->f->n_parameters; k++) {
        if (value->steps[k] != 0) {
            LLVMValueRef counter = LLVMGetParam(g->function, k);
            const bool one = value->steps[k] == 1;
            LLVMValueRef product = one ? counter : LLVMBuildMul(g->builder, counter, constant(g, value->steps[k]), "");
            sum = LLVMBuildAdd(g->builder, sum, product, "");
        }
    }
    LLVMPositionBuilderAtEnd(g->builder, here);
    return sum;
}

/* The value, at the builder's place. */
static LLVMValueRef evaluate(generator *g, const cc_affine *value) {
    if (is_constant(value)) {
        return constant(g, value->base);
    }
    const uint32_t at = scope_of(g, value);
    scope *s = &g->scopes[at];
    const variable *v = find_variable(s, value, s->variables.n >= MAX_VARIABLES);
    if (v == NULL) {
        const LLVMBasicBlockRef block = LLVMGetInsertBlock(g->builder);
        const LLVMValueRef terminator = LLVMGetBasicBlockTerminator(block);
        const variable made = {.value = *value, .now = at == 0 ? make_sum(g, value) : make_phi(g, at, value)};
        if (!base_vec_push(g->arena, &s->variables, made)) {
            g->status = SY_ENOMEM;
        }
        if (terminator != NULL) { /* before a loop that has begun */
            LLVMPositionBuilderBefore(g->builder, terminator);
        } else {
            LLVMPositionBuilderAtEnd(g->builder, block);
        }
        return made.now;
    }
    return add(g, v->now, value->base - v->value.base);
}

static void build_push(generator *g, const cc_op *op) {
    char text[96];
    char constraints[32] = "";
    LLVMValueRef operands[2];
    LLVMTypeRef types[2] = {g->i32, g->i32};
    const char *names[2] = {"x0", "x0"};
    const cc_affine *values[2] = {&op->a, &op->b};
    unsigned n = 0;
    for (unsigned i = 0; i < 2; i++) {
        if (!is_constant(values[i]) || values[i]->base != 0) {
            operands[n] = evaluate(g, values[i]);
            names[i] = n == 0 ? "$0" : "$1";
            n++;
        }
    }
    snprintf(constraints, sizeof constraints, "%s~{memory}", n == 0 ? "" : n == 1 ? "r," : "r,r,");
    snprintf(text, sizeof text, ".insn r CUSTOM_0, %u, %u, x0, %s, %s", op->unit, op->funct7, names[0], names[1]);
    LLVMTypeRef type = LLVMFunctionType(g->nothing, types, n, 0);
    LLVMValueRef word =
        LLVMGetInlineAsm(type, text, strlen(text), constraints, strlen(constraints), 1, 0, LLVMInlineAsmDialectATT, 0);
    LLVMBuildCall2(g->builder, type, word, operands, n, "");
}

static void build_list(generator *g, const cc_op *first);

static void build_loop(generator *g, const cc_op *op) {
    scope *s = &g->scopes[++g->n_loops];
    *s = (scope){.before = LLVMGetInsertBlock(g->builder)};
    s->head = LLVMAppendBasicBlockInContext(g->context, g->function, "");
    LLVMBuildBr(g->builder, s->head);
    LLVMPositionBuilderAtEnd(g->builder, s->head);
    LLVMValueRef left = LLVMBuildPhi(g->builder, g->i32, "");
    LLVMValueRef start = constant(g, op->count);
    LLVMAddIncoming(left, &start, &s->before, 1);
    build_list(g, op->body);
    LLVMBasicBlockRef tail = LLVMGetInsertBlock(g->builder);
    for (size_t i = 0; i < s->variables.n; i++) {
        const variable *v = &s->variables.items[i];
        LLVMValueRef next = add(g, v->now, v->value.steps[g->f->n_parameters + g->n_loops - 1]);
        LLVMAddIncoming(v->now, &next, &tail, 1);
    }
    LLVMValueRef next = LLVMBuildAdd(g->builder, left, constant(g, UINT32_MAX), "");
    LLVMAddIncoming(left, &next, &tail, 1);
    LLVMValueRef more = LLVMBuildICmp(g->builder, LLVMIntNE, next, constant(g, 0), "");
    LLVMBasicBlockRef after = LLVMAppendBasicBlockInContext(g->context, g->function, "");
    LLVMBuildCondBr(g->builder, more, s->head, after);
    LLVMPositionBuilderAtEnd(g->builder, after);
    g->n_loops--;
}

static void build_call(generator *g, const cc_op *op) {
    LLVMValueRef arguments[CC_MAX_TERMS];
    for (uint32_t k = 0; k < op->n_arguments; k++) {
        arguments[k] = evaluate(g, &op->arguments[k]);
    }
    LLVMValueRef call = LLVMBuildCall2(g->builder, g->types[op->callee], g->made[op->callee], arguments, op->n_arguments, "");
    LLVMSetTailCall(call, 1); /* a jump, where it is the last thing in a function */
}

static void build_list(generator *g, const cc_op *first) {
    for (const cc_op *op = first; op != NULL && g->status == SY_OK; op = op->next) {
        switch (op->kind) {
        case CC_OP_PUSH:
            build_push(g, op);
            break;
        case CC_OP_LOOP:
            build_loop(g, op);
            break;
        case CC_OP_CALL:
            build_call(g, op);
            break;
        }
    }
}

static void set_attribute(const generator *g, LLVMValueRef function, const char *name) {
    const unsigned kind = LLVMGetEnumAttributeKindForName(name, strlen(name));
    LLVMAddAttributeAtIndex(function, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, LLVMCreateEnumAttribute(g->context, kind, 0));
}

static void declare(generator *g, size_t i) {
    const cc_function *f = &g->functions[i];
    LLVMTypeRef counters[CC_MAX_TERMS];
    for (uint32_t k = 0; k < f->n_parameters; k++) {
        counters[k] = g->i32;
    }
    g->types[i] = LLVMFunctionType(g->nothing, counters, f->n_parameters, 0);
    LLVMValueRef function = g->made[i] = LLVMAddFunction(g->module, f->name, g->types[i]);
    LLVMSetLinkage(function, f->entry ? LLVMExternalLinkage : LLVMInternalLinkage);
    static const char *const attributes[] = {"noinline", "nounwind", "optsize", "minsize"};
    for (size_t a = 0; a < sizeof attributes / sizeof attributes[0]; a++) {
        set_attribute(g, function, attributes[a]);
    }
    if (f->entry) {
        set_attribute(g, function, "noreturn"); /* so it saves no registers */
    }
    LLVMAddTargetDependentFunctionAttr(function, "no-builtins", "true");
    LLVMAddTargetDependentFunctionAttr(function, "no-jump-tables", "true");
    LLVMAddTargetDependentFunctionAttr(function, "nooutline", "true");
}

static void build_function(generator *g, size_t i) {
    g->f = &g->functions[i];
    g->function = g->made[i];
    g->n_loops = 0;
    LLVMBasicBlockRef first = LLVMAppendBasicBlockInContext(g->context, g->function, "");
    LLVMBasicBlockRef body = LLVMAppendBasicBlockInContext(g->context, g->function, "");
    g->scopes[0] = (scope){.head = first};
    LLVMPositionBuilderAtEnd(g->builder, first);
    LLVMBuildBr(g->builder, body);
    LLVMPositionBuilderAtEnd(g->builder, body);
    build_list(g, g->f->first);
    if (g->f->entry) {
        const cc_op halt = {.kind = CC_OP_PUSH, .unit = ISA_UNIT_CORE, .funct7 = ISA_F7_CORE_HALT};
        build_push(g, &halt);
        LLVMBuildUnreachable(g->builder);
    } else {
        LLVMBuildRetVoid(g->builder);
    }
}

/* ---------------------------------------------------------------- from the object to bytes */

static void find_function(const generator *g, size_t n_functions, LLVMSymbolIteratorRef symbol, cc_code *out) {
    const char *name = LLVMGetSymbolName(symbol);
    for (size_t i = 0; name != NULL && i < n_functions; i++) {
        if (strcmp(name, g->functions[i].name) == 0) {
            out->offsets[i] = (uint32_t)LLVMGetSymbolAddress(symbol);
            out->sizes[i] = (uint32_t)LLVMGetSymbolSize(symbol);
        }
    }
}

/* The text of the object, in which nothing may be left to a linker. */
static sy_status read_object(generator *g, size_t n_functions, LLVMBinaryRef object, cc_code *out, base_diag *diag) {
    LLVMSectionIteratorRef section = LLVMObjectFileCopySectionIterator(object);
    sy_status status = SY_EINTERNAL;
    for (; !LLVMObjectFileIsSectionIteratorAtEnd(object, section); LLVMMoveToNextSection(section)) {
        const char *name = LLVMGetSectionName(section);
        if (name == NULL || strcmp(name, ".text") != 0) {
            continue;
        }
        LLVMRelocationIteratorRef relocation = LLVMGetRelocations(section);
        const bool relocated = !LLVMIsRelocationIteratorAtEnd(section, relocation);
        LLVMDisposeRelocationIterator(relocation);
        if (relocated) {
            status = base_fail(diag, SY_EINTERNAL, "llvm left relocations in the code");
            break;
        }
        out->n_text_bytes = (uint32_t)LLVMGetSectionSize(section);
        out->text = base_arena_memdup(g->arena, LLVMGetSectionContents(section), out->n_text_bytes, 1);
        status = out->text != NULL ? SY_OK : SY_ENOMEM;
        LLVMSymbolIteratorRef symbol = LLVMObjectFileCopySymbolIterator(object);
        for (; !LLVMObjectFileIsSymbolIteratorAtEnd(object, symbol); LLVMMoveToNextSymbol(symbol)) {
            if (LLVMGetSectionContainsSymbol(section, symbol)) {
                find_function(g, n_functions, symbol, out);
            }
        }
        LLVMDisposeSymbolIterator(symbol);
    }
    LLVMDisposeSectionIterator(section);
    return status;
}

/* Keeps LLVM's first complaint; without a handler it would end the process. */
typedef struct complaint {
    char text[256];
} complaint;

static void keep_complaint(LLVMDiagnosticInfoRef info, void *context) {
    complaint *c = context;
    if (LLVMGetDiagInfoSeverity(info) == LLVMDSError && c->text[0] == '\0') {
        char *text = LLVMGetDiagInfoDescription(info);
        snprintf(c->text, sizeof c->text, "%s", text);
        LLVMDisposeMessage(text);
    }
}

static sy_status fail_message(base_diag *diag, const char *what, char *message) {
    const sy_status status = base_fail(diag, SY_EINTERNAL, "llvm: %s: %s", what, message != NULL ? message : "no message");
    LLVMDisposeMessage(message);
    return status;
}

static LLVMTargetMachineRef make_machine(base_diag *diag, sy_status *status) {
    LLVMInitializeRISCVTargetInfo();
    LLVMInitializeRISCVTarget();
    LLVMInitializeRISCVTargetMC();
    LLVMInitializeRISCVAsmPrinter();
    LLVMInitializeRISCVAsmParser(); /* reads the inline assembly */
    static const char triple[] = "riscv32-unknown-elf";
    LLVMTargetRef target = NULL;
    char *message = NULL;
    if (LLVMGetTargetFromTriple(triple, &target, &message) != 0) {
        *status = fail_message(diag, "no riscv32 target", message);
        return NULL;
    }
    return LLVMCreateTargetMachine(target, triple, "generic-rv32", "+m,-relax", LLVMCodeGenLevelDefault, LLVMRelocStatic,
                                   LLVMCodeModelSmall);
}

/* From the finished module to bytes. */
static sy_status emit(generator *g, size_t n_functions, const complaint *said, cc_code *out, base_diag *diag) {
    sy_status status = SY_EINTERNAL;
    char *message = NULL;
    if (LLVMVerifyModule(g->module, LLVMReturnStatusAction, &message) != 0) {
        return fail_message(diag, "module", message);
    }
    LLVMDisposeMessage(message);
    message = NULL;
    LLVMTargetMachineRef machine = make_machine(diag, &status);
    if (machine == NULL) {
        return status;
    }
    LLVMMemoryBufferRef bytes = NULL;
    LLVMSetTarget(g->module, "riscv32-unknown-elf");
    LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(machine);
    LLVMSetModuleDataLayout(g->module, layout);
    LLVMDisposeTargetData(layout);
    const LLVMBool failed = LLVMTargetMachineEmitToMemoryBuffer(machine, g->module, LLVMObjectFile, &message, &bytes);
    LLVMDisposeTargetMachine(machine);
    if (failed) {
        return fail_message(diag, "code generation", message);
    }
    LLVMBinaryRef object = NULL;
    if (said->text[0] != '\0') {
        status = base_fail(diag, SY_EINTERNAL, "llvm: %s", said->text);
    } else if ((object = LLVMCreateBinary(bytes, g->context, &message)) == NULL) {
        status = fail_message(diag, "object file", message);
    } else {
        status = read_object(g, n_functions, object, out, diag);
        LLVMDisposeBinary(object);
    }
    LLVMDisposeMemoryBuffer(bytes);
    return status;
}

static sy_status generate(base_arena *arena, const cc_function *functions, size_t n_functions, cc_code *out, base_diag *diag) {
    generator *g = BASE_ARENA_NEW(arena, generator);
    cc_code code = {0};
    code.offsets = base_arena_alloc(arena, n_functions, sizeof *code.offsets);
    code.sizes = base_arena_alloc(arena, n_functions, sizeof *code.sizes);
    if (g == NULL || code.offsets == NULL || code.sizes == NULL) {
        return SY_ENOMEM;
    }
    *g = (generator){.arena = arena, .functions = functions};
    g->made = base_arena_alloc(arena, n_functions, sizeof *g->made);
    g->types = base_arena_alloc(arena, n_functions, sizeof *g->types);
    if (g->made == NULL || g->types == NULL) {
        return SY_ENOMEM;
    }
    complaint said = {""};
    g->context = LLVMContextCreate();
    LLVMContextSetDiagnosticHandler(g->context, keep_complaint, &said);
    g->module = LLVMModuleCreateWithNameInContext("systole", g->context);
    g->builder = LLVMCreateBuilderInContext(g->context);
    g->i32 = LLVMInt32TypeInContext(g->context);
    g->nothing = LLVMVoidTypeInContext(g->context);
    for (size_t i = 0; i < n_functions; i++) {
        declare(g, i);
    }
    for (size_t i = 0; i < n_functions; i++) {
        build_function(g, i);
    }
    const sy_status status = g->status == SY_OK ? emit(g, n_functions, &said, &code, diag) : g->status;
    LLVMDisposeBuilder(g->builder);
    LLVMDisposeModule(g->module);
    LLVMContextDispose(g->context);
    if (status == SY_OK) {
        *out = code;
    }
    return status;
}

SY_API extern const cc_module sy_codegen_module;
SY_API const cc_module sy_codegen_module = {.abi = CC_MODULE_ABI, .isa_hash = ISA_TABLE_HASH, .generate = generate, .host_kernel = cc_llvm_host_kernel};
