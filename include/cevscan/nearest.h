/* SPDX-License-Identifier: GPL-3.0-or-later */
/* "Did you mean ...?" */
#ifndef CEVSCAN_NEAREST_H
#define CEVSCAN_NEAREST_H

#include <stddef.h>

/* The name of names[n] that `word` may be meant as: the shortest that begins with its four or more letters; or else the
 * nearest by Damerau-Levenshtein distance, the first of several equally near ones, of those in which at most a third of
 * the letters differ; NULL if there is none. Case is ignored. */
const char *cev_nearest(const char *word, const char *const *names, size_t n);

#endif
