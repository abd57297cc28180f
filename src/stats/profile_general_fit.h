/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The fit of a general group: without its bounds first, so that one that does not bind changes no bit; then, where a
 * pull went beyond its bounds, within them. Part of profile_kernel.h. */
#ifndef CEVSCAN_STATS_PROFILE_GENERAL_FIT_H
#define CEVSCAN_STATS_PROFILE_GENERAL_FIT_H

#define STRONG_SIGNAL 1e12 /* counts in a bin, beside which 1 + a pull is lost in rounding */

typedef struct general_outcome {
    lanes chi2;
    lanes_mask status;
    lanes pull[CEV_PROFILE_MAX_PULLS];
} general_outcome;

/* The pulls where a fit sets out: at 0, or as they are given. */
CEV_INLINE lanes_mask set_origin(const plan_group *g, const double *given, lanes *origin)
{
    lanes_mask known = {0};
    for (size_t v = 0; v < g->n_pull; v++) {
        bool is_given = g->prior[v].given && given;
        origin[v] = is_given ? lanes_load(given + g->pull[v] * CEV_LANES) : (lanes){0};
        known |= origin[v] - origin[v] != 0;
    }
    return known;
}

/* Lanes where a bin can not be what the data are, whatever the pulls that are not given. */
CEV_OUTLINE lanes_mask impossible_as_given(const fit *f, const lanes *origin)
{
    lanes_mask found = ~(constraint_chi2(f->group, origin) < INFINITY);
    for (size_t k = 0; k < f->group->n_channel; k++) {
        const plan_channel *channel = &f->profile->channel[f->group->channel[k]];
        channel_counts counts = counts_of(f, f->group->channel[k]);
        lanes scale[CEV_PROFILE_MAX_COMPONENTS];
        term_scales(channel, origin, scale);
        for (size_t i = 0; !counts.weight && i < counts.n_bin; i++) {
            lanes n = predicted_counts(&counts, channel->n_component, scale, i);
            lanes_mask wrong = counts.data[i] > 0 ? n <= 0 : n < 0;
            for (size_t t = 0; t < channel->n_term; t++)
                if (!f->group->prior[channel->term[t].variable].given)
                    wrong &= component_counts(&counts, channel->term[t].component, i) == 0;
            found |= wrong;
        }
    }
    return found;
}

CEV_OUTLINE lanes_mask has_strong_signal(const fit *f)
{
    lanes_mask found = {0};
    for (size_t k = 0; k < f->group->n_channel; k++) {
        const plan_channel *channel = &f->profile->channel[f->group->channel[k]];
        channel_counts counts = counts_of(f, f->group->channel[k]);
        bool scaled = false;
        for (size_t t = 0; t < channel->n_term; t++) scaled |= channel->term[t].component == 0;
        for (size_t i = 0; scaled && i < counts.n_bin; i++) found |= component_counts(&counts, 0, i) > STRONG_SIGNAL;
    }
    return found;
}

CEV_INLINE fit_outcome outcome_without_pulls(const fit *f)
{
    fit_outcome o = {.invalid = {0}};
    o.exact = ~o.exact;
    for (size_t k = 0; k < f->group->n_channel; k++) {
        channel_counts counts = counts_of(f, f->group->channel[k]);
        counts.n_shape = 0; /* without pulls there are none */
        o.invalid |= impossible_without_pulls(&counts, counts.n_background + 1, &o.exact);
    }
    return o;
}

/* Lanes `hard` are fitted once more, each by itself; returns those that have an answer then. Those that turn out to
 * have none are added to *impossible. */
CEV_OUTLINE lanes_mask settle_general(const fit *f, const double *given, bool bounded, lanes_mask hard, lanes *chi2,
                                      lanes_mask *impossible)
{
    lanes_mask settled = {0};
    for (size_t l = 0; l < LANES; l++) {
        double lowest, pull[CEV_PROFILE_MAX_PULLS], **predicted = NULL;
        careful_problem problem = {f->profile, f->group, f->data, f->signal, l};
        if (!hard[l]) continue;
        if (f->result->predicted) {
            predicted = f->scratch->careful_predicted;
            for (size_t k = 0; k < f->group->n_channel; k++)
                predicted[f->group->channel[k]] = (double *)f->result->predicted[f->group->channel[k]] + f->lane + l;
        }
        careful_end end = cev_profile_careful_general(&problem, given ? given + l : NULL, bounded, &f->scratch->careful,
                                                      &lowest, pull, predicted);
        if (end == CAREFUL_NOWHERE) (*impossible)[l] = -1;
        if (end != CAREFUL_FOUND) continue;
        (*chi2)[l] = lowest;
        for (size_t v = 0; v < f->group->n_pull; v++) f->trial[v][l] = pull[v];
        settled[l] = -1;
    }
    return settled;
}

/* The counts of lanes `where`, from the pulls of the trial. */
CEV_OUTLINE void store_general_counts(const fit *f, lanes_mask where)
{
    for (size_t k = 0; k < f->group->n_channel; k++) {
        size_t c = f->group->channel[k];
        const plan_channel *channel = &f->profile->channel[c];
        channel_counts counts = counts_of(f, c);
        lanes scale[CEV_PROFILE_MAX_COMPONENTS];
        term_scales(channel, f->trial, scale);
        for (size_t i = 0; i < channel->n_bin; i++) {
            double *to = (double *)&f->result->predicted[c][i] + f->lane;
            lanes n = predicted_counts(&counts, channel->n_component, scale, i);
            lanes_store(to, lanes_select(where, n, lanes_load(to)));
        }
    }
}

CEV_OUTLINE void forget_counts(const fit *f, lanes_mask where)
{
    for (size_t k = 0; k < f->group->n_channel; k++) {
        size_t c = f->group->channel[k];
        for (size_t i = 0; i < f->profile->channel[c].n_bin; i++) {
            double *to = (double *)&f->result->predicted[c][i] + f->lane;
            lanes_store(to, lanes_select(where, lanes_set(NAN), lanes_load(to)));
        }
    }
}

/* Where the pulls end: in f->trial, the lanes without an answer in the outcome. */
CEV_INLINE lanes lowest_general(general_fit *s, const double *start, const lanes *origin, fit_outcome *o)
{
    const fit *f = s->f;
    size_t n = s->group->n_pull;
    lanes_mask none = {0}, ignored;
    set_out(s, origin, ~none);
    if (start) {
        for (size_t v = 0; v < n; v++)
            if (!s->group->prior[v].given) f->direction[v] = lanes_load(start + v * CEV_LANES);
    } else {
        general_least_squares_slopes(s, origin);
        step_at(s, origin, f->direction, &ignored);
    }
    o->unconverged = search_general(s, origin) & ~o->exact;
    go(s, lanes_set(1), f->trial);
    for (size_t v = 0; v < n; v++) f->trial[v] = lanes_select(o->exact, (lanes){0}, f->trial[v]);
    lanes chi2 = general_chi2(f, f->trial);
    lanes_mask left = ~o->invalid & ~o->unconverged & ~(chi2 < INFINITY);
    if (!lanes_any(left)) return chi2;
    for (size_t v = 0; v < n; v++) f->trial[v] = lanes_select(left, f->base[v], f->trial[v]);
    return general_chi2(f, f->trial);
}

/* Fits all lanes; those `where` go into the outcome. */
CEV_OUTLINE void general_pass(const fit *f, const double *start, const double *given, bool bounded, lanes_mask where,
                              general_outcome *out)
{
    general_fit s = {.f = f, .group = f->group, .bounded = bounded};
    lanes origin[CEV_PROFILE_MAX_PULLS];
    lanes_mask unknown = set_origin(f->group, given, origin), settled = {0};
    fit_outcome o = outcome_without_pulls(f);
    for (size_t v = 0; v < f->group->n_pull; v++) o.exact &= origin[v] == 0;
    o.invalid |= unknown;
    lanes chi2 = lowest_general(&s, start, origin, &o);
    o.unconverged |= has_strong_signal(f) & ~o.exact;
    if (f->group->all_careful) o.unconverged = ~o.exact;
    lanes_mask impossible = {0}, status = (lanes_mask){0} + CEV_POINT_OK;
    if (lanes_any(o.unconverged | o.invalid | ~(chi2 < INFINITY))) {
        impossible = impossible_as_given(f, origin) & ~o.invalid;
        settled = settle_general(f, given, bounded, where & o.unconverged & ~o.invalid & ~impossible, &chi2,
                                 &impossible);
        o.unconverged |= ~(chi2 < INFINITY) & ~impossible;
        o.unconverged &= ~settled;
        set_status(&status, o.unconverged, CEV_POINT_NOT_CONVERGED);
        set_status(&status, impossible, CEV_POINT_IMPOSSIBLE);
        set_status(&status, o.invalid, CEV_POINT_INVALID);
        chi2 = lanes_select(o.invalid | o.unconverged, lanes_set(NAN), chi2);
        chi2 = lanes_select(impossible, lanes_set(INFINITY), chi2);
    }
    out->chi2 = lanes_select(where, chi2, out->chi2);
    out->status = (status & where) | (out->status & ~where);
    for (size_t v = 0; v < f->group->n_pull; v++) out->pull[v] = lanes_select(where, f->trial[v], out->pull[v]);
    if (f->result->predicted) store_general_counts(f, where & ~settled);
}

/* The same without bounds, by the way of other groups. */
CEV_OUTLINE void inside_pass(const fit *f, const double *start, general_outcome *out)
{
    const plan_group *g = f->group->inside;
    double shift[CEV_PROFILE_MAX_PULLS * CEV_LANES];
    lanes_mask settled;
    fit inner = *f;
    inner.group = g;
    for (size_t v = 0; start && v < g->n_variable; v++) {
        lanes sum = {0};
        for (size_t p = 0; p < g->n_pull; p++)
            if (g->set[v] & (uint64_t)1 << p) sum += lanes_load(start + p * CEV_LANES);
        lanes_store(shift + v * CEV_LANES, sum);
    }
    out->chi2 = minimise(&inner, start ? shift : NULL, &out->status, &settled);
    best_pulls(&inner, out->pull);
    for (size_t p = 0; p < g->n_pull; p++)
        for (size_t l = 0; l < LANES; l++)
            if (settled[l]) out->pull[p][l] = f->scratch->careful_pull[l * g->n_pull + p];
    if (f->result->predicted) store_counts(&inner, out->status, settled);
}

/* Lanes that have to be fitted within bounds. */
CEV_INLINE lanes_mask beyond_bounds(const fit *f, const general_outcome *out)
{
    lanes_mask beyond = out->status == CEV_POINT_NOT_CONVERGED;
    for (size_t v = 0; v < f->group->n_pull; v++) {
        const cev_pull_prior *prior = &f->group->prior[v];
        if (prior->given) continue;
        beyond |= (out->pull[v] < prior->low) | (out->pull[v] > prior->high);
    }
    return beyond & (out->status != CEV_POINT_INVALID) & (out->status != CEV_POINT_IMPOSSIBLE);
}

/* chi2 at the best pulls, which end in f->trial; the counts are stored. */
CEV_OUTLINE lanes minimise_general(const fit *f, const double *start, const double *given, lanes_mask *status)
{
    general_outcome out = {.chi2 = {0}};
    lanes_mask none = {0}, redo = none;
    if (f->group->inside)
        inside_pass(f, start, &out);
    else
        general_pass(f, start, given, false, ~none, &out);
    if (f->group->bounded) redo = beyond_bounds(f, &out);
    if (f->group->inside) redo |= has_strong_signal(f);
    if (lanes_any(redo)) general_pass(f, start, given, true, redo, &out);
    if (f->result->predicted) forget_counts(f, out.status != CEV_POINT_OK);
    memcpy(f->trial, out.pull, f->group->n_pull * sizeof *f->trial);
    *status = out.status;
    return out.chi2;
}

#endif
