/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Physical constants. CODATA 2018 is E. Tiesinga et al., Rev. Mod. Phys. 93 (2021) 025010; PDG is R. L. Workman et
 * al., PTEP 2022 (2022) 083C01. */
#ifndef CEVSCAN_CONSTANTS_H
#define CEVSCAN_CONSTANTS_H

#define CEV_FERMI_CONSTANT_PER_MEV2 1.1663787e-11 /* G_F, PDG */
#define CEV_HBARC_MEV_FM 197.3269804              /* CODATA 2018 */
#define CEV_ATOMIC_MASS_UNIT_MEV 931.49410242     /* CODATA 2018 */
#define CEV_AVOGADRO_PER_MOL 6.02214076e23        /* SI, exact */
#define CEV_MUON_MASS_MEV 105.6583755             /* CODATA 2018 */
#define CEV_PROTON_MASS_MEV 938.27208816          /* CODATA 2018 */
#define CEV_NEUTRON_MASS_MEV 939.56542052         /* CODATA 2018 */
#define CEV_CHARGED_PION_MASS_MEV 139.57039       /* PDG */
#define CEV_CHARGED_PION_LIFETIME_US 0.026033     /* PDG */
#define CEV_MUON_LIFETIME_US 2.1969811            /* PDG */
#define CEV_SIN2_THETA_W_ZERO_MOMENTUM 0.23867    /* MSbar, q -> 0: Erler, Ramsey-Musolf, PRD 72 (2005) 073003 */

#define CEV_PI 3.14159265358979323846
#define CEV_CM2_PER_FM2 1e-26
#define CEV_KEV_PER_MEV 1e3

#endif
