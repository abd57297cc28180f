/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inside of a model, for the files of this room. */
#ifndef CEVSCAN_ENGINE_MODEL_PARTS_H
#define CEVSCAN_ENGINE_MODEL_PARTS_H

#include "cevscan/digest.h"
#include "cevscan/model.h"
#include "cevscan/profile.h"
#include "model_nodes.h"

/* The interaction gives its n_term coefficients once for each of these. Compared with memcmp: no padding. */
typedef struct coefficient_source {
    size_t nucleus, flavour;
} coefficient_source;

/* Templates, sorted. Terms with the same counts, as the three of a nucleus whose protons and neutrons have one form
 * factor, share a row, and their coefficients add up there; terms that count nothing have none. */
typedef struct row_set {
    size_t n_row;
    size_t *row_of_term; /* [n_coefficient_source][n_term], or NO_ROW */
    double *counts;      /* [n_row][n_bin] */
} row_set;

#define NO_ROW SIZE_MAX

typedef enum shape_kind { SHAPE_SLOPE, SHAPE_CURVATURE, SHAPE_PARTS } shape_kind;

/* What a pull adds to the counts per unit, or, of a curvature, per square of its unit. */
typedef struct model_shape {
    const cev_pull *pull;
    shape_kind kind;
    cev_folding *side[2];       /* of a slope: down, up; the curvature after it has them from there */
    cev_templates templates[2]; /* of each */
    row_set rows;
    double *background; /* [n_bin]; NULL of parts of the signal */
} model_shape;

struct model_experiment {
    const cev_experiment *experiment;
    cev_folding *folding;
    size_t flux_parameter; /* of the interaction, that sets the source's flux; n_parameter: none does */
    cev_templates templates;
    size_t n_coefficient_source;
    coefficient_source *source_of_coefficients; /* [n_coefficient_source] */
    row_set rows;
    size_t n_shape;
    model_shape *shape;   /* [n_shape], in the order of the experiment's pulls */
    cev_templates change; /* that a shape makes of the templates, before its rows are sorted */
    double *sum;          /* [n_coefficient_source][n_term][n_bin], while rows are sorted */
    model_nodes *nodes;   /* NULL: none; else rows and shapes are those of the nodes, and those here of nothing but the
                             experiment as it is */
};

#define NOT_GIVEN SIZE_MAX

typedef struct model_pull {
    const char *name;
    const cev_pull *of; /* in the first experiment under it */
    size_t theta;       /* place of its value there, if the scan gives it, or NOT_GIVEN */
    size_t users;
} model_pull;

struct cev_model {
    cev_arena *arena;
    const cev_interaction *interaction; /* of the roster */
    cev_roster roster;
    size_t n_interpolated;
    model_interpolated *interpolated; /* [n_interpolated] */
    double theta[CEV_MAX_THETA];      /* that it is folded with; only the slow parameters mean anything */
    size_t n_experiment;
    model_experiment *experiment; /* [n_experiment] */
    size_t n_pull;
    model_pull *pull; /* [n_pull] */
    size_t n_given;   /* of these, the scan gives so many */
    size_t n_link;
    cev_pull_link *link; /* [n_link] */
    cev_profile *profile;
};

struct cev_model_scratch {
    cev_arena *arena;
    cev_profile_scratch *profile;
    cev_followers *followers; /* of this thread; NULL without formulas */
    cev_lanes *given;         /* [n_pull], if any is given */
    cev_lanes *of_terms,
        *coefficient; /* [most rows of an experiment] each: of every source and term, and of the rows that they share */
    cev_lanes *node_weight, *of_node; /* [most nodes of an experiment], [most bins]; NULL: there are none */
    cev_lanes *
        *signal; /* [n_experiment][1 + n_shape][n_bin]: the signal, and what its shapes add per unit of their pulls */
};

/* An experiment, or one node of it: templates, rows and shapes. */
cev_status cev_model_prepare_part(cev_model *model, model_experiment *part);
void cev_model_fold_part(cev_model *model, model_experiment *part, const double *theta);
void cev_model_destroy_part(model_experiment *part);

/* Folds what the pulls of an experiment add beside whole components, once its own templates are folded;
 * model_shapes.c. */
cev_status cev_model_prepare_shapes(cev_model *model, model_experiment *part);
void cev_model_fold_shapes(cev_model *model, model_experiment *part, const double *theta);
void cev_model_destroy_shapes(model_experiment *part);

/* Sorts templates[n_row][n_bin] into rows; those of an experiment all have the same sources of coefficients.
 * model_rows.c. */
cev_status cev_model_new_rows(cev_arena *arena, const cev_templates *templates, row_set *rows);
void cev_model_sort_rows(size_t n_term, model_experiment *part, const cev_templates *templates, row_set *rows);

/* Links, priors and correlations of all pulls, and the fit over them. model_pulls.c. */
cev_status cev_model_build_profile(cev_model *model);

/* [n_pull] values of the pulls that are given, in the scratch; NULL if none is. */
const cev_lanes *cev_model_given(const cev_model *model, cev_model_scratch *scratch, const cev_lanes *theta);

/* Expected counts[n_bin] of experiment e at the first of a block of points: pulls that are given where they are, all
 * others at 0. Leaves the block's signal in the scratch. */
void cev_model_counts(const cev_model *model, size_t e, cev_model_scratch *scratch, const cev_lanes *theta,
                      double *counts);

/* Whether the model is folded with the slow parameters of theta[n_parameter]. */
bool cev_model_is_folded(const cev_model *model, const double *theta);

/* SHA-256 of what is folded: templates, rows, shapes. model_digest.c. */
cev_status cev_model_digest(const cev_model *model, cev_digest *out);

/* Expected signal of experiment e at a block of points, and its shapes: scratch->signal[e]. */
void cev_model_predict(const cev_model *model, size_t e, cev_model_scratch *scratch, const cev_lanes *theta);

/* The counts of a set of rows: scratch->of_terms, the coefficients of all sources and terms, scattered into rows and
 * contracted. */
void cev_model_predict_rows(const cev_model *model, const model_experiment *part, const row_set *rows,
                            cev_model_scratch *scratch, cev_lanes *counts);

/* What the signal of an experiment is multiplied with where the scan sets the flux of its source. */
cev_lanes cev_model_flux(const cev_model *model, const model_experiment *part, const cev_lanes *theta);

/* The same theta[n] in every lane. */
void cev_theta_broadcast(size_t n, const double *theta, cev_lanes *block);

#endif
