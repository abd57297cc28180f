/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Neutrino sources: what arrives at the detector, per flavour and energy, summed over the exposure. */
#ifndef CEVSCAN_SOURCE_H
#define CEVSCAN_SOURCE_H

#include "cevscan/arena.h"
#include "cevscan/arrival.h"
#include "cevscan/flavour.h"
#include "cevscan/parameter.h"
#include "cevscan/quark_couplings.h"

typedef struct cev_source cev_source;

/* When neutrinos of the Sun arrive; the numbers are those of the parameter `earth` of "solar_b8". */
typedef enum cev_hours { CEV_BY_DAY, CEV_AT_NIGHT, CEV_DAY_AND_NIGHT, CEV_N_HOURS } cev_hours;

/* One neutrino species of a source: a line at energy_max_MeV, or a continuum on [energy_min_MeV, energy_max_MeV]. */
typedef struct cev_source_component {
    const char *name;  /* "nu_mu" */
    const char *label; /* TeX */
    const char *help;
    cev_flavour flavour;
    cev_arrival arrival; /* when, after the beam's pulse */
    double energy_min_MeV;
    double energy_max_MeV;
    /* Normalised spectrum per MeV, smooth inside the range; NULL for a line. */
    double (*spectrum_per_MeV)(const cev_source *source, double energy_MeV);
    double panel_MeV; /* of a tabulated spectrum, which is smooth only between multiples of this; 0 for others */
} cev_source_component;

typedef struct cev_source_kind {
    cev_card card;
    const cev_source_component *components;
    size_t n_component;
    /* Neutrinos of `component` per cm^2 at the detector, summed over the exposure, times the share that arrives while
     * it counts. */
    double (*fluence_per_cm2)(const cev_source *source, size_t component);
    /* A scan parameter of this name, if the interaction has it, takes the place of parameter number `normalisation`,
     * which the fluence is proportional to. NULL: there is none. */
    const char *scan_parameter;
    size_t normalisation;
    /* What is wrong with the parameters taken together, in words; NULL if nothing is, and if there is no such
     * function. / */
    const char *(*complaint)(const cev_source *source);
    /* Fills table[n_table], that the spectra are read from, for neutrinos that pass matter with these couplings beyond
     * the standard model (NULL: none) on their way. Allocates nothing, cannot fail. n_table = 0: there is no table. */
    size_t n_table;
    void (*tabulate)(const cev_source *source, const cev_quark_couplings *couplings, double *table);
    /* Whether the table depends on the couplings. NULL: it does not. */
    bool (*feels_matter)(const cev_source *source);
    /* Days, 1/365.25 of the source's years, that the exposure lasts; NaN where the parameters do not say it. */
    double (*live_days)(const cev_source *source);
    /* probability[CEV_N_FLAVOURS] that a neutrino of energy_MeV > 0 arrives as each flavour; couplings as above. The
     * probabilities sum to 1. NULL: its neutrinos do not oscillate. */
    void (*probabilities)(const cev_source *source, const cev_quark_couplings *couplings, cev_hours hours,
                          double energy_MeV, double *probability);
} cev_source_kind;

struct cev_source {
    const cev_source_kind *kind;
    double parameter[CEV_MAX_MODEL_PARAMETERS]; /* in the order of kind->parameters */
    const double *table;                        /* [n_table] of kind->tabulate */
};

enum { CEV_MAX_SOURCE_COMPONENTS = 8 };

/* Fills source->table, in the arena, from the parameters, without couplings; must be called once they are set. */
cev_status cev_source_prepare(cev_arena *arena, cev_source *source);

bool cev_source_feels_matter(const cev_source *source);

/* All kinds: "pion_decay_at_rest", "solar_b8". */
extern const cev_source_kind *const cev_source_kinds[];
extern const size_t cev_n_source_kinds;

/* One line per source in its own file. */
extern const cev_source_kind cev_source_pion_decay_at_rest;
extern const cev_source_kind cev_source_solar_b8;

#endif
