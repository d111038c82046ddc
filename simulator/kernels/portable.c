/*
 * portable.c -- the kernels for every host.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kernels/plain.h"

const sim_kernel_set sim_kernels_portable = {.name = "portable", .matmul = matmul, .vec = vec};
