/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stats/profile_slopes.h for one level: the short fit of a group, and the derivatives where it ends. Included once by
 * the file of each level, after profile_kernel.h. Works with chi2/2. */
#ifndef CEVSCAN_STATS_PROFILE_SLOPES_KERNEL_H
#define CEVSCAN_STATS_PROFILE_SLOPES_KERNEL_H

#include "profile_slopes_bins.h"

#define BORDER_CURVATURE 1e10 /* of a bin without data that holds the variables at its border, by its expected counts */
#define AT_BORDER 1e-6        /* of what is expected */
#define MOST_COUNTS 1e12      /* in a bin; more are left to cev_profile_block() */
enum { MAX_SHORT_EVALUATIONS = 30 };

typedef struct slopes_fit {
    const cev_slopes *slopes;
    size_t number; /* of the group */
    const plan_group *group;
    const slopes_group *forms;
    cev_slopes_scratch *scratch;
    cev_slopes_result *result;
    size_t lane; /* the part's first */
    lanes *base, *direction, *gradient, *factor;
    lanes_mask hard;   /* lanes that cev_profile_block() fits */
    lanes_mask status; /* cev_point_status */
    lanes chi2;        /* of the group; of hard lanes as it comes from there */
} slopes_fit;

/* --- the fit ------------------------------------------------------------------------------------------------------- */

/* Gradient and Hessian by the variables at v; returns the lanes outside of the region. */
CEV_OUTLINE lanes_mask slopes_at(const slopes_fit *f, const lanes *v, bin_weights weights)
{
    const plan_group *g = f->group;
    lanes_mask outside = {0};
    size_t n = g->n_variable;
    for (size_t p = 0; p < n; p++) {
        f->gradient[p] = (lanes){0};
        for (size_t q = 0; q < n; q++) f->gradient[p] += g->inverse_covariance[p * n + q] * v[q];
        for (size_t q = 0; q <= p; q++) f->factor[p * n + q] = lanes_set(g->inverse_covariance[p * n + q]);
    }
    for (size_t k = 0; k < g->n_channel; k++) {
        const slopes_channel *c = &f->slopes->channel[g->channel[k]];
        slopes_counts *counts = &f->scratch->counts[g->channel[k]];
        channel_slopes slopes;
        scales_of(c->plan, v, (lanes *)counts->scale);
        outside |= slopes_of_channel(c, weights, counts, &slopes);
        scatter(c->plan, &slopes, n, f->gradient, f->factor);
    }
    return outside;
}

CEV_INLINE lanes step_of(const slopes_fit *f, lanes *step, lanes_mask *doubtful)
{
    size_t n = f->group->n_variable;
    switch (n) {
    case 1: return solve_step(1, f->gradient, f->factor, step, doubtful);
    case 2: return solve_step(2, f->gradient, f->factor, step, doubtful);
    default: return solve_step(n, f->gradient, f->factor, step, doubtful);
    }
}

/* Where the fit starts, as a step from zero. */
CEV_INLINE void start_of_fit(const slopes_fit *f, const cev_lanes *start)
{
    size_t n = f->group->n_variable;
    memset(f->base, 0, n * sizeof *f->base);
    for (size_t v = 0; start && v < n; v++)
        f->direction[v] = lanes_load((const double *)&start[f->group->first_variable + v] + f->lane);
    if (start) return;
    lanes_mask ignored = {0};
    slopes_at(f, f->base, OF_LEAST_SQUARES);
    step_of(f, f->direction, &ignored);
}

/* Newton's iteration, each step cut until it neither leaves the region nor overshoots. Lanes that have converged are
 * evaluated where they are, so that at the end counts, gradient and factor are those at the base of every lane that is
 * not returned. */
CEV_INLINE lanes_mask short_fit(const slopes_fit *f)
{
    size_t n = f->group->n_variable;
    lanes *trial = (lanes *)f->scratch->trial, *next = (lanes *)f->scratch->next;
    lanes length = lanes_set(1), initial_slope = lanes_set(INFINITY);
    lanes_mask active = {0};
    active = ~active;
    for (int evaluation = 0; evaluation < MAX_SHORT_EVALUATIONS; evaluation++) {
        lanes slope = {0};
        for (size_t v = 0; v < n; v++) trial[v] = lanes_select(active, f->base[v] + length * f->direction[v], f->base[v]);
        lanes_mask outside = slopes_at(f, trial, OF_LIKELIHOOD), doubtful = {0};
        for (size_t v = 0; v < n; v++) slope += f->gradient[v] * f->direction[v];
        lanes_mask accepted = active & ~outside & (slope <= OVERSHOOT * initial_slope);
        lanes decrement = step_of(f, next, &doubtful);
        for (size_t v = 0; v < n; v++) {
            f->base[v] = lanes_select(accepted, trial[v], f->base[v]);
            f->direction[v] = lanes_select(accepted, next[v], f->direction[v]);
        }
        initial_slope = lanes_select(accepted, decrement, initial_slope);
        length = lanes_select(active & ~accepted, 0.5 * length, lanes_set(1));
        active &= ~(accepted & ~doubtful & (decrement <= CHI2_TOLERANCE));
        if (!lanes_any(active)) break;
    }
    return active;
}

/* --- hard points --------------------------------------------------------------------------------------------------- */

/* The signal and shapes of a channel as cev_profile_block() wants them, this part's lanes in all parts. */
CEV_INLINE void lay_signal(const slopes_channel *c, const slopes_counts *counts, cev_lanes *signal)
{
    const lanes *component = (const lanes *)counts->component;
    for (size_t s = 0; s <= c->n_shape; s++)
        for (size_t i = 0; i < c->n_bin; i++)
            for (size_t part = 0; part < CEV_LANE_PARTS; part++)
                lanes_store((double *)&signal[s * c->n_bin + c->order[i]] + part * LANES, component[s * c->n_bin + i]);
}

CEV_INLINE void stiffen_border(const slopes_channel *c, const slopes_counts *counts, lanes_mask hard, lanes *second)
{
    const lanes *component = (const lanes *)counts->component, *n = (const lanes *)counts->n;
    lanes one[CEV_PROFILE_MAX_COMPONENTS];
    for (size_t k = 0; k < c->plan->n_component; k++) one[k] = lanes_set(k <= c->n_background);
    for (size_t i = c->n_filled; i < c->n_bin; i++) {
        lanes expected = total_counts(c, component, one, c->plan->n_component, i);
        lanes_mask held = hard & (expected > 0) & (n[i] < AT_BORDER * expected);
        second[i] = lanes_select(held, BORDER_CURVATURE / (expected * expected), second[i]);
    }
}

/* Slopes where the full fit ended. A bin without data that holds the variables at its border gets so much curvature that
 * they can not follow across it; its share of the gradient comes with what is left of g_v. */
CEV_INLINE void slopes_of_hard_lanes(const slopes_fit *f)
{
    const plan_group *g = f->group;
    lanes_mask ignored = {0};
    size_t n = g->n_variable;
    slopes_at(f, f->base, OF_LIKELIHOOD);
    for (size_t k = 0; k < g->n_channel; k++) {
        const slopes_channel *c = &f->slopes->channel[g->channel[k]];
        slopes_counts *counts = &f->scratch->counts[g->channel[k]];
        channel_slopes before, after;
        if (c->n_filled == c->n_bin) continue;
        sum_components(c, counts, c->plan->n_component, &before);
        stiffen_border(c, counts, f->hard, (lanes *)counts->second);
        sum_components(c, counts, c->plan->n_component, &after);
        for (size_t m = 0; m < c->plan->n_component * c->plan->n_component; m++) after.hessian[m] -= before.hessian[m];
        memset(after.gradient, 0, sizeof after.gradient);
        scatter(c->plan, &after, n, f->gradient, f->factor);
    }
    step_of(f, f->direction, &ignored);
}

/* Lanes of all groups go through the full fit, and this group's answers are taken. */
CEV_OUTLINE void fit_with_care(slopes_fit *f, const cev_lanes *given)
{
    cev_slopes_scratch *s = f->scratch;
    const cev_slopes *slopes = f->slopes;
    cev_profile_result full = {.variable = s->variable, .group_chi2 = s->group_chi2};
    for (size_t c = 0; c < slopes->profile->n_channel; c++)
        lay_signal(&slopes->channel[c], &s->counts[c], s->signal[c]);
    cev_profile_block(slopes->profile, s->profile, slopes->data, (const cev_lanes *const *)s->signal, given, NULL,
                      &full);
    f->chi2 = lanes_load((const double *)&s->group_chi2[f->number]);
    for (size_t l = 0; l < LANES; l++)
        if (f->hard[l]) f->status[l] = full.status[l];
    for (size_t v = 0; v < f->group->n_variable; v++) {
        lanes ended = lanes_load((const double *)&s->variable[f->group->first_variable + v]);
        f->base[v] = lanes_select(f->hard, ended, f->base[v]);
    }
    slopes_of_hard_lanes(f);
}

/* --- derivatives by forms -------------------------------------------------------------------------------------------- */

/* Adds twice x to an element of a result; chi2 is twice what is worked with. */
CEV_INLINE void add_twice(const slopes_fit *f, cev_lanes *to, size_t element, lanes x)
{
    if (!to) return;
    double *at = (double *)&to[element] + f->lane;
    lanes_store(at, lanes_load(at) + 2.0 * x);
}

CEV_INLINE lanes curve_of(const lanes *curve, size_t a, size_t b)
{
    return a > b ? curve[a * (a + 1) / 2 + b] : curve[b * (b + 1) / 2 + a];
}

/* sum_b curve_ab n_b for each a of the basis, where n_b are a component's coefficients. */
CEV_INLINE void curve_with_component(const slopes_channel *c, const slopes_counts *counts, const lanes *curve,
                                     size_t component, lanes *out)
{
    if (component >= 1 && component <= c->n_background) {
        for (size_t a = 0; a < c->n_basis; a++) out[a] = curve_of(curve, a, c->n_row + component - 1);
        return;
    }
    size_t s = component ? component - c->n_background : 0;
    size_t constant = s ? c->constant_of_shape[s - 1] : SIZE_MAX;
    const lanes *x = (const lanes *)counts->amplitude + s * c->n_row;
    for (size_t a = 0; a < c->n_basis; a++) {
        out[a] = constant == SIZE_MAX ? (lanes){0} : curve_of(curve, a, constant);
        for (size_t r = 0; r < c->n_row; r++) out[a] += curve_of(curve, a, r) * x[r];
    }
}

/* dN/dF by row, at every place. */
CEV_INLINE void fill_shares(const slopes_channel *c, const slopes_counts *counts, lanes *share)
{
    const lanes *scale = (const lanes *)counts->scale;
    for (size_t k = 0; k < c->first[c->from->n_form]; k++) {
        share[k] = scale[0] * c->share[k];
        for (size_t s = 1; s <= c->n_shape; s++)
            share[k] += scale[c->n_background + s] * c->share[s * c->most_places + k];
    }
}

typedef struct channel_sums {
    const lanes *slope, *curve; /* of the basis, and of its products */
    lanes *share, *curve_of_component, *curve_of_form;
} channel_sums;

/* Second derivatives by two forms at fixed variables. */
CEV_INLINE void add_curvature(const slopes_fit *f, const slopes_channel *c, const channel_sums *sums, size_t form)
{
    for (size_t r = 0; r < c->n_row; r++) {
        lanes z = {0};
        for (size_t k = c->first[form]; k < c->first[form + 1]; k++) z += sums->share[k] * curve_of(sums->curve, r, c->row[k]);
        sums->curve_of_form[r] = z;
    }
    for (size_t other = 0; other <= form; other++) {
        lanes sum = {0};
        for (size_t k = c->first[other]; k < c->first[other + 1]; k++)
            sum += sums->share[k] * sums->curve_of_form[c->row[k]];
        size_t element = c->from->form[form] * f->result->n_form + c->from->form[other];
        add_twice(f, f->result->stiff, element, sum);
        add_twice(f, f->result->hessian, element, sum);
        add_twice(f, f->result->positive, element, sum);
    }
}

/* Second derivatives by a variable and a form: what a component's scale does to the slope. */
CEV_INLINE void add_mixed(const slopes_fit *f, const slopes_channel *c, const channel_sums *sums, size_t form,
                          size_t place)
{
    size_t n = f->group->n_variable;
    lanes *mixed = (lanes *)f->scratch->mixed + place * n, *positive = (lanes *)f->scratch->positive_mixed + place * n;
    for (size_t l = 0; l < c->plan->n_link; l++) {
        plan_link link = c->plan->link[l];
        const lanes *curve = sums->curve_of_component + link.component * c->n_basis;
        lanes both = {0}, of_slope = {0};
        for (size_t k = c->first[form]; k < c->first[form + 1]; k++) both += sums->share[k] * curve[c->row[k]];
        positive[link.variable] += both;
        if (link.component >= 1 && link.component <= c->n_background) {
            mixed[link.variable] += both;
            continue;
        }
        const double *share = c->share + (link.component ? link.component - c->n_background : 0) * c->most_places;
        for (size_t k = c->first[form]; k < c->first[form + 1]; k++) of_slope += share[k] * sums->slope[c->row[k]];
        mixed[link.variable] += both + of_slope;
    }
}

CEV_INLINE void add_channel(const slopes_fit *f, size_t k)
{
    cev_slopes_scratch *s = f->scratch;
    const slopes_channel *c = &f->slopes->channel[f->group->channel[k]];
    const slopes_counts *counts = &s->counts[f->group->channel[k]];
    channel_sums sums = {.slope = (lanes *)s->slope,
                         .curve = (lanes *)s->curve,
                         .share = (lanes *)s->share,
                         .curve_of_component = (lanes *)s->curve_of_component,
                         .curve_of_form = (lanes *)s->curve_of_form};
    lanes *gradient = (lanes *)s->form_gradient;
    size_t n_curved = lanes_any(f->hard) ? c->n_bin : c->n_filled;
    sum_over_bins(c->n_bin, (const lanes *)counts->first, c->by_bin, c->n_basis, (lanes *)s->slope);
    sum_over_bins(n_curved, (const lanes *)counts->second, c->product, c->n_product, (lanes *)s->curve);
    fill_shares(c, counts, sums.share);
    for (size_t l = 0; l < c->plan->n_link; l++)
        curve_with_component(c, counts, sums.curve, c->plan->link[l].component,
                             sums.curve_of_component + c->plan->link[l].component * c->n_basis);
    for (size_t form = 0; form < c->from->n_form; form++) {
        size_t place = f->forms->place[k][form];
        for (size_t p = c->first[form]; p < c->first[form + 1]; p++)
            gradient[place] += sums.share[p] * sums.slope[c->row[p]];
        if (f->result->hessian || f->result->positive || f->result->stiff) add_curvature(f, c, &sums, form);
        add_mixed(f, c, &sums, form, place);
    }
}

/* x = L^-1 x; the factor has the inverse of its diagonal. */
CEV_INLINE void solve_forward(const slopes_fit *f, lanes *x)
{
    size_t n = f->group->n_variable;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++) x[i] -= f->factor[i * n + k] * x[k];
        x[i] *= f->factor[i * n + i];
    }
}

/* dv/dF = - H_vv^-1 H_vF; x is L^-1 H_vF. */
CEV_INLINE void store_follow(const slopes_fit *f, const lanes *x, size_t form)
{
    size_t n = f->group->n_variable, n_form = f->result->n_form;
    lanes y[CEV_PROFILE_MAX_PULLS];
    for (size_t i = n; i-- > 0;) {
        y[i] = -x[i];
        for (size_t k = i + 1; k < n; k++) y[i] -= f->factor[k * n + i] * y[k];
        y[i] *= f->factor[i * n + i];
        lanes_store((double *)&f->result->follow[(f->group->first_variable + i) * n_form + form] + f->lane, y[i]);
    }
}

/* Takes the variables out of the derivatives by forms. */
CEV_INLINE void eliminate(const slopes_fit *f)
{
    const slopes_group *forms = f->forms;
    size_t n = f->group->n_variable, n_form = f->result->n_form;
    lanes *mixed = (lanes *)f->scratch->mixed, *positive = (lanes *)f->scratch->positive_mixed;
    lanes *gradient = (lanes *)f->scratch->form_gradient, *left = f->gradient;
    for (size_t a = 0; a < forms->n_form; a++) {
        lanes *x = mixed + a * n, *y = positive + a * n;
        solve_forward(f, x);
        solve_forward(f, y);
        for (size_t v = 0; v < n; v++) gradient[a] -= x[v] * left[v];
        add_twice(f, f->result->gradient, forms->form[a], gradient[a]);
        if (f->result->follow) store_follow(f, x, forms->form[a]);
        for (size_t b = 0; b <= a; b++) {
            lanes exact = {0}, gauss_newton = {0};
            for (size_t v = 0; v < n; v++) exact -= x[v] * mixed[b * n + v];
            for (size_t v = 0; v < n; v++) gauss_newton -= y[v] * positive[b * n + v];
            add_twice(f, f->result->hessian, forms->form[a] * n_form + forms->form[b], exact);
            add_twice(f, f->result->positive, forms->form[a] * n_form + forms->form[b], gauss_newton);
        }
    }
}

/* --- a group ------------------------------------------------------------------------------------------------------- */

/* chi2/2 where the fit ended, with what the last step gains. left: L^-1 g_v. */
CEV_INLINE lanes chi2_of_group(const slopes_fit *f, const lanes *left)
{
    const plan_group *g = f->group;
    size_t n = g->n_variable;
    lanes sum = {0}, penalty = {0}, gain = {0};
    for (size_t k = 0; k < g->n_channel; k++)
        sum += half_chi2_of(&f->slopes->channel[g->channel[k]], &f->scratch->counts[g->channel[k]]);
    for (size_t p = 0; p < n; p++)
        for (size_t q = 0; q < n; q++) penalty += g->inverse_covariance[p * n + q] * f->base[p] * f->base[q];
    for (size_t v = 0; v < n; v++) gain += left[v] * left[v];
    lanes chi2 = 2.0 * sum + penalty - gain;
    return lanes_select(f->hard, f->chi2, chi2);
}

CEV_INLINE void store_variables(const slopes_fit *f)
{
    const plan_group *g = f->group;
    lanes pull[CEV_PROFILE_MAX_PULLS], *ended = (lanes *)f->scratch->trial;
    fit for_pulls = {.group = g, .trial = ended};
    for (size_t v = 0; v < g->n_variable; v++) {
        ended[v] = lanes_select(f->hard, f->base[v], f->base[v] + f->direction[v]);
        if (f->result->variable) lanes_store((double *)&f->result->variable[g->first_variable + v] + f->lane, ended[v]);
    }
    if (!f->result->pull) return;
    best_pulls(&for_pulls, pull);
    for (size_t p = 0; p < g->n_pull; p++)
        lanes_store((double *)&f->result->pull[g->pull[p]] + f->lane,
                    lanes_select(f->status == CEV_POINT_OK, pull[p], lanes_set(NAN)));
}

CEV_INLINE bool wants_slopes(const cev_slopes_result *r)
{
    return r->gradient || r->hessian || r->positive || r->stiff || r->follow;
}

CEV_INLINE void add_group(slopes_fit *f)
{
    double *chi2 = (double *)&f->result->chi2 + f->lane;
    size_t n = f->group->n_variable, n_form = f->forms->n_form;
    store_variables(f);
    solve_forward(f, f->gradient);
    lanes_store(chi2, lanes_load(chi2) + chi2_of_group(f, f->gradient));
    worsen((int64_t *)&f->result->status + f->lane, f->status);
    if (!wants_slopes(f->result)) return;
    memset(f->scratch->form_gradient, 0, n_form * sizeof(lanes));
    memset(f->scratch->mixed, 0, n * n_form * sizeof(lanes));
    memset(f->scratch->positive_mixed, 0, n * n_form * sizeof(lanes));
    for (size_t k = 0; k < f->group->n_channel; k++) add_channel(f, k);
    eliminate(f);
}

/* Signals too strong for the short fit. */
CEV_INLINE lanes_mask too_strong(const slopes_channel *c, const slopes_counts *counts)
{
    const lanes *signal = (const lanes *)counts->component;
    lanes_mask strong = {0};
    for (size_t i = 0; i < c->n_bin; i++) strong |= ~(signal[i] < MOST_COUNTS);
    return strong;
}

CEV_INLINE void slopes_of_part(slopes_fit *f, const cev_lanes *form, const cev_lanes *given, const cev_lanes *start)
{
    const cev_profile *profile = f->slopes->profile;
    for (size_t c = 0; c < profile->n_channel; c++)
        fill_components(&f->slopes->channel[c], (const double *)form + f->lane, &f->scratch->counts[c]);
    for (size_t g = 0; g < profile->n_group; g++) {
        f->number = g;
        f->group = &profile->group[g];
        f->forms = &f->slopes->group[g];
        f->status = (lanes_mask){0} + CEV_POINT_OK;
        start_of_fit(f, start);
        f->hard = short_fit(f);
        for (size_t k = 0; k < f->group->n_channel; k++)
            f->hard |= too_strong(&f->slopes->channel[f->group->channel[k]], &f->scratch->counts[f->group->channel[k]]);
        if (lanes_any(f->hard)) fit_with_care(f, given);
        add_group(f);
    }
}

void CEV_SLOPES_KERNEL(const cev_slopes *slopes, cev_slopes_scratch *scratch, const cev_lanes *form,
                       const cev_lanes *given, const cev_lanes *start, cev_slopes_result *result)
{
    for (size_t p = 0; result->pull && p < slopes->profile->n_pull; p++)
        result->pull[p] = (cev_lanes){0}; /* those that act on nothing */
    for (size_t k = 0; result->follow && k < slopes->profile->n_variable * result->n_form; k++)
        result->follow[k] = (cev_lanes){0};
    for (size_t part = 0; part < CEV_LANE_PARTS; part++) {
        slopes_fit f = {.slopes = slopes,
                        .scratch = scratch,
                        .result = result,
                        .lane = part * LANES,
                        .base = (lanes *)scratch->base,
                        .direction = (lanes *)scratch->direction,
                        .gradient = (lanes *)scratch->gradient,
                        .factor = (lanes *)scratch->hessian};
        slopes_of_part(&f, form, given, start);
    }
}

#endif
