/*
 * profile.c -- accounts for the cycles of a run.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/rt/profile.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "systole/base/json.h"
#include "systole/base/vec.h"
#include "systole/isa/isa.h"

typedef BASE_VEC(sim_command_event) event_vec;

typedef struct collector {
    base_arena *arena;
    event_vec events;
    bool full;
} collector;

static void collect(void *user, uint64_t step_begin, const sim_command_event *event)
{
    collector *c = user;
    sim_command_event moved = *event;
    moved.start += step_begin;
    moved.end += step_begin;
    c->full = c->full || !base_vec_push(c->arena, &c->events, moved);
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* The layer of a tag; the last row of the table holds what no layer has. */
static rt_profile_layer *layer_of(const rt_profile *profile, uint32_t tag)
{
    uint32_t i = 0;
    while (i + 1 < profile->n_layers && profile->layers[i].plan->tag != tag) {
        i++;
    }
    return &profile->layers[i];
}

static sy_status make_layers(base_arena *arena, const rt_model *model, const isa_config *config,
                             rt_profile *profile, base_diag *diag)
{
    const cc_plan *plan = &model->plan;
    profile->layers = BASE_ARENA_ARRAY(arena, rt_profile_layer, (size_t)plan->n_layers + 1);
    if (profile->layers == NULL) {
        return base_fail(diag, SY_ENOMEM, "out of memory");
    }
    profile->n_layers = plan->n_layers + 1;
    for (uint32_t i = 0; i < plan->n_layers; i++) {
        const cc_plan_layer *layer = &plan->layers[i];
        const uint64_t beats = (layer->dram_bytes + config->dram_width - 1) / config->dram_width;
        profile->layers[i] = (rt_profile_layer){
            .plan = layer,
            .name = layer->name,
            .op = layer->op,
            .roofline = max_u64(max_u64(layer->array_cycles, layer->weight_cycles), beats),
        };
        profile->macs += layer->macs;
        profile->roofline += profile->layers[i].roofline;
    }
    profile->layers[plan->n_layers] = (rt_profile_layer){.name = "(no layer)", .op = ""};
    return SY_OK;
}

/* Adds the cycles of an event that lie at or behind *next, which moves behind them. */
static void cover(const sim_command_event *event, uint64_t *next, uint64_t *active)
{
    const uint64_t begin = max_u64(event->start, *next);
    if (event->end + 1 > begin) {
        *active += event->end + 1 - begin;
        *next = event->end + 1;
    }
}

/* First, last and the cycles in flight; events of a unit come in order of their starts and ends. */
static sy_status account(base_arena *arena, rt_profile *profile, base_diag *diag)
{
    typedef uint64_t ends[SIM_N_UNITS];
    ends *covered = BASE_ARENA_ARRAY(arena, ends,
                                     profile->n_layers); /* cycles before it are counted */
    uint64_t run_covered[SIM_N_UNITS] = {0};
    if (covered == NULL) {
        return base_fail(diag, SY_ENOMEM, "out of memory");
    }
    for (size_t i = 0; i < profile->n_events; i++) {
        const sim_command_event *event = &profile->events[i];
        rt_profile_layer *layer = layer_of(profile, event->tag);
        layer->first = layer->n_commands == 0 || event->start < layer->first ? event->start
                                                                             : layer->first;
        layer->last = max_u64(layer->last, event->end);
        layer->n_commands++;
        cover(event, &covered[layer - profile->layers][event->unit], &layer->active[event->unit]);
        cover(event, &run_covered[event->unit], &profile->active[event->unit]);
    }
    return SY_OK;
}

/* Layers in program order move the end of what is done; what the first one waits for and what
 * follows the last remains. */
static void share_out(rt_profile *profile)
{
    uint64_t done = UINT64_MAX;
    uint64_t end = 0;
    for (uint32_t i = 0; i < profile->n_layers; i++) {
        if (profile->layers[i].n_commands > 0 && profile->layers[i].first < done) {
            done = profile->layers[i].first;
        }
    }
    profile->before = done != UINT64_MAX ? done : 0;
    end = profile->before;
    for (uint32_t i = 0; i < profile->n_layers; i++) {
        rt_profile_layer *layer = &profile->layers[i];
        if (layer->n_commands > 0) {
            layer->cycles = layer->last - layer->first + 1;
            layer->adds = layer->last + 1 > end ? layer->last + 1 - end : 0;
            end += layer->adds;
        }
    }
    profile->after = profile->cycles > end ? profile->cycles - end : 0;
    if (profile->layers[profile->n_layers - 1].n_commands == 0) {
        profile->n_layers--;
    }
}

/* By start, then unit: the order of reports is each model's own. */
static int compare_events(const void *a, const void *b)
{
    const sim_command_event *x = a;
    const sim_command_event *y = b;
    if (x->start != y->start) {
        return x->start < y->start ? -1 : 1;
    }
    return (int)x->unit - (int)y->unit;
}

sy_status rt_profile_run(base_arena *arena, rt_session *session, const ir_tensor *const *inputs,
                         ir_tensor *const *outputs, rt_profile *out, base_diag *diag)
{
    collector c = {.arena = arena};
    const rt_run_options run = {.command = collect, .command_user = &c};
    rt_profile profile = {0};
    if (rt_session_machine(session) == NULL) {
        return base_fail(diag, SY_EUNSUPPORTED, "device cpu has no cycles to account for");
    }
    const isa_config *config = &rt_session_machine(session)->config;
    SY_TRY(make_layers(arena, rt_session_model(session), config, &profile, diag));
    SY_TRY(rt_session_run(session, inputs, outputs, &run, diag));
    if (c.full) {
        return base_fail(diag, SY_ENOMEM, "out of memory: %zu command events", c.events.n);
    }
    const rt_stats *stats = rt_session_stats(session);
    profile.cycles = stats->cycles;
    memcpy(profile.counters, stats->counters, sizeof profile.counters);
    profile.dram = stats->dram;
    if (c.events.n > 0) {
        qsort(c.events.items, c.events.n, sizeof c.events.items[0], compare_events);
    }
    profile.events = c.events.items;
    profile.n_events = c.events.n;
    SY_TRY(account(arena, &profile, diag));
    share_out(&profile);
    *out = profile;
    return SY_OK;
}

/* ---------------------------------------------------------------- trace */

static void put_track(base_json *json, unsigned unit)
{
    base_json_object_begin(json);
    base_json_key_string(json, "ph", "M");
    base_json_key_u64(json, "pid", 1);
    base_json_key_u64(json, "tid", unit + 1);
    base_json_key_string(json, "name", "thread_name");
    base_json_key(json, "args");
    base_json_object_begin(json);
    base_json_key_string(json, "name", isa_unit_name(unit));
    base_json_object_end(json);
    base_json_object_end(json);
}

static void put_slice(base_json *json, const rt_profile *profile, const sim_command_event *event,
                      uint64_t begin)
{
    const isa_op op = isa_op_of_command((isa_unit)event->unit, event->funct7);
    char mnemonic[ISA_MNEMONIC_BYTES] = "?";
    const rt_profile_layer *layer = layer_of(profile, event->tag);
    if (op != ISA_OP_ILLEGAL) {
        isa_op_mnemonic(op, mnemonic);
    }
    const bool named = layer->plan != NULL && layer->plan->tag == event->tag;
    base_json_object_begin(json);
    base_json_key_string(json, "ph", "X");
    base_json_key_u64(json, "pid", 1);
    base_json_key_u64(json, "tid", (uint64_t)event->unit + 1);
    base_json_key_u64(json, "ts", begin);
    base_json_key_u64(json, "dur", event->end + 1 - begin);
    base_json_key_string(json, "name", named ? layer->name : mnemonic);
    base_json_key(json, "args");
    base_json_object_begin(json);
    base_json_key_string(json, "operation", mnemonic);
    base_json_key_string(json, "operator", named ? layer->op : "");
    base_json_key_u64(json, "number", event->number);
    base_json_key_u64(json, "tag", event->tag);
    base_json_key_u64(json, "start", event->start);
    base_json_key_u64(json, "end", event->end);
    base_json_object_end(json);
    base_json_object_end(json);
}

sy_status rt_profile_trace(const rt_profile *profile, const char *title, base_buf *out)
{
    base_json json = base_json_to(out);
    uint64_t drawn[SIM_N_UNITS] = {0};
    json.compact = true;
    base_json_object_begin(&json);
    base_json_key_string(&json, "displayTimeUnit", "ns");
    base_json_key(&json, "otherData");
    base_json_object_begin(&json);
    base_json_key_string(&json, "model", title);
    base_json_key_u64(&json, "cycles", profile->cycles);
    base_json_object_end(&json);
    base_json_key(&json, "traceEvents");
    base_json_array_begin(&json);
    for (unsigned unit = 0; unit < SIM_N_UNITS; unit++) {
        put_track(&json, unit);
    }
    for (size_t i = 0; i < profile->n_events; i++) {
        const sim_command_event *event = &profile->events[i];
        const uint64_t begin = max_u64(event->start, drawn[event->unit]);
        put_slice(&json, profile, event, begin < event->end ? begin : event->end);
        drawn[event->unit] = event->end + 1;
    }
    base_json_array_end(&json);
    base_json_object_end(&json);
    return base_buf_status(out);
}
