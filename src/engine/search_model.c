/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The minimum of a quadratic model in a box. */
#include <math.h>
#include <stdbool.h>

#include "search_descent.h"

enum { AT_LOW, FREE, AT_HIGH, N_PLACES };

/* A face of the box: coordinates are at a bound, or free. */
typedef struct face {
    size_t n_free, free[CEV_MAX_AXES];
    double step[CEV_MAX_AXES]; /* from the centre, of those that are bound */
} face;

static face face_number(const search_model *model, size_t k, const double *low, const double *high)
{
    face f = {0};
    for (size_t d = 0; d < model->n; d++, k /= N_PLACES)
        if (k % N_PLACES == FREE)
            f.free[f.n_free++] = d;
        else
            f.step[d] = (k % N_PLACES == AT_LOW ? low[d] : high[d]) - model->centre[d];
    return f;
}

/* Where the gradient along the face is zero, by Cholesky's decomposition; false if that is no minimum. */
static bool solve_face(const search_model *model, face *f)
{
    double l[CEV_MAX_AXES][CEV_MAX_AXES], x[CEV_MAX_AXES];
    for (size_t i = 0; i < f->n_free; i++) {
        double right = -model->g[f->free[i]];
        for (size_t d = 0; d < model->n; d++)
            right -= model->h[f->free[i]][d] * f->step[d]; /* bound ones; others are 0 */
        for (size_t j = 0; j <= i; j++) {
            double sum = model->h[f->free[i]][f->free[j]];
            for (size_t k = 0; k < j; k++) sum -= l[i][k] * l[j][k];
            if (i == j && !(sum > 1e-14 * fabs(model->h[f->free[i]][f->free[i]]))) return false;
            l[i][j] = i == j ? sqrt(sum) : sum / l[j][j];
        }
        for (size_t k = 0; k < i; k++) right -= l[i][k] * x[k];
        x[i] = right / l[i][i];
    }
    for (size_t i = f->n_free; i-- > 0;) {
        for (size_t k = i + 1; k < f->n_free; k++) x[i] -= l[k][i] * x[k];
        x[i] /= l[i][i];
    }
    for (size_t i = 0; i < f->n_free; i++) f->step[f->free[i]] = x[i];
    return true;
}

static double value_at(const search_model *model, const double *step)
{
    double value = model->value;
    for (size_t i = 0; i < model->n; i++) {
        double slope = model->g[i];
        for (size_t j = 0; j < model->n; j++) slope += 0.5 * model->h[i][j] * step[j];
        value += slope * step[i];
    }
    return value;
}

static bool is_inside(const search_model *model, const face *f, const double *low, const double *high)
{
    for (size_t i = 0; i < f->n_free; i++) {
        double y = model->centre[f->free[i]] + f->step[f->free[i]];
        if (!(y >= low[f->free[i]] && y <= high[f->free[i]])) return false;
    }
    return true;
}

/* The minimum is that of the face in whose inside it lies, whether the model curves up everywhere or not; corners are
 * faces without free coordinates, so there is always one. */
double search_model_minimum(const search_model *model, const double *low, const double *high, double *y)
{
    size_t n_face = 1;
    double lowest = INFINITY;
    for (size_t d = 0; d < model->n; d++) n_face *= N_PLACES;
    for (size_t k = 0; k < n_face; k++) {
        face f = face_number(model, k, low, high);
        if (!solve_face(model, &f) || !is_inside(model, &f, low, high)) continue;
        double value = value_at(model, f.step);
        if (!(value < lowest)) continue;
        lowest = value;
        for (size_t d = 0; d < model->n; d++) y[d] = fmin(fmax(model->centre[d] + f.step[d], low[d]), high[d]);
    }
    return lowest;
}
