/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "assumptions.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "command.h"

/* --- the interaction -------------------------------------------------------------------------------------------- */

static bool is_default(const cev_parameter *d, double value)
{
    return cev_same_value(d->default_value, value);
}

/* Couplings that are off are not worth a word each. */
static bool is_worth_saying(const cev_parameter *d, double value)
{
    return d->convention || !is_default(d, value) || (isfinite(d->default_value) && d->default_value != 0);
}

void fixed_values_text(const cev_interaction *interaction, const double *theta, const bool *left_out, char *out,
                       size_t size)
{
    const cev_card *card = &interaction->card;
    bool all_default = true;
    *out = '\0';
    for (size_t p = 0; p < card->n_parameter; p++) {
        const cev_parameter *d = &card->parameters[p];
        if ((left_out && left_out[p]) || !is_worth_saying(d, theta[p])) continue;
        append_text(out, size, "%s%s %.10g", *out ? ", " : "", d->name, theta[p]);
        if (is_default(d, theta[p])) continue;
        all_default = false;
        if (!isnan(d->default_value)) append_text(out, size, " (default: %.10g)", d->default_value);
    }
    if (all_default) append_text(out, size, " [defaults]");
}

json_t *interaction_json(const cev_interaction *interaction, const double *theta, const bool *left_out)
{
    const cev_card *card = &interaction->card;
    json_t *fixed = json_object(), *not_default = json_array();
    for (size_t p = 0; p < card->n_parameter; p++) {
        if (left_out && left_out[p]) continue;
        json_object_set_new(fixed, card->parameters[p].name, json_number(theta[p]));
        if (!is_default(&card->parameters[p], theta[p]))
            json_array_append_new(not_default, json_string(card->parameters[p].name));
    }
    return json_pack("{s:s, s:s, s:s, s:o, s:o}", "name", card->name, "title", card->title, "citation", card->citation,
                     "fixed", fixed, "not_default", not_default);
}

void mark_scanned(const cev_scan_config *c, bool *marked)
{
    memset(marked, 0, CEV_MAX_THETA * sizeof *marked);
    for (size_t a = 0; a < c->grid.n_axis; a++)
        if (!c->member_parameter || a > 1) marked[c->axis_parameter[a]] = true;
    for (size_t m = 0; c->member_parameter && m < c->grid.axis[0].n; m++) marked[c->member_parameter[m]] = true;
    for (size_t k = 0; k < c->roster.n_profiled; k++) marked[c->roster.profiled[k].index] = true;
    for (size_t k = 0; k < c->roster.n_follower; k++) marked[c->roster.follower[k].index] = true;
}

/* --- data ------------------------------------------------------------------------------------------------------- */

void data_text(const cev_scan_config *c, char *out, size_t size)
{
    bool standard_model = true;
    snprintf(out, size, c->data == CEV_DATA_ASIMOV ? "asimov" : "observed");
    for (size_t e = 0; e < c->n_experiment && c->data == CEV_DATA_MIXED; e++)
        if (c->observed[e]) append_text(out, size, " %s", c->experiment[e]->name);
    if (c->data == CEV_DATA_OBSERVED) return;
    if (c->data == CEV_DATA_MIXED) append_text(out, size, ", others asimov");
    for (size_t p = 0; p < cev_roster_n(&c->roster); p++) {
        const cev_parameter *d = cev_roster_parameter(&c->roster, p);
        bool is_own = p >= c->interaction->card.n_parameter &&
                      c->roster.guest[p - c->interaction->card.n_parameter].kind == CEV_GUEST_OWN;
        if (is_own || is_default(d, c->truth[p])) continue; /* data know nothing of the user's own parameters */
        append_text(out, size, "%s %s=%g", standard_model ? " at" : "", d->name, c->truth[p]);
        standard_model = false;
    }
    if (standard_model) append_text(out, size, " at the standard model");
}

json_t *data_json(const cev_scan_config *c)
{
    if (c->data != CEV_DATA_MIXED) return json_string(c->data == CEV_DATA_ASIMOV ? "asimov" : "observed");
    json_t *list = json_array();
    for (size_t e = 0; e < c->n_experiment; e++)
        if (c->observed[e]) json_array_append_new(list, json_text(c->experiment[e]->name));
    return list;
}

/* --- remarks ---------------------------------------------------------------------------------------------------- */

void print_remark(const cev_remark *remark, bool quiet)
{
    if (quiet && !remark->warning) return;
    fprintf(stderr, "cevscan: %s: ", remark->warning ? "warning" : "note");
    print_plain(stderr, remark->text);
    putc('\n', stderr);
}

void print_remarks(const cev_remarks *remarks, bool quiet)
{
    for (size_t k = 0; k < remarks->n; k++) print_remark(&remarks->remark[k], quiet);
}

json_t *remarks_json(const cev_remarks *remarks)
{
    json_t *list = json_array();
    for (size_t k = 0; k < remarks->n; k++)
        json_array_append_new(list, json_pack("{s:s, s:o}", "kind", remarks->remark[k].warning ? "warning" : "note",
                                              "text", json_text(remarks->remark[k].text)));
    return list;
}
