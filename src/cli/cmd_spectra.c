/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "spectrum.h"
#include "usage.h"

static const char doc[] =
    "What expected events are folded from, in tables over an energy: recoil spectra, cross sections, form "
    "factors, fluxes, oscillation probabilities and the detector's response.\v"
    "--of KIND is one of\n"
    "  recoil         events per keV of true recoil energy, kg of target and day of live time (1/365.25 of the "
    "source's years), before the response: by neutrino and by nucleus. Where the source is given in protons on "
    "target, they are those of the whole exposure\n"
    "  cross_section  dsigma/dT in cm^2/keV by neutrino and nucleus, averaged over the neutrino's spectrum, or "
    "at --energy\n"
    "  form_factor    q, and the nuclei's responses to it: coherent per Z^2, Z N and N^2, and transverse axial "
    "ones where the form factor has them\n"
    "  flux           dPhi/dE at the detector per cm^2, MeV and second of live time, times the share that "
    "arrives while it counts; lines apart\n"
    "  probability    P(nu_e -> nu_a) of solar neutrinos, by day, at night and averaged over both\n"
    "  response       share of recoils that are counted, in all and in each bin of energy, or the exposure that "
    "a table gives; resolution, or quenching and smearing\n"
    "The parameters are at the standard model unless set otherwise. The recoil spectrum times the response, "
    "integrated, times kg and days is what cevscan rates says, summed over arrival time.\n\n"
    "CSV and JSON have 17 digits. JSON has for each experiment: x, the name of the list that the curves are over "
    "(recoil_keV or energy_MeV), and that list; curves, each with quantity, unit, values, and nucleus, component "
    "and bin where it is of one of them; lines, each with component, energy_MeV, unit and value; mass_kg, "
    "live_days (null where they are not known), of and title.\n\n"
    "Example: cevscan spectra --experiments ess_csi --of recoil --log --points 200 --format csv";

typedef struct spectra_options {
    selection_options selection;
    spectrum_options spectrum;
    output_format format;
} spectra_options;

enum { KEY_OF = 512, KEY_FROM, KEY_TO, KEY_POINTS, KEY_LOG, KEY_ENERGY };

static const struct argp_option options[] = {
    {"of", KEY_OF, "KIND", 0, "recoil (default), cross_section, form_factor, flux, probability or response", 2},
    {"from", KEY_FROM, "ENERGY", 0, "first energy, in keV of recoils or MeV of neutrinos (default: a step above zero)",
     2},
    {"to", KEY_TO, "ENERGY", 0, "last energy (default: the largest that there is)", 2},
    {"points", KEY_POINTS, "N", 0, "energies, both ends included (default: 100)", 2},
    {"log", KEY_LOG, NULL, 0, "logarithmic steps, by default over three decades", 2},
    {"energy", KEY_ENERGY, "MEV", 0, "energy of the neutrinos, for cross sections", 2},
    {"format", 'f', "FORMAT", 0, "table (default), csv or json", 2},
    {0},
};

static double parse_energy(const char *name, const char *argument, struct argp_state *state)
{
    char *end;
    double x = strtod(argument, &end);
    if (end == argument || *end || !(x > 0) || !isfinite(x))
        usage_error(state, "--%s %s: expected an energy above zero", name, argument);
    return x;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    enum { MOST_POINTS = 1000000 };
    spectra_options *o = state->input;
    int points;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &o->selection; return 0;
    case 'f': parse_format(argument, state, &o->format); return 0;
    case KEY_OF: o->spectrum.of = argument; return 0;
    case KEY_FROM: o->spectrum.from = parse_energy("from", argument, state); return 0;
    case KEY_TO: o->spectrum.to = parse_energy("to", argument, state); return 0;
    case KEY_ENERGY: o->spectrum.energy_MeV = parse_energy("energy", argument, state); return 0;
    case KEY_LOG: o->spectrum.logarithmic = true; return 0;
    case KEY_POINTS:
        if (!parse_whole(argument, 2, MOST_POINTS, &points))
            usage_error(state, "--points %s: expected a whole number between 2 and %d", argument, MOST_POINTS);
        o->spectrum.points = (size_t)points;
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static cev_status print_as_asked(const selection *s, const void *context)
{
    const spectra_options *o = context;
    return print_spectra(s, &o->spectrum, o->format);
}

int command_spectra(int argc, char **argv)
{
    spectra_options o = {.format = FORMAT_TABLE, .spectrum = SPECTRUM_DEFAULTS};
    const struct argp_child children[] = {{&selection_argp, 0, NULL, 0}, {0}};
    const struct argp argp = {.options = options,
                              .parser = parse,
                              .args_doc = "[SCAN.yaml]",
                              .doc = doc,
                              .children = children};
    parse_arguments(&argp, argc, argv, &o);
    if (o.selection.json) o.format = FORMAT_JSON;

    return print_selection(&o.selection, print_as_asked, &o);
}
