/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A new file beside the place where it will be: refused at once where it cannot fit. */
#include <errno.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "map_layout.h"
#include "map_names.h"
#include "store_disk.h"
#include "store_error.h"

static double bytes_of_space(const cev_map_space *s)
{
    double whole_tiles = (double)s->grid->n_tile * (double)cev_grid_points_of_whole_tile(s->grid);
    return whole_tiles * (double)s->n_map * (8.0 * (double)(2 + s->n_pull + s->n_stored) + 1 + (s->n_profiled > 0));
}

/* Laying out terabytes takes its time. The disk may still fill up later. */
static cev_status check_space(const char *path, const cev_map_spec *spec)
{
    struct statvfs disk;
    char *copy = strdup(path);
    if (!copy) return cev_fail(CEV_E_MEMORY, "out of memory");
    int unknown = statvfs(dirname(copy), &disk);
    free(copy);
    if (unknown) return CEV_OK;
    double needed = 0, free_bytes = (double)disk.f_bavail * (double)disk.f_frsize;
    for (size_t s = 0; s < spec->n_space; s++) needed += bytes_of_space(&spec->space[s]);
    if (needed <= free_bytes) return CEV_OK;
    return cev_fail(CEV_E_IO, "%s: the map needs %.3g GB, but %.3g GB are free: %s", path, needed / 1e9,
                    free_bytes / 1e9, strerror(ENOSPC));
}

/* HDF5's chunks end at 4 GB. */
static cev_status check_tiles(const char *path, const cev_map_space *s)
{
    double bytes = 8 * (double)s->n_map * (double)cev_grid_points_of_whole_tile(s->grid);
    if (bytes < 0x1p32) return CEV_OK;
    return cev_fail(CEV_E_INPUT,
                    "%s: a tile of all %zu maps%s%s takes %.3g GB of chi2; 4.29 GB is the most: take smaller tiles",
                    path, s->n_map, s->name ? " of " : "", s->name ? s->name : "", bytes / 1e9);
}

/* Parameters may be called what their users like. */
static cev_status check_axes(const char *path, const cev_map_space *s)
{
    for (size_t a = 0; a < s->grid->n_axis; a++)
        if (cev_axis_reserves_name(s->grid->axis[a].name))
            return cev_fail(CEV_E_INPUT, "%s: no axis can be called \"%s\": a map has something else of this name",
                            path, s->grid->axis[a].name);
    return CEV_OK;
}

static cev_status check_spec(const char *path, const cev_map_spec *spec)
{
    for (size_t s = 0; s < spec->n_space; s++) {
        const char *name = spec->space[s].name;
        if (name ? !*name || strchr(name, '/') != NULL || strlen(name) > MAP_PATH_SIZE / 2 : spec->n_space > 1)
            return cev_fail(CEV_E_INPUT, "%s: \"%s\" cannot be the name of a space", path, name ? name : "");
        CEV_TRY(check_axes(path, &spec->space[s]));
        CEV_TRY(check_tiles(path, &spec->space[s]));
    }
    return spec->n_space ? CEV_OK : cev_fail(CEV_E_INPUT, "%s: there is no map to make", path);
}

cev_status cev_map_create(const char *path, const cev_map_spec *spec, bool reserve)
{
    cev_store_quiet();
    CEV_TRY(check_spec(path, spec));
    if (reserve) CEV_TRY(check_space(path, spec));
    size_t size = strlen(path) + sizeof ".tmp";
    char *temporary = malloc(size);
    if (!temporary) return cev_fail(CEV_E_MEMORY, "out of memory");
    snprintf(temporary, size, "%s.tmp", path);
    unlink(temporary); /* of a job that was killed while it laid out this map */
    cev_status status = cev_map_lay_structure(temporary, spec);
    if (status == CEV_OK && reserve) status = cev_store_reserve(temporary);
    if (status != CEV_OK) unlink(temporary);
    free(temporary);
    return status;
}
