/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <argp.h>
#include <gsl/gsl_errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cevscan/nearest.h"
#include "command.h"

static const command commands[] = {
    {"run", "scan a parameter space into a map (alone, under mpirun or under srun)", command_run},
    {"study", "scan many sets of experiments over many planes into one file", command_study},
    {"point", "chi2, pulls and shares at one point", command_point},
    {"rates", "expected events per bin, flavour and background", command_rates},
    {"check", "validate a scan or study file and show what it would do", command_check},
    {"status", "progress and health of a map, also while it is written", command_status},
    {"verify", "check the digests of a map, and recompute a part of it", command_verify},
    {"merge", "join partial maps of one scan", command_merge},
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
        "Exit codes: 0 complete; 1 complete, but some points have no chi2; 2 bad input, nothing was created;\n"
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
 * against tiles of milliseconds; on a machine that others use too it makes the scan several times slower. libgomp reads
 * its environment before main() begins, so the program starts anew with the gentle choice, unless the user has made
 * one. */
static void prefer_sleeping_threads(char **argv)
{
    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT") || setenv("OMP_WAIT_POLICY", "passive", 1)) return;
    execv("/proc/self/exe", argv); /* where that cannot be done, the threads spin */
}

int main(int argc, char **argv)
{
    gsl_set_error_handler_off();
    argp_err_exit_status = EXIT_BAD_INPUT;
    setenv("HDF5_USE_FILE_LOCKING", "FALSE", 0); /* shared file systems without locks would refuse the map */
    if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
        print_help();
        return argc < 2 ? EXIT_BAD_INPUT : EXIT_COMPLETE;
    }
    if (!strcmp(argv[1], "--version")) {
        printf("cevscan %s (%s)\n", CEVSCAN_VERSION, CEVSCAN_COMMIT);
        return EXIT_COMPLETE;
    }
    if (!strcmp(argv[1], "run") || !strcmp(argv[1], "study")) prefer_sleeping_threads(argv);
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
