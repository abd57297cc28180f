/* SPDX-License-Identifier: GPL-3.0-or-later */
/* "Which experiments, under which interaction, at which point": the options that point, rates and bench share. */
#ifndef CEVSCAN_CLI_SELECTION_H
#define CEVSCAN_CLI_SELECTION_H

#include <argp.h>

#include "cevscan/config.h"
#include "cevscan/model.h"

enum { MOST_SETTINGS = 64 };

typedef struct selection_options {
    const char *scan_file;   /* the argument, NULL if experiments are chosen by name */
    const char *experiments; /* comma separated */
    const char *interaction;
    const char *setting[MOST_SETTINGS];
    size_t n_setting;
    bool json;
} selection_options;

/* An argp child for --experiments, --interaction, --set and --json; its input is a selection_options. */
extern const struct argp selection_argp;

/* What the options choose, ready to be evaluated. */
typedef struct selection {
    cev_scan_config *config;
    cev_model *model;
    cev_data data;
    double theta[CEV_MAX_MODEL_PARAMETERS]; /* the scan's fixed values, or the defaults, and --set on top */
} selection;

cev_status selection_open(const selection_options *options, selection *out);
void selection_close(selection *s);

#endif
