# shellcheck shell=bash
# Bringing a whole laboratory up and taking it down.

# Says in one sentence why a laboratory cannot run here, or nothing.
obstacle() {
  if [ "$driver" = qemu ]; then
    local offer="; --driver test needs none of this: deploy/lab/lab up --driver test"
    if [ "$(uname -s)" != Linux ]; then echo "hosts are Linux namespaces, and this is $(uname -s)$offer" && return; fi
    if [ "$(uname -m)" != x86_64 ]; then echo "the guest is made for x86_64, and this is $(uname -m)$offer" && return; fi
    if [ "$(id -u)" != 0 ]; then echo "only root may make hosts out of namespaces$offer" && return; fi
    local tool
    for tool in unshare nsenter ip libvirtd virsh qemu-system-x86_64 qemu-img ipmi_sim ipmitool fence_ipmilan; do
      command -v $tool >/dev/null || { echo "$tool is missing; install it with: deploy/setup" && return; }
    done
    local complaint
    if ! complaint=$(unshare -m -n -u -p -i --fork ip link add secovia-a type veth peer name secovia-b 2>&1); then
      echo "this machine (a container?) does not let root make hosts out of namespaces ($complaint)$offer" && return
    fi
  fi
  if [ ! -s "$image" ]; then echo "the guest image is missing; build it with: deploy/setup" && return; fi
  if [ ! -d "$checkout/node_modules" ] || [ ! -e "$checkout/dist/scheduler/main.js" ]; then
    echo "Secovia is not built; build it with: deploy/setup"
  fi
}

lab_up() {
  local left=''
  driver=qemu host_total=${SECOVIA_LAB_HOSTS:-3}
  while [ $# -gt 0 ]; do
    case $1 in
      --driver) driver=${2:-} && shift ;;
      --driver=*) driver=${1#*=} ;;
      --leave) left=${2:-} && shift ;;
      *) fail "up knows --driver qemu|test and --leave HOST, not $1" ;;
    esac
    shift
  done
  [[ $driver =~ ^(qemu|test)$ ]] || fail "the drivers are qemu and test"
  [[ $host_total =~ ^[1-9][0-9]?$ ]] || fail "SECOVIA_LAB_HOSTS must be 1 to 99"
  local asked=$driver why fresh=yes
  # What an earlier attempt left half made, or the machine forgot when it was switched off, is no laboratory.
  if recall && [ -n "$(member_pids)" ]; then fresh=''; else driver=$asked; fi
  if [ "$driver" != "$asked" ]; then
    fail "a laboratory with the $driver driver is up; take it down first: deploy/lab/lab down"
  fi
  why=$(obstacle)
  [ -z "$why" ] || fail "$why"
  mkdir -p "$lab"
  exec 9>"$lab/lock"
  flock -n 9 || fail "another command is bringing $lab up or down"
  if [ -n "$fresh" ]; then
    end_all_members
    forget
    rm -rf "$lab/logs"
  fi
  # shellcheck disable=SC1090
  . "$here/host-$driver.sh"
  hosts=${hosts:-$(host_names "$host_total" | paste -sd ' ')}
  write_commands
  "up_$driver"
  remember
  if [ "$driver" = qemu ]; then migration_authorities; fi
  together host_create $hosts
  if [ "$driver" = qemu ]; then
    together controller_up $hosts
    together watchdog_up $hosts
  fi
  scheduler_up
  together host_power_on $hosts &
  local powering=$!
  together site_create "${sites[@]}"
  wait $powering || exit 1
  if [ "$driver" = qemu ]; then together controller_wait $hosts; fi
  local joining new
  joining=$(without "$left" $hosts)
  new=$(strangers $joining)
  if [ -n "$new" ]; then
    together token_make $(sed 's/-[0-9]*$//' <<<"$new" | sort -u)
    together host_join $new
  fi
  if [ -n "$joining" ]; then together host_wait_serving $joining; fi
  together pool_create "${sites[@]}"
  keep_capabilities
  exec 9>&-
}

up_qemu() {
  # libvirt's own folders are what a host's folders are mounted on; its package makes them on first use only.
  mkdir -p /etc/libvirt /var/lib/libvirt /var/cache/libvirt
  switch_up
  if [ -n "${server:-}" ]; then return; fi
  controllers_prepare
  accelerator=$("$here/accelerator" "$image")
  server=$subnet.1:7443
}

up_test() {
  if [ -n "${server:-}" ]; then return; fi
  subnet='' accelerator=none
  server=127.0.0.1:$(free_port)
}

# For the commands that follow.
remember() {
  local name
  for name in driver server accelerator hosts subnet; do printf '%s=%q\n' $name "${!name}"; done >"$lab/state.new"
  mv "$lab/state.new" "$lab/state"
}

# The three programs as commands.
write_commands() {
  local program
  mkdir -p "$lab/bin"
  printf '#!/bin/sh\nexec node "%s/dist/cli/main.js" "$@"\n' "$checkout" >"$lab/bin/secovia"
  chmod +x "$lab/bin/secovia"
  for program in secovia-agent secovia-scheduler; do ln -sfn "$checkout/deploy/bin/$program" "$lab/bin/$program"; done
}

tcp_open() { (exec 5<>"/dev/tcp/${1%:*}/${1##*:}") 2>/dev/null; }

free_port() {
  local port=$((17000 + 16#${uplink#sv-} % 10000))
  while tcp_open "127.0.0.1:$port"; do port=$((port + 1)); done
  echo $port
}

scheduler_up() {
  local folder=$lab/scheduler
  mkdir -p "$folder" "$lab/logs"
  cat >"$folder/config.yaml" <<YAML
listen: "$server"
dataDir: $folder/data
federation: lab
leaseMs: 10000
hostCertificateMs: 90000
logLevel: info
YAML
  scheduler_found
  if ! recorded_pid "$folder/keep.pid" >/dev/null; then
    start_apart "$lab/logs/scheduler.log" "$here/keep" "$folder" "$lab/logs/scheduler.log" \
      "$checkout/deploy/bin/secovia-scheduler" run --config "$folder/config.yaml"
    echo $! >"$folder/keep.pid"
  fi
  until_true 20 tcp_open "$server" || fail "the scheduler does not answer: $(tail -n1 "$lab/logs/scheduler.log")"
}

# The federation's authority and its first administrator, once. Repeated after an interruption it goes on.
scheduler_found() {
  if [ -e "$lab/identity/key.pem" ]; then return; fi
  node "$checkout/dist/scheduler/main.js" init --data-dir "$lab/scheduler/data" --federation lab --admin lab \
    --out "$lab/identity" >>"$lab/logs/founding.log" 2>&1 ||
    fail "the federation could not be founded: $(tail -n1 "$lab/logs/founding.log")"
}

secovia() { SECOVIA_IDENTITY=$lab/identity SECOVIA_SERVER=$server node "$checkout/dist/cli/main.js" "$@"; }

# The request id makes a repetition harmless.
site_create() {
  local facts
  read -ra facts < <(site_facts "$1")
  if [ -e "$lab/scheduler/site-$1" ]; then return; fi
  secovia site create "$1" "${facts[@]}" >>"$lab/logs/sites.log" 2>&1 ||
    fail "site $1 could not be created: $(tail -n1 "$lab/logs/sites.log")"
  touch "$lab/scheduler/site-$1"
}

# A folder that the joined hosts of a site have in common, where there are several.
pool_create() {
  local site=$1 path=$lab/shared/$1 name mounting=()
  if [ -e "$lab/scheduler/pool-$site" ]; then return; fi
  for name in $hosts; do
    if [ "${name%-*}" = "$site" ] && [ -e "$lab/hosts/$name/joined" ]; then mounting+=(--host "$name"); fi
  done
  if [ ${#mounting[@]} -lt 4 ]; then return; fi
  mkdir -p "$path"
  secovia pool create "$site-shared" --site "$site" --path "$path" "${mounting[@]}" --capacity 64GiB \
    >>"$lab/logs/sites.log" 2>&1 || fail "the pool of site $site could not be created: $(tail -n1 "$lab/logs/sites.log")"
  touch "$lab/scheduler/pool-$site"
}

# What the hosts of a site join with.
token_make() {
  local file=$lab/scheduler/token-$1
  find "$lab/scheduler" -name "token-$1" -mmin +50 -delete
  if [ -s "$file" ]; then return; fi
  (umask 077 && secovia token create --site "$1" --uses 100 >"$file.new") 2>>"$lab/logs/sites.log" ||
    fail "no token could be made for site $1: $(tail -n1 "$lab/logs/sites.log")"
  mv "$file.new" "$file"
}

# Of these hosts, those that have not joined yet.
strangers() {
  local name
  for name in "$@"; do [ -e "$lab/hosts/$name/joined" ] || echo "$name"; done
}

lab_down() {
  mkdir -p "$lab"
  exec 9>"$lab/lock"
  flock 9
  end_all_members
  forget
  exec 9>&-
}

# The logs stay until the next laboratory is brought up.
forget() {
  network_down
  rm -rf "$lab"/{state,hosts,controllers,shared,scheduler,identity,bin,switch.pid}
  unset server hosts subnet
}
