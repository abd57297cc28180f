/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Light mediators: the cross sections of arXiv:2411.11749 written out once more, and their limits. */
#include "coherent.h"

#include "cevscan/nuclear_responses.h"

static const cev_interaction *const mediators[] = {&cev_interaction_vector,
                                                   &cev_interaction_vector_universal,
                                                   &cev_interaction_vector_b_minus_l,
                                                   &cev_interaction_vector_lmu_minus_ltau,
                                                   &cev_interaction_scalar,
                                                   &cev_interaction_axial,
                                                   &cev_interaction_tensor};
static const cev_nucleus nuclei[] = {{"Xe132", 54, 78, 132, 4.7, 4.9}, {"Xe129", 54, 75, 129, 4.7, 4.9},
                                     {"Xe131", 54, 77, 131, 4.7, 4.9}, {"I", 53, 74, 126.9, 4.75, 4.94},
                                     {"Ar", 18, 22, 39.95, 3.4, 3.4},  {"H", 1, 0, 1.008, 0.8, 0}};
static const long double pi = 3.14159265358979323846L, fermi = 1.1663787e-11L, unit_MeV = 931.49410242L,
                         hbarc = 197.3269804L;

typedef struct setting {
    const cev_interaction *of;
    double theta[CEV_MAX_MODEL_PARAMETERS];
} setting;

static setting standard(const cev_interaction *of)
{
    setting s = {.of = of};
    cev_parameter_defaults(of->card.parameters, of->card.n_parameter, s.theta);
    return s;
}

static double *at(setting *s, const char *name)
{
    return &s->theta[parameter_of(s->of, name)];
}

static setting with(const cev_interaction *of, double mass_MeV, double coupling)
{
    setting s = standard(of);
    *at(&s, "mediator_mass_MeV") = mass_MeV;
    *at(&s, "coupling") = coupling;
    return s;
}

/* What the library says: the sum of coefficients and terms. */
static double cross_section(const setting *s, const cev_nucleus *nucleus, const cev_form_factor *form_factor,
                            cev_flavour flavour, double energy_MeV, double recoil_keV)
{
    cev_lanes theta[CEV_MAX_MODEL_PARAMETERS], c[CEV_MAX_TERMS];
    for (size_t p = 0; p < s->of->card.n_parameter; p++)
        for (int l = 0; l < CEV_LANES; l++) theta[p][l] = s->theta[p];
    s->of->coefficients(nucleus, flavour, theta, c);
    double sum = 0;
    for (size_t k = 0; k < s->of->n_term; k++)
        sum += c[k][0] *
               cev_cross_section_cm2_per_keV(s->of, k, nucleus, form_factor, energy_MeV, recoil_keV, s->theta);
    return sum;
}

/* --- the formulas again ----------------------------------------------------------------------------------------- */

typedef struct place {
    const cev_nucleus *nucleus;
    const cev_form_factor *form_factor;
    long double e, t, m, q2; /* MeV */
    cev_nuclear_response f;
    cev_spin_structure s;
} place;

static place place_at(const cev_nucleus *nucleus, const cev_form_factor *form_factor, double energy_MeV,
                      double recoil_keV)
{
    place p = {.nucleus = nucleus,
               .form_factor = form_factor,
               .e = energy_MeV,
               .t = recoil_keV / 1000.0L,
               .m = nucleus->mass_u * unit_MeV};
    p.q2 = 2 * p.m * p.t;
    p.f = cev_coherent_at_recoil(form_factor, nucleus, recoil_keV);
    p.s = cev_spin_structure_at(nucleus, (double)(sqrtl(p.q2) / hbarc));
    return p;
}

static long double cm2_per_keV(long double per_MeV3)
{
    return per_MeV3 * hbarc * hbarc * 1e-26L / 1000;
}

/* G_F^2 m/pi K [(Q_p + x_p) F_p + (Q_n + x_n) F_n]^2 */
static long double vector_by_hand(const place *p, long double sin2, long double x_p, long double x_n, bool recoil_term)
{
    long double q_p = p->nucleus->protons * (1 - 4 * sin2) / 2 + x_p, q_n = -p->nucleus->neutrons / 2.0L + x_n;
    long double k = 1 - p->m * p->t / (2 * p->e * p->e) - (recoil_term ? p->t / p->e : 0);
    return cm2_per_keV(fermi * fermi * p->m / pi * k *
                       (q_p * q_p * p->f.pp + 2 * q_p * q_n * p->f.pn + q_n * q_n * p->f.nn));
}

/* g^2 Q_nu (2 Q_u + Q_d), (Q_u + 2 Q_d), over sqrt(2) G_F (M^2 + q^2), for all protons and all neutrons. */
static long double mediated_by_hand(const setting *s, const place *p, cev_flavour flavour)
{
    static const char *const charge[CEV_N_FLAVOURS] = {"charge_e", "charge_mu", "charge_tau"};
    setting copy = *s;
    long double u = *at(&copy, "charge_u"), d = *at(&copy, "charge_d"), nu = *at(&copy, charge[flavour]),
                g = *at(&copy, "coupling"), mass = *at(&copy, "mediator_mass_MeV"),
                strength = g * g * nu / (sqrtl(2) * fermi * (mass * mass + p->q2));
    return vector_by_hand(p, *at(&copy, "sin2_theta_w"), strength * p->nucleus->protons * (2 * u + d),
                          strength * p->nucleus->neutrons * (u + 2 * d), *at(&copy, "recoil_term") > 0);
}

static long double propagator(const setting *s, const place *p)
{
    setting copy = *s;
    long double mass = *at(&copy, "mediator_mass_MeV"), g = *at(&copy, "coupling");
    return powl(g, 4) / powl(mass * mass + p->q2, 2);
}

static long double scalar_by_hand(const setting *s, const place *p)
{
    long double q_p = p->nucleus->protons * (0.0208L * 938.27208816L / 2.16L + 0.0411L * 938.27208816L / 4.67L);
    long double q_n = p->nucleus->neutrons * (0.0189L * 939.56542052L / 2.16L + 0.0451L * 939.56542052L / 4.67L);
    long double q2 = q_p * q_p * p->f.pp + 2 * q_p * q_n * p->f.pn + q_n * q_n * p->f.nn;
    return cm2_per_keV(p->m * p->m * p->t * propagator(s, p) * q2 / (4 * pi * p->e * p->e));
}

static long double twice_spin_plus_1(const cev_nucleus *nucleus)
{
    const cev_nuclear_responses *r = cev_nuclear_responses_of(nucleus);
    return r ? r->twice_spin + 1 : 1;
}

static long double axial_by_hand(const setting *s, const place *p)
{
    setting copy = *s;
    long double h = *at(&copy, "quark_spin");
    return cm2_per_keV(2 * p->m / twice_spin_plus_1(p->nucleus) * propagator(s, p) *
                       (2 + p->m * p->t / (p->e * p->e) - 2 * p->t / p->e) * h * h * p->s.transverse);
}

static long double tensor_by_hand(const setting *s, const place *p)
{
    setting copy = *s;
    long double d = *at(&copy, "tensor_charge"), s_t = d * d * p->s.transverse, s_l = d * d * p->s.longitudinal;
    long double transverse = (2 - p->m * p->t / (p->e * p->e) - 2 * p->t / p->e) * s_t,
                longitudinal = (1 - p->t / p->e) * s_l;
    bool as_printed = *at(&copy, "as_printed") > 0;
    return cm2_per_keV((as_printed ? 1 : 8) * p->m / twice_spin_plus_1(p->nucleus) * propagator(s, p) *
                       (transverse + (as_printed ? 1 : 4) * longitudinal));
}

static long double by_hand(const setting *s, const place *p, cev_flavour flavour)
{
    setting copy = *s;
    long double sm = vector_by_hand(p, *at(&copy, "sin2_theta_w"), 0, 0, *at(&copy, "recoil_term") > 0);
    if (s->of == &cev_interaction_scalar) return sm + scalar_by_hand(s, p);
    if (s->of == &cev_interaction_axial) return sm + axial_by_hand(s, p);
    if (s->of == &cev_interaction_tensor) return sm + tensor_by_hand(s, p);
    return mediated_by_hand(s, p, flavour);
}

/* --- identities ------------------------------------------------------------------------------------------------- */

static setting random_setting(gsl_rng *r, const cev_interaction *of)
{
    setting s = with(of, chance(r, 0.2) ? 0 : log_uniform(r, 1e-3, 1e6), 0);
    double mass = *at(&s, "mediator_mass_MeV");
    *at(&s, "coupling") = sqrt((double)fermi * (mass * mass + 1e3)) * log_uniform(r, 1e-3, 1e2);
    *at(&s, "sin2_theta_w") = uniform(r, 0, 0.5);
    *at(&s, "recoil_term") = chance(r, 0.5);
    if (of == &cev_interaction_vector)
        for (const char *const *name =
                 (const char *const[]){"charge_u", "charge_d", "charge_e", "charge_mu", "charge_tau", NULL};
             *name; name++)
            *at(&s, *name) = uniform(r, -2, 2);
    if (of == &cev_interaction_tensor) *at(&s, "as_printed") = chance(r, 0.5);
    return s;
}

static void cross_sections_are_as_written(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(41);
    const cev_form_factor helm = form_factor_called("helm"), responses = form_factor_called("responses");
    for (int k = 0; k < 4000; k++) {
        const cev_nucleus *nucleus = &nuclei[whole(r, 0, LENGTH(nuclei) - 1)];
        const cev_form_factor *f = chance(r, 0.5) || !responses.kind->knows(nucleus) ? &helm : &responses;
        setting s = random_setting(r, mediators[whole(r, 0, LENGTH(mediators) - 1)]);
        double energy = log_uniform(r, 1, 50), mass = nucleus->mass_u * (double)unit_MeV;
        double recoil_keV = 1e3 * 2 * energy * energy / (mass + 2 * energy) * uniform(r, 0.01, 0.98);
        cev_flavour flavour = (cev_flavour)whole(r, 0, 2);
        place p = place_at(nucleus, f, energy, recoil_keV);
        /* relative to what cancels */
        double size = (double)fabsl(vector_by_hand(&p, 0.25L, 0, 0, false)) + (double)fabsl(by_hand(&s, &p, flavour));
        double q = sqrt((double)p.q2) / (double)hbarc;
        assert_true(q > 0);
        assert_close(cross_section(&s, nucleus, f, flavour, energy, recoil_keV), (double)by_hand(&s, &p, flavour),
                     1e-10 * size);
    }
    gsl_rng_free(r);
}

/* S_00(0) of 129Xe and 131Xe from the spins of P. Klos et al., Phys. Rev. D 88 (2013) 083516; zero without spin. */
static void spin_structure_at_rest(void **state)
{
    (void)state;
    double s129 = 2 * 1.5 / (4 * CEV_PI * 0.5) * 0.339 * 0.339, s131 = 4 * 2.5 / (4 * CEV_PI * 1.5) * 0.281 * 0.281;
    assert_relative(cev_spin_structure_at(&nuclei[1], 0).transverse, 2.0 / 3 * s129, 1e-12);
    assert_relative(cev_spin_structure_at(&nuclei[1], 0).longitudinal, 1.0 / 3 * s129, 1e-12);
    assert_relative(cev_spin_structure_at(&nuclei[2], 0).transverse, 2.0 / 3 * s131, 1e-12);
    assert_relative(cev_spin_structure_at(&nuclei[2], 0).longitudinal, 1.0 / 3 * s131, 1e-12);
    for (double q = 0; q < 2; q += 0.1)
        for (size_t k = 0; k < LENGTH(nuclei); k++) {
            cev_spin_structure s = cev_spin_structure_at(&nuclei[k], q);
            bool spin = k >= 1 && k <= 3;
            assert_true(spin ? s.transverse > 0 && s.longitudinal > 0 : s.transverse == 0 && s.longitudinal == 0);
        }
}

/* As W_Sigma' does: with a slope of some b^2 at rest, and far down at 1 per fm. */
static void spin_structure_falls_with_momentum(void **state)
{
    (void)state;
    double b2 = 41.467 / (45 * pow(129, -1 / 3.0) - 25 * pow(129, -2 / 3.0));
    for (double q = 0; q < 0.02; q += 0.005) {
        cev_spin_structure a = cev_spin_structure_at(&nuclei[1], q), zero = cev_spin_structure_at(&nuclei[1], 0);
        assert_true(a.transverse <= zero.transverse && a.transverse >= zero.transverse * (1 - 20 * q * q * b2));
    }
    cev_spin_structure high = cev_spin_structure_at(&nuclei[1], 1);
    assert_true(high.transverse < 0.3 * cev_spin_structure_at(&nuclei[1], 0).transverse);
}

/* 17.29 per nucleon, for protons and neutrons alike. */
static void scalar_charge_of_a_nucleon(void **state)
{
    (void)state;
    const cev_form_factor point = form_factor_called("point");
    for (size_t k = 0; k < LENGTH(nuclei); k++) {
        setting on = with(&cev_interaction_scalar, 100, 1e-3), off = with(&cev_interaction_scalar, 100, 0);
        place p = place_at(&nuclei[k], &point, 10, 0.5);
        double extra = cross_section(&on, &nuclei[k], &point, 0, 10, 0.5) -
                       cross_section(&off, &nuclei[k], &point, 0, 10, 0.5);
        double q2 = extra / (double)cm2_per_keV(p.m * p.m * p.t * propagator(&on, &p) / (4 * pi * 100));
        int a = nuclei[k].protons + nuclei[k].neutrons;
        assert_close(sqrt(q2) / a, 17.29, 0.01);
    }
}

/* Contact limit: at a fixed g^2/M^2 a heavy universal boson is eps_u = eps_d = g^2/(sqrt(2) G_F M^2). */
static void heavy_mediators_are_contact_interactions(void **state)
{
    (void)state;
    const cev_form_factor helm = form_factor_called("helm");
    static const double eps[] = {0.01, 0.1, 0.3, 1};
    for (size_t k = 0; k < LENGTH(eps); k++)
        for (size_t n = 0; n < LENGTH(nuclei); n++)
            for (double mass = 1e4; mass < 1e9; mass *= 100) {
                setting vector = with(&cev_interaction_vector_universal, mass,
                                      mass * sqrt(eps[k] * sqrt(2) * (double)fermi));
                setting nsi = standard(&cev_interaction_nsi);
                *at(&nsi, "eps_mumu_uV") = *at(&nsi, "eps_mumu_dV") = eps[k];
                *at(&nsi, "recoil_term") = 1;
                double a = cross_section(&vector, &nuclei[n], &helm, CEV_FLAVOUR_MU, 12, 0.4);
                double b = cross_section(&nsi, &nuclei[n], &helm, CEV_FLAVOUR_MU, 12, 0.4);
                double sm = cross_section(&nsi, &nuclei[n], &helm, CEV_FLAVOUR_E, 12, 0.4);
                assert_close(a, b, 1e-6 * (1e6 / mass) * (1e6 / mass) * (sm + b) + 1e-12 * (sm + b));
            }
}

/* g -> 0: the terms of the mediator are nothing, and the others are those of "nsi" to the bit. */
static void without_a_coupling_there_is_the_standard_model(void **state)
{
    (void)state;
    const cev_form_factor helm = form_factor_called("helm");
    setting nsi = standard(&cev_interaction_nsi);
    *at(&nsi, "recoil_term") = 1;
    for (size_t k = 0; k < LENGTH(mediators); k++)
        for (size_t n = 0; n < LENGTH(nuclei); n++)
            for (int f = 0; f < CEV_N_FLAVOURS; f++) {
                setting s = with(mediators[k], 1e-2, 0), small = with(mediators[k], 10, 1e-9);
                double sm = cross_section(&nsi, &nuclei[n], &helm, (cev_flavour)f, 12, 0.4);
                assert_relative(cross_section(&s, &nuclei[n], &helm, (cev_flavour)f, 12, 0.4), sm, 4e-16);
                assert_relative(cross_section(&small, &nuclei[n], &helm, (cev_flavour)f, 12, 0.4), sm, 1e-6);
            }
}

static double change(const cev_interaction *of, double coupling, cev_flavour flavour)
{
    const cev_form_factor helm = form_factor_called("helm");
    setting on = with(of, 10, coupling), off = with(of, 10, 0);
    return cross_section(&on, &nuclei[0], &helm, flavour, 12, 0.4) /
               cross_section(&off, &nuclei[0], &helm, flavour, 12, 0.4) -
           1;
}

/* The weak charge is negative: equal charges for quarks and leptons lower the rate, opposite ones raise it. */
static void signs_of_interference(void **state)
{
    (void)state;
    for (int f = 0; f < CEV_N_FLAVOURS; f++) {
        cev_flavour a = (cev_flavour)f;
        assert_true(change(&cev_interaction_vector_universal, 1e-5, a) < -0.1);
        assert_true(change(&cev_interaction_vector_b_minus_l, 1e-5, a) > 0.04);
        assert_relative(change(&cev_interaction_vector_universal, 1e-7, a),
                        -3 * change(&cev_interaction_vector_b_minus_l, 1e-7, a), 1e-4);
        assert_true(change(&cev_interaction_vector_universal, 1e-3, a) > 1);
        assert_same_bits(change(&cev_interaction_vector_universal, 1e-5, a), change(&cev_interaction_vector, 1e-5, a));
        assert_true(change(&cev_interaction_scalar, 1e-5, a) > 0);
        assert_true(change(&cev_interaction_axial, 1e-5, a) == 0 &&
                    change(&cev_interaction_tensor, 1e-5, a) == 0); /* 132Xe */
    }
    assert_true(change(&cev_interaction_vector_lmu_minus_ltau, 1e-3, CEV_FLAVOUR_E) == 0);
    double mu = change(&cev_interaction_vector_lmu_minus_ltau, 1e-5, CEV_FLAVOUR_MU),
           tau = change(&cev_interaction_vector_lmu_minus_ltau, 1e-5, CEV_FLAVOUR_TAU);
    assert_true(mu * tau < 0 && fabs(mu) > 1e-6);
    assert_relative(mu, -tau, 1e-2);
}

/* alpha/(3 pi) ln(m_tau^2/m_mu^2) of an electric charge: the neutron has none. */
static void loop_charges_are_electric(void **state)
{
    (void)state;
    setting s = standard(&cev_interaction_vector_lmu_minus_ltau);
    double u = *at(&s, "charge_u"), d = *at(&s, "charge_d"),
           loop = 7.2973525693e-3 / (3 * CEV_PI) * 2 * log(1776.86 / 105.6583755);
    assert_close(u + 2 * d, 0, 1e-18);
    assert_relative(fabs(2 * u + d), loop, 1e-5);
}

/* Axial and tensor mediators see spin only, whatever the flavour; derived tensor is 8 times the transverse and 32 times
 * the longitudinal part. */
static void spin_is_what_counts(void **state)
{
    (void)state;
    const cev_form_factor helm = form_factor_called("helm");
    for (size_t n = 0; n < LENGTH(nuclei); n++)
        for (int k = 0; k < 2; k++) {
            const cev_interaction *of = k ? &cev_interaction_tensor : &cev_interaction_axial;
            setting on = with(of, 10, 1e-3), off = with(of, 10, 0);
            bool spin = n >= 1 && n <= 3;
            for (int f = 0; f < CEV_N_FLAVOURS; f++) {
                double a = cross_section(&on, &nuclei[n], &helm, (cev_flavour)f, 12, 0.4),
                       b = cross_section(&off, &nuclei[n], &helm, (cev_flavour)f, 12, 0.4);
                assert_true(spin ? a > b : a == b);
            }
        }
    setting printed = with(&cev_interaction_tensor, 10, 1), derived = printed;
    *at(&derived, "as_printed") = 0;
    double ratio = cross_section(&derived, &nuclei[1], &helm, 0, 12, 1e-3) /
                   cross_section(&printed, &nuclei[1], &helm, 0, 12, 1e-3);
    assert_relative(ratio, (8 * 2 * 2 + 32 * 1) / (2 * 2 + 1.0), 1e-3); /* S^T = 2 S^L at rest */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cross_sections_are_as_written),
        cmocka_unit_test(spin_structure_at_rest),
        cmocka_unit_test(spin_structure_falls_with_momentum),
        cmocka_unit_test(scalar_charge_of_a_nucleon),
        cmocka_unit_test(heavy_mediators_are_contact_interactions),
        cmocka_unit_test(without_a_coupling_there_is_the_standard_model),
        cmocka_unit_test(signs_of_interference),
        cmocka_unit_test(loop_charges_are_electric),
        cmocka_unit_test(spin_is_what_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
