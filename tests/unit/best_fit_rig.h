/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One set of experiments over a grid, from the configurations that the program ships, and its best fits. */
#ifndef CEVSCAN_TESTS_BEST_FIT_RIG_H
#define CEVSCAN_TESTS_BEST_FIT_RIG_H

#include "unit.h"

#include "cevscan/best_fits.h"
#include "cevscan/config.h"

typedef struct rig {
    cev_scan_config *config;
    cev_arena *arena;
    cev_grid grid;
    cev_scan_job job;
    cev_fit_set set;
    cev_units *units;
    cev_units_scratch *scratch;
    cev_combination *c;
} rig;

static inline size_t rig_parameter(const rig *r, const char *name)
{
    const cev_card *card = &r->config->interaction->card;
    size_t p = cev_parameter_index(card->parameters, card->n_parameter, name);
    if (p == card->n_parameter) fail_msg("no parameter %s", name);
    return p;
}

/* Experiments by name, comma separated. */
static inline void rig_open(rig *r, const char *experiments, const char *interaction)
{
    *r = (rig){.arena = new_arena()};
    setenv("CEVSCAN_PATH", "configs", 0);
    assert_ok(cev_scan_config_select(experiments, interaction, &r->config));
    r->job.grid = &r->grid;
    memcpy(r->job.theta, r->config->theta, sizeof r->job.theta);
}

static inline void rig_axis(rig *r, const char *name, cev_scale scale, double minimum, double maximum, size_t n,
                            double threshold)
{
    size_t a = r->grid.n_axis++;
    assert_ok(cev_axis_fill(r->arena, name, scale, minimum, maximum, n, threshold, &r->grid.axis[a]));
    r->job.axis_parameter[a] = rig_parameter(r, name);
}

/* Once the axes are there. Data are those observed, or, where a truth is given, what it expects. */
static inline void rig_build(rig *r, const double *truth)
{
    bool *observed;
    assert_ok(cev_new(r->arena, r->config->n_experiment, &observed));
    for (size_t e = 0; e < r->config->n_experiment; e++) observed[e] = !truth;
    r->set = (cev_fit_set){.n_experiment = r->config->n_experiment,
                           .experiment = r->config->experiment,
                           .observed = observed};
    assert_ok(cev_grid_lay_tiles(&r->grid, NULL));
    assert_ok(cev_units_create(1, &r->set, &r->config->roster, r->job.theta, &r->units));
    assert_ok(cev_units_scratch_create(r->units, &r->scratch));
    assert_ok(cev_combination_create(r->units, &r->job, truth ? truth : r->config->theta, false, &r->c));
}

static inline void rig_close(rig *r)
{
    cev_combination_destroy(&r->c);
    cev_units_scratch_destroy(&r->scratch);
    cev_units_destroy(&r->units);
    cev_arena_destroy(&r->arena);
    cev_scan_config_destroy(&r->config);
}

/* Runs a search to its end, items in order or backwards. */
static inline cev_status rig_search(cev_best_fits *fits, cev_units_scratch *scratch, bool backwards)
{
    size_t n, set, member, size = cev_best_fits_result_size(fits);
    while ((n = cev_best_fits_n_item(fits)) > 0) {
        char *result = malloc(n * size);
        assert_non_null(result);
        for (size_t k = 0; k < n; k++) assert_ok(cev_best_fits_look(fits, scratch, k, NULL, NULL, result + k * size));
        for (size_t k = 0; k < n; k++) {
            size_t i = backwards ? n - 1 - k : k;
            cev_best_fits_take(fits, i, result + i * size);
        }
        free(result);
        CEV_TRY(cev_best_fits_next(fits, &set, &member));
    }
    return CEV_OK;
}

/* The best fit of a member, searched for: nobody is told the truth. */
static inline cev_best_fit rig_best_fit(rig *r, size_t member)
{
    cev_best_fits *fits;
    const bool observed = true;
    assert_ok(cev_best_fits_create(r->c, 1, NULL, &observed, &fits));
    assert_ok(rig_search(fits, r->scratch, false));
    cev_best_fit fit = *cev_best_fits_get(fits, 0, member);
    cev_best_fits_destroy(&fits);
    return fit;
}

static inline double rig_chi2(rig *r, size_t member, const double *at)
{
    return cev_best_fits_chi2_at(r->c, r->scratch, 0, member, at);
}

#endif
