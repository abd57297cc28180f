/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "map_names.h"

#define FIELD(member, kind)                                                                                            \
    {                                                                                                                  \
        .name = #member, .type = kind, .offset = offsetof(cev_map_progress, member),                                   \
        .size = sizeof((cev_map_progress *)0)->member                                                                  \
    }

/* Sessions come first: a reader sees a session's number change before its results. */
const progress_field cev_map_progress_fields[] = {
    FIELD(sessions, PROGRESS_INT),
    FIELD(ranks, PROGRESS_INT),
    FIELD(threads, PROGRESS_INT),
    FIELD(start, PROGRESS_TEXT),
    FIELD(end, PROGRESS_TEXT),
    FIELD(heartbeat, PROGRESS_REAL),
    FIELD(wall_time_s, PROGRESS_REAL),
    FIELD(points_failed, PROGRESS_COUNT),
    FIELD(chi2_reference, PROGRESS_OF_MEMBER),
    FIELD(best_fit_chi2, PROGRESS_OF_MEMBER),
    FIELD(best_fit, PROGRESS_POINT),
    FIELD(content_hash, PROGRESS_TEXT),
    FIELD(complete, PROGRESS_BOOL),
};
const size_t cev_map_n_progress_fields = sizeof cev_map_progress_fields / sizeof *cev_map_progress_fields;

hid_t cev_map_progress_type(const progress_field *field)
{
    hid_t type;
    switch (field->type) {
    case PROGRESS_INT: return H5Tcopy(H5T_NATIVE_INT);
    case PROGRESS_BOOL: return H5Tcopy(H5T_NATIVE_UCHAR);
    case PROGRESS_COUNT: return H5Tcopy(H5T_NATIVE_UINT64);
    case PROGRESS_TEXT:
        type = H5Tcopy(H5T_C_S1);
        H5Tset_size(type, field->size);
        H5Tset_cset(type, H5T_CSET_UTF8);
        return type;
    default: return H5Tcopy(H5T_NATIVE_DOUBLE);
    }
}

bool cev_map_progress_of_study(const progress_field *field)
{
    return field->type != PROGRESS_OF_MEMBER && field->type != PROGRESS_POINT;
}

int cev_map_progress_shape(const progress_field *field, size_t n_member, size_t n_axis, hsize_t size[2])
{
    int rank = 0;
    if (field->type != PROGRESS_OF_MEMBER && field->type != PROGRESS_POINT) return 0;
    if (n_member > 1) size[rank++] = n_member;
    if (field->type == PROGRESS_POINT) size[rank++] = n_axis;
    return rank;
}
