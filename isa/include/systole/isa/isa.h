/*
 * isa.h -- the machine's numbers as C enums, and instructions encoded, decoded and printed.
 *
 * All of it comes from the tables (isa/X.def); names stand here as they stand there.  What the
 * tables write in lower case (descriptor registers and their bit fields, CSRs) is in
 * systole/isa/fields.h, which this header includes:
 *
 *     ISA_MXU_A_BASE                      number of a descriptor register
 *     ISA_MXU_N_REGS, ISA_MXU_N_PAIRS     registers of a unit, pairs that SET can name
 *     ISA_VPU_CHAIN_FP_FN                 a bit field: _LOW, _WIDTH, _MASK; see ISA_GET, ISA_PUT
 *     ISA_VPU_CHAIN_FP_FN_RELU            a value of it (enum isa_vpu_chain_fp_fn)
 *     ISA_CSR_MEPC                        a CSR's number
 *
 * The tables themselves, for a table of your own per instruction, error or counter:
 * systole/isa/tables.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_ISA_ISA_H
#define SYSTOLE_ISA_ISA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "systole/isa/fields.h"
#include "systole/base/buf.h"
#include "systole/status.h"

/* ISA_UNIT_MXU ...: funct3, rank in every tie, unit code of errors. */
typedef enum isa_unit {
#define U(unit, number, summary) ISA_UNIT_##unit = (number),
#include "systole/isa/tables.h"
} isa_unit;

/* ISA_N_UNITS counts the core too; ISA_N_QUEUES are the units before it, which have a queue. */
enum {
    ISA_N_UNITS = 0
#define U(unit, number, summary) +1
#include "systole/isa/tables.h"
    ,
    ISA_N_QUEUES = ISA_UNIT_CORE
};

/*
 * Every instruction: ISA_OP_ADDI ..., ISA_OP_MXU_MATMUL ..., ISA_OP_SET (any unit) and
 * ISA_OP_ILLEGAL, which is 0.
 */
typedef enum isa_op {
    ISA_OP_ILLEGAL = 0,
#define V(name, format, match, mask, timing, summary) ISA_OP_##name,
#include "systole/isa/tables.h"
    ISA_OP_SET,
#define I(unit, name, funct7, args, built, summary) ISA_OP_##unit##_##name,
#include "systole/isa/tables.h"
    ISA_N_OPS
} isa_op;

/* funct7 of Xsystole: ISA_F7_MXU_MATMUL ...; a SET is ISA_F7_SET | pair. */
enum {
#define I(unit, name, funct7, args, built, summary) ISA_F7_##unit##_##name = (funct7),
#include "systole/isa/tables.h"
    ISA_F7_SET = 0x40,
    ISA_F7_PAIR_MASK = 0x3F,
    /* the same number in every unit that has a queue */
    ISA_F7_WAIT = ISA_F7_MXU_WAIT,
    ISA_F7_POST = ISA_F7_MXU_POST
};

/* Major opcode of Xsystole (custom-0). */
#define ISA_OPCODE_XSYSTOLE UINT32_C(0x0B)

/* How an RV32 instruction is laid out: ISA_FORMAT_R ...; Xsystole is ISA_FORMAT_XSYSTOLE. */
typedef enum isa_format {
#define O(format, operands, syntax) ISA_FORMAT_##format,
#include "systole/isa/tables.h"
    ISA_FORMAT_XSYSTOLE,
    ISA_N_FORMATS
} isa_format;

/* What the payload of an Xsystole command is: see the head of isa.def. */
typedef enum isa_args {
    ISA_ARGS_NONE,
    ISA_ARGS_SEM,
    ISA_ARGS_TAG,
    ISA_ARGS_CODE,
    ISA_ARGS_PAIR
} isa_args;

/* Timing classes of the core: ISA_TIMING_ALU ..., and their cycles: ISA_CYCLES_ALU ... */
typedef enum isa_timing {
#define T(name, cycles, summary) ISA_TIMING_##name,
#include "systole/isa/tables.h"
    ISA_N_TIMINGS
} isa_timing;
enum {
#define T(name, cycles, summary) ISA_CYCLES_##name = (cycles),
#include "systole/isa/tables.h"
};

/* ISA_ERROR_FIELD ... */
typedef enum isa_error {
#define R(name, code, summary) ISA_ERROR_##name = (code),
#include "systole/isa/tables.h"
    ISA_N_ERRORS
} isa_error;

/* What a unit does in a cycle: ISA_COUNTER_BUSY ... */
typedef enum isa_counter {
#define K(name, number, summary) ISA_COUNTER_##name = (number),
#include "systole/isa/tables.h"
    ISA_N_COUNTERS
} isa_counter;

/* CSR of counter k of unit u (one of the ISA_N_QUEUES), its low 32 bits. */
#define ISA_CSR_COUNTER(u, k) (0xFC0u + 16u * (unsigned)(u) + (unsigned)(k))

/* Numbers of core exceptions (mcause): ISA_EXCEPTION_ILLEGAL ... */
typedef enum isa_exception {
#define X(name, number, summary) ISA_EXCEPTION_##name = (number),
#include "systole/isa/tables.h"
} isa_exception;

/*
 * Byte offsets of the host port's registers: ISA_HOST_CTRL ...; their fields:
 * ISA_HOST_CTRL_START_LOW, _WIDTH.
 */
enum {
#define H(name, offset, access, summary) ISA_HOST_##name = (offset),
#include "systole/isa/tables.h"
#define G(register_name, field, low, width, summary)  \
    ISA_HOST_##register_name##_##field##_LOW = (low), \
    ISA_HOST_##register_name##_##field##_WIDTH = (width),
#include "systole/isa/tables.h"
};
#define ISA_HOST_ID_VALUE UINT32_C(0x53595354)

/* What CSR misa reads: MXL = 1, I, M, and X for Xsystole. */
#define ISA_MISA_VALUE UINT32_C(0x40801100)

/* Memories as the host port numbers them: ISA_MEMORY_SPM ... */
typedef enum isa_memory {
#define M(name, number, base, summary) ISA_MEMORY_##name = (number),
#include "systole/isa/tables.h"
    ISA_N_MEMORIES
} isa_memory;

/*
 * Where the core sees IMEM and DMEM; equal to the lines of memmap.def (checked when isa.c is
 * compiled).
 */
#define ISA_IMEM_BASE UINT32_C(0x00000000)
#define ISA_DMEM_BASE UINT32_C(0x10000000)

/*
 * Bit fields: field is a name of fields.h without suffix.
 *
 *     fn = ISA_GET(regs[ISA_VPU_CHAIN_FP], ISA_VPU_CHAIN_FP_FN);
 *     word = ISA_PUT(word, ISA_VPU_CHAIN_FP_FN, ISA_VPU_CHAIN_FP_FN_RELU);
 */
#define ISA_GET(word, field) (((uint32_t)(word) >> field##_LOW) & field##_MASK)
#define ISA_PUT(word, field, value)                        \
    (((uint32_t)(word) & ~(field##_MASK << field##_LOW)) | \
     (((uint32_t)(value) & field##_MASK) << field##_LOW))

/* Type of a descriptor register. */
typedef enum isa_type { ISA_TYPE_U32, ISA_TYPE_S32, ISA_TYPE_F32, ISA_TYPE_BITS } isa_type;

/* A decoded instruction. Fields that its format does not have are 0. */
typedef struct isa_insn {
    uint32_t word;
    isa_op op;
    isa_format format;
    isa_timing timing; /* illegal: TRAP; a branch: BRANCH, and it costs TAKEN when it is taken */
    uint8_t rd;
    uint8_t rs1; /* CSRI: the 5-bit immediate */
    uint8_t rs2;
    uint8_t unit;   /* Xsystole: isa_unit */
    uint8_t funct7; /* Xsystole */
    uint8_t pair;   /* SET: registers 2 * pair and 2 * pair + 1 */
    int32_t imm;    /* sign-extended; branch and jump: offset from pc; U: imm20 << 12; SHIFT: shamt;
                       CSR: its number; FENCE: bits 31:20 */
} isa_insn;

/*
 * Decodes a word.  Returns false for an illegal one, with op = ISA_OP_ILLEGAL and the word kept.
 * Illegal are: what the tables do not list; Xsystole with rd other than x0, with a source register
 * other than x0 that its args do not use, and SET of a pair the unit does not have.  Legal are
 * commands that are not built (they fail in their unit) and CSR instructions with any number (a
 * missing CSR is found when they execute).
 */
bool isa_decode(uint32_t word, isa_insn *insn);

/*
 * The inverse: from op and the fields of its format (word, format and timing are ignored) to a
 * word.
 *
 * Errors: SY_EINVAL for ISA_OP_ILLEGAL, a missing pair or unit, or a source register that must be
 * x0; SY_ERANGE for a register above 31 or an immediate that does not fit, or is odd in a branch or
 * jump.  *word is unchanged on error.
 */
sy_status isa_encode(const isa_insn *insn, uint32_t *word);

/*
 * Xsystole words: SET of a pair, and any other command (rs1 must be 0 for args NONE).  Wrong
 * arguments assert.
 */
uint32_t isa_encode_set(isa_unit unit, unsigned pair, unsigned rs1, unsigned rs2);
uint32_t isa_encode_command(isa_op op, unsigned rs1);

/* RV32 words by format.  Wrong arguments assert. */
uint32_t isa_encode_r(isa_op op, unsigned rd, unsigned rs1, unsigned rs2);
uint32_t isa_encode_i(isa_op op, unsigned rd, unsigned rs1,
                      int32_t imm); /* I, SHIFT, LOAD, CSR, CSRI */
uint32_t isa_encode_s(isa_op op, unsigned rs1, unsigned rs2, int32_t imm); /* STORE, BRANCH */
uint32_t isa_encode_u(isa_op op, unsigned rd, int32_t imm);                /* U (imm20 << 12), J */

/* Bytes that always suffice for isa_disasm, with the NUL. */
#define ISA_DISASM_BYTES 64

/*
 * Prints an instruction at address pc as the assembler reads it back to the same word: "mxu.set
 * a_base, x10, x11" (named by the first register of the pair), "core.semwait x5", "addi x1, x2,
 * -3", "beq x1, x2, 0x40" (the target). Words that are illegal, or hold bits that the text cannot
 * say, become ".word 0x...".
 */
void isa_disasm(uint32_t word, uint32_t pc, char text[ISA_DISASM_BYTES]);

/* The facts about an instruction that do not depend on its operands. */
typedef struct isa_op_info {
    const char *name; /* "ADDI", "MXU_MATMUL", "SET" */
    const char *summary;
    uint32_t match; /* word & mask == match; SET: of all units and pairs */
    uint32_t mask;
    isa_format format;
    isa_timing timing;
    isa_args args; /* Xsystole */
    uint8_t unit;  /* Xsystole, but SET */
    uint8_t funct7;
    bool built; /* false: answers UNIMPLEMENTED */
} isa_op_info;

/* Never NULL; ILLEGAL has a row too. op must be below ISA_N_OPS. */
const isa_op_info *isa_op_describe(isa_op op);

/*
 * What the assembler calls it: "addi", "fence.i", "mxu.matmul", "set" (which follows the unit:
 * "mxu.set").
 */
#define ISA_MNEMONIC_BYTES 24
void isa_op_mnemonic(isa_op op, char text[ISA_MNEMONIC_BYTES]);

/* The command of a unit by funct7, SET included; ISA_OP_ILLEGAL if there is none. */
isa_op isa_op_of_command(isa_unit unit, unsigned funct7);

/* A descriptor register. */
typedef struct isa_reg_info {
    const char *name;
    const char *summary;
    isa_type type;
} isa_reg_info;

/*
 * Registers of a unit (0 for the core); a register's row, NULL beyond the last; its number by name,
 * -1 if unknown.
 */
unsigned isa_unit_n_regs(isa_unit unit);
const isa_reg_info *isa_reg_describe(isa_unit unit, unsigned reg);
int isa_reg_find(isa_unit unit, const char *name);

/* The most registers any unit has, rounded up to whole pairs. */
#define ISA_MAX_REGS 64

/*
 * Checks a value of a register that has bit fields: ISA_ERROR_FIELD if a bit outside all fields is
 * set or a field holds a value that is not listed, else ISA_ERROR_UNIMPLEMENTED if one is not
 * built, else ISA_ERROR_NONE (so also for a register without bit fields).
 */
isa_error isa_reg_check(isa_unit unit, unsigned reg, uint32_t value);

/*
 * If isa_reg_check finds something wrong: appends the first field that is, its value and what is expected
 * ("chain_out.out is 7, expected none (0), spm (1) or ...") and returns true.
 */
bool isa_reg_words(isa_unit unit, unsigned reg, uint32_t value, base_buf *out);

/* Names as in the tables ("MXU", "FIELD", "BANK", "mepc"), and texts; "?" or NULL where stated. */
const char *isa_unit_name(unsigned unit);        /* "?" if there is none */
const char *isa_error_name(unsigned error);      /* "?" */
const char *isa_error_text(unsigned error);      /* "unknown error" */
const char *isa_counter_name(unsigned number);   /* "?" */
const char *isa_counter_text(unsigned number);   /* "unknown counter" */
const char *isa_exception_text(unsigned number); /* "unknown exception" */
const char *isa_csr_name(
    unsigned number); /* NULL if there is no such CSR; counters have none, see ISA_CSR_COUNTER */
int isa_csr_find(const char *name); /* its number, -1 if unknown */

/* Cycles of a timing class. */
unsigned isa_timing_cycles(isa_timing timing);

/*
 * FNV-1a 64 over all tables but their summaries, one line of text per row.  It stands in fields.h,
 * in rtl/gen/isa.vh (SY_ISA_HASH) and in every program file: what was built from other tables is
 * refused.
 */
uint64_t isa_table_hash(void);

#endif
