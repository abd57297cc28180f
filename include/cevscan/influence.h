/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which parameters of an interaction an experiment depends on, told without folding anything.
 *
 * What an experiment expects is made of c_k(theta) f_k(T, theta) K_k (cevscan/interaction.h) on each of its nuclei, for
 * each flavour of its source, at the recoils that its detector sees, times the flux of the source; and so are the
 * shapes of its pulls, which are experiments, too. Two points of the parameters give the same expectation if all of
 * these are the same; they are compared at some recoils in the windows that are seen of each nucleus, up to its own end
 * point, which takes microseconds where a folding may take minutes. Of a parameter that is said to change nothing this
 * is exact; one that is said to change something may still do so below any rounding. */
#ifndef CEVSCAN_INFLUENCE_H
#define CEVSCAN_INFLUENCE_H

#include "cevscan/experiment.h"
#include "cevscan/interaction.h"

/* What of its source an experiment sees, in any of its settings. */
typedef struct cev_influence cev_influence;

/* Of one experiment in n > 0 settings: setting[k * stride], k < n, which must outlive it. Those that see alike are
 * looked at once; where too many different ones are left, nothing is claimed of it: every parameter moves it. */
cev_status cev_influence_create(size_t n, const cev_experiment *const *setting, size_t stride, cev_influence **out);
void cev_influence_destroy(cev_influence **influence);

/* Whether anything that the experiment expects differs between the points theta[n][n_parameter]. */
bool cev_influence_differs(const cev_influence *influence, const cev_interaction *interaction, size_t n,
                           const double (*theta)[CEV_MAX_MODEL_PARAMETERS]);

/* Whether parameter p, as it takes value[n], changes anything while the others stay at theta[n_parameter]. */
bool cev_influence_moves(const cev_influence *influence, const cev_interaction *interaction, const double *theta,
                         size_t p, size_t n, const double *value);

/* Whether parameter p can change anything at all, whatever the values of the others: false if no value of any of them
 * makes it act on this experiment. */
bool cev_influence_can_act(const cev_influence *influence, const cev_interaction *interaction, size_t p);

/* What a parameter acts on, for people: the flavours that its interaction's terms know, the form factors that have
 * something to it, and the sources whose flux it sets. Arrays in the order of the tables of kinds. */
typedef struct cev_reach {
    bool scattering;                 /* it changes the cross section of some flavour */
    bool flavour[CEV_N_FLAVOURS];    /* of those that it changes */
    bool form_factor[CEV_MAX_KINDS]; /* [cev_n_form_factor_kinds] that let it act */
    bool source[CEV_MAX_KINDS];      /* [cev_n_source_kinds] whose flux it sets */
} cev_reach;

/* Taken from the interaction's own functions, on a nucleus with spin. */
cev_reach cev_parameter_reach(const cev_interaction *interaction, size_t p);

#endif
