/*
 * dram.c -- DRAM and its bus: one data bus, requests served in their order; banks, rows and refresh behind it.
 *
 * How: every constraint between commands of DRAM is kept as the first cycle in which the next such command is allowed, so
 * an access is a few maxima, and cycles in which nothing is asked cost nothing. Refreshes are done when the next access
 * comes, as many as have become due.
 *
 * Contract: isa/spec/timing.md, section 10.  Verilog twin: none; the test bench of rtl/ links this file.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/sim/dram.h"

#include <stddef.h>
#include <string.h>

#include "systole/base/assert.h"
#include "systole/base/rng.h"

#define NO_ROW UINT32_MAX

static inline uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static inline uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint32_t log2_of(uint32_t power)
{
    uint32_t n = 0;
    while ((power >> n) > 1) {
        n++;
    }
    return n;
}

/* ---- faults ---- */

static uint32_t draw(const sim_dram *dram, uint32_t stream, sim_dram_dir dir, uint64_t number, uint32_t most)
{
    if (most == 0) {
        return 0;
    }
    return (uint32_t)(base_rng_u64(dram->faults.seed, stream + (uint64_t)dir, number) % ((uint64_t)most + 1));
}

uint32_t sim_dram_stall(const sim_dram *dram, sim_dram_dir dir, uint64_t number)
{
    return draw(dram, 0, dir, number, dram->faults.stall_max);
}

uint32_t sim_dram_ready(const sim_dram *dram, sim_dram_dir dir, uint64_t number)
{
    return draw(dram, 2, dir, number, dram->faults.ready_max);
}

uint32_t sim_dram_answer(const sim_dram *dram, sim_dram_dir dir, uint64_t number, uint32_t n_beats, uint32_t *beat)
{
    *beat = n_beats - 1;
    if (dram->faults.error_one_in == 0) {
        return 0;
    }
    const uint64_t h = base_rng_u64(dram->faults.seed, 4 + (uint64_t)dir, number);
    if (h % dram->faults.error_one_in != 0) {
        return 0;
    }
    if (dir == SIM_DRAM_READ) {
        *beat = (uint32_t)((h >> 40) % n_beats);
    }
    return 2 + (uint32_t)(h >> 32 & 1);
}

/* ---- START ---- */

static void start_banked(sim_dram *dram, const isa_config *c)
{
    const uint32_t column_bits = log2_of(c->dram_row_bytes / c->dram_atom_bytes);
    const uint32_t bank_bits = log2_of(c->dram_banks);
    dram->closes = c->dram_page == ISA_DRAM_CLOSED;
    dram->atom_shift = log2_of(c->dram_atom_bytes);
    dram->channel_bits = log2_of(c->dram_channels);
    dram->group_bits = log2_of(c->dram_groups);
    dram->bank_shift = dram->group_bits + (c->dram_mapping == ISA_DRAM_BANK ? 0 : column_bits);
    dram->bank_mask = c->dram_banks - 1;
    dram->row_shift = dram->group_bits + column_bits + bank_bits;
    dram->n_banks = c->dram_groups * c->dram_banks;
    dram->xor_mask = c->dram_mapping == ISA_DRAM_ROW_XOR ? dram->n_banks - 1 : 0;

    dram->column_gap = (uint32_t)later(c->dram_t_ccd_s, c->dram_t_atom);
    dram->column_gap_same = (uint32_t)later(c->dram_t_ccd_l, dram->column_gap);
    const uint32_t written = c->dram_t_cwl + c->dram_t_atom; /* the end of its data */
    dram->turn[SIM_DRAM_READ] = (uint32_t)later(c->dram_t_rtw, dram->column_gap);
    dram->turn_same[SIM_DRAM_READ] = (uint32_t)later(c->dram_t_rtw, dram->column_gap_same);
    dram->turn[SIM_DRAM_WRITE] = (uint32_t)later(written + c->dram_t_wtr_s, dram->column_gap);
    dram->turn_same[SIM_DRAM_WRITE] = (uint32_t)later(written + c->dram_t_wtr_l, dram->column_gap_same);
    dram->close_gap[SIM_DRAM_READ] = c->dram_t_rtp;
    dram->close_gap[SIM_DRAM_WRITE] = written + c->dram_t_wr;
    dram->data[SIM_DRAM_READ] = c->dram_t_cl + c->dram_t_atom;
    dram->data[SIM_DRAM_WRITE] = c->dram_t_cwl;
    dram->t_rcd = c->dram_t_rcd;
    dram->t_rp = c->dram_t_rp;
    dram->t_rp_all = c->dram_t_rp_all;
    dram->t_ras = c->dram_t_ras;
    dram->t_rc = c->dram_t_rc;
    dram->t_rrd_s = c->dram_t_rrd_s;
    dram->t_rrd_l = c->dram_t_rrd_l;
    dram->t_faw = c->dram_t_faw;
    dram->t_refi = c->dram_t_refi;
    dram->t_rfc = c->dram_t_rfc;
    for (uint32_t i = 0; i < c->dram_channels; i++) {
        sim_dram_channel *channel = &dram->channels[i];
        memset(channel, 0, sizeof *channel);
        channel->refresh_due = c->dram_t_refi == 0 ? UINT64_MAX : c->dram_t_refi;
        for (uint32_t b = 0; b < dram->n_banks; b++) {
            channel->banks[b].row = NO_ROW;
        }
    }
}

void sim_dram_start(sim_dram *dram, const isa_config *config, const sim_dram_faults *faults)
{
    memset(dram, 0, offsetof(sim_dram, channels));
    if (faults != NULL) {
        dram->faults = *faults;
    }
    dram->latency = config->dram_latency;
    dram->beat_shift = log2_of(config->dram_width);
    dram->banked = config->dram_model == ISA_DRAM_BANKED;
    if (dram->banked) {
        start_banked(dram, config);
    }
}

/* ---- banks ---- */

/* Page closed: the row that an earlier request left is closed by now. */
static void close_behind(const sim_dram *dram, sim_dram_bank *bank, uint32_t request)
{
    if (dram->closes && bank->row != NO_ROW && bank->request != request) {
        bank->act_ok = later(bank->act_ok, bank->close_ok + dram->t_rp);
        bank->row = NO_ROW;
    }
}

/* The refresh that is due, before an access that arrived in a cycle; all at once those that find every row closed. */
static void refresh(sim_dram *dram, sim_dram_channel *channel, uint64_t arrival, uint32_t request)
{
    uint64_t all_closed = channel->refresh_due;
    uint64_t begin = channel->refresh_due;
    bool any_open = false;
    for (uint32_t b = 0; b < dram->n_banks; b++) {
        sim_dram_bank *bank = &channel->banks[b];
        close_behind(dram, bank, request);
        if (bank->row != NO_ROW) {
            any_open = true;
            all_closed = later(all_closed, bank->close_ok);
        }
        begin = later(begin, bank->act_ok);
    }
    if (any_open) {
        begin = later(begin, all_closed + dram->t_rp_all);
    } else if (begin == channel->refresh_due && arrival > begin) {
        const uint64_t n = (arrival - begin) / dram->t_refi;
        channel->refresh_due += n * dram->t_refi;
        dram->stats.refreshes += n;
        begin = channel->refresh_due;
    }
    for (uint32_t b = 0; b < dram->n_banks; b++) {
        channel->banks[b].row = NO_ROW;
        channel->banks[b].act_ok = begin + dram->t_rfc;
    }
    channel->refresh_due += dram->t_refi;
    dram->stats.refreshes++;
}

/* The cycle of the ACT of a closed bank. */
static uint64_t act_cycle(const sim_dram_channel *channel, const sim_dram_bank *bank, uint32_t group, uint64_t from)
{
    uint64_t cycle = later(from, bank->act_ok);
    cycle = later(cycle, channel->act_ok);
    cycle = later(cycle, channel->group_act_ok[group]);
    return later(cycle, channel->window_ok[channel->window_at]);
}

static void act(const sim_dram *dram, sim_dram_channel *channel, sim_dram_bank *bank, uint32_t group, uint64_t cycle)
{
    bank->act_ok = cycle + dram->t_rc;
    bank->column_ok = cycle + dram->t_rcd;
    bank->close_ok = cycle + dram->t_ras;
    channel->act_ok = cycle + dram->t_rrd_s;
    channel->group_act_ok[group] = cycle + dram->t_rrd_l;
    channel->window_ok[channel->window_at] = cycle + dram->t_faw;
    channel->window_at = (channel->window_at + 1) & 3;
}

/* A row that is not open is opened; refreshes that are due come first. */
static void open_row(sim_dram *dram, sim_dram_channel *channel, sim_dram_bank *bank, uint32_t group, uint32_t row,
                     uint64_t arrival, uint32_t request)
{
    for (;;) {
        if (bank->row == NO_ROW) {
            const uint64_t cycle = act_cycle(channel, bank, group, arrival);
            if (cycle < channel->refresh_due) {
                dram->stats.row_misses++;
                act(dram, channel, bank, group, cycle);
                break;
            }
        } else {
            const uint64_t cycle = later(arrival, bank->close_ok);
            if (cycle < channel->refresh_due) {
                dram->stats.row_conflicts++;
                bank->act_ok = later(bank->act_ok, cycle + dram->t_rp);
                act(dram, channel, bank, group, act_cycle(channel, bank, group, arrival));
                break;
            }
        }
        refresh(dram, channel, arrival, request);
    }
    bank->row = row;
}

/* The cycle of the column access to an atom by a request that arrived in a cycle, not before `from`. */
static inline uint64_t column_access(sim_dram *dram, sim_dram_dir dir, uint64_t atom, uint64_t arrival, uint64_t from,
                                     uint32_t request)
{
    sim_dram_channel *channel = &dram->channels[atom & ((UINT64_C(1) << dram->channel_bits) - 1)];
    const uint64_t rest = atom >> dram->channel_bits;
    const uint32_t row = (uint32_t)(rest >> dram->row_shift);
    const uint32_t group_mask = (UINT32_C(1) << dram->group_bits) - 1;
    const uint32_t number = ((((uint32_t)(rest >> dram->bank_shift) & dram->bank_mask) << dram->group_bits) |
                             ((uint32_t)rest & group_mask)) ^
                            (row & dram->xor_mask);
    const uint32_t group = number & group_mask;
    sim_dram_bank *bank = &channel->banks[number];
    uint64_t *group_ok = channel->group_column_ok[group];
    close_behind(dram, bank, request);
    from = later(later(from, arrival), later(channel->column_ok[dir], group_ok[dir]));
    bool hit = bank->row == row;
    if (hit && later(from, bank->column_ok) >= channel->refresh_due) {
        refresh(dram, channel, arrival, request);
        hit = false;
    }
    if (hit) {
        dram->stats.row_hits++;
    } else {
        open_row(dram, channel, bank, group, row, arrival, request);
    }
    const uint64_t cycle = later(from, bank->column_ok);
    const sim_dram_dir other = (sim_dram_dir)(1 - dir);
    channel->column_ok[dir] = cycle + dram->column_gap;
    channel->column_ok[other] = later(channel->column_ok[other], cycle + dram->turn[dir]);
    group_ok[dir] = cycle + dram->column_gap_same;
    group_ok[other] = later(group_ok[other], cycle + dram->turn_same[dir]);
    bank->close_ok = later(bank->close_ok, cycle + dram->close_gap[dir]);
    bank->request = request;
    return cycle;
}

/*
 * The first beat of a request that arrived in a cycle.  A read's beats follow the data: none before the last atom that it
 * touches is there.  A write's come as late as they may: each atom's last in the cycle before DRAM wants it.
 */
static uint64_t banked_first(sim_dram *dram, sim_dram_dir dir, uint64_t arrival, uint64_t address, uint32_t n_beats)
{
    const uint32_t request = (uint32_t)(dram->stats.bursts[0] + dram->stats.bursts[1]);
    const uint64_t begin = address >> dram->beat_shift << dram->beat_shift;
    const uint64_t end = begin + ((uint64_t)n_beats << dram->beat_shift);
    const uint64_t last_atom = (end - 1) >> dram->atom_shift;
    uint64_t atom = begin >> dram->atom_shift;
    if (dir == SIM_DRAM_READ) {
        uint64_t first = later(arrival, dram->free_cycle);
        for (; atom <= last_atom; atom++) {
            const uint64_t ready = column_access(dram, dir, atom, arrival, arrival, request) + dram->data[dir];
            const uint64_t from = later(atom << dram->atom_shift, begin) - begin;
            first = later(first, ready - earlier(ready, from >> dram->beat_shift));
        }
        return first;
    }
    const uint64_t soonest = later(arrival, dram->free_cycle);
    uint64_t first = UINT64_MAX;
    for (; atom <= last_atom; atom++) {
        const uint64_t to = earlier((atom + 1) << dram->atom_shift, end) - 1 - begin;
        const uint64_t n = (to >> dram->beat_shift) + 1; /* beats up to its last */
        const uint64_t wanted = soonest + n;
        const uint64_t from = wanted - earlier(wanted, dram->data[dir]);
        const uint64_t cycle = column_access(dram, dir, atom, arrival, from, request);
        first = earlier(first, cycle + dram->data[dir] - n);
    }
    return first;
}

uint64_t sim_dram_request(sim_dram *dram, sim_dram_dir dir, uint64_t cycle, uint64_t address, uint32_t n_beats)
{
    SY_ASSERT(n_beats >= 1);
    const uint64_t arrival = cycle + dram->latency + sim_dram_stall(dram, dir, dram->stats.bursts[dir]);
    const uint64_t first = dram->banked ? banked_first(dram, dir, arrival, address, n_beats)
                                        : later(arrival, dram->free_cycle);
    dram->stats.bursts[dir]++;
    dram->stats.beats[dir] += n_beats;
    dram->free_cycle = first + n_beats;
    return first;
}

uint64_t sim_dram_longest(const isa_config *config)
{
    const isa_config *c = config;
    const uint64_t n_beats = c->dram_burst_bytes / c->dram_width;
    if (c->dram_model != ISA_DRAM_BANKED) {
        return c->dram_latency + n_beats;
    }
    /* each access on its own, after a write in the other direction, a row conflict and two refreshes */
    const uint64_t turn = (uint64_t)c->dram_t_cwl + c->dram_t_atom + c->dram_t_wr + c->dram_t_wtr_s + c->dram_t_wtr_l +
                          c->dram_t_rtw + c->dram_t_rtp;
    const uint64_t row = (uint64_t)c->dram_t_rc + c->dram_t_ras + c->dram_t_rp + c->dram_t_rp_all + c->dram_t_rcd +
                         c->dram_t_rrd_s + c->dram_t_rrd_l + c->dram_t_faw;
    const uint64_t access = turn + row + c->dram_t_ccd_s + c->dram_t_ccd_l + c->dram_t_atom + c->dram_t_cl;
    const uint64_t n_atoms = c->dram_burst_bytes / c->dram_atom_bytes + 1;
    return c->dram_latency + 2 * n_beats + n_atoms * access + 2 * (uint64_t)c->dram_t_rfc;
}
