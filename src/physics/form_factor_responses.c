/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Form factor "responses": those of the shell model, from the table of nuclear_responses.c. */
#include <math.h>

#include "cevscan/form_factor.h"
#include "cevscan/nuclear_responses.h"

typedef struct isospin_response {
    double value[CEV_N_ISOSPINS];
} isospin_response;

const cev_nuclear_responses *cev_nuclear_responses_of(const cev_nucleus *nucleus)
{
    for (size_t k = 0; k < cev_n_nuclear_responses; k++) {
        const cev_nuclear_responses *r = &cev_nuclear_responses_table[k];
        if (r->protons == nucleus->protons && r->neutrons == nucleus->neutrons) return r;
    }
    return NULL;
}

static bool knows(const cev_nucleus *nucleus)
{
    return cev_nuclear_responses_of(nucleus) != NULL;
}

/* y = (q b/2)^2 with the oscillator length b of the A nucleons. */
static double oscillator_y(const cev_nucleus *nucleus, double q_per_fm)
{
    double root = cbrt(nucleus->protons + nucleus->neutrons);
    double b2 = 41.467 / (45 / root - 25 / (root * root));
    return q_per_fm * q_per_fm * b2 / 4;
}

double cev_nuclear_response_at(const double *coefficient, const cev_nucleus *nucleus, double q_per_fm)
{
    double y = oscillator_y(nucleus, q_per_fm), sum = 0;
    for (int k = CEV_RESPONSE_COEFFICIENTS; k-- > 0;) sum = sum * y + coefficient[k];
    return exp(-2 * y) * sum;
}

static isospin_response evaluate(const double coefficient[CEV_N_ISOSPINS][CEV_RESPONSE_COEFFICIENTS],
                                 const cev_nucleus *nucleus, double q_per_fm)
{
    isospin_response r;
    for (int t = 0; t < CEV_N_ISOSPINS; t++) r.value[t] = cev_nuclear_response_at(coefficient[t], nucleus, q_per_fm);
    return r;
}

/* c_0^2 W00 + 2 c_0 c_1 W01 + c_1^2 W11, sorted by c_p and c_n. */
static cev_nuclear_response by_nucleons(const isospin_response *w)
{
    double sum = (w->value[CEV_ISOSCALAR] + w->value[CEV_ISOVECTOR]) / 4, mixed = w->value[CEV_MIXED_ISOSPIN] / 2;
    return (cev_nuclear_response){.pp = sum + mixed,
                                  .nn = sum - mixed,
                                  .pn = (w->value[CEV_ISOSCALAR] - w->value[CEV_ISOVECTOR]) / 4};
}

static cev_nuclear_response coherent(const cev_form_factor *form_factor, const cev_nucleus *nucleus, double q_per_fm)
{
    (void)form_factor;
    const cev_nuclear_responses *r = cev_nuclear_responses_of(nucleus);
    isospin_response w = evaluate(r->coherent, nucleus, q_per_fm);
    cev_nuclear_response out = by_nucleons(&w);
    double f = 4 * CEV_PI / (r->twice_spin + 1), z = nucleus->protons, n = nucleus->neutrons;
    return (cev_nuclear_response){.pp = f * out.pp / (z * z), .pn = f * out.pn / (z * n), .nn = f * out.nn / (n * n)};
}

static cev_nuclear_response axial(const cev_form_factor *form_factor, const cev_nucleus *nucleus, double q_per_fm)
{
    (void)form_factor;
    const cev_nuclear_responses *r = cev_nuclear_responses_of(nucleus);
    isospin_response w = evaluate(r->axial, nucleus, q_per_fm);
    cev_nuclear_response out = by_nucleons(&w);
    double f = 4 * CEV_PI / (r->twice_spin + 1);
    return (cev_nuclear_response){.pp = f * out.pp, .pn = f * out.pn, .nn = f * out.nn};
}

/* S_00(0) from the preferred spins, or from W_Sigma'^00(0) = 8/3 S_00(0). */
static double isoscalar_at_rest(const cev_nuclear_responses *r)
{
    double j = r->twice_spin / 2.0;
    if (r->spin_isoscalar == 0) return 3.0 / 8 * r->axial[CEV_ISOSCALAR][0];
    return (2 * j + 1) * (j + 1) / (4 * CEV_PI * j) * r->spin_isoscalar * r->spin_isoscalar;
}

cev_spin_structure cev_spin_structure_at(const cev_nucleus *nucleus, double q_per_fm)
{
    const cev_nuclear_responses *r = cev_nuclear_responses_of(nucleus);
    if (!r || r->twice_spin == 0) return (cev_spin_structure){0};
    const double *transverse = r->axial[CEV_ISOSCALAR], *longitudinal = r->axial_longitudinal[CEV_ISOSCALAR];
    double s_00 = isoscalar_at_rest(r);
    return (cev_spin_structure){.transverse = 2.0 / 3 * s_00 * cev_nuclear_response_at(transverse, nucleus, q_per_fm) /
                                              transverse[0],
                                .longitudinal = 1.0 / 3 * s_00 *
                                                cev_nuclear_response_at(longitudinal, nucleus, q_per_fm) /
                                                longitudinal[0]};
}

const cev_form_factor_kind cev_form_factor_responses = {
    .card =
        {
            .name = "responses",
            .title = "Responses of the nuclear shell model, coherent and axial, for protons and neutrons",
            .citation = "arXiv:1308.6288, 1203.3542, 1501.03729, 2007.08529; see nuclear_responses.c for each isotope",
        },
    .knows = knows,
    .coherent = coherent,
    .axial = axial,
};
