#!/bin/bash
# attack.sh HAWSER FLOOD [ATTACK...]: a server under each flood of hawser-flood (or those named) at 50,000
# packets a second, beside an honest client that asks 200 times a second over 4 connections and then
# connects anew. Prints the table of docs/security.md. Everything runs on loopback. SECONDS_EACH and
# PORT can be set; SERVE holds further arguments of hawser serve.
set -eu
hawser=$1 flood=$2 port=${PORT:-47433} seconds=${SECONDS_EACH:-3}
shift 2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export XDG_DATA_HOME=$dir
mkdir "$dir/site"
head -c 1024 /dev/zero >"$dir/site/file"
head -c 10000000 /dev/zero >"$dir/site/big"
url=https://127.0.0.1:$port/file
wanted=("$@")

attack() { # NAME [arguments of hawser-flood]
  local name=$1 server attacker=
  shift
  if [ ${#wanted[@]} -gt 0 ] && ! printf '%s\n' "${wanted[@]}" | grep -qxF -- "$name"; then return; fi
  "$hawser" serve 127.0.0.1:$port --root "$dir/site" --dev-cert --access-log off --grace 0 ${SERVE:-} >"$dir/serve" 2>&1 &
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
  python3 - "$name" "$memory" "$connected" "$dir" <<'END_OF_PYTHON'
import json, os, sys
name, memory, connected, folder = sys.argv[1:]
load = json.load(open(folder + "/load"))
p99 = load["latency_p99_seconds"] * 1e3
quiet = folder + "/quiet"
if not os.path.exists(quiet):
    open(quiet, "w").write(str(p99))
times = p99 / float(open(quiet).read())
print(f"| {name} | {load['requests_succeeded']} of {load['requests_started']} | {p99:.2f} ms | {times:.1f} | {connected} | {int(memory) / 1000:.0f} MB |", flush=True)
END_OF_PYTHON
  if [ -n "${VERBOSE:-}" ]; then
    [ -z "$attacker" ] || sed 's/^/  /' "$dir/flood"
    sed -n -E 's/^(new clients|floods|peers|connections)/  \1/p' "$dir/serve"
  fi
}

echo "| attack | requests answered | 99th percentile | times that of none | a new client connects | server's memory at most |"
echo "|---|---|---|---|---|---|"
attack none
attack "first packets, invented addresses" initial --spoofed
attack "first packets, one address (half-open handshakes)" initial
attack "first packets, 250 addresses" initial --sources 250 --ports 250
attack "first packets behind a Retry, one address" retry
attack "first packets behind a Retry, 250 addresses" retry --sources 250 --ports 250
attack "first packets that do not open, 250 addresses" junk --sources 250 --ports 250
attack "unknown versions" version
attack "packets of no connection" reset
attack PING ping
attack PATH_CHALLENGE path-challenge
attack RETIRE_CONNECTION_ID retire-cid
attack RESET_STREAM reset-stream
attack "empty STREAM" stream-empty
attack "empty CRYPTO" crypto-empty
attack MAX_DATA max-data
attack "ACK of packets never sent" ack-unsent
attack "ACK of old news" ack-old
attack "an octet a packet, nothing acknowledged" octets
attack "slow readers" slow-read --path /big
attack "slow writers" slow-write
attack "data behind a gap" hoard
