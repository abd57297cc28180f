/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/nearest.h"

#include <ctype.h>
#include <string.h>

enum { LONGEST = 64 };

static size_t min_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

static int same_letter(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours cost one each. */
static size_t distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    if (n >= LONGEST || m >= LONGEST) return LONGEST;
    size_t d[LONGEST][LONGEST];
    for (size_t i = 0; i <= n; i++) d[i][0] = i;
    for (size_t j = 0; j <= m; j++) d[0][j] = j;
    for (size_t i = 1; i <= n; i++)
        for (size_t j = 1; j <= m; j++) {
            size_t substituted = d[i - 1][j - 1] + !same_letter(a[i - 1], b[j - 1]);
            d[i][j] = min_of(substituted, min_of(d[i - 1][j], d[i][j - 1]) + 1);
            if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) && same_letter(a[i - 2], b[j - 1]))
                d[i][j] = min_of(d[i][j], d[i - 2][j - 2] + 1);
        }
    return d[n][m];
}

const char *cev_nearest(const char *word, const char *const *names, size_t n)
{
    const char *best = NULL;
    size_t best_distance = LONGEST;
    for (size_t i = 0; i < n; i++) {
        size_t k = distance(word, names[i]);
        if (k < best_distance) {
            best_distance = k;
            best = names[i];
        }
    }
    return best && 3 * best_distance <= strlen(best) ? best : NULL;
}
