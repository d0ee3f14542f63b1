# shellcheck shell=bash
# A management controller for each real host, as servers have them: it speaks IPMI over the network, has power of its own,
# and is reached whether its host lives or not. It is on the switch itself, so that no cable of a host leads to it.

controllers=$lab/controllers
controller_user=secovia
watchdog_seconds=5

# The last number of a host's address, 100 higher.
controller_address() {
  local name last=110
  for name in $hosts; do
    last=$((last + 1))
    if [ "$name" = "$1" ]; then echo "$subnet.$last"; fi
  done
}

# What the agent of a host is told: how to ask its own controller who it is, and whom else of its site it may power off.
controller_config() {
  local name=$1 other neighbours=()
  cat <<YAML
controllerGuidCommand: [ipmitool, "-I", lanplus, "-H", "$(controller_address "$name")", "-U", $controller_user, "-f", "$controllers/password", "-C", "3", mc, guid]
YAML
  for other in $(without "$name" $hosts); do
    if [ "${other%-*}" = "${name%-*}" ]; then neighbours+=("$other"); fi
  done
  if [ ${#neighbours[@]} -eq 0 ]; then return; fi
  echo fencing:
  for other in "${neighbours[@]}"; do
    cat <<YAML
  $other:
    - program: fence_ipmilan
      options: { ip: $(controller_address "$other"), username: $controller_user, lanplus: true, cipher: 3 }
      passwordFile: $controllers/password
YAML
  done
}

controllers_prepare() {
  mkdir -p "$controllers"
  if [ -s "$controllers/password" ]; then return; fi
  (umask 077 && head -c 9 /dev/urandom | base64 | tr '/+' 'ab' >"$controllers/password")
}

controller_up() {
  local name=$1 folder=$controllers/$1 address auths='none md2 md5 straight'
  if recorded_pid "$folder/pid" >/dev/null; then return; fi
  address=$(controller_address "$name")
  mkdir -p "$folder/state"
  cat >"$folder/lan.conf" <<CONF
name "$name"
set_working_mc 0x20
  startlan 1
    addr $address 623
    priv_limit admin
    allowed_auths_callback $auths
    allowed_auths_user $auths
    allowed_auths_operator $auths
    allowed_auths_admin $auths
    guid $(printf '%s %s' "$lab" "$name" | md5sum | cut -c1-32)
  endlan
  chassis_control "$folder/power"
  user 1 true "" "" user 10 $auths
  user 2 true "$controller_user" "$(cat "$controllers/password")" admin 10 $auths
CONF
  cat >"$folder/bmc.emu" <<'EMU'
mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
sel_enable 0x20 1000 0x0a
mc_enable 0x20
EMU
  # Called as: power get power | power set power 0|1. Who switches on does not wait until the host is up.
  cat >"$folder/power" <<SH
#!/bin/sh
lab() { SECOVIA_LAB_DIR="$lab" "$here/lab" host $name "\$@" </dev/null; }
case "\$*" in
"get power") case \$(lab power) in on) echo power:1 ;; off) echo power:0 ;; esac ;;
"set power 0") lab power-off ;;
"set power 1") lab power-on >/dev/null 2>&1 & ;;
esac
SH
  chmod +x "$folder/power"
  in_switch ip address replace "$address/24" dev br0
  start_apart "$lab/logs/$name/controller.log" nsenter -t "$(cat "$lab/switch.pid")" -n \
    ipmi_sim -c "$folder/lan.conf" -f "$folder/bmc.emu" -s "$folder/state" -n
  echo $! >"$folder/pid"
}

# Any other caller than a host does as well.
controller_ipmitool() {
  in_switch ipmitool -I lanplus -H "$(controller_address "$1")" -U $controller_user -f "$controllers/password" -C 3 "${@:2}"
}

controller_answers() { controller_ipmitool "$1" mc guid >/dev/null 2>&1; }

controller_wait() {
  until_true 30 controller_answers "$1" || fail "the management controller of $1 does not answer; see $lab/logs/$1/controller.log"
}

# A watchdog of its own as well, which resets the host when its agent does not pet it any more.
watchdog_config() {
  cat <<YAML
watchdog:
  device: $controllers/$1/watchdog
  timeoutSeconds: $watchdog_seconds
YAML
}

watchdog_up() {
  local folder=$controllers/$1
  if recorded_pid "$folder/watchdog.pid" >/dev/null; then return; fi
  mkdir -p "$folder"
  cat >"$folder/reset" <<SH
#!/bin/sh
lab() { SECOVIA_LAB_DIR="$lab" "$here/lab" host $1 "\$@" </dev/null; }
lab power-off && lab power-on
SH
  chmod +x "$folder/reset"
  start_apart "$lab/logs/$1/watchdog.log" env -u NODE_OPTIONS \
    node "$here/watchdog.mjs" "$folder/watchdog" $watchdog_seconds "$folder/reset"
  echo $! >"$folder/watchdog.pid"
  until_true 30 test -S "$folder/watchdog" || fail "the watchdog of $1 does not start; see $lab/logs/$1/watchdog.log"
}
