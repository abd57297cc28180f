/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lays out what has a value for each point of each map. */
#include <stdio.h>
#include <string.h>

#include "map_layout_parts.h"
#include "map_names.h"
#include "map_scales.h"

static cev_status attach_scales(const layout *l, hid_t group, hid_t field, const cev_map_space *s)
{
    unsigned dimension = 0;
    if (s->name) CEV_TRY(cev_map_attach(l->path, group, field, MAP_NAMES_AXIS, dimension++));
    for (size_t a = 0; a < s->grid->n_axis; a++)
        CEV_TRY(cev_map_attach(l->path, group, field, s->grid->axis[a].name, dimension++));
    return CEV_OK;
}

static cev_status put_status_meanings(const layout *l, hid_t dataset)
{
    unsigned char value[CEV_N_POINT_STATUSES];
    char meaning[256] = "";
    for (int s = 0; s < CEV_N_POINT_STATUSES; s++) {
        value[s] = (unsigned char)s;
        snprintf(meaning + strlen(meaning), sizeof meaning - strlen(meaning), "%s%s", s ? " " : "",
                 cev_point_status_name(s));
    }
    CEV_TRY(cev_layout_numbers(l, dataset, "flag_values", H5T_STD_U8LE, CEV_N_POINT_STATUSES, value));
    return cev_layout_text(l, dataset, "flag_meanings", meaning);
}

static cev_status put_flag_meanings(const layout *l, hid_t dataset)
{
    unsigned char mask[CEV_N_POINT_FLAGS];
    char meaning[128] = "";
    for (int f = 0; f < CEV_N_POINT_FLAGS; f++) {
        mask[f] = (unsigned char)(1 << f);
        snprintf(meaning + strlen(meaning), sizeof meaning - strlen(meaning), "%s%s", f ? " " : "",
                 cev_point_flag_names[f]);
    }
    CEV_TRY(cev_layout_numbers(l, dataset, "flag_masks", H5T_STD_U8LE, CEV_N_POINT_FLAGS, mask));
    return cev_layout_text(l, dataset, "flag_meanings", meaning);
}

/* One dataset over maps and grid, chunked by tiles of all maps */
static cev_status create_field(const layout *l, hid_t group, const cev_map_space *s, const char *name, hid_t type,
                               const char *long_name, const char *units, hid_t *out)
{
    hsize_t size[MAP_MAX_RANK], chunk[MAP_MAX_RANK];
    int rank = cev_map_field_shape(s, size, chunk);
    CEV_TRY(cev_layout_dataset(l, group, name, type, rank, size, chunk, out));
    cev_status status = cev_layout_text(l, *out, "long_name", long_name);
    if (status == CEV_OK) status = cev_layout_text(l, *out, "units", units);
    if (status != CEV_OK) H5Dclose(*out);
    return status;
}

/* Its dimensions get their scales, after all of its own attributes; closes it. */
static cev_status finish_field(const layout *l, hid_t group, const cev_map_space *s, hid_t field, cev_status status)
{
    if (status == CEV_OK) status = attach_scales(l, group, field, s);
    H5Dclose(field);
    return status;
}

/* `put_more`: attributes of its own, or NULL. */
static cev_status put_field(const layout *l, hid_t group, const cev_map_space *s, const char *name, hid_t type,
                            const char *long_name, cev_status (*put_more)(const layout *l, hid_t dataset))
{
    hid_t d;
    CEV_TRY(create_field(l, group, s, name, type, long_name, "1", &d));
    return finish_field(l, group, s, d, put_more ? put_more(l, d) : CEV_OK);
}

static cev_status put_pull(const layout *l, hid_t group, const cev_map_space *s, const char *pull)
{
    char name[256], long_name[256];
    snprintf(name, sizeof name, MAP_PULL_PREFIX "%s", pull);
    snprintf(long_name, sizeof long_name, "pull %s", pull);
    return put_field(l, group, s, name, H5T_IEEE_F64LE, long_name, NULL);
}

/* As an axis of the same parameter has it, and the bounds. */
static cev_status describe_profiled(const layout *l, hid_t dataset, const cev_map_profiled *p)
{
    const double bounds[] = {p->low, p->high};
    CEV_TRY(cev_layout_text(l, dataset, "description", p->parameter->help));
    CEV_TRY(cev_layout_numbers(l, dataset, "standard_model", H5T_IEEE_F64LE, 0, &p->parameter->default_value));
    return cev_layout_numbers(l, dataset, "bounds", H5T_IEEE_F64LE, 2, bounds);
}

static cev_status put_profiled(const layout *l, hid_t group, const cev_map_space *s, const cev_map_profiled *p)
{
    char name[MAP_PATH_SIZE], label[256];
    hid_t d;
    cev_map_profiled_name(p, name);
    snprintf(label, sizeof label, "$%s$", p->parameter->label);
    CEV_TRY(
        create_field(l, group, s, name, H5T_IEEE_F64LE, label, p->parameter->unit[0] ? p->parameter->unit : "1", &d));
    return finish_field(l, group, s, d, describe_profiled(l, d, p));
}

/* What was minimised over is known whether its values are stored or not. */
static cev_status describe_flags(const layout *l, hid_t dataset, const cev_map_space *s)
{
    char names[MAP_PATH_SIZE * 2] = "";
    double low[MAP_MAX_PROFILED], high[MAP_MAX_PROFILED];
    if (s->n_profiled > MAP_MAX_PROFILED)
        return cev_fail(CEV_E_INPUT, "%s: more than %d profiled parameters", l->path, MAP_MAX_PROFILED);
    for (size_t p = 0; p < s->n_profiled; p++) {
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", p ? "," : "",
                 s->profiled[p].parameter->name);
        low[p] = s->profiled[p].low;
        high[p] = s->profiled[p].high;
    }
    CEV_TRY(put_flag_meanings(l, dataset));
    CEV_TRY(cev_layout_text(l, dataset, MAP_MINIMISED_OVER, names));
    CEV_TRY(cev_layout_numbers(l, dataset, MAP_LOWER_BOUNDS, H5T_IEEE_F64LE, s->n_profiled, low));
    return cev_layout_numbers(l, dataset, MAP_UPPER_BOUNDS, H5T_IEEE_F64LE, s->n_profiled, high);
}

static cev_status put_flags(const layout *l, hid_t group, const cev_map_space *s)
{
    hid_t d;
    CEV_TRY(create_field(l, group, s, MAP_FLAGS, H5T_STD_U8LE, "flags of the minimum", "1", &d));
    return finish_field(l, group, s, d, describe_flags(l, d, s));
}

cev_status cev_layout_fields(const layout *l, hid_t group, const cev_map_space *s)
{
    CEV_TRY(put_field(l, group, s, MAP_CHI2, H5T_IEEE_F64LE, "$\\chi^2$", NULL));
    CEV_TRY(put_field(l, group, s, MAP_DELTA, H5T_IEEE_F64LE, "$\\Delta\\chi^2$", NULL));
    CEV_TRY(put_field(l, group, s, MAP_STATUS, H5T_STD_U8LE, "status of the point", put_status_meanings));
    for (size_t p = 0; p < s->n_pull; p++) CEV_TRY(put_pull(l, group, s, s->pull_name[p]));
    if (s->n_profiled) CEV_TRY(put_flags(l, group, s));
    for (size_t p = 0; p < s->n_stored; p++) CEV_TRY(put_profiled(l, group, s, &s->profiled[p]));
    return CEV_OK;
}
