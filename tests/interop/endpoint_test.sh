#!/bin/sh
# endpoint_test.sh: goal: `hawser interop` does as client and server what the interop runner's environment asks for,
# and says 127 to what it does not know. Method: both roles over loopback with files of this test; what was fetched
# is compared octet by octet, and a move to a preferred address is read from both ends' qlog.
set -eu

hawser=$HAWSER
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT

fail() {
  echo "endpoint_test: $1" >&2
  exit 1
}

# Both ends have gone over to the preferred address. The first packet of either to it has PATH_CHALLENGE, the
# client's a connection ID that none before it had: so the runner wants it.
check_move() {
  for side in logs client; do
    cat "$folder/$side"/*.sqlog >"$folder/move"
    grep -a '"new":"migration_complete"' "$folder/move" | grep -aqF "${preferred%:*}" ||
      fail "$case: $side: no move to $preferred"
    tuple=$(sed -n 's/.*"quic:tuple_assigned".*"tuple_id":"\([^"]*\)".*'"${preferred%:*}"'.*/\1/p' "$folder/move" | head -n 1)
    awk -v there="\"tuple\":\"$tuple\"" '
      !/"quic:packet_sent"/ { next }
      { split($0, parts, "\"dcid\":\""); cid = substr(parts[2], 1, index(parts[2], "\"") - 1) }
      !index($0, there) { before[cid] = 1; next }
      { good = index($0, "\"path_challenge\"") && !(cid in before); exit }
      END { exit !good }' "$folder/move" ||
      fail "$case: $side: the first packet to $preferred: $(grep -aF "\"tuple\":\"$tuple\"" "$folder/move" | head -n 1)"
  done
}

mkdir "$folder/www" "$folder/certs" "$folder/logs"
for i in 1 2 3; do head -c $((i * 100000)) /dev/urandom >"$folder/www/file$i"; done
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=server \
  -keyout "$folder/certs/priv.key" -out "$folder/certs/cert.pem" 2>/dev/null || fail "openssl made no certificate"

for case in handshake transfer chacha20 retry http3 keyupdate multiconnect v2 connectionmigration; do
  mkdir "$folder/downloads" "$folder/client"
  : >"$folder/serve.log" # or the port of the server before this one would be found
  # Another address, and a port that hardly anybody has.
  preferred=127.0.0.2:$((10000 + $$ % 20000))
  ROLE=server TESTCASE=$case QLOGDIR=$folder/logs "$hawser" interop --www "$folder/www" --certs "$folder/certs" \
    --preferred "$preferred" --listen 127.0.0.1:0 >"$folder/serve.log" 2>&1 &
  server=$!
  port=
  for _ in $(seq 100); do
    port=$(sed -n 's/.*(127\.0\.0\.1:\([0-9][0-9]*\).*/\1/p' "$folder/serve.log" | head -n 1)
    [ -n "$port" ] && break
    sleep 0.1
  done
  [ -n "$port" ] || fail "$case: the server did not start: $(cat "$folder/serve.log")"
  requests=
  for i in 1 2 3; do requests="$requests https://127.0.0.1:$port/file$i"; done
  ROLE=client TESTCASE=$case QLOGDIR=$folder/client REQUESTS=$requests SSLKEYLOGFILE=$folder/keys "$hawser" interop \
    --downloads "$folder/downloads" 2>"$folder/get.log" || fail "$case: the client ended with $?: $(cat "$folder/get.log")
$(kill -0 "$server" 2>/dev/null && echo "the server runs" || echo "the server is gone"): $(cat "$folder/serve.log")"
  for i in 1 2 3; do cmp -s "$folder/www/file$i" "$folder/downloads/file$i" || fail "$case: file$i differs"; done
  kill -INT "$server"
  wait "$server" || true
  server=
  [ -n "$(ls "$folder/logs")" ] || fail "$case: no qlog was written"
  [ "$case" != connectionmigration ] || check_move
  rm -r "$folder/downloads" "$folder/client" "$folder/logs"/*
done
[ -s "$folder/keys" ] || fail "no keys were logged"

for role in client server; do
  status=0
  ROLE=$role TESTCASE=telepathy REQUESTS=https://127.0.0.1:1/x "$hawser" interop 2>/dev/null || status=$?
  [ "$status" = 127 ] || fail "an unknown case ended the $role with $status, not 127"
done
