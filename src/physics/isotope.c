/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "cevscan/nucleus.h"

const cev_isotope cev_isotopes[] = {
    {"H1", 1, 0, 1.00782503190},      {"C12", 6, 6, 12},
    {"C13", 6, 7, 13.00335483534},    {"O16", 8, 8, 15.99491461926},
    {"F19", 9, 10, 18.99840316207},   {"Na23", 11, 12, 22.98976928195},
    {"Si28", 14, 14, 27.97692653442}, {"Si29", 14, 15, 28.97649466434},
    {"Si30", 14, 16, 29.973770137},   {"Ar40", 18, 22, 39.96238312204},
    {"Ge70", 32, 38, 69.924248542},   {"Ge72", 32, 40, 71.922075824},
    {"Ge73", 32, 41, 72.923458954},   {"Ge74", 32, 42, 73.921177760},
    {"Ge76", 32, 44, 75.921402725},   {"I127", 53, 74, 126.904471838},
    {"Xe124", 54, 70, 123.905885},    {"Xe126", 54, 72, 125.904297447},
    {"Xe128", 54, 74, 127.903530753}, {"Xe129", 54, 75, 128.904780859},
    {"Xe130", 54, 76, 129.903509346}, {"Xe131", 54, 77, 130.905084057},
    {"Xe132", 54, 78, 131.904155083}, {"Xe134", 54, 80, 133.905393030},
    {"Xe136", 54, 82, 135.907214474}, {"Cs133", 55, 78, 132.905451958},
};
const size_t cev_n_isotopes = sizeof cev_isotopes / sizeof *cev_isotopes;

/* "Cs133" out of "Cs-133" or "133Cs"; false if it has no such form. */
static int canonical(const char *name, char *out, size_t size)
{
    char symbol[4] = "";
    int number = 0, used = 0;
    if (sscanf(name, "%3[A-Za-z]-%d%n", symbol, &number, &used) != 2 &&
        sscanf(name, "%3[A-Za-z]%d%n", symbol, &number, &used) != 2 &&
        sscanf(name, "%d%3[A-Za-z]%n", &number, symbol, &used) != 2)
        return 0;
    return !name[used] && snprintf(out, size, "%s%d", symbol, number) > 0;
}

const cev_isotope *cev_isotope_find(const char *name)
{
    char wanted[24];
    if (strpbrk(name, " \t\r\n+")) return NULL; /* which sscanf() would pass over */
    if (!canonical(name, wanted, sizeof wanted)) return NULL;
    for (size_t k = 0; k < cev_n_isotopes; k++)
        if (!strcmp(cev_isotopes[k].name, wanted)) return &cev_isotopes[k];
    return NULL;
}
