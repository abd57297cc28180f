/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <argp.h>
#include <mpi.h>
#include <stdlib.h>
#include <string.h>

#include "../bench/bench.h"
#include "cevscan/nearest.h"
#include "command.h"
#include "job_options.h"
#include "file_kind.h"
#include "usage.h"

static const char doc[] =
    "Measures this program on this machine: workloads by name (`--list` shows them; `all` means each of them), or the "
    "points of a scan "
    "file; without either, the reference workload.\v"
    "Points are computed on one thread, without output, again and again for --seconds; reported are the median and the "
    "fastest "
    "repetition. \"Steps\" and \"flops\" are those of the plain algorithm, and their share is of what this core does "
    "in multiplications "
    "and additions that are not fused, measured in the same run. src/bench/README.md says where each number comes "
    "from.\n\n"
    "Examples:\n  cevscan bench\n  cevscan bench reference gaussian --json\n  cevscan bench configs/scans/ess_csi.yaml "
    "--seconds 10";

enum { KEY_LIST = 256, KEY_REPETITIONS };

static const struct argp_option options[] = {
    {"json", 'j', NULL, 0, "print JSON", 0},
    {"list", KEY_LIST, NULL, 0, "name the workloads", 0},
    {"repetitions", KEY_REPETITIONS, "N", 0,
     "compute the points exactly N times, and nothing else (for counting instructions)", 0},
    {"seconds", 's', "N", 0, "how long to measure the points of a workload (default: 3)", 0},
    {0},
};

static bool is_file(const char *argument)
{
    size_t n = strlen(argument);
    return strchr(argument, '/') ||
           (n > 5 && (!strcmp(argument + n - 5, ".yaml") || !strcmp(argument + n - 5, ".json")));
}

static const bench_workload *find(const char *name)
{
    for (size_t k = 0; k < n_bench_workloads; k++)
        if (!strcmp(bench_workloads[k].name, name)) return &bench_workloads[k];
    return NULL;
}

static void check_name(const char *name, struct argp_state *state)
{
    const char *names[MOST_BENCH_NAMES];
    if (!strcmp(name, "all") || find(name)) return;
    for (size_t k = 0; k < n_bench_workloads; k++) names[k] = bench_workloads[k].name;
    const char *nearest = cev_nearest(name, names, n_bench_workloads);
    usage_error(state,
                "%s: neither a workload (cevscan bench --list names them) nor a scan file (with a / or ending in "
                ".yaml)%s%s%s",
                name, nearest ? " (did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?)" : "");
}

static void add_argument(bench_options *o, const char *argument, struct argp_state *state)
{
    if (is_file(argument)) {
        if (o->file) usage_error(state, "more than one scan file: %s", argument);
        o->file = argument;
        return;
    }
    check_name(argument, state);
    if (o->n_name == MOST_BENCH_NAMES) usage_error(state, "too many names");
    o->name[o->n_name++] = argument;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    bench_options *o = state->input;
    switch (key) {
    case 'j': o->json = true; break;
    case KEY_LIST: o->list = true; break;
    case KEY_REPETITIONS:
        if (!parse_whole(argument, 1, 10000, &o->repetitions))
            usage_error(state, "--repetitions %s: expected 1 to 10000", argument);
        break;
    case 's':
        if (!parse_whole(argument, 1, 3600, &o->seconds))
            usage_error(state, "--seconds %s: expected 1 to 3600", argument);
        break;
    case ARGP_KEY_ARG: add_argument(o, argument, state); break;
    case ARGP_KEY_END:
        if (o->file && o->n_name) usage_error(state, "give either a scan file or workloads");
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* --- the machine ------------------------------------------------------------------------------------------------ */

static void read_processor(char *out, size_t size)
{
    char line[512];
    FILE *info = fopen("/proc/cpuinfo", "r");
    snprintf(out, size, "unknown");
    while (info && fgets(line, sizeof line, info)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) || !colon) continue;
        line[strcspn(line, "\n")] = '\0';
        snprintf(out, size, "%s", colon + 2);
        break;
    }
    if (info) fclose(info);
}

static json_t *describe_machine(void)
{
    char processor[256];
    read_processor(processor, sizeof processor);
    return json_pack("{s:s, s:s, s:s, s:s, s:f}", "program", CEVSCAN_VERSION, "compiler", __VERSION__, "processor",
                     processor, "level", bench_level(), "peak_flops_per_second", bench_peak());
}

static void print_machine(const json_t *machine)
{
    printf("%s, lanes in %s, gcc %s; %.1f Gflop/s at most on one core in multiplications and additions\n",
           json_string_value(json_object_get(machine, "processor")), bench_level(), __VERSION__,
           json_number_value(json_object_get(machine, "peak_flops_per_second")) / 1e9);
}

/* --- workloads -------------------------------------------------------------------------------------------------- */

static bool chosen(const bench_options *o, const char *name)
{
    for (size_t k = 0; k < o->n_name; k++)
        if (!strcmp(o->name[k], name) || !strcmp(o->name[k], "all")) return true;
    return false;
}

static void print_one(const bench_workload *workload, const json_t *result)
{
    const char *skipped = json_string_value(json_object_get(result, "skipped"));
    printf("%-15s ", workload->name);
    if (skipped)
        printf(" not measured: %s\n", skipped);
    else
        workload->print(result);
    fflush(stdout);
}

static cev_status measure_chosen(const bench_options *o, bool speaks, json_t *list)
{
    for (size_t k = 0; k < n_bench_workloads; k++) {
        const bench_workload *workload = &bench_workloads[k];
        json_t *result = NULL;
        if (!chosen(o, workload->name)) continue;
        cev_status status = workload->measure(o, workload, &result);
        if (status != CEV_OK) return cev_fail_while(status, "%s", workload->name);
        json_object_set_new(result, "workload", json_string(workload->name));
        if (speaks && !o->json) print_one(workload, result);
        json_array_append_new(list, result);
    }
    return CEV_OK;
}

/* Tiles are written by MPI, and units of a study agree through it. */
static void start_mpi_if_needed(const bench_options *o)
{
    int started, rank;
    MPI_Initialized(&started);
    if (!started && (chosen(o, "tiles") || chosen(o, "subsets"))) start_mpi(&rank);
}

static cev_status measure_names(const bench_options *o, bool speaks)
{
    start_mpi_if_needed(o);
    json_t *machine = describe_machine(), *list = json_array();
    if (speaks && !o->json) print_machine(machine);
    cev_status status = measure_chosen(o, speaks, list);
    if (status == CEV_OK && speaks && o->json)
        print_json(json_pack("{s:O, s:O}", "machine", machine, "workloads", list));
    json_decref(machine);
    json_decref(list);
    return status;
}

/* A scan file, or the reference: one object. */
static cev_status measure_one(const bench_options *o)
{
    json_t *result;
    cev_scan_config *config = NULL;
    const bench_workload *reference = &bench_workloads[0];
    cev_status status = o->file ? cev_scan_config_read(o->file, &config)
                                : cev_scan_config_parse(reference->scan, reference->name, &config);
    if (o->file) status = explain_no_scan(status, o->file, "bench");
    if (status == CEV_OK) status = bench_points_of(o, config, &result);
    if (status == CEV_OK && o->json) print_json(json_incref(result));
    if (status == CEV_OK && !o->json) {
        printf("%s: ", config->name);
        bench_print_points(result);
    }
    if (status == CEV_OK) json_decref(result);
    cev_scan_config_destroy(&config);
    return status;
}

static cev_status print_list(void)
{
    for (size_t k = 0; k < n_bench_workloads; k++)
        printf("%-15s %s\n", bench_workloads[k].name, bench_workloads[k].title);
    return CEV_OK;
}

/* Under mpirun all ranks come here; only the scheduler wants them. */
static cev_status measure_on_ranks(const bench_options *o)
{
    int rank;
    if (o->n_name != 1 || strcmp(o->name[0], "scheduler"))
        return cev_fail(CEV_E_INPUT, "under mpirun, only the workload \"scheduler\" can be measured");
    start_mpi(&rank);
    return measure_names(o, rank == 0);
}

int command_bench(int argc, char **argv)
{
    bench_options o = {.seconds = 3};
    const struct argp argp = {.options = options, .parser = parse, .args_doc = "[SCAN.yaml | NAME...]", .doc = doc};
    parse_arguments(&argp, argc, argv, &o);
    cev_status status = o.list                 ? print_list()
                        : bench_is_under_mpi() ? measure_on_ranks(&o)
                        : o.n_name             ? measure_names(&o, true)
                                               : measure_one(&o);
    int code = report_error(status), started;
    MPI_Initialized(&started);
    if (started) MPI_Finalize();
    return code;
}
