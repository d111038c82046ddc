// timeout: 300
/*
 * memory.c -- loads and stores of rv32im: each size at each byte, signs, neighbours, offsets, the
 * ends of DMEM; both models in lockstep.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core_suite.h"

static const struct {
    const char *name;
    unsigned size;
    bool is_signed;
} loads[] = {
    {"lb", 1, true}, {"lbu", 1, false}, {"lh", 2, true}, {"lhu", 2, false}, {"lw", 4, false}};
enum { N_LOADS = sizeof loads / sizeof loads[0] };

static const struct {
    const char *name;
    unsigned size;
} stores[] = {{"sb", 1}, {"sh", 2}, {"sw", 4}};
enum { N_STORES = sizeof stores / sizeof stores[0] };

static uint32_t loaded(const uint8_t *bytes, unsigned size, bool is_signed)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < size; i++) {
        value |= (uint32_t)bytes[i] << 8 * i;
    }
    return is_signed && bytes[size - 1] >= 0x80 ? value | ~(UINT32_C(0xFFFFFFFF) >> (32 - 8 * size))
                                                : value;
}

/* Every load from every aligned byte of the corners. */
static void test_loads(void **state)
{
    (void)state;
    uint8_t bytes[4 * SUITE_CORNERS];
    for (int i = 0; i < SUITE_CORNERS; i++) {
        base_set_le32(bytes + 4 * i, suite_corners[i]);
    }
    for (size_t k = 0; k < N_LOADS; k++) {
        const unsigned n = 4 * SUITE_CORNERS / loads[k].size;
        line("_start: li s0, corners; li s1, results; mv s2, s1");
        line("loop: %s a0, 0(s0); sw a0, 0(s1); addi s0, s0, %u; addi s1, s1, 4; bne s0, s2, loop; "
             "core.halt zero",
             loads[k].name, loads[k].size);
        suite_corner_data();
        line("results: .zero %u", 4 * n);
        suite_run_to_halt();
        for (unsigned i = 0; i < n; i++) {
            const uint32_t got = suite_word(ISA_DMEM_BASE + 4 * (SUITE_CORNERS + i));
            const uint32_t want = loaded(bytes + i * loads[k].size, loads[k].size,
                                         loads[k].is_signed);
            if (got != want) {
                fail_msg("%s of byte %u: 0x%08x, expected 0x%08x", loads[k].name, i * loads[k].size,
                         (unsigned)got, (unsigned)want);
            }
        }
    }
}

/* Every store of every corner to each byte that it can, between bytes that must stay. */
static void test_stores(void **state)
{
    (void)state;
    for (size_t k = 0; k < N_STORES; k++) {
        const unsigned size = stores[k].size;
        const unsigned n_places = 4 / size;
        line("_start: li s0, corners; li s1, results; li s2, results");
        line("loop: lw a0, 0(s0)");
        for (unsigned i = 0; i < n_places; i++) {
            line(" %s a0, %u(s1)", stores[k].name, 12 * i + 4 + i * size);
        }
        line(" addi s1, s1, %u; addi s0, s0, 4; bne s0, s2, loop; core.halt zero", 12 * n_places);
        suite_corner_data();
        line("results:");
        for (unsigned i = 0; i < SUITE_CORNERS * n_places; i++) {
            line(" .word 0xA5A5A5A5, 0x5A5A5A5A, 0xC3C3C3C3");
        }
        suite_run_to_halt();
        for (unsigned i = 0; i < SUITE_CORNERS * n_places; i++) {
            uint8_t want[12] = {0xA5, 0xA5, 0xA5, 0xA5, 0x5A, 0x5A,
                                0x5A, 0x5A, 0xC3, 0xC3, 0xC3, 0xC3};
            uint8_t got[12];
            for (unsigned b = 0; b < size; b++) {
                want[4 + i % n_places * size + b] = (uint8_t)(suite_corners[i / n_places] >> 8 * b);
            }
            assert_ok(
                sim_machine_read(suite.sim, SIM_DMEM, 4 * SUITE_CORNERS + 12 * i, got, sizeof got));
            assert_memory_equal(got, want, sizeof want);
        }
    }
}

/* The farthest offsets, a base that wraps around, x0 as base and as target, rd = rs1, rs1 = rs2,
 * the ends of DMEM. */
static void test_addresses(void **state)
{
    (void)state;
    const uint32_t end = ISA_DMEM_BASE + suite.config.dmem_bytes;
    line("_start: li s0, 0x10000800; li s1, 0x%x; li s2, results", (unsigned)end);
    line(" li a0, 0x01020304; sw a0, -2048(s0); lw a1, -2048(s0); sw a1, 0(s2)");
    line(" li a0, 0x05060708; addi s3, s0, -4; sw a0, 2044(s3); lw a1, 2044(s3); sw a1, 4(s2)");
    line(" li a0, 0x9A; sb a0, 2047(s3); lbu a1, 2047(s3); sw a1, 8(s2); lb a1, 2047(s3); sw a1, "
         "12(s2)");
    line(" li a0, 0x11121314; sw a0, -4(s1); lw a1, -4(s1); sw a1, 16(s2); lbu a1, -1(s1); sw a1, "
         "20(s2)"); /* the last word and byte */
    line(
        " li s4, 0x10000000; lw a1, 0(s4); sw a1, 24(s2); lb a1, 3(s4); sw a1, 28(s2)"); /* the
                                                                                            first */
    line(" mv a0, s2; lw a0, 0(a0); sw a0, 32(s2)"); /* rd = rs1 */
    line(" addi a0, s2, 36; sw a0, 0(a0)");          /* rs1 = rs2 */
    line(" lw x0, 0(s2); sw x0, 40(s2)");            /* the load is made, x0 stays */
    line(" li a0, -1; lw a0, 4(s2); mul a1, a0, a0; sw a1, 44(s2)"); /* used by the very next
                                                                        instruction */
    line(" sw a0, 48(s2); lw a1, 48(s2); sw a1, 52(s2)"); /* load right behind the store */
    line(" sb a0, 57(s2); sh a0, 58(s2); lw a1, 56(s2); sw a1, 60(s2); core.halt zero");
    line(".data\n first: .word 0x7F808182\n .zero 4092\nresults: .zero 64");
    suite_run_to_halt();
    const uint32_t at = ISA_DMEM_BASE + 4096;
    const uint32_t want[16] = {
        0x01020304, 0x05060708, 0x9A,       0xFFFFFF9A,
        0x11121314, 0x11,       0x01020304, 0x01,
        0x01020304, at + 36,    0,          0x05060708 * UINT32_C(0x05060708),
        0x05060708, 0x05060708, 0x07080800, 0x07080800};
    for (unsigned i = 0; i < 16; i++) {
        if (suite_word(at + 4 * i) != want[i]) {
            fail_msg("result %u: 0x%08x, expected 0x%08x", i, (unsigned)suite_word(at + 4 * i),
                     (unsigned)want[i]);
        }
    }
}

static bool mine(isa_format format)
{
    return format == ISA_FORMAT_STORE;
}

static void test_covered(void **state)
{
    (void)state;
    suite_check_covered(mine);
    for (isa_op op = ISA_OP_LB; op <= ISA_OP_LHU; op++) {
        assert_true(suite.covered[op]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loads),
        cmocka_unit_test(test_stores),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_covered),
    };
    return cmocka_run_group_tests(tests, suite_open, suite_close);
}
