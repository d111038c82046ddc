/*
 * systole.h -- the C API of libsystole: load a model, run it on the host, on the cycle-exact
 * simulator or on the Verilog.
 *
 *     sy_model *model;
 *     sy_session *session;
 *     sy_message why;
 *     sy_session_options options = {.struct_size = sizeof options, .device = SY_DEVICE_SIM};
 *     if (sy_model_load("model.onnx", NULL, &model, &why) != SY_OK ||
 *         sy_session_create(model, &options, &session, &why) != SY_OK) { puts(why.text); exit(1); }
 *     sy_session_run(session, &input, 1, &output, 1, NULL, &why);
 *
 * Conventions
 * - Status: every fallible function returns sy_status (0 is SY_OK) and leaves its results alone on
 *   error.
 * - Message: the last argument, which may be NULL, receives one line that says what failed, where,
 *   and what to do; it is written on error only.
 * - Threads: a model may be used by any number of threads at once; a session by one at a time;
 *   there are no globals.
 * - Memory: handles are freed by their _free function (NULL is allowed). Strings and arrays that a
 *   handle gives belong to it. Buffers of tensors are the caller's.
 * - Options: struct_size must be set to sizeof the struct: so a program built against an older
 *   header keeps working. All other members are zero by default. An options pointer may be NULL.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_SYSTOLE_H
#define SYSTOLE_SYSTOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "systole/graph/dtype.h"
#include "systole/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One line of text about an error. */
#define SY_MESSAGE_BYTES 1024
typedef struct sy_message {
    char text[SY_MESSAGE_BYTES];
} sy_message;

/* "0.1.0". */
SY_API const char *sy_version(void);

/* ---------------------------------------------------------------- tensors */

#define SY_MAX_RANK 16

/*
 * A tensor: contiguous, row-major. data holds size_bytes bytes: at least the product of the dims
 * times the element's size. Of strings: for each element a little-endian uint32 length, then its
 * bytes (sy_value_strings and sy_value_string are the easier way).
 */
typedef struct sy_tensor {
    sy_dtype dtype;
    int32_t rank;
    int64_t dims[SY_MAX_RANK]; /* the first `rank` count */
    void *data;
    size_t size_bytes;
} sy_tensor;

/*
 * Sets dtype, rank, dims, data, and size_bytes to what dtype and dims need.
 * Errors: SY_ERANGE if rank is above SY_MAX_RANK, a dim is negative, or the product overflows.
 */
SY_API sy_status sy_tensor_init(sy_tensor *tensor, sy_dtype dtype, int32_t rank,
                                const int64_t *dims, void *data);

/* Number of elements: the product of the dims; 0 if it overflows or a dim is negative. */
SY_API int64_t sy_tensor_n_elements(const sy_tensor *tensor);

/* "f32", "i8", ...; bits of one element, 0 for strings and SY_DT_NONE. */
SY_API const char *sy_dtype_text(sy_dtype dtype);
SY_API uint32_t sy_dtype_size_bits(sy_dtype dtype);

/* ---------------------------------------------------------------- models */

typedef struct sy_model sy_model;

typedef struct sy_model_options {
    size_t struct_size;
    /* "NAME=DIMS" ("image=8x3x224x224", "batch=8"): sizes that the model leaves open */
    const char *const *shapes;
    uint32_t n_shapes;
} sy_model_options;

/*
 * Loads an ONNX model, a model compiled by `systole compile`, or a plain program (the last two are
 * ELF files). Errors: SY_EIO, SY_EFORMAT (damaged), SY_EUNSUPPORTED, SY_ESHAPE, SY_EMISMATCH
 * (compiled by another version), SY_ENOMEM.
 */
SY_API sy_status sy_model_load(const char *path, const sy_model_options *options, sy_model **out,
                               sy_message *message);

/* After all sessions of the model. */
SY_API void sy_model_free(sy_model *model);

/* An input or output of a model. */
typedef struct sy_io {
    const char *name;
    sy_dtype dtype;
    int32_t rank;              /* -1: not known before a run */
    int64_t dims[SY_MAX_RANK]; /* -1: any size */
} sy_io;

SY_API uint32_t sy_model_n_inputs(const sy_model *model);
SY_API uint32_t sy_model_n_outputs(const sy_model *model);

/* Input or output i, from 0. SY_EINVAL if there is none. */
SY_API sy_status sy_model_input(const sy_model *model, uint32_t i, sy_io *out);
SY_API sy_status sy_model_output(const sy_model *model, uint32_t i, sy_io *out);

/*
 * Compiles an ONNX model for a configuration ("edge", or the path of an INI file; NULL: edge). A
 * session for sim or rtl does it too if nobody has; this is for saving. A model is compiled once:
 * for another configuration load it again. Errors: SY_ECONFIG; SY_EUNSUPPORTED (nothing in the
 * model runs on the machine: says why), SY_ESHAPE (a size is open: see sy_model_options), SY_ERANGE
 * (memory too small, with sizes), SY_EMISMATCH (compiled for another configuration).
 */
SY_API sy_status sy_model_compile(sy_model *model, const char *config, sy_message *message);

/* Writes a compiled model as an ELF file that sy_model_load reads. SY_EINVAL if it is not compiled;
 * SY_EIO. */
SY_API sy_status sy_model_save(const sy_model *model, const char *path, sy_message *message);

/* ---------------------------------------------------------------- sessions */

typedef enum sy_device {
    SY_DEVICE_CPU, /* the whole graph on the host */
    SY_DEVICE_SIM, /* the cycle-exact simulator; what it cannot do on the host */
    SY_DEVICE_RTL  /* the Verilog through Verilator: the same results and cycles, a thousand times
                      slower */
} sy_device;

typedef struct sy_session_options {
    size_t struct_size;
    sy_device device;
    const char *config; /* sim, rtl: as in sy_model_compile; compiled models bring theirs */
    bool reference;     /* host work by plain scalar kernels: all devices then give the same bits */
    bool timing_only;   /* sim: cycles without data; inputs and outputs are left alone */
    bool no_fallback;   /* sim, rtl: an operator that would run on the host is an error */
    uint32_t n_threads; /* of the host's work; 0: one per processor */
    /* for fp32 products; NULL: our own kernels; "openblas", "onednn", or a library's file */
    const char *blas;
    uint64_t max_cycles; /* sim, rtl: of one device step; 0: no limit */
    /* sim, rtl: injected DRAM stalls of 0 .. stall_max cycles for each burst */
    uint64_t stall_seed;
    uint32_t stall_max;
} sy_session_options;

typedef struct sy_session sy_session;

/*
 * A session runs a model on a device. Making it loads all weights; runs load none. What sim and rtl
 * cannot do runs on the host; if that is everything, the session is device cpu's, and
 * sy_session_note says why. Errors: SY_EINVAL (an unknown device), SY_ECONFIG, what compilation
 * gives, SY_EUNSUPPORTED (this build has no such device; device cpu for a stripped model),
 * SY_EMISMATCH (compiled for another configuration), SY_EIO (the blas library), SY_ENOMEM.
 */
SY_API sy_status sy_session_create(sy_model *model, const sy_session_options *options,
                                   sy_session **out, sy_message *message);
SY_API void sy_session_free(sy_session *session);

/* Where it runs (SY_DEVICE_CPU after a fallback), and the reason for a fallback: "" if there was
 * none. */
SY_API sy_device sy_session_device(const sy_session *session);
SY_API const char *sy_session_note(const sy_session *session);

/* What does the host's fp32 products: "libopenblas.so.0 (SkylakeX)", "own (avx512)", "reference"; ""
 * where the host does nothing. For reports. */
SY_API const char *sy_session_kernels(const sy_session *session);

/* Sees every tensor that the host sees, as soon as it is there; valid during the call. Not SY_OK
 * ends the run. */
typedef sy_status (*sy_save_fn)(void *user, const char *name, const sy_tensor *tensor);

typedef struct sy_run_options {
    size_t struct_size;
    sy_save_fn save;
    void *save_user;
    const int *cancel; /* another thread stores nonzero there (atomically): the run ends with
                          SY_ECANCELLED */
} sy_run_options;

/*
 * Runs once.
 *
 *   inputs   [n_inputs]   with the dtype and shape that sy_model_input tells
 *   outputs  [n_outputs]  data is the caller's buffer and size_bytes its size
 *
 * dtype, rank, dims and size_bytes of an output are set to the result's. data NULL: the result is
 * not copied, the rest is set all the same.
 *
 * Errors: SY_EINVAL (wrong numbers of tensors, wrong dtype), SY_ESHAPE, SY_ERANGE (a buffer is too
 * small; or max_cycles), SY_EDEVICE and SY_EDEADLOCK (how the machine stopped, and why),
 * SY_ECANCELLED, SY_ENOMEM. Contents of buffers are undefined then.
 */
SY_API sy_status sy_session_run(sy_session *session, const sy_tensor *inputs, uint32_t n_inputs,
                                sy_tensor *outputs, uint32_t n_outputs,
                                const sy_run_options *options, sy_message *message);

/* ---------------------------------------------------------------- values */

/*
 * Some models take or give more than tensors: sequences, optionals (one value or none) and maps;
 * and strings, whose sizes nobody can know before a run. Values hold all of these. A value owns
 * copies of what it was made of; it never changes, so any number of threads may read it.
 *
 *     const char *words[] = {"a", "b"};
 *     const int64_t dims[] = {2};
 *     sy_value *in, *out;
 *     sy_value_strings(1, dims, words, NULL, &in);
 *     sy_session_run_values(session, (const sy_value *const *)&in, 1, &out, 1, NULL, &why);
 *     for (uint64_t i = 0; i < sy_value_n(out); i++) { ... sy_value_entry(out, i) ... }
 *     sy_value_free(in);
 *     sy_value_free(out);
 */
typedef struct sy_value sy_value;

typedef enum sy_kind {
    SY_KIND_TENSOR = 1,
    SY_KIND_SEQUENCE = 2, /* entries of one kind and dtype */
    SY_KIND_OPTIONAL = 3, /* one entry, or none */
    SY_KIND_MAP = 4       /* two entries: a tensor of keys; values, a tensor or sequence of as many */
} sy_kind;

/* A tensor. SY_EINVAL if it is none (see sy_session_run), SY_ENOMEM. */
SY_API sy_status sy_value_tensor(const sy_tensor *tensor, sy_value **out);

/* A tensor of strings: texts[i], of n_bytes[i] bytes; n_bytes NULL: each ends with a NUL. */
SY_API sy_status sy_value_strings(int32_t rank, const int64_t *dims, const char *const *texts,
                                  const size_t *n_bytes, sy_value **out);

/*
 * A sequence, optional or map of copies of the entries. dtype counts if there are none: that of the
 * tensors that could be in it. SY_EINVAL if they do not fit the kind, SY_ERANGE (too large, or more
 * than 32 lists in each other), SY_ENOMEM.
 */
SY_API sy_status sy_value_list(sy_kind kind, sy_dtype dtype, const sy_value *const *entries,
                               uint64_t n, sy_value **out);

/* Not for entries: they belong to the value that holds them. */
SY_API void sy_value_free(sy_value *value);

SY_API sy_kind sy_value_kind(const sy_value *value);
SY_API sy_dtype sy_value_dtype(const sy_value *value); /* of a list: of the tensors in it */
SY_API uint64_t sy_value_n(const sy_value *value);     /* entries of a list, elements of a tensor */

/* Entry i of a list; NULL if there is none. */
SY_API const sy_value *sy_value_entry(const sy_value *value, uint64_t i);

/* A tensor's dtype, shape and data, which stays the value's: do not write. SY_EINVAL for a list. */
SY_API sy_status sy_value_view(const sy_value *value, sy_tensor *out);

/* Element i of a tensor of strings; not terminated, may hold any bytes. SY_EINVAL if there is none. */
SY_API sy_status sy_value_string(const sy_value *value, uint64_t i, const char **text,
                                 size_t *n_bytes);

/* What input or output i is (sy_io has dtype and shape of tensors). SY_EINVAL if there is none. */
SY_API sy_status sy_model_input_kind(const sy_model *model, uint32_t i, sy_kind *out);
SY_API sy_status sy_model_output_kind(const sy_model *model, uint32_t i, sy_kind *out);

/*
 * Runs once, as sy_session_run does; outputs[i] become new values, to be freed by the caller. Lists
 * and strings are for device cpu.
 */
SY_API sy_status sy_session_run_values(sy_session *session, const sy_value *const *inputs,
                                       uint32_t n_inputs, sy_value **outputs, uint32_t n_outputs,
                                       const sy_run_options *options, sy_message *message);

/* ---------------------------------------------------------------- statistics */

/* One step of a run: consecutive work on the host, or one segment on the machine. */
typedef struct sy_step_stats {
    const char *name;
    bool on_device;
    double seconds;  /* of the host's clock */
    uint64_t cycles; /* on_device */
} sy_step_stats;

typedef struct sy_stats {
    size_t struct_size;
    double seconds;        /* of the host's clock */
    uint64_t cycles;       /* of the machine, all steps; 0 on cpu */
    uint64_t instructions; /* of the machine's core */
    uint32_t n_steps;
} sy_stats;

/* The last run. SY_EINVAL if struct_size is not set. */
SY_API sy_status sy_session_stats(const sy_session *session, sy_stats *out);

/* Step i of the last run. SY_EINVAL if there is none. */
SY_API sy_status sy_session_step(const sy_session *session, uint32_t i, sy_step_stats *out);

/*
 * Cycles that a unit (0 MXU, 1 VPU, 2 LD, 3 ST) spent in the last run for a cause
 * (sy_cause_text tells them: 0 BUSY, 1 LOAD, ...); over all causes they sum to the run's cycles.
 * SY_EINVAL if there is no such unit or cause.
 */
SY_API sy_status sy_session_counter(const sy_session *session, uint32_t unit, uint32_t cause,
                                    uint64_t *out);

/* "MXU", ...; "BUSY", ...; NULL if there is no such unit or cause. */
SY_API const char *sy_unit_text(uint32_t unit);
SY_API const char *sy_cause_text(uint32_t cause);

#ifdef __cplusplus
}
#endif

#endif
