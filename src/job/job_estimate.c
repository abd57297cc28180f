/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a job would take, from doing a little of it. */
#include <gsl/gsl_errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "job_parts.h"

/* Enough of a tile to know what a point costs. */
static const double long_enough_s = 0.02, long_enough_of_profiled_s = 0.3;
enum { ROUNDS_OF_SLOW_SEARCH = 3, MOST_SAMPLES = 32 };

/* Of this process: what other programs do meanwhile is not counted. */
static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Seconds of one piece of the middle tile of a space, starts included, and of its folding. */
static void measure_space(const job_space *s, double *fold_s, double *tile_s)
{
    cev_combination *c = s->combination;
    cev_tile tile = cev_grid_tile(&s->scan->grid, s->scan->grid.n_tile / 2);
    double begin = cpu_s();
    size_t n = cev_combination_open(c, &tile), done = 0;
    *fold_s = job_is_slow(s) ? cpu_s() - begin : 0;
    begin = cpu_s();
    for (size_t k = 0; k < n; k++) cev_combination_start(c, s->units->scratch[0], k);
    n = cev_combination_ready(c);
    double starts_s = cpu_s() - begin;
    begin = cpu_s();
    /* From all over the tile: fits of points that are profiled take now more, now less. */
    double enough_s = s->scan->roster.n_profiled ? long_enough_of_profiled_s : long_enough_s;
    size_t step = s->scan->roster.n_profiled ? n / MOST_SAMPLES + 1 : 1;
    for (size_t k = 0; k < n && (done == 0 || cpu_s() - begin < enough_s); k += step, done++)
        cev_combination_evaluate(c, s->units->scratch[0], k);
    *tile_s = starts_s + (cpu_s() - begin) * (double)n / (double)done;
}

static cev_status measure_fits(const job *j, const job_space *s, double *fit_s)
{
    cev_best_fits *fits;
    bool *observed;
    unsigned char *result;
    CEV_TRY(cev_new(j->arena, s->n_map, &observed));
    for (size_t m = 0; m < s->n_map; m++) {
        const cev_study_set *set = &j->config->set[m % j->config->n_set];
        for (size_t e = 0; e < set->n_experiment; e++) observed[m] |= s->scan->observed[set->experiment[e]];
    }
    CEV_TRY(cev_best_fits_create(s->combination, s->n_map, s->scan->truth, observed, &fits));
    cev_status status = cev_new(j->arena, cev_best_fits_result_size(fits), &result);
    size_t n = cev_best_fits_n_item(fits);
    double begin = cpu_s();
    if (status == CEV_OK && n > 0)
        status = cev_best_fits_look(fits, s->units->scratch[0], 0, job_is_stopping, (void *)(uintptr_t)j, result);
    *fit_s = (cpu_s() - begin) * (double)n * (job_is_slow(s) ? ROUNDS_OF_SLOW_SEARCH : 1);
    cev_best_fits_destroy(&fits);
    return status;
}

/* Whether a set has a finite chi2 at the first, the middle or the last point of the grid. */
static bool is_possible(const job_space *s, size_t set)
{
    const cev_scan_job *scan = cev_combination_job(s->combination);
    size_t n_parameter = cev_roster_n(&s->scan->roster);
    bool possible = false;
    for (uint64_t k = 0; k < 3 && !possible; k++) {
        double theta[CEV_MAX_THETA];
        cev_lanes block[CEV_MAX_THETA], chi2;
        cev_lanes_mask status;
        cev_scan_job_theta(scan, (2 - k) * (s->scan->grid.n_point - 1) / 2, theta);
        for (size_t p = 0; p < n_parameter; p++) block[p] = theta[p] - (cev_lanes){0};
        cev_combination_fold(s->combination, theta);
        cev_combination_point(s->combination, s->units->scratch[0], set, block, &chi2, &status);
        possible = isfinite(chi2[0]);
    }
    return possible;
}

/* Data that no point can explain are found here as `run` would find them, and not after an hour in a queue. */
static cev_status check_data(const job *j, const job_space *s)
{
    for (size_t m = 0; m < s->n_map; m++) {
        cev_status status = is_possible(s, m) ? CEV_OK : cev_combination_blame(s->combination, m, 0);
        if (status == CEV_E_INPUT) return cev_fail_while(status, "%s", job_fit_name(j, s, m * s->n_member));
    }
    return CEV_OK;
}

static double resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    double pages = 0;
    if (file && fscanf(file, "%*u %lf", &pages) != 1) pages = 0;
    if (file) fclose(file);
    return pages * (double)sysconf(_SC_PAGESIZE);
}

/* Chunks are whole tiles, at the ends of axes, too. */
static double bytes_of_space(const job *j, size_t k)
{
    const cev_map_space *space = &j->spec.space[k];
    double points = (double)space->grid->n_tile * (double)cev_grid_points_of_whole_tile(space->grid);
    const double index_bytes = 96; /* of a chunk, in HDF5's tree */
    double fields = (double)(3 + space->n_pull + (space->n_profiled > 0) + space->n_stored);
    double point_bytes = 17 + 8.0 * (double)(space->n_pull + space->n_stored) + (space->n_profiled > 0);
    double digests = (double)space->grid->n_tile * (CEV_DIGEST_SIZE * (double)space->n_map + 1 + index_bytes * fields);
    return points * (double)space->n_map * point_bytes + digests;
}

/* The job's arena ends with it. */
static cev_status keep_remarks(const job *j, cev_job_estimate *out)
{
    cev_remark *kept;
    CEV_TRY(job_look_for_flat(j, &out->flat));
    CEV_TRY(cev_new(j->config->arena, out->flat.n, &kept));
    for (size_t k = 0; k < out->flat.n; k++) {
        char *text;
        CEV_TRY(cev_arena_copy_text(j->config->arena, out->flat.remark[k].text, &text));
        kept[k] = (cev_remark){out->flat.remark[k].warning, text};
    }
    out->flat.remark = kept;
    return CEV_OK;
}

static cev_status estimate(job *j, cev_job_estimate *out)
{
    const double structure_bytes = 16e3, structure_of_space = 8e3, open_file_bytes = 6e6;
    double begin = cpu_s();
    j->machine = cev_machine_survey(j->communicator, 1);
    CEV_TRY(job_build(j));
    out->fold_s = cpu_s() - begin;
    out->file_bytes = structure_bytes + (double)strlen(j->config->resolved);
    for (size_t k = 0; k < j->n_space; k++) {
        const job_space *s = &j->space[k];
        double fold_s, tile_s, fit_s;
        CEV_TRY(check_data(j, s));
        CEV_TRY(measure_fits(j, s, &fit_s));
        measure_space(s, &fold_s, &tile_s);
        out->fit_s += fit_s;
        out->fold_s += fold_s * (double)s->scan->grid.n_tile;
        out->core_seconds += tile_s * (double)s->scan->grid.n_tile;
        out->file_bytes += bytes_of_space(j, k) + (j->config->is_scan ? 0 : structure_of_space);
    }
    CEV_TRY(keep_remarks(j, out));
    out->core_seconds += out->fold_s + out->fit_s;
    out->memory_bytes = resident_bytes() + open_file_bytes;
    out->points = (double)j->points;
    out->n_unit = job_units_n(j);
    return CEV_OK;
}

cev_status cev_job_estimate_cost(const cev_job_options *options, cev_study_config *config, cev_job_estimate *out)
{
    gsl_error_handler_t *handler = gsl_set_error_handler_off();
    job j = {.options = options, .communicator = MPI_COMM_SELF, .config = config};
    *out = (cev_job_estimate){0};
    cev_status status = job_begin(&j);
    if (status == CEV_OK) status = estimate(&j, out);
    j.config = NULL; /* the caller's */
    job_end(&j);
    gsl_set_error_handler(handler);
    return status;
}
