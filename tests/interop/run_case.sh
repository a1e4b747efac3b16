#!/bin/sh
# run_case.sh CASE CLIENT SERVER [lab|loopback]: one case of the QUIC interop runner between two
# implementations (hawser or ngtcp2), over a link of hawser-lab or over loopback.
#
# Exit code 0: passed. 77: skipped, with the reason. Anything else: failed; the folder with the
# logs of both sides stays and is named.
#
#   HAWSER, HAWSER_LAB_PROGRAM   the programs under test
#   INTEROP_FULL=1               sizes, times and connections of the runner itself
#   INTEROP_KEEP=1               keep the folder of a case that passed
#   INTEROP_SEED=N               other packets are lost
# shellcheck disable=SC2034,SC2154 # variables shared with the files below
set -u

cases="handshake transfer longrtt chacha20 multiplexing retry http3 blackhole keyupdate ecn amplificationlimit
  handshakeloss handshakecorruption transferloss transfercorruption ipv6 rebind-port rebind-addr
  connectionmigration clientmigration v2 resumption zerortt goodput crosstraffic"

if [ $# -lt 3 ]; then
  echo "usage: run_case.sh CASE CLIENT SERVER [lab|loopback]; peers: hawser ngtcp2; cases: $cases" >&2
  exit 2
fi
case=$1 client=$2 server=$3 network=${4:-lab}
here=$(dirname "$0")
full=${INTEROP_FULL:-0}
: "${HAWSER:?the program hawser}" "${HAWSER_LAB_PROGRAM:?the program hawser-lab}"

work=$(mktemp -d)
server_job=

say() { echo "$case, $client to $server over $network: $*"; }
clean_up() {
  [ -z "$server_job" ] || stop_server
  network_down
}
fail() {
  say "FAILED: $*"
  clean_up
  say "logs are in $work"
  exit 1
}
skip() {
  say "skipped: $*"
  clean_up
  rm -rf "$work"
  exit 77
}
trap 'clean_up; exit 130' INT TERM

# shellcheck source=tests/interop/network.sh
. "$here/network.sh"
# shellcheck source=tests/interop/peers.sh
. "$here/peers.sh"
# shellcheck source=tests/interop/checks.sh
. "$here/checks.sh"

# The table. ---------------------------------------------------------------------------------------

# either QUICK FULL: the second one at the runner's own size.
either() { if [ "$full" = 1 ]; then echo "$2"; else echo "$1"; fi; }

standard_link=rate=10mbit,delay=15ms,queue=25p
case_link=$standard_link
sizes=1K             # of the files to fetch, as head -c takes them
connections=1        # one after the other
family=4
protocol=hq          # between two hawsers; ngtcp2 knows HTTP/3 only
certificate=plain    # or long: a chain of about 12 KB
time_max=60          # seconds for all connections
second_link=         # beside it, if the case needs two
disturb=             # a function that meddles with the link meanwhile
transfer_sizes=$(either "512K 768K 1280K" "2M 3M 5M")
large_size=$(either 3M 10M)

case $case in
  handshake) ;;
  transfer) sizes=$transfer_sizes ;;
  longrtt) case_link=rate=10mbit,delay=750ms,queue=25p ;;
  chacha20) sizes=$(either 512K 3M) ;;
  multiplexing) ;;  # 1,999 files of 32 octets
  retry) ;;
  http3) sizes="5K 10K 500K" protocol=h3 ;;
  blackhole) sizes=$large_size disturb=black_hole ;;
  keyupdate) sizes=$(either 1M 3M) ;;
  # What would wait longer than 5 ms is marked; the queue holds more than that, so that marks come before losses.
  ecn) sizes=$(either 1M 3M) case_link=rate=10mbit,delay=15ms,queue=50p,ecn=5ms ;;
  amplificationlimit) sizes=5K certificate=long disturb=mute_client case_link=rate=10mbit,delay=100ms,queue=25p ;;
  handshakeloss) case_link=$standard_link,loss=30% connections=$(either 5 50) time_max=300 ;;
  handshakecorruption) case_link=$standard_link,corrupt=30% connections=$(either 5 50) time_max=300 ;;
  transferloss) case_link=$standard_link,loss=2% sizes=$(either 1M 2M) ;;
  transfercorruption) case_link=$standard_link,corrupt=2% sizes=$(either 1M 2M) ;;
  ipv6) sizes=$transfer_sizes family=6 ;;
  v2) sizes=5K ;;
  # The second connection begins with what the first one left in the session file.
  resumption) sizes=5K connections=2 ;;
  zerortt) sizes="1K 2K 3K 4K 5K" connections=2 ;;
  rebind-port) case_link=$standard_link,nat=port sizes=$large_size disturb=rebind ;;
  rebind-addr) case_link=$standard_link,nat=address sizes=$large_size disturb=rebind ;;
  # The server prefers its address on the second link, or the client takes another port.
  connectionmigration) sizes=$transfer_sizes second_link=$standard_link ;;
  clientmigration) sizes=$large_size ;;
  # The runner's measurements: how long it takes, alone and beside a TCP flow.
  goodput) sizes=$large_size ;;
  crosstraffic) sizes=$(either 2M 25M) disturb=tcp_flow time_max=$(either 150 600) ;;
  *) fail "no such case; there are: $cases" ;;
esac
if [ "$client" != hawser ] || [ "$server" != hawser ]; then protocol=h3; fi
# On loopback a short transfer would be over before keys are changed.
if [ "$case" = keyupdate ] && [ "$network" = loopback ]; then sizes=32M; fi

# Disturbances. They run beside the client and end before it does, or with it. ------------------------

# Nothing passes for a while, as in a tunnel.
black_hole() {
  repeats=$(either 1 3)
  while [ "$repeats" -gt 0 ]; do
    sleep "$(either 1 5)"
    change_link down
    sleep 2
    change_link up
    repeats=$((repeats - 1))
  done
}

# The client's first flight arrives, what follows it within the next seconds does not: the
# server must not send more than three times what it got (RFC 9000 section 8.1).
mute_client() {
  sleep 0.18
  change_link to-server.loss=100%
  sleep 2
  change_link to-server.loss=0%
}

# A flow of TCP CUBIC from the server to the client, from half a second before the transfer to
# its end.
tcp_port=4434
tcp_flow() {
  (on_host server python3 "$here/tcp_flow.py" send "$server_address" "$tcp_port" cubic) &
  sleep 0.3
  (on_host client python3 "$here/tcp_flow.py" sink "$server_address" "$tcp_port")
}

rebind() {
  sleep 1
  change_link rebind
  sleep "$(either 1 5)"
  change_link rebind
}

# The run. -------------------------------------------------------------------------------------------

mint_certificate() {
  names=DNS:$host_name,DNS:localhost,IP:127.0.0.1,IP:::1
  if [ "$certificate" = long ]; then
    for i in $(seq 1 180); do names=$names,DNS:a-name-that-makes-this-certificate-long-enough-$i.$host_name; done
  fi
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3 -subj "/CN=$host_name" \
    -addext "subjectAltName=$names" -keyout "$work/key.pem" -out "$work/chain.pem" 2>"$work/openssl.log" ||
    fail "no certificate: $(cat "$work/openssl.log")"
}

make_files() {
  mkdir "$work/www" "$work/qlog_server" "$work/qlog_client"
  if [ "$case" = multiplexing ]; then
    head -c $((1999 * 32)) /dev/urandom | split -b 32 -a 4 -d - "$work/www/file"
  else
    count=0
    for size in $sizes; do
      count=$((count + 1))
      head -c "$size" /dev/urandom >"$work/www/file$count"
    done
  fi
  names=$(ls "$work/www")
}

stop_server() {
  if [ "$network" = lab ]; then
    # shellcheck disable=SC2046 # process ids
    kill $(cat "$work/server.pids" 2>/dev/null) 2>/dev/null
  else
    kill "$server_job" 2>/dev/null
  fi
  wait "$server_job" 2>/dev/null
  server_job=
}

run_connection() {
  connection=$1
  downloads=$work/downloads/$connection
  mkdir -p "$downloads"
  ("${client}_client") >"$work/client$connection.log" 2>&1 &
  client_job=$!
  elapsed=0
  began_ms=$(date +%s%3N)
  while kill -0 "$client_job" 2>/dev/null; do
    sleep 0.1
    elapsed=$((elapsed + 1))
    if [ "$elapsed" -gt $((time_max * 10)) ]; then
      if [ "$network" = lab ]; then kill "$(tail -n 1 "$work/client.pids")" 2>/dev/null; else kill "$client_job"; fi
      fail "connection $connection took more than $time_max seconds"
    fi
  done
  wait "$client_job"
  status=$?
  took_ms=$(($(date +%s%3N) - began_ms))
}

for peer in "$client" "$server"; do
  missing=$("${peer}_missing")
  [ -z "$missing" ] || skip "not installed: $missing"
done
command -v openssl >/dev/null || skip "not installed: openssl"
[ "$network" = lab ] || [ -z "$disturb" ] || skip "this case needs the lab"

mint_certificate
make_files
network_up
("${server}_server") >"$work/server.log" 2>&1 &
server_job=$!
wait_for_server
disturb_job=
if [ -n "$disturb" ]; then
  "$disturb" >"$work/disturb.log" 2>&1 &
  disturb_job=$!
fi
[ "$case" != crosstraffic ] || sleep 0.5
number=1
repeats_left=$(either 1 3)
while [ "$number" -le "$connections" ]; do
  run_connection "$number"
  # A token that was damaged on its way is no attempt of the client to deceive, but ngtcp2 answers
  # it with INVALID_TOKEN before it knows: then, and then only, the connection is made again.
  if [ "$status" -ne 0 ] && [ "$case" = handshakecorruption ] && [ "$repeats_left" -gt 0 ] &&
    grep -q INVALID_TOKEN "$work/client$number.log"; then
    repeats_left=$((repeats_left - 1))
    continue
  fi
  [ "$status" -eq 0 ] || fail "client $number ended with status $status: $(tail -n 5 "$work/client$number.log")"
  number=$((number + 1))
done
[ -z "$disturb_job" ] || kill "$disturb_job" 2>/dev/null
# Last packets and the end of the logs are still under way.
sleep 0.2
stop_server
network_down

check_case
if [ "$case" = goodput ] || [ "$case" = crosstraffic ]; then
  # Start and end of the client's program included.
  say "$((8 * $(stat -c %s "$work/www/file1") / took_ms)) kbit/s over $took_ms ms"
fi
if [ "${INTEROP_KEEP:-0}" = 1 ]; then say "logs are in $work"; else rm -rf "$work"; fi
say passed
