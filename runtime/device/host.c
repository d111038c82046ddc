/*
 * host.c -- facts about this host and this build.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE /* sched_getaffinity */
#include "systole/rt/host.h"

#include "cpu/blas.h"

#include "systole/compiler/codegen.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

static void processor_name(char *text, size_t n_bytes)
{
    snprintf(text, n_bytes, "%s", "unknown");
#if defined(__x86_64__) || defined(__i386__)
    unsigned words[12] = {0};
    unsigned a, b, c, d;
    if (__get_cpuid(0x80000000u, &a, &b, &c, &d) != 0 && a >= 0x80000004u) {
        for (unsigned i = 0; i < 3; i++) {
            __get_cpuid(0x80000002u + i, &words[4 * i], &words[4 * i + 1], &words[4 * i + 2],
                        &words[4 * i + 3]);
        }
        char name[sizeof words + 1] = "";
        memcpy(name, words, sizeof words);
        const char *begin = name + strspn(name, " ");
        if (*begin != '\0') {
            snprintf(text, n_bytes, "%s", begin);
        }
    }
#endif
}

static void features(char *text, size_t n_bytes)
{
    size_t n = 0;
    text[0] = '\0';
#if defined(__x86_64__) || defined(__i386__)
#define FEATURE(name)                                                                 \
    if (__builtin_cpu_supports(name) && n < n_bytes) {                                \
        n += (size_t)snprintf(text + n, n_bytes - n, "%s%s", n > 0 ? " " : "", name); \
    }
    FEATURE("sse4.2")
    FEATURE("avx")
    FEATURE("avx2")
    FEATURE("fma")
    FEATURE("avx512f")
    FEATURE("avx512bw")
    FEATURE("avx512vl")
    FEATURE("avx512vnni")
    FEATURE("avx512bf16")
#undef FEATURE
#endif
    if (n == 0) {
        snprintf(text, n_bytes, "none that we use");
    }
}

/* What does fp32 products, and what --blas could choose instead. */
static void blas(char *text, size_t n_bytes)
{
    static const char *const names[] = {"own", "openblas", "onednn"};
    size_t at = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && at < n_bytes; i++) {
        rt_blas blas;
        base_diag unused = {0};
        if (rt_blas_open(&blas, names[i], &unused) == SY_OK) {
            const int n = snprintf(text + at, n_bytes - at, "%s%s", i == 0   ? ""
                                                                    : i == 1 ? "; --blas: "
                                                                             : ", ",
                                   blas.name);
            at += n > 0 ? (size_t)n : 0;
            rt_blas_close(&blas);
        }
    }
}

/* True if a program of this name is in a folder of PATH. */
static bool have_program(const char *name)
{
    char folders[4096];
    char path[4352];
    char *rest = NULL;
    const char *list = getenv("PATH");
    snprintf(folders, sizeof folders, "%s", list != NULL ? list : "");
    for (char *folder = strtok_r(folders, ":", &rest); folder != NULL;
         folder = strtok_r(NULL, ":", &rest)) {
        snprintf(path, sizeof path, "%s/%s", folder, name);
        if (access(path, X_OK) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether the compiler's loadable part is there: LLVM in the build does not mean that it is where this program looks. */
static void code_generation(char *text, size_t n_bytes)
{
    base_diag diag = {0};
    if (cc_codegen_check(&diag) == SY_OK) {
        snprintf(text, n_bytes, "LLVM 19");
    } else {
        snprintf(text, n_bytes, "not there: %s", base_diag_message(&diag));
    }
}

void rt_host_facts(rt_host *host)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    const int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    processor_name(host->processor, sizeof host->processor);
    features(host->features, sizeof host->features);
    snprintf(host->threads, sizeof host->threads, "%d", n);
    blas(host->blas, sizeof host->blas);
    code_generation(host->llvm, sizeof host->llvm);
    snprintf(host->verilator, sizeof host->verilator, "%s",
             !RT_HAVE_RTL                ? "not in this build"
             : have_program("verilator") ? "Verilator"
                                         : "Verilator is not installed");
}
