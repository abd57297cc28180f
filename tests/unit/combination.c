/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sums of units: the bits of a scan of each set alone, pulls of sets, points anywhere, and the digest of templates. */
#include "unit.h"

#include "cevscan/combination.h"
#include "cevscan/config.h"

enum { N_SET = 3, MOST_POINTS = 256, MOST_PULLS = 16 };

/* ess_csi and twin share a pull; ess_ge stands alone. The sets: all three, the one alone, the two in another order. */
typedef struct fixture {
    cev_scan_config *config;
    cev_arena *arena;
    cev_grid grid;
    cev_scan_job job;
    cev_pull pull[2];
    cev_experiment twin;
    const cev_experiment *experiment[N_SET][3];
    cev_fit_set set[N_SET];
    cev_units *units;
    cev_units_scratch *scratch;
    cev_combination *c;
} fixture;

static const bool asimov[3] = {false};

static size_t parameter(const fixture *f, const char *name)
{
    const cev_card *card = &f->config->interaction->card;
    return cev_parameter_index(card->parameters, card->n_parameter, name);
}

static void add_axis(fixture *f, const char *name, double minimum, double maximum, size_t n)
{
    size_t a = f->grid.n_axis++;
    assert_ok(cev_axis_fill(f->arena, name, CEV_SCALE_LINEAR, minimum, maximum, n, 0, &f->grid.axis[a]));
    f->job.axis_parameter[a] = parameter(f, name);
}

/* An experiment like another, with a name and a second pull of its own. */
static void copy_experiment(fixture *f, const cev_experiment *of)
{
    f->twin = *of;
    f->twin.name = "twin";
    assert_true(of->n_pull == 2);
    memcpy(f->pull, of->pull, sizeof f->pull);
    f->pull[1].name = "twin.background";
    f->twin.pull = f->pull;
}

static void set_up(fixture *f, bool with_pulls)
{
    *f = (fixture){.arena = new_arena()};
    setenv("CEVSCAN_PATH", "configs", 0);
    assert_ok(cev_scan_config_select("ess_csi,ess_ge", "nsi", &f->config));
    const cev_experiment *csi = f->config->experiment[0], *ge = f->config->experiment[1];
    copy_experiment(f, csi);
    const cev_experiment *experiment[N_SET][3] = {{csi, ge, &f->twin}, {ge}, {&f->twin, csi}};
    memcpy(f->experiment, experiment, sizeof experiment);
    for (size_t s = 0; s < N_SET; s++)
        f->set[s] = (cev_fit_set){.n_experiment = 3, .experiment = f->experiment[s], .observed = asimov};
    f->set[1].n_experiment = 1;
    f->set[2].n_experiment = 2;
    f->job.grid = &f->grid;
    memcpy(f->job.theta, f->config->theta, sizeof f->job.theta);
    add_axis(f, "eps_ee_uV", -0.3, 0.5, 13);
    add_axis(f, "eps_mumu_uV", -0.2, 0.4, 17);
    assert_ok(cev_grid_lay_tiles(&f->grid, (const size_t[]){13, 9}));
    assert_ok(cev_units_create(N_SET, f->set, &f->config->roster, f->job.theta, &f->units));
    assert_ok(cev_units_scratch_create(f->units, &f->scratch));
    assert_ok(cev_combination_create(f->units, &f->job, f->config->theta, with_pulls, &f->c));
}

static void tear_down(fixture *f)
{
    cev_combination_destroy(&f->c);
    cev_units_scratch_destroy(&f->scratch);
    cev_units_destroy(&f->units);
    cev_arena_destroy(&f->arena);
    cev_scan_config_destroy(&f->config);
}

static void evaluate(fixture *f, const cev_tile *tile)
{
    for (size_t k = cev_combination_open(f->c, tile); k-- > 0;) cev_combination_start(f->c, f->scratch, k);
    for (size_t k = cev_combination_ready(f->c); k-- > 0;) cev_combination_evaluate(f->c, f->scratch, k);
}

/* --- sums --------------------------------------------------------------------------------------------------------- */

/* A set's tile by one model of all its experiments, with starts. */
static void evaluate_alone(const cev_model *model, const cev_scan_job *job, const cev_tile *tile, double *chi2,
                           unsigned char *status, double *pull)
{
    cev_model_scratch *scratch;
    cev_fit_starts *starts;
    cev_lanes block[MOST_PULLS];
    cev_scan_job with_starts = *job;
    assert_ok(cev_model_scratch_create(model, &scratch));
    assert_ok(cev_fit_starts_create(job, &starts));
    cev_scan_job_open_tile(job, tile);
    for (size_t k = cev_fit_starts_open(starts, tile); k-- > 0;) cev_fit_starts_block(starts, job, scratch, k);
    cev_fit_starts_close(starts);
    with_starts.starts = starts;
    for (size_t first = 0; first < tile->n_point; first += CEV_LANES)
        cev_scan_job_block(&with_starts, scratch, tile, first, block, chi2, status, pull);
    cev_fit_starts_destroy(&starts);
    cev_model_scratch_destroy(&scratch);
}

static void check_set(fixture *f, size_t s, const cev_tile *tile)
{
    double chi2[2][MOST_POINTS], pull[MOST_PULLS * MOST_POINTS], of_set[MOST_POINTS];
    unsigned char status[2][MOST_POINTS];
    cev_model *model;
    cev_data data;
    cev_scan_job job = f->job;
    assert_ok(cev_model_create(f->set[s].n_experiment, f->set[s].experiment, &f->config->roster, f->job.theta, &model));
    assert_ok(cev_data_asimov(f->arena, model, f->config->theta, &data));
    job.model = model;
    job.data = &data;
    evaluate_alone(model, &job, tile, chi2[0], status[0], pull);
    cev_combination_sum(f->c, s, chi2[1], status[1]);
    assert_memory_equal(chi2[1], chi2[0], tile->n_point * sizeof **chi2);
    assert_memory_equal(status[1], status[0], tile->n_point);
    assert_int_equal(cev_units_n_pull(f->units, s), cev_model_n_pull(model));
    for (size_t p = 0; p < cev_model_n_pull(model); p++) {
        assert_string_equal(cev_units_pull_name(f->units, s, p), cev_model_pull_name(model, p));
        cev_combination_pull(f->c, s, p, of_set);
        assert_memory_equal(of_set, pull + p * tile->n_point, tile->n_point * sizeof *of_set);
    }
    cev_model_destroy(&model);
}

static void sets_have_the_bits_of_a_scan_alone(void **state)
{
    (void)state;
    fixture f;
    set_up(&f, true);
    assert_int_equal(cev_units_n(f.units), 3); /* csi + twin in either order, and ge */
    for (size_t id = 0; id < f.grid.n_tile; id++) {
        cev_tile tile = cev_grid_tile(&f.grid, id);
        assert_true(tile.n_point <= MOST_POINTS);
        evaluate(&f, &tile);
        for (size_t s = 0; s < N_SET; s++) check_set(&f, s, &tile);
    }
    tear_down(&f);
}

/* A unit that fails takes the pulls and the chi2 of every set that has it, and of no other. */
static void a_set_is_as_bad_as_its_worst_unit(void **state)
{
    (void)state;
    fixture f;
    double chi2[MOST_POINTS], pull[MOST_POINTS];
    unsigned char status[MOST_POINTS];
    const double value[] = {-0.1, NAN, 0.1};
    set_up(&f, true);
    cev_combination_destroy(&f.c);
    f.grid.n_axis = 1;
    f.grid.axis[0] = (cev_axis){.name = "eps_ee_uV", .n = 3, .value = value};
    assert_ok(cev_grid_lay_tiles(&f.grid, NULL));
    assert_ok(cev_combination_create(f.units, &f.job, f.config->theta, true, &f.c));
    cev_tile tile = cev_grid_tile(&f.grid, 0);
    evaluate(&f, &tile);
    for (size_t s = 0; s < N_SET; s++) {
        cev_combination_sum(f.c, s, chi2, status);
        assert_true(status[0] == CEV_POINT_OK && status[1] == CEV_POINT_INVALID && status[2] == CEV_POINT_OK);
        assert_same_bits(chi2[1], (double)NAN);
        for (size_t p = 0; p < cev_units_n_pull(f.units, s); p++) {
            cev_combination_pull(f.c, s, p, pull);
            assert_same_bits(pull[1], (double)NAN);
            assert_true(isfinite(pull[0]) && isfinite(pull[2]));
        }
    }
    tear_down(&f);
}

/* A detector whose signal is negative, beside a sound one, first and last: the status of a sum is the worse one. */
static void one_bad_unit_is_enough(void **state)
{
    (void)state;
    fixture f;
    double chi2[MOST_POINTS];
    unsigned char status[MOST_POINTS];
    set_up(&f, false);
    cev_combination_destroy(&f.c);
    cev_units_scratch_destroy(&f.scratch);
    cev_units_destroy(&f.units);
    f.twin.target.mass_kg *= -1e3;
    f.pull[0].name = "twin.signal";
    const cev_experiment *ge = f.config->experiment[1], *of_set[N_SET][2] = {{ge}, {ge, &f.twin}, {&f.twin, ge}};
    cev_fit_set set[N_SET];
    for (size_t s = 0; s < N_SET; s++)
        set[s] = (cev_fit_set){.n_experiment = s ? 2 : 1, .experiment = of_set[s], .observed = asimov};
    assert_ok(cev_units_create(N_SET, set, &f.config->roster, f.job.theta, &f.units));
    assert_ok(cev_units_scratch_create(f.units, &f.scratch));
    assert_ok(cev_combination_create(f.units, &f.job, f.config->theta, false, &f.c));
    cev_tile tile = cev_grid_tile(&f.grid, 0);
    evaluate(&f, &tile);
    for (size_t s = 0; s < N_SET; s++) {
        cev_lanes theta[CEV_MAX_THETA], point;
        cev_lanes_mask of_point;
        cev_combination_sum(f.c, s, chi2, status);
        for (size_t p = 0; p < CEV_MAX_THETA; p++) theta[p] = f.job.theta[p] - (cev_lanes){0};
        cev_combination_point(f.c, f.scratch, s, theta, &point, &of_point);
        assert_int_equal(status[0], s ? CEV_POINT_INVALID : CEV_POINT_OK);
        assert_int_equal(of_point[0], status[0]);
        assert_true(isnan(chi2[0]) == (s > 0) && isnan(point[0]) == (s > 0));
    }
    tear_down(&f);
}

/* Pulls cost nothing where they are not wanted, and change nothing. */
static void pulls_are_optional(void **state)
{
    (void)state;
    fixture with, without;
    double a[MOST_POINTS], b[MOST_POINTS];
    unsigned char status[MOST_POINTS];
    set_up(&with, true);
    set_up(&without, false);
    cev_tile tile = cev_grid_tile(&with.grid, 1);
    evaluate(&with, &tile);
    evaluate(&without, &tile);
    for (size_t s = 0; s < N_SET; s++) {
        cev_combination_sum(with.c, s, a, status);
        cev_combination_sum(without.c, s, b, status);
        assert_memory_equal(a, b, tile.n_point * sizeof *a);
    }
    tear_down(&with);
    tear_down(&without);
}

/* --- points ------------------------------------------------------------------------------------------------------- */

/* A point has the same bits in any lane, beside any others; and is where the tile has it, to the accuracy of a fit. */
static void a_point_is_the_same_wherever_it_is_asked_for(void **state)
{
    (void)state;
    fixture f;
    double chi2[MOST_POINTS];
    unsigned char byte[MOST_POINTS];
    set_up(&f, false);
    assert_ptr_equal(cev_combination_job(f.c)->grid, &f.grid);
    cev_tile tile = cev_grid_tile(&f.grid, 0);
    evaluate(&f, &tile);
    for (size_t s = 0; s < N_SET; s++) {
        cev_lanes theta[CEV_MAX_THETA], first, again;
        cev_lanes_mask status;
        cev_combination_sum(f.c, s, chi2, byte);
        for (size_t l = 0; l < CEV_LANES; l++) {
            double one[CEV_MAX_THETA];
            size_t index[CEV_MAX_AXES];
            cev_tile_point(&f.grid, &tile, 7 * l, index);
            cev_scan_job_theta(cev_combination_job(f.c), cev_grid_number(&f.grid, index), one);
            for (size_t p = 0; p < f.config->interaction->card.n_parameter; p++) theta[p][l] = one[p];
        }
        cev_combination_point(f.c, f.scratch, s, theta, &first, &status);
        for (size_t l = 0; l < CEV_LANES; l++) {
            assert_int_equal(status[l], CEV_POINT_OK);
            assert_close(first[l], chi2[7 * l], 1e-8 * (1 + chi2[7 * l]));
        }
        for (size_t p = 0; p < f.config->interaction->card.n_parameter; p++)
            for (size_t l = 0; l < CEV_LANES / 2; l++) {
                double other = theta[p][l];
                theta[p][l] = theta[p][CEV_LANES - 1 - l];
                theta[p][CEV_LANES - 1 - l] = other;
            }
        cev_combination_point(f.c, f.scratch, s, theta, &again, &status);
        for (size_t l = 0; l < CEV_LANES; l++) assert_same_bits(again[l], first[CEV_LANES - 1 - l]);
    }
    tear_down(&f);
}

/* --- digest ------------------------------------------------------------------------------------------------------- */

static void digest_of(const char *experiments, const char *interaction, const char *name, double value,
                      char text[CEV_DIGEST_TEXT_SIZE])
{
    cev_scan_config *config;
    cev_units *units;
    cev_digest digest;
    setenv("CEVSCAN_PATH", "configs", 0);
    assert_ok(cev_scan_config_select(experiments, interaction, &config));
    const cev_card *card = &config->interaction->card;
    if (name) config->theta[cev_parameter_index(card->parameters, card->n_parameter, name)] = value;
    const cev_fit_set set = {.n_experiment = config->n_experiment,
                             .experiment = config->experiment,
                             .observed = asimov};
    assert_ok(cev_units_create(1, &set, &config->roster, config->theta, &units));
    assert_ok(cev_units_digest(units, &digest));
    cev_digest_text(&digest, text);
    cev_units_destroy(&units);
    cev_scan_config_destroy(&config);
}

/* The same for the same folding, whatever the fast parameters are; another for any other. */
static void templates_have_a_digest(void **state)
{
    (void)state;
    char first[CEV_DIGEST_TEXT_SIZE], other[CEV_DIGEST_TEXT_SIZE];
    digest_of("ess_csi,ess_ge", "nsi", NULL, 0, first);
    digest_of("ess_csi,ess_ge", "nsi", "eps_ee_uV", 0.3, other);
    assert_string_equal(first, other);
    digest_of("ess_ge,ess_csi", "nsi", NULL, 0, other);
    assert_string_not_equal(first, other);
    digest_of("ess_csi", "nsi", NULL, 0, other);
    assert_string_not_equal(first, other);
    digest_of("coherent_csi", "vector_universal", "mediator_mass_MeV", 10, first);
    digest_of("coherent_csi", "vector_universal", "mediator_mass_MeV", 10, other);
    assert_string_equal(first, other);
    digest_of("coherent_csi", "vector_universal", "mediator_mass_MeV", nextafter(10, 11), other);
    assert_string_not_equal(first, other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_have_the_bits_of_a_scan_alone),
        cmocka_unit_test(a_set_is_as_bad_as_its_worst_unit),
        cmocka_unit_test(one_bad_unit_is_enough),
        cmocka_unit_test(pulls_are_optional),
        cmocka_unit_test(a_point_is_the_same_wherever_it_is_asked_for),
        cmocka_unit_test(templates_have_a_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
