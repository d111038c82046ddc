/*
 * image.c -- bare-metal ELF files: written and read back, what other toolchains put into them, what
 * is refused, files with random bytes changed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include <elf.h>

#include "systole/base/rng.h"
#include "systole/isa/asm.h"
#include "systole/isa/image.h"

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

static isa_image assembled(const char *text, uint32_t base)
{
    isa_image image = {0};
    base_diag diag = {0};
    if (isa_assemble_image(arena, text, "t.s", base, &image, NULL, &diag) != SY_OK) {
        fail_msg("%s", base_diag_message(&diag));
    }
    return image;
}

static isa_image decoded(const base_buf *bytes)
{
    isa_image image = {0};
    base_diag diag = {0};
    if (isa_image_decode(arena, bytes->data, bytes->n_bytes, "t.elf", &image, &diag) != SY_OK) {
        fail_msg("%s", base_diag_message(&diag));
    }
    return image;
}

static void expect_refused(const void *bytes, size_t n_bytes, const char *message)
{
    isa_image image = {0};
    base_diag diag = {0};
    assert_int_equal(isa_image_decode(arena, bytes, n_bytes, "t.elf", &image, &diag), SY_EFORMAT);
    if (strstr(base_diag_message(&diag), message) == NULL) {
        fail_msg("'%s', expected '%s'", base_diag_message(&diag), message);
    }
}

static const char two_parts[] =
    "nop\n_start: la t0, value\n nop\n.data\nvalue: .word 7, 8\n addi a0, a0, 1\nend: .byte 9";

static void test_round_trip(void **state)
{
    (void)state;
    static const uint32_t bases[] = {0, 0x80000000, 0x12340, 0xFFF00000};
    for (size_t k = 0; k < 4; k++) {
        const uint32_t base = bases[k];
        const isa_image made = assembled(two_parts, base);
        base_buf bytes = {0};
        base_diag diag = {0};
        assert_ok(isa_image_encode(&made, &bytes, &diag));
        const isa_image read = decoded(&bytes);
        assert_int_equal(read.n_segments, 2);
        assert_int_equal(read.entry, base + 4);
        assert_false(read.compressed);
        for (size_t i = 0; i < 2; i++) {
            assert_int_equal(read.segments[i].address, base + (i == 0 ? 0 : ISA_ASM_IMAGE_TEXT));
            assert_int_equal(read.segments[i].n_bytes, made.segments[i].n_bytes);
            assert_memory_equal(read.segments[i].data, made.segments[i].data,
                                made.segments[i].n_data);
        }
        uint32_t address = 0;
        assert_true(isa_image_find(&read, "value", &address));
        assert_int_equal(address, base + ISA_ASM_IMAGE_TEXT);
        assert_true(isa_image_find(&read, "end", &address));
        assert_int_equal(address, base + ISA_ASM_IMAGE_TEXT + 12);
        assert_false(isa_image_find(&read, "nothing", &address));
        base_buf_free(&bytes);
    }
}

static void test_asm_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t base;
        const char *message;
    } cases[] = {
        {"nop", 2, "expected a multiple of 4"},
        {"", 0, "the image is empty"},
        {"nop\n.dram 0\n.word 1", 0, "an image has no .dram"},
        {".entry x\nnop\n.data\nx: .word 0", 0, "no label of .text"},
        {".zero 65537", 0, "t.s:1:"},
        {".zero 65536\n.data\n.byte 1", 0xFFFF0000, "t.s:3:"},
        {"nop\n.data\n.byte 1\nnop", 0, "no multiple of 4"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        isa_image image = {0};
        base_diag diag = {0};
        assert_int_not_equal(
            isa_assemble_image(arena, cases[i].text, "t.s", cases[i].base, &image, NULL, &diag),
            SY_OK);
        if (strstr(base_diag_message(&diag), cases[i].message) == NULL) {
            fail_msg("%s: '%s', expected '%s'", cases[i].text, base_diag_message(&diag),
                     cases[i].message);
        }
    }
}

/* What files of other toolchains have, and what no file may. */
static void test_files(void **state)
{
    (void)state;
    const isa_image made = assembled(two_parts, 0x80000000);
    base_buf bytes = {0};
    base_diag diag = {0};
    assert_ok(isa_image_encode(&made, &bytes, &diag));
    uint8_t *const h = (uint8_t *)bytes.data;
    uint8_t *const p = h + sizeof(Elf32_Ehdr); /* two program headers */

    base_set_le32(h + offsetof(Elf32_Ehdr, e_flags), EF_RISCV_RVC);
    assert_true(decoded(&bytes).compressed);

    /* Loaded where p_paddr says; the virtual address is nobody's business. */
    base_set_le32(p + offsetof(Elf32_Phdr, p_vaddr), 0x1000);
    assert_int_equal(decoded(&bytes).segments[0].address, 0x80000000);

    /* Zeros behind the file's bytes. */
    base_set_le32(p + offsetof(Elf32_Phdr, p_memsz), 0x8000);
    assert_int_equal(decoded(&bytes).segments[0].n_bytes, 0x8000);
    assert_int_equal(decoded(&bytes).segments[0].n_data, made.segments[0].n_data);

    base_set_le32(p + offsetof(Elf32_Phdr, p_memsz), 0x10001);
    expect_refused(h, bytes.n_bytes, "segments at 0x80000000 and 0x80010000 overlap");
    base_set_le32(p + offsetof(Elf32_Phdr, p_memsz), 0x80000001);
    expect_refused(h, bytes.n_bytes, "passes 4 GiB");
    base_set_le32(p + offsetof(Elf32_Phdr, p_memsz), 1);
    expect_refused(h, bytes.n_bytes, "bytes in the file, 1 in memory");
    base_set_le32(p + offsetof(Elf32_Phdr, p_type),
                  0x70000003); /* PT_RISCV_ATTRIBUTES of GNU ld: in no memory */
    base_set_le32(p + offsetof(Elf32_Phdr, p_memsz), 0);
    assert_int_equal(decoded(&bytes).n_segments, 1);
    base_set_le32(p + sizeof(Elf32_Phdr) + offsetof(Elf32_Phdr, p_memsz), 0);
    base_set_le32(p + sizeof(Elf32_Phdr) + offsetof(Elf32_Phdr, p_filesz), 0);
    expect_refused(h, bytes.n_bytes, "no segment to load");
    h[offsetof(Elf32_Ehdr, e_machine)] = EM_386;
    expect_refused(h, bytes.n_bytes, "ELF machine 3");
    expect_refused("\x7F"
                   "ELF",
                   4, "not an ELF file");
    base_buf_free(&bytes);
}

/* Any bytes: read, or refused with a line; every segment lies in the file. */
static void test_random_bytes(void **state)
{
    (void)state;
    const isa_image made = assembled(two_parts, 0x80000000);
    base_buf bytes = {0};
    base_diag diag = {0};
    assert_ok(isa_image_encode(&made, &bytes, &diag));
    uint8_t *copy = malloc(bytes.n_bytes);
    unsigned n_read = 0;
    assert_non_null(copy);
    for (uint64_t k = 0; k < 20000; k++) {
        base_arena *own = base_arena_create();
        isa_image image = {0};
        base_diag why = {0};
        size_t n = bytes.n_bytes;
        memcpy(copy, bytes.data, n);
        for (uint64_t i = 0; i <= k % 4; i++) {
            const uint64_t random = base_rng_u64(1, k, i);
            copy[random % (k % 2 == 0 ? n : 160)] = (uint8_t)(random >> 32);
        }
        n = k % 7 == 0 ? base_rng_u64(2, k, 0) % n : n;
        const sy_status status = isa_image_decode(own, copy, n, "t.elf", &image, &why);
        if (status == SY_OK) {
            n_read++;
            for (size_t i = 0; i < image.n_segments; i++) {
                const isa_segment *s = &image.segments[i];
                assert_true(s->n_data == 0 ||
                            (s->data >= copy && s->n_data <= n && s->data + s->n_data <= copy + n));
            }
        } else {
            assert_int_equal(status, SY_EFORMAT);
            assert_true(strncmp(base_diag_message(&why), "t.elf: ", 7) == 0);
        }
        base_arena_destroy(own);
    }
    assert_true(n_read > 1000 && n_read < 19000);
    free(copy);
    base_buf_free(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_asm_refusals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_random_bytes, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
