# shellcheck shell=bash
# Where a laboratory keeps its things and what it is made of. Everything that must not collide with another
# laboratory on the same machine (names of devices, addresses) is derived from its folder, so that a test runs
# one of its own beside a person's.

# shellcheck disable=SC2034 # the other parts read these
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
checkout=$(cd "$here/../.." && pwd)
lab=$(realpath -m "${SECOVIA_LAB_DIR:-$checkout/.lab/federation}")
cache=$checkout/.lab
image=$cache/guest/tiny.qcow2
member=SECOVIA_LAB_MEMBER=$lab

fail() {
  echo "lab: $*" >&2
  exit 1
}

# until_true SECONDS COMMAND...: waits for a condition, never for a time.
until_true() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    [ $SECONDS -le $deadline ] || return 1
    sleep 0.03
  done
}

# together COMMAND WORD...: the command once for each word, all at a time; fails when one fails.
together() {
  local command=$1 word status=0 started=()
  shift
  for word in "$@"; do
    "$command" "$word" &
    started+=($!)
  done
  for word in "${started[@]}"; do wait "$word" || status=1; done
  return $status
}

# without WORD WORDS...: the words but that one.
without() {
  local left=$1 word
  shift
  for word in "$@"; do [ "$word" = "$left" ] || echo "$word"; done | paste -sd ' '
}

# Two data centres of two partners in two countries; the second gets a third of the hosts.
sites=(zagreb skopje)
site_facts() {
  case $1 in
    zagreb) echo --partner adria --country HR --jurisdiction EU ;;
    skopje) echo --partner vardar --country MK ;;
  esac
}

site_partner() {
  # shellcheck disable=SC2046 # words
  set -- $(site_facts "$1")
  echo "$2"
}

host_names() {
  local count=$1 second=$(($1 / 3)) i
  if [ "$count" -eq 2 ]; then second=1; fi
  for ((i = 1; i <= count - second; i++)); do echo "zagreb-$i"; done
  for ((i = 1; i <= second; i++)); do echo "skopje-$i"; done
}

# Hosts differ, so that placement by capacity can be seen: vCPUs, memory and disk (MiB).
host_capacity() {
  case $1 in
    zagreb-1) echo 16 4096 65536 ;;
    zagreb-*) echo 8 3072 32768 ;;
    *) echo 8 2048 32768 ;;
  esac
}

# What `up` wrote down: driver, accelerator, server, subnet, hosts.
recall() {
  [ -s "$lab/state" ] || return 1
  # shellcheck disable=SC1091
  . "$lab/state"
  # shellcheck disable=SC1090
  . "$here/host-$driver.sh"
}

require_lab() { recall || fail "no laboratory is up in $lab; start one with: deploy/lab/lab up"; }

require_host() {
  require_lab
  [ -d "$lab/hosts/$1" ] || fail "there is no host \"$1\"; the hosts are: $hosts"
}
