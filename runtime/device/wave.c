/*
 * wave.c -- finds the window that is asked for, and writes the save file that shows it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/rt/wave.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "systole/base/buf.h"
#include "systole/base/file.h"
#include "systole/isa/isa.h"

/* ---------------------------------------------------------------- which cycles */

/* Digits up to `end`, and nothing else. */
static bool read_number(const char *text, char end, uint64_t *out, const char **rest)
{
    char *after = NULL;
    if (!isdigit((unsigned char)text[0])) {
        return false;
    }
    *out = strtoull(text, &after, 10);
    *rest = after + 1;
    return *after == end;
}

sy_status rt_wave_parse(const char *text, const char *path, rt_wave *out, base_diag *diag)
{
    const char *rest = NULL;
    rt_wave wave = {.kind = RT_WAVE_LAYER, .path = path, .layer = text};
    if (read_number(text, ':', &wave.from, &rest)) {
        const char *end = NULL;
        wave.kind = RT_WAVE_CYCLES;
        if (!read_number(rest, '\0', &wave.to, &end) || wave.to < wave.from) {
            return base_fail(diag, SY_EINVAL, "'%s': expected FROM:TO in cycles, FROM not above TO", text);
        }
    }
    for (unsigned unit = 0; unit < ISA_N_QUEUES; unit++) {
        const char *name = isa_unit_name(unit);
        const size_t n = strlen(name);
        uint64_t number = 0;
        if (strncasecmp(text, name, n) == 0 && text[n] == '#') {
            if (!read_number(text + n + 1, '\0', &number, &rest) || number > UINT32_MAX) {
                return base_fail(diag, SY_EINVAL, "'%s': expected the number of a command of %s after '#'", text, name);
            }
            wave.kind = RT_WAVE_COMMAND;
            wave.unit = unit;
            wave.number = (uint32_t)number;
        }
    }
    if (text[0] == '\0') {
        return base_fail(diag, SY_EINVAL, "expected FROM:TO in cycles, UNIT#COMMAND or the name of a layer");
    }
    *out = wave;
    return SY_OK;
}

static void see(rt_wave *wave, uint64_t n)
{
    wave->n_seen = n > wave->n_seen ? n : wave->n_seen;
}

static bool find_layer(rt_wave *wave, const rt_wave_run *run)
{
    bool found = false;
    for (unsigned unit = 0; unit < SIM_N_UNITS && run->layer != NULL; unit++) {
        for (size_t i = 0; i < run->n_commands[unit]; i++) {
            const sim_command_event *event = &run->commands[unit][i];
            const char *name = run->layer(run->layer_user, event->tag);
            if (name == NULL || strcmp(name, wave->layer) != 0) {
                continue;
            }
            wave->start = !found || event->start < wave->start ? event->start : wave->start;
            wave->end = !found || event->end > wave->end ? event->end : wave->end;
            found = true;
        }
    }
    return found;
}

static bool find_command(rt_wave *wave, const rt_wave_run *run)
{
    see(wave, run->n_commands[wave->unit]);
    if (wave->number >= run->n_commands[wave->unit]) {
        return false;
    }
    wave->start = run->commands[wave->unit][wave->number].start;
    wave->end = run->commands[wave->unit][wave->number].end;
    return true;
}

bool rt_wave_find(rt_wave *wave, const rt_wave_run *run)
{
    switch (wave->kind) {
    case RT_WAVE_CYCLES:
        see(wave, run->cycles);
        wave->start = wave->from;
        wave->end = wave->to;
        return wave->from < run->cycles;
    case RT_WAVE_COMMAND:
        if (!find_command(wave, run)) {
            return false;
        }
        break;
    case RT_WAVE_LAYER:
        if (!find_layer(wave, run)) {
            return false;
        }
        break;
    }
    wave->from = wave->start > RT_WAVE_MARGIN ? wave->start - RT_WAVE_MARGIN : 0;
    wave->to = wave->end + RT_WAVE_MARGIN;
    return true;
}

void rt_wave_print(const rt_wave *wave, base_buf *out)
{
    const char *unit = isa_unit_name(wave->unit);
    if (!wave->drawn) {
        switch (wave->kind) {
        case RT_WAVE_CYCLES:
            base_buf_printf(out, "no cycle %" PRIu64 " in the run: it took %" PRIu64, wave->from, wave->n_seen);
            return;
        case RT_WAVE_COMMAND:
            base_buf_printf(out, "%s has no command %" PRIu32 " that ended: %" PRIu64 " did, numbered from 0", unit, wave->number,
                            wave->n_seen);
            return;
        case RT_WAVE_LAYER:
            base_buf_printf(out,
                            "no layer '%s': expected FROM:TO in cycles, UNIT#COMMAND or a layer's name as 'systole profile' "
                            "prints it",
                            wave->layer);
            return;
        }
    }
    switch (wave->kind) {
    case RT_WAVE_CYCLES:
        break;
    case RT_WAVE_COMMAND:
        base_buf_printf(out, "%s command %" PRIu32 " in cycles %" PRIu64 " to %" PRIu64 ": ", unit, wave->number, wave->start,
                        wave->end);
        break;
    case RT_WAVE_LAYER:
        base_buf_printf(out, "layer '%s' in cycles %" PRIu64 " to %" PRIu64 ": ", wave->layer, wave->start, wave->end);
        break;
    }
    base_buf_printf(out, "cycles %" PRIu64 " to %" PRIu64 " drawn to %s", wave->from, wave->to, wave->path);
}

/* ---------------------------------------------------------------- the save file (GTKWave's format) */

/* Flags of a line: how a value is shown, right-aligned. NAME: of an enumeration's values. */
#define SHOW_NAME UINT64_C(0x100000028)
enum { SHOW_HEX = 0x22, SHOW_DECIMAL = 0x24, SHOW_BIT = 0x28, SHOW_COMMENT = 0x200 };
enum { GROUP_OPEN = 0x800200, GROUP_SHUT = 0xC00200, GROUP_END = 0x1000200, GROUP_SHUT_END = 0x1401200 };

/* One cycle in the file's time (sim_wave). */
#define CYCLE UINT64_C(1000)

/* A signal below a unit's scope, or below `streams`; 0 bits: as many as there are banks. */
typedef struct signal_row {
    const char *name;
    uint64_t flags;
    uint32_t n_bits;
} signal_row;

typedef struct group_row {
    const char *title;
    const signal_row *signals;
    size_t n_signals;
} group_row;

static const signal_row queue_signals[] = {
    {"cause", SHOW_NAME, 4},         {"queued", SHOW_DECIMAL, 32}, {"head_valid", SHOW_BIT, 1},
    {"head", SHOW_NAME, 7},          {"head_rs1", SHOW_HEX, 32},   {"head_rs2", SHOW_HEX, 32},
    {"pop", SHOW_BIT, 1},
};
static const signal_row slot_signals[] = {
    {"slot_valid", SHOW_BIT, 1},   {"slot", SHOW_NAME, 7},        {"slot_number", SHOW_DECIMAL, 32},
    {"slot_tag", SHOW_DECIMAL, 32}, {"slot_checked", SHOW_BIT, 1}, {"start", SHOW_BIT, 1},
};
static const signal_row flight_signals[] = {
    {"in_flight", SHOW_DECIMAL, 32},
    {"first_in_flight", SHOW_DECIMAL, 32},
    {"done", SHOW_BIT, 1},
};
static const signal_row semaphore_signals[] = {
    {"wait_at_head", SHOW_BIT, 1},       {"wait_taken", SHOW_BIT, 1}, {"wait_semaphore", SHOW_DECIMAL, 5},
    {"posts_pending", SHOW_DECIMAL, 32}, {"post_fires", SHOW_BIT, 1}, {"post_semaphore", SHOW_DECIMAL, 5},
};
static const signal_row bank_signals[] = {{"banks_needed", SHOW_HEX, 0}, {"banks_held", SHOW_HEX, 0}};
#define GROUP(title, signals) {title, signals, sizeof(signals) / sizeof(signals)[0]}
static const group_row unit_groups[] = {
    GROUP("queue", queue_signals),           GROUP("slot", slot_signals),   GROUP("in flight", flight_signals),
    GROUP("semaphores", semaphore_signals), GROUP("banks", bank_signals),
};

static const signal_row mxu_rows[] = {
    {"mxu_weight_read", SHOW_BIT, 1}, {"mxu_weight_row", SHOW_DECIMAL, 32},   {"mxu_a_read", SHOW_BIT, 1},
    {"mxu_a_row", SHOW_DECIMAL, 32},  {"mxu_acc_read", SHOW_BIT, 1},          {"mxu_acc_read_row", SHOW_DECIMAL, 32},
    {"mxu_acc_write", SHOW_BIT, 1},   {"mxu_acc_write_row", SHOW_DECIMAL, 32},
};
static const signal_row vpu_rows[] = {
    {"vpu_a_spm_read", SHOW_BIT, 1},    {"vpu_a_acc_read", SHOW_BIT, 1},    {"vpu_a_row", SHOW_DECIMAL, 32},
    {"vpu_b_spm_read", SHOW_BIT, 1},    {"vpu_b_acc_read", SHOW_BIT, 1},    {"vpu_b_row", SHOW_DECIMAL, 32},
    {"vpu_out_spm_write", SHOW_BIT, 1}, {"vpu_out_acc_write", SHOW_BIT, 1}, {"vpu_out_row", SHOW_DECIMAL, 32},
};
static const signal_row ld_rows[] = {{"ld_spm_write", SHOW_BIT, 1}, {"ld_acc_write", SHOW_BIT, 1}, {"ld_row", SHOW_DECIMAL, 32}};
static const signal_row st_rows[] = {{"st_spm_read", SHOW_BIT, 1}, {"st_acc_read", SHOW_BIT, 1}, {"st_row", SHOW_DECIMAL, 32}};
static const group_row row_groups[SIM_N_UNITS] = {
    GROUP("rows", mxu_rows),
    GROUP("rows", vpu_rows),
    GROUP("rows", ld_rows),
    GROUP("rows", st_rows),
};

/* LD's and ST's side of the bus; 0 bits: a beat, 1 in n_bits of a strobe: see put_axi. */
static const signal_row ld_axi[] = {
    {"m_arvalid", SHOW_BIT, 1}, {"m_araddr", SHOW_HEX, 40}, {"m_arlen", SHOW_DECIMAL, 8}, {"m_rvalid", SHOW_BIT, 1},
    {"m_rready", SHOW_BIT, 1},  {"m_rlast", SHOW_BIT, 1},   {"m_rdata", SHOW_HEX, 0},
};
static const signal_row st_axi[] = {
    {"m_awvalid", SHOW_BIT, 1}, {"m_awaddr", SHOW_HEX, 40}, {"m_awlen", SHOW_DECIMAL, 8}, {"m_wvalid", SHOW_BIT, 1},
    {"m_wready", SHOW_BIT, 1},  {"m_wlast", SHOW_BIT, 1},   {"m_wdata", SHOW_HEX, 0},     {"m_bvalid", SHOW_BIT, 1},
    {"m_bready", SHOW_BIT, 1},
};
static const group_row axi_groups[SIM_N_UNITS] = {{0}, {0}, GROUP("AXI, reads", ld_axi), GROUP("AXI, writes", st_axi)};

static const signal_row core_signals[] = {
    {"cycle", SHOW_DECIMAL, 64}, {"clk", SHOW_BIT, 1},    {"pc", SHOW_HEX, 32},    {"word", SHOW_HEX, 32},
    {"retire", SHOW_BIT, 1},     {"asleep", SHOW_BIT, 1}, {"halted", SHOW_BIT, 1},
};
static const group_row core_group = GROUP("CORE", core_signals);

static void put_signal(base_buf *out, const char *scope, const signal_row *signal, uint32_t n_wide)
{
    const uint32_t n_bits = signal->n_bits != 0 ? signal->n_bits : n_wide;
    base_buf_printf(out, "@%" PRIx64 "\n%s.%s", signal->flags, scope, signal->name);
    if (n_bits > 1) {
        base_buf_printf(out, "[%" PRIu32 ":0]", n_bits - 1);
    }
    base_buf_putc(out, '\n');
}

static void put_group(base_buf *out, const char *unit, const char *scope, const group_row *group, uint32_t n_wide)
{
    base_buf_printf(out, "@%x\n-%s%s\n", GROUP_OPEN, unit, group->title);
    for (size_t i = 0; i < group->n_signals; i++) {
        put_signal(out, scope, &group->signals[i], n_wide);
    }
    base_buf_printf(out, "@%x\n-%s%s\n", GROUP_END, unit, group->title);
}

static void put_unit(base_buf *out, const isa_config *config, unsigned unit)
{
    char scope[64];
    char title[16];
    const char *name = isa_unit_name(unit);
    (void)snprintf(scope, sizeof scope, "TOP.harness.u_wave.%s", name);
    for (char *at = strrchr(scope, '.'); *at != '\0'; at++) {
        *at = (char)tolower((unsigned char)*at);
    }
    (void)snprintf(title, sizeof title, "%s ", name);
    base_buf_printf(out, "@%x\n-%s\n", GROUP_OPEN, name);
    for (size_t i = 0; i < sizeof unit_groups / sizeof unit_groups[0]; i++) {
        put_group(out, title, scope, &unit_groups[i], config->spm_banks + config->acc_banks);
    }
    put_group(out, title, "TOP.harness.u_wave.streams", &row_groups[unit], 1);
    if (axi_groups[unit].n_signals > 0) {
        put_group(out, title, "TOP.harness", &axi_groups[unit], 8 * config->dram_width);
    }
    base_buf_printf(out, "@%x\n-%s\n", GROUP_END, name);
}

static void put_semaphores(base_buf *out, const isa_config *config)
{
    base_buf_printf(out, "@%x\n-semaphores\n", GROUP_SHUT);
    for (uint32_t i = 0; i < config->sem_count; i++) {
        base_buf_printf(out, "@%x\nTOP.harness.u_wave.semaphore[%" PRIu32 "].value[31:0]\n", SHOW_DECIMAL, i);
    }
    base_buf_printf(out, "@%x\n-semaphores\n", GROUP_SHUT_END);
}

/* Title, window, markers: the primary one and A at the start, B at the end. */
static void put_head(base_buf *out, const rt_wave *wave)
{
    enum { N_MARKERS = 26 };
    const double n_frames = 5; /* a window's width, in GTKWave's unit of zoom, which is 200 pixels */
    const double n_units = (double)(wave->to - wave->from + 1) * (double)CYCLE;
    char *whole = realpath(wave->path, NULL); /* so that GTKWave finds it from any folder */
    base_buf_printf(out, "[dumpfile] \"%s\"\n", whole != NULL ? whole : wave->path);
    free(whole);
    base_buf_printf(out, "[timestart] %" PRIu64 "\n[size] 1600 1000\n[pos] -1 -1\n", wave->from * CYCLE);
    base_buf_printf(out, "*%.6f %" PRIu64 " %" PRIu64 " %" PRIu64, -log2(n_units / n_frames), wave->start * CYCLE,
                    wave->start * CYCLE, wave->end * CYCLE);
    for (int i = 2; i < N_MARKERS; i++) {
        base_buf_puts(out, " -1");
    }
    base_buf_puts(out, "\n[markername] Astart\n[markername] Bend\n[treeopen] TOP.\n[treeopen] TOP.harness.\n"
                       "[sst_width] 220\n[signals_width] 230\n[sst_expanded] 1\n[sst_vpaned_height] 300\n");
}

void rt_wave_save_path(const rt_wave *wave, base_buf *out)
{
    const size_t n = strlen(wave->path);
    const bool is_fst = n > 4 && strcmp(wave->path + n - 4, ".fst") == 0;
    base_buf_printf(out, "%.*s.gtkw", (int)(is_fst ? n - 4 : n), wave->path);
}

sy_status rt_wave_save(const rt_wave *wave, const isa_config *config, base_diag *diag)
{
    base_buf path = {0};
    base_buf text = {0};
    base_buf what = {0};
    rt_wave_save_path(wave, &path);
    rt_wave_print(wave, &what);
    sy_status status = base_buf_status(&path) == SY_OK ? base_buf_status(&what) : base_buf_status(&path);
    if (status == SY_OK) {
        put_head(&text, wave);
        base_buf_printf(&text, "@%x\n-%s\n", SHOW_COMMENT, what.data);
        put_group(&text, "", "TOP.harness.u_wave", &core_group, 1);
        for (unsigned unit = 0; unit < SIM_N_UNITS; unit++) {
            put_unit(&text, config, unit);
        }
        put_semaphores(&text, config);
        status = base_buf_status(&text);
    }
    status = status == SY_OK ? base_file_write_atomic(diag, path.data, text.data, text.n_bytes) : status;
    base_buf_free(&what);
    base_buf_free(&text);
    base_buf_free(&path);
    return status;
}
