/*
 * main.c -- isa_gen: prints a view of the tables.
 *
 *     isa_gen c|vh|md|rom [FILE]      C, Verilog, Markdown, the Verilog ROM of the functions
 *     isa_gen params CONFIG [FILE]    Verilator's -G options of a configuration, by name or path
 *
 * To FILE, which is left alone if it is current, or to the standard output.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "systole/base/file.h"
#include "systole/isa/config.h"
#include "view.h"

const char *view_upper(char text[VIEW_NAME_BYTES], const char *name)
{
    size_t n = 0;
    for (; name[n] != '\0' && n + 1 < VIEW_NAME_BYTES; n++) {
        text[n] = (char)toupper((unsigned char)name[n]);
    }
    text[n] = '\0';
    return text;
}

const isa_bits_row *view_field_of(const char *unit, const char *field)
{
    for (size_t i = 0; i < isa_bits_rows_n; i++) {
        if (strcmp(isa_bits_rows[i].unit, unit) == 0 && strcmp(isa_bits_rows[i].name, field) == 0) {
            return &isa_bits_rows[i];
        }
    }
    return NULL;
}

uint32_t view_n_registers(const char *unit)
{
    uint32_t n = 0;
    for (size_t i = 0; i < isa_register_rows_n; i++) {
        n += strcmp(isa_register_rows[i].unit, unit) == 0 ? 1 : 0;
    }
    return n;
}

/*
 * Writes the file unless it holds the text already, so that what depends on it is not rebuilt for
 * nothing.
 */
static sy_status write_if_changed(base_diag *diag, const char *path, const base_buf *text)
{
    base_buf old = {0};
    const bool same = base_file_read(diag, path, 1u << 24, &old) == SY_OK &&
                      old.n_bytes == text->n_bytes &&
                      memcmp(old.data, text->data, old.n_bytes) == 0;
    base_buf_free(&old);
    return same ? SY_OK : base_file_write_atomic(diag, path, text->data, text->n_bytes);
}

/* Prints the view of a name; false if there is none. */
static bool print_view(const char *name, base_buf *out)
{
    static const struct {
        const char *name;
        void (*print)(base_buf *out);
    } views[] = {{"c", view_c}, {"vh", view_vh}, {"md", view_md}, {"rom", view_rom}};
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++) {
        if (strcmp(name, views[i].name) == 0) {
            views[i].print(out);
            return true;
        }
    }
    return false;
}

/* Prints what the arguments ask for; sets the argument that may name a file to write. */
static sy_status print(int argc, char **argv, base_buf *out, int *file, base_diag *diag)
{
    *file = 2;
    if (argc >= 2 && argc <= 3 && print_view(argv[1], out)) {
        return base_buf_status(out);
    }
    if (argc >= 3 && argc <= 4 && strcmp(argv[1], "params") == 0) {
        isa_config config;
        *file = 3;
        SY_TRY(isa_config_find(argv[2], &config, diag));
        isa_config_print_params(&config, out);
        return base_buf_status(out);
    }
    return base_fail(diag, SY_EINVAL,
                     "usage: isa_gen c|vh|md|rom [FILE]  or  isa_gen params CONFIG [FILE]");
}

int main(int argc, char **argv)
{
    base_buf out = {0};
    base_diag diag = {0};
    int file = 0;
    sy_status status = print(argc, argv, &out, &file, &diag);
    if (status == SY_OK && file < argc) {
        status = write_if_changed(&diag, argv[file], &out);
    } else if (status == SY_OK && fwrite(out.data, 1, out.n_bytes, stdout) != out.n_bytes) {
        status = base_fail(&diag, SY_EIO, "cannot write to the standard output");
    }
    base_buf_free(&out);
    if (status != SY_OK) {
        const char *message = base_diag_message(&diag);
        fprintf(stderr, "isa_gen: %s\n", message[0] != '\0' ? message : sy_status_text(status));
    }
    return status == SY_OK ? 0 : status == SY_EINVAL ? 2 : 1;
}
