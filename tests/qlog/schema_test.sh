#!/bin/sh
# schema_test.sh HAWSER PYTHON: goal: every qlog file of ours is what the drafts say, and has the events
# that its connection must have. Method: simulated connections in bad networks, and real ones over
# loopback; schema_check.py reads what they wrote.
set -eu

hawser=$1
python=$2
here=$(dirname "$0")
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT

fail() {
  echo "schema_test: $1" >&2
  exit 1
}

mkdir "$folder/sim" "$folder/server" "$folder/client" "$folder/ring" "$folder/site"
"$hawser" sim --quiet --seed 1 --runs 4 --qlog "$folder/sim" >"$folder/sim.log" || fail "a scenario failed: $(cat "$folder/sim.log")"
"$python" "$here/schema_check.py" \
  --expect quic:connection_started,quic:connection_closed,quic:connection_state_updated,quic:connection_id_updated \
  --expect quic:tuple_assigned,quic:mtu_updated,quic:version_information,quic:alpn_information,quic:parameters_set \
  --expect quic:packet_sent,quic:packet_received,quic:packet_dropped,quic:packet_buffered,quic:packets_acked \
  --expect quic:udp_datagrams_sent,quic:udp_datagrams_received,quic:stream_state_updated,quic:stream_data_moved \
  --expect quic:datagram_data_moved,quic:connection_data_blocked_updated,quic:stream_data_blocked_updated \
  --expect quic:migration_state_updated,quic:timer_updated,quic:key_updated,quic:key_discarded \
  --expect quic:recovery_parameters_set,quic:recovery_metrics_updated,quic:congestion_state_updated \
  --expect quic:packet_lost,quic:marked_for_retransmit,quic:ecn_state_updated \
  "$folder"/sim/*.sqlog || fail "simulated connections"

head -c 300000 /dev/zero >"$folder/site/file"
"$hawser" serve 127.0.0.1:0 --root "$folder/site" --dev-cert --qlog "$folder/server" --access-log off --grace 0 \
  >"$folder/serve.log" 2>&1 &
server=$!
port=
for _ in $(seq 600); do
  port=$(sed -n 's/.*127\.0\.0\.1:\([0-9][0-9]*\).*/\1/p' "$folder/serve.log" | head -n 1)
  [ -n "$port" ] && break
  sleep 0.1
done
[ -n "$port" ] || fail "the server did not start: $(cat "$folder/serve.log")"
"$hawser" get -k -s -o "$folder/out" --qlog "$folder/client" "https://127.0.0.1:$port/file" || fail "get"
"$hawser" get -k -s -o "$folder/out" --qlog "$folder/ring" --qlog-ring 64k --qlog-trigger close \
  "https://127.0.0.1:$port/file" || fail "get with a ring"
kill -INT "$server"
wait "$server" || true
server=
"$python" "$here/schema_check.py" \
  --expect http3:parameters_set,http3:stream_type_set,http3:frame_created,http3:frame_parsed \
  "$folder"/client/*.sqlog || fail "the client's files"
"$python" "$here/schema_check.py" --expect http3:frame_created,http3:frame_parsed "$folder"/server/*_server.sqlog ||
  fail "the server's files"
[ -z "$(ls "$folder/ring")" ] || fail "a connection that ended in peace left a log behind"

# What reads them: a summary, a selection that is a file of the same kind, and errors that say what is wrong.
log=$(ls "$folder"/client/*_client.sqlog)
"$hawser" qlog summary "$log" >"$folder/summary" || fail "summary"
grep -q 'version *00000001, ALPN h3' "$folder/summary" || fail "the summary has no version: $(cat "$folder/summary")"
grep -q 'handshake' "$folder/summary" || fail "the summary has no handshake: $(cat "$folder/summary")"
grep -q 'closed *application' "$folder/summary" || fail "the summary has no end: $(cat "$folder/summary")"
"$hawser" qlog filter --name packet_sent --packet 1 "$log" >"$folder/filtered.sqlog" || fail "filter"
"$python" "$here/schema_check.py" --expect quic:packet_sent "$folder/filtered.sqlog" || fail "what filter wrote"
[ "$(wc -l <"$folder/filtered.sqlog")" -lt 5 ] || fail "filter let too much through"
grep -q 'held back by the application' "$folder/summary" || fail "the summary has no stalls: $(cat "$folder/summary")"
"$hawser" qlog plot -o "$folder/plot.svg" "$log" || fail "plot"
"$python" -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "$folder/plot.svg" || fail "the plot is no XML"
"$hawser" qlog plot "$log" | cmp - "$folder/plot.svg" || fail "the same log gives another plot"
# The same events as one document.
{
  printf '{"qlog_format":"JSON","traces":[{"events":['
  tail -n +2 "$log" | tr -d '\036' | sed '$!s/$/,/'
  printf '],"vantage_point":{"type":"client"}}]}'
} >"$folder/document.qlog"
"$hawser" qlog summary "$folder/document.qlog" | tail -n +2 >"$folder/of_document" || fail "summary of a document"
tail -n +2 "$folder/summary" | cmp - "$folder/of_document" || fail "a document is summed up in another way"
head -c 5000 "$log" >"$folder/cut.sqlog"
"$hawser" qlog summary "$folder/cut.sqlog" >/dev/null || fail "a file that was cut off is read as far as it goes"
printf '{"a":' >"$folder/hostile.sqlog"
if "$hawser" qlog summary "$folder/hostile.sqlog" 2>"$folder/error"; then fail "a file that is no qlog was read"; fi
grep -q 'hostile.sqlog:1: this is no qlog' "$folder/error" || fail "the error says nothing: $(cat "$folder/error")"
{ head -n 1 "$log"; echo '{"time":"x"}'; } >"$folder/hostile.sqlog"
if "$hawser" qlog summary "$folder/hostile.sqlog" 2>"$folder/error"; then fail "a record that is no event was read"; fi
grep -q 'hostile.sqlog:2:' "$folder/error" || fail "the error has no line: $(cat "$folder/error")"
