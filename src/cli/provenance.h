/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a map says about where it comes from. */
#ifndef CEVSCAN_CLI_PROVENANCE_H
#define CEVSCAN_CLI_PROVENANCE_H

#include "cevscan/config.h"
#include "cevscan/map.h"
#include "cevscan/study.h"

/* Fills spec->text; the texts live in the configuration's arena. */
cev_status provenance_texts(const cev_scan_config *config, cev_map_spec *spec);

/* Fills spec->text of a study; the texts live in its arena. */
cev_status provenance_of_study(const cev_study_config *study, cev_study_spec *spec);

#endif
