/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/interaction.h"

#include <string.h>

const cev_interaction *const cev_interactions[] = {
    &cev_interaction_nsi,
    &cev_interaction_eft,
    &cev_interaction_vector,
    &cev_interaction_vector_universal,
    &cev_interaction_vector_b_minus_l,
    &cev_interaction_vector_lmu_minus_ltau,
    &cev_interaction_scalar,
    &cev_interaction_axial,
    &cev_interaction_tensor,
};
const size_t cev_n_interactions = sizeof cev_interactions / sizeof *cev_interactions;

cev_status cev_interaction_in_matter(cev_arena *arena, const cev_interaction *interaction, const cev_interaction **out)
{
    cev_interaction *copy;
    cev_parameter *parameter;
    size_t n = interaction->card.n_parameter;
    CEV_TRY(cev_new(arena, 1, &copy));
    CEV_TRY(cev_new(arena, n, &parameter));
    memcpy(copy, interaction, sizeof *copy);
    memcpy(parameter, interaction->card.parameters, n * sizeof *parameter);
    for (size_t p = 0; p < n; p++) {
        parameter[p].slow |= parameter[p].in_matter;
        parameter[p].only_zero |= parameter[p].mixes_flavours;
    }
    copy->card.parameters = parameter;
    *out = copy;
    return CEV_OK;
}

double cev_cross_section_cm2_per_keV(const cev_interaction *interaction, size_t term, const cev_nucleus *nucleus,
                                     const cev_form_factor *form_factor, double energy_MeV, double recoil_keV,
                                     const double *theta)
{
    const cev_kinematics *k = interaction->kinematics(term, theta);
    double mass_MeV = cev_nucleus_mass_MeV(nucleus), recoil_MeV = recoil_keV / CEV_KEV_PER_MEV;
    if (recoil_MeV >= cev_recoil_max_MeV(k->limit, mass_MeV, energy_MeV)) return 0;
    return interaction->factor_cm2_per_keV(term, nucleus, form_factor, recoil_keV, theta) *
           cev_kinematics_value(k, mass_MeV, energy_MeV, recoil_MeV);
}

double cev_vector_strength_cm2_per_keV(const cev_nucleus *nucleus)
{
    double g_f = CEV_FERMI_CONSTANT_PER_MEV2, per_MeV3 = g_f * g_f * cev_nucleus_mass_MeV(nucleus) / CEV_PI;
    return per_MeV3 * CEV_HBARC_MEV_FM * CEV_HBARC_MEV_FM * CEV_CM2_PER_FM2 / CEV_KEV_PER_MEV;
}
