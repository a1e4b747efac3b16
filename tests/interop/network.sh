# shellcheck shell=sh disable=SC2154,SC2034,SC2016 # variables of run_case.sh
# network.sh: where client and server meet: in a lab of two network namespaces with an emulated
# link between them, or on the loopback device of this machine. Sourced by run_case.sh.
#
# Needs: work (a folder), network (lab or loopback), case_link (words of hawser-lab), family (4 or 6).

server_port=4433

network_up() {
  server_address=127.0.0.1
  [ "$family" = 4 ] || server_address=::1
  if [ "$network" = loopback ]; then
    # Several cases may run at once: each has ports of its own, below the ephemeral range.
    server_port=$((20000 + $$ % 12000))
    return
  fi
  lab=hawser-interop-$$
  "$HAWSER_LAB_PROGRAM" up "$lab" --seed "${INTEROP_SEED:-1}" --link "$case_link" ${second_link:+--link "$second_link"} \
    >"$work/lab.log" 2>&1 ||
    skip "no lab here: $(cat "$work/lab.log")"
  server_address=10.77.0.2
  [ "$family" = 4 ] || server_address=fd77::2
}

network_down() {
  [ -n "${lab:-}" ] || return 0
  "$HAWSER_LAB_PROGRAM" show --name "$lab" >"$work/links.txt" 2>&1
  "$HAWSER_LAB_PROGRAM" down "$lab" >/dev/null 2>&1
  lab=
}

# on_host client|server PROGRAM [ARGUMENTS]: runs it there and replaces this shell, so call it
# in a subshell or in the background.
on_host() {
  host=$1
  shift
  if [ "$network" = loopback ]; then exec "$@"; fi
  # The inner shell's id is the program's own, which `hawser-lab exec` would keep to itself.
  exec "$HAWSER_LAB_PROGRAM" exec "$lab" "$host" sh -c 'echo $$ >>"$0"; exec "$@"' "$work/$host.pids" "$@"
}

change_link() { "$HAWSER_LAB_PROGRAM" set --name "$lab" link0 "$@"; }

server_is_listening() { (on_host server ss -Hulnp "sport = :$server_port") 2>/dev/null | grep -q .; }

wait_for_server() {
  tries=0
  until server_is_listening; do
    kill -0 "$server_job" 2>/dev/null || fail "the server ended at once: $(tail -n 5 "$work/server.log")"
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || fail "the server does not listen"
    sleep 0.05
  done
}
