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
echo "$ hawser serve $folder/site --listen 127.0.0.1:$port"
"$hawser" serve "$folder/site" --listen "127.0.0.1:$port" >"$folder/server.log" 2>&1 &
server=$!
sleep 1
kill -0 "$server" 2>/dev/null || { cat "$folder/server.log"; exit 1; }
echo "$ hawser get https://127.0.0.1:$port/numbers.txt --insecure -o numbers.txt"
"$hawser" get "https://127.0.0.1:$port/numbers.txt" --insecure -o "$folder/numbers.txt"
cmp "$folder/site/numbers.txt" "$folder/numbers.txt"
echo "$(wc -c <"$folder/numbers.txt") octets came over HTTP/3, all of them right."
