/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A scan in one text, and what becomes of it with a change. */
#ifndef CEVSCAN_TESTS_TOY_SCAN_H
#define CEVSCAN_TESTS_TOY_SCAN_H

#include "ess.h"

/* A scan with everything in one text. Line numbers matter below. */
static const char good[] =
    "scan: toy\n" /* 1 */
    "title: a toy\n"
    "interaction: nsi\n"
    "store_pulls: true\n"
    "tile: [4, 3]\n" /* 5 */
    "data: {asimov: {eps_ee_uV: 0.05}}\n"
    "parameters:\n"
    "  - {name: eps_ee_uV, min: -0.2, max: 0.6, points: 9}\n"
    "  - {name: eps_emu_uV, scale: symlog, linear_threshold: 0.01, min: -1, max: 1, points: 5}\n"
    "  - {name: eps_etau_uV, value: 0.125}\n" /* 10 */
    "experiments:\n"
    "  - experiment: box\n"
    "    citation: nobody 1999\n"
    "    source: {name: pion_decay_at_rest, protons_per_year: 1e23, neutrinos_per_proton: 0.1, distance_m: 20}\n"
    "    target:\n" /* 15 */
    "      mass_kg: 10\n"
    "      form_factor: helm\n"
    "      nuclei:\n"
    "        - {name: C, protons: 6, neutrons: 6, mass_u: 12, rms_radius_fm: 2.5, per_unit: 3}\n"
    "        - {name: F, protons: 9, neutrons: 10, mass_u: 19, rms_radius_fm: 2.9}\n" /* 20 */
    "    response: {name: threshold, threshold_keV: 1, acceptance: 0.5}\n"
    "    bins: {edges_keV: [1, 2, 5, 10]}\n"
    "    backgrounds:\n"
    "      - {name: flat, rate_per_keVee_kg_day: 2, quenching_factor: 0.25, live_days: 100, duty_factor: 0.1}\n"
    "      - {name: listed, counts: [1, 2, 3]}\n" /* 25 */
    "    pulls:\n"
    "      - {name: norm, sigma: 0.1, scales: [signal, listed]}\n"
    "      - {name: flat, sigma: 0.2, scales: [flat]}\n"
    "    observed: [60, 7, 8.5]\n";

static char text[16384];

/* `good` with the first `old` replaced by `new`. */
static inline const char *with(const char *old, const char *new)
{
    const char *at = strstr(good, old);
    if (!at) fail_msg("the text has no \"%s\"", old);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - good), good, new, at + strlen(old));
    return text;
}

static inline cev_scan_config *parse(const char *yaml)
{
    cev_scan_config *config;
    assert_ok(cev_scan_config_parse(yaml, "toy.yaml", &config));
    return config;
}

#endif
