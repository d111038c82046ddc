/*
 * harness.c -- the C side of harness.sv, in the process of the Verilated machine: requests, memories, DRAM, events.
 *
 * Built with the Verilated sources, on demand (rtl_build.c). The numbers of this configuration come in systole_params.h.
 * The process ends when the other end of the socket is closed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "protocol.h"
#include "systole/sim/dram.h"
#include "systole_params.h"

enum { PAGE = 4096, N_RECORDS = 2048, N_STARTED = 64, MAX_BURSTS = 1024 };

typedef struct burst {
    bool is_write;
    uint64_t address;
    uint32_t n_beats;
    uint64_t first; /* cycle of the first beat */
    uint32_t answer; /* RRESP or BRESP */
    uint32_t answer_beat; /* read: the only beat that has it */
} burst;

static struct {
    uint8_t *memory[5]; /* IMEM DMEM SPM ACC DRAM */
    rtl_request request;
    rtl_outcome outcome;
    rtl_record records[N_RECORDS];
    size_t n_records;
    rtl_record started[RTL_N_UNITS][N_STARTED]; /* by number, modulo */
    sim_dram dram;
    burst bursts[MAX_BURSTS]; /* on the bus or before it, a ring */
    uint32_t first_burst;
    uint32_t n_bursts;
    uint64_t answer_cycle; /* of the next B; answers never overlap: a burst has a beat at least */
    bool answer;
    uint32_t answer_code;
#ifdef SY_WAVE
    bool wave_pending; /* the window of this run is not yet closed */
    bool wave_open;
    uint64_t wave_time; /* in the open window */
#endif
} state;

static void stop(const char *why)
{
    fprintf(stderr, "rtl harness: %s\n", why);
    exit(1);
}

static void send_all(const void *data, size_t n_bytes)
{
    const char *at = data;
    while (n_bytes > 0) {
        const ssize_t n = write(RTL_FD_SOCKET, at, n_bytes);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            exit(0);
        }
        at += n;
        n_bytes -= (size_t)n;
    }
}

static void flush_records(void)
{
    send_all(state.records, state.n_records * sizeof state.records[0]);
    state.n_records = 0;
}

static void add_record(const rtl_record *record)
{
    state.records[state.n_records++] = *record;
    if (state.n_records == N_RECORDS) {
        flush_records();
    }
}

static size_t pages(size_t n_bytes)
{
    return (n_bytes + PAGE - 1) / PAGE * PAGE;
}

static void map_memories(void)
{
    static const size_t sizes[5] = {SYP_CORE_IMEM_BYTES, SYP_CORE_DMEM_BYTES,
                                    (size_t)SYP_SPM_BANKS * SYP_SPM_BANK_BYTES,
                                    (size_t)SYP_ACC_BANKS * SYP_ACC_BANK_BYTES,
                                    (size_t)SYP_DRAM_SIZE_MIB << 20};
    static const int order[5] = {4, 0, 1, 2, 3};
    size_t total = 0;
    for (int i = 0; i < 5; i++) {
        total += pages(sizes[i]);
    }
    uint8_t *base = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_SHARED, RTL_FD_MEMORY, 0);
    if (base == MAP_FAILED) {
        stop("cannot map the shared memory");
    }
    for (int i = 0; i < 5; i++) {
        state.memory[order[i]] = base;
        base += pages(sizes[order[i]]);
    }
}

/* ---- requests and results ---- */

/* False at the end of the stream. */
static bool receive(void *data, size_t n_bytes)
{
    char *at = data;
    while (n_bytes > 0) {
        const ssize_t n = read(RTL_FD_SOCKET, at, n_bytes);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        at += n;
        n_bytes -= (size_t)n;
    }
    return true;
}

int sy_rtl_request(int *entry, int64_t *max_cycles, int *trace, int *core_map, int *core_base, int *core_watch)
{
    if (state.memory[0] == NULL) {
        map_memories();
    }
    char *rest = (char *)&state.request + sizeof state.request.protocol;
    if (!receive(&state.request.protocol, sizeof state.request.protocol)) {
        return 0;
    }
    if (state.request.protocol != RTL_PROTOCOL) {
        stop("built from other sources than the program that runs it: build that again");
    }
    if (!receive(rest, sizeof state.request - sizeof state.request.protocol)) {
        return 0;
    }
    *entry = (int)state.request.entry;
    *max_cycles = (int64_t)state.request.max_cycles;
    *trace = (int)state.request.trace;
    *core_map = (int)state.request.core_map;
    *core_base = (int)state.request.core_base;
    *core_watch = (int)state.request.core_watch;
    return 1;
}

/* ---- the window to draw ---- */

#ifdef SY_WAVE
void sy_rtl_wave_close(void); /* wave.cpp */

static void begin_wave(void)
{
    state.wave_pending = state.request.wave_path[0] != '\0';
    state.wave_open = false;
}

static void end_wave(void)
{
    if (state.wave_pending) {
        const rtl_record record = {.kind = RTL_RECORD_WAVE};
        sy_rtl_wave_close();
        state.wave_pending = false;
        state.wave_open = false;
        add_record(&record);
        flush_records();
    }
}

/* A cycle begins. */
void sy_rtl_wave(int64_t cycle)
{
    if (!state.wave_pending || (uint64_t)cycle < state.request.wave_from) {
        return;
    }
    if ((uint64_t)cycle > state.request.wave_to) {
        end_wave();
    } else {
        state.wave_open = true;
        state.wave_time = (uint64_t)cycle * RTL_WAVE_UNITS;
    }
}

/* Asked at each edge of the clock, the rising one first. */
uint64_t sy_rtl_wave_time(void)
{
    const uint64_t time = state.wave_time;
    state.wave_time += RTL_WAVE_UNITS / 2;
    return state.wave_open ? time : RTL_WAVE_CLOSED;
}

const char *sy_rtl_wave_path(void)
{
    return state.request.wave_path;
}
#else
static void begin_wave(void)
{
    if (state.request.wave_path[0] != '\0') {
        stop("this machine does not draw");
    }
}

static void end_wave(void)
{
}
#endif

int sy_rtl_dirty(int mem)
{
    return (int)(state.request.dirty >> mem & 1);
}

void sy_rtl_start(void)
{
    memset(&state.outcome, 0, sizeof state.outcome);
    static const isa_config config = SYP_CONFIG;
    const sim_dram_faults faults = {.seed = state.request.stall_seed,
                                    .stall_max = state.request.stall_max,
                                    .ready_max = state.request.ready_max,
                                    .error_one_in = state.request.error_one_in};
    sim_dram_start(&state.dram, &config, &faults);
    state.first_burst = 0;
    state.n_bursts = 0;
    state.answer = false;
    begin_wave();
}

void sy_rtl_counter(int unit, int cause, int64_t value)
{
    state.outcome.counters[unit][cause] = (uint64_t)value;
}

void sy_rtl_result(int status, int error, int error_command, int exit_code, int64_t cycles, int64_t retired)
{
    state.outcome.status = (uint32_t)status;
    state.outcome.error = (uint32_t)error;
    state.outcome.error_command = (uint32_t)error_command;
    state.outcome.exit_code = (uint32_t)exit_code;
    state.outcome.cycles = (uint64_t)cycles;
    state.outcome.retired = (uint64_t)retired;
    _Static_assert(sizeof state.outcome.dram == sizeof state.dram.stats, "RTL_N_DRAM counts the members of sim_dram_stats");
    memcpy(state.outcome.dram, &state.dram.stats, sizeof state.outcome.dram);
}

void sy_rtl_queued(int unit, int funct7, int rs1)
{
    state.outcome.queued[unit][state.outcome.n_queued[unit]++] = (rtl_entry){(uint32_t)funct7, (uint32_t)rs1};
}

void sy_rtl_semaphore(int number, int value)
{
    state.outcome.semaphores[number] = (uint32_t)value;
}

void sy_rtl_core_state(int halted, int pc, int word, int rs1)
{
    state.outcome.core_halted = (uint32_t)halted;
    state.outcome.core_pc = (uint32_t)pc;
    state.outcome.core_word = (uint32_t)word;
    state.outcome.core_rs1 = (uint32_t)rs1;
}

void sy_rtl_core_register(int number, int value)
{
    state.outcome.x[number] = (uint32_t)value;
}

void sy_rtl_core_csrs(int mstatus, int mtvec, int mscratch, int mepc, int mcause, int mtval)
{
    state.outcome.mstatus = (uint32_t)mstatus;
    state.outcome.mtvec = (uint32_t)mtvec;
    state.outcome.mscratch = (uint32_t)mscratch;
    state.outcome.mepc = (uint32_t)mepc;
    state.outcome.mcause = (uint32_t)mcause;
    state.outcome.mtval = (uint32_t)mtval;
}

void sy_rtl_done(void)
{
    const rtl_record record = {.kind = RTL_RECORD_RESULT};
    end_wave();
    add_record(&record);
    flush_records();
    send_all(&state.outcome, sizeof state.outcome);
}

/* ---- memories ---- */

int sy_rtl_get_word(int mem, int word)
{
    int value;
    memcpy(&value, state.memory[mem] + 4 * (size_t)word, 4);
    return value;
}

void sy_rtl_put_word(int mem, int word, int value)
{
    memcpy(state.memory[mem] + 4 * (size_t)word, &value, 4);
}

void sy_rtl_get_row(int mem, int row, int n_words, uint32_t *value)
{
    memcpy(value, state.memory[mem] + 4 * (size_t)row * (size_t)n_words, 4 * (size_t)n_words);
}

void sy_rtl_put_row(int mem, int row, int n_words, const uint32_t *value)
{
    memcpy(state.memory[mem] + 4 * (size_t)row * (size_t)n_words, value, 4 * (size_t)n_words);
}

/* ---- events ---- */

void sy_rtl_command_start(int unit, int funct7, int number, int tag, int64_t cycle)
{
    state.started[unit][(uint32_t)number % N_STARTED] = (rtl_record){.kind = RTL_RECORD_COMMAND,
                                                                     .unit = (uint8_t)unit,
                                                                     .funct7 = (uint8_t)funct7,
                                                                     .number = (uint32_t)number,
                                                                     .tag = (uint32_t)tag,
                                                                     .start = (uint64_t)cycle};
}

void sy_rtl_command_end(int unit, int number, int64_t cycle)
{
    rtl_record *record = &state.started[unit][(uint32_t)number % N_STARTED];
    record->end = (uint64_t)cycle;
    add_record(record);
}

void sy_rtl_retire(int pc, int64_t cycle)
{
    const rtl_record record = {.kind = RTL_RECORD_RETIRE, .number = (uint32_t)pc, .end = (uint64_t)cycle};
    add_record(&record);
}

void sy_rtl_queue(int unit, int fires, int funct7, int value, int64_t cycle)
{
    const rtl_record record = {.kind = fires != 0 ? RTL_RECORD_FIRE : RTL_RECORD_POP,
                               .unit = (uint8_t)unit,
                               .funct7 = (uint8_t)funct7,
                               .number = (uint32_t)value,
                               .end = (uint64_t)cycle};
    add_record(&record);
}

/* Every 65536 cycles: what has happened is sent, and a process whose owner is gone ends. */
void sy_rtl_heartbeat(void)
{
    struct pollfd socket = {.fd = RTL_FD_SOCKET, .events = POLLIN};
    flush_records();
    if (poll(&socket, 1, 0) > 0 && (socket.revents & (POLLHUP | POLLERR)) != 0) {
        exit(0);
    }
}

/* ---- DRAM on AXI4 ---- */

static void request_burst(bool is_write, int64_t cycle, int64_t address, int n_beats)
{
    if (state.n_bursts == MAX_BURSTS) {
        stop("too many bursts in flight");
    }
    burst *b = &state.bursts[(state.first_burst + state.n_bursts++) % MAX_BURSTS];
    b->is_write = is_write;
    b->address = (uint64_t)address;
    b->n_beats = (uint32_t)n_beats;
    const sim_dram_dir dir = is_write ? SIM_DRAM_WRITE : SIM_DRAM_READ;
    b->answer = sim_dram_answer(&state.dram, dir, state.dram.stats.bursts[dir], b->n_beats, &b->answer_beat);
    b->first = sim_dram_request(&state.dram, dir, (uint64_t)cycle, b->address, b->n_beats);
}

void sy_rtl_read(int64_t cycle, int64_t address, int n_beats)
{
    request_burst(false, cycle, address, n_beats);
}

void sy_rtl_write(int64_t cycle, int64_t address, int n_beats)
{
    request_burst(true, cycle, address, n_beats);
}

/* Cycles that the next burst's address waits for its READY. */
int sy_rtl_ready(int is_write)
{
    const sim_dram_dir dir = is_write != 0 ? SIM_DRAM_WRITE : SIM_DRAM_READ;
    return (int)sim_dram_ready(&state.dram, dir, state.dram.stats.bursts[dir]);
}

/* A rule of AXI is broken (axi_check.v): the run is over. */
void sy_rtl_violation(int rule, const char *text, const char *channel, int64_t cycle)
{
    char line[160];
    snprintf(line, sizeof line, "AXI rule %d broken in cycle %lld on %s: %s", rule, (long long)cycle, channel, text);
    const rtl_record record = {.kind = RTL_RECORD_VIOLATION, .number = (uint32_t)strlen(line)};
    add_record(&record);
    flush_records();
    send_all(line, strlen(line));
    exit(1);
}

/* A whole read burst is taken in the cycle of its first beat, a whole write burst put in that of its last. */
static uint8_t read_data[SYP_DRAM_MAX_BURST_BYTES + SYP_DRAM_BYTES_PER_CYCLE];
static uint8_t write_data[SYP_DRAM_MAX_BURST_BYTES + SYP_DRAM_BYTES_PER_CYCLE];
static uint8_t write_mask[SYP_DRAM_MAX_BURST_BYTES + SYP_DRAM_BYTES_PER_CYCLE];

static uint64_t dram_bytes(void)
{
    return (uint64_t)SYP_DRAM_SIZE_MIB << 20;
}

void sy_rtl_write_beat(int64_t cycle, const uint32_t *data, const uint32_t *strobe, unsigned char last)
{
    burst *b = &state.bursts[state.first_burst];
    if (state.n_bursts == 0 || !b->is_write || (uint64_t)cycle < b->first || (uint64_t)cycle >= b->first + b->n_beats) {
        stop("a write beat outside its burst");
    }
    const uint32_t i_beat = (uint32_t)((uint64_t)cycle - b->first);
    const size_t at = (size_t)i_beat * SYP_DRAM_BYTES_PER_CYCLE;
    memcpy(write_data + at, data, SYP_DRAM_BYTES_PER_CYCLE);
    for (int i = 0; i < SYP_DRAM_BYTES_PER_CYCLE; i++) {
        write_mask[at + (size_t)i] = (uint8_t)(strobe[i / 32] >> (i % 32) & 1);
    }
    if ((last != 0) != (i_beat + 1 == b->n_beats)) {
        stop("WLAST at the wrong beat");
    }
    if (last != 0) {
        for (uint64_t i = 0; i < (uint64_t)b->n_beats * SYP_DRAM_BYTES_PER_CYCLE; i++) {
            if (write_mask[i] != 0 && b->address + i < dram_bytes()) {
                state.memory[4][b->address + i] = write_data[i];
            }
        }
        state.answer = true;
        state.answer_cycle = (uint64_t)cycle + 1;
        state.answer_code = b->answer;
    }
}

int sy_rtl_bus(int64_t cycle, uint32_t *data)
{
    int flags = 0;
    if (state.answer && state.answer_cycle == (uint64_t)cycle) {
        state.answer = false;
        flags |= 8 | (int)state.answer_code << 7;
    }
    burst *b = &state.bursts[state.first_burst];
    if (state.n_bursts > 0 && (uint64_t)cycle >= b->first + b->n_beats) {
        state.first_burst = (state.first_burst + 1) % MAX_BURSTS;
        state.n_bursts--;
        b = &state.bursts[state.first_burst];
    }
    if (state.n_bursts > 0 && (uint64_t)cycle >= b->first) {
        const uint32_t i_beat = (uint32_t)((uint64_t)cycle - b->first);
        if (b->is_write) {
            flags |= 4;
        } else {
            const size_t n_bytes = (size_t)b->n_beats * SYP_DRAM_BYTES_PER_CYCLE;
            if (i_beat == 0) {
                memset(read_data, 0, n_bytes);
                const uint64_t left = b->address < dram_bytes() ? dram_bytes() - b->address : 0;
                memcpy(read_data, state.memory[4] + b->address, n_bytes < left ? n_bytes : (size_t)left);
            }
            memcpy(data, read_data + (size_t)i_beat * SYP_DRAM_BYTES_PER_CYCLE, SYP_DRAM_BYTES_PER_CYCLE);
            flags |= i_beat + 1 == b->n_beats ? 3 : 1;
            flags |= i_beat == b->answer_beat ? (int)b->answer << 5 : 0;
        }
    }
    if (state.n_bursts > 0 || state.answer) {
        flags |= 16;
    }
    return flags;
}
