/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chi2 as a function of forms: the engine's own chi2, derivatives against differences, sums over units, lanes and
 * levels. */
#include "coherent.h"

#include "../../src/engine/joint_chi2.h"

enum { MOST_FORMS = JOINT_MAX_FORMS, MOST_VARIABLES = 32, MOST_UNITS = 6, MOST_PARAMETERS = CEV_MAX_THETA };

/* What a scan varies beside couplings: numbers of experiments, slow parameters that it profiles, pulls that it gives,
 * each within a range. */
typedef struct varied {
    enum { END, NUMBER, SLOW, PULL } kind;
    const char *name;
    double low, high;
} varied;

enum { MOST_VARIED = 4 };

typedef struct rig {
    cev_scan_config *config;
    cev_roster roster;
    cev_guest guest[MOST_VARIED];
    cev_profiled profiled[MOST_VARIED];
    const varied *varied;
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

static void add_varied(rig *r)
{
    r->roster = r->config->roster;
    r->roster.guest = r->guest;
    r->roster.profiled = r->profiled;
    for (const varied *v = r->varied; v && v->kind != END; v++) {
        size_t index = cev_roster_n(&r->roster);
        if (v->kind == SLOW) {
            index = cev_roster_index(&r->roster, v->name);
            r->profiled[r->roster.n_profiled++] = (cev_profiled){index, v->low, v->high};
        } else
            r->guest[r->roster.n_guest++] = (cev_guest){.kind = v->kind == PULL ? CEV_GUEST_PULL : CEV_GUEST_NUMBER,
                                                        .low = v->low,
                                                        .high = v->high,
                                                        .parameter = {.name = v->name,
                                                                      .default_value = v->low,
                                                                      .minimum = v->low,
                                                                      .maximum = v->high}};
        r->config->theta[index] = v->kind == PULL ? 0 : 0.7 * v->low + 0.3 * v->high;
    }
}

/* One unit of all experiments, or one for each; of a configuration. */
static void set_up_of(rig *r, cev_scan_config *config, const char *experiments, bool observed, bool apart,
                      const varied *v)
{
    *r = (rig){.arena = new_arena(), .config = config, .varied = v};
    add_varied(r);
    size_t n = r->config->n_experiment;
    r->n_unit = apart ? n : 1;
    size_t flux = cev_roster_index(&r->roster, "flux_b8");
    if (strstr(experiments, "8b") && flux < cev_roster_n(&r->roster)) r->config->theta[flux] = 5e6;
    for (size_t u = 0; u < r->n_unit; u++) {
        assert_ok(
            cev_model_create(apart ? 1 : n, r->config->experiment + u, &r->roster, r->config->theta, &r->model[u]));
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
    r->n_theta = cev_roster_n(&r->roster);
}

static void set_up_varied(rig *r, const char *experiments, const char *interaction, bool observed, const varied *v)
{
    set_up_of(r, coherent_config(experiments, interaction), experiments, observed, false, v);
}

static void set_up(rig *r, const char *experiments, const char *interaction, bool observed, bool apart)
{
    set_up_of(r, coherent_config(experiments, interaction), experiments, observed, apart, NULL);
}

static void tear_down(rig *r)
{
    joint_scratch_destroy(&r->scratch);
    joint_chi2_destroy(&r->joint);
    for (size_t u = 0; u < r->n_unit; u++) cev_model_destroy(&r->model[u]);
    cev_arena_destroy(&r->arena);
    cev_scan_config_destroy(&r->config);
}

/* What a parameter of natural size is. */
static double size_of(const char *name)
{
    return !strcmp(name, "coupling") ? 1e-4 : name[0] == 'C' ? 2e-5 : !strcmp(name, "flux_b8") ? 3e6 : 1;
}

/* What is varied, anywhere in its range. */
static void random_varied(const rig *r, gsl_rng *random, cev_lanes *theta)
{
    for (const varied *v = r->varied; v && v->kind != END; v++)
        for (int l = 0; l < CEV_LANES; l++)
            theta[cev_roster_index(&r->roster, v->name)][l] = uniform(random, v->low, v->high);
}

/* Couplings at random, of all that are not slow; one point per lane. */
static void random_theta(const rig *r, gsl_rng *random, double size, cev_lanes *theta)
{
    for (size_t p = 0; p < r->n_theta; p++) {
        const cev_parameter *parameter = cev_roster_parameter(&r->roster, p);
        bool moves = !parameter->slow && !parameter->convention && !parameter->whole && !isnan(r->config->theta[p]) &&
                     !isinf(r->config->theta[p]);
        for (int l = 0; l < CEV_LANES; l++) {
            theta[p][l] = r->config->theta[p];
            if (!moves) continue;
            theta[p][l] += size * size_of(parameter->name) * uniform(random, -1, 1);
            theta[p][l] = fmin(fmax(theta[p][l], parameter->minimum), parameter->maximum);
        }
    }
    random_varied(r, random, theta);
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

static void check_chi2_of(rig *r, double size, double tolerance)
{
    static values v;
    gsl_rng *random = random_numbers(1);
    cev_lanes theta[MOST_PARAMETERS], form[MOST_FORMS];
    cev_model_scratch *scratch;
    assert_ok(cev_model_scratch_create(r->model[0], &scratch));
    for (int k = 0; k < 25; k++) {
        cev_block_result block = {0};
        random_theta(r, random, size * pow(0.5, k % 8), theta);
        forms_of_block(r, theta, form);
        prepare(&v);
        joint_evaluate(r->joint, r->scratch, form, theta, NULL, &v.out);
        cev_model_evaluate(r->model[0], &r->data[0], scratch, theta, NULL, &block);
        for (int l = 0; l < CEV_LANES; l++) {
            assert_int_equal(v.out.status[l], block.status[l]);
            if (block.status[l] == CEV_POINT_OK)
                assert_close(v.out.chi2[l], block.chi2[l], tolerance * fmax(1, block.chi2[l]));
        }
    }
    cev_model_scratch_destroy(&scratch);
    gsl_rng_free(random);
    tear_down(r);
}

static void check_chi2(const char *experiments, const char *interaction, bool observed, double size)
{
    rig r;
    set_up(&r, experiments, interaction, observed, false);
    check_chi2_of(&r, size, 1e-11);
}

static void chi2_is_the_engines(void **state)
{
    (void)state;
    check_chi2("ess_csi,ess_si", "nsi", false, 1);
    check_chi2("ess_csi,ess_xe,ess_si,ess_ge,ess_ar,ess_c3f8", "nsi", false, 1);
    check_chi2("coherent_csi", "nsi", true, 0.5);
    check_chi2("xenonnt_8b", "nsi", true, 0.5);
    check_chi2("xenonnt_8b,ess_xe", "vector", false, 0.5);
}

/* --- templates between nodes ------------------------------------------------------------------------------------- */

static const struct {
    const char *experiments, *interaction;
    varied varied[MOST_VARIED];
    size_t most_forms;
} interpolated[] = {
    {"coherent_csi", "nsi", {{NUMBER, "quenching.c1", 0.05, 0.06}}, 60},
    {"coherent_csi,ess_csi", "nsi", {{NUMBER, "coherent_csi.quenching.c1", 0.05, 0.06}}, 60},
    {"ess_csi,ess_xe", "vector", {{SLOW, "mediator_mass_MeV", 5, 300}}, 220},
    {"xenonnt_8b,ess_xe", "nsi", {{NUMBER, "source.theta12_rad", 0.57, 0.6}}, 60},
};

static void chi2_between_nodes_is_the_engines(void **state)
{
    (void)state;
    for (size_t k = 0; k < LENGTH(interpolated); k++) {
        rig r;
        set_up_varied(&r, interpolated[k].experiments, interpolated[k].interaction, false, interpolated[k].varied);
        assert_true(r.n_form <= interpolated[k].most_forms);
        assert_false(joint_has_matrices(r.joint));
        check_chi2_of(&r, 0.5, 1e-9);
    }
}

static void given_pulls_are_where_they_are_given(void **state)
{
    (void)state;
    rig r;
    set_up_varied(&r, "ess_csi,ess_si", "nsi", false, (const varied[]){{PULL, "ess_csi.signal", -0.3, 0.3}, {0}});
    check_chi2_of(&r, 0.5, 1e-11);
    set_up_varied(&r, "coherent_csi", "nsi", true, (const varied[]){{PULL, "coherent_csi.signal", -0.3, 0.3}, {0}});
    check_chi2_of(&r, 0.5, 1e-11);
}

static void all_interactions_have_it(void **state)
{
    (void)state;
    for (size_t k = 0; k < cev_n_interactions; k++)
        if (cev_interactions[k]->forms) check_chi2("ess_csi,ess_xe", cev_interactions[k]->card.name, false, 0.5);
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

/* --- forms by parameters ------------------------------------------------------------------------------------------ */

enum { MOST_FREE = 11 }; /* more than are asked for at a time */

/* The free parameters: what is varied, then couplings, from the end. */
static size_t list_free(const rig *r, const cev_lanes *theta, size_t *free)
{
    size_t n = 0;
    for (const varied *v = r->varied; v && v->kind != END; v++) free[n++] = cev_roster_index(&r->roster, v->name);
    for (size_t p = r->config->interaction->card.n_parameter; p-- > 0 && n < MOST_FREE;)
        if (!cev_roster_is_slow(&r->roster, p) && !isnan(theta[p][0]) && !isinf(theta[p][0])) free[n++] = p;
    return n;
}

static double step_of(const rig *r, size_t index, double here)
{
    for (const varied *v = r->varied; v && v->kind != END; v++)
        if (cev_roster_index(&r->roster, v->name) == index) return 1e-5 * (v->high - v->low);
    return 1e-4 * fmax(fabs(here), size_of(cev_roster_parameter(&r->roster, index)->name));
}

static void check_form_derivatives(const char *experiments, const char *interaction, const varied *v)
{
    rig r;
    gsl_rng *random = random_numbers(3);
    cev_lanes theta[MOST_PARAMETERS];
    size_t free[MOST_FREE];
    set_up_varied(&r, experiments, interaction, false, v);
    random_theta(&r, random, 0.5, theta);
    size_t n_free = list_free(&r, theta, free);
    static double first[MOST_FREE * MOST_FORMS], second[MOST_FREE * MOST_FREE * MOST_FORMS];
    static double slope[2][MOST_FREE * MOST_FORMS], unused[MOST_FREE * MOST_FREE * MOST_FORMS];
    double at[MOST_PARAMETERS], value[2][MOST_FORMS];
    for (size_t p = 0; p < r.n_theta; p++) at[p] = theta[p][0];
    joint_form_derivatives(r.joint, at, n_free, free, first, second);
    for (size_t p = 0; p < n_free; p++) {
        double here = at[free[p]], step = step_of(&r, free[p], here);
        for (int side = 0; side < 2; side++) {
            at[free[p]] = here + (side ? step : -step);
            joint_forms(r.joint, at, value[side]);
            joint_form_derivatives(r.joint, at, n_free, free, slope[side], unused);
        }
        at[free[p]] = here;
        for (size_t f = 0; f < r.n_form; f++) {
            double size = fabs(value[0][f]) + fabs(value[1][f]) + fabs(first[p * r.n_form + f] * step);
            assert_close((value[1][f] - value[0][f]) / (2 * step), first[p * r.n_form + f], 1e-7 * (size / step));
            for (size_t q = 0; q < n_free; q++) {
                double twice = second[(q * n_free + p) * r.n_form + f];
                double scale = fabs(slope[0][q * r.n_form + f]) + fabs(slope[1][q * r.n_form + f]) + fabs(twice * step);
                assert_close((slope[1][q * r.n_form + f] - slope[0][q * r.n_form + f]) / (2 * step), twice,
                             1e-7 * (scale / step));
            }
        }
    }
    gsl_rng_free(random);
    tear_down(&r);
}

static void derivatives_of_forms_are_differences(void **state)
{
    (void)state;
    check_form_derivatives("ess_csi", "nsi", NULL);
    check_form_derivatives("xenonnt_8b", "nsi", NULL);
    check_form_derivatives("xenonnt_8b,ess_xe", "vector", NULL);
    for (size_t k = 0; k < LENGTH(interpolated); k++)
        check_form_derivatives(interpolated[k].experiments, interpolated[k].interaction, interpolated[k].varied);
}

/* --- sums, lanes, levels ------------------------------------------------------------------------------------------ */

static void evaluate(const rig *r, const cev_lanes *theta, values *v)
{
    cev_lanes form[MOST_FORMS];
    forms_of_block(r, theta, form);
    prepare(v);
    joint_evaluate(r->joint, r->scratch, form, theta, NULL, &v->out);
}

static void units_add_up(void **state)
{
    (void)state;
    rig together, apart;
    static values one, sum;
    gsl_rng *random = random_numbers(4);
    cev_lanes theta[MOST_PARAMETERS];
    set_up(&together, "ess_csi,ess_si,ess_ar", "nsi", false, false);
    set_up(&apart, "ess_csi,ess_si,ess_ar", "nsi", false, true);
    assert_int_equal(joint_n_variable(together.joint), joint_n_variable(apart.joint));
    assert_int_equal(joint_n_bin(together.joint), joint_n_bin(apart.joint));
    assert_true(joint_has_matrices(apart.joint));
    random_theta(&together, random, 0.4, theta);
    evaluate(&together, theta, &one);
    evaluate(&apart, theta, &sum);
    size_t n = together.n_form;
    for (int l = 0; l < CEV_LANES; l++) {
        assert_relative(one.out.chi2[l], sum.out.chi2[l], 1e-13);
        for (size_t k = 0; k < n; k++)
            assert_close(one.gradient[k][l], sum.gradient[k][l], 1e-9 * fabs(sum.gradient[k][l]));
        for (size_t k = 0; k < n * n; k++)
            assert_close(one.hessian[k][l], sum.hessian[k][l], 1e-9 * (1 + sum.stiff[k][l]));
        for (size_t k = 0; k < together.n_variable * n; k++) assert_close(one.follow[k][l], sum.follow[k][l], 1e-9);
    }
    gsl_rng_free(random);
    tear_down(&together);
    tear_down(&apart);
}

static void assert_same_lane(const rig *r, const values *a, int l, const values *b, int m)
{
    size_t n = r->n_form;
    assert_same_bits(a->out.chi2[l], b->out.chi2[m]);
    assert_int_equal(a->out.status[l], b->out.status[m]);
    for (size_t k = 0; k < n; k++) assert_same_bits(a->gradient[k][l], b->gradient[k][m]);
    for (size_t k = 0; k < n * n; k++) {
        assert_same_bits(a->hessian[k][l], b->hessian[k][m]);
        assert_same_bits(a->positive[k][l], b->positive[k][m]);
        assert_same_bits(a->stiff[k][l], b->stiff[k][m]);
    }
    for (size_t k = 0; k < r->n_variable; k++) assert_same_bits(a->variable[k][l], b->variable[k][m]);
    for (size_t k = 0; k < r->n_variable * n; k++) assert_same_bits(a->follow[k][l], b->follow[k][m]);
}

/* Whatever else is in the block, points without an answer among it. */
static void lanes_do_not_mix(void **state)
{
    (void)state;
    rig r;
    static values all, one;
    gsl_rng *random = random_numbers(5);
    cev_lanes theta[MOST_PARAMETERS], other[MOST_PARAMETERS];
    set_up(&r, "ess_csi,ess_si", "nsi", false, false);
    random_theta(&r, random, 1, theta);
    evaluate(&r, theta, &all);
    for (int l = 0; l < CEV_LANES; l++) {
        int m = (3 * l + 1) % CEV_LANES;
        random_theta(&r, random, l % 2 ? 300 : 1e7, other);
        for (size_t p = 0; p < r.n_theta; p++) other[p][m] = theta[p][l];
        other[0][(m + 1) % CEV_LANES] = NAN;
        evaluate(&r, other, &one);
        assert_same_lane(&r, &all, l, &one, m);
        assert_int_equal(one.out.status[(m + 1) % CEV_LANES], CEV_POINT_INVALID);
    }
    gsl_rng_free(random);
    tear_down(&r);
}

static void check_levels(const char *experiments, bool observed)
{
    rig r;
    static values best, v;
    gsl_rng *random = random_numbers(6);
    cev_lanes theta[MOST_PARAMETERS];
    set_up(&r, experiments, "nsi", observed, false);
    for (int k = 0; k < 10; k++) {
        random_theta(&r, random, pow(0.4, k), theta);
        assert_ok(cev_model_use_level(r.model[0], cev_level_best()));
        evaluate(&r, theta, &best);
        for (cev_level level = CEV_LEVEL_BASELINE; level < cev_level_best(); level++) {
            assert_ok(cev_model_use_level(r.model[0], level));
            evaluate(&r, theta, &v);
            for (int l = 0; l < CEV_LANES; l++) assert_same_lane(&r, &best, l, &v, l);
        }
    }
    gsl_rng_free(random);
    tear_down(&r);
}

static void levels_agree_to_the_bit(void **state)
{
    (void)state;
    check_levels("ess_csi,ess_si,ess_ar", false);
    check_levels("coherent_csi", true);
}

/* Folded at another slow parameter, as if created there. */
static void refreshes_after_folding(void **state)
{
    (void)state;
    rig r, there;
    static values v, w;
    gsl_rng *random = random_numbers(7);
    cev_lanes theta[MOST_PARAMETERS];
    set_up(&r, "ess_csi,ess_xe", "vector", false, false);
    set_up(&there, "ess_csi,ess_xe", "vector", false, false);
    random_theta(&r, random, 0.5, theta);
    evaluate(&there, theta, &w);
    size_t mass = parameter_of(&cev_interaction_vector, "mediator_mass_MeV");
    double folded[MOST_PARAMETERS];
    for (size_t p = 0; p < r.n_theta; p++) folded[p] = theta[p][0];
    folded[mass] = 30;
    cev_model_fold(r.model[0], folded);
    joint_chi2_refresh(r.joint);
    evaluate(&r, theta, &v);
    double change = 0;
    for (int l = 0; l < CEV_LANES; l++) change = fmax(change, fabs(v.out.chi2[l] - w.out.chi2[l]));
    assert_true(change > 1e-6);
    folded[mass] = theta[mass][0];
    cev_model_fold(r.model[0], folded);
    joint_chi2_refresh(r.joint);
    evaluate(&r, theta, &v);
    for (int l = 0; l < CEV_LANES; l++) assert_same_lane(&r, &v, l, &w, l);
    gsl_rng_free(random);
    tear_down(&r);
    tear_down(&there);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chi2_is_the_engines),
        cmocka_unit_test(chi2_between_nodes_is_the_engines),
        cmocka_unit_test(given_pulls_are_where_they_are_given),
        cmocka_unit_test(all_interactions_have_it),
        cmocka_unit_test(derivatives_are_differences),
        cmocka_unit_test(derivatives_of_forms_are_differences),
        cmocka_unit_test(units_add_up),
        cmocka_unit_test(lanes_do_not_mix),
        cmocka_unit_test(levels_agree_to_the_bit),
        cmocka_unit_test(refreshes_after_folding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
