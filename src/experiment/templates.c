/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/templates.h"

#include <gsl/gsl_integration.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "neutron_radius.h"
#include "spectrum_moments.h"

enum { ORDER = CEV_PANEL_ORDER, SHARP_PANELS = 8 };

/* One recoil energy of the integral. */
typedef struct node {
    double recoil_keV, weight;
    size_t first_bin, n_bin; /* that see it at all, in energy */
    size_t probability;      /* where theirs begin */
} node;

enum { COHERENT, AXIAL = COHERENT + 3, N_RESPONSE = AXIAL + 3 };

struct cev_folding {
    cev_arena *arena, *growing; /* growing: the nodes, while they are found */
    const cev_experiment *experiment;
    const cev_interaction *interaction;
    cev_source source;             /* the experiment's; with a table of its own if the scan's couplings change it */
    double *source_table;          /* that table, or NULL */
    cev_quark_couplings couplings; /* that it is made with */
    gsl_integration_glfixed_table *rule;
    const cev_kinematics *kinematics[CEV_MAX_TERMS]; /* of each term */
    bool limit_is_used[CEV_N_LIMITS];
    size_t n_limit, limit_number[CEV_N_LIMITS]; /* of those that are used: how many, and each one's number */
    size_t n_panel;                             /* of the tabulated spectrum with the most */
    cev_moments *panel;                         /* [n_component][n_panel + 1]: from each knot to the end */
    double *share;                              /* [CEV_N_ARRIVALS][n_time] */
    double *exposure_per_cm2;                   /* [n_nucleus][n_component] */
    size_t n_node, node_room;
    node *node;          /* [n_node] */
    cev_moments *moment; /* [n_node][n_nucleus][n_component][n_limit] */
    size_t n_probability, probability_room;
    double *probability;      /* [n_probability] */
    double *filled;           /* [n_energy], while it is built */
    double *response;         /* [n_node][n_nucleus][N_RESPONSE]: what is known of the nuclei at the nodes ... */
    double neutron_radius_fm; /* ... with this radius, NaN: their own */
    bool responses_are_known;
};

static const cev_source_component *component(const cev_experiment *experiment, size_t c)
{
    return &experiment->source.kind->components[c];
}

static double exposure_per_cm2(const cev_experiment *experiment, size_t nucleus, size_t c)
{
    return cev_target_n_nuclei(&experiment->target, nucleus) *
           experiment->source.kind->fluence_per_cm2(&experiment->source, c);
}

static double average(const cev_kinematics *kinematics, double mass_MeV, double recoil_MeV, const double *moment)
{
    const double *c = kinematics->coefficient;
    return c[0] * moment[0] + recoil_MeV * (c[1] * moment[1] + c[2] * mass_MeV * moment[2]);
}

/* --- what does not depend on the slow parameters ---------------------------------------------------------------- */

/* Room for more elements of an array that grows; the old block stays in the arena, half as large: see fill_nodes(). */
static cev_status grow(cev_arena *arena, size_t size, size_t used, size_t wanted, size_t *room, void **array)
{
    if (used + wanted <= *room) return CEV_OK;
    size_t larger = 2 * (used + wanted);
    void *copy;
    CEV_TRY(cev_arena_allocate(arena, larger, size, &copy));
    if (used) memcpy(copy, *array, used * size);
    *array = copy;
    *room = larger;
    return CEV_OK;
}

/* Recoils that no bin sees are left out. */
static cev_status add_node(cev_folding *f, double recoil_keV, double weight)
{
    const cev_experiment *e = f->experiment;
    size_t first = 0, end = e->bins.n_energy;
    e->response.kind->fill(&e->response, &e->bins, recoil_keV, f->filled);
    while (first < end && f->filled[first] == 0) first++;
    while (end > first && f->filled[end - 1] == 0) end--;
    if (first == end) return CEV_OK;
    CEV_TRY(grow(f->growing, sizeof *f->node, f->n_node, 1, &f->node_room, (void **)&f->node));
    CEV_TRY(grow(f->growing, sizeof *f->probability, f->n_probability, end - first, &f->probability_room,
                 (void **)&f->probability));
    f->node[f->n_node++] = (node){.recoil_keV = recoil_keV,
                                  .weight = weight,
                                  .first_bin = first,
                                  .n_bin = end - first,
                                  .probability = f->n_probability};
    memcpy(f->probability + f->n_probability, f->filled + first, (end - first) * sizeof *f->filled);
    f->n_probability += end - first;
    return CEV_OK;
}

/* Between two neighbouring break points everything is smooth on the scale of the resolution. */
static cev_status add_interval(cev_folding *f, double lo, double hi)
{
    const cev_response *response = &f->experiment->response;
    double resolution = response->kind->resolution_keV(response, (lo + hi) / 2);
    size_t n = resolution > 0 ? (size_t)fmax(ceil((hi - lo) / resolution), 1) : SHARP_PANELS;
    for (size_t k = 0; k < n; k++)
        for (size_t j = 0; j < ORDER; j++) {
            double recoil_keV, weight;
            gsl_integration_glfixed_point(lo + (hi - lo) * (double)k / (double)n,
                                          lo + (hi - lo) * (double)(k + 1) / (double)n, j, &recoil_keV, &weight,
                                          f->rule);
            CEV_TRY(add_node(f, recoil_keV, weight));
        }
    return CEV_OK;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Break points, sorted: zero, what the response asks for, and the ends of the recoils of each nucleus under each
 * component, which are kinks or, for a line, steps. */
static cev_status find_breaks(cev_folding *f, size_t *n, double **breaks)
{
    const cev_experiment *e = f->experiment;
    size_t n_component = e->source.kind->n_component, most = cev_response_n_breaks(&e->response, &e->bins);
    CEV_TRY(cev_new(f->arena, most + 1 + e->target.n_nucleus * n_component * CEV_N_LIMITS, breaks));
    *n = cev_response_breaks(&e->response, &e->bins, *breaks);
    (*breaks)[(*n)++] = 0;
    double end_keV = 0;
    for (size_t k = 0; k < e->target.n_nucleus; k++)
        for (size_t c = 0; c < n_component; c++)
            for (size_t l = 0; l < CEV_N_LIMITS; l++) {
                double mass_MeV = cev_nucleus_mass_MeV(&e->target.nucleus[k]);
                double recoil_keV = CEV_KEV_PER_MEV *
                                    cev_recoil_max_MeV((cev_recoil_limit)l, mass_MeV, component(e, c)->energy_max_MeV);
                if (!f->limit_is_used[l]) continue;
                (*breaks)[(*n)++] = recoil_keV;
                end_keV = fmax(end_keV, recoil_keV);
            }
    size_t kept = 0;
    for (size_t k = 0; k < *n; k++)
        if ((*breaks)[k] >= 0 && (*breaks)[k] <= end_keV) (*breaks)[kept++] = (*breaks)[k];
    *n = kept;
    qsort(*breaks, *n, sizeof **breaks, by_size);
    return CEV_OK;
}

static cev_status add_nodes(cev_folding *f)
{
    size_t n;
    double *breaks;
    CEV_TRY(find_breaks(f, &n, &breaks));
    CEV_TRY(cev_new(f->growing, f->experiment->bins.n_energy, &f->filled));
    for (size_t k = 1; k < n; k++)
        if (breaks[k] > breaks[k - 1]) CEV_TRY(add_interval(f, breaks[k - 1], breaks[k]));
    return CEV_OK;
}

/* What has grown, in no more memory than it takes: studies have thousands of foldings. */
static cev_status keep_nodes(cev_folding *f)
{
    node *nodes;
    double *probability;
    CEV_TRY(cev_new(f->arena, f->n_node, &nodes));
    CEV_TRY(cev_new(f->arena, f->n_probability, &probability));
    if (f->n_node) memcpy(nodes, f->node, f->n_node * sizeof *nodes);
    if (f->n_probability) memcpy(probability, f->probability, f->n_probability * sizeof *probability);
    f->node = nodes;
    f->probability = probability;
    return CEV_OK;
}

static cev_status fill_nodes(cev_folding *f)
{
    CEV_TRY(cev_arena_create(&f->growing));
    cev_status status = add_nodes(f);
    if (status == CEV_OK) status = keep_nodes(f);
    cev_arena_destroy(&f->growing);
    return status;
}

/* From every knot of the tabulated spectra to their ends. */
static void fill_panels(cev_folding *f)
{
    for (size_t c = 0; c < f->source.kind->n_component; c++) {
        cev_moments *above = f->panel + c * (f->n_panel + 1);
        for (size_t p = cev_n_panel_of(&f->source.kind->components[c]); p-- > 0;)
            above[p] = cev_moments_above(&f->source, c, f->rule, (double)p * f->source.kind->components[c].panel_MeV,
                                         above);
    }
}

static void fill_moments(cev_folding *f)
{
    const cev_experiment *e = f->experiment;
    size_t n_nucleus = e->target.n_nucleus, n_component = f->source.kind->n_component;
    cev_moments *to = f->moment;
    for (size_t j = 0; j < f->n_node; j++)
        for (size_t k = 0; k < n_nucleus; k++)
            for (size_t c = 0; c < n_component; c++)
                for (size_t l = 0; l < CEV_N_LIMITS; l++) {
                    double mass_MeV = cev_nucleus_mass_MeV(&e->target.nucleus[k]),
                           recoil_MeV = f->node[j].recoil_keV / CEV_KEV_PER_MEV;
                    if (f->limit_is_used[l])
                        *to++ = cev_moments_above(&f->source, c, f->rule,
                                                  cev_energy_min_MeV((cev_recoil_limit)l, mass_MeV, recoil_MeV),
                                                  f->panel + c * (f->n_panel + 1));
                }
}

/* What is known of the spectra. */
static cev_status allocate_spectra(cev_folding *f)
{
    const cev_source_kind *kind = f->source.kind;
    for (size_t c = 0; c < kind->n_component; c++)
        if (cev_n_panel_of(&kind->components[c]) > f->n_panel) f->n_panel = cev_n_panel_of(&kind->components[c]);
    CEV_TRY(cev_new(f->arena, kind->n_component * (f->n_panel + 1), &f->panel));
    return cev_new(f->arena, f->n_node * f->experiment->target.n_nucleus * kind->n_component * f->n_limit, &f->moment);
}

static void fill_spectra(cev_folding *f)
{
    fill_panels(f);
    fill_moments(f);
}

/* Each component's counts are spread over the windows of arrival time by its own shape. */
static cev_status fill_shares(cev_folding *f)
{
    const cev_bins *bins = &f->experiment->bins;
    CEV_TRY(cev_new(f->arena, CEV_N_ARRIVALS * bins->n_time, &f->share));
    for (size_t a = 0; a < CEV_N_ARRIVALS; a++) {
        double *of_arrival = f->share + a * bins->n_time;
        if (bins->time_edge_us)
            cev_arrival_shares(&f->experiment->beam, (cev_arrival)a, bins->n_time, bins->time_edge_us, of_arrival);
        else
            of_arrival[0] = 1;
    }
    return CEV_OK;
}

static cev_status fill_exposures(cev_folding *f)
{
    const cev_experiment *e = f->experiment;
    size_t n_component = e->source.kind->n_component;
    CEV_TRY(cev_new(f->arena, e->target.n_nucleus * n_component, &f->exposure_per_cm2));
    for (size_t k = 0; k < e->target.n_nucleus; k++)
        for (size_t c = 0; c < n_component; c++) f->exposure_per_cm2[k * n_component + c] = exposure_per_cm2(e, k, c);
    return CEV_OK;
}

static void list_kinematics(cev_folding *f, const double *theta)
{
    for (size_t t = 0; t < f->interaction->n_term; t++) {
        f->kinematics[t] = f->interaction->kinematics(t, theta);
        f->limit_is_used[f->kinematics[t]->limit] = true;
    }
    for (size_t l = 0; l < CEV_N_LIMITS; l++) {
        f->limit_number[l] = f->n_limit;
        f->n_limit += f->limit_is_used[l];
    }
}

/* A source that feels the scan's couplings gets a table of its own. */
static cev_status open_source(cev_folding *f, const double *theta)
{
    const cev_card *card = &f->interaction->card;
    if (!cev_source_feels_matter(&f->source)) return CEV_OK;
    if (!f->interaction->quark_couplings)
        return cev_fail(CEV_E_INPUT,
                        "experiment %s: its source propagates neutrinos with their couplings to quarks, but "
                        "interaction %s "
                        "has none that a potential could be made of",
                        f->experiment->name, card->name);
    for (size_t p = 0; p < card->n_parameter; p++)
        if (card->parameters[p].in_matter && !card->parameters[p].slow)
            return cev_fail(CEV_E_INPUT, "experiment %s: parameter %s is not slow; see cev_interaction_in_matter()",
                            f->experiment->name, card->parameters[p].name);
    CEV_TRY(cev_new(f->arena, f->source.kind->n_table, &f->source_table));
    f->source.table = f->source_table;
    f->interaction->quark_couplings(theta, &f->couplings);
    f->source.kind->tabulate(&f->source, &f->couplings, f->source_table);
    return CEV_OK;
}

static cev_status build(cev_folding *f, const double *theta)
{
    CEV_TRY(cev_arena_create(&f->arena));
    f->rule = gsl_integration_glfixed_table_alloc(ORDER);
    if (!f->rule) return cev_fail(CEV_E_MEMORY, "out of memory");
    list_kinematics(f, theta);
    CEV_TRY(fill_nodes(f));
    CEV_TRY(allocate_spectra(f));
    CEV_TRY(open_source(f, theta));
    fill_spectra(f);
    CEV_TRY(fill_shares(f));
    CEV_TRY(cev_new(f->arena, f->n_node * f->experiment->target.n_nucleus * N_RESPONSE, &f->response));
    return fill_exposures(f);
}

cev_status cev_folding_create(const cev_experiment *experiment, const cev_interaction *interaction, const double *theta,
                              cev_folding **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out) return cev_fail(CEV_E_MEMORY, "out of memory");
    (*out)->experiment = experiment;
    (*out)->interaction = interaction;
    (*out)->source = experiment->source;
    cev_status status = build(*out, theta);
    if (status != CEV_OK) cev_folding_destroy(out);
    return status;
}

void cev_folding_destroy(cev_folding **folding)
{
    if (!folding || !*folding) return;
    if ((*folding)->rule) gsl_integration_glfixed_table_free((*folding)->rule);
    cev_arena_destroy(&(*folding)->arena);
    free(*folding);
    *folding = NULL;
}

/* --- what does -------------------------------------------------------------------------------------------------- */

cev_status cev_folding_templates(cev_arena *arena, const cev_folding *folding, cev_templates *out)
{
    const cev_experiment *e = folding->experiment;
    size_t n_term = folding->interaction->n_term, n_component = e->source.kind->n_component;
    *out = (cev_templates){.n_row = e->target.n_nucleus * n_component * n_term, .n_bin = e->bins.n_bin};
    CEV_TRY(cev_new(arena, out->n_row, &out->row));
    CEV_TRY(cev_new(arena, out->n_row * out->n_bin, &out->counts));
    for (size_t r = 0; r < out->n_row; r++)
        out->row[r] = (cev_template_row){.nucleus = r / n_term / n_component,
                                         .source_component = r / n_term % n_component,
                                         .term = r % n_term};
    return CEV_OK;
}

/* --- nuclear responses ------------------------------------------------------------------------------------------ */

/* They take most of the time of a folding, several terms ask for the same one, and a mediator's mass does not change
 * them: so each is worked out once, and given to the interactions as a form factor that knows one recoil energy. */

static cev_nuclear_response known_coherent(const cev_form_factor *form_factor, const cev_nucleus *nucleus,
                                           double q_per_fm)
{
    (void)nucleus, (void)q_per_fm;
    const double *r = &form_factor->parameter[COHERENT];
    return (cev_nuclear_response){r[0], r[1], r[2]};
}

static cev_nuclear_response known_axial(const cev_form_factor *form_factor, const cev_nucleus *nucleus, double q_per_fm)
{
    (void)nucleus, (void)q_per_fm;
    const double *r = &form_factor->parameter[AXIAL];
    return (cev_nuclear_response){r[0], r[1], r[2]};
}

static const cev_form_factor_kind known = {.card = {.name = "known"}, .coherent = known_coherent, .axial = known_axial};

static void fill_responses(cev_folding *f, const cev_nucleus *nucleus)
{
    const cev_form_factor *true_one = &f->experiment->target.form_factor;
    size_t n_nucleus = f->experiment->target.n_nucleus;
    for (size_t j = 0; j < f->n_node; j++)
        for (size_t k = 0; k < n_nucleus; k++) {
            cev_nuclear_response coherent = cev_coherent_at_recoil(true_one, &nucleus[k], f->node[j].recoil_keV);
            cev_nuclear_response axial = cev_axial_at_recoil(true_one, &nucleus[k], f->node[j].recoil_keV);
            const double both[N_RESPONSE] = {coherent.pp, coherent.pn, coherent.nn, axial.pp, axial.pn, axial.nn};
            memcpy(f->response + (j * n_nucleus + k) * N_RESPONSE, both, sizeof both);
        }
}

/* The nuclei as the scan wants them, and their responses. */
static void follow_radius(cev_folding *f, const double *theta, cev_nucleus *nucleus)
{
    double radius_fm = cev_neutron_radius_at(f->interaction, theta);
    for (size_t k = 0; k < f->experiment->target.n_nucleus; k++)
        nucleus[k] = cev_nucleus_at_radius(&f->experiment->target.nucleus[k], radius_fm);
    if (f->responses_are_known && cev_same_value(radius_fm, f->neutron_radius_fm)) return;
    fill_responses(f, nucleus);
    f->neutron_radius_fm = radius_fm;
    f->responses_are_known = true;
}

/* --- the sum ---------------------------------------------------------------------------------------------------- */

/* Adds one recoil energy to the first window of time of every row; a factor serves all components of the source. */
static void add_recoil(const cev_folding *f, size_t j, const cev_nucleus *nucleus, const double *theta,
                       cev_templates *out)
{
    const cev_experiment *e = f->experiment;
    const node *n = &f->node[j];
    double recoil_MeV = n->recoil_keV / CEV_KEV_PER_MEV;
    size_t n_component = e->source.kind->n_component, n_term = f->interaction->n_term;
    cev_form_factor here = {.kind = &known};
    for (size_t k = 0; k < e->target.n_nucleus; k++) {
        memcpy(here.parameter, f->response + (j * e->target.n_nucleus + k) * N_RESPONSE,
               N_RESPONSE * sizeof *here.parameter);
        for (size_t t = 0; t < n_term; t++) {
            double factor = n->weight * f->interaction->factor_cm2_per_keV(t, &nucleus[k], &here, n->recoil_keV, theta);
            for (size_t c = 0; c < n_component; c++) {
                size_t of = k * n_component + c;
                const cev_moments *m = &f->moment[(j * e->target.n_nucleus * n_component + of) * f->n_limit +
                                                  f->limit_number[f->kinematics[t]->limit]];
                double rate = factor *
                              average(f->kinematics[t], cev_nucleus_mass_MeV(&e->target.nucleus[k]), recoil_MeV, m->of);
                double *counts = out->counts + (of * n_term + t) * out->n_bin + n->first_bin;
                for (size_t i = 0; rate != 0 && i < n->n_bin; i++)
                    counts[i] += rate * f->probability[n->probability + i];
            }
        }
    }
}

/* The counts of the first window become those of all, the first one last. */
static void spread_over_time(const cev_folding *f, cev_templates *out)
{
    const cev_bins *bins = &f->experiment->bins;
    size_t n_component = f->experiment->source.kind->n_component;
    for (size_t r = 0; r < out->n_row; r++) {
        const cev_template_row *row = &out->row[r];
        double exposure = f->exposure_per_cm2[row->nucleus * n_component + row->source_component];
        const double *share = f->share + component(f->experiment, row->source_component)->arrival * bins->n_time;
        double *counts = out->counts + r * out->n_bin;
        for (size_t t = bins->n_time; t-- > 0;)
            for (size_t i = 0; i < bins->n_energy; i++)
                counts[t * bins->n_energy + i] = exposure * share[t] * counts[i];
    }
}

/* The spectra with the couplings of theta, if these are others than before. */
static void follow_couplings(cev_folding *f, const double *theta)
{
    cev_quark_couplings couplings;
    if (!f->source_table) return;
    f->interaction->quark_couplings(theta, &couplings);
    if (!memcmp(&couplings, &f->couplings, sizeof couplings)) return;
    f->couplings = couplings;
    f->source.kind->tabulate(&f->source, &couplings, f->source_table);
    fill_spectra(f);
}

void cev_folding_fill(cev_folding *folding, const double *theta, cev_templates *templates)
{
    follow_couplings(folding, theta);
    memset(templates->counts, 0, templates->n_row * templates->n_bin * sizeof *templates->counts);
    cev_nucleus nucleus[CEV_MAX_NUCLEI];
    follow_radius(folding, theta, nucleus);
    for (size_t j = 0; j < folding->n_node; j++) add_recoil(folding, j, nucleus, theta, templates);
    spread_over_time(folding, templates);
}

cev_status cev_templates_fold(cev_arena *arena, const cev_experiment *experiment, const cev_interaction *interaction,
                              const double *theta, cev_templates *out)
{
    cev_folding *folding;
    CEV_TRY(cev_folding_create(experiment, interaction, theta, &folding));
    cev_status status = cev_folding_templates(arena, folding, out);
    if (status == CEV_OK) cev_folding_fill(folding, theta, out);
    cev_folding_destroy(&folding);
    return status;
}

double cev_recoil_rate_per_keV(const cev_experiment *experiment, const cev_interaction *interaction,
                               const cev_template_row *row, double recoil_keV, const double *theta)
{
    gsl_integration_glfixed_table *rule = gsl_integration_glfixed_table_alloc(ORDER);
    if (!rule) return NAN;
    const cev_kinematics *k = interaction->kinematics(row->term, theta);
    double mass_MeV = cev_nucleus_mass_MeV(&experiment->target.nucleus[row->nucleus]),
           recoil_MeV = recoil_keV / CEV_KEV_PER_MEV;
    cev_moments m = cev_moments_above(&experiment->source, row->source_component, rule,
                                      cev_energy_min_MeV(k->limit, mass_MeV, recoil_MeV), NULL);
    gsl_integration_glfixed_table_free(rule);
    return average(k, mass_MeV, recoil_MeV, m.of) * exposure_per_cm2(experiment, row->nucleus, row->source_component) *
           interaction->factor_cm2_per_keV(row->term, &experiment->target.nucleus[row->nucleus],
                                           &experiment->target.form_factor, recoil_keV, theta);
}
