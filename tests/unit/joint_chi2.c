/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chi2 as a function of forms: the engine's own chi2, derivatives against differences, sums over units, lanes and
 * levels. */
#include "coherent.h"

#include "../../src/engine/joint_chi2.h"

enum { MOST_FORMS = 27, MOST_VARIABLES = 32, MOST_UNITS = 6, MOST_PARAMETERS = 64 };

typedef struct rig {
    cev_scan_config *config;
    cev_arena *arena;
    size_t n_unit;
    cev_model *model[MOST_UNITS];
    cev_data data[MOST_UNITS];
    const cev_data *data_of[MOST_UNITS];
    joint_chi2 *joint;
    joint_scratch *scratch;
    size_t n_form, n_variable, n_theta;
} rig;

typedef struct values {
    joint_value out;
    cev_lanes gradient[MOST_FORMS], hessian[MOST_FORMS * MOST_FORMS], positive[MOST_FORMS * MOST_FORMS],
        stiff[MOST_FORMS * MOST_FORMS], variable[MOST_VARIABLES], follow[MOST_VARIABLES * MOST_FORMS],
        pull[MOST_VARIABLES];
} values;

static void prepare(values *v)
{
    memset(v, 0, sizeof *v);
    v->out = (joint_value){.gradient = v->gradient,
                           .hessian = v->hessian,
                           .positive = v->positive,
                           .stiff = v->stiff,
                           .variable = v->variable,
                           .follow = v->follow,
                           .pull = v->pull};
}

/* One unit of all experiments, or one for each. */
static void set_up(rig *r, const char *experiments, const char *interaction, bool observed, bool apart)
{
    *r = (rig){.arena = new_arena()};
    r->config = coherent_config(experiments, interaction);
    size_t n = r->config->n_experiment;
    r->n_unit = apart ? n : 1;
    for (size_t u = 0; u < r->n_unit; u++) {
        assert_ok(cev_model_create(apart ? 1 : n, r->config->experiment + u, &r->config->roster, r->config->theta,
                                   &r->model[u]));
        if (observed)
            assert_ok(cev_data_observed(r->arena, r->model[u], &r->data[u]));
        else
            assert_ok(cev_data_asimov(r->arena, r->model[u], r->config->theta, &r->data[u]));
        r->data_of[u] = &r->data[u];
    }
    assert_ok(joint_chi2_create(r->n_unit, r->model, r->data_of, &r->joint));
    assert_ok(joint_scratch_create(r->joint, &r->scratch));
    r->n_form = joint_n_form(r->joint);
    r->n_variable = joint_n_variable(r->joint);
    r->n_theta = cev_roster_n(&r->config->roster);
}

static void tear_down(rig *r)
{
    joint_scratch_destroy(&r->scratch);
    joint_chi2_destroy(&r->joint);
    for (size_t u = 0; u < r->n_unit; u++) cev_model_destroy(&r->model[u]);
    cev_arena_destroy(&r->arena);
    cev_scan_config_destroy(&r->config);
}

/* Couplings at random, of all that are not slow; one point per lane. */
static void random_theta(const rig *r, gsl_rng *random, double size, cev_lanes *theta)
{
    for (size_t p = 0; p < r->n_theta; p++) {
        const cev_parameter *parameter = cev_roster_parameter(&r->config->roster, p);
        for (int l = 0; l < CEV_LANES; l++) {
            theta[p][l] = r->config->theta[p];
            if (!parameter->slow && !parameter->convention && !isnan(theta[p][l]))
                theta[p][l] += uniform(random, -size, size) * (parameter->maximum > 1e6 ? 1 : 1);
        }
    }
}

static void forms_of_block(const rig *r, const cev_lanes *theta, cev_lanes *form)
{
    double one[MOST_PARAMETERS], of_one[MOST_FORMS];
    for (int l = 0; l < CEV_LANES; l++) {
        for (size_t p = 0; p < r->n_theta; p++) one[p] = theta[p][l];
        joint_forms(r->joint, one, of_one);
        for (size_t f = 0; f < r->n_form; f++) form[f][l] = of_one[f];
    }
}

static void check_chi2(const char *experiments, const char *interaction, bool observed, double size)
{
    rig r;
    values v;
    gsl_rng *random = random_numbers(1);
    cev_lanes theta[MOST_PARAMETERS], form[MOST_FORMS];
    cev_model_scratch *scratch;
    set_up(&r, experiments, interaction, observed, false);
    assert_ok(cev_model_scratch_create(r.model[0], &scratch));
    for (int k = 0; k < 25; k++) {
        cev_block_result block = {0};
        random_theta(&r, random, size * pow(0.5, k % 8), theta);
        forms_of_block(&r, theta, form);
        prepare(&v);
        joint_evaluate(r.joint, r.scratch, form, theta, NULL, &v.out);
        cev_model_evaluate(r.model[0], &r.data[0], scratch, theta, NULL, &block);
        for (int l = 0; l < CEV_LANES; l++) {
            assert_int_equal(v.out.status[l], block.status[l]);
            if (block.status[l] == CEV_POINT_OK)
                assert_close(v.out.chi2[l], block.chi2[l], 1e-11 * fmax(1, block.chi2[l]));
        }
    }
    cev_model_scratch_destroy(&scratch);
    gsl_rng_free(random);
    tear_down(&r);
}

static void chi2_is_the_engines(void **state)
{
    (void)state;
    check_chi2("ess_csi,ess_si", "nsi", false, 1);
    check_chi2("ess_csi,ess_xe,ess_si,ess_ge,ess_ar,ess_c3f8", "nsi", false, 1);
    check_chi2("coherent_csi", "nsi", true, 0.5);
}

/* Along a direction in forms: chi2, gradient and where the variables are, on seven points at once. */
typedef struct line {
    values v;
    cev_lanes form[MOST_FORMS];
} line;

static void go_along(const rig *r, const double *at, const double *direction, double step, const cev_lanes *theta,
                     line *out)
{
    for (size_t f = 0; f < r->n_form; f++)
        for (int l = 0; l < CEV_LANES; l++) out->form[f][l] = at[f] + (l - 3) * step * direction[f];
    prepare(&out->v);
    joint_evaluate(r->joint, r->scratch, out->form, theta, NULL, &out->v.out);
}

/* First derivative at lane 3 by central differences of sixth order. */
static double slope_of(cev_lanes y, double step)
{
    return ((y[6] - y[0]) / 60 - 3 * (y[5] - y[1]) / 20 + 3 * (y[4] - y[2]) / 4) / step;
}

static void check_derivatives(const char *experiments, const char *interaction, bool observed, double size)
{
    rig r;
    static line l;
    gsl_rng *random = random_numbers(2);
    cev_lanes theta[MOST_PARAMETERS], form[MOST_FORMS];
    set_up(&r, experiments, interaction, observed, false);
    size_t n = r.n_form;
    for (int k = 0; k < 4; k++) {
        double at[MOST_FORMS];
        random_theta(&r, random, size, theta);
        forms_of_block(&r, theta, form);
        for (size_t f = 0; f < n; f++) at[f] = form[f][0];
        for (size_t f = 0; f < n; f++) {
            double direction[MOST_FORMS] = {0}, step = 2e-3 * fmax(fabs(at[f]), 1e-3);
            direction[f] = 1;
            go_along(&r, at, direction, step, theta, &l);
            double curve = fabs(l.v.hessian[f * n + f][3]) + fabs(l.v.stiff[f * n + f][3]) + 1e-300;
            assert_close(slope_of(l.v.out.chi2, step), l.v.gradient[f][3],
                         1e-6 * fabs(l.v.gradient[f][3]) + 1e-6 * curve * step + 1e-10 * l.v.out.chi2[3] / step);
            for (size_t g = 0; g < n; g++) {
                double scale = sqrt(fabs(l.v.stiff[f * n + f][3] * l.v.stiff[g * n + g][3]));
                assert_close(slope_of(l.v.gradient[g], step), l.v.hessian[f * n + g][3], 1e-6 * scale);
            }
            for (size_t v = 0; v < r.n_variable; v++)
                assert_close(slope_of(l.v.variable[v], step), l.v.follow[v * n + f][3],
                             1e-6 * fabs(l.v.follow[v * n + f][3]) + 1e-9 / step);
        }
    }
    gsl_rng_free(random);
    tear_down(&r);
}

static void derivatives_are_differences(void **state)
{
    (void)state;
    check_derivatives("ess_csi,ess_si", "nsi", false, 0.5);
    check_derivatives("ess_csi,ess_ge,ess_ar", "nsi", false, 0.5);
    check_derivatives("coherent_csi", "nsi", true, 0.3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chi2_is_the_engines),
        cmocka_unit_test(derivatives_are_differences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
