/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Form factor "responses": those of the shell model, from the table of nuclear_responses.c. */
#include <math.h>

#include "cevscan/form_factor.h"
#include "cevscan/nuclear_responses.h"

typedef struct isospin_response {
    double value[CEV_N_ISOSPINS];
} isospin_response;

static const cev_nuclear_responses *entry_of(const cev_nucleus *nucleus)
{
    for (size_t k = 0; k < cev_n_nuclear_responses; k++) {
        const cev_nuclear_responses *r = &cev_nuclear_responses_table[k];
        if (r->protons == nucleus->protons && r->neutrons == nucleus->neutrons) return r;
    }
    return NULL;
}

static bool knows(const cev_nucleus *nucleus)
{
    return entry_of(nucleus) != NULL;
}

/* y = (q b/2)^2 with the oscillator length b of the A nucleons. */
static double oscillator_y(const cev_nucleus *nucleus, double q_per_fm)
{
    double root = cbrt(nucleus->protons + nucleus->neutrons);
    double b2 = 41.467 / (45 / root - 25 / (root * root));
    return q_per_fm * q_per_fm * b2 / 4;
}

static isospin_response evaluate(const double coefficient[CEV_N_ISOSPINS][CEV_RESPONSE_COEFFICIENTS], double y)
{
    isospin_response r;
    for (int t = 0; t < CEV_N_ISOSPINS; t++) {
        double sum = 0;
        for (int k = CEV_RESPONSE_COEFFICIENTS; k-- > 0;) sum = sum * y + coefficient[t][k];
        r.value[t] = exp(-2 * y) * sum;
    }
    return r;
}

/* c_0^2 W00 + 2 c_0 c_1 W01 + c_1^2 W11, sorted by c_p and c_n. */
static cev_nuclear_response by_nucleons(const isospin_response *w)
{
    double sum = (w->value[CEV_ISOSCALAR] + w->value[CEV_ISOVECTOR]) / 4, mixed = w->value[CEV_MIXED_ISOSPIN] / 2;
    return (cev_nuclear_response){.pp = sum + mixed, .nn = sum - mixed,
                                  .pn = (w->value[CEV_ISOSCALAR] - w->value[CEV_ISOVECTOR]) / 4};
}

static cev_nuclear_response coherent(const cev_form_factor *form_factor, const cev_nucleus *nucleus, double q_per_fm)
{
    (void)form_factor;
    const cev_nuclear_responses *r = entry_of(nucleus);
    isospin_response w = evaluate(r->coherent, oscillator_y(nucleus, q_per_fm));
    cev_nuclear_response out = by_nucleons(&w);
    double f = 4 * CEV_PI / (r->twice_spin + 1), z = nucleus->protons, n = nucleus->neutrons;
    return (cev_nuclear_response){.pp = f * out.pp / (z * z), .pn = f * out.pn / (z * n), .nn = f * out.nn / (n * n)};
}

static cev_nuclear_response axial(const cev_form_factor *form_factor, const cev_nucleus *nucleus, double q_per_fm)
{
    (void)form_factor;
    const cev_nuclear_responses *r = entry_of(nucleus);
    isospin_response w = evaluate(r->axial, oscillator_y(nucleus, q_per_fm));
    cev_nuclear_response out = by_nucleons(&w);
    double f = 4 * CEV_PI / (r->twice_spin + 1);
    return (cev_nuclear_response){.pp = f * out.pp, .pn = f * out.pn, .nn = f * out.nn};
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
