/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whose standard model it is that a point has. */
#include <string.h>

#include "cevscan/remarks.h"

/* The first interaction whose default of a choice is `value`; NULL: none has it. */
static const cev_interaction *author_of(const cev_interaction *own, const char *name, double value)
{
    for (size_t k = 0; k <= cev_n_interactions; k++) {
        const cev_interaction *i = k == 0 ? own : cev_interactions[k - 1];
        size_t p = cev_parameter_index(i->card.parameters, i->card.n_parameter, name);
        if (p < i->card.n_parameter && i->card.parameters[p].default_value == value) return i;
    }
    return NULL;
}

/* Whether all choices of a point are the defaults of `other`, as far as it has them. */
static bool follows(const cev_interaction *own, const double *theta, const bool *scanned, const cev_interaction *other)
{
    for (size_t p = 0; p < own->card.n_parameter; p++) {
        const cev_parameter *d = &own->card.parameters[p];
        size_t q = cev_parameter_index(other->card.parameters, other->card.n_parameter, d->name);
        if (!d->convention || (scanned && scanned[p]) || q == other->card.n_parameter) continue;
        if (other->card.parameters[q].default_value != theta[p]) return false;
    }
    return true;
}

cev_status cev_conventions_mixed(cev_arena *arena, const cev_interaction *interaction, const double *theta,
                                 const bool *scanned, const char **out)
{
    const cev_card *card = &interaction->card;
    char *text = NULL;
    *out = NULL;
    for (size_t k = 0; k < cev_n_interactions; k++)
        if (follows(interaction, theta, scanned, cev_interactions[k])) return CEV_OK;
    for (size_t p = 0; p < card->n_parameter; p++) {
        if (!card->parameters[p].convention || (scanned && scanned[p])) continue;
        const cev_interaction *author = author_of(interaction, card->parameters[p].name, theta[p]);
        if (!author) return CEV_OK; /* a choice of the user's own */
        CEV_TRY(cev_arena_print(arena, &text, "%s%s%s %g as in \"%s\" (%.*s)", text ? text : "", text ? ", " : "",
                                card->parameters[p].name, theta[p], author->card.name,
                                (int)strcspn(author->card.citation, ",;"), author->card.citation));
    }
    CEV_TRY(
        cev_arena_print(arena, &text, "the standard model mixes the choices of several papers: %s", text ? text : ""));
    *out = text;
    return CEV_OK;
}
