/*
 * rtl_machine.c -- the Verilated machine as a sim_machine: a child process, a socket, shared memory.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/protocol.h"
#include "rtl_internal.h"
#include "systole/base/arena.h"
#include "systole/base/file.h"

extern char **environ;

enum { PAGE_BYTES = 4096, N_RECORDS = 1024 };

/* A buffered reader of the child's stream. */
typedef struct stream {
    int fd;
    size_t at;
    size_t n_bytes;
    unsigned char data[N_RECORDS * sizeof(rtl_record)];
} stream;

typedef struct rtl_machine {
    sim_machine machine; /* first: a sim_machine is one of these */
    base_arena *arena;   /* holds this */
    base_buf executable; /* path */
    uint32_t reset_seed;
    bool host_port;
    bool wave;
    uint8_t *shared; /* all memories, as protocol.h says */
    size_t shared_bytes;
    uint8_t *memory[SIM_N_MEMORIES];
    uint64_t memory_bytes[SIM_N_MEMORIES];
    int fd_memory;
    int fd_socket;
    pid_t pid; /* 0: not running */
    uint32_t dirty; /* memories changed since the child has seen them */
    stream stream;
    rtl_outcome outcome;
    bool deadlocked;
} rtl_machine;

static rtl_machine *of(sim_machine *m)
{
    return (rtl_machine *)m;
}

/* ---- the child ---- */

static void stop_child(rtl_machine *r)
{
    if (r->pid > 0) {
        /* At the end of its requests it writes its coverage, if it counts any. */
        const bool wait_for_it = rtl_coverage_folder() != NULL;
        if (wait_for_it) {
            close(r->fd_socket);
        } else {
            kill(r->pid, SIGKILL);
        }
        while (waitpid(r->pid, NULL, 0) < 0 && errno == EINTR) {
        }
        if (!wait_for_it) {
            close(r->fd_socket);
        }
    }
    r->pid = 0;
    r->fd_socket = -1;
    r->dirty = 15;
}

/* Away from the numbers that the child wants, so that dup2 there always makes a descriptor that outlives exec. */
static int move_up(int fd)
{
    const int moved = fcntl(fd, F_DUPFD_CLOEXEC, 10);
    close(fd);
    return moved;
}

static sy_status start_child(rtl_machine *r, base_diag *diag)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        return base_fail(diag, SY_EIO, "device rtl: cannot make a socket: %s", strerror(errno));
    }
    pair[0] = move_up(pair[0]);
    pair[1] = move_up(pair[1]);
    char seed[48];
    (void)snprintf(seed, sizeof seed, "+verilator+seed+%" PRIu32, r->reset_seed % INT32_MAX + 1);
    char *const argv[] = {(char *)r->executable.data, "+verilator+rand+reset+2", seed, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, pair[1], RTL_FD_SOCKET);
    posix_spawn_file_actions_adddup2(&actions, r->fd_memory, RTL_FD_MEMORY);
    const int error = posix_spawn(&r->pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(pair[1]);
    if (error != 0) {
        close(pair[0]);
        r->pid = 0;
        return base_fail(diag, SY_EIO, "%s: cannot run: %s", argv[0], strerror(error));
    }
    r->fd_socket = pair[0];
    r->dirty = 15;
    return SY_OK;
}

static sy_status child_is_gone(rtl_machine *r, base_diag *diag)
{
    stop_child(r);
    return base_fail(diag, SY_EDEVICE, "device rtl: the process %s ended unexpectedly", (const char *)r->executable.data);
}

static bool send_request(int fd, const rtl_request *request)
{
    const char *at = (const char *)request;
    size_t n_left = sizeof *request;
    while (n_left > 0) {
        const ssize_t n = send(fd, at, n_left, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        at += n;
        n_left -= (size_t)n;
    }
    return true;
}

static bool stream_read(stream *s, void *out, size_t n_bytes)
{
    unsigned char *to = out;
    while (n_bytes > 0) {
        if (s->at == s->n_bytes) {
            const ssize_t n = read(s->fd, s->data, sizeof s->data);
            if (n < 0 && errno == EINTR) {
                continue;
            }
            if (n <= 0) {
                return false;
            }
            s->at = 0;
            s->n_bytes = (size_t)n;
        }
        const size_t n = n_bytes < s->n_bytes - s->at ? n_bytes : s->n_bytes - s->at;
        memcpy(to, s->data + s->at, n);
        to += n;
        s->at += n;
        n_bytes -= n;
    }
    return true;
}

/* The bus rule that the Verilog has broken, in words. */
static sy_status violation(rtl_machine *r, uint32_t n_bytes, base_diag *diag)
{
    char line[256] = "";
    if (n_bytes >= sizeof line || !stream_read(&r->stream, line, n_bytes)) {
        return child_is_gone(r, diag);
    }
    stop_child(r);
    return base_fail(diag, SY_EDEVICE, "device rtl: %s", line);
}

/* ---- running ---- */

/* Hands a record to the observer; false if the observer wants to stop. */
static bool observe(const sim_observer *observer, const rtl_record *record)
{
    if (observer == NULL) {
        return true;
    }
    if (record->kind == RTL_RECORD_RETIRE) {
        return observer->retire == NULL || observer->retire(observer->user, record->number, record->end);
    }
    if (record->kind == RTL_RECORD_POP || record->kind == RTL_RECORD_FIRE) {
        bool (*const tell)(void *, const sim_queue_event *) = record->kind == RTL_RECORD_POP ? observer->pop : observer->fire;
        const sim_queue_event event = {
            .unit = record->unit, .funct7 = record->funct7, .value = record->number, .cycle = record->end};
        return tell == NULL || tell(observer->user, &event);
    }
    if (observer->command == NULL) {
        return true;
    }
    const sim_command_event event = {.unit = record->unit,
                                     .funct7 = record->funct7,
                                     .number = record->number,
                                     .tag = record->tag,
                                     .start = record->start,
                                     .end = record->end};
    return observer->command(observer->user, &event);
}

static void take_outcome(rtl_machine *r, sim_result *result)
{
    const rtl_outcome *o = &r->outcome;
    *result = (sim_result){.cycles = o->cycles,
                           .retired = o->retired,
                           .exit_code = o->exit_code,
                           .error = o->error & 0xFF,
                           .error_unit = o->error >> 8 & 0xFF,
                           .error_command = o->error_command};
    memcpy(&result->dram, o->dram, sizeof result->dram);
    for (int unit = 0; unit < RTL_N_UNITS; unit++) {
        for (int cause = 0; cause < RTL_N_CAUSES; cause++) {
            result->counters[unit][cause] = o->counters[unit][cause];
        }
    }
    memcpy(result->core.x, o->x, sizeof result->core.x);
    result->core.mstatus = o->mstatus;
    result->core.mtvec = o->mtvec;
    result->core.mscratch = o->mscratch;
    result->core.mepc = o->mepc;
    result->core.mcause = o->mcause;
    result->core.mtval = o->mtval;
    r->deadlocked = (o->status >> ISA_HOST_STATUS_DEADLOCK_LOW & 1) != 0;
    if (o->status == 0) {
        result->end = SIM_END_LIMIT;
    } else if (r->deadlocked) {
        result->end = SIM_END_DEADLOCK;
    } else {
        result->end = result->error != 0 ? SIM_END_ERROR : SIM_END_DONE;
    }
}

/* What options ask for; the file of a window is made here, where a wrong path can be told. */
static sy_status make_request(const rtl_machine *r, const sim_run_options *options, rtl_request *request, base_diag *diag)
{
    const sim_observer *observer = options->observer;
    *request = (rtl_request){.protocol = RTL_PROTOCOL,
                             .entry = options->entry,
                             .trace = (observer != NULL && observer->retire != NULL ? 1u : 0u) | (r->host_port ? 2u : 0u) |
                                      (observer != NULL && (observer->pop != NULL || observer->fire != NULL) ? 4u : 0u),
                             .max_cycles = options->max_cycles,
                             .stall_seed = options->stall_seed,
                             .stall_max = options->stall_max,
                             .ready_max = options->ready_max,
                             .error_one_in = options->error_one_in,
                             .dirty = r->dirty,
                             .core_map = options->core_map,
                             .core_base = options->core_base,
                             .core_watch = options->core_watch};
    const sim_wave *wave = options->wave;
    if (wave == NULL || !r->wave) {
        return SY_OK;
    }
    request->wave_from = wave->from;
    request->wave_to = wave->to;
    if ((size_t)snprintf(request->wave_path, sizeof request->wave_path, "%s", wave->path) >= sizeof request->wave_path) {
        return base_fail(diag, SY_ERANGE, "%s: the path is too long", wave->path);
    }
    return base_file_write_atomic(diag, wave->path, "", 0);
}

static sy_status machine_run(sim_machine *m, const sim_run_options *options, sim_result *result, base_diag *diag)
{
    rtl_machine *r = of(m);
    r->deadlocked = false;
    if (r->pid == 0) {
        SY_TRY(start_child(r, diag));
    }
    const sim_observer *observer = options->observer;
    rtl_request request;
    SY_TRY(make_request(r, options, &request, diag));
    bool drawing = request.wave_path[0] != '\0';
    bool stopped = false;
    if (!send_request(r->fd_socket, &request)) {
        return child_is_gone(r, diag);
    }
    r->dirty = 0;
    stream *s = &r->stream;
    s->fd = r->fd_socket;
    s->at = 0;
    s->n_bytes = 0;
    sy_status status = SY_OK;
    for (;;) {
        rtl_record record;
        if (!stream_read(s, &record, sizeof record)) {
            status = child_is_gone(r, diag);
            break;
        }
        if (record.kind == RTL_RECORD_RESULT) {
            if (!stream_read(s, &r->outcome, sizeof r->outcome)) {
                status = child_is_gone(r, diag);
            } else if (!stopped) {
                take_outcome(r, result);
            }
            break;
        }
        if (record.kind == RTL_RECORD_VIOLATION) {
            status = violation(r, record.number, diag);
            break;
        }
        if (record.kind == RTL_RECORD_WAVE) {
            drawing = false;
        } else if (!stopped && !observe(observer, &record)) {
            stopped = true;
            *result = (sim_result){.end = SIM_END_STOPPED, .cycles = record.end};
        }
        if (stopped && !drawing) {
            stop_child(r);
            break;
        }
    }
    return status;
}

/* ---- the other functions of a model ---- */

static sy_status check_range(const rtl_machine *r, sim_memory mem, uint64_t address, size_t n_bytes)
{
    return (unsigned)mem < SIM_N_MEMORIES && address <= r->memory_bytes[mem] && n_bytes <= r->memory_bytes[mem] - address
               ? SY_OK
               : SY_ERANGE;
}

static sy_status machine_write(sim_machine *m, sim_memory mem, uint64_t address, const void *data, size_t n_bytes)
{
    rtl_machine *r = of(m);
    SY_TRY(check_range(r, mem, address, n_bytes));
    memcpy(r->memory[mem] + address, data, n_bytes);
    r->dirty |= mem != SIM_DRAM ? 1u << mem : 0;
    return SY_OK;
}

static sy_status machine_read(sim_machine *m, sim_memory mem, uint64_t address, void *data, size_t n_bytes)
{
    const rtl_machine *r = of(m);
    SY_TRY(check_range(r, mem, address, n_bytes));
    memcpy(data, r->memory[mem] + address, n_bytes);
    return SY_OK;
}

static void machine_destroy(sim_machine *m)
{
    rtl_machine *r = of(m);
    stop_child(r);
    if (r->shared != NULL) {
        munmap(r->shared, r->shared_bytes);
    }
    if (r->fd_memory >= 0) {
        close(r->fd_memory);
    }
    base_buf_free(&r->executable);
    base_arena_destroy(r->arena);
}

/* Where the POST to a semaphore stands, as far as the queues show it. */
static void say_poster(const rtl_outcome *o, unsigned waiter, uint32_t semaphore, base_buf *out)
{
    for (unsigned u = 0; u < RTL_N_UNITS; u++) {
        for (uint32_t i = 0; i < o->n_queued[u]; i++) {
            if (o->queued[u][i].funct7 == ISA_F7_POST && o->queued[u][i].rs1 == semaphore) {
                if (u == waiter) {
                    base_buf_puts(out, "the POST to it is in the same queue, behind this WAIT");
                } else {
                    base_buf_printf(out, "the POST to it is in the queue of %s, behind a WAIT for semaphore %" PRIu32 " (value 0)",
                                    isa_unit_name(u), o->queued[u][0].rs1);
                }
                return;
            }
        }
    }
    base_buf_puts(out, o->core_halted != 0 ? "no POST to it is queued, and the core has halted"
                                           : "no POST to it is queued, and the core sleeps");
}

static void say_core(const rtl_outcome *o, base_buf *out)
{
    if (o->core_halted != 0) {
        base_buf_printf(out, "CORE: has halted, exit code %" PRIu32 "\n", o->exit_code);
        return;
    }
    char text[ISA_DISASM_BYTES];
    isa_insn insn;
    isa_disasm(o->core_word, o->core_pc, text);
    base_buf_printf(out, "CORE: asleep at pc 0x%" PRIx32 " (%s): ", o->core_pc, text);
    (void)isa_decode(o->core_word, &insn);
    if (insn.unit < RTL_N_UNITS) {
        base_buf_printf(out, "the %s queue is full\n", isa_unit_name(insn.unit));
    } else if (insn.op == ISA_OP_CORE_SEMWAIT) {
        base_buf_printf(out, "it waits for semaphore %" PRIu32 " (value 0); ", o->core_rs1);
        say_poster(o, RTL_N_UNITS, o->core_rs1, out);
        base_buf_putc(out, '\n');
    } else {
        base_buf_puts(out, "it is in a FENCE\n");
    }
}

static size_t machine_explain(sim_machine *m, char *text, size_t n_bytes)
{
    const rtl_machine *r = of(m);
    const rtl_outcome *o = &r->outcome;
    base_buf out = {0};
    if (!r->deadlocked) {
        base_buf_puts(&out, "the last run has not ended in a deadlock\n");
    } else {
        base_buf_printf(&out, "deadlock at cycle %" PRIu64 ": nothing can move any more\n", o->cycles);
        for (unsigned u = 0; u < RTL_N_UNITS; u++) {
            if (o->n_queued[u] == 0) {
                base_buf_printf(&out, "%s: nothing to do: its queue is empty\n", isa_unit_name(u));
                continue;
            }
            base_buf_printf(&out, "%s: waits for semaphore %" PRIu32 " (value %" PRIu32 "); ", isa_unit_name(u), o->queued[u][0].rs1,
                            o->semaphores[o->queued[u][0].rs1 % RTL_MAX_SEMS]);
            say_poster(o, u, o->queued[u][0].rs1, &out);
            base_buf_putc(&out, '\n');
        }
        say_core(o, &out);
    }
    const size_t n = base_buf_status(&out) == SY_OK ? out.n_bytes : 0;
    if (n_bytes > 0) {
        const size_t n_copied = n < n_bytes - 1 ? n : n_bytes - 1;
        if (n_copied > 0) {
            memcpy(text, out.data, n_copied);
        }
        text[n_copied] = '\0';
    }
    base_buf_free(&out);
    return n;
}

/* ---- making one ---- */

static sy_status map_memories(rtl_machine *r, base_diag *diag)
{
    static const sim_memory order[SIM_N_MEMORIES] = {SIM_DRAM, SIM_IMEM, SIM_DMEM, SIM_SPM, SIM_ACC};
    const isa_config *c = &r->machine.config;
    r->memory_bytes[SIM_IMEM] = c->imem_bytes;
    r->memory_bytes[SIM_DMEM] = c->dmem_bytes;
    r->memory_bytes[SIM_SPM] = (uint64_t)c->spm_banks * c->spm_bank_bytes;
    r->memory_bytes[SIM_ACC] = (uint64_t)c->acc_banks * c->acc_bank_bytes;
    r->memory_bytes[SIM_DRAM] = isa_config_dram_bytes(c);
    size_t offset[SIM_N_MEMORIES];
    for (int i = 0; i < SIM_N_MEMORIES; i++) {
        offset[order[i]] = r->shared_bytes;
        r->shared_bytes += (size_t)(r->memory_bytes[order[i]] + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    }
    r->fd_memory = memfd_create("systole-rtl", MFD_CLOEXEC);
    r->fd_memory = r->fd_memory >= 0 ? move_up(r->fd_memory) : -1;
    if (r->fd_memory < 0 || ftruncate(r->fd_memory, (off_t)r->shared_bytes) != 0) {
        return base_fail(diag, SY_ENOMEM, "device rtl: cannot make %zu bytes of shared memory: %s", r->shared_bytes,
                         strerror(errno));
    }
    void *base = mmap(NULL, r->shared_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd_memory, 0);
    if (base == MAP_FAILED) {
        return base_fail(diag, SY_ENOMEM, "device rtl: cannot map %zu bytes: %s", r->shared_bytes, strerror(errno));
    }
    r->shared = base;
    for (int i = 0; i < SIM_N_MEMORIES; i++) {
        r->memory[i] = r->shared + offset[i];
    }
    return SY_OK;
}

sy_status rtl_create(const isa_config *config, const rtl_options *options, sim_machine **out, base_diag *diag)
{
    static const sim_machine_ops ops = {.write = machine_write,
                                        .read = machine_read,
                                        .run = machine_run,
                                        .explain = machine_explain,
                                        .destroy = machine_destroy};
    base_arena *arena = base_arena_create();
    rtl_machine *r = arena != NULL ? base_arena_alloc(arena, 1, sizeof *r) : NULL;
    if (r == NULL) {
        base_arena_destroy(arena);
        return base_fail(diag, SY_ENOMEM, "device rtl: out of memory");
    }
    r->arena = arena;
    r->machine = (sim_machine){.ops = &ops, .name = "rtl", .config = *config};
    r->host_port = options != NULL && options->host_port;
    r->wave = options != NULL && options->wave;
    r->reset_seed = options != NULL ? options->reset_seed : 0;
    r->fd_memory = -1;
    r->fd_socket = -1;
    r->dirty = 15;
    sy_status status = rtl_build(config, options, &r->executable, diag);
    base_buf_putc(&r->executable, '\0');
    if (status == SY_OK) {
        status = base_buf_status(&r->executable);
    }
    if (status == SY_OK) {
        status = map_memories(r, diag);
    }
    if (status != SY_OK) {
        machine_destroy(&r->machine);
        return status;
    }
    *out = &r->machine;
    return SY_OK;
}
