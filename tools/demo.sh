#!/bin/sh
# demo.sh HAWSER: serves a folder on this machine, fetches a file from it over HTTP/3, and
# compares the two. Run by ./dev demo.
set -eu
hawser=$1
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM

mkdir "$folder/site"
seq 1 200000 >"$folder/site/numbers.txt"
port=$((20000 + $$ % 20000))
export XDG_DATA_HOME=$folder/data
echo "$ hawser serve 127.0.0.1:$port --root $folder/site --dev-cert"
"$hawser" serve "127.0.0.1:$port" --root "$folder/site" --dev-cert >"$folder/server.log" 2>&1 &
server=$!
sleep 1
kill -0 "$server" 2>/dev/null || { cat "$folder/server.log"; exit 1; }
certificate=$XDG_DATA_HOME/hawser/dev-cert.pem
echo "$ hawser get --cacert $certificate -o numbers.txt https://localhost:$port/numbers.txt"
"$hawser" get --cacert "$certificate" -o "$folder/numbers.txt" "https://localhost:$port/numbers.txt"
cmp "$folder/site/numbers.txt" "$folder/numbers.txt"
echo "$(wc -c <"$folder/numbers.txt") octets came over HTTP/3, all of them right."
