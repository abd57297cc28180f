/* SPDX-License-Identifier: GPL-3.0-or-later */
/* "Which experiments, under which interaction, at which point": the options that point, rates and bench share. */
#ifndef CEVSCAN_CLI_SELECTION_H
#define CEVSCAN_CLI_SELECTION_H

#include <argp.h>
#include <jansson.h>

#include "cevscan/config.h"
#include "cevscan/model.h"
#include "output_format.h"

enum { MOST_SETTINGS = 64 };

typedef struct selection_options {
    const char *scan_file;   /* the argument, NULL if experiments are chosen by name */
    const char *experiments; /* comma separated */
    const char *interaction;
    const char *setting[MOST_SETTINGS];
    size_t n_setting;
    const char *data; /* "asimov", "observed", or NULL: what the scan file says */
    const char *who;  /* the command, "rates"; set by the parser */
    bool json;
    bool compares; /* with data: to be set by the command; which data are taken is said then */
} selection_options;

/* An argp child for --experiments, --interaction, --set, --data and --json; its input is a selection_options. */
extern const struct argp selection_argp;

/* What the options choose, ready to be evaluated. config says what is compared with what it observed; its theta is that
 * of the file. */
typedef struct selection {
    cev_scan_config *config;
    cev_model *model;
    cev_data data;
    double theta[CEV_MAX_THETA]; /* the scan's fixed values, or the defaults, and --set on top */
    bool is_left[CEV_MAX_THETA]; /* scanned by the file, and not set: at its default */
} selection;

/* Says on stderr what its user may not have meant. */
cev_status selection_open(const selection_options *options, selection *out);
void selection_close(selection *s);

/* Opens the selection, prints what `print` makes of it, and returns the exit code. */
int print_selection(const selection_options *options, cev_status (*print)(const selection *s, const void *context),
                    const void *context);

/* "interaction nsi (arXiv:2208.11771): sin2_theta_w 0.23867, recoil_term 0 [defaults]": every value that the standard
 * model's prediction depends on, and all that are not at their defaults; into out[size]. And as interaction_json(). */
void selection_interaction_text(const selection *s, char *out, size_t size);
json_t *selection_interaction_json(const selection *s);

/* The text as the head of a table, or as the last cell of a row of CSV. */
void print_interaction(const selection *s, output_format format);

#endif
