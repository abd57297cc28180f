/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "profiled_text.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "command.h"

/* --- what was minimised over ------------------------------------------------------------------------------------ */

/* Names may come from strangers' files. */
void print_minimised(const minimised *m)
{
    const cev_job_flagged *f = &m->flagged;
    if (m->space) print_plain(stdout, m->space);
    printf("%sminimised over", m->space ? ": " : "");
    for (size_t k = 0; k < m->n; k++) {
        printf(k ? ", " : " ");
        print_plain(stdout, m->name[k]);
        printf(" (%.6g to %.6g)", m->low[k], m->high[k]);
    }
    printf(": of %llu points %llu proven global, %llu at a bound, %llu with a flat direction\n",
           (unsigned long long)f->points, (unsigned long long)f->flag[0], (unsigned long long)f->flag[1],
           (unsigned long long)f->flag[2]);
    if (f->near)
        printf("of the %llu points with delta_chi2 below %.2f (99 %% of two parameters), %llu are proven\n",
               (unsigned long long)f->near, CEV_NEAR_DELTA, (unsigned long long)f->near_proven);
}

json_t *minimised_json(const minimised *m)
{
    json_t *parameters = json_object();
    for (size_t k = 0; k < m->n; k++) {
        json_t *bounds = json_array();
        json_array_append_new(bounds, json_number(m->low[k]));
        json_array_append_new(bounds, json_number(m->high[k]));
        json_object_set_new(parameters, m->name[k], bounds);
    }
    json_t *json = json_pack("{s:o, s:I}", "parameters", parameters, "points", (json_int_t)m->flagged.points);
    for (int f = 0; f < CEV_N_POINT_FLAGS; f++)
        json_object_set_new(json, cev_point_flag_names[f], json_integer((json_int_t)m->flagged.flag[f]));
    if (m->flagged.near) {
        json_object_set_new(json, "near", json_integer((json_int_t)m->flagged.near));
        json_object_set_new(json, "near_proven", json_integer((json_int_t)m->flagged.near_proven));
    }
    if (m->space) json_object_set_new(json, "space", json_text(m->space));
    return json;
}

/* Space k of a configuration; false if it profiles nothing. name, low and high have CEV_MAX_PROFILED places. */
static bool minimised_of_space(const cev_study_config *c, size_t k, const char **name, double *low, double *high,
                               minimised *out)
{
    const cev_roster *roster = &c->space[k].scan->roster;
    for (size_t p = 0; p < roster->n_profiled; p++) {
        name[p] = cev_roster_parameter(roster, roster->profiled[p].index)->name;
        low[p] = roster->profiled[p].low;
        high[p] = roster->profiled[p].high;
    }
    *out = (minimised){c->is_scan ? NULL : c->space[k].name, roster->n_profiled, name, low, high, {0}};
    return roster->n_profiled > 0;
}

/* Calls `use` for each space of a result that profiles something. */
static void for_each_of_result(const cev_job_result *r, void (*use)(const minimised *m, json_t *to), json_t *to)
{
    for (size_t k = 0; r->flagged && k < r->config->n_space; k++) {
        const char *name[CEV_MAX_PROFILED];
        double low[CEV_MAX_PROFILED], high[CEV_MAX_PROFILED];
        minimised m;
        if (!minimised_of_space(r->config, k, name, low, high, &m)) continue;
        m.flagged = r->flagged[k];
        use(&m, to);
    }
}

static void for_each_of_file(const cev_map_info *info, void (*use)(const minimised *m, json_t *to), json_t *to)
{
    for (size_t k = 0; k < info->n_space; k++) {
        const cev_space_info *s = &info->space[k];
        minimised m = {s->name, s->n_profiled, s->profiled_name, s->profiled_low, s->profiled_high, {0}};
        if (!s->has_flags) continue;
        m.flagged.points = s->n_point * s->n_map;
        for (size_t f = 0; f < CEV_N_POINT_FLAGS; f++)
            for (size_t n = 0; n < s->n_map; n++) m.flagged.flag[f] += s->flag_count[n][f];
        use(&m, to);
    }
}

static void print_one(const minimised *m, json_t *unused)
{
    (void)unused;
    print_minimised(m);
}

static void append_one(const minimised *m, json_t *list)
{
    json_array_append_new(list, minimised_json(m));
}

void print_minimised_of_result(const cev_job_result *r)
{
    for_each_of_result(r, print_one, NULL);
}

void print_minimised_of_file(const cev_map_info *info)
{
    for_each_of_file(info, print_one, NULL);
}

static json_t *unless_empty(json_t *list)
{
    if (json_array_size(list) > 0) return list;
    json_decref(list);
    return NULL;
}

json_t *minimised_of_result_json(const cev_job_result *r)
{
    json_t *list = json_array();
    for_each_of_result(r, append_one, list);
    return unless_empty(list);
}

json_t *minimised_of_file_json(const cev_map_info *info)
{
    json_t *list = json_array();
    for_each_of_file(info, append_one, list);
    return unless_empty(list);
}

/* --- what a fit is to be judged by ------------------------------------------------------------------------------ */

static size_t free_parameters(const cev_degrees *d)
{
    return d->n_scanned + d->n_profiled + d->n_free_pull;
}

static bool has_freedom(const cev_degrees *d)
{
    return d->n_bin > free_parameters(d);
}

/* How probable a chi2 as high is: NaN where there is none to speak of. */
static double p_value(const cev_degrees *d, double chi2)
{
    return has_freedom(d) && isfinite(chi2) ? gsl_cdf_chisq_Q(chi2, (double)(d->n_bin - free_parameters(d))) : NAN;
}

static void print_freedom(const cev_degrees *d, double chi2)
{
    size_t n = d->n_bin - free_parameters(d);
    if (isnan(chi2)) return;
    if (has_freedom(d))
        printf("; %zu degree%s of freedom, p-value %.2g", n, n == 1 ? "" : "s", p_value(d, chi2));
    else
        printf("; no degree of freedom");
}

void print_degrees(const cev_degrees *d, double chi2)
{
    static const char *const what[] = {"scanned", "profiled", "free pulls"};
    const size_t count[] = {d->n_scanned, d->n_profiled, d->n_free_pull};
    size_t n = free_parameters(d);
    bool first = true;
    printf("%zu bin%s, %zu free parameter%s", d->n_bin, d->n_bin == 1 ? "" : "s", n, n == 1 ? "" : "s");
    for (size_t k = 0; k < 3; k++) {
        if (!count[k]) continue;
        printf("%s%zu %s", first ? " (" : ", ", count[k], what[k]);
        first = false;
    }
    printf("%s", first ? "" : ")");
    print_freedom(d, chi2);
    printf("\n");
}

json_t *degrees_json(const cev_degrees *d, double chi2)
{
    json_t *json = json_pack("{s:I, s:I, s:I, s:I, s:I}", "bins", (json_int_t)d->n_bin, "free_parameters",
                             (json_int_t)free_parameters(d), "scanned", (json_int_t)d->n_scanned, "profiled",
                             (json_int_t)d->n_profiled, "free_pulls", (json_int_t)d->n_free_pull);
    if (isnan(chi2)) return json;
    json_object_set_new(json, "degrees_of_freedom",
                        json_integer((json_int_t)d->n_bin - (json_int_t)free_parameters(d)));
    json_object_set_new(json, "p_value", json_number(p_value(d, chi2)));
    return json;
}

/* --- directions that chi2 does not tell ------------------------------------------------------------------------- */

json_t *flat_directions_json(const cev_roster *roster, const cev_flat_directions *flat)
{
    json_t *list = json_array();
    for (size_t d = 0; d < flat->n; d++) {
        json_t *one = json_object();
        for (size_t k = 0; k < roster->n_profiled; k++)
            if (flat->along[d][k] != 0)
                json_object_set_new(one, cev_roster_parameter(roster, roster->profiled[k].index)->name,
                                    json_number(flat->along[d][k]));
        json_array_append_new(list, one);
    }
    return list;
}
