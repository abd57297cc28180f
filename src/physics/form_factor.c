/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/form_factor.h"

#include <gsl/gsl_sf_bessel.h>
#include <math.h>

/* 3 j1(x)/x -> 1 as x -> 0; the series keeps all digits where j1(x)/x would divide two small numbers. */
static double sphere(double x)
{
    return x < 1e-3 ? 1 - x * x / 10 : 3 * gsl_sf_bessel_j1(x) / x;
}

enum { HELM_SKIN_THICKNESS_FM };

static const cev_parameter helm_parameters[] = {
    {.name = "skin_thickness_fm",
     .unit = "fm",
     .label = "s",
     .help = "surface thickness s",
     .default_value = 0.9,
     .minimum = 0,
     .maximum = 3},
};

/* R0^2 = 5/3 (R^2 - 3 s^2) makes the rms radius R; a nucleus smaller than its skin is all skin. */
static double helm(double skin_fm, double rms_radius_fm, double q_per_fm)
{
    double box2 = 5.0 / 3 * (rms_radius_fm * rms_radius_fm - 3 * skin_fm * skin_fm);
    double box = box2 > 0 ? sqrt(box2) : 0;
    return sphere(q_per_fm * box) * exp(-q_per_fm * q_per_fm * skin_fm * skin_fm / 2);
}

static cev_nuclear_response product(double proton, double neutron)
{
    return (cev_nuclear_response){.pp = proton * proton, .pn = proton * neutron, .nn = neutron * neutron};
}

static cev_nuclear_response helm_coherent(const cev_form_factor *form_factor, const cev_nucleus *nucleus,
                                          double q_per_fm)
{
    double skin_fm = form_factor->parameter[HELM_SKIN_THICKNESS_FM],
           proton = helm(skin_fm, nucleus->rms_radius_p_fm, q_per_fm);
    bool alike = nucleus->rms_radius_p_fm == nucleus->rms_radius_n_fm;
    return product(proton, alike ? proton : helm(skin_fm, nucleus->rms_radius_n_fm, q_per_fm));
}

enum { LS_SKIN_THICKNESS_FM, LS_DIFFUSENESS_FM };

static const cev_parameter lewin_smith_parameters[] = {
    {.name = "skin_thickness_fm",
     .unit = "fm",
     .label = "s",
     .help = "surface thickness s",
     .default_value = 0.9,
     .minimum = 0,
     .maximum = 3},
    {.name = "diffuseness_fm",
     .unit = "fm",
     .label = "a",
     .help = "a of the Fermi distribution that R_0 is fitted to",
     .default_value = 0.52,
     .minimum = 0,
     .maximum = 3},
};

/* R_0^2 = c^2 + 7/3 pi^2 a^2 - 5 s^2, c = 1.23 A^(1/3) - 0.60 fm. */
static cev_nuclear_response lewin_smith_coherent(const cev_form_factor *form_factor, const cev_nucleus *nucleus,
                                                 double q_per_fm)
{
    double s = form_factor->parameter[LS_SKIN_THICKNESS_FM], a = form_factor->parameter[LS_DIFFUSENESS_FM];
    double c = 1.23 * cbrt(nucleus->protons + nucleus->neutrons) - 0.60;
    double box2 = c * c + 7.0 / 3 * CEV_PI * CEV_PI * a * a - 5 * s * s;
    double f = sphere(q_per_fm * (box2 > 0 ? sqrt(box2) : 0)) * exp(-q_per_fm * q_per_fm * s * s / 2);
    return product(f, f);
}

enum { KN_RANGE_FM, KN_RADIUS_COEFFICIENT_FM };

static const cev_parameter klein_nystrand_parameters[] = {
    {.name = "range_fm",
     .unit = "fm",
     .label = "a",
     .help = "range a of the Yukawa potential",
     .default_value = 0.7,
     .minimum = 0,
     .maximum = 3},
    {.name = "radius_coefficient_fm",
     .unit = "fm",
     .label = "r_0",
     .help = "hard radius R_A = r_0 A^(1/3)",
     .default_value = 1.23,
     .minimum = 0.5,
     .maximum = 2},
};

static cev_nuclear_response klein_nystrand(const cev_form_factor *form_factor, const cev_nucleus *nucleus,
                                           double q_per_fm)
{
    double radius = form_factor->parameter[KN_RADIUS_COEFFICIENT_FM] * cbrt(nucleus->protons + nucleus->neutrons);
    double qa = q_per_fm * form_factor->parameter[KN_RANGE_FM];
    double f = sphere(q_per_fm * radius) / (1 + qa * qa);
    return product(f, f);
}

static cev_nuclear_response point(const cev_form_factor *form_factor, const cev_nucleus *nucleus, double q_per_fm)
{
    (void)form_factor, (void)nucleus, (void)q_per_fm;
    return product(1, 1);
}

static const char *const radii[] = {"rms_radius_fm", "rms_radius_p_fm", "rms_radius_n_fm", NULL};

static const cev_form_factor_kind helm_kind = {
    .card =
        {
            .name = "helm",
            .title = "Helm: a box folded with a Gaussian skin, from the rms radii of protons and neutrons",
            .citation = "R. H. Helm, Phys. Rev. 104 (1956) 1466",
            .parameters = helm_parameters,
            .n_parameter = sizeof helm_parameters / sizeof *helm_parameters,
        },
    .needs_radius = true,
    .nucleus_keys = radii,
    .coherent = helm_coherent,
};
static const cev_form_factor_kind lewin_smith_kind = {
    .card =
        {
            .name = "helm_lewin_smith",
            .title = "Helm with the box radius of a fit to Fermi distributions, for every nucleus",
            .citation = "J. D. Lewin, P. F. Smith, Astropart. Phys. 6 (1996) 87, eqs. 4.7 and 4.11",
            .parameters = lewin_smith_parameters,
            .n_parameter = sizeof lewin_smith_parameters / sizeof *lewin_smith_parameters,
        },
    .coherent = lewin_smith_coherent,
};
static const cev_form_factor_kind klein_nystrand_kind = {
    .card =
        {
            .name = "klein_nystrand",
            .title = "Klein-Nystrand: a hard sphere folded with a Yukawa potential",
            .citation = "S. Klein, J. Nystrand, Phys. Rev. C 60 (1999) 014903",
            .parameters = klein_nystrand_parameters,
            .n_parameter = sizeof klein_nystrand_parameters / sizeof *klein_nystrand_parameters,
        },
    .coherent = klein_nystrand,
};
static const cev_form_factor_kind point_kind = {
    .card =
        {
            .name = "point",
            .title = "Point-like nucleus, F = 1",
            .citation = "D. Z. Freedman, Phys. Rev. D 9 (1974) 1389",
        },
    .coherent = point,
};

const cev_form_factor_kind *const cev_form_factor_kinds[] = {&helm_kind, &lewin_smith_kind, &klein_nystrand_kind,
                                                             &cev_form_factor_responses, &point_kind};
const size_t cev_n_form_factor_kinds = sizeof cev_form_factor_kinds / sizeof *cev_form_factor_kinds;

double cev_momentum_transfer_per_fm(const cev_nucleus *nucleus, double recoil_keV)
{
    return sqrt(2 * cev_nucleus_mass_MeV(nucleus) * recoil_keV / CEV_KEV_PER_MEV) / CEV_HBARC_MEV_FM;
}

cev_nuclear_response cev_coherent_at_recoil(const cev_form_factor *form_factor, const cev_nucleus *nucleus,
                                            double recoil_keV)
{
    return form_factor->kind->coherent(form_factor, nucleus, cev_momentum_transfer_per_fm(nucleus, recoil_keV));
}

cev_nuclear_response cev_axial_at_recoil(const cev_form_factor *form_factor, const cev_nucleus *nucleus,
                                         double recoil_keV)
{
    if (!form_factor->kind->axial) return (cev_nuclear_response){0};
    return form_factor->kind->axial(form_factor, nucleus, cev_momentum_transfer_per_fm(nucleus, recoil_keV));
}
