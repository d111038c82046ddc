/*
 * deadlock.c -- deadlocks of many kinds, and that each is explained: units, command numbers, semaphores, pc, source line, cause.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sim_test.h"
#include "systole/rt/machine.h"

static sim_test t;

static int set_up(void **state)
{
    (void)state;
    const isa_config config = test_small_config(); /* queues of 8 */
    test_create(&t, &config, (sim_options){0});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_destroy(&t);
    return 0;
}

/* One unit's command each; a command takes no registers but these. */
#define SETUP                                                                                                                   \
    "li s0, 0; li s1, 1; li s2, 2; li s3, 3; "                                                                                  \
    "mxu.setf w_base=256, planes=1, n0=2, n1=1, n2=1, n3=1, a_s0=1, c_s0=1; "                                                   \
    "vpu.setf n0=4, n1=1, n2=1, n3=1, chain_in=a_src:spm, chain_out=out:spm, a_s0=1, o_base=512, o_s0=1; "                      \
    "ld.setf n0=16, n1=1, n2=1, n3=1, hi0=16, hi1=1, hi2=1, hi3=1, m0=4, m1=1, m2=1, m3=1, t0=1; "                              \
    "st.setf n0=16, n1=1, n2=1, n3=1, hi0=16, hi1=1, hi2=1, hi3=1, m0=4, m1=1, m2=1, m3=1, t0=1; core.fence\n"

static base_diag why;
static isa_program program;

static const char *layer(void *user, uint32_t tag)
{
    (void)user;
    return tag == 3 ? "conv" : NULL;
}

/* Runs lines 2, 3, ... of a.s (SETUP is line 1) into a deadlock; its explanation is in why. */
static void hang(const char *lines)
{
    static char text[8192];
    const isa_program empty = {0};
    program = empty;
    snprintf(text, sizeof text, "%s%s", SETUP, lines);
    base_diag diag = {0};
    if (isa_assemble(t.arena, text, "a.s", &program, NULL, &diag) != SY_OK) {
        fail_msg("%s", base_diag_message(&diag));
    }
    test_load(&t, &program);
    t.max_cycles = 100000;
    test_start(&t, program.entry);
    assert_int_equal(t.result.end, SIM_END_DEADLOCK);
    const rt_end_context context = {.program = &program, .layer = layer};
    assert_int_equal(rt_end_fail(t.machine, &t.result, &context, &why), SY_EDEADLOCK);
    assert_true(strlen(why.message) < BASE_DIAG_BYTES - 4); /* whole */
}

static void says(const char *want)
{
    if (strstr(why.message, want) == NULL) {
        fail_msg("expected \"%s\" in:\n%s", want, why.message);
    }
}

/* before, then "pc 0x... (a.s:LINE)", then after: somewhere in the message. */
static void says_at(const char *before, unsigned line, const char *after)
{
    char want[256];
    snprintf(want, sizeof want, " (a.s:%u)%s", line, after);
    for (const char *at = strstr(why.message, before); at != NULL; at = strstr(at + 1, before)) {
        const char *pc = at + strlen(before);
        if (strncmp(pc, "pc 0x", 5) == 0 && strncmp(pc + strcspn(pc, "("), want + 1, strlen(want) - 1) == 0) {
            return;
        }
    }
    fail_msg("expected \"%spc ...%s\" in:\n%s", before, want, why.message);
}

/* The core sleeps at a line, for a reason. */
static void core_sleeps_at(unsigned line, const char *reason)
{
    const char *core = strstr(why.message, "CORE: asleep since cycle ");
    assert_non_null(core);
    says_at(" at ", line, reason);
}

/* ---- a POST is missing ---- */

static void test_lost_post(void **state)
{
    (void)state;
    hang("ld.load x0\n"
         "ld.load x0\n" /* and no ld.post s3 */
         "vpu.wait s3\n"
         "vpu.vec x0\n"
         "core.halt x0\n");
    says("cause: VPU waits for semaphore 3, to which nobody will post");
    says_at("VPU: waits for semaphore 3 (value 0) at ", 4, ", before its command 0");
    says("no POST to it is queued, and the core has halted; nothing has posted to it");
    says("CORE: has halted");
}

static void test_one_post_too_few(void **state)
{
    (void)state;
    hang("ld.load x0; ld.post s3\n"
         "vpu.wait s3; vpu.vec x0\n"
         "vpu.wait s3; vpu.vec x0\n"
         "core.fence\n"
         "core.halt x0\n");
    says("cause: VPU waits for semaphore 3, to which nobody will post");
    says_at("VPU: waits for semaphore 3 (value 0) at ", 4, ", before its command 1");
    says("the program ahead of the core has none; it was posted 1 times, and the last was taken by VPU's WAIT at pc");
    says("before its command 0");
    core_sleeps_at(5, " (core.fence): it is in a FENCE, and the queue of VPU is not empty");
}

static void test_stolen(void **state)
{
    (void)state;
    /* The token is the VPU's, but the MXU's WAIT names the wrong semaphore. */
    hang("mxu.wait s1\n"
         "mxu.matmul x0\n"
         "ld.load x0; ld.post s1\n"
         "li t0, 100\n"
         "again: addi t0, t0, -1; bnez t0, again\n"
         "vpu.wait s1\n"
         "vpu.vec x0\n"
         "core.halt x0\n");
    says("cause: VPU waits for semaphore 1, to which nobody will post");
    says("VPU: waits for semaphore 1 (value 0)");
    says("it was posted 1 times, and the last was taken by MXU's WAIT at pc");
    says_at("by MXU's WAIT at ", 2, " before its command 0");
}

static void test_semwait_without_post(void **state)
{
    (void)state;
    hang("ld.load x0\n"
         "core.semwait s2\n"
         "core.halt x0\n");
    says("cause: the core waits for semaphore 2, to which nobody will post");
    says("(core.semwait x18): it waits for semaphore 2 (value 0); no POST to it is queued");
    core_sleeps_at(3, " (core.semwait x18)");
}

/* ---- rings ---- */

static void test_two_units(void **state)
{
    (void)state;
    hang("ld.wait s3; ld.load x0\n"
         "ld.post s2\n"
         "st.wait s2; st.store x0\n"
         "st.post s3\n"
         "core.halt x0\n");
    says("cause: LD waits for ST, ST waits for LD");
    says_at("LD: waits for semaphore 3 (value 0) at ", 2, ", before its command 0");
    says_at("the POST to it, at ", 5, ", is in the queue of ST, behind a WAIT for semaphore 2 (value 0) and ST command 0");
    says("is in the queue of LD, behind a WAIT for semaphore 3 (value 0) and LD command 0");
}

static void test_three_units(void **state)
{
    (void)state;
    hang("ld.load x0\n"
         "ld.wait s1; ld.load x0; ld.post s2\n"
         "mxu.wait s2; mxu.matmul x0; mxu.post s3\n"
         "vpu.wait s3; vpu.vec x0; vpu.post s1\n"
         "core.fence; core.halt x0\n");
    says("LD waits for VPU");
    says("VPU waits for MXU");
    says("MXU waits for LD");
    says("LD: waits for semaphore 1 (value 0)");
    says("before its command 1");
    says("is in the queue of VPU, behind a WAIT for semaphore 3 (value 0) and VPU command 0");
    says("is in the queue of LD, behind a WAIT for semaphore 1 (value 0) and LD command 1");
}

static void test_layers(void **state)
{
    (void)state;
    hang("ld.wait s1; ld.load s3; ld.post s2\n"
         "vpu.wait s2; vpu.vec s2\n"
         "core.fence; core.halt x0\n");
    says_at("LD: waits for semaphore 1 (value 0) at ", 2, ", before its command 0 of layer 'conv'; no POST");
    says_at("VPU: waits for semaphore 2 (value 0) at ", 3, ", before its command 0 (tag 2); the POST to it");
}

static void test_inverted(void **state)
{
    (void)state;
    /* LD posts 1 and then 2; both takers wait for 2 first and hand the other on. */
    hang("ld.load x0; ld.post s1\n"
         "vpu.wait s2; vpu.vec x0; vpu.post s3\n"
         "ld.wait s3; ld.load x0; ld.post s2\n"
         "vpu.wait s1\n"
         "core.halt x0\n");
    says("cause: VPU waits for LD, LD waits for VPU");
    says_at("VPU: waits for semaphore 2 (value 0) at ", 3, ", before its command 0");
    says_at("LD: waits for semaphore 3 (value 0) at ", 4, ", before its command 1");
}

static void test_waits_for_itself(void **state)
{
    (void)state;
    hang("mxu.wait s2\n"
         "mxu.matmul x0\n"
         "mxu.post s2\n"
         "core.halt x0\n");
    says("cause: MXU waits for itself");
    says("MXU: waits for semaphore 2 (value 0)");
    says_at("the POST to it, at ", 4, ", is in the same queue, behind this WAIT and MXU command 0");
}

/* ---- the core in the ring ---- */

static void test_full_queue(void **state)
{
    (void)state;
    hang("vpu.wait s1\n"
         "vpu.vec x0; vpu.vec x0; vpu.vec x0; vpu.vec x0\n"
         "vpu.vec x0; vpu.vec x0; vpu.vec x0\n"
         "vpu.vec x0\n" /* one too many for the queue */
         "ld.load x0; ld.post s1\n"
         "core.halt x0\n");
    says("cause: VPU waits for the core, the core waits for VPU");
    says_at("VPU: waits for semaphore 1 (value 0) at ", 2, ", before its command 0");
    says_at("the POST to it, at ", 6, ", is behind LD command 0, which the core has not pushed because the VPU queue is full (depth 8)");
    says("(vpu.vec x0): the VPU queue is full (depth 8)");
}

static void test_queue_too_small(void **state)
{
    (void)state;
    isa_config config = test_small_config();
    config.queue_depth = 16;
    static const char *const lines = "vpu.wait s1\n"
                                     "vpu.vec x0; vpu.vec x0; vpu.vec x0; vpu.vec x0; vpu.vec x0; vpu.vec x0; vpu.vec x0; vpu.vec x0\n"
                                     "core.sempost s1\n"
                                     "core.halt x0\n";
    hang(lines);
    says("cause: VPU waits for the core, the core waits for VPU");
    says_at("the core's SEMPOST to it, at ", 4, ", has not executed because the VPU queue is full (depth 8)");
    tear_down(NULL);
    test_create(&t, &config, (sim_options){0});
    static char text[4096];
    snprintf(text, sizeof text, "%s%s", SETUP, lines);
    test_run(&t, text);
    assert_int_equal(t.result.end, SIM_END_DONE); /* the same on a machine with longer queues */
    tear_down(NULL);
    set_up(NULL);
}

static void test_fence_before_post(void **state)
{
    (void)state;
    hang("st.wait s1; st.store x0\n"
         "ld.load x0\n"
         "core.fence\n"
         "ld.post s1\n"
         "core.halt x0\n");
    says("cause: ST waits for the core, the core waits for ST");
    says_at("the POST to it, for LD at ", 5, ", has not been pushed by the core because it is in a FENCE, and the queue of ST is not empty");
    says("(core.fence): it is in a FENCE, and the queue of ST is not empty");
}

static void test_core_waits_for_blocked_unit(void **state)
{
    (void)state;
    /* The core waits for a POST that is behind a command of a unit that waits for the core. */
    hang("mxu.wait s1; mxu.matmul x0; mxu.post s2\n"
         "core.semwait s2\n"
         "core.sempost s1\n"
         "core.halt x0\n");
    says("cause: MXU waits for the core, the core waits for MXU");
    says("the core's SEMPOST to it, at pc");
    says("has not executed because it waits for semaphore 2 (value 0)");
    says("is in the queue of MXU, behind a WAIT for semaphore 1 (value 0) and MXU command 0");
}

static void test_semwait_before_own_post(void **state)
{
    (void)state;
    hang("core.semwait s3\n"
         "core.sempost s3\n"
         "core.halt x0\n");
    says("cause: the core waits for itself");
    says("it waits for semaphore 3 (value 0); the core's SEMPOST to it, at pc");
}

static void test_two_causes(void **state)
{
    (void)state;
    hang("ld.wait s3; st.wait s2\n"
         "mxu.wait s1; mxu.post s1\n"
         "core.halt x0\n");
    says("cause: MXU waits for itself");
    says("cause: LD waits for semaphore 3, to which nobody will post");
    says("cause: ST waits for semaphore 2, to which nobody will post");
}

/* The loop of the core has gone round 5 times: the pc is the same, the command numbers tell. */
static void test_in_a_loop(void **state)
{
    (void)state;
    hang("li a0, 5\n"
         "core.sempost s1\n"
         "core.sempost s1\n"
         "again: ld.wait s1; ld.load x0; ld.post s2; vpu.wait s2; vpu.vec x0; addi a0, a0, -1; bnez a0, again\n" /* no vpu.post s1 */
         "core.fence\n"
         "core.halt x0\n");
    says("cause: LD waits for semaphore 1, to which nobody will post");
    says_at("LD: waits for semaphore 1 (value 0) at ", 5, ", before its command 2");
    says_at("VPU: waits for semaphore 2 (value 0) at ", 5, ", before its command 2");
    says("it was posted 2 times, and the last was taken by LD's WAIT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lost_post),
        cmocka_unit_test(test_one_post_too_few),
        cmocka_unit_test(test_stolen),
        cmocka_unit_test(test_semwait_without_post),
        cmocka_unit_test(test_two_units),
        cmocka_unit_test(test_three_units),
        cmocka_unit_test(test_layers),
        cmocka_unit_test(test_inverted),
        cmocka_unit_test(test_waits_for_itself),
        cmocka_unit_test(test_full_queue),
        cmocka_unit_test(test_queue_too_small),
        cmocka_unit_test(test_fence_before_post),
        cmocka_unit_test(test_core_waits_for_blocked_unit),
        cmocka_unit_test(test_semwait_before_own_post),
        cmocka_unit_test(test_two_causes),
        cmocka_unit_test(test_in_a_loop),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
