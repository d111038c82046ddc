/*
 * tables.h -- all tables of isa/, as X-macros.
 *
 * Define the line macros you want, include this file, and they are undefined again; what you leave
 * out expands to nothing.  So there is no include guard.  The columns are explained at the head of
 * each table.
 *
 *     #define U(unit, number, summary) [number] = #unit,
 *     static const char *const names[] = {
 *     #include "systole/isa/tables.h"
 *     };
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef U
#define U(unit, number, summary)
#endif
#ifndef I
#define I(unit, name, funct7, args, built, summary)
#endif
#ifndef F
#define F(unit, number, name, type, summary)
#endif
#ifndef B
#define B(unit, register_name, field, low, width, summary)
#endif
#ifndef E
#define E(unit, field, name, value, built, summary)
#endif
#ifndef R
#define R(name, code, summary)
#endif
#ifndef K
#define K(name, number, summary)
#endif
#ifndef C
#define C(section, key, field, minimum, maximum, power_of_two, value, unit, summary)
#endif
#ifndef W
#define W(section, key, field, value, word)
#endif
#ifndef P
#define P(preset, summary)
#endif
#ifndef Q
#define Q(preset, key, field, unit, value, source)
#endif
#ifndef T
#define T(name, cycles, summary)
#endif
#ifndef S
#define S(name, number, access, summary)
#endif
#ifndef X
#define X(name, number, summary)
#endif
#ifndef H
#define H(name, offset, access, summary)
#endif
#ifndef G
#define G(register_name, field, low, width, summary)
#endif
#ifndef M
#define M(name, number, base, summary)
#endif
#ifndef O
#define O(format, operands, syntax)
#endif
#ifndef V
#define V(name, format, match, mask, timing, summary)
#endif

#include "../../../units.def"
#include "../../../isa.def"
#include "../../../fields.def"
#include "../../../errors.def"
#include "../../../counters.def"
#include "../../../config.def"
#include "../../../dram_presets.def"
#include "../../../core.def"
#include "../../../host.def"
#include "../../../memmap.def"
#include "../../../rv32.def"

#undef U
#undef I
#undef F
#undef B
#undef E
#undef R
#undef K
#undef C
#undef W
#undef P
#undef Q
#undef T
#undef S
#undef X
#undef H
#undef G
#undef M
#undef O
#undef V
