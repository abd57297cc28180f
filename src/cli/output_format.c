/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "output_format.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "usage.h"

void parse_format(const char *argument, struct argp_state *state, output_format *out)
{
    static const char *const names[N_FORMATS] = {"table", "csv", "json"};
    for (int k = 0; k < N_FORMATS; k++)
        if (!strcmp(argument, names[k])) {
            *out = (output_format)k;
            return;
        }
    usage_error(state, "--format %s: expected table, csv or json", argument);
}

void print_csv_text(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        if (*text == '"') putchar('"');
        putchar(*text);
    }
    putchar('"');
}

void print_csv_name(const char *name)
{
    bool plain = true;
    for (const char *c = name; *c; c++) plain &= isalnum((unsigned char)*c) || strchr("_-+./:", *c);
    if (plain)
        fputs(name, stdout);
    else
        print_csv_text(name);
}
