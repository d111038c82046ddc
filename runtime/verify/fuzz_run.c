/*
 * fuzz_run.c -- what a run of a random program showed, for coverage.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fuzz_internal.h"

#include <stdio.h>
#include <string.h>

static isa_insn insn_at(const fuzz_program *program, uint32_t pc)
{
    isa_insn insn = {.op = ISA_OP_ILLEGAL};
    if (pc + 4 <= program->program.n_text_bytes) {
        (void)isa_decode(base_get_le32(program->program.text + pc), &insn);
    }
    return insn;
}

/* The unit that an instruction pushes to; CORE: none. */
static isa_unit pushes_to(const isa_insn *insn)
{
    return insn->format == ISA_FORMAT_XSYSTOLE ? (isa_unit)insn->unit : ISA_UNIT_CORE;
}

static bool on_retire(void *user, uint32_t pc, uint64_t cycle)
{
    fuzz_run *run = user;
    const isa_insn insn = insn_at(run->program, pc);
    const isa_unit unit = pushes_to(&insn);
    run->retired[insn.op] = true;
    /* A push takes one cycle, unless the queue is full. */
    if (unit != ISA_UNIT_CORE && cycle > run->last_cycle + 1) {
        run->full[unit] = true;
    }
    run->last_cycle = cycle;
    return true;
}

static bool on_command(void *user, const sim_command_event *event)
{
    fuzz_run *run = user;
    run->ended[isa_op_of_command((isa_unit)event->unit, event->funct7)] = true;
    return true;
}

void rt_fuzz_run_begin(fuzz_run *run, const fuzz_program *program)
{
    *run = (fuzz_run){
        .program = program,
        .observer = {.user = run, .command = on_command, .retire = on_retire},
    };
}

/* From the explanation's lines: "LD: waits for ..." and "CORE: asleep since cycle 9 at pc 0x14
 * ...". */
static void read_deadlock(fuzz_run *run, const char *text)
{
    run->deadlock_op = ISA_OP_CORE_HALT;
    run->deadlock_unit = ISA_UNIT_CORE;
    for (const char *line = text; line != NULL && *line != '\0';) {
        char name[8], what[16];
        unsigned pc;
        if (sscanf(line, "%7[A-Z]: %15s", name, what) == 2) {
            for (unsigned u = 0; u < ISA_N_QUEUES; u++) {
                run->deadlocked[u] = run->deadlocked[u] || (strcmp(name, isa_unit_name(u)) == 0 &&
                                                            strcmp(what, "waits") == 0);
            }
        }
        if (sscanf(line, "CORE: asleep since cycle %*u at pc %x", &pc) == 1) {
            const isa_insn insn = insn_at(run->program, pc);
            run->deadlock_op = insn.op;
            run->deadlock_unit = pushes_to(&insn);
        }
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
}

void rt_fuzz_run_end(fuzz_run *run, sim_machine *machine, const sim_result *result)
{
    run->result = *result;
    if (result->end == SIM_END_DEADLOCK) {
        char text[4096];
        (void)sim_machine_explain(machine, text, sizeof text);
        read_deadlock(run, text);
    }
}
