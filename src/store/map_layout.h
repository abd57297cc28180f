/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Structure of a new file. */
#ifndef CEVSCAN_STORE_MAP_LAYOUT_H
#define CEVSCAN_STORE_MAP_LAYOUT_H

#include "cevscan/map.h"

/* Makes `path`, which must not exist, with all groups, datasets and attributes, and with what is said about maps: axes,
 * names, index. Of the fields, tiles, results and progress nothing is written yet, so that a full disk shows in the
 * reservation that follows and not inside HDF5, which does not recover from it. */
cev_status cev_map_lay_structure(const char *path, const cev_map_spec *spec);

#endif
