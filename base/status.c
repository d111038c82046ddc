/*
 * status.c -- the text of each status code.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/status.h"

const char *sy_status_text(sy_status status)
{
    switch (status) {
#define SY_STATUS_CASE(symbol, value, text) \
    case symbol:                            \
        return text;
        SY_STATUS_MAP(SY_STATUS_CASE)
#undef SY_STATUS_CASE
    }
    return "unknown status";
}
