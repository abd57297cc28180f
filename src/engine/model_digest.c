/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What makes two hosts' models the same: everything that was folded by integrals and functions of the host's libraries.
 * The rest of an evaluation adds, multiplies, divides and takes roots, which IEEE 754 leaves no choice in. */
#include "model_parts.h"

enum { SPANS_OF_EXPERIMENT = 4, SPANS_OF_SHAPE = 3 };

static void add(cev_span *span, size_t *n, const void *data, size_t size)
{
    span[(*n)++] = (cev_span){.data = data, .size = size};
}

static void add_rows(cev_span *span, size_t *n, const row_set *rows, size_t n_bin)
{
    add(span, n, &rows->n_row, sizeof rows->n_row);
    add(span, n, rows->counts, rows->n_row * n_bin * sizeof *rows->counts);
}

static void add_experiment(cev_span *span, size_t *n, const model_experiment *part)
{
    const cev_templates *t = &part->templates;
    add(span, n, t->counts, t->n_row * t->n_bin * sizeof *t->counts);
    add_rows(span, n, &part->rows, t->n_bin);
    for (size_t s = 0; s < part->n_shape; s++) {
        add_rows(span, n, &part->shape[s].rows, t->n_bin);
        if (part->shape[s].background)
            add(span, n, part->shape[s].background, t->n_bin * sizeof *part->shape[s].background);
    }
    for (size_t j = 0; part->nodes && j < part->nodes->n; j++) add_experiment(span, n, &part->nodes->part[j]);
    for (size_t b = 0; b < part->experiment->n_background; b++)
        add(span, n, part->experiment->background[b].counts, t->n_bin * sizeof *t->counts);
}

static size_t most_spans(const model_experiment *part)
{
    size_t n = SPANS_OF_EXPERIMENT + SPANS_OF_SHAPE * part->n_shape + part->experiment->n_background;
    for (size_t j = 0; part->nodes && j < part->nodes->n; j++) n += most_spans(&part->nodes->part[j]);
    return n;
}

static cev_status digest_in(cev_arena *arena, const cev_model *model, cev_digest *out)
{
    size_t most = 0, n = 0;
    cev_span *span;
    for (size_t e = 0; e < model->n_experiment; e++) most += most_spans(&model->experiment[e]);
    CEV_TRY(cev_new(arena, most, &span));
    for (size_t e = 0; e < model->n_experiment; e++) add_experiment(span, &n, &model->experiment[e]);
    return cev_digest_spans(span, n, out);
}

cev_status cev_model_digest(const cev_model *model, cev_digest *out)
{
    cev_arena *arena = NULL;
    cev_status status = cev_arena_create(&arena);
    if (status == CEV_OK) status = digest_in(arena, model, out);
    cev_arena_destroy(&arena);
    return status;
}
