/*
 * bench.h -- what the parts of bench/cpu_inference share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_BENCH_CPU_INFERENCE_H
#define SYSTOLE_BENCH_CPU_INFERENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "systole/systole.h"

/*
 * Writes the model that `to` names, made from the file `from` (NULL where nothing is needed). False after a message
 * on stderr.
 */
typedef bool (*bench_generate_fn)(const char *from, const char *to);

/* A row of the table: a file below --data as it is, or one that a generator makes below --cache. */
typedef struct bench_model {
    const char *name;
    const char *file;            /* below --data; NULL: the generator needs none */
    bench_generate_fn generate;  /* NULL: the file is run as it is */
    const char *shapes;          /* "input=1x512 state=2x1x128": open sizes; NULL: they become 1 */
    const char *values;          /* "sr=16000": inputs filled with one number; NULL: all are random */
    int64_t integers_below;      /* random integers lie in [0, this); 0: 256 */
} bench_model;

extern const bench_model bench_models[];
extern const unsigned bench_n_models;

/* A graph of the `light` kind with random weights in place of its ConstantOfShape nodes. */
bool bench_refill(const char *from, const char *to);

/* An encoder of BERT-base's size on 128 tokens, a decoder of GPT-2's on 64: random weights, nothing to start from. */
bool bench_encoder(const char *from, const char *to);
bool bench_decoder(const char *from, const char *to);

/* Serves one engine's protocol (main.c) on stdin and stdout until they close. */
int bench_engine(void);

/* Prints on stderr which results take the most time. */
void bench_profile(sy_session *session, const sy_tensor *inputs, unsigned n_inputs, sy_tensor *outputs, unsigned n_outputs);

#endif
