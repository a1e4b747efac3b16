#!/bin/bash
# attack.sh HAWSER FLOOD LAB [ATTACK...]: the tables of docs/security.md (`./dev bench floods`): a server under each flood
# of hawser-flood (or those named) at 50,000 packets a second, beside an honest client that asks 200 times a
# second over 4 connections, then connects anew. Each attack has a server of its own, whose quiet value is
# taken before the attack begins. The honest client comes over a link of the lab, LINK (default: 100 Mbit/s, 5 ms one
# way; needs root); with LINK= all is on loopback. The attacker sits beside the server, where no link slows it.
# QUIET_SECONDS, ATTACK_SECONDS and PORT can be set; SERVE holds further arguments of hawser serve; VERBOSE=1 adds the
# server's counters.
set -eu
hawser=$(realpath "$1") flood=$(realpath "$2") lab=$(realpath "$3")
port=${PORT:-47433} quiet=${QUIET_SECONDS:-10} seconds=${ATTACK_SECONDS:-10} link=${LINK-rate=100mbit,delay=5ms}
shift 3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
at_server=() at_client=() address=127.0.0.1 listen=127.0.0.1
if [ -n "$link" ]; then
  lab_name=flood$$
  "$lab" up "$lab_name" --link "$link" >"$dir/lab" || { cat "$dir/lab" >&2; exit 1; }
  trap '"$lab" down "$lab_name" >/dev/null; rm -rf "$dir"' EXIT
  at_server=(ip netns exec "$lab_name-server") at_client=(ip netns exec "$lab_name-client") address=10.77.0.2 listen=0.0.0.0
fi
export XDG_DATA_HOME=$dir
mkdir "$dir/site"
head -c 1024 /dev/zero >"$dir/site/file"
head -c 10000000 /dev/zero >"$dir/site/big"
url=https://$address:$port/file
wanted=("$@")

honest() { # SECONDS FILE
  "${at_client[@]}" "$hawser" load "$url" -k -D "$1" --rate 200 -c 4 --json >"$2" || true
}

# Nanoseconds for which the threads of process $1 were ready and had no processor; nothing where the kernel does not
# count them. It tells floods that take the server's time from a machine that others use too.
waited() { cat /proc/"$1"/task/*/schedstat 2>/dev/null | awk '{ sum += $2 } END { if (NR) printf "%.0f", sum }'; }

attack() { # NAME LIMIT-OF-MEMORY [arguments of hawser-flood]
  local name=$1 limit=$2 server attacker
  shift 2
  if [ ${#wanted[@]} -gt 0 ] && ! printf '%s\n' "${wanted[@]}" | grep -qxF -- "$name"; then return; fi
  "${at_server[@]}" "$hawser" serve $listen:$port --root "$dir/site" --dev-cert --access-log off --grace 0 ${SERVE:-} >"$dir/serve" 2>&1 &
  server=$!
  until grep -q '^serving ' "$dir/serve"; do
    kill -0 $server 2>/dev/null || { cat "$dir/serve" >&2; exit 1; }
    sleep 0.05
  done
  honest "$quiet" "$dir/quiet"
  "${at_server[@]}" "$flood" "$@" 50000 --port $port --seconds $((seconds + 2)) >"$dir/flood" &
  attacker=$!
  sleep 0.5
  local waited_before waited_after
  waited_before=$(waited $server)
  honest "$seconds" "$dir/load"
  waited_after=$(waited $server)
  local connected=no
  "${at_client[@]}" "$hawser" get -k -s -m 5 -o /dev/null -w '%{time_connect}' "$url" >"$dir/get" && connected=$(cat "$dir/get")
  local memory
  memory=$(awk '/VmHWM/ { print $2 }' /proc/$server/status)
  wait $attacker
  kill -INT $server
  wait $server || true
  python3 - "$name" "$limit" "$memory" "$connected" "$dir" "$waited_before" "$waited_after" "$seconds" <<'END_OF_PYTHON'
import json, re, sys
name, limit, memory, connected, folder, *waited, seconds = sys.argv[1:]
load, quiet = (json.load(open(f"{folder}/{what}")) for what in ("load", "quiet"))
p99, before = (run["latency_p99_seconds"] * 1e3 for run in (load, quiet))
# Those to connections that the server had ended cost it less than the others: the two are told apart.
told = re.search(r": ([0-9]+) packets, ([0-9]+) a second, ([0-9]+) of them", open(folder + "/flood").read())
packets, rate, to_ended = map(int, told.groups())
rate_text = f"{rate:,}" + (f", {to_ended / packets:.0%} to ended connections" if to_ended else "")
if connected != "no":
    connected = f"in {float(connected) * 1e3:.0f} ms"
share = f"{(int(waited[1]) - int(waited[0])) / int(seconds) / 1e7:.0f} %" if all(waited) else "not known"
print(f"| {name} | {rate_text} | {load['requests_succeeded']} of {load['requests_started']} | {before:.2f} ms | {p99:.2f} ms "
      f"| {p99 / before:.1f} | {connected} | {int(memory) / 1000:.0f} MB of {limit} "
      f"| {share} |", flush=True)
END_OF_PYTHON
  if [ -n "${VERBOSE:-}" ]; then
    sed 's/^/  /' "$dir/flood"
    sed -n -E 's/^(new clients|open handshakes|memory|turns|floods|peers|stalled|connections)/  \1/p' "$dir/serve"
  fi
}

echo "| attack | packets a second | requests answered | p99 quiet | p99 under attack | times | a new client connects | memory at most | server waited for a processor |"
echo "|---|---|---|---|---|---|---|---|---|"
# Limits: open handshakes 512 MB, streams 512 MB, bodies 1,074 MB, and 40 MB for the program, its open connections
# and those that wait.
attack "first packets, invented addresses" "552 MB" initial --spoofed
attack "first packets, one address" "552 MB" initial
attack "first packets, 250 addresses" "552 MB" initial --sources 250 --ports 250
attack "first packets behind a Retry, one address" "552 MB" retry
attack "first packets behind a Retry, 250 addresses" "552 MB" retry --sources 250 --ports 250
attack "first packets that do not open, 250 addresses" "552 MB" junk --sources 250 --ports 250
attack "unknown versions" "552 MB" version
attack "packets of no connection" "552 MB" reset
attack PING "552 MB" ping
attack PATH_CHALLENGE "552 MB" path-challenge
attack RETIRE_CONNECTION_ID "552 MB" retire-cid
attack RESET_STREAM "552 MB" reset-stream
attack "empty STREAM" "552 MB" stream-empty
attack "empty CRYPTO" "552 MB" crypto-empty
attack MAX_DATA "552 MB" max-data
attack "ACK of packets never sent" "552 MB" ack-unsent
attack "ACK of old news" "552 MB" ack-old
attack "an octet a packet, nothing acknowledged" "552 MB" octets
attack "slow readers" "1,626 MB" slow-read --path /big
attack "slow writers" "552 MB" slow-write
attack "data behind a gap" "552 MB" hoard
