# shellcheck shell=bash
# The wire of a laboratory: a bridge in a network namespace of its own (nothing of the machine's own firewall or
# bridges touches it), a cable to each host, and one to the machine itself, where the scheduler listens.
# A process holds the namespace, and it goes with that process, so nothing can be left behind.

uplink=sv-$(printf %s "$lab" | sha256sum | cut -c1-8)

in_switch() { nsenter -t "$(cat "$lab/switch.pid")" -n "$@"; }

switch_up() {
  if recorded_pid "$lab/switch.pid" >/dev/null; then return; fi
  [ -z "${server:-}" ] || fail "the switch of this laboratory is gone; take it down and up again"
  start_apart "$lab/logs/switch.log" unshare --net sleep infinity
  echo $! >"$lab/switch.pid"
  until_true 5 switch_is_apart || fail "the kernel gave no network namespace for the switch"
  in_switch sh -c 'ip link set lo up && ip link add br0 type bridge && ip link set br0 up'
  exec 6</run
  flock 6
  subnet=$(free_subnet)
  ip link add "$uplink" type veth peer name uplink netns "$(cat "$lab/switch.pid")"
  in_switch ip link set uplink master br0 up
  ip address add "$subnet.1/24" dev "$uplink"
  ip link set "$uplink" up
  exec 6>&-
}

switch_is_apart() {
  [ "$(readlink "/proc/$(cat "$lab/switch.pid")/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}

# The first subnet 10.77.N that this machine does not use; the caller holds a lock against other laboratories.
free_subnet() {
  local used n candidate
  used=$(ip -4 -o address)
  for ((n = 0; n < 250; n++)); do
    candidate=10.77.$(((16#${uplink#sv-} + n) % 250))
    if [[ $used != *"inet $candidate."* ]]; then echo "$candidate" && return; fi
  done
  fail "every subnet of 10.77.0.0/16 is in use on this machine"
}

# plug HOST PID: a cable from the switch to eth0 of the namespace that the process is in, unless one is there.
plug() {
  if in_switch ip link show "$1" >/dev/null 2>&1; then return; fi
  in_switch sh -c "ip link add '$1' type veth peer name eth0 netns $2 && ip link set '$1' master br0 up"
}

unplug() { in_switch ip link delete "$1" 2>/dev/null || true; }

cable() { in_switch ip link set "$1" "$2"; }

network_down() { ip link delete "$uplink" 2>/dev/null || true; }
