/*
 * rtl.h -- the Verilog as a model of the machine (systole/sim/machine.h), through Verilator.
 *
 * Each configuration is an executable of its own, built on demand from the sources (rtl/, and what its test bench takes from
 * simulator/ and base/) with verilator, make and g++, and kept in a cache folder under a hash of configuration and sources:
 *
 *     $SYSTOLE_CACHE/rtl/KEY/, else $XDG_CACHE_HOME/systole/rtl/KEY/, else ~/.cache/systole/rtl/KEY/
 *
 * The first use of a configuration therefore takes a while (half a minute for 16 x 16), later ones nothing.  The
 * executable runs as a child process that lives as long as the machine; it is started again after it was stopped.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RTL_RTL_H
#define SYSTOLE_RTL_RTL_H

#include "systole/base/buf.h"
#include "systole/sim/machine.h"

/* Zero-initialise, then set what matters. */
typedef struct rtl_options {
    const char *source_dir; /* root of the sources; NULL: the environment's SYSTOLE_RTL_SOURCES, else those installed with the program, else those it was built from */
    const char *cache_dir;  /* NULL: as above */
    bool host_port;         /* memories go in and out word by word through the AXI4-Lite port: slow, for testing it */
    bool wave;              /* an executable that can draw (sim_run_options.wave); another build, of twice the time */
    uint32_t reset_seed;    /* registers without reset start with values drawn from it (0: a fixed one) */
    void (*notice)(void *user, const char *line); /* called before a build, with one line for people; may be NULL */
    void *user;
} rtl_options;

/*
 * Makes a machine; options may be NULL.  Builds its executable if the cache has none; two programs that need the same wait for
 * one another.  Free with sim_machine_destroy.
 *
 * Errors: SY_ECONFIG (isa_config_check); SY_EUNSUPPORTED if Verilator is not installed; SY_EDEVICE if the build fails (the
 * message names the log, which stays); SY_EIO, SY_ENOMEM.
 */
sy_status rtl_create(const isa_config *config, const rtl_options *options, sim_machine **out, base_diag *diag);

/* Only the build: appends the executable's path to out (base_buf.h).  Errors as rtl_create. */
sy_status rtl_build(const isa_config *config, const rtl_options *options, base_buf *out, base_diag *diag);

#endif
