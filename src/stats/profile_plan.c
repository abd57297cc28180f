/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "profile_careful.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Joins channels that share a pull, or whose pulls are correlated: channel[c].group becomes the smallest channel number
 * that c hangs together with. A pull that acts nowhere joins nothing: of what its partners have to do with each other,
 * nothing changes when it is minimised over. */
static void join_channels(const cev_profile_spec *spec, const cev_profile *profile)
{
    plan_channel *channel = profile->channel;
    for (size_t c = 0; c < spec->n_channel; c++) channel[c].group = c;
    for (size_t a = 0; a < spec->n_link; a++)
        for (size_t b = 0; b < a; b++) {
            if (!cev_profile_correlated(profile, spec->link[a].pull, spec->link[b].pull)) continue;
            size_t one = channel[spec->link[a].channel].group, other = channel[spec->link[b].channel].group;
            size_t low = one < other ? one : other, high = one < other ? other : one;
            for (size_t c = 0; c < spec->n_channel; c++)
                if (channel[c].group == high) channel[c].group = low;
        }
}

static cev_status copy_weights(cev_arena *arena, const cev_channel *from, plan_channel *to)
{
    double *weight;
    if (!from->variance) return CEV_OK;
    CEV_TRY(cev_new(arena, from->n_bin, &weight));
    for (size_t i = 0; i < from->n_bin; i++) weight[i] = 1 / from->variance[i];
    to->weight = weight;
    return CEV_OK;
}

static cev_status copy_channels(const cev_profile_spec *spec, cev_profile *profile)
{
    for (size_t c = 0; c < spec->n_channel; c++) {
        const cev_channel *from = &spec->channel[c];
        size_t n = from->n_background * from->n_bin;
        double *background;
        CEV_TRY(cev_new(profile->arena, n, &background));
        if (n) memcpy(background, from->background, n * sizeof *background);
        plan_channel *to = &profile->channel[c];
        to->n_bin = from->n_bin;
        to->n_component = 1 + from->n_background + from->n_shape;
        to->n_shape = from->n_shape;
        to->background = background;
        CEV_TRY(copy_weights(profile->arena, from, to));
        CEV_TRY(cev_new(profile->arena, spec->n_link, &to->link));
        CEV_TRY(cev_new(profile->arena, spec->n_link, &to->pull_link));
        CEV_TRY(cev_new(profile->arena, spec->n_link, &to->term));
    }
    return CEV_OK;
}

static void collect_channels(cev_profile *profile)
{
    for (size_t c = 0; c < profile->n_channel; c++) {
        plan_channel *channel = &profile->channel[c];
        /* The smallest channel of a group comes first, and opens it; the others follow that one's number. */
        channel->group = channel->group == c ? profile->n_group++ : profile->channel[channel->group].group;
        plan_group *group = &profile->group[channel->group];
        group->linear = channel->weight && (group->n_channel == 0 || group->linear);
        group->channel[group->n_channel++] = c;
    }
}

static void add_to_group(const cev_profile_spec *spec, plan_group *group, size_t pull, size_t *local)
{
    if (local[pull] != SIZE_MAX) return;
    local[pull] = group->n_pull;
    group->sigma[group->n_pull] = spec->sigma[pull];
    group->pull[group->n_pull++] = pull;
}

/* Pulls that act nowhere, but say something of others by their correlations, or have to count because they are given:
 * the latter with the first group. */
static void collect_idle_pulls(const cev_profile_spec *spec, cev_profile *profile, size_t *local)
{
    for (size_t p = 0; p < spec->n_pull && profile->n_group; p++)
        if (local[p] == SIZE_MAX && profile->prior[p].given) add_to_group(spec, &profile->group[0], p, local);
    for (size_t g = 0; g < profile->n_group; g++)
        for (size_t k = 0; k < profile->group[g].n_pull; k++) /* grows on the way */
            for (size_t q = 0; q < spec->n_pull; q++)
                if (cev_profile_correlated(profile, profile->group[g].pull[k], q))
                    add_to_group(spec, &profile->group[g], q, local);
}

static void collect_pulls(const cev_profile_spec *spec, cev_profile *profile)
{
    size_t local[CEV_PROFILE_MAX_PULLS];
    for (size_t p = 0; p < spec->n_pull; p++) local[p] = SIZE_MAX;
    for (size_t k = 0; k < spec->n_link; k++) {
        const cev_pull_link *l = &spec->link[k];
        plan_channel *channel = &profile->channel[l->channel];
        add_to_group(spec, &profile->group[channel->group], l->pull, local);
        plan_link link = {.component = l->component, .variable = local[l->pull]};
        channel->link[channel->n_link++] = link;
        channel->pull_link[channel->n_pull_link++] = link;
        channel->term[channel->n_term++] = (plan_term){.component = l->component,
                                                       .variable = local[l->pull],
                                                       .weight = l->weight == 0 ? 1 : l->weight,
                                                       .power = l->power == 0 ? 1 : l->power};
        channel->signal_is_pulled |= l->component == 0;
    }
    collect_idle_pulls(spec, profile, local);
}

/* --- variables -------------------------------------------------------------------------------------------------- */

/* The pulls on a component, one bit each. */
static uint64_t pulls_on(const plan_channel *channel, size_t component)
{
    uint64_t bits = 0;
    for (size_t l = 0; l < channel->n_link; l++)
        if (channel->link[l].component == component) bits |= (uint64_t)1 << channel->link[l].variable;
    return bits;
}

/* The different sets of pulls that components of a group are under; their number may exceed `most`, but no more than
 * that are kept. */
static size_t list_sets(const cev_profile *profile, const plan_group *group, size_t most, uint64_t *set)
{
    size_t n = 0;
    for (size_t k = 0; k < group->n_channel; k++) {
        const plan_channel *channel = &profile->channel[group->channel[k]];
        for (size_t c = 0; c < channel->n_component; c++) {
            uint64_t bits = pulls_on(channel, c);
            size_t v = 0;
            while (v < n && set[v] != bits) v++;
            if (bits == 0 || v < n) continue;
            if (n == most) return most + 1;
            set[n++] = bits;
        }
    }
    return n;
}

static cev_status use_correlated_pulls(cev_profile *profile, plan_group *group)
{
    quad covariance[CEV_PROFILE_MAX_PULLS * CEV_PROFILE_MAX_PULLS] = {0},
                                            inverse[CEV_PROFILE_MAX_PULLS * CEV_PROFILE_MAX_PULLS];
    size_t n = group->n_pull;
    for (size_t p = 0; p < n; p++)
        for (size_t q = 0; q < n; q++)
            covariance[p * n + q] = cev_pull_covariance(profile, group->pull[p], group->pull[q]);
    if (!cev_quad_invert(n, covariance, inverse))
        return cev_fail(CEV_E_INPUT, "correlations are not positive definite");
    for (size_t k = 0; k < n * n; k++) group->covariance[k] = (double)covariance[k];
    for (size_t k = 0; k < n * n; k++) group->inverse_covariance[k] = (double)inverse[k];
    group->all_careful = cev_is_inflated(n, covariance, inverse);
    return CEV_OK;
}

static cev_status use_pulls(cev_profile *profile, plan_group *group)
{
    size_t n = group->n_variable = group->n_pull;
    memset(group->covariance, 0, n * n * sizeof *group->covariance);
    memset(group->inverse_covariance, 0, n * n * sizeof *group->inverse_covariance);
    memset(group->to_pull, 0, n * n * sizeof *group->to_pull);
    for (size_t p = 0; p < n; p++) {
        double sigma = group->sigma[p];
        group->set[p] = (uint64_t)1 << p;
        group->covariance[p * n + p] = sigma * sigma;
        group->inverse_covariance[p * n + p] = 1 / (sigma * sigma);
        group->to_pull[p * n + p] = 1;
    }
    return group->root ? use_correlated_pulls(profile, group) : CEV_OK;
}

/* Covariance of a pull with the sum of those in a set, in units of its own variance. */
static quad share_of(const cev_profile *profile, const plan_group *group, size_t p, uint64_t set)
{
    quad sum = 0, own = cev_pull_covariance(profile, group->pull[p], group->pull[p]);
    for (size_t q = 0; q < group->n_pull; q++)
        if (set & (uint64_t)1 << q) sum += cev_pull_covariance(profile, group->pull[p], group->pull[q]);
    return sum / own;
}

static quad covariance_of_sets(const cev_profile *profile, const plan_group *group, uint64_t one, uint64_t other)
{
    quad sum = 0;
    for (size_t p = 0; p < group->n_pull; p++)
        for (size_t q = 0; q < group->n_pull; q++)
            if (one & (uint64_t)1 << p && other & (uint64_t)1 << q)
                sum += cev_pull_covariance(profile, group->pull[p], group->pull[q]);
    return sum;
}

/* Shifts t = L a, of covariance V = L C L^T, C that of the pulls; the best pulls for given shifts are C L^T V^-1 t. In
 * quadruple precision, so that only the rounding of the results is left. */
static bool use_shifts(const cev_profile *profile, plan_group *group, size_t n, const uint64_t *set)
{
    quad covariance[CEV_PROFILE_MAX_PULLS * CEV_PROFILE_MAX_PULLS],
        inverse[CEV_PROFILE_MAX_PULLS * CEV_PROFILE_MAX_PULLS];
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) covariance[i * n + j] = covariance_of_sets(profile, group, set[i], set[j]);
    if (!cev_quad_invert(n, covariance, inverse)) return false;
    if (cev_is_inflated(n, covariance, inverse)) return false; /* two shifts are almost one */
    for (size_t k = 0; k < n * n; k++) group->covariance[k] = (double)covariance[k];
    for (size_t k = 0; k < n * n; k++) group->inverse_covariance[k] = (double)inverse[k];
    for (size_t p = 0; p < group->n_pull; p++)
        for (size_t j = 0; j < n; j++) {
            quad sum = 0;
            for (size_t i = 0; i < n; i++) sum += inverse[i * n + j] * share_of(profile, group, p, set[i]);
            group->to_pull[p * n + j] = (double)(sum * group->sigma[p] * group->sigma[p]);
        }
    memcpy(group->set, set, n * sizeof *set);
    group->n_variable = n;
    return true;
}

static void link_shifts(cev_profile *profile, const plan_group *group, const uint64_t *set)
{
    for (size_t k = 0; k < group->n_channel; k++) {
        plan_channel *channel = &profile->channel[group->channel[k]];
        plan_link link[CEV_PROFILE_MAX_COMPONENTS];
        size_t n = 0;
        for (size_t c = 0; c < channel->n_component; c++)
            for (size_t v = 0; v < group->n_variable; v++)
                if (pulls_on(channel, c) == set[v]) link[n++] = (plan_link){.component = c, .variable = v};
        memcpy(channel->link, link, n * sizeof *link);
        channel->n_link = n;
    }
}

static cev_status choose_variables(cev_profile *profile, plan_group *group)
{
    uint64_t set[CEV_PROFILE_MAX_PULLS];
    size_t n = list_sets(profile, group, group->n_pull, set);
    if (n >= group->n_pull || !use_shifts(profile, group, n, set)) return use_pulls(profile, group);
    link_shifts(profile, group, set);
    return CEV_OK;
}

/* The terms of a group that is not general are its links. */
static void lay_out_terms(cev_profile *profile, const plan_group *group)
{
    for (size_t k = 0; k < group->n_channel; k++) {
        plan_channel *channel = &profile->channel[group->channel[k]];
        channel->n_term = channel->n_link;
        for (size_t l = 0; l < channel->n_link; l++)
            channel->term[l] = (plan_term){channel->link[l].component, channel->link[l].variable, 1, 1};
    }
}

static cev_status finish_group(cev_profile *profile, plan_group *group)
{
    CEV_TRY(cev_profile_lay_out_general(profile, group));
    if (group->inside) CEV_TRY(choose_variables(profile, group->inside));
    if (!group->general) {
        CEV_TRY(choose_variables(profile, group));
        lay_out_terms(profile, group);
    }
    group->first_variable = profile->n_variable;
    profile->n_variable += group->n_variable;
    return CEV_OK;
}

cev_status cev_plan_group_allocate(cev_arena *arena, size_t n_pull, plan_group *group)
{
    CEV_TRY(cev_new(arena, n_pull, &group->set));
    CEV_TRY(cev_new(arena, n_pull * n_pull, &group->inverse_covariance));
    CEV_TRY(cev_new(arena, n_pull * n_pull, &group->covariance));
    return cev_new(arena, n_pull * n_pull, &group->to_pull);
}

static cev_status build(const cev_profile_spec *spec, cev_profile *profile)
{
    CEV_TRY(cev_profile_check(spec));
    CEV_TRY(cev_arena_create(&profile->arena));
    profile->n_channel = spec->n_channel;
    profile->n_pull = spec->n_pull;
    CEV_TRY(cev_new(profile->arena, spec->n_channel, &profile->channel));
    CEV_TRY(cev_new(profile->arena, spec->n_channel, &profile->group));
    CEV_TRY(copy_channels(spec, profile));
    CEV_TRY(cev_profile_copy_priors(spec, profile));
    for (size_t g = 0; g < spec->n_channel; g++) {
        plan_group *group = &profile->group[g];
        CEV_TRY(cev_new(profile->arena, spec->n_channel, &group->channel));
        CEV_TRY(cev_new(profile->arena, spec->n_pull, &group->pull));
        CEV_TRY(cev_new(profile->arena, spec->n_pull, &group->sigma));
        CEV_TRY(cev_plan_group_allocate(profile->arena, spec->n_pull, group));
    }
    join_channels(spec, profile);
    collect_channels(profile);
    collect_pulls(spec, profile);
    for (size_t g = 0; g < profile->n_group; g++) CEV_TRY(finish_group(profile, &profile->group[g]));
    return cev_profile_use_level(profile, cev_level_best());
}

cev_status cev_profile_create(const cev_profile_spec *spec, cev_profile **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out) return cev_fail(CEV_E_MEMORY, "out of memory");
    cev_status status = build(spec, *out);
    if (status != CEV_OK) cev_profile_destroy(out);
    return status;
}

void cev_profile_destroy(cev_profile **profile)
{
    if (!profile || !*profile) return;
    cev_arena_destroy(&(*profile)->arena);
    free(*profile);
    *profile = NULL;
}

size_t cev_profile_n_variable(const cev_profile *profile)
{
    return profile->n_variable;
}

size_t cev_profile_n_group(const cev_profile *profile)
{
    return profile->n_group;
}

size_t cev_profile_group_of_channel(const cev_profile *profile, size_t channel)
{
    return profile->channel[channel].group;
}

static cev_status allocate_scratch(const cev_profile *profile, cev_profile_scratch *scratch)
{
    size_t most = 0;
    for (size_t g = 0; g < profile->n_group; g++)
        if (profile->group[g].n_variable > most) most = profile->group[g].n_variable;
    CEV_TRY(cev_arena_create(&scratch->arena));
    CEV_TRY(cev_new(scratch->arena, most, &scratch->base));
    CEV_TRY(cev_new(scratch->arena, most, &scratch->direction));
    CEV_TRY(cev_new(scratch->arena, most, &scratch->trial));
    CEV_TRY(cev_new(scratch->arena, most, &scratch->gradient));
    CEV_TRY(cev_new(scratch->arena, most * most, &scratch->hessian));
    CEV_TRY(cev_new(scratch->arena, most * most, &scratch->factor));
    CEV_TRY(cev_new(scratch->arena, profile->n_channel, &scratch->signal));
    CEV_TRY(cev_careful_scratch_create(scratch->arena, profile, &scratch->careful));
    CEV_TRY(cev_new(scratch->arena, CEV_LANES * profile->n_pull, &scratch->careful_pull));
    CEV_TRY(cev_new(scratch->arena, profile->n_channel, &scratch->careful_predicted));
    CEV_TRY(cev_new(scratch->arena, profile->n_channel, &scratch->scaled));
    CEV_TRY(cev_new(scratch->arena, profile->n_channel, &scratch->inverse_data));
    CEV_TRY(cev_new(scratch->arena, profile->n_channel, &scratch->inverse));
    for (size_t c = 0; c < profile->n_channel; c++) {
        const plan_channel *channel = &profile->channel[c];
        CEV_TRY(cev_new(scratch->arena, channel->n_bin, &scratch->inverse[c]));
        if (channel->signal_is_pulled || channel->n_shape)
            CEV_TRY(cev_new(scratch->arena, (1 + channel->n_shape) * channel->n_bin * CEV_LANES, &scratch->scaled[c]));
    }
    return CEV_OK;
}

cev_status cev_profile_scratch_create(const cev_profile *profile, cev_profile_scratch **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out) return cev_fail(CEV_E_MEMORY, "out of memory");
    cev_status status = allocate_scratch(profile, *out);
    if (status != CEV_OK) cev_profile_scratch_destroy(out);
    return status;
}

void cev_profile_scratch_destroy(cev_profile_scratch **scratch)
{
    if (!scratch || !*scratch) return;
    cev_arena_destroy(&(*scratch)->arena);
    free(*scratch);
    *scratch = NULL;
}
