/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/oscillation.h"

#include <complex.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "cevscan/constants.h"

/* --- the Sun ---------------------------------------------------------------------------------------------------- */

/* Standard solar model B16-GS98, N. Vinyoles et al., Astrophys. J. 835 (2017) 202 (arXiv:1611.09867), in steps of 0.008
 * solar radii: electrons in mol/cm^3, and 8B neutrinos made per unit of radius. */
static const double solar_electrons[] = {100.9253, 100.6932, 99.7700, 97.9490, 95.7194, 93.1108, 89.9498,
                                         86.6962,  83.1764,  79.4328, 75.6833, 71.9449, 68.2339, 64.5654,
                                         61.0942,  57.5440,  54.2001, 50.9331, 47.8630, 44.7713, 41.8794,
                                         39.1742,  36.4754,  33.9625, 31.5500, 29.2415};
static const double solar_production[] = {0.000000e+00, 1.627823e+00, 5.744513e+00, 1.089139e+01, 1.539412e+01,
                                          1.795547e+01, 1.796373e+01, 1.616366e+01, 1.305002e+01, 9.645205e+00,
                                          6.601723e+00, 4.232839e+00, 2.556910e+00, 1.462280e+00, 7.992013e-01,
                                          4.187125e-01, 2.116976e-01, 1.034624e-01, 4.921117e-02, 2.281513e-02,
                                          1.034890e-02, 4.611270e-03, 2.025751e-03, 8.784362e-04, 3.765993e-04,
                                          1.595083e-04};
enum { N_RADIUS = sizeof solar_electrons / sizeof *solar_electrons };

/* Neutrons for each electron in steps of 0.05 solar radii, linear in between: helium and metals, most of them made in
 * the centre. Of the composition of standard solar models, which differ by a percent or two there (the same; M. C.
 * Gonzalez-Garcia, M. Maltoni, JHEP 09 (2013) 152). */
static const double solar_neutrons[] = {0.49, 0.42, 0.32, 0.25, 0.21};
#define SOLAR_STEPS_PER_NEUTRON_STEP (0.05 / 0.008)

static double solar_neutrons_per_electron(size_t radius)
{
    double at = (double)radius / SOLAR_STEPS_PER_NEUTRON_STEP;
    size_t k = at < 3 ? (size_t)at : 3;
    return solar_neutrons[k] + (at - (double)k) * (solar_neutrons[k + 1] - solar_neutrons[k]);
}

/* sqrt(2) G_F of a mole of electrons in a cubic centimetre, in eV. */
#define POTENTIAL_EV_CM3_PER_MOL 7.63e-14

/* --- matrices --------------------------------------------------------------------------------------------------- */

typedef struct matrix {
    double complex at[3][3];
} matrix;

/* The language's CMPLX, which clang does not find in glibc's header. */
static inline double complex complex_of(double real, double imaginary)
{
    return __builtin_complex(real, imaginary);
}

/* The language's own product looks for infinities, which are not here, and takes three times as long. */
static inline double complex times(double complex a, double complex b)
{
    return complex_of(creal(a) * creal(b) - cimag(a) * cimag(b), creal(a) * cimag(b) + cimag(a) * creal(b));
}

static matrix product(const matrix *a, const matrix *b)
{
    matrix m;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            m.at[i][j] = times(a->at[i][0], b->at[0][j]) + times(a->at[i][1], b->at[1][j]) +
                         times(a->at[i][2], b->at[2][j]);
    return m;
}

/* U = R23 diag(1, 1, e^id) R13 diag(1, 1, e^-id) R12 (PDG). */
static matrix mixing(const cev_oscillation *o)
{
    double s12 = sin(o->theta12_rad), c12 = cos(o->theta12_rad), s13 = sin(o->theta13_rad), c13 = cos(o->theta13_rad);
    double s23 = sin(o->theta23_rad), c23 = cos(o->theta23_rad);
    double complex e = cexp(I * o->delta_rad);
    return (matrix){{{c12 * c13, s12 * c13, s13 * conj(e)},
                     {-s12 * c23 - c12 * s23 * s13 * e, c12 * c23 - s12 * s23 * s13 * e, s23 * c13},
                     {s12 * s23 - c12 * c23 * s13 * e, -c12 * s23 - s12 * c23 * s13 * e, c23 * c13}}};
}

/* What neutrinos pass: electrons, and neutrons for each of them. */
typedef struct medium {
    double electrons_mol_cm3, neutrons_per_electron;
} medium;

static void add_couplings(const cev_quark_couplings *couplings, medium in, matrix *h)
{
    double potential_eV = POTENTIAL_EV_CM3_PER_MOL * in.electrons_mol_cm3;
    double up = 2 + in.neutrons_per_electron, down = 1 + 2 * in.neutrons_per_electron;
    for (int a = 0; a < 3; a++)
        for (int b = 0; b < 3; b++) h->at[a][b] += potential_eV * (up * couplings->u[a][b] + down * couplings->d[a][b]);
}

/* In eV, flavours. */
static matrix hamiltonian(const cev_oscillation *o, const matrix *u, double energy_MeV, medium in)
{
    double phase[3] = {0, o->dm21_eV2 / (2e6 * energy_MeV), o->dm31_eV2 / (2e6 * energy_MeV)};
    matrix h;
    for (int a = 0; a < 3; a++)
        for (int b = 0; b < 3; b++) {
            h.at[a][b] = 0;
            for (int i = 0; i < 3; i++) h.at[a][b] += u->at[a][i] * phase[i] * conj(u->at[b][i]);
        }
    h.at[0][0] += POTENTIAL_EV_CM3_PER_MOL * in.electrons_mol_cm3;
    if (o->couplings) add_couplings(o->couplings, in, &h);
    return h;
}

/* Jacobi rotations: eigenvalues and, in the columns of v, eigenvectors of a Hermitian matrix. Three by three needs a
 * handful. */
static void diagonalise(matrix h, double value[3], matrix *v)
{
    *v = (matrix){{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
    for (int sweep = 0; sweep < 50; sweep++) {
        double off = cabs(h.at[0][1]) + cabs(h.at[0][2]) + cabs(h.at[1][2]);
        double size = fabs(creal(h.at[0][0])) + fabs(creal(h.at[1][1])) + fabs(creal(h.at[2][2]));
        if (off <= 1e-17 * size) break;
        for (int p = 0; p < 2; p++)
            for (int q = p + 1; q < 3; q++) {
                double r = cabs(h.at[p][q]);
                if (r == 0) continue;
                double complex e = h.at[p][q] / r;
                double angle = 0.5 * atan2(2 * r, creal(h.at[q][q]) - creal(h.at[p][p]));
                double c = cos(angle), s = sin(angle);
                matrix g = {{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}}, dagger;
                g.at[p][p] = c, g.at[q][q] = c, g.at[p][q] = s * e, g.at[q][p] = -s * conj(e);
                for (int i = 0; i < 3; i++)
                    for (int j = 0; j < 3; j++) dagger.at[i][j] = conj(g.at[j][i]);
                matrix left = product(&dagger, &h);
                h = product(&left, &g);
                *v = product(v, &g);
            }
    }
    for (int i = 0; i < 3; i++) value[i] = creal(h.at[i][i]);
}

/* Numbers of the eigenvalues in the order of the mass eigenstates that they become in vacuum: with dm31 < 0 the third
 * is the lowest. */
static void order_by_mass(const cev_oscillation *o, const double value[3], int order[3])
{
    int sorted[3] = {0, 1, 2};
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2 - i; j++)
            if (value[sorted[j]] > value[sorted[j + 1]]) {
                int other = sorted[j];
                sorted[j] = sorted[j + 1];
                sorted[j + 1] = other;
            }
    double mass[3] = {0, o->dm21_eV2, o->dm31_eV2};
    for (int i = 0; i < 3; i++) {
        int rank = 0;
        for (int j = 0; j < 3; j++) rank += mass[j] < mass[i] || (mass[j] == mass[i] && j < i);
        order[i] = sorted[rank];
    }
}

void cev_solar_mass_shares(const cev_oscillation *oscillation, double energy_MeV, double share[3])
{
    matrix u = mixing(oscillation);
    double sum = 0;
    memset(share, 0, 3 * sizeof *share);
    for (size_t r = 0; r < N_RADIUS; r++) {
        double value[3], weight = solar_production[r] * (r == 0 || r == N_RADIUS - 1 ? 0.5 : 1);
        int order[3];
        matrix v;
        medium here = {solar_electrons[r], solar_neutrons_per_electron(r)};
        diagonalise(hamiltonian(oscillation, &u, energy_MeV, here), value, &v);
        order_by_mass(oscillation, value, order);
        for (int i = 0; i < 3; i++) {
            double amplitude = cabs(v.at[0][order[i]]);
            share[i] += weight * amplitude * amplitude;
        }
    }
    for (int i = 0; i < 3; i++) sum += share[i];
    for (int i = 0; i < 3; i++) share[i] /= sum;
}

void cev_solar_probabilities(const cev_oscillation *oscillation, double energy_MeV, double probability[CEV_N_FLAVOURS])
{
    double share[3];
    matrix u = mixing(oscillation);
    cev_solar_mass_shares(oscillation, energy_MeV, share);
    for (int a = 0; a < CEV_N_FLAVOURS; a++) {
        probability[a] = 0;
        for (int i = 0; i < 3; i++) probability[a] += share[i] * creal(u.at[a][i] * conj(u.at[a][i]));
    }
}

/* --- the Earth -------------------------------------------------------------------------------------------------- */

/* Electrons in mol/cm^3 at radius r, in units of the Earth's: a + b r^2 + c r^4 in each of five zones, fitted to the
 * preliminary reference Earth model (E. Lisi, D. Montanino, Phys. Rev. D 56 (1997) 1792), here in shells thin enough to
 * be taken as constant. */
static const struct {
    double outer, a, b, c;
    int n_shell;
} zone[] = {
    {0.192, 6.099, -4.119, 0, 2},        {0.546, 5.803, -3.653, -1.086, 6}, {0.895, 3.156, -1.459, 0.280, 14},
    {0.937, -5.376, 19.210, -12.520, 4}, {1, 11.540, -20.280, 10.410, 8},
};
enum { N_ZONE = sizeof zone / sizeof *zone, N_SHELL = 34, N_LONGITUDE = 48, N_PATH = CEV_NIGHT_PATHS };
/* Neutrons for each electron, of the same composition: 0.468 electrons for each nucleon in the core, the first two
 * zones, 0.497 above. */
enum { N_CORE_ZONE = 2 };
static const double core_neutrons = 1 / 0.468 - 1, mantle_neutrons = 1 / 0.497 - 1;

#define EARTH_RADIUS_KM 6371.0
#define OBLIQUITY_RAD 0.409093

typedef struct earth {
    double outer_km[N_SHELL];
    medium shell[N_SHELL];
} earth;

static earth earth_shells(void)
{
    earth e;
    int n = 0;
    for (size_t z = 0; z < N_ZONE; z++) {
        double inner = z ? zone[z - 1].outer : 0, step = (zone[z].outer - inner) / zone[z].n_shell;
        for (int k = 0; k < zone[z].n_shell; k++, n++) {
            double r2 = pow(inner + step * (k + 0.5), 2);
            e.outer_km[n] = EARTH_RADIUS_KM * (inner + step * (k + 1));
            e.shell[n] = (medium){zone[z].a + zone[z].b * r2 + zone[z].c * r2 * r2,
                                  z < N_CORE_ZONE ? core_neutrons : mantle_neutrons};
        }
    }
    return e;
}

/* exp(-i H L) in one shell. */
static matrix evolution(const double value[3], const matrix *v, double length_km)
{
    static const double per_eV_km = 1e18 / CEV_HBARC_MEV_FM * 1e-6;
    double complex phase[3];
    matrix m;
    for (int i = 0; i < 3; i++) {
        double angle = -value[i] * length_km * per_eV_km;
        phase[i] = complex_of(cos(angle), sin(angle));
    }
    for (int a = 0; a < 3; a++)
        for (int b = 0; b < 3; b++) {
            m.at[a][b] = 0;
            for (int i = 0; i < 3; i++) m.at[a][b] += times(times(v->at[a][i], phase[i]), conj(v->at[b][i]));
        }
    return m;
}

/* Half of the way through shell k along a chord whose lowest point is at radius_km. */
static double half_length_km(const earth *e, size_t k, double radius_km)
{
    double outer = e->outer_km[k], inner = fmax(k ? e->outer_km[k - 1] : 0, radius_km);
    if (outer <= radius_km) return 0;
    return sqrt(outer * outer - radius_km * radius_km) - sqrt(inner * inner - radius_km * radius_km);
}

/* Through the Earth and out at the detector, for a cosine of the zenith angle -cosine < 0. */
static matrix passage(const earth *e, double cosine, const double value[N_SHELL][3], const matrix *v)
{
    double lowest_km = EARTH_RADIUS_KM * sqrt(1 - cosine * cosine);
    matrix in = {{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}}, out = in;
    for (size_t k = N_SHELL; k-- > 0;) { /* down; and the same way up */
        double length = half_length_km(e, k, lowest_km);
        if (length <= 0) continue;
        matrix step = evolution(value[k], &v[k], length);
        in = product(&step, &in);
        out = product(&out, &step);
    }
    return product(&out, &in);
}

/* Share of the hours of a day in which the sine of the Sun's height, mean + swing cos(hour angle), is below `height`.
 */
static double share_below(double height, double mean, double swing)
{
    return 1 - acos(fmax(-1, fmin(1, (height - mean) / swing))) / CEV_PI;
}

/* Hours are integrated over, since sums over a few of them beat with the oscillations along the paths. */
void cev_solar_nights_at(double latitude_deg, cev_solar_nights *nights)
{
    double latitude = latitude_deg * CEV_PI / 180, sum = 0, *weight = nights->weight;
    memset(weight, 0, N_PATH * sizeof *weight);
    for (int l = 0; l < N_LONGITUDE; l++) { /* from winter to summer; the other half of the year is the same */
        double sine = sin(OBLIQUITY_RAD) * sin(CEV_PI * ((l + 0.5) / N_LONGITUDE - 0.5)),
               cosine = sqrt(1 - sine * sine);
        double mean = sin(latitude) * sine, swing = cos(latitude) * cosine, above = share_below(0, mean, swing);
        for (int k = 0; k < N_PATH; k++) {
            double below = share_below(-(k + 1.0) / N_PATH, mean, swing);
            weight[k] += above - below;
            above = below;
        }
    }
    for (int k = 0; k < N_PATH; k++) sum += weight[k];
    for (int k = 0; k < N_PATH; k++) weight[k] /= sum;
}

void cev_solar_probabilities_at_night(const cev_oscillation *oscillation, double energy_MeV,
                                      const cev_solar_nights *nights, double probability[CEV_N_FLAVOURS])
{
    double share[3], value[N_SHELL][3];
    const double *weight = nights->weight;
    matrix u = mixing(oscillation), v[N_SHELL];
    const earth e = earth_shells();
    cev_solar_mass_shares(oscillation, energy_MeV, share);
    for (size_t k = 0; k < N_SHELL; k++)
        diagonalise(hamiltonian(oscillation, &u, energy_MeV, e.shell[k]), value[k], &v[k]);
    memset(probability, 0, CEV_N_FLAVOURS * sizeof *probability);
    for (int k = 0; k < N_PATH; k++) {
        if (weight[k] == 0) continue;
        matrix through = passage(&e, (k + 0.5) / N_PATH, (const double(*)[3])value, v),
               from_mass = product(&through, &u);
        for (int a = 0; a < CEV_N_FLAVOURS; a++)
            for (int i = 0; i < 3; i++)
                probability[a] += weight[k] * share[i] * creal(from_mass.at[a][i] * conj(from_mass.at[a][i]));
    }
}
