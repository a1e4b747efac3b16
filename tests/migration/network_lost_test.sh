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
. "$(dirname "$0")/../two_links_lab.sh"

two_links 'rate=4mbit,delay=10ms,queue=50p' 'rate=4mbit,delay=30ms,queue=50p'
mkdir "$work/qlog"
serve_large 16000000

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
