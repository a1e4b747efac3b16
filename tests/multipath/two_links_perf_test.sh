#!/bin/sh
# two_links_perf_test.sh HAWSER HAWSER_LAB SCRIPT: goal: `hawser perf client --paths` shows each path while it runs and at
# the end, measures each alone, and takes a scheduler from a script. Method: a lab of two links. Exit code 77: no lab.
set -u
hawser=$1
lab_program=$2
script=$3
. "$(dirname "$0")/../two_links_lab.sh"

two_links 'rate=20mbit,delay=5ms,queue=100p' 'rate=20mbit,delay=10ms,queue=100p'
serve_ways
on server sh -c 'echo $$ >"$0"; exec "$@"' "$work/pids" "$hawser" perf server '[::]:4433' --scheduler "lua:$script" \
  >"$work/server.log" 2>&1 &
server=$!
wait_for '^hawser perf server on ' "$work/server.log"

on client "$hawser" perf client 10.77.0.2:4433 -k --download 5M --paths wifi,lte --paths-alone --live --json \
  >"$work/client.log" 2>"$work/live.log" || fail "perf ended with $?: $(cat "$work/live.log")"
cat "$work/client.log"
for key in '"interface": "wifi", "state": "active"' '"interface": "lte", "state": "active"' '"alone": \[{"interface": "wifi"' \
  '"efficiency": ' '"longest_pause_ms": ' '"scheduler_failed": "no"'; do
  grep -q "$key" "$work/client.log" || fail "no $key in the summary"
done
# Each second a line for the whole and one for each path, here at least in the runs of one path, which take two seconds.
grep -q '^ *0 wifi .*active' "$work/live.log" || fail "no line of a path: $(cat "$work/live.log")"
