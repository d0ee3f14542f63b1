# shellcheck shell=bash
# What hosts of both kinds (host-qemu.sh, host-test.sh) have in common: the agent's configuration, joining the
# federation, and waiting until the host serves.

agent=("$checkout/deploy/bin/secovia-agent")

# agent_config HOST LIBVIRT-URI RUN-FOLDER: what the agent is told besides what `join` writes.
agent_config() {
  local vcpus memory disk
  read -r vcpus memory disk < <(host_capacity "$1")
  cat <<YAML
libvirtUri: $2
dataDir: $lab/hosts/$1/secovia
runDir: $3
accelerator: ${accelerator/none/tcg}
imageDirectories: ["$cache/guest"]
poolDirectories: ["$lab/shared"]
capacity: { vcpus: $vcpus, memoryMib: $memory, diskMib: $disk }
YAML
}

# host_join HOST [TOKEN [--new-key]]: with a new key also a host that has joined. The number in a host's name is also its rack: no two hosts of a site share one.
host_join() {
  local name=$1
  if [ -z "${3:-}" ] && [ -e "$lab/hosts/$name/joined" ]; then return; fi
  in_host "$name" "${agent[@]}" join "${2:-$(cat "$lab/scheduler/token-${name%-*}")}" --host "$name" \
    --rack "rack-${name##*-}" --config "$lab/hosts/$name/agent.yaml" ${3:+"$3"} >>"$lab/logs/$name/join.log" 2>&1 ||
    fail "host $name could not join the federation: $(tail -n1 "$lab/logs/$name/join.log")"
  touch "$lab/hosts/$name/joined"
  daemon_start "$name" agent
}

agent_status() {
  local name=$1
  shift
  in_host "$name" "${agent[@]}" status --config "$lab/hosts/$name/agent.yaml" "$@"
}

# Asking costs a quarter of a second of processor time, so not before somebody can answer, and not without a pause.
agent_healthy() {
  [ -S "$lab/hosts/$1/run/agent.sock" ] || [ -S "$lab/hosts/$1/run/secovia/agent.sock" ] || return 1
  agent_status "$1" >/dev/null 2>&1 || { sleep 0.2 && return 1; }
}

host_wait_serving() {
  until_true 60 agent_healthy "$1" || fail "the agent of host $1 is not healthy; see deploy/lab/lab logs $1"
}
