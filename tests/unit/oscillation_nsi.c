/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Solar neutrinos whose couplings to quarks act on their way: the symmetries of the Hamiltonian, numbers of another
 * diagonalisation, and what of it reaches spectra and templates. */
#include "coherent.h"

#include "cevscan/constants.h"
#include "cevscan/oscillation.h"
#include "cevscan/templates.h"

static const cev_oscillation normal = {0.583638, 0.149575, 0.85521, 3.40339, 7.42e-5, 2.51e-3, NULL};
static const double latitude_deg = 42.5;

typedef struct flavours {
    double p[CEV_N_FLAVOURS];
} flavours;

static flavours by_day(cev_oscillation o, const cev_quark_couplings *couplings, double energy_MeV)
{
    flavours f;
    o.couplings = couplings;
    cev_solar_probabilities(&o, energy_MeV, f.p);
    return f;
}

static flavours at_night_of(double latitude, cev_oscillation o, const cev_quark_couplings *couplings, double energy_MeV)
{
    flavours f;
    cev_solar_nights nights;
    o.couplings = couplings;
    cev_solar_nights_at(latitude, &nights);
    cev_solar_probabilities_at_night(&o, energy_MeV, &nights, f.p);
    return f;
}

static flavours at_night(cev_oscillation o, const cev_quark_couplings *couplings, double energy_MeV)
{
    return at_night_of(latitude_deg, o, couplings, energy_MeV);
}

static cev_oscillation inverted(void)
{
    cev_oscillation o = normal;
    o.dm31_eV2 = -2.44e-3;
    return o;
}

static cev_quark_couplings random_couplings(gsl_rng *r, double size)
{
    cev_quark_couplings c;
    for (int a = 0; a < CEV_N_FLAVOURS; a++)
        for (int b = 0; b <= a; b++) {
            c.u[a][b] = c.u[b][a] = uniform(r, -size, size);
            c.d[a][b] = c.d[b][a] = uniform(r, -size, size);
        }
    return c;
}

static void assert_same_flavours(flavours a, flavours b, double tolerance)
{
    for (int k = 0; k < CEV_N_FLAVOURS; k++) assert_close(a.p[k], b.p[k], tolerance);
}

static void couplings_of_zero_are_the_standard_model(void **state)
{
    (void)state;
    const cev_quark_couplings none = {{{0}}, {{0}}};
    const cev_oscillation of[] = {normal, inverted()};
    for (size_t k = 0; k < LENGTH(of); k++)
        for (double e = 0.1; e < 17; e += 1.3) {
            assert_same_flavours(by_day(of[k], &none, e), by_day(of[k], NULL, e), 1e-12);
            assert_same_flavours(at_night(of[k], &none, e), at_night(of[k], NULL, e), 1e-12);
        }
}

/* numpy.linalg.eigh of the Hamiltonian at the same radii. Energy, and P_e, P_mu, P_tau by day. */
typedef struct reference {
    double energy_MeV, p[CEV_N_FLAVOURS];
} reference;

static void assert_reference(const cev_oscillation *o, const cev_quark_couplings *couplings, const reference *expected,
                             size_t n)
{
    for (size_t k = 0; k < n; k++) {
        flavours f = by_day(*o, couplings, expected[k].energy_MeV);
        for (int a = 0; a < CEV_N_FLAVOURS; a++) assert_close(f.p[a], expected[k].p[a], 1e-9);
    }
}

static void numbers_of_another_diagonalisation(void **state)
{
    (void)state;
    const cev_quark_couplings full = {{{0.3, 0.1, -0.2}, {0.1, -0.4, 0.15}, {-0.2, 0.15, 0.2}},
                                      {{-0.1, 0.05, 0.3}, {0.05, 0.2, -0.25}, {0.3, -0.25, -0.6}}};
    const cev_quark_couplings diagonal = {{{-1.4, 0, 0}, {0, 0.2, 0}, {0, 0, 0.5}},
                                          {{0.7, 0, 0}, {0, -0.3, 0}, {0, 0, 0.1}}};
    const cev_oscillation other = inverted();
    static const reference full_normal[] = {{1, {0.481301502367, 0.226849661961, 0.291848835672}},
                                            {6, {0.324427414689, 0.347425543933, 0.328147041378}},
                                            {10, {0.307649845295, 0.360311158445, 0.332038996260}},
                                            {15, {0.301032684737, 0.365381287602, 0.333586027661}}};
    static const reference full_inverted[] = {{1, {0.481382588830, 0.226791652575, 0.291825758595}},
                                              {10, {0.308180132376, 0.359947704951, 0.331872162673}}};
    static const reference diagonal_normal[] = {{1, {0.597736951834, 0.137357449692, 0.264905598474}},
                                                {6, {0.659751776748, 0.089727824341, 0.250520398911}},
                                                {15, {0.668883513199, 0.082772292821, 0.248344193980}}};
    static const reference diagonal_inverted[] = {{6, {0.656640570263, 0.092008982876, 0.251350446861}},
                                                  {15, {0.660878201733, 0.088643117276, 0.250478680991}}};
    assert_reference(&normal, &full, full_normal, LENGTH(full_normal));
    assert_reference(&other, &full, full_inverted, LENGTH(full_inverted));
    assert_reference(&normal, &diagonal, diagonal_normal, LENGTH(diagonal_normal));
    assert_reference(&other, &diagonal, diagonal_inverted, LENGTH(diagonal_inverted));
}

/* Of the same shells and nights. In the tropics, where paths cross the core, with couplings to neutrons alone, which
 * tell core from mantle; and with all of them. */
static void nights_of_another_diagonalisation(void **state)
{
    (void)state;
    const cev_quark_couplings neutrons = {{{-0.8 / 3, 0, 0}, {0, 0, 0}, {0, 0, 0}},
                                          {{1.6 / 3, 0, 0}, {0, 0, 0}, {0, 0, 0}}};
    const cev_quark_couplings full = {{{0.3, 0.1, -0.2}, {0.1, -0.4, 0.15}, {-0.2, 0.15, 0.2}},
                                      {{-0.1, 0.05, 0.3}, {0.05, 0.2, -0.25}, {0.3, -0.25, -0.6}}};
    static const reference tropics[] = {{6, {0.350863115302, 0.331391724222, 0.317745160476}},
                                        {12, {0.332516665163, 0.352737661619, 0.314745673218}}};
    static const reference north[] = {{6, {0.341773420353, 0.340795673108, 0.317430906539}},
                                      {12, {0.345583985668, 0.346742984971, 0.307673029361}}};
    for (size_t k = 0; k < LENGTH(tropics); k++)
        for (int a = 0; a < CEV_N_FLAVOURS; a++) {
            assert_close(at_night_of(0, normal, &neutrons, tropics[k].energy_MeV).p[a], tropics[k].p[a], 1e-9);
            assert_close(at_night_of(42.5, normal, &full, north[k].energy_MeV).p[a], north[k].p[a], 1e-9);
        }
}

static void probabilities_are_probabilities(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(3);
    for (int k = 0; k < 60; k++) {
        cev_quark_couplings c = random_couplings(r, log_uniform(r, 1e-3, 1e3));
        double energy_MeV = log_uniform(r, 0.02, 16.5);
        const flavours of[] = {by_day(normal, &c, energy_MeV), at_night(normal, &c, energy_MeV)};
        for (size_t t = 0; t < LENGTH(of); t++) {
            assert_close(of[t].p[0] + of[t].p[1] + of[t].p[2], 1, 1e-11);
            for (int a = 0; a < CEV_N_FLAVOURS; a++) assert_true(of[t].p[a] >= -1e-12 && of[t].p[a] <= 1 + 1e-12);
        }
    }
    gsl_rng_free(r);
}

/* Only differences between flavours act. */
static void the_same_for_all_flavours_does_nothing(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(4);
    for (int k = 0; k < 10; k++) {
        cev_quark_couplings c = random_couplings(r, 0.5), shifted = c;
        double u = uniform(r, -2, 2), d = uniform(r, -2, 2), e = uniform(r, 1, 16);
        for (int a = 0; a < CEV_N_FLAVOURS; a++) {
            shifted.u[a][a] += u;
            shifted.d[a][a] += d;
        }
        assert_same_flavours(by_day(normal, &shifted, e), by_day(normal, &c, e), 1e-10);
        assert_same_flavours(at_night(normal, &shifted, e), at_night(normal, &c, e), 1e-10);
    }
    gsl_rng_free(r);
}

/* H -> -H^* leaves all probabilities as they are: theta12 -> pi/2 - theta12, delta -> pi - delta, dm31 -> dm21 - dm31,
 * and the matter potential changes sign. Electrons' cannot but by couplings: eps_ee^u -> -eps_ee^u - 4/3 and eps_ee^d
 * -> -eps_ee^d + 2/3 add -2 for each electron, however many neutrons there are (P. Coloma, T. Schwetz, Phys. Rev. D 94
 * (2016) 055005: the dark side of LMA). */
static void the_dark_side_cannot_be_told(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(5);
    for (int k = 0; k < 10; k++) {
        cev_quark_couplings c = random_couplings(r, k ? 0.4 : 0), mirrored = c;
        cev_oscillation light = k % 2 ? normal : inverted(), dark = light;
        dark.theta12_rad = CEV_PI / 2 - light.theta12_rad;
        dark.delta_rad = CEV_PI - light.delta_rad;
        dark.dm31_eV2 = light.dm21_eV2 - light.dm31_eV2;
        for (int a = 0; a < CEV_N_FLAVOURS; a++)
            for (int b = 0; b < CEV_N_FLAVOURS; b++) {
                double sign = (a == 0) != (b == 0)
                                  ? 1
                                  : -1; /* the new matrix is U^* but for the sign of nu_e, and of nu_3 */
                mirrored.u[a][b] = sign * c.u[a][b] - (a == 0 && b == 0 ? 4.0 / 3 : 0);
                mirrored.d[a][b] = sign * c.d[a][b] + (a == 0 && b == 0 ? 2.0 / 3 : 0);
            }
        double e = k ? uniform(r, 1, 16) : 8;
        assert_same_flavours(by_day(dark, &mirrored, e), by_day(light, &c, e), 1e-10);
        assert_same_flavours(at_night(dark, &mirrored, e), at_night(light, &c, e), 1e-9);
        if (k == 0)
            assert_true(fabs(by_day(dark, &c, e).p[0] - by_day(light, &c, e).p[0]) >
                        0.1); /* and the mirror is needed */
    }
    gsl_rng_free(r);
}

/* Where matter is all, the couplings' own eigenstate is what leaves the Sun. */
static void strong_couplings_decide(void **state)
{
    (void)state;
    cev_quark_couplings c = {{{0}}, {{0}}};
    c.u[0][0] = -200; /* electrons' is the lowest level, however heavy */
    double c12 = cos(normal.theta12_rad), c13 = cos(normal.theta13_rad), share[3];
    cev_oscillation o = normal;
    o.couplings = &c;
    cev_solar_mass_shares(&o, 16, share);
    assert_close(share[0], 1, 1e-4);
    assert_close(by_day(normal, &c, 16).p[0], c12 * c12 * c13 * c13, 1e-4);
}

/* At the scale Lambda(C1_u, mu) of arXiv:2409.04703 from PandaX-4T, eps = 1/(sqrt(2) G_F Lambda^2): P_mu is lower by
 * about 29 %. */
static void the_published_bound_would_matter(void **state)
{
    (void)state;
    const double fermi_per_GeV2 = 1.1663787e-5, lambda_GeV = 289.61;
    cev_quark_couplings c = {{{0}}, {{0}}};
    c.u[1][1] = 1 / (sqrt(2) * fermi_per_GeV2 * lambda_GeV * lambda_GeV);
    assert_close(by_day(normal, &c, 8).p[1] / by_day(normal, NULL, 8).p[1] - 1, -0.3098, 1e-3);
    assert_close(by_day(normal, &c, 12).p[1] / by_day(normal, NULL, 12).p[1] - 1, -0.2841, 1e-3);
    assert_close(at_night(normal, &c, 10).p[1] / at_night(normal, NULL, 10).p[1] - 1, -0.29, 0.02);
}

/* --- interactions ----------------------------------------------------------------------------------------------- */

static void couplings_are_those_of_the_scattering(void **state)
{
    (void)state;
    const double fermi_per_GeV2 = 1.1663787e-5, lambda_GeV = -321;
    const cev_interaction *nsi = &cev_interaction_nsi, *eft = &cev_interaction_eft;
    double of_nsi[CEV_MAX_MODEL_PARAMETERS], of_eft[CEV_MAX_MODEL_PARAMETERS];
    cev_quark_couplings a, b;
    cev_parameter_defaults(nsi->card.parameters, nsi->card.n_parameter, of_nsi);
    cev_parameter_defaults(eft->card.parameters, eft->card.n_parameter, of_eft);
    of_nsi[parameter_of(nsi, "eps_emu_uV")] = 0.25;
    nsi->quark_couplings(of_nsi, &a);
    assert_true(a.u[0][1] == 0.25 && a.u[1][0] == 0.25 && a.d[0][1] == 0 && a.u[0][0] == 0);
    of_nsi[parameter_of(nsi, "eps_emu_uV")] = 0;
    of_nsi[parameter_of(nsi, "eps_mumu_uV")] = 1 / (sqrt(2) * fermi_per_GeV2 * lambda_GeV * lambda_GeV);
    of_nsi[parameter_of(nsi, "eps_tautau_dV")] = -1e-6 / (sqrt(2) * fermi_per_GeV2);
    of_eft[parameter_of(eft, "lambda_C1_u_mu")] = lambda_GeV;
    of_eft[parameter_of(eft, "C1_d_tau")] = 1e-6;
    of_eft[parameter_of(eft, "C2_d_tau")] = 1e-5; /* axial: nothing at rest */
    nsi->quark_couplings(of_nsi, &a);
    eft->quark_couplings(of_eft, &b);
    for (int i = 0; i < CEV_N_FLAVOURS; i++)
        for (int j = 0; j < CEV_N_FLAVOURS; j++) {
            assert_close(a.u[i][j], b.u[i][j], 1e-6);
            assert_close(a.d[i][j], b.d[i][j], 1e-6);
        }
    assert_true(a.u[1][1] > 0.5 && a.d[2][2] < -0.05);
}

static void what_is_in_matter_becomes_slow(void **state)
{
    (void)state;
    cev_arena *arena = new_arena();
    const cev_interaction *of[] = {&cev_interaction_nsi, &cev_interaction_eft};
    const size_t n_slow[] = {6 + 2, 12 + 2}; /* with the radius and the recoil term */
    for (size_t k = 0; k < LENGTH(of); k++) {
        const cev_interaction *here;
        size_t n = 0;
        assert_ok(cev_interaction_in_matter(arena, of[k], &here));
        for (size_t p = 0; p < here->card.n_parameter; p++) {
            const cev_parameter *a = &here->card.parameters[p], *b = &of[k]->card.parameters[p];
            n += a->slow;
            assert_true(a->slow == (b->slow || b->in_matter));
            assert_true((cev_parameter_complaint(a, 0.1) != NULL) == (b->mixes_flavours || b->whole));
            assert_true(!b->mixes_flavours || !cev_parameter_complaint(a, 0));
        }
        assert_int_equal(n, n_slow[k]);
    }
    cev_arena_destroy(&arena);
}

/* --- templates -------------------------------------------------------------------------------------------------- */

/* An experiment of the configuration whose source feels the couplings. */
static cev_experiment feeling(const cev_scan_config *config, double earth)
{
    cev_experiment x = *config->experiment[0];
    const cev_card *card = &x.source.kind->card;
    x.source.parameter[cev_parameter_index(card->parameters, card->n_parameter, "nsi_in_propagation")] = 1;
    x.source.parameter[cev_parameter_index(card->parameters, card->n_parameter, "earth")] = earth;
    return x;
}

/* The same, by way of a source whose table was made with them. */
static void assert_templates_of_the_table(cev_arena *arena, const cev_experiment *x, const cev_interaction *in_matter,
                                          const double *theta, const cev_templates *found)
{
    cev_experiment plain = *x;
    cev_quark_couplings couplings;
    cev_templates expected;
    double *table;
    assert_ok(cev_new(arena, x->source.kind->n_table, &table));
    in_matter->quark_couplings(theta, &couplings);
    x->source.kind->tabulate(&x->source, &couplings, table);
    const cev_card *card = &x->source.kind->card;
    plain.source.parameter[cev_parameter_index(card->parameters, card->n_parameter, "nsi_in_propagation")] = 0;
    plain.source.table = table;
    assert_ok(cev_templates_fold(arena, &plain, &cev_interaction_nsi, theta, &expected));
    assert_memory_equal(found->counts, expected.counts, expected.n_row * expected.n_bin * sizeof *expected.counts);
}

static void templates_follow(void **state)
{
    (void)state;
    cev_scan_config *config = coherent_config("xenonnt_8b", "nsi");
    cev_arena *arena = new_arena();
    const cev_interaction *in_matter;
    cev_folding *folding;
    cev_templates templates;
    assert_ok(cev_interaction_in_matter(arena, config->interaction, &in_matter));
    double theta[CEV_MAX_MODEL_PARAMETERS];
    memcpy(theta, config->theta, sizeof theta);
    cev_experiment x = feeling(config, 0);
    assert_refused(cev_folding_create(&x, &cev_interaction_nsi, theta, &folding), CEV_E_INPUT, "is not slow");
    assert_refused(cev_folding_create(&x, &cev_interaction_scalar, theta, &folding), CEV_E_INPUT, "scalar");
    assert_ok(cev_folding_create(&x, in_matter, theta, &folding));
    assert_ok(cev_folding_templates(arena, folding, &templates));
    for (int k = 0; k < 4; k++) {
        theta[parameter_of(in_matter, "eps_ee_uV")] = k % 3 * 0.3;
        theta[parameter_of(in_matter, "eps_mumu_dV")] = k == 2 ? -0.2 : 0;
        theta[parameter_of(in_matter, "neutron_radius_fm")] = k == 1 ? 5 : NAN;
        cev_folding_fill(folding, theta, &templates);
        assert_templates_of_the_table(arena, &x, in_matter, theta, &templates);
    }
    cev_folding_destroy(&folding);
    cev_arena_destroy(&arena);
    cev_scan_config_destroy(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(couplings_of_zero_are_the_standard_model),
        cmocka_unit_test(numbers_of_another_diagonalisation),
        cmocka_unit_test(nights_of_another_diagonalisation),
        cmocka_unit_test(probabilities_are_probabilities),
        cmocka_unit_test(the_same_for_all_flavours_does_nothing),
        cmocka_unit_test(the_dark_side_cannot_be_told),
        cmocka_unit_test(strong_couplings_decide),
        cmocka_unit_test(the_published_bound_would_matter),
        cmocka_unit_test(couplings_are_those_of_the_scattering),
        cmocka_unit_test(what_is_in_matter_becomes_slow),
        cmocka_unit_test(templates_follow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
