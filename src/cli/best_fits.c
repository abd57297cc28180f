/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "best_fits.h"

#include <math.h>
#include <stdio.h>

#include "command.h"

void print_best_fits(const cev_map_progress *p, size_t n_member, size_t n_axis, const char *const *axis_name,
                     const char *const *member_name)
{
    for (size_t m = 0; m < n_member; m++) {
        if (member_name) printf("%s: ", member_name[m]);
        printf("best fit chi2 %.9g at", p->best_fit_chi2[m]);
        for (size_t a = member_name ? 1 : 0; a < n_axis; a++)
            printf(" %s=%.6g", axis_name[a], p->best_fit[m * n_axis + a]);
        printf("\n");
    }
}

json_t *best_fit_json(const cev_map_progress *p, size_t n_member, size_t n_axis, const char *const *axis_name,
                      const char *const *member_name)
{
    json_t *all = json_object();
    for (size_t m = 0; m < n_member; m++) {
        json_t *one = member_name ? json_pack("{s:o}", "chi2", json_number(p->best_fit_chi2[m])) : all;
        for (size_t a = member_name ? 1 : 0; a < n_axis; a++)
            json_object_set_new(one, axis_name[a], json_number(p->best_fit[m * n_axis + a]));
        if (member_name) json_object_set_new(all, member_name[m], one);
    }
    return all;
}

double lowest_best_fit(const cev_map_progress *p, size_t n_member)
{
    double lowest = p->best_fit_chi2[0];
    for (size_t m = 1; m < n_member; m++) lowest = fmin(lowest, p->best_fit_chi2[m]);
    return lowest;
}
