#!/bin/bash
# attack.sh HAWSER FLOOD [SECONDS]: a server under each flood of hawser-flood at 50,000 packets a second,
# beside an honest client that asks 200 times a second over 4 connections and then connects anew.
# Prints the table of docs/security.md. Everything runs on loopback.
set -eu
hawser=$1 flood=$2 seconds=${3:-3} port=${PORT:-47433}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export XDG_DATA_HOME=$dir
head -c 1024 /dev/zero >"$dir/file"
url=https://127.0.0.1:$port/file

run() { # NAME [arguments of hawser-flood]
  local name=$1 server attacker=
  shift
  "$hawser" serve 127.0.0.1:$port --root "$dir" --dev-cert --access-log off --grace 0 >"$dir/serve" 2>&1 &
  server=$!
  sleep 0.5
  if [ $# -gt 0 ]; then
    "$flood" "$@" 50000 --port $port --seconds $((seconds + 1)) >"$dir/flood" &
    attacker=$!
    sleep 0.5
  fi
  "$hawser" load "$url" -k -D "$seconds" --rate 200 -c 4 --json >"$dir/load" || true
  local connected=no
  "$hawser" get -k -s -o /dev/null "$url" && connected=yes
  local memory
  memory=$(awk '/VmHWM/ { print $2 }' /proc/$server/status)
  [ -z "$attacker" ] || wait $attacker
  kill -INT $server
  wait $server || true
  python3 - "$name" "$memory" "$connected" "$dir/load" <<'END'
import json, sys
name, memory, connected, file = sys.argv[1:]
load = json.load(open(file))
p99 = load["latency_p99_seconds"] * 1e3
print(f"| {name} | {load['requests_succeeded']} of {load['requests_started']} | {p99:.2f} ms | {connected} | {int(memory) / 1000:.0f} MB |")
END
  [ -z "$attacker" ] || sed 's/^/  /' "$dir/flood"
  sed -n -E 's/^(new clients|floods)/  \1/p' "$dir/serve"
}

echo "| attack | requests answered | 99th percentile | a new client connects | server's memory at most |"
echo "|---|---|---|---|---|"
run none
run "first packets, one address" initial
run "first packets, 250 addresses" initial --sources 250 --ports 250
run "first packets that do not open, 250 addresses" junk --sources 250 --ports 250
run "unknown versions" version
run "packets of no connection" reset
run PING ping
run PATH_CHALLENGE path-challenge
run "empty STREAM" stream-empty
run "empty CRYPTO" crypto-empty
run MAX_DATA max-data
run RESET_STREAM reset-stream
