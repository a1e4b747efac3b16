#!/bin/sh
# network_lost_test.sh HAWSER HAWSER_LAB [address|link|back]: goal: a client whose network goes away in
# the middle of a transfer goes on over another one, and nothing else happens to the transfer. Method:
# a lab of two links; `hawser get` begins over the first, which then loses its address or goes down.
# "back" also gives the network back and wants the connection there again. Each step waits for what the one before
# brings, which the counters of the client's devices tell; then the links become fast. Exit code 77: no lab here.
set -u
hawser=$1
lab_program=$2
how=${3:-address}
lab=hawser-migration-$$
work=$(mktemp -d)
server=

clean_up() {
  # shellcheck disable=SC2046 # process ids
  [ -z "$server" ] || kill $(cat "$work/pids" 2>/dev/null) 2>/dev/null
  "$lab_program" down "$lab" >/dev/null 2>&1
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' INT TERM
fail() {
  echo "FAILED: $*"
  tail -n 5 "$work/server.log" "$work/client.log" 2>/dev/null
  exit 1
}

"$lab_program" up "$lab" --link 'name=wifi,rate=4mbit,delay=10ms,queue=50p' \
  --link 'name=lte,rate=4mbit,delay=30ms,queue=50p' >"$work/lab.log" 2>&1 || {
  echo "skipped: $(cat "$work/lab.log")"
  exit 77
}
on() {
  host=$1
  shift
  "$lab_program" exec "$lab" "$host" "$@"
}

# received DEVICE: octets so far, at the client
received() {
  on client awk -v device="$1:" '$1 == device { print $2 }' /proc/net/dev
}
# more DEVICE: until the transfer comes over it
more() {
  goal=$(($(received "$1") + 200000))
  tries=0
  until [ "$(received "$1")" -ge "$goal" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 600 ] || fail "nothing comes over $1"
    kill -0 "$client" 2>/dev/null || fail "get ended before anything came over $1"
    sleep 0.05
  done
}

mkdir "$work/site" "$work/qlog"
head -c 16000000 /dev/urandom >"$work/site/large"
XDG_DATA_HOME=$work/data on server sh -c 'echo $$ >"$0"; exec "$@"' "$work/pids" "$hawser" serve '[::]:4433' \
  --root "$work/site" --dev-cert >"$work/server.log" 2>&1 &
server=$!
tries=0
until grep -q '^serving ' "$work/server.log"; do
  tries=$((tries + 1))
  [ "$tries" -lt 200 ] || fail "the server does not listen"
  sleep 0.05
done

# Both ways lead to the server's first address; the first one is preferred.
on client ip route replace 10.77.0.2/32 dev wifi src 10.77.0.1 metric 10 || fail "no route over wifi"
on client ip route add 10.77.0.2/32 dev lte via 10.77.1.2 src 10.77.1.1 metric 20 2>"$work/route.log" ||
  on client ip route add 10.77.0.2/32 dev lte src 10.77.1.1 metric 20 || fail "no route over lte"

# A lab answers by the link of the source address; here the answers take the way that the client took.
on server ip route add default dev lte table 200 || fail "no second way back"
on server ip rule add to 10.77.1.1 table 200 pref 10 || fail "no rule for the second way back"

policy=loss
[ "$how" != back ] || policy=routes
on client "$hawser" get -k -sS -m 60 --migrate "$policy" --qlog "$work/qlog" -o "$work/large" \
  https://10.77.0.2:4433/large >"$work/client.log" 2>&1 &
client=$!
more wifi
case $how in
  address) on client ip address del 10.77.0.1/24 dev wifi || on client ip address flush dev wifi ;;
  link | back) on client ip link set wifi down ;;
esac
more lte
if [ "$how" = back ]; then
  on client ip link set wifi up
  on client ip route replace 10.77.0.2/32 dev wifi src 10.77.0.1 metric 10
  more wifi
fi
for link in wifi lte; do "$lab_program" set --name "$lab" "$link" rate=200mbit queue=1000p || fail "set $link"; done
wait "$client" || fail "get ended with $?"
cmp "$work/site/large" "$work/large" || fail "what arrived is not what was served"
moved=$(cat "$work"/qlog/*client.sqlog | grep -F '"new":"migration_complete"')
echo "$moved" | grep -q '10.77.1.1' || fail "the connection never moved to 10.77.1.1: $moved"
[ "$how" != back ] || echo "$moved" | tail -n 1 | grep -qF '10.77.0.1' || fail "it did not come back: $moved"
echo "moved, and all arrived"
