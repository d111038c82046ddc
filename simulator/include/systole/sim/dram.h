/*
 * dram.h -- DRAM and its bus (isa/spec/timing.md, section 10): when the beats of a request move.
 *
 * One model for both machines: the simulator asks it, and so does the Verilog's test bench, which answers on AXI4 in
 * the cycles it is told.  There is no clock in it: the answer depends on the requests' cycles alone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_SIM_DRAM_H
#define SYSTOLE_SIM_DRAM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum sim_dram_dir {
    SIM_DRAM_READ, /* LD: the cycle of AR */
    SIM_DRAM_WRITE /* ST: the cycle of AW */
} sim_dram_dir;

/* Plain data: copy it to look ahead. The members are for reading. */
typedef struct sim_dram {
    uint32_t latency;       /* config dram.latency */
    uint32_t stall_max;     /* injected stalls: 0 for none */
    uint64_t stall_seed;
    uint64_t n_requests[2]; /* by direction, since START */
    uint64_t free_cycle;    /* the first cycle in which the bus has nothing promised */
} sim_dram;

/* START: a quiet bus. */
void sim_dram_start(sim_dram *dram, uint32_t latency, uint64_t stall_seed, uint32_t stall_max);

/*
 * A request for n_beats >= 1 made in a cycle (of its AR or AW).  Returns the cycle of its first beat; the others follow
 * in consecutive cycles.  Requests must come in the order of their cycles, in one cycle the read first.
 *
 * A read takes its data from memory in the cycle of its first beat (it is driven on R in that cycle), a write puts its
 * data in the cycle of its last; B is in the cycle after that.
 */
uint64_t sim_dram_request(sim_dram *dram, sim_dram_dir dir, uint64_t cycle, uint32_t n_beats);

/*
 * The stall of burst `number` (from 0 in its direction since START): base_rng_u64(stall_seed, dir, number) mod
 * (stall_max + 1); 0 when stall_max is 0.
 */
uint32_t sim_dram_stall(const sim_dram *dram, sim_dram_dir dir, uint64_t number);

#ifdef __cplusplus
}
#endif

#endif
