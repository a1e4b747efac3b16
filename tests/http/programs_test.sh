#!/bin/sh
# programs_test.sh HAWSER: goal: the program as people run it: serve, get, signals, exit codes, qlog
# and key logs. Method: starts the server on a free port and reads what both print.
set -eu
hawser=$1
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$folder"' EXIT
export XDG_DATA_HOME="$folder/data"
mkdir "$folder/site" "$folder/qlog"
seq 1 100000 >"$folder/site/numbers.txt"

fail() {
  echo "$*"
  cat "$folder/server.log"
  exit 1
}
# wait_for_port PATTERN: until the server has printed a line whose port the pattern takes out.
wait_for_port() {
  tries=0
  until port=$(sed -n "s|$1|\\1|p" "$folder/server.log") && [ -n "$port" ]; do
    kill -0 "$server" 2>/dev/null || fail "the server ended"
    tries=$((tries + 1))
    [ "$tries" -lt 200 ] || fail "the server does not listen"
    sleep 0.1
  done
}
# expect CODE WORDS...: runs hawser with these words and checks the exit code.
expect() {
  code=$1
  shift
  status=0
  "$hawser" "$@" >"$folder/out" 2>"$folder/err" || status=$?
  [ "$status" = "$code" ] || fail "hawser $*: exit code $status, not $code; $(cat "$folder/err")"
}

: >"$folder/server.log"
expect 0 --version
grep -q '^hawser [0-9]' "$folder/out" || fail "no version"
for command in serve get load; do
  expect 0 "$command" --help
  grep -q 'Examples:' "$folder/out" || fail "$command --help has no examples"
done
expect 2
expect 2 nonsense
grep -q 'no command "nonsense"' "$folder/err" || fail "the unknown command is not named"
expect 2 get --nonsense h
expect 2 get --qlog /proc h
grep -q 'cannot write qlog into "/proc"' "$folder/err" || fail "a folder without room for qlog: $(cat "$folder/err")"
expect 2 get --qlog "$folder" --qlog-limit 64k --qlog-ring 32k h
grep -q 'a quarter of --qlog-limit' "$folder/err" || fail "a ring above the limit: $(cat "$folder/err")"
expect 2 serve
grep -q -- '--dev-cert' "$folder/err" || fail "serve does not say which certificate it wants"

SSLKEYLOGFILE="$folder/keys" "$hawser" serve 127.0.0.1:0 --root "$folder/site" --dev-cert --workers 2 --qlog "$folder/qlog" \
  >"$folder/server.log" 2>&1 &
server=$!
wait_for_port '^serving .* on https://[^/]*:\([0-9]*\)/.*'
certificate=$XDG_DATA_HOME/hawser/dev-cert.pem
grep -q "SHA-256 [0-9a-f]\{64\}" "$folder/server.log" || fail "no hash of the certificate"
grep -q "2 workers steered by [ech]" "$folder/server.log" || fail "it does not say how workers get their datagrams"
grep -q -- "--origin-to-force-quic-on=127.0.0.1:$port" "$folder/server.log" || fail "no words for Chromium"

expect 0 get --cacert "$certificate" -sS "https://localhost:$port/numbers.txt"
cmp "$folder/site/numbers.txt" "$folder/out" || fail "the file is not what was served"
expect 60 get "https://localhost:$port/numbers.txt"
expect 22 get --cacert "$certificate" -f "https://localhost:$port/none"
expect 0 get -k -I "https://127.0.0.1:$port/"
grep -q '^HTTP/3 404' "$folder/out" || fail "no head"
# A reader that goes away early is a failed write.
"$hawser" get -k -s "https://localhost:$port/numbers.txt" | head -c 100 >/dev/null
# What cannot be written is not fetched to its end.
truncate -s 300M "$folder/site/large"
expect 23 get -k -s -o /dev/full "https://localhost:$port/large"
# Whose time is up tries no further address: attempts are a quarter of a second apart, and it had four. Nobody listens
# at these.
mkdir "$folder/attempts"
expect 28 get -k -s -m 0.1 --qlog "$folder/attempts" \
  --resolve h.test:9:127.0.0.2,127.0.0.3,127.0.0.4,127.0.0.5 https://h.test:9/
[ "$(ls "$folder/attempts" | wc -l)" -lt 4 ] || fail "it went on: $(ls "$folder/attempts")"

# 300 requests over 3 connections by 2 threads, and what a page that is not there makes of them.
expect 0 load --cacert "$certificate" -n 300 -c 3 -m 10 -t 2 --json "https://localhost:$port/numbers.txt"
for text in '"requests_succeeded": 300,' '"status_2xx": 300,' '"body_bytes": 176668500,' '"errors": 0,' '"latency_p999_seconds": '; do
  grep -qF -- "$text" "$folder/out" || fail "no $text in $(cat "$folder/out")"
done
expect 1 load -k -n 10 "https://localhost:$port/none"
grep -q '^status codes: 0 2xx, 0 3xx, 10 4xx, 0 5xx$' "$folder/out" || fail "the 404s are not counted"
expect 1 load --timeout 5s "https://localhost:$port/numbers.txt"
grep -q -- '--cacert' "$folder/err" || fail "load does not say how to trust the certificate"
expect 2 load -D 1 -n 5 "https://localhost:$port/"

kill -TERM "$server"
status=0
wait "$server" || status=$?
server=
[ "$status" = 0 ] || fail "after SIGTERM the server ended with $status"
grep -q '"GET /numbers.txt HTTP/3" 200 588895 ' "$folder/server.log" || fail "the request is not in the access log"
[ "$(sed -n 's|.*"GET /large HTTP/3" 200 \([0-9]*\) .*|\1|p' "$folder/server.log")" -lt 100000000 ] ||
  fail "what nobody could write was sent: $(grep 'GET /large' "$folder/server.log")"
grep -q '^[0-9]* connections open, [0-9.]* MB resident' "$folder/server.log" || fail "it does not say what it held"
grep -q 'SERVER_TRAFFIC_SECRET_0' "$folder/keys" || fail "no TLS secrets were written"
ls "$folder"/qlog/*.sqlog >/dev/null || fail "no qlog was written"

# What was printed and cannot be written is a failure.
log=$(ls "$folder"/qlog/*.sqlog | head -n 1)
for words in --help "sim --list" "qlog summary $log" "qlog filter $log"; do
  status=0
  "$hawser" $words >/dev/full 2>"$folder/err" || status=$?
  [ "$status" = 1 ] || fail "hawser $words into a full disk: exit code $status"
  grep -q '^hawser' "$folder/err" || fail "hawser $words says nothing of a full disk"
done

# Scenarios as files, and files that cannot be written.
scenario="$folder/random.scenario"
"$hawser" sim --scenario random --seed 7 --text >"$scenario"
expect 0 sim --scenario "$scenario" --text
cmp "$scenario" "$folder/out" || fail "a scenario that was read is printed otherwise"
expect 1 sim --scenario "$folder/none.scenario" --text
expect 1 sim --scenario "$folder/" --text
short="--pairs 1 --links 5/10,5/10 --time 0.1"
expect 0 sim bonding $short --json "$folder/pairs.json" --svg "$folder/pairs.svg"
[ -s "$folder/pairs.json" ] && [ -s "$folder/pairs.svg" ] || fail "no files of the pairs"
for words in --json --svg; do
  expect 1 sim bonding $short $words /dev/full
  grep -q '/dev/full could not be written' "$folder/err" || fail "bonding does not say what is full"
done
for words in "--json $folder/j" "--svg $folder/s" "--worst 1"; do
  expect 2 sim bonding --pairs 1 --links 5/10,5/10,5/10 --time 0.1 $words
done
expect 1 sim congestion --megabytes 1 --duration 1 --json /dev/full
grep -q '/dev/full could not be written' "$folder/err" || fail "congestion does not say what is full"

# hawser perf: wrong use, and transfers that are stopped while their requests are on the way.
expect 2 perf client "[::1"
expect 2 perf client "::1:4433"
expect 2 perf server nonsense
expect 2 perf server 127.0.0.1:0 --cert "$certificate"
expect 2 perf server 127.0.0.1:0 --key "$certificate"
expect 2 perf client 127.0.0.1:9 --paths lo --migrate routes
expect 2 get --paths lo --migrate-after 1 https://h.test/
"$hawser" perf server 127.0.0.1:0 >"$folder/server.log" 2>&1 &
server=$!
wait_for_port '^hawser perf server on 127.0.0.1:\([0-9]*\) .*'
for run in 1 2 3 4; do
  expect 0 perf client "127.0.0.1:$port" -k --requests 0 --streams 50 --duration 0.3 --request-size 64k
  [ ! -s "$folder/err" ] || fail "perf client, run $run: $(cat "$folder/err")"
done
kill -TERM "$server"
wait "$server" || fail "the perf server ended with $?"
server=
echo "all as it should be"
