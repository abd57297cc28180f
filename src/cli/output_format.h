/* SPDX-License-Identifier: GPL-3.0-or-later */
/* --format table, csv or json, of the commands that have it. */
#ifndef CEVSCAN_CLI_OUTPUT_FORMAT_H
#define CEVSCAN_CLI_OUTPUT_FORMAT_H

#include <argp.h>

typedef enum output_format { FORMAT_TABLE, FORMAT_CSV, FORMAT_JSON, N_FORMATS } output_format;

/* Reads an option's argument; ends the program with usage_error() where it is none of them. */
void parse_format(const char *argument, struct argp_state *state, output_format *out);

/* A text of CSV, in quotes, since names may have commas. */
void print_csv_text(const char *text);

/* A name, which is in quotes only if it has to be: one word of letters, digits, "_-+./:" is plain. */
void print_csv_name(const char *name);

#endif
