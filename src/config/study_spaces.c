/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Planes and profiles of a study, and what they have in common. */
#include "study_spaces.h"

#include <string.h>

#include "cevscan/experiment_number.h"
#include "resolve.h"
#include "scan_roles.h"

static const cev_key item_key = {.name = "parameters", .type = CEV_KEY_NODE, .of = &cev_parameter_table};

/* --- pulls ------------------------------------------------------------------------------------------------------ */

/* A factor may take a pull away, with a sigma of 0. */
static bool experiment_has_pull(const cev_experiment *x, const char *name)
{
    for (size_t p = 0; p < x->n_pull; p++)
        if (!strcmp(x->pull[p].name, name)) return x->pull[p].sigma != 0;
    return false;
}

/* Whether a set has a pull in a setting. */
static bool has_pull(const cev_study_config *s, size_t setting, const cev_study_set *set, const char *name)
{
    bool has = false;
    for (size_t e = 0; e < set->n_experiment; e++)
        has |= experiment_has_pull(s->experiment[setting * s->n_experiment + set->experiment[e]], name);
    return has;
}

static bool has_number(const cev_study_config *s, size_t setting, const cev_study_set *set, const char *name)
{
    (void)setting; /* all have the same numbers */
    for (size_t e = 0; e < set->n_experiment; e++)
        if (cev_experiment_number_name(s->experiment[set->experiment[e]], name)) return true;
    return false;
}

/* Some set has two of the pulls of each entry. */
cev_status cev_check_study_correlations(const cev_study_reading *r)
{
    const cev_study_config *s = r->study;
    for (size_t k = 0; k < cev_node_length(r->keys->correlations); k++) {
        cev_node of = cev_node_find(cev_node_item(r->keys->correlations, k), "of");
        bool acts = false;
        for (size_t i = 0; i < s->n_set && !acts; i++) {
            size_t n = 0;
            for (size_t p = 0; p < cev_node_length(of); p++)
                n += has_pull(s, 0, &s->set[i], cev_node_text(cev_node_item(of, p)));
            acts = n >= 2;
        }
        if (!acts) return cev_node_fail(of, "these correlations change nothing: no set has two of the pulls");
    }
    return CEV_OK;
}

/* --- parameters ------------------------------------------------------------------------------------------------- */

/* The parameters of a space as nodes: those that the study fixes, and its own. */
static cev_status gather_parameters(const cev_study_reading *r, cev_node own, size_t *n, cev_node **out)
{
    cev_node fixed = r->keys->parameters;
    size_t n_fixed = cev_node_length(fixed), n_own = cev_node_is_mapping(own) ? 1 : cev_node_length(own);
    if (fixed.id && !cev_node_is_sequence(fixed)) return cev_node_fail(fixed, "key \"parameters\": expected a list");
    CEV_TRY(cev_new(r->study->arena, n_fixed + n_own, out));
    for (size_t k = 0; k < n_fixed; k++) (*out)[k] = cev_node_item(fixed, k);
    for (size_t k = 0; k < n_own; k++) (*out)[n_fixed + k] = cev_node_is_mapping(own) ? own : cev_node_item(own, k);
    *n = n_fixed + n_own;
    return CEV_OK;
}

/* Parameters' names: those of axes joined by commas, those of one axis that are scanned in turn by "+". */
cev_status cev_name_space(cev_arena *arena, const cev_scan_config *scan, const char **out)
{
    char *name;
    size_t n_member = scan->member_parameter ? scan->grid.axis[0].n : 0, n = n_member ? n_member : scan->grid.n_axis;
    *out = "";
    for (size_t k = 0; k < n; k++) {
        const char *own = n_member ? scan->grid.axis[0].label[k] : scan->grid.axis[k].name;
        CEV_TRY(cev_arena_print(arena, &name, "%s%s%s", *out, k == 0 ? "" : n_member ? "+" : ",", own));
        *out = name;
    }
    return CEV_OK;
}

static cev_status check_axes(const cev_study_reading *r, cev_node node, const cev_study_space *space, bool plane)
{
    const cev_scan_config *scan = space->scan;
    size_t n_axis = scan->member_parameter ? scan->grid.n_axis - 1 : scan->grid.n_axis;
    if (scan->member_parameter && plane)
        return cev_node_fail(node, "key \"each_of\" has no place in \"planes\": it belongs under \"profiles\"");
    if (n_axis != (plane ? 2 : 1))
        return cev_node_fail(node,
                             plane ? "key \"planes\": expected two scanned parameters, found %zu"
                                   : "key \"profiles\": expected one scanned parameter, found %zu",
                             n_axis);
    for (const cev_study_space *other = r->space; other < space; other++)
        if (!strcmp(other->name, space->name))
            return cev_node_fail(node, "the same map twice: \"%s\" is scanned already", space->name);
    return CEV_OK;
}

/* Bounds of a pull are those of an experiment, which all planes have in common. */
static cev_status check_own(const cev_study_reading *r, size_t n, const cev_node *item)
{
    for (size_t k = 0; k < n; k++) {
        cev_node profile = cev_node_find(item[k], "profile");
        const char *name = cev_node_text(cev_node_find(item[k], "name"));
        if (profile.id && cev_pull_of(&r->base, name))
            return cev_node_fail(profile, "\"%s\" is a pull: its bounds belong into the \"parameters\" of the study",
                                 name);
    }
    return CEV_OK;
}

/* The scan of each set, in each setting, is one that could be written down. */
static cev_status check_guest(const cev_study_reading *r, cev_node node, const cev_guest *guest)
{
    const cev_study_config *s = r->study;
    const char *name = guest->parameter.name;
    if (guest->kind == CEV_GUEST_OWN) return CEV_OK;
    for (size_t k = 0; k < s->n_set * s->n_setting; k++) {
        const cev_study_set *set = &s->set[k / s->n_setting];
        if (!(guest->kind == CEV_GUEST_PULL ? has_pull : has_number)(s, k % s->n_setting, set, name))
            return cev_node_fail(node, "\"%s\" has a role here, but no experiment of set \"%s\" has it%s", name,
                                 set->name, k % s->n_setting ? " for all values of the factors" : "");
    }
    return CEV_OK;
}

/* Parameters that have another role elsewhere. */
static cev_status list_replaced(const cev_study_reading *r, size_t n_shared, size_t n, const cev_node *item,
                                const char **out)
{
    char *text;
    *out = "";
    for (size_t k = 0; k < n_shared; k++) {
        if (!cev_is_left_out(n_shared, n, item, k)) continue;
        r->replaced[k]++;
        CEV_TRY(cev_arena_print(r->study->arena, &text, "%s%s%s", *out, **out ? ", " : "",
                                cev_node_text(cev_node_find(item[k], "name"))));
        *out = text;
    }
    return CEV_OK;
}

static cev_status read_space(cev_study_reading *r, cev_node node, bool plane)
{
    cev_study_space *space = &r->space[r->study->n_space++];
    cev_scan_config *scan;
    size_t n = 0, n_shared = cev_node_length(r->keys->parameters);
    cev_node *parameter = NULL;
    json_t *json;
    CEV_TRY(cev_new(r->study->arena, 1, &scan));
    *scan = r->base;
    space->scan = scan;
    space->parameters = json_array();
    CEV_TRY(gather_parameters(r, node, &n, &parameter));
    CEV_TRY(check_own(r, n - n_shared, parameter + n_shared));
    CEV_TRY(cev_read_parameter_list(scan, n_shared, n, parameter));
    for (size_t g = 0; g < scan->roster.n_guest; g++) CEV_TRY(check_guest(r, node, &scan->roster.guest[g]));
    CEV_TRY(cev_name_space(r->study->arena, scan, &space->name));
    CEV_TRY(check_axes(r, node, space, plane));
    CEV_TRY(cev_read_scan_data(scan, r->keys->data));
    CEV_TRY(cev_lay_scan_tiles(scan, node, r->keys->tile, r->study->n_setting * r->study->n_set));
    scan->store_pulls = r->study->store_pulls;
    scan->store_profiled = r->study->store_profiled && scan->roster.n_profiled > 0;
    CEV_TRY(list_replaced(r, n_shared, n, parameter, &space->replaced));
    for (size_t k = 0; k < n; k++) {
        if (cev_is_left_out(n_shared, n, parameter, k)) continue;
        CEV_TRY(cev_node_json(parameter[k], &item_key, &json));
        if (json_array_append_new(space->parameters, json)) return cev_fail(CEV_E_MEMORY, "out of memory");
    }
    return CEV_OK;
}

/* The tile's points along each parameter that any of the study's spaces may scan. */
cev_status cev_check_study_tile(cev_node node)
{
    size_t side;
    if (!node.id) return CEV_OK;
    if (!cev_node_is_mapping(node)) return cev_node_fail(node, "key \"tile\": expected {PARAMETER: points, ...}");
    for (size_t k = 0; k < cev_node_length(node); k++)
        CEV_TRY(cev_node_count(cev_node_value(node, k), "tile", 1, 1 << 20, &side));
    return CEV_OK;
}

/* What is said for all of them acts in one of them. */
static cev_status check_spaces(const cev_study_reading *r)
{
    const cev_study_config *s = r->study;
    const cev_scan_config **scan;
    CEV_TRY(cev_new(s->arena, s->n_space, &scan));
    for (size_t k = 0; k < s->n_space; k++) scan[k] = r->space[k].scan;
    for (size_t k = 0; k < cev_node_length(r->keys->parameters); k++)
        if (r->replaced[k] == s->n_space)
            return cev_node_fail(cev_node_item(r->keys->parameters, k),
                                 "parameter \"%s\": this changes nothing, since all planes and profiles scan it",
                                 cev_node_text(cev_node_find(cev_node_item(r->keys->parameters, k), "name")));
    CEV_TRY(cev_check_store_profiled(r->root, s->store_profiled, s->n_space, scan));
    return cev_check_tile_names(r->keys->tile, s->n_space, scan);
}

cev_status cev_read_spaces(cev_study_reading *r)
{
    CEV_TRY(cev_new(r->study->arena, cev_node_length(r->keys->parameters) + 1, &r->replaced));
    cev_node planes = r->keys->planes, profiles = r->keys->profiles;
    if (planes.id && !cev_node_is_sequence(planes))
        return cev_node_fail(planes, "key \"planes\": expected a list of pairs of parameters");
    if (profiles.id && !cev_node_is_sequence(profiles))
        return cev_node_fail(profiles, "key \"profiles\": expected a list of parameters");
    CEV_TRY(cev_new(r->study->arena, cev_node_length(planes) + cev_node_length(profiles), &r->space));
    r->study->space = r->space;
    for (size_t k = 0; k < cev_node_length(planes); k++) {
        cev_node item = cev_node_item(planes, k);
        if (!cev_node_is_sequence(item))
            return cev_node_fail(item, "key \"planes\": expected a list of two parameters");
        CEV_TRY(read_space(r, item, true));
    }
    for (size_t k = 0; k < cev_node_length(profiles); k++) {
        cev_node item = cev_node_item(profiles, k);
        if (!cev_node_is_mapping(item))
            return cev_node_fail(item, "key \"profiles\": expected a parameter with its range");
        CEV_TRY(read_space(r, item, false));
    }
    return check_spaces(r);
}
