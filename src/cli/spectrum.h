/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Curves over an energy, of one experiment: made by spectrum_curves.c, printed by spectrum_print.c. */
#ifndef CEVSCAN_CLI_SPECTRUM_H
#define CEVSCAN_CLI_SPECTRUM_H

#include <jansson.h>

#include "cevscan/spectra.h"
#include "output_format.h"
#include "selection.h"

typedef struct curve {
    const char *quantity, *unit;
    const char *nucleus, *component, *bin; /* what it is of; NULL: of all of them, or of none */
    const char *block; /* title of the table that it belongs to; neighbours with one title share it */
    double *value;     /* [n] */
} curve;

/* Neutrinos of one energy, which a curve cannot show. */
typedef struct spectral_line {
    const char *component;
    double energy_MeV, value;
} spectral_line;

typedef struct spectrum {
    const cev_experiment *experiment;
    const char *of, *x_name, *unit_of_lines;
    double live_days; /* NaN: not known */
    size_t n, n_curve, n_line;
    double *x; /* [n] */
    curve *curve;
    spectral_line line[CEV_MAX_SOURCE_COMPONENTS];
} spectrum;

/* The grid that the user wants; NaN: the kind's own. */
typedef struct spectrum_options {
    const char *of;
    double from, to, energy_MeV; /* energy: of cross sections; NaN: averaged over the source */
    size_t points;
    bool logarithmic;
} spectrum_options;

#define SPECTRUM_DEFAULTS                                                                                              \
    {                                                                                                                  \
        .of = "recoil", .from = NAN, .to = NAN, .energy_MeV = NAN, .points = 100                                       \
    }

/* Names of the kinds of spectra, NULL from the last one on: "recoil", "cross_section", ... */
const char *spectrum_name(size_t k);

/* Experiment e of a selection. Lives in the selection's arena. CEV_E_INPUT for a grid that cannot be, and for what the
 * experiment does not have. */
cev_status spectrum_make(const selection *s, size_t e, const spectrum_options *options, spectrum *out);

/* All experiments of a selection, to stdout. */
cev_status print_spectra(const selection *s, const spectrum_options *options, output_format format);

#endif
