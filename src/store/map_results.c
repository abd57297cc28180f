/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is small in an open file: axes, progress, results. */
#include <errno.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "map_parts.h"
#include "store_error.h"

static cev_status open_axis(cev_map *map, size_t space, size_t a, hid_t *dataset)
{
    const cev_axis *axis = &map->spec->space[space].grid->axis[a];
    hsize_t n = axis->n;
    *dataset = -1;
    return cev_map_need_plain(map, map->spec->space[space].name, axis->name, 1, &n, dataset);
}

cev_status cev_map_check_axis(cev_map *map, size_t space, size_t a, bool *intact)
{
    const cev_axis *axis = &map->spec->space[space].grid->axis[a];
    hid_t dataset;
    CEV_TRY(open_axis(map, space, a, &dataset));
    cev_status status = cev_map_need_buffer(map, axis->n * sizeof *axis->value);
    if (status == CEV_OK) {
        errno = 0;
        herr_t result = H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, map->buffer);
        status = result < 0 ? cev_store_fail_reading(map->path, "read an axis")
                            : cev_store_check_read(map->path, "read an axis");
    }
    *intact = status == CEV_OK && !memcmp(map->buffer, axis->value, axis->n * sizeof *axis->value);
    H5Dclose(dataset);
    return status;
}

/* Overwrites a dataset that is open, and closes it. */
static cev_status write_and_close(const cev_map *map, hid_t dataset, hid_t type, const void *value, const char *what)
{
    errno = 0;
    herr_t result = H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, value);
    cev_status status = result < 0 ? cev_store_fail(map->path, what) : CEV_OK;
    H5Dclose(dataset);
    return status;
}

cev_status cev_map_write_axis(cev_map *map, size_t space, size_t a)
{
    hid_t dataset;
    CEV_TRY(open_axis(map, space, a, &dataset));
    return write_and_close(map, dataset, H5T_NATIVE_DOUBLE, map->spec->space[space].grid->axis[a].value,
                           "write an axis");
}

static cev_status write_record(cev_map *map, const char *space, const char *group, const record *r, int rank,
                               const hsize_t *size, const void *value, const char *what)
{
    char name[128];
    hid_t dataset = -1;
    snprintf(name, sizeof name, "%s/%s", group, r->name);
    CEV_TRY(cev_map_need_plain(map, space, name, rank, size, &dataset));
    hid_t type = cev_map_record_type(r);
    cev_status status = write_and_close(map, dataset, type, value, what);
    H5Tclose(type);
    return status;
}

cev_status cev_map_hash_results(size_t n_space, const cev_map_results_of_space *space, char out[CEV_DIGEST_TEXT_SIZE])
{
    enum { PER_SPACE = 7 };
    cev_digest digest;
    size_t n = 0;
    cev_span *span = calloc(n_space * PER_SPACE, sizeof *span);
    if (!span) return cev_fail(CEV_E_MEMORY, "out of memory");
    for (size_t k = 0; k < n_space; k++) {
        const cev_map_results *r = space[k].results;
        size_t n_fit = space[k].n_fit;
        const uint64_t *const count[] = {r->points_failed, r->points_proven, r->points_at_bound, r->points_flat};
        span[n++] = (cev_span){r->chi2_reference, n_fit * sizeof *r->chi2_reference};
        span[n++] = (cev_span){r->best_fit_chi2, n_fit * sizeof *r->best_fit_chi2};
        span[n++] = (cev_span){r->best_fit, n_fit * space[k].n_axis * sizeof *r->best_fit};
        for (size_t c = 0; c < sizeof count / sizeof *count && count[c]; c++)
            span[n++] = (cev_span){count[c], space[k].n_map * sizeof *count[c]};
    }
    cev_status status = cev_digest_spans(span, n, &digest);
    if (status == CEV_OK) cev_digest_text(&digest, out);
    free(span);
    return status;
}

cev_status cev_map_write_progress(cev_map *map, const cev_map_progress *progress)
{
    for (size_t k = 0; k < N_PROGRESS_RECORDS; k++) {
        const record *r = &cev_map_progress_records[k];
        CEV_TRY(write_record(map, NULL, MAP_PROGRESS, r, 0, NULL, (const char *)progress + r->offset,
                             "write the progress"));
    }
    return CEV_OK;
}

cev_status cev_map_write_results(cev_map *map, size_t space, const cev_map_results *results)
{
    const cev_map_space *s = &map->spec->space[space];
    for (size_t k = 0; k < N_RESULT_RECORDS; k++) {
        const record *r = &cev_map_result_records[k];
        hsize_t size[MAP_RESULT_RANK];
        const void *value;
        if (!cev_map_has_record(r, s->n_profiled > 0)) continue;
        memcpy(&value, (const char *)results + r->offset, sizeof value);
        int rank = cev_map_result_shape(r, s->name ? s->n_map : 0, cev_grid_n_member(s->grid), s->grid->n_axis, size);
        CEV_TRY(write_record(map, s->name, MAP_RESULTS, r, rank, size, value, "write the results"));
    }
    return CEV_OK;
}
