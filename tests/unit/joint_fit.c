/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fits of couplings on a toy of chi2: where they end, what they say, and that none knows its companions. */
#include "joint_toy.h"

#include "engine/joint_starts.h"
#include "engine/joint_tile.h"

enum { EE_U, EE_D, MUMU_U, MUMU_D, TAUTAU_U, TAUTAU_D, EMU_U, EMU_D, ETAU_U, ETAU_D, MUTAU_U, MUTAU_D, N_COUPLING };

typedef struct rig {
    cev_arena *arena;
    cev_roster roster;
    cev_profiled profiled[CEV_MAX_PROFILED];
    cev_constraint constraint[CEV_MAX_PROFILED];
    double theta[CEV_MAX_THETA];
    joint_chi2 chi2;
    joint_problem *problem;
    joint_work *work;
    joint_search *search;
} rig;

static void set_up(rig *r, size_t n_detector, size_t k, const size_t *free, double box, double sigma)
{
    const cev_card *card = &cev_interaction_nsi.card;
    *r = (rig){.arena = new_arena(), .roster = cev_roster_of(&cev_interaction_nsi)};
    cev_parameter_defaults(card->parameters, card->n_parameter, r->theta);
    toy_fill(&r->chi2, n_detector, r->theta);
    for (size_t a = 0; a < k; a++) {
        r->profiled[a] = (cev_profiled){.index = free[a], .low = -box, .high = box};
        r->constraint[a] = (cev_constraint){.index = free[a], .centre = 0, .sigma = sigma};
    }
    r->roster.n_profiled = k;
    r->roster.profiled = r->profiled;
    r->roster.constraint = r->constraint;
    if (sigma > 0) r->roster.n_constraint = k;
    assert_ok(joint_problem_create(r->arena, &r->chi2, &r->roster, 0, NULL, &r->problem));
    joint_sizes sizes = {0};
    joint_sizes_include(&sizes, r->problem);
    assert_ok(joint_work_create(&sizes, &r->work));
    assert_ok(joint_search_create(&sizes, &r->search));
    joint_problem_refresh(r->problem, r->work, r->theta);
    double *low, *high;
    assert_ok(cev_new(r->arena, 2 * n_detector, &low));
    assert_ok(cev_new(r->arena, 2 * n_detector, &high));
    for (size_t q = 0; q < 2 * n_detector; q++) low[q] = -INFINITY, high[q] = INFINITY;
    joint_search_begin(r->search, &(joint_search_spec){.problem = r->problem,
                                                       .pull_low = low,
                                                       .pull_high = high,
                                                       .with_values = true});
}

static void tear_down(rig *r)
{
    joint_search_destroy(&r->search);
    joint_work_destroy(&r->work);
    cev_arena_destroy(&r->arena);
}

static joint_fit new_fit(rig *r, const joint_place *place)
{
    joint_fit f = {.place = place, .give_up = INFINITY};
    assert_ok(cev_new(r->arena, joint_n_variable(&r->chi2), &f.variable));
    return f;
}

/* chi2 with constraints at couplings, from nothing but the toy. */
static double chi2_at(rig *r, const double *theta)
{
    double form[TOY_FORMS], sum = 0;
    r->chi2.forms->value(theta, form);
    for (size_t e = 0; e < r->chi2.n; e++) {
        double a[2] = {0};
        sum += toy_minimise(&r->chi2.detector[e], form, a).chi2;
    }
    for (size_t k = 0; k < r->roster.n_constraint; k++) {
        double x = theta[r->constraint[k].index] / r->constraint[k].sigma;
        sum += x * x;
    }
    return sum;
}

/* --- ends ----------------------------------------------------------------------------------------------------------- */

/* No step of 1e-3 of the box that stays in it lowers chi2 by more than what curvature and rounding allow. */
static void check_end(rig *r, const joint_fit *fit)
{
    double theta[CEV_MAX_THETA], z[JOINT_MAX_FREE];
    joint_theta(r->problem, r->work, fit->place, fit->z, theta);
    double here = chi2_at(r, theta);
    assert_close(here, fit->chi2, 1e-9 * (1 + here));
    for (size_t a = 0; a < r->problem->n; a++)
        for (size_t b = 0; b <= a; b++)
            for (int sign = 0; sign < 4; sign++) {
                memcpy(z, fit->z, sizeof z);
                z[a] += sign & 1 ? 1e-3 : -1e-3;
                if (a != b) z[b] += sign & 2 ? 1e-3 : -1e-3;
                if (fabs(z[a]) > 0.5 || fabs(z[b]) > 0.5) continue;
                joint_theta(r->problem, r->work, fit->place, z, theta);
                assert_true(chi2_at(r, theta) > here - 2e-9);
            }
}

static const size_t list[10] = {EE_D, MUMU_D, ETAU_U, ETAU_D, EMU_U, EMU_D, MUTAU_U, MUTAU_D, TAUTAU_U, TAUTAU_D};

static void ends_are_minima(size_t n_detector, size_t k, double box, double sigma)
{
    rig r;
    joint_place *place;
    set_up(&r, n_detector, k, list, box, sigma);
    joint_sizes sizes = {0};
    joint_sizes_include(&sizes, r.problem);
    assert_ok(joint_places_new(r.arena, &sizes, 25, &place));
    joint_fit fit[100];
    unsigned steps = 0, most = 0;
    for (size_t i = 0; i < 100; i++) {
        r.theta[EE_U] = -0.3 + 0.9 * (double)(i % 5) / 4;
        r.theta[MUMU_U] = -0.3 + 0.9 * (double)(i / 5 % 5) / 4;
        if (i < 25) joint_place_open(r.problem, r.work, r.theta, &place[i]);
        fit[i] = new_fit(&r, &place[i % 25]);
        joint_start_fixed(r.problem, i / 5, fit[i].z);
    }
    joint_fits_run(r.problem, r.work, 100, fit);
    for (size_t i = 0; i < 100; i++) {
        steps += fit[i].steps;
        most = fit[i].steps > most ? fit[i].steps : most;
        assert_int_equal(fit[i].end, JOINT_CONVERGED);
        check_end(&r, &fit[i]);
    }
    assert_true(most < 60 && steps < 2500); /* valleys are followed, not crawled along */
    tear_down(&r);
}

static void fits_end_in_minima(void **state)
{
    (void)state;
    for (size_t k = 1; k <= 10; k++) ends_are_minima(1 + k % 4, k, k % 3 ? 1 : 4, 0);
    ends_are_minima(2, 4, 1, 0.5);
    ends_are_minima(2, 8, 1, 0.1);
}

/* --- companions ------------------------------------------------------------------------------------------------------- */

/* The same fits alone, together, and in another order. */
static void fits_do_not_know_their_companions(void **state)
{
    (void)state;
    enum { N = 21 };
    rig r;
    joint_place *place;
    joint_fit fit[3][N];
    set_up(&r, 2, 4, list, 1, 0);
    joint_sizes sizes = {0};
    joint_sizes_include(&sizes, r.problem);
    assert_ok(joint_places_new(r.arena, &sizes, 3, &place));
    for (size_t i = 0; i < 3; i++) {
        r.theta[EE_U] = 0.1 * (double)i;
        joint_place_open(r.problem, r.work, r.theta, &place[i]);
    }
    for (size_t turn = 0; turn < 3; turn++)
        for (size_t i = 0; i < N; i++) {
            size_t at = turn == 2 ? N - 1 - i : i;
            fit[turn][at] = new_fit(&r, &place[i % 3]);
            joint_start_fixed(r.problem, i, fit[turn][at].z);
        }
    joint_fits_run(r.problem, r.work, N, fit[0]);
    joint_fits_run(r.problem, r.work, N, fit[2]);
    for (size_t i = 0; i < N; i++) {
        joint_fits_run(r.problem, r.work, 1, &fit[1][i]);
        assert_same_bits(fit[1][i].chi2, fit[0][i].chi2);
        assert_same_bits(fit[2][N - 1 - i].chi2, fit[0][i].chi2);
        assert_memory_equal(fit[1][i].z, fit[0][i].z, 4 * sizeof(double));
    }
    tear_down(&r);
}

/* --- flat directions ------------------------------------------------------------------------------------------ */

/* One nucleus, four couplings of one flavour: chi2 tells its charge and nothing else. The nearest to the default is
 * found from anywhere, and has the same chi2. */
static void flat_directions_end_nearest_to_the_default(void **state)
{
    (void)state;
    static const size_t free[4] = {EE_D, ETAU_U, ETAU_D, MUMU_U};
    rig r;
    joint_place *place;
    joint_fit fit[CEV_LANES];
    double pull[CEV_LANES][2 * TOY_MOST];
    joint_portrait portrait[CEV_LANES];
    set_up(&r, 1, 4, free, 1, 0);
    joint_sizes sizes = {0};
    joint_sizes_include(&sizes, r.problem);
    assert_ok(joint_places_new(r.arena, &sizes, 1, &place));
    r.theta[EE_U] = 0.3;
    joint_place_open(r.problem, r.work, r.theta, place);
    for (size_t l = 0; l < CEV_LANES; l++) {
        fit[l] = new_fit(&r, place);
        portrait[l].pull = pull[l];
        joint_start_fixed(r.problem, 2 * l + 1, fit[l].z);
    }
    joint_fits_run(r.problem, r.work, CEV_LANES, fit);
    joint_fits_portray(r.problem, r.work, CEV_LANES, fit, JOINT_WANT_NEAREST | JOINT_WANT_DIRECTIONS, portrait);
    double least = INFINITY, most = 0;
    size_t n = 0;
    for (size_t l = 0; l < CEV_LANES; l++) {
        double theta[CEV_MAX_THETA], length = 0;
        joint_theta(r.problem, r.work, place, fit[l].z, theta);
        assert_close(chi2_at(&r, theta), fit[l].chi2, 2e-9);
        assert_true(portrait[l].n_flat >= 1);
        for (size_t a = 0; a < 4; a++) length += theta[free[a]] * theta[free[a]];
        if (fabs(theta[MUMU_U]) > 0.1) continue; /* the charge of muons is turned round: another branch */
        least = fmin(least, length);
        most = fmax(most, length);
        n++;
    }
    assert_true(n > 2);
    assert_close(most, least, 1e-5);
    tear_down(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(fits_end_in_minima),
                                       cmocka_unit_test(fits_do_not_know_their_companions),
                                       cmocka_unit_test(flat_directions_end_nearest_to_the_default)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
