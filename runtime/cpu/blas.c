/*
 * blas.c -- loads OpenBLAS, oneDNN or any other library with cblas_sgemm at run time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE /* environ */
#include "blas.h"

#include "systole/base/arena.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CBLAS_ROW_MAJOR 101
#define CBLAS_NO_TRANS  111
#define CBLAS_TRANS     112

/*
 * OpenBLAS reads these in its constructor. A number of threads other than one changes the order of
 * sums, a core type or a cache size the kernels and blocks. The library must see our values, the
 * rest of the program its own.
 */
static const char *const prefixes[] = {
    "OPENBLAS_", "GOTO_", "GOTOBLAS_", "OMP_NUM_THREADS=", "DNNL_", "ONEDNN_", "MKLDNN_"};

static bool is_for_blas(const char *variable)
{
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        if (strncmp(variable, prefixes[i], strlen(prefixes[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* The environment without those, and with one thread; NULL when memory is out. The strings are
 * shared. */
static char **make_environment(base_arena *arena)
{
    size_t n = 0;
    while (environ[n] != NULL) {
        n++;
    }
    char **lines = BASE_ARENA_ARRAY(arena, char *, n + 3);
    char *one_thread = base_arena_strdup(arena, "OPENBLAS_NUM_THREADS=1");
    char *one_worker = base_arena_strdup(arena, "OMP_NUM_THREADS=1");
    if (lines == NULL || one_thread == NULL || one_worker == NULL) {
        return NULL;
    }
    size_t n_kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (!is_for_blas(environ[i])) {
            lines[n_kept++] = environ[i];
        }
    }
    lines[n_kept++] = one_thread;
    lines[n_kept] = one_worker;
    return lines;
}

/* Files to try for the names that --blas knows, the newest first. */
static const struct {
    const char *name;
    const char *files[4];
} known[] = {
    {"openblas", {"libopenblas.so.0", "libopenblas.so"}},
    {"onednn", {"libdnnl.so.3", "libdnnl.so.2", "libdnnl.so"}},
};

/* Loads what `library` names; *file: what was loaded, or tried last. */
static void *load(const char *library, const char **file)
{
    void *handle = NULL;
    *file = library;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        for (size_t k = 0; strcmp(library, known[i].name) == 0 && known[i].files[k] != NULL; k++) {
            *file = known[i].files[k];
            handle = dlopen(*file, RTLD_NOW | RTLD_LOCAL);
            if (handle != NULL) {
                return handle;
            }
        }
    }
    return *file == library ? dlopen(library, RTLD_NOW | RTLD_LOCAL) : NULL;
}

/*
 * dlopen while the program's environment is another list. No variable is set or removed, so whoever
 * reads the environment in another thread meanwhile finds a whole list, this one or that one; the
 * arena, which holds this one, lives as long as the library. One at a time: of two that took turns,
 * the second would put back the first's list.
 */
static sy_status open_alone(base_arena *arena, const char *library, const char **file,
                            void **handle)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    (void)pthread_mutex_lock(&lock);
    char **before = environ;
    char **lines = make_environment(arena);
    if (lines != NULL) {
        __atomic_store_n(&environ, lines, __ATOMIC_RELEASE);
        *handle = load(library, file);
        __atomic_store_n(&environ, before, __ATOMIC_RELEASE);
    }
    (void)pthread_mutex_unlock(&lock);
    return lines != NULL ? SY_OK : SY_ENOMEM;
}

/* A symbol as a function pointer; C has no cast from void * for it, POSIX says the bytes are the
 * same. */
static void function_of(void *library, const char *name, void *function, size_t n_bytes)
{
    void *symbol = dlsym(library, name);
    memcpy(function, &symbol, n_bytes);
}

static void own_kernel(rt_blas *blas)
{
    (void)snprintf(blas->name, sizeof blas->name, "own (%s)", rt_own_sgemm_name());
}

/* Which functions the library has, one thread each, and what it calls itself. */
static bool find_functions(rt_blas *blas, const char *file)
{
    void (*set_threads)(int) = NULL;
    char *(*core_name)(void) = NULL;
    function_of(blas->library, "cblas_sgemm", &blas->sgemm, sizeof blas->sgemm);
    function_of(blas->library, "dnnl_sgemm", &blas->dnnl_sgemm, sizeof blas->dnnl_sgemm);
    function_of(blas->library, "omp_set_num_threads", &blas->omp_threads, sizeof blas->omp_threads);
    function_of(blas->library, "openblas_set_num_threads", &set_threads, sizeof set_threads);
    function_of(blas->library, "openblas_get_corename", &core_name, sizeof core_name);
    if (set_threads != NULL) {
        set_threads(1);
        blas->omp_threads = NULL;
    }
    if (blas->sgemm != NULL) {
        (void)snprintf(blas->name, sizeof blas->name, "%.80s (%.40s)", file,
                       core_name != NULL ? core_name() : "cblas");
        return true;
    }
    const struct { /* the first fields of dnnl_version_t, which is never freed */
        int major, minor, patch;
    } *(*version)(void) = NULL;
    function_of(blas->library, "dnnl_version", &version, sizeof version);
    if (blas->dnnl_sgemm != NULL && version != NULL) {
        (void)snprintf(blas->name, sizeof blas->name, "%.80s (oneDNN %d.%d.%d)", file,
                       version()->major, version()->minor, version()->patch);
    }
    return blas->dnnl_sgemm != NULL;
}

sy_status rt_blas_open(rt_blas *blas, const char *library, base_diag *diag)
{
    *blas = (rt_blas){0};
    if (library == NULL || library[0] == '\0' || strcmp(library, "own") == 0) {
        own_kernel(blas);
        return SY_OK;
    }
    const char *file = library;
    base_arena *environment = base_arena_create();
    if (environment == NULL || open_alone(environment, library, &file, &blas->library) != SY_OK) {
        base_arena_destroy(environment);
        return base_fail(diag, SY_ENOMEM, "out of memory");
    }
    blas->environment = environment;
    if (blas->library == NULL) {
        const char *reason = dlerror();
        rt_blas_close(blas);
        return base_fail(diag, SY_EIO, "cannot load the BLAS library: %s",
                         reason != NULL ? reason : file);
    }
    if (!find_functions(blas, file)) {
        rt_blas_close(blas);
        return base_fail(diag, SY_EIO, "%s has neither cblas_sgemm nor dnnl_sgemm", file);
    }
    blas->external = true;
    return SY_OK;
}

void rt_blas_close(rt_blas *blas)
{
    if (blas->library != NULL) {
        (void)dlclose(blas->library);
    }
    base_arena_destroy(blas->environment);
    *blas = (rt_blas){0};
}

void rt_sgemm(const rt_blas *blas, float *work, bool trans_a, bool trans_b, int64_t m, int64_t n,
              int64_t k, const float *a, int64_t lda, const float *b, int64_t ldb, float beta,
              float *c, int64_t ldc)
{
    const bool fits = m <= INT_MAX && n <= INT_MAX && k <= INT_MAX && lda <= INT_MAX &&
                      ldb <= INT_MAX && ldc <= INT_MAX;
    if (m == 0 || n == 0) {
        return;
    }
    if (!blas->external || !fits || k == 0) {
        rt_own_sgemm(work, trans_a, trans_b, m, n, k, a, lda, b, ldb, beta, c, ldc);
        return;
    }
    if (blas->omp_threads != NULL) {
        blas->omp_threads(1); /* a setting of the calling thread */
    }
    if (blas->sgemm == NULL) { /* memory that is out is all that it can complain of: then ours */
        if (blas->dnnl_sgemm(trans_a ? 'T' : 'N', trans_b ? 'T' : 'N', m, n, k, 1.0f, a, lda, b,
                             ldb, beta, c, ldc) != 0) {
            rt_own_sgemm(work, trans_a, trans_b, m, n, k, a, lda, b, ldb, beta, c, ldc);
        }
        return;
    }
    blas->sgemm(CBLAS_ROW_MAJOR, trans_a ? CBLAS_TRANS : CBLAS_NO_TRANS,
                trans_b ? CBLAS_TRANS : CBLAS_NO_TRANS, (int)m, (int)n, (int)k, 1.0f, a, (int)lda,
                b, (int)ldb, beta, c, (int)ldc);
}
