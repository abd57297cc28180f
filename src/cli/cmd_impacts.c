/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <argp.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "assumptions.h"
#include "cevscan/config.h"
#include "cevscan/flat_directions.h"
#include "cevscan/impacts.h"
#include "cevscan/nearest.h"
#include "command.h"
#include "output_format.h"
#include "usage.h"

static const char doc[] =
    "What each pull does to the best fit of a parameter.\v"
    "The best fit is the minimum over everything that the scan file scans or profiles, within its ranges, and over all "
    "pulls. Each pull is then held where chi2, minimised over all else, is one above the minimum, on either side, and "
    "the impacts are how far the parameter's best fit moves. Pulls are listed by their larger impact.\n\n"
    "Example: cevscan impacts scan.yaml --parameter eps_ee_uV --format csv > impacts.csv";

typedef struct impacts_options {
    const char *file, *parameter;
    output_format format;
    bool is_latex; /* in place of format */
} impacts_options;

static const struct argp_option options[] = {
    {"parameter", 'p', "NAME", 0, "whose best fit is looked at (default: the first that is scanned)", 0},
    {"format", 'f', "FORMAT", 0, "table (default), csv, json or latex (with booktabs)", 0},
    {"json", 'j', NULL, 0, "the same as --format json", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    impacts_options *o = state->input;
    switch (key) {
    case 'p': o->parameter = argument; return 0;
    case 'f':
        o->is_latex = !strcmp(argument, "latex");
        if (!o->is_latex) parse_format(argument, state, &o->format);
        return 0;
    case 'j': o->format = FORMAT_JSON; return 0;
    case ARGP_KEY_ARG:
        if (o->file) return ARGP_ERR_UNKNOWN;
        o->file = argument;
        return 0;
    case ARGP_KEY_END:
        if (!o->file) usage_error(state, "which scan file?");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

/* The scan's fit: what it scans is minimised over, too. */
typedef struct ranking {
    cev_scan_config *config;
    cev_arena *arena;
    cev_fit_set set;
    cev_roster roster;
    cev_profiled profiled[CEV_MAX_PROFILED];
    cev_impact_problem problem;
    cev_impact_fit fit;
    size_t index;       /* of the parameter */
    cev_impact *impact; /* [fit.n_pull] */
    size_t *order;      /* [fit.n_pull], the largest first */
} ranking;

static cev_status release_axes(ranking *r)
{
    const cev_scan_config *c = r->config;
    r->roster = c->roster;
    memcpy(r->profiled, c->roster.profiled, c->roster.n_profiled * sizeof *r->profiled);
    if (c->member_parameter)
        return cev_fail(CEV_E_INPUT,
                        "%s: parameters that are scanned in turn (each_of) have a best fit each; write a "
                        "scan of one of them",
                        c->name);
    for (size_t a = 0; a < c->grid.n_axis; a++) {
        const cev_axis *axis = &c->grid.axis[a];
        size_t p = c->axis_parameter[a];
        if (p >= c->interaction->card.n_parameter &&
            c->roster.guest[p - c->interaction->card.n_parameter].kind == CEV_GUEST_PULL)
            return cev_fail(CEV_E_INPUT,
                            "%s: the pull \"%s\" is scanned; take it out of \"parameters\" to see its impact", c->name,
                            axis->name);
        if (r->roster.n_profiled == CEV_MAX_PROFILED)
            return cev_fail(CEV_E_INPUT, "more than %d parameters to minimise over", CEV_MAX_PROFILED);
        double low = axis->scale == CEV_SCALE_SIGNED_LOG ? -axis->value[axis->n - 1] : axis->value[0];
        r->profiled[r->roster.n_profiled++] = (cev_profiled){.index = p, .low = low, .high = axis->value[axis->n - 1]};
    }
    r->roster.profiled = r->profiled;
    return CEV_OK;
}

static cev_status find_parameter(const impacts_options *o, ranking *r)
{
    const char *names[CEV_MAX_PROFILED];
    size_t n = r->roster.n_profiled, first = r->config->roster.n_profiled;
    if (n == 0) return cev_fail(CEV_E_INPUT, "%s scans and profiles nothing: there is no best fit to move", o->file);
    r->index = r->profiled[first < n ? first : 0].index;
    if (!o->parameter) return CEV_OK;
    r->index = cev_roster_index(&r->roster, o->parameter);
    for (size_t k = 0; k < n; k++) {
        names[k] = cev_roster_parameter(&r->roster, r->profiled[k].index)->name;
        if (r->profiled[k].index == r->index) return CEV_OK;
    }
    const char *nearest = cev_nearest(o->parameter, names, n);
    return cev_fail(CEV_E_INPUT, "\"%s\" is neither scanned nor profiled in %s%s%s%s", o->parameter, o->file,
                    nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
}

static double size_of(const cev_impact *i)
{
    return fmax(fabs(i->moved[0]), fabs(i->moved[1])); /* fmax() passes over what is not a number */
}

static void sort_by_size(ranking *r)
{
    for (size_t k = 0; k < r->fit.n_pull; k++) {
        size_t at = k;
        for (; at > 0 && size_of(&r->impact[r->order[at - 1]]) < size_of(&r->impact[k]); at--)
            r->order[at] = r->order[at - 1];
        r->order[at] = k;
    }
}

static cev_status rank_pulls(const impacts_options *o, ranking *r)
{
    const cev_scan_config *c = r->config;
    CEV_TRY(cev_arena_create(&r->arena));
    CEV_TRY(release_axes(r));
    CEV_TRY(find_parameter(o, r));
    r->set = (cev_fit_set){.n_experiment = c->n_experiment, .experiment = c->experiment, .observed = c->observed};
    r->problem = (cev_impact_problem){&r->set, &r->roster, c->theta, c->truth};
    CEV_TRY(cev_impact_best_fit(r->arena, &r->problem, &r->fit));
    CEV_TRY(cev_new(r->arena, r->fit.n_pull, &r->impact));
    CEV_TRY(cev_new(r->arena, r->fit.n_pull, &r->order));
    for (size_t p = 0; p < r->fit.n_pull; p++) CEV_TRY(cev_impact_of(&r->problem, &r->fit, p, r->index, &r->impact[p]));
    sort_by_size(r);
    return CEV_OK;
}

/* --- output ----------------------------------------------------------------------------------------------------- */

static const char *name_of(const ranking *r)
{
    return cev_roster_parameter(&r->roster, r->index)->name;
}

static size_t n_bin_of(const ranking *r)
{
    size_t n = 0;
    for (size_t e = 0; e < r->set.n_experiment; e++) n += r->set.experiment[e]->bins.n_bin;
    return n;
}

/* Whether a parameter is at one of its bounds, and which. */
static const char *bound_of(const cev_profiled *p, double value)
{
    double near = 1e-9 * (p->high - p->low);
    return fabs(value - p->low) <= near ? "low" : fabs(value - p->high) <= near ? "high" : NULL;
}

/* "eps_ee_dV low, eps_ee_uV high", or "" : the parameters that are at a bound at theta, added to out[size]. */
static void add_bounds(const ranking *r, const double *theta, char *out, size_t size)
{
    for (size_t k = 0; k < r->roster.n_profiled; k++) {
        const cev_profiled *p = &r->roster.profiled[k];
        const char *which = bound_of(p, theta[p->index]), *name = cev_roster_parameter(&r->roster, p->index)->name;
        char text[256];
        snprintf(text, sizeof text, "%s %s", name, which ? which : "");
        if (which && !strstr(out, text)) append_text(out, size, "%s%s", *out ? ", " : "", text);
    }
}

/* Of both ends of a pull's range; where only a pull is at its bound, that is said. */
static void bounds_text(const ranking *r, const cev_impact *i, char *out, size_t size)
{
    *out = '\0';
    for (int k = 0; k < 2; k++)
        if (i->at_bound[k] && !isnan(i->moved[k])) add_bounds(r, i->theta[k], out, size);
    if ((i->at_bound[0] || i->at_bound[1]) && !*out) append_text(out, size, "a pull");
}

/* Both ends move the best fit the same way, by more than rounding. */
static bool jumps(const cev_impact *i)
{
    double small = fmin(fabs(i->moved[0]), fabs(i->moved[1])), large = fmax(fabs(i->moved[0]), fabs(i->moved[1]));
    return i->moved[0] * i->moved[1] > 0 && small > 0.1 * large && large > 1e-6;
}

/* What is rounding, beside what it is known to, is 0. */
static double rounded(double value, double scale)
{
    return fabs(value) < 1e-6 * scale ? 0 : value;
}

static double rounded_pull(const ranking *r, size_t p)
{
    return rounded(r->fit.pull[p], r->fit.sigma[p] > 0 ? r->fit.sigma[p] : 1);
}

static double rounded_best(const ranking *r, size_t k)
{
    const cev_profiled *p = &r->roster.profiled[k];
    return rounded(r->fit.at.theta[p->index], p->high - p->low);
}

static void sigma_text(double sigma, char *out, size_t size)
{
    snprintf(out, size, isnan(sigma) ? "free" : "%.5g", sigma);
}

/* On stderr, whatever the format. */
static void warn(const ranking *r)
{
    char text[CEV_FLAT_DIRECTIONS_SIZE] = "";
    cev_flat_directions flat;
    add_bounds(r, r->fit.at.theta, text, sizeof text);
    if (*text)
        fprintf(stderr, "cevscan: warning: the best fit lies at a bound (%s): impacts are those within the bounds\n",
                text);
    cev_flat_directions_of(&r->roster, &r->fit.at, &flat);
    cev_flat_directions_text(&r->roster, &flat, text, sizeof text);
    if (*text) fprintf(stderr, "cevscan: warning: at the best fit, %s: impacts along them mean nothing\n", text);
    for (size_t k = 0; k < r->fit.n_pull; k++)
        if (jumps(&r->impact[r->order[k]]))
            fprintf(stderr,
                    "cevscan: warning: both ends of %s move %s the same way: the best fit moves along a flat valley, "
                    "or jumps to another minimum\n",
                    r->fit.name[r->order[k]], name_of(r));
}

static bool is_proven(const ranking *r)
{
    return r->fit.at.flags & CEV_FLAG_PROVEN;
}

static void print_table(const ranking *r)
{
    char text[1024];
    data_text(r->config, text, sizeof text);
    printf("data %s\n", text);
    printf("best fit chi2 %.9g (%s), %zu bins, at", r->fit.at.chi2,
           is_proven(r) ? "proven to be the global minimum" : "the lowest found, not proven", n_bin_of(r));
    for (size_t k = 0; k < r->roster.n_profiled; k++)
        printf(" %s=%.7g", cev_roster_parameter(&r->roster, r->profiled[k].index)->name, rounded_best(r, k));
    printf("\n\n%-32s %10s %12s %12s %12s %14s %14s\n", "pull", "sigma", "best", "- range", "+ range", "impact of -",
           "impact of +");
    for (size_t k = 0; k < r->fit.n_pull; k++) {
        size_t p = r->order[k];
        const cev_impact *i = &r->impact[p];
        char bounds[1024], sigma[32];
        bounds_text(r, i, bounds, sizeof bounds);
        sigma_text(r->fit.sigma[p], sigma, sizeof sigma);
        printf("%-32s %10s %12.5g %12.5g %12.5g %14.6g %14.6g%s%s\n", r->fit.name[p], sigma, rounded_pull(r, p),
               i->down, i->up, i->moved[0], i->moved[1], *bounds ? "  at a bound: " : "", bounds);
    }
    printf("\nimpacts on %s\n", name_of(r));
}

static void print_csv_number(double x)
{
    printf(isnan(x) ? "," : ",%.17g", x);
}

static void print_csv(const ranking *r)
{
    printf("parameter,pull,sigma,best,range_down,range_up,impact_down,impact_up,at_bound,bounds\n");
    for (size_t k = 0; k < r->fit.n_pull; k++) {
        size_t p = r->order[k];
        const cev_impact *i = &r->impact[p];
        const double number[] = {r->fit.sigma[p], r->fit.pull[p], i->down, i->up, i->moved[0], i->moved[1]};
        char bounds[1024];
        bounds_text(r, i, bounds, sizeof bounds);
        print_csv_name(name_of(r));
        printf(",");
        print_csv_name(r->fit.name[p]);
        for (size_t n = 0; n < sizeof number / sizeof *number; n++) print_csv_number(number[n]);
        printf(",%d,", i->at_bound[0] || i->at_bound[1]);
        print_csv_text(bounds);
        printf("\n");
    }
}

static void print_latex_name(const char *name)
{
    printf("\\texttt{");
    for (; *name; name++) printf(strchr("_&%#$", *name) ? "\\%c" : strchr("\\{}^~", *name) ? "?" : "%c", *name);
    printf("}");
}

static void print_latex_number(double x)
{
    if (isnan(x))
        printf(" & --");
    else
        printf(" & $%.3g$", x);
}

static void print_latex(const ranking *r)
{
    printf("%% impacts on %s; needs booktabs\n\\begin{tabular}{lrrrrrr}\n\\toprule\n", name_of(r));
    printf("pull & $\\sigma$ & best & $-$ range & $+$ range & impact of $-$ & impact of $+$ \\\\\n\\midrule\n");
    for (size_t k = 0; k < r->fit.n_pull; k++) {
        size_t p = r->order[k];
        const cev_impact *i = &r->impact[p];
        print_latex_name(r->fit.name[p]);
        if (isnan(r->fit.sigma[p]))
            printf(" & free");
        else
            print_latex_number(r->fit.sigma[p]);
        const double number[] = {rounded_pull(r, p), i->down, i->up, i->moved[0], i->moved[1]};
        for (size_t n = 0; n < sizeof number / sizeof *number; n++) print_latex_number(number[n]);
        printf(" \\\\\n");
    }
    printf("\\bottomrule\n\\end{tabular}\n");
}

/* {name: "low" or "high"} */
static json_t *bounds_json(const ranking *r, const cev_impact *i)
{
    json_t *all = json_object();
    for (int side = 0; side < 2; side++)
        for (size_t k = 0; k < r->roster.n_profiled; k++) {
            const cev_profiled *p = &r->roster.profiled[k];
            const char *which = isnan(i->moved[side]) ? NULL : bound_of(p, i->theta[side][p->index]);
            if (which) json_object_set_new(all, cev_roster_parameter(&r->roster, p->index)->name, json_string(which));
        }
    return all;
}

static json_t *impact_json(const ranking *r, size_t p)
{
    const cev_impact *i = &r->impact[p];
    return json_pack("{s:s, s:o, s:o, s:[o, o], s:[o, o], s:b, s:o}", "name", r->fit.name[p], "sigma",
                     json_number(r->fit.sigma[p]), "best", json_number(r->fit.pull[p]), "range", json_number(i->down),
                     json_number(i->up), "impact", json_number(i->moved[0]), json_number(i->moved[1]), "at_bound",
                     i->at_bound[0] || i->at_bound[1], "bounds", bounds_json(r, i));
}

static void print_ranking_json(const ranking *r)
{
    json_t *pulls = json_array(), *at = json_object();
    for (size_t k = 0; k < r->roster.n_profiled; k++)
        json_object_set_new(at, cev_roster_parameter(&r->roster, r->profiled[k].index)->name,
                            json_number(r->fit.at.theta[r->profiled[k].index]));
    for (size_t k = 0; k < r->fit.n_pull; k++) json_array_append_new(pulls, impact_json(r, r->order[k]));
    print_json(json_pack("{s:s, s:s, s:o, s:I, s:o, s:b, s:o, s:o}", "parameter", name_of(r), "label",
                         cev_roster_parameter(&r->roster, r->index)->label, "chi2", json_number(r->fit.at.chi2), "bins",
                         (json_int_t)n_bin_of(r), "best_fit", at, "proven", is_proven(r), "data", data_json(r->config),
                         "pulls", pulls));
}

int command_impacts(int argc, char **argv)
{
    impacts_options o = {.format = FORMAT_TABLE};
    const struct argp argp = {.options = options, .parser = parse, .args_doc = "SCAN.yaml", .doc = doc};
    ranking r = {.config = NULL};
    parse_arguments(&argp, argc, argv, &o);
    cev_status status = cev_scan_config_read(o.file, &r.config);
    if (status == CEV_OK) status = rank_pulls(&o, &r);
    if (status == CEV_OK) {
        warn(&r);
        if (o.is_latex)
            print_latex(&r);
        else if (o.format == FORMAT_TABLE)
            print_table(&r);
        else if (o.format == FORMAT_CSV)
            print_csv(&r);
        else
            print_ranking_json(&r);
    }
    cev_arena_destroy(&r.arena);
    cev_scan_config_destroy(&r.config);
    return status == CEV_OK ? EXIT_COMPLETE : report_error(status);
}
