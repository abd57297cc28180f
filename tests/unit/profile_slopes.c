/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Slopes of the profiled chi2 by forms, on problems made at random: any constraint, bound, weight, power, shape,
 * likelihood; bins without data. chi2 is that of cev_profile_block(), derivatives are differences of it. */
#include "unit.h"

#include "../../src/stats/profile_slopes.h"

enum { N_FORM = 4, MOST_CHANNELS = 3, MOST_BINS = 12, MOST_BACKGROUNDS = 2, MOST_SHAPES = 2, MOST_PULLS = 6 };

typedef struct problem {
    size_t n_channel, n_pull, n_link;
    cev_channel channel[MOST_CHANNELS];
    double background[MOST_CHANNELS][MOST_BACKGROUNDS * MOST_BINS], variance[MOST_CHANNELS][MOST_BINS];
    double data[MOST_CHANNELS][MOST_BINS];
    double sigma[MOST_PULLS];
    cev_pull_prior prior[MOST_PULLS];
    cev_pull_link link[64];
    cev_linear_channel linear[MOST_CHANNELS];
    size_t form[MOST_CHANNELS][N_FORM];
    double row[MOST_CHANNELS][3 * MOST_BINS], constant[MOST_CHANNELS][MOST_SHAPES * MOST_BINS];
    double weight[MOST_CHANNELS][(1 + MOST_SHAPES) * 3 * N_FORM];
} problem;

typedef struct problem_kind {
    bool general;      /* constraints, bounds, weights, powers */
    double empty_bins; /* probability that a bin has no data */
} problem_kind;

static void add_link(problem *p, gsl_rng *r, const problem_kind *kind, size_t pull, size_t c, size_t component)
{
    bool shape = component > p->channel[c].n_background;
    p->link[p->n_link++] = (cev_pull_link){.pull = pull,
                                           .channel = c,
                                           .component = component,
                                           .weight = kind->general && chance(r, 0.3) ? uniform(r, 0.3, 1.5) : 0,
                                           .power = kind->general && shape && chance(r, 0.5) ? 2 : 0};
}

/* Signals of some 100 counts a bin at forms of about one. */
static void random_channel(gsl_rng *r, const problem_kind *kind, problem *p, size_t c)
{
    size_t n_bin = whole(r, 1, MOST_BINS), n_row = whole(r, 1, 3), n_form = whole(r, 1, N_FORM);
    size_t n_background = whole(r, 0, MOST_BACKGROUNDS), n_shape = whole(r, 0, MOST_SHAPES);
    for (size_t i = 0; i < n_bin; i++) {
        p->data[c][i] = chance(r, kind->empty_bins) ? 0 : uniform(r, 60, 260);
        p->variance[c][i] = uniform(r, 50, 400);
        for (size_t k = 0; k < n_row; k++) p->row[c][k * n_bin + i] = uniform(r, 10, 60);
        for (size_t b = 0; b < n_background; b++) p->background[c][b * n_bin + i] = uniform(r, 5, 40);
        for (size_t s = 0; s < n_shape; s++) p->constant[c][s * n_bin + i] = chance(r, 0.3) ? 0 : uniform(r, -9, 9);
    }
    for (size_t k = 0; k < (1 + n_shape) * n_row * n_form; k++)
        p->weight[c][k] = chance(r, 0.2) ? 0 : k < n_row * n_form ? uniform(r, 0.2, 1) : uniform(r, -0.2, 0.2);
    for (size_t f = 0, k = 0; k < N_FORM; k++)
        if (f < n_form && N_FORM - k > n_form - f && chance(r, 0.5))
            continue;
        else if (f < n_form)
            p->form[c][f++] = k;
    p->channel[c] = (cev_channel){.n_bin = n_bin,
                                  .n_background = n_background,
                                  .background = p->background[c],
                                  .variance = chance(r, 0.3) ? p->variance[c] : NULL,
                                  .n_shape = n_shape};
    p->linear[c] = (cev_linear_channel){.n_row = n_row > n_form * (1 + n_shape) ? n_form * (1 + n_shape) : n_row,
                                        .row = p->row[c],
                                        .n_form = n_form,
                                        .form = p->form[c],
                                        .weight = p->weight[c],
                                        .constant = p->constant[c]};
}

static void random_prior(gsl_rng *r, cev_pull_prior *prior)
{
    prior->constraint = (cev_pull_constraint)whole(r, 0, 2);
    if (chance(r, 0.3)) prior->low = -uniform(r, 0.01, 0.5);
    if (chance(r, 0.3)) prior->high = uniform(r, 0.01, 0.5);
    prior->given = chance(r, 0.15);
}

static void random_problem(gsl_rng *r, const problem_kind *kind, problem *p)
{
    memset(p, 0, sizeof *p);
    p->n_channel = whole(r, 1, MOST_CHANNELS);
    p->n_pull = whole(r, 1, MOST_PULLS - 2);
    for (size_t k = 0; k < MOST_PULLS; k++) {
        p->sigma[k] = log_uniform(r, 0.03, 0.3);
        p->prior[k] = (cev_pull_prior){.low = -INFINITY, .high = INFINITY};
        if (kind->general) random_prior(r, &p->prior[k]);
    }
    for (size_t c = 0; c < p->n_channel; c++) random_channel(r, kind, p, c);
    for (size_t c = 0; c < p->n_channel; c++)
        for (size_t k = 0; k <= p->channel[c].n_background + p->channel[c].n_shape; k++)
            add_link(p, r, kind, whole(r, 0, p->n_pull - 1), c, k);
}

typedef struct solver {
    cev_profile *profile;
    const double *data[MOST_CHANNELS];
    cev_slopes *slopes;
    cev_slopes_scratch *scratch;
    cev_profile_scratch *profile_scratch;
} solver;

static void set_up(const problem *p, cev_level level, solver *s)
{
    cev_profile_spec spec = {.n_channel = p->n_channel,
                             .channel = p->channel,
                             .n_pull = p->n_pull,
                             .sigma = p->sigma,
                             .prior = p->prior,
                             .n_link = p->n_link,
                             .link = p->link};
    for (size_t c = 0; c < p->n_channel; c++) s->data[c] = p->data[c];
    assert_ok(cev_profile_create(&spec, &s->profile));
    assert_ok(cev_profile_use_level(s->profile, level));
    assert_ok(cev_slopes_create(s->profile, p->linear, s->data, &s->slopes));
    assert_ok(cev_slopes_scratch_create(s->slopes, &s->scratch));
    assert_ok(cev_profile_scratch_create(s->profile, &s->profile_scratch));
}

static void tear_down(solver *s)
{
    cev_profile_scratch_destroy(&s->profile_scratch);
    cev_slopes_scratch_destroy(&s->scratch);
    cev_slopes_destroy(&s->slopes);
    cev_profile_destroy(&s->profile);
}

typedef struct values {
    cev_slopes_result out;
    cev_lanes gradient[N_FORM], hessian[N_FORM * N_FORM], positive[N_FORM * N_FORM], stiff[N_FORM * N_FORM];
    cev_lanes variable[MOST_PULLS], follow[MOST_PULLS * N_FORM], pull[MOST_PULLS];
} values;

static void solve(const solver *s, const cev_lanes *form, const cev_lanes *given, const cev_lanes *start, values *v)
{
    memset(v, 0, sizeof *v);
    v->out = (cev_slopes_result){.n_form = N_FORM,
                                 .status = (cev_lanes_mask){0} + CEV_POINT_OK,
                                 .gradient = v->gradient,
                                 .hessian = v->hessian,
                                 .positive = v->positive,
                                 .stiff = v->stiff,
                                 .variable = v->variable,
                                 .follow = v->follow,
                                 .pull = v->pull};
    cev_slopes_block(s->slopes, s->scratch, form, given, start, &v->out);
}

static void random_place(gsl_rng *r, double least, double most, cev_lanes *form, cev_lanes *given)
{
    for (size_t f = 0; f < N_FORM; f++)
        for (int l = 0; l < CEV_LANES; l++) form[f][l] = log_uniform(r, least, most);
    for (size_t k = 0; k < MOST_PULLS; k++)
        for (int l = 0; l < CEV_LANES; l++) given[k][l] = uniform(r, -0.1, 0.1);
}

/* --- chi2 -------------------------------------------------------------------------------------------------------- */

static void counts_of(const problem *p, size_t c, const cev_lanes *form, cev_lanes *signal)
{
    const cev_linear_channel *linear = &p->linear[c];
    size_t n_bin = p->channel[c].n_bin;
    for (size_t s = 0; s <= p->channel[c].n_shape; s++)
        for (size_t i = 0; i < n_bin; i++) {
            cev_lanes sum = (cev_lanes){0} + (s ? linear->constant[(s - 1) * n_bin + i] : 0);
            for (size_t k = 0; k < linear->n_row; k++)
                for (size_t f = 0; f < linear->n_form; f++)
                    sum += form[linear->form[f]] * linear->weight[(s * linear->n_row + k) * linear->n_form + f] *
                           linear->row[k * n_bin + i];
            signal[s * n_bin + i] = sum;
        }
}

static void check_chi2(const problem_kind *kind, unsigned long seed, int n, double most)
{
    gsl_rng *r = random_numbers(seed);
    static problem p;
    static values v;
    for (int k = 0; k < n; k++) {
        solver s;
        cev_lanes form[N_FORM], given[MOST_PULLS], pull[MOST_PULLS],
            counts[MOST_CHANNELS][(1 + MOST_SHAPES) * MOST_BINS];
        const cev_lanes *signal[MOST_CHANNELS];
        random_problem(r, kind, &p);
        random_place(r, 1 / most, most, form, given);
        set_up(&p, cev_level_best(), &s);
        for (size_t c = 0; c < p.n_channel; c++) {
            counts_of(&p, c, form, counts[c]);
            signal[c] = counts[c];
        }
        cev_profile_result full = {.pull = pull};
        cev_profile_block(s.profile, s.profile_scratch, s.data, signal, given, NULL, &full);
        solve(&s, form, given, NULL, &v);
        for (int l = 0; l < CEV_LANES; l++) {
            assert_int_equal(v.out.status[l], full.status[l]);
            if (full.status[l] != CEV_POINT_OK) continue;
            assert_close(v.out.chi2[l], full.chi2[l], 1e-11 * fmax(1, full.chi2[l]));
            for (size_t q = 0; q < p.n_pull; q++) assert_close(v.pull[q][l], pull[q][l], 1e-7);
        }
        tear_down(&s);
    }
    gsl_rng_free(r);
}

static void chi2_is_that_of_the_fit(void **state)
{
    (void)state;
    check_chi2(&(problem_kind){.empty_bins = 0}, 1, 150, 4);
    check_chi2(&(problem_kind){.empty_bins = 0.3}, 2, 150, 4);
    check_chi2(&(problem_kind){.empty_bins = 0.3}, 3, 50, 300);
    check_chi2(&(problem_kind){.general = true}, 7, 300, 2);
}

/* --- derivatives ----------------------------------------------------------------------------------------------- */

/* First derivative at lane 3 of seven points, by central differences of sixth order. */
static double slope_of(cev_lanes y, double step)
{
    return ((y[6] - y[0]) / 60 - 3 * (y[5] - y[1]) / 20 + 3 * (y[4] - y[2]) / 4) / step;
}

/* Whether all of the seven points have the same pulls at their bounds: there are no derivatives across. */
static bool is_smooth(const problem *p, const values *v)
{
    for (size_t q = 0; q < p->n_pull; q++)
        for (int l = 0; l < 7; l++)
            if ((v->pull[q][l] <= p->prior[q].low) != (v->pull[q][3] <= p->prior[q].low) ||
                (v->pull[q][l] >= p->prior[q].high) != (v->pull[q][3] >= p->prior[q].high))
                return false;
    return true;
}

/* 0 <= positive <= stiff along a direction at random. */
static void check_order(gsl_rng *r, const values *v)
{
    double x[N_FORM];
    for (size_t f = 0; f < N_FORM; f++) x[f] = uniform(r, -1, 1);
    for (int l = 0; l < CEV_LANES; l++) {
        double positive = 0, stiff = 0;
        for (size_t f = 0; f < N_FORM; f++)
            for (size_t g = 0; g < N_FORM; g++) {
                size_t k = f > g ? f * N_FORM + g : g * N_FORM + f;
                positive += x[f] * x[g] * v->positive[k][l];
                stiff += x[f] * x[g] * v->stiff[k][l];
            }
        if (v->out.status[l] != CEV_POINT_OK) continue;
        assert_true(positive >= -1e-9 * stiff);
        assert_true(positive <= stiff * (1 + 1e-9));
    }
}

static void check_derivatives_of(const problem *p, const solver *s, const cev_lanes *at, const cev_lanes *given,
                                 size_t f, values *v)
{
    cev_lanes form[N_FORM], same[MOST_PULLS], start[MOST_PULLS];
    double step = 0.004 * at[f][0];
    for (size_t k = 0; k < N_FORM; k++)
        for (int l = 0; l < CEV_LANES; l++) form[k][l] = at[k][0] + (k == f ? (l - 3) * step : 0);
    for (size_t k = 0; k < MOST_PULLS; k++) same[k] = (cev_lanes){0} + given[k][0];
    solve(s, form, same, NULL, v);
    memcpy(start, v->variable, sizeof start); /* so that nothing is left of what the fit tolerates */
    solve(s, form, same, start, v);
    for (int l = 0; l < 7; l++)
        if (v->out.status[l] != CEV_POINT_OK) return;
    if (!is_smooth(p, v)) return;
    double diagonal = v->stiff[f * N_FORM + f][3] + 1e-9;
    assert_close(slope_of(v->out.chi2, step), v->gradient[f][3],
                 1e-8 * fabs(v->gradient[f][3]) + 1e-9 * diagonal + 1e-14 * v->out.chi2[3] / step);
    for (size_t g = 0; g < N_FORM; g++) {
        double hessian = v->hessian[f > g ? f * N_FORM + g : g * N_FORM + f][3];
        double scale = sqrt(diagonal * (v->stiff[g * N_FORM + g][3] + 1e-9));
        assert_close(slope_of(v->gradient[g], step), hessian, 1e-7 * (scale + fabs(hessian)));
    }
    for (size_t q = 0; q < cev_profile_n_variable(s->profile); q++)
        assert_close(slope_of(v->variable[q], step), v->follow[q * N_FORM + f][3], 1e-7 + 1e-10 / step);
}

static void check_derivatives(const problem_kind *kind, unsigned long seed, int n)
{
    gsl_rng *r = random_numbers(seed);
    static problem p;
    static values v;
    for (int k = 0; k < n; k++) {
        solver s;
        cev_lanes form[N_FORM], given[MOST_PULLS];
        random_problem(r, kind, &p);
        random_place(r, 0.5, 3, form, given);
        set_up(&p, cev_level_best(), &s);
        for (size_t f = 0; f < N_FORM; f++) check_derivatives_of(&p, &s, form, given, f, &v);
        check_order(r, &v);
        tear_down(&s);
    }
    gsl_rng_free(r);
}

static void derivatives_are_differences(void **state)
{
    (void)state;
    check_derivatives(&(problem_kind){.empty_bins = 0}, 4, 150);
    check_derivatives(&(problem_kind){.empty_bins = 0.3}, 5, 150);
    check_derivatives(&(problem_kind){.general = true}, 6, 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chi2_is_that_of_the_fit),
        cmocka_unit_test(derivatives_are_differences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
