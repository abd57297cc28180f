/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Units of experiments: one family of them for each roster that the spaces of a study have. */
#include <string.h>

#include "job_parts.h"

/* --- which spaces share ----------------------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

/* Numbers of experiments are each space's own: templates are made for the range that it gives them. */
static bool same_guest(const cev_guest *a, const cev_guest *b)
{
    const cev_parameter *p = &a->parameter, *q = &b->parameter;
    if (a == b) return true;
    return a->kind == b->kind && a->kind != CEV_GUEST_NUMBER && !strcmp(p->name, q->name) &&
           cev_same_value(p->default_value, q->default_value) && p->minimum == q->minimum && p->maximum == q->maximum;
}

static bool same_profiled(const cev_profiled *a, const cev_profiled *b)
{
    return a->index == b->index && a->low == b->low && a->high == b->high;
}

static bool same_constraint(const cev_constraint *a, const cev_constraint *b)
{
    return a->index == b->index && a->centre == b->centre && a->sigma == b->sigma;
}

static bool same_follower(const cev_follower *a, const cev_follower *b)
{
    return a->index == b->index && a->of == b->of && a->times == b->times && same_text(a->formula, b->formula) &&
           a->n_input == b->n_input && (!a->n_input || !memcmp(a->input, b->input, a->n_input * sizeof *a->input));
}

static bool same_correlation(const cev_correlation *a, const cev_correlation *b)
{
    return !strcmp(a->pull[0], b->pull[0]) && !strcmp(a->pull[1], b->pull[1]) && a->coefficient == b->coefficient;
}

static bool same_roster(const cev_roster *a, const cev_roster *b)
{
    bool same = a->interaction == b->interaction && a->n_guest == b->n_guest && a->n_profiled == b->n_profiled &&
                a->n_constraint == b->n_constraint && a->n_follower == b->n_follower &&
                a->n_correlation == b->n_correlation;
    for (size_t k = 0; same && k < a->n_guest; k++) same = same_guest(&a->guest[k], &b->guest[k]);
    for (size_t k = 0; same && k < a->n_profiled; k++) same = same_profiled(&a->profiled[k], &b->profiled[k]);
    for (size_t k = 0; same && k < a->n_constraint; k++) same = same_constraint(&a->constraint[k], &b->constraint[k]);
    for (size_t k = 0; same && k < a->n_follower; k++) same = same_follower(&a->follower[k], &b->follower[k]);
    for (size_t k = 0; same && k < a->n_correlation; k++)
        same = same_correlation(&a->correlation[k], &b->correlation[k]);
    return same;
}

/* --- one family ------------------------------------------------------------------------------------------------- */

static cev_status describe_set(const job *j, size_t setting, const cev_study_set *set, cev_fit_set *out)
{
    const cev_study_config *c = j->config;
    const cev_experiment **experiment;
    bool *observed;
    CEV_TRY(cev_new(j->arena, set->n_experiment, &experiment));
    CEV_TRY(cev_new(j->arena, set->n_experiment, &observed));
    for (size_t e = 0; e < set->n_experiment; e++) {
        experiment[e] = c->experiment[setting * c->n_experiment + set->experiment[e]];
        observed[e] = c->space[0].scan->observed[set->experiment[e]];
    }
    *out = (cev_fit_set){.n_experiment = set->n_experiment, .experiment = experiment, .observed = observed};
    return CEV_OK;
}

/* The pulls of all sets, in the order of their first use. */
static cev_status list_pulls(const job *j, job_units *u, size_t n_set)
{
    size_t most = 0;
    if (!j->config->store_pulls) return CEV_OK;
    for (size_t m = 0; m < n_set; m++) most += cev_units_n_pull(u->units, m);
    CEV_TRY(cev_new(j->arena, most, &u->pull_name));
    for (size_t m = 0; m < n_set; m++)
        for (size_t p = 0; p < cev_units_n_pull(u->units, m); p++) {
            const char *name = cev_units_pull_name(u->units, m, p);
            size_t k = 0;
            while (k < u->n_pull && strcmp(u->pull_name[k], name)) k++;
            if (k == u->n_pull) u->pull_name[u->n_pull++] = name;
        }
    return CEV_OK;
}

static cev_status build_family(job *j, const cev_scan_config *scan, job_units *out)
{
    const cev_study_config *c = j->config;
    size_t n = c->n_setting * c->n_set, n_thread = (size_t)j->machine.threads;
    cev_fit_set *set;
    out->scan = scan;
    CEV_TRY(cev_new(j->arena, n, &set));
    for (size_t k = 0; k < n; k++) CEV_TRY(describe_set(j, k / c->n_set, &c->set[k % c->n_set], &set[k]));
    CEV_TRY(cev_units_create(n, set, &scan->roster, scan->theta, &out->units));
    CEV_TRY(list_pulls(j, out, n));
    CEV_TRY(cev_new(j->arena, n_thread, &out->scratch));
    for (size_t t = 0; t < n_thread; t++) CEV_TRY(cev_units_scratch_create(out->units, &out->scratch[t]));
    return CEV_OK;
}

/* --- all of them ------------------------------------------------------------------------------------------------ */

cev_status job_units_for(job *j, const cev_scan_config *scan, job_units **out)
{
    size_t k = 0;
    while (k < j->n_units && !same_roster(&j->units[k].scan->roster, &scan->roster)) k++;
    *out = &j->units[k];
    if (k < j->n_units) return CEV_OK;
    j->n_units++; /* what is made in part is destroyed, too */
    return build_family(j, scan, *out);
}

void job_units_destroy(job *j)
{
    for (size_t k = 0; k < j->n_units; k++) {
        for (int t = 0; j->units[k].scratch && t < j->machine.threads; t++)
            cev_units_scratch_destroy(&j->units[k].scratch[t]);
        cev_units_destroy(&j->units[k].units);
    }
}

size_t job_units_n(const job *j)
{
    size_t n = 0;
    for (size_t k = 0; k < j->n_units; k++) n += cev_units_n(j->units[k].units);
    return n;
}

/* Of one family its own, of several that of theirs. */
cev_status job_units_digest(const job *j, cev_digest *out)
{
    cev_digest *own;
    if (j->n_units == 1) return cev_units_digest(j->units[0].units, out);
    CEV_TRY(cev_new(j->arena, j->n_units, &own));
    for (size_t k = 0; k < j->n_units; k++) CEV_TRY(cev_units_digest(j->units[k].units, &own[k]));
    return cev_digest_spans(&(cev_span){own, j->n_units * sizeof *own}, 1, out);
}
