/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bins_table.h"
#include "command.h"
#include "spectrum.h"

/* --- tables ----------------------------------------------------------------------------------------------------- */

static void curve_title(const curve *c, char *text, size_t size)
{
    const char *name = c->bin                         ? c->bin
                       : c->component                 ? c->component
                       : !strcmp(c->quantity, "rate") ? "all"
                                                      : c->quantity;
    bool with_unit = !c->bin && !c->component && strcmp(c->unit, "1") && strcmp(c->quantity, "rate");
    snprintf(text, size, "%s%s%s", name, with_unit ? " " : "", with_unit ? c->unit : "");
}

enum { SCIENTIFIC_DIGITS = 6, TITLE_SIZE = CEV_BIN_NAME_SIZE + 32 };

static number_column column_of(const char *title)
{
    int wanted = SCIENTIFIC_DIGITS + (int)strlen("-1.e+000"), length = (int)strlen(title);
    return (
        number_column){.width = length > wanted ? length : wanted, .decimals = SCIENTIFIC_DIGITS, .scientific = true};
}

static const char *unit_of_block(const curve *c, size_t n)
{
    for (size_t k = 1; k < n; k++)
        if (strcmp(c[k].unit, c->unit)) return "1";
    return c->unit;
}

static void print_block(const spectrum *s, const curve *c, size_t n)
{
    char title[TITLE_SIZE];
    const char *unit = unit_of_block(c, n);
    printf("\n%s", c->block);
    if (strcmp(unit, "1")) printf(", %s in %s", c->quantity, unit);
    printf("\n%14s", s->x_name);
    for (size_t k = 0; k < n; k++) {
        curve_title(&c[k], title, sizeof title);
        const number_column column = column_of(title);
        print_title(&column, title);
    }
    for (size_t j = 0; j < s->n; j++) {
        printf("\n%14.8g", s->x[j]);
        for (size_t k = 0; k < n; k++) {
            curve_title(&c[k], title, sizeof title);
            const number_column column = column_of(title);
            print_number(&column, c[k].value[j]);
        }
    }
    putchar('\n');
}

static void print_table(const spectrum *s)
{
    printf("%s: ", s->experiment->name);
    print_plain(stdout, s->experiment->title);
    printf("\n%s", s->of);
    printf(", %.10g kg", s->experiment->target.mass_kg);
    if (!isnan(s->live_days)) printf(", %.10g days", s->live_days);
    if (isnan(s->live_days) && (!strcmp(s->of, "recoil") || !strcmp(s->of, "flux")))
        printf(", of the whole exposure: the source does not say how long it lasts");
    putchar('\n');
    for (size_t k = 0; k < s->n_line; k++)
        printf("line %s at %.10g MeV: %.10g %s\n", s->line[k].component, s->line[k].energy_MeV, s->line[k].value,
               s->unit_of_lines);
    for (size_t k = 0, n; k < s->n_curve; k += n) {
        for (n = 1; k + n < s->n_curve && !strcmp(s->curve[k + n].block, s->curve[k].block); n++) {}
        print_block(s, &s->curve[k], n);
    }
    putchar('\n');
}

/* --- CSV and JSON ----------------------------------------------------------------------------------------------- */

static void print_csv_number(double x)
{
    if (isfinite(x)) printf("%.17g", x);
}

static void print_csv_row(const selection *from, const spectrum *s, const curve *c, double x, double value)
{
    print_csv_name(s->experiment->name);
    printf(",%s,%s,", s->of, c->quantity);
    print_csv_name(c->nucleus ? c->nucleus : "");
    putchar(',');
    print_csv_name(c->component ? c->component : "");
    putchar(',');
    if (c->bin) print_csv_text(c->bin);
    printf(",%s,", s->x_name);
    print_csv_number(x);
    printf(",%s,", c->unit);
    print_csv_number(value);
    putchar(',');
    print_interaction(from, FORMAT_CSV);
}

static void print_csv(const selection *from, const spectrum *s)
{
    for (size_t k = 0; k < s->n_curve; k++)
        for (size_t j = 0; j < s->n; j++) print_csv_row(from, s, &s->curve[k], s->x[j], s->curve[k].value[j]);
    for (size_t k = 0; k < s->n_line; k++)
        print_csv_row(from, s,
                      &(curve){.quantity = "line", .unit = s->unit_of_lines, .component = s->line[k].component},
                      s->line[k].energy_MeV, s->line[k].value);
}

static json_t *numbers_json(const double *value, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) json_array_append_new(list, json_number(value[i]));
    return list;
}

static void put_text(json_t *json, const char *key, const char *text)
{
    if (text) json_object_set_new(json, key, json_text(text));
}

static json_t *curve_json(const spectrum *s, const curve *c)
{
    json_t *json = json_pack("{s:s, s:s}", "quantity", c->quantity, "unit", c->unit);
    put_text(json, "nucleus", c->nucleus);
    put_text(json, "component", c->component);
    put_text(json, "bin", c->bin);
    json_object_set_new(json, "values", numbers_json(c->value, s->n));
    return json;
}

static json_t *spectrum_json(const selection *from, const spectrum *s)
{
    json_t *curves = json_array(), *lines = json_array();
    for (size_t k = 0; k < s->n_curve; k++) json_array_append_new(curves, curve_json(s, &s->curve[k]));
    for (size_t k = 0; k < s->n_line; k++)
        json_array_append_new(lines, json_pack("{s:s, s:s, s:o, s:o}", "component", s->line[k].component, "unit",
                                               s->unit_of_lines, "energy_MeV", json_number(s->line[k].energy_MeV),
                                               "value", json_number(s->line[k].value)));
    return json_pack("{s:s, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "of", s->of, "title",
                     json_text(s->experiment->title), "mass_kg", json_number(s->experiment->target.mass_kg),
                     "live_days", json_number(s->live_days), "x", s->x_name, s->x_name, numbers_json(s->x, s->n),
                     "curves", curves, "lines", lines, "interaction", selection_interaction_json(from));
}

cev_status print_spectra(const selection *s, const spectrum_options *options, output_format format)
{
    json_t *json = json_object();
    cev_status status = CEV_OK;
    size_t n = s->config->n_experiment;
    spectrum *all;
    if (cev_new(s->config->arena, n, &all) != CEV_OK) status = CEV_E_MEMORY;
    for (size_t e = 0; status == CEV_OK && e < n; e++) status = spectrum_make(s, e, options, &all[e]);
    if (status == CEV_OK && format == FORMAT_TABLE) print_interaction(s, format);
    if (status == CEV_OK && format == FORMAT_CSV)
        printf("experiment,of,quantity,nucleus,component,bin,x_name,x,unit,value,interaction\n");
    for (size_t e = 0; status == CEV_OK && e < n; e++) {
        if (format == FORMAT_TABLE) print_table(&all[e]);
        if (format == FORMAT_CSV) print_csv(s, &all[e]);
        if (format == FORMAT_JSON) json_object_set_new(json, all[e].experiment->name, spectrum_json(s, &all[e]));
    }
    if (status == CEV_OK && format == FORMAT_JSON)
        print_json(json);
    else
        json_decref(json);
    return status;
}
