/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command.h"

#include <stdarg.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int exit_code_of(cev_status status)
{
    switch (status) {
    case CEV_OK: return EXIT_COMPLETE;
    case CEV_E_STOPPED: return EXIT_STOPPED;
    case CEV_E_INPUT:
    case CEV_E_NUMERIC: return EXIT_BAD_INPUT;
    case CEV_E_IO:
    case CEV_E_MEMORY: break;
    }
    return EXIT_IO;
}

/* Those of ASCII, and in UTF-8 those of Latin 1: U+0080 to U+009F. */
static bool is_control(const unsigned char *c)
{
    return *c < 0x20 || *c == 0x7f || (c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0);
}

void print_plain(FILE *to, const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        bool control = is_control(c);
        putc(control ? '?' : *c, to);
        c += control && *c == 0xc2;
    }
}

int report_error(cev_status status)
{
    if (status == CEV_OK) return EXIT_COMPLETE;
    fprintf(stderr, "cevscan: error: ");
    print_plain(stderr, cev_error_message());
    putc('\n', stderr);
    if (getenv("CEVSCAN_DEBUG")) fprintf(stderr, "cevscan: (from %s)\n", cev_error_origin());
    return exit_code_of(status);
}

void append_text(char *out, size_t size, const char *format, ...)
{
    size_t used = strlen(out);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out + used, size - used, format, arguments);
    va_end(arguments);
}

json_t *json_number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

json_t *json_text(const char *text)
{
    json_t *json = json_string(text);
    char *copy = json ? NULL : strdup(text);
    if (json || !copy) return json;
    for (char *c = copy; *c; c++)
        if ((unsigned char)*c >= 0x80) *c = '?';
    json = json_string(copy);
    free(copy);
    return json;
}

void print_json(json_t *json)
{
    json_dumpf(json, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(json);
}

bool parse_whole(const char *text, long minimum, long maximum, int *out)
{
    char *end;
    errno = 0;
    long n = strtol(text, &end, 10);
    if (errno || end == text || *end || n < minimum || n > maximum) return false;
    *out = (int)n;
    return true;
}

double process_age_s(void)
{
    unsigned long long
        started; /* in ticks since the system was booted: the 22nd field; the second may hold anything in brackets */
    char line[4096];
    FILE *stat = fopen("/proc/self/stat", "r");
    size_t n = stat ? fread(line, 1, sizeof line - 1, stat) : 0;
    if (stat) fclose(stat);
    line[n] = '\0';
    const char *rest = strrchr(line, ')');
    if (!rest || sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
                        &started) != 1)
        return NAN;
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec - (double)started / (double)sysconf(_SC_CLK_TCK);
}
