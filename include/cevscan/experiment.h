/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One experiment: a source, a target, a response, backgrounds and systematic uncertainties. Plain data, filled by the
 * configuration, constant from then on; all that it points to lives in its creator's arena. */
#ifndef CEVSCAN_EXPERIMENT_H
#define CEVSCAN_EXPERIMENT_H

#include "cevscan/arrival.h"
#include "cevscan/bins.h"
#include "cevscan/form_factor.h"
#include "cevscan/nucleus.h"
#include "cevscan/pull_constraint.h"
#include "cevscan/response.h"
#include "cevscan/source.h"

enum { CEV_MAX_NUCLEI = 64 }; /* of a target, isotopes counted one by one */

/* A compound; each nucleus of the formula unit scatters on its own. */
typedef struct cev_target {
    size_t n_nucleus;
    const cev_nucleus *nucleus;  /* [n_nucleus] */
    const double *per_unit;      /* [n_nucleus], atoms of each in a formula unit, > 0 */
    double molar_mass_g_per_mol; /* of the formula unit */
    double mass_kg;
    cev_form_factor form_factor;
} cev_target;

/* Nuclei of a species in all of the target. */
double cev_target_n_nuclei(const cev_target *target, size_t nucleus);

/* Something that is counted and does not depend on the parameters of the scan. */
typedef struct cev_background {
    const char *name;
    const char *title;    /* for people; the name, where the file has none */
    const double *counts; /* [n_bin], >= 0, summed over the exposure */
} cev_background;

/* How counts and expectations are compared: as Poisson counts, or as numbers with a Gaussian uncertainty. */
typedef enum cev_statistic { CEV_STATISTIC_POISSON, CEV_STATISTIC_GAUSSIAN, CEV_N_STATISTICS } cev_statistic;

extern const char *const cev_statistic_names[CEV_N_STATISTICS]; /* "poisson", "gaussian" */

/* Components of an experiment's counts are numbered: the signal first, then the backgrounds in their order. */
enum { CEV_COMPONENT_SIGNAL = 0, CEV_COMPONENT_FIRST_BACKGROUND = 1, CEV_MAX_COMPONENTS = 16 };

enum { CEV_MAX_PULLS = 64 }; /* of all experiments of a scan together */

typedef struct cev_experiment cev_experiment;

/* Of the signal, what one flavour makes, or one nucleus, or one flavour on one nucleus. */
typedef struct cev_signal_part {
    size_t source_component; /* of the source's kind; SIZE_MAX: all */
    size_t nucleus;          /* of the target; SIZE_MAX: all */
    double weight;
} cev_signal_part;

/* A nuisance parameter a; the same name in two experiments is one shared pull, with one constraint. It scales
 * components, or parts of the signal, by 1 + weight a (a component under several pulls is scaled by 1 + the sum of
 * them), or changes the shape of all that is expected, from the same experiment with a at sigma and at -sigma: to first
 * order, N(a) = N(0) + a [N_up - N_down]/(2 sigma), or, if it is quadratic, with a^2 [N_up + N_down - 2 N(0)]/(2
 * sigma^2) on top, so that a = +- sigma gives N_up and N_down. */
typedef struct cev_pull {
    const char *name;
    double sigma; /* > 0, or 0: the pull is not there; of a parameter in its unit; NaN if it is free, and its shapes, if
                     it has some, are those at 1 and -1 */
    cev_pull_constraint constraint;
    bool bounded;
    double minimum, maximum; /* of a, if it is bounded */
    size_t n_component;
    const size_t *component; /* [n_component] that it scales; none if it changes shapes */
    const double *weight;    /* [n_component]; NULL: 1 */
    size_t n_part;
    const cev_signal_part *part; /* [n_part] of the signal that it scales */
    bool quadratic;
    const cev_experiment *up,
        *down; /* NULL if it scales. They may differ in source, form factor, response and backgrounds' counts */
    const char *parameter; /* that a shifts, "source.theta12_rad"; NULL for shapes that are given */
} cev_pull;

struct cev_experiment {
    const char *name;
    const char *title;
    const char *surrogate; /* why its numbers stand for others that are not published; NULL: they do not */
    const char *stands_on; /* which experiment it was made from and what differs, in words; NULL: none */
    cev_source source;
    cev_target target;
    cev_response response;
    cev_bins bins;
    size_t n_background;
    const cev_background *background; /* [n_background] */
    size_t n_pull;
    const cev_pull *pull; /* [n_pull] */
    cev_beam beam;        /* for arrival times; its kind is NULL where the bins know no time */
    cev_statistic statistic;
    const double *variance; /* [n_bin] of a Gaussian statistic, > 0; NULL for Poisson */
    const double *observed; /* [n_bin] counts, or NULL where there are no data */
    const double *counted;  /* [n_bin] the same before anything was subtracted from them */
};

/* Components of a channel (cevscan/profile.h) that its pulls add to the signal and the backgrounds: one for each pull
 * that changes shapes, a second one if it is quadratic, and one for all parts of the signal that a pull scales. */
size_t cev_experiment_n_shape(const cev_experiment *experiment);
size_t cev_pull_n_shape(const cev_pull *pull);

/* Whether its sigma is not 0. */
bool cev_pull_is_there(const cev_pull *pull);

/* How far from 0 its shapes are given: sigma, and 1 if it is free. */
double cev_pull_step(const cev_pull *pull);

/* Its bounds; infinite where it has none. */
double cev_pull_low(const cev_pull *pull);
double cev_pull_high(const cev_pull *pull);

/* "sigma 0.1", "sigma 0.28, constraint gamma", "free, at least -1", "sigma 0.002 of quenching.c1, quadratic",
 * "sigma 0.1 on signal, 0.5 neutrons": what it scales is said where it has weights or parts of the signal. text[size]
 * is cut where it is too small; CEV_PULL_WORDS_SIZE is enough for most. */
enum { CEV_PULL_WORDS_SIZE = 512 };
void cev_pull_in_words(const cev_experiment *experiment, const cev_pull *pull, char *text, size_t size);

/* Whether two pulls of one name can be one: constraint, sigma and bounds are the same. If not, why_not[size] says how
 * they differ: "with sigma 0.1 and 0.2". */
bool cev_pull_is_one(const cev_pull *one, const cev_pull *other, char *why_not, size_t size);

/* Whether its bins have numbers only, so that their edges 0, 1, 2, ... mean nothing: those of a tabulated response. */
bool cev_bins_are_numbered(const cev_experiment *experiment);

/* What bin i < n_bin is, in words: "20 to 30 keV", "0 to 12 PE, 0.125 to 0.25 us" where time is measured, "above 2 keV"
 * of a counting experiment, which has no upper edge, and of a table "bin 2", or the name that its file gives it. The
 * second function leaves the time out. text[size] is cut where it is too small; CEV_BIN_NAME_SIZE is enough. */
enum { CEV_BIN_NAME_SIZE = 192, CEV_MAX_BIN_NAME = 64 };
void cev_bin_name(const cev_experiment *experiment, size_t bin, char *text, size_t size);
void cev_bin_energy_name(const cev_experiment *experiment, size_t bin, char *text, size_t size);

/* All of them: "20 bins from 1 to 49.1342 keV", "8 bins from 0 to 60 PE and in time", "1 bin above 2 keV", "3 bins of a
 * table". text[size]; CEV_BIN_NAME_SIZE is enough. */
void cev_bins_in_words(const cev_experiment *experiment, char *text, size_t size);

/* Significant digits that two neighbouring edges are to be written with: 6, and more where a bin is narrow. */
int cev_bin_edge_digits(double lo, double hi);

/* Largest recoil energy that the source can give to any, or to the lightest, nucleus of the target: the same thing. */
double cev_experiment_recoil_max_keV(const cev_source *source, const cev_target *target);

/* A bin in words, "bin 3 (12 to 16 PE, 0.5 to 1 us)", numbered from 1; into out[size]. */
void cev_experiment_bin_text(const cev_experiment *experiment, size_t bin, char *out, size_t size);

#endif
