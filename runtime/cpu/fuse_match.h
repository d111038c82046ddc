/*
 * fuse_match.h -- small helps for rules that recognise several operators as one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_CPU_FUSE_MATCH_H
#define SYSTOLE_RT_CPU_FUSE_MATCH_H

#include "fuse.h"

#define RT_PATTERN_STEPS 48

/* The steps that a rule has found so far, ascending. */
typedef struct rt_pattern {
    const rt_fusion *f;
    uint32_t n_steps, steps[RT_PATTERN_STEPS];
} rt_pattern;

/* Adds a step once; false if there is no room. */
bool rt_pattern_add(rt_pattern *p, uint32_t step);

/* True if what the steps make, apart from slot `result`, is used by them alone. */
bool rt_pattern_closed(const rt_pattern *p, uint32_t result);

/* The pattern becomes one step with this kernel. */
sy_status rt_pattern_merge(rt_fusion *f, const rt_pattern *p, const ir_node *node,
                           const rt_kernel *kernel, void *state, uint32_t n_inputs,
                           const uint32_t *inputs, uint32_t result);

/* The step (one node) of this operator that makes slot s; RT_NONE: it is made otherwise. */
uint32_t rt_match_maker(const rt_fusion *f, uint32_t s, uint32_t opcode);

/* Operand k and result k of step i; RT_NONE: absent. */
uint32_t rt_match_input(const rt_fusion *f, uint32_t i, uint32_t k);
uint32_t rt_match_output(const rt_fusion *f, uint32_t i);

/* True if step i is this operator on `s` and another operand, in any order; *other: that one. */
bool rt_match_with(const rt_fusion *f, uint32_t i, uint32_t opcode, uint32_t s, uint32_t *other);

/* True if slot s is a constant of one fp32 element; *v: its value. */
bool rt_match_scalar(const rt_fusion *f, uint32_t s, float *v);

/* The same, and the value is v but for rounding (a few units of 2^-22). */
bool rt_match_value(const rt_fusion *f, uint32_t s, double v);

/* True if the two slots have the same shape, as far as it is known when the plan is made. */
bool rt_match_same_shape(const rt_fusion *f, uint32_t a, uint32_t b);

/* True if step i applies one activation to operand 0: an operator, or operators merged by the rule "activations". */
bool rt_match_activation(const rt_fusion *f, uint32_t i, rt_act *act, float *a, float *b);

#endif
