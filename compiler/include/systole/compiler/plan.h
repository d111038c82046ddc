/*
 * plan.h -- how a compiled model runs: the contract between compiler and runtime, stored as JSON in
 * the ELF's section `.systole.plan`.
 *
 * The ELF also holds the imported model file itself (section `.systole.model`), so host steps name
 * values of the imported graph: the runtime computes a host step's values by running the imported
 * graph's nodes backwards from them to what is already there (graph inputs, constants, results of
 * earlier steps). Device steps run one entry point of the program on `sim` or `rtl`.
 *
 * Device tensors are int8 or bf16, [image][channel block][position][lane] with strides in rows (group.h); a
 * row has D lanes, or, for the input of a packed first layer, one for each channel. The host holds
 * the same tensor as plain row-major [n][c][p].
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_COMPILER_PLAN_H
#define SYSTOLE_COMPILER_PLAN_H

#include "systole/base/arena.h"
#include "systole/base/buf.h"
#include "systole/base/diag.h"

#define CC_PLAN_SECTION  ".systole.plan"
#define CC_MODEL_SECTION ".systole.model"
#define CC_PLAN_MAX_RANK 16

/* A tensor that crosses between host and device. Element (n, c, p) lies at address + ((n * n_stride
 * + c / lanes * block_stride + p) * lanes + c % lanes) * element_bytes. */
typedef struct cc_plan_tensor {
    const char *value; /* name of the value in the imported graph */
    int32_t rank;
    int64_t dims[CC_PLAN_MAX_RANK]; /* logical; their product is n * c * p, in this order */
    int64_t n, c, p;
    int64_t lanes;                  /* elements of a row: D, or c */
    int64_t element_bytes;          /* 1: int8, 2: bf16 */
    int64_t n_stride, block_stride; /* rows */
    int64_t rows;                   /* of the whole device tensor */
    uint64_t address;               /* DRAM bytes */
    int32_t zero;                   /* zero point: written to lanes beyond c */
} cc_plan_tensor;

typedef struct cc_plan_step {
    const char *entry;  /* device step: symbol of the entry point; NULL: host step */
    uint32_t n_inputs;  /* device step: tensors that the host writes before it (produced by host
                           steps or graph inputs) */
    uint32_t *inputs;   /* indices into tensors */
    uint32_t n_outputs; /* device step: tensors that the host reads after it */
    uint32_t *outputs;
    uint32_t n_values; /* host step: values to compute */
    const char **values;
} cc_plan_step;

/* One scheduled layer of the device, in program order: tags of command events are `tag`. */
typedef struct cc_plan_layer {
    const char *name; /* of the graph node */
    const char *op;   /* QConv, QConv+QAdd, MaxPool, ... */
    uint32_t tag;     /* in every command of the layer */
    uint32_t step;    /* device step it belongs to */
    uint64_t macs;
    uint64_t array_cycles;  /* roofline: macs / D^2 as the array could do them */
    uint64_t weight_cycles; /* roofline: weight rows, one per cycle */
    uint64_t dram_bytes;    /* roofline: compulsory bytes */
} cc_plan_layer;

/* Where an operator of the graph went, and why. */
typedef struct cc_plan_placement {
    const char *node, *op;
    const char *unit;   /* "mxu", "vpu", "dma", "view" (nothing to do), "cpu" */
    const char *reason; /* why it is on the cpu, or what it was fused with; "" */
    uint64_t macs;
} cc_plan_placement;

typedef struct cc_plan {
    uint32_t n_tensors, n_steps, n_layers, n_placements;
    cc_plan_tensor *tensors;
    cc_plan_step *steps;
    cc_plan_layer *layers;
    cc_plan_placement *placements;
    const char *model_name;
} cc_plan;

/* Appends the JSON text. */
sy_status cc_plan_encode(const cc_plan *plan, base_buf *out);

/*
 * Reads and checks the JSON text: every index, stride and size is consistent (a tensor's elements
 * lie inside its rows). Errors: SY_EFORMAT with one line; SY_ENOMEM.
 */
sy_status cc_plan_decode(base_arena *arena, const void *text, size_t n_bytes, cc_plan *out,
                         base_diag *diag);

#endif
