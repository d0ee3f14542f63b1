# shellcheck shell=bash
# A host with a libvirtd and QEMU guests of its own, in namespaces (host-init), seen from outside: making it,
# switching it on and off, reaching into it.

host_pid() { recorded_pid "$lab/hosts/$1/init.pid"; }

host_powered() { host_pid "$1" >/dev/null; }

host_daemon_folder() { echo "$lab/hosts/$1/run/lab/$2"; }

in_host() {
  local pid
  pid=$(host_pid "$1") || fail "host $1 is switched off; switch it on with: deploy/lab/lab host $1 power-on"
  local -x PATH=$lab/bin:$PATH SECOVIA_AGENT_CONFIG=$lab/hosts/$1/agent.yaml
  shift
  nsenter -t "$pid" -m -n -u -i -p "$@"
}

# What stays with a host whether its power is on or off.
host_create() {
  local name=$1 folder=$lab/hosts/$1 uuid other last=10
  if [ -e "$folder/created" ]; then return; fi
  uuid=$(cat /proc/sys/kernel/random/uuid)
  mkdir -p "$folder"/{etc/libvirt,etc/pki,var/lib/libvirt,var/cache,secovia} "$lab/logs/$name/libvirt"
  # libvirt asks QEMU what it can do (0.8 s) and keeps the answer while neither changes: one answer serves all hosts.
  if [ -d "$cache/capabilities" ]; then cp -a "$cache/capabilities" "$folder/var/cache/libvirt"; fi
  mkdir -p "$folder/var/cache/libvirt"
  echo "${uuid//-/}" >"$folder/etc/machine-id"
  echo "127.0.0.1 localhost" >"$folder/etc/hosts"
  for other in $hosts; do
    echo "$subnet.$((++last)) $other" >>"$folder/etc/hosts"
    if [ "$other" = "$name" ]; then echo "$subnet.$last" >"$folder/address"; fi
  done
  cat >"$folder/etc/libvirt/libvirtd.conf" <<CONF
host_uuid = "$(cat /proc/sys/kernel/random/uuid)"
listen_tls = 1
listen_tcp = 0
listen_addr = "0.0.0.0"
auth_tls = "none"
tls_allowed_dn_list = [$(migration_peers "$name" "O=$(site_partner "${name%-*}"),CN=&")]
auth_unix_rw = "none"
unix_sock_rw_perms = "0700"
log_outputs = "2:stderr"
keepalive_interval = 3
keepalive_count = 3
max_clients = 500
max_anonymous_clients = 50
max_client_requests = 50
max_workers = 40
CONF
  # No cgroups, security driver or mount namespaces for guests: the host has no such things to give.
  cat >"$folder/etc/libvirt/qemu.conf" <<CONF
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
namespaces = []
cgroup_controllers = []
stdio_handler = "file"
migrate_tls_x509_verify = 1
migration_address = "0.0.0.0"
migration_host = "$name"
keepalive_interval = 3
keepalive_count = 3
CONF
  : >"$folder/etc/libvirt/libvirt.conf"
  cp -a "$(migration_certificates "$name")/." "$folder/etc/pki"
  {
    agent_config "$name" qemu:///system /run/secovia
    controller_config "$name"
    migration_config "$name"
    watchdog_config "$name"
  } >"$folder/agent.yaml"
  touch "$folder/created"
}

# Each partner has an authority of its own for the certificates with which its hosts hand guests over.
migration_authorities() {
  local site partner
  for site in "${sites[@]}"; do
    partner=$(site_partner "$site")
    if [ ! -e "$lab/pki/$partner/ca-key.pem" ]; then
      "$checkout/deploy/migration-pki" authority "$lab/pki/$partner" "$partner" >/dev/null
    fi
  done
}

migration_certificates() {
  local folder
  folder=$lab/pki/$(site_partner "${1%-*}")
  "$checkout/deploy/migration-pki" host "$folder" "$1" >/dev/null
  echo "$folder/$1"
}

# migration_peers HOST FORM: the other hosts of its site as a list of texts, in each of which & stands for the name.
migration_peers() {
  local other
  for other in $hosts; do
    if [ "$other" != "$1" ] && [ "${other%-*}" = "${1%-*}" ]; then echo "$other"; fi
  done | sed "s|.*|\"$2\"|" | paste -sd ,
}

# Hosts of one site hand running guests over. The pool is a folder of this machine, which libvirt takes for a local one: a data
# centre leaves out the last line.
migration_config() {
  cat <<YAML
migration:
  uri: qemu+tls://$1/system
  peers: [$(migration_peers "$1" 'qemu+tls://&/system')]
  unsafe: true
YAML
}

host_power_on() {
  local name=$1 folder=$lab/hosts/$1
  if ! host_powered "$name"; then
    unplug "$name"
    rm -rf "$folder"/{run,init.pid}
    start_apart "$lab/logs/$name/init.log" unshare -m -n -u -p -i --fork --kill-child \
      "$here/host-init" "$folder" "$lab/logs/$name" "$name" "$(cat "$folder/address")/24" \
      "${agent[@]}" run --config "$folder/agent.yaml"
    until_true 10 host_powered "$name" || fail "host $name does not start; see $lab/logs/$name/init.log"
  fi
  plug "$name" "$(host_pid "$name")"
  until_true 20 test -e "$folder/run/lab/ready" || fail "host $name does not start; see $lab/logs/$name/init.log"
  until_true 60 libvirtd_answers "$name" || fail "libvirtd of host $name does not answer; see $lab/logs/$name/libvirtd.log"
}

libvirtd_answers() { in_host "$1" virsh -q -c qemu:///system uri >/dev/null 2>&1; }

# Pulls the plug: the kernel kills every process of the host's namespace; the disk stays.
host_power_off() {
  local pid
  unplug "$1"
  if pid=$(host_pid "$1"); then
    kill -9 "$pid"
    until_true 20 process_gone "$pid" || fail "the processes of host $1 do not die"
  fi
  rm -rf "$lab/hosts/$1"/{init.pid,run}
}

# Counted among the processes, so that it holds whatever libvirtd says.
host_guests() { in_host "$1" pgrep -c qemu-system || true; }

# Called when all hosts serve, so the answers are complete.
keep_capabilities() {
  local name
  if [ -d "$cache/capabilities/qemu" ]; then return; fi
  for name in $hosts; do
    if [ ! -d "$lab/hosts/$name/var/cache/libvirt/qemu/capabilities" ]; then continue; fi
    cp -a "$lab/hosts/$name/var/cache/libvirt" "$cache/capabilities.$$"
    mv -T "$cache/capabilities.$$" "$cache/capabilities" 2>/dev/null || rm -rf "$cache/capabilities.$$"
    return
  done
}
