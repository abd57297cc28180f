/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A path-following barrier method in the pulls, z_p = a_p/sigma_p, or a = root z where they are
 * correlated, that ends with a proof. Works with chi2/2.
 *
 * Bins with fewer data than a barrier mu count mu instead, d = max(D, mu). Let g be the gradient by z of chi2/2 with d
 * in place of D, at any z where all N > 0. Fenchel's duality (Rockafellar, Convex Analysis, 1970, section 31; Boyd and
 * Vandenberghe, Convex Optimization, 2004, section 5) with multipliers y = 2 (1 - d/N) bounds the distance from the
 * minimum of the true chi2:
 *
 *     0 <= chi2(z) - min chi2 <= |g|^2 + 2 sum_i max(0, mu - D_i),
 *
 * since a bin with D < mu misses by 2 (mu - D) + 2 D ln(D/mu), one with D >= mu and one with a variance by nothing,
 * and the pulls by |g|^2. A fit ends when this is below GAP, so what it returns is the minimum whatever the way there.
 *
 * In a corner, where n bins without data are driven to N = 0 at once, N becomes mu/lambda, lambda the slope of chi2/2
 * against that bin, and mu is GAP/(4 n). N is the difference of terms of S counts and has the rounding 2e-34 S. Only
 * where lambda S is of the order of 1e20/n and more is N lost in that, and such a point given up. */
#include "profile_careful.h"

#include <string.h>

#include "lanes_math.h"

#define GAP 1e-11         /* of chi2, relative to the pulls' penalty where that is above 1 */
#define FIRST_BARRIER 1.0 /* counts */
#define BARRIER_FACTOR 0.1
#define CENTRED 0.1       /* of the barrier: a smaller decrement is near enough to its minimum to lower it */
#define BORDER_SHARE 0.99 /* a step that would leave the region goes so far towards its border */
#define OVERSHOOT 0.5     /* share of the initial slope that may be left, with the other sign, behind the minimum */
enum { MAX_STEPS = 400, MAX_HALVINGS = 60 };

cev_status cev_careful_scratch_create(cev_arena *arena, const cev_profile *profile, careful_scratch *out)
{
    size_t n_pull = 0, n_bin = 0;
    for (size_t g = 0; g < profile->n_group; g++) {
        const plan_group *group = &profile->group[g];
        size_t n = 0;
        for (size_t k = 0; k < group->n_channel; k++) n += profile->channel[group->channel[k]].n_bin;
        if (group->n_pull > n_pull) n_pull = group->n_pull;
        if (n > n_bin) n_bin = n;
    }
    CEV_TRY(cev_new(arena, n_bin * n_pull, &out->slope));
    CEV_TRY(cev_new(arena, n_bin, &out->n0));
    CEV_TRY(cev_new(arena, n_bin, &out->n));
    CEV_TRY(cev_new(arena, n_bin, &out->data));
    CEV_TRY(cev_new(arena, n_bin, &out->weight));
    CEV_TRY(cev_new(arena, (n_bin + n_pull) * n_pull, &out->matrix));
    CEV_TRY(cev_new(arena, n_bin + n_pull, &out->right));
    CEV_TRY(cev_new(arena, n_bin + n_pull, &out->order));
    CEV_TRY(cev_new(arena, n_pull, &out->z));
    CEV_TRY(cev_new(arena, n_pull, &out->step));
    CEV_TRY(cev_new(arena, n_pull, &out->gradient));
    CEV_TRY(cev_new(arena, n_bin * n_pull, &out->square));
    CEV_TRY(cev_new(arena, n_pull * n_pull, &out->factor));
    return cev_new(arena, n_pull, &out->column);
}

static quad magnitude(quad x)
{
    return x < 0 ? -x : x;
}

/* --- the problem ------------------------------------------------------------------------------------------------ */

double cev_careful_counts(const careful_problem *p, size_t c, size_t component, size_t bin)
{
    const plan_channel *channel = &p->profile->channel[c];
    size_t n_background = channel->n_component - 1 - channel->n_shape;
    if (component >= 1 && component <= n_background) return channel->background[(component - 1) * channel->n_bin + bin];
    size_t row = component == 0 ? 0 : component - n_background;
    return p->signal[c][(row * channel->n_bin + bin) * CEV_LANES + p->lane];
}

/* The components of a bin, and what the pulls do to them. */
static void lay_out_bin(const careful_problem *p, size_t c, size_t bin, careful_scratch *s)
{
    const plan_channel *channel = &p->profile->channel[c];
    size_t n = p->group->n_pull, row = s->n_row++;
    quad *slope = s->slope + row * n;
    s->data[row] = p->data[c][bin];
    s->weight[row] = channel->weight ? channel->weight[bin] : 0;
    s->n0[row] = 0;
    for (size_t k = 0; k < channel->n_component - channel->n_shape; k++) s->n0[row] += cev_careful_counts(p, c, k, bin);
    for (size_t q = 0; q < n; q++) slope[q] = 0;
    for (size_t l = 0; l < channel->n_pull_link; l++) {
        plan_link link = channel->pull_link[l];
        double counts = cev_careful_counts(p, c, link.component, bin);
        if (!p->group->root) slope[link.variable] += (quad)p->group->sigma[link.variable] * counts;
        for (size_t q = 0; p->group->root && q <= link.variable; q++)
            slope[q] += (quad)p->group->root[link.variable * n + q] * counts;
    }
}

static bool moves(const careful_problem *p, const careful_scratch *s, size_t row)
{
    for (size_t q = 0; q < p->group->n_pull; q++)
        if (s->slope[row * p->group->n_pull + q] != 0) return true;
    return false;
}

/* False if some bin without pulls is at the border already, so that there is nowhere to start. */
static bool lay_out(const careful_problem *p, careful_scratch *s)
{
    s->n_row = 0;
    for (size_t k = 0; k < p->group->n_channel; k++)
        for (size_t i = 0, c = p->group->channel[k]; i < p->profile->channel[c].n_bin; i++) lay_out_bin(p, c, i, s);
    for (size_t i = 0; i < s->n_row; i++)
        if (s->weight[i] == 0 && !(s->n0[i] > 0) && (s->data[i] > 0 || moves(p, s, i))) return false;
    return true;
}

/* --- one step ---------------------------------------------------------------------------------------------------- */

static quad counts_at(const careful_problem *p, const careful_scratch *s, size_t row, const quad *z)
{
    quad n = s->n0[row];
    for (size_t q = 0; q < p->group->n_pull; q++) n += s->slope[row * p->group->n_pull + q] * z[q];
    return n;
}

/* First derivative of the bin's share, and the root of the second. */
static quad first_slope(const careful_scratch *s, size_t row, quad mu, quad n)
{
    if (s->weight[row] > 0) return (n - s->data[row]) * s->weight[row];
    quad d = s->data[row] > mu ? s->data[row] : mu;
    return n > 0 ? (n - d) / n : 0;
}

static quad root_of_second_slope(const careful_scratch *s, size_t row, quad mu, quad n)
{
    if (s->weight[row] > 0) return cev_quad_root(s->weight[row]);
    quad d = s->data[row] > mu ? s->data[row] : mu;
    return n > 0 ? cev_quad_root(d) / n : 0;
}

/* The counts and the gradient at z; false outside the region. */
static bool gradient_at(const careful_problem *p, careful_scratch *s, const quad *z, quad mu, quad *gradient)
{
    size_t n = p->group->n_pull;
    memcpy(gradient, z, n * sizeof *gradient);
    for (size_t i = 0; i < s->n_row; i++) {
        s->n[i] = counts_at(p, s, i, z);
        if (s->weight[i] == 0 && !(s->n[i] > 0) && moves(p, s, i)) return false;
        quad first = first_slope(s, i, mu, s->n[i]);
        for (size_t q = 0; q < n; q++) gradient[q] += first * s->slope[i * n + q];
    }
    return true;
}

/* The rows of the least-squares problem whose normal equations are Newton's: the pulls', then those of the bins. Large
 * ones first: with columns chosen by size, the rounding of a row is small beside that row (Cox and Higham, in
 * Numerical Analysis 1997, p. 57), so that bins at the border do not drown the others. */
static void fill_matrix(const careful_problem *p, careful_scratch *s, quad mu)
{
    size_t n = p->group->n_pull, m = s->n_row + n;
    quad *largest = s->right; /* for a moment */
    for (size_t r = 0; r < m; r++) {
        quad second = r < n ? 1 : root_of_second_slope(s, r - n, mu, s->n[r - n]);
        largest[r] = r < n;
        for (size_t q = 0; r >= n && q < n; q++) {
            quad entry = magnitude(second * s->slope[(r - n) * n + q]);
            if (entry > largest[r]) largest[r] = entry;
        }
        size_t k = r;
        for (; k > 0 && largest[s->order[k - 1]] < largest[r]; k--) s->order[k] = s->order[k - 1];
        s->order[k] = r;
    }
    for (size_t k = 0; k < m; k++) {
        size_t r = s->order[k];
        quad second = r < n ? 1 : root_of_second_slope(s, r - n, mu, s->n[r - n]);
        for (size_t q = 0; q < n; q++)
            s->matrix[k * n + q] = r < n ? (quad)(r == q) : second * s->slope[(r - n) * n + q];
    }
    for (size_t k = 0; k < m; k++) {
        size_t r = s->order[k];
        quad second = r < n ? 1 : root_of_second_slope(s, r - n, mu, s->n[r - n]);
        s->right[k] = r < n ? -s->z[r] : second > 0 ? -first_slope(s, r - n, mu, s->n[r - n]) / second : 0;
    }
}

static void choose_column(careful_scratch *s, size_t m, size_t n, size_t j)
{
    size_t best = j;
    quad most = -1;
    for (size_t q = j; q < n; q++) {
        quad square = 0;
        for (size_t r = j; r < m; r++) square += s->matrix[r * n + s->column[q]] * s->matrix[r * n + s->column[q]];
        if (square > most) most = square, best = q;
    }
    size_t kept = s->column[j];
    s->column[j] = s->column[best];
    s->column[best] = kept;
}

/* Householder's reflection of column j, kept in its place below the diagonal; returns the diagonal element. */
static quad reflect(careful_scratch *s, size_t m, size_t n, size_t j)
{
    quad square = 0, *a = s->matrix;
    size_t c = s->column[j];
    for (size_t r = j; r < m; r++) square += a[r * n + c] * a[r * n + c];
    quad alpha = a[j * n + c] > 0 ? -cev_quad_root(square) : cev_quad_root(square),
         half = square - alpha * a[j * n + c];
    if (!(half > 0)) return 0;
    a[j * n + c] -= alpha;
    for (size_t q = j + 1; q <= n; q++) {
        quad sum = 0;
        for (size_t r = j; r < m; r++) sum += a[r * n + c] * (q < n ? a[r * n + s->column[q]] : s->right[r]);
        sum /= half;
        for (size_t r = j; r < m; r++) *(q < n ? &a[r * n + s->column[q]] : &s->right[r]) -= sum * a[r * n + c];
    }
    return alpha;
}

/* Newton's step at z, by QR: normal equations would lose twice the digits. */
static bool newton_step(const careful_problem *p, careful_scratch *s, quad mu)
{
    size_t n = p->group->n_pull, m = s->n_row + n;
    quad diagonal[CEV_PROFILE_MAX_PULLS];
    fill_matrix(p, s, mu);
    for (size_t q = 0; q < n; q++) s->column[q] = q;
    for (size_t j = 0; j < n; j++) {
        choose_column(s, m, n, j);
        diagonal[j] = reflect(s, m, n, j);
        if (diagonal[j] == 0) return false;
    }
    for (size_t j = n; j-- > 0;) {
        quad sum = s->right[j];
        for (size_t q = j + 1; q < n; q++) sum -= s->matrix[j * n + s->column[q]] * s->step[s->column[q]];
        s->step[s->column[j]] = sum / diagonal[j];
    }
    return true;
}

static quad dot(size_t n, const quad *a, const quad *b)
{
    quad sum = 0;
    for (size_t q = 0; q < n; q++) sum += a[q] * b[q];
    return sum;
}

/* The longest step up to 1 that stays inside the region. */
static quad length_to_border(const careful_problem *p, const careful_scratch *s)
{
    quad length = 1;
    size_t n = p->group->n_pull;
    for (size_t i = 0; i < s->n_row; i++) {
        quad change = dot(n, s->slope + i * n, s->step);
        if (s->weight[i] == 0 && change < 0 && s->n[i] + change * length <= 0)
            length = (quad)BORDER_SHARE * s->n[i] / -change;
    }
    return length;
}

/* Goes along the step as far as it neither leaves the region nor overshoots; z and the gradient follow. */
static bool take_step(const careful_problem *p, careful_scratch *s, quad mu, quad decrement)
{
    size_t n = p->group->n_pull;
    quad length = length_to_border(p, s), trial[CEV_PROFILE_MAX_PULLS];
    for (int k = 0; k < MAX_HALVINGS; k++, length /= 2) {
        for (size_t q = 0; q < n; q++) trial[q] = s->z[q] + length * s->step[q];
        if (!gradient_at(p, s, trial, mu, s->gradient) || dot(n, s->gradient, s->step) > OVERSHOOT * decrement)
            continue;
        memcpy(s->z, trial, n * sizeof *s->z);
        return true;
    }
    return false;
}

/* --- the way ----------------------------------------------------------------------------------------------------- */

/* What the barrier mu may add to the distance from the minimum, at most. */
static quad share_of_barrier(const careful_problem *p, const careful_scratch *s, quad mu)
{
    quad sum = 0;
    for (size_t i = 0; i < s->n_row; i++)
        if (s->weight[i] == 0 && s->data[i] < mu && moves(p, s, i)) sum += 2 * (mu - s->data[i]);
    return sum;
}

static bool follow_path(const careful_problem *p, careful_scratch *s)
{
    size_t n = p->group->n_pull;
    quad mu = FIRST_BARRIER;
    memset(s->z, 0, n * sizeof *s->z);
    if (!gradient_at(p, s, s->z, mu, s->gradient)) return false;
    for (int k = 0; k < MAX_STEPS; k++) {
        quad penalty = dot(n, s->z, s->z), gap = GAP * (penalty > 1 ? penalty : 1);
        quad barrier = share_of_barrier(p, s, mu);
        if (dot(n, s->gradient, s->gradient) + barrier <= gap) return true;
        if (!newton_step(p, s, mu)) return false;
        quad decrement = -dot(n, s->gradient, s->step);
        if (barrier > gap / 2 && decrement <= CENTRED * mu) {
            mu *= BARRIER_FACTOR;
            gradient_at(p, s, s->z, mu, s->gradient);
        } else if (!take_step(p, s, mu, decrement)) {
            return false;
        }
    }
    return false;
}

/* --- the answer -------------------------------------------------------------------------------------------------- */

double cev_careful_deviance(double n, double d)
{
    double ratio = n / d;
    if (d == 0 || !(ratio > 0x1p-1000 && ratio < 0x1p1000)) return n - d;
    return n - d - d * lanes_log(lanes_set(ratio))[0];
}

static double chi2_of(const careful_problem *p, const careful_scratch *s)
{
    double sum = 0;
    for (size_t i = 0; i < s->n_row; i++) {
        double n = (double)s->n[i];
        sum += s->weight[i] > 0 ? (n - s->data[i]) * (n - s->data[i]) * s->weight[i]
                                : 2 * cev_careful_deviance(n, s->data[i]);
    }
    return sum + (double)dot(p->group->n_pull, s->z, s->z);
}

static quad pull_of(const plan_group *g, const quad *z, size_t q)
{
    quad sum = 0;
    if (!g->root) return z[q] * g->sigma[q];
    for (size_t k = 0; k <= q; k++) sum += g->root[q * g->n_pull + k] * z[k];
    return sum;
}

static void report_variables(const plan_group *g, const quad *z, double *pull, double *variable)
{
    for (size_t q = 0; q < g->n_pull; q++) pull[q] = (double)pull_of(g, z, q);
    for (size_t v = 0; v < g->n_variable; v++) {
        quad sum = 0;
        for (size_t q = 0; q < g->n_pull; q++)
            if (g->set[v] & (uint64_t)1 << q) sum += pull_of(g, z, q);
        variable[v] = (double)sum;
    }
}

static void report_counts(const careful_problem *p, const careful_scratch *s, double *const *predicted)
{
    size_t row = 0;
    for (size_t k = 0; k < p->group->n_channel; k++)
        for (size_t i = 0, c = p->group->channel[k]; i < p->profile->channel[c].n_bin; i++, row++)
            predicted[c][i * CEV_LANES] = (double)s->n[row];
}

bool cev_profile_careful(const careful_problem *problem, careful_scratch *scratch, double *chi2, double *pull,
                         double *variable, double *const *predicted)
{
    if (!lay_out(problem, scratch) || !follow_path(problem, scratch)) return false;
    *chi2 = chi2_of(problem, scratch);
    report_variables(problem->group, scratch->z, pull, variable);
    if (predicted) report_counts(problem, scratch, predicted);
    return *chi2 < INFINITY;
}
