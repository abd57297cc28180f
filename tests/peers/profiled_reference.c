/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chi2 minimised over couplings by a minimiser that knows nothing of them: BFGS with gradients from differences, from
 * many random places, on cev_model_evaluate(). What the scanner finds must not be above it.
 *
 *     profiled_reference SCAN.yaml STARTS SEED NAME:LOW:HIGH ... < points > chi2
 *
 * A line of `points` has the values of the scan's axes; a line of `chi2` the lowest minimum of each. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cevscan/config.h"
#include "cevscan/model.h"

enum { MOST_FREE = 16, MOST_STEPS = 400 };

typedef struct problem {
    cev_scan_config *config;
    cev_model *model;
    cev_model_scratch *scratch;
    cev_data data;
    double theta[CEV_MAX_THETA];
    size_t n_free, free[MOST_FREE];
    double low[MOST_FREE], high[MOST_FREE];
} problem;

/* A descent of one lane, in t: coupling = middle + half width * sin t, which knows no bounds. */
typedef struct descent {
    double t[MOST_FREE], g[MOST_FREE], h[MOST_FREE][MOST_FREE], step[MOST_FREE], chi2, length;
    bool done;
} descent;

static void must(cev_status status)
{
    if (status == CEV_OK) return;
    fprintf(stderr, "%s\n", cev_error_message());
    exit(2);
}

static uint64_t next(uint64_t *state) /* splitmix64 */
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static double coupling(const problem *p, size_t k, double t)
{
    return 0.5 * (p->low[k] + p->high[k]) + 0.5 * (p->high[k] - p->low[k]) * sin(t);
}

static void chi2_at(const problem *p, const double (*t)[MOST_FREE], double *chi2)
{
    cev_lanes theta[CEV_MAX_THETA];
    cev_block_result result = {.pull = NULL};
    for (size_t k = 0; k < cev_roster_n(&p->config->roster); k++) theta[k] = p->theta[k] - (cev_lanes){0};
    for (size_t l = 0; l < CEV_LANES; l++)
        for (size_t k = 0; k < p->n_free; k++) theta[p->free[k]][l] = coupling(p, k, t[l][k]);
    cev_model_evaluate(p->model, &p->data, p->scratch, theta, NULL, &result);
    for (size_t l = 0; l < CEV_LANES; l++) chi2[l] = result.status[l] == CEV_POINT_OK ? result.chi2[l] : INFINITY;
}

static void gradients(const problem *p, descent *d)
{
    const double h = 1e-5;
    for (size_t k = 0; k < p->n_free; k++) {
        double t[CEV_LANES][MOST_FREE], up[CEV_LANES], down[CEV_LANES];
        for (size_t l = 0; l < CEV_LANES; l++) memcpy(t[l], d[l].t, sizeof t[l]);
        for (size_t l = 0; l < CEV_LANES; l++) t[l][k] = d[l].t[k] + h;
        chi2_at(p, (const double(*)[MOST_FREE])t, up);
        for (size_t l = 0; l < CEV_LANES; l++) t[l][k] = d[l].t[k] - h;
        chi2_at(p, (const double(*)[MOST_FREE])t, down);
        for (size_t l = 0; l < CEV_LANES; l++) d[l].g[k] = (up[l] - down[l]) / (2 * h);
    }
}

static double dot(size_t n, const double *a, const double *b)
{
    double sum = 0;
    for (size_t k = 0; k < n; k++) sum += a[k] * b[k];
    return sum;
}

static void steepest(size_t n, descent *d)
{
    memset(d->h, 0, sizeof d->h);
    for (size_t k = 0; k < n; k++) d->h[k][k] = 0.1 / fmax(1, sqrt(dot(n, d->g, d->g)));
}

static void aim(size_t n, descent *d)
{
    for (size_t k = 0; k < n; k++) d->step[k] = -dot(n, d->h[k], d->g);
    if (!(dot(n, d->step, d->g) < 0)) {
        steepest(n, d);
        for (size_t k = 0; k < n; k++) d->step[k] = -dot(n, d->h[k], d->g);
    }
    d->length = 1;
    if (-dot(n, d->step, d->g) < 1e-11) d->done = true;
}

/* The inverse Hessian after a step s that changed the gradient by y. */
static void update(size_t n, descent *d, const double *before)
{
    double s[MOST_FREE], y[MOST_FREE], hy[MOST_FREE];
    for (size_t k = 0; k < n; k++) {
        s[k] = d->length * d->step[k];
        y[k] = d->g[k] - before[k];
    }
    double sy = dot(n, s, y);
    if (!(sy > 1e-14 * sqrt(dot(n, s, s) * dot(n, y, y)))) return;
    for (size_t k = 0; k < n; k++) hy[k] = dot(n, d->h[k], y);
    double yhy = dot(n, y, hy);
    for (size_t a = 0; a < n; a++)
        for (size_t b = 0; b < n; b++)
            d->h[a][b] += (1 + yhy / sy) * s[a] * s[b] / sy - (hy[a] * s[b] + s[a] * hy[b]) / sy;
}

/* One step of each lane, halved until it lowers chi2. */
static bool advance(const problem *p, descent *d)
{
    double before[CEV_LANES][MOST_FREE];
    bool open[CEV_LANES], any = false;
    for (size_t l = 0; l < CEV_LANES; l++) open[l] = !d[l].done;
    for (int halving = 0; halving < 40; halving++) {
        double t[CEV_LANES][MOST_FREE], chi2[CEV_LANES];
        bool left = false;
        for (size_t l = 0; l < CEV_LANES; l++)
            for (size_t k = 0; k < p->n_free; k++) t[l][k] = d[l].t[k] + (open[l] ? d[l].length * d[l].step[k] : 0);
        chi2_at(p, (const double(*)[MOST_FREE])t, chi2);
        for (size_t l = 0; l < CEV_LANES; l++) {
            if (!open[l]) continue;
            if (chi2[l] <= d[l].chi2 + 1e-4 * d[l].length * dot(p->n_free, d[l].step, d[l].g)) {
                memcpy(before[l], d[l].g, sizeof before[l]);
                memcpy(d[l].t, t[l], sizeof d[l].t);
                d[l].chi2 = chi2[l];
                open[l] = false;
            } else {
                d[l].length *= 0.5;
                left = true;
            }
        }
        if (!left) break;
    }
    for (size_t l = 0; l < CEV_LANES; l++) d[l].done |= open[l];
    gradients(p, d);
    for (size_t l = 0; l < CEV_LANES; l++) {
        if (d[l].done) continue;
        update(p->n_free, &d[l], before[l]);
        aim(p->n_free, &d[l]);
        any |= !d[l].done;
    }
    return any;
}

static double lowest_of_block(const problem *p, uint64_t *seed)
{
    descent d[CEV_LANES];
    double t[CEV_LANES][MOST_FREE], chi2[CEV_LANES], lowest = INFINITY;
    for (size_t l = 0; l < CEV_LANES; l++)
        for (size_t k = 0; k < p->n_free; k++) t[l][k] = asin(2 * ((double)(next(seed) >> 11) * 0x1p-53) - 1);
    chi2_at(p, (const double(*)[MOST_FREE])t, chi2);
    for (size_t l = 0; l < CEV_LANES; l++) {
        d[l] = (descent){.chi2 = chi2[l], .done = !isfinite(chi2[l])};
        memcpy(d[l].t, t[l], sizeof t[l]);
    }
    gradients(p, d);
    for (size_t l = 0; l < CEV_LANES; l++) {
        steepest(p->n_free, &d[l]);
        aim(p->n_free, &d[l]);
    }
    for (int step = 0; step < MOST_STEPS && advance(p, d); step++) continue;
    for (size_t l = 0; l < CEV_LANES; l++) lowest = fmin(lowest, d[l].chi2);
    return lowest;
}

static void read_free(problem *p, int n, char **text)
{
    for (int k = 0; k < n; k++) {
        char name[64];
        if (p->n_free == MOST_FREE ||
            sscanf(text[k], "%63[^:]:%lf:%lf", name, &p->low[p->n_free], &p->high[p->n_free]) != 3)
            exit(2);
        p->free[p->n_free] = cev_roster_index(&p->config->roster, name);
        if (p->free[p->n_free++] == cev_roster_n(&p->config->roster)) exit(2);
    }
}

int main(int argc, char **argv)
{
    problem p = {.n_free = 0};
    if (argc < 5) return 2;
    must(cev_scan_config_read(argv[1], &p.config));
    const cev_scan_config *c = p.config;
    int n_block = atoi(argv[2]) / CEV_LANES;
    uint64_t seed = strtoull(argv[3], NULL, 10);
    memcpy(p.theta, c->theta, sizeof p.theta);
    read_free(&p, argc - 4, argv + 4);
    must(cev_model_create(c->n_experiment, c->experiment, &c->roster, c->theta, &p.model));
    must(cev_model_scratch_create(p.model, &p.scratch));
    must(cev_data_mixed(c->arena, p.model, c->observed, c->truth, &p.data));
    for (;;) {
        double lowest = INFINITY;
        for (size_t a = 0; a < c->grid.n_axis; a++)
            if (scanf("%lf", &p.theta[c->axis_parameter[a]]) != 1) return 0;
        for (int b = 0; b < n_block; b++) lowest = fmin(lowest, lowest_of_block(&p, &seed));
        printf("%.12g\n", lowest);
    }
}
