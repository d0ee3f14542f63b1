# shellcheck shell=bash
# A host without a hypervisor: an agent on this machine that drives libvirt's test driver, which plays libvirt in
# the agent's own process. Needs neither root nor namespaces; its guests live and die with the agent, and there is
# no cable to cut and no libvirtd to kill.

host_daemon_folder() { echo "$lab/hosts/$1/$2"; }

host_pid() { recorded_pid "$lab/hosts/$1/init.pid"; }

host_powered() { host_pid "$1" >/dev/null; }

in_host() {
  local -x PATH=$lab/bin:$PATH SECOVIA_AGENT_CONFIG=$lab/hosts/$1/agent.yaml
  shift
  "$@"
}

host_create() {
  local folder=$lab/hosts/$1
  mkdir -p "$folder"/{secovia,run,agent} "$lab/logs/$1"
  if [ -e "$folder/agent.yaml" ]; then return; fi
  agent_config "$1" test:///default "$folder/run" >"$folder/agent.yaml"
  touch "$folder/agent/down"
}

host_power_on() {
  local folder=$lab/hosts/$1
  if host_powered "$1"; then return; fi
  if [ -e "$folder/joined" ]; then rm -f "$folder/agent/down"; fi
  start_apart "$lab/logs/$1/init.log" "$here/keep" "$folder/agent" "$lab/logs/$1/agent.log" "${agent[@]}" run --config "$folder/agent.yaml"
  echo $! >"$folder/init.pid"
  until_true 10 host_powered "$1" || fail "host $1 does not start"
}

host_power_off() {
  local pid daemon
  if pid=$(host_pid "$1"); then
    daemon=$(daemon_pid "$1" agent) || daemon=
    kill -9 "$pid" $daemon
    until_true 20 process_gone "$pid" || fail "the processes of host $1 do not die"
  fi
  rm -f "$lab/hosts/$1"/{init.pid,agent/pid}
}

host_guests() { echo -; }

keep_capabilities() { :; }
