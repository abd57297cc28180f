/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "inspect_bytes.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cevscan/map.h"

static char path[] = "/dev/shm/fuzz-map-XXXXXX"; /* in memory */
static pid_t owner;

static void remove_file(void)
{
    if (getpid() == owner) unlink(path);
}

static void must(bool holds)
{
    if (holds) return;
    fprintf(stderr, "runtime error: the map contradicts itself\n");
    abort();
}

static size_t use_results(const cev_space_info *s)
{
    volatile double sum = 0;
    size_t length = 0;
    for (size_t f = 0; f < s->n_fit; f++) {
        sum += s->results.chi2_reference[f] + s->results.best_fit_chi2[f];
        for (size_t a = 0; a < s->n_axis; a++) sum += s->results.best_fit[f * s->n_axis + a];
    }
    for (size_t m = 0; m < s->n_map; m++)
        length += strlen(s->results.content_hash[m]) + (size_t)(s->results.points_failed[m] & 1);
    return length;
}

static size_t use_space(const cev_space_info *s, bool is_study)
{
    size_t sum = use_results(s), n_done = 0;
    must((s->name != NULL) == is_study && s->n_axis >= 1 && s->n_axis <= CEV_MAX_AXES);
    for (size_t a = 0; a < s->n_axis; a++) sum += strlen(s->axis_name[a]) + s->axis_points[a];
    for (size_t m = 0; s->map_name && m < s->n_map; m++) sum += strlen(s->map_name[m]);
    for (size_t k = 0; s->member_name && k < s->n_member; k++) sum += strlen(s->member_name[k]);
    for (size_t t = 0; t < s->n_tile; t++) n_done += s->done[t] == 1;
    for (size_t m = 0; m < s->n_map; m++) {
        uint64_t n = 0;
        for (int k = 0; k <= CEV_N_POINT_STATUSES; k++) n += s->status_count[m][k];
        must(n == s->n_point);
    }
    must(s->n_tile_done <= s->n_tile && s->n_tile <= s->n_point && n_done <= s->n_tile);
    return sum;
}

static void use(const cev_map_info *info)
{
    volatile size_t sum = strlen(info->progress.content_hash) + strlen(info->progress.start) +
                          strlen(info->progress.end);
    size_t n_map = 0, n_tile = 0, n_done = 0;
    uint64_t n = 0, n_point = 0;
    for (size_t k = 0; k < info->n_text; k++) sum += strlen(info->text[k].name) + strlen(info->text[k].value);
    must(info->n_space >= 1 && (info->is_study || info->n_space == 1));
    for (size_t k = 0; k < info->n_space; k++) {
        const cev_space_info *s = &info->space[k];
        sum += use_space(s, info->is_study);
        n_map += s->n_map, n_tile += s->n_tile, n_done += s->n_tile_done, n_point += s->n_point * s->n_map;
    }
    for (int s = 0; s <= CEV_N_POINT_STATUSES; s++) n += info->status_count[s];
    must(n == info->n_point && n == n_point && n_map == info->n_map && n_tile == info->n_tile &&
         n_done == info->n_tile_done);
}

void inspect_bytes(const uint8_t *data, size_t size)
{
    static int file = -1;
    if (file < 0) {
        file = mkstemp(path);
        owner = getpid();
        atexit(remove_file);
    }
    if (file < 0 || ftruncate(file, 0) || pwrite(file, data, size, 0) != (ssize_t)size) abort();
    cev_map_info *info;
    if (cev_map_inspect(path, &info) == CEV_OK) use(info);
    cev_map_info_destroy(&info);
}
