#!/bin/sh
# two_links_test.sh HAWSER HAWSER_LAB [both|keys|backup|silent|cut|switch]: goal: a client with two networks uses both at
# once, and loses nothing when one of them goes. Method: a lab of two links; `hawser get --paths` fetches over both, octets
# are counted where they arrive. "keys" changes the keys every 100 packets of the client; "backup" keeps the second link
# for when the first falls silent; "silent" has the first one's network swallow everything in the middle, and come back;
# "cut" has its carrier go, and "switch" its address, with the second link coming up only then. Exit code 77: no lab here.
set -u
hawser=$1
lab_program=$2
how=${3:-both}
. "$(dirname "$0")/../two_links_lab.sh"

two_links 'rate=16mbit,delay=10ms,queue=50p' 'rate=16mbit,delay=25ms,queue=100p'
size=12000000
use=aggregate
keys=
case $how in
  keys) keys='--key-update 100' ;;
  backup) use=failover ;;
  silent) size=24000000 ;;  # time for the link to be back in use, however fast the rest
esac
serve_large $size

[ "$how" != switch ] || on client ip link set lte down
before=$(received lte)
# shellcheck disable=SC2086 # an option and its value
on client "$hawser" get -k -sS -m 60 --paths wifi,lte --path-use $use $keys -o "$work/large" https://10.77.0.2:4433/large \
  >"$work/client.log" 2>&1 &
client=$!
more wifi
case $how in
  backup)
    idle=$(($(received lte) - before))
    [ "$idle" -lt 50000 ] || fail "$idle octets came over the backup while the first link worked"
    "$lab_program" set --name "$lab" wifi down
    ;;
  silent)
    "$lab_program" set --name "$lab" wifi down
    more lte
    "$lab_program" set --name "$lab" wifi up
    more wifi
    ;;
  cut) on client ip link set wifi down ;;
  switch)
    on client ip address flush dev wifi
    on client ip link set lte up
    route_lte
    ;;
esac
wait "$client" || fail "get ended with $?"
cmp "$work/site/large" "$work/large" || fail "what arrived is not what was served"
over_lte=$(($(received lte) - before))
[ "$over_lte" -gt 1500000 ] || fail "$over_lte octets arrived over the second link"
case $how in both | keys) [ "$over_lte" -lt 11000000 ] ;; esac || fail "nearly all of it, $over_lte octets, came over the second link"
echo "$size octets, $over_lte of link load on the second one"
