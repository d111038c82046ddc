/*
 * view_rom.c -- the elementary functions for Verilog: their coefficients as a module, their numbers as macros.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include "view.h"

typedef struct rom_row {
    const char *function;
    uint32_t segment;
    uint32_t c0;
    int32_t c[3]; /* c1, c2, c3 */
} rom_row;

static const rom_row rows[] = {
#define R(function, segment, c0, c1, c2, c3) {#function, segment, c0, {c1, c2, c3}},
#include "../fn/rom.def"
#undef R
};
enum { N_ROWS = sizeof rows / sizeof rows[0] };

static const struct {
    const char *row_name; /* as in rom.def */
    const char *name;
    double ulp;
    uint32_t at;
    const char *range;
    const char *summary;
} functions[] = {
#define FN(NAME, name, ulp, at, range, summary) {#NAME, #name, ulp, at, range, summary},
#include "systole/isa/functions.def"
#undef FN
};
enum { N_FUNCTIONS = sizeof functions / sizeof functions[0] };

/* Bits of a row of one function's ROM: each coefficient as wide as its largest, without a sign that is always the same. */
static unsigned rom_bits(const char *function, unsigned *n_segments)
{
    unsigned bits = 0;
    *n_segments = 0;
    for (int k = 0; k < 4; k++) {
        int64_t least = INT64_MAX;
        int64_t most = INT64_MIN;
        unsigned n = 0;
        for (size_t i = 0; i < N_ROWS; i++) {
            if (strcmp(rows[i].function, function) == 0) {
                const int64_t c = k == 0 ? (int64_t)rows[i].c0 : rows[i].c[k - 1];
                least = c < least ? c : least;
                most = c > most ? c : most;
                n++;
            }
        }
        unsigned width = least < 0 && most > 0 ? 1 : 0;
        for (int64_t top = -least > most ? -least : most; n > 0 && top > 0; top >>= 1) {
            width++;
        }
        bits += width;
        *n_segments = n;
    }
    return bits;
}

void view_md_functions(base_buf *out)
{
    unsigned total = 0;
    for (size_t i = 0; i < N_FUNCTIONS; i++) {
        unsigned n = 0;
        const unsigned bits = rom_bits(functions[i].row_name, &n) * n;
        float v;
        memcpy(&v, &functions[i].at, sizeof v);
        base_buf_printf(out, "| %s | %.6g ulp | 0x%08" PRIX32 " (%.6g) | %s | ", functions[i].name, functions[i].ulp, functions[i].at, (double)v,
                        functions[i].range);
        if (n > 0) {
            base_buf_printf(out, "%u | %u", n, bits);
        } else {
            base_buf_puts(out, "|");
        }
        base_buf_printf(out, " | %s |\n", functions[i].summary);
        total += bits;
    }
    base_buf_printf(out, "| all | | | | %d | %u | |\n", (int)N_ROWS, total);
}

/* Bits of the widest coefficient c[k] as a signed number. */
static unsigned signed_width(int k)
{
    unsigned width = 1;
    for (size_t i = 0; i < N_ROWS; i++) {
        const int64_t c = rows[i].c[k];
        while (c < -(INT64_C(1) << (width - 1)) || c >= INT64_C(1) << (width - 1)) {
            width++;
        }
    }
    return width;
}

static unsigned index_width(void)
{
    unsigned width = 1;
    while (1u << width < N_ROWS) {
        width++;
    }
    return width;
}

void view_vh_functions(base_buf *out)
{
    base_buf_puts(out, "\n// Elementary functions: fn_unit's numbers, and where each begins in fn_rom.\n");
    for (uint32_t i = 0; i < N_FUNCTIONS; i++) {
        base_buf_printf(out, "`define SY_FN_%s 4'd%" PRIu32 "\n", functions[i].row_name, i);
    }
    for (uint32_t i = 0; i < N_ROWS; i++) {
        if (rows[i].segment == 0) {
            base_buf_printf(out, "`define SY_FN_ROM_%s %u'd%" PRIu32 "\n", rows[i].function, index_width(), i);
        }
    }
}

void view_rom(base_buf *out)
{
    unsigned width[3];
    base_buf_puts(out, "// GENERATED from isa/fn/rom.def by isa_gen rom -- do not edit.\n"
                       "// Regenerate: cmake --build build/dev --target regen\n"
                       "// fn_rom.v -- the coefficients of the elementary functions; isa.vh says where each function begins.\n"
                       "`default_nettype none\n"
                       "module fn_rom (\n");
    base_buf_printf(out, "    input  wire [%u:0] row_i,\n    output reg  [31:0] c0_o", index_width() - 1);
    for (int k = 0; k < 3; k++) {
        width[k] = signed_width(k);
        base_buf_printf(out, ",\n    output reg  signed [%u:0] c%d_o", width[k] - 1, k + 1);
    }
    base_buf_puts(out, "\n);\n    always @* begin\n        case (row_i)\n");
    for (size_t i = 0; i < N_ROWS; i++) {
        const rom_row *row = &rows[i];
        base_buf_printf(out, "            %zu: begin c0_o = 32'd%" PRIu32 ";", i, row->c0);
        for (int k = 0; k < 3; k++) {
            base_buf_printf(out, " c%d_o = %s%u'sd%" PRId64 ";", k + 1, row->c[k] < 0 ? "-" : "", width[k],
                            row->c[k] < 0 ? -(int64_t)row->c[k] : (int64_t)row->c[k]);
        }
        base_buf_puts(out, " end\n");
    }
    base_buf_puts(out, "            default: begin c0_o = 32'd0;");
    for (int k = 0; k < 3; k++) {
        base_buf_printf(out, " c%d_o = %u'sd0;", k + 1, width[k]);
    }
    base_buf_puts(out, " end\n        endcase\n    end\nendmodule\n`default_nettype wire\n");
}
