/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Combinations whose roster profiles couplings: the minimum is what other ways find, whoever computes it. */
#include "unit.h"

#include "cevscan/best_fits.h"
#include "cevscan/config.h"
#include "engine/combination_parts.h"

enum { MOST = 4, SIDE = 9 };

/* Experiments, a plane of couplings, and what is profiled. */
typedef struct rig {
    cev_scan_config *config;
    cev_arena *arena;
    cev_grid grid;
    cev_scan_job job;
    cev_roster roster;
    cev_profiled profiled[CEV_MAX_PROFILED];
    cev_constraint constraint[CEV_MAX_PROFILED];
    cev_follower follower[CEV_MAX_PROFILED];
    bool observed[MOST];
    cev_fit_set set;
    cev_units *units;
    cev_units_scratch *scratch;
    cev_combination *c;
} rig;

static size_t index_of(const rig *r, const char *name)
{
    size_t k = cev_roster_index(&r->config->roster, name);
    assert_true(k < cev_roster_n(&r->config->roster));
    return k;
}

static void add_axis(rig *r, const char *name, double low, double high, size_t n)
{
    size_t a = r->grid.n_axis++;
    assert_ok(cev_axis_fill(r->arena, name, CEV_SCALE_LINEAR, low, high, n, 0, &r->grid.axis[a]));
    r->job.axis_parameter[a] = index_of(r, name);
}

static void profile(rig *r, const char *name, double low, double high)
{
    r->profiled[r->roster.n_profiled++] = (cev_profiled){.index = index_of(r, name), .low = low, .high = high};
}

static void constrain(rig *r, const char *name, double centre, double sigma)
{
    r->constraint[r->roster.n_constraint++] = (cev_constraint){.index = index_of(r, name),
                                                               .centre = centre,
                                                               .sigma = sigma};
}

static void begin_with(rig *r, const char *experiments, const char *interaction)
{
    *r = (rig){.arena = new_arena()};
    setenv("CEVSCAN_PATH", "configs", 0);
    assert_ok(cev_scan_config_select(experiments, interaction, &r->config));
    r->roster = r->config->roster;
    r->roster.profiled = r->profiled;
    r->roster.constraint = r->constraint;
    r->roster.follower = r->follower;
    memcpy(r->job.theta, r->config->theta, sizeof r->job.theta);
    r->job.grid = &r->grid;
    for (size_t e = 0; e < r->config->n_experiment; e++)
        r->observed[e] = strstr(experiments, "coherent") && r->config->experiment[e]->observed;
}

static void begin(rig *r, const char *experiments)
{
    begin_with(r, experiments, "nsi");
}

static void build_with_tiles(rig *r, const size_t *side)
{
    r->set = (cev_fit_set){.n_experiment = r->config->n_experiment,
                           .experiment = (const cev_experiment *const *)r->config->experiment,
                           .observed = r->observed};
    assert_ok(cev_grid_lay_tiles(&r->grid, side));
    assert_ok(cev_units_create(1, &r->set, &r->roster, r->job.theta, &r->units));
    assert_ok(cev_units_scratch_create(r->units, &r->scratch));
    assert_ok(cev_combination_create(r->units, &r->job, r->config->truth, true, &r->c));
}

static void build(rig *r)
{
    size_t whole[CEV_MAX_AXES] = {0};
    for (size_t a = 0; a < r->grid.n_axis; a++) whole[a] = r->grid.axis[a].n;
    build_with_tiles(r, whole);
}

static void end(rig *r)
{
    cev_combination_destroy(&r->c);
    cev_units_scratch_destroy(&r->scratch);
    cev_units_destroy(&r->units);
    cev_scan_config_destroy(&r->config);
    cev_arena_destroy(&r->arena);
}

/* The map, its pieces from the first to the last or the other way, by two threads' scratch memory in turn. */
static void evaluate(rig *r, bool backwards, double *chi2, unsigned char *status)
{
    cev_units_scratch *other, *of[2];
    assert_ok(cev_units_scratch_create(r->units, &other));
    of[0] = r->scratch, of[1] = other;
    cev_tile tile = cev_grid_tile(&r->grid, 0);
    size_t n = cev_combination_open(r->c, &tile);
    for (size_t k = 0; k < n; k++) cev_combination_start(r->c, of[k % 2], backwards ? n - 1 - k : k);
    n = cev_combination_ready(r->c);
    for (size_t k = 0; k < n; k++) cev_combination_evaluate(r->c, of[backwards && k % 2], backwards ? n - 1 - k : k);
    cev_combination_sum(r->c, 0, chi2, status);
    cev_units_scratch_destroy(&other);
}

/* --- planes ------------------------------------------------------------------------------------------------------ */

static const char *const free_1[] = {"eps_ee_dV",  "eps_mumu_dV", "eps_etau_uV",  "eps_etau_dV",
                                     "eps_emu_uV", "eps_emu_dV",  "eps_mutau_uV", "eps_mutau_dV"};
static const char *const free_2[] = {"eps_mumu_uV", "eps_mumu_dV", "eps_emu_uV",   "eps_emu_dV",
                                     "eps_etau_uV", "eps_etau_dV", "eps_mutau_uV", "eps_mutau_dV"};

static void set_up_plane(rig *r, const char *experiments, bool second, size_t k)
{
    begin(r, experiments);
    add_axis(r, "eps_ee_uV", second ? -0.5 : -0.3, second ? 0.8 : 0.6, SIDE);
    add_axis(r, second ? "eps_ee_dV" : "eps_mumu_uV", second ? -0.5 : -0.3, second ? 0.8 : 0.6, SIDE);
    for (size_t a = 0; a < k; a++) profile(r, (second ? free_2 : free_1)[a], -1, 1);
    build(r);
}

/* What a neighbour found, as a start here, finds nothing lower. */
static void check_neighbours(rig *r, const double *chi2)
{
    const joint_problem *p = r->c->fit[0].problem;
    joint_work *work;
    joint_place *place;
    joint_fit fit = {.give_up = INFINITY};
    assert_ok(joint_work_create(&r->units->sizes, &work));
    assert_ok(joint_places_new(r->arena, &r->units->sizes, 1, &place));
    assert_ok(cev_new(r->arena, p->n_variable, &fit.variable));
    work->scratch = r->scratch->joint[0];
    const double *value = r->c->fit[0].value;
    for (size_t k = 0; k < SIDE * SIDE; k++)
        for (int d = 0; d < 4; d++) {
            size_t i = k / SIDE + (d == 0) - (d == 1), j = k % SIDE + (d == 2) - (d == 3);
            double theta[CEV_MAX_THETA];
            if (i >= SIDE || j >= SIDE) continue;
            cev_scan_job_theta(cev_combination_job(r->c), k, theta);
            joint_place_open(p, work, theta, place);
            for (size_t a = 0; a < p->n; a++)
                fit.z[a] = (value[p->of[a] * SIDE * SIDE + i * SIDE + j] - p->middle[a]) / p->width[a];
            fit.place = place;
            fit.has_variable = false;
            joint_fits_run(p, work, 1, &fit);
            if (!(fit.chi2 > chi2[k] - 1e-6))
                print_message("point %zu: %.9g, and %.9g from its neighbour %d\n", k, chi2[k], fit.chi2, d);
            assert_true(fit.chi2 > chi2[k] - 1e-6);
        }
    joint_work_destroy(&work);
}

/* Nor do other starts, at some points. */
static void check_points(rig *r, const double *chi2)
{
    for (size_t k = 5; k < SIDE * SIDE; k += 23) {
        double theta[CEV_MAX_THETA];
        cev_fitted_point at;
        cev_scan_job_theta(cev_combination_job(r->c), k, theta);
        assert_ok(cev_combination_fit_point(r->c, r->scratch, 0, theta, 20, &at));
        assert_close(at.chi2, chi2[k], 1e-6);
        assert_true(!(at.lower_bound > at.chi2 + 1e-6));
    }
}

static void check_plane(const char *experiments, bool second)
{
    static const size_t k_of[] = {1, 2, 4, 8};
    double chi2[SIDE * SIDE], before[SIDE * SIDE], again[SIDE * SIDE];
    unsigned char status[SIDE * SIDE];
    for (size_t i = 0; i < SIDE * SIDE; i++) before[i] = INFINITY;
    for (size_t n = 0; n < LENGTH(k_of); n++) {
        rig r;
        set_up_plane(&r, experiments, second, k_of[n]);
        evaluate(&r, false, chi2, status);
        check_neighbours(&r, chi2);
        if (k_of[n] < 8) check_points(&r, chi2);
        evaluate(&r, true, again, status);
        assert_memory_equal(again, chi2, sizeof chi2);
        for (size_t i = 0; i < SIDE * SIDE; i++) {
            assert_int_equal(status[i], CEV_POINT_OK);
            assert_true(chi2[i] <= before[i] + 1e-7);
        }
        memcpy(before, chi2, sizeof chi2);
        end(&r);
    }
}

static void planes_are_minima(void **state)
{
    (void)state;
    check_plane("ess_csi,ess_si", false);
    check_plane("ess_csi,ess_si", true);
}

static void planes_of_four_detectors_and_of_data_are_minima(void **state)
{
    (void)state;
    check_plane("ess_csi,ess_si,ess_xe,ess_ge", true);
    check_plane("coherent_csi", false);
}

/* --- other ways to the same number -------------------------------------------------------------------------------- */

/* Three points of an axis, and what is profiled there; sigma > 0: with a constraint. */
typedef struct profile_case {
    const char *experiments, *interaction, *axis;
    double low, high;
    const char *free;
    double free_low, free_high, sigma, centre;
    const char *other; /* fixed at other_value, or NULL */
    double other_value;
} profile_case;

static void begin_case(rig *r, const profile_case *p)
{
    begin_with(r, p->experiments, p->interaction);
    if (p->other) r->job.theta[index_of(r, p->other)] = p->other_value;
    if (p->sigma > 0) constrain(r, p->free, p->centre, p->sigma);
    add_axis(r, p->axis, p->low, p->high, 3);
}

/* Evaluates all tiles: slow axes have one each. */
static void evaluate_tiles(rig *r, double *chi2, size_t n)
{
    unsigned char status[4096];
    size_t done = 0;
    for (size_t t = 0; t < r->grid.n_tile; t++) {
        cev_tile tile = cev_grid_tile(&r->grid, t);
        for (size_t k = cev_combination_open(r->c, &tile); k-- > 0;) cev_combination_start(r->c, r->scratch, k);
        for (size_t k = cev_combination_ready(r->c); k-- > 0;) cev_combination_evaluate(r->c, r->scratch, k);
        cev_combination_sum(r->c, 0, chi2 + done, status);
        for (size_t k = 0; k < tile.n_point; k++) assert_int_equal(status[k], CEV_POINT_OK);
        done += tile.n_point;
    }
    assert_int_equal(done, n);
}

/* What is profiled, and the least of a fine axis over it, which lies at most half a step away. */
static void check_case(const profile_case *p)
{
    enum { N = 801, LINES = 3 };
    double profiled[LINES], chi2[LINES * N];
    rig r;
    begin_case(&r, p);
    profile(&r, p->free, p->free_low, p->free_high);
    build_with_tiles(&r, (const size_t[]){1});
    evaluate_tiles(&r, profiled, LINES);
    end(&r);
    begin_case(&r, p);
    add_axis(&r, p->free, p->free_low, p->free_high, N);
    build_with_tiles(&r, (const size_t[]){1, N});
    evaluate_tiles(&r, chi2, LINES * N);
    end(&r);
    for (size_t l = 0; l < LINES; l++) {
        const double *line = chi2 + l * N;
        size_t k = 0;
        for (size_t i = 1; i < N; i++) k = line[i] < line[k] ? i : k;
        double rise = fmax(k > 0 ? line[k - 1] : line[1], k + 1 < N ? line[k + 1] : line[N - 2]) - line[k];
        if (getenv("SHOW")) print_message("%s: %.9g, axis %.9g\n", p->free, profiled[l], line[k]);
        assert_true(profiled[l] <= line[k] + 1e-8);
        assert_true(profiled[l] >= line[k] - 0.5 * rise - 1e-7);
    }
}

static void a_profile_is_the_least_along_an_axis(void **state)
{
    (void)state;
    static const profile_case cases[] = {
        {"ess_csi,ess_si", "nsi", "eps_ee_uV", -0.2, 0.4, "eps_ee_dV", -1, 1, 0, 0, NULL, 0},
        {"ess_csi", "nsi", "eps_ee_uV", -0.2, 0.4, "sin2_theta_w", 0.1, 0.4, 0.02, 0.23, NULL, 0},
        {"ess_csi,ess_ge", "eft", "C1_u_e", -1e-5, 1e-5, "C1_d_mu", -1e-4, 1e-4, 0, 0, NULL, 0},
        {"ess_csi", "vector", "charge_mu", -1, 2, "charge_e", -3, 3, 0, 0, "coupling", 5e-5},
        {"ess_csi,ess_si", "vector", "charge_mu", -1, 2, "coupling", 0, 2e-4, 0, 0, NULL, 0},
        {"ess_csi", "scalar", "mediator_mass_MeV", 5, 50, "coupling", 0, 1e-4, 0, 0, NULL, 0},
    };
    for (size_t k = 0; k < LENGTH(cases); k++) check_case(&cases[k]);
}

static void the_cell_of_four_detectors_has_its_number(void **state)
{
    (void)state;
    rig r;
    double theta[CEV_MAX_THETA];
    cev_fitted_point at;
    begin(&r, "ess_csi,ess_si,ess_xe,ess_ge");
    add_axis(&r, "eps_ee_uV", 0, 0.2, 2);
    add_axis(&r, "eps_ee_dV", 0, 0.1, 2);
    profile(&r, "eps_mumu_uV", -1.5, 1.5);
    profile(&r, "eps_mumu_dV", -1.5, 1.5);
    build(&r);
    cev_scan_job_theta(cev_combination_job(r.c), 3, theta);
    assert_ok(cev_combination_fit_point(r.c, r.scratch, 0, theta, 0, &at));
    assert_close(at.chi2, 0.9257, 5e-5);
    assert_true(at.flags & CEV_FLAG_PROVEN);
    end(&r);
}

/* Signs of couplings between flavours move nothing: half of the box is enough. */
static void signs_between_flavours_do_not_matter(void **state)
{
    (void)state;
    double whole[SIDE], half[SIDE];
    unsigned char status[SIDE];
    for (int turn = 0; turn < 2; turn++) {
        rig r;
        begin(&r, "ess_csi,ess_si");
        add_axis(&r, "eps_ee_uV", -0.3, 0.6, SIDE);
        profile(&r, "eps_emu_uV", turn ? 0 : -1, 1);
        profile(&r, "eps_mumu_dV", -1, 1);
        build(&r);
        evaluate(&r, false, turn ? half : whole, status);
        end(&r);
    }
    for (size_t k = 0; k < SIDE; k++) assert_close(half[k], whole[k], 1e-7);
}

/* A coupling that moves no count rests at its default, or at its constraint's centre, and is said to be flat. */
static void idle_couplings_rest(void **state)
{
    (void)state;
    double chi2[SIDE], with_idle[SIDE], value[SIDE];
    unsigned char status[SIDE], flags[SIDE];
    for (int turn = 0; turn < 2; turn++) {
        rig r;
        begin(&r, "ess_csi");
        add_axis(&r, "eps_ee_uV", -0.3, 0.6, SIDE);
        profile(&r, "eps_ee_dV", -1, 1);
        if (turn) profile(&r, "eps_tautau_uV", -1, 1);
        if (turn) profile(&r, "eps_tautau_dV", -1, 1);
        if (turn) constrain(&r, "eps_tautau_dV", 0.25, 0.1);
        build(&r);
        evaluate(&r, false, turn ? with_idle : chi2, status);
        cev_combination_flags(r.c, 0, flags);
        for (size_t k = 0; k < SIDE; k++) assert_int_equal((flags[k] & CEV_FLAG_FLAT) != 0, turn);
        for (size_t a = 1; a < cev_combination_n_profiled(r.c); a++) {
            cev_combination_profiled(r.c, 0, a, value);
            for (size_t k = 0; k < SIDE; k++) assert_close(value[k], a == 1 ? 0 : 0.25, 1e-15);
        }
        end(&r);
    }
    assert_memory_equal(chi2, with_idle, sizeof chi2);
}

/* Two constraints of one parameter are one, and a constant where they do not agree. */
static void constraints_of_one_parameter_add_up(void **state)
{
    (void)state;
    double chi2[2][SIDE];
    unsigned char status[SIDE];
    for (int turn = 0; turn < 2; turn++) {
        rig r;
        begin(&r, "ess_csi");
        add_axis(&r, "eps_ee_uV", -0.3, 0.6, SIDE);
        profile(&r, "eps_ee_dV", -1, 1);
        if (turn) constrain(&r, "eps_ee_dV", 0.2, 0.1);
        if (turn) constrain(&r, "eps_ee_dV", 0.4, 0.1);
        if (!turn) constrain(&r, "eps_ee_dV", 0.3, 0.1 / sqrt(2));
        build(&r);
        evaluate(&r, false, chi2[turn], status);
        end(&r);
    }
    for (size_t k = 0; k < SIDE; k++) assert_close(chi2[1][k], chi2[0][k] + 2, 1e-7);
}

/* --- constraints and ties ----------------------------------------------------------------------------------------- */

static void constraints_of_axes_are_added(void **state)
{
    (void)state;
    double plain[SIDE], chi2[SIDE];
    unsigned char status[SIDE];
    rig r;
    for (int turn = 0; turn < 2; turn++) {
        begin(&r, "ess_csi");
        add_axis(&r, "eps_ee_uV", -0.3, 0.6, SIDE);
        if (turn) constrain(&r, "eps_ee_uV", 0.1, 0.2);
        build(&r);
        evaluate(&r, false, turn ? chi2 : plain, status);
        for (size_t k = 0; turn && k < SIDE; k++) {
            double theta[CEV_MAX_THETA], pull;
            cev_lanes block[CEV_MAX_THETA], point;
            cev_lanes_mask of_point;
            cev_scan_job_theta(cev_combination_job(r.c), k, theta);
            pull = (r.grid.axis[0].value[k] - 0.1) / 0.2;
            assert_close(chi2[k], plain[k] + pull * pull, 1e-12 * (1 + chi2[k]));
            cev_theta_broadcast(cev_roster_n(&r.roster), theta, block);
            cev_combination_point(r.c, r.scratch, 0, block, &point, &of_point);
            assert_close(point[0], chi2[k], 1e-7);
        }
        end(&r);
    }
}

static void a_tie_is_the_diagonal(void **state)
{
    (void)state;
    double line[SIDE], plane[SIDE * SIDE];
    unsigned char status[SIDE * SIDE];
    rig r;
    begin(&r, "ess_csi,ess_si");
    add_axis(&r, "eps_ee_uV", -0.3, 0.6, SIDE);
    r.follower[r.roster.n_follower++] = (cev_follower){.index = index_of(&r, "eps_mumu_uV"),
                                                       .of = index_of(&r, "eps_ee_uV"),
                                                       .times = 1};
    build(&r);
    evaluate(&r, false, line, status);
    end(&r);
    begin(&r, "ess_csi,ess_si");
    add_axis(&r, "eps_ee_uV", -0.3, 0.6, SIDE);
    add_axis(&r, "eps_mumu_uV", -0.3, 0.6, SIDE);
    build(&r);
    evaluate(&r, false, plane, status);
    end(&r);
    for (size_t k = 0; k < SIDE; k++) assert_close(line[k], plane[k * SIDE + k], 1e-8);
}

/* A coupling that follows a profiled one: a fit along the diagonal, against the least of a fine axis. */
static void ties_move_with_what_is_profiled(void **state)
{
    (void)state;
    enum { N = 2001 };
    double chi2[2], axis[N];
    unsigned char status[N];
    for (int turn = 0; turn < 2; turn++) {
        rig r;
        begin(&r, "ess_csi,ess_si");
        r.job.theta[index_of(&r, "eps_ee_uV")] = 0.3;
        if (turn) add_axis(&r, "eps_mumu_uV", -1, 1, N);
        if (!turn) add_axis(&r, "eps_ee_uV", 0.3, 0.4, 2);
        if (!turn) profile(&r, "eps_mumu_uV", -1, 1);
        r.follower[r.roster.n_follower++] = (cev_follower){.index = index_of(&r, "eps_ee_dV"),
                                                           .of = index_of(&r, "eps_mumu_uV"),
                                                           .times = -0.5};
        build(&r);
        evaluate(&r, false, turn ? axis : chi2, status);
        end(&r);
    }
    double least = INFINITY;
    for (size_t k = 0; k < N; k++) least = fmin(least, axis[k]);
    assert_true(chi2[0] <= least + 1e-8 && chi2[0] > least - 0.05);
}

/* --- best fits ---------------------------------------------------------------------------------------------------- */

static cev_best_fit find_best(rig *r)
{
    cev_best_fits *fits;
    size_t n, set, member;
    assert_ok(cev_best_fits_create(r->c, 1, r->config->truth, &r->observed[0], &fits));
    while ((n = cev_best_fits_n_item(fits)) > 0) {
        void *result = calloc(n, cev_best_fits_result_size(fits));
        for (size_t k = 0; k < n; k++) {
            assert_ok(cev_best_fits_look(fits, r->scratch, k, NULL, NULL, result));
            cev_best_fits_take(fits, k, result);
        }
        assert_ok(cev_best_fits_next(fits, &set, &member));
        free(result);
    }
    cev_best_fit best = *cev_best_fits_get(fits, 0, 0);
    cev_best_fits_destroy(&fits);
    return best;
}

static void best_fits_are_below_their_maps(void **state)
{
    (void)state;
    double chi2[SIDE];
    unsigned char status[SIDE];
    rig r;
    begin(&r, "coherent_csi");
    add_axis(&r, "eps_ee_uV", -0.3, 0.6, SIDE);
    profile(&r, "eps_mumu_uV", -1, 1);
    build(&r);
    evaluate(&r, false, chi2, status);
    cev_best_fit best = find_best(&r);
    for (size_t k = 0; k < SIDE; k++) assert_true(best.chi2 <= chi2[k] + 1e-8);
    assert_close(cev_best_fits_chi2_at(r.c, r.scratch, 0, 0, best.at), best.chi2, 1e-8);
    end(&r);
}

/* The truth of Asimov data is the best fit where it can be reached, and only there. */
static void the_truth_is_the_best_fit_where_it_is_reached(void **state)
{
    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        rig r;
        begin(&r, "ess_csi");
        add_axis(&r, "eps_ee_uV", -0.3, 0.6, SIDE);
        profile(&r, "eps_mumu_uV", turn ? 0.1 : -1, turn ? 0.2 : 1);
        build(&r);
        cev_best_fit best = find_best(&r);
        if (turn)
            assert_true(best.chi2 > 1e-4);
        else
            assert_true(best.chi2 == 0 && best.at[0] == 0);
        end(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(planes_are_minima),
        cmocka_unit_test(planes_of_four_detectors_and_of_data_are_minima),
        cmocka_unit_test(a_profile_is_the_least_along_an_axis),
        cmocka_unit_test(the_cell_of_four_detectors_has_its_number),
        cmocka_unit_test(signs_between_flavours_do_not_matter),
        cmocka_unit_test(idle_couplings_rest),
        cmocka_unit_test(constraints_of_axes_are_added),
        cmocka_unit_test(constraints_of_one_parameter_add_up),
        cmocka_unit_test(a_tie_is_the_diagonal),
        cmocka_unit_test(ties_move_with_what_is_profiled),
        cmocka_unit_test(best_fits_are_below_their_maps),
        cmocka_unit_test(the_truth_is_the_best_fit_where_it_is_reached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
