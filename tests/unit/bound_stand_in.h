/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A chi2 over the matrices S_e, S_mu, made by hand: CsI and Si at a pion-decay source, Poisson, Asimov data of the
 * standard model, one pull on the signal and one on the background of each detector, minimised by Newton's method.
 * Neutrons and protons have one form factor, so that all spectra are analytic up to sums over energies. */
#ifndef CEVSCAN_TESTS_BOUND_STAND_IN_H
#define CEVSCAN_TESTS_BOUND_STAND_IN_H

#include "unit.h"

#include "engine/joint_bound.h"

enum { FORMS = 9, DETECTORS = 2, BINS = 20, PULLS = 2 * DETECTORS };

typedef struct stand_in {
    double shape[DETECTORS][2][BINS]; /* counts of unit charge squared, of e and mu */
    double charge[DETECTORS][2];      /* of u and d */
    double background[DETECTORS][BINS], data[DETECTORS][BINS], sigma[DETECTORS][2];
    size_t n_detector;
    double least_scale; /* bound of the pulls on signals */
} stand_in;

/* Neutrinos of flavour a per energy in MeV, of a stopped pion. */
static inline double flux(int a, double energy)
{
    double end = 52.83, x = energy / end;
    if (a == 0) return x < 1 ? 12 * x * x * (1 - x) / end : 0;
    return (x < 1 ? 2 * x * x * (3 - 2 * x) / end : 0) + (fabs(energy - 29.8) < 0.25 ? 2 : 0);
}

static inline void stand_in_shapes(stand_in *s, size_t d, double mass_MeV, double radius_fm, double from_keV,
                                   double to_keV)
{
    for (int a = 0; a < 2; a++)
        for (int i = 0; i < BINS; i++) {
            double t = (from_keV + (i + 0.5) * (to_keV - from_keV) / BINS) * 1e-3, sum = 0;
            for (double e = 0.25; e < 53; e += 0.5) sum += 0.5 * flux(a, e) * fmax(0, 1 - mass_MeV * t / (2 * e * e));
            double q_fm = sqrt(2 * mass_MeV * t) / 197.327;
            s->shape[d][a][i] = sum * exp(-q_fm * q_fm * radius_fm * radius_fm / 3);
        }
}

static inline void standard_model(double *y)
{
    double g_p = 0.0226, g_n = -0.5;
    y[0] = (2 * g_p - g_n) / 3;
    y[1] = (2 * g_n - g_p) / 3;
}

static inline double charge_squared(const stand_in *s, size_t d, const double *m)
{
    const double *q = s->charge[d];
    return q[0] * q[0] * m[0] + 2 * q[0] * q[1] * m[1] + q[1] * q[1] * m[2];
}

static inline stand_in make_stand_in(size_t n_detector)
{
    stand_in s = {.n_detector = n_detector,
                  .least_scale = -1,
                  .charge = {{2 * 54 + 76, 54 + 2 * 76}, {2 * 14 + 14, 14 + 2 * 14}}};
    const double signal[DETECTORS] = {20000, 193}, background[DETECTORS] = {270000, 1100};
    double y[2];
    standard_model(y);
    stand_in_shapes(&s, 0, 121000, 4.7, 2, 40);
    stand_in_shapes(&s, 1, 26000, 3.1, 0.2, 120);
    for (size_t d = 0; d < DETECTORS; d++) {
        double m[3] = {y[0] * y[0], y[0] * y[1], y[1] * y[1]}, sum = 0, all = 0;
        for (int i = 0; i < BINS; i++) sum += s.shape[d][0][i] + s.shape[d][1][i];
        double scale = signal[d] / (sum * charge_squared(&s, d, m));
        for (int i = 0; i < BINS; i++) all += s.background[d][i] = 1 + 2 * exp(-0.2 * i);
        for (int i = 0; i < BINS; i++) {
            s.background[d][i] *= background[d] / all;
            s.data[d][i] = s.background[d][i];
            for (int a = 0; a < 2; a++) {
                s.shape[d][a][i] *= scale;
                s.data[d][i] += s.shape[d][a][i] * charge_squared(&s, d, m);
            }
        }
        s.sigma[d][0] = 0.1;
        s.sigma[d][1] = 0.01;
    }
    return s;
}

typedef struct detector_value {
    double chi2, gradient[6], hessian[6][6], positive[6][6], stiff[6][6];
} detector_value;

/* Twice the derivatives by rates (e, mu) and pulls; the rates' templates are independent of S within a detector. */
static inline void detector_chi2(const stand_in *s, size_t d, const double *form, double *pull, detector_value *out)
{
    double rate[2] = {charge_squared(s, d, form), charge_squared(s, d, form + 3)};
    double gr[2], hrr[2][2], hrp[2][2], grp[2][2], gp[2], hpp[2][2], scale, value;
    bool held = false;
    for (int tries = 0; tries < 60; tries++) {
        memset(gr, 0, sizeof gr), memset(hrr, 0, sizeof hrr), memset(hrp, 0, sizeof hrp), memset(hpp, 0, sizeof hpp);
        memset(gp, 0, sizeof gp), memset(grp, 0, sizeof grp);
        value = 0, scale = 1 + pull[0];
        for (int i = 0; i < BINS; i++) {
            double t[2] = {s->shape[d][0][i], s->shape[d][1][i]}, n0 = rate[0] * t[0] + rate[1] * t[1];
            double n = scale * n0 + (1 + pull[1]) * s->background[d][i], data = s->data[d][i];
            double r = 2 * (1 - data / n), w = 2 * data / (n * n), by[2] = {n0, s->background[d][i]};
            double x = (n - data) / data;
            value += 2 * data * (fabs(x) < 1e-3 ? x * x * (0.5 - x * (1. / 3 - x * (0.25 - x * 0.2))) : x - log1p(x));
            for (int a = 0; a < 2; a++) {
                gr[a] += scale * r * t[a], gp[a] += r * by[a];
                grp[a][0] += r * t[a];
                for (int b = 0; b < 2; b++) {
                    hrr[a][b] += scale * scale * w * t[a] * t[b];
                    hrp[a][b] += scale * w * t[a] * by[b];
                    hpp[a][b] += w * by[a] * by[b];
                }
            }
        }
        for (int k = 0; k < 2; k++) {
            double inverse = 1 / (s->sigma[d][k] * s->sigma[d][k]);
            value += pull[k] * pull[k] * inverse, gp[k] += 2 * pull[k] * inverse, hpp[k][k] += 2 * inverse;
        }
        double det = hpp[0][0] * hpp[1][1] - hpp[0][1] * hpp[0][1];
        double step[2] = {-(hpp[1][1] * gp[0] - hpp[0][1] * gp[1]) / det,
                          -(hpp[0][0] * gp[1] - hpp[0][1] * gp[0]) / det};
        if (-(step[0] * gp[0] + step[1] * gp[1]) < 1e-17) break;
        held = pull[0] <= s->least_scale && step[0] <= 0;
        if (held) step[0] = 0, step[1] = -gp[1] / hpp[1][1];
        if (-(step[0] * gp[0] + step[1] * gp[1]) < 1e-17) break;
        double cut = 1;
        for (int k = 0; k < 2; k++)
            if (pull[k] + step[k] < -1 + 0.2 * (1 + pull[k])) cut = fmin(cut, -0.8 * (1 + pull[k]) / step[k]);
        for (int k = 0; k < 2; k++) pull[k] += cut * step[k];
        pull[0] = fmax(pull[0], s->least_scale);
    }
    if (held) hpp[0][0] = 1e300;
    double det = hpp[0][0] * hpp[1][1] - hpp[0][1] * hpp[0][1];
    double inverse[2][2] = {{hpp[1][1] / det, -hpp[0][1] / det}, {-hpp[0][1] / det, hpp[0][0] / det}};
    double full[2][2], positive[2][2],
        q[3] = {s->charge[d][0] * s->charge[d][0], 2 * s->charge[d][0] * s->charge[d][1],
                s->charge[d][1] * s->charge[d][1]};
    for (int a = 0; a < 2; a++)
        for (int b = 0; b < 2; b++) {
            full[a][b] = positive[a][b] = hrr[a][b];
            for (int j = 0; j < 2; j++)
                for (int k = 0; k < 2; k++) {
                    full[a][b] -= (hrp[a][j] + grp[a][j]) * inverse[j][k] * (hrp[b][k] + grp[b][k]);
                    positive[a][b] -= hrp[a][j] * inverse[j][k] * hrp[b][k];
                }
        }
    /* What the last step of the pulls would still change, to first order in the gradient. */
    for (int j = 0; j < 2; j++)
        for (int k = 0; k < 2; k++) {
            value -= 0.5 * gp[j] * inverse[j][k] * gp[k];
            for (int a = 0; a < 2; a++) gr[a] -= (hrp[a][j] + grp[a][j]) * inverse[j][k] * gp[k];
        }
    out->chi2 = value;
    for (int j = 0; j < 6; j++) {
        out->gradient[j] = gr[j / 3] * q[j % 3];
        for (int k = 0; k < 6; k++) {
            double both = q[j % 3] * q[k % 3];
            out->hessian[j][k] = full[j / 3][k / 3] * both;
            out->positive[j][k] = positive[j / 3][k / 3] * both;
            out->stiff[j][k] = hrr[j / 3][k / 3] * both;
        }
    }
}

static inline double stand_in_chi2(const stand_in *s, const double *form)
{
    double chi2 = 0;
    for (size_t d = 0; d < s->n_detector; d++) {
        double pull[2] = {0};
        detector_value value;
        detector_chi2(s, d, form, pull, &value);
        chi2 += value.chi2;
    }
    return chi2;
}

static inline void stand_in_evaluate(void *context, size_t n, const size_t *point, const double *const *place,
                                     double *const *variable, double *chi2, double *const *gradient,
                                     double *const *hessian, double *const *positive, double *const *stiff)
{
    const stand_in *s = context;
    (void)point;
    for (size_t l = 0; l < n; l++) {
        chi2[l] = 0;
        memset(gradient[l], 0, FORMS * sizeof(double));
        memset(hessian[l], 0, FORMS * FORMS * sizeof(double));
        memset(positive[l], 0, FORMS * FORMS * sizeof(double));
        memset(stiff[l], 0, FORMS * FORMS * sizeof(double));
        for (size_t d = 0; d < s->n_detector; d++) {
            detector_value v;
            detector_chi2(s, d, place[l], variable[l] + 2 * d, &v);
            chi2[l] += v.chi2;
            for (int j = 0; j < 6; j++) {
                gradient[l][j] += v.gradient[j];
                for (int k = 0; k < 6; k++) {
                    hessian[l][j * FORMS + k] += v.hessian[j][k];
                    positive[l][j * FORMS + k] += v.positive[j][k];
                    stiff[l][j * FORMS + k] += v.stiff[j][k];
                }
            }
        }
    }
}

static inline bound_chi2 stand_in_bound(stand_in *s)
{
    return (bound_chi2){.context = s,
                        .n_form = FORMS,
                        .n_variable = PULLS,
                        .convex_below = s->least_scale > -0.34 ? INFINITY : 11,
                        .gap_times = 1,
                        .evaluate = stand_in_evaluate};
}

/* --- couplings ---------------------------------------------------------------------------------------------------- */

/* eps_ab of u and d: ee, mumu, tautau, emu, etau, mutau. */
enum { EE, MUMU, TAUTAU, EMU, ETAU, MUTAU, VECTORS };
enum { COUPLINGS = 2 * VECTORS };
static const int flavours_of[VECTORS][2] = {{0, 0}, {1, 1}, {2, 2}, {0, 1}, {0, 2}, {1, 2}};

static inline void stand_in_forms(const double *eps, double *form)
{
    double y0[2];
    standard_model(y0);
    memset(form, 0, FORMS * sizeof *form);
    for (int v = 0; v < VECTORS; v++) {
        int a = flavours_of[v][0], b = flavours_of[v][1];
        double u = eps[2 * v] + (a == b ? y0[0] : 0), d = eps[2 * v + 1] + (a == b ? y0[1] : 0);
        for (int k = 0; k < (a == b ? 1 : 2); k++) {
            double *m = form + 3 * (k ? b : a);
            m[0] += u * u, m[1] += u * d, m[2] += d * d;
        }
    }
}

/* A problem with its memory: couplings free[n] within low, high; the others as in eps. */
typedef struct coupling_problem {
    bound_problem problem;
    size_t free[CEV_MAX_PROFILED];
    double eps[COUPLINGS];
    double low[CEV_MAX_PROFILED], high[CEV_MAX_PROFILED], at[CEV_MAX_PROFILED], form[FORMS];
    double centre[CEV_MAX_PROFILED], sigma[CEV_MAX_PROFILED];
    double first[CEV_MAX_PROFILED * FORMS], second[CEV_MAX_PROFILED * CEV_MAX_PROFILED * FORMS];
    double place[FORMS], variable[PULLS];
} coupling_problem;

/* Derivatives by differences of what is of second degree: exact to rounding. */
static inline void make_problem(coupling_problem *p, size_t n, const size_t *free_couplings, const double *eps,
                                double low, double high)
{
    memset(p, 0, sizeof *p);
    memcpy(p->eps, eps, sizeof p->eps);
    double x[COUPLINGS];
    for (size_t i = 0; i < n; i++) {
        p->free[i] = free_couplings[i];
        p->low[i] = low, p->high[i] = high, p->at[i] = 0, p->sigma[i] = INFINITY;
    }
    memcpy(x, eps, sizeof x);
    for (size_t i = 0; i < n; i++) x[free_couplings[i]] = 0;
    stand_in_forms(x, p->form);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            double f[4][FORMS];
            for (int k = 0; k < 4; k++) {
                x[p->free[i]] = x[p->free[j]] = 0;
                x[p->free[i]] += k & 1 ? 1 : -1;
                x[p->free[j]] += k & 2 ? 1 : -1;
                stand_in_forms(x, f[k]);
                x[p->free[i]] = x[p->free[j]] = 0;
            }
            for (size_t m = 0; m < FORMS; m++) {
                double mixed = 0.25 * (f[3][m] - f[2][m] - f[1][m] + f[0][m]);
                if (i == j) {
                    /* Steps of two along one coupling. */
                    p->first[i * FORMS + m] = 0.25 * (f[3][m] - f[0][m]);
                    mixed = 0.25 * (f[3][m] + f[0][m] - 2 * p->form[m]);
                }
                if (fabs(mixed) < 1e-12) mixed = 0;
                p->second[(i * n + j) * FORMS + m] = p->second[(j * n + i) * FORMS + m] = mixed;
            }
        }
    p->problem = (bound_problem){.n = n,
                                 .low = p->low,
                                 .high = p->high,
                                 .at = p->at,
                                 .form = p->form,
                                 .first = p->first,
                                 .second = p->second,
                                 .centre = p->centre,
                                 .sigma = p->sigma,
                                 .enough = INFINITY};
}

static inline double problem_chi2(const coupling_problem *p, const stand_in *s, const double *x)
{
    double eps[COUPLINGS], form[FORMS], cost = 0;
    memcpy(eps, p->eps, sizeof eps);
    for (size_t i = 0; i < p->problem.n; i++) {
        eps[p->free[i]] = x[i];
        double pull = (x[i] - p->centre[i]) / p->sigma[i];
        cost += pull * pull;
    }
    stand_in_forms(eps, form);
    return stand_in_chi2(s, form) + cost;
}

/* One fit from x: Levenberg's method with the exact Hessian in couplings, clipped to the box. */
static inline double fit_from(const coupling_problem *p, stand_in *s, double *x)
{
    const size_t n = p->problem.n;
    double lambda = 1, best = problem_chi2(p, s, x);
    for (int tries = 0; tries < 300 && lambda < 1e12; tries++) {
        double eps[COUPLINGS], form[FORMS], value, g[FORMS], h[FORMS * FORMS], pos[FORMS * FORMS], st[FORMS * FORMS];
        double pull[PULLS] = {0}, *gp = g, *hp = h, *pp = pos, *sp = st, *vp = pull;
        const double *fp = form;
        size_t point = 0;
        memcpy(eps, p->eps, sizeof eps);
        for (size_t i = 0; i < n; i++) eps[p->free[i]] = x[i];
        stand_in_forms(eps, form);
        stand_in_evaluate(s, 1, &point, &fp, &vp, &value, &gp, &hp, &pp, &sp);
        double j[CEV_MAX_PROFILED][FORMS], a[CEV_MAX_PROFILED][CEV_MAX_PROFILED + 1], trial[CEV_MAX_PROFILED];
        bool held[CEV_MAX_PROFILED];
        for (size_t i = 0; i < n; i++)
            for (size_t m = 0; m < FORMS; m++) {
                j[i][m] = p->first[i * FORMS + m];
                for (size_t k = 0; k < n; k++) j[i][m] += p->second[(i * n + k) * FORMS + m] * (x[k] - p->at[k]);
            }
        for (size_t i = 0; i < n; i++) {
            double inverse = 1 / (p->sigma[i] * p->sigma[i]);
            a[i][n] = -2 * (x[i] - p->centre[i]) * inverse;
            for (size_t m = 0; m < FORMS; m++) a[i][n] -= j[i][m] * g[m];
            held[i] = (x[i] <= p->low[i] && a[i][n] < 0) || (x[i] >= p->high[i] && a[i][n] > 0);
            for (size_t k = 0; k < n; k++) {
                a[i][k] = i == k ? 2 * inverse + lambda : 0;
                for (size_t m = 0; m < FORMS; m++) {
                    a[i][k] += g[m] * p->second[(i * n + k) * FORMS + m];
                    for (size_t o = 0; o < FORMS; o++) a[i][k] += j[i][m] * h[m * FORMS + o] * j[k][o];
                }
            }
        }
        for (size_t i = 0; i < n; i++)
            if (held[i])
                for (size_t k = 0; k <= n; k++) a[i][k] = k == i, k < n ? (void)(a[k][i] = k == i) : (void)0;
        bool positive = true;
        for (size_t c = 0; c < n; c++) {
            positive = positive && a[c][c] > 0;
            for (size_t r = c + 1; r < n; r++) {
                double f = a[r][c] / a[c][c];
                for (size_t k = c; k <= n; k++) a[r][k] -= f * a[c][k];
            }
        }
        if (!positive) {
            lambda *= 4;
            continue;
        }
        for (size_t i = n; i-- > 0;) {
            for (size_t k = i + 1; k < n; k++) a[i][n] -= a[i][k] * a[k][n];
            a[i][n] /= a[i][i];
        }
        for (size_t i = 0; i < n; i++) trial[i] = fmin(fmax(x[i] + a[i][n], p->low[i]), p->high[i]);
        double to = problem_chi2(p, s, trial);
        if (to < best) {
            bool done = best - to < 1e-13;
            best = to, memcpy(x, trial, n * sizeof *x), lambda = fmax(lambda * 0.1, 1e-9);
            if (done && tries > 20) break;
        } else
            lambda *= 6;
    }
    return best;
}

#endif
