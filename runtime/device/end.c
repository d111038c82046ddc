/*
 * end.c -- how a run ended, in words: errors with the command, its layer, its line and the value that is wrong; deadlocks.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "systole/base/assert.h"
#include "systole/isa/isa.h"
#include "systole/rt/machine.h"
#include "systole/sim/sim.h"

const char *rt_end_name(sim_end end)
{
    switch (end) {
    case SIM_END_DONE:
        return "done";
    case SIM_END_ERROR:
        return "error";
    case SIM_END_DEADLOCK:
        return "deadlock";
    case SIM_END_LIMIT:
        return "limit";
    case SIM_END_STOPPED:
        return "stopped";
    }
    SY_UNREACHABLE();
}

static void say_pc(const rt_end_context *context, uint32_t pc, base_buf *out)
{
    base_buf_printf(out, " at pc 0x%" PRIx32, pc);
    if (context->program != NULL) {
        isa_program_where(context->program, pc, out);
    }
}

/*
 * "error TRAP of the core at pc 0x8 (a.s:3): exception 2 (illegal instruction), the word 0x00000000", "error COUNT of MXU command 3
 * of layer 'conv1' at pc 0x44: n0 is 0, expected 1 to 65535 (a loop count is zero ...)".
 */
static void print_error(const sim_result *result, const rt_end_context *context, const sim_fault *fault, base_buf *out)
{
    const char *name = isa_error_name(result->error);
    const char *layer =
        fault->has_tag && context->layer != NULL ? context->layer(context->layer_user, fault->tag) : NULL;
    if (result->error_unit == ISA_UNIT_CORE) {
        base_buf_printf(out, "error %s of the core", name);
    } else {
        base_buf_printf(out, "error %s of %s command %" PRIu32, name, isa_unit_name(result->error_unit),
                        result->error_command);
    }
    if (layer != NULL) {
        base_buf_printf(out, " of layer '%s'", layer);
    } else if (fault->has_tag && fault->tag != 0) {
        base_buf_printf(out, " (tag %" PRIu32 ")", fault->tag);
    }
    if (fault->has_pc) {
        say_pc(context, fault->pc, out);
    }
    const char *more = fault->text[0] != '\0' ? ", " : "";
    if (result->error == ISA_ERROR_TRAP) {
        base_buf_printf(out, ": exception %" PRIu32 " (%s)%s%s", result->error_command,
                        isa_exception_text(result->error_command), more, fault->text);
    } else if (fault->text[0] != '\0') {
        base_buf_printf(out, ": %s (%s)", fault->text, isa_error_text(result->error));
    } else {
        base_buf_printf(out, " (%s)", isa_error_text(result->error));
    }
    base_buf_printf(out, ", %" PRIu64 " cycles", result->cycles);
}

void rt_end_print(const sim_result *result, base_buf *out)
{
    const rt_end_context context = {0};
    const sim_fault fault = {0};
    switch (result->end) {
    case SIM_END_DONE:
        base_buf_printf(out, "done in %" PRIu64 " cycles, exit code %" PRIu32, result->cycles,
                        result->exit_code);
        break;
    case SIM_END_ERROR:
        print_error(result, &context, &fault, out);
        break;
    case SIM_END_DEADLOCK:
        base_buf_printf(out, "deadlock in cycle %" PRIu64, result->cycles);
        break;
    case SIM_END_LIMIT:
        base_buf_printf(out, "not done after the limit of %" PRIu64 " cycles", result->cycles);
        break;
    case SIM_END_STOPPED:
        base_buf_puts(out, "stopped");
        break;
    }
}

sy_status rt_end_status(const sim_result *result)
{
    switch (result->end) {
    case SIM_END_DONE:
        return result->exit_code == 0 ? SY_OK : SY_EDEVICE;
    case SIM_END_ERROR:
        return SY_EDEVICE;
    case SIM_END_DEADLOCK:
        return SY_EDEADLOCK;
    case SIM_END_LIMIT:
        return SY_ERANGE;
    case SIM_END_STOPPED:
        return SY_ECANCELLED;
    }
    SY_UNREACHABLE();
}

/* Adds, behind each pc of a text, where in the program it is, and puts layers for their tags. */
static void say_where(const rt_end_context *context, const char *text, base_buf *out)
{
    static const char pc_mark[] = "pc 0x", tag_mark[] = " (tag ";
    while (*text != '\0') {
        const char *pc = strstr(text, pc_mark);
        const char *tag = strstr(text, tag_mark);
        const char *at = pc != NULL && (tag == NULL || pc < tag) ? pc : tag;
        if (at == NULL) {
            base_buf_puts(out, text);
            return;
        }
        char *end;
        const bool is_pc = at == pc;
        const unsigned long number = strtoul(at + (is_pc ? strlen(pc_mark) : strlen(tag_mark)), &end, is_pc ? 16 : 10);
        const char *layer =
            !is_pc && context->layer != NULL ? context->layer(context->layer_user, (uint32_t)number) : NULL;
        if (layer != NULL) {
            base_buf_append(out, text, (size_t)(at - text));
            base_buf_printf(out, " of layer '%s'", layer);
            text = end + 1; /* past the bracket */
            continue;
        }
        base_buf_append(out, text, (size_t)(end - text));
        if (is_pc && context->program != NULL) {
            isa_program_where(context->program, (uint32_t)number, out);
        }
        text = end;
    }
}

/* Who waits for what, after a deadlock: the model's lines as one, without those of units that wait
 * for nothing. */
static void print_reasons(sim_machine *machine, const rt_end_context *context, base_buf *out)
{
    const size_t n = sim_machine_explain(machine, NULL, 0);
    base_buf room = {0};
    char *rest = NULL;
    bool first = true;
    if (!base_buf_zeros(&room, n + 1)) {
        return;
    }
    sim_machine_explain(machine, room.data, n + 1);
    for (char *line = strtok_r(room.data, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        if (strncmp(line, "deadlock", strlen("deadlock")) == 0 || strstr(line, "nothing to do") != NULL) {
            continue;
        }
        base_buf_puts(out, first ? ": " : "; ");
        say_where(context, line, out);
        first = false;
    }
    base_buf_free(&room);
}

sy_status rt_end_fail(sim_machine *machine, const sim_result *result, const rt_end_context *context,
                      base_diag *diag)
{
    const rt_end_context none = {0};
    const sy_status status = rt_end_status(result);
    base_buf line = {0};
    if (status == SY_OK) {
        return SY_OK;
    }
    context = context != NULL ? context : &none;
    sim_machine *knows = context->twin != NULL ? context->twin : machine;
    if (result->end == SIM_END_ERROR) {
        sim_fault fault;
        (void)sim_last_fault(knows, &fault);
        print_error(result, context, &fault, &line);
    } else {
        rt_end_print(result, &line);
    }
    if (result->end == SIM_END_DEADLOCK) {
        print_reasons(knows, context, &line);
    }
    base_fail(diag, status, "%s: %s", machine->name,
              line.data != NULL ? line.data : sy_status_text(status));
    base_buf_free(&line);
    return status;
}
