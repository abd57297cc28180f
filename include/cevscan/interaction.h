/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Neutrino-nucleus interactions, as coefficients times shapes.
 *
 * The cross section of flavour a on a nucleus is
 *     dsigma/dT = sum_k c_k(theta; a, nucleus) f_k(T; nucleus, slow parameters) K_k(E, T),
 * with coefficients c that know no energy, factors f that know the recoil and the slow parameters, and kinematics K
 * that know nothing but energies. Templates are made of f and K once; a grid point costs the coefficients and one
 * contraction.
 *
 * To add an interaction: one file interaction_NAME.c with one const cev_interaction, one line in interaction.c. Its
 * forms, which fits over its parameters want, are written with the helpers of src/physics/forms.h in a table or a few
 * lines; without them it can be scanned, but none of its parameters profiled. */
#ifndef CEVSCAN_INTERACTION_H
#define CEVSCAN_INTERACTION_H

#include "cevscan/arena.h"
#include "cevscan/flavour.h"
#include "cevscan/form_factor.h"
#include "cevscan/kinematics.h"
#include "cevscan/lanes.h"
#include "cevscan/nucleus.h"
#include "cevscan/parameter.h"
#include "cevscan/quark_couplings.h"

/* Forms: the few functions of the parameters in which all coefficients are linear, whatever nucleus and flavour,
 *     c_k(theta; a, nucleus) = sum_f w_kf(a, nucleus) F_f(theta).
 * Counts are linear in them, too. So a fit over couplings looks at chi2 as a function of forms, of which there are few
 * and which need no bins, and at couplings as what makes forms; both have exact derivatives. Products such as g^2 Q_u
 * are forms, so that weights know no parameter. What the slow parameters do by changing templates, and what a source's
 * flux does, is not in them. */
typedef struct cev_forms {
    size_t n; /* at most CEV_MAX_FORMS */

    /* F_f at theta[n_parameter], into form[n]. */
    void (*value)(const double *theta, double *form);

    /* dF_f/dtheta_p into first[n_free][n], and d2F_f/dtheta_p dtheta_q into second[n_free][n_free][n], for the
     * parameters p = free[n_free], each of them once, in any order; zero for those that coefficients do not
     * read. */
    void (*derivatives)(const double *theta, size_t n_free, const size_t *free, double *first, double *second);

    /* w_kf into weight[n_term][n]. */
    void (*weights)(const cev_nucleus *nucleus, cev_flavour flavour, double *weight);

    /* Whether the forms are three symmetric matrices (uu, ud, dd) in turn, one for each flavour a, each of them the sum
     * of y_ab y_ab^T over three vectors y_ab = (theta_u, theta_d) + origin: then b = 0, 1, 2 has the parameters
     * vector[a][b][0] and [1], and origin[a][b] says whether the standard model's vector, y0 of origin_at(), is
     * added. */
    bool matrices;
    size_t vector[CEV_N_FLAVOURS][3][2];
    bool origin[CEV_N_FLAVOURS][3];
    void (*origin_at)(const double *theta, double y0[2]);
} cev_forms;

enum { CEV_MAX_FORMS = 24 };

typedef struct cev_interaction {
    cev_card card; /* the defaults of its parameters are the standard model */
    size_t n_term; /* number of k, at most CEV_MAX_TERMS */

    /* K_k; theta[n_parameter]: only the slow parameters may be read, here and in the next. */
    const cev_kinematics *(*kinematics)(size_t term, const double *theta);

    /* f_k in cm^2 per keV for unit coefficient, at recoil_keV >= 0. */
    double (*factor_cm2_per_keV)(size_t term, const cev_nucleus *nucleus, const cev_form_factor *form_factor,
                                 double recoil_keV, const double *theta);

    /* c_k for a block of points: theta[n_parameter] and coefficient[n_term] hold one value per lane each. */
    void (*coefficients)(const cev_nucleus *nucleus, cev_flavour flavour, const cev_lanes *theta,
                         cev_lanes *coefficient);

    /* NULL: this interaction has none, and none of its parameters can be profiled. The test of all forms
     * (tests/unit/forms.c) compares them with `coefficients`, and their derivatives with differences. */
    const cev_forms *forms;

    /* The couplings to the matter that neutrinos pass on their way, those of the scattering, read from the parameters
     * that are `in_matter`. NULL: they have none that a potential could be made of. */
    void (*quark_couplings)(const double *theta, cev_quark_couplings *couplings);
} cev_interaction;

enum { CEV_MAX_TERMS = 12 };

/* All interactions: "nsi", "eft", "vector", "vector_universal", "vector_b_minus_l", "vector_lmu_minus_ltau", "scalar",
 * "axial", "tensor". */
extern const cev_interaction *const cev_interactions[];
extern const size_t cev_n_interactions;

extern const cev_interaction cev_interaction_nsi;
extern const cev_interaction cev_interaction_eft;
extern const cev_interaction cev_interaction_vector, cev_interaction_vector_universal, cev_interaction_vector_b_minus_l,
    cev_interaction_vector_lmu_minus_ltau;
extern const cev_interaction cev_interaction_scalar, cev_interaction_axial, cev_interaction_tensor;

/* The interaction where sources propagate neutrinos with its couplings to quarks. Those within a flavour change the
 * spectra: they become slow. Those between flavours may be zero only: neutrinos would arrive as a coherent mixture of
 * flavours, and coefficients are those of one flavour at a time. Lives in the arena. The interaction must have
 * quark_couplings. */
cev_status cev_interaction_in_matter(cev_arena *arena, const cev_interaction *interaction, const cev_interaction **out);

/* f_k K_k in cm^2 per keV; zero beyond the kinematic limit. For tests and plots: templates are folded from the two
 * apart. */
double cev_cross_section_cm2_per_keV(const cev_interaction *interaction, size_t term, const cev_nucleus *nucleus,
                                     const cev_form_factor *form_factor, double energy_MeV, double recoil_keV,
                                     const double *theta);

/* G_F^2 M/pi in cm^2 per keV of recoil: what vector currents with charges of order one are multiplied with. */
double cev_vector_strength_cm2_per_keV(const cev_nucleus *nucleus);

/* Parameters that interactions with the Z boson share, for their tables. */
#define CEV_PARAMETER_SIN2_THETA_W(value)                                                                              \
    {                                                                                                                  \
        .name = "sin2_theta_w", .unit = "", .label = "\\sin^2\\theta_W",                                               \
        .help = "weak mixing angle at low momentum transfer", .default_value = (value), .minimum = -1, .maximum = 2,   \
        .convention = true                                                                                             \
    }
#define CEV_PARAMETER_RECOIL_TERM(value)                                                                               \
    {                                                                                                                  \
        .name = "recoil_term", .unit = "", .label = "T/E",                                                             \
        .help = "1: with the term -T/E of the cross section; 0: without", .default_value = (value), .minimum = 0,      \
        .maximum = 1, .slow = true, .whole = true, .convention = true                                                  \
    }

/* The flux of solar 8B neutrinos, in place of the sources' own; read by the engine. */
#define CEV_PARAMETER_FLUX_B8                                                                                          \
    {                                                                                                                  \
        .name = "flux_b8", .unit = "1/cm^2/s", .label = "\\phi(^8\\mathrm{B})",                                        \
        .help = "8B neutrinos of all flavours, in place of the source's flux_per_cm2_s",                               \
        .default_value = __builtin_nan(""), .minimum = 0, .maximum = 1e20, .optional = true                            \
    }

/* One rms radius of the neutrons, in place of those of all nuclei; read by the folding. */
#define CEV_PARAMETER_NEUTRON_RADIUS                                                                                   \
    {                                                                                                                  \
        .name = "neutron_radius_fm", .unit = "fm", .label = "R_n",                                                     \
        .help = "rms radius of the neutrons, in place of the nuclei's own", .default_value = __builtin_nan(""),        \
        .minimum = 0, .maximum = 20, .optional = true, .slow = true                                                    \
    }

#endif
