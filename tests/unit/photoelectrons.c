/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Quenching, smearing and efficiency, the response made of them, and templates against direct adaptive integration. */
#include "coherent.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_integration.h>

#include "cevscan/templates.h"

static double adaptive(double (*function)(double, void *), void *context, double from, double to, double relative)
{
    gsl_integration_workspace *space = gsl_integration_workspace_alloc(2000);
    gsl_function f = {.function = function, .params = context};
    double value, error;
    int status = gsl_integration_qag(&f, from, to, 1e-16, relative, 2000, GSL_INTEG_GAUSS31, space, &value, &error);
    gsl_integration_workspace_free(space);
    if (status && !(error <= fmax(1e-10 * fabs(value), 1e-13)))
        fail_msg("no convergence from %g to %g: %s, %g +- %g", from, to, gsl_strerror(status), value, error);
    return value;
}

#define FIND(kinds, n, wanted, out)                                                                                    \
    do {                                                                                                               \
        for (size_t k_ = 0; k_ < (n); k_++)                                                                            \
            if (!strcmp((kinds)[k_]->card.name, (wanted))) (out)->kind = (kinds)[k_];                                  \
        assert_non_null((out)->kind);                                                                                  \
        cev_parameter_defaults((out)->kind->card.parameters, (out)->kind->card.n_parameter, (out)->parameter);         \
    } while (0)

/* The response of arXiv:2110.07730, by its own numbers. */
static cev_response csi(void)
{
    cev_response r = {.kind = &cev_response_photoelectrons};
    FIND(cev_quenching_kinds, cev_n_quenching_kinds, "polynomial", &r.quenching);
    FIND(cev_smearing_kinds, cev_n_smearing_kinds, "gamma", &r.smearing);
    FIND(cev_efficiency_kinds, cev_n_efficiency_kinds, "logistic", &r.efficiency);
    memcpy(r.quenching.parameter, (double[]){0.05546, 4.307, -111.7, 840.4, 0}, 5 * sizeof(double));
    memcpy(r.smearing.parameter, (double[]){13.35, 9.56}, 2 * sizeof(double));
    memcpy(r.efficiency.parameter, (double[]){1.32, 0.285, 10.9, -0.333}, 4 * sizeof(double));
    return r;
}

static void set_efficiency(cev_response *r, double height, double slope, double midpoint, double offset)
{
    memcpy(r->efficiency.parameter, (double[]){height, slope, midpoint, offset}, 4 * sizeof(double));
}

/* --- pieces ----------------------------------------------------------------------------------------------------- */

static void polynomial_quenching_has_energies_in_MeV(void **state)
{
    (void)state;
    cev_response r = csi();
    for (double recoil = 0.1; recoil < 60; recoil *= 1.3) {
        double t = recoil * 1e-3, expected = 0.05546 * t + 4.307 * t * t - 111.7 * t * t * t + 840.4 * t * t * t * t;
        assert_relative(r.quenching.kind->electron_keV(&r.quenching, recoil), 1e3 * expected, 1e-13);
    }
    assert_true(r.quenching.kind->electron_keV(&r.quenching, 0) == 0);
}

/* Lindhard: little at low energies, all of it in the end; germanium at 10 keV gives 0.234. */
static void lindhard_quenching_grows(void **state)
{
    (void)state;
    cev_quenching q = {0};
    FIND(cev_quenching_kinds, cev_n_quenching_kinds, "lindhard", &q);
    q.parameter[0] = 0.157, q.parameter[1] = 32;
    assert_close(q.kind->electron_keV(&q, 10) / 10, 0.2342, 2e-4);
    assert_true(q.kind->electron_keV(&q, 0) == 0);
    for (double recoil = 1e-3, last = 0; recoil < 1e4; recoil *= 1.5) {
        double now = q.kind->electron_keV(&q, recoil);
        assert_true(now > last && now < recoil);
        last = now;
    }
}

typedef struct moment {
    const cev_smearing *smearing;
    double electron_keV;
    int power;
} moment;

static double weighted_density(double x, void *context)
{
    const moment *m = context;
    return pow(x, m->power) * m->smearing->kind->density(m->smearing, m->electron_keV, x);
}

static double moment_of(const cev_smearing *smearing, double electron_keV, int power)
{
    moment m = {smearing, electron_keV, power};
    double mean = smearing->kind->mean(smearing, electron_keV), sigma = smearing->kind->sigma(smearing, electron_keV),
           sum = 0, from = 0;
    const double upto[] = {mean / 100, mean / 3, mean, mean + 3 * sigma, mean + 10 * sigma, mean + 60 * sigma};
    for (size_t k = 0; k < LENGTH(upto); from = upto[k++]) sum += adaptive(weighted_density, &m, from, upto[k], 1e-12);
    return sum;
}

static void gamma_density_has_its_moments(void **state)
{
    (void)state;
    cev_response r = csi();
    const double energy[] = {1e-3, 0.01, 0.1, 0.5, 1, 3, 10};
    for (size_t k = 0; k < LENGTH(energy); k++) {
        double e = energy[k], mean = 13.35 * e, sigma = mean / sqrt(1 + 9.56 * e);
        assert_relative(r.smearing.kind->mean(&r.smearing, e), mean, 1e-14);
        assert_relative(r.smearing.kind->sigma(&r.smearing, e), sigma, 1e-14);
        assert_close(moment_of(&r.smearing, e, 0), 1, 1e-9);
        assert_relative(moment_of(&r.smearing, e, 1), mean, 1e-9);
        assert_relative(moment_of(&r.smearing, e, 2), mean * mean + sigma * sigma, 1e-9);
    }
}

/* P(x) of the paper: a = 1/mean, b = 9.56 E_ee. */
static void gamma_density_is_that_of_the_paper(void **state)
{
    (void)state;
    cev_response r = csi();
    for (double e = 0.05; e < 5; e *= 1.7)
        for (double x = 0.5; x < 80; x *= 1.6) {
            double a = 1 / (13.35 * e), b = 9.56 * e, s = 1 + b;
            double expected = pow(a * s, s) / tgamma(s) * pow(x, b) * exp(-a * s * x);
            assert_close(r.smearing.kind->density(&r.smearing, e, x), expected, 1e-11 * expected + 1e-300);
        }
}

static void efficiency_is_clipped_on_both_sides(void **state)
{
    (void)state;
    cev_response r = csi();
    const cev_efficiency *f = &r.efficiency;
    double zero = f->kind->zero_below(f);
    assert_close(zero, 10.9 - log(1.32 / 0.333 - 1) / 0.285, 1e-12);
    assert_true(zero > 7 && zero < 7.2);
    for (double x = 0; x < 200; x += 0.37) {
        double plain = 1.32 / (1 + exp(-0.285 * (x - 10.9))) - 0.333, value = f->kind->value(f, x);
        assert_true(value >= 0 && value <= 1);
        if (x < zero)
            assert_true(value == 0);
        else
            assert_close(value, plain, 1e-14);
    }
    set_efficiency(&r, 2, 0.3, 10, 0);
    assert_true(f->kind->value(f, 100) == 1 && f->kind->value(f, 9) < 1 && f->kind->zero_below(f) == 0);
    set_efficiency(&r, 0.3, 0.3, 10, -0.4); /* never */
    assert_true(f->kind->value(f, 1e6) == 0 && isinf(f->kind->zero_below(f)));
}

/* --- columns ---------------------------------------------------------------------------------------------------- */

typedef struct kept {
    const cev_response *r;
    double electron_keV;
} kept;

static double kept_density(double x, void *context)
{
    const kept *k = context;
    return k->r->smearing.kind->density(&k->r->smearing, k->electron_keV, x) *
           k->r->efficiency.kind->value(&k->r->efficiency, x);
}

/* Adaptive, with breaks where the efficiency has kinks or is steep. */
static double kept_between(const cev_response *r, double electron_keV, double lo, double hi)
{
    kept k = {r, electron_keV};
    double mean = r->smearing.kind->mean(&r->smearing, electron_keV),
           sigma = r->smearing.kind->sigma(&r->smearing, electron_keV);
    const double *p = r->efficiency.parameter;
    double one = p[0] + p[3] > 1 ? p[2] - log(p[0] / (1 - p[3]) - 1) / p[1] : INFINITY, sum = 0, from = lo;
    double breaks[] = {1e-6,
                       1e-4,
                       1e-2,
                       0.3,
                       mean / 2,
                       mean,
                       mean + 2 * sigma,
                       mean + 8 * sigma,
                       mean + 60 * sigma,
                       r->efficiency.kind->zero_below(&r->efficiency),
                       one,
                       p[2],
                       p[2] - 4 / p[1],
                       p[2] + 4 / p[1],
                       p[2] - 40 / p[1],
                       p[2] + 40 / p[1],
                       hi};
    for (;;) {
        double to = hi;
        for (size_t b = 0; b < LENGTH(breaks); b++)
            if (breaks[b] > from && breaks[b] < to) to = breaks[b];
        if (from >= mean + 60 * sigma) return sum;
        sum += adaptive(kept_density, &k, from, to, 1e-11);
        if (to >= hi) return sum;
        from = to;
    }
}

enum { N_BIN = 9 };
static const double edge[N_BIN + 1] = {0, 3, 8, 12, 16, 20, 32, 50, 100, 1000};
static const cev_bins bins = {.n_bin = N_BIN, .n_energy = N_BIN, .n_time = 1, .edge = edge};

static void check_columns(const cev_response *r)
{
    for (double recoil = 0.02; recoil < 45; recoil *= 1.37) {
        double probability[N_BIN], sum = 0, all, electron = r->quenching.kind->electron_keV(&r->quenching, recoil);
        r->kind->fill(r, &bins, recoil, probability);
        for (size_t i = 0; i < N_BIN; i++) {
            sum += probability[i];
            assert_close(probability[i], kept_between(r, electron, edge[i], edge[i + 1]), 1e-10);
        }
        all = kept_between(r, electron, 0, 1e4);
        assert_close(sum, all, 1e-9);
        assert_true(sum >= 0 && sum <= 1 + 1e-12);
    }
}

static void columns_sum_to_the_mean_efficiency(void **state)
{
    (void)state;
    cev_response r = csi();
    check_columns(&r);
}

/* Nothing is lost: columns sum to one, whatever the recoil. */
static void columns_of_a_perfect_detector_sum_to_one(void **state)
{
    (void)state;
    cev_response r = csi();
    set_efficiency(&r, 0, 1, 0, 1);
    check_columns(&r);
    for (double recoil = 1e-3; recoil < 45; recoil *= 1.7) {
        double probability[N_BIN], sum = 0;
        r.kind->fill(&r, &bins, recoil, probability);
        for (size_t i = 0; i < N_BIN; i++) sum += probability[i];
        assert_close(sum, 1, 1e-10);
    }
}

/* Clipped at one, and as steep as a step. */
static void columns_under_sharp_efficiencies(void **state)
{
    (void)state;
    const double shape[][4] = {{2, 0.3, 10, -0.2}, {5, 1, 20, -1},    {1, 10, 14.3, 0},
                               {1, 100, 14.3, 0},  {1, 1e9, 14.3, 0}, {1.1, 3, 2, 0}};
    for (size_t k = 0; k < LENGTH(shape); k++) {
        cev_response r = csi();
        set_efficiency(&r, shape[k][0], shape[k][1], shape[k][2], shape[k][3]);
        check_columns(&r);
    }
}

/* --- templates -------------------------------------------------------------------------------------------------- */


typedef struct integrand {
    const cev_experiment *x;
    const cev_interaction *interaction;
    const double *theta;
    const cev_template_row *row;
    size_t bin;
} integrand;

static double counted(double recoil_keV, void *context)
{
    const integrand *i = context;
    const cev_response *r = &i->x->response;
    if (!(recoil_keV > 0)) return 0;
    double electron = r->quenching.kind->electron_keV(&r->quenching, recoil_keV);
    return kept_between(r, electron, i->x->bins.edge[i->bin], i->x->bins.edge[i->bin + 1]) *
           cev_recoil_rate_per_keV(i->x, i->interaction, i->row, recoil_keV, i->theta);
}

static void check_templates(const char *interaction, const size_t *bin, size_t n)
{
    cev_scan_config *config = coherent_config("coherent_csi", interaction);
    cev_arena *arena = new_arena();
    const cev_experiment *x = config->experiment[0];
    cev_templates t;
    assert_ok(cev_templates_fold(arena, x, config->interaction, config->theta, &t));
    for (size_t r = 0; r < t.n_row;
         r += config->interaction->n_term == 6 ? 5 : 4) /* some of each nucleus, component and term */
        for (size_t k = 0; k < n; k++) {
            integrand i = {x, config->interaction, config->theta, &t.row[r], bin[k]};
            const cev_nucleus *nucleus = &x->target.nucleus[t.row[r].nucleus];
            double end = 1e3 * cev_recoil_max_MeV(config->interaction->kinematics(t.row[r].term, config->theta)->limit,
                                                  cev_nucleus_mass_MeV(nucleus),
                                                  x->source.kind->components[t.row[r].source_component].energy_max_MeV);
            double sum = 0;
            for (int piece = 0; piece < 6; piece++)
                sum += adaptive(counted, &i, end * piece / 6, end * (piece + 1) / 6, 1e-10);
            assert_close(t.counts[r * t.n_bin + bin[k]], sum, 1e-8 * fabs(sum) + 1e-12);
        }
    cev_arena_destroy(&arena);
    cev_scan_config_destroy(&config);
}

static void templates_of_nsi_equal_direct_integration(void **state)
{
    (void)state;
    check_templates("nsi", (const size_t[]){0, 2, 6}, 3);
}

static void templates_of_eft_equal_direct_integration(void **state)
{
    (void)state;
    check_templates("eft", (const size_t[]){1, 8}, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(polynomial_quenching_has_energies_in_MeV),
        cmocka_unit_test(lindhard_quenching_grows),
        cmocka_unit_test(gamma_density_has_its_moments),
        cmocka_unit_test(gamma_density_is_that_of_the_paper),
        cmocka_unit_test(efficiency_is_clipped_on_both_sides),
        cmocka_unit_test(columns_sum_to_the_mean_efficiency),
        cmocka_unit_test(columns_of_a_perfect_detector_sum_to_one),
        cmocka_unit_test(columns_under_sharp_efficiencies),
        cmocka_unit_test(templates_of_nsi_equal_direct_integration),
        cmocka_unit_test(templates_of_eft_equal_direct_integration),
    };
    gsl_set_error_handler_off();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
