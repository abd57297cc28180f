/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "profile_careful.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Most of V^-1_ii V_ii, by which the rounding of t V^-1 t grows: the inverse of the share of a shift's variance that
 * others do not have. Where two shifts are almost one, the pulls are the variables. */
#define MOST_INFLATION 1e6

static cev_status check_spec(const cev_profile_spec *spec)
{
    if (spec->n_pull > CEV_PROFILE_MAX_PULLS)
        return cev_fail(CEV_E_INPUT, "%zu pulls in one fit; at most %d are possible", spec->n_pull,
                        CEV_PROFILE_MAX_PULLS);
    for (size_t p = 0; p < spec->n_pull; p++)
        if (!(spec->sigma[p] > 0) || !isnormal(spec->sigma[p] * spec->sigma[p]))
            return cev_fail(CEV_E_INPUT,
                            "the uncertainty of pull %zu is %g; it must be positive, and its square a finite number", p,
                            spec->sigma[p]);
    for (size_t c = 0; c < spec->n_channel; c++) {
        const cev_channel *channel = &spec->channel[c];
        if (channel->n_background + channel->n_shape >= CEV_PROFILE_MAX_COMPONENTS)
            return cev_fail(CEV_E_INPUT,
                            "%zu backgrounds and %zu shapes in one channel; at most %d together are possible",
                            channel->n_background, channel->n_shape, CEV_PROFILE_MAX_COMPONENTS - 1);
        for (size_t i = 0; i < channel->n_background * channel->n_bin; i++)
            if (!(channel->background[i] >= 0) || isinf(channel->background[i]))
                return cev_fail(CEV_E_INPUT, "a background of channel %zu is negative or not finite", c);
        for (size_t i = 0; channel->variance && i < channel->n_bin; i++)
            if (!(channel->variance[i] > 0) || isinf(channel->variance[i]))
                return cev_fail(CEV_E_INPUT, "a variance of channel %zu is not positive or not finite", c);
    }
    for (size_t k = 0; k < spec->n_link; k++) {
        const cev_pull_link *l = &spec->link[k];
        if (l->pull >= spec->n_pull || l->channel >= spec->n_channel ||
            l->component > spec->channel[l->channel].n_background + spec->channel[l->channel].n_shape)
            return cev_fail(CEV_E_INPUT, "pull link %zu points nowhere", k);
    }
    return CEV_OK;
}

/* Joins channels that share a pull: channel[c].group becomes the smallest channel number that c hangs together with. */
static void join_channels(const cev_profile_spec *spec, plan_channel *channel)
{
    for (size_t c = 0; c < spec->n_channel; c++) channel[c].group = c;
    for (size_t a = 0; a < spec->n_link; a++)
        for (size_t b = 0; b < a; b++) {
            if (spec->link[a].pull != spec->link[b].pull) continue;
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

static void collect_pulls(const cev_profile_spec *spec, cev_profile *profile)
{
    size_t local[CEV_PROFILE_MAX_PULLS];
    for (size_t p = 0; p < spec->n_pull; p++) local[p] = SIZE_MAX;
    for (size_t k = 0; k < spec->n_link; k++) {
        const cev_pull_link *l = &spec->link[k];
        plan_channel *channel = &profile->channel[l->channel];
        plan_group *group = &profile->group[channel->group];
        if (local[l->pull] == SIZE_MAX) {
            local[l->pull] = group->n_pull;
            group->sigma[group->n_pull] = spec->sigma[l->pull];
            group->pull[group->n_pull++] = l->pull;
        }
        channel->link[channel->n_link++] = (plan_link){.component = l->component, .variable = local[l->pull]};
        channel->pull_link[channel->n_pull_link++] = channel->link[channel->n_link - 1];
        channel->signal_is_pulled |= l->component == 0;
    }
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

/* Inverse of a positive definite matrix, by Cholesky; false if it is not. */
static bool invert(size_t n, const quad *a, quad *inverse)
{
    quad l[CEV_PROFILE_MAX_PULLS][CEV_PROFILE_MAX_PULLS];
    for (size_t j = 0; j < n; j++)
        for (size_t i = j; i < n; i++) {
            quad sum = a[i * n + j];
            for (size_t k = 0; k < j; k++) sum -= l[i][k] * l[j][k];
            if (i == j && !(sum > 1e-25 * a[j * n + j])) return false;
            l[i][j] = i == j ? cev_quad_root(sum) : sum / l[j][j];
        }
    for (size_t c = 0; c < n; c++) {
        quad x[CEV_PROFILE_MAX_PULLS];
        for (size_t i = 0; i < n; i++) {
            x[i] = i == c;
            for (size_t k = 0; k < i; k++) x[i] -= l[i][k] * x[k];
            x[i] /= l[i][i];
        }
        for (size_t i = n; i-- > 0;) {
            for (size_t k = i + 1; k < n; k++) x[i] -= l[k][i] * x[k];
            x[i] /= l[i][i];
            inverse[i * n + c] = x[i];
        }
    }
    return true;
}

static void use_pulls(plan_group *group)
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
}

/* Shifts t = L a, of covariance V = L diag(sigma^2) L^T; the best pulls for given shifts are diag(sigma^2) L^T V^-1 t.
 * In quadruple precision, so that only the rounding of the results is left. */
static bool use_shifts(plan_group *group, size_t n, const uint64_t *set)
{
    quad covariance[CEV_PROFILE_MAX_PULLS * CEV_PROFILE_MAX_PULLS],
        inverse[CEV_PROFILE_MAX_PULLS * CEV_PROFILE_MAX_PULLS];
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            quad sum = 0;
            for (size_t p = 0; p < group->n_pull; p++)
                if (set[i] & set[j] & ((uint64_t)1 << p)) sum += (quad)group->sigma[p] * group->sigma[p];
            covariance[i * n + j] = sum;
        }
    if (!invert(n, covariance, inverse)) return false;
    for (size_t i = 0; i < n; i++)
        if (inverse[i * n + i] * covariance[i * n + i] > MOST_INFLATION) return false;
    for (size_t k = 0; k < n * n; k++) group->covariance[k] = (double)covariance[k];
    for (size_t k = 0; k < n * n; k++) group->inverse_covariance[k] = (double)inverse[k];
    for (size_t p = 0; p < group->n_pull; p++)
        for (size_t j = 0; j < n; j++) {
            quad sum = 0;
            for (size_t i = 0; i < n; i++)
                if (set[i] & ((uint64_t)1 << p)) sum += inverse[i * n + j];
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

static void choose_variables(cev_profile *profile, plan_group *group)
{
    uint64_t set[CEV_PROFILE_MAX_PULLS];
    size_t n = list_sets(profile, group, group->n_pull, set);
    if (n < group->n_pull && use_shifts(group, n, set))
        link_shifts(profile, group, set);
    else
        use_pulls(group);
}

static cev_status build(const cev_profile_spec *spec, cev_profile *profile)
{
    CEV_TRY(check_spec(spec));
    CEV_TRY(cev_arena_create(&profile->arena));
    profile->n_channel = spec->n_channel;
    profile->n_pull = spec->n_pull;
    CEV_TRY(cev_new(profile->arena, spec->n_channel, &profile->channel));
    CEV_TRY(cev_new(profile->arena, spec->n_channel, &profile->group));
    CEV_TRY(copy_channels(spec, profile));
    for (size_t g = 0; g < spec->n_channel; g++) {
        plan_group *group = &profile->group[g];
        CEV_TRY(cev_new(profile->arena, spec->n_channel, &group->channel));
        CEV_TRY(cev_new(profile->arena, spec->n_pull, &group->pull));
        CEV_TRY(cev_new(profile->arena, spec->n_pull, &group->sigma));
        CEV_TRY(cev_new(profile->arena, spec->n_pull, &group->set));
        CEV_TRY(cev_new(profile->arena, spec->n_pull * spec->n_pull, &group->inverse_covariance));
        CEV_TRY(cev_new(profile->arena, spec->n_pull * spec->n_pull, &group->covariance));
        CEV_TRY(cev_new(profile->arena, spec->n_pull * spec->n_pull, &group->to_pull));
    }
    join_channels(spec, profile->channel);
    collect_channels(profile);
    collect_pulls(spec, profile);
    for (size_t g = 0; g < profile->n_group; g++) {
        choose_variables(profile, &profile->group[g]);
        profile->group[g].first_variable = profile->n_variable;
        profile->n_variable += profile->group[g].n_variable;
    }
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
