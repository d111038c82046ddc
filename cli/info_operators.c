/*
 * info_operators.c -- systole info --operators: the operator table, and what import makes of others.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "info.h"
#include "systole/graph/import.h"
#include "systole/graph/optable.h"
#include "systole/rt/cpu.h"

typedef struct row {
    const char *domain, *name, *kernels, *machine, *line;
    uint32_t since;
} row;

/* By domain, ONNX's first, then by name. */
static int by_name(const void *a, const void *b)
{
    const row *x = a, *y = b;
    const int domains = strcmp(x->domain, y->domain);
    return domains != 0 ? domains : strcmp(x->name, y->name);
}

static const char *kernels_of(const ir_op *op)
{
    if ((op->props & IR_P_REGION) != 0) {
        return "executor";
    }
    if (op->reference == NULL) {
        return "-";
    }
    return rt_cpu_has_fast(op->code) ? "reference, fast" : "reference";
}

/* How the machine could run it; placement decides by types and shapes. */
static const char *machine_of(ir_accel accel)
{
    switch (accel) {
    case IR_ACCEL_NONE:
        return "-";
    case IR_ACCEL_MATMUL:
        return "array";
    case IR_ACCEL_POOL:
    case IR_ACCEL_STREAM:
        return "vector unit";
    case IR_ACCEL_MOVE:
        return "moves";
    case IR_ACCEL_VIEW:
        return "free";
    }
    return "-";
}

static size_t collect(const ir_optable *table, row *rows)
{
    size_t n = 0, n_functions = 0;
    const ir_import_function *functions = ir_import_functions(&n_functions);
    for (uint32_t i = 0; i < ir_optable_count(table); i++) {
        const ir_op *op = ir_optable_row(table, i);
        if (strcmp(op->domain, "systole") != 0) {
            rows[n++] = (row){op->domain, op->name, kernels_of(op), machine_of(op->accel), op->doc, op->since};
        }
    }
    const size_t n_rows = n;
    for (size_t i = 0; i < n_functions; i++) {
        const ir_import_function *f = &functions[i];
        size_t k = 0;
        while (k < n_rows && (strcmp(rows[k].domain, f->domain) != 0 || strcmp(rows[k].name, f->name) != 0)) {
            k++;
        }
        if (k == n_rows) { /* what has a row too is listed there */
            rows[n++] = (row){f->domain, f->name, "import", "as its parts", f->line, f->since};
        }
    }
    qsort(rows, n, sizeof *rows, by_name);
    return n;
}

sy_status info_operators(base_arena *arena, bool json, base_diag *diag)
{
    static const cli_column columns[] = {{"domain", "domain", CLI_LEFT},   {"name", "operator", CLI_LEFT},
                                         {"since", "as in", CLI_RIGHT},    {"kernels", "cpu", CLI_LEFT},
                                         {"machine", "machine", CLI_LEFT}, {"means", "means", CLI_LEFT}};
    ir_optable *optable = NULL;
    size_t n_functions = 0;
    (void)ir_import_functions(&n_functions);
    cli_table *table = cli_table_create(arena, columns, sizeof columns / sizeof columns[0]);
    sy_status status = ir_optable_create(arena, &optable);
    row *rows = status == SY_OK ? base_arena_alloc(arena, ir_optable_count(optable) + n_functions, sizeof *rows) : NULL;
    if (table == NULL || rows == NULL) {
        return base_fail(diag, SY_ENOMEM, "out of memory");
    }
    const size_t n = collect(optable, rows);
    for (size_t i = 0; i < n; i++) {
        const row *r = &rows[i];
        cli_table_cell(table, "%s", r->domain[0] != '\0' ? r->domain : "ai.onnx");
        cli_table_cell(table, "%s", r->name);
        cli_table_cell(table, "%" PRIu32, r->since);
        cli_table_cell(table, "%s", r->kernels);
        cli_table_cell(table, "%s", r->machine);
        cli_table_cell(table, "%s", r->line);
    }
    if (json) {
        base_buf text = {0};
        base_json document = base_json_to(&text);
        cli_table_json(table, &document);
        cli_print_buf(&text);
        base_buf_free(&text);
    } else {
        cli_table_print(table, stdout);
    }
    return SY_OK;
}
