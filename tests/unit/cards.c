/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every model introduces itself completely: what the tables of sources, form factors, responses and interactions must
 * hold. */
#include "unit.h"

#include "cevscan/interaction.h"
#include "cevscan/response.h"
#include "cevscan/source.h"

static void check_parameter(const cev_card *card, size_t p)
{
    const cev_parameter *d = &card->parameters[p];
    assert_true(strlen(d->name) > 0 && strlen(d->label) > 0 && strlen(d->help) > 0);
    assert_non_null(d->unit);
    assert_true(d->minimum < d->maximum);
    assert_true(isnan(d->default_value) || isinf(d->default_value) ||
                (d->default_value >= d->minimum && d->default_value <= d->maximum));
    assert_int_equal(cev_parameter_index(card->parameters, card->n_parameter, d->name), p); /* no name twice */
    assert_string_not_equal(d->name, "name"); /* keys with a meaning of their own */
    assert_string_not_equal(d->name, "citation");
}

static void check_card(const cev_card *card)
{
    assert_true(strlen(card->name) > 0 && strlen(card->title) > 0 && strlen(card->citation) > 0);
    assert_true(card->n_parameter <= CEV_MAX_MODEL_PARAMETERS);
    for (size_t p = 0; p < card->n_parameter; p++) check_parameter(card, p);
}

static void check_cards(const cev_card *const *card, size_t n)
{
    assert_true(n > 0 && n <= 16);
    for (size_t k = 0; k < n; k++) {
        check_card(card[k]);
        for (size_t j = 0; j < k; j++) assert_string_not_equal(card[k]->name, card[j]->name);
    }
}

static void sources_are_complete(void **state)
{
    (void)state;
    const cev_card *card[16];
    for (size_t k = 0; k < cev_n_source_kinds; k++) {
        const cev_source_kind *kind = cev_source_kinds[k];
        card[k] = &kind->card;
        assert_non_null(kind->fluence_per_cm2);
        assert_true(kind->n_component > 0 && kind->n_component <= CEV_MAX_SOURCE_COMPONENTS);
        for (size_t c = 0; c < kind->n_component; c++) {
            const cev_source_component *component = &kind->components[c];
            assert_true(strlen(component->name) > 0 && strlen(component->label) > 0 && strlen(component->help) > 0);
            assert_true(component->energy_max_MeV > 0 && component->energy_min_MeV <= component->energy_max_MeV);
        }
    }
    check_cards(card, cev_n_source_kinds);
}

static void form_factors_are_complete(void **state)
{
    (void)state;
    const cev_card *card[16];
    for (size_t k = 0; k < cev_n_form_factor_kinds; k++) {
        card[k] = &cev_form_factor_kinds[k]->card;
        assert_non_null(cev_form_factor_kinds[k]->coherent);
    }
    check_cards(card, cev_n_form_factor_kinds);
}

static void responses_are_complete(void **state)
{
    (void)state;
    const cev_card *card[16];
    for (size_t k = 0; k < cev_n_response_kinds; k++) {
        card[k] = &cev_response_kinds[k]->card;
        assert_non_null(cev_response_kinds[k]->fill);
        assert_non_null(cev_response_kinds[k]->resolution_keV);
        if (cev_response_kinds[k]->observable != CEV_OBSERVABLE_RECOIL_KEV) continue;
        assert_string_equal(card[k]->parameters[CEV_RESPONSE_THRESHOLD_KEV].name, "threshold_keV");
        assert_string_equal(card[k]->parameters[CEV_RESPONSE_ACCEPTANCE].name, "acceptance");
    }
    check_cards(card, cev_n_response_kinds);
}

static void interactions_are_complete(void **state)
{
    (void)state;
    const cev_card *card[16];
    for (size_t k = 0; k < cev_n_interactions; k++) {
        card[k] = &cev_interactions[k]->card;
        assert_non_null(cev_interactions[k]->kinematics);
        assert_non_null(cev_interactions[k]->factor_cm2_per_keV);
        assert_non_null(cev_interactions[k]->coefficients);
        assert_true(cev_interactions[k]->n_term > 0 && cev_interactions[k]->n_term <= CEV_MAX_TERMS);
    }
    check_cards(card, cev_n_interactions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sources_are_complete),
        cmocka_unit_test(form_factors_are_complete),
        cmocka_unit_test(responses_are_complete),
        cmocka_unit_test(interactions_are_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
