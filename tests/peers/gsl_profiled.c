/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chi2 minimised over couplings and pulls with GSL's vector_bfgs2, point by point, from the couplings 0, with the exact
 * gradient. Bounds of the couplings are kept as Minuit keeps them, by a sine.
 *
 * Reads numbers: detectors, couplings n, their bound; of each detector its bins, sigmas of signal and background, the
 * form [3 + n][3 + n][bin], background, data; points; the two numbers of each place. Writes the seconds that the
 * minimisations took, and each chi2. */
#include <gsl/gsl_multimin.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MOST_DETECTORS = 8, MOST_COUPLINGS = 16, MOST_ITERATIONS = 2000 };

typedef struct detector {
    size_t n_bin;
    double sigma[2], *form, *background, *data;
} detector;

typedef struct problem {
    size_t n_detector, n;
    double bound, c[3 + MOST_COUPLINGS]; /* 1, the place, the couplings */
    detector detector[MOST_DETECTORS];
} problem;

static double next_number(void)
{
    double x;
    if (scanf("%lf", &x) == 1) return x;
    fprintf(stderr, "gsl_profiled: a number is missing\n");
    exit(2);
}

static double *numbers(size_t n)
{
    double *x = malloc(n * sizeof *x);
    if (!x) exit(74);
    for (size_t k = 0; k < n; k++) x[k] = next_number();
    return x;
}

static void read_problem(problem *p)
{
    p->n_detector = (size_t)next_number();
    p->n = (size_t)next_number();
    p->bound = next_number();
    if (p->n_detector > MOST_DETECTORS || p->n > MOST_COUPLINGS) exit(2);
    for (size_t k = 0; k < p->n_detector; k++) {
        detector *d = &p->detector[k];
        d->n_bin = (size_t)next_number();
        d->sigma[0] = next_number();
        d->sigma[1] = next_number();
        d->form = numbers((3 + p->n) * (3 + p->n) * d->n_bin);
        d->background = numbers(d->n_bin);
        d->data = numbers(d->n_bin);
    }
}

/* Counts of a bin, and half of their slopes in the elements of c. */
static double signal_of(const problem *p, const detector *d, size_t bin, double *half)
{
    size_t n = 3 + p->n;
    double sum = 0;
    for (size_t k = 0; k < n; k++) {
        half[k] = 0;
        for (size_t l = 0; l < n; l++) half[k] += d->form[(k * n + l) * d->n_bin + bin] * p->c[l];
        sum += half[k] * p->c[k];
    }
    return sum;
}

/* slope[n + 2 detectors] of couplings and pulls; pull[2 detectors]. NaN where counts are not positive. */
static double evaluate(const problem *p, const double *pull, double *slope)
{
    double chi2 = 0, half[3 + MOST_COUPLINGS];
    for (size_t k = 0; k < p->n + 2 * p->n_detector; k++) slope[k] = 0;
    for (size_t k = 0; k < p->n_detector; k++) {
        const detector *d = &p->detector[k];
        double a = pull[2 * k], b = pull[2 * k + 1], *own = slope + p->n + 2 * k;
        for (size_t i = 0; i < d->n_bin; i++) {
            double signal = signal_of(p, d, i, half), n = signal * (1 + a) + d->background[i] * (1 + b);
            if (!(n > 0)) return GSL_NAN;
            double ratio = d->data[i] / n, s = 2 * (1 - ratio);
            chi2 += 2 * (n - d->data[i] + d->data[i] * log(ratio));
            for (size_t c = 0; c < p->n; c++) slope[c] += 2 * s * (1 + a) * half[3 + c];
            own[0] += s * signal;
            own[1] += s * d->background[i];
        }
        double sa = a / d->sigma[0], sb = b / d->sigma[1];
        chi2 += sa * sa + sb * sb;
        own[0] += 2 * sa / d->sigma[0];
        own[1] += 2 * sb / d->sigma[1];
    }
    return chi2;
}

/* GSL's variables: arcs of the couplings, and pulls in units of their uncertainties. */
static void both(const gsl_vector *x, void *context, double *chi2, gsl_vector *gradient)
{
    problem *p = context;
    double pull[2 * MOST_DETECTORS], slope[MOST_COUPLINGS + 2 * MOST_DETECTORS];
    for (size_t k = 0; k < p->n; k++) p->c[3 + k] = p->bound * sin(gsl_vector_get(x, k));
    for (size_t k = 0; k < 2 * p->n_detector; k++)
        pull[k] = gsl_vector_get(x, p->n + k) * p->detector[k / 2].sigma[k % 2];
    *chi2 = evaluate(p, pull, slope);
    if (!gradient) return;
    for (size_t k = 0; k < p->n; k++) gsl_vector_set(gradient, k, slope[k] * p->bound * cos(gsl_vector_get(x, k)));
    for (size_t k = 0; k < 2 * p->n_detector; k++)
        gsl_vector_set(gradient, p->n + k, slope[p->n + k] * p->detector[k / 2].sigma[k % 2]);
}

static double only_chi2(const gsl_vector *x, void *context)
{
    double chi2;
    both(x, context, &chi2, NULL);
    return chi2;
}

static void only_gradient(const gsl_vector *x, void *context, gsl_vector *gradient)
{
    double chi2;
    both(x, context, &chi2, gradient);
}

static double minimise(problem *p, gsl_multimin_fdfminimizer *minimiser, gsl_vector *start, const double *place)
{
    gsl_multimin_function_fdf f = {.f = only_chi2, .df = only_gradient, .fdf = both, .n = start->size, .params = p};
    p->c[0] = 1;
    p->c[1] = place[0];
    p->c[2] = place[1];
    gsl_vector_set_zero(start);
    gsl_multimin_fdfminimizer_set(minimiser, &f, start, 0.05, 0.1);
    for (int k = 0, stuck = 0; k < MOST_ITERATIONS && stuck < 3; k++) {
        bool failed = gsl_multimin_fdfminimizer_iterate(minimiser) != GSL_SUCCESS;
        stuck = failed ? stuck + 1 : 0;
        if (failed) gsl_multimin_fdfminimizer_restart(minimiser); /* down the gradient */
        if (gsl_multimin_test_gradient(minimiser->gradient, 1e-4) == GSL_SUCCESS) break;
    }
    return minimiser->f;
}

int main(void)
{
    static problem p;
    struct timespec begin, end;
    gsl_set_error_handler_off();
    read_problem(&p);
    size_t n = (size_t)next_number(), n_variable = p.n + 2 * p.n_detector;
    double *place = numbers(2 * n), *chi2 = malloc(n * sizeof *chi2);
    gsl_multimin_fdfminimizer *minimiser = gsl_multimin_fdfminimizer_alloc(gsl_multimin_fdfminimizer_vector_bfgs2,
                                                                           n_variable);
    gsl_vector *start = gsl_vector_alloc(n_variable);
    if (!chi2 || !minimiser || !start) return 74;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (size_t k = 0; k < n; k++) chi2[k] = minimise(&p, minimiser, start, place + 2 * k);
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%.9g\n", (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec));
    for (size_t k = 0; k < n; k++) printf("%.17g\n", chi2[k]);
    gsl_vector_free(start);
    gsl_multimin_fdfminimizer_free(minimiser);
    free(place);
    free(chi2);
    return 0;
}
