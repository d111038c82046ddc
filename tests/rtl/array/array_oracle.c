/*
 * array_oracle.c -- the planes of array_tb.sv and their products.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>

#include "systole/isa/fn.h"

int array_oracle_operand(int element, int plane, int kind, int row, int lane);
int array_oracle_transposed(int plane);
int array_oracle_rows(int plane);
int array_oracle_gap(int plane, int which);
int array_oracle_start(int element, int plane, int row, int column);
int array_oracle_product(int element, int d, int plane, int row, int column);

static uint32_t mix(uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    uint64_t x = ((uint64_t)a << 40) + ((uint64_t)b << 32) + ((uint64_t)c << 12) + d;
    x ^= x >> 30;
    x *= UINT64_C(0xBF58476D1CE4E5B9);
    x ^= x >> 27;
    x *= UINT64_C(0x94D049BB133111EB);
    return (uint32_t)(x >> 32);
}

/* int8: nine bits, signed; one in four is an extreme. bf16: mostly moderate, so that sums cancel; one in 16 of any bits. */
int array_oracle_operand(int element, int plane, int kind, int row, int lane)
{
    const uint32_t r = mix((uint32_t)plane, (uint32_t)kind, (uint32_t)row, (uint32_t)lane);
    if (element != 0) {
        return (int)((r & 15) == 0 && plane % 8 == 0 ? r >> 16 : (r >> 16 & 0x807F) | (122 + (r & 7)) << 7);
    }
    const int extremes[4] = {-255, 255, 0, -256};
    return (r & 3) == 0 ? extremes[r >> 2 & 3] : (int)(r >> 8 & 511) - 256;
}

/* What a sum starts from: any int32; bf16: mostly a moderate fp32. */
int array_oracle_start(int element, int plane, int row, int column)
{
    const uint32_t r = mix((uint32_t)plane, 5, (uint32_t)row, (uint32_t)column);
    return (int)(element != 0 && (r & 15) != 0 ? (r & 0x807FFFFF) | (r >> 8 & 15) << 23 | UINT32_C(0x3C000000) : r);
}

int array_oracle_transposed(int plane)
{
    return (int)(mix((uint32_t)plane, 2, 0, 0) & 1);
}

int array_oracle_rows(int plane)
{
    const uint32_t r = mix((uint32_t)plane, 3, 0, 0);
    return (r & 1) != 0 ? 1 + (int)(r >> 8 & 3) : 1 + (int)(r >> 8 & 31);
}

/* Extra cycles before a load or a stream: none in most planes. */
int array_oracle_gap(int plane, int which)
{
    const uint32_t r = mix((uint32_t)plane, 4, (uint32_t)which, 0);
    return (r & 7) == 0 ? (int)(r >> 8 & 15) : (r & 7) == 1 ? 1 : 0;
}

int array_oracle_product(int element, int d, int plane, int row, int column)
{
    uint32_t sum = (uint32_t)array_oracle_start(element, plane, row, column);
    for (int k = 0; k < d; k++) {
        const int a = array_oracle_operand(element, plane, 0, row, k);
        const int w = array_oracle_transposed(plane) != 0 ? array_oracle_operand(element, plane, 1, column, k)
                                                          : array_oracle_operand(element, plane, 1, k, column);
        sum = element != 0 ? isa_bf16_fma((uint16_t)a, (uint16_t)w, sum) : sum + (uint32_t)(a * w);
    }
    return (int)sum;
}
