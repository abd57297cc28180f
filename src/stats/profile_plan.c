/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "profile_plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static cev_status check_spec(const cev_profile_spec *spec)
{
    if (spec->n_pull > CEV_PROFILE_MAX_PULLS)
        return cev_fail(CEV_E_INPUT, "%zu pulls in one fit; at most %d are possible", spec->n_pull, CEV_PROFILE_MAX_PULLS);
    for (size_t p = 0; p < spec->n_pull; p++)
        if (!(spec->sigma[p] > 0) || !isnormal(spec->sigma[p] * spec->sigma[p]))
            return cev_fail(CEV_E_INPUT, "the uncertainty of pull %zu is %g; it must be positive, and its square a finite number", p,
                            spec->sigma[p]);
    for (size_t c = 0; c < spec->n_channel; c++) {
        const cev_channel *channel = &spec->channel[c];
        if (channel->n_background >= CEV_PROFILE_MAX_COMPONENTS)
            return cev_fail(CEV_E_INPUT, "%zu backgrounds in one channel; at most %d are possible", channel->n_background,
                            CEV_PROFILE_MAX_COMPONENTS - 1);
        for (size_t i = 0; i < channel->n_background * channel->n_bin; i++)
            if (!(channel->background[i] >= 0) || isinf(channel->background[i]))
                return cev_fail(CEV_E_INPUT, "a background of channel %zu is negative or not finite", c);
    }
    for (size_t k = 0; k < spec->n_link; k++) {
        const cev_pull_link *l = &spec->link[k];
        if (l->pull >= spec->n_pull || l->channel >= spec->n_channel ||
            l->component > spec->channel[l->channel].n_background)
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
        to->n_component = from->n_background + 1;
        to->background = background;
        CEV_TRY(cev_new(profile->arena, spec->n_link, &to->link));
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
            group->pull[group->n_pull] = l->pull;
            group->inverse_variance[group->n_pull++] = 1 / (spec->sigma[l->pull] * spec->sigma[l->pull]);
        }
        channel->link[channel->n_link++] = (plan_link){.component = l->component, .pull = local[l->pull]};
    }
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
        CEV_TRY(cev_new(profile->arena, spec->n_pull, &group->inverse_variance));
    }
    join_channels(spec, profile->channel);
    collect_channels(profile);
    collect_pulls(spec, profile);
    return CEV_OK;
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
        if (profile->group[g].n_pull > most) most = profile->group[g].n_pull;
    CEV_TRY(cev_arena_create(&scratch->arena));
    CEV_TRY(cev_new(scratch->arena, most, &scratch->base));
    CEV_TRY(cev_new(scratch->arena, most, &scratch->direction));
    CEV_TRY(cev_new(scratch->arena, most, &scratch->trial));
    CEV_TRY(cev_new(scratch->arena, most, &scratch->gradient));
    return cev_new(scratch->arena, most * most, &scratch->hessian);
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
