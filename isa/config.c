/*
 * config.c -- configurations: read, check, print, hash, derived sizes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/isa/config.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ini.h>

#include "systole/base/file.h"
#include "systole/base/hash.h"
#include "systole/base/home.h"

#define CONFIG_FILE_LIMIT ((size_t)1 << 20)

/* Longest line that inih reads in one piece (its INI_MAX_LINE, with the newline and the NUL). */
#define CONFIG_LINE_BYTES 200

typedef struct config_key {
    const char *section;
    const char *key;
    size_t offset; /* of the field in isa_config */
    uint32_t minimum;
    uint32_t maximum;
    bool power_of_two;
    uint32_t value;
} config_key;

static const config_key keys[] = {
#define C(section, key, field, minimum, maximum, power_of_two, value, unit, summary) \
    {#section, #key, offsetof(isa_config, field), minimum, maximum, power_of_two, value},
#include "systole/isa/tables.h"
};
#define N_KEYS (sizeof keys / sizeof keys[0])

/* Keys whose values are words. */
static const struct word {
    size_t offset; /* of the field */
    uint32_t value;
    const char *text;
} words[] = {
#define W(section, key, field, value, word) {offsetof(isa_config, field), value, #word},
#include "systole/isa/tables.h"
};
#define N_WORDS (sizeof words / sizeof words[0])

/* How a preset's value becomes a key's. */
typedef enum preset_unit { PRESET_COUNT, PRESET_PS, PRESET_PS_DOWN } preset_unit;

/* A row without a key begins a preset. */
static const struct preset {
    const char *name;
    const char *key;
    size_t offset;
    preset_unit unit;
    uint32_t value;
} presets[] = {
#define P(preset, summary) {#preset, NULL, 0, PRESET_COUNT, 0},
#define Q(preset, key, field, unit, value, source) \
    {#preset, #key, offsetof(isa_config, field), PRESET_##unit, value},
#include "systole/isa/tables.h"
};
#define N_PRESETS (sizeof presets / sizeof presets[0])

static uint32_t *field_of(isa_config *config, const config_key *key)
{
    return (uint32_t *)(void *)((char *)config + key->offset);
}

static uint32_t value_of(const isa_config *config, const config_key *key)
{
    uint32_t value;
    memcpy(&value, (const char *)config + key->offset, sizeof value);
    return value;
}

/* The word for a key's value; NULL if it has none. */
static const char *word_of(const config_key *key, uint32_t value)
{
    for (size_t i = 0; i < N_WORDS; i++) {
        if (words[i].offset == key->offset && words[i].value == value) {
            return words[i].text;
        }
    }
    return NULL;
}

const char *isa_config_word(const char *key, uint32_t value)
{
    for (size_t i = 0; i < N_KEYS; i++) {
        const size_t n = strlen(keys[i].section);
        if (strncmp(key, keys[i].section, n) == 0 && key[n] == '.' &&
            strcmp(key + n + 1, keys[i].key) == 0) {
            return word_of(&keys[i], value);
        }
    }
    return NULL;
}

static bool has_words(const config_key *key)
{
    return word_of(key, key->value) != NULL;
}

/* "flat or banked": what a key with words may be. */
static void list_words(const config_key *key, char *text, size_t n_bytes)
{
    size_t n = 0;
    text[0] = '\0';
    for (size_t i = 0; i < N_WORDS && n < n_bytes; i++) {
        if (words[i].offset == key->offset) {
            n += (size_t)snprintf(text + n, n_bytes - n, "%s%s", n > 0 ? " or " : "", words[i].text);
        }
    }
}

static void print_value(char text[16], const config_key *key, uint32_t value)
{
    if (has_words(key)) {
        const char *word = word_of(key, value);
        (void)snprintf(text, 16, "%s", word != NULL ? word : "?");
    } else {
        (void)snprintf(text, 16, "%" PRIu32, value);
    }
}

void isa_config_default(isa_config *config)
{
    *config = (isa_config){.name = "default"};
    for (size_t i = 0; i < N_KEYS; i++) {
        *field_of(config, &keys[i]) = keys[i].value;
    }
}

/* A value against its own line; where is "file:line: " or "". */
static sy_status check_value(const config_key *key, uint64_t value, const char *where,
                             base_diag *diag)
{
    if (has_words(key) && (value > UINT32_MAX || word_of(key, (uint32_t)value) == NULL)) {
        char list[64];
        list_words(key, list, sizeof list);
        return base_fail(diag, SY_ECONFIG, "%s%s.%s is %" PRIu64 ", expected %s", where,
                         key->section, key->key, value, list);
    }
    if (value < key->minimum || value > key->maximum) {
        return base_fail(
            diag, SY_ECONFIG, "%s%s.%s is %" PRIu64 ", expected %s%" PRIu32 " to %" PRIu32, where,
            key->section, key->key, value, key->power_of_two ? "a power of two from " : "",
            key->minimum, key->maximum);
    }
    if (key->power_of_two && (value & (value - 1)) != 0) {
        return base_fail(diag, SY_ECONFIG,
                         "%s%s.%s is %" PRIu64 ", expected a power of two from %" PRIu32
                         " to %" PRIu32,
                         where, key->section, key->key, value, key->minimum, key->maximum);
    }
    return SY_OK;
}

static sy_status parse_value(const config_key *key, const char *text, const char *where,
                             uint32_t *value, base_diag *diag)
{
    if (has_words(key)) {
        char list[64];
        for (size_t i = 0; i < N_WORDS; i++) {
            if (words[i].offset == key->offset && strcmp(text, words[i].text) == 0) {
                *value = words[i].value;
                return SY_OK;
            }
        }
        list_words(key, list, sizeof list);
        return base_fail(diag, SY_ECONFIG, "%s%s.%s is '%s', expected %s", where, key->section,
                         key->key, text, list);
    }
    uint64_t number = 0;
    size_t n = 0;
    for (; text[n] >= '0' && text[n] <= '9' && n < 18; n++) {
        number = 10 * number + (uint64_t)(text[n] - '0');
    }
    if (n == 0 || text[n] != '\0') {
        return base_fail(diag, SY_ECONFIG,
                         "%s%s.%s is '%s', expected a decimal number from %" PRIu32 " to %" PRIu32,
                         where, key->section, key->key, text, key->minimum, key->maximum);
    }
    SY_TRY(check_value(key, number, where, diag));
    *value = (uint32_t)number;
    return SY_OK;
}

/* The state of reading a file: inih calls reader for lines and handler for each key. */
typedef struct config_reader {
    isa_config config;
    const char *path;
    const char *at; /* the rest of the text */
    base_diag *diag;
    int line;
    int failed_line;  /* 0: none */
    int seen[N_KEYS]; /* line of each key, 0: not yet */
    int preset_line;  /* of [dram] preset, 0: none */
    char preset[32];
} config_reader;

/* fgets from memory, counting lines. */
static char *read_line(char *line, int n_bytes, void *stream)
{
    config_reader *reader = stream;
    if (*reader->at == '\0' || n_bytes < 2) {
        return NULL;
    }
    const char *end = strchr(reader->at, '\n');
    size_t n = end != NULL ? (size_t)(end - reader->at) + 1 : strlen(reader->at);
    n = n < (size_t)n_bytes - 1 ? n : (size_t)n_bytes - 1;
    memcpy(line, reader->at, n);
    line[n] = '\0';
    reader->at += n;
    reader->line++;
    return line;
}

static int fail_at(config_reader *reader, sy_status status)
{
    if (status != SY_OK && reader->failed_line == 0) {
        reader->failed_line = reader->line;
    }
    return status == SY_OK ? 1 : 0;
}

/* A preset's value as the key's: times in cycles of a clock. */
static uint32_t preset_value(const struct preset *row, uint32_t clock_mhz)
{
    const uint64_t product = (uint64_t)row->value * clock_mhz;
    switch (row->unit) {
    case PRESET_COUNT:
        return row->value;
    case PRESET_PS:
        return (uint32_t)((product + 999999) / 1000000);
    case PRESET_PS_DOWN:
        return (uint32_t)(product / 1000000);
    }
    return 0;
}

/* Sets what a preset gives, but for keys that have been seen (a line number each; NULL: none have). */
static sy_status apply_preset(isa_config *config, const char *name, const int *seen,
                              const char *where, base_diag *diag)
{
    char known[128] = "";
    size_t n_known = 0;
    bool found = false;
    for (size_t i = 0; i < N_PRESETS; i++) {
        if (presets[i].key == NULL && n_known < sizeof known) {
            n_known += (size_t)snprintf(known + n_known, sizeof known - n_known, "%s%s",
                                        n_known > 0 ? ", " : "", presets[i].name);
        }
        if (strcmp(presets[i].name, name) != 0) {
            continue;
        }
        found = true;
        for (size_t k = 0; k < N_KEYS && presets[i].key != NULL; k++) {
            if (keys[k].offset == presets[i].offset && (seen == NULL || seen[k] == 0)) {
                const uint32_t value = preset_value(&presets[i], config->dram_clock_mhz);
                SY_TRY(check_value(&keys[k], value, where, diag));
                *field_of(config, &keys[k]) = value;
            }
        }
    }
    if (!found) {
        return base_fail(diag, SY_ECONFIG, "%sdram.preset is '%s', expected one of: %s", where,
                         name, known);
    }
    return SY_OK;
}

static int take_preset(config_reader *reader, const char *name, const char *where)
{
    isa_config unused = reader->config;
    if (reader->preset_line != 0) {
        return fail_at(reader, base_fail(reader->diag, SY_ECONFIG,
                                         "%sdram.preset is given twice, first in line %d", where,
                                         reader->preset_line));
    }
    unused.dram_clock_mhz = 1000; /* the name counts; the clock may come later */
    reader->preset_line = reader->line;
    (void)snprintf(reader->preset, sizeof reader->preset, "%s", name);
    return fail_at(reader, apply_preset(&unused, name, NULL, where, reader->diag));
}

static int take_key(void *user, const char *section, const char *name, const char *text)
{
    config_reader *reader = user;
    char where[512];
    bool section_known = false;
    if (reader->failed_line != 0) {
        return 0;
    }
    (void)snprintf(where, sizeof where, "%s:%d: ", reader->path, reader->line);
    if (section[0] == '\0') {
        return fail_at(reader,
                       base_fail(reader->diag, SY_ECONFIG,
                                 "%skey '%s' stands before the first [section]", where, name));
    }
    if (strcmp(section, "dram") == 0 && strcmp(name, "preset") == 0) {
        return take_preset(reader, text, where);
    }
    for (size_t i = 0; i < N_KEYS; i++) {
        if (strcmp(keys[i].section, section) != 0) {
            continue;
        }
        section_known = true;
        if (strcmp(keys[i].key, name) != 0) {
            continue;
        }
        if (reader->seen[i] != 0) {
            return fail_at(reader, base_fail(reader->diag, SY_ECONFIG,
                                             "%s%s.%s is given twice, first in line %d", where,
                                             section, name, reader->seen[i]));
        }
        reader->seen[i] = reader->line;
        return fail_at(reader, parse_value(&keys[i], text, where,
                                           field_of(&reader->config, &keys[i]), reader->diag));
    }
    char known[512] = "";
    size_t n = 0;
    for (size_t i = 0; i < N_KEYS; i++) {
        const bool fits = section_known
                              ? strcmp(keys[i].section, section) == 0
                              : i == 0 || strcmp(keys[i].section, keys[i - 1].section) != 0;
        if (fits && n < sizeof known) {
            n += (size_t)snprintf(known + n, sizeof known - n, "%s%s", n > 0 ? ", " : "",
                                  section_known ? keys[i].key : keys[i].section);
        }
    }
    if (strcmp(section, "dram") == 0 && n < sizeof known) {
        (void)snprintf(known + n, sizeof known - n, ", preset");
    }
    return fail_at(
        reader, base_fail(reader->diag, SY_ECONFIG, "%sunknown %s '%s'%s%s%s, expected one of: %s",
                          where, section_known ? "key" : "section", section_known ? name : section,
                          section_known ? " in [" : "", section_known ? section : "",
                          section_known ? "]" : "", known));
}

/* File name without folder and ".ini", cut to the room there is. */
static void set_name(isa_config *config, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *stem = slash != NULL ? slash + 1 : path;
    size_t n = strlen(stem);
    n = n > 4 && strcmp(stem + n - 4, ".ini") == 0 ? n - 4 : n;
    n = n < sizeof config->name ? n : sizeof config->name - 1;
    memset(config->name, 0, sizeof config->name);
    memcpy(config->name, stem, n);
}

sy_status isa_config_parse(const char *text, const char *path, isa_config *config, base_diag *diag)
{
    config_reader reader = {.path = path, .at = text, .diag = diag};
    base_diag check_diag = {0};
    isa_config_default(&reader.config);
    set_name(&reader.config, path);

    int line = 1;
    for (const char *at = text; *at != '\0'; line++) {
        const char *end = strchr(at, '\n');
        const size_t n = end != NULL ? (size_t)(end - at) : strlen(at);
        if (n > CONFIG_LINE_BYTES - 2) {
            return base_fail(diag, SY_ECONFIG,
                             "%s:%d: the line has %zu characters, expected at most %d", path, line,
                             n, CONFIG_LINE_BYTES - 2);
        }
        at += n + (end != NULL ? 1 : 0);
    }
    const int error = ini_parse_stream(read_line, &reader, take_key, &reader);
    if (error < 0) {
        return base_fail(diag, SY_ENOMEM, "%s: out of memory", path);
    }
    if (error > 0 && error != reader.failed_line) {
        return base_fail(diag, SY_ECONFIG,
                         "%s:%d: expected '[section]', 'key = value' or a comment", path, error);
    }
    if (error > 0) {
        return SY_ECONFIG;
    }
    if (reader.preset_line != 0) {
        char where[512];
        (void)snprintf(where, sizeof where, "%s:%d: ", path, reader.preset_line);
        SY_TRY(apply_preset(&reader.config, reader.preset, reader.seen, where, diag));
    }
    const sy_status status = isa_config_check(&reader.config, &check_diag);
    if (status != SY_OK) {
        return base_fail(diag, status, "%s: %s", path, base_diag_message(&check_diag));
    }
    *config = reader.config;
    return SY_OK;
}

sy_status isa_config_load(const char *path, isa_config *config, base_diag *diag)
{
    base_buf text = {0};
    sy_status status = base_file_read(diag, path, CONFIG_FILE_LIMIT, &text);
    if (status == SY_OK && text.n_bytes > 0 && memchr(text.data, 0, text.n_bytes) != NULL) {
        status = base_fail(diag, SY_ECONFIG, "%s: holds a NUL byte, expected an INI text", path);
    }
    if (status == SY_OK) {
        status = isa_config_parse(text.data != NULL ? text.data : "", path, config, diag);
    }
    base_buf_free(&text);
    return status;
}

/* Loads FOLDER/NAME.ini if there is such a file; *found says so. */
static sy_status load_from(const char *folder, size_t n, const char *name, bool *found,
                           isa_config *config, base_diag *diag)
{
    char path[1024];
    const int length = snprintf(path, sizeof path, "%.*s/%s.ini", (int)n, folder, name);
    if (n == 0 || n > sizeof path || length < 0 || (size_t)length >= sizeof path) {
        return SY_OK;
    }
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return SY_OK;
    }
    (void)fclose(file);
    *found = true;
    return isa_config_load(path, config, diag);
}

/* own: the folder that belongs to this program. */
static sy_status find_in_folders(const char *name, const char *own, isa_config *config,
                                 base_diag *diag)
{
    const char *search = getenv("SYSTOLE_CONFIG_PATH");
    const char *const folders[] = {search != NULL ? search : "", own, SY_CONFIG_INSTALL_DIR};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        for (const char *at = folders[i]; *at != '\0';) {
            const size_t n = strcspn(at, i == 0 ? ":" : "");
            bool found = false;
            SY_TRY(load_from(at, n, name, &found, config, diag));
            if (found) {
                return SY_OK;
            }
            at += n + (at[n] != '\0' ? 1 : 0);
        }
    }
    return base_fail(diag, SY_ECONFIG,
                     "no configuration '%s': expected a path, or a name in %s%s%s", name,
                     search != NULL ? search : "", search != NULL ? ":" : "", own);
}

sy_status isa_config_find(const char *name, isa_config *config, base_diag *diag)
{
    const size_t n_name = strlen(name);
    if (strchr(name, '/') != NULL || (n_name > 4 && strcmp(name + n_name - 4, ".ini") == 0)) {
        return isa_config_load(name, config, diag);
    }
    base_buf home = {0};
    const char *own = base_home_find("share/systole/configs", &home) ? home.data
                                                                     : SY_CONFIG_SOURCE_DIR;
    const sy_status status = find_in_folders(name, own, config, diag);
    base_buf_free(&home);
    return status;
}

static sy_status check_banked_dram(const isa_config *c, base_diag *diag)
{
    if (c->dram_row_bytes < c->dram_atom_bytes) {
        return base_fail(diag, SY_ECONFIG,
                         "dram.row_bytes is %" PRIu32 ", expected at least dram.atom_bytes = %" PRIu32,
                         c->dram_row_bytes, c->dram_atom_bytes);
    }
    if (c->dram_groups * c->dram_banks > ISA_MAX_DRAM_BANKS) {
        return base_fail(diag, SY_ECONFIG,
                         "dram.groups x dram.banks is %" PRIu32 ", expected at most %d",
                         c->dram_groups * c->dram_banks, ISA_MAX_DRAM_BANKS);
    }
    const uint32_t least = 2 * (c->dram_t_rfc + c->dram_t_rp_all + c->dram_t_rc);
    if (c->dram_t_refi != 0 && c->dram_t_refi < least) {
        return base_fail(diag, SY_ECONFIG,
                         "dram.t_refi is %" PRIu32
                         ", expected 0 or at least 2 x (t_rfc + t_rp_all + t_rc) = %" PRIu32,
                         c->dram_t_refi, least);
    }
    return SY_OK;
}

sy_status isa_config_check(const isa_config *config, base_diag *diag)
{
    const isa_config *c = config;
    for (size_t i = 0; i < N_KEYS; i++) {
        SY_TRY(check_value(&keys[i], value_of(c, &keys[i]), "", diag));
    }
    if (c->spm_bank_bytes < isa_config_spm_row_bytes(c)) {
        return base_fail(diag, SY_ECONFIG,
                         "spm.bank_bytes is %" PRIu32 ", expected at least one row of %" PRIu32
                         " bytes",
                         c->spm_bank_bytes, isa_config_spm_row_bytes(c));
    }
    if (c->acc_bank_bytes < isa_config_acc_row_bytes(c)) {
        return base_fail(diag, SY_ECONFIG,
                         "acc.bank_bytes is %" PRIu32 ", expected at least one row of %" PRIu32
                         " bytes",
                         c->acc_bank_bytes, isa_config_acc_row_bytes(c));
    }
    if (c->dram_burst_bytes < c->dram_width || c->dram_burst_bytes > 256 * c->dram_width) {
        return base_fail(diag, SY_ECONFIG,
                         "dram.max_burst_bytes is %" PRIu32
                         ", expected 1 to 256 beats of dram.bytes_per_cycle = %" PRIu32 " bytes",
                         c->dram_burst_bytes, c->dram_width);
    }
    const uint32_t beats = isa_config_burst_beats(c);
    if (c->load_beats < beats) {
        return base_fail(diag, SY_ECONFIG,
                         "dma.load_beats is %" PRIu32 ", expected at least the %" PRIu32
                         " beats of a burst",
                         c->load_beats, beats);
    }
    if (c->store_beats < beats) {
        return base_fail(diag, SY_ECONFIG,
                         "dma.store_beats is %" PRIu32 ", expected at least the %" PRIu32
                         " beats of a burst",
                         c->store_beats, beats);
    }
    return c->dram_model == ISA_DRAM_BANKED ? check_banked_dram(c, diag) : SY_OK;
}

void isa_config_warnings(const isa_config *config, base_buf *out)
{
    const uint64_t in_flight = (uint64_t)config->dram_outstanding * config->dram_burst_bytes;
    const uint64_t wanted = (uint64_t)isa_config_dram_wait(config) * config->dram_width;
    if (in_flight < wanted) {
        base_buf_printf(out,
                        "configuration %s: dram.outstanding x dram.max_burst_bytes = %" PRIu64
                        " bytes do not cover the latency of DRAM x bytes_per_cycle = %" PRIu64
                        " bytes: DRAM runs at %" PRIu64 " %%\n",
                        config->name, in_flight, wanted, 100 * in_flight / wanted);
    }
    const uint64_t buffered = (uint64_t)config->load_beats * config->dram_width;
    if (buffered < wanted && buffered < in_flight) {
        base_buf_printf(out,
                        "configuration %s: dma.load_beats x dram.bytes_per_cycle = %" PRIu64
                        " bytes do not cover the latency of DRAM x bytes_per_cycle = %" PRIu64
                        " bytes: DRAM runs at %" PRIu64 " %%\n",
                        config->name, buffered, wanted, 100 * buffered / wanted);
    }
}

void isa_config_print(const isa_config *config, base_buf *out)
{
    for (size_t i = 0; i < N_KEYS; i++) {
        char value[16];
        if (i == 0 || strcmp(keys[i].section, keys[i - 1].section) != 0) {
            base_buf_printf(out, "%s[%s]\n", i > 0 ? "\n" : "", keys[i].section);
        }
        print_value(value, &keys[i], value_of(config, &keys[i]));
        base_buf_printf(out, "%s = %s\n", keys[i].key, value);
    }
}

void isa_config_print_params(const isa_config *config, base_buf *out)
{
    for (size_t i = 0; i < N_KEYS; i++) {
        char name[64];
        const int n = snprintf(name, sizeof name, "%s_%s", keys[i].section, keys[i].key);
        for (int k = 0; k < n; k++) {
            name[k] = (char)toupper((unsigned char)name[k]);
        }
        base_buf_printf(out, "-G%s=%" PRIu32 "\n", name, value_of(config, &keys[i]));
    }
    base_buf_printf(out, "-GCONFIG_HASH=64'h%016" PRIx64 "\n", isa_config_hash(config));
}

uint64_t isa_config_hash(const isa_config *config)
{
    uint64_t hash = BASE_FNV1A_INIT;
    for (size_t i = 0; i < N_KEYS; i++) {
        char line[128];
        const int n = snprintf(line, sizeof line, "%s.%s=%" PRIu32 "\n", keys[i].section,
                               keys[i].key, value_of(config, &keys[i]));
        hash = base_hash_fnv1a_more(hash, line, (size_t)n);
    }
    return hash;
}

static const config_key *find_key(const char *name)
{
    for (size_t i = 0; i < N_KEYS; i++) {
        const size_t n = strlen(keys[i].section);
        if (strncmp(name, keys[i].section, n) == 0 && name[n] == '.' &&
            strcmp(name + n + 1, keys[i].key) == 0) {
            return &keys[i];
        }
    }
    return NULL;
}

bool isa_config_get(const isa_config *config, const char *key, uint32_t *value)
{
    const config_key *found = find_key(key);
    if (found != NULL) {
        *value = value_of(config, found);
    }
    return found != NULL;
}

sy_status isa_config_set(isa_config *config, const char *key, const char *text, base_diag *diag)
{
    const config_key *found = find_key(key);
    if (found == NULL) {
        return base_fail(diag, SY_ECONFIG, "unknown configuration key '%s'", key);
    }
    uint32_t value = 0;
    SY_TRY(parse_value(found, text, "", &value, diag));
    *field_of(config, found) = value;
    return SY_OK;
}

uint32_t isa_config_spm_row_bytes(const isa_config *config)
{
    return config->d * (config->element == ISA_ELEMENT_BF16 ? 2 : 1);
}

uint32_t isa_config_acc_row_bytes(const isa_config *config)
{
    return 4 * config->d;
}

uint32_t isa_config_spm_bank_rows(const isa_config *config)
{
    return config->spm_bank_bytes / isa_config_spm_row_bytes(config);
}

uint32_t isa_config_acc_bank_rows(const isa_config *config)
{
    return config->acc_bank_bytes / isa_config_acc_row_bytes(config);
}

uint32_t isa_config_spm_rows(const isa_config *config)
{
    return config->spm_banks * isa_config_spm_bank_rows(config);
}

uint32_t isa_config_acc_rows(const isa_config *config)
{
    return config->acc_banks * isa_config_acc_bank_rows(config);
}

uint64_t isa_config_dram_bytes(const isa_config *config)
{
    return (uint64_t)config->dram_mib << 20;
}

uint32_t isa_config_dram_wait(const isa_config *config)
{
    const isa_config *c = config;
    return c->dram_model == ISA_DRAM_BANKED
               ? c->dram_latency + c->dram_t_rcd + c->dram_t_cl + c->dram_t_atom
               : c->dram_latency;
}

double isa_config_dram_access(const isa_config *config)
{
    const isa_config *c = config;
    if (c->dram_model != ISA_DRAM_BANKED) {
        return 0;
    }
    /* accesses in turn to all groups, or to one */
    const uint32_t least = c->dram_t_atom > c->dram_t_ccd_s ? c->dram_t_atom : c->dram_t_ccd_s;
    const double same = (double)c->dram_t_ccd_l / c->dram_groups;
    return (least > same ? least : same) / c->dram_channels;
}

double isa_config_dram_rate(const isa_config *config)
{
    const isa_config *c = config;
    const double bus = c->dram_width;
    if (c->dram_model != ISA_DRAM_BANKED) {
        return bus;
    }
    double rate = c->dram_atom_bytes / isa_config_dram_access(c);
    if (c->dram_t_refi != 0) {
        rate *= 1.0 - (double)(c->dram_t_rfc + c->dram_t_rp_all) / (double)c->dram_t_refi;
    }
    return rate < bus ? rate : bus;
}

uint32_t isa_config_burst_beats(const isa_config *config)
{
    return config->dram_burst_bytes / config->dram_width;
}

uint32_t isa_config_sem_max(const isa_config *config)
{
    return (UINT32_C(1) << config->sem_bits) - 1;
}
