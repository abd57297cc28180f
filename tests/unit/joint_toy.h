/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A stand-in for chi2 over forms, small enough to be read: up to four detectors, each with one nucleus, 12 bins, a pull
 * of its signal and one of its background, compared with the standard model. Fits need no more, and their tests are
 * theirs alone. */
#ifndef CEVSCAN_TESTS_JOINT_TOY_H
#define CEVSCAN_TESTS_JOINT_TOY_H

#include "unit.h"

#include "engine/joint_chi2.h"

enum { TOY_BINS = 12, TOY_FORMS = 9, TOY_MOST = 4 };

typedef struct toy_detector {
    double mass[TOY_BINS][TOY_FORMS], background[TOY_BINS], data[TOY_BINS];
} toy_detector;

struct joint_chi2 {
    size_t n;
    const cev_forms *forms;
    toy_detector detector[TOY_MOST];
    long evaluations;
};

static const double toy_sigma[2] = {0.1, 0.05};

/* Charges of CsI, Si, Xe and Ge; muon neutrinos are twice as many, and harder. */
static void toy_fill(joint_chi2 *j, size_t n, const double *truth)
{
    static const double protons[TOY_MOST] = {54, 14, 54, 32}, neutrons[TOY_MOST] = {76, 14, 77, 40.6},
                        events[TOY_MOST] = {600, 90, 200, 300};
    double form[TOY_FORMS];
    *j = (joint_chi2){.n = n, .forms = cev_interaction_nsi.forms};
    j->forms->value(truth, form);
    for (size_t e = 0; e < n; e++) {
        toy_detector *d = &j->detector[e];
        double u = 2 * protons[e] + neutrons[e], v = protons[e] + 2 * neutrons[e],
               weight[3] = {u * u, 2 * u * v, v * v};
        double scale = events[e] / 3 / (0.25 * neutrons[e] * neutrons[e]);
        for (size_t i = 0; i < TOY_BINS; i++) {
            double x = (double)i / TOY_BINS, spectrum[2] = {5 * exp(-5 * x) / TOY_BINS, 6 * exp(-3 * x) / TOY_BINS};
            for (size_t f = 0; f < 6; f++) d->mass[i][f] = scale * weight[f % 3] * spectrum[f / 3];
            d->data[i] = d->background[i] = 10 + 0.1 * events[e] * exp(-2 * x) / TOY_BINS;
            for (size_t f = 0; f < 6; f++) d->data[i] += d->mass[i][f] * form[f];
        }
    }
}

size_t joint_n_form(const joint_chi2 *j)
{
    (void)j;
    return TOY_FORMS;
}

size_t joint_n_variable(const joint_chi2 *j)
{
    return 2 * j->n;
}

size_t joint_n_pull(const joint_chi2 *j)
{
    return 2 * j->n;
}

size_t joint_n_bin(const joint_chi2 *j)
{
    return j->n * TOY_BINS;
}

bool joint_has_matrices(const joint_chi2 *j)
{
    return j->forms->matrices;
}

void joint_forms(const joint_chi2 *j, const double *theta, double *form)
{
    j->forms->value(theta, form);
}

void joint_form_derivatives(const joint_chi2 *j, const double *theta, size_t n_free, const size_t *free, double *first,
                            double *second)
{
    j->forms->derivatives(theta, n_free, free, first, second);
}

/* Sums over the bins of a detector: chi2, and what its derivatives are made of. */
typedef struct toy_sums {
    double chi2, g[2], h[2][2], gf[TOY_FORMS], hf[TOY_FORMS][TOY_FORMS], cross[2][TOY_FORMS], positive[2][TOY_FORMS];
} toy_sums;

static toy_sums toy_sum(const toy_detector *d, const double *form, const double *a)
{
    toy_sums s = {.chi2 = 0};
    for (size_t i = 0; i < TOY_BINS; i++) {
        double signal = 0, at[2];
        for (size_t f = 0; f < TOY_FORMS; f++) signal += d->mass[i][f] * form[f];
        at[0] = signal, at[1] = d->background[i];
        double n = (1 + a[0]) * signal + (1 + a[1]) * d->background[i], c = d->data[i];
        double r = 2 * (1 - c / n), w = 2 * c / (n * n);
        s.chi2 += 2 * (n - c + c * log(c / n));
        for (size_t p = 0; p < 2; p++) {
            s.g[p] += r * at[p];
            for (size_t q = 0; q < 2; q++) s.h[p][q] += w * at[p] * at[q];
        }
        for (size_t f = 0; f < TOY_FORMS; f++) {
            double t = (1 + a[0]) * d->mass[i][f];
            s.gf[f] += r * t;
            for (size_t e = 0; e < TOY_FORMS; e++) s.hf[f][e] += w * t * (1 + a[0]) * d->mass[i][e];
            for (size_t p = 0; p < 2; p++) s.positive[p][f] += w * at[p] * t;
            s.cross[0][f] += r * d->mass[i][f];
        }
    }
    for (size_t p = 0; p < 2; p++) {
        double weight = 1 / (toy_sigma[p] * toy_sigma[p]);
        s.chi2 += weight * a[p] * a[p];
        s.g[p] += 2 * weight * a[p];
        s.h[p][p] += 2 * weight;
        for (size_t f = 0; f < TOY_FORMS; f++) s.cross[p][f] += s.positive[p][f];
    }
    return s;
}

static void toy_solve(const toy_sums *s, const double *b, double *x)
{
    double determinant = s->h[0][0] * s->h[1][1] - s->h[0][1] * s->h[1][0];
    x[0] = (s->h[1][1] * b[0] - s->h[0][1] * b[1]) / determinant;
    x[1] = (s->h[0][0] * b[1] - s->h[1][0] * b[0]) / determinant;
}

static toy_sums toy_minimise(const toy_detector *d, const double *form, double *a)
{
    toy_sums s = {.chi2 = 0};
    for (int k = 0; k < 100; k++) {
        double step[2];
        s = toy_sum(d, form, a);
        toy_solve(&s, s.g, step);
        if (step[0] * s.g[0] + step[1] * s.g[1] < 1e-14) break;
        for (int p = 0; p < 2; p++) a[p] = fmax(a[p] - step[p], -1 + 0.2 * (1 + a[p]));
    }
    return s;
}

static void toy_add(const toy_detector *d, size_t e, size_t l, const double *form, const cev_lanes *start,
                    joint_value *out)
{
    double a[2] = {start ? start[2 * e][l] : 0, start ? start[2 * e + 1][l] : 0};
    for (int p = 0; p < 2; p++) a[p] = fmin(fmax(a[p], -0.9), 3);
    toy_sums s = toy_minimise(d, form, a);
    out->chi2[l] += s.chi2;
    for (int p = 0; p < 2; p++) {
        if (out->variable) out->variable[2 * e + (size_t)p][l] = a[p];
        if (out->pull) out->pull[2 * e + (size_t)p][l] = a[p];
    }
    for (size_t f = 0; out->gradient && f < TOY_FORMS; f++) {
        double column[2] = {s.cross[0][f], s.cross[1][f]}, follow[2];
        double sure[2] = {s.positive[0][f], s.positive[1][f]}, of_sure[2];
        toy_solve(&s, column, follow);
        toy_solve(&s, sure, of_sure);
        out->gradient[f][l] += s.gf[f];
        for (size_t p = 0; out->follow && p < 2; p++) out->follow[(2 * e + p) * TOY_FORMS + f][l] = -follow[p];
        for (size_t g = 0; out->hessian && g < TOY_FORMS; g++) {
            size_t at = f * TOY_FORMS + g;
            out->stiff[at][l] += s.hf[f][g];
            out->hessian[at][l] += s.hf[f][g] - follow[0] * s.cross[0][g] - follow[1] * s.cross[1][g];
            out->positive[at][l] += s.hf[f][g] - of_sure[0] * s.positive[0][g] - of_sure[1] * s.positive[1][g];
        }
    }
}

void joint_evaluate(const joint_chi2 *j, joint_scratch *scratch, const cev_lanes *form, const cev_lanes *theta,
                    const cev_lanes *start, joint_value *out)
{
    (void)scratch, (void)theta;
    ((joint_chi2 *)(uintptr_t)j)->evaluations++;
    out->chi2 = (cev_lanes){0};
    out->status = (cev_lanes_mask){0} + CEV_POINT_OK;
    for (size_t f = 0; f < TOY_FORMS; f++) {
        if (out->gradient) out->gradient[f] = (cev_lanes){0};
        for (size_t g = 0; out->hessian && g < TOY_FORMS; g++)
            out->hessian[f * TOY_FORMS + g] = out->positive[f * TOY_FORMS + g] = out->stiff[f * TOY_FORMS + g] =
                (cev_lanes){0};
    }
    for (size_t l = 0; l < CEV_LANES; l++) {
        double own[TOY_FORMS];
        for (size_t f = 0; f < TOY_FORMS; f++) own[f] = form[f][l];
        for (size_t e = 0; e < j->n; e++) toy_add(&j->detector[e], e, l, own, start, out);
    }
}

#endif
