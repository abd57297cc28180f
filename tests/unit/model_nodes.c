/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Templates between nodes: what a number of an experiment, or a profiled slow parameter, gives is what an experiment
 * with that number gives. */
#include "coherent.h"

#include "cevscan/experiment_number.h"
#include "engine/model_parts.h"

enum { MOST_GUESTS = 3 };
#define RIGHT_TO 1e-8

/* Experiments under an interaction, some of whose numbers a scan varies. */
typedef struct rig {
    cev_scan_config *config;
    cev_guest guest[MOST_GUESTS];
    cev_profiled profiled[MOST_GUESTS];
    cev_roster roster;
    cev_arena *arena;
    double theta[CEV_MAX_THETA];
    cev_model *model;
} rig;

static void open_rig(rig *r, const char *experiments, const char *interaction)
{
    *r = (rig){.config = coherent_config(experiments, interaction), .arena = new_arena()};
    r->roster = cev_roster_of(r->config->interaction);
    r->roster.guest = r->guest;
    r->roster.profiled = r->profiled;
    memcpy(r->theta, r->config->theta, sizeof r->theta);
}

static size_t add_number(rig *r, const char *name, double low, double high)
{
    size_t index = cev_roster_n(&r->roster);
    r->guest[r->roster.n_guest++] = (cev_guest){.kind = CEV_GUEST_NUMBER,
                                                .low = low,
                                                .high = high,
                                                .parameter = {.name = name, .minimum = low, .maximum = high}};
    r->theta[index] = low;
    return index;
}

static size_t add_profiled(rig *r, const char *name, double low, double high)
{
    size_t index = parameter_of(r->config->interaction, name);
    r->profiled[r->roster.n_profiled++] = (cev_profiled){index, low, high};
    r->theta[index] = low;
    return index;
}

static cev_status create(rig *r)
{
    return cev_model_create(r->config->n_experiment, r->config->experiment, &r->roster, r->theta, &r->model);
}

static void close_rig(rig *r)
{
    cev_model_destroy(&r->model);
    cev_arena_destroy(&r->arena);
    cev_scan_config_destroy(&r->config);
}

static size_t n_node(const rig *r, size_t e)
{
    const model_nodes *nodes = r->model->experiment[e].nodes;
    return nodes ? nodes->n : 1;
}

static double node_of(const rig *r, size_t e, size_t axis, size_t j)
{
    return r->model->experiment[e].nodes->axis[axis].axis.node[j];
}

/* A model of experiments that have these numbers, without anything to interpolate. */
static cev_model *plain_model(rig *r, const double *theta)
{
    const cev_experiment *experiment[8];
    static cev_roster plain;
    cev_model *model;
    plain = cev_roster_of(r->config->interaction);
    for (size_t e = 0; e < r->config->n_experiment; e++) {
        experiment[e] = r->config->experiment[e];
        for (size_t g = 0; g < r->roster.n_guest; g++) {
            const char *name = cev_experiment_number_name(experiment[e], r->guest[g].parameter.name);
            double value = theta[r->config->interaction->card.n_parameter + g];
            if (name) assert_ok(cev_experiment_with_numbers(r->arena, experiment[e], 1, &name, &value, &experiment[e]));
        }
    }
    assert_ok(cev_model_create(r->config->n_experiment, experiment, &plain, theta, &model));
    return model;
}

/* Signal of experiment e and what its shapes add, at theta. */
static void predict(const cev_model *model, size_t e, const double *theta, double *out)
{
    cev_model_scratch *scratch;
    cev_lanes block[CEV_MAX_THETA];
    const model_experiment *part = &model->experiment[e];
    cev_theta_broadcast(cev_roster_n(&model->roster), theta, block);
    assert_ok(cev_model_scratch_create(model, &scratch));
    cev_model_predict(model, e, scratch, block);
    for (size_t i = 0; i < (1 + part->n_shape) * part->templates.n_bin; i++) out[i] = scratch->signal[e][i][0];
    cev_model_scratch_destroy(&scratch);
}

enum { MOST_COUNTS = 2000 };

/* At theta, the counts are those of experiments with these numbers to `tolerance` of the largest of them. */
static void assert_counts(rig *r, const double *theta, double tolerance)
{
    cev_model *plain = plain_model(r, theta);
    for (size_t e = 0; e < r->config->n_experiment; e++) {
        double here[MOST_COUNTS], there[MOST_COUNTS], flavours[MOST_COUNTS], sum[MOST_COUNTS] = {0};
        const model_experiment *part = &r->model->experiment[e];
        size_t n_bin = part->templates.n_bin;
        predict(r->model, e, theta, here);
        predict(plain, e, theta, there);
        for (size_t s = 0; s <= part->n_shape; s++) {
            double size = 0, unit = s ? part->shape[s - 1].pull->sigma : 1;
            for (size_t i = 0; i < n_bin; i++) size = fmax(size, fabs(there[i]) / unit);
            for (size_t i = s * n_bin; i < (s + 1) * n_bin; i++) assert_close(here[i], there[i], tolerance * size);
        }
        assert_ok(cev_model_signal(r->model, e, theta, flavours));
        for (size_t k = 0; k < part->experiment->source.kind->n_component * n_bin; k++) sum[k % n_bin] += flavours[k];
        for (size_t i = 0; i < n_bin; i++) assert_relative(sum[i], here[i], 1e-12);
    }
    cev_model_destroy(&plain);
}

static const struct {
    const char *experiment, *interaction, *number;
    double low, high;
    size_t most;
} numbers[] = {
    {"coherent_csi", "nsi", "quenching.c1", 0.05, 0.06, 9},
    {"coherent_csi", "eft", "smearing.light_yield_PE_per_keVee", 12.5, 14, 12},
    {"coherent_csi", "nsi", "coherent_csi.efficiency.midpoint", 10, 11.5, 12},
    {"coherent_csi", "nsi", "source.distance_m", 10, 25, 17},
    {"coherent_csi", "nsi", "source.neutrinos_per_proton", 0.05, 0.1, 2},
    {"xenonnt_8b", "nsi", "source.theta12_rad", 0.57, 0.6, 6},
    {"coherent_csi,ess_csi", "vector_universal", "ess_csi.response.acceptance", 0.5, 1, 2},
};

/* At nodes, to the bit; at other values, right to what is promised; with no more nodes than such smooth things need. */
static void counts_between_nodes_are_those_of_the_file_with_that_number(void **state)
{
    (void)state;
    gsl_rng *random = random_numbers(1);
    for (size_t k = 0; k < LENGTH(numbers); k++) {
        rig r;
        open_rig(&r, numbers[k].experiment, numbers[k].interaction);
        size_t p = add_number(&r, numbers[k].number, numbers[k].low, numbers[k].high);
        assert_ok(create(&r));
        size_t e = r.config->n_experiment - 1, n = n_node(&r, e);

        if (n < 2 || n > numbers[k].most) fail_msg("%s has %zu nodes", numbers[k].number, n);
        for (size_t d = 0; d < 3; d++) {
            r.theta[p] = d ? uniform(random, numbers[k].low, numbers[k].high) : node_of(&r, e, 0, n / 2);
            assert_counts(&r, r.theta, d ? RIGHT_TO : 0);
        }
        if (e > 0) assert_null(r.model->experiment[0].nodes); /* it does not have the number */
        close_rig(&r);
    }
    gsl_rng_free(random);
}

static void two_numbers_are_interpolated_together(void **state)
{
    (void)state;
    gsl_rng *random = random_numbers(2);
    rig r;
    open_rig(&r, "ess_si", "nsi");
    size_t p = add_number(&r, "source.distance_m", 18, 22),
           q = add_number(&r, "response.sigma_at_threshold_keV", 0.09, 0.1);
    assert_ok(create(&r));
    for (size_t d = 0; d < 3; d++) {
        r.theta[p] = uniform(random, 18, 22);
        r.theta[q] = uniform(random, 0.09, 0.1);
        assert_counts(&r, r.theta, RIGHT_TO);
    }
    close_rig(&r);
    gsl_rng_free(random);
}

/* Slow parameters that are profiled: one that couplings know nothing of, one beside a number. */
static void profiled_slow_parameters_are_interpolated(void **state)
{
    (void)state;
    gsl_rng *random = random_numbers(3);
    rig r;
    open_rig(&r, "ess_si", "vector_universal");
    size_t mass = add_profiled(&r, "mediator_mass_MeV", 60, 70),
           radius = add_profiled(&r, "neutron_radius_fm", 3.1, 3.3),
           number = add_number(&r, "response.sigma_at_threshold_keV", 0.09, 0.092);
    r.theta[parameter_of(r.config->interaction, "coupling")] = 1e-3;
    assert_ok(create(&r));
    for (size_t d = 0; d < 3; d++) {
        r.theta[mass] = uniform(random, 60, 70);
        r.theta[radius] = uniform(random, 3.1, 3.3);
        r.theta[number] = uniform(random, 0.09, 0.092);
        cev_model_fold(r.model, r.theta); /* nothing to do: they are not folded exactly */
        assert_counts(&r, r.theta, RIGHT_TO);
    }
    close_rig(&r);
    gsl_rng_free(random);
}

/* Another slow parameter folds all nodes anew. */
static void nodes_follow_slow_axes(void **state)
{
    (void)state;
    rig r;
    open_rig(&r, "coherent_csi", "vector_universal");
    size_t p = add_number(&r, "quenching.c1", 0.052, 0.058);
    assert_ok(create(&r));
    r.theta[parameter_of(r.config->interaction, "coupling")] = 1e-3;
    for (double mass = 10; mass < 100; mass *= 3) {
        r.theta[parameter_of(r.config->interaction, "mediator_mass_MeV")] = mass;
        r.theta[p] = 0.0532;
        cev_model_fold(r.model, r.theta);
        assert_counts(&r, r.theta, RIGHT_TO);
    }
    close_rig(&r);
}

/* A pull that shifts another number, and one that shifts the number itself: from where it is. */
static void shapes_of_pulls_change_with_numbers(void **state)
{
    (void)state;
    rig r;
    open_rig(&r, "coherent_csi", "nsi");
    cev_experiment x = *r.config->experiment[0];
    static const char *const shifted[] = {"efficiency.midpoint", "quenching.c1"};
    static const double sigma[] = {0.5, 0.002};
    cev_pull pull[2] = {{.name = "a", .sigma = sigma[0]}, {.name = "b", .sigma = sigma[1]}};
    for (size_t k = 0; k < 2; k++) {
        double value = cev_experiment_number_of(&x, shifted[k]).value, up = value + sigma[k], down = value - sigma[k];
        const cev_experiment base = {.n_pull = 0};
        cev_experiment bare = x;
        bare.n_pull = base.n_pull;
        assert_ok(cev_experiment_with_numbers(r.arena, &bare, 1, &shifted[k], &up, &pull[k].up));
        assert_ok(cev_experiment_with_numbers(r.arena, &bare, 1, &shifted[k], &down, &pull[k].down));
    }
    x.n_pull = 2;
    x.pull = pull;
    const cev_experiment *list[] = {&x}, *const *kept = r.config->experiment;
    r.config->experiment = list;
    size_t p = add_number(&r, "quenching.c1", 0.052, 0.058);
    assert_ok(create(&r));
    assert_int_equal(r.model->experiment[0].n_shape, 2);
    for (r.theta[p] = 0.0523; r.theta[p] < 0.058; r.theta[p] += 0.002) assert_counts(&r, r.theta, RIGHT_TO);
    pull[1].parameter = "quenching.c1";
    rig again = r;
    assert_refused(create(&again), CEV_E_INPUT, "pull b shifts quenching.c1, which the scan varies already");
    double value = 0.0531;
    const cev_experiment *moved;
    assert_ok(cev_experiment_with_numbers(r.arena, &x, 1, &shifted[1], &value, &moved));
    assert_close(cev_experiment_number_of(moved->pull[1].up, shifted[1]).value, 0.0551, 1e-15);
    assert_close(cev_experiment_number_of(moved->pull[0].up, shifted[1]).value, 0.0531, 1e-15);
    r.config->experiment = kept;
    close_rig(&r);
}

/* Lanes of one block have values of their own, as along an axis: chi2 is that of separate models. */
static void an_axis_over_a_number_equals_separate_models(void **state)
{
    (void)state;
    rig r;
    open_rig(&r, "coherent_csi,ess_csi", "nsi");
    size_t p = add_number(&r, "coherent_csi.quenching.c1", 0.052, 0.058);
    assert_ok(create(&r));
    cev_data data;
    r.theta[p] = 0.05546;
    assert_ok(cev_data_asimov(r.arena, r.model, r.theta, &data));
    cev_lanes block[CEV_MAX_THETA];
    cev_theta_broadcast(cev_roster_n(&r.roster), r.theta, block);
    for (int l = 0; l < CEV_LANES; l++) block[p][l] = l ? 0.052 + 0.0007 * l : r.theta[p];
    cev_model_scratch *scratch;
    cev_block_result along = {.pull = NULL}, apart = {.pull = NULL};
    assert_ok(cev_model_scratch_create(r.model, &scratch));
    cev_model_evaluate(r.model, &data, scratch, block, NULL, &along);
    cev_model_scratch_destroy(&scratch);
    assert_true(along.chi2[0] == 0);
    for (int l = 1; l < CEV_LANES; l++) {
        r.theta[p] = block[p][l];
        cev_model *plain = plain_model(&r, r.theta);
        assert_ok(cev_model_scratch_create(plain, &scratch));
        cev_model_evaluate(plain, &data, scratch, block, NULL, &apart);
        assert_close(along.chi2[l], apart.chi2[0], 1e-7 * (1 + apart.chi2[0]));
        assert_true(apart.chi2[0] > 1e-6);
        cev_model_scratch_destroy(&scratch);
        cev_model_destroy(&plain);
    }
    close_rig(&r);
}

/* One value in place of the file's. */
static void a_fixed_number_is_an_experiment_with_it(void **state)
{
    (void)state;
    rig r;
    open_rig(&r, "coherent_csi", "nsi");
    r.theta[add_number(&r, "quenching.c1", 0.053, 0.053)] = 0.053;
    assert_ok(create(&r));
    assert_int_equal(n_node(&r, 0), 1);
    assert_non_null(r.model->experiment[0].nodes);
    assert_counts(&r, r.theta, 0);
    close_rig(&r);
}

static void assert_node_slopes(const rig *r, const size_t *place, size_t n_free)
{
    const model_nodes *nodes = r->model->experiment[0].nodes;
    double value[MOST_NODES], first[3 * MOST_NODES], second[9 * MOST_NODES], unused[9 * MOST_NODES];
    cev_model_node_slopes(nodes, r->theta, n_free, place, value, first, second);
    for (size_t a = 0; a < n_free; a++) {
        double at[CEV_MAX_THETA], side[2][MOST_NODES], slope[2][3 * MOST_NODES], h = 1e-6 * fabs(r->theta[place[a]]);
        memcpy(at, r->theta, sizeof at);
        for (int s = 0; s < 2; s++) {
            at[place[a]] = r->theta[place[a]] + (s ? h : -h);
            cev_model_node_slopes(nodes, at, n_free, place, side[s], slope[s], unused);
        }
        for (size_t j = 0; j < nodes->n; j++) {
            double scale = fabs(1 / r->theta[place[a]]);
            assert_close(first[a * nodes->n + j], (side[1][j] - side[0][j]) / (2 * h), 1e-5 * scale);
            for (size_t b = 0; b < n_free; b++)
                assert_relative(1 + second[(b * n_free + a) * nodes->n + j] * r->theta[place[a]] * r->theta[place[b]],
                                1 + (slope[1][b * nodes->n + j] - slope[0][b * nodes->n + j]) / (2 * h) *
                                        r->theta[place[a]] * r->theta[place[b]],
                                1e-5);
        }
    }
}

/* Of weights of nodes on two axes, and of a parameter that is none. */
static void weights_have_the_derivatives_of_differences(void **state)
{
    (void)state;
    rig r;
    open_rig(&r, "ess_si", "nsi");
    size_t place[3] = {add_number(&r, "source.distance_m", 9, 22), 0,
                       add_number(&r, "response.sigma_at_threshold_keV", 0.09, 0.1)};
    assert_ok(create(&r));
    r.theta[place[0]] = 20.3;
    r.theta[place[1]] = 0.3;
    r.theta[place[2]] = 0.0963;
    assert_node_slopes(&r, place, LENGTH(place));
    close_rig(&r);
}

/* Weights as sums over Chebyshev polynomials, which experiments with other nodes share. */
static void weights_are_sums_over_shared_polynomials(void **state)
{
    (void)state;
    rig r;
    open_rig(&r, "coherent_csi,ess_si", "nsi");
    size_t p = add_number(&r, "quenching.c1", 0.052, 0.058), q = add_number(&r, "response.acceptance", 0.7, 1);
    assert_ok(create(&r));
    r.theta[p] = 0.0547;
    r.theta[q] = 0.83;
    assert_int_equal(r.model->n_interpolated, 2);
    for (size_t e = 0; e < 2; e++) {
        const model_nodes *nodes = r.model->experiment[e].nodes;
        double value[MOST_NODES], t[2][NODE_AXIS_MOST], unused[2][NODE_AXIS_MOST];
        size_t order[2], n[2] = {cev_model_node_orders(r.model, nodes, 0), cev_model_node_orders(r.model, nodes, 1)};
        assert_int_equal(n[0] * n[1], nodes->n);
        assert_true(n[1 - e] == 1 && n[e] > 1); /* each has one of the numbers */
        cev_model_node_slopes(nodes, r.theta, 0, NULL, value, unused[0], unused[1]);
        for (size_t k = 0; k < 2; k++) {
            const model_interpolated *of = &r.model->interpolated[k];
            node_axis_chebyshev(of->low, of->high, r.theta[of->theta], n[k], t[k], unused[0], unused[1]);
        }
        for (size_t j = 0; j < nodes->n; j++) {
            double sum = 0;
            for (order[0] = 0; order[0] < n[0]; order[0]++)
                for (order[1] = 0; order[1] < n[1]; order[1]++)
                    sum += cev_model_node_in_chebyshev(r.model, nodes, j, order) * t[0][order[0]] * t[1][order[1]];
            assert_close(sum, value[j], 1e-14);
        }
    }
    close_rig(&r);
}

/* --- refusals ----------------------------------------------------------------------------------------------------- */

static void what_can_not_be_interpolated_is_refused(void **state)
{
    (void)state;
    rig r;
    open_rig(&r, "coherent_csi", "vector_universal");
    add_profiled(&r, "mediator_mass_MeV", 0.001, 1000);
    assert_refused(create(&r), CEV_E_INPUT, "at 33 values of mediator_mass_MeV from 0.001 to 1000");
    r.roster.n_profiled = 0;
    r.roster.n_guest = 0;
    add_number(&r, "efficiency.midpoint", 10, 12); /* at 11.2, the efficiency begins at the edge of a bin */
    assert_refused(create(&r), CEV_E_INPUT, "Give efficiency.midpoint a range that is narrower");
    r.roster.n_guest = 0;
    r.roster.n_profiled = 1;
    r.profiled[0] = (cev_profiled){parameter_of(r.config->interaction, "recoil_term"), 0, 1};
    assert_refused(create(&r), CEV_E_INPUT, "parameter recoil_term is a choice");
    r.roster.n_profiled = 0;
    add_number(&r, "source.years", 0.5, 2); /* beside protons_on_target */
    assert_refused(create(&r), CEV_E_INPUT, "nothing that it expects depends on source.years");
    r.roster.n_guest = 0;
    add_number(&r, "quenching.c1", 0.052, 0.058);
    add_number(&r, "coherent_csi.quenching.c1", 0.052, 0.058);
    assert_refused(create(&r), CEV_E_INPUT, "quenching.c1 and coherent_csi.quenching.c1 are the same number");
    close_rig(&r);
}

static void too_many_nodes_are_refused(void **state)
{
    (void)state;
    rig r;
    open_rig(&r, "ess_si", "vector_universal");
    add_profiled(&r, "mediator_mass_MeV", 40, 70);
    add_profiled(&r, "neutron_radius_fm", 3, 4);
    add_number(&r, "response.sigma_at_threshold_keV", 0.08, 0.1);
    assert_refused(create(&r), CEV_E_INPUT, "it would be folded at all combinations of");
    close_rig(&r);
}

static void followers_of_profiled_parameters_are_interpolated_or_refused(void **state)
{
    (void)state;
    rig r;
    open_rig(&r, "ess_si", "nsi");
    size_t own = cev_roster_n(&r.roster), radius = parameter_of(r.config->interaction, "neutron_radius_fm");
    r.guest[r.roster.n_guest++] = (cev_guest){.kind = CEV_GUEST_OWN, .parameter = {.name = "x"}};
    r.profiled[r.roster.n_profiled++] = (cev_profiled){own, -3, -2};
    cev_follower follower = {.index = radius, .of = own, .times = -1.5};
    r.roster.n_follower = 1;
    r.roster.follower = &follower;
    r.theta[own] = -2.2;
    r.theta[radius] = 3.3;
    assert_ok(create(&r));
    assert_int_equal(r.model->n_interpolated, 1);
    assert_true(r.model->interpolated[0].low == 3 && r.model->interpolated[0].high == 4.5);
    assert_counts(&r, r.theta, RIGHT_TO);
    cev_model_destroy(&r.model);
    follower = (cev_follower){.index = radius, .of = SIZE_MAX, .formula = "x", .n_input = 1, .input = &own};
    assert_refused(create(&r), CEV_E_INPUT, "follows profiled ones by a formula");
    close_rig(&r);
}

/* --- the axis itself ---------------------------------------------------------------------------------------------- */

static void assert_axis(gsl_rng *random, cev_arena *arena, double low, double high, size_t n)
{
    node_axis axis;
    double value[NODE_AXIS_MOST], first[NODE_AXIS_MOST], second[NODE_AXIS_MOST], t[3][NODE_AXIS_MOST];
    assert_ok(node_axis_create(arena, low, high, n, &axis));
    if (n > 1) assert_true(axis.node[0] == low && axis.node[n - 1] == high);
    for (size_t i = 0; i < n; i++) {
        node_axis_slopes(&axis, axis.node[i], value, first, second);
        for (size_t j = 0; j < n; j++) assert_true(value[j] == (i == j));
    }
    double x = uniform(random, low, high);
    node_axis_slopes(&axis, x, value, first, second);
    node_axis_chebyshev(low, high, x, n, t[0], t[1], t[2]);
    for (size_t j = 0; j < n; j++) {
        double sum[3] = {0}, size = (double)(n * n);
        for (size_t k = 0; k < n; k++)
            for (size_t d = 0; d < 3; d++) sum[d] += node_axis_in_chebyshev(&axis, j, k) * t[d][k];
        assert_close(value[j], sum[0], 1e-13);
        assert_close(first[j], sum[1], 1e-13 * size);
        assert_close(second[j], sum[2], 1e-13 * size * size);
    }
}

static void weights_are_those_of_chebyshev_polynomials(void **state)
{
    (void)state;
    gsl_rng *random = random_numbers(4);
    cev_arena *arena = new_arena();
    for (size_t n = 1; n <= NODE_AXIS_MOST; n++) {
        assert_axis(random, arena, -2, 5, n);
        assert_axis(random, arena, 2, 40, n);
    }
    cev_arena_destroy(&arena);
    gsl_rng_free(random);
}

/* A polynomial needs one node more than its degree; what is small enough does not count. */
static void as_few_nodes_as_needed(void **state)
{
    (void)state;
    cev_arena *arena = new_arena();
    node_axis axis;
    assert_ok(node_axis_create(arena, -1, 1, 17, &axis));
    for (size_t degree = 0; degree < 12; degree++) {
        double sample[17];
        for (size_t j = 0; j < 17; j++) sample[j] = cos((double)degree * acos(axis.node[j])) + 1e-12 * axis.node[j];
        assert_int_equal(node_axis_nodes_needed(&axis, sample, 1e-8), degree + 1);
    }
    cev_arena_destroy(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_between_nodes_are_those_of_the_file_with_that_number),
        cmocka_unit_test(two_numbers_are_interpolated_together),
        cmocka_unit_test(profiled_slow_parameters_are_interpolated),
        cmocka_unit_test(nodes_follow_slow_axes),
        cmocka_unit_test(shapes_of_pulls_change_with_numbers),
        cmocka_unit_test(an_axis_over_a_number_equals_separate_models),
        cmocka_unit_test(a_fixed_number_is_an_experiment_with_it),
        cmocka_unit_test(weights_have_the_derivatives_of_differences),
        cmocka_unit_test(weights_are_sums_over_shared_polynomials),
        cmocka_unit_test(what_can_not_be_interpolated_is_refused),
        cmocka_unit_test(too_many_nodes_are_refused),
        cmocka_unit_test(followers_of_profiled_parameters_are_interpolated_or_refused),
        cmocka_unit_test(weights_are_those_of_chebyshev_polynomials),
        cmocka_unit_test(as_few_nodes_as_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
