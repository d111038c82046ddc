/*
 * status.h -- what every fallible function of Systole returns.
 *
 * 0 is success, errors are negative.  The details of an error (names, sizes, what to do) are a line
 * of text kept by the context the call was given; the status says what kind of error it is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_STATUS_H
#define SYSTOLE_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

/* Marks what the shared library exports; everything else is hidden. */
#define SY_API __attribute__((visibility("default")))

/* clang-format off */
/*  symbol           value  text */
#define SY_STATUS_MAP(X)                                                   \
    X(SY_OK,             0, "no error")                                    \
    X(SY_EINVAL,        -1, "invalid argument")                            \
    X(SY_ENOMEM,        -2, "out of memory")                               \
    X(SY_EIO,           -3, "input or output failed")                      \
    X(SY_EFORMAT,       -4, "malformed input")                             \
    X(SY_ESHAPE,        -5, "shapes do not fit")                           \
    X(SY_EUNSUPPORTED,  -6, "not supported")                               \
    X(SY_ECONFIG,       -7, "invalid configuration")                       \
    X(SY_ERANGE,        -8, "value or size out of range")                  \
    X(SY_EDEADLOCK,     -9, "deadlock")                                    \
    X(SY_EDEVICE,      -10, "the device stopped with an error")            \
    X(SY_EMISMATCH,    -11, "results differ")                              \
    X(SY_ECANCELLED,   -12, "cancelled")                                   \
    X(SY_EINTERNAL,    -13, "internal error")
/* clang-format on */

typedef enum sy_status {
#define SY_STATUS_ENUM(symbol, value, text) symbol = (value),
    SY_STATUS_MAP(SY_STATUS_ENUM)
#undef SY_STATUS_ENUM
} sy_status;

/*
 * The text of a status, in lower case without a full stop; "unknown status" for a number outside
 * the table.  The string is constant and never NULL.
 */
SY_API const char *sy_status_text(sy_status status);

/* Evaluates call once; if it is not SY_OK, returns its status from the current function. */
#define SY_TRY(call)                             \
    do {                                         \
        const sy_status sy_try_status_ = (call); \
        if (sy_try_status_ != SY_OK) {           \
            return sy_try_status_;               \
        }                                        \
    } while (0)

#ifdef __cplusplus
}
#endif

#endif
