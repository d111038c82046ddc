/*
 * host_llvm.c -- elementwise programs become code for this processor: vectors of 16 elements, then single ones.
 *
 * Vectors are written out here: no pass of LLVM's has to find them, and a result may overwrite its operand. The object is
 * linked here too: text first, then the constants it refers to, so that what comes out is bytes that run anywhere.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "host_llvm.h"

#include <elf.h>
#include <string.h>

#include <llvm-c/Analysis.h>
#include <llvm-c/Core.h>
#include <llvm-c/Target.h>
#include <llvm-c/TargetMachine.h>

#define WIDTH       16
#define ALIGN_BYTES 64

typedef struct host {
    const cc_host_program *program;
    LLVMContextRef context;
    LLVMModuleRef module;
    LLVMBuilderRef builder;
    LLVMValueRef function;
    unsigned width; /* of the loop under construction: WIDTH, or 1 */
    LLVMValueRef values[CC_HOST_MAX_VALUES];
} host;

/* ---------------------------------------------------------------- types and constants */

static LLVMTypeRef element_type(const host *h, cc_host_type type)
{
    switch (type) {
    case CC_HOST_F32:
        return LLVMFloatTypeInContext(h->context);
    case CC_HOST_I32:
        return LLVMInt32TypeInContext(h->context);
    case CC_HOST_I64:
        return LLVMInt64TypeInContext(h->context);
    case CC_HOST_BYTE:
        return LLVMInt8TypeInContext(h->context);
    case CC_HOST_MASK:
        break;
    }
    return LLVMInt1TypeInContext(h->context);
}

static LLVMTypeRef type_of(const host *h, cc_host_type type)
{
    LLVMTypeRef one = element_type(h, type);
    return h->width == 1 ? one : LLVMVectorType(one, h->width);
}

static LLVMValueRef constant(const host *h, cc_host_type type, uint32_t bits)
{
    LLVMValueRef lanes[WIDTH];
    LLVMValueRef one = LLVMConstInt(LLVMInt32TypeInContext(h->context), bits, 0);
    if (type == CC_HOST_F32) {
        one = LLVMConstBitCast(one, element_type(h, type));
    } else {
        one = LLVMConstInt(element_type(h, type), bits, 0);
    }
    for (unsigned i = 0; i < h->width; i++) {
        lanes[i] = one;
    }
    return h->width == 1 ? one : LLVMConstVector(lanes, h->width);
}

/* A function of LLVM's own on one (vector) operand of this type. */
static LLVMValueRef intrinsic(const host *h, const char *name, LLVMTypeRef types[], unsigned n_types, LLVMValueRef operand)
{
    const unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
    LLVMValueRef f = LLVMGetIntrinsicDeclaration(h->module, id, types, n_types);
    LLVMTypeRef type = LLVMIntrinsicGetType(h->context, id, types, n_types);
    return LLVMBuildCall2(h->builder, type, f, &operand, 1, "");
}

/* ---------------------------------------------------------------- values */

static LLVMValueRef convert(const host *h, cc_host_type from, cc_host_type to, LLVMValueRef v)
{
    LLVMTypeRef type = type_of(h, to);
    if (from == CC_HOST_F32) {
        LLVMTypeRef types[] = {type, type_of(h, from)};
        return intrinsic(h, "llvm.fptosi.sat", types, 2, v);
    }
    if (to == CC_HOST_F32) {
        return from == CC_HOST_BYTE ? LLVMBuildUIToFP(h->builder, v, type, "") : LLVMBuildSIToFP(h->builder, v, type, "");
    }
    return LLVMBuildIntCast2(h->builder, v, type, from != CC_HOST_BYTE, "");
}

static LLVMValueRef compare(const host *h, const cc_host_value *v, LLVMValueRef a, LLVMValueRef b)
{
    const bool is_float = h->program->values[v->a].type == CC_HOST_F32;
    const bool less = v->op == CC_HOST_LESS, equal = v->op == CC_HOST_EQUAL;
    return is_float ? LLVMBuildFCmp(h->builder, equal ? LLVMRealOEQ : less ? LLVMRealOLT : LLVMRealOLE, a, b, "")
                    : LLVMBuildICmp(h->builder, equal ? LLVMIntEQ : less ? LLVMIntSLT : LLVMIntSLE, a, b, "");
}

static LLVMValueRef arithmetic(const host *h, const cc_host_value *v, LLVMValueRef a, LLVMValueRef b)
{
    const bool is_float = v->type == CC_HOST_F32;
    if (v->op == CC_HOST_ADD) {
        return is_float ? LLVMBuildFAdd(h->builder, a, b, "") : LLVMBuildAdd(h->builder, a, b, "");
    }
    if (v->op == CC_HOST_SUB) {
        return is_float ? LLVMBuildFSub(h->builder, a, b, "") : LLVMBuildSub(h->builder, a, b, "");
    }
    if (v->op == CC_HOST_MUL) {
        return is_float ? LLVMBuildFMul(h->builder, a, b, "") : LLVMBuildMul(h->builder, a, b, "");
    }
    return LLVMBuildFDiv(h->builder, a, b, "");
}

static LLVMValueRef unary(const host *h, const char *name, LLVMValueRef a)
{
    LLVMTypeRef types[] = {type_of(h, CC_HOST_F32)};
    return intrinsic(h, name, types, 1, a);
}

static LLVMValueRef build_value(const host *h, const cc_host_value *v)
{
    const LLVMValueRef a = h->values[v->a], b = h->values[v->b], c = h->values[v->c];
    const cc_host_type from = h->program->values[v->a].type;
    switch (v->op) {
    case CC_HOST_INPUT:
        break;
    case CC_HOST_CONST:
        return constant(h, v->type, v->bits);
    case CC_HOST_ADD:
    case CC_HOST_SUB:
    case CC_HOST_MUL:
    case CC_HOST_DIV:
        return arithmetic(h, v, a, b);
    case CC_HOST_AND:
        return LLVMBuildAnd(h->builder, a, b, "");
    case CC_HOST_OR:
        return LLVMBuildOr(h->builder, a, b, "");
    case CC_HOST_XOR:
        return LLVMBuildXor(h->builder, a, b, "");
    case CC_HOST_SHIFT_RIGHT:
        return LLVMBuildAShr(h->builder, a, b, "");
    case CC_HOST_EQUAL:
    case CC_HOST_LESS:
    case CC_HOST_LESS_EQUAL:
        return compare(h, v, a, b);
    case CC_HOST_IS_NAN:
        return LLVMBuildFCmp(h->builder, LLVMRealUNO, a, a, "");
    case CC_HOST_SELECT:
        return LLVMBuildSelect(h->builder, a, b, c, "");
    case CC_HOST_NEG:
        return LLVMBuildFNeg(h->builder, a, "");
    case CC_HOST_ABS:
        return unary(h, "llvm.fabs", a);
    case CC_HOST_SQRT:
        return unary(h, "llvm.sqrt", a);
    case CC_HOST_FLOOR:
        return unary(h, "llvm.floor", a);
    case CC_HOST_CEIL:
        return unary(h, "llvm.ceil", a);
    case CC_HOST_ROUND:
        return unary(h, "llvm.rint", a);
    case CC_HOST_BITS:
        return LLVMBuildBitCast(h->builder, a, type_of(h, v->type), "");
    case CC_HOST_CONVERT:
        return convert(h, from, v->type, a);
    case CC_HOST_TRUTH:
        return v->type == CC_HOST_MASK ? LLVMBuildICmp(h->builder, LLVMIntNE, a, constant(h, from, 0), "")
                                       : LLVMBuildZExt(h->builder, a, type_of(h, v->type), "");
    }
    return NULL;
}

/* ---------------------------------------------------------------- loops */

/* The address of element i of an array of this type. */
static LLVMValueRef address(const host *h, cc_host_type type, LLVMValueRef base, LLVMValueRef i)
{
    return LLVMBuildGEP2(h->builder, element_type(h, type), base, &i, 1, "");
}

/* for (i = first; i + width <= last; i += width); returns the i it ends with. */
static LLVMValueRef build_loop(host *h, unsigned width, LLVMValueRef first, LLVMValueRef last, const LLVMValueRef *inputs)
{
    const cc_host_program *p = h->program;
    LLVMTypeRef i64 = LLVMInt64TypeInContext(h->context);
    LLVMBasicBlockRef before = LLVMGetInsertBlock(h->builder);
    LLVMBasicBlockRef head = LLVMAppendBasicBlockInContext(h->context, h->function, "head");
    LLVMBasicBlockRef body = LLVMAppendBasicBlockInContext(h->context, h->function, "body");
    LLVMBasicBlockRef after = LLVMAppendBasicBlockInContext(h->context, h->function, "after");
    h->width = width;
    LLVMBuildBr(h->builder, head);
    LLVMPositionBuilderAtEnd(h->builder, head);
    LLVMValueRef i = LLVMBuildPhi(h->builder, i64, "i");
    LLVMValueRef next = LLVMBuildAdd(h->builder, i, LLVMConstInt(i64, width, 0), "");
    LLVMBuildCondBr(h->builder, LLVMBuildICmp(h->builder, LLVMIntSLE, next, last, ""), body, after);
    LLVMPositionBuilderAtEnd(h->builder, body);
    for (uint32_t k = 0; k < p->n_values; k++) {
        const cc_host_value *v = &p->values[k];
        if (v->op == CC_HOST_INPUT) {
            h->values[k] = LLVMBuildLoad2(h->builder, type_of(h, v->type), address(h, v->type, inputs[k], i), "");
            LLVMSetAlignment(h->values[k], 1);
        } else {
            h->values[k] = build_value(h, v);
        }
    }
    const cc_host_type type = p->values[p->n_values - 1].type;
    LLVMValueRef store = LLVMBuildStore(h->builder, h->values[p->n_values - 1],
                                        address(h, type, LLVMGetParam(h->function, 2), i));
    LLVMSetAlignment(store, 1);
    LLVMBuildBr(h->builder, head);
    LLVMAddIncoming(i, (LLVMValueRef[]){first, next}, (LLVMBasicBlockRef[]){before, body}, 2);
    LLVMPositionBuilderAtEnd(h->builder, after);
    return i;
}

static void build_function(host *h)
{
    LLVMTypeRef i64 = LLVMInt64TypeInContext(h->context), pointer = LLVMPointerTypeInContext(h->context, 0);
    LLVMTypeRef parameters[] = {i64, pointer, pointer};
    LLVMTypeRef type = LLVMFunctionType(LLVMVoidTypeInContext(h->context), parameters, 3, 0);
    LLVMValueRef inputs[CC_HOST_MAX_VALUES];
    static const char attribute[] = "prefer-vector-width", value[] = "512";
    h->function = LLVMAddFunction(h->module, "kernel", type);
    LLVMAddAttributeAtIndex(h->function, (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
                            LLVMCreateStringAttribute(h->context, attribute, sizeof attribute - 1, value, sizeof value - 1));
    LLVMPositionBuilderAtEnd(h->builder, LLVMAppendBasicBlockInContext(h->context, h->function, "entry"));
    for (uint32_t k = 0; k < h->program->n_inputs; k++) {
        LLVMValueRef at = LLVMConstInt(i64, k, 0);
        inputs[k] = LLVMBuildLoad2(h->builder, pointer,
                                   LLVMBuildGEP2(h->builder, pointer, LLVMGetParam(h->function, 1), &at, 1, ""), "");
    }
    LLVMValueRef n = LLVMGetParam(h->function, 0);
    LLVMValueRef i = build_loop(h, WIDTH, LLVMConstInt(i64, 0, 0), n, inputs);
    (void)build_loop(h, 1, i, n, inputs);
    LLVMBuildRetVoid(h->builder);
}

/* ---------------------------------------------------------------- the object */

static sy_status strange(base_diag *diag, const char *what)
{
    return base_fail(diag, SY_EINTERNAL, "llvm: host kernel: %s", what);
}

static uint64_t aligned(uint64_t v)
{
    return (v + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES;
}

/* One relocation in the text: the distance to a place in another section. */
static sy_status relocate(const Elf64_Rela *r, const Elf64_Sym *symbols, const uint64_t *places, size_t n_sections,
                          uint8_t *text, base_diag *diag)
{
    const Elf64_Sym *s = &symbols[ELF64_R_SYM(r->r_info)];
    const uint32_t type = (uint32_t)ELF64_R_TYPE(r->r_info);
    if ((type != R_X86_64_PC32 && type != R_X86_64_PLT32) || s->st_shndx >= n_sections || places[s->st_shndx] == UINT64_MAX) {
        return strange(diag, "a relocation that needs a linker");
    }
    const uint64_t target = places[s->st_shndx] + s->st_value + (uint64_t)r->r_addend;
    const uint32_t distance = (uint32_t)(target - r->r_offset);
    memcpy(text + r->r_offset, &distance, sizeof distance);
    return SY_OK;
}

/* The object comes from LLVM: its headers are right. */
static sy_status link_object(base_arena *arena, const uint8_t *object, cc_host_code *out, base_diag *diag)
{
    const Elf64_Ehdr *head = (const void *)object;
    const Elf64_Shdr *sections = (const void *)(object + head->e_shoff);
    const char *names = (const char *)object + sections[head->e_shstrndx].sh_offset;
    const size_t n = head->e_shnum;
    uint64_t *places = BASE_ARENA_ARRAY(arena, uint64_t, n), size = 0;
    size_t text = 0;
    if (places == NULL) {
        return SY_ENOMEM;
    }
    for (int pass = 0; pass < 2; pass++) { /* the text lies at 0 */
        for (size_t i = 0; i < n; i++) {
            const bool is_text = strcmp(names + sections[i].sh_name, ".text") == 0;
            const bool wanted = sections[i].sh_type == SHT_PROGBITS && (sections[i].sh_flags & SHF_ALLOC) != 0 &&
                                strncmp(names + sections[i].sh_name, ".eh_frame", 9) != 0;
            if (pass == 0) {
                places[i] = UINT64_MAX;
            }
            if (wanted && is_text == (pass == 0)) {
                places[i] = size;
                size = aligned(size + sections[i].sh_size);
                text = is_text ? i : text;
            }
        }
    }
    uint8_t *bytes = base_arena_alloc(arena, size, 1);
    if (bytes == NULL || text == 0 || size > UINT32_MAX) {
        return bytes == NULL ? SY_ENOMEM : strange(diag, "no code");
    }
    for (size_t i = 0; i < n; i++) {
        if (places[i] != UINT64_MAX) {
            memcpy(bytes + places[i], object + sections[i].sh_offset, sections[i].sh_size);
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (sections[i].sh_type != SHT_RELA || places[sections[i].sh_info] == UINT64_MAX) {
            continue;
        }
        const Elf64_Rela *r = (const void *)(object + sections[i].sh_offset);
        const Elf64_Sym *symbols = (const void *)(object + sections[sections[i].sh_link].sh_offset);
        if (sections[i].sh_info != text) {
            return strange(diag, "constants with relocations");
        }
        for (size_t k = 0; k < sections[i].sh_size / sizeof *r; k++) {
            SY_TRY(relocate(&r[k], symbols, places, n, bytes, diag));
        }
    }
    *out = (cc_host_code){.bytes = bytes, .n_bytes = (uint32_t)size};
    return SY_OK;
}

static LLVMTargetMachineRef make_machine(char **message)
{
    LLVMTargetRef target = NULL;
    char *triple = LLVMGetDefaultTargetTriple(), *name = LLVMGetHostCPUName(), *features = LLVMGetHostCPUFeatures();
    LLVMTargetMachineRef machine = NULL;
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    if (LLVMGetTargetFromTriple(triple, &target, message) == 0) {
        machine = LLVMCreateTargetMachine(target, triple, name, features, LLVMCodeGenLevelDefault, LLVMRelocPIC,
                                          LLVMCodeModelSmall);
    }
    LLVMDisposeMessage(triple);
    LLVMDisposeMessage(name);
    LLVMDisposeMessage(features);
    return machine;
}

static sy_status fail_message(base_diag *diag, char *message)
{
    const sy_status status = strange(diag, message != NULL ? message : "no message");
    LLVMDisposeMessage(message);
    return status;
}

static sy_status emit(const host *h, base_arena *arena, cc_host_code *out, base_diag *diag)
{
    char *message = NULL;
    LLVMMemoryBufferRef object = NULL;
    if (LLVMVerifyModule(h->module, LLVMReturnStatusAction, &message) != 0) {
        return fail_message(diag, message);
    }
    LLVMDisposeMessage(message);
    message = NULL;
    LLVMTargetMachineRef machine = make_machine(&message);
    if (machine == NULL) {
        return fail_message(diag, message);
    }
    LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(machine);
    LLVMSetModuleDataLayout(h->module, layout);
    LLVMDisposeTargetData(layout);
    const LLVMBool failed = LLVMTargetMachineEmitToMemoryBuffer(machine, h->module, LLVMObjectFile, &message, &object);
    LLVMDisposeTargetMachine(machine);
    if (failed) {
        return fail_message(diag, message);
    }
    uint8_t *copy = base_arena_memdup(arena, LLVMGetBufferStart(object), LLVMGetBufferSize(object), 1); /* aligned */
    LLVMDisposeMemoryBuffer(object);
    return copy != NULL ? link_object(arena, copy, out, diag) : SY_ENOMEM;
}

sy_status cc_llvm_host_kernel(base_arena *arena, const cc_host_program *program, cc_host_code *out, base_diag *diag)
{
#if defined(__x86_64__)
    host *h = BASE_ARENA_NEW(arena, host);
    if (h == NULL) {
        return SY_ENOMEM;
    }
    h->program = program;
    h->context = LLVMContextCreate();
    h->module = LLVMModuleCreateWithNameInContext("host", h->context);
    h->builder = LLVMCreateBuilderInContext(h->context);
    build_function(h);
    const sy_status status = emit(h, arena, out, diag);
    LLVMDisposeBuilder(h->builder);
    LLVMDisposeModule(h->module);
    LLVMContextDispose(h->context);
    return status;
#else
    (void)arena;
    (void)program;
    (void)out;
    return base_fail(diag, SY_EUNSUPPORTED, "host kernels are made for x86-64 only");
#endif
}
