/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A second, slow way to solve a fit_problem: a scalar damped Newton iteration over the pulls with a barrier that is
 * lowered in steps, which has nothing in common with the library's but the formula of chi2; and a lower bound of the
 * minimum, which proves that it is one. Included by fit_problem.h, with numbers of type REAL; a file that needs more
 * digits includes it once more, with names SLOW(name) of its own. */

static inline REAL SLOW(component_of)(const fit_problem *p, int lane, size_t channel, size_t component, size_t bin)
{
    if (component > p->n_background[channel])
        return p->shape[lane][channel][component - 1 - p->n_background[channel]][bin];
    return component ? p->background[channel][(component - 1) * p->n_bin[channel] + bin]
                     : p->signal[lane][channel][bin];
}

/* Whether anything is expected there; where not, shapes count nothing. */
static inline int SLOW(is_live)(const fit_problem *p, int lane, size_t channel, size_t bin)
{
    for (size_t k = 0; k <= p->n_background[channel]; k++)
        if (SLOW(component_of)(p, lane, channel, k, bin) != 0) return 1;
    return 0;
}

static inline REAL SLOW(predicted_of)(const fit_problem *p, int lane, const REAL *pull, size_t channel, size_t bin)
{
    REAL n = 0;
    if (!p->gaussian[channel] && !SLOW(is_live)(p, lane, channel, bin)) return 0;
    for (size_t k = 0; k <= p->n_background[channel] + p->n_shape[channel]; k++) {
        REAL scale = k <= p->n_background[channel];
        for (size_t j = 0; j < p->n_link; j++)
            if (p->link[j].channel == channel && p->link[j].component == k) scale += pull[p->link[j].pull];
        n += SLOW(component_of)(p, lane, channel, k, bin) * scale;
    }
    return n;
}

/* dN/da of every pull. */
static inline void SLOW(slopes_of)(const fit_problem *p, int lane, size_t channel, size_t bin, REAL *slope)
{
    memset(slope, 0, MOST_PULLS * sizeof *slope);
    for (size_t j = 0; j < p->n_link; j++)
        if (p->link[j].channel == channel)
            slope[p->link[j].pull] += SLOW(component_of)(p, lane, channel, p->link[j].component, bin);
}

static inline REAL SLOW(square_of_sigma)(const fit_problem *p, size_t pull)
{
    return (REAL)p->sigma[pull] * (REAL)p->sigma[pull];
}

static inline REAL SLOW(logarithm)(REAL x)
{
    return logl((long double)x);
}

/* chi2 at given pulls, minus 2 barrier ln N for bins without data; infinite outside the region. */
static inline REAL SLOW(value_at)(const fit_problem *p, int lane, const REAL *pull, REAL barrier)
{
    REAL sum = 0;
    for (size_t k = 0; k < p->n_pull; k++) sum += pull[k] * pull[k] / SLOW(square_of_sigma)(p, k);
    for (size_t c = 0; c < p->n_channel; c++)
        for (size_t i = 0; i < p->n_bin[c]; i++) {
            REAL n = SLOW(predicted_of)(p, lane, pull, c, i), d = p->data[c][i];
            if (p->gaussian[c]) {
                sum += (n - d) * (n - d) / p->variance[c][i];
            } else if (d > 0) {
                if (!(n > 0)) return INFINITY;
                sum += 2 * (n - d + d * SLOW(logarithm)(d / n));
            } else if (SLOW(is_live)(p, lane, c, i)) {
                if (!(n >= 0) || (barrier > 0 && n == 0)) return INFINITY;
                sum += 2 * n - (barrier > 0 ? 2 * barrier * SLOW(logarithm)(n) : 0);
            }
        }
    return sum;
}

/* Of that. False outside the region. */
static inline bool SLOW(derivatives_at)(const fit_problem *p, int lane, const REAL *pull, REAL barrier, REAL *gradient,
                                        REAL hessian[][MOST_PULLS])
{
    for (size_t a = 0; a < p->n_pull; a++) {
        REAL weight = 2 / SLOW(square_of_sigma)(p, a);
        gradient[a] = weight * pull[a];
        for (size_t b = 0; b < p->n_pull; b++) hessian[a][b] = a == b ? weight : 0;
    }
    for (size_t c = 0; c < p->n_channel; c++)
        for (size_t i = 0; i < p->n_bin[c]; i++) {
            if (!p->gaussian[c] && !SLOW(is_live)(p, lane, c, i)) continue;
            REAL n = SLOW(predicted_of)(p, lane, pull, c, i), slope[MOST_PULLS];
            REAL d = p->data[c][i] > 0 ? (REAL)p->data[c][i] : barrier;
            if (!p->gaussian[c] && !(n > 0)) return false;
            SLOW(slopes_of)(p, lane, c, i, slope);
            REAL first = 2 * (d > 0 ? (n - d) / n : 1), second = d > 0 ? 2 * d / (n * n) : 0;
            if (p->gaussian[c]) {
                first = 2 * (n - p->data[c][i]) / p->variance[c][i];
                second = 2 / (REAL)p->variance[c][i];
            }
            for (size_t a = 0; a < p->n_pull; a++) {
                if (slope[a] == 0) continue;
                gradient[a] += first * slope[a];
                REAL curved = second * slope[a];
                for (size_t b = 0; b <= a; b++)
                    if (slope[b] != 0) hessian[a][b] += curved * slope[b];
            }
        }
    for (size_t a = 0; a < p->n_pull; a++)
        for (size_t b = 0; b < a; b++) hessian[b][a] = hessian[a][b];
    return true;
}

static inline REAL SLOW(size_of)(REAL x)
{
    return x < 0 ? -x : x;
}

/* Gauss elimination with row pivoting: step = -hessian^-1 gradient. */
static inline void SLOW(eliminate)(size_t n, const REAL *gradient, REAL hessian[][MOST_PULLS], REAL *step)
{
    for (size_t k = 0; k < n; k++) step[k] = -gradient[k];
    for (size_t j = 0; j < n; j++) {
        size_t best = j;
        for (size_t i = j + 1; i < n; i++)
            if (SLOW(size_of)(hessian[i][j]) > SLOW(size_of)(hessian[best][j])) best = i;
        for (size_t k = 0; k < n; k++) {
            REAL kept = hessian[j][k];
            hessian[j][k] = hessian[best][k];
            hessian[best][k] = kept;
        }
        REAL kept = step[j];
        step[j] = step[best];
        step[best] = kept;
        for (size_t i = 0; i < n; i++) {
            if (i == j) continue;
            REAL factor = hessian[i][j] / hessian[j][j];
            for (size_t k = j; k < n; k++) hessian[i][k] -= factor * hessian[j][k];
            step[i] -= factor * step[j];
        }
    }
    for (size_t j = 0; j < n; j++) step[j] /= hessian[j][j];
}

static inline REAL SLOW(product)(size_t n, const REAL *a, const REAL *b)
{
    REAL sum = 0;
    for (size_t k = 0; k < n; k++) sum += a[k] * b[k];
    return sum;
}

static inline void SLOW(newton_step)(const fit_problem *p, const REAL *gradient, REAL hessian[][MOST_PULLS], REAL *step)
{
    REAL slope[MOST_PULLS], curvature[MOST_PULLS][MOST_PULLS]; /* in units of the widths */
    for (size_t a = 0; a < p->n_pull; a++) {
        slope[a] = gradient[a] * p->sigma[a];
        for (size_t b = 0; b < p->n_pull; b++) curvature[a][b] = hessian[a][b] * ((REAL)p->sigma[a] * p->sigma[b]);
    }
    SLOW(eliminate)(p->n_pull, slope, curvature, step);
    for (size_t a = 0; a < p->n_pull; a++) step[a] *= p->sigma[a];
}

/* Newton at one barrier, halving steps that leave the region or come out on the other side, until the slope along a
 * step is lost in rounding or below `least`. */
static inline void SLOW(descend)(const fit_problem *p, int lane, REAL barrier, REAL least, REAL *pull)
{
    REAL gradient[MOST_PULLS], hessian[MOST_PULLS][MOST_PULLS], step[MOST_PULLS], trial[MOST_PULLS];
    SLOW(derivatives_at)(p, lane, pull, barrier, gradient, hessian);
    for (int iteration = 0; iteration < 200; iteration++) {
        REAL length = 1;
        SLOW(newton_step)(p, gradient, hessian, step);
        REAL slope = SLOW(product)(p->n_pull, gradient, step);
        if (!(slope < -least)) return;
        for (; length > 1e-18L; length /= 2) {
            for (size_t k = 0; k < p->n_pull; k++) trial[k] = pull[k] + length * step[k];
            if (SLOW(derivatives_at)(p, lane, trial, barrier, gradient, hessian) &&
                SLOW(product)(p->n_pull, gradient, step) <= -slope / 4)
                break;
        }
        if (!(length > 1e-18L)) return;
        memcpy(pull, trial, p->n_pull * sizeof *trial);
    }
}

/* A number that the minimum is not below: the value of the dual problem at the multipliers y = 2 (1 - D/N) of the
 * point `pull`, with the barrier in place of D where that is zero. The conjugate of 2 (N - D + D ln(D/N)) is -2 D ln(1
 * - y/2) for y < 2, that of (N - D)^2/v is y D + v y^2/4, and that of (a/sigma)^2 is (sigma y)^2/4. */
static inline double SLOW(lower_bound)(const fit_problem *p, int lane, const REAL *pull, REAL barrier)
{
    REAL sum = 0, force[MOST_PULLS] = {0}, zero[MOST_PULLS] = {0};
    for (size_t c = 0; c < p->n_channel; c++)
        for (size_t i = 0; i < p->n_bin[c]; i++) {
            if (!p->gaussian[c] && !SLOW(is_live)(p, lane, c, i)) continue;
            REAL n = SLOW(predicted_of)(p, lane, pull, c, i), slope[MOST_PULLS], d = p->data[c][i];
            REAL counted = d > 0 ? d : barrier, y = 2 * (n - counted) / n;
            if (p->gaussian[c]) y = 2 * (n - d) / p->variance[c][i];
            sum += y * SLOW(predicted_of)(p, lane, zero, c, i);
            if (p->gaussian[c])
                sum -= y * d + p->variance[c][i] * y * y / 4;
            else if (d > 0)
                sum += 2 * d * SLOW(logarithm)(d / n);
            SLOW(slopes_of)(p, lane, c, i, slope);
            for (size_t k = 0; k < p->n_pull; k++) force[k] += y * slope[k];
        }
    for (size_t k = 0; k < p->n_pull; k++) sum -= SLOW(square_of_sigma)(p, k) * force[k] * force[k] / 4;
    return (double)sum;
}

/* The minimum from pulls `start` (inside the region); infinite where data meet an empty prediction. *lower, unless
 * NULL: what it is not below. */
static inline double SLOW(minimum_and_bound)(const fit_problem *p, int lane, const REAL *start, REAL *pull,
                                             double *lower)
{
    for (size_t k = 0; k < p->n_pull; k++) pull[k] = start[k];
    if (lower) *lower = INFINITY;
    if (isinf((double)SLOW(value_at)(p, lane, pull, 0))) return INFINITY;
    int empty = 0;
    for (size_t c = 0; c < p->n_channel; c++)
        for (size_t i = 0; i < p->n_bin[c]; i++)
            empty += !p->gaussian[c] && !(p->data[c][i] > 0) && SLOW(is_live)(p, lane, c, i);
    REAL last = empty ? 2e-12L / empty : 0; /* each misses by twice as much */
    for (REAL barrier = 1e-1L; barrier > last && empty; barrier *= 0.01L)
        SLOW(descend)(p, lane, barrier, 1e-3L * barrier, pull);
    SLOW(descend)(p, lane, last, 1e-60L, pull);
    if (lower) *lower = SLOW(lower_bound)(p, lane, pull, last);
    return (double)SLOW(value_at)(p, lane, pull, 0);
}

static inline double SLOW(slow_minimum)(const fit_problem *p, int lane, const REAL *start, REAL *pull)
{
    return SLOW(minimum_and_bound)(p, lane, start, pull, NULL);
}
