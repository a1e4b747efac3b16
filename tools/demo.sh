#!/bin/sh
# demo.sh HAWSER HAWSER_LAB: serves a file on this machine and fetches it over HTTP/3, over loopback
# and over an emulated bad link, and says what to try next. Run by ./dev demo.
#
# The content is generated and every line is another number, so a wrong, missing or misplaced
# octet changes the SHA-256, and that is known beforehand.
set -eu
shown=$1 again="sudo sh tools/demo.sh $1 $2"
hawser=$(realpath "$1") lab=$(realpath "$2")

large_octets=1073741824
large_sha256=f00cedd46017224ab849c144fcdae46a8c8cb029c1462d88f7d9efcefb0a8594
small_octets=4194304
small_sha256=97a1e9fa1f7d28c97af33e1b4f77ec43a4bb18ceb6c934d450b4bccf78bf234e
link='rate=50mbit,delay=20ms,loss=1%'

say() { printf '%s\n' "$@"; }
die() { say "demo: $*" >&2; exit 1; }
is_root() { [ "$(id -u)" = 0 ]; }

# On disk even where /tmp is memory: two copies of the file are 2 GiB.
parent=$(realpath "${TMPDIR:-/var/tmp}")
free_kb=$(df -Pk "$parent" | awk 'NR == 2 { print $4 }')
[ "$free_kb" -gt 2300000 ] || die "needs 2.3 GB free in $parent; TMPDIR=/another/folder ./dev demo uses another one"
folder=$(mktemp -d "$parent/hawser-demo.XXXXXX")
server=
clean_up() {
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  cd /
  rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 130' INT TERM
cd "$folder"
mkdir site

# The development certificate of the demo goes with its folder.
export XDG_DATA_HOME="$folder/data"
certificate=data/hawser/dev-cert.pem
# What `get` tells at its end; report() reads it.
summary='%{time_namelookup} %{time_appconnect} %{time_total} %{size_download}\n'

# generate OCTETS FILE: the same in every run, so that the SHA-256 is known.
generate() { seq 1000000000 1999999999 2>/dev/null | head -c "$1" >"site/$2"; }

# children_cpu: CPU seconds of all ended children of this shell. `times` must not run in a subshell.
children_cpu() {
  times >times.txt
  cpu=$(awk 'NR == 2 { for (i = 1; i <= 2; ++i) { split($i, part, "m"); sum += part[1] * 60 + part[2] } print sum }' \
    times.txt)
}

start_server() {
  say "\$ hawser serve 127.0.0.1:0 --root site --dev-cert"
  : >server.log
  "$hawser" serve 127.0.0.1:0 --root site --dev-cert --access-log off >server.log 2>&1 &
  server=$!
  port=
  waited=0
  while [ -z "$port" ]; do
    # Its first line: serving ROOT on https://127.0.0.1:PORT/ (...)
    port=$(sed -n 's|^serving .* on https://127\.0\.0\.1:\([0-9]*\)/.*|\1|p' server.log)
    [ -n "$port" ] || kill -0 "$server" 2>/dev/null || { cat server.log >&2; die "the server did not start"; }
    [ "$waited" -lt 100 ] || die "the server says nothing after 10 seconds"
    waited=$((waited + 1))
    [ -n "$port" ] || sleep 0.1
  done
  head -n 1 server.log
}

stop_server() {
  kill "$server"
  wait "$server" || die "the server ended with an error: $(tail -n 3 server.log)"
  server=
}

# report SUMMARY FILE SHA256: what was measured, and whether every octet is right.
report() {
  found=$(sha256sum "$2" | cut -d ' ' -f 1)
  [ "$found" = "$3" ] || die "WRONG content: SHA-256 $found instead of $3"
  say "  SHA-256    $found, as expected"
  awk '{
    transfer = $3 - $2
    speed = 8 * $4 / transfer / 1e6
    unit = "Mbit/s"
    if (speed > 1000) { speed /= 1000; unit = "Gbit/s" }
    printf "  handshake  %.1f ms\n", ($2 - $1) * 1e3
    printf "  goodput    %.2f %s (%.1f MB in %.2f s)\n", speed, unit, $4 / 1e6, transfer
  }' "$1"
}

over_loopback() {
  say "1 GiB over loopback"
  generate "$large_octets" numbers.txt
  start_server
  say "\$ hawser get --cacert $certificate -o numbers.txt https://127.0.0.1:$port/numbers.txt"
  children_cpu
  before=$cpu
  # The progress bar shows on a terminal only.
  "$hawser" get --cacert $certificate -o numbers.txt -w "$summary" \
    "https://127.0.0.1:$port/numbers.txt" >summary
  children_cpu
  client_cpu=$(awk -v a="$before" -v b="$cpu" 'BEGIN { printf "%.2f", b - a }')
  stop_server
  before=$cpu
  children_cpu
  server_cpu=$(awk -v a="$before" -v b="$cpu" 'BEGIN { printf "%.2f", b - a }')
  report summary numbers.txt "$large_sha256"
  say "  CPU        server $server_cpu s, client $client_cpu s"
  rm numbers.txt site/numbers.txt
}

# Why there can be no lab here; nothing if there can.
lab_obstacle() {
  if ! is_root; then echo "it needs root, for network namespaces: $again"; return; fi
  # shellcheck disable=SC2069 # its complaint is what is wanted
  "$lab" run --link delay=1ms --client true 2>&1 >/dev/null || true
}

over_a_bad_link() {
  say "" "4 MiB over 50 Mbit/s, 40 ms of round trip, 1 % loss in each direction" ""
  obstacle=$(lab_obstacle)
  if [ -n "$obstacle" ]; then say "skipped: $obstacle"; return; fi
  generate "$small_octets" small.txt
  serve_command="'$hawser' serve 10.77.0.2:4433 --root site --dev-cert --access-log off"
  get_command="'$hawser' get --cacert $certificate --resolve localhost:4433:10.77.0.2 -o small.txt"
  say "\$ hawser-lab run --link '$link' --report \\" \
    "    --server \"hawser serve 10.77.0.2:4433 --root site --dev-cert\" \\" \
    "    --client \"hawser get --cacert $certificate --resolve localhost:4433:10.77.0.2 -o small.txt https://localhost:4433/small.txt\""
  "$lab" run --link "$link" --report --server "$serve_command >server.log 2>&1" \
    --client "$get_command -w '$summary' https://localhost:4433/small.txt >summary" ||
    die "the transfer over the lab failed; the server said: $(cat server.log)"
  report summary small.txt "$small_sha256"
  # In the Reno-friendly region (RFC 9438 section 4.3) about 1.2 packets / (RTT * sqrt(loss)): 3.4 Mbit/s.
  say "  CUBIC takes every loss for congestion: 3 to 4 Mbit/s are its due here. hawser serve --cc bbr takes such loss for"
  say "  noise and makes some 30 of it."
}

next_steps() {
  cat <<TEXT

Try next:
  $shown serve --root . --list --dev-cert      # this folder; its Chromium line opens it in a browser
  $shown get -k -v -o /dev/null https://localhost:4433/README.md      # meanwhile: what is sent and received
  $shown perf server 0.0.0.0:4434              # on one machine, and on another:
  $shown perf client HOST:4434 -k --download 10G
  $shown sim --seed 7 --counters               # every failure scenario, in virtual time, the same to the packet
TEXT
}

over_loopback
over_a_bad_link
next_steps
