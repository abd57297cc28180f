/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Models folded anew for other slow parameters: what they were before leaves no trace. */
#include "coherent.h"

static const cev_interaction *const vector = &cev_interaction_vector_universal;

static cev_model *model_of(const cev_scan_config *config, const double *theta)
{
    cev_model *model;
    assert_ok(cev_model_create(config->n_experiment, config->experiment, &config->roster, theta, &model));
    return model;
}

static void assert_same_templates(const cev_model *a, const cev_model *b)
{
    for (size_t e = 0; e < cev_model_n_experiment(a); e++) {
        const cev_templates *x = cev_model_templates(a, e), *y = cev_model_templates(b, e);
        assert_int_equal(x->n_row, y->n_row);
        assert_int_equal(x->n_bin, y->n_bin);
        assert_memory_equal(x->counts, y->counts, x->n_row * x->n_bin * sizeof *x->counts);
    }
}

static double chi2_at(const cev_model *model, const cev_data *data, const double *theta)
{
    cev_model_scratch *scratch;
    cev_lanes block[CEV_MAX_THETA];
    for (size_t p = 0; p < vector->card.n_parameter; p++)
        for (int l = 0; l < CEV_LANES; l++) block[p][l] = theta[p];
    cev_block_result result = {.pull = NULL};
    assert_ok(cev_model_scratch_create(model, &scratch));
    cev_model_evaluate(model, data, scratch, block, NULL, &result);
    cev_model_scratch_destroy(&scratch);
    assert_int_equal(result.status[0], CEV_POINT_OK);
    return result.chi2[0];
}

static const double masses_MeV[] = {0, 1e-3, 10, 3, 1e6, 10};

/* There and back, and by any way, to the bits of a model that was made there. */
static void folding_has_no_memory(void **state)
{
    (void)state;
    cev_scan_config *config = coherent_config("ess_csi,coherent_csi_time,xenonnt_8b", "vector_universal");
    double theta[CEV_MAX_THETA];
    memcpy(theta, config->theta, sizeof theta);
    size_t mass = parameter_of(vector, "mediator_mass_MeV"), radius = parameter_of(vector, "neutron_radius_fm");
    theta[parameter_of(vector, "coupling")] = 2e-5;
    cev_model *moved = model_of(config, theta);
    cev_arena *arena = new_arena();
    cev_data data;
    assert_ok(cev_data_asimov(arena, moved, theta, &data));
    for (size_t k = 0; k < LENGTH(masses_MeV); k++) {
        theta[mass] = masses_MeV[k];
        theta[radius] = k % 2 ? 4.5 + 0.1 * (double)k : NAN;
        cev_model_fold(moved, theta);
        cev_model *fresh = model_of(config, theta);
        assert_same_templates(moved, fresh);
        assert_same_bits(chi2_at(moved, &data, theta), chi2_at(fresh, &data, theta));
        cev_model_destroy(&fresh);
    }
    cev_arena_destroy(&arena);
    cev_model_destroy(&moved);
    cev_scan_config_destroy(&config);
}

/* Asimov data for other slow parameters: chi2 is zero there, and the model stays where it was. */
static void data_leave_the_model_where_it_was(void **state)
{
    (void)state;
    cev_scan_config *config = coherent_config("xenonnt_8b,pandax4t_us2", "vector_universal");
    double here[CEV_MAX_THETA], there[CEV_MAX_THETA];
    memcpy(here, config->theta, sizeof here);
    memcpy(there, config->theta, sizeof there);
    there[parameter_of(vector, "mediator_mass_MeV")] = 50;
    there[parameter_of(vector, "coupling")] = 5e-5;
    cev_model *model = model_of(config, here), *same = model_of(config, here);
    cev_arena *arena = new_arena();
    cev_data data;
    assert_ok(cev_data_asimov(arena, model, there, &data));
    assert_same_templates(model, same);
    assert_true(chi2_at(model, &data, here) > 0);
    cev_model_fold(model, there);
    assert_true(chi2_at(model, &data, there) == 0);
    cev_arena_destroy(&arena);
    cev_model_destroy(&model);
    cev_model_destroy(&same);
    cev_scan_config_destroy(&config);
}

/* What is fast does not fold, and folding at the same place changes nothing. */
static void fast_parameters_do_not_fold(void **state)
{
    (void)state;
    cev_scan_config *config = coherent_config("xenonnt_8b", "vector_universal");
    double theta[CEV_MAX_THETA];
    memcpy(theta, config->theta, sizeof theta);
    cev_model *model = model_of(config, theta), *same = model_of(config, theta);
    theta[parameter_of(vector, "coupling")] = 1;
    theta[parameter_of(vector, "flux_b8")] = 1e6;
    theta[parameter_of(vector, "charge_e")] = -4;
    cev_model_fold(model, theta);
    assert_same_templates(model, same);
    cev_model_destroy(&model);
    cev_model_destroy(&same);
    cev_scan_config_destroy(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folding_has_no_memory),
        cmocka_unit_test(data_leave_the_model_where_it_was),
        cmocka_unit_test(fast_parameters_do_not_fold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
