/*
 * fn_oracle.c -- the values to try in each elementary function, and its definition.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>

#include "systole/isa/fn.h"

int fn_oracle(int fn, int v);
int fn_oracle_n(void);
int fn_oracle_n_directed(void);
int fn_oracle_value(int i, int fn);

int fn_oracle(int fn, int v)
{
    return (int)isa_fn_bits((isa_fn)fn, (uint32_t)v);
}

int fn_oracle_n(void)
{
    return ISA_FN_N;
}

/* Fractions at the ends of segments and next to them, for every exponent and sign. */
static const uint32_t fractions[] = {
    0x000000, 0x000001, 0x000002, 0x01FFFF, 0x020000, 0x03FFFF, 0x040000, 0x07FFFF, 0x080000, 0x0FFFFF, 0x100000,
    0x1FFFFF, 0x200000, 0x2AAAAA, 0x3504F3, 0x3504F4, 0x3FFFFF, 0x400000, 0x400001, 0x555555, 0x600000, 0x7FFFFE, 0x7FFFFF,
};
enum { N_FRACTIONS = sizeof fractions / sizeof fractions[0] };

int fn_oracle_n_directed(void)
{
    return 512 * N_FRACTIONS;
}

static uint64_t mix(uint64_t x)
{
    x ^= x >> 30;
    x *= UINT64_C(0xBF58476D1CE4E5B9);
    x ^= x >> 27;
    x *= UINT64_C(0x94D049BB133111EB);
    return x ^ x >> 31;
}

/* Then random values: one in four any, else of exponents where most functions are neither 0 nor at their limit. */
int fn_oracle_value(int i, int fn)
{
    if (i < fn_oracle_n_directed()) {
        return (int)((uint32_t)(i / N_FRACTIONS) << 23 | fractions[i % N_FRACTIONS]);
    }
    const uint64_t r = mix((uint64_t)i * 16 + (uint64_t)fn);
    uint32_t v = (uint32_t)r;
    if ((r >> 32 & 3) != 0) {
        v = (v & 0x807FFFFFu) | (112 + (uint32_t)(r >> 40) % 24) << 23;
    }
    return (int)v;
}
