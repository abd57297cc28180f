/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The workloads of `cevscan bench`, in the order in which they run. */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

#define PLANE                                                                                                          \
    "parameters: [{name: eps_ee_uV, min: -0.5, max: 0.7, points: 256}, {name: eps_mumu_uV, min: -0.5, max: 0.7, "      \
    "points: 256}]"

/* --- many shared pulls: copies of the CsI detector, built as a user would --------------------------------------- */

enum { N_COPY = 6, N_COPY_BIN = 20, N_COPY_BACKGROUND = 5 };

/* Falling, rising, flat, a peak in the middle, and a valley. */
static double background_counts(size_t shape, size_t bin)
{
    double x = (double)bin / (N_COPY_BIN - 1), from_middle = 2 * x - 1;
    double height[N_COPY_BACKGROUND] = {4 / (1 + 9 * x), 0.5 + x, 1, 2 / (1 + 16 * from_middle * from_middle),
                                        0.3 + from_middle * from_middle};
    return 400 * height[shape];
}

static void write_backgrounds(FILE *out)
{
    fprintf(out, "backgrounds: [");
    for (size_t b = 0; b < N_COPY_BACKGROUND; b++) {
        fprintf(out, "{name: b%zu, counts: [", b + 1);
        for (size_t i = 0; i < N_COPY_BIN; i++) fprintf(out, "%s%.4f", i ? ", " : "", background_counts(b, i));
        fprintf(out, "]}, ");
    }
    fprintf(out, "], ");
}

/* One pull on all signals, one on each kind of background in all copies, and four of the backgrounds have one of their
 * own. */
static void write_pulls(FILE *out, size_t copy)
{
    fprintf(out, "pulls: [{name: flux, sigma: 0.1, scales: [signal]}");
    for (size_t b = 0; b < N_COPY_BACKGROUND; b++)
        fprintf(out, ", {name: all.b%zu, sigma: 0.05, scales: [b%zu]}", b + 1, b + 1);
    for (size_t b = 0; b + 1 < N_COPY_BACKGROUND; b++)
        fprintf(out, ", {name: copy%zu.b%zu, sigma: 0.02, scales: [b%zu]}", copy, b + 1, b + 1);
    fprintf(out, "]");
}

static void write_copy(FILE *out, size_t copy)
{
    fprintf(out,
            "{experiment: copy%zu, source: {name: pion_decay_at_rest, protons_per_year: 2.8e+23, years: 3, "
            "neutrinos_per_proton: 0.3, "
            "distance_m: %zu}, target: {mass_kg: 22.5, form_factor: {name: helm, skin_thickness_fm: 0.9}, nuclei: ["
            "{name: Cs, protons: 55, neutrons: 78, mass_u: 132.91, rms_radius_fm: 4.83}, "
            "{name: I, protons: 53, neutrons: 74, mass_u: 126.90, rms_radius_fm: 4.83}]}, "
            "response: {name: gaussian, threshold_keV: 1, sigma_at_threshold_keV: 0.3, acceptance: 0.8}, bins: "
            "{resolution_widths: 2}, ",
            copy, 15 + 5 * copy);
    write_backgrounds(out);
    write_pulls(out, copy);
    fprintf(out, "}");
}

static cev_status shared_pulls_scan(cev_arena *arena, char **text)
{
    char *buffer = NULL;
    size_t size;
    FILE *out = open_memstream(&buffer, &size);
    if (!out) return cev_fail(CEV_E_MEMORY, "out of memory");
    fprintf(out, "{scan: shared_pulls, interaction: nsi, experiments: [");
    for (size_t copy = 1; copy <= N_COPY; copy++) {
        write_copy(out, copy);
        fprintf(out, ", ");
    }
    fprintf(out, "], parameters: [{name: eps_ee_uV, min: -0.5, max: 0.7, points: 64}, {name: eps_mumu_uV, min: -0.5, "
                 "max: 0.7, points: 64}]}");
    cev_status status = fclose(out) ? cev_fail(CEV_E_MEMORY, "out of memory")
                                    : cev_arena_copy_text(arena, buffer, text);
    free(buffer);
    return status;
}

cev_status bench_scan_text(cev_arena *arena, const bench_workload *workload, const char **text)
{
    char *made;
    *text = workload->scan;
    if (*text) return CEV_OK;
    CEV_TRY(workload->make_scan(arena, &made));
    *text = made;
    return CEV_OK;
}

/* --- the table -------------------------------------------------------------------------------------------------- */

/* The scheduler comes before the tiles: what is set up for a lone process would reach its mpirun. */
#define POINTS .measure = bench_points, .print = bench_print_points
#define PROFILED .measure = bench_profiled, .print = bench_print_profiled

const bench_workload bench_workloads[] = {
    {"reference", "two couplings, CsI + Si at the ESS: 80 bins, 4 pulls", POINTS,
     .scan = "{scan: reference, interaction: nsi, experiments: [ess_csi, ess_si], " PLANE "}"},
    {"counting", "two couplings, PandaX-4T as one counting bin", POINTS,
     .scan = "{scan: counting, interaction: nsi, experiments: [pandax4t_counting], data: observed, " PLANE "}"},
    {"six_detectors", "two couplings, all six detectors at the ESS", POINTS,
     .scan = "{scan: six_detectors, interaction: nsi, experiments: [ess_csi, ess_xe, ess_si, ess_ge, ess_ar, "
             "ess_c3f8], " PLANE "}"},
    {"shared_pulls", "two couplings, six detectors with five backgrounds each that share 30 pulls", POINTS,
     .make_scan = shared_pulls_scan},
    {"light_mediator", "mass and coupling of a light mediator, XENONnT: templates anew for each mass", POINTS,
     .scan = "{scan: light_mediator, interaction: vector_universal, experiments: [xenonnt_8b], data: observed, "
             "parameters: ["
             "{name: mediator_mass_MeV, scale: log, min: 0.001, max: 10000, points: 71}, "
             "{name: coupling, scale: log, min: 1.e-7, max: 1, points: 701}]}"},
    {"lambda", "eight Wilson coefficients in turn, COHERENT CsI as Poisson counts", POINTS,
     .scan = "{scan: lambda, interaction: eft, experiments: [coherent_csi_poisson], data: observed, parameters: ["
             "{each_of: [lambda_C1_u_e, lambda_C1_d_e, lambda_C2_u_e, lambda_C2_d_e, lambda_C1_u_mu, lambda_C1_d_mu, "
             "lambda_C2_u_mu, "
             "lambda_C2_d_mu], scale: signed_log, min: 10, max: 10000, points: 8000}]}"},
    {"gaussian", "two couplings, COHERENT CsI with the Gaussian likelihood of arXiv:2409.04703", POINTS,
     .scan = "{scan: gaussian, interaction: nsi, experiments: [coherent_csi_paper], data: observed, " PLANE "}"},
    {"profiled_1", "two couplings, and one that is profiled: CsI + Si at the ESS", PROFILED,
     .make_scan = bench_scan_of_profiled_1},
    {"profiled_2", "the same with two", PROFILED, .make_scan = bench_scan_of_profiled_2},
    {"profiled_4", "with four", PROFILED, .make_scan = bench_scan_of_profiled_4},
    {"profiled_8", "with eight", PROFILED, .make_scan = bench_scan_of_profiled_8},
    {"profiled_10", "with ten", PROFILED, .make_scan = bench_scan_of_profiled_10},
    {"profiled_4_of_4", "with four, and four detectors: CsI + Si + Xe + Ge", PROFILED,
     .make_scan = bench_scan_of_profiled_four},
    {"subsets", "63 subsets of the ESS detectors in ten planes of 201 x 201 points, on all cores", bench_subsets,
     bench_print_subsets, NULL, NULL},
    {"folding", "templates: of experiments from nothing, and anew for a mediator mass", bench_folding,
     bench_print_folding, NULL, NULL},
    {"startup", "from the start of the process to the first tile of a scan of six detectors", bench_startup,
     bench_print_startup,
     .scan = "{scan: six_detectors, interaction: nsi, experiments: [ess_csi, ess_xe, ess_si, ess_ge, ess_ar, "
             "ess_c3f8], " PLANE "}"},
    {"scheduler", "empty tiles through master and workers", bench_scheduler, bench_print_scheduler, NULL, NULL},
    {"tiles", "tiles into a map file", bench_tiles, bench_print_tiles,
     .scan = "{scan: tiles, interaction: nsi, experiments: [ess_csi], parameters: [{name: eps_ee_uV, min: -0.5, max: "
             "0.7, points: 2048}, "
             "{name: eps_mumu_uV, min: -0.5, max: 0.7, points: 2048}]}"},
};
const size_t n_bench_workloads = sizeof bench_workloads / sizeof *bench_workloads;
