/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "joint_starts.h"

#include <math.h>
#include <string.h>

enum { U, D, N_QUARKS, MOST_PAIRS = 3 * CEV_N_FLAVOURS, MOST_ENDS = 7, FACES = 4 };

/* Charge per unit of (u, d), for N = 1.28 Z (in the middle of what detectors are made of), of unit length; for N = Z,
 * and for N = 1.4 Z. */
static const double mean[N_QUARKS] = {0.6776, 0.7354};
static const double light[N_QUARKS] = {3, 3}, heavy[N_QUARKS] = {3.4, 3.8};

/* A vector of couplings with something free. */
typedef struct pair {
    size_t z[N_QUARKS]; /* its numbers among the free; SIZE_MAX: fixed */
    size_t index[N_QUARKS];
    bool diagonal;
    double shift[N_QUARKS]; /* the standard model's part of y */
} pair;

typedef struct pairs {
    size_t n;
    pair pair[MOST_PAIRS];
} pairs;

/* --- fixed starts ------------------------------------------------------------------------------------------------- */

static const double prime[JOINT_MAX_FREE] = {2,  3,  5,  7,  11, 13, 17, 19, 23, 29,
                                             31, 37, 41, 43, 47, 53, 59, 61, 67, 71};
_Static_assert(JOINT_MAX_FREE == 20, "a prime for each free parameter");

static size_t free_number(const joint_problem *p, size_t index)
{
    size_t a = 0;
    while (a < p->n && p->all[p->of[a]].index != index) a++;
    return a < p->n ? a : SIZE_MAX;
}

static bool is_coupling(const joint_problem *p, size_t index)
{
    const cev_forms *forms = p->roster->interaction->forms;
    bool found = false;
    for (size_t a = 0; forms->matrices && a < CEV_N_FLAVOURS; a++)
        for (size_t b = 0; b < 3; b++) found |= forms->vector[a][b][U] == index || forms->vector[a][b][D] == index;
    return found;
}

void joint_start_fixed(const joint_problem *p, size_t k, double *z)
{
    for (size_t a = 0; a < p->n; a++) {
        const joint_free *f = &p->all[p->of[a]];
        double x = (double)(k + 1) * sqrt(prime[a]), low = -0.5, high = 0.5;
        if (k % 2) {
            double half = is_coupling(p, f->index) ? 0.5 / p->width[a] : 0.25;
            double rest = (f->rest - p->middle[a]) / p->width[a];
            low = fmax(low, rest - half);
            high = fmin(high, rest + half);
        }
        z[a] = low + (high - low) * (x - floor(x));
    }
}

/* --- vectors ------------------------------------------------------------------------------------------------------ */

static void add_pair(const joint_problem *p, const double *y0, size_t a, size_t b, pairs *out)
{
    const cev_forms *forms = p->roster->interaction->forms;
    pair *to = &out->pair[out->n];
    for (size_t k = 0; k < out->n; k++)
        if (out->pair[k].index[U] == forms->vector[a][b][U]) return; /* flavours share it */
    *to = (pair){.diagonal = forms->origin[a][b]};
    for (int q = 0; q < N_QUARKS; q++) {
        to->index[q] = forms->vector[a][b][q];
        to->z[q] = free_number(p, to->index[q]);
        to->shift[q] = to->diagonal ? y0[q] : 0;
    }
    if (to->z[U] != SIZE_MAX || to->z[D] != SIZE_MAX) out->n++;
}

static pairs list_pairs(const joint_problem *p, const joint_place *place)
{
    const cev_forms *forms = p->roster->interaction->forms;
    pairs out = {0};
    double y0[N_QUARKS];
    if (!forms->matrices) return out;
    forms->origin_at(place->theta, y0);
    for (size_t a = 0; a < CEV_N_FLAVOURS; a++)
        for (size_t b = 0; b < 3; b++) add_pair(p, y0, a, b, &out);
    return out;
}

static double value_of(const joint_problem *p, const joint_place *place, const pair *v, int q, const double *z)
{
    size_t a = v->z[q];
    return v->shift[q] + (a == SIZE_MAX ? place->theta[v->index[q]] : p->middle[a] + p->width[a] * z[a]);
}

/* As far as the box allows. */
static void set_value(const joint_problem *p, const pair *v, int q, double y, double *z)
{
    size_t a = v->z[q];
    if (a != SIZE_MAX) z[a] = fmin(fmax((y - v->shift[q] - p->middle[a]) / p->width[a], -0.5), 0.5);
}

/* --- reflections -------------------------------------------------------------------------------------------------- */

/* One free component: the charge kept, turned round, and zero. */
static size_t ends_on_line(const pair *v, const double *y, double end[MOST_ENDS][N_QUARKS])
{
    int q = v->z[U] == SIZE_MAX ? D : U;
    double charge = mean[U] * y[U] + mean[D] * y[D];
    for (int k = 0; k < 3; k++) {
        end[k][U] = y[U];
        end[k][D] = y[D];
        end[k][q] -= k == 0 ? 0 : k == 1 ? 2 * charge / mean[q] : charge / mean[q];
    }
    return 3;
}

/* Two: the charge, and what is across it, each kept or turned round; no charge; and the charge of light nuclei kept, or
 * turned round, with that of heavy ones the other way. */
static size_t ends_in_plane(const double *y, double end[MOST_ENDS][N_QUARKS])
{
    static const double sign[5][2] = {{1, 1}, {-1, -1}, {-1, 1}, {1, -1}, {0, 1}};
    double charge = mean[U] * y[U] + mean[D] * y[D], across = mean[U] * y[D] - mean[D] * y[U];
    for (int k = 0; k < 5; k++) {
        double c = sign[k][0] * charge, s = sign[k][1] * across;
        end[k][U] = c * mean[U] - s * mean[D];
        end[k][D] = c * mean[D] + s * mean[U];
    }
    double of_light = light[U] * y[U] + light[D] * y[D], of_heavy = -(heavy[U] * y[U] + heavy[D] * y[D]);
    double determinant = light[U] * heavy[D] - light[D] * heavy[U];
    for (int k = 5; k < 7; k++) {
        double turn = k == 5 ? 1 : -1;
        end[k][U] = turn * (of_light * heavy[D] - of_heavy * light[D]) / determinant;
        end[k][D] = turn * (light[U] * of_heavy - heavy[U] * of_light) / determinant;
    }
    return 7;
}

/* One more start, unless it is where another one is. */
static size_t add_start(const joint_problem *p, const double *from, const double *z, size_t n,
                        double out[JOINT_MAX_STARTS][JOINT_MAX_FREE])
{
    for (size_t k = 0; k <= n; k++) {
        const double *other = k == n ? from : out[k];
        double apart = 0;
        for (size_t a = 0; a < p->n; a++) apart = fmax(apart, fabs(z[a] - other[a]));
        if (apart < 1e-6) return n;
    }
    if (n == JOINT_MAX_STARTS) return n;
    memcpy(out[n], z, p->n * sizeof *z);
    return n + 1;
}

/* Two vectors of flavours' own at a time, all combinations of their ends. */
static size_t reflect_two(const joint_problem *p, const joint_place *place, const pair *first, const pair *second,
                          const double *z, size_t n, double out[JOINT_MAX_STARTS][JOINT_MAX_FREE])
{
    double end[2][MOST_ENDS][N_QUARKS];
    size_t n_end[2] = {1, 1};
    const pair *v[2] = {first, second};
    for (int k = 0; k < 2; k++) {
        if (!v[k]) continue;
        double y[N_QUARKS] = {value_of(p, place, v[k], U, z), value_of(p, place, v[k], D, z)};
        bool both = v[k]->z[U] != SIZE_MAX && v[k]->z[D] != SIZE_MAX;
        n_end[k] = both ? ends_in_plane(y, end[k]) : ends_on_line(v[k], y, end[k]);
    }
    for (size_t i = 0; i < n_end[0]; i++)
        for (size_t j = 0; j < n_end[1]; j++) {
            double to[JOINT_MAX_FREE];
            memcpy(to, z, p->n * sizeof *z);
            for (int q = 0; q < N_QUARKS; q++) {
                set_value(p, v[0], q, end[0][i][q], to);
                if (v[1]) set_value(p, v[1], q, end[1][j][q], to);
            }
            n = add_start(p, z, to, n, out);
        }
    return n;
}

/* Along (mean_d, -mean_u) to one side until a component meets its bound; the charge stays. */
static void slide(const joint_problem *p, const joint_place *place, const pair *v, double way, const double *z,
                  double *to)
{
    double y[N_QUARKS] = {value_of(p, place, v, U, z), value_of(p, place, v, D, z)}, room = INFINITY;
    const double direction[N_QUARKS] = {way * mean[D], -way * mean[U]};
    for (int q = 0; q < N_QUARKS; q++) {
        const joint_free *f = &p->all[p->of[v->z[q]]];
        double bound = (direction[q] > 0 ? f->high : f->low) + v->shift[q];
        room = fmin(room, (bound - y[q]) / direction[q]);
    }
    for (int q = 0; q < N_QUARKS; q++) set_value(p, v, q, y[q] + fmax(room, 0) * direction[q], to);
}

static size_t add_faces(const joint_problem *p, const joint_place *place, const pairs *all, const double *z, size_t n,
                        double out[JOINT_MAX_STARTS][JOINT_MAX_FREE])
{
    for (int k = 0; k < FACES; k++) {
        double to[JOINT_MAX_FREE];
        memcpy(to, z, p->n * sizeof *z);
        for (size_t i = 0; i < all->n; i++) {
            const pair *v = &all->pair[i];
            if (v->z[U] == SIZE_MAX || v->z[D] == SIZE_MAX) continue;
            slide(p, place, v, (v->diagonal ? k & 1 : k >> 1) ? -1 : 1, z, to);
        }
        n = add_start(p, z, to, n, out);
    }
    return n;
}

size_t joint_reflections(const joint_problem *p, const joint_place *place, const double *z,
                         double out[JOINT_MAX_STARTS][JOINT_MAX_FREE])
{
    pairs all = list_pairs(p, place);
    size_t n = 0, n_own = 0;
    const pair *own[MOST_PAIRS];
    for (size_t k = 0; k < all.n; k++)
        if (all.pair[k].diagonal) own[n_own++] = &all.pair[k];
    if (n_own == 1) n = reflect_two(p, place, own[0], NULL, z, n, out);
    for (size_t i = 0; i < n_own; i++)
        for (size_t j = 0; j < i; j++) n = reflect_two(p, place, own[j], own[i], z, n, out);
    if (n > JOINT_MAX_STARTS - FACES) n = JOINT_MAX_STARTS - FACES;
    return add_faces(p, place, &all, z, n, out);
}

/* --- signs -------------------------------------------------------------------------------------------------------- */

static bool may_turn(const joint_problem *p, const joint_place *place, const pair *v, const double *z)
{
    bool may = !v->diagonal;
    for (int q = 0; q < N_QUARKS; q++) {
        double y = value_of(p, place, v, q, z);
        if (v->z[q] == SIZE_MAX) {
            may &= y == 0;
            continue;
        }
        const joint_free *f = &p->all[p->of[v->z[q]]];
        may &= -y >= f->low && -y <= f->high && (f->weight == 0 || f->centre == 0);
    }
    return may;
}

void joint_choose_signs(const joint_problem *p, const joint_place *place, double *z)
{
    pairs all = list_pairs(p, place);
    if (p->n_carrier > p->n) return; /* what follows might mind */
    for (size_t k = 0; k < all.n; k++) {
        const pair *v = &all.pair[k];
        if (!may_turn(p, place, v, z)) continue;
        double y[N_QUARKS] = {value_of(p, place, v, U, z), value_of(p, place, v, D, z)};
        double first = fabs(y[U]) > 1e-9 ? y[U] : y[D];
        for (int q = 0; first < 0 && q < N_QUARKS; q++) set_value(p, v, q, -y[q], z);
    }
}
