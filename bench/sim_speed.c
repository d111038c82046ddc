/*
 * sim_speed.c -- how many cycles per second the simulator runs, with data and without, beside the Verilog through Verilator.
 *
 *     sim_speed [-c CONFIG] [--seconds S] [--only timing|best|portable|rtl] [--model MODEL.onnx]
 *     sim_speed --only dram [--seconds S]
 *
 * Programs: long streams (448 rows through 36 planes: a middle layer of ResNet-50) and short ones (49 rows through 32 planes), each with
 * its requantisation on the VPU, and loads and stores of tiles beside them, on random data; then a network (the demo's), again and again. One core each; seconds are
 * processor time, so what else runs on the host does not count. Ratios are to the Verilog in the same run.
 *
 * Rows "dram": programs that do nothing but load, or load and store, on edge with a banked memory and on the same machine with a flat
 * one. What a burst costs more is the banks' and rows' own: its share of the simulator's time stands beside it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "systole/base/arena.h"
#include "systole/isa/asm.h"
#include "systole/isa/config.h"
#include "systole/isa/isa.h"
#include "systole/rt/machine.h"
#include "systole/rt/model.h"

/* Rows, planes and rounds are put in front as .equ lines. */
static const char *const text =
    "_start:\n"
    "  mxu.setf a_base=0, w_base=8*BANK, c_base=0, planes=PLANES, a_plane=1, w_plane=16\n"
    "  mxu.setf n0=ROWS, n1=1, n2=1, n3=1, a_s0=1, c_s0=1\n"
    "  vpu.setf n0=ROWS, n1=1, n2=1, n3=1, a_s0=1, o_base=12*BANK, o_s0=1\n"
    "  vpu.setf chain_in = SOURCE, chain_fp = mul1:imm, chain_out = out:spm\n"
    "  vpu.setf mul1_imm = 0.001, o_lo = -128, o_hi = 127\n"
    "  ld.setf addr_lo=0, n0=4096, n1=1, n2=1, n3=1, hi0=4096, hi1=1, hi2=1, hi3=1\n"
    "  ld.setf row_base=6*BANK, m0=4096/ROW_BYTES, m1=1, m2=1, m3=1, t0=1\n"
    "  st.setf addr_lo=65536, n0=4096, n1=1, n2=1, n3=1, hi0=4096, hi1=1, hi2=1, hi3=1\n"
    "  st.setf row_base=14*BANK, m0=4096/ROW_BYTES, m1=1, m2=1, m3=1, t0=1\n"
    "  li s0, ROUNDS\n"
    "  li s1, 0\n"
    "  li s2, 1\n"
    "  li s3, 2\n"
    "  li s4, 0\n" /* the half of ACC in turn */
    "  mxu.post s2\n"
    "  mxu.post s2\n"
    "loop:\n"
    "  li t0, ACC_HALF\n"
    "  sub s4, t0, s4\n"
    "  li t1, PLANES\n"
    "  mxu.set c_base, s4, t1\n"
    "  mxu.wait s2\n"
    "  mxu.matmul zero\n"
    "  mxu.post s1\n"
    "  vpu.wait s1\n"
    "  vpu.set a_base, s4, zero\n"
    "  vpu.vec zero\n"
    "  vpu.post s2\n"
    "  ld.load zero\n"
    "  ld.post s3\n"
    "  st.wait s3\n"
    "  st.store zero\n"
    "  addi s0, s0, -1\n"
    "  bnez s0, loop\n"
    "  core.fence\n"
    "  core.halt zero\n";

/* Nothing but bursts: LD and ST walk through DRAM, each through a part of its own; STORES 0 leaves ST out. */
static const char *const dram_text =
    "_start:\n"
    "  ld.setf n0=CHUNK, n1=1, n2=1, n3=1, hi0=CHUNK, hi1=1, hi2=1, hi3=1\n"
    "  ld.setf row_base=0, m0=CHUNK/DIM, m1=1, m2=1, m3=1, t0=1\n"
    "  st.setf n0=CHUNK, n1=1, n2=1, n3=1, hi0=CHUNK, hi1=1, hi2=1, hi3=1\n"
    "  st.setf row_base=8*BANK, m0=CHUNK/DIM, m1=1, m2=1, m3=1, t0=1\n"
    "  li s0, ROUNDS\n"
    "  li s1, STORES\n"
    "  li s2, CHUNK\n"
    "  li s3, 0x3FFFFFF\n"
    "  li s4, 0x4004000\n"
    "  li s5, 0\n"
    "loop:\n"
    "  ld.set addr_lo, s5, zero\n"
    "  ld.load zero\n"
    "  add t0, s5, s4\n"
    "  beqz s1, next\n"
    "  st.set addr_lo, t0, zero\n"
    "  st.store zero\n"
    "next:\n"
    "  add s5, s5, s2\n"
    "  and s5, s5, s3\n"
    "  addi s0, s0, -1\n"
    "  bnez s0, loop\n"
    "  core.fence\n"
    "  core.halt zero\n";

/* A model of the machine to be timed. */
typedef struct way {
    const char *name;
    rt_machine_kind kind;
    rt_machine_options options;
} way;

/* What is run: streams (rows > 0), or a compiled network. */
typedef struct workload {
    const char *name;
    unsigned rows, planes;
    const isa_program *network;
} workload;

static void die(const char *message)
{
    (void)fprintf(stderr, "sim_speed: %s\n", message);
    exit(1);
}

/* Seconds of processor time of this process, or of the processes it has waited for (the Verilog runs in one). */
static double now(bool children)
{
    struct rusage u;
    (void)getrusage(children ? RUSAGE_CHILDREN : RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + 1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* A program of so many rounds, in the machine; returns its entry. */
static uint32_t load(sim_machine *m, const isa_config *c, unsigned rows, unsigned planes, unsigned rounds)
{
    char *source = malloc(strlen(text) + 512);
    base_arena *arena = base_arena_create();
    isa_program program = {0};
    base_diag diag = {0};
    const unsigned bank = isa_config_spm_bank_rows(c);
    const unsigned half = isa_config_acc_rows(c) / 2;
    if (source == NULL || arena == NULL) {
        exit(1);
    }
    (void)snprintf(source, strlen(text) + 512,
                   ".equ ROWS, %u\n.equ PLANES, %u\n.equ ROUNDS, %u\n.equ BANK, %u\n.equ ACC_HALF, %u\n.equ ROW_BYTES, %u\n.equ SOURCE, %u\n%s",
                   rows, planes, rounds, bank, half, isa_config_spm_row_bytes(c),
                   c->element == ISA_ELEMENT_BF16 ? ISA_VPU_CHAIN_IN_A_SRC_ACC_F32 : ISA_VPU_CHAIN_IN_A_SRC_ACC_I32, text);
    if (rt_machine_fill(m, 1, 1 << 20, &diag) != SY_OK || isa_assemble(arena, source, "sim_speed.s", &program, NULL, &diag) != SY_OK ||
        sim_machine_write(m, SIM_IMEM, 0, program.text, program.n_text_bytes) != SY_OK) {
        (void)fprintf(stderr, "sim_speed: %s\n", base_diag_message(&diag));
        exit(1);
    }
    const uint32_t entry = program.entry;
    base_arena_destroy(arena);
    free(source);
    return entry;
}

/* Cycles of one run of the workload: `rounds` rounds of a stream, or that many runs of the network. */
static uint64_t run(sim_machine *m, const isa_config *c, const workload *w, unsigned rounds)
{
    base_diag diag = {0};
    sim_result result = {0};
    uint64_t cycles = 0;
    sim_run_options options = {.entry = 0};
    if (w->network == NULL) {
        options.entry = load(m, c, w->rows, w->planes, rounds);
        rounds = 1;
    } else if (rt_machine_load(m, w->network, &diag) != SY_OK || !isa_program_find(w->network, "segment_0", &options.entry)) {
        die(base_diag_message(&diag));
    }
    for (unsigned i = 0; i < rounds; i++) {
        if (sim_machine_run(m, &options, &result, &diag) != SY_OK || result.end != SIM_END_DONE) {
            die("the program did not end well");
        }
        cycles += result.cycles;
    }
    return cycles;
}

/* Cycles per second of a way, over at least about `seconds`; 0 if this host or build lacks it. */
static double measure(const isa_config *c, const way *how, const workload *w, double seconds)
{
    base_diag diag = {0};
    const bool verilog = how->kind == RT_MACHINE_RTL;
    for (unsigned rounds = verilog ? 2 : 100;; rounds *= 4) {
        sim_machine *m;
        const double start = now(verilog);
        if (rt_machine_create(how->kind, c, &how->options, &m, &diag) != SY_OK) {
            (void)printf("%-14s %-22s %s\n", how->name, w->name, base_diag_message(&diag));
            return 0;
        }
        const double begin = verilog ? start : now(false); /* memory for the simulator is not its speed */
        const uint64_t cycles = run(m, c, w, rounds);
        const double end = now(false);
        sim_machine_destroy(m); /* waits for the Verilog's process */
        const double took = (verilog ? now(true) : end) - begin;
        if (took >= seconds || rounds >= 1u << 28) {
            const double speed = (double)cycles / took;
            (void)printf("%-14s %-22s %14llu cycles %8.2f s %12.3f MHz", how->name, w->name, (unsigned long long)cycles, took, 1e-6 * speed);
            return speed;
        }
    }
}

static void notice(void *user, const char *line)
{
    (void)user;
    (void)fprintf(stderr, "sim_speed: %s\n", line);
}

/* The Verilog of a configuration is built when it is first asked for: not while it is timed. */
static void build_verilog(const isa_config *c)
{
    const rt_machine_options options = {.notice = notice};
    base_diag diag = {0};
    sim_machine *m;
    if (rt_machine_create(RT_MACHINE_RTL, c, &options, &m, &diag) == SY_OK) {
        sim_machine_destroy(m);
    }
}

static const isa_program *compile(const char *path, const isa_config *config)
{
    base_diag diag = {0};
    rt_model *model;
    if (rt_model_load(path, NULL, &model, &diag) != SY_OK || rt_model_compile(model, config, NULL, &diag) != SY_OK) {
        (void)fprintf(stderr, "sim_speed: %s: %s\n", path, base_diag_message(&diag));
        return NULL;
    }
    return &model->program; /* lives as long as this program */
}

/* Nanoseconds of a burst; their number and the bytes per cycle they reach in *rate. */
static double measure_burst(const isa_config *c, bool stores, bool timing_only, double seconds, double *rate)
{
    const rt_machine_options options = {.timing_only = timing_only};
    base_diag diag = {0};
    sim_machine *m;
    sim_result result = {0};
    if (rt_machine_create(RT_MACHINE_SIM, c, &options, &m, &diag) != SY_OK) {
        die(base_diag_message(&diag));
    }
    double best = 1e9;
    double spent = 0;
    for (unsigned pass = 0; pass < 4 || spent < seconds; pass++) { /* the best of several: the host has other things to do */
        base_arena *arena = base_arena_create();
        char source[4096];
        isa_program program = {0};
        (void)snprintf(source, sizeof source, ".equ ROUNDS, 500\n.equ STORES, %d\n.equ CHUNK, %u\n.equ BANK, %u\n.equ DIM, %u\n%s", stores ? 1 : 0,
                       c->spm_bank_bytes, isa_config_spm_bank_rows(c), c->d, dram_text);
        if (arena == NULL || isa_assemble(arena, source, "dram.s", &program, NULL, &diag) != SY_OK ||
            sim_machine_write(m, SIM_IMEM, 0, program.text, program.n_text_bytes) != SY_OK) {
            die(base_diag_message(&diag));
        }
        const sim_run_options run_options = {.entry = program.entry};
        const double begin = now(false);
        if (sim_machine_run(m, &run_options, &result, &diag) != SY_OK || result.end != SIM_END_DONE) {
            die("the program did not end well");
        }
        const double took = now(false) - begin;
        spent += took;
        const double each = 1e9 * took / (double)(result.dram.bursts[0] + result.dram.bursts[1]);
        best = each < best ? each : best;
        base_arena_destroy(arena);
    }
    *rate = (double)(result.dram.beats[0] + result.dram.beats[1]) * c->dram_width / (double)result.cycles;
    sim_machine_destroy(m);
    return best;
}

static void measure_dram(double seconds)
{
    static const char *const names[] = {"edge-lpddr4", "edge-hbm2"};
    for (unsigned i = 0; i < 8; i++) {
        const bool stores = i / 2 % 2 != 0;
        const bool timing_only = i % 2 == 0;
        isa_config banked;
        base_diag diag = {0};
        double rate, flat_rate;
        if (isa_config_find(names[i / 4], &banked, &diag) != SY_OK) {
            die(base_diag_message(&diag));
        }
        isa_config flat = banked;
        flat.dram_model = ISA_DRAM_FLAT;
        const double with = measure_burst(&banked, stores, timing_only, seconds, &rate);
        const double without = measure_burst(&flat, stores, timing_only, seconds, &flat_rate);
        (void)printf("dram %-12s %-16s %-12s %6.1f ns a burst, flat %6.1f ns: %5.1f %% of the time; %5.2f bytes per cycle, flat %5.2f\n", banked.name,
                     stores ? "loads and stores" : "loads", timing_only ? "timing only" : "data", with, without, 100 * (with - without) / with, rate,
                     flat_rate);
    }
}

int main(int argc, char **argv)
{
    const char *config_name = "edge";
    const char *only = "";
    const char *model = "examples/fashion_mnist/fashion_mnist_int8.onnx";
    double seconds = 0.5;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "-c") == 0) {
            config_name = argv[i + 1];
        } else if (strcmp(argv[i], "--seconds") == 0) {
            seconds = strtod(argv[i + 1], NULL);
        } else if (strcmp(argv[i], "--only") == 0) {
            only = argv[i + 1];
        } else if (strcmp(argv[i], "--model") == 0) {
            model = argv[i + 1];
        }
    }
    isa_config config;
    base_diag diag = {0};
    if (isa_config_find(config_name, &config, &diag) != SY_OK) {
        die(base_diag_message(&diag));
    }
    if (strcmp(only, "dram") == 0) {
        measure_dram(seconds);
        return 0;
    }
    if (strstr("rtl", only) != NULL) {
        build_verilog(&config);
    }
    static const way ways[] = {
        {"rtl", RT_MACHINE_RTL, {.notice = NULL}},
        {"timing only", RT_MACHINE_SIM, {.timing_only = true}},
        {"data, best", RT_MACHINE_SIM, {.timing_only = false}},
        {"data, portable", RT_MACHINE_SIM, {.portable = true}},
    };
    const workload workloads[] = {
        {.name = "448 rows x 36 planes", .rows = 448, .planes = 36},
        {.name = "49 rows x 32 planes", .rows = 49, .planes = 32},
        {.name = "network", .network = compile(model, &config)},
    };
    for (size_t k = 0; k < sizeof workloads / sizeof workloads[0]; k++) {
        double verilog = 0;
        if (workloads[k].rows == 0 && workloads[k].network == NULL) {
            continue;
        }
        for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
            if (strstr(ways[i].name, only) == NULL) {
                continue;
            }
            const double speed = measure(&config, &ways[i], &workloads[k], seconds);
            verilog = ways[i].kind == RT_MACHINE_RTL ? speed : verilog;
            if (speed > 0) {
                (void)(verilog > 0 ? printf("  x %.1f\n", speed / verilog) : printf("\n"));
            }
        }
    }
    return 0;
}
