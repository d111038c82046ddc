/*
 * info_host.c -- systole info, without an argument: this host and this build.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <unistd.h>

#include "info.h"
#include "systole/isa/isa.h"
#include "systole/rt/host.h"

sy_status info_host(base_arena *arena, bool json, base_diag *diag)
{
    static const cli_column columns[] = {{"fact", "", CLI_LEFT}, {"value", "", CLI_LEFT}};
    rt_host host;
    (void)diag;
    rt_host_facts(&host);
    cli_table *table = cli_table_create(arena, columns, 2);
    const struct {
        const char *fact;
        const char *value;
    } rows[] = {{"systole", CLI_VERSION},
                {"processor", host.processor},
                {"vector units", host.features},
                {"threads", host.threads},
                {"BLAS", host.blas},
                {"code generation", host.llvm},
                {"device rtl", host.verilator}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cli_table_cell(table, "%s", rows[i].fact);
        cli_table_cell(table, "%s", rows[i].value);
    }
    if (json) {
        base_buf text = {0};
        base_json document = base_json_to(&text);
        base_json_object_begin(&document);
        base_json_key_string(&document, "kind", "host");
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            base_json_key_string(&document, rows[i].fact, rows[i].value);
        }
        base_json_object_end(&document);
        cli_print_buf(&text);
        base_buf_free(&text);
    } else {
        cli_table_print(table, stdout);
    }
    return SY_OK;
}
