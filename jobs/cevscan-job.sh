# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the job scripts beside this file share. They source it; it is not a job itself.
#
# cevscan_job MAP COMMAND... runs `cevscan COMMAND...` on the ranks of this job, and then ends the job in one of two ways:
#
#   0, 2, 3, 130   the work is complete (3: some points have no chi2), the input is bad, or somebody pressed Ctrl-C: the job ends
#                  with this exit code;
#   anything else  the work is not finished: 85 it was stopped before the time limit (138 before it had begun), 74 the file system
#                  or MPI failed, 128 + N signal N killed a rank. SLURM queues the same job again, and the map goes on where it is.
#
# So that no job runs round in circles, the job is queued again only if it finished at least one tile this time, or if it has been
# restarted fewer than CEVSCAN_RETRIES times (default 3); and never more than CEVSCAN_MOST_RESTARTS times (default 500). Where it
# may not be queued again, the job ends with the exit code as it is.
#
# CEVSCAN_SILENCE is how many seconds a rank may be silent before the job is given up (default: the program's).

cevscan_say() { printf '%s\n' "cevscan job: $*" >&2; }

# A number or a word out of `cevscan status --json`; nothing if there is no map yet.
cevscan_status_of() { # MAP KEY
  "$cevscan" status --json -- "$1" 2>/dev/null | sed -n 's/^ *"'"$2"'": *\([a-z0-9]*\),*$/\1/p' | head -n 1
}

cevscan_tiles_done() { # MAP
  local n
  n=$(cevscan_status_of "$1" tiles_done)
  printf '%s' "${n:-0}"
}

# The ranks, in the background, so that this shell can listen to signals meanwhile. Sets cevscan_pid.
cevscan_start() { # COMMAND...
  local threads=${SLURM_CPUS_PER_TASK:-1} # srun does not take this over from sbatch by itself
  local words=("$1" ${CEVSCAN_SILENCE:+"--silence=$CEVSCAN_SILENCE"} "${@:2}")
  case ${CEVSCAN_LAUNCH:-srun} in
    srun)
      # The program notices itself that a rank is gone, and says so; only while MPI starts it cannot, hence --wait: 25 s after
      # one rank has ended, all have to. Were the others told at once, they would take it for the end of the time limit.
      srun --mpi="${CEVSCAN_SRUN_MPI:-pmix}" --cpus-per-task="$threads" --kill-on-bad-exit=0 --wait=25 "$cevscan" "${words[@]}" & ;;
    mpirun)
      export HWLOC_COMPONENTS=${HWLOC_COMPONENTS--gl} # or its daemons ask an X server for graphics cards
      # Without the keep-alives mpirun would not notice a host that is gone.
      mpirun -n "${SLURM_NTASKS:-1}" --map-by "slot:PE=$threads" --bind-to core --mca oob_tcp_keepalive_time 4 \
        --mca oob_tcp_keepalive_intvl 2 --mca oob_tcp_keepalive_probes 3 "$cevscan" "${words[@]}" & ;;
    *)
      cevscan_say "CEVSCAN_LAUNCH=$CEVSCAN_LAUNCH: expected srun or mpirun"
      exit 2 ;;
  esac
  cevscan_pid=$!
}

# SLURM sends USR1 to the ranks themselves. With --signal=B:USR1@60, as mpirun needs it, this shell gets it and passes it on.
cevscan_pass_on() {
  cevscan_told=yes
  [ -z "$cevscan_pid" ] || kill -USR1 "$cevscan_pid" 2>/dev/null
}

# Returns the ranks' exit code. A signal to this shell cuts `wait` short; waiting once more gives the code.
cevscan_run() { # COMMAND...
  local code again
  [ -z "$cevscan_told" ] || return 85
  cevscan_pid=''
  cevscan_start "$@"
  [ -z "$cevscan_told" ] || cevscan_pass_on # it came while the ranks were being started
  wait "$cevscan_pid"
  code=$?
  while [ -n "$cevscan_told" ]; do
    cevscan_told=
    wait "$cevscan_pid"
    again=$?
    [ "$again" = 127 ] || code=$again # 127: the first answer was the true one
  done
  return "$code"
}

# The job's name for SLURM. The bare number of an array's last task would mean the whole array.
cevscan_job_name() {
  if [ -n "${SLURM_ARRAY_TASK_ID:-}" ]; then
    printf '%s' "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
  else
    printf '%s' "$SLURM_JOB_ID"
  fi
}

# Whether another life of this job is worth it.
cevscan_may_go_on() {
  local restarts=${SLURM_RESTART_COUNT:-0}
  [ "$restarts" -lt "${CEVSCAN_MOST_RESTARTS:-500}" ] || return 1
  [ "$cevscan_new" -gt 0 ] || [ "$restarts" -lt "${CEVSCAN_RETRIES:-3}" ]
}

# Runs the ranks, and sets cevscan_code and cevscan_new, the number of tiles that this life of the job has finished so far.
cevscan_try() { # MAP COMMAND...
  local map=$1
  shift
  cevscan_run "$@"
  cevscan_code=$?
  cevscan_new=$(($(cevscan_tiles_done "$map") - cevscan_before))
  # The program never ends with 1: that is srun's or mpirun's own failure.
  if [ "$cevscan_code" = 1 ]; then
    cevscan_say "the ranks could not be started, or were lost"
    cevscan_code=74
  fi
}

cevscan_job() { # MAP COMMAND...
  local map=$1
  cevscan_pid='' cevscan_told=''
  trap cevscan_pass_on USR1
  cevscan_before=$(cevscan_tiles_done "$map")
  cevscan_say "restart ${SLURM_RESTART_COUNT:-0} of job $(cevscan_job_name) on ${SLURM_JOB_NODELIST:-this host}, $cevscan_before tiles are done"
  cevscan_try "$@"
  # SLURM's PMIx refuses a step on a node where a step with the same number has died; the next step has another number.
  case $cevscan_code in
    0 | 2 | 3 | 85 | 130 | 138) ;;
    *)
      if [ "$cevscan_new" = 0 ]; then
        cevscan_say "exit code $cevscan_code, nothing was done; at once again"
        cevscan_try "$@"
      fi ;;
  esac
  case $cevscan_code in
    3) exit "${cevscan_points_failed_code:-3}" ;;
    0 | 2 | 130) exit "$cevscan_code" ;;
  esac
  if ! cevscan_may_go_on; then
    cevscan_say "exit code $cevscan_code after $cevscan_new new tiles and ${SLURM_RESTART_COUNT:-0} restarts: not queued again;" \
      "submit the same line once more to go on"
  elif scontrol requeue "$(cevscan_job_name)"; then
    cevscan_say "exit code $cevscan_code, $cevscan_new new tiles: queued again"
  else
    cevscan_say "exit code $cevscan_code, but SLURM does not queue this job again; submit the same line once more to go on"
  fi
  exit "$cevscan_code"
}
