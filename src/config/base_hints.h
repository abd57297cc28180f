/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is wrong with an experiment because of the base that it stands on. */
#ifndef CEVSCAN_CONFIG_BASE_HINTS_H
#define CEVSCAN_CONFIG_BASE_HINTS_H

#include "experiment_base.h"

/* After cev_read_whole_experiment() has failed on what `stand` comes to: the message with what the base has to do with
 * it, placed in the experiment's own lines where these are the cause. Names that the base knows by others are told, and
 * keys of the base that are in the way of its own, which null takes away; both are tried before they are said. Returns
 * CEV_E_INPUT, or `status` where it is another. */
cev_status cev_explain_base(cev_status status, cev_arena *arena, const cev_standing *stand);

#endif
