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

/* What is the same for all full bursts, if trains are possible (sim_dram_train). */
static void start_trains(sim_dram *dram, const isa_config *c)
{
    const uint32_t gap = dram->column_gap;
    dram->burst_beats = c->dram_burst_bytes / c->dram_width;
    dram->burst_bytes = c->dram_burst_bytes;
    dram->burst_atoms = c->dram_burst_bytes / c->dram_atom_bytes;
    dram->window = (uint64_t)c->dram_row_bytes * c->dram_groups;
    dram->trains_possible = c->dram_channels == 1 && c->dram_page == ISA_DRAM_OPEN && c->dram_mapping != ISA_DRAM_BANK &&
                            gap * c->dram_groups >= dram->column_gap_same && dram->burst_atoms >= 1 &&
                            dram->window >= c->dram_burst_bytes;
    for (uint32_t j = 0; j < dram->burst_atoms; j++) {
        const uint32_t before = j * c->dram_atom_bytes / c->dram_width;
        const uint32_t through = ((j + 1) * c->dram_atom_bytes - 1) / c->dram_width + 1;
        const uint32_t ready = j * gap + dram->data[SIM_DRAM_READ];
        if (ready > before) {
            dram->burst_lag[SIM_DRAM_READ] = (uint32_t)later(dram->burst_lag[SIM_DRAM_READ], ready - before);
        }
        if (j == 0) {
            dram->burst_wait = through > dram->data[SIM_DRAM_WRITE] ? through - dram->data[SIM_DRAM_WRITE] : 0;
            dram->burst_ahead = through < dram->data[SIM_DRAM_WRITE] ? dram->data[SIM_DRAM_WRITE] - through : 0;
        } else if (through > j * gap + (c->dram_atom_bytes - 1) / c->dram_width + 1) {
            dram->trains_possible = false; /* the bus holds the writes up, not DRAM */
        }
    }
    for (unsigned dir = 0; dir < 2; dir++) {
        dram->trains[dir].next = UINT64_MAX;
    }
}

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
    start_trains(dram, c);
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
    dram->n_closed++;
}

/* The cycle of the ACT of a closed bank. */
static uint64_t act_cycle(const sim_dram_channel *channel, const sim_dram_bank *bank, uint32_t group, uint64_t from)
{
    uint64_t cycle = later(from, bank->act_ok);
    cycle = later(cycle, channel->act_ok);
    cycle = later(cycle, channel->group_act_ok[group]);
    return later(cycle, channel->window_ok[channel->window_at]);
}

static void act(sim_dram *dram, sim_dram_channel *channel, sim_dram_bank *bank, uint32_t group, uint64_t cycle)
{
    dram->n_opened[(uint32_t)(bank - channel->banks) >> dram->group_bits]++;
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

/* Where an atom lies. */
typedef struct place {
    sim_dram_channel *channel;
    sim_dram_bank *bank;
    uint32_t group;
    uint32_t row;
} place;

static inline place place_of(sim_dram *dram, uint64_t atom)
{
    sim_dram_channel *channel = &dram->channels[atom & ((UINT64_C(1) << dram->channel_bits) - 1)];
    const uint64_t rest = atom >> dram->channel_bits;
    const uint32_t row = (uint32_t)(rest >> dram->row_shift);
    const uint32_t group_mask = (UINT32_C(1) << dram->group_bits) - 1;
    const uint32_t number = ((((uint32_t)(rest >> dram->bank_shift) & dram->bank_mask) << dram->group_bits) |
                             ((uint32_t)rest & group_mask)) ^
                            (row & dram->xor_mask);
    return (place){channel, &channel->banks[number], number & group_mask, row};
}

/* What an access in a cycle allows when. */
static inline void note_access(const sim_dram *dram, const place *at, sim_dram_dir dir, uint64_t cycle)
{
    const sim_dram_dir other = (sim_dram_dir)(1 - dir);
    uint64_t *column_ok = at->channel->column_ok;
    uint64_t *group_ok = at->channel->group_column_ok[at->group];
    column_ok[dir] = cycle + dram->column_gap;
    column_ok[other] = later(column_ok[other], cycle + dram->turn[dir]);
    group_ok[dir] = cycle + dram->column_gap_same;
    group_ok[other] = later(group_ok[other], cycle + dram->turn_same[dir]);
    at->bank->close_ok = later(at->bank->close_ok, cycle + dram->close_gap[dir]);
}

/* The cycle of the column access to an atom by a request that arrived in a cycle, not before `from`. */
static inline uint64_t column_access(sim_dram *dram, sim_dram_dir dir, uint64_t atom, uint64_t arrival, uint64_t from,
                                     uint32_t request)
{
    const place at = place_of(dram, atom);
    sim_dram_channel *channel = at.channel;
    sim_dram_bank *bank = at.bank;
    close_behind(dram, bank, request);
    from = later(later(from, arrival), later(channel->column_ok[dir], channel->group_column_ok[at.group][dir]));
    bool hit = bank->row == at.row;
    if (hit && later(from, bank->column_ok) >= channel->refresh_due) {
        refresh(dram, channel, arrival, request);
        hit = false;
    }
    if (hit) {
        dram->stats.row_hits++;
    } else {
        open_row(dram, channel, bank, at.group, at.row, arrival, request);
    }
    const uint64_t cycle = later(from, bank->column_ok);
    note_access(dram, &at, dir, cycle);
    bank->request = request;
    return cycle;
}

/* ---- trains ---- */

/* Changes with every row that is opened or closed in a bank of each group. */
static inline uint64_t epoch_of(const sim_dram *dram, uint32_t bank)
{
    return dram->n_closed + dram->n_opened[bank];
}

/* The train ends: the last access of each group is noted as others are (note_access). */
static void end_train(sim_dram *dram)
{
    const sim_dram_dir dir = dram->last_dir;
    const sim_dram_dir other = (sim_dram_dir)(1 - dir);
    const uint32_t group_mask = (UINT32_C(1) << dram->group_bits) - 1;
    const uint64_t atom = (dram->ahead_end >> dram->atom_shift) - 1;
    const place at = place_of(dram, atom);
    sim_dram_bank *banks = at.bank - at.group; /* with the same number in each group */
    const uint32_t turned = at.group ^ ((uint32_t)atom & group_mask);
    uint64_t burst = dram->n_ahead - 1;
    uint32_t left = dram->burst_atoms; /* of the burst */
    uint64_t cycle = dram->ahead[burst % SIM_DRAM_TRAIN] + (left - 1) * dram->column_gap;
    at.channel->column_ok[dir] = cycle + dram->column_gap;
    at.channel->column_ok[other] = later(at.channel->column_ok[other], cycle + dram->turn[dir]);
    for (uint32_t k = 0; k <= group_mask; k++) {
        const uint32_t group = (((uint32_t)atom - k) & group_mask) ^ turned;
        uint64_t *group_ok = at.channel->group_column_ok[group];
        group_ok[dir] = cycle + dram->column_gap_same;
        group_ok[other] = later(group_ok[other], cycle + dram->turn_same[dir]);
        banks[group].close_ok = later(banks[group].close_ok, cycle + dram->close_gap[dir]);
        cycle -= dram->column_gap;
        left--;
        if (left == 0) {
            if (burst == 0) {
                break;
            }
            burst--;
            left = dram->burst_atoms;
            cycle = dram->ahead[burst % SIM_DRAM_TRAIN] + (left - 1) * dram->column_gap;
        }
    }
    dram->n_ahead = 0;
}

/*
 * A train that begins, its first access not before a cycle: true, and that cycle, if no group holds the accesses up that
 * follow, one after the other. From the second access of each group on their number sees to that (trains_possible).
 */
static inline bool groups_allow(const sim_dram *dram, sim_dram_dir dir, uint64_t address, uint64_t *cycle)
{
    const sim_dram_channel *channel = &dram->channels[0];
    const uint32_t group_mask = (UINT32_C(1) << dram->group_bits) - 1;
    const uint64_t atom = address >> dram->atom_shift;
    const uint32_t row = (uint32_t)(atom >> dram->row_shift); /* the same up to the end of the train */
    const uint32_t first = (uint32_t)atom ^ (row & dram->xor_mask);
    *cycle = later(*cycle, channel->group_column_ok[first & group_mask][dir]);
    for (uint32_t k = 1; k <= group_mask; k++) {
        const uint32_t group = (((uint32_t)atom + k) ^ (row & dram->xor_mask)) & group_mask;
        if (channel->group_column_ok[group][dir] > *cycle + k * dram->column_gap) {
            return false;
        }
    }
    return true;
}

/* A full burst that goes on with the train of its direction: true, and its first beat, if no refresh comes before its end. */
static inline bool train_takes(sim_dram *dram, sim_dram_dir dir, uint64_t arrival, uint64_t address, uint32_t n_beats,
                               uint64_t *first)
{
    sim_dram_train *train = &dram->trains[dir];
    if (train->next != address || n_beats != dram->burst_beats || train->epoch != epoch_of(dram, train->bank)) {
        return false;
    }
    uint64_t cycle = dram->column_next;
    if (dram->n_ahead == 0 || dram->last_dir != dir) {
        if (dram->n_ahead > 0) {
            end_train(dram);
        }
        cycle = dram->channels[0].column_ok[dir];
    }
    cycle = later(cycle, arrival);
    const uint64_t soonest = later(arrival, dram->free_cycle);
    if (dir == SIM_DRAM_WRITE) {
        cycle = later(cycle, soonest + dram->burst_wait - earlier(soonest, dram->burst_ahead));
    }
    if (dram->n_ahead == 0 && !groups_allow(dram, dir, address, &cycle)) {
        return false;
    }
    const uint64_t next = cycle + dram->burst_atoms * dram->column_gap;
    if (next - dram->column_gap >= dram->channels[0].refresh_due) {
        return false;
    }
    *first = dir == SIM_DRAM_READ ? later(soonest, cycle + dram->burst_lag[SIM_DRAM_READ])
                                  : cycle + dram->burst_ahead - dram->burst_wait;
    dram->column_next = next;
    dram->ahead[dram->n_ahead++ % SIM_DRAM_TRAIN] = cycle;
    dram->ahead_end = address + dram->burst_bytes;
    dram->last_dir = dir;
    dram->stats.row_hits += dram->burst_atoms;
    train->next = (dram->ahead_end & (dram->window - 1)) == 0 ? UINT64_MAX : dram->ahead_end;
    return true;
}

/* What a request finds that is served by itself. */
typedef struct before {
    uint32_t bank; /* of each group, where it begins */
    uint64_t epoch;
    uint64_t n_closed;
} before;

static before look_before(sim_dram *dram, uint64_t begin)
{
    const place at = place_of(dram, begin >> dram->atom_shift);
    const uint32_t bank = (uint32_t)(at.bank - at.channel->banks) >> dram->group_bits;
    return (before){bank, epoch_of(dram, bank), dram->n_closed};
}

/* A request has been served by itself: what goes on? Once each group has had an access, all rows of the window are open. */
static void look_for_train(sim_dram *dram, sim_dram_dir dir, uint64_t begin, uint64_t end, const before *was)
{
    sim_dram_train *train = &dram->trains[dir];
    const uint32_t n_groups = UINT32_C(1) << dram->group_bits;
    const bool full = end - begin == dram->burst_bytes && (begin & (dram->burst_bytes - 1)) == 0;
    const bool goes_on = full && train->end == begin && train->epoch == was->epoch && (begin & (dram->window - 1)) != 0;
    const uint32_t n_before = goes_on ? train->n_atoms : 0;
    dram->last_dir = dir;
    train->bank = was->bank;
    train->epoch = epoch_of(dram, was->bank);
    train->n_atoms = full && dram->n_closed == was->n_closed ? (uint32_t)earlier(n_before + dram->burst_atoms, n_groups) : 0;
    train->end = full ? end : UINT64_MAX;
    train->next = full && train->n_atoms >= n_groups && (end & (dram->window - 1)) != 0 ? end : UINT64_MAX;
}

/*
 * The first beat of a read that arrived in a cycle: no beat moves before the last atom that it touches is there.
 */
static uint64_t read_first(sim_dram *dram, uint64_t arrival, uint64_t begin, uint64_t end)
{
    const uint32_t request = (uint32_t)(dram->stats.bursts[0] + dram->stats.bursts[1]);
    uint64_t first = later(arrival, dram->free_cycle);
    for (uint64_t atom = begin >> dram->atom_shift; atom <= (end - 1) >> dram->atom_shift; atom++) {
        const uint64_t ready = column_access(dram, SIM_DRAM_READ, atom, arrival, arrival, request) + dram->data[SIM_DRAM_READ];
        const uint64_t n_before = (later(atom << dram->atom_shift, begin) - begin) >> dram->beat_shift;
        first = later(first, ready - earlier(ready, n_before));
    }
    return first;
}

/*
 * The first beat of a write that arrived in a cycle: beats come as late as they may, each atom's last in the cycle before
 * DRAM wants it.
 */
static uint64_t write_first(sim_dram *dram, uint64_t arrival, uint64_t begin, uint64_t end)
{
    const uint32_t request = (uint32_t)(dram->stats.bursts[0] + dram->stats.bursts[1]);
    const uint32_t data = dram->data[SIM_DRAM_WRITE];
    const uint64_t soonest = later(arrival, dram->free_cycle);
    uint64_t first = UINT64_MAX;
    for (uint64_t atom = begin >> dram->atom_shift; atom <= (end - 1) >> dram->atom_shift; atom++) {
        const uint64_t n = ((earlier((atom + 1) << dram->atom_shift, end) - 1 - begin) >> dram->beat_shift) + 1; /* beats up to its last */
        const uint64_t from = soonest + n - earlier(soonest + n, data);
        first = earlier(first, column_access(dram, SIM_DRAM_WRITE, atom, arrival, from, request) + data - n);
    }
    return first;
}

/* A request that no train takes; not inline, so that those it takes do not pay for its registers. */
static __attribute__((noinline)) uint64_t single_first(sim_dram *dram, sim_dram_dir dir, uint64_t arrival, uint64_t address,
                                                       uint32_t n_beats)
{
    if (dram->n_ahead > 0) {
        end_train(dram);
    }
    const uint64_t begin = address >> dram->beat_shift << dram->beat_shift;
    const uint64_t end = begin + ((uint64_t)n_beats << dram->beat_shift);
    const before was = look_before(dram, begin);
    const uint64_t first = dir == SIM_DRAM_READ ? read_first(dram, arrival, begin, end) : write_first(dram, arrival, begin, end);
    if (dram->trains_possible) {
        look_for_train(dram, dir, begin, end, &was);
    }
    return first;
}

uint64_t sim_dram_request(sim_dram *dram, sim_dram_dir dir, uint64_t cycle, uint64_t address, uint32_t n_beats)
{
    SY_ASSERT(n_beats >= 1);
    const uint64_t arrival = cycle + dram->latency + sim_dram_stall(dram, dir, dram->stats.bursts[dir]);
    uint64_t first = later(arrival, dram->free_cycle);
    if (dram->banked && !train_takes(dram, dir, arrival, address, n_beats, &first)) {
        first = single_first(dram, dir, arrival, address, n_beats);
    }
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
    /* each access on its own, after one in the other direction and a row conflict; refresh takes half of all cycles at most */
    const uint64_t turn = (uint64_t)c->dram_t_cwl + c->dram_t_atom + c->dram_t_wr + c->dram_t_wtr_s + c->dram_t_wtr_l +
                          c->dram_t_rtw + c->dram_t_rtp;
    const uint64_t row = (uint64_t)c->dram_t_rc + c->dram_t_ras + c->dram_t_rp + c->dram_t_rp_all + c->dram_t_rcd +
                         c->dram_t_rrd_s + c->dram_t_rrd_l + c->dram_t_faw;
    const uint64_t access = turn + row + c->dram_t_ccd_s + c->dram_t_ccd_l + c->dram_t_atom + c->dram_t_cl;
    const uint64_t n_atoms = c->dram_burst_bytes / c->dram_atom_bytes + 1;
    return c->dram_latency + 2 * n_beats + 2 * n_atoms * access + 4 * (uint64_t)c->dram_t_rfc;
}
