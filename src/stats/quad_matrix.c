/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quad_matrix.h"

#include <math.h>
#include <string.h>

#include "cevscan/profile.h"

/* Newton's iteration doubles the digits of the double that it starts from. */
quad cev_quad_root(quad x)
{
    quad s = sqrt((double)x);
    if (!(s > 0)) return 0;
    s = (s + x / s) / 2;
    return (s + x / s) / 2;
}

/* x = 2^k m, ln m = 2 artanh((m - 1)/(m + 1)) with m in [sqrt(1/2), sqrt(2)], by its series. */
quad cev_quad_log(quad x)
{
    int k;
    double leading = frexp((double)x, &k);
    if (leading < 0.7071) k--;
    quad m = x;
    for (int left = k; left > 0; left -= left > 500 ? 500 : left) m /= ldexp(1, left > 500 ? 500 : left);
    for (int left = -k; left > 0; left -= left > 500 ? 500 : left) m *= ldexp(1, left > 500 ? 500 : left);
    quad s = (m - 1) / (m + 1), square = s * s, series = 0;
    for (int n = 45; n > 0; n -= 2) series = series * square + (quad)1 / n;
    const quad ln2 = (quad)0x1.62e42fefa39efp-1 + 0x1.abc9e3b39803fp-56;
    return k * ln2 + 2 * s * series;
}

bool cev_quad_cholesky(size_t n, const quad *a, double least, quad *l)
{
    for (size_t j = 0; j < n; j++)
        for (size_t i = j; i < n; i++) {
            quad sum = a[i * n + j];
            for (size_t k = 0; k < j; k++) sum -= l[i * n + k] * l[j * n + k];
            if (i == j && !(sum > least * a[j * n + j])) return false;
            l[i * n + j] = i == j ? cev_quad_root(sum) : sum / l[j * n + j];
        }
    return true;
}

bool cev_quad_invert(size_t n, const quad *a, quad *inverse)
{
    quad l[CEV_PROFILE_MAX_PULLS * CEV_PROFILE_MAX_PULLS];
    if (!cev_quad_cholesky(n, a, 1e-25, l)) return false;
    for (size_t c = 0; c < n; c++) {
        quad x[CEV_PROFILE_MAX_PULLS];
        for (size_t i = 0; i < n; i++) {
            x[i] = i == c;
            for (size_t k = 0; k < i; k++) x[i] -= l[i * n + k] * x[k];
            x[i] /= l[i * n + i];
        }
        for (size_t i = n; i-- > 0;) {
            for (size_t k = i + 1; k < n; k++) x[i] -= l[k * n + i] * x[k];
            x[i] /= l[i * n + i];
            inverse[i * n + c] = x[i];
        }
    }
    return true;
}
