/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the program assumed: values of parameters that nobody gave, data, and remarks on the configuration. */
#ifndef CEVSCAN_CLI_ASSUMPTIONS_H
#define CEVSCAN_CLI_ASSUMPTIONS_H

#include <jansson.h>

#include "cevscan/remarks.h"

/* "sin2_theta_w 0.23867, recoil_term 0, eps_etau_uV 0.05 (default: 0)": the values that the standard model's prediction
 * depends on, and all that are not at their defaults; "[defaults]" at the end if all are. Parameters that
 * left_out[n_parameter] marks are not said (NULL: none). Into out[size]. */
void fixed_values_text(const cev_interaction *interaction, const double *theta, const bool *left_out, char *out,
                       size_t size);

/* {name, title, citation, fixed: {every parameter: value}, not_default: [names]}; null: not given, or infinite. */
json_t *interaction_json(const cev_interaction *interaction, const double *theta, const bool *left_out);

/* Parameters that are not fixed: scanned, also by the fit (profiled), or following others; in marked[CEV_MAX_THETA]. */
void mark_scanned(const cev_scan_config *config, bool *marked);

/* "observed", "asimov", "observed coherent_csi, others asimov", and the truth where there is one: "asimov at the
 * standard model". Into out[size]. */
void data_text(const cev_scan_config *config, char *out, size_t size);

/* "asimov", "observed", or a list of the experiments that are compared with what they observed. */
json_t *data_json(const cev_scan_config *config);

/* To stderr; notes are silent where `quiet`. */
void print_remark(const cev_remark *remark, bool quiet);
void print_remarks(const cev_remarks *remarks, bool quiet);
json_t *remarks_json(const cev_remarks *remarks);

#endif
