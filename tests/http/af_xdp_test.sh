#!/bin/sh
# af_xdp_test.sh HAWSER: goal: a file arrives whole over AF_XDP, whichever side uses it, while everything else on
# the interface goes on. Method: serve and get in two network namespaces joined by a veth pair. Exit code 77:
# skipped, where namespaces or AF_XDP are not allowed.
set -eu
hawser=$1
folder=$(mktemp -d)
# Names of this run alone.
left=hawser-$$-l
right=hawser-$$-r
server=
end_server() {
  [ -n "$server" ] || return 0
  kill "$server" 2>/dev/null || true
  wait "$server" || true
  server=
}
clean_up() {
  end_server
  ip netns del "$left" 2>/dev/null || true
  ip netns del "$right" 2>/dev/null || true
  rm -rf "$folder"
}
trap clean_up EXIT
export XDG_DATA_HOME="$folder/data"

skip() {
  echo "skipped: $*"
  exit 77
}
fail() {
  echo "$*"
  cat "$folder/server.log" "$folder/err" 2>/dev/null || true
  exit 1
}
[ "$(id -u)" = 0 ] || skip "network namespaces want root"
command -v ip >/dev/null || skip "there is no ip(8)"
ip netns add "$left" 2>/dev/null || skip "this kernel gives no network namespaces"
ip netns add "$right"
ip link add va netns "$left" type veth peer name vb netns "$right" 2>/dev/null || skip "this kernel has no veth"
ip -n "$left" addr add 10.9.0.1/24 dev va
ip -n "$left" addr add fd00:9::1/64 dev va nodad
ip -n "$right" addr add 10.9.0.2/24 dev vb
ip -n "$right" addr add fd00:9::2/64 dev vb nodad
ip -n "$left" link set va up
ip -n "$right" link set vb up

mkdir "$folder/site"
# Some 7 MB that differ everywhere.
seq 1 1000000 >"$folder/site/numbers.txt"

# start ENGINE ADDRESS: serves from the left.
start() {
  : >"$folder/server.log"
  ip netns exec "$left" "$hawser" serve "$2" --root "$folder/site" --dev-cert --engine "$1" >"$folder/server.log" 2>&1 &
  server=$!
  tries=0
  until grep -q '^serving ' "$folder/server.log"; do
    if ! kill -0 "$server" 2>/dev/null; then
      grep -q 'no AF_XDP sockets\|not permitted\|takes no XDP program' "$folder/server.log" &&
        skip "$(cat "$folder/server.log")"
      fail "the server ended"
    fi
    tries=$((tries + 1))
    [ "$tries" -lt 200 ] || fail "the server does not listen"
    sleep 0.1
  done
}

# fetch ENGINE ADDRESS: from the right.
fetch() {
  ip netns exec "$right" "$hawser" get -k -sS --engine "$1" "https://$2/numbers.txt" >"$folder/out" 2>"$folder/err" ||
    fail "get with $1 from $2 failed"
  cmp "$folder/site/numbers.txt" "$folder/out" || fail "get with $1 from $2: not what was served"
}

for engines in "af_xdp af_xdp" "af_xdp epoll" "epoll af_xdp"; do
  for address in 10.9.0.1:4433 "[fd00:9::1]:4433"; do
    start "${engines% *}" "$address"
    if [ "${engines% *}" = af_xdp ]; then
      grep -q 'af_xdp: va ' "$folder/server.log" || fail "the server does not say what it uses"
      ip -n "$left" link show va | grep -q xdp || fail "no program is attached"
      if command -v ping >/dev/null; then
        ip netns exec "$right" ping -c 1 -W 5 10.9.0.1 >/dev/null || fail "ping is not answered"
      fi
    fi
    fetch "${engines#* }" "$address"
    end_server
    if ip -n "$left" link show va | grep -q xdp; then fail "the program outlives the server"; fi
  done
done

# A process that is killed takes its program along.
start af_xdp 10.9.0.1:4433
kill -9 "$(ip netns pids "$left" | head -n 1)"
wait "$server" 2>/dev/null || true
server=
tries=0
while ip -n "$left" link show va | grep -q xdp; do
  tries=$((tries + 1))
  [ "$tries" -lt 100 ] || fail "the program outlives a killed server"
  sleep 0.1
done
echo "all as it should be"
