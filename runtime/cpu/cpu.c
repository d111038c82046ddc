/*
 * cpu.c -- the host device: what the plans of one module share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fast_internal.h"
#include "jit.h"

sy_status rt_cpu_create(ir_module *m, const rt_cpu_options *options, base_diag *diag, rt_cpu **out)
{
    const rt_cpu_options o = options != NULL ? *options : (rt_cpu_options){0};
    base_arena *arena = base_arena_create();
    rt_cpu *cpu = arena != NULL ? BASE_ARENA_NEW(arena, rt_cpu) : NULL;
    if (cpu == NULL) {
        base_arena_destroy(arena);
        return base_fail(diag, SY_ENOMEM, "out of memory");
    }
    cpu->arena = arena;
    cpu->module = m;
    cpu->reference = o.reference;
    sy_status status = SY_OK;
    if (!o.reference) {
        status = rt_blas_open(&cpu->blas, o.blas, diag);
        if (status == SY_OK) {
            status = rt_pool_create(o.n_threads, &cpu->pool);
        }
        cpu->jit = rt_jit_create(o.jit);
        status = status == SY_OK && cpu->jit == NULL ? base_fail(diag, SY_ENOMEM, "out of memory") : status;
    }
    if (status != SY_OK) {
        rt_cpu_destroy(cpu);
        return status;
    }
    *out = cpu;
    return SY_OK;
}

void rt_cpu_destroy(rt_cpu *cpu)
{
    if (cpu == NULL) {
        return;
    }
    rt_jit_destroy(cpu->jit);
    rt_pool_destroy(cpu->pool);
    rt_blas_close(&cpu->blas);
    base_arena_destroy(cpu->arena);
}

uint32_t rt_cpu_n_threads(const rt_cpu *cpu)
{
    return rt_pool_n_threads(cpu->pool);
}

const char *rt_cpu_blas_name(const rt_cpu *cpu)
{
    return cpu->reference ? "reference" : cpu->blas.name;
}

static const rt_kernel kernels[IR_OP_COUNT + 1] = {
    [IR_OP_COUNT] = {.run = NULL},
#define FAST(id, prepare_fn, run_fn) [IR_OP_##id] = {.prepare = prepare_fn, .run = run_fn},
#include "fast_kernels.def"
#undef FAST
};

const rt_kernel *rt_kernel_of(uint32_t code)
{
    return code < IR_OP_COUNT && kernels[code].run != NULL ? &kernels[code] : NULL;
}

bool rt_cpu_has_fast(uint32_t code)
{
    return rt_kernel_of(code) != NULL;
}
