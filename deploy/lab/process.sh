# shellcheck shell=bash
# The laboratory's own processes: how they are started, told apart from everybody else's, and ended. Each carries
# the laboratory's folder in its environment, so that `down` finds them all, whatever was written down or lost.

# start_apart LOG COMMAND...: in the background, in a session of its own, with nothing of ours left open (a caller
# that reads our output waits until the last process has closed it).
start_apart() {
  local log=$1
  shift
  mkdir -p "${log%/*}"
  env "$member" PATH="$lab/bin:$PATH" setsid "$@" </dev/null >>"$log" 2>&1 9>&- &
}

is_member() { grep -qszx "$member" "/proc/$1/environ"; }

# The process named in a pid file, if it is alive and this laboratory's.
recorded_pid() {
  local pid
  pid=$(cat "$1" 2>/dev/null) && [ -n "$pid" ] && is_member "$pid" && echo "$pid"
}

member_pids() {
  local file
  for file in $(grep -lszx "$member" /proc/[0-9]*/environ); do
    file=${file#/proc/}
    echo "${file%/environ}"
  done
}

# Ended, even where nobody has asked for its exit status yet (a container's first process may never ask).
process_gone() {
  local stat
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
  [[ $stat == *') Z '* ]]
}

# More than once, for a process may be starting another one at that very moment.
end_all_members() {
  local pids pid
  for _ in 1 2 3 4; do
    pids=$(member_pids)
    [ -n "$pids" ] || return 0
    for pid in $pids; do kill -9 "$pid" 2>/dev/null || true; done
    for pid in $pids; do until_true 20 process_gone "$pid" || fail "process $pid does not end"; done
  done
  fail "processes of the laboratory keep appearing: $(member_pids | tr '\n' ' ')"
}

# Daemons are kept by `keep`, with a folder each: pid, down, wake.
daemon_folder() {
  case $1 in
    scheduler) echo "$lab/scheduler" ;;
    *) host_daemon_folder "$1" "$2" ;;
  esac
}

daemon_pid() { cat "$(daemon_folder "$@")/pid" 2>/dev/null; }

# daemon_signal SIGNAL OWNER [DAEMON]
daemon_signal() {
  local signal=$1 pid
  shift
  pid=$(daemon_pid "$@") || fail "${2:-scheduler} is not running${2:+ on host $1}"
  if [ "$1" = scheduler ]; then kill "-$signal" "$pid"; else in_host "$1" kill "-$signal" "$pid"; fi
}

# A killed daemon comes back after a second, as under systemd; daemon_hold first makes it stay down.
daemon_hold() { touch "$(daemon_folder "$@")/down"; }

daemon_start() {
  local folder
  folder=$(daemon_folder "$@")
  rm -f "$folder/down"
  # Opened for reading too, so that this does not wait for a keeper that is gone.
  if [ -p "$folder/wake" ]; then printf . 1<>"$folder/wake"; fi
  until_true 10 daemon_pid "$@" >/dev/null || fail "${2:-scheduler} did not start${2:+ on host $1}"
}
