#!/bin/sh
# two_links_test.sh HAWSER HAWSER_LAB [both|cut|switch]: goal: a client with two networks uses both at once, and loses
# nothing when one of them goes. Method: a lab of two links; `hawser get --paths` fetches over both, octets are counted
# where they arrive. "cut" has the first link's carrier go in the middle and "switch" its address, with the second link
# coming up only then. Exit code 77: no lab here.
set -u
hawser=$1
lab_program=$2
how=${3:-both}
. "$(dirname "$0")/../two_links_lab.sh"

two_links 'rate=16mbit,delay=10ms,queue=50p' 'rate=16mbit,delay=25ms,queue=100p'
serve_large 12000000

[ "$how" != switch ] || on client ip link set lte down
before=$(received lte)
on client "$hawser" get -k -sS -m 60 --paths wifi,lte -o "$work/large" https://10.77.0.2:4433/large \
  >"$work/client.log" 2>&1 &
client=$!
more wifi
case $how in
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
[ "$how" != both ] || [ "$over_lte" -lt 11000000 ] || fail "nearly all of it, $over_lte octets, came over the second link"
echo "12000000 octets, $over_lte of link load on the second one"
