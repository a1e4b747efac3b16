#!/bin/sh
# two_links_test.sh HAWSER HAWSER_LAB [both|cut|switch]: goal: a client with two networks uses both at once, and loses
# nothing when one of them goes. Method: a lab of two links; `hawser get --paths` fetches over both, octets are counted
# where they arrive. "cut" has the first link's carrier go in the middle and "switch" its address, with the second link
# coming up only then. Exit code 77: no lab here.
set -u
hawser=$1
lab_program=$2
how=${3:-both}
lab=hawser-paths-$$
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

"$lab_program" up "$lab" --link 'name=wifi,rate=16mbit,delay=10ms,queue=50p' \
  --link 'name=lte,rate=16mbit,delay=25ms,queue=100p' >"$work/lab.log" 2>&1 || {
  echo "skipped: $(cat "$work/lab.log")"
  exit 77
}
on() {
  host=$1
  shift
  "$lab_program" exec "$lab" "$host" "$@"
}
# What arrived at the client over a link, in octets.
arrived() { on client ip -s link show dev "$1" | awk 'rx { print $1; exit } /RX:/ { rx = 1 }'; }

mkdir "$work/site"
head -c 8000000 /dev/urandom >"$work/site/large"
XDG_DATA_HOME=$work/data on server sh -c 'echo $$ >"$0"; exec "$@"' "$work/pids" "$hawser" serve '[::]:4433' \
  --root "$work/site" --dev-cert >"$work/server.log" 2>&1 &
server=$!
tries=0
until grep -q '^serving ' "$work/server.log"; do
  tries=$((tries + 1))
  [ "$tries" -lt 200 ] || fail "the server does not listen"
  sleep 0.05
done

# Both ways lead to the server's first address; its answers take the way that the client took.
on client ip route replace 10.77.0.2/32 dev wifi src 10.77.0.1 metric 10 || fail "no route over wifi"
on client ip route add 10.77.0.2/32 dev lte via 10.77.1.2 src 10.77.1.1 metric 20 2>"$work/route.log" ||
  on client ip route add 10.77.0.2/32 dev lte src 10.77.1.1 metric 20 || fail "no route over lte"
on server ip route add default dev lte table 200 || fail "no second way back"
on server ip rule add to 10.77.1.1 table 200 pref 10 || fail "no rule for the second way back"

[ "$how" != switch ] || on client ip link set lte down
before=$(arrived lte)
on client "$hawser" get -k -sS -m 60 --paths wifi,lte -o "$work/large" https://10.77.0.2:4433/large \
  >"$work/client.log" 2>&1 &
client=$!
case $how in
  cut)
    sleep 1
    on client ip link set wifi down
    ;;
  switch)
    sleep 1
    on client ip address flush dev wifi
    on client ip link set lte up
    on client ip route add 10.77.0.2/32 dev lte src 10.77.1.1 metric 20
    ;;
esac
wait "$client" || fail "get ended with $?"
cmp "$work/site/large" "$work/large" || fail "what arrived is not what was served"
over_lte=$(($(arrived lte) - before))
[ "$over_lte" -gt 1500000 ] || fail "$over_lte octets arrived over the second link"
[ "$how" != both ] || [ "$over_lte" -lt 7500000 ] || fail "nearly all of it, $over_lte octets, came over the second link"
echo "8000000 octets, $over_lte of link load on the second one"
