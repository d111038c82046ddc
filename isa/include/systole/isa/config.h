/*
 * config.h -- the configuration of a machine: one INI file for compiler, simulator and RTL.
 *
 *     # edge.ini
 *     [array]
 *     dim = 16
 *     element = int8
 *     ...
 *
 * The keys, their limits and defaults are the lines of isa/config.def (docs/reference/isa-tables.md
 * prints them). [dram] may also name a part, "preset = lpddr4_3200": the keys that
 * isa/dram_presets.def gives for it and the file does not, with times as cycles of clock_mhz. The
 * preset itself is not kept: what counts (and is hashed) are the keys.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_ISA_CONFIG_H
#define SYSTOLE_ISA_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "systole/base/buf.h"
#include "systole/base/diag.h"
#include "systole/status.h"

enum { ISA_ELEMENT_INT8 = 0, ISA_ELEMENT_BF16 = 1 };
enum { ISA_DRAM_FLAT = 0, ISA_DRAM_BANKED = 1 };
enum { ISA_DRAM_ROW = 0, ISA_DRAM_ROW_XOR = 1, ISA_DRAM_BANK = 2 }; /* mapping */
enum { ISA_DRAM_OPEN = 0, ISA_DRAM_CLOSED = 1 };                    /* page */
enum { ISA_MAX_DRAM_BANKS = 64 };                                   /* of a channel */

/* Room for a configuration's name, with the NUL. */
#define ISA_CONFIG_NAME_BYTES 64

/*
 * A key of the file is the field named beside it in config.def: [array] dim is d, [dram] latency is
 * dram_latency.
 */
typedef struct isa_config {
    char name[ISA_CONFIG_NAME_BYTES]; /* the file's name without folder and ".ini"; not hashed */
#define C(section, key, field, minimum, maximum, power_of_two, value, unit, summary) uint32_t field;
#include "systole/isa/tables.h"
} isa_config;

/* The values of config.def's default column, named "default". They pass isa_config_check. */
void isa_config_default(isa_config *config);

/*
 * Reads a file; a key it leaves out has its default.
 *
 * Errors: SY_EIO; SY_ECONFIG with one line that names file and line, the value and what was
 * expected: an unknown section or key, a key given twice, no number, a number out of range or not a
 * power of two, and what isa_config_check refuses.  *config is unchanged on error.
 */
sy_status isa_config_load(const char *path, isa_config *config, base_diag *diag);

/* As isa_config_load, from text in memory (NUL-terminated); path is for messages and the name. */
sy_status isa_config_parse(const char *text, const char *path, isa_config *config, base_diag *diag);

/*
 * Finds what "-c NAME" means, and loads it: NAME itself if it has a '/' or ends in ".ini", else
 * NAME.ini in each folder of the environment variable SYSTOLE_CONFIG_PATH (separated by ':'), then
 * in share/systole/configs of the tree the program is installed in, or in the folder configs/ of the
 * sources it was built from, then where the build meant to install it.
 */
sy_status isa_config_find(const char *name, isa_config *config, base_diag *diag);

/*
 * Checks each value against its line and the values against each other.
 * Errors: SY_ECONFIG with the key, its value and what was expected.
 */
sy_status isa_config_check(const isa_config *config, base_diag *diag);

/* Appends what is legal but slow to out, one line each; nothing if all is well. */
void isa_config_warnings(const isa_config *config, base_buf *out);

/*
 * Appends the canonical INI text: every key, in the order of config.def. Loading it gives the same
 * configuration.
 */
void isa_config_print(const isa_config *config, base_buf *out);

/*
 * Appends the parameters of the top Verilog module as Verilator takes them, one per line:
 * -GSECTION_KEY=value for every key, and -GCONFIG_HASH=64'h... "isa_gen params FILE" prints them.
 */
void isa_config_print_params(const isa_config *config, base_buf *out);

/* FNV-1a 64 over "section.key=value\n" in the order of config.def, values in decimal. */
uint64_t isa_config_hash(const isa_config *config);

/* The value of "section.key"; false if there is no such key. */
bool isa_config_get(const isa_config *config, const char *key, uint32_t *value);

/* The word that a file has for a value of "section.key", NULL if the key's values are numbers. */
const char *isa_config_word(const char *key, uint32_t value);

/*
 * Sets "section.key" (text as in a file); SY_ECONFIG as isa_config_load, cross checks are left to
 * isa_config_check.
 */
sy_status isa_config_set(isa_config *config, const char *key, const char *text, base_diag *diag);

/* Sizes that follow from a configuration that passes isa_config_check. */
uint32_t isa_config_spm_row_bytes(const isa_config *config); /* D x element bytes */
uint32_t isa_config_acc_row_bytes(const isa_config *config); /* 4 D */
uint32_t isa_config_spm_bank_rows(const isa_config *config);
uint32_t isa_config_acc_bank_rows(const isa_config *config);
uint32_t isa_config_spm_rows(const isa_config *config);
uint32_t isa_config_acc_rows(const isa_config *config);
uint64_t isa_config_dram_bytes(const isa_config *config);
/* Cycles from a request to the first beat if nothing else is under way (banked: and the row is closed). */
uint32_t isa_config_dram_wait(const isa_config *config);
/* Cycles of DRAM that an access to one atom takes among many; 0 if DRAM is flat. */
double isa_config_dram_access(const isa_config *config);
/* Bytes per cycle that long transfers can reach: the bus, or what DRAM's channels and refresh leave. */
double isa_config_dram_rate(const isa_config *config);
uint32_t isa_config_burst_beats(const isa_config *config); /* beats of the largest burst */
uint32_t isa_config_sem_max(const isa_config *config);     /* 2^bits - 1 */

#endif
