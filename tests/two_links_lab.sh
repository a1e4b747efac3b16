# two_links_lab.sh: for tests whose client has two networks: a lab of two links, wifi and lte, a server that both lead to,
# and what shows that a transfer is under way. Sourced with $hawser and $lab_program set; then:
#   two_links WIFI LTE     builds the lab, or ends the test with 77 where there is no right to
#   serve_ways             both links lead to the server's first address
#   serve_large OCTETS     the same, and a server of $work/site/large at 10.77.0.2:4433, reached over both links
#   more DEVICE            waits until the transfer of $client brings something over that device of the client
lab=hawser-two-links-$$
work=$(mktemp -d)
server=
client=

clean_up() {
  # shellcheck disable=SC2046 # process ids
  [ -z "$server" ] || kill $(cat "$work/pids" 2>/dev/null) 2>/dev/null
  "$lab_program" down "$lab" >/dev/null 2>&1
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

fail() {
  echo "FAILED: $*"
  tail -n 5 "$work/server.log" "$work/client.log" 2>/dev/null
  exit 1
}

on() {
  host=$1
  shift
  "$lab_program" exec "$lab" "$host" "$@"
}

two_links() {
  "$lab_program" up "$lab" --link "name=wifi,$1" --link "name=lte,$2" >"$work/lab.log" 2>&1 || {
    echo "skipped: $(cat "$work/lab.log")"
    exit 77
  }
}

# received DEVICE: octets so far, at the client
received() {
  on client awk -v device="$1:" '$1 == device { print $2 }' /proc/net/dev
}

more() {
  goal=$(($(received "$1") + 200000))
  tries=0
  until [ "$(received "$1")" -ge "$goal" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 600 ] || fail "nothing comes over $1"
    kill -0 "$client" 2>/dev/null || fail "get ended before anything came over $1"
    sleep 0.05
  done
}

# Over lte the server's first address is reached too; wifi is preferred.
route_lte() {
  on client ip route add 10.77.0.2/32 dev lte via 10.77.1.2 src 10.77.1.1 metric 20 2>"$work/route.log" ||
    on client ip route add 10.77.0.2/32 dev lte src 10.77.1.1 metric 20 || fail "no route over lte"
}

serve_large() {
  mkdir "$work/site"
  head -c "$1" /dev/urandom >"$work/site/large"
  XDG_DATA_HOME=$work/data on server sh -c 'echo $$ >"$0"; exec "$@"' "$work/pids" "$hawser" serve '[::]:4433' \
    --root "$work/site" --dev-cert >"$work/server.log" 2>&1 &
  server=$!
  wait_for '^serving ' "$work/server.log"
  serve_ways
}

# wait_for TEXT FILE
wait_for() {
  tries=0
  until grep -q "$1" "$2" 2>/dev/null; do
    tries=$((tries + 1))
    [ "$tries" -lt 200 ] || fail "the server does not listen"
    sleep 0.05
  done
}

# The server's first address is reached over both links, and the answers take the way of the question.
serve_ways() {
  on client ip route replace 10.77.0.2/32 dev wifi src 10.77.0.1 metric 10 || fail "no route over wifi"
  route_lte
  # A lab answers by the link of the source address; here the answers take the way that the client took.
  on server ip route add default dev lte table 200 || fail "no second way back"
  on server ip rule add to 10.77.1.1 table 200 pref 10 || fail "no rule for the second way back"
}
