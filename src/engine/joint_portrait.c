/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What there is to say about the ends of fits. */
#include <math.h>
#include <string.h>

#include "joint_fit_parts.h"

static const double flat_below = 1e-2;   /* of curvature within the box */
static const double pull_to_rest = 1e-4; /* curvature: far above what rounding leaves in flat directions */
static const double finest = 1e-15;

/* The block's answer about the end of a fit, as a model at its place. */
typedef struct sitter {
    const joint_problem *p;
    joint_work *work;
    joint_fit *fit;
    joint_model model;
    double g[JOINT_MAX_FREE];
    joint_matrix h;
    bool active[JOINT_MAX_FREE];
} sitter;

static void look(sitter *s)
{
    joint_model_derivatives(s->p, s->work, s->fit->place, &s->model, s->fit->z, s->g, s->h);
    joint_active(s->p->n, s->fit->z, s->g, s->active);
}

/* Cholesky's factor of h - flat_below exists where no curvature is below. */
static bool is_flat(const sitter *s)
{
    joint_matrix l;
    for (size_t r = 0; r < s->p->n; r++)
        for (size_t c = 0; c <= r; c++) {
            double x = s->active[r] || s->active[c] ? r == c : s->h[r][c] - (r == c ? flat_below : 0);
            for (size_t k = 0; k < c; k++) x -= l[r][k] * l[c][k];
            if (r == c && !(x > 0)) return true;
            l[r][c] = r == c ? sqrt(x) : x / l[c][c];
        }
    return false;
}

static void find_directions(const sitter *s, joint_portrait *out)
{
    joint_matrix h, vector;
    double value[JOINT_MAX_FREE];
    size_t n = s->p->n;
    for (size_t a = 0; a < n; a++)
        for (size_t b = 0; b < n; b++)
            h[a][b] = s->active[a] || s->active[b] ? (a == b ? 1 + flat_below : 0) : s->h[a][b];
    joint_eigen(n, h, value, vector);
    out->n_flat = 0;
    for (size_t k = 0; k < n; k++) {
        if (!(value[k] < flat_below)) continue;
        for (size_t a = 0; a < n; a++) out->vector[out->n_flat][a] = vector[a][k];
        out->n_flat++;
    }
}

/* Along flat directions to where a weak pull draws it, and then, without the pull, back to the bottom of the valley:
 * chi2 has no part in the choice. */
static void go_nearest(sitter *s)
{
    const joint_problem *p = s->p;
    joint_problem *drawn = s->work->drawn;
    double z[JOINT_MAX_FREE];
    *drawn = *p;
    for (size_t a = 0; a < p->n; a++) {
        double rest = (p->all[p->of[a]].rest - p->middle[a]) / p->width[a];
        drawn->weight[a] = p->weight[a] + pull_to_rest;
        drawn->centre[a] = (p->weight[a] * p->centre[a] + pull_to_rest * rest) / drawn->weight[a];
    }
    memcpy(z, s->fit->z, p->n * sizeof *z);
    joint_descend(drawn, s->work, s->fit->place, &s->model, finest, 0, z);
    joint_model here = s->model;
    joint_descend(p, s->work, s->fit->place, &here, finest, 0, z);
    if (joint_model_value(p, s->work, s->fit->place, &s->model, s->fit->z, z) > 1e-9) return;
    memcpy(s->fit->z, z, p->n * sizeof *z);
    look(s);
}

static void portray(sitter *s, int wanted, joint_portrait *out)
{
    look(s);
    bool flat = is_flat(s);
    if (flat && wanted & JOINT_WANT_NEAREST) go_nearest(s);
    out->n_flat = flat;
    if (flat && wanted & JOINT_WANT_DIRECTIONS) find_directions(s, out);
    out->at_bound = false;
    for (size_t a = 0; a < s->p->n; a++) out->at_bound |= fabs(s->fit->z[a]) >= 0.5;
}

/* Answers of a block about fits [n], n <= CEV_LANES. */
static void portray_block(const joint_problem *p, joint_work *work, size_t n, joint_fit *fit, int wanted,
                          joint_portrait *out)
{
    const joint_block *b = work->block;
    joint_slot *slot = &work->slot[0];
    for (size_t l = 0; l < n; l++) {
        if (fit[l].end == JOINT_FAILED) continue;
        sitter s = {.p = p, .work = work, .fit = &fit[l]};
        s.model = joint_model_of_lane(p, b, l, slot);
        out[l].chi2 = joint_chi2_of_lane(p, b, l, fit[l].place, fit[l].z);
        out[l].status = isfinite(out[l].chi2) ? CEV_POINT_OK : CEV_POINT_NOT_CONVERGED;
        for (size_t q = 0; out[l].pull && q < joint_n_pull(p->chi2); q++) out[l].pull[q] = b->pull[q][l];
        if (out[l].status == CEV_POINT_OK) portray(&s, wanted, &out[l]);
    }
}

void joint_fits_portray(const joint_problem *p, joint_work *work, size_t n, joint_fit *fit, int wanted,
                        joint_portrait *out)
{
    for (size_t first = 0; first < n; first += CEV_LANES) {
        size_t some = CEV_LANES, count = n - first < CEV_LANES ? n - first : CEV_LANES;
        for (size_t l = 0; l < count; l++) {
            joint_fit *f = &fit[first + l];
            joint_portrait *to = &out[first + l];
            *to = (joint_portrait){.chi2 = INFINITY, .status = f->status, .pull = to->pull};
            if (f->end == JOINT_FAILED) continue;
            joint_all_forms(p, work, f->place, f->z, work->form);
            joint_fill_lane(p, work->block, l, f->place, work->form, f->variable);
            some = l;
        }
        if (some == CEV_LANES) continue;
        for (size_t l = 0; l < CEV_LANES; l++)
            if (l >= count || fit[first + l].end == JOINT_FAILED) joint_copy_lane(p, work->block, l, some);
        joint_ask_block(p, work, true);
        portray_block(p, work, count, fit + first, wanted, out + first);
    }
}
