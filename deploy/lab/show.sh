# shellcheck shell=bash
# What a laboratory tells a person, or a shell.

lab_status() {
  require_lab
  local name pid
  pid=$(daemon_pid scheduler) || pid=down
  printf 'scheduler  %s  pid %s\n\n' "$server" "$pid"
  printf '%-12s %-8s %-14s %-10s %-10s %s\n' HOST POWER ADDRESS LIBVIRTD AGENT GUESTS
  for name in $hosts; do
    if host_powered "$name"; then
      printf '%-12s %-8s %-14s %-10s %-10s %s\n' "$name" on "$(host_address "$name")" \
        "$(daemon_state "$name" libvirtd)" "$(daemon_state "$name" agent)" "$(host_guests "$name")"
    else
      printf '%-12s %-8s %-14s %-10s %-10s %s\n' "$name" off "$(host_address "$name")" - - -
    fi
  done
  printf '\nguests run with %s\n' "${accelerator/none/"libvirt's test driver"}"
}

host_address() { cat "$lab/hosts/$1/address" 2>/dev/null || echo 127.0.0.1; }

# The process id as the host itself numbers it, or why there is none.
daemon_state() {
  if [ "$driver" = test ] && [ "$2" = libvirtd ]; then echo -; else daemon_pid "$1" "$2" || echo down; fi
}

lab_env() {
  require_lab
  printf 'export SECOVIA_LAB_DIR=%q\n' "$lab"
  printf 'export SECOVIA_SERVER=%q\n' "$server"
  printf 'export SECOVIA_IDENTITY=%q\n' "$lab/identity"
  printf 'export SECOVIA_LAB_IMAGE=%q\n' "$image"
  printf 'export SECOVIA_LAB_IMAGE_DIGEST=%q\n' "sha256:$(cat "$cache/guest/tiny.sha256" 2>/dev/null)"
  printf 'export SECOVIA_LAB_ACCELERATOR=%q\n' "$accelerator"
  printf 'case :$PATH: in *:%q:*) ;; *) export PATH=%q:$PATH ;; esac\n' "$lab/bin" "$lab/bin"
}

lab_logs() {
  local name='' follow=() word
  for word in "$@"; do
    case $word in
      -f) follow=(-f) ;;
      *) name=$word ;;
    esac
  done
  [ -d "$lab/logs" ] || fail "there are no logs in $lab yet"
  if [ -z "$name" ]; then
    (cd "$lab/logs" && find . -type f -printf "$lab/logs/%P  %s bytes\n" | sort)
  elif [ "$name" = scheduler ]; then
    tail -n 40 "${follow[@]}" "$lab/logs/scheduler.log"
  elif [ -d "$lab/logs/$name" ]; then
    tail -n 40 "${follow[@]}" "$lab/logs/$name"/*.log
  else
    fail "there are logs of: $(cd "$lab/logs" && echo *)"
  fi
}
