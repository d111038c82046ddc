/*
 * wave.h -- a drawn window of a run: which cycles, told by cycle, command or layer; and the save file that shows it.
 *
 * The signals come from the rtl (sim_wave in systole/sim/machine.h); the save file opens in GTKWave
 * with a group for each unit (queue, slot, commands in flight, semaphores, banks, rows, AXI), a
 * marker at the window's command and cycle numbers on the axis (1 cycle is drawn as 1 ns).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_WAVE_H
#define SYSTOLE_RT_WAVE_H

#include "systole/sim/machine.h"

/* Cycles before and after a command or layer that are drawn too: its pop and check, its post. */
#define RT_WAVE_MARGIN 32

typedef enum rt_wave_kind { RT_WAVE_CYCLES, RT_WAVE_COMMAND, RT_WAVE_LAYER } rt_wave_kind;

typedef struct rt_wave {
    rt_wave_kind kind;
    const char *path;      /* of the FST file */
    uint64_t from, to;     /* CYCLES: asked for; else found: with the margin. Both included */
    unsigned unit;         /* COMMAND */
    uint32_t number;       /* COMMAND */
    const char *layer;     /* LAYER */
    uint64_t start, end;   /* COMMAND, LAYER: found: first start, last end */
    bool drawn;
    uint64_t n_seen;       /* the most cycles, or commands of the unit, that a run had while nothing was found */
} rt_wave;

/*
 * Reads "FROM:TO" (cycles), "UNIT#NUMBER" (a command, "MXU#17") or the name of a layer. The text must outlive the result.
 * SY_EINVAL with one line.
 */
sy_status rt_wave_parse(const char *text, const char *path, rt_wave *out, base_diag *diag);

/* What a run did, for rt_wave_find. */
typedef struct rt_wave_run {
    uint64_t cycles;
    const sim_command_event *commands[SIM_N_UNITS]; /* by number */
    size_t n_commands[SIM_N_UNITS];
    const char *(*layer)(void *user, uint32_t tag); /* NULL if there are no layers */
    void *layer_user;
} rt_wave_run;

/* Sets the window of a run; false if the run has none. */
bool rt_wave_find(rt_wave *wave, const rt_wave_run *run);

/* "MXU command 17: cycles 120 to 260", ...: what was drawn; or what was not found. On one line. */
void rt_wave_print(const rt_wave *wave, base_buf *out);

/* The save file's path: the FST file's with .gtkw. */
void rt_wave_save_path(const rt_wave *wave, base_buf *out);

/* Writes the save file. */
sy_status rt_wave_save(const rt_wave *wave, const isa_config *config, base_diag *diag);

#endif
