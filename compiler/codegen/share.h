/*
 * share.h -- finds sequences of commands that come again with other values, and makes functions of them: rules.
 *
 * What re-rolling cannot join (tiles at a border, fills of rings whose slots go round at their own pace, the first and the last steps) still consists of few
 * different sequences. An occurrence of a rule is one item of the list, its values are the rule's arguments. Values that are the same in all occurrences
 * are constants of the rule; values that differ by constants share an argument.
 *
 * How: runs of commands of one unit first (the taps of a window); then, as in the Re-Pair method of text compression, again and again the pair of neighbours that
 * saves most. Two equal neighbours are never joined: a repetition is left to re-rolling.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_COMPILER_SHARE_H
#define SYSTOLE_COMPILER_SHARE_H

#include "reroll.h"
#include "systole/base/vec.h"

typedef BASE_VEC(cc_rule *) cc_rule_vec;

/*
 * Turns n commands, which must outlive the result, into a list of leaves and calls. Rules are appended to `rules`, those that are called before those that
 * call. Errors: SY_ENOMEM.
 */
sy_status cc_share(base_arena *arena, const cc_command *commands, size_t n, cc_rule_vec *rules, cc_forest *out);

/*
 * After re-rolling: puts the bodies of rules that are called at one place only, from the list or from another rule, into that place, and removes them from `rules`.
 */
sy_status cc_share_inline(base_arena *arena, cc_rule_vec *rules, cc_forest *forest);

#endif
