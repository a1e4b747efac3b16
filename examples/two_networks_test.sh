#!/bin/sh
# two_networks_test.sh HAWSER TWO_NETWORKS: goal: the example does what it says. Method: a server on this machine, and
# the loopback interface named twice.
set -u
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
echo hello >"$work/index.html"
XDG_DATA_HOME=$work/data "$1" serve 127.0.0.1:0 --root "$work" --dev-cert >"$work/log" 2>&1 &
server=$!
tries=0
until grep -q '^serving ' "$work/log"; do
  kill -0 "$server" 2>/dev/null && [ "$tries" -lt 400 ] || { cat "$work/log"; exit 1; }
  tries=$((tries + 1))
  sleep 0.05
done
port=$(sed -n 's|^serving .*:\([0-9][0-9]*\)/ (.*|\1|p' "$work/log" | head -n 1)
"$2" --insecure "127.0.0.1:$port" lo lo >"$work/out" || { cat "$work/out" "$work/log"; exit 1; }
cat "$work/out"
grep -q '^path 1 over lo: active' "$work/out" && grep -q '^lo is a backup now; the scheduler is round-robin' "$work/out" &&
  grep -q '^path 1 over lo: standby' "$work/out"
