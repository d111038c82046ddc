/*
 * rtl_build.c -- the executable of a configuration: found in the cache, or built into it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rtl_internal.h"
#include "systole/base/file.h"
#include "systole/base/hash.h"
#include "systole/base/home.h"
#include "systole/isa/isa.h"

extern char **environ;

enum { PATH_BYTES = 4096, SOURCE_LIMIT_BYTES = 1 << 22 };

/* What the executable is made of besides the files that rtl/systole.f lists. */
static const char *const other_sources[] = {
    "rtl/systole.f",       "rtl/gen/isa.vh",   "rtl/harness/harness.sv",
    "rtl/harness/harness.c", "rtl/harness/protocol.h", "rtl/harness/build.sh",
    "simulator/dram.c",    "simulator/include/systole/sim/dram.h", "base/rng.c",
    "isa/include/systole/isa/config.h", "isa/config.def", "rtl/harness/axi_check.v",
    "rtl/harness/axi_lite_check.v", "rtl/harness/axi_channel_check.v", "rtl/harness/axi_rules.vh",
    "base/include/systole/base/rng.h", "base/diag.c",
};

/* And one that draws. */
static const char *const wave_sources[] = {"rtl/harness/wave.sv", "rtl/harness/wave.cpp"};

/* home holds the answer where it is the tree that this program is installed in. */
static const char *find_sources(const rtl_options *options, base_buf *home)
{
    if (options != NULL && options->source_dir != NULL) {
        return options->source_dir;
    }
    const char *from_environment = getenv("SYSTOLE_RTL_SOURCES");
    if (from_environment != NULL && from_environment[0] != '\0') {
        return from_environment;
    }
    if (base_home_find("share/systole/sources", home)) {
        return home->data;
    }
    return access(RTL_SOURCE_DIR "/rtl/systole.f", R_OK) == 0 ? RTL_SOURCE_DIR : RTL_INSTALL_DIR;
}

const char *rtl_coverage_folder(void)
{
    const char *folder = getenv("SYSTOLE_RTL_COVERAGE");
    return folder != NULL && folder[0] != '\0' ? folder : NULL;
}

static sy_status find_cache(const rtl_options *options, base_buf *out, base_diag *diag)
{
    const char *cache = getenv("SYSTOLE_CACHE");
    const char *xdg = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    if (options != NULL && options->cache_dir != NULL) {
        base_buf_printf(out, "%s", options->cache_dir);
    } else if (cache != NULL && cache[0] != '\0') {
        base_buf_printf(out, "%s", cache);
    } else if (xdg != NULL && xdg[0] != '\0') {
        base_buf_printf(out, "%s/systole", xdg);
    } else if (home != NULL && home[0] != '\0') {
        base_buf_printf(out, "%s/.cache/systole", home);
    } else {
        return base_fail(diag, SY_EIO, "no cache folder: set SYSTOLE_CACHE");
    }
    base_buf_puts(out, "/rtl");
    return base_buf_status(out);
}

/* mkdir -p */
static sy_status make_folders(const char *path, base_diag *diag)
{
    char partial[PATH_BYTES];
    if (strlen(path) >= sizeof partial) {
        return base_fail(diag, SY_ERANGE, "%s: the path is too long", path);
    }
    strcpy(partial, path);
    for (char *at = partial + 1;; at++) {
        if (*at == '/' || *at == '\0') {
            const char keep = *at;
            *at = '\0';
            if (mkdir(partial, 0777) != 0 && errno != EEXIST) {
                return base_fail(diag, SY_EIO, "%s: cannot make the folder: %s", partial, strerror(errno));
            }
            *at = keep;
            if (keep == '\0') {
                return SY_OK;
            }
        }
    }
}

static sy_status hash_file(base_sha256 *sha, const char *root, const char *name, base_buf *text, base_diag *diag)
{
    char path[PATH_BYTES];
    if ((size_t)snprintf(path, sizeof path, "%s/%s", root, name) >= sizeof path) {
        return base_fail(diag, SY_ERANGE, "%s/%s: the path is too long", root, name);
    }
    SY_TRY(base_file_read(diag, path, SOURCE_LIMIT_BYTES, text));
    base_sha256_add(sha, name, strlen(name) + 1);
    base_sha256_add(sha, text->data, text->n_bytes);
    return SY_OK;
}

/* The lines of systole.f that are files. */
static sy_status hash_list(base_sha256 *sha, const char *root, base_diag *diag)
{
    base_buf list = {0};
    base_buf text = {0};
    sy_status status = hash_file(sha, root, "rtl/systole.f", &list, diag);
    base_buf_putc(&list, '\0');
    if (status == SY_OK) {
        status = base_buf_status(&list);
    }
    char *rest = NULL;
    for (char *line = status == SY_OK ? strtok_r((char *)list.data, "\n", &rest) : NULL; line != NULL && status == SY_OK;
         line = strtok_r(NULL, "\n", &rest)) {
        char name[PATH_BYTES];
        if (line[0] != '+' && (size_t)snprintf(name, sizeof name, "rtl/%s", line) < sizeof name) {
            status = hash_file(sha, root, name, &text, diag);
        }
    }
    base_buf_free(&list);
    base_buf_free(&text);
    return status;
}

static sy_status make_key(const char *root, bool wave, const base_buf *params, char key[BASE_SHA256_HEX_BYTES], base_diag *diag)
{
    base_sha256 sha;
    base_buf text = {0};
    base_sha256_init(&sha);
    base_sha256_add(&sha, params->data, params->n_bytes);
    sy_status status = hash_list(&sha, root, diag);
    for (size_t i = 0; i < sizeof other_sources / sizeof other_sources[0] && status == SY_OK; i++) {
        status = hash_file(&sha, root, other_sources[i], &text, diag);
    }
    for (size_t i = 0; wave && i < sizeof wave_sources / sizeof wave_sources[0] && status == SY_OK; i++) {
        status = hash_file(&sha, root, wave_sources[i], &text, diag);
    }
    base_buf_free(&text);
    unsigned char digest[BASE_SHA256_BYTES];
    base_sha256_done(&sha, digest);
    base_sha256_hex(digest, key);
    key[24] = '\0';
    return status;
}

/* One macro per key of the configuration: `define for Verilog, #define for C. */
static void print_params(const isa_config *config, const char *define, base_buf *out)
{
    static const char *const names[] = {
#define C(section, key, field, minimum, maximum, power_of_two, value, unit, summary) #section "_" #key,
#include "systole/isa/tables.h"
    };
    const uint32_t values[] = {
#define C(section, key, field, minimum, maximum, power_of_two, value, unit, summary) config->field,
#include "systole/isa/tables.h"
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        base_buf_printf(out, "%sdefine SYP_", define);
        for (const char *c = names[i]; *c != '\0'; c++) {
            base_buf_putc(out, (char)toupper((unsigned char)*c));
        }
        base_buf_printf(out, " %" PRIu32 "\n", values[i]);
    }
}

static void print_enum(const char *name, const base_buf *items, int bits, base_buf *out)
{
    base_buf_printf(out, "package sy_wave_%s;\n    typedef enum logic [%d:0] {%.*s} %s;\nendpackage\n", name, bits - 1,
                    (int)items->n_bytes, (const char *)items->data, strcmp(name, "cause") == 0 ? "cause_t" : "op_t");
}

/* The commands of each unit and the causes of counters as SystemVerilog enumerations, so that a drawn window shows their names. */
static sy_status print_enums(base_buf *out)
{
    static const struct {
        isa_unit unit;
        const char *name;
        unsigned funct7;
    } rows[] = {
#define I(unit, name, funct7, args, built, summary) {ISA_UNIT_##unit, #name, (funct7)},
#include "systole/isa/tables.h"
    };
    static const char *const causes[] = {
#define K(name, number, summary) [number] = #name,
#include "systole/isa/tables.h"
    };
    static const char *const units[ISA_N_QUEUES] = {"mxu", "vpu", "ld", "st"};
    base_buf items = {0};
    for (unsigned unit = 0; unit < ISA_N_QUEUES; unit++) {
        base_buf_clear(&items);
        base_buf_printf(&items, "NONE = 0, SET = %d", ISA_F7_SET);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            if (rows[i].unit == unit) {
                base_buf_printf(&items, ", %s = %u", rows[i].name, rows[i].funct7);
            }
        }
        print_enum(units[unit], &items, 7, out);
    }
    base_buf_clear(&items);
    for (unsigned i = 0; i < sizeof causes / sizeof causes[0]; i++) {
        base_buf_printf(&items, "%s%s = %u", i > 0 ? ", " : "", causes[i], i);
    }
    print_enum("cause", &items, 4, out);
    const sy_status status = base_buf_status(&items);
    base_buf_free(&items);
    return status == SY_OK ? base_buf_status(out) : status;
}

/* The configuration as the initialiser of an isa_config. */
static void print_config(const isa_config *config, base_buf *out)
{
    base_buf_puts(out, "#define SYP_CONFIG \\\n    {");
#define C(section, key, field, minimum, maximum, power_of_two, value, unit, summary) \
    base_buf_printf(out, "." #field " = %" PRIu32 ", ", config->field);
#include "systole/isa/tables.h"
    base_buf_puts(out, "}\n");
}

static bool have_program(const char *name)
{
    const char *path = getenv("PATH");
    while (path != NULL && path[0] != '\0') {
        const size_t n = strcspn(path, ":");
        char file[PATH_BYTES];
        if ((size_t)snprintf(file, sizeof file, "%.*s/%s", (int)n, path, name) < sizeof file && access(file, X_OK) == 0) {
            return true;
        }
        path += n + (path[n] == ':' ? 1 : 0);
    }
    return false;
}

/* Runs build.sh with its output in the log; true if it succeeded. */
static bool run_script(const char *root, const char *folder, bool wave)
{
    char script[PATH_BYTES];
    char log[PATH_BYTES];
    if ((size_t)snprintf(script, sizeof script, "%s/rtl/harness/build.sh", root) >= sizeof script ||
        (size_t)snprintf(log, sizeof log, "%s/build.log", folder) >= sizeof log) {
        return false;
    }
    char *const argv[] = {"sh", script, (char *)(uintptr_t)root, (char *)(uintptr_t)folder, wave ? "wave" : "plain", NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    pid_t pid;
    const int error = posix_spawnp(&pid, "sh", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    int status = 1;
    while (error == 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return error == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static sy_status write_enums(const char *folder, base_diag *diag)
{
    char path[PATH_BYTES];
    base_buf enums = {0};
    if ((size_t)snprintf(path, sizeof path, "%s/systole_enums.sv", folder) >= sizeof path) {
        return base_fail(diag, SY_ERANGE, "%s: the path is too long", folder);
    }
    sy_status status = print_enums(&enums);
    if (status == SY_OK) {
        status = base_file_write_atomic(diag, path, enums.data, enums.n_bytes);
    }
    base_buf_free(&enums);
    return status;
}

static sy_status build_into(const isa_config *config, const rtl_options *options, const char *root, const char *folder,
                            const base_buf *params, base_diag *diag)
{
    if (!have_program("verilator") || !have_program("g++")) {
        return base_fail(diag, SY_EUNSUPPORTED,
                         "device rtl needs Verilator and g++ to build configuration '%s' (Debian: verilator, g++, make)",
                         config->name);
    }
    const bool wave = options != NULL && options->wave;
    SY_TRY(make_folders(folder, diag));
    if (options != NULL && options->notice != NULL) {
        char line[256];
        (void)snprintf(line, sizeof line, "building the Verilog machine of configuration '%s'%s (once)", config->name,
                       wave ? ", for drawing" : "");
        options->notice(options->user, line);
    }
    char path[PATH_BYTES];
    if ((size_t)snprintf(path, sizeof path, "%s/systole_params.vh", folder) >= sizeof path) {
        return base_fail(diag, SY_ERANGE, "%s: the path is too long", folder);
    }
    base_buf c_params = {0};
    print_params(config, "#", &c_params);
    print_config(config, &c_params);
    sy_status status = base_buf_status(&c_params);
    if (status == SY_OK) {
        status = base_file_write_atomic(diag, path, params->data, params->n_bytes);
    }
    path[strlen(path) - 2] = 'h';
    path[strlen(path) - 1] = '\0';
    if (status == SY_OK) {
        status = base_file_write_atomic(diag, path, c_params.data, c_params.n_bytes);
    }
    base_buf_free(&c_params);
    if (status == SY_OK && wave) {
        status = write_enums(folder, diag);
    }
    if (status == SY_OK && !run_script(root, folder, wave)) {
        status = base_fail(diag, SY_EDEVICE, "cannot build the Verilog machine of configuration '%s': see %s/build.log",
                           config->name, folder);
    }
    return status;
}

static sy_status find_or_build(const isa_config *config, const rtl_options *options, const char *root, const char *cache,
                               const base_buf *params, base_buf *out, base_diag *diag)
{
    char key[BASE_SHA256_HEX_BYTES];
    char folder[PATH_BYTES];
    char machine[PATH_BYTES + 16];
    char lock[PATH_BYTES + 16];
    SY_TRY(make_key(root, options != NULL && options->wave, params, key, diag));
    SY_TRY(make_folders(cache, diag));
    if ((size_t)snprintf(folder, sizeof folder, "%s/%s", cache, key) >= sizeof folder) {
        return base_fail(diag, SY_ERANGE, "%s: the path is too long", cache);
    }
    (void)snprintf(machine, sizeof machine, "%s/machine", folder);
    (void)snprintf(lock, sizeof lock, "%s.lock", folder);
    const int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) {
        return base_fail(diag, SY_EIO, "%s: cannot open: %s", lock, strerror(errno));
    }
    while (flock(fd, LOCK_EX) != 0 && errno == EINTR) {
    }
    sy_status status = SY_OK;
    if (access(machine, X_OK) != 0) {
        status = build_into(config, options, root, folder, params, diag);
    }
    close(fd);
    if (status == SY_OK) {
        base_buf_puts(out, machine);
        status = base_buf_status(out);
    }
    return status;
}

sy_status rtl_build(const isa_config *config, const rtl_options *options, base_buf *out, base_diag *diag)
{
    SY_TRY(isa_config_check(config, diag));
    base_buf cache = {0};
    base_buf params = {0};
    base_buf home = {0};
    print_params(config, "`", &params);
    base_buf_printf(&params, "`define SYP_CONFIG_HASH 64'h%016" PRIx64 "\n", isa_config_hash(config));
    if (rtl_coverage_folder() != NULL) {
        base_buf_puts(&params, "`define SYP_COVERAGE\n");
    }
    sy_status status = base_buf_status(&params);
    if (status == SY_OK) {
        status = find_cache(options, &cache, diag);
    }
    base_buf_putc(&cache, '\0');
    if (status == SY_OK) {
        status = base_buf_status(&cache);
    }
    if (status == SY_OK) {
        status = find_or_build(config, options, find_sources(options, &home), (const char *)cache.data, &params, out, diag);
    }
    base_buf_free(&home);
    base_buf_free(&cache);
    base_buf_free(&params);
    return status;
}
