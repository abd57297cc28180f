/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lowest minimum of a set at the slow parameters that its units are folded with: samples of the whole range, and
 * descents from the lowest of them, until the lowest minimum was found twice. */
#ifndef CEVSCAN_ENGINE_SEARCH_SET_H
#define CEVSCAN_ENGINE_SEARCH_SET_H

#include "search_space.h"

/* chi2 of units over the samples of a space. Sets that are looked at one after the other share them. */
typedef struct search_samples search_samples;

cev_status search_samples_create(const search_space *space, search_samples **out);
void search_samples_destroy(search_samples **samples);

/* out->chi2 is infinite if no sample has one; CEV_E_STOPPED. */
cev_status search_set(searcher *s, search_samples *samples, size_t set, search_place *out);

#endif
