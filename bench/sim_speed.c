/*
 * sim_speed.c -- how many cycles per second the simulator runs, with data and without.
 *
 *     sim_speed [-c CONFIG] [--seconds S] [--only timing|vnni|portable]
 *
 * Two programs on one core: long streams (448 rows through 36 planes: a middle layer of ResNet-50) and short ones (49 rows through 32
 * planes), each with its requantisation on the VPU, and loads and stores of tiles beside them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "systole/base/arena.h"
#include "systole/isa/asm.h"
#include "systole/isa/config.h"
#include "systole/sim/sim.h"

/* Rows, planes and rounds are put in front as .equ lines. */
static const char *const text =
    "_start:\n"
    "  mxu.setf a_base=0, w_base=8*BANK, c_base=0, planes=PLANES, a_plane=1, w_plane=16\n"
    "  mxu.setf n0=ROWS, n1=1, n2=1, n3=1, a_s0=1, c_s0=1\n"
    "  vpu.setf n0=ROWS, n1=1, n2=1, n3=1, a_s0=1, o_base=12*BANK, o_s0=1\n"
    "  vpu.setf chain_in = a_src:acc_i32, chain_fp = mul1:imm, chain_out = out:i8\n"
    "  vpu.setf mul1_imm = 0.001, o_lo = -128, o_hi = 127\n"
    "  ld.setf addr_lo=0, n0=4096, n1=1, n2=1, n3=1, hi0=4096, hi1=1, hi2=1, hi3=1\n"
    "  ld.setf row_base=6*BANK, m0=4096/DIM, m1=1, m2=1, m3=1, t0=1\n"
    "  st.setf addr_lo=65536, n0=4096, n1=1, n2=1, n3=1, hi0=4096, hi1=1, hi2=1, hi3=1\n"
    "  st.setf row_base=14*BANK, m0=4096/DIM, m1=1, m2=1, m3=1, t0=1\n"
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

/* Seconds of processor time: what else runs on the host does not count. */
static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
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
                   ".equ ROWS, %u\n.equ PLANES, %u\n.equ ROUNDS, %u\n.equ BANK, %u\n.equ ACC_HALF, %u\n.equ DIM, %u\n%s", rows, planes,
                   rounds, bank, half, c->d, text);
    if (isa_assemble(arena, source, "sim_speed.s", &program, NULL, &diag) != SY_OK ||
        sim_machine_write(m, SIM_IMEM, 0, program.text, program.n_text_bytes) != SY_OK) {
        (void)fprintf(stderr, "sim_speed: %s\n", base_diag_message(&diag));
        exit(1);
    }
    const uint32_t entry = program.entry;
    base_arena_destroy(arena);
    free(source);
    return entry;
}

/* Runs for about so many seconds and prints a line. */
static void measure(const isa_config *c, const char *name, unsigned rows, unsigned planes, const sim_options *options, double seconds)
{
    base_diag diag = {0};
    sim_machine *m;
    if (sim_create(c, options, &m, &diag) != SY_OK) {
        (void)printf("%-14s %s\n", name, base_diag_message(&diag));
        return;
    }
    unsigned rounds = 100;
    for (;;) {
        const sim_run_options run = {.entry = load(m, c, rows, planes, rounds)};
        sim_result result;
        const double start = now();
        (void)sim_machine_run(m, &run, &result, &diag);
        const double took = now() - start;
        if (result.end != SIM_END_DONE) {
            (void)fprintf(stderr, "sim_speed: the program ended with %d, error %u of unit %u\n", (int)result.end, result.error,
                          result.error_unit);
            exit(1);
        }
        if (took >= seconds || rounds >= 100u << 20) {
            (void)printf("%-14s %4u rows x %2u planes: %12llu cycles in %6.2f s = %8.1f MHz, MXU busy %.1f %%\n", name, rows, planes,
                         (unsigned long long)result.cycles, took, 1e-6 * (double)result.cycles / took,
                         100.0 * (double)result.counters[0][0] / (double)result.cycles);
            break;
        }
        rounds *= took < seconds / 20 ? 8 : 2;
    }
    sim_machine_destroy(m);
}

int main(int argc, char **argv)
{
    const char *config_name = "edge";
    const char *only = "";
    double seconds = 0.5;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "-c") == 0) {
            config_name = argv[i + 1];
        } else if (strcmp(argv[i], "--seconds") == 0) {
            seconds = strtod(argv[i + 1], NULL);
        } else if (strcmp(argv[i], "--only") == 0) {
            only = argv[i + 1];
        }
    }
    isa_config config;
    base_diag diag = {0};
    if (isa_config_find(config_name, &config, &diag) != SY_OK) {
        (void)fprintf(stderr, "sim_speed: %s\n", base_diag_message(&diag));
        return 1;
    }
    static const struct {
        const char *name;
        sim_options options;
    } ways[] = {
        {"timing only", {.timing_only = true}},
        {"data, vnni", {.kernels = SIM_KERNELS_VNNI}},
        {"data, portable", {.kernels = SIM_KERNELS_PORTABLE}},
    };
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        if (strstr(ways[i].name, only) == NULL) {
            continue;
        }
        measure(&config, ways[i].name, 448, 36, &ways[i].options, seconds);
        measure(&config, ways[i].name, 49, 32, &ways[i].options, seconds);
    }
    return 0;
}
