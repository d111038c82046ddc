/*
 * bare.c -- bare-metal programs, for systole run --bare and systole cosim --bare.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/rt/bare.h"

#include <inttypes.h>

#include "model.h"
#include "systole/base/file.h"
#include "systole/rt/cosim.h"

/* The configuration that was asked for. */
static sy_status choose_config(const cli_model_args *args, isa_config *config, base_diag *diag)
{
    if (args->session.config != NULL) {
        *config = args->config;
        return SY_OK;
    }
    return isa_config_find("bare", config, diag);
}

/* A program, and how it is to be run. */
static sy_status open_program(const cli_model_args *args, const char *path, base_arena *arena,
                              const isa_config *config, rt_bare *program, base_diag *diag)
{
    SY_TRY(rt_bare_open(arena, path, config, program, diag));
    if (args->session.max_cycles != 0) {
        program->run.max_cycles = args->session.max_cycles;
    }
    program->run.stall_seed = args->session.stall_seed;
    program->run.stall_max = args->session.stall_max;
    program->run.ready_max = args->session.ready_max;
    program->run.error_one_in = args->session.error_one_in;
    return SY_OK;
}

static sy_status make_machine(const cli_model_args *args, rt_machine_kind kind,
                              const isa_config *config, sim_machine **machine, base_diag *diag)
{
    const rt_machine_options options = {.portable = args->session.portable,
                                        .wave = args->session.wave != NULL,
                                        .notice = args->session.notice,
                                        .notice_user = args->session.notice_user};
    return rt_machine_create(kind, config, &options, machine, diag);
}

static void add_json(base_json *json, const char *device, const rt_bare *program,
                     const rt_bare_result *result)
{
    base_buf reason = {0};
    rt_bare_print(program, result, &reason);
    base_buf_putc(&reason, '\0');
    base_json_object_begin(json);
    base_json_key_string(json, "program", program->name);
    base_json_key_string(json, "device", device);
    base_json_key_bool(json, "pass", result->passed);
    base_json_key_string(json, "reason", reason.data != NULL ? reason.data : "");
    base_json_key_string(json, "end", result->loops ? "loop" : rt_end_name(result->run.end));
    if (result->signalled) {
        base_json_key_u64(json, "tohost", result->value);
    }
    base_json_key_u64(json, "cycles", result->run.cycles);
    base_json_key_u64(json, "instructions", result->run.retired);
    base_json_object_end(json);
    base_buf_free(&reason);
}

/* One line on stdout; label is the device, or the program where there are several. */
static void print_verdict(const char *label, const rt_bare *program, const rt_bare_result *result)
{
    base_buf text = {0};
    base_buf_printf(&text, "%s: ", label);
    rt_bare_print(program, result, &text);
    base_buf_putc(&text, '\n');
    cli_print_buf(&text);
    base_buf_free(&text);
}

static sy_status write_signature(sim_machine *machine, const rt_bare *program, const char *path,
                                 base_diag *diag)
{
    base_buf text = {0};
    sy_status status = rt_bare_signature(machine, program, &text, diag);
    if (status == SY_OK) {
        status = base_file_write_atomic(diag, path, text.data, text.n_bytes);
    }
    base_buf_free(&text);
    return status;
}

/* One line on stderr for a program that has not passed. */
static int say_failure(const char *command, const char *device, const rt_bare *program,
                       const rt_bare_result *result)
{
    base_buf text = {0};
    rt_bare_print(program, result, &text);
    base_buf_putc(&text, '\0');
    const int exit_status = cli_failf(command, "%s: %s: %s", program->name, device,
                                      text.data != NULL ? text.data : "failed");
    base_buf_free(&text);
    return exit_status;
}

/* One of n programs; its verdict is printed, or added to json. CLI_DONE, or CLI_FAILED after a
 * line. */
static int run_one(const cli_model_args *args, sim_machine *machine, const char *path, bool alone,
                   const char *signature, base_json *json)
{
    base_diag diag = {0};
    base_arena *arena = base_arena_create();
    rt_bare program = {0};
    rt_bare_result result = {0};
    int exit_status = CLI_DONE;
    sy_status status = open_program(args, path, arena, &machine->config, &program, &diag);
    if (status == SY_OK) {
        status = rt_bare_run(machine, &program, &result, &diag);
    }
    if (status == SY_OK && signature != NULL) {
        status = write_signature(machine, &program, signature, &diag);
    }
    if (status != SY_OK) {
        exit_status = cli_fail(args->command, &diag);
    } else {
        if (json != NULL) {
            add_json(json, machine->name, &program, &result);
        } else if (result.passed) {
            print_verdict(alone ? machine->name : path, &program, &result);
        }
        if (!result.passed) {
            exit_status = say_failure(args->command, machine->name, &program, &result);
        }
    }
    base_arena_destroy(arena);
    return exit_status;
}

int cli_run_bare(const cli_model_args *args, char *const *paths, int n, const char *signature)
{
    const bool rtl = args->session.device == RT_DEVICE_RTL;
    base_diag diag = {0};
    base_buf text = {0};
    base_json json = base_json_to(&text);
    sim_machine *machine = NULL;
    isa_config config;
    int n_passed = 0;
    if (choose_config(args, &config, &diag) != SY_OK ||
        make_machine(args, rtl ? RT_MACHINE_RTL : RT_MACHINE_SIM, &config, &machine, &diag) !=
            SY_OK) {
        return cli_fail(args->command, &diag);
    }
    if (n > 1) {
        base_json_array_begin(&json);
    }
    for (int i = 0; i < n; i++) {
        n_passed += run_one(args, machine, paths[i], n == 1, signature,
                            args->json ? &json : NULL) == CLI_DONE;
    }
    if (n > 1) {
        base_json_array_end(&json);
    }
    if (args->json) {
        cli_print_buf(&text);
    } else if (n > 1) {
        printf("%s: %d of %d programs passed\n", machine->name, n_passed, n);
    }
    base_buf_free(&text);
    sim_machine_destroy(machine);
    return n_passed == n ? CLI_DONE : CLI_FAILED;
}

/* Both models, each with the program in its memories. */
static sy_status lockstep(sim_machine *const machines[2], const rt_bare *program, rt_wave *wave,
                          rt_cosim_result *result, rt_bare_result *verdict, base_diag *diag)
{
    rt_cosim_options options = {.run = program->run, .wave = wave};
    SY_TRY(rt_bare_run(machines[0], program, verdict, diag));
    if (verdict->loops) {
        options.run.max_cycles = verdict->run.cycles;
        options.core_stands = true;
    }
    for (int side = 0; side < 2; side++) {
        SY_TRY(rt_bare_load(machines[side], program, diag));
    }
    return rt_cosim(machines[0], machines[1], &options, result, diag);
}

int cli_cosim_bare(const cli_model_args *args, const char *path)
{
    static const rt_machine_kind kinds[2] = {RT_MACHINE_SIM, RT_MACHINE_RTL};
    base_diag diag = {0};
    base_arena *arena = base_arena_create();
    sim_machine *machines[2] = {NULL, NULL};
    isa_config config;
    rt_bare program = {0};
    rt_bare_result verdict = {0};
    rt_cosim_result result = {0};
    int exit_status = CLI_DONE;
    sy_status status = choose_config(args, &config, &diag);
    if (status == SY_OK) {
        status = open_program(args, path, arena, &config, &program, &diag);
    }
    for (int side = 0; side < 2 && status == SY_OK; side++) {
        status = make_machine(args, kinds[side], &config, &machines[side], &diag);
    }
    if (status == SY_OK) {
        status = lockstep(machines, &program, args->session.wave, &result, &verdict, &diag);
    }
    if (status != SY_OK) {
        exit_status = cli_fail(args->command, &diag);
    } else {
        cli_print_lockstep(&result, args->json);
        if (!result.equal) {
            exit_status = cli_failf(args->command, "%s: the models differ", path);
        } else if (!args->json) {
            print_verdict("both", &program, &verdict);
        }
        if (args->session.wave != NULL) {
            exit_status = cli_tell_wave(args->session.wave, exit_status);
        }
    }
    for (int side = 0; side < 2; side++) {
        sim_machine_destroy(machines[side]);
    }
    base_arena_destroy(arena);
    return exit_status;
}
