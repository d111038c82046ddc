/*
 * elf_write.c -- programs to ELF files.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "elf.h"
#include "systole/base/file.h"
#include "systole/isa/image.h"
#include "systole/isa/isa.h"
#include "systole/isa/program.h"

/*
 * Alignment of each section in the file: of a cache line, so that mapped weights can be read in
 * place.
 */
#define FILE_ALIGN 64u

typedef struct elf_writer {
    const isa_program *program;
    base_buf *out;
    base_buf names;   /* .shstrtab */
    base_buf headers; /* section headers */
    base_buf loads;   /* program headers */
    uint32_t n_sections;
    size_t begin; /* of the file in out */
} elf_writer;

static uint32_t offset_of(const elf_writer *w)
{
    return (uint32_t)(w->out->n_bytes - w->begin);
}

static void put_phdr(elf_writer *w, uint32_t type, uint32_t offset, uint32_t address,
                     uint32_t n_file, uint32_t n_memory, uint32_t flags)
{
    base_buf_put_le32(&w->loads, type);
    base_buf_put_le32(&w->loads, offset);
    base_buf_put_le32(&w->loads, address);
    base_buf_put_le32(&w->loads, address);
    base_buf_put_le32(&w->loads, n_file);
    base_buf_put_le32(&w->loads, n_memory);
    base_buf_put_le32(&w->loads, flags);
    base_buf_put_le32(&w->loads, type == PT_NOTE ? 4 : 1);
}

static void put_shdr(elf_writer *w, const char *name, const Elf32_Shdr *header)
{
    base_buf_put_le32(&w->headers, (uint32_t)w->names.n_bytes);
    base_buf_append(&w->names, name, strlen(name) + 1);
    base_buf_put_le32(&w->headers, header->sh_type);
    base_buf_put_le32(&w->headers, header->sh_flags);
    base_buf_put_le32(&w->headers, header->sh_addr);
    base_buf_put_le32(&w->headers, header->sh_offset);
    base_buf_put_le32(&w->headers, header->sh_size);
    base_buf_put_le32(&w->headers, header->sh_link);
    base_buf_put_le32(&w->headers, header->sh_info);
    base_buf_put_le32(&w->headers, header->sh_addralign);
    base_buf_put_le32(&w->headers, header->sh_entsize);
    w->n_sections++;
}

/* A section with its bytes; its offset in the file. */
static uint32_t put_section(elf_writer *w, const char *name, Elf32_Shdr header, const void *data,
                            size_t n_bytes)
{
    base_buf_zeros(w->out, (FILE_ALIGN - (w->out->n_bytes - w->begin) % FILE_ALIGN) % FILE_ALIGN);
    header.sh_offset = offset_of(w);
    header.sh_size = header.sh_type == SHT_NOBITS ? header.sh_size : (uint32_t)n_bytes;
    header.sh_addralign = header.sh_addralign != 0 ? header.sh_addralign : 1;
    if (n_bytes > 0) {
        base_buf_append(w->out, data, n_bytes);
    }
    put_shdr(w, name, &header);
    return header.sh_offset;
}

static void put_core(elf_writer *w)
{
    const isa_program *p = w->program;
    const Elf32_Shdr text = {.sh_type = SHT_PROGBITS,
                             .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
                             .sh_addr = ISA_IMEM_BASE,
                             .sh_addralign = 4};
    uint32_t offset = put_section(w, ".text", text, p->text, p->n_text_bytes);
    put_phdr(w, PT_LOAD, offset, ISA_IMEM_BASE, p->n_text_bytes, p->n_text_bytes, PF_R | PF_X);
    const Elf32_Shdr data = {.sh_type = SHT_PROGBITS,
                             .sh_flags = SHF_ALLOC | SHF_WRITE,
                             .sh_addr = ISA_DMEM_BASE,
                             .sh_addralign = 4};
    offset = put_section(w, ".data", data, p->data, p->n_data_bytes);
    put_phdr(w, PT_LOAD, offset, ISA_DMEM_BASE, p->n_data_bytes, p->n_data_bytes, PF_R | PF_W);
}

static void put_dram(elf_writer *w)
{
    for (size_t i = 0; i < w->program->n_dram; i++) {
        const isa_segment *segment = &w->program->dram[i];
        char name[40];
        (void)snprintf(name, sizeof name, ELF_DRAM_PREFIX "%zu", i);
        const Elf32_Shdr header = {.sh_type = segment->n_data > 0 ? SHT_PROGBITS : SHT_NOBITS,
                                   .sh_addr = segment->address,
                                   .sh_size = segment->n_bytes};
        const uint32_t offset = put_section(w, name, header, segment->data, segment->n_data);
        put_phdr(w, ELF_PT_DRAM, offset, segment->address, segment->n_data, segment->n_bytes,
                 PF_R | PF_W);
    }
}

static void put_note_entry(base_buf *note, uint32_t type, const void *data, size_t n_bytes)
{
    base_buf_put_le32(note, sizeof ELF_NOTE_NAME);
    base_buf_put_le32(note, (uint32_t)n_bytes);
    base_buf_put_le32(note, type);
    base_buf_append(note, ELF_NOTE_NAME, sizeof ELF_NOTE_NAME);
    base_buf_align(note, 4);
    base_buf_append(note, data, n_bytes);
    base_buf_align(note, 4);
}

static bool put_note(elf_writer *w)
{
    const isa_program *p = w->program;
    base_buf note = {0};
    base_buf text = {0};
    uint8_t hashes[16];
    base_set_le64(hashes, p->isa_hash);
    base_set_le64(hashes + 8, p->has_config ? isa_config_hash(&p->config) : 0);
    put_note_entry(&note, ELF_NOTE_HASHES, hashes, sizeof hashes);
    if (p->has_config) {
        base_buf_append(&text, p->config.name, strlen(p->config.name) + 1);
        isa_config_print(&p->config, &text);
        base_buf_put_u8(&text, 0);
        put_note_entry(&note, ELF_NOTE_CONFIG, text.data, text.n_bytes);
    }
    const Elf32_Shdr header = {.sh_type = SHT_NOTE, .sh_addralign = 4};
    const uint32_t offset = put_section(w, ELF_NOTE_SECTION, header, note.data, note.n_bytes);
    put_phdr(w, PT_NOTE, offset, 0, (uint32_t)note.n_bytes, 0, PF_R);
    const bool done = base_buf_status(&note) == SY_OK && base_buf_status(&text) == SY_OK;
    base_buf_free(&note);
    base_buf_free(&text);
    return done;
}

static void put_symbol(base_buf *out, uint32_t name, uint32_t value, uint32_t size, uint8_t info,
                       uint16_t section)
{
    base_buf_put_le32(out, name);
    base_buf_put_le32(out, value);
    base_buf_put_le32(out, size);
    base_buf_put_u8(out, info);
    base_buf_put_u8(out, 0);
    base_buf_put_le16(out, section);
}

/* Functions of section 1, or (section SHN_ABS) values. */
static bool put_symbols(elf_writer *w, const isa_symbol *list, size_t n, uint16_t section)
{
    base_buf strings = {0};
    base_buf symbols = {0};
    base_buf_put_u8(&strings, 0);
    put_symbol(&symbols, 0, 0, 0, 0, SHN_UNDEF);
    const uint8_t type = section == SHN_ABS ? STT_NOTYPE : STT_FUNC;
    for (size_t i = 0; i < n; i++) {
        const isa_symbol *symbol = &list[i];
        put_symbol(&symbols, (uint32_t)strings.n_bytes, symbol->pc, symbol->n_bytes,
                   (uint8_t)ELF32_ST_INFO(STB_GLOBAL, type), section);
        base_buf_append(&strings, symbol->name, strlen(symbol->name) + 1);
    }
    const Elf32_Shdr table = {.sh_type = SHT_SYMTAB,
                              .sh_link = w->n_sections + 1,
                              .sh_info = 1,
                              .sh_addralign = 4,
                              .sh_entsize = sizeof(Elf32_Sym)};
    put_section(w, ".symtab", table, symbols.data, symbols.n_bytes);
    const Elf32_Shdr names = {.sh_type = SHT_STRTAB};
    put_section(w, ".strtab", names, strings.data, strings.n_bytes);
    const bool done = base_buf_status(&strings) == SY_OK && base_buf_status(&symbols) == SY_OK;
    base_buf_free(&strings);
    base_buf_free(&symbols);
    return done;
}

/* The ELF header, now that all is known, over the room left for it. */
static void fill_header(elf_writer *w, uint32_t entry, uint32_t phdrs, uint32_t shdrs,
                        uint32_t n_loads)
{
    uint8_t *h = (uint8_t *)w->out->data + w->begin;
    const uint8_t ident[EI_NIDENT] = {0x7F,       'E',         'L',        'F',
                                      ELFCLASS32, ELFDATA2LSB, EV_CURRENT, ELFOSABI_NONE};
    memcpy(h, ident, sizeof ident);
    base_set_le16(h + offsetof(Elf32_Ehdr, e_type), ET_EXEC);
    base_set_le16(h + offsetof(Elf32_Ehdr, e_machine), EM_RISCV);
    base_set_le32(h + offsetof(Elf32_Ehdr, e_version), EV_CURRENT);
    base_set_le32(h + offsetof(Elf32_Ehdr, e_entry), entry);
    base_set_le32(h + offsetof(Elf32_Ehdr, e_phoff), phdrs);
    base_set_le32(h + offsetof(Elf32_Ehdr, e_shoff), shdrs);
    base_set_le16(h + offsetof(Elf32_Ehdr, e_ehsize), sizeof(Elf32_Ehdr));
    base_set_le16(h + offsetof(Elf32_Ehdr, e_phentsize), sizeof(Elf32_Phdr));
    base_set_le16(h + offsetof(Elf32_Ehdr, e_phnum), (uint16_t)n_loads);
    base_set_le16(h + offsetof(Elf32_Ehdr, e_shentsize), sizeof(Elf32_Shdr));
    base_set_le16(h + offsetof(Elf32_Ehdr, e_shnum), (uint16_t)w->n_sections);
    base_set_le16(h + offsetof(Elf32_Ehdr, e_shstrndx), (uint16_t)(w->n_sections - 1));
}

static bool own_name(const char *name)
{
    static const char *const names[] = {".text",   ".data",   ELF_NOTE_SECTION,
                                        ".symtab", ".strtab", ".shstrtab"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return strncmp(name, ELF_DRAM_PREFIX, strlen(ELF_DRAM_PREFIX)) == 0;
}

/* Whether the program can be a file; about how large that will be. */
static sy_status check(const isa_program *p, uint64_t *n_bytes, base_diag *diag)
{
    uint64_t total = (uint64_t)p->n_text_bytes + p->n_data_bytes + 4096;
    if (p->n_text_bytes % 4 != 0) {
        return base_fail(diag, SY_EINVAL,
                         "program text has %" PRIu32 " bytes, expected a multiple of 4",
                         p->n_text_bytes);
    }
    for (size_t i = 0; i < p->n_sections; i++) {
        const char *name = p->sections[i].name;
        if (name[0] == '\0' || own_name(name)) {
            return base_fail(diag, SY_EINVAL,
                             "section name '%s' is used by the program file itself", name);
        }
        for (size_t k = 0; k < i; k++) {
            if (strcmp(name, p->sections[k].name) == 0) {
                return base_fail(diag, SY_EINVAL, "section '%s' is given twice", name);
            }
        }
        total += p->sections[i].n_bytes + strlen(name) + FILE_ALIGN;
    }
    for (size_t i = 0; i < p->n_dram; i++) {
        if (p->dram[i].n_data > p->dram[i].n_bytes) {
            return base_fail(diag, SY_EINVAL,
                             "DRAM segment %zu has %" PRIu32
                             " bytes of data, expected at most %" PRIu32,
                             i, p->dram[i].n_data, p->dram[i].n_bytes);
        }
        total += (uint64_t)p->dram[i].n_data + 2 * FILE_ALIGN;
    }
    for (size_t i = 0; i < p->n_symbols; i++) {
        total += strlen(p->symbols[i].name) + 1 + sizeof(Elf32_Sym);
    }
    if (total > UINT32_MAX || p->n_dram + p->n_sections > 60000) {
        return base_fail(diag, SY_ERANGE,
                         "program file would have %" PRIu64
                         " bytes in %zu sections, expected less than "
                         "4 GiB and 60000",
                         total, p->n_dram + p->n_sections);
    }
    *n_bytes = total;
    return SY_OK;
}

/* The section names, the headers; all that is not the file itself is freed. */
static sy_status finish(elf_writer *w, uint32_t entry, uint32_t n_loads, bool done, base_diag *diag)
{
    base_buf *out = w->out;
    /* .shstrtab names itself, so its name goes in before its bytes are written. */
    base_buf_zeros(out, (FILE_ALIGN - (out->n_bytes - w->begin) % FILE_ALIGN) % FILE_ALIGN);
    const Elf32_Shdr names = {.sh_type = SHT_STRTAB,
                              .sh_offset = offset_of(w),
                              .sh_addralign = 1,
                              .sh_size = (uint32_t)(w->names.n_bytes + sizeof ".shstrtab")};
    put_shdr(w, ".shstrtab", &names);
    base_buf_append(out, w->names.data, w->names.n_bytes);
    base_buf_zeros(out, (4 - (out->n_bytes - w->begin) % 4) % 4);
    const uint32_t shdrs = offset_of(w);
    base_buf_append(out, w->headers.data, w->headers.n_bytes);
    done = done && base_buf_status(out) == SY_OK && base_buf_status(&w->names) == SY_OK &&
           base_buf_status(&w->headers) == SY_OK && base_buf_status(&w->loads) == SY_OK;
    if (done) {
        fill_header(w, entry, sizeof(Elf32_Ehdr), shdrs, n_loads);
        memcpy(out->data + w->begin + sizeof(Elf32_Ehdr), w->loads.data, w->loads.n_bytes);
    }
    base_buf_free(&w->names);
    base_buf_free(&w->headers);
    base_buf_free(&w->loads);
    return done ? SY_OK : base_fail(diag, SY_ENOMEM, "out of memory for the program file");
}

sy_status isa_program_encode(const isa_program *program, base_buf *out, base_diag *diag)
{
    uint64_t n_bytes = 0;
    SY_TRY(check(program, &n_bytes, diag));
    elf_writer w = {.program = program, .out = out, .begin = out->n_bytes};
    const uint32_t n_loads = (uint32_t)(3 + program->n_dram);
    const Elf32_Shdr null_header = {.sh_type = SHT_NULL};

    base_buf_reserve(out, (size_t)n_bytes);
    base_buf_zeros(out, sizeof(Elf32_Ehdr) + (size_t)n_loads * sizeof(Elf32_Phdr));
    put_shdr(&w, "", &null_header);
    put_core(&w);
    put_dram(&w);
    bool done = put_note(&w);
    for (size_t i = 0; i < program->n_sections; i++) {
        const Elf32_Shdr blob = {.sh_type = SHT_PROGBITS};
        put_section(&w, program->sections[i].name, blob, program->sections[i].data,
                    program->sections[i].n_bytes);
    }
    done = put_symbols(&w, program->symbols, program->n_symbols, 1) && done;
    return finish(&w, program->entry, n_loads, done, diag);
}

sy_status isa_program_write(const isa_program *program, const char *path, base_diag *diag)
{
    base_buf bytes = {0};
    sy_status status = isa_program_encode(program, &bytes, diag);
    if (status == SY_OK) {
        status = base_file_write_atomic(diag, path, bytes.data, bytes.n_bytes);
    }
    base_buf_free(&bytes);
    return status;
}

sy_status isa_image_encode(const isa_image *image, base_buf *out, base_diag *diag)
{
    uint64_t n_bytes = 4096;
    for (size_t i = 0; i < image->n_segments; i++) {
        n_bytes += (uint64_t)image->segments[i].n_data + 2 * FILE_ALIGN;
    }
    for (size_t i = 0; i < image->n_symbols; i++) {
        n_bytes += strlen(image->symbols[i].name) + 1 + sizeof(Elf32_Sym);
    }
    if (n_bytes > UINT32_MAX || image->n_segments > 60000) {
        return base_fail(diag, SY_ERANGE, "the image of %zu segments would pass 4 GiB as a file",
                         image->n_segments);
    }
    elf_writer w = {.out = out, .begin = out->n_bytes};
    const Elf32_Shdr null_header = {.sh_type = SHT_NULL};
    base_buf_reserve(out, (size_t)n_bytes);
    base_buf_zeros(out, sizeof(Elf32_Ehdr) + image->n_segments * sizeof(Elf32_Phdr));
    put_shdr(&w, "", &null_header);
    for (size_t i = 0; i < image->n_segments; i++) {
        const isa_segment *segment = &image->segments[i];
        const Elf32_Shdr header = {.sh_type = segment->n_data > 0 ? SHT_PROGBITS : SHT_NOBITS,
                                   .sh_flags = SHF_ALLOC | SHF_WRITE | SHF_EXECINSTR,
                                   .sh_addr = segment->address,
                                   .sh_size = segment->n_bytes};
        const uint32_t offset = put_section(&w, ".image", header, segment->data, segment->n_data);
        put_phdr(&w, PT_LOAD, offset, segment->address, segment->n_data, segment->n_bytes,
                 PF_R | PF_W | PF_X);
    }
    const bool done = put_symbols(&w, image->symbols, image->n_symbols, SHN_ABS);
    return finish(&w, image->entry, (uint32_t)image->n_segments, done, diag);
}
