/*
 * wave.cpp -- main of a machine that draws: the window that a request asks for, to an FST file.
 *
 * Verilator's way to a waveform is C++, hence this file; it is built with SY_WAVE alone. harness.c says when the window is open
 * (sy_rtl_wave_time); nothing is looked at outside, so the rest of a run goes at the speed of a machine that draws nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <memory>

#include "Vharness.h"
#include "protocol.h"
#include "verilated.h"
#include "verilated_fst_c.h"

extern "C" {
/* The time of what eval has just made, in RTL_WAVE_UNITS of a cycle; RTL_WAVE_CLOSED: the window is closed. */
uint64_t sy_rtl_wave_time(void);
const char *sy_rtl_wave_path(void);
void sy_rtl_wave_close(void);
}

static std::unique_ptr<VerilatedFstC> file;

/* The file is whole when this returns. */
void sy_rtl_wave_close(void)
{
    if (file) {
        file->close();
    }
}

static void draw(Vharness &top)
{
    const uint64_t time = sy_rtl_wave_time();
    if (time == RTL_WAVE_CLOSED) {
        return;
    }
    if (!file) {
        file = std::make_unique<VerilatedFstC>();
        file->set_time_unit("1ps");
        file->set_time_resolution("1ps");
        top.trace(file.get(), 99);
    }
    if (!file->isOpen()) {
        file->open(sy_rtl_wave_path());
    }
    file->dump(time);
}

int main(int argc, char **argv)
{
    VerilatedContext context;
    context.traceEverOn(true);
    context.commandArgs(argc, argv);
    Vharness top{&context};
    while (!context.gotFinish()) {
        top.eval();
        draw(top);
        if (!top.eventsPending()) {
            break;
        }
        context.time(top.nextTimeSlot());
    }
    top.final();
    return 0;
}
