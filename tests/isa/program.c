/*
 * program.c -- program files: written and read back, checked against machines, damaged in every
 * way.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include <elf.h>
#include <unistd.h>

#include "systole/base/file.h"
#include "systole/base/rng.h"
#include "systole/isa/asm.h"
#include "systole/isa/isa.h"
#include "systole/isa/program.h"

static base_arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = base_arena_create();
    return arena == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    base_arena_destroy(arena);
    return 0;
}

/* A program with something in every part. */
static isa_program sample(void)
{
    static const char text[] =
        "_start: li a0, 3\nloop: addi a0, a0, -1; bnez a0, loop\ndone: core.halt a0\n"
        ".data\n.word 1, 2\n.byte 3\n.dram 0x1000\n.random 200, 1\n.dram 0x40\n.random 33, 2\n";
    static const isa_section sections[] = {{".systole.tensors", "tensor table", 12},
                                           {".systole.graph", NULL, 0}};
    isa_program program = {0};
    base_diag diag = {0};
    assert_ok(isa_assemble(arena, text, "sample.s", &program, NULL, &diag));
    isa_segment *dram = BASE_ARENA_ARRAY(arena, isa_segment, program.n_dram + 1);
    memcpy(dram, program.dram, program.n_dram * sizeof *dram);
    dram[program.n_dram] = (isa_segment){.address = 0x100000, .n_bytes = 1u << 20}; /* zeros */
    program.dram = dram;
    program.n_dram++;
    program.sections = sections;
    program.n_sections = 2;
    program.has_config = true;
    assert_ok(isa_config_find("tiny", &program.config, &diag));
    return program;
}

static void expect_equal(const isa_program *a, const isa_program *b)
{
    assert_int_equal(a->n_text_bytes, b->n_text_bytes);
    assert_memory_equal(a->text, b->text, a->n_text_bytes);
    assert_int_equal(a->n_data_bytes, b->n_data_bytes);
    assert_memory_equal(a->data, b->data, a->n_data_bytes);
    assert_int_equal(a->entry, b->entry);
    assert_int_equal(a->n_dram, b->n_dram);
    for (size_t i = 0; i < a->n_dram; i++) {
        assert_int_equal(a->dram[i].address, b->dram[i].address);
        assert_int_equal(a->dram[i].n_bytes, b->dram[i].n_bytes);
        assert_int_equal(a->dram[i].n_data, b->dram[i].n_data);
        if (a->dram[i].n_data > 0) {
            assert_memory_equal(a->dram[i].data, b->dram[i].data, a->dram[i].n_data);
        }
    }
    assert_int_equal(a->n_symbols, b->n_symbols);
    for (size_t i = 0; i < a->n_symbols; i++) {
        assert_string_equal(a->symbols[i].name, b->symbols[i].name);
        assert_int_equal(a->symbols[i].pc, b->symbols[i].pc);
        assert_int_equal(a->symbols[i].n_bytes, b->symbols[i].n_bytes);
    }
    assert_int_equal(a->n_sections, b->n_sections);
    for (size_t i = 0; i < a->n_sections; i++) {
        assert_string_equal(a->sections[i].name, b->sections[i].name);
        assert_int_equal(a->sections[i].n_bytes, b->sections[i].n_bytes);
        if (a->sections[i].n_bytes > 0) {
            assert_memory_equal(a->sections[i].data, b->sections[i].data, a->sections[i].n_bytes);
        }
    }
    assert_true(a->isa_hash == b->isa_hash);
    assert_int_equal(a->has_config, b->has_config);
    if (a->has_config) {
        assert_string_equal(a->config.name, b->config.name);
        assert_true(isa_config_hash(&a->config) == isa_config_hash(&b->config));
    }
}

static void test_round_trip(void **state)
{
    (void)state;
    const isa_program program = sample();
    isa_program back = {0};
    base_diag diag = {0};
    base_buf file = {0};
    assert_ok(isa_program_encode(&program, &file, &diag));
    if (isa_program_decode(arena, file.data, file.n_bytes, "x.elf", &back, &diag) != SY_OK) {
        fail_msg("%s", base_diag_message(&diag));
    }
    expect_equal(&program, &back);

    /* The bytes are used where they lie. */
    const char *text = (const char *)back.text;
    assert_true(text >= file.data && text < file.data + file.n_bytes);

    uint32_t pc = 99;
    assert_true(isa_program_find(&back, "loop", &pc));
    assert_int_equal(pc, 4);
    assert_false(isa_program_find(&back, "nowhere", &pc));
    assert_string_equal(isa_program_symbol_at(&back, 8)->name, "loop");
    assert_memory_equal(isa_program_section(&back, ".systole.tensors")->data, "tensor table", 12);
    assert_null(isa_program_section(&back, ".systole.nothing"));

    base_buf list = {0};
    isa_program_list(&back, &list);
    assert_string_equal(
        list.data,
        "_start:\n       0:  00300513  addi x10, x0, 3\nloop:\n       4:  fff50513  addi x10, x10, "
        "-1\n"
        "       8:  fe051ee3  bne x10, x0, 0x4\ndone:\n       c:  0805400b  core.halt x10\n");
    base_buf_free(&list);
    base_buf_free(&file);
}

static void test_file(void **state)
{
    (void)state;
    const isa_program program = sample();
    isa_program back = {0};
    base_diag diag = {0};
    char path[64];
    (void)snprintf(path, sizeof path, "/tmp/systole_program_%ld.elf", (long)getpid());
    assert_ok(isa_program_write(&program, path, &diag));
    assert_ok(isa_program_load(arena, path, &back, &diag));
    expect_equal(&program, &back);
    assert_int_equal(remove(path), 0);
    assert_int_equal(isa_program_load(arena, path, &back, &diag), SY_EIO);
}

static void test_smallest(void **state)
{
    (void)state;
    static const uint8_t text[] = {0x13, 0, 0, 0};
    const isa_program program = {.text = text, .n_text_bytes = 4};
    isa_program back = {0};
    base_diag diag = {0};
    base_buf file = {0};
    assert_ok(isa_program_encode(&program, &file, &diag));
    assert_ok(isa_program_decode(arena, file.data, file.n_bytes, "x.elf", &back, &diag));
    assert_int_equal(back.n_text_bytes, 4);
    assert_int_equal(back.n_data_bytes, 0);
    assert_false(back.has_config);
    isa_config config;
    isa_config_default(&config);
    assert_ok(isa_program_check(&back, &config, &diag));
    base_buf_free(&file);
}

static void check_says(const isa_program *program, const isa_config *config, sy_status status,
                       const char *message)
{
    base_diag diag = {0};
    assert_int_equal(isa_program_check(program, config, &diag), status);
    if (strstr(base_diag_message(&diag), message) == NULL) {
        fail_msg("expected '%s' in '%s'", message, base_diag_message(&diag));
    }
}

static void test_check(void **state)
{
    (void)state;
    const isa_program good = sample();
    const isa_config tiny = good.config;
    isa_config other = tiny;
    isa_program program = good;
    check_says(&good, &tiny, SY_OK, "");
    other.queue_depth++;
    check_says(&good, &other, SY_EMISMATCH, "compiled for configuration tiny");
    program.isa_hash ^= 1;
    check_says(&program, &tiny, SY_EMISMATCH, "compile it again");
    program = good;
    program.n_text_bytes = tiny.imem_bytes + 4;
    check_says(&program, &tiny, SY_ERANGE,
               "65540 bytes of instructions, expected at most core.imem_bytes = 65536");
    program = good;
    program.n_data_bytes = tiny.dmem_bytes + 1;
    check_says(&program, &tiny, SY_ERANGE,
               "16385 bytes of data, expected at most core.dmem_bytes = 16384");
    program = good;
    program.entry = 2;
    check_says(&program, &tiny, SY_ERANGE, "entry is 0x2");
    const isa_segment far = {.address = (16u << 20) - 1, .n_bytes = 2};
    program = good;
    program.dram = &far;
    program.n_dram = 1;
    check_says(&program, &tiny, SY_ERANGE,
               "fills DRAM to 0x1000001, expected at most dram.size_mib = 16");
}

static void test_encode_refuses(void **state)
{
    (void)state;
    isa_program program = sample();
    base_diag diag = {0};
    base_buf file = {0};
    const isa_section twice[] = {{".a", "x", 1}, {".a", "y", 1}};
    const isa_section taken = {".systole.dram.7", "x", 1};
    program.sections = twice;
    assert_int_equal(isa_program_encode(&program, &file, &diag), SY_EINVAL);
    program.sections = &taken;
    program.n_sections = 1;
    assert_int_equal(isa_program_encode(&program, &file, &diag), SY_EINVAL);
    program.n_sections = 0;
    program.n_text_bytes = 3;
    assert_int_equal(isa_program_encode(&program, &file, &diag), SY_EINVAL);
    assert_int_equal(file.n_bytes, 0);
}

/*
 * Reads a copy of exactly n bytes, so that a sanitizer sees any read beyond; uses what was read, if
 * it was.
 */
static bool try_bytes(const void *bytes, size_t n)
{
    base_arena *own = base_arena_create();
    uint8_t *copy = malloc(n > 0 ? n : 1);
    isa_program program = {0};
    base_diag diag = {0};
    memcpy(copy, bytes, n);
    const sy_status status = isa_program_decode(own, copy, n, "x.elf", &program, &diag);
    if (status == SY_OK) {
        base_buf list = {0};
        uint32_t sum = 0;
        isa_program_list(&program, &list);
        for (uint32_t i = 0; i < program.n_data_bytes; i++) {
            sum += program.data[i];
        }
        for (size_t i = 0; i < program.n_dram; i++) {
            for (uint32_t k = 0; k < program.dram[i].n_data; k++) {
                sum += program.dram[i].data[k];
            }
        }
        for (size_t i = 0; i < program.n_sections; i++) {
            for (size_t k = 0; k < program.sections[i].n_bytes; k++) {
                sum += ((const uint8_t *)program.sections[i].data)[k];
            }
        }
        base_buf_printf(&list, "%u", sum);
        base_buf_free(&list);
    } else {
        assert_int_equal(status, SY_EFORMAT);
        assert_true(base_diag_message(&diag)[0] != '\0');
        assert_null(strchr(base_diag_message(&diag), '\n'));
    }
    free(copy);
    base_arena_destroy(own);
    return status == SY_OK;
}

static void test_truncated(void **state)
{
    (void)state;
    const isa_program program = sample();
    base_diag diag = {0};
    base_buf file = {0};
    assert_ok(isa_program_encode(&program, &file, &diag));
    assert_true(try_bytes(file.data, file.n_bytes));
    for (size_t n = 0; n < file.n_bytes; n++) {
        if (try_bytes(file.data, n)) {
            fail_msg("accepted %zu of %zu bytes", n, file.n_bytes);
        }
    }
    base_buf_free(&file);
}

static void test_flipped(void **state)
{
    (void)state;
    static const uint32_t hostile[] = {0,          1,          0x7FFFFFFF, 0x80000000,
                                       0xFFFFFFFC, 0xFFFFFFFF, 0x10000000, 0x00400000};
    const isa_program program = sample();
    base_diag diag = {0};
    base_buf file = {0};
    base_rng rng = base_rng_make(11, 0);
    assert_ok(isa_program_encode(&program, &file, &diag));
    /*
     * Every word of the headers, the note and the tables at each hostile value; then random damage.
     */
    for (size_t at = 0; at + 4 <= file.n_bytes; at += 4) {
        uint32_t old = base_get_le32(file.data + at);
        for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
            base_set_le32(file.data + at, hostile[i]);
            (void)try_bytes(file.data, file.n_bytes);
        }
        base_set_le32(file.data + at, old);
    }
    for (int i = 0; i < 3000; i++) {
        char *copy = malloc(file.n_bytes);
        memcpy(copy, file.data, file.n_bytes);
        const uint64_t n = 1 + base_rng_below(&rng, 6);
        for (uint64_t k = 0; k < n; k++) {
            copy[base_rng_below(&rng, file.n_bytes)] ^= (char)(1u << base_rng_below(&rng, 8));
        }
        (void)try_bytes(copy, file.n_bytes);
        free(copy);
    }
    base_buf_free(&file);
}

/* Byte offset of a program header's member. */
static size_t phdr(size_t i, size_t member)
{
    return sizeof(Elf32_Ehdr) + i * sizeof(Elf32_Phdr) + member;
}

static void expect_damage(size_t at, uint32_t value, size_t n_bytes, const char *message)
{
    const isa_program program = sample();
    isa_program back;
    base_diag diag = {0};
    base_buf file = {0};
    assert_ok(isa_program_encode(&program, &file, &diag));
    for (size_t i = 0; i < n_bytes; i++) {
        file.data[at + i] = (char)(value >> (8 * i));
    }
    assert_int_equal(isa_program_decode(arena, file.data, file.n_bytes, "x.elf", &back, &diag),
                     SY_EFORMAT);
    if (strstr(base_diag_message(&diag), message) == NULL) {
        fail_msg("expected '%s' in '%s'", message, base_diag_message(&diag));
    }
    base_buf_free(&file);
}

static void test_messages(void **state)
{
    (void)state;
    expect_damage(0, 0, 4, "x.elf: not an ELF file");
    expect_damage(EI_CLASS, ELFCLASS64, 1, "expected a 32-bit little-endian file");
    expect_damage(offsetof(Elf32_Ehdr, e_machine), EM_X86_64, 2,
                  "ELF machine 62, expected 243 (RISC-V)");
    expect_damage(offsetof(Elf32_Ehdr, e_type), ET_REL, 2, "link it first");
    expect_damage(offsetof(Elf32_Ehdr, e_phoff), 0xFFFFFF00, 4, "program headers at 4294967040");
    expect_damage(offsetof(Elf32_Ehdr, e_shoff), 0xFFFFFF00, 4, "section headers at 4294967040");
    expect_damage(offsetof(Elf32_Ehdr, e_entry), 2, 4, "entry 0x2, expected a multiple of 4");
    expect_damage(phdr(0, offsetof(Elf32_Phdr, p_offset)), 0xFFFFFF00, 4,
                  "segment 0 at 4294967040 + 16 lies outside");
    expect_damage(phdr(0, offsetof(Elf32_Phdr, p_vaddr)), 0x80000000, 4,
                  "lies in no memory of the core");
    expect_damage(phdr(0, offsetof(Elf32_Phdr, p_memsz)), 4, 4,
                  "segment 0 has 16 bytes in the file, 4 in memory");
    expect_damage(phdr(1, offsetof(Elf32_Phdr, p_vaddr)), 8, 4,
                  "IMEM segments at 0x0 and 0x8 overlap");
    expect_damage(phdr(3, offsetof(Elf32_Phdr, p_paddr)), 0x50, 4,
                  "DRAM segments at 0x40 and 0x50 overlap");
    expect_damage(phdr(4, offsetof(Elf32_Phdr, p_memsz)), 0xFFFFFFFF, 4, "passes 4 GiB");
}

/* Another toolchain's layout: several segments, zeros after the data, no note, no sections. */
static void test_bare(void **state)
{
    (void)state;
    uint8_t file[sizeof(Elf32_Ehdr) + 3 * sizeof(Elf32_Phdr) + 16] = {
        0x7F, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT};
    const uint32_t at = sizeof(Elf32_Ehdr) + 3 * sizeof(Elf32_Phdr);
    base_set_le16(file + offsetof(Elf32_Ehdr, e_type), ET_EXEC);
    base_set_le16(file + offsetof(Elf32_Ehdr, e_machine), EM_RISCV);
    base_set_le32(file + offsetof(Elf32_Ehdr, e_entry), 12);
    base_set_le32(file + offsetof(Elf32_Ehdr, e_phoff), sizeof(Elf32_Ehdr));
    base_set_le16(file + offsetof(Elf32_Ehdr, e_phentsize), sizeof(Elf32_Phdr));
    base_set_le16(file + offsetof(Elf32_Ehdr, e_phnum), 3);
    static const uint32_t segments[3][4] = {
        {8, 0x8, 8, 8}, {0, 0, 4, 4}, {2, ISA_DMEM_BASE + 4, 5, 9}};
    for (size_t i = 0; i < 3; i++) {
        base_set_le32(file + phdr(i, offsetof(Elf32_Phdr, p_type)), PT_LOAD);
        base_set_le32(file + phdr(i, offsetof(Elf32_Phdr, p_offset)), at + segments[i][0]);
        base_set_le32(file + phdr(i, offsetof(Elf32_Phdr, p_vaddr)), segments[i][1]);
        base_set_le32(file + phdr(i, offsetof(Elf32_Phdr, p_filesz)), segments[i][2]);
        base_set_le32(file + phdr(i, offsetof(Elf32_Phdr, p_memsz)), segments[i][3]);
    }
    for (uint8_t i = 0; i < 16; i++) {
        file[at + i] = (uint8_t)(0x80 + i);
    }
    isa_program program = {0};
    base_diag diag = {0};
    assert_ok(isa_program_decode(arena, file, sizeof file, "bare.elf", &program, &diag));
    static const uint8_t text[] = {0x80, 0x81, 0x82, 0x83, 0,    0,    0,    0,
                                   0x88, 0x89, 0x8A, 0x8B, 0x8C, 0x8D, 0x8E, 0x8F};
    static const uint8_t data[] = {0, 0, 0, 0, 0x82, 0x83, 0x84, 0x85, 0x86, 0, 0, 0, 0};
    assert_int_equal(program.n_text_bytes, sizeof text);
    assert_memory_equal(program.text, text, sizeof text);
    assert_int_equal(program.n_data_bytes, sizeof data);
    assert_memory_equal(program.data, data, sizeof data);
    assert_int_equal(program.entry, 12);
    assert_false(program.has_config);
    assert_true(program.isa_hash == 0);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    const isa_program program = sample();
    base_diag diag = {0};
    base_buf file = {0};
    assert_ok(isa_program_encode(&program, &file, &diag));
    base_arena *own = base_arena_create();
    sy_status status = SY_ENOMEM;
    for (size_t n = 1; status == SY_ENOMEM; n++) {
        isa_program back;
        base_arena_reset(own);
        base_arena_fail_at(own, n);
        status = isa_program_decode(own, file.data, file.n_bytes, "x.elf", &back, &diag);
    }
    assert_ok(status);
    base_arena_destroy(own);
    for (size_t limit = 0; limit < file.n_bytes; limit += 97) {
        base_buf small = {.limit_bytes = limit + 1};
        assert_int_equal(isa_program_encode(&program, &small, &diag), SY_ENOMEM);
        base_buf_free(&small);
    }
    base_buf_free(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_smallest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_check, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_encode_refuses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_truncated, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_flipped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_messages, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bare, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_out_of_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
