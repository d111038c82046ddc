/*
 * share.h -- finds sequences of commands that come again with other values, and makes functions of them: rules.
 *
 * What re-rolling cannot join (tiles at a border, fills of rings whose slots go round at their own pace, the first and the last steps) still consists of few
 * different sequences. An occurrence of a rule is one item of the list, its values are the rule's arguments. Values that are the same in all occurrences
 * are constants of the rule; values that differ by constants share an argument.
 *
 * How: runs of commands of one unit first (the taps of a window); then, as in the Re-Pair method of text compression, again and again the pair of neighbours that
 * saves most. An item beside another of its shape is not joined with what follows: a repetition is left to re-rolling.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_COMPILER_SHARE_H
#define SYSTOLE_COMPILER_SHARE_H

#include "reroll.h"
#include "systole/base/vec.h"

typedef BASE_VEC(cc_rule *) cc_rule_vec;

/*
 * Makes one list of several that consist of the same shapes: layers of equal geometry. What differs between them are parameters; arguments[i * n_parameters + p] is
 * that of list i. *fits is false, and nothing else is set, if they differ in shapes or by more than CC_MAX_PARAMETERS. Errors: SY_ENOMEM.
 */
sy_status cc_share_layers(base_arena *arena, const cc_forest *lists, size_t n_lists, bool *fits, cc_forest *out, uint32_t *n_parameters,
                          uint32_t **arguments);

/*
 * Turns a list of leaves into one of leaves and calls, in place. `call_words` is what a call is taken to cost: more makes fewer and larger rules, and faster code. Rules
 * are appended to `rules`, those that are called before those that call. Errors: SY_ENOMEM.
 */
sy_status cc_share(base_arena *arena, uint32_t call_words, cc_rule_vec *rules, cc_forest *list);

/*
 * After re-rolling: puts the bodies of rules that are called at one place only, from the list or from another rule, into that place, and removes them from `rules`.
 */
sy_status cc_share_inline(base_arena *arena, cc_rule_vec *rules, cc_forest *forest);

/* The forest, with parameters of the layer in its values, as a rule. Errors: SY_ENOMEM. */
sy_status cc_share_rule(base_arena *arena, const cc_forest *forest, uint32_t n_parameters, cc_rule **out);

#endif
