/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The profiled chi2 with GSL's vector_bfgs2, point by point, with the exact gradient.
 *
 * Reads numbers: detectors; of each its bins, sigmas of signal and background, 5 templates, background, data; points; 5
 * coefficients of each. Writes the seconds that the minimisations took, and each chi2. */
#include <gsl/gsl_multimin.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MOST_DETECTORS = 8, N_TEMPLATE = 5, MOST_ITERATIONS = 500 };

typedef struct detector {
    size_t n_bin;
    double sigma[2], *template, *background, *data, *signal;
} detector;

typedef struct problem {
    size_t n_detector;
    detector detector[MOST_DETECTORS];
} problem;

static double next_number(void)
{
    double x;
    if (scanf("%lf", &x) == 1) return x;
    fprintf(stderr, "gsl_bfgs: a number is missing\n");
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
    if (p->n_detector > MOST_DETECTORS) exit(2);
    for (size_t k = 0; k < p->n_detector; k++) {
        detector *d = &p->detector[k];
        d->n_bin = (size_t)next_number();
        d->sigma[0] = next_number();
        d->sigma[1] = next_number();
        d->template = numbers(N_TEMPLATE * d->n_bin);
        d->background = numbers(d->n_bin);
        d->data = numbers(d->n_bin);
        d->signal = malloc(d->n_bin * sizeof *d->signal);
        if (!d->signal) exit(74);
    }
}

/* chi2, and its gradient unless that is NULL. */
static double evaluate(const gsl_vector *x, const problem *p, gsl_vector *gradient)
{
    double chi2 = 0;
    for (size_t k = 0; k < p->n_detector; k++) {
        const detector *d = &p->detector[k];
        double a = gsl_vector_get(x, 2 * k), b = gsl_vector_get(x, 2 * k + 1), ga = 0, gb = 0;
        for (size_t i = 0; i < d->n_bin; i++) {
            double n = d->signal[i] * (1 + a) + d->background[i] * (1 + b);
            if (!(n > 0)) return GSL_NAN;
            double ratio = d->data[i] / n;
            chi2 += 2 * (n - d->data[i] + d->data[i] * log(ratio));
            ga += 2 * (1 - ratio) * d->signal[i];
            gb += 2 * (1 - ratio) * d->background[i];
        }
        double sa = a / d->sigma[0], sb = b / d->sigma[1];
        chi2 += sa * sa + sb * sb;
        if (!gradient) continue;
        gsl_vector_set(gradient, 2 * k, ga + 2 * sa / d->sigma[0]);
        gsl_vector_set(gradient, 2 * k + 1, gb + 2 * sb / d->sigma[1]);
    }
    return chi2;
}

/* GSL's variables are pulls in units of their uncertainties: it would stumble over scales that differ. */
static void scale(const gsl_vector *x, const problem *p, gsl_vector *out)
{
    for (size_t k = 0; k < x->size; k++) gsl_vector_set(out, k, gsl_vector_get(x, k) * p->detector[k / 2].sigma[k % 2]);
}

static void both(const gsl_vector *x, void *context, double *chi2, gsl_vector *gradient)
{
    const problem *p = context;
    double place[2 * MOST_DETECTORS];
    gsl_vector_view pulls = gsl_vector_view_array(place, x->size);
    scale(x, p, &pulls.vector);
    *chi2 = evaluate(&pulls.vector, p, gradient);
    if (gradient) scale(gradient, p, gradient);
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

static double minimise(problem *p, gsl_multimin_fdfminimizer *minimiser, gsl_vector *start, const double *coefficient)
{
    for (size_t k = 0; k < p->n_detector; k++)
        for (size_t i = 0; i < p->detector[k].n_bin; i++) {
            detector *d = &p->detector[k];
            d->signal[i] = 0;
            for (size_t t = 0; t < N_TEMPLATE; t++) d->signal[i] += coefficient[t] * d->template[t * d->n_bin + i];
        }
    gsl_multimin_function_fdf f = {.f = only_chi2, .df = only_gradient, .fdf = both, .n = start->size, .params = p};
    gsl_vector_set_zero(start);
    gsl_multimin_fdfminimizer_set(minimiser, &f, start, 0.1, 0.1);
    for (int k = 0; k < MOST_ITERATIONS; k++) {
        if (gsl_multimin_fdfminimizer_iterate(minimiser)) break;
        if (gsl_multimin_test_gradient(minimiser->gradient, 1e-3) == GSL_SUCCESS) break;
    }
    return minimiser->f;
}

int main(void)
{
    problem p;
    struct timespec begin, end;
    gsl_set_error_handler_off();
    read_problem(&p);
    size_t n = (size_t)next_number();
    double *coefficient = numbers(N_TEMPLATE * n), *chi2 = malloc(n * sizeof *chi2);
    gsl_multimin_fdfminimizer *minimiser = gsl_multimin_fdfminimizer_alloc(gsl_multimin_fdfminimizer_vector_bfgs2,
                                                                           2 * p.n_detector);
    gsl_vector *start = gsl_vector_alloc(2 * p.n_detector);
    if (!chi2 || !minimiser || !start) return 74;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (size_t k = 0; k < n; k++) chi2[k] = minimise(&p, minimiser, start, coefficient + N_TEMPLATE * k);
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%.9f\n", (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec));
    for (size_t k = 0; k < n; k++) printf("%.17g\n", chi2[k]);
    return 0;
}
