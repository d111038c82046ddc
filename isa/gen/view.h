/*
 * view.h -- what the views of isa_gen share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_ISA_GEN_VIEW_H
#define SYSTOLE_ISA_GEN_VIEW_H

#include "../table.h"
#include "systole/base/buf.h"

/* Each appends a whole file; a failed buffer says that memory was out. */
void view_c(base_buf *out);  /* include/systole/isa/fields.h */
void view_vh(base_buf *out); /* rtl/gen/isa.vh */
void view_md(base_buf *out); /* docs/reference/isa-tables.md */
void view_rom(base_buf *out); /* rtl/gen/fn_rom.v */

/* The part of isa.vh about the elementary functions. */
void view_vh_functions(base_buf *out);

/* The rows of isa-tables.md about them, without title. */
void view_md_functions(base_buf *out);

#define VIEW_NAME_BYTES 96

/* "a_base" -> "A_BASE". Returns text. */
const char *view_upper(char text[VIEW_NAME_BYTES], const char *name);

/* The register that holds a field, or NULL. */
const isa_bits_row *view_field_of(const char *unit, const char *field);

/* Registers of a unit, 0 if it has none. */
uint32_t view_n_registers(const char *unit);

#endif
