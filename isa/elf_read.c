/*
 * elf_read.c -- ELF files of unknown origin to programs.
 *
 * Every offset and size is checked against the file before anything is read through it; the work is
 * linear in the size of the file, whatever its tables say.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "elf.h"
#include "systole/base/file.h"
#include "systole/isa/image.h"
#include "systole/isa/isa.h"
#include "systole/isa/program.h"

/* The most that IMEM or DMEM can have, see config.def. */
#define CORE_MEMORY_LIMIT (UINT32_C(1) << 22)

#define FILE_LIMIT ((size_t)UINT32_MAX)

/*
 * More notes than any toolchain writes; each is read whole, so their number must not grow with the
 * file.
 */
#define NOTE_LIMIT 16

typedef struct elf_reader {
    base_arena *arena;
    const uint8_t *bytes;
    size_t n_bytes;
    const char *name;
    base_diag *diag;
    Elf32_Ehdr header;
    const char *names; /* section names, n_names bytes that end in NUL; NULL: none */
    size_t n_names;
    unsigned n_notes;
    bool is_image; /* symbols of all kinds, at any address */
    isa_program program;
} elf_reader;

#define FAIL(r, ...) fail((r)->diag, (r)->name, __VA_ARGS__)

static sy_status fail(base_diag *diag, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static sy_status fail(base_diag *diag, const char *name, const char *fmt, ...)
{
    base_diag text = {0};
    va_list args;
    va_start(args, fmt);
    (void)base_vfail(&text, SY_EFORMAT, fmt, args);
    va_end(args);
    return base_fail(diag, SY_EFORMAT, "%s: %s", name, base_diag_message(&text));
}

static bool within(const elf_reader *r, uint64_t offset, uint64_t n_bytes)
{
    return offset <= r->n_bytes && n_bytes <= r->n_bytes - offset;
}

static sy_status read_header(elf_reader *r)
{
    const uint8_t *b = r->bytes;
    Elf32_Ehdr *h = &r->header;
    if (r->n_bytes < sizeof *h || memcmp(b, ELFMAG, SELFMAG) != 0) {
        return FAIL(r, "not an ELF file");
    }
    h->e_type = base_get_le16(b + offsetof(Elf32_Ehdr, e_type));
    h->e_machine = base_get_le16(b + offsetof(Elf32_Ehdr, e_machine));
    h->e_entry = base_get_le32(b + offsetof(Elf32_Ehdr, e_entry));
    h->e_flags = base_get_le32(b + offsetof(Elf32_Ehdr, e_flags));
    h->e_phoff = base_get_le32(b + offsetof(Elf32_Ehdr, e_phoff));
    h->e_shoff = base_get_le32(b + offsetof(Elf32_Ehdr, e_shoff));
    h->e_phentsize = base_get_le16(b + offsetof(Elf32_Ehdr, e_phentsize));
    h->e_phnum = base_get_le16(b + offsetof(Elf32_Ehdr, e_phnum));
    h->e_shentsize = base_get_le16(b + offsetof(Elf32_Ehdr, e_shentsize));
    h->e_shnum = base_get_le16(b + offsetof(Elf32_Ehdr, e_shnum));
    h->e_shstrndx = base_get_le16(b + offsetof(Elf32_Ehdr, e_shstrndx));
    if (b[EI_CLASS] != ELFCLASS32 || b[EI_DATA] != ELFDATA2LSB) {
        return FAIL(r, "ELF class %u, byte order %u, expected a 32-bit little-endian file",
                    b[EI_CLASS], b[EI_DATA]);
    }
    if (h->e_machine != EM_RISCV) {
        return FAIL(r, "ELF machine %u, expected %u (RISC-V)", h->e_machine, EM_RISCV);
    }
    if (h->e_type != ET_EXEC) {
        return FAIL(r, "ELF type %u, expected %u (an executable): link it first", h->e_type,
                    ET_EXEC);
    }
    if (h->e_phnum > 0 && (h->e_phentsize != sizeof(Elf32_Phdr) ||
                           !within(r, h->e_phoff, (uint64_t)h->e_phnum * sizeof(Elf32_Phdr)))) {
        return FAIL(r, "program headers at %u + %u x %u lie outside the file's %zu bytes",
                    h->e_phoff, h->e_phnum, h->e_phentsize, r->n_bytes);
    }
    if (h->e_shnum > 0 && (h->e_shentsize != sizeof(Elf32_Shdr) ||
                           !within(r, h->e_shoff, (uint64_t)h->e_shnum * sizeof(Elf32_Shdr)))) {
        return FAIL(r, "section headers at %u + %u x %u lie outside the file's %zu bytes",
                    h->e_shoff, h->e_shnum, h->e_shentsize, r->n_bytes);
    }
    return SY_OK;
}

static sy_status read_phdr(const elf_reader *r, unsigned i, Elf32_Phdr *p)
{
    const uint8_t *b = r->bytes + r->header.e_phoff + (size_t)i * sizeof *p;
    p->p_type = base_get_le32(b + offsetof(Elf32_Phdr, p_type));
    p->p_offset = base_get_le32(b + offsetof(Elf32_Phdr, p_offset));
    p->p_vaddr = base_get_le32(b + offsetof(Elf32_Phdr, p_vaddr));
    p->p_paddr = base_get_le32(b + offsetof(Elf32_Phdr, p_paddr));
    p->p_filesz = base_get_le32(b + offsetof(Elf32_Phdr, p_filesz));
    p->p_memsz = base_get_le32(b + offsetof(Elf32_Phdr, p_memsz));
    p->p_flags = base_get_le32(b + offsetof(Elf32_Phdr, p_flags));
    if (!within(r, p->p_offset, p->p_filesz)) {
        return FAIL(r, "segment %u at %u + %u lies outside the file's %zu bytes", i, p->p_offset,
                    p->p_filesz, r->n_bytes);
    }
    /* Others need not be in memory at all: GNU ld's PT_RISCV_ATTRIBUTES has p_memsz 0. */
    if ((p->p_type == PT_LOAD || p->p_type == ELF_PT_DRAM) && p->p_filesz > p->p_memsz) {
        return FAIL(r, "segment %u has %u bytes in the file, %u in memory", i, p->p_filesz,
                    p->p_memsz);
    }
    return SY_OK;
}

static sy_status read_shdr(const elf_reader *r, unsigned i, Elf32_Shdr *s)
{
    const uint8_t *b = r->bytes + r->header.e_shoff + (size_t)i * sizeof *s;
    s->sh_name = base_get_le32(b + offsetof(Elf32_Shdr, sh_name));
    s->sh_type = base_get_le32(b + offsetof(Elf32_Shdr, sh_type));
    s->sh_flags = base_get_le32(b + offsetof(Elf32_Shdr, sh_flags));
    s->sh_offset = base_get_le32(b + offsetof(Elf32_Shdr, sh_offset));
    s->sh_size = base_get_le32(b + offsetof(Elf32_Shdr, sh_size));
    s->sh_link = base_get_le32(b + offsetof(Elf32_Shdr, sh_link));
    if (s->sh_type != SHT_NOBITS && s->sh_type != SHT_NULL &&
        !within(r, s->sh_offset, s->sh_size)) {
        return FAIL(r, "section %u at %u + %u lies outside the file's %zu bytes", i, s->sh_offset,
                    s->sh_size, r->n_bytes);
    }
    return SY_OK;
}

static int by_address(const void *a, const void *b)
{
    const isa_segment *x = a;
    const isa_segment *y = b;
    return x->address < y->address ? -1 : x->address > y->address ? 1 : 0;
}

/* Sorted and disjoint. */
static sy_status sort_segments(elf_reader *r, const char *what, isa_segment *segments, size_t n)
{
    if (n > 1) {
        qsort(segments, n, sizeof *segments, by_address);
    }
    for (size_t i = 1; i < n; i++) {
        if ((uint64_t)segments[i - 1].address + segments[i - 1].n_bytes > segments[i].address) {
            return FAIL(r, "%s segments at 0x%" PRIx32 " and 0x%" PRIx32 " overlap", what,
                        segments[i - 1].address, segments[i].address);
        }
    }
    return SY_OK;
}

/*
 * The bytes of a core memory, filled up to a multiple of align: in place if one segment is all of
 * it, else put together.
 */
static sy_status compose(elf_reader *r, const char *what, uint32_t base, uint32_t align,
                         isa_segment *segments, size_t n, const uint8_t **data, uint32_t *n_bytes)
{
    *data = NULL;
    *n_bytes = 0;
    SY_TRY(sort_segments(r, what, segments, n));
    if (n == 0) {
        return SY_OK;
    }
    const isa_segment *last = &segments[n - 1];
    const uint32_t size = (last->address - base + last->n_bytes + align - 1) & ~(align - 1);
    if (n == 1 && last->address == base && last->n_data == size) {
        *data = last->data;
        *n_bytes = size;
        return SY_OK;
    }
    uint8_t *bytes = base_arena_alloc(r->arena, size, 1);
    if (bytes == NULL) {
        return base_fail(r->diag, SY_ENOMEM, "%s: out of memory", r->name);
    }
    for (size_t i = 0; i < n; i++) {
        if (segments[i].n_data > 0) {
            memcpy(bytes + (segments[i].address - base), segments[i].data, segments[i].n_data);
        }
    }
    *data = bytes;
    *n_bytes = size;
    return SY_OK;
}

static sy_status read_note(elf_reader *r, const uint8_t *bytes, size_t n_bytes)
{
    base_cursor note = base_cursor_at(bytes, n_bytes);
    uint64_t config_hash = 0;
    while (base_cursor_left(&note) >= 12) {
        const uint32_t n_name = base_cursor_le32(&note);
        const uint32_t n_value = base_cursor_le32(&note);
        const uint32_t type = base_cursor_le32(&note);
        const char *name = base_cursor_bytes(&note, n_name);
        (void)base_cursor_bytes(&note, (size_t)(0 - (uint64_t)n_name) & 3);
        const char *value = base_cursor_bytes(&note, n_value);
        if (note.failed) {
            return FAIL(r, "a note is cut off");
        }
        const size_t pad = (size_t)(0 - (uint64_t)n_value) & 3;
        (void)base_cursor_bytes(&note,
                                pad < base_cursor_left(&note) ? pad : base_cursor_left(&note));
        if (n_name != sizeof ELF_NOTE_NAME ||
            memcmp(name, ELF_NOTE_NAME, sizeof ELF_NOTE_NAME) != 0) {
            continue;
        }
        if (type == ELF_NOTE_HASHES && n_value == 16) {
            r->program.isa_hash = base_get_le64(value);
            config_hash = base_get_le64(value + 8);
        } else if (type == ELF_NOTE_CONFIG && !r->program.has_config) {
            const char *end = n_value > 0 ? memchr(value, 0, n_value) : NULL;
            const size_t n_config_name = end != NULL ? (size_t)(end - value) : 0;
            if (end == NULL || value[n_value - 1] != '\0' || n_config_name + 1 >= n_value ||
                strlen(end + 1) != n_value - n_config_name - 2 ||
                n_config_name >= ISA_CONFIG_NAME_BYTES) {
                return FAIL(r, "the configuration in the note is malformed");
            }
            base_diag diag = {0};
            if (isa_config_parse(end + 1, value, &r->program.config, &diag) != SY_OK) {
                return FAIL(r, "the configuration in the note: %s", base_diag_message(&diag));
            }
            r->program.has_config = true;
        } else {
            return FAIL(r, "a note of type %u and %u bytes is not known, or there twice", type,
                        n_value);
        }
    }
    if (r->program.has_config && config_hash != isa_config_hash(&r->program.config)) {
        return FAIL(r,
                    "the configuration in the note has hash %016" PRIx64 ", expected %016" PRIx64,
                    isa_config_hash(&r->program.config), config_hash);
    }
    return SY_OK;
}

/* Segment p as a part of IMEM or DMEM, or of DRAM. */
static isa_segment segment_of(const elf_reader *r, const Elf32_Phdr *p, uint32_t address)
{
    return (isa_segment){.address = address,
                         .n_bytes = p->p_memsz,
                         .n_data = p->p_filesz,
                         .data = r->bytes + p->p_offset};
}

static sy_status read_segments(elf_reader *r)
{
    static const uint32_t bases[2] = {ISA_IMEM_BASE, ISA_DMEM_BASE};
    const size_t n_phdrs = r->header.e_phnum;
    isa_segment *parts[3] = {NULL, NULL, NULL}; /* IMEM, DMEM, DRAM */
    size_t n_parts[3] = {0, 0, 0};
    for (size_t k = 0; k < 3; k++) {
        parts[k] = BASE_ARENA_ARRAY(r->arena, isa_segment, n_phdrs);
        if (parts[k] == NULL) {
            return base_fail(r->diag, SY_ENOMEM, "%s: out of memory", r->name);
        }
    }
    for (unsigned i = 0; i < n_phdrs; i++) {
        Elf32_Phdr p;
        SY_TRY(read_phdr(r, i, &p));
        if (p.p_type == PT_NOTE) {
            if (r->n_notes++ == NOTE_LIMIT) {
                return FAIL(r, "more than %d notes", NOTE_LIMIT);
            }
            SY_TRY(read_note(r, r->bytes + p.p_offset, p.p_filesz));
        } else if (p.p_type == ELF_PT_DRAM && p.p_memsz > 0) {
            if (p.p_memsz - 1 > UINT32_MAX - p.p_paddr) {
                return FAIL(r, "segment %u at DRAM address 0x%x + %u passes 4 GiB", i, p.p_paddr,
                            p.p_memsz);
            }
            parts[2][n_parts[2]++] = segment_of(r, &p, p.p_paddr);
        } else if (p.p_type == PT_LOAD && p.p_memsz > 0) {
            size_t k = 0;
            while (k < 2 && (p.p_vaddr - bases[k] >= CORE_MEMORY_LIMIT ||
                             p.p_memsz > CORE_MEMORY_LIMIT - (p.p_vaddr - bases[k]))) {
                k++;
            }
            if (k == 2) {
                return FAIL(r,
                            "segment %u at address 0x%x + %u lies in no memory of the core: link "
                            "for instructions at "
                            "0x%x, data at 0x%x (or is it a program for 'run --bare'?)",
                            i, p.p_vaddr, p.p_memsz, ISA_IMEM_BASE, ISA_DMEM_BASE);
            }
            parts[k][n_parts[k]++] = segment_of(r, &p, p.p_vaddr);
        }
    }
    isa_program *program = &r->program;
    SY_TRY(compose(r, "IMEM", bases[0], 4, parts[0], n_parts[0], &program->text,
                   &program->n_text_bytes));
    SY_TRY(compose(r, "DMEM", bases[1], 1, parts[1], n_parts[1], &program->data,
                   &program->n_data_bytes));
    SY_TRY(sort_segments(r, "DRAM", parts[2], n_parts[2]));
    program->dram = parts[2];
    program->n_dram = n_parts[2];
    return SY_OK;
}

/* A string in a string table that ends in NUL. */
static const char *string_at(const char *strings, size_t n_bytes, uint32_t offset)
{
    return strings != NULL && offset < n_bytes ? strings + offset : NULL;
}

/* The table of section i, which must end in NUL. */
static sy_status read_strings(elf_reader *r, unsigned i, const char **strings, size_t *n_bytes)
{
    Elf32_Shdr s;
    if (i >= r->header.e_shnum) {
        return FAIL(r, "string table %u, expected a section number below %u", i, r->header.e_shnum);
    }
    SY_TRY(read_shdr(r, i, &s));
    if (s.sh_type != SHT_STRTAB || s.sh_size == 0 || r->bytes[s.sh_offset + s.sh_size - 1] != 0) {
        return FAIL(r, "section %u is no string table that ends in NUL", i);
    }
    *strings = (const char *)r->bytes + s.sh_offset;
    *n_bytes = s.sh_size;
    return SY_OK;
}

static sy_status read_symbols(elf_reader *r, const Elf32_Shdr *table)
{
    const char *strings = NULL;
    size_t n_strings = 0;
    const size_t n = table->sh_size / sizeof(Elf32_Sym);
    SY_TRY(read_strings(r, table->sh_link, &strings, &n_strings));
    if (r->program.symbols != NULL) {
        return FAIL(r, "two symbol tables");
    }
    isa_symbol *symbols = BASE_ARENA_ARRAY(r->arena, isa_symbol, n);
    if (symbols == NULL) {
        return base_fail(r->diag, SY_ENOMEM, "%s: out of memory", r->name);
    }
    size_t n_kept = 0;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *b = r->bytes + table->sh_offset + i * sizeof(Elf32_Sym);
        const unsigned type = ELF32_ST_TYPE(b[offsetof(Elf32_Sym, st_info)]);
        const unsigned section = base_get_le16(b + offsetof(Elf32_Sym, st_shndx));
        const uint32_t pc = base_get_le32(b + offsetof(Elf32_Sym, st_value));
        const char *name = string_at(strings, n_strings,
                                     base_get_le32(b + offsetof(Elf32_Sym, st_name)));
        if (name == NULL) {
            return FAIL(r, "the name of symbol %zu lies outside its string table", i);
        }
        const bool is_code = (type == STT_FUNC || type == STT_NOTYPE) && section < SHN_LORESERVE &&
                             pc < r->program.n_text_bytes;
        const bool is_datum = type <= STT_FUNC && (section < SHN_LORESERVE || section == SHN_ABS);
        if ((r->is_image ? is_datum : is_code) && section != SHN_UNDEF && name[0] != '\0' &&
            name[0] != '$') {
            symbols[n_kept++] = (isa_symbol){
                .name = name, .pc = pc, .n_bytes = base_get_le32(b + offsetof(Elf32_Sym, st_size))};
        }
    }
    r->program.symbols = symbols;
    r->program.n_symbols = n_kept;
    return SY_OK;
}

static sy_status read_sections(elf_reader *r)
{
    if (r->header.e_shnum == 0) {
        return SY_OK;
    }
    isa_section *sections = BASE_ARENA_ARRAY(r->arena, isa_section, r->header.e_shnum);
    if (sections == NULL) {
        return base_fail(r->diag, SY_ENOMEM, "%s: out of memory", r->name);
    }
    SY_TRY(read_strings(r, r->header.e_shstrndx, &r->names, &r->n_names));
    size_t n = 0;
    for (unsigned i = 1; i < r->header.e_shnum; i++) {
        Elf32_Shdr s;
        SY_TRY(read_shdr(r, i, &s));
        const char *name = string_at(r->names, r->n_names, s.sh_name);
        if (name == NULL) {
            return FAIL(r, "the name of section %u lies outside its string table", i);
        }
        if (s.sh_type == SHT_SYMTAB) {
            SY_TRY(read_symbols(r, &s));
        } else if (s.sh_type == SHT_PROGBITS && (s.sh_flags & SHF_ALLOC) == 0 &&
                   strncmp(name, ELF_DRAM_PREFIX, strlen(ELF_DRAM_PREFIX)) != 0) {
            sections[n++] = (isa_section){
                .name = name, .data = r->bytes + s.sh_offset, .n_bytes = s.sh_size};
        }
    }
    r->program.sections = sections;
    r->program.n_sections = n;
    return SY_OK;
}

sy_status isa_program_decode(base_arena *arena, const void *bytes, size_t n_bytes, const char *name,
                             isa_program *program, base_diag *diag)
{
    elf_reader r = {.arena = arena, .bytes = bytes, .n_bytes = n_bytes, .name = name, .diag = diag};
    SY_TRY(read_header(&r));
    SY_TRY(read_segments(&r));
    SY_TRY(read_sections(&r));
    r.program.entry = r.header.e_entry;
    if (r.program.n_text_bytes == 0) {
        return FAIL(&r, "no instructions: no segment lies at 0x%x", ISA_IMEM_BASE);
    }
    if (r.program.entry >= r.program.n_text_bytes || r.program.entry % 4 != 0) {
        return FAIL(&r,
                    "entry 0x%" PRIx32
                    ", expected a multiple of 4 below the end of the instructions, 0x%" PRIx32,
                    r.program.entry, r.program.n_text_bytes);
    }
    *program = r.program;
    return SY_OK;
}

/* A whole file in the arena. */
static sy_status load_file(base_arena *arena, const char *path, const void **bytes, size_t *n_bytes,
                           base_diag *diag)
{
    base_buf file = {0};
    SY_TRY(base_file_read(diag, path, FILE_LIMIT, &file));
    *bytes = base_arena_memdup(arena, file.data, file.n_bytes, 1);
    *n_bytes = file.n_bytes;
    base_buf_free(&file);
    return *bytes != NULL ? SY_OK : base_fail(diag, SY_ENOMEM, "%s: out of memory", path);
}

sy_status isa_program_load(base_arena *arena, const char *path, isa_program *program,
                           base_diag *diag)
{
    const void *bytes = NULL;
    size_t n_bytes = 0;
    SY_TRY(load_file(arena, path, &bytes, &n_bytes, diag));
    return isa_program_decode(arena, bytes, n_bytes, path, program, diag);
}

/* ---- images ---- */

static sy_status read_image_segments(elf_reader *r, isa_image *image)
{
    const size_t n_phdrs = r->header.e_phnum;
    isa_segment *segments = BASE_ARENA_ARRAY(r->arena, isa_segment, n_phdrs);
    size_t n = 0;
    if (segments == NULL) {
        return base_fail(r->diag, SY_ENOMEM, "%s: out of memory", r->name);
    }
    for (unsigned i = 0; i < n_phdrs; i++) {
        Elf32_Phdr p;
        SY_TRY(read_phdr(r, i, &p));
        if (p.p_type != PT_LOAD || p.p_memsz == 0) {
            continue;
        }
        if (p.p_memsz - 1 > UINT32_MAX - p.p_paddr) {
            return FAIL(r, "segment %u at address 0x%x + %u passes 4 GiB", i, p.p_paddr, p.p_memsz);
        }
        segments[n++] = segment_of(r, &p, p.p_paddr);
    }
    if (n == 0) {
        return FAIL(r, "no segment to load");
    }
    SY_TRY(sort_segments(r, "loaded", segments, n));
    image->segments = segments;
    image->n_segments = n;
    return SY_OK;
}

sy_status isa_image_decode(base_arena *arena, const void *bytes, size_t n_bytes, const char *name,
                           isa_image *image, base_diag *diag)
{
    elf_reader r = {.arena = arena,
                    .bytes = bytes,
                    .n_bytes = n_bytes,
                    .name = name,
                    .diag = diag,
                    .is_image = true};
    isa_image read = {0};
    SY_TRY(read_header(&r));
    SY_TRY(read_image_segments(&r, &read));
    SY_TRY(read_sections(&r));
    read.symbols = r.program.symbols;
    read.n_symbols = r.program.n_symbols;
    read.entry = r.header.e_entry;
    read.compressed = (r.header.e_flags & EF_RISCV_RVC) != 0;
    *image = read;
    return SY_OK;
}

sy_status isa_image_load(base_arena *arena, const char *path, isa_image *image, base_diag *diag)
{
    const void *bytes = NULL;
    size_t n_bytes = 0;
    SY_TRY(load_file(arena, path, &bytes, &n_bytes, diag));
    return isa_image_decode(arena, bytes, n_bytes, path, image, diag);
}

bool isa_image_find(const isa_image *image, const char *name, uint32_t *address)
{
    for (size_t i = 0; i < image->n_symbols; i++) {
        if (strcmp(image->symbols[i].name, name) == 0) {
            *address = image->symbols[i].pc;
            return true;
        }
    }
    return false;
}
