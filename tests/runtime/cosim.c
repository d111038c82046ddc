/*
 * cosim.c -- lockstep: equal models agree, and a planted fault of one cycle, one bit or one
 * instruction in either is found.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include "systole/isa/asm.h"
#include "systole/isa/isa.h"
#include "systole/rt/cosim.h"

/* Loads rows, multiplies them, scales the sums, stores them; the units wait for one another. */
static const char program_text[] =
    ".text\n"
    "_start:\n"
    "    ld.setf  addr_lo=0, addr_hi=0, n0=4, n1=16, n2=1, n3=1, s1=4, s2=0, s3=0, flags=0, lo0=0, "
    "hi0=4, lo1=0, hi1=16\n"
    "    ld.setf  lo2=0, hi2=1, lo3=0, hi3=1, row_base=0, fill=0, m0=16, m1=1, m2=1, m3=1, t0=1, "
    "t1=0, t2=0, t3=0\n"
    "    li a0, 1\n"
    "    ld.load  a0\n"
    "    ld.post  zero\n"
    "    mxu.setf a_base=0, w_base=256, c_base=0, planes=2, a_plane=0, w_plane=4, n0=16, n1=1, "
    "n2=1, n3=1\n"
    "    mxu.setf a_s0=1, a_s1=0, a_s2=0, a_s3=0, c_s0=1, c_s1=0, c_s2=0, c_s3=0, flags=0, "
    "a_zero=3, w_zero=0\n"
    "    mxu.wait zero\n"
    "    li a0, 2\n"
    "    mxu.matmul a0\n"
    "    mxu.post a0\n"
    "    li a0, 2\n"
    "    vpu.wait a0\n"
    "    vpu.setf n0=16, n1=1, n2=1, n3=1, a_base=0, b_base=0, a_s0=1, o_base=512, o_s0=1\n"
    "    vpu.setf chain_in = a_src:acc_i32, chain_fp = mul1:imm, mul1_imm = 0.01, chain_out = "
    "out:spm, o_lo=-128, o_hi=127\n"
    "    li a0, 3\n"
    "    vpu.vec  a0\n"
    "    vpu.post a0\n"
    "    st.setf  addr_lo=1024, addr_hi=0, n0=4, n1=16, n2=1, n3=1, s1=4, s2=0, s3=0, flags=0, "
    "lo0=0, hi0=4, lo1=0, hi1=16\n"
    "    st.setf  lo2=0, hi2=1, lo3=0, hi3=1, row_base=512, m0=16, m1=1, m2=1, m3=1, t0=1, t1=0, "
    "t2=0, t3=0\n"
    "    st.wait  a0\n"
    "    li a0, 4\n"
    "    st.store a0\n"
    "    core.fence\n"
    "    core.halt zero\n";

/* ---------------------------------------------------------------- a model with a fault */

typedef enum fault {
    NO_FAULT,
    LATE_START,
    LATE_END,
    LOST_COMMAND,
    WRONG_TAG,
    LATE_INSTRUCTION,
    WRONG_PC,
    LATE_POP,
    WRONG_POP,
    LOST_POP,
    LATE_FIRE,
    ONE_BIT,
    ONE_COUNT
} fault;

typedef struct faulty {
    sim_machine base;
    sim_machine *inner;
    fault fault;
    sim_memory memory; /* ONE_BIT */
    const sim_observer *observer;
    unsigned n_pops; /* of the VPU */
} faulty;

static sy_status faulty_write(sim_machine *m, sim_memory memory, uint64_t address, const void *data,
                              size_t n_bytes)
{
    return sim_machine_write(((faulty *)m)->inner, memory, address, data, n_bytes);
}

static sy_status faulty_read(sim_machine *m, sim_memory memory, uint64_t address, void *data,
                             size_t n_bytes)
{
    faulty *f = (faulty *)m;
    const sy_status status = sim_machine_read(f->inner, memory, address, data, n_bytes);
    if (f->fault == ONE_BIT && memory == f->memory && address == 0) {
        ((uint8_t *)data)[n_bytes - 1] ^= 0x10;
    }
    return status;
}

static bool faulty_command(void *user, const sim_command_event *event)
{
    const faulty *f = user;
    sim_command_event changed = *event;
    if (event->tag == 3) {
        changed.start += f->fault == LATE_START;
        changed.end += f->fault == LATE_END;
        changed.tag += f->fault == WRONG_TAG;
        if (f->fault == LOST_COMMAND) {
            return true;
        }
    }
    return f->observer->command(f->observer->user, &changed);
}

static bool faulty_retire(void *user, uint32_t pc, uint64_t cycle)
{
    const faulty *f = user;
    return f->observer->retire(f->observer->user, pc + (f->fault == WRONG_PC && pc == 64 ? 4 : 0),
                               cycle + (f->fault == LATE_INSTRUCTION && pc == 64));
}

/* The second entry of the VPU's queue. */
static bool faulty_pop(void *user, const sim_queue_event *event)
{
    faulty *f = user;
    sim_queue_event changed = *event;
    if (event->unit == ISA_UNIT_VPU && f->n_pops++ == 1) {
        changed.cycle += f->fault == LATE_POP;
        changed.value ^= f->fault == WRONG_POP;
        if (f->fault == LOST_POP) {
            return true;
        }
    }
    return f->observer->pop(f->observer->user, &changed);
}

static bool faulty_fire(void *user, const sim_queue_event *event)
{
    const faulty *f = user;
    sim_queue_event changed = *event;
    changed.cycle += f->fault == LATE_FIRE && event->unit == ISA_UNIT_LD;
    return f->observer->fire(f->observer->user, &changed);
}

static sy_status faulty_run(sim_machine *m, const sim_run_options *options, sim_result *result,
                            base_diag *diag)
{
    faulty *f = (faulty *)m;
    const sim_observer observer = {
        .user = f, .command = faulty_command, .retire = faulty_retire, .pop = faulty_pop, .fire = faulty_fire};
    sim_run_options inner = *options;
    f->n_pops = 0;
    f->observer = options->observer;
    inner.observer = &observer;
    const sy_status status = sim_machine_run(f->inner, &inner, result, diag);
    result->counters[2][5] += f->fault == ONE_COUNT;
    return status;
}

static size_t faulty_explain(sim_machine *m, char *text, size_t n_bytes)
{
    return sim_machine_explain(((faulty *)m)->inner, text, n_bytes);
}

static void faulty_destroy(sim_machine *m)
{
    sim_machine_destroy(((faulty *)m)->inner);
}

static const sim_machine_ops faulty_ops = {faulty_write, faulty_read, faulty_run, faulty_explain,
                                           faulty_destroy};

/* ---------------------------------------------------------------- tests */

typedef struct pair {
    base_arena *arena;
    isa_program program;
    sim_machine *good;
    faulty bad;
} pair;

static void open_pair(pair *p)
{
    isa_config config;
    base_diag diag = {0};
    const rt_machine_options portable = {.portable = true};
    memset(p, 0, sizeof *p);
    p->arena = base_arena_create();
    assert_ok(isa_config_find("tiny", &config, &diag));
    if (isa_assemble(p->arena, program_text, "test.s", &p->program, NULL, &diag) != SY_OK) {
        fail_msg("%s", base_diag_message(&diag));
    }
    assert_ok(rt_machine_create(RT_MACHINE_SIM, &config, NULL, &p->good, &diag));
    assert_ok(rt_machine_create(RT_MACHINE_SIM, &config, &portable, &p->bad.inner, &diag));
    p->bad.base = (sim_machine){.ops = &faulty_ops, .name = "faulty", .config = config};
}

static void fill_pair(pair *p)
{
    base_diag diag = {0};
    assert_ok(rt_machine_fill(p->good, 5, 4096, &diag));
    assert_ok(rt_machine_fill(p->bad.inner, 5, 4096, &diag));
    assert_ok(rt_machine_load(p->good, &p->program, &diag));
    assert_ok(rt_machine_load(p->bad.inner, &p->program, &diag));
}

static void close_pair(pair *p)
{
    sim_machine_destroy(p->good);
    sim_machine_destroy(&p->bad.base);
    base_arena_destroy(p->arena);
}

static const char *name_layer(void *user, uint32_t tag)
{
    (void)user;
    return tag == 3 ? "scale" : NULL;
}

static rt_cosim_result run_pair(pair *p, bool bad_first)
{
    base_diag diag = {0};
    rt_cosim_result result;
    const rt_cosim_options options = {.run = {.entry = p->program.entry, .max_cycles = 100000},
                                      .dram_bytes = 4096,
                                      .layer = name_layer};
    fill_pair(p);
    sim_machine *first = bad_first ? &p->bad.base : p->good;
    sim_machine *second = bad_first ? p->good : &p->bad.base;
    if (rt_cosim(first, second, &options, &result, &diag) != SY_OK) {
        fail_msg("%s", base_diag_message(&diag));
    }
    return result;
}

static void test_equal(void **state)
{
    (void)state;
    pair p;
    open_pair(&p);
    const rt_cosim_result result = run_pair(&p, false);
    assert_string_equal(result.difference, "");
    assert_true(result.equal);
    assert_int_equal(result.results[0].end, SIM_END_DONE);
    assert_int_equal(result.n_commands, 4);
    assert_int_equal(result.n_instructions, result.results[0].retired);
    assert_true(result.n_bytes > 4096);
    close_pair(&p);
}

/* Each fault, in either model, is found, and its text names what and both sides. */
static void test_planted(void **state)
{
    (void)state;
    static const struct {
        fault fault;
        const char *text;
    } expected[] = {
        {LATE_START, "VPU command 0 (vpu.vec, tag 3, layer 'scale'"},
        {LATE_END, "VPU command 0 (vpu.vec, tag 3, layer 'scale'"},
        {LOST_COMMAND, "no such command"},
        {WRONG_TAG, "VPU command 0"},
        {LATE_INSTRUCTION, "pc 0x40 retired in cycle"},
        {WRONG_PC, "pc 0x44 retired in cycle"},
        {LATE_POP, "entry 1 of the queue of VPU differs"},
        {WRONG_POP, "entry 1 of the queue of VPU differs"},
        {LOST_POP, "entry 1 of the queue of VPU differs"},
        {LATE_FIRE, "POST 0 of LD differs"},
        {ONE_COUNT, "counter SEM of LD differs"},
    };
    pair p;
    open_pair(&p);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        for (int bad_first = 0; bad_first < 2; bad_first++) {
            p.bad.fault = expected[i].fault;
            const rt_cosim_result result = run_pair(&p, bad_first != 0);
            assert_false(result.equal);
            if (strstr(result.difference, expected[i].text) == NULL ||
                strstr(result.difference, "faulty: ") == NULL ||
                strstr(result.difference, "sim: ") == NULL) {
                fail_msg("fault %d: '%s' is not in '%s'", (int)expected[i].fault, expected[i].text,
                         result.difference);
            }
        }
    }
    close_pair(&p);
}

static void test_one_bit(void **state)
{
    (void)state;
    pair p;
    open_pair(&p);
    p.bad.fault = ONE_BIT;
    for (p.bad.memory = SIM_IMEM; p.bad.memory < SIM_N_MEMORIES; p.bad.memory++) {
        for (int bad_first = 0; bad_first < 2; bad_first++) {
            const rt_cosim_result result = run_pair(&p, bad_first != 0);
            assert_false(result.equal);
            assert_non_null(strstr(result.difference, rt_memory_name(p.bad.memory)));
            assert_non_null(strstr(result.difference, "differs at the end"));
        }
    }
    close_pair(&p);
}

/* At the limit, what has not ended is not compared, and nothing differs. */
static void test_limit(void **state)
{
    (void)state;
    pair p;
    base_diag diag = {0};
    open_pair(&p);
    for (uint64_t limit = 1; limit < 400; limit += 7) {
        rt_cosim_result result;
        const rt_cosim_options options = {.run = {.entry = p.program.entry, .max_cycles = limit},
                                          .dram_bytes = 4096};
        fill_pair(&p);
        assert_ok(rt_cosim(p.good, &p.bad.base, &options, &result, &diag));
        assert_string_equal(result.difference, "");
        assert_true(result.results[0].cycles <= limit);
    }
    close_pair(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal),
        cmocka_unit_test(test_planted),
        cmocka_unit_test(test_one_bit),
        cmocka_unit_test(test_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
