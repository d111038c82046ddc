/*
 * info_config.c -- systole info CONFIG.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <string.h>

#include "info.h"

static const struct key {
    const char *name;
    const char *unit;
    const char *summary;
} keys[] = {
#define C(section, key, field, minimum, maximum, power_of_two, value, unit, summary) \
    {#section "." #key, unit, summary},
#include "systole/isa/tables.h"
};

typedef struct derived {
    const char *name;
    const char *unit;
    uint64_t value;
    const char *summary;
} derived;

enum { N_DERIVED = 6 };
static void derive(const isa_config *config, derived out[N_DERIVED])
{
    const uint64_t spm = (uint64_t)config->spm_banks * config->spm_bank_bytes;
    const uint64_t acc = (uint64_t)config->acc_banks * config->acc_bank_bytes;
    out[0] = (derived){"macs_per_cycle", "MACs", (uint64_t)config->d * config->d, "of the array"};
    out[1] = (derived){"spm_bytes", "bytes", spm, "whole scratchpad"};
    out[2] = (derived){"spm_rows", "rows", isa_config_spm_rows(config), "of D elements"};
    out[3] = (derived){"acc_bytes", "bytes", acc, "whole accumulator"};
    out[4] = (derived){"acc_rows", "rows", isa_config_acc_rows(config), "of D sums of 32 bits"};
    out[5] = (derived){"dram_bytes", "bytes", isa_config_dram_bytes(config), "whole DRAM"};
}

static void print_json(const isa_config *config, const derived *sizes, const char *warnings)
{
    base_buf text = {0};
    char hash[17];
    base_json json = base_json_to(&text);
    snprintf(hash, sizeof hash, "%016" PRIx64, isa_config_hash(config));
    base_json_object_begin(&json);
    base_json_key_string(&json, "kind", "configuration");
    base_json_key_string(&json, "name", config->name);
    base_json_key_string(&json, "hash", hash);
    base_json_key(&json, "keys");
    base_json_object_begin(&json);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        uint32_t value = 0;
        isa_config_get(config, keys[i].name, &value);
        base_json_key_u64(&json, keys[i].name, value);
    }
    base_json_object_end(&json);
    base_json_key(&json, "sizes");
    base_json_object_begin(&json);
    for (size_t i = 0; i < N_DERIVED; i++) {
        base_json_key_u64(&json, sizes[i].name, sizes[i].value);
    }
    base_json_object_end(&json);
    base_json_key_string(&json, "warnings", warnings);
    base_json_object_end(&json);
    cli_print_buf(&text);
    base_buf_free(&text);
}

static void print_text(base_arena *arena, const isa_config *config, const derived *sizes,
                       const char *warnings)
{
    static const cli_column columns[] = {{"key", "key", CLI_LEFT},
                                         {"value", "value", CLI_RIGHT},
                                         {"unit", "", CLI_LEFT},
                                         {"summary", "", CLI_LEFT}};
    cli_table *table = cli_table_create(arena, columns, 4);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        uint32_t value = 0;
        isa_config_get(config, keys[i].name, &value);
        cli_table_cell(table, "%s", keys[i].name);
        const char *word = isa_config_word(keys[i].name, value);
        if (word != NULL) {
            cli_table_cell(table, "%s", word);
        } else {
            cli_table_cell(table, "%" PRIu32, value);
        }
        cli_table_cell(table, "%s", keys[i].unit);
        cli_table_cell(table, "%s", keys[i].summary);
    }
    for (size_t i = 0; i < N_DERIVED; i++) {
        cli_table_cell(table, "= %s", sizes[i].name);
        cli_table_cell(table, "%" PRIu64, sizes[i].value);
        cli_table_cell(table, "%s", sizes[i].unit);
        cli_table_cell(table, "%s", sizes[i].summary);
    }
    printf("configuration %s, hash %016" PRIx64 "\n\n", config->name, isa_config_hash(config));
    cli_table_print(table, stdout);
    if (warnings[0] != '\0') {
        printf("\n%s", warnings);
    }
}

sy_status info_config(base_arena *arena, const char *name, bool json, base_diag *diag)
{
    isa_config config;
    derived sizes[N_DERIVED];
    base_buf warnings = {0};
    SY_TRY(isa_config_find(name, &config, diag));
    derive(&config, sizes);
    isa_config_warnings(&config, &warnings);
    const char *text = warnings.data != NULL ? warnings.data : "";
    if (json) {
        print_json(&config, sizes, text);
    } else {
        print_text(arena, &config, sizes, text);
    }
    base_buf_free(&warnings);
    return SY_OK;
}
