/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Templates sorted into the rows that coefficients are contracted with. */
#include <string.h>

#include "model_parts.h"

static size_t coefficient_source_of(model_experiment *part, const cev_template_row *row)
{
    coefficient_source key = {row->nucleus, part->experiment->source.kind->components[row->source_component].flavour};
    size_t s = 0;
    while (s < part->n_coefficient_source && memcmp(&part->source_of_coefficients[s], &key, sizeof key)) s++;
    if (s == part->n_coefficient_source) part->source_of_coefficients[part->n_coefficient_source++] = key;
    return s;
}

/* Adds the row to those of its coefficient source, if it counts anything. */
static void keep_row(row_set *rows, size_t n_term, size_t n_bin, size_t s, const double *counts, size_t term)
{
    size_t *place = &rows->row_of_term[s * n_term + term];
    *place = NO_ROW;
    bool empty = true;
    for (size_t i = 0; i < n_bin; i++) empty &= counts[i] == 0;
    if (empty) return;
    for (size_t t = 0; t < term && *place == NO_ROW; t++) {
        size_t other = rows->row_of_term[s * n_term + t];
        if (other != NO_ROW && !memcmp(rows->counts + other * n_bin, counts, n_bin * sizeof *counts)) *place = other;
    }
    if (*place != NO_ROW) return;
    *place = rows->n_row++;
    memcpy(rows->counts + *place * n_bin, counts, n_bin * sizeof *counts);
}

/* Source components of one flavour scatter with the same coefficient: their rows become one. Terms of the signal are
 * ordered by nucleus, then flavour, then the interaction's term. */
void cev_model_sort_rows(size_t n_term, model_experiment *part, const cev_templates *t, row_set *rows)
{
    size_t n_bin = t->n_bin;
    memset(part->sum, 0, t->n_row * n_bin * sizeof *part->sum);
    for (size_t r = 0; r < t->n_row; r++) {
        double *to = part->sum + (coefficient_source_of(part, &t->row[r]) * n_term + t->row[r].term) * n_bin;
        for (size_t i = 0; i < n_bin; i++) to[i] += t->counts[r * n_bin + i];
    }
    rows->n_row = 0;
    for (size_t s = 0; s < part->n_coefficient_source; s++)
        for (size_t term = 0; term < n_term; term++)
            keep_row(rows, n_term, n_bin, s, part->sum + (s * n_term + term) * n_bin, term);
}

cev_status cev_model_new_rows(cev_arena *arena, const cev_templates *templates, row_set *rows)
{
    CEV_TRY(cev_new(arena, templates->n_row, &rows->row_of_term));
    return cev_new(arena, templates->n_row * templates->n_bin, &rows->counts);
}
