/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Maps from anywhere. HDF5 1.10 believes the metadata of a file: a byte that the disk got wrong can crash it, or keep
 * it busy for ever. A process of its own reads the map first, so that a command can refuse such a map in words. */
#ifndef CEVSCAN_CLI_MAP_GUARD_H
#define CEVSCAN_CLI_MAP_GUARD_H

#include "cevscan/map.h"

/* CEV_E_INPUT for a file that kills who reads it, and what the reader says for one that cannot be read; what may be a
 * map or a study. */
cev_status try_guarded(const char *path);

/* cev_map_inspect; CEV_E_INPUT also for a map that kills who reads it. What inspection does not read, it does not try.
 */
cev_status inspect_guarded(const char *path, cev_map_info **out);

/* The same for the file of a study. */
cev_status inspect_study_guarded(const char *path, cev_study_info **out);

/* For the process that tries a map: it may die without a core file, must come to an end, and not take all memory. */
void prepare_to_be_killed(const char *path);

#endif
