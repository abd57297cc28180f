/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How many flops a point takes: counted by fitting some of them in the plainest way. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "bench.h"

enum { N_SAMPLE = 64, MOST_STEPS = 60, LOGARITHM_FLOPS = 32 };
static const double tolerance = 1e-9;

/* An experiment at one point. Pull number link[l].pull scales component link[l].component. */
typedef struct channel {
    size_t n_bin, n_component, group, n_link;
    const double *count[CEV_MAX_COMPONENTS]; /* [n_component][n_bin], the signal first */
    const double *data, *variance;
    struct {
        size_t pull, component;
    } link[CEV_MAX_PULLS * CEV_MAX_COMPONENTS];
    double *signal, *by_source; /* what count[0] points to, and its parts */
} channel;

typedef struct problem {
    size_t n_channel, n_pull;
    channel *channel;
    double precision[CEV_MAX_PULLS]; /* 1/sigma^2 */
    size_t group_of_pull[CEV_MAX_PULLS];
    double pull[CEV_MAX_PULLS], step[CEV_MAX_PULLS], gradient[CEV_MAX_PULLS], hessian[CEV_MAX_PULLS][CEV_MAX_PULLS];
} problem;

/* --- the problem ------------------------------------------------------------------------------------------------ */

static size_t pull_number(const cev_scan_config *c, const char *name)
{
    size_t p = 0;
    while (p < c->n_pull && strcmp(c->pull_name[p], name)) p++;
    return p;
}

static cev_status open_channel(const cev_scan_config *c, const cev_experiment *x, const double *data, problem *p,
                               channel *out)
{
    *out = (channel){.n_bin = x->bins.n_bin, .n_component = 1 + x->n_background, .data = data, .variance = x->variance};
    CEV_TRY(cev_new(c->arena, x->bins.n_bin, &out->signal));
    CEV_TRY(cev_new(c->arena, x->bins.n_bin * x->source.kind->n_component, &out->by_source));
    out->count[0] = out->signal;
    for (size_t b = 0; b < x->n_background; b++) out->count[1 + b] = x->background[b].counts;
    for (size_t k = 0; k < x->n_pull; k++) {
        size_t number = pull_number(c, x->pull[k].name);
        if (number == c->n_pull) continue; /* the scan does without it */
        p->precision[number] = isnan(x->pull[k].sigma) ? 0 : 1 / (x->pull[k].sigma * x->pull[k].sigma);
        for (size_t j = 0; j < x->pull[k].n_component; j++) {
            out->link[out->n_link].pull = number;
            out->link[out->n_link++].component = x->pull[k].component[j];
        }
    }
    return CEV_OK;
}

/* Experiments that share a pull, directly or through others, get the same group: the lowest number spreads. */
static void find_groups(problem *p)
{
    for (size_t k = 0; k < p->n_pull; k++) p->group_of_pull[k] = SIZE_MAX;
    for (size_t e = 0; e < p->n_channel; e++) p->channel[e].group = e;
    for (size_t round = 0; round <= p->n_channel; round++)
        for (size_t e = 0; e < p->n_channel; e++)
            for (size_t l = 0; l < p->channel[e].n_link; l++) {
                size_t *theirs = &p->group_of_pull[p->channel[e].link[l].pull], *own = &p->channel[e].group;
                *theirs = *own = *theirs < *own ? *theirs : *own;
            }
}

static cev_status open_problem(const bench_job *job, const cev_scan_config *c, problem **out)
{
    CEV_TRY(cev_new(c->arena, 1, out));
    problem *p = *out;
    p->n_channel = c->n_experiment;
    p->n_pull = c->n_pull;
    CEV_TRY(cev_new(c->arena, p->n_channel, &p->channel));
    for (size_t e = 0; e < p->n_channel; e++)
        CEV_TRY(open_channel(c, c->experiment[e], job->data.counts[e], p, &p->channel[e]));
    find_groups(p);
    return CEV_OK;
}

static cev_status predict(const bench_job *job, problem *p, const double *theta)
{
    cev_model_fold(job->model, theta);
    for (size_t e = 0; e < p->n_channel; e++) {
        channel *c = &p->channel[e];
        CEV_TRY(cev_model_signal(job->model, e, theta, c->by_source));
        size_t n_source = cev_model_experiment(job->model, e)->source.kind->n_component;
        for (size_t i = 0; i < c->n_bin; i++) {
            c->signal[i] = 0;
            for (size_t s = 0; s < n_source; s++) c->signal[i] += c->by_source[s * c->n_bin + i];
        }
    }
    return CEV_OK;
}

/* --- Newton's method on the pulls of a group -------------------------------------------------------------------- */

static void add_bin(problem *p, const channel *c, size_t bin, double slope, double curvature)
{
    for (size_t a = 0; a < c->n_link; a++) {
        double one = c->count[c->link[a].component][bin];
        p->gradient[c->link[a].pull] += slope * one;
        for (size_t b = 0; b < c->n_link; b++)
            p->hessian[c->link[a].pull][c->link[b].pull] += curvature * one * c->count[c->link[b].component][bin];
    }
}

static double predicted(const channel *c, const double *pull, size_t bin)
{
    double n = 0;
    for (size_t k = 0; k < c->n_component; k++) n += c->count[k][bin];
    for (size_t l = 0; l < c->n_link; l++) n += pull[c->link[l].pull] * c->count[c->link[l].component][bin];
    return n;
}

/* Derivatives of chi2/2 at `pull`; false outside of the region where all counts are positive. */
static bool differentiate(problem *p, size_t group, const double *pull, bool least_squares)
{
    memset(p->hessian, 0, sizeof p->hessian);
    for (size_t k = 0; k < p->n_pull; k++) {
        p->gradient[k] = p->group_of_pull[k] == group ? p->precision[k] * pull[k] : 0;
        p->hessian[k][k] = p->precision[k] > 0 ? p->precision[k] : 1;
    }
    for (size_t e = 0; e < p->n_channel; e++) {
        const channel *c = &p->channel[e];
        for (size_t i = 0; c->group == group && i < c->n_bin; i++) {
            double n = predicted(c, pull, i), d = c->data[i], variance = c->variance ? c->variance[i] : fmax(d, 1);
            if (c->variance || least_squares) {
                add_bin(p, c, i, (n - d) / variance, 1 / variance);
            } else if (!(n > 0)) {
                return false;
            } else {
                add_bin(p, c, i, 1 - d / n, fmax(d, 1e-12) / (n * n));
            }
        }
    }
    return true;
}

/* The step into p->step; returns the decrement. */
static double solve(problem *p)
{
    double decrement = 0;
    size_t n = p->n_pull;
    for (size_t j = 0; j < n; j++) /* Cholesky, in place of the lower triangle */
        for (size_t i = j; i < n; i++) {
            double sum = p->hessian[i][j];
            for (size_t k = 0; k < j; k++) sum -= p->hessian[i][k] * p->hessian[j][k];
            p->hessian[i][j] = i == j ? sqrt(fmax(sum, 1e-300)) : sum / p->hessian[j][j];
        }
    for (size_t i = 0; i < n; i++) {
        double sum = -p->gradient[i];
        for (size_t k = 0; k < i; k++) sum -= p->hessian[i][k] * p->step[k];
        p->step[i] = sum / p->hessian[i][i];
        decrement += p->step[i] * p->step[i];
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t k = i + 1; k < n; k++) p->step[i] -= p->hessian[k][i] * p->step[k];
        p->step[i] /= p->hessian[i][i];
    }
    return decrement;
}

/* Newton steps of a group after its least-squares start, those that had to be shortened included. */
static size_t count_steps(problem *p, size_t group, bool linear)
{
    double trial[CEV_MAX_PULLS], length = 1;
    memset(p->pull, 0, sizeof p->pull);
    differentiate(p, group, p->pull, true);
    solve(p);
    for (size_t step = 1;; step++) {
        for (size_t k = 0; k < p->n_pull; k++) trial[k] = p->pull[k] + length * p->step[k];
        if (step == MOST_STEPS) return step;
        if (!differentiate(p, group, trial, false)) {
            length /= 2;
            continue;
        }
        length = 1;
        memcpy(p->pull, trial, sizeof trial);
        if (solve(p) <= tolerance || linear) return step;
    }
}

/* --- flops ------------------------------------------------------------------------------------------------------ */

/* Templates that differ and are not empty, of each nucleus and flavour: what a contraction cannot do without. */
static double distinct_rows(const cev_templates *t, const cev_source_kind *source)
{
    double n = 0;
    for (size_t r = 0; r < t->n_row; r++) {
        bool needed = false;
        for (size_t i = 0; i < t->n_bin; i++) needed |= t->counts[r * t->n_bin + i] != 0;
        for (size_t q = 0; needed && q < r; q++) {
            if (t->row[q].nucleus != t->row[r].nucleus) continue;
            bool same_source = t->row[q].source_component == t->row[r].source_component;
            bool same_flavour = source->components[t->row[q].source_component].flavour ==
                                source->components[t->row[r].source_component].flavour;
            bool same_counts = !memcmp(t->counts + q * t->n_bin, t->counts + r * t->n_bin,
                                       t->n_bin * sizeof *t->counts);
            /* Rows of one flavour add up before the scan begins; equal rows are multiplied with the sum of their
             * coefficients. */
            if (same_source ? same_counts : same_flavour && t->row[q].term == t->row[r].term) needed = false;
        }
        n += needed;
    }
    return n;
}

/* One step: counts, weights, gradient and the Hessian's lower triangle of each bin. */
static double step_flops(const channel *c, bool least_squares)
{
    double k = (double)c->n_component, weights = least_squares || c->variance ? 2 : 5;
    return (double)c->n_bin * (2 * k - 1 + weights + 3 * k + k * (k + 1));
}

static double chi2_flops(const channel *c)
{
    return (double)c->n_bin * (2 * (double)c->n_component - 1 + (c->variance ? 4 : 5 + LOGARITHM_FLOPS));
}

static void add_group(problem *p, size_t group, bench_need *need, double *n_group)
{
    double each = 0, start = 0, end = 0, n = 0;
    bool linear = true, any = false;
    for (size_t e = 0; e < p->n_channel; e++) {
        const channel *c = &p->channel[e];
        if (c->group != group) continue;
        any = true;
        linear &= c->variance != NULL;
        each += step_flops(c, false);
        start += step_flops(c, true);
        end += chi2_flops(c);
    }
    if (!any) return;
    for (size_t k = 0; k < p->n_pull; k++) n += p->group_of_pull[k] == group;
    double steps = n > 0 ? (double)count_steps(p, group, linear) : 0, solution = n * n * n / 3 + 2 * n * n;
    *n_group += 1;
    need->steps += steps;
    need->flops += end + (n > 0 ? each + solution : 0);
    need->plain_flops += end + (n > 0 ? start + solution + steps * (each + solution) : 0);
}

cev_status bench_count_flops(const bench_job *job, const cev_scan_config *config, bench_need *out)
{
    problem *p;
    double n_group = 0;
    *out = (bench_need){0};
    CEV_TRY(open_problem(job, config, &p));
    for (size_t s = 0; s < N_SAMPLE; s++) {
        double theta[CEV_MAX_THETA];
        double share = fmod(0.6180339887498949 * (double)(s + 1), 1); /* all over the grid, along every axis */
        cev_scan_job_theta(&job->job, (uint64_t)((double)config->grid.n_point * share), theta);
        CEV_TRY(predict(job, p, theta));
        for (size_t e = 0; e < p->n_channel; e++) {
            const cev_templates *t = cev_model_templates(job->model, e);
            double contraction = 2 * distinct_rows(t, cev_model_experiment(job->model, e)->source.kind) *
                                 (double)t->n_bin;
            out->flops += contraction;
            out->plain_flops += contraction;
            add_group(p, e, out, &n_group);
        }
    }
    out->flops /= N_SAMPLE;
    out->plain_flops /= N_SAMPLE;
    out->steps /= n_group;
    return CEV_OK;
}
