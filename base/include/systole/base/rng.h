/*
 * rng.h -- random numbers by counter: (seed, stream, index) is one number, everywhere, in any
 * order.
 *
 * Not for secrets.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_BASE_RNG_H
#define SYSTOLE_BASE_RNG_H

#include <stdbool.h>
#include <stdint.h>

/* 64 random bits; a pure function of its arguments. */
uint64_t base_rng_u64(uint64_t seed, uint64_t stream, uint64_t index);

/* The numbers of one stream in order: index 0, 1, 2, ... */
typedef struct base_rng {
    uint64_t seed;
    uint64_t stream;
    uint64_t index;
} base_rng;

base_rng base_rng_make(uint64_t seed, uint64_t stream);

uint64_t base_rng_next(base_rng *rng);

/* Uniform in 0 .. n-1, without bias; n >= 1. */
uint64_t base_rng_below(base_rng *rng, uint64_t n);

/* Uniform in low .. high, both included; low <= high. */
int64_t base_rng_range(base_rng *rng, int64_t low, int64_t high);

/* True once in n on average; n >= 1. */
bool base_rng_one_in(base_rng *rng, uint64_t n);

/* Uniform in [0, 1), a multiple of 2^-24. */
float base_rng_float(base_rng *rng);

/* Uniform in [0, 1), a multiple of 2^-53. */
double base_rng_double(base_rng *rng);

/*
 * Normal with mean 0 and standard deviation 1 (Box and Muller; one value of the pair is dropped, so
 * that each call takes two numbers of the stream and no more).  log and cos are libm's: the last
 * bit may differ between machines.
 */
double base_rng_normal(base_rng *rng);

#endif
