/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Detector responses: the probability that a nuclear recoil is counted in each bin of the observable. */
#ifndef CEVSCAN_RESPONSE_H
#define CEVSCAN_RESPONSE_H

#include "cevscan/bins.h"
#include "cevscan/parameter.h"

/* --- pieces that responses are made of; each a table of its own, chosen by name --------------------------------- */

/* Quenching: electron-equivalent energy of a nuclear recoil. */
typedef struct cev_quenching cev_quenching;
typedef struct cev_quenching_kind {
    cev_card card;
    double (*electron_keV)(const cev_quenching *quenching,
                           double recoil_keV); /* must grow with recoil_keV >= 0, from 0 */
} cev_quenching_kind;
struct cev_quenching {
    const cev_quenching_kind *kind;
    double parameter[CEV_MAX_MODEL_PARAMETERS];
};

/* Smearing: how the observable x is distributed around its mean for an electron-equivalent energy. */
typedef struct cev_smearing cev_smearing;
typedef struct cev_smearing_kind {
    cev_card card;
    const char *unit; /* of x: "PE" */
    double (*mean)(const cev_smearing *smearing, double electron_keV);
    double (*sigma)(const cev_smearing *smearing, double electron_keV); /* > 0 for electron_keV > 0 */
    /* Probability density per unit of x, at x > 0. */
    double (*density)(const cev_smearing *smearing, double electron_keV, double x);
} cev_smearing_kind;
struct cev_smearing {
    const cev_smearing_kind *kind;
    double parameter[CEV_MAX_MODEL_PARAMETERS];
};

/* Efficiency: the share of events with observable x that is kept, in [0, 1]. */
typedef struct cev_efficiency cev_efficiency;
enum { CEV_MAX_EFFICIENCY_BREAKS = 16 };
typedef struct cev_efficiency_kind {
    cev_card card;
    double (*value)(const cev_efficiency *efficiency, double x);
    double (*zero_below)(const cev_efficiency *efficiency); /* the x from which on it is not zero; 0 if it never is */
    /* Values of x between which it is smooth on the scale of their distance: kinks, and points around a steep rise; in
     * no order, not all of them finite. x[CEV_MAX_EFFICIENCY_BREAKS] receives them, their number is returned. */
    size_t (*breaks)(const cev_efficiency *efficiency, double *x);
} cev_efficiency_kind;
struct cev_efficiency {
    const cev_efficiency_kind *kind;
    double parameter[CEV_MAX_MODEL_PARAMETERS];
};

/* "constant", "polynomial", "lindhard"; "gamma"; "constant", "logistic". */
extern const cev_quenching_kind *const cev_quenching_kinds[];
extern const cev_smearing_kind *const cev_smearing_kinds[];
extern const cev_efficiency_kind *const cev_efficiency_kinds[];
extern const size_t cev_n_quenching_kinds, cev_n_smearing_kinds, cev_n_efficiency_kinds;

/* --- the responses ---------------------------------------------------------------------------------------------- */

typedef struct cev_response cev_response;

/* What the bins are bins of. */
typedef enum cev_observable {
    CEV_OBSERVABLE_RECOIL_KEV,
    CEV_OBSERVABLE_PHOTOELECTRONS,
    CEV_OBSERVABLE_BIN, /* bins that are only numbered: what they mean is known to those who made the table */
    CEV_N_OBSERVABLES
} cev_observable;

extern const char *const cev_observable_units[CEV_N_OBSERVABLES]; /* "keV", "PE", "bin" */

/* Probabilities (or exposures) of each bin at recoil energies in between which they are linear; zero outside. */
typedef struct cev_response_table {
    size_t n_recoil, n_bin;
    const double *recoil_keV; /* [n_recoil], strictly increasing, > 0 */
    const double *value;      /* [n_bin][n_recoil], >= 0 */
} cev_response_table;

typedef struct cev_response_kind {
    cev_card card;
    cev_observable observable;
    bool counting;       /* has a single bin, from the threshold on, that knows no upper edge */
    bool made_of_pieces; /* quenching, smearing and efficiency must be given */
    bool tabulated;      /* the table must be given */
    /* probability[n_energy] for one true recoil energy recoil_keV > 0. */
    void (*fill)(const cev_response *response, const cev_bins *bins, double recoil_keV, double *probability);
    /* Energy scale over which the probabilities change around recoil_keV; 0 where they are steps at the bin edges. The
     * folding takes its step from it, and bins may be laid out by it. */
    double (*resolution_keV)(const cev_response *response, double recoil_keV);
    /* Recoil energy whose observable is `x` on average: the folding breaks its integrals there for every bin edge.
     * Infinite if no recoil has it. NULL: x is the recoil energy. */
    double (*recoil_keV)(const cev_response *response, double x);
} cev_response_kind;

struct cev_response {
    const cev_response_kind *kind;
    double parameter[CEV_MAX_MODEL_PARAMETERS]; /* in the order of kind->parameters */
    cev_quenching quenching;                    /* kinds are NULL unless made_of_pieces */
    cev_smearing smearing;
    cev_efficiency efficiency;
    cev_response_table table; /* empty unless tabulated */
};

/* Every response in recoil energy has these two parameters first. */
enum { CEV_RESPONSE_THRESHOLD_KEV, CEV_RESPONSE_ACCEPTANCE, CEV_N_COMMON_RESPONSE_PARAMETERS };

/* All kinds: "gaussian", "threshold", "counting", "photoelectrons", "table". */
extern const cev_response_kind *const cev_response_kinds[];
extern const size_t cev_n_response_kinds;

extern const cev_response_kind cev_response_photoelectrons, cev_response_tabulated; /* in their own files */

/* Recoil energies where the folding must break: the threshold, if there is one, each bin edge, and the knots of a
 * table; in no order. recoil_keV[] has room for cev_response_n_breaks() of them; their number is returned. */
size_t cev_response_n_breaks(const cev_response *response, const cev_bins *bins);
size_t cev_response_breaks(const cev_response *response, const cev_bins *bins, double *recoil_keV);

#endif
