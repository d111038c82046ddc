/*
 * audit_test.h -- runs a few lines of assembly on the simulator with an audit listening.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_TESTS_AUDIT_TEST_H
#define SYSTOLE_TESTS_AUDIT_TEST_H

#include "sim_test.h"
#include "systole/sim/audit.h"

typedef struct audit_test {
    sim_test sim;
    sim_audit *audit;
} audit_test;

static inline void audit_test_create(audit_test *t, const isa_config *config)
{
    test_create(&t->sim, config, (sim_options){0});
    t->audit = NULL;
}

static inline void audit_test_destroy(audit_test *t)
{
    test_destroy(&t->sim);
}

/* Assembles, loads, runs on memories of which nothing is known; to be called again for another run. */
static inline void audit_test_run(audit_test *t, const char *text)
{
    isa_program program = {0};
    base_diag diag = {0};
    if (isa_assemble(t->sim.arena, text, "test.s", &program, NULL, &diag) != SY_OK) {
        fail_msg("%s", base_diag_message(&diag));
    }
    test_load(&t->sim, &program);
    t->audit = sim_audit_create(t->sim.arena, &t->sim.config);
    assert_non_null(t->audit);
    sim_audit_begin(t->audit);
    const sim_observer observer = {.user = t->audit, .command = sim_audit_command, .xsystole = sim_audit_xsystole};
    const sim_run_options options = {.entry = program.entry, .observer = &observer, .max_cycles = 1000000};
    assert_ok(sim_machine_run(t->sim.machine, &options, &t->sim.result, &diag));
    assert_ok(sim_audit_end(t->audit, t->sim.result.end == SIM_END_DONE));
}

/* The number of findings of a kind; the first of them is in *first unless that is NULL. */
static inline uint64_t audit_test_n(const audit_test *t, sim_finding_kind kind, sim_finding *first)
{
    const uint64_t n = sim_audit_n(t->audit, kind);
    if (n > 0 && first != NULL) {
        *first = *sim_audit_finding(t->audit, kind, 0);
    }
    return n;
}

#endif
