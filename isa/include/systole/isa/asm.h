/*
 * asm.h -- an assembler for tests and experiments.
 *
 * A line is [label:] [instruction or directive] [# comment]; ';' separates two on one line, '//'
 * begins a comment too.
 *
 *     .text  .data  .dram ADDRESS     what follows goes to IMEM, DMEM, or DRAM from that address
 *     .word .half .byte EXPR, ...     values, little-endian
 *     .float NUMBER, ...              fp32 values
 *     .zero N   .align K              N zeros; zeros up to a multiple of 2^K
 *     .random N, SEED                 N bytes of base_rng, stream 0: the same for the same seed
 *     .equ NAME, EXPR                 a constant
 *     .entry LABEL                    where a run begins (default: label _start, else address 0)
 *
 * Instructions: RV32IM, Zicsr, mret, wfi, ecall, ebreak, fence as RISC-V assemblers write them,
 * with registers x0 to x31 or their ABI names; Xsystole as the disassembler prints it: "mxu.matmul
 * x10", "mxu.set a_base, x10, x11". The pseudo-instructions nop li la mv not neg seqz snez sltz
 * sgtz beqz bnez blez bgez bltz bgtz bgt ble bgtu bleu j jal jr jalr call tail ret csrr csrw csrs
 * csrc csrwi csrsi csrci have their usual meaning; la and li take one instruction where the value
 * is known in its line and fits, else two.
 *
 * For tests, constants into descriptor registers, through t5 and t6:
 *
 *     mxu.setf a_base=12, w_base=34, flags=accumulate
 *     vpu.setf chain_fp = mul1:imm | fn:relu, mul1_imm = 0.5, chain_out = out:spm
 *
 * It sets whole pairs: the half that is not named gets the value that the last setf above it in
 * this file gave it, or 0. In the value of a register with bit fields, FIELD:VALUE is a field
 * (VALUE by name or number), and a one-bit field alone is 1.
 *
 * Expressions: decimal, 0x, 0b, 'c', labels, constants, '.', + - * / % << >> & | ^ ~ ( ), %hi(x),
 * %lo(x); a number with a decimal point or an exponent is an fp32 value's bits.  A label in DRAM is
 * its DRAM address.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_ISA_ASM_H
#define SYSTOLE_ISA_ASM_H

#include "systole/base/arena.h"
#include "systole/base/buf.h"
#include "systole/base/diag.h"
#include "systole/isa/image.h"
#include "systole/isa/program.h"
#include "systole/status.h"

/* Most bytes that one DRAM section may hold. */
#define ISA_ASM_DRAM_LIMIT (UINT32_C(1) << 28)

/* Where an error is, from 1. */
typedef struct isa_asm_where {
    unsigned line;
    unsigned column;
} isa_asm_where;

/*
 * Assembles a NUL-terminated text; name is the file's, for messages.  The program and all it points
 * to are in the arena; every label of .text is a symbol; it has isa_hash, and no configuration.
 *
 * Errors: SY_EFORMAT with "name:line:column: what is wrong", and where (which may be NULL);
 * SY_ENOMEM.
 */
sy_status isa_assemble(base_arena *arena, const char *text, const char *name, isa_program *program,
                       isa_asm_where *where, base_diag *diag);

/*
 * Assembles a bare-metal program (image.h): .text at address base, .data ISA_ASM_IMAGE_TEXT bytes
 * behind it, no .dram; the entry is .entry, else _start, else base.  Every label is a symbol, and
 * instructions may stand in .data too.
 *
 * Errors: as isa_assemble; SY_EINVAL for a base that is no multiple of 4.
 */
#define ISA_ASM_IMAGE_TEXT UINT32_C(0x10000)
sy_status isa_assemble_image(base_arena *arena, const char *text, const char *name, uint32_t base,
                             isa_image *image, isa_asm_where *where, base_diag *diag);

/* Appends the source line of an error and a caret under its column, two lines. */
void isa_asm_show(const char *text, isa_asm_where where, base_buf *out);

#endif
