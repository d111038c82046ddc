/*
 * rng.c -- counter-based random numbers.
 *
 * How: SplitMix64's output function (Steele, Lea, Flood, OOPSLA 2014: the mixing constants are
 * theirs) applied to a state that steps by the golden gamma with the index; seed and stream are
 * mixed into the starting point first.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/base/rng.h"

#include <math.h>

#include "systole/base/assert.h"

#define GOLDEN_GAMMA UINT64_C(0x9e3779b97f4a7c15) /* 2^64 / golden ratio, odd */
#define TWO_PI       6.283185307179586476925286766559

static uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint64_t base_rng_u64(uint64_t seed, uint64_t stream, uint64_t index)
{
    const uint64_t start = mix(mix(seed + GOLDEN_GAMMA) ^ mix(stream * GOLDEN_GAMMA + 1));
    return mix(start + (index + 1) * GOLDEN_GAMMA);
}

base_rng base_rng_make(uint64_t seed, uint64_t stream)
{
    return (base_rng){.seed = seed, .stream = stream};
}

uint64_t base_rng_next(base_rng *rng)
{
    return base_rng_u64(rng->seed, rng->stream, rng->index++);
}

uint64_t base_rng_below(base_rng *rng, uint64_t n)
{
    SY_ASSERT(n >= 1);
    /* 2^64 mod n numbers too many at the low end would favour the small results: draw again. */
    const uint64_t n_reject = (0 - n) % n;
    uint64_t x;
    do {
        x = base_rng_next(rng);
    } while (x < n_reject);
    return x % n;
}

int64_t base_rng_range(base_rng *rng, int64_t low, int64_t high)
{
    SY_ASSERT(low <= high);
    const uint64_t span = (uint64_t)high - (uint64_t)low;
    const uint64_t offset = span == UINT64_MAX ? base_rng_next(rng) : base_rng_below(rng, span + 1);
    return (int64_t)((uint64_t)low + offset);
}

bool base_rng_one_in(base_rng *rng, uint64_t n)
{
    return base_rng_below(rng, n) == 0;
}

float base_rng_float(base_rng *rng)
{
    return (float)(base_rng_next(rng) >> 40) * 0x1p-24f;
}

double base_rng_double(base_rng *rng)
{
    return (double)(base_rng_next(rng) >> 11) * 0x1p-53;
}

double base_rng_normal(base_rng *rng)
{
    const double u = 1.0 - base_rng_double(rng); /* (0, 1]: its logarithm exists */
    const double v = base_rng_double(rng);
    return sqrt(-2.0 * log(u)) * cos(TWO_PI * v);
}
