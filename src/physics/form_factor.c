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
    {.name = "skin_thickness_fm", .unit = "fm", .label = "s", .help = "surface thickness s",
     .default_value = 0.9, .minimum = 0, .maximum = 3},
};

/* R0^2 = 5/3 (R^2 - 3 s^2) makes the rms radius R; a nucleus smaller than its skin is all skin. */
static double helm(const cev_form_factor *form_factor, const cev_nucleus *nucleus, double q_per_fm)
{
    double s = form_factor->parameter[HELM_SKIN_THICKNESS_FM], rms = nucleus->rms_radius_fm;
    double box2 = 5.0 / 3 * (rms * rms - 3 * s * s);
    double box = box2 > 0 ? sqrt(box2) : 0;
    return sphere(q_per_fm * box) * exp(-q_per_fm * q_per_fm * s * s / 2);
}

enum { KN_RANGE_FM, KN_RADIUS_COEFFICIENT_FM };

static const cev_parameter klein_nystrand_parameters[] = {
    {.name = "range_fm", .unit = "fm", .label = "a", .help = "range a of the Yukawa potential",
     .default_value = 0.7, .minimum = 0, .maximum = 3},
    {.name = "radius_coefficient_fm", .unit = "fm", .label = "r_0", .help = "hard radius R_A = r_0 A^(1/3)",
     .default_value = 1.23, .minimum = 0.5, .maximum = 2},
};

static double klein_nystrand(const cev_form_factor *form_factor, const cev_nucleus *nucleus, double q_per_fm)
{
    double radius = form_factor->parameter[KN_RADIUS_COEFFICIENT_FM] * cbrt(nucleus->protons + nucleus->neutrons);
    double qa = q_per_fm * form_factor->parameter[KN_RANGE_FM];
    return sphere(q_per_fm * radius) / (1 + qa * qa);
}

static double point(const cev_form_factor *form_factor, const cev_nucleus *nucleus, double q_per_fm)
{
    (void)form_factor, (void)nucleus, (void)q_per_fm;
    return 1;
}

static const cev_form_factor_kind helm_kind = {
    .card =
        {
            .name = "helm",
            .title = "Helm: a box folded with a Gaussian skin, from the rms radius",
            .citation = "R. H. Helm, Phys. Rev. 104 (1956) 1466",
            .parameters = helm_parameters,
            .n_parameter = sizeof helm_parameters / sizeof *helm_parameters,
        },
    .value = helm,
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
    .value = klein_nystrand,
};
static const cev_form_factor_kind point_kind = {
    .card =
        {
            .name = "point",
            .title = "Point-like nucleus, F = 1",
            .citation = "D. Z. Freedman, Phys. Rev. D 9 (1974) 1389",
        },
    .value = point,
};

const cev_form_factor_kind *const cev_form_factor_kinds[] = {&helm_kind, &klein_nystrand_kind, &point_kind};
const size_t cev_n_form_factor_kinds = sizeof cev_form_factor_kinds / sizeof *cev_form_factor_kinds;

double cev_form_factor_at_recoil(const cev_form_factor *form_factor, const cev_nucleus *nucleus, double recoil_keV)
{
    double q_MeV = sqrt(2 * cev_nucleus_mass_MeV(nucleus) * recoil_keV / CEV_KEV_PER_MEV);
    return form_factor->kind->value(form_factor, nucleus, q_MeV / CEV_HBARC_MEV_FM);
}
