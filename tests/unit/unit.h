/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every unit test needs: cmocka, comparisons that say both numbers, and random numbers that are always the same.
 */
#ifndef CEVSCAN_TESTS_UNIT_H
#define CEVSCAN_TESTS_UNIT_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <gsl/gsl_rng.h>

#include "cevscan/arena.h"
#include "cevscan/status.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))

static inline void __attribute__((format(printf, 3, 4))) unit_fail(const char *file, int line, const char *format, ...)
{
    char text[4096];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    print_error("%s\n", text);
    _fail(file, line);
}

static inline void unit_close(double actual, double expected, double tolerance, const char *what, const char *file,
                              int line)
{
    if (!(fabs(actual - expected) <= tolerance))
        unit_fail(file, line, "%s is %.17g, expected %.17g; they differ by %.3g, more than %.3g", what, actual,
                  expected, actual - expected, tolerance);
}

static inline void unit_ok(cev_status status, const char *what, const char *file, int line)
{
    if (status != CEV_OK) unit_fail(file, line, "%s fails with status %d: %s", what, (int)status, cev_error_message());
}

static inline void unit_refused(cev_status status, cev_status expected, const char *words, const char *what,
                                const char *file, int line)
{
    if (status != expected)
        unit_fail(file, line, "%s: status %d, expected %d; message: %s", what, (int)status, (int)expected,
                  cev_error_message());
    if (!strstr(cev_error_message(), words))
        unit_fail(file, line, "%s: the message \"%s\" does not say \"%s\"", what, cev_error_message(), words);
}

static inline void unit_same_bits(double actual, double expected, const char *what, const char *file, int line)
{
    if (memcmp(&actual, &expected, sizeof actual))
        unit_fail(file, line, "%s: %a has not the bits of %a", what, actual, expected);
}

static inline void unit_contains(const char *text, const char *part, const char *file, int line)
{
    if (!strstr(text, part)) unit_fail(file, line, "\"%s\" does not contain \"%s\"", text, part);
}

#define assert_ok(call) unit_ok((call), #call, __FILE__, __LINE__)
/* The call fails with this status, and its message contains these words. */
#define assert_refused(call, status, words)                                                                            \
    (cev_error_clear(), unit_refused((call), (status), (words), #call, __FILE__, __LINE__))
#define assert_close(actual, expected, tolerance)                                                                      \
    unit_close((actual), (expected), (tolerance), #actual, __FILE__, __LINE__)
#define assert_relative(actual, expected, tolerance)                                                                   \
    unit_close((actual), (expected), (tolerance)*fabs(expected), #actual, __FILE__, __LINE__)
#define assert_same_bits(actual, expected) unit_same_bits((actual), (expected), #actual, __FILE__, __LINE__)
#define assert_contains(text, part) unit_contains((text), (part), __FILE__, __LINE__)

static inline gsl_rng *random_numbers(unsigned long seed)
{
    gsl_rng *r = gsl_rng_alloc(gsl_rng_mt19937);
    assert_non_null(r);
    gsl_rng_set(r, seed);
    return r;
}

static inline double uniform(gsl_rng *r, double low, double high)
{
    return low + (high - low) * gsl_rng_uniform(r);
}

static inline double log_uniform(gsl_rng *r, double low, double high)
{
    return exp(uniform(r, log(low), log(high)));
}

/* low .. high, both included. */
static inline size_t whole(gsl_rng *r, size_t low, size_t high)
{
    return low + gsl_rng_uniform_int(r, (unsigned long)(high - low + 1));
}

static inline int chance(gsl_rng *r, double probability)
{
    return gsl_rng_uniform(r) < probability;
}

static inline cev_arena *new_arena(void)
{
    cev_arena *arena;
    assert_ok(cev_arena_create(&arena));
    return arena;
}

/* Initialisers of theta[] at the standard model of "nsi": couplings 0, and what is not given is NaN. */
#define NSI_STANDARD_MODEL [12] = 0.23867, [14] = NAN, [15] = NAN

#endif
