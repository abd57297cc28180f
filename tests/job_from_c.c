/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A scan from a C program: job_from_c SCAN.yaml MAP.h5. */
#include <cevscan/job.h>
#include <gsl/gsl_errno.h>
#include <stdlib.h>

static void own_handler(const char *reason, const char *file, int line, int number)
{
    (void)reason, (void)file, (void)line, (void)number;
}

int main(int argc, char **argv)
{
    int provided;
    cev_job_result result;
    cev_job_options options = cev_job_defaults();
    if (argc != 3) return 1;
    options.file = argv[1];
    options.output = argv[2];
    MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided);
    gsl_set_error_handler(own_handler);
    cev_status status = cev_job_run(MPI_COMM_WORLD, &options, &result);
    int kept = gsl_set_error_handler(NULL) == own_handler;
    int complete = status == CEV_OK && result.outcome == CEV_JOB_COMPLETE && result.points_failed == 0;
    cev_job_result_free(&result);
    MPI_Finalize();
    return status == CEV_E_INPUT ? 2 : kept && complete ? 0 : 1;
}
