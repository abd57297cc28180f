/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/nearest.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { LONGEST = 64, SHORTEST_BEGINNING = 4 };

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

/* The shortest name that begins with what may be half of it. */
static const char *completion(const char *word, const char *const *names, size_t n)
{
    const char *best = NULL;
    size_t length = strlen(word);
    for (size_t i = 0; i < n && length >= SHORTEST_BEGINNING; i++)
        if (!strncasecmp(names[i], word, length) && (!best || strlen(names[i]) < strlen(best))) best = names[i];
    return best;
}

const char *cev_nearest(const char *word, const char *const *names, size_t n)
{
    const char *best = completion(word, names, n);
    size_t best_distance = LONGEST;
    if (best) return best;
    for (size_t i = 0; i < n; i++) {
        size_t k = distance(word, names[i]);
        if (k < best_distance && 3 * k <= strlen(names[i])) { /* a long name may be far from what was meant as it */
            best_distance = k;
            best = names[i];
        }
    }
    return best;
}
