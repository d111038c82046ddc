/*
 * sim_kernels.c -- every kernel set against the definition, on random commands: the same bits in SPM and ACC.
 *
 *     sim_kernels [first seed] [number of seeds]
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "random_program.h"
#include "test.h"

#include "../../simulator/kernels/kernels.h"

#define SPM_BYTES (1u << 18)
#define ACC_BYTES (1u << 18)

static uint64_t first_seed = 1;
static uint64_t n_seeds = 1500;

/* One set's memories. */
typedef struct memories {
    uint8_t spm[SPM_BYTES];
    uint32_t acc[ACC_BYTES / 4];
} memories;

static memories start;
static memories want;
static memories got;
static uint32_t row_registers[SIM_N_ROW_REGISTERS * 128];
static uint8_t taps[SIM_N_TAPS * 2 * 128];
static int8_t table[SIM_TABLE_ENTRIES];
static _Alignas(64) uint8_t scratch[SIM_SCRATCH_BYTES];
static random_program p;

/* A bf16: of moderate size; of any bits; tiny, so that products are below fp32's range; huge, so that they are above. */
static uint16_t random_bf16(uint32_t kind, uint64_t bits)
{
    static const uint32_t exponents[4][2] = {{119, 16}, {0, 256}, {50, 20}, {186, 20}}; /* first, number */
    const uint32_t exponent = exponents[kind][0] + (uint32_t)(bits >> 32) % exponents[kind][1];
    return (uint16_t)((bits & 0x807F) | exponent << 7);
}

/* Integers, small and large, and floats of all kinds. */
static void fill(uint64_t seed)
{
    p.rng = base_rng_make(seed, 3);
    const uint32_t spm_kind = random_below(&p, 5);
    for (size_t i = 0; i < SPM_BYTES; i += 8) {
        const uint64_t bits = base_rng_u64(seed, 4, i);
        memcpy(start.spm + i, &bits, 8);
        for (size_t k = 0; spm_kind > 0 && k < 8; k += 2) {
            const uint16_t element = random_bf16(spm_kind - 1, base_rng_u64(seed, 7, i + k));
            memcpy(start.spm + i + k, &element, 2);
        }
    }
    const uint32_t kind = random_below(&p, 3);
    for (size_t i = 0; i < ACC_BYTES / 4; i++) {
        const uint64_t bits = base_rng_u64(seed, 5, i);
        const float x = (float)((double)(int32_t)bits / 65536.0);
        memcpy(&start.acc[i], &x, 4);
        if (kind == 0 || (kind == 2 && bits >> 60 == 0)) {
            start.acc[i] = (uint32_t)bits;
        }
    }
    for (size_t i = 0; i < SIM_N_ROW_REGISTERS * 128; i++) {
        row_registers[i] = random_one_in(&p, 3) ? random_s32(&p) : random_f32(&p);
    }
    for (size_t i = 0; i < sizeof taps; i++) {
        taps[i] = (uint8_t)base_rng_next(&p.rng);
    }
    for (size_t i = 0; i < sizeof table; i++) {
        table[i] = (int8_t)base_rng_next(&p.rng);
    }
}

static void config_for(uint64_t seed)
{
    isa_config_default(&p.config);
    p.config.d = 4u << seed % 6;
    p.config.spm_banks = 16;
    p.config.spm_bank_bytes = SPM_BYTES / 16;
    p.config.acc_banks = 16;
    p.config.acc_bank_bytes = ACC_BYTES / 16;
    p.config.element = seed / 6 % 2 == 0 ? ISA_ELEMENT_INT8 : ISA_ELEMENT_BF16;
}

static sim_matmul matmul_job(const uint32_t *r, bool transposed)
{
    return (sim_matmul){
        .spm = got.spm,
        .acc = (int32_t *)(void *)got.acc,
        .scratch = scratch,
        .d = p.config.d,
        .bf16 = p.config.element == ISA_ELEMENT_BF16,
        .a = sim_command_walk(&p.config, ISA_UNIT_MXU, 0, r, SIM_ROLE_A),
        .c = sim_command_walk(&p.config, ISA_UNIT_MXU, 0, r, SIM_ROLE_ACC),
        .n_planes = r[ISA_MXU_PLANES],
        .a_plane = (int32_t)r[ISA_MXU_A_PLANE],
        .w_base = r[ISA_MXU_W_BASE],
        .w_plane = (int32_t)r[ISA_MXU_W_PLANE],
        .a_zero = (int32_t)r[ISA_MXU_A_ZERO],
        .w_zero = (int32_t)r[ISA_MXU_W_ZERO],
        .transposed = transposed,
        .accumulate = (r[ISA_MXU_FLAGS] & 1) != 0,
        .a_unsigned = (r[ISA_MXU_FLAGS] & 2) != 0,
        .w_unsigned = (r[ISA_MXU_FLAGS] & 4) != 0,
    };
}

static sim_vec vec_job(const uint32_t *r)
{
    return (sim_vec){
        .spm = got.spm,
        .acc = got.acc,
        .row_registers = row_registers,
        .taps = taps,
        .table = table,
        .scratch = scratch,
        .d = p.config.d,
        .bf16 = p.config.element == ISA_ELEMENT_BF16,
        .regs = r,
        .a = sim_command_walk(&p.config, ISA_UNIT_VPU, ISA_F7_VPU_VEC, r, SIM_ROLE_A),
        .b = sim_command_walk(&p.config, ISA_UNIT_VPU, ISA_F7_VPU_VEC, r, SIM_ROLE_B),
        .out = sim_command_walk(&p.config, ISA_UNIT_VPU, ISA_F7_VPU_VEC, r, SIM_ROLE_OUT),
        .out2 = sim_command_walk(&p.config, ISA_UNIT_VPU, ISA_F7_VPU_VEC, r, SIM_ROLE_OUT2),
    };
}

/* Runs a set from the same start; got is what it leaves. */
static void run(const sim_kernel_set *set, const sim_matmul *matmul, const sim_vec *vec)
{
    memcpy(&got, &start, sizeof got);
    if (matmul != NULL) {
        set->matmul(matmul);
    } else {
        set->vec(vec);
    }
}

static void compare(const sim_kernel_set *set, const char *what, uint64_t seed)
{
    for (size_t i = 0; i < SPM_BYTES; i++) {
        if (got.spm[i] != want.spm[i]) {
            fail_msg("%s %s, seed %llu, D %u: SPM byte %zu is %u, expected %u", set->name, what, (unsigned long long)seed,
                     p.config.d, i, got.spm[i], want.spm[i]);
        }
    }
    for (size_t i = 0; i < ACC_BYTES / 4; i++) {
        if (got.acc[i] != want.acc[i]) {
            fail_msg("%s %s, seed %llu, D %u: ACC word %zu is 0x%08x, expected 0x%08x", set->name, what,
                     (unsigned long long)seed, p.config.d, i, got.acc[i], want.acc[i]);
        }
    }
}

/* A legal command of a unit in p.regs; false if none was found. */
static bool make_command(isa_unit unit, uint32_t funct7)
{
    for (unsigned tries = 0; tries < 100; tries++) {
        if (unit == ISA_UNIT_MXU) {
            random_mxu(&p, p.regs[unit]);
        } else {
            random_vpu(&p, p.regs[unit]);
        }
        if (sim_check(&p.config, unit, funct7, p.regs[unit]) == ISA_ERROR_NONE) {
            return true;
        }
    }
    return false;
}

static void check_set(const sim_kernel_set *set, isa_unit unit)
{
    memset(p.regs, 0, sizeof p.regs);
    unsigned n_done = 0;
    for (uint64_t seed = first_seed; seed < first_seed + n_seeds; seed++) {
        config_for(seed);
        p.config.element = unit == ISA_UNIT_VPU && seed / 6 % 2 == 1 ? ISA_ELEMENT_BF16 : ISA_ELEMENT_INT8;
        if (seed % 16 == 1 || seed == first_seed) {
            fill(seed);
        }
        p.rng = base_rng_make(seed, 6);
        const uint32_t funct7 = unit == ISA_UNIT_MXU ? ISA_F7_MXU_MATMUL : ISA_F7_VPU_VEC;
        if (!make_command(unit, funct7)) {
            continue;
        }
        const sim_matmul matmul = matmul_job(p.regs[ISA_UNIT_MXU], random_one_in(&p, 3));
        const sim_vec vec = vec_job(p.regs[ISA_UNIT_VPU]);
        run(&sim_kernels_scalar, unit == ISA_UNIT_MXU ? &matmul : NULL, &vec);
        memcpy(&want, &got, sizeof want);
        run(set, unit == ISA_UNIT_MXU ? &matmul : NULL, &vec);
        compare(set, unit == ISA_UNIT_MXU ? "matmul" : "vec", seed);
        n_done++;
    }
    assert_true(n_done > n_seeds / 3);
}

static void test_portable_matmul(void **state)
{
    (void)state;
    check_set(&sim_kernels_portable, ISA_UNIT_MXU);
}

static void test_portable_vec(void **state)
{
    (void)state;
    check_set(&sim_kernels_portable, ISA_UNIT_VPU);
}

static void test_avx2_matmul(void **state)
{
    (void)state;
    if (sim_kernels_avx2() == NULL) {
        skip();
    }
    check_set(sim_kernels_avx2(), ISA_UNIT_MXU);
}

static void test_avx2_vec(void **state)
{
    (void)state;
    if (sim_kernels_avx2() == NULL) {
        skip();
    }
    check_set(sim_kernels_avx2(), ISA_UNIT_VPU);
}

static void test_vnni_matmul(void **state)
{
    (void)state;
    if (sim_kernels_vnni() == NULL) {
        skip();
    }
    check_set(sim_kernels_vnni(), ISA_UNIT_MXU);
}

static void test_vnni_vec(void **state)
{
    (void)state;
    if (sim_kernels_vnni() == NULL) {
        skip();
    }
    check_set(sim_kernels_vnni(), ISA_UNIT_VPU);
}

/* All of a block's weights and activations at their extremes: the sums wrap, and nothing saturates on the way. */
static void test_extremes(void **state)
{
    (void)state;
    config_for(2);
    memset(start.spm, 0x80, SPM_BYTES);
    memset(start.acc, 0x7F, ACC_BYTES);
    uint32_t *r = p.regs[ISA_UNIT_MXU];
    for (uint32_t flags = 0; flags < 8; flags++) {
        memset(r, 0, sizeof p.regs[0]);
        r[ISA_MXU_PLANES] = 1000;
        r[ISA_MXU_N0] = 3;
        r[ISA_MXU_N1] = r[ISA_MXU_N2] = r[ISA_MXU_N3] = r[ISA_MXU_C_S0] = 1;
        r[ISA_MXU_FLAGS] = flags;
        r[ISA_MXU_A_ZERO] = (flags & 2) != 0 ? 0 : 127;
        r[ISA_MXU_W_ZERO] = (flags & 4) != 0 ? 255 : 127;
        const sim_matmul job = matmul_job(r, false);
        run(&sim_kernels_scalar, &job, NULL);
        memcpy(&want, &got, sizeof want);
        run(&sim_kernels_portable, &job, NULL);
        compare(&sim_kernels_portable, "extremes", flags);
        if (sim_kernels_vnni() != NULL) {
            run(sim_kernels_vnni(), &job, NULL);
            compare(sim_kernels_vnni(), "extremes", flags);
        }
    }
}

int main(int argc, char **argv)
{
    if (argc > 1) first_seed = strtoull(argv[1], NULL, 10);
    if (argc > 2) n_seeds = strtoull(argv[2], NULL, 10);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_portable_matmul), cmocka_unit_test(test_portable_vec), cmocka_unit_test(test_avx2_matmul),
        cmocka_unit_test(test_avx2_vec),        cmocka_unit_test(test_vnni_matmul),  cmocka_unit_test(test_vnni_vec),
        cmocka_unit_test(test_extremes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
