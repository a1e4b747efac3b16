#!/bin/sh
# two_links_test.sh HAWSER HAWSER_LAB [both|keys|backup|silent|cut|switch|late]: goal: a client with two networks uses both
# at once, and loses nothing when one of them goes. Method: a lab of two links; `hawser get --paths` fetches over both, octets
# are counted where they arrive. "keys" changes the keys every 100 packets of the client; "backup" keeps the second link
# for when the first falls silent; "silent" has the first one's network swallow everything in the middle, and come back;
# "cut" has its carrier go, and "switch" its address, with the second link coming up only then. In "late" the second link
# says that it is up and lets nothing through, until a path over it has been given up: it is tried again. Exit code 77:
# no lab here.
set -u
hawser=$1
lab_program=$2
how=${3:-both}
. "$(dirname "$0")/../two_links_lab.sh"

first=16mbit
[ "$how" != late ] || first=4mbit # the transfer must last until the second link is there
two_links "rate=$first,delay=10ms,queue=50p" 'rate=16mbit,delay=25ms,queue=100p'
size=12000000
use=aggregate
keys=
case $how in
  keys) keys='--key-update 100' ;;
  backup) use=failover ;;
  silent) size=24000000 ;;  # time for the link to be back in use, however fast the rest
esac
serve_large $size

# says TEXT: waits until the client said so
says() {
  tries=0
  until grep -q "$1" "$work/client.log"; do
    tries=$((tries + 1))
    [ "$tries" -lt 600 ] || fail "get never said: $1"
    kill -0 "$client" 2>/dev/null || fail "get ended before it said: $1"
    sleep 0.05
  done
}

[ "$how" != late ] || "$lab_program" set --name "$lab" lte down || fail "the lab does not take a link down"
[ "$how" != switch ] || on client ip link set lte down
before=$(received lte)
# shellcheck disable=SC2086 # an option and its value
on client "$hawser" get -k -v -m 60 --paths wifi,lte --path-use $use $keys -o "$work/large" https://10.77.0.2:4433/large \
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
  late)
    says '^\* path 1 from 10.77.1.1.*: abandoned'
    "$lab_program" set --name "$lab" lte up || fail "the lab does not take a link up"
    says '^\* path [2-9] from 10.77.1.1.*: active'
    ;;
esac
wait "$client" || fail "get ended with $?"
cmp "$work/site/large" "$work/large" || fail "what arrived is not what was served"
over_lte=$(($(received lte) - before))
[ "$over_lte" -gt 1500000 ] || fail "$over_lte octets arrived over the second link"
case $how in both | keys) [ "$over_lte" -lt 11000000 ] ;; esac || fail "nearly all of it, $over_lte octets, came over the second link"
echo "$size octets, $over_lte of link load on the second one"
