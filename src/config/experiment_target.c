/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Targets: compounds of nuclei, of isotopes that the program knows, and of natural mixtures of these. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "experiment_parts.h"

#define ANY_MASS 1e12
static const double abundance_tolerance = 1e-3; /* published abundances are rounded */

typedef struct nucleus_keys {
    const char *name, *isotope;
    size_t protons, neutrons, mass_number;
    double mass_u, rms_radius_fm, rms_radius_p_fm, rms_radius_n_fm, per_unit, abundance;
    cev_node isotopes;
} nucleus_keys;

#define RADIUS .type = CEV_KEY_REAL, .minimum = 0, .maximum = 20
static const cev_key nucleus_key[] = {
    CEV_KEY(nucleus_keys, name, .type = CEV_KEY_PROSE),
    CEV_KEY(nucleus_keys, isotope, .type = CEV_KEY_TEXT),
    CEV_KEY(nucleus_keys, isotopes, .type = CEV_KEY_NODE, .of = &cev_nucleus_table),
    CEV_KEY(nucleus_keys, protons, .type = CEV_KEY_COUNT, .minimum = 1, .maximum = 150),
    CEV_KEY(nucleus_keys, neutrons, .type = CEV_KEY_COUNT, .minimum = 0, .maximum = 300),
    CEV_KEY(nucleus_keys, mass_number, .type = CEV_KEY_COUNT, .minimum = 1, .maximum = 450),
    CEV_KEY(nucleus_keys, mass_u, .type = CEV_KEY_REAL, .minimum = 0.5, .maximum = 500),
    CEV_KEY(nucleus_keys, rms_radius_fm, RADIUS),
    CEV_KEY(nucleus_keys, rms_radius_p_fm, RADIUS),
    CEV_KEY(nucleus_keys, rms_radius_n_fm, RADIUS),
    CEV_KEY(nucleus_keys, per_unit, .type = CEV_KEY_REAL, .minimum = 1e-6, .maximum = 1e6, .otherwise = "1"),
    CEV_KEY(nucleus_keys, abundance, .type = CEV_KEY_REAL, .minimum = 1e-9, .maximum = 1),
};

/* Moves a number from one key to another. */
static bool rename_value(json_t *values, const char *from, const char *to)
{
    json_t *value = json_object_get(values, from);
    return !value || (!json_object_set(values, to, value) && !json_object_del(values, from));
}

static bool put_isotope(json_t *values, const cev_isotope *isotope)
{
    if (!isotope) return true;
    bool has_mass = json_object_get(values, "mass_u");
    return !json_object_set_new(values, "protons", json_integer(isotope->protons)) &&
           !json_object_set_new(values, "neutrons", json_integer(isotope->neutrons)) &&
           (has_mass || !json_object_set_new(values, "mass_u", json_real(isotope->mass_u))) &&
           !json_object_del(values, "isotope");
}

/* One spelling of a nucleus: protons, neutrons, its mass, both radii. */
static bool complete_nucleus(json_t *values)
{
    const char *isotope = json_string_value(json_object_get(values, "isotope"));
    const json_t *radius = json_object_get(values, "rms_radius_fm"),
                 *mass_number = json_object_get(values, "mass_number");
    if (isotope && !put_isotope(values, cev_isotope_find(isotope))) return false;
    if (radius && (json_object_set_new(values, "rms_radius_p_fm", json_real(json_number_value(radius))) ||
                   !rename_value(values, "rms_radius_fm", "rms_radius_n_fm")))
        return false;
    if (!mass_number) return true;
    json_int_t neutrons = json_integer_value(mass_number) - json_integer_value(json_object_get(values, "protons"));
    return !json_object_set_new(values, "neutrons", json_integer(neutrons)) && !json_object_del(values, "mass_number");
}

const cev_table cev_nucleus_table = CEV_TABLE_WITH("nucleus", nucleus_key, .complete = complete_nucleus,
                                                   .named_by = {"name", "isotope"});

typedef struct target_keys {
    double mass_kg, molar_mass_g_per_mol;
    cev_node form_factor, nuclei;
} target_keys;

static const cev_key target_key[] = {
    CEV_KEY(target_keys, mass_kg, .type = CEV_KEY_REAL, .required = true, .minimum = 1e-12, .maximum = ANY_MASS),
    CEV_KEY(target_keys, molar_mass_g_per_mol, .type = CEV_KEY_REAL, .minimum = 0.5, .maximum = 1e6),
    CEV_KEY(target_keys, form_factor, .type = CEV_KEY_NODE, .model = &cev_form_factor_family, .required = true),
    CEV_KEY(target_keys, nuclei, .type = CEV_KEY_NODE, .of = &cev_nucleus_table, .required = true),
};

static double number_of(const json_t *values, const char *key)
{
    return json_number_value(json_object_get(values, key));
}

/* The molar mass that follows from the nuclei, summed as the reader does. */
static bool complete_target(json_t *values)
{
    const json_t *nuclei = json_object_get(values, "nuclei");
    double sum = 0;
    if (json_object_get(values, "molar_mass_g_per_mol")) return true;
    for (size_t k = 0; k < json_array_size(nuclei); k++) {
        const json_t *nucleus = json_array_get(nuclei, k), *isotopes = json_object_get(nucleus, "isotopes");
        double per_unit = number_of(nucleus, "per_unit");
        if (!isotopes) sum += per_unit * number_of(nucleus, "mass_u");
        for (size_t j = 0; j < json_array_size(isotopes); j++) {
            const json_t *isotope = json_array_get(isotopes, j);
            sum += per_unit * number_of(isotope, "abundance") * number_of(isotope, "mass_u");
        }
    }
    return !json_object_set_new(values, "molar_mass_g_per_mol", json_real(sum));
}

const cev_table cev_target_table = CEV_TABLE_WITH("target", target_key, .complete = complete_target);

/* A target while its nuclei are read. */
typedef struct reading {
    cev_arena *arena;
    const cev_form_factor *form_factor;
    cev_nucleus *nucleus; /* [CEV_MAX_NUCLEI] */
    double *per_unit;
    size_t n;
    double molar_mass_g_per_mol;
} reading;

static cev_status missing(cev_node node, const char *key)
{
    return cev_node_fail(node, "nucleus: key \"%s\" is missing", key);
}

/* What is not known of an isotope by its name has to be said. */
static cev_status fill_isotope(cev_node node, const nucleus_keys *keys, cev_nucleus *out)
{
    const cev_isotope *isotope = cev_isotope_find(keys->isotope);
    if (!isotope) {
        const char *names[64];
        for (size_t k = 0; k < cev_n_isotopes; k++) names[k] = cev_isotopes[k].name;
        return cev_node_fail_name(cev_node_find(node, "isotope"), "isotope", names, cev_n_isotopes);
    }
    if (keys->protons || keys->mass_number || cev_node_find(node, "neutrons").id)
        return cev_node_fail(node, "nucleus: isotope \"%s\" says its numbers of protons and neutrons; leave them out",
                             isotope->name);
    *out = (cev_nucleus){.name = isotope->name,
                         .protons = isotope->protons,
                         .neutrons = isotope->neutrons,
                         .mass_u = keys->mass_u > 0 ? keys->mass_u : isotope->mass_u};
    return CEV_OK;
}

static cev_status fill_numbers(cev_node node, const nucleus_keys *keys, cev_nucleus *out)
{
    bool by_neutrons = cev_node_find(node, "neutrons").id != 0, by_mass_number = keys->mass_number > 0;
    if (!keys->name) return missing(node, "name");
    if (!keys->protons) return missing(node, "protons");
    if (by_neutrons == by_mass_number)
        return by_neutrons
                   ? cev_node_fail(node, "nucleus: expected only one of the keys \"neutrons\" and \"mass_number\"")
                   : missing(node, "neutrons");
    if (by_mass_number && keys->mass_number < keys->protons)
        return cev_node_fail(cev_node_find(node, "mass_number"),
                             "key \"mass_number\": %zu is less than the %zu protons", keys->mass_number, keys->protons);
    if (!(keys->mass_u > 0)) return missing(node, "mass_u");
    *out = (cev_nucleus){.protons = (int)keys->protons,
                         .mass_u = keys->mass_u,
                         .neutrons = (int)(by_neutrons ? keys->neutrons : keys->mass_number - keys->protons)};
    return CEV_OK;
}

static bool reads_key(const cev_form_factor_kind *kind, const char *key)
{
    for (size_t k = 0; kind->nucleus_keys && kind->nucleus_keys[k]; k++)
        if (!strcmp(kind->nucleus_keys[k], key)) return true;
    return false;
}

/* A key that some form factors read, and not this one, would change nothing. */
static cev_status check_read(const cev_form_factor_kind *kind, cev_node node)
{
    for (size_t i = 0; i < cev_node_length(node); i++) {
        const char *key = cev_node_text(cev_node_key(node, i));
        for (size_t k = 0; k < cev_n_form_factor_kinds; k++)
            if (reads_key(cev_form_factor_kinds[k], key) && !reads_key(kind, key))
                return cev_node_fail(cev_node_key(node, i),
                                     "key \"%s\" changes nothing: form factor \"%s\" does not use it (\"%s\" does)",
                                     key, kind->card.name, cev_form_factor_kinds[k]->card.name);
    }
    return CEV_OK;
}

static cev_status fill_radii(const reading *r, cev_node node, const nucleus_keys *keys, cev_nucleus *out)
{
    bool apart = !isnan(keys->rms_radius_p_fm) || !isnan(keys->rms_radius_n_fm);
    CEV_TRY(check_read(r->form_factor->kind, node));
    if (apart && (!isnan(keys->rms_radius_fm) || isnan(keys->rms_radius_p_fm) || isnan(keys->rms_radius_n_fm)))
        return cev_node_fail(node, "nucleus: expected the key \"rms_radius_fm\", or both \"rms_radius_p_fm\" and "
                                   "\"rms_radius_n_fm\"");
    out->rms_radius_p_fm = apart ? keys->rms_radius_p_fm : keys->rms_radius_fm;
    out->rms_radius_n_fm = apart ? keys->rms_radius_n_fm : keys->rms_radius_fm;
    if (isnan(out->rms_radius_p_fm) && r->form_factor->kind->needs_radius) return missing(node, "rms_radius_fm");
    return CEV_OK;
}

static cev_status check_known(const reading *r, cev_node node, const cev_nucleus *nucleus)
{
    const cev_form_factor_kind *kind = r->form_factor->kind;
    if (!kind->knows || kind->knows(nucleus)) return CEV_OK;
    return cev_node_fail(node, "form factor \"%s\" knows nothing about a nucleus of %d protons and %d neutrons",
                         kind->card.name, nucleus->protons, nucleus->neutrons);
}

static cev_status add_nucleus(reading *r, cev_node node, const nucleus_keys *keys, double per_unit)
{
    if (r->n == CEV_MAX_NUCLEI)
        return cev_node_fail(node, "key \"nuclei\": more than %d, isotopes of mixtures included", CEV_MAX_NUCLEI);
    cev_nucleus *out = &r->nucleus[r->n];
    CEV_TRY(keys->isotope ? fill_isotope(node, keys, out) : fill_numbers(node, keys, out));
    CEV_TRY(fill_radii(r, node, keys, out));
    CEV_TRY(check_known(r, node, out));
    if (keys->name) CEV_TRY(cev_arena_keep_text(r->arena, keys->name, &out->name));
    r->per_unit[r->n++] = per_unit;
    r->molar_mass_g_per_mol += per_unit * out->mass_u;
    return CEV_OK;
}

static cev_status read_keys(reading *r, cev_node node, nucleus_keys *keys)
{
    *keys = (nucleus_keys){.rms_radius_fm = NAN, .rms_radius_p_fm = NAN, .rms_radius_n_fm = NAN, .abundance = NAN};
    return cev_node_read(r->arena, node, &cev_nucleus_table, keys);
}

/* An element as a mixture: each isotope in proportion to its abundance. */
static cev_status read_mixture(reading *r, cev_node node, double per_unit)
{
    double sum = 0;
    size_t n = cev_node_length(node);
    if (!cev_node_is_sequence(node) || n == 0)
        return cev_node_fail(node, "key \"isotopes\": expected a list of isotopes");
    for (size_t k = 0; k < n; k++) {
        nucleus_keys keys;
        cev_node item = cev_node_item(node, k);
        CEV_TRY(read_keys(r, item, &keys));
        if (isnan(keys.abundance)) return missing(item, "abundance");
        if (keys.isotopes.id || cev_node_find(item, "per_unit").id)
            return cev_node_fail(item, "an isotope of a mixture has an \"abundance\", and neither \"per_unit\" nor "
                                       "\"isotopes\"");
        CEV_TRY(add_nucleus(r, item, &keys, per_unit * keys.abundance));
        sum += keys.abundance;
    }
    if (fabs(sum - 1) > abundance_tolerance)
        return cev_node_fail(node, "key \"isotopes\": the abundances add up to %.6g, not to 1", sum);
    return CEV_OK;
}

/* What differs from isotope to isotope is said there. */
static cev_status check_mixture(cev_node node)
{
    static const char *const keys[] = {"name", "isotopes", "per_unit", "citation"};
    for (size_t i = 0; i < cev_node_length(node); i++) {
        size_t k = 0;
        while (k < CEV_LENGTH(keys) && strcmp(keys[k], cev_node_text(cev_node_key(node, i)))) k++;
        if (k == CEV_LENGTH(keys))
            return cev_node_fail(cev_node_key(node, i),
                                 "key \"%s\": a mixture has the keys \"name\", \"isotopes\" and \"per_unit\"; the "
                                 "rest belongs to its isotopes",
                                 cev_node_text(cev_node_key(node, i)));
    }
    return CEV_OK;
}

static cev_status read_nuclei(reading *r, cev_node node)
{
    size_t n = cev_node_length(node);
    if (!cev_node_is_sequence(node) || n == 0) return cev_node_fail(node, "key \"nuclei\": expected a list of nuclei");
    if (n > CEV_MAX_NUCLEI) return cev_node_fail(node, "key \"nuclei\": at most %d are possible", CEV_MAX_NUCLEI);
    for (size_t k = 0; k < n; k++) {
        nucleus_keys keys;
        cev_node item = cev_node_item(node, k);
        CEV_TRY(read_keys(r, item, &keys));
        if (!isnan(keys.abundance))
            return cev_node_fail(item, "key \"abundance\": only isotopes of a mixture have one");
        if (keys.isotopes.id) CEV_TRY(check_mixture(item));
        CEV_TRY(keys.isotopes.id ? read_mixture(r, keys.isotopes, keys.per_unit)
                                 : add_nucleus(r, item, &keys, keys.per_unit));
    }
    return CEV_OK;
}

cev_status cev_read_target(cev_arena *arena, cev_node node, cev_target *out)
{
    target_keys keys = {0};
    CEV_TRY(cev_node_read(arena, node, &cev_target_table, &keys));
    READ_KIND(keys.form_factor, &cev_form_factor_family, cev_form_factor_kinds, &out->form_factor);
    reading r = {.arena = arena, .form_factor = &out->form_factor};
    CEV_TRY(cev_new(arena, CEV_MAX_NUCLEI, &r.nucleus));
    CEV_TRY(cev_new(arena, CEV_MAX_NUCLEI, &r.per_unit));
    CEV_TRY(read_nuclei(&r, keys.nuclei));
    out->n_nucleus = r.n;
    out->nucleus = r.nucleus;
    out->per_unit = r.per_unit;
    out->mass_kg = keys.mass_kg;
    out->molar_mass_g_per_mol = keys.molar_mass_g_per_mol > 0 ? keys.molar_mass_g_per_mol : r.molar_mass_g_per_mol;
    return CEV_OK;
}
