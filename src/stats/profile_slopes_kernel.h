/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stats/profile_slopes.h for one level: the short fit of a group, and the derivatives where it ends. Included once by
 * the file of each level, after profile_kernel.h. Works with chi2/2. */
#ifndef CEVSCAN_STATS_PROFILE_SLOPES_KERNEL_H
#define CEVSCAN_STATS_PROFILE_SLOPES_KERNEL_H

#include "profile_slopes_fit.h"

/* --- derivatives by forms ----------------------------------------------------------------------------------------- */

/* Adds twice x to an element of a result; chi2 is twice what is worked with. */
CEV_INLINE void add_twice(const slopes_fit *f, cev_lanes *to, size_t element, lanes x)
{
    if (!to) return;
    double *at = (double *)&to[element] + f->lane;
    lanes_store(at, lanes_load(at) + 2.0 * x);
}

CEV_INLINE void set_to_zero(size_t n, lanes *x)
{
    for (size_t k = 0; k < n; k++) x[k] = (lanes){0};
}

/* Sums over the bins of a channel: how chi2 depends on the coefficients of its basis, to first and second order. */
typedef struct basis_sums {
    const lanes *slope; /* [n_basis] */
    const lanes *curve; /* [n_basis][n_basis] */
    const lanes *share; /* [n_place], dN/dF by row */
} basis_sums;

CEV_INLINE void fill_square(size_t n, const lanes *triangle, lanes *square)
{
    for (size_t a = 0; a < n; a++)
        for (size_t b = 0; b <= a; b++) square[a * n + b] = square[b * n + a] = triangle[a * (a + 1) / 2 + b];
}

CEV_INLINE void fill_shares(const slopes_channel *c, const slopes_counts *counts, lanes *share)
{
    const lanes *scale = (const lanes *)counts->scale;
    for (size_t k = 0; k < c->first[c->from->n_form]; k++) {
        share[k] = scale[0] * c->share[k];
        for (size_t s = 1; s <= c->n_shape; s++)
            share[k] += scale[c->n_background + s] * c->share[s * c->most_places + k];
    }
}

CEV_INLINE basis_sums sum_basis(const slopes_fit *f, const slopes_channel *c, const slopes_counts *counts)
{
    cev_slopes_scratch *s = f->scratch;
    size_t n_curved = lanes_any(f->hard) ? c->n_bin : c->n_filled;
    sum_over_bins(c->n_bin, (const lanes *)counts->first, c->by_bin, c->n_basis, (lanes *)s->slope);
    sum_over_bins(n_curved, (const lanes *)counts->second, c->product, c->n_product, (lanes *)s->triangle);
    fill_square(c->n_basis, (const lanes *)s->triangle, (lanes *)s->curve);
    fill_shares(c, counts, (lanes *)s->share);
    return (basis_sums){(const lanes *)s->slope, (const lanes *)s->curve, (const lanes *)s->share};
}

/* z[n_basis]: second derivatives by the coefficients of the basis and by one form. */
CEV_INLINE void curve_of_form(const slopes_channel *c, const basis_sums *sums, size_t form, lanes *z)
{
    for (size_t a = 0; a < c->n_basis; a++) {
        lanes sum = {0};
        for (size_t k = c->first[form]; k < c->first[form + 1]; k++)
            sum += sums->share[k] * sums->curve[c->row[k] * c->n_basis + a];
        z[a] = sum;
    }
}

/* The same by the scale of a component, the counts of which do not change, ... */
CEV_INLINE lanes curve_of_component(const slopes_channel *c, const slopes_counts *counts, size_t component,
                                    const lanes *z)
{
    if (component >= 1 && component <= c->n_background) return z[c->n_row + component - 1];
    size_t shape = component ? component - c->n_background : 0;
    const lanes *x = (const lanes *)counts->amplitude + shape * c->n_row;
    lanes sum = {0};
    for (size_t r = 0; r < c->n_row; r++) sum += x[r] * z[r];
    if (shape && c->constant_of_shape[shape - 1] != SIZE_MAX) sum += z[c->constant_of_shape[shape - 1]];
    return sum;
}

/* ... and because they do. */
CEV_INLINE lanes slope_of_component(const slopes_channel *c, const basis_sums *sums, size_t component, size_t form)
{
    lanes sum = {0};
    if (component >= 1 && component <= c->n_background) return sum;
    const double *share = c->share + (component ? component - c->n_background : 0) * c->most_places;
    for (size_t k = c->first[form]; k < c->first[form + 1]; k++) sum += share[k] * sums->slope[c->row[k]];
    return sum;
}

CEV_INLINE void add_form(const slopes_fit *f, const slopes_channel *c, const slopes_counts *counts, const size_t *place,
                         const basis_sums *sums, size_t form)
{
    size_t n = f->group->n_variable, at = place[form];
    lanes *z = (lanes *)f->scratch->curve_of_form, *curvature = (lanes *)f->scratch->curvature;
    lanes *mixed = (lanes *)f->scratch->mixed + at * n, *positive = (lanes *)f->scratch->positive_mixed + at * n;
    lanes slope = {0};
    for (size_t k = c->first[form]; k < c->first[form + 1]; k++) slope += sums->share[k] * sums->slope[c->row[k]];
    ((lanes *)f->scratch->form_gradient)[at] += slope;
    curve_of_form(c, sums, form, z);
    for (size_t other = 0; other <= form; other++) {
        lanes sum = {0};
        for (size_t k = c->first[other]; k < c->first[other + 1]; k++) sum += sums->share[k] * z[c->row[k]];
        curvature[at * f->forms->n_form + place[other]] += sum;
    }
    for (size_t l = 0; l < c->plan->n_term; l++) {
        const plan_term *t = &c->plan->term[l];
        lanes by_term = term_slope(t, f->base), both = curve_of_component(c, counts, t->component, z);
        positive[t->variable] += by_term * both;
        mixed[t->variable] += by_term * (both + slope_of_component(c, sums, t->component, form));
    }
}

CEV_INLINE void add_channel(const slopes_fit *f, size_t k)
{
    const slopes_channel *c = &f->slopes->channel[f->group->channel[k]];
    const slopes_counts *counts = &f->scratch->counts[f->group->channel[k]];
    basis_sums sums = sum_basis(f, c, counts);
    for (size_t form = 0; form < c->from->n_form; form++) add_form(f, c, counts, f->forms->place[k], &sums, form);
}

/* x = L^-1 x; the factor has the inverse of its diagonal. */
CEV_INLINE void solve_forward(size_t n, const lanes *factor, lanes *x)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++) x[i] -= factor[i * n + k] * x[k];
        x[i] *= factor[i * n + i];
    }
}

/* Variables that are held do not follow. */
CEV_INLINE void hold(const slopes_fit *f, lanes *x)
{
    for (size_t v = 0; f->group->general && v < f->group->n_variable; v++)
        x[v] = lanes_select(f->held[v], (lanes){0}, x[v]);
}

/* Factors the Hessian without what can be negative, of a curved group. */
CEV_INLINE const lanes *factor_positive(const slopes_fit *f)
{
    lanes ignored_step[CEV_PROFILE_MAX_PULLS];
    lanes_mask ignored = {0};
    if (!f->group->curved) return f->hessian;
    take_held_out(f, f->positive);
    solve_step(f->group->n_variable, f->gradient, f->positive, ignored_step, &ignored);
    return f->positive;
}

/* dv/dF = - H_vv^-1 H_vF; x is L^-1 H_vF. */
CEV_INLINE void store_follow(const slopes_fit *f, const lanes *x, size_t form)
{
    size_t n = f->group->n_variable, n_form = f->result->n_form;
    lanes y[CEV_PROFILE_MAX_PULLS];
    for (size_t i = n; i-- > 0;) {
        y[i] = -x[i];
        for (size_t k = i + 1; k < n; k++) y[i] -= f->hessian[k * n + i] * y[k];
        y[i] *= f->hessian[i * n + i];
        lanes_store((double *)&f->result->follow[(f->group->first_variable + i) * n_form + form] + f->lane, y[i]);
    }
}

/* Takes the variables out of the derivatives by forms. */
CEV_INLINE void eliminate(const slopes_fit *f)
{
    const slopes_group *forms = f->forms;
    size_t n = f->group->n_variable, n_form = f->result->n_form;
    lanes *mixed = (lanes *)f->scratch->mixed, *positive = (lanes *)f->scratch->positive_mixed;
    lanes *gradient = (lanes *)f->scratch->form_gradient;
    const lanes *of_positive = factor_positive(f), *left = f->gradient;
    const lanes *curvature = (const lanes *)f->scratch->curvature;
    for (size_t a = 0; a < forms->n_form; a++) {
        lanes *x = mixed + a * n, *y = positive + a * n;
        hold(f, x);
        hold(f, y);
        solve_forward(n, f->hessian, x);
        solve_forward(n, of_positive, y);
        for (size_t v = 0; v < n; v++) gradient[a] -= x[v] * left[v];
        add_twice(f, f->result->gradient, forms->form[a], gradient[a]);
        if (f->result->follow) store_follow(f, x, forms->form[a]);
        for (size_t b = 0; b <= a; b++) {
            lanes exact = curvature[a * forms->n_form + b], gauss_newton = exact;
            for (size_t v = 0; v < n; v++) exact -= x[v] * mixed[b * n + v];
            for (size_t v = 0; v < n; v++) gauss_newton -= y[v] * positive[b * n + v];
            size_t element = forms->form[a] * n_form + forms->form[b];
            add_twice(f, f->result->stiff, element, curvature[a * forms->n_form + b]);
            add_twice(f, f->result->hessian, element, exact);
            add_twice(f, f->result->positive, element, gauss_newton);
        }
    }
}

/* --- a group ----------------------------------------------------------------------------------------------------- */

/* chi2/2 where the fit ended, with what the last step gains. left: L^-1 g_v. */
CEV_INLINE lanes chi2_of_group(const slopes_fit *f, const lanes *left)
{
    const plan_group *g = f->group;
    size_t n = g->n_variable;
    lanes sum = {0}, penalty = {0}, gain = {0};
    for (size_t k = 0; k < g->n_channel; k++)
        sum += half_chi2_of(&f->slopes->channel[g->channel[k]], &f->scratch->counts[g->channel[k]]);
    if (g->general) penalty = constraint_chi2(g, f->base);
    for (size_t p = 0; !g->general && p < n; p++)
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
    if (g->general)
        memcpy(pull, ended, g->n_pull * sizeof *pull);
    else
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
    solve_forward(n, f->hessian, f->gradient);
    lanes_store(chi2, lanes_load(chi2) + chi2_of_group(f, f->gradient));
    worsen((int64_t *)&f->result->status + f->lane, f->status);
    if (!wants_slopes(f->result)) return;
    set_to_zero(n_form, (lanes *)f->scratch->form_gradient);
    set_to_zero(n * n_form, (lanes *)f->scratch->mixed);
    set_to_zero(n * n_form, (lanes *)f->scratch->positive_mixed);
    set_to_zero(n_form * n_form, (lanes *)f->scratch->curvature);
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
        start_of_fit(f, given, start);
        f->hard = short_fit(f);
        if (f->group->all_careful) f->hard = ~(lanes_mask){0};
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
                        .hessian = (lanes *)scratch->hessian,
                        .positive = (lanes *)scratch->positive,
                        .held = (lanes_mask *)scratch->held};
        slopes_of_part(&f, form, given, start);
    }
}

#endif
