/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cevscan/profile.h for one level: a block, part by part and group by group; what each point's fit ends with, and what
 * is said of it. Included once by the file of each level (profile_baseline.c ...), which is compiled for its
 * processors. */
#ifndef CEVSCAN_STATS_PROFILE_KERNEL_H
#define CEVSCAN_STATS_PROFILE_KERNEL_H

#include "profile_careful.h"
#include "profile_general.h"
#include "profile_newton.h"

#define LARGEST_SIGNAL 1e12 /* counts in a bin, of a signal that pulls may take away again */

typedef struct fit_outcome {
    lanes_mask invalid, unconverged, exact; /* exact: the prediction is the data to the last bit, without pulls */
} fit_outcome;

CEV_INLINE fit_outcome search_from_least_squares(const fit *f)
{
    fit_outcome o = {.invalid = least_squares_slopes(f, f->base)};
    lanes_mask ignored = {0}; /* a start may be doubtful */
    if (f->group->n_variable == 0) return o;
    newton_step(f, f->direction, &ignored);
    if (f->group->linear)
        refine_linear(f); /* that was the solution */
    else
        o.unconverged = search(f);
    return o;
}

/* The fit ends as exactly at the truth as from least squares, which finds no slope there. */
CEV_INLINE fit_outcome search_from(const fit *f, const double *start)
{
    fit_outcome o = {.invalid = {0}};
    o.exact = ~o.exact;
    for (size_t k = 0; k < f->group->n_channel; k++) {
        channel_counts counts = counts_of(f, f->group->channel[k]);
        size_t n_component = counts.n_background + 1;
        counts.n_shape = 0; /* without pulls there are none */
        o.invalid |= n_component == 2 ? impossible_without_pulls(&counts, 2, &o.exact)
                                      : impossible_without_pulls(&counts, n_component, &o.exact);
    }
    for (size_t p = 0; p < f->group->n_variable; p++) f->direction[p] = lanes_load(start + p * CEV_LANES);
    o.unconverged = search(f) & ~o.exact;
    return o;
}

/* Lanes where a bin with data is predicted empty, whatever the pulls. */
CEV_OUTLINE lanes_mask nothing_where_events_are(const fit *f)
{
    lanes_mask found = {0};
    for (size_t k = 0; k < f->group->n_channel; k++) {
        channel_counts counts = counts_of(f, f->group->channel[k]);
        for (size_t i = 0; !counts.weight && i < counts.n_bin; i++) {
            double background = 0;
            for (size_t b = 0; b < counts.n_background; b++) background += counts.background[b * counts.n_bin + i];
            if (counts.data[i] > 0 && background == 0) found |= component_counts(&counts, 0, i) == 0;
        }
    }
    return found;
}

CEV_INLINE void set_status(lanes_mask *status, lanes_mask where, int64_t value)
{
    *status = (*status & ~where) | (((lanes_mask){0} + value) & where);
}

/* chi2 at the best pulls, which end in f->trial. */
CEV_INLINE lanes lowest_chi2(const fit *f, fit_outcome *o)
{
    size_t n = f->group->n_variable;
    for (size_t p = 0; p < n; p++) f->trial[p] = lanes_select(o->exact, (lanes){0}, f->base[p] + f->direction[p]);
    lanes chi2 = chi2_at(f, f->trial);
    if (f->group->linear) o->invalid |= ~(chi2 < INFINITY);
    lanes_mask left = ~o->invalid & ~o->unconverged & ~(chi2 < INFINITY);
    if (!lanes_any(left)) return chi2;
    /* The last, tiny step crossed the border of a bin without data: stay before it. */
    for (size_t p = 0; p < n; p++) f->trial[p] = lanes_select(left, f->base[p], f->trial[p]);
    return chi2_at(f, f->trial);
}

/* Lanes that did not converge are fitted once more, each by itself; returns those that have an answer then. Their
 * variables go into f->trial, their pulls into the scratch memory. */
CEV_OUTLINE lanes_mask settle(const fit *f, lanes_mask hard, lanes *chi2)
{
    lanes_mask settled = {0};
    for (size_t l = 0; l < LANES; l++) {
        double lowest, variable[CEV_PROFILE_MAX_PULLS], **predicted = NULL;
        careful_problem problem = {f->profile, f->group, f->data, f->signal, l};
        if (!hard[l]) continue;
        if (f->result->predicted) {
            predicted = f->scratch->careful_predicted;
            for (size_t k = 0; k < f->group->n_channel; k++)
                predicted[f->group->channel[k]] = (double *)f->result->predicted[f->group->channel[k]] + f->lane + l;
        }
        if (!cev_profile_careful(&problem, &f->scratch->careful, &lowest,
                                 f->scratch->careful_pull + l * f->group->n_pull, variable, predicted))
            continue;
        (*chi2)[l] = lowest;
        for (size_t v = 0; v < f->group->n_variable; v++) f->trial[v][l] = variable[v];
        settled[l] = -1;
    }
    return settled;
}

CEV_INLINE lanes minimise(const fit *f, const double *start, lanes_mask *status, lanes_mask *settled)
{
    memset(f->base, 0, f->group->n_variable * sizeof *f->base);
    memset(f->direction, 0, f->group->n_variable * sizeof *f->direction);
    bool use_start = start && !f->group->linear && f->group->n_variable;
    fit_outcome o = use_start ? search_from(f, start) : search_from_least_squares(f);
    lanes chi2 = lowest_chi2(f, &o);
    *status = (lanes_mask){0} + CEV_POINT_OK;
    *settled = (lanes_mask){0};
    if (f->group->all_careful) o.unconverged = ~o.invalid;
    if (!lanes_any(o.unconverged | o.invalid | ~(chi2 < INFINITY))) return chi2;
    lanes_mask impossible = nothing_where_events_are(f), hard = o.unconverged & ~o.invalid & ~impossible;
    if (lanes_any(hard)) *settled = settle(f, hard, &chi2);
    o.unconverged &= ~*settled;
    set_status(status, o.unconverged, CEV_POINT_NOT_CONVERGED);
    set_status(status, impossible, CEV_POINT_IMPOSSIBLE);
    set_status(status, o.invalid, CEV_POINT_INVALID);
    chi2 = lanes_select(o.invalid | o.unconverged, lanes_set(NAN), chi2);
    return lanes_select(impossible & ~o.invalid, lanes_set(INFINITY), chi2);
}

/* --- a block, part by part -------------------------------------------------------------------------------------- */

/* A point is as bad as its worst group: the numbers of cev_point_status grow with badness. */
CEV_INLINE void worsen(int64_t *status, lanes_mask by)
{
    for (size_t l = 0; l < LANES; l++)
        if (by[l] > status[l]) status[l] = by[l];
}

CEV_INLINE void split_variables(const plan_group *g, const lanes *variable, lanes *pull)
{
    for (size_t p = 0; p < g->n_pull; p++)
        for (size_t v = 0; v < g->n_variable; v++) pull[p] += g->to_pull[p * g->n_variable + v] * variable[v];
}

/* The pulls add up to the variables to rounding: what they miss is split once more. */
CEV_OUTLINE void best_pulls(const fit *f, lanes *pull)
{
    const plan_group *g = f->group;
    lanes missing[CEV_PROFILE_MAX_PULLS];
    memset(pull, 0, g->n_pull * sizeof *pull);
    split_variables(g, f->trial, pull);
    if (g->n_variable == g->n_pull) return; /* they are the same */
    for (size_t v = 0; v < g->n_variable; v++) {
        missing[v] = f->trial[v];
        for (size_t p = 0; p < g->n_pull; p++)
            if (g->set[v] & (uint64_t)1 << p) missing[v] -= pull[p];
    }
    split_variables(g, missing, pull);
}

CEV_INLINE void store_pulls(const fit *f, lanes_mask status, lanes_mask settled, double *to)
{
    const plan_group *g = f->group;
    lanes pull[CEV_PROFILE_MAX_PULLS];
    if (g->general)
        memcpy(pull, f->trial, g->n_pull * sizeof *pull);
    else
        best_pulls(f, pull);
    for (size_t p = 0; p < g->n_pull; p++) {
        for (size_t l = 0; l < LANES; l++)
            if (settled[l]) pull[p][l] = f->scratch->careful_pull[l * g->n_pull + p];
        lanes_store(to + g->pull[p] * CEV_LANES, lanes_select(status == CEV_POINT_OK, pull[p], lanes_set(NAN)));
    }
}

/* The counts that chi2 was made of. */
CEV_OUTLINE void store_counts(const fit *f, lanes_mask status, lanes_mask settled)
{
    for (size_t k = 0; k < f->group->n_channel; k++) {
        size_t c = f->group->channel[k];
        const plan_channel *channel = &f->profile->channel[c];
        channel_counts counts = counts_of(f, c);
        lanes scale[CEV_PROFILE_MAX_COMPONENTS];
        scales_of(channel, f->trial, scale);
        for (size_t i = 0; i < channel->n_bin; i++) {
            double *to = (double *)&f->result->predicted[c][i] + f->lane;
            lanes n = lanes_select(settled, lanes_load(to), predicted_counts(&counts, channel->n_component, scale, i));
            lanes_store(to, lanes_select(status == CEV_POINT_OK, n, lanes_set(NAN)));
        }
    }
}

#include "profile_general_fit.h"

/* A pulled signal so strong that 1 + the pulls would vanish in rounding is scaled down to LARGEST_SIGNAL counts in its
 * largest bin. What is left of it at the minimum are about as many counts n as there are data, of either; chi2 differs
 * by about 2n/(sigma^2 LARGEST_SIGNAL). */
CEV_INLINE const double *tamed_signal(const plan_channel *channel, const double *signal, double *scaled)
{
    lanes largest = {0};
    if (!channel->signal_is_pulled) return signal;
    for (size_t i = 0; i < channel->n_bin; i++) largest = lanes_larger(lanes_load(signal + i * CEV_LANES), largest);
    if (!lanes_any(largest > LARGEST_SIGNAL)) return signal; /* the usual case, and in the hot loop */
    lanes scale = lanes_select((largest > LARGEST_SIGNAL) & (largest < INFINITY), LARGEST_SIGNAL / largest,
                               lanes_set(1));
    for (size_t i = 0; i < channel->n_bin; i++)
        lanes_store(scaled + i * CEV_LANES, scale * lanes_load(signal + i * CEV_LANES));
    return scaled;
}

/* The signal and its shapes as the fit sees them: tamed together, and no shape where nothing is expected, where it
 * would count N < 0. */
CEV_INLINE const double *shaped_signal(const plan_channel *channel, const double *signal, double *scaled)
{
    size_t n_bin = channel->n_bin, n_background = channel->n_component - 1 - channel->n_shape;
    lanes largest = {0};
    for (size_t i = 0; i < n_bin; i++) largest = lanes_larger(lanes_load(signal + i * CEV_LANES), largest);
    lanes_mask strong = (largest > LARGEST_SIGNAL) & (largest < INFINITY);
    lanes scale = channel->signal_is_pulled ? lanes_select(strong, LARGEST_SIGNAL / largest, lanes_set(1))
                                            : lanes_set(1);
    for (size_t i = 0; i < n_bin; i++) {
        lanes expected = lanes_load(signal + i * CEV_LANES);
        lanes_store(scaled + i * CEV_LANES, scale * expected);
        for (size_t b = 0; b < n_background; b++) expected += channel->background[b * n_bin + i];
        for (size_t s = 1; s <= channel->n_shape; s++) {
            lanes shape = scale * lanes_load(signal + (s * n_bin + i) * CEV_LANES);
            lanes_store(scaled + (s * n_bin + i) * CEV_LANES,
                        channel->weight ? shape : lanes_select(expected == 0, (lanes){0}, shape));
        }
    }
    return scaled;
}

CEV_INLINE const double *signal_of_fit(const plan_channel *channel, const double *signal, double *scaled)
{
    return channel->n_shape ? shaped_signal(channel, signal, scaled) : tamed_signal(channel, signal, scaled);
}

/* NULL if the channel is not full. */
CEV_INLINE const double *invert_data(const plan_channel *channel, const double *data, double *inverse)
{
    bool full = !channel->weight;
    for (size_t i = 0; i < channel->n_bin; i++) {
        full &= data[i] > LEAST_FULL_DATA && data[i] < MOST_FULL_DATA;
        inverse[i] = 1 / data[i];
    }
    return full ? inverse : NULL;
}

CEV_INLINE void minimise_group(const fit *f, size_t g, size_t lane, const double *start, const double *given,
                               cev_profile_result *result)
{
    double *chi2 = (double *)&result->chi2 + lane;
    lanes_mask status, settled = {0};
    const double *from = start ? start + f->group->first_variable * CEV_LANES : NULL;
    lanes lowest = f->group->general ? minimise_general(f, from, given, &status) : minimise(f, from, &status, &settled);
    lanes_store(chi2, lanes_load(chi2) + lowest);
    worsen((int64_t *)&result->status + lane, status);
    if (result->group_chi2) lanes_store((double *)&result->group_chi2[g] + lane, lowest);
    if (result->pull) store_pulls(f, status, settled, (double *)result->pull + lane);
    if (result->predicted && !f->group->general) store_counts(f, status, settled);
    for (size_t v = 0; result->variable && v < f->group->n_variable; v++)
        lanes_store((double *)&result->variable[f->group->first_variable + v] + lane, f->trial[v]);
}

void CEV_PROFILE_KERNEL(const cev_profile *profile, cev_profile_scratch *scratch, const double *const *data,
                        const cev_lanes *const *signal, const cev_lanes *given, const cev_lanes *start,
                        cev_profile_result *result)
{
    result->chi2 = (cev_lanes){0};
    result->status = (cev_lanes_mask){0} + CEV_POINT_OK;
    for (size_t p = 0; result->pull && p < profile->n_pull; p++)
        result->pull[p] = (cev_lanes){0}; /* those that act on nothing */
    for (size_t c = 0; c < profile->n_channel; c++)
        scratch->inverse_data[c] = invert_data(&profile->channel[c], data[c], scratch->inverse[c]);
    for (size_t part = 0; part < CEV_LANE_PARTS; part++) {
        size_t lane = part * LANES;
        for (size_t c = 0; c < profile->n_channel; c++)
            scratch->signal[c] = signal_of_fit(&profile->channel[c], (const double *)signal[c] + lane,
                                               scratch->scaled[c] ? scratch->scaled[c] + lane : NULL);
        for (size_t g = 0; g < profile->n_group; g++) {
            fit f = {.profile = profile,
                     .group = &profile->group[g],
                     .data = data,
                     .signal = scratch->signal,
                     .inverse_data = scratch->inverse_data,
                     .base = (lanes *)scratch->base,
                     .direction = (lanes *)scratch->direction,
                     .trial = (lanes *)scratch->trial,
                     .gradient = (lanes *)scratch->gradient,
                     .hessian = (lanes *)scratch->hessian,
                     .scratch = scratch,
                     .result = result,
                     .lane = lane};
            minimise_group(&f, g, lane, start ? (const double *)start + lane : NULL,
                           given ? (const double *)given + lane : NULL, result);
        }
    }
}

#endif
