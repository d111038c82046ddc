/*
 * run.c -- the driver of the passes: order, inference, verification, dumps.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "systole/compiler/passes.h"
#include "systole/graph/infer.h"
#include "systole/graph/text.h"
#include "systole/graph/verify.h"

typedef struct pass {
    const char *name;
    sy_status (*run)(ir_module *module, base_diag *diag);
    int host, device;
    const char *summary;
} pass;

static const pass passes[] = {
#define P(name, function, host, device, summary) {#name, function, host, device, summary},
#include "passes.def"
#undef P
};
#define N_PASSES (sizeof passes / sizeof passes[0])

const char *pass_name(unsigned i)
{
    return i < N_PASSES ? passes[i].name : NULL;
}

const char *pass_summary(unsigned i)
{
    return i < N_PASSES ? passes[i].summary : NULL;
}

static sy_status check_name(const char *dump_after, base_diag *diag)
{
    if (dump_after == NULL || strcmp(dump_after, "all") == 0) {
        return SY_OK;
    }
    char names[512] = "";
    size_t n = 0;
    for (unsigned i = 0; i < N_PASSES; i++) {
        if (strcmp(dump_after, passes[i].name) == 0) {
            return SY_OK;
        }
        const size_t length = strlen(passes[i].name);
        if (n + length + 3 < sizeof names) {
            memcpy(names + n, passes[i].name, length);
            n += length;
            memcpy(names + n, ", ", 3);
            n += 2;
        }
    }
    return base_fail(diag, SY_EINVAL, "no pass '%s': expected one of %sall", dump_after, names);
}

sy_status pass_run(ir_module *module, pass_pipeline pipeline, const char *dump_after,
                   base_buf *dump, base_diag *diag)
{
    SY_TRY(check_name(dump_after, diag));
    for (unsigned i = 0; i < N_PASSES; i++) {
        const pass *p = &passes[i];
        if (pipeline == PASS_HOST ? !p->host : !p->device) {
            continue;
        }
        SY_TRY(p->run(module, diag));
        SY_TRY(ir_infer_module(module, diag));
        SY_TRY(ir_verify(module, diag));
        if (dump_after != NULL &&
            (strcmp(dump_after, "all") == 0 || strcmp(dump_after, p->name) == 0)) {
            char *text;
            size_t n;
            SY_TRY(ir_print(module, NULL, module->arena, diag, &text, &n));
            base_buf_append(dump, text, n); /* the caller asks base_buf_status */
        }
    }
    return SY_OK;
}
