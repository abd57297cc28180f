/* SPDX-License-Identifier: GPL-3.0-or-later */
/* "Did you mean ...?" */
#ifndef CEVSCAN_NEAREST_H
#define CEVSCAN_NEAREST_H

#include <stddef.h>

/* The name of names[n] nearest to `word` by Damerau-Levenshtein distance (case ignored), the first of several equally
 * near ones; NULL if none is near enough to be a likely slip (more than a third of its letters differ). */
const char *cev_nearest(const char *word, const char *const *names, size_t n);

#endif
