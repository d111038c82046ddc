// timeout: 300
/*
 * arithmetic.c -- register, immediate and upper-immediate instructions of rv32im: corner operands,
 * every register, x0; both models in lockstep.
 *
 * What is expected is computed here, in 64-bit arithmetic, from the RISC-V specification.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core_suite.h"

static uint32_t high(int64_t product)
{
    return (uint32_t)((uint64_t)product >> 32);
}

static int64_t truncated(int64_t a, int64_t b, bool remainder)
{
    if (b == 0) {
        return remainder ? a : -1;
    }
    return remainder ? a % b : a / b;
}

static uint32_t add(uint32_t a, uint32_t b)
{
    return a + b;
}
static uint32_t sub(uint32_t a, uint32_t b)
{
    return a - b;
}
static uint32_t sll(uint32_t a, uint32_t b)
{
    return (uint32_t)((uint64_t)a << (b % 32));
}
static uint32_t slt(uint32_t a, uint32_t b)
{
    return (a ^ 0x80000000) < (b ^ 0x80000000);
}
static uint32_t sltu(uint32_t a, uint32_t b)
{
    return a < b;
}
static uint32_t bit_xor(uint32_t a, uint32_t b)
{
    return a ^ b;
}
static uint32_t srl(uint32_t a, uint32_t b)
{
    return a >> (b % 32);
}
static uint32_t sra(uint32_t a, uint32_t b)
{
    return (uint32_t)(((uint64_t)0 - (a >> 31)) << 32 >> (b % 32)) | a >> (b % 32);
}
static uint32_t bit_or(uint32_t a, uint32_t b)
{
    return a | b;
}
static uint32_t bit_and(uint32_t a, uint32_t b)
{
    return a & b;
}
static uint32_t mul(uint32_t a, uint32_t b)
{
    return (uint32_t)((uint64_t)a * b);
}
static uint32_t mulh(uint32_t a, uint32_t b)
{
    return high((int64_t)(int32_t)a * (int32_t)b);
}
static uint32_t mulhsu(uint32_t a, uint32_t b)
{
    return high((int64_t)(int32_t)a * (int64_t)b);
}
static uint32_t mulhu(uint32_t a, uint32_t b)
{
    return (uint32_t)((uint64_t)a * b >> 32);
}
static uint32_t div_(uint32_t a, uint32_t b)
{
    return (uint32_t)truncated((int32_t)a, (int32_t)b, false);
}
static uint32_t divu(uint32_t a, uint32_t b)
{
    return (uint32_t)truncated(a, b, false);
}
static uint32_t rem(uint32_t a, uint32_t b)
{
    return (uint32_t)truncated((int32_t)a, (int32_t)b, true);
}
static uint32_t remu(uint32_t a, uint32_t b)
{
    return (uint32_t)truncated(a, b, true);
}

typedef struct operation {
    const char *name;
    uint32_t (*value)(uint32_t a, uint32_t b);
} operation;

static const operation registers_ops[] = {
    {"add", add},     {"sub", sub},   {"sll", sll},       {"slt", slt},     {"sltu", sltu},
    {"xor", bit_xor}, {"srl", srl},   {"sra", sra},       {"or", bit_or},   {"and", bit_and},
    {"mul", mul},     {"mulh", mulh}, {"mulhsu", mulhsu}, {"mulhu", mulhu}, {"div", div_},
    {"divu", divu},   {"rem", rem},   {"remu", remu},
};
static const operation immediate_ops[] = {
    {"addi", add},     {"slti", slt},   {"sltiu", sltu},
    {"xori", bit_xor}, {"ori", bit_or}, {"andi", bit_and},
};
static const operation shift_ops[] = {{"slli", sll}, {"srli", srl}, {"srai", sra}};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void expect(const char *what, uint32_t a, uint32_t b, uint32_t got, uint32_t want)
{
    if (got != want) {
        fail_msg("%s of 0x%08x, 0x%08x: 0x%08x, expected 0x%08x", what, (unsigned)a, (unsigned)b,
                 (unsigned)got, (unsigned)want);
    }
}

/* Each operation on each pair of corners; the result over a third register, the first operand, the
 * second. */
static void test_pairs(void **state)
{
    (void)state;
    static const char *const forms[] = {"a0, a1, a2", "a1, a1, a2", "a2, a1, a2"};
    static const char *const results[] = {"a0", "a1", "a2"};
    for (size_t k = 0; k < COUNT(registers_ops); k++) {
        const size_t form = k % COUNT(forms);
        const operation *op = &registers_ops[k];
        line("_start: li s0, corners; li s2, results; li s3, results - corners; add s3, s3, s0");
        line("outer: li s1, corners");
        line("inner: lw a1, 0(s0); lw a2, 0(s1); %s %s; sw %s, 0(s2)", op->name, forms[form],
             results[form]);
        line(" addi s2, s2, 4; addi s1, s1, 4; bne s1, s3, inner; addi s0, s0, 4; bne s0, s3, "
             "outer; core.halt zero");
        suite_corner_data();
        line("results: .zero %d", 4 * SUITE_CORNERS * SUITE_CORNERS);
        suite_run_to_halt();
        for (uint32_t i = 0; i < SUITE_CORNERS * SUITE_CORNERS; i++) {
            const uint32_t a = suite_corners[i / SUITE_CORNERS];
            const uint32_t b = suite_corners[i % SUITE_CORNERS];
            expect(op->name, a, b, suite_word(ISA_DMEM_BASE + 4 * (SUITE_CORNERS + i)),
                   op->value(a, b));
        }
    }
}

/* Each immediate at each corner. */
static void check_immediates(const operation *op, const int32_t *immediates, size_t n)
{
    line("_start: li s0, corners; li s2, results; mv s3, s2");
    line("loop: lw a1, 0(s0)");
    for (size_t i = 0; i < n; i++) {
        line(" %s a0, a1, %d; sw a0, %zu(s2)", op->name, (int)immediates[i], 4 * i);
    }
    line(" addi s2, s2, %zu; addi s0, s0, 4; bne s0, s3, loop; core.halt zero", 4 * n);
    suite_corner_data();
    line("results: .zero %zu", 4 * n * SUITE_CORNERS);
    suite_run_to_halt();
    for (size_t i = 0; i < n * SUITE_CORNERS; i++) {
        const uint32_t a = suite_corners[i / n];
        const uint32_t b = (uint32_t)immediates[i % n];
        expect(op->name, a, b, suite_word((uint32_t)(ISA_DMEM_BASE + 4 * (SUITE_CORNERS + i))),
               op->value(a, b));
    }
}

static void test_immediates(void **state)
{
    (void)state;
    static const int32_t immediates[] = {0,    1,    2,  31, 32,  0x155, 0x2AA, 1023,  1024,
                                         2046, 2047, -1, -2, -32, -1024, -1365, -2047, -2048};
    int32_t shifts[32];
    for (int32_t i = 0; i < 32; i++) {
        shifts[i] = i;
    }
    for (size_t k = 0; k < COUNT(immediate_ops); k++) {
        check_immediates(&immediate_ops[k], immediates, COUNT(immediates));
    }
    for (size_t k = 0; k < COUNT(shift_ops); k++) {
        check_immediates(&shift_ops[k], shifts, COUNT(shifts));
    }
}

static void test_upper(void **state)
{
    (void)state;
    static const uint32_t uppers[] = {0,       1,       0x7FF,   0x800,   0x12345,
                                      0x55555, 0x7FFFF, 0x80000, 0xAAAAA, 0xFFFFF};
    line("_start: li s0, results");
    for (size_t i = 0; i < COUNT(uppers); i++) {
        line(" lui a0, %u; sw a0, %zu(s0)", (unsigned)uppers[i], 8 * i);
        line("here%zu: auipc a0, %u; sw a0, %zu(s0)", i, (unsigned)uppers[i], 8 * i + 4);
    }
    line(" lui x0, 0x12345; auipc x0, 0x12345; sw x0, %zu(s0); core.halt zero", 8 * COUNT(uppers));
    line(".data\nresults: .zero 128");
    suite_run_to_halt();
    for (size_t i = 0; i < COUNT(uppers); i++) {
        char label[16];
        (void)snprintf(label, sizeof label, "here%zu", i);
        const uint32_t upper = uppers[i] << 12;
        expect("lui", uppers[i], 0, suite_word((uint32_t)(ISA_DMEM_BASE + 8 * i)), upper);
        expect("auipc", uppers[i], 0, suite_word((uint32_t)(ISA_DMEM_BASE + 8 * i + 4)),
               suite_label(label) + upper);
    }
    assert_int_equal(suite_word(ISA_DMEM_BASE + 8 * COUNT(uppers)), 0);
}

/* Each register in each role; x0 reads 0 and stays 0. */
static void test_registers(void **state)
{
    (void)state;
    static const operation ops[] = {{"add", add}, {"sub", sub},       {"sltu", sltu},
                                    {"sra", sra}, {"mulhsu", mulhsu}, {"rem", rem}};
    for (size_t k = 0; k < COUNT(ops); k++) {
        uint32_t want[32 * 3];
        unsigned n = 0;
        line("_start:");
        for (unsigned r = 0; r < 32; r++) {
            for (unsigned role = 0; role < 3; role++) {
                /* the others: two neighbours, or x0 and the register itself for some */
                const unsigned rd = role == 0 ? r : (r + 5) % 32;
                const unsigned rs1 = role == 1 ? r : (r + 11) % 32;
                const unsigned rs2 = role == 2 ? r : (r % 8 == 7 ? rs1 : (r + 17) % 32);
                const unsigned base = rd == 31 ? 30 : 31;
                const uint32_t a = 0x89ABCDEF + 0x01010101 * r;
                const uint32_t b = 0x00000013 + 0x11111111 * r;
                uint32_t x[32] = {0};
                line(" li x%u, 0x%x; li x%u, 0x%x; %s x%u, x%u, x%u; li x%u, results; sw x%u, "
                     "%u(x%u)",
                     rs1, (unsigned)a, rs2, (unsigned)b, ops[k].name, rd, rs1, rs2, base, rd, 4 * n,
                     base);
                x[rs1] = a;
                x[rs2] = b;
                x[0] = 0;
                want[n++] = rd == 0 ? 0 : ops[k].value(x[rs1], x[rs2]);
            }
        }
        line(" core.halt zero\n.data\nresults: .zero %u", 4 * n);
        suite_run_to_halt();
        for (unsigned i = 0; i < n; i++) {
            expect(ops[k].name, i / 3, i % 3, suite_word(ISA_DMEM_BASE + 4 * i), want[i]);
        }
    }
}

static bool mine(isa_format format)
{
    return format == ISA_FORMAT_R || format == ISA_FORMAT_I || format == ISA_FORMAT_SHIFT ||
           format == ISA_FORMAT_U;
}

static void test_covered(void **state)
{
    (void)state;
    suite_check_covered(mine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs),   cmocka_unit_test(test_immediates),
        cmocka_unit_test(test_upper),   cmocka_unit_test(test_registers),
        cmocka_unit_test(test_covered),
    };
    return cmocka_run_group_tests(tests, suite_open, suite_close);
}
