/*
 * protocol.h -- between the program and the process that runs the Verilog: one request, a stream of records, one result.
 *
 * Both ends are built from the same sources on the same machine, so structs travel as they are.  Memories are shared:
 * file descriptor RTL_FD_MEMORY holds DRAM, then IMEM, DMEM, SPM and ACC, each at a multiple of the page size.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RTL_PROTOCOL_H
#define SYSTOLE_RTL_PROTOCOL_H

#include <stdint.h>

enum { RTL_FD_SOCKET = 3, RTL_FD_MEMORY = 4 };
enum { RTL_N_UNITS = 4, RTL_N_CAUSES = 10, RTL_N_DRAM = 8, RTL_MAX_SEMS = 32, RTL_MAX_DEPTH = 64, RTL_PATH_BYTES = 4096 };

/* A machine that draws (rtl_options.wave): times in its file. Cycle c begins at c * RTL_WAVE_UNITS, with the clock's rising edge. */
#define RTL_WAVE_UNITS  UINT64_C(1000)
#define RTL_WAVE_CLOSED UINT64_MAX

/* What to run. dirty: bit m, the back door puts memory m in first (0 IMEM, 1 DMEM, 2 SPM, 3 ACC). */
typedef struct rtl_request {
    uint64_t protocol; /* RTL_PROTOCOL of who asks */
    uint32_t entry;
    uint32_t trace; /* bit 0: retired instructions too; bit 1: memories through the host port instead of the back door; bit 2: pops and fires too */
    uint64_t max_cycles;
    uint64_t stall_seed;
    uint32_t stall_max;
    uint32_t ready_max;
    uint32_t error_one_in;
    uint32_t dirty;
    uint32_t core_map; /* host registers */
    uint32_t core_base;
    uint32_t core_watch;
    uint32_t unused;
    /* A window to draw: */
    uint64_t wave_from, wave_to; /* cycles, both included */
    char wave_path[RTL_PATH_BYTES]; /* "": none */
} rtl_request;

/* WAVE: the window is drawn, and its file closed. */
typedef enum rtl_record_kind { RTL_RECORD_COMMAND = 1, RTL_RECORD_RETIRE, RTL_RECORD_POP, RTL_RECORD_FIRE, RTL_RECORD_WAVE, RTL_RECORD_RESULT, RTL_RECORD_VIOLATION } rtl_record_kind;

typedef struct rtl_record {
    uint32_t kind;
    uint8_t unit;
    uint8_t funct7;
    uint16_t unused;
    uint32_t number; /* RETIRE: pc; POP: rs1; FIRE: semaphore; VIOLATION: bytes of text that follow */
    uint32_t tag;
    uint64_t start;
    uint64_t end; /* RETIRE, POP, FIRE: cycle */
} rtl_record;

typedef struct rtl_entry {
    uint32_t funct7;
    uint32_t rs1;
} rtl_entry;

/* Follows the record RESULT. */
typedef struct rtl_outcome {
    uint32_t status; /* host register STATUS; 0: the limit was reached */
    uint32_t error;  /* host register ERROR */
    uint32_t error_command;
    uint32_t exit_code;
    uint64_t cycles;
    uint64_t retired;
    uint64_t counters[RTL_N_UNITS][RTL_N_CAUSES];
    uint32_t x[32]; /* the core's registers, but after the limit */
    uint32_t mstatus, mtvec, mscratch, mepc, mcause, mtval;
    uint64_t dram[RTL_N_DRAM]; /* a sim_dram_stats */
    /* after a deadlock: the queues, the semaphores, the core */
    uint32_t n_queued[RTL_N_UNITS];
    rtl_entry queued[RTL_N_UNITS][RTL_MAX_DEPTH]; /* the head first */
    uint32_t semaphores[RTL_MAX_SEMS];
    uint32_t core_halted;
    uint32_t core_pc;
    uint32_t core_word;
    uint32_t core_rs1;
} rtl_outcome;

/* Differs when the sources of an executable and the program that runs it are of different days. */
#define RTL_PROTOCOL \
    ((uint64_t)RTL_RECORD_RESULT << 56 | UINT64_C(1) << 48 | (uint64_t)sizeof(rtl_request) << 32 | (uint64_t)sizeof(rtl_record) << 24 | (uint64_t)sizeof(rtl_outcome))

#endif
