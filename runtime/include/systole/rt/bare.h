/*
 * bare.h -- bare-metal rv32im programs of any toolchain on the machine's core: those of riscv-tests
 * and riscv-arch-test, and others that keep to their conventions.
 *
 * Where a program lies: if one window as large as IMEM and DMEM holds all of it, both memories are
 * seen there (host register CORE_MAP, unified); else instructions must lie in IMEM and all else in
 * DMEM, as isa/memmap.def has them.
 *
 * How it ends: with the first store of other than zero to symbol tohost (1: passed, else the number
 * of the test that failed times 2, plus 1).  HALT with exit code 0 passes too.  A program without
 * tohost may also end with ecall or ebreak while mtvec is 0, or in a jump to itself, which no
 * interrupt could end.
 *
 * The signature: the words from symbol begin_signature to end_signature, as they are at the end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_BARE_H
#define SYSTOLE_RT_BARE_H

#include "systole/isa/image.h"
#include "systole/rt/machine.h"

/* Cycles after which a program has never signalled. */
#define RT_BARE_MAX_CYCLES UINT64_C(10000000)

typedef struct rt_bare {
    const char *name; /* of the file, for messages */
    isa_image image;
    bool has_tohost, has_signature;
    uint32_t tohost;
    uint32_t signature, n_signature_bytes;
    sim_run_options run; /* of a run: entry, map, watched word; the caller may change the limit and
                            the stalls */
} rt_bare;

/*
 * Reads a program and finds where it lies on a machine of this configuration; all is from the
 * arena. Errors: isa_image_load's; SY_ERANGE if it does not fit, SY_EFORMAT for a signature whose
 * end is before its begin, or that ends within a word, each with one line.
 */
sy_status rt_bare_open(base_arena *arena, const char *path, const isa_config *config,
                       rt_bare *program, base_diag *diag);

/* Writes it into IMEM and DMEM, the rest of which becomes zero. */
sy_status rt_bare_load(sim_machine *machine, const rt_bare *program, base_diag *diag);

typedef struct rt_bare_result {
    sim_result run;
    bool passed;
    bool signalled;   /* through tohost, */
    uint32_t value;   /* with this */
    bool loops;       /* it ended in a jump to itself, */
    uint32_t loop_pc; /* here; run.cycles is the cycle in which it had done so thrice */
} rt_bare_result;

/*
 * Loads it and runs it to its end.  SY_OK whatever its verdict: see result->passed and
 * rt_bare_print.  Afterwards the machine's memories hold what the program left.  Errors: those of
 * the model.
 */
sy_status rt_bare_run(sim_machine *machine, const rt_bare *program, rt_bare_result *result,
                      base_diag *diag);

/* Whether the end of a run that rt_bare_run did not make (lockstep) is a pass. */
void rt_bare_judge(const rt_bare *program, const sim_result *run, rt_bare_result *result);

/* Appends the verdict and its reason on one line, without the program's name. */
void rt_bare_print(const rt_bare *program, const rt_bare_result *result, base_buf *out);

/* Appends the signature: a line of 8 hexadecimal digits for each word.  SY_EFORMAT if it has none.
 */
sy_status rt_bare_signature(sim_machine *machine, const rt_bare *program, base_buf *out,
                            base_diag *diag);

#endif
