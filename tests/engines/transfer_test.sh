#!/bin/sh
# transfer_test.sh HAWSER SERVER_ENGINE CLIENT_ENGINE: goal: files arrive whole through the engines
# over a real pair of interfaces, in both directions. Method: two network namespaces joined by a
# veth pair; `hawser serve` in one and `hawser get` in the other, then the other way around. Exit
# code 77: this machine lacks the right to make namespaces, or an engine.
set -eu
hawser=$1
server_engine=$2
client_engine=$3
folder=$(mktemp -d)
left=hawser-engines-$$-left
right=hawser-engines-$$-right
server=

clean_up() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  ip netns delete "$left" 2>/dev/null || true
  ip netns delete "$right" 2>/dev/null || true
  rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

skip() {
  echo "skipped: $*"
  exit 77
}
fail() {
  echo "$*"
  cat "$folder/server.log" "$folder/client.log" 2>/dev/null || true
  exit 1
}

[ "$(id -u)" = 0 ] || skip "namespaces need root"
ip netns add "$left" 2>"$folder/error" || skip "no network namespaces here: $(cat "$folder/error")"
ip netns add "$right"
ip -n "$left" link add wire0 type veth peer name wire0 netns "$right" 2>"$folder/error" ||
  skip "no veth pairs here: $(cat "$folder/error")"
number=1
for side in "$left" "$right"; do
  ip -n "$side" address add "10.79.0.$number/24" dev wire0
  ip -n "$side" address add "fd79::$number/64" dev wire0 nodad
  ip -n "$side" link set lo up
  ip -n "$side" link set wire0 up
  number=$((number + 1))
done

export XDG_DATA_HOME="$folder/data"
mkdir "$folder/site"
head -c 8000000 /dev/urandom >"$folder/site/large"
printf 'small' >"$folder/site/small"

# start_server NAMESPACE: serves the folder there, and waits for its first line.
start_server() {
  : >"$folder/server.log" # or the line of the server before this one would be found
  ip netns exec "$1" "$hawser" serve '[::]:4433' --root "$folder/site" --dev-cert --engine "$server_engine" \
    >"$folder/server.log" 2>&1 &
  server=$!
  tries=0
  until grep -q '^serving ' "$folder/server.log"; do
    if ! kill -0 "$server" 2>/dev/null; then
      server=
      grep -q "^hawser serve: $server_engine: " "$folder/server.log" && skip "$(cat "$folder/server.log")"
      fail "the server ended"
    fi
    tries=$((tries + 1))
    [ "$tries" -lt 200 ] || fail "the server does not listen"
    sleep 0.05
  done
  grep -q "^serving .*, 1 worker, $server_engine" "$folder/server.log" || fail "the server has another engine"
}

# fetch NAMESPACE HOST: both files from there, over one connection.
fetch() {
  status=0
  ip netns exec "$1" "$hawser" get -k -sS -m 60 --engine "$client_engine" -o "$folder/large" -o "$folder/small" \
    "https://$2:4433/large" "https://$2:4433/small" >"$folder/client.log" 2>&1 || status=$?
  if [ "$status" = 2 ] && grep -q "^hawser get: $client_engine: " "$folder/client.log"; then
    skip "$(cat "$folder/client.log")"
  fi
  [ "$status" = 0 ] || fail "from $2: get ended with $status"
  for file in large small; do
    cmp "$folder/site/$file" "$folder/$file" || fail "from $2: $file is not what was served"
    rm "$folder/$file"
  done
}

stop_server() {
  kill -TERM "$server"
  status=0
  wait "$server" || status=$?
  server=
  [ "$status" = 0 ] || fail "the server ended with $status"
}

start_server "$left"
fetch "$right" 10.79.0.1
fetch "$right" '[fd79::1]'
fetch "$left" 127.0.0.1
stop_server
start_server "$right"
fetch "$left" 10.79.0.2
stop_server
echo "all as it should be"
