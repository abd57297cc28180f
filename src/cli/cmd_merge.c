/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <argp.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "job_options.h"
#include "stop.h"
#include "file_kind.h"
#include "usage.h"

static const char doc[] = "Joins partial files of one scan or study, such as those of its shards. Tiles that several "
                          "of them hold must agree to the "
                          "last bit; tiles that none of them holds are reported, and can be computed by `cevscan run` "
                          "on the new file. Nothing is "
                          "recomputed.\v"
                          "Exit codes: 0 the new file is complete; 3 complete, but some points have no chi2; 85 tiles "
                          "are missing; 2 the files do not "
                          "fit together, or one is damaged, and nothing was created; 74 the file system failed.\n\n"
                          "Example: cevscan merge shard-*.h5 -o map.h5";

typedef struct merge_options {
    const char *output;
    char **file; /* [n_file] */
    int n_file;
    bool quiet, json;
} merge_options;

static const struct argp_option options[] = {
    {"output", 'o', "MAP.h5", 0, "the map to write (required); must not exist", 0},
    {"quiet", 'q', NULL, 0, "print errors only", 0},
    {"json", 'j', NULL, 0, "print JSON", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    merge_options *o = state->input;
    switch (key) {
    case 'o': o->output = argument; break;
    case 'q': o->quiet = true; break;
    case 'j': o->json = true; break;
    case ARGP_KEY_ARGS:
        o->file = state->argv + state->next;
        o->n_file = state->argc - state->next;
        break;
    case ARGP_KEY_END:
        if (o->n_file == 0) usage_error(state, "give the maps to join");
        if (!o->output || !*o->output) usage_error(state, "give the map to write: -o MAP.h5");
        check_output(o->output, state);
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static void report_gaps(const cev_merge_result *r)
{
    printf("%zu of %zu tiles are missing:", r->n_missing, r->n_tile);
    for (size_t t = 0; t < r->n_tile; t++) {
        if (!r->missing[t] || (t && r->missing[t - 1])) continue;
        size_t end = t;
        while (end + 1 < r->n_tile && r->missing[end + 1]) end++;
        printf(end > t ? " %zu..%zu" : " %zu", t, end);
    }
    printf("\n");
}

static void print_result(const merge_options *o, const cev_merge_result *r)
{
    if (o->json) {
        json_t *missing = json_array();
        for (size_t t = 0; t < r->n_tile; t++)
            if (r->missing[t]) json_array_append_new(missing, json_integer((json_int_t)t));
        print_json(json_pack("{s:o, s:i, s:b, s:o, s:s}", "map", json_text(o->output), "joined", o->n_file, "complete",
                             r->complete, "tiles_missing", missing, "content_hash", r->content_hash));
    } else if (!o->quiet) {
        printf("%s: joined %d file%s\n", o->output, o->n_file, o->n_file == 1 ? "" : "s");
        if (r->n_missing) report_gaps(r);
        if (r->complete) printf("content hash %s\n", r->content_hash);
    }
}

/* Others would wait for this rank in vain, or write beside it. */
static void refuse_ranks(int rank)
{
    int n_rank;
    MPI_Comm_size(MPI_COMM_WORLD, &n_rank);
    if (n_rank == 1) return;
    if (rank == 0) fprintf(stderr, "cevscan: error: merge is no job of several ranks\n");
    fflush(NULL);
    MPI_Abort(MPI_COMM_WORLD, EXIT_BAD_INPUT);
}

int command_merge(int argc, char **argv)
{
    merge_options o = {0};
    const struct argp argp = {.options = options, .parser = parse, .args_doc = "FILE.h5...", .doc = doc};
    parse_arguments(&argp, argc, argv, &o);
    job_command c = job_command_quiet(1);
    cev_merge_result r;
    c.quiet = o.quiet;
    c.job.context = &c;
    c.job.output = o.output;
    start_mpi(&c.rank);
    refuse_ranks(c.rank);
    cev_status status = cev_job_merge(&c.job, (size_t)o.n_file, (const char *const *)o.file, &r);
    for (int k = 0; k < o.n_file; k++) status = explain_no_map(status, o.file[k]);
    int code = status == CEV_E_STOPPED && stop_wanted() == CEV_STOP_INTERRUPTED ? EXIT_INTERRUPTED
               : status != CEV_OK                                               ? report_error(status)
               : !r.complete                                                    ? EXIT_STOPPED
                             : (r.points_failed ? EXIT_POINTS_FAILED : EXIT_COMPLETE);
    if (status == CEV_OK) print_result(&o, &r);
    cev_merge_result_free(&r);
    return end_mpi(code);
}
