/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Best fits of random scans against a search that has nothing in common with theirs: simplexes of GSL that start at
 * random places, are mirrored at the walls, and start again until they gain nothing.
 *
 *     build/tests/best_fits_everywhere [SCANS [FIRST]] */
#include "best_fit_rig.h"

#include <gsl/gsl_multimin.h>
#include <gsl/gsl_randist.h>

enum { SCANS = 8, MOST_DIMENSIONS = 4 };

typedef struct rivals {
    rig *r;
    size_t branch; /* bits: the sign along each signed_log axis */
} rivals;

/* Any number to one from 0 to 1, without a jump. */
static double mirrored(double x)
{
    x = fmod(fabs(x), 2);
    return x > 1 ? 2 - x : x;
}

static void values_at(const rivals *v, const double *x, double *at)
{
    for (size_t a = 0; a < v->r->grid.n_axis; a++) {
        const cev_axis *axis = &v->r->grid.axis[a];
        double low = axis->value[0], high = axis->value[axis->n - 1], u = mirrored(x[a]), t = axis->linear_threshold;
        if (axis->scale == CEV_SCALE_SIGNED_LOG) {
            double sign = v->branch >> a & 1 ? 1 : -1;
            at[a] = sign * axis->value[axis->n / 2] * pow(high / axis->value[axis->n / 2], u);
        } else if (axis->scale == CEV_SCALE_LOG) {
            at[a] = exp(log(low) + u * (log(high) - log(low)));
        } else if (axis->scale == CEV_SCALE_SYMLOG) {
            at[a] = 2 * t * sinh(asinh(low / (2 * t)) + u * (asinh(high / (2 * t)) - asinh(low / (2 * t))));
        } else {
            at[a] = low + u * (high - low);
        }
        at[a] = fmin(fmax(at[a], low), high);
    }
}

static double chi2_of_simplex(const gsl_vector *x, void *context)
{
    const rivals *v = context;
    double at[MOST_DIMENSIONS];
    values_at(v, x->data, at);
    double chi2 = rig_chi2(v->r, 0, at);
    return isnan(chi2) ? 1e30 : chi2;
}

static double simplex_from(rivals *v, gsl_rng *rng, gsl_vector *x, double first)
{
    size_t n = v->r->grid.n_axis;
    gsl_multimin_fminimizer *simplex = gsl_multimin_fminimizer_alloc(gsl_multimin_fminimizer_nmsimplex2rand, n);
    gsl_vector *step = gsl_vector_alloc(n);
    gsl_multimin_function f = {.f = chi2_of_simplex, .n = n, .params = v};
    double lowest = INFINITY, before;
    do {
        before = lowest;
        for (size_t a = 0; a < n; a++) gsl_vector_set(step, a, first * (gsl_rng_uniform(rng) - 0.5));
        assert_int_equal(gsl_multimin_fminimizer_set(simplex, &f, x, step), 0);
        for (int k = 0; k < 1000 && gsl_multimin_fminimizer_size(simplex) > 1e-9; k++)
            if (gsl_multimin_fminimizer_iterate(simplex)) break;
        lowest = simplex->fval;
        gsl_vector_memcpy(x, simplex->x);
    } while (lowest < before - 1e-8);
    gsl_multimin_fminimizer_free(simplex);
    gsl_vector_free(step);
    return lowest;
}

/* Random places, and from the lowest of every few of them down. */
static double lowest_of_rivals(rig *r, gsl_rng *rng, size_t n_start)
{
    size_t n = r->grid.n_axis;
    gsl_vector *x = gsl_vector_alloc(n), *best = gsl_vector_alloc(n);
    double lowest = INFINITY;
    for (size_t k = 0; k < n_start; k++) {
        rivals v = {.r = r}, chosen = v;
        double low = INFINITY;
        for (size_t j = 0; j < 1 + 20 * (k % 3); j++) { /* some starts are the first place, others the best of many */
            v.branch = gsl_rng_uniform_int(rng, 16);
            for (size_t a = 0; a < n; a++) gsl_vector_set(x, a, gsl_rng_uniform(rng));
            double chi2 = chi2_of_simplex(x, &v);
            if (j && !(chi2 < low)) continue;
            low = chi2;
            chosen = v;
            gsl_vector_memcpy(best, x);
        }
        lowest = fmin(lowest, simplex_from(&chosen, rng, best, k % 2 ? 0.2 : 0.02));
    }
    gsl_vector_free(x);
    gsl_vector_free(best);
    return lowest;
}

/* An axis of any scale with a range that may hold the minimum or not. */
static void random_axis(rig *r, gsl_rng *rng, const char *name)
{
    double low = -0.1 - 1.2 * gsl_rng_uniform(rng), high = low + 0.2 + 2 * gsl_rng_uniform(rng);
    size_t n = 3 + (size_t)(197 * pow(gsl_rng_uniform(rng), 3));
    size_t a = r->grid.n_axis;
    switch (gsl_rng_uniform_int(rng, 5)) {
    case 0: rig_axis(r, name, CEV_SCALE_LINEAR, low, high, n, 0); break;
    case 1: rig_axis(r, name, CEV_SCALE_LOG, pow(10, -4 + 3 * gsl_rng_uniform(rng)), 1.5, n, 0); break;
    case 2: rig_axis(r, name, CEV_SCALE_SYMLOG, low, high, n, pow(10, -4 + 3 * gsl_rng_uniform(rng))); break;
    case 3:
        rig_axis(r, name, CEV_SCALE_SIGNED_LOG, pow(10, -4 + 3 * gsl_rng_uniform(rng)), 1.5, 2 + 2 * (n / 2), 0);
        break;
    default: rig_axis(r, name, CEV_SCALE_LINEAR, low, high, n, 0); r->grid.axis[a].scale = CEV_SCALE_VALUES;
    }
}

static void describe(const rig *r, unsigned long k, const char *experiments, double found, double other)
{
    printf("%lu %s: %.10g, rivals %.10g, %+.2e;", k, experiments, found, other, found - other);
    for (size_t a = 0; a < r->grid.n_axis; a++)
        printf(" %s %s %g .. %g (%zu)", r->grid.axis[a].name, cev_scale_names[r->grid.axis[a].scale],
               r->grid.axis[a].value[0], r->grid.axis[a].value[r->grid.axis[a].n - 1], r->grid.axis[a].n);
    printf("\n");
    fflush(stdout);
}

static const char *const couplings[] = {"eps_ee_uV", "eps_ee_dV", "eps_mumu_uV", "eps_emu_uV", "eps_etau_dV"};
static const char *const observed[] = {"coherent_csi", "coherent_csi_poisson", "xenonnt_8b"};
static const char *const expected[] = {"ess_csi,ess_si,ess_ar", "ess_xe,ess_ge", "ess_csi", "ess_c3f8,ess_ar"};

/* Returns how far the best fit is above what the rivals find. */
static double compare(unsigned long k)
{
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_taus2);
    rig r;
    size_t order[LENGTH(couplings)], n = 1 + k % MOST_DIMENSIONS;
    double truth[CEV_MAX_MODEL_PARAMETERS];
    gsl_rng_set(rng, k + 1);
    bool seen = gsl_rng_uniform_int(rng, 4) > 0;
    const char *experiments = seen ? observed[gsl_rng_uniform_int(rng, LENGTH(observed))]
                                   : expected[gsl_rng_uniform_int(rng, LENGTH(expected))];
    rig_open(&r, experiments, "nsi");
    for (size_t i = 0; i < LENGTH(order); i++) order[i] = i;
    gsl_ran_shuffle(rng, order, LENGTH(order), sizeof *order);
    for (size_t i = 0; i < n; i++) random_axis(&r, rng, couplings[order[i]]);
    memcpy(truth, r.config->theta, sizeof truth);
    for (size_t i = 0; i < LENGTH(couplings); i++) truth[rig_parameter(&r, couplings[i])] = gsl_rng_uniform(rng) - 0.5;
    rig_build(&r, seen ? NULL : truth);
    double found = rig_best_fit(&r, 0).chi2, other = lowest_of_rivals(&r, rng, 10 + 10 * n);
    if (getenv("CEVSCAN_DESCRIBE") || !(found <= other + 1e-6)) describe(&r, k, experiments, found, other);
    rig_close(&r);
    gsl_rng_free(rng);
    return found - other;
}

/* Scans of which earlier forms of the search found a local minimum, or less than all of a valley. */
static const unsigned long hard[] = {67, 75, 170, 211, 383, 443, 863};

static unsigned long n_scan = SCANS, first_scan;

static void no_other_search_finds_less(void **state)
{
    (void)state;
    size_t above = 0;
    for (unsigned long k = first_scan; k < first_scan + n_scan; k++) above += compare(k) <= 1e-6 ? 0 : 1;
    if (above) fail_msg("%zu of %lu best fits are no minimum", above, n_scan);
}

static void hard_ones_are_found(void **state)
{
    (void)state;
    for (size_t k = 0; k < LENGTH(hard); k++) assert_true(compare(hard[k]) <= 1e-6);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_other_search_finds_less),
                                       cmocka_unit_test(hard_ones_are_found)};
    if (argc > 1) n_scan = strtoul(argv[1], NULL, 10);
    if (argc > 2) first_scan = strtoul(argv[2], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
