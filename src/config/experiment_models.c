/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The models that an experiment chooses by name. */
#include "experiment_parts.h"

#define FAMILY(kind)                                                                                                   \
    static const cev_card *kind##_card(size_t k)                                                                       \
    {                                                                                                                  \
        return k < cev_n_##kind##_kinds ? &cev_##kind##_kinds[k]->card : NULL;                                         \
    }                                                                                                                  \
    const cev_family cev_##kind##_family

FAMILY(source) = {.what = "source", .card = source_card};
FAMILY(form_factor) = {.what = "form factor", .card = form_factor_card};
FAMILY(quenching) = {.what = "quenching", .card = quenching_card};
FAMILY(smearing) = {.what = "smearing", .card = smearing_card};
FAMILY(efficiency) = {.what = "efficiency", .card = efficiency_card};
FAMILY(beam) = {.what = "beam", .card = beam_card};

/* Of a response made of pieces; of a table. */
static const cev_key response_nested[] = {
    {.name = "quenching", .type = CEV_KEY_NODE, .model = &cev_quenching_family},
    {.name = "smearing", .type = CEV_KEY_NODE, .model = &cev_smearing_family},
    {.name = "efficiency", .type = CEV_KEY_NODE, .model = &cev_efficiency_family},
    {.name = "recoil_keV", .type = CEV_KEY_NODE},
    {.name = "bins", .type = CEV_KEY_NODE},
};

FAMILY(response) = {.what = "response",
                    .card = response_card,
                    .nested = response_nested,
                    .n_nested = CEV_LENGTH(response_nested)};

cev_status cev_check_source(cev_arena *arena, cev_node node, cev_source *source)
{
    const char *complaint = source->kind->complaint ? source->kind->complaint(source) : NULL;
    if (complaint) return cev_node_fail(node, "source \"%s\": %s", source->kind->card.name, complaint);
    return cev_source_prepare(arena, source);
}

/* Protons in all know no years; a study would let years vary and nothing would change. */
static cev_status check_years(cev_node node)
{
    cev_node years = cev_node_find(node, "years");
    if (!years.id || !cev_node_find(node, "protons_on_target").id) return CEV_OK;
    return cev_node_fail(years, "key \"years\": changes nothing beside \"protons_on_target\", which are all that there "
                                "were; give \"protons_per_year\", or leave it out");
}

cev_status cev_read_source(cev_arena *arena, cev_node node, cev_source *out)
{
    CEV_TRY(check_years(node));
    READ_KIND(node, &cev_source_family, cev_source_kinds, out);
    return cev_check_source(arena, node, out);
}
