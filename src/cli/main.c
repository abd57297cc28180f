/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <argp.h>
#include <gsl/gsl_errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cevscan/nearest.h"
#include "command.h"

static const command commands[] = {
    {"run", "scan a parameter space into a map (alone, under mpirun or under srun)", command_run},
    {"study", "the same for a study: many sets of experiments over many planes into one file", command_run},
    {"point", "chi2, pulls and shares at one point", command_point},
    {"rates", "expected events per bin, flavour and background", command_rates},
    {"spectra", "recoil spectra, cross sections, form factors, fluxes, probabilities, responses", command_spectra},
    {"impacts", "what each pull does to the best fit of a parameter", command_impacts},
    {"check", "validate a scan or study file and show what it would do", command_check},
    {"status", "progress and health of a map, also while it is written", command_status},
    {"verify", "check the digests of a map or study, and recompute a part of it", command_verify},
    {"merge", "join partial files of one scan or study", command_merge},
    {"describe", "the interactions, sources, responses and experiments that exist", command_describe},
    {"bench", "points per second of the engine on this machine", command_bench},
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

static void print_help(void)
{
    printf("Usage: cevscan COMMAND [OPTION...]\n"
           "Scans parameter spaces of coherent elastic neutrino-nucleus scattering.\n\n");
    for (size_t k = 0; k < N_COMMANDS; k++) printf("  %-10s %s\n", commands[k].name, commands[k].summary);
    printf(
        "\n`cevscan COMMAND --help` explains a command, `cevscan --version` says which version this is.\n\n"
        "Exit codes: 0 complete; 2 bad input, nothing was created; 3 complete, but some points have no chi2;\n"
        "74 the file system, memory or MPI failed; 85 stopped early by a signal or the time limit; 130 interrupted. In "
        "the last\n"
        "three cases the map is sound, and the same command goes on.\n\n"
        "Environment: CEVSCAN_PATH folders with experiment files, separated by colons; CEVSCAN_DEBUG=1 adds the place\n"
        "in the code to error messages.\n");
}

static int unknown_command(const char *name)
{
    const char *names[N_COMMANDS];
    for (size_t k = 0; k < N_COMMANDS; k++) names[k] = commands[k].name;
    const char *nearest = cev_nearest(name, names, N_COMMANDS);
    fprintf(stderr, "cevscan: error: unknown command \"%s\"%s%s%s; see: cevscan --help\n", name,
            nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
    return EXIT_BAD_INPUT;
}

/* By default libgomp's threads spin for milliseconds between two tiles. On cores of their own that gains nothing
 * against tiles of milliseconds; on a machine that others use too it makes the scan several times slower. libgomp
 * reads its environment before main() begins, so the program starts anew with the gentle choice, unless the user has
 * made one. */
static bool prefer_sleeping_threads(void)
{
    return !getenv("OMP_WAIT_POLICY") && !getenv("GOMP_SPINCOUNT") && !setenv("OMP_WAIT_POLICY", "passive", 1);
}

/* glibc picks its exp() and log() by processor, and those with fused multiply-adds differ from the others in the last
 * bit now and then: a map would depend on the hosts that computed it. So the plain ones are asked for everywhere;
 * glibc, too, reads its environment before main() begins. */
static bool prefer_plain_mathematics(void)
{
    static const char key[] = "glibc.cpu.hwcaps=", plain[] = "-AVX2,-FMA,-FMA4";
    const char *given = getenv("GLIBC_TUNABLES"), *ours = given ? strstr(given, key) : NULL;
    char value[4096];
    if (ours && strstr(ours, plain)) return false;
    int n = ours ? snprintf(value, sizeof value, "%.*s%s%s,%s", (int)(ours - given), given, key, plain,
                            ours + strlen(key))
                 : snprintf(value, sizeof value, "%s%s%s%s", given ? given : "", given ? ":" : "", key, plain);
    return n < (int)sizeof value && !setenv("GLIBC_TUNABLES", value, 1);
}

/* The environment that the libraries read before main(): where the program cannot start anew, it goes on as it is. */
static void start_anew_if_needed(char **argv)
{
    bool threads = prefer_sleeping_threads(), mathematics = prefer_plain_mathematics();
    char path[PATH_MAX];
    ssize_t n = threads || mathematics ? readlink("/proc/self/exe", path, sizeof path - 1) : -1;
    if (n <= 0) return;
    path[n] = '\0';
    execv(path, argv);
}

/* MPI looks at the machine through hwloc, whose plugins ask X servers :0 to :9 for their displays and drivers for
 * their GPUs: that costs seconds where "localhost" has no address, and matters to nobody here. Neither does what hwloc
 * says of containers without /sys. The user may have a say in both. */
static void quieten_topology(void)
{
    setenv("HWLOC_COMPONENTS", "-gl,-opencl,-cuda,-nvml,-rsmi,-levelzero", 0);
    setenv("HWLOC_HIDE_ERRORS", "2", 0);
}

int main(int argc, char **argv)
{
    start_anew_if_needed(argv);
    gsl_set_error_handler_off();
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is a refused write, with its reason, and not the end */
    argp_err_exit_status = EXIT_BAD_INPUT;
    quieten_topology();
    setenv("HDF5_USE_FILE_LOCKING", "FALSE", 0); /* shared file systems without locks would refuse the map */
    if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
        print_help();
        return argc < 2 ? EXIT_BAD_INPUT : EXIT_COMPLETE;
    }
    if (!strcmp(argv[1], "--version")) {
        printf("cevscan %s (%s)\n", CEVSCAN_VERSION, cev_commit());
        return EXIT_COMPLETE;
    }
    for (size_t k = 0; k < N_COMMANDS; k++) {
        if (strcmp(argv[1], commands[k].name)) continue;
        char name[32];
        snprintf(name, sizeof name, "cevscan %s", commands[k].name);
        argv[1] = name;
        int code = commands[k].run(argc - 1, argv + 1);
        if (fflush(stdout) || ferror(stdout)) {
            perror("cevscan: error: cannot write the output");
            return EXIT_IO;
        }
        return code;
    }
    return unknown_command(argv[1]);
}
