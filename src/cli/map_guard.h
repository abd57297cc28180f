/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Maps from anywhere. HDF5 1.10 believes the metadata of a file: a byte that the disk got wrong can crash it, or keep
 * it busy for ever. A process of its own reads the map first, so that a command can refuse such a map in words. */
#ifndef CEVSCAN_CLI_MAP_GUARD_H
#define CEVSCAN_CLI_MAP_GUARD_H

#include "cevscan/map.h"

/* CEV_E_INPUT for a file that kills who reads it, or that takes longer than a sound one of its size may; and what the
 * reader says for one that cannot be read. What inspection does not read is not tried. */
cev_status try_guarded(const char *path);

/* For the process that tries a map: it may die without a core file, must come to an end, and not take all memory. */
void prepare_to_be_killed(const char *path);

#endif
