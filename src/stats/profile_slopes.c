/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "likelihood_lanes.h"
#include "profile_slopes_plan.h"

/* --- a channel ------------------------------------------------------------------------------------------------ */

static cev_status prepare_channel(cev_arena *arena, const cev_linear_channel *from, const plan_channel *plan,
                                  slopes_channel *c)
{
    size_t n_bin = plan->n_bin, most_rows = from->n_form * (1 + plan->n_shape);
    size_t most_basis = most_rows + plan->n_component - 1;
    c->from = from;
    c->plan = plan;
    c->n_bin = n_bin;
    c->n_shape = plan->n_shape;
    c->n_background = plan->n_component - 1 - plan->n_shape;
    c->most_rows = most_rows;
    c->most_places = most_rows * from->n_form;
    CEV_TRY(cev_new(arena, n_bin, &c->order));
    CEV_TRY(cev_new(arena, c->n_shape, &c->constant_of_shape));
    CEV_TRY(cev_new(arena, most_basis * n_bin, &c->basis));
    CEV_TRY(cev_new(arena, most_basis * n_bin, &c->by_bin));
    CEV_TRY(cev_new(arena, most_basis * (most_basis + 1) / 2 * n_bin, &c->product));
    CEV_TRY(cev_new(arena, n_bin, &c->data));
    CEV_TRY(cev_new(arena, n_bin, &c->inverse_data));
    CEV_TRY(cev_new(arena, n_bin, &c->start_weight));
    if (plan->weight) CEV_TRY(cev_new(arena, n_bin, &c->weight));
    CEV_TRY(cev_new(arena, from->n_form + 1, &c->first));
    CEV_TRY(cev_new(arena, c->most_places, &c->row));
    CEV_TRY(cev_new(arena, (1 + c->n_shape) * c->most_places, &c->share));
    return cev_new(arena, (1 + c->n_shape) * most_rows, &c->row_is_used);
}

static void take_data(slopes_channel *c, const double *data)
{
    size_t n = 0;
    for (int empty = 0; empty < 2; empty++) {
        for (size_t i = 0; i < c->n_bin; i++)
            if ((!c->plan->weight && !(data[i] > LEAST_FULL_DATA)) == empty) c->order[n++] = i;
        if (!empty) c->n_filled = n;
    }
    for (size_t i = 0; i < c->n_bin; i++) {
        double d = c->data[i] = data[c->order[i]];
        c->inverse_data[i] = d > 0 ? 1 / d : 1;
        if (c->weight) c->weight[i] = c->plan->weight[c->order[i]];
        c->start_weight[i] = c->weight ? c->weight[i] : 1 / (d > 1 ? d : 1);
    }
}

/* Where neither the signal nor a background expects anything, shapes of Poisson channels count nothing. */
static bool expects_something(const slopes_channel *c, size_t bin)
{
    for (size_t r = 0; r < c->n_row; r++)
        if (c->row_is_used[r] && c->from->row[r * c->n_bin + bin] != 0) return true;
    for (size_t b = 0; b < c->n_background; b++)
        if (c->plan->background[b * c->n_bin + bin] != 0) return true;
    return c->weight != NULL;
}

static void fill_basis(slopes_channel *c)
{
    const cev_linear_channel *from = c->from;
    size_t n_bin = c->n_bin, k = c->n_row + c->n_background;
    for (size_t s = 0; s < c->n_shape; s++) {
        bool any = false;
        for (size_t i = 0; from->constant && i < n_bin; i++) any |= from->constant[s * n_bin + i] != 0;
        c->constant_of_shape[s] = any ? k++ : SIZE_MAX;
    }
    c->n_basis = k;
    c->n_product = k * (k + 1) / 2;
    for (size_t i = 0; i < n_bin; i++) {
        size_t bin = c->order[i];
        bool live = expects_something(c, bin);
        double *to = c->by_bin + i * c->n_basis;
        for (size_t r = 0; r < c->n_row; r++) to[r] = live ? from->row[r * n_bin + bin] : 0;
        for (size_t b = 0; b < c->n_background; b++) to[c->n_row + b] = c->plan->background[b * n_bin + bin];
        for (size_t s = 0; s < c->n_shape; s++)
            if (c->constant_of_shape[s] != SIZE_MAX)
                to[c->constant_of_shape[s]] = live ? from->constant[s * n_bin + bin] : 0;
        for (size_t b = 0; b < c->n_basis; b++) {
            c->basis[b * n_bin + i] = to[b];
            for (size_t a = 0; a <= b; a++) c->product[i * c->n_product + b * (b + 1) / 2 + a] = to[a] * to[b];
        }
    }
}

static void list_places(slopes_channel *c)
{
    const cev_linear_channel *from = c->from;
    size_t n = 0;
    memset(c->row_is_used, 0, (1 + c->n_shape) * c->most_rows * sizeof *c->row_is_used);
    for (size_t f = 0; f < from->n_form; f++) {
        c->first[f] = n;
        for (size_t r = 0; r < c->n_row; r++) {
            bool any = false;
            for (size_t s = 0; s <= c->n_shape; s++) {
                double w = c->share[s * c->most_places + n] = from->weight[(s * c->n_row + r) * from->n_form + f];
                any |= w != 0;
                c->row_is_used[s * c->most_rows + r] |= w != 0;
            }
            c->row[n] = r;
            n += any;
        }
    }
    c->first[from->n_form] = n;
}

void cev_slopes_refresh(cev_slopes *slopes)
{
    for (size_t k = 0; k < slopes->profile->n_channel; k++) {
        slopes_channel *c = &slopes->channel[k];
        c->n_row = c->from->n_row;
        list_places(c);
        fill_basis(c);
    }
}

/* --- groups ---------------------------------------------------------------------------------------------------- */

static size_t place_of(size_t n, const size_t *list, size_t value)
{
    size_t k = 0;
    while (k < n && list[k] < value) k++;
    return k;
}

static void add_form(slopes_group *group, size_t form)
{
    size_t k = place_of(group->n_form, group->form, form);
    if (k < group->n_form && group->form[k] == form) return;
    memmove(group->form + k + 1, group->form + k, (group->n_form - k) * sizeof *group->form);
    group->form[k] = form;
    group->n_form++;
}

static cev_status prepare_group(cev_arena *arena, const cev_slopes *slopes, const plan_group *plan, slopes_group *group)
{
    size_t most = 0;
    for (size_t k = 0; k < plan->n_channel; k++) most += slopes->channel[plan->channel[k]].from->n_form;
    CEV_TRY(cev_new(arena, most, &group->form));
    CEV_TRY(cev_new(arena, plan->n_channel, &group->place));
    for (size_t k = 0; k < plan->n_channel; k++) {
        const cev_linear_channel *from = slopes->channel[plan->channel[k]].from;
        for (size_t f = 0; f < from->n_form; f++) add_form(group, from->form[f]);
    }
    for (size_t k = 0; k < plan->n_channel; k++) {
        const cev_linear_channel *from = slopes->channel[plan->channel[k]].from;
        CEV_TRY(cev_new(arena, from->n_form, &group->place[k]));
        for (size_t f = 0; f < from->n_form; f++)
            group->place[k][f] = place_of(group->n_form, group->form, from->form[f]);
    }
    return CEV_OK;
}

static cev_status build(const cev_profile *profile, const cev_linear_channel *channel, const double *const *data,
                        cev_slopes *slopes)
{
    CEV_TRY(cev_arena_create(&slopes->arena));
    slopes->profile = profile;
    slopes->data = data;
    CEV_TRY(cev_new(slopes->arena, profile->n_channel, &slopes->channel));
    CEV_TRY(cev_new(slopes->arena, profile->n_group, &slopes->group));
    for (size_t c = 0; c < profile->n_channel; c++) {
        CEV_TRY(prepare_channel(slopes->arena, &channel[c], &profile->channel[c], &slopes->channel[c]));
        take_data(&slopes->channel[c], data[c]);
    }
    for (size_t g = 0; g < profile->n_group; g++)
        CEV_TRY(prepare_group(slopes->arena, slopes, &profile->group[g], &slopes->group[g]));
    cev_slopes_refresh(slopes);
    return CEV_OK;
}

cev_status cev_slopes_create(const cev_profile *profile, const cev_linear_channel *channel, const double *const *data,
                             cev_slopes **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out) return cev_fail(CEV_E_MEMORY, "out of memory");
    cev_status status = build(profile, channel, data, *out);
    if (status != CEV_OK) cev_slopes_destroy(out);
    return status;
}

void cev_slopes_destroy(cev_slopes **slopes)
{
    if (!slopes || !*slopes) return;
    cev_arena_destroy(&(*slopes)->arena);
    free(*slopes);
    *slopes = NULL;
}

/* --- memory of a thread ----------------------------------------------------------------------------------------- */

typedef struct sizes {
    size_t variables, forms, basis, places;
} sizes;

static void enlarge(size_t *most, size_t n)
{
    if (n > *most) *most = n;
}

static sizes largest_sizes(const cev_slopes *slopes)
{
    sizes most = {0};
    for (size_t g = 0; g < slopes->profile->n_group; g++) {
        enlarge(&most.variables, slopes->profile->group[g].n_variable);
        enlarge(&most.forms, slopes->group[g].n_form);
    }
    for (size_t c = 0; c < slopes->profile->n_channel; c++) {
        const slopes_channel *channel = &slopes->channel[c];
        enlarge(&most.basis, channel->most_rows + channel->n_background + channel->n_shape);
        enlarge(&most.places, channel->most_places);
    }
    return most;
}

static cev_status allocate_counts(cev_arena *arena, const slopes_channel *c, slopes_counts *counts, cev_lanes **signal)
{
    CEV_TRY(cev_new(arena, (1 + c->n_shape) * c->n_bin, &counts->component));
    CEV_TRY(cev_new(arena, c->n_bin, &counts->n));
    CEV_TRY(cev_new(arena, c->n_bin, &counts->first));
    CEV_TRY(cev_new(arena, c->n_bin, &counts->second));
    CEV_TRY(cev_new(arena, (1 + c->n_shape) * c->most_rows, &counts->amplitude));
    return cev_new(arena, (1 + c->n_shape) * c->n_bin, signal);
}

static cev_status allocate_scratch(const cev_slopes *slopes, cev_slopes_scratch *s)
{
    const cev_profile *profile = slopes->profile;
    sizes most = largest_sizes(slopes);
    CEV_TRY(cev_arena_create(&s->arena));
    CEV_TRY(cev_profile_scratch_create(profile, &s->profile));
    CEV_TRY(cev_new(s->arena, profile->n_channel, &s->counts));
    CEV_TRY(cev_new(s->arena, profile->n_channel, &s->signal));
    for (size_t c = 0; c < profile->n_channel; c++)
        CEV_TRY(allocate_counts(s->arena, &slopes->channel[c], &s->counts[c], &s->signal[c]));
    cev_lanes **of_variables[] = {&s->base, &s->direction, &s->trial, &s->next, &s->gradient};
    for (size_t k = 0; k < sizeof of_variables / sizeof *of_variables; k++)
        CEV_TRY(cev_new(s->arena, most.variables, of_variables[k]));
    CEV_TRY(cev_new(s->arena, most.variables * most.variables, &s->hessian));
    CEV_TRY(cev_new(s->arena, most.variables * most.variables, &s->positive));
    CEV_TRY(cev_new(s->arena, most.variables, &s->held));
    CEV_TRY(cev_new(s->arena, most.basis, &s->slope));
    CEV_TRY(cev_new(s->arena, most.basis * (most.basis + 1) / 2, &s->triangle));
    CEV_TRY(cev_new(s->arena, most.basis * most.basis, &s->curve));
    CEV_TRY(cev_new(s->arena, most.forms * most.forms, &s->curvature));
    CEV_TRY(cev_new(s->arena, most.places, &s->share));
    CEV_TRY(cev_new(s->arena, most.basis, &s->curve_of_form));
    CEV_TRY(cev_new(s->arena, most.forms, &s->form_gradient));
    CEV_TRY(cev_new(s->arena, most.variables * most.forms, &s->mixed));
    CEV_TRY(cev_new(s->arena, most.variables * most.forms, &s->positive_mixed));
    CEV_TRY(cev_new(s->arena, profile->n_variable, &s->variable));
    CEV_TRY(cev_new(s->arena, profile->n_group, &s->group_chi2));
    return cev_new(s->arena, profile->n_pull, &s->given);
}

cev_status cev_slopes_scratch_create(const cev_slopes *slopes, cev_slopes_scratch **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out) return cev_fail(CEV_E_MEMORY, "out of memory");
    cev_status status = allocate_scratch(slopes, *out);
    if (status != CEV_OK) cev_slopes_scratch_destroy(out);
    return status;
}

void cev_slopes_scratch_destroy(cev_slopes_scratch **scratch)
{
    if (!scratch || !*scratch) return;
    cev_profile_scratch_destroy(&(*scratch)->profile);
    cev_arena_destroy(&(*scratch)->arena);
    free(*scratch);
    *scratch = NULL;
}

void cev_slopes_block(const cev_slopes *slopes, cev_slopes_scratch *scratch, const cev_lanes *form,
                      const cev_lanes *given, const cev_lanes *start, cev_slopes_result *result)
{
    slopes->profile->slopes(slopes, scratch, form, given, start, result);
}
