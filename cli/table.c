/*
 * table.c -- tables of cells: aligned text for people, arrays of objects for programs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "systole/base/assert.h"
#include "systole/base/vec.h"

struct cli_table {
    base_arena *arena;
    const cli_column *columns;
    size_t n_columns;
    BASE_VEC(const char *) cells;
};

cli_table *cli_table_create(base_arena *arena, const cli_column *columns, size_t n_columns)
{
    cli_table *table = BASE_ARENA_NEW(arena, cli_table);
    SY_ASSERT(table != NULL);
    table->arena = arena;
    table->columns = columns;
    table->n_columns = n_columns;
    return table;
}

void cli_table_cell(cli_table *table, const char *fmt, ...)
{
    base_buf text = {0};
    va_list args;
    va_start(args, fmt);
    base_buf_vprintf(&text, fmt, args);
    va_end(args);
    /* What comes from a file (names of nodes) must not leave its line or speak to the terminal. */
    for (size_t i = 0; i < text.n_bytes; i++) {
        if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7F) {
            text.data[i] = '?';
        }
    }
    const char *copy = base_arena_strdup(table->arena, text.data != NULL ? text.data : "");
    SY_ASSERT(copy != NULL && base_vec_push(table->arena, &table->cells, copy));
    base_buf_free(&text);
}

size_t cli_table_n_rows(const cli_table *table)
{
    return table->cells.n / table->n_columns;
}

/* Columns on the screen: bytes that do not continue a UTF-8 character. */
static size_t width_of(const char *text)
{
    size_t n = 0;
    for (; *text != '\0'; text++) {
        n += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return n;
}

/* Spaces are owed until there is something behind them: so no line ends in one. */
static void print_cell(FILE *out, const char *text, size_t width, cli_align align, size_t *owed,
                       bool last)
{
    const size_t n = width_of(text);
    const size_t pad = width > n ? width - n : 0;
    *owed += align == CLI_RIGHT ? pad : 0;
    if (n > 0) {
        fprintf(out, "%*s%s", (int)*owed, "", text);
        *owed = 0;
    }
    *owed += (align == CLI_RIGHT ? 0 : pad) + 2;
    if (last) {
        putc('\n', out);
        *owed = 0;
    }
}

void cli_table_print(const cli_table *table, FILE *out)
{
    size_t *widths = BASE_ARENA_ARRAY(table->arena, size_t, table->n_columns);
    const size_t n = table->n_columns;
    size_t owed = 0;
    SY_ASSERT(widths != NULL && table->cells.n % n == 0);
    for (size_t c = 0; c < n; c++) {
        widths[c] = width_of(table->columns[c].title);
        for (size_t i = c; i < table->cells.n; i += n) {
            const size_t width = width_of(table->cells.items[i]);
            widths[c] = width > widths[c] ? width : widths[c];
        }
    }
    bool titled = false; /* a list of facts needs no line of titles */
    for (size_t c = 0; c < n; c++) {
        titled = titled || table->columns[c].title[0] != '\0';
    }
    for (size_t c = 0; titled && c < n; c++) {
        print_cell(out, table->columns[c].title, widths[c], table->columns[c].align, &owed,
                   c + 1 == n);
    }
    for (size_t i = 0; i < table->cells.n; i++) {
        print_cell(out, table->cells.items[i], widths[i % n], table->columns[i % n].align, &owed,
                   i % n + 1 == n);
    }
}

/* A cell as a JSON value: a number where the column is one and the whole cell reads as one. */
static void put_value(base_json *json, const char *cell, cli_align align)
{
    char *end = NULL;
    if (align == CLI_RIGHT && cell[0] != '\0') {
        const unsigned long long whole = strtoull(cell, &end, 10);
        if (*end == '\0' && cell[0] >= '0' && cell[0] <= '9') {
            base_json_u64(json, whole);
            return;
        }
        const double value = strtod(cell, &end);
        if (isfinite(value) && (*end == '\0' || strcmp(end, " %") == 0)) {
            base_json_double(json, value);
            return;
        }
        base_json_null(json);
        return;
    }
    base_json_string(json, cell);
}

void cli_table_json(const cli_table *table, base_json *json)
{
    const size_t n = table->n_columns;
    base_json_array_begin(json);
    for (size_t i = 0; i < table->cells.n; i++) {
        if (i % n == 0) {
            base_json_object_begin(json);
        }
        base_json_key(json, table->columns[i % n].key);
        put_value(json, table->cells.items[i], table->columns[i % n].align);
        if (i % n + 1 == n) {
            base_json_object_end(json);
        }
    }
    base_json_array_end(json);
}

void cli_print_buf(base_buf *buf)
{
    if (buf->n_bytes > 0) {
        fwrite(buf->data, 1, buf->n_bytes, stdout);
        if (buf->data[buf->n_bytes - 1] != '\n') {
            putchar('\n');
        }
    }
    base_buf_clear(buf);
}
