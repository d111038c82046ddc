/*
 * cpu.h -- runs graphs, or parts of them, on the host.
 *
 *     rt_cpu *cpu;
 *     rt_cpu_plan *plan;
 *     SY_TRY(rt_cpu_create(module, NULL, diag, &cpu));
 *     SY_TRY(rt_cpu_plan_graph(cpu, module->main, diag, &plan));
 *     SY_TRY(rt_cpu_plan_run(plan, inputs, outputs, NULL, diag));     as often as you like, from
 * any thread rt_cpu_plan_destroy(plan); rt_cpu_destroy(cpu);
 *
 * A plan is a list of nodes with the values that come from outside (live-in) and those that are
 * wanted (live-out): a whole graph, or one host region of a network that runs on several devices.
 * For each set of input shapes it lays out memory once: results share one block by liveness, shape
 * arithmetic is done beforehand. Where shapes depend on data (or on control flow), memory is taken
 * node by node instead.
 *
 * Kernels: with `reference`, the plain scalar kernels that judge all devices. Else fast ones where
 * there are any: integer operators with the reference's bits, fp32 within RT_CPU_FLOAT_TOLERANCE of
 * it, and the same bits for any number of threads.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_CPU_H
#define SYSTOLE_RT_CPU_H

#include "systole/graph/optable.h"

typedef struct rt_cpu rt_cpu;
typedef struct rt_cpu_plan rt_cpu_plan;

/*
 * |fast - reference| <= RT_CPU_FLOAT_TOLERANCE * sqrt(k) * (sum of |products|) for one result of a
 * float sum of k products, and <= RT_CPU_FLOAT_TOLERANCE * |reference| + 2^-126 for one elementary
 * function: rounding errors of fp32 (2^-24 each) add up like a random walk; the factor 16 leaves
 * room for the worst of many millions.
 */
#define RT_CPU_FLOAT_TOLERANCE (16.0 / 16777216.0)

/*
 * 3x3 convolutions without strides whose sizes are known beforehand are done by Winograd's method where it saves time (channels in
 * multiples of 16): |fast - reference| <= RT_CPU_WINOGRAD_TOLERANCE * (largest |x| of all channels within 5 rows and columns of the result's
 * window) * (sum of |w| of its kernel). An infinity or a NaN spreads that far.
 */
#define RT_CPU_WINOGRAD_TOLERANCE (16.0 / 16777216.0)

/* Elementwise chains as machine code, by LLVM: where it pays, never, always (for tests). The bits are the same. */
typedef enum rt_jit_mode { RT_JIT_AUTO, RT_JIT_OFF, RT_JIT_ALWAYS } rt_jit_mode;

typedef struct rt_cpu_options {
    bool reference;     /* plain scalar kernels only, one thread */
    uint32_t n_threads; /* 0: one per processor this process may use */
    const char *blas; /* for fp32 products: NULL, "" or "own": our own kernels; "openblas", "onednn",
                         or a file with cblas_sgemm or dnnl_sgemm */
    rt_jit_mode jit; /* AUTO: $SYSTOLE_JIT ("off", "always") decides if it is set */
} rt_cpu_options;

/*
 * A host device for one module, which must outlive it and not be edited while plans exist. options
 * NULL: all zero. Errors: SY_EIO if the library that options name cannot be loaded or has no
 * such function; SY_ENOMEM.
 */
sy_status rt_cpu_create(ir_module *m, const rt_cpu_options *options, base_diag *diag, rt_cpu **out);
void rt_cpu_destroy(rt_cpu *cpu); /* after its plans; NULL is allowed */

uint32_t rt_cpu_n_threads(const rt_cpu *cpu);

/* What does the fp32 matrix products: "own (avx512)", "libopenblas.so.0 (SkylakeX)", ...; for
 * reports. */
const char *rt_cpu_blas_name(const rt_cpu *cpu);

/*
 * A plan for these nodes of one graph, in its order. Values that they use and that no node of the
 * list makes must be live-in or constants; a constant may be live-in too, then the caller's tensor
 * replaces it (values that are `feedable`). Weights are packed here, once. Errors: SY_EUNSUPPORTED
 * for a node without any kernel, SY_EINVAL for a value that is neither made nor given, each naming
 * it; SY_ENOMEM; what reading constants gives. Not while another thread makes a plan of the same
 * rt_cpu.
 */
sy_status rt_cpu_plan_create(rt_cpu *cpu, uint32_t n_nodes, ir_node *const *nodes,
                             uint32_t n_live_in, ir_value *const *live_in, uint32_t n_live_out,
                             ir_value *const *live_out, base_diag *diag, rt_cpu_plan **out);

/* The whole graph: live-in are its inputs, live-out its outputs, in order. */
sy_status rt_cpu_plan_graph(rt_cpu *cpu, ir_graph *g, base_diag *diag, rt_cpu_plan **out);
void rt_cpu_plan_destroy(rt_cpu_plan *plan); /* NULL is allowed */

/*
 * Sees every value as soon as it is there (live-in first); the tensor is valid during the call. Not
 * SY_OK ends the run. Such a run does not merge nodes, because merged ones never make the values between
 * them: the first one makes a second plan (with the conditions of rt_cpu_plan_create), and fp32 values may
 * differ within the tolerance.
 */
typedef sy_status (*rt_cpu_save_fn)(void *user, const ir_value *value, const ir_tensor *tensor);

typedef struct rt_cpu_run_options {
    rt_cpu_save_fn save; /* NULL: none */
    void *save_user;
    bool (*cancelled)(
        void *user); /* asked before each node; true ends the run with SY_ECANCELLED. NULL: never */
    void *cancelled_user;
} rt_cpu_run_options;

/*
 * Runs the plan; any number of threads may do so at once.
 *
 *   inputs[i]   the live-in values, with the dtype and shape their types ask for
 *   outputs[i]  the live-out values: dtype, rank and dims are set. data NULL: allocated, the caller
 * frees it with rt_buffer_free; else size_bytes says how much room there is. NULL entries are not
 * wanted.
 *
 * Errors: SY_ESHAPE, SY_EINVAL naming the input, or what the node's kernel found, starting with the
 * node's name; SY_ENOMEM. Outputs that were allocated are released again; the contents of others
 * are undefined.
 */
sy_status rt_cpu_plan_run(rt_cpu_plan *plan, const ir_tensor *const *inputs,
                          ir_tensor *const *outputs, const rt_cpu_run_options *options,
                          base_diag *diag);

/* Bytes of the memory block that results share at these input shapes; 0 if shapes depend on data.
 */
sy_status rt_cpu_plan_memory(rt_cpu_plan *plan, const ir_tensor *const *inputs, base_diag *diag,
                             size_t *out);

/* True if the operator with this table code has a fast kernel of its own (for some types and attributes). */
bool rt_cpu_has_fast(uint32_t code);

#endif
