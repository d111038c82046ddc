/*
 * host.h -- facts about this host and this build, for people and for reports that must say where a
 * number was measured.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_HOST_H
#define SYSTOLE_RT_HOST_H

/* Texts of one line, never empty. */
typedef struct rt_host {
    char processor[96]; /* "AMD EPYC 9555P 64-Core Processor" */
    char features[160]; /* "avx2 fma avx512f avx512vnni ..." of those that matter here */
    char threads[32];   /* processors that this process may use */
    char blas[256];     /* our own kernels, and the libraries that are there: "own (avx512); ..." */
    char llvm[256];     /* "LLVM 19", or why there is none: "not there: cannot load ..." */
    char verilator[64];
} rt_host;

void rt_host_facts(rt_host *host);

#endif
