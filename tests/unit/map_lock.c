/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lock beside a map: who is judged by the number of the process, and who by the renewals. */
#include "unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cevscan/map_lock.h"

static char folder[] = "/tmp/cevscan-unit-XXXXXX";
static char path[256], lock_path[300];

/* What our own lock says, word by word. */
typedef struct words {
    char host[256], job[64], boot[64], space[64];
    long pid, restart;
    unsigned long long born;
} words;

static words our_words(void)
{
    words w;
    char text[1024] = "";
    cev_map_lock *lock;
    assert_ok(cev_map_lock_take(path, &lock));
    FILE *file = fopen(lock_path, "r");
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    cev_map_lock_release(&lock);
    assert_int_equal(sscanf(text,
                            "cevscan-lock 1 host %255s pid %ld born %llu job %63s restart %ld boot %63s pidns %63s",
                            w.host, &w.pid, &w.born, w.job, &w.restart, w.boot, w.space),
                     7);
    return w;
}

static void write_lock(const words *w)
{
    FILE *file = fopen(lock_path, "w");
    assert_non_null(file);
    fprintf(file, "cevscan-lock 1 host %s pid %ld born %llu job %s restart %ld boot %s pidns %s\n", w->host, w->pid,
            w->born, w->job, w->restart, w->boot, w->space);
    fclose(file);
}

/* The number of a process that has ended. */
static long dead_pid(void)
{
    pid_t child = fork();
    if (child == 0) _exit(0);
    waitpid(child, NULL, 0);
    return child;
}

static void a_lock_says_who_holds_it_and_goes(void **state)
{
    (void)state;
    words w = our_words();
    assert_int_equal(w.pid, getpid());
    assert_true(w.born > 0);
    assert_string_not_equal(w.boot, "-");
    assert_contains(w.space, "pid:[");
    assert_int_not_equal(access(lock_path, F_OK), 0);
}

static void a_living_process_of_this_place_is_not_disturbed(void **state)
{
    (void)state;
    cev_map_lock *first, *second;
    assert_ok(cev_map_lock_take(path, &first));
    assert_refused(cev_map_lock_take(path, &second), CEV_E_INPUT, "another job is writing this map");
    assert_null(second);
    cev_map_lock_sweep(path);
    assert_int_equal(access(lock_path, F_OK), 0);
    assert_false(cev_map_lock_lost(first));
    cev_map_lock_release(&first);
    assert_null(first);
}

static void a_dead_process_of_this_place_does_not_block(void **state)
{
    (void)state;
    words w = our_words();
    cev_map_lock *lock;
    w.pid = dead_pid();
    write_lock(&w);
    assert_ok(cev_map_lock_take(path, &lock));
    cev_map_lock_release(&lock);
    write_lock(&w);
    cev_map_lock_sweep(path);
    assert_int_not_equal(access(lock_path, F_OK), 0);
}

/* A holder elsewhere: renews the lock's time until it is told to stop. */
static atomic_bool enough;

static void *renew(void *unused)
{
    (void)unused;
    for (long n = 1; !atomic_load(&enough); n++) {
        const struct timespec when[2] = {{.tv_sec = n}, {.tv_sec = n}}, pause = {.tv_nsec = 10000000};
        utimensat(AT_FDCWD, lock_path, when, 0);
        nanosleep(&pause, NULL);
    }
    return NULL;
}

static void assert_judged_by_its_renewals(const words *w)
{
    pthread_t thread;
    cev_map_lock *lock;
    write_lock(w);
    cev_map_lock_sweep(path); /* it cannot be known to be dead */
    assert_int_equal(access(lock_path, F_OK), 0);
    atomic_store(&enough, false);
    assert_int_equal(pthread_create(&thread, NULL, renew, NULL), 0);
    cev_status status = cev_map_lock_take(path, &lock);
    atomic_store(&enough, true);
    pthread_join(thread, NULL);
    unlink(lock_path);
    assert_int_equal(status, CEV_E_INPUT);
    assert_null(lock);
}

/* Two containers may have one host's name, and a process number means another process in each, or none; so it is after
 * a host has started anew. */
static void a_process_of_another_place_is_judged_by_its_renewals(void **state)
{
    (void)state;
    words w = our_words(), other = w;
    other.pid = dead_pid();
    snprintf(other.space, sizeof other.space, "pid:[1]");
    assert_judged_by_its_renewals(&other);
    other = w;
    other.pid = dead_pid();
    snprintf(other.boot, sizeof other.boot, "00000000-0000-0000-0000-000000000000");
    assert_judged_by_its_renewals(&other);
}

/* A job that SLURM starts anew knows that its earlier life is over, wherever that was. */
static void an_earlier_life_of_this_slurm_job_does_not_block(void **state)
{
    (void)state;
    cev_map_lock *lock;
    setenv("SLURM_JOB_ID", "77", 1);
    setenv("SLURM_RESTART_COUNT", "1", 1);
    words w = our_words();
    assert_string_equal(w.job, "77");
    w.restart = 0;
    snprintf(w.space, sizeof w.space, "pid:[1]");
    write_lock(&w);
    assert_ok(cev_map_lock_take(path, &lock));
    cev_map_lock_release(&lock);
    unsetenv("SLURM_JOB_ID");
    unsetenv("SLURM_RESTART_COUNT");
}

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(folder)) return 1;
    snprintf(path, sizeof path, "%s/map.h5", folder);
    snprintf(lock_path, sizeof lock_path, "%s.lock", path);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return rmdir(folder); /* fails if a test left anything behind */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lock_says_who_holds_it_and_goes),
        cmocka_unit_test(a_living_process_of_this_place_is_not_disturbed),
        cmocka_unit_test(a_dead_process_of_this_place_does_not_block),
        cmocka_unit_test(a_process_of_another_place_is_judged_by_its_renewals),
        cmocka_unit_test(an_earlier_life_of_this_slurm_job_does_not_block),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
