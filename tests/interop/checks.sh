# shellcheck shell=sh disable=SC2154 # variables of run_case.sh
# checks.sh: what a case asks beyond files that arrived intact, read from the qlog of our side
# (or both sides, when both are ours) and from the peer's own log. Sourced by run_case.sh.

# logs server|client: our qlog files of connections on that side.
logs() { find "$work/qlog_$1" -name "*_$1*.sqlog" | sort; }

# all_logs server|client: their records, one to a line.
all_logs() { logs "$1" | xargs -r cat; }

# count_records SIDE WORD...: records on that side which contain all of the (up to three) words.
count_records() { all_logs "$1" | grep -aF "$2" | grep -aF "${3:-}" | grep -acF "${4:-}"; }

# our_sides: where qlog of ours is.
our_sides() {
  [ "$server" != hawser ] || echo server
  [ "$client" != hawser ] || echo client
}

check_files() {
  for folder in "$work"/downloads/*; do
    diff -r "$work/www" "$folder" >"$work/diff.log" 2>&1 || fail "what arrived differs: $(head -n 3 "$work/diff.log")"
  done
}

check_handshakes() {
  for side in $(our_sides); do
    count=$(count_records "$side" '"new":"handshake_complete"')
    [ "$count" -eq "$connections" ] || fail "$count handshakes at the $side, expected $connections"
  done
}

saw_retry() {
  if [ "$client" = hawser ]; then
    [ "$(count_records client '"quic:parameters_set"' '"retry_source_connection_id"')" -gt 0 ]
  else
    grep -qE 'pkt rx .*type=Retry' "$work"/client*.log
  fi
}

check_no_retry() { if saw_retry; then fail "a Retry where none was asked for"; fi; }

# RFC 9000 section 17.2.5.3: packet numbers go on after Retry, and the token comes back.
check_retry() {
  saw_retry || fail "no Retry"
  [ "$client" = hawser ] || return 0
  numbers=$(all_logs client | grep -aF '"quic:packet_sent"' | grep -aF '"packet_type":"initial"' |
    sed 's/.*"packet_number":\([0-9]*\).*/\1/')
  [ "$(echo "$numbers" | sort -n | uniq)" = "$numbers" ] || fail "Initial packet numbers do not rise: $numbers"
}

# The client sends its ClientHello again, since the answer takes longer than its first timeout.
check_repeated_hello() {
  if [ "$client" = hawser ]; then
    count=$(count_records client '"quic:packet_sent"' '"packet_type":"initial"' '"frame_type":"crypto","offset":0,')
  else
    count=$(count_records server '"quic:packet_received"' '"packet_type":"initial"' '"frame_type":"crypto","offset":0,')
  fi
  [ "$count" -ge 2 ] || fail "$count ClientHello packets, expected 2 or more"
}

check_chacha20() { grep -q CHACHA20 "$work/client1.log" || fail "the client does not say that it uses ChaCha20"; }

# The runner wants at most 1,000 streams at once, so that credit has to be renewed.
check_stream_limit() {
  [ "$client" = hawser ] || return 0
  limit=$(all_logs client | grep -aF '"quic:parameters_set"' | sed -n 's/.*"initial_max_streams_bidi":\([0-9]*\).*/\1/p')
  if [ "$limit" -lt 1 ] || [ "$limit" -gt 1000 ]; then fail "the server allows $limit streams at once"; fi
}

# Both sides have sent and opened packets of key phase 1.
check_key_update() {
  for side in $(our_sides); do
    for key in client_1rtt_secret server_1rtt_secret; do
      count=$(count_records "$side" '"quic:key_updated"' "\"$key\"" '_update"')
      [ "$count" -gt 0 ] || fail "no update of $key at the $side"
    done
  done
}

# Both ends agreed on version 2 after a first packet of version 1, without a Version Negotiation packet.
check_v2() {
  chosen=6b3343cf
  [ "$version2" = 2 ] || chosen=709a50c4
  for side in $(our_sides); do
    [ "$(count_records "$side" '"quic:version_information"' "\"chosen_version\":\"$chosen\"")" -gt 0 ] ||
      fail "the $side did not come to version $chosen"
    [ "$(count_records "$side" '"quic:version_information"' '"server_versions"' '"client_versions"')" -eq 0 ] || fail "a Version Negotiation packet"
  done
}

check_ecn() {
  for side in $(our_sides); do
    [ "$(count_records "$side" '"quic:packet_received"' '"ecn":"ECT(0)"')" -gt 0 ] || fail "no ECT(0) came to the $side"
    [ "$(count_records "$side" '"quic:ecn_state_updated"' '"new":"capable"')" -gt 0 ] || fail "the ACKs to the $side proved no ECN"
  done
  [ "$network" = lab ] || return 0
  # The link marks what the server sends; its ACKs tell of it.
  if [ "$client" = hawser ]; then
    [ "$(count_records client '"quic:packet_received"' '"ecn":"CE"')" -gt 0 ] || fail "no CE came to the client"
  fi
  if [ "$server" = hawser ]; then
    all_logs server | grep -aF '"quic:packet_received"' | grep -aE '"ce":[1-9]' >/dev/null ||
      fail "no ACK told the server of CE"
  fi
}

# What the server sent before the client's second flight, against what it had received. Datagrams
# of ours hold all packets of one instant; sizes are of packets, so this is exact to the octet.
check_amplification() {
  [ "$server" = hawser ] || return 0
  all_logs server | awk '
    # The first one is of the packet, later ones are of its frames.
    function size(line) { return substr(line, index(line, "\"raw\":{\"length\":") + 16) + 0 }
    /"packet_type":"handshake"/ && /"quic:packet_received"/ { validated = 1 }
    validated { next }
    /"quic:packet_received"/ || /"quic:packet_dropped"/ { received += size($0) }
    /"quic:packet_sent"/ { sent += size($0); if (sent > 3 * received) { bad = 1; exit } }
    END {
      print "sent " sent " for " received " received"
      # Less than twice: the limit was never reached, and nothing has been tested.
      if (bad || sent < 2 * received) exit 1
    }' >"$work/amplification.log" || fail "before validation the server $(cat "$work/amplification.log")"
  [ "$(count_records server '"new":"handshake_complete"')" -eq 1 ] || fail "no handshake"
}

# The first packet to a new port carries PATH_CHALLENGE, as the runner wants it, and it is
# answered (RFC 9000 section 9.3).
check_rebinding() {
  if [ "$server" = hawser ]; then
    all_logs server | awk '
      /"new":"migration_started"/ { moves++; first = 1; next }
      first && /"quic:packet_sent"/ { if (index($0, "\"path_challenge\"")) challenged++; first = 0 }
      /"hawser:path_validated"/ { validated++ }
      END { print moves + 0 " moves, " challenged + 0 " challenged, " validated + 0 " validated"
        exit !(moves > 0 && challenged == moves && validated > 0) }' >"$work/moves.log" ||
      fail "the server saw $(cat "$work/moves.log")"
  fi
  [ "$client" = hawser ] || return 0
  [ "$(count_records client '"quic:packet_sent"' '"path_response"')" -gt 0 ] || fail "no PATH_CHALLENGE was answered"
}

# Both ends moved to the preferred address, the client's first packet to it with another connection
# ID (RFC 9000 sections 9.5 and 9.6).
check_preferred_address() {
  for side in $(our_sides); do
    [ "$(count_records "$side" '"new":"migration_complete"' "$preferred_address")" -gt 0 ] ||
      fail "the $side did not move to $preferred_address"
  done
  check_other_cid
}

# Our client's packets after its move carry a connection ID that none before it had.
check_other_cid() {
  [ "$client" = hawser ] || return 0
  all_logs client | awk '
    /"new":"migration_started"/ { moved = 1 }
    /"quic:packet_sent"/ && /"packet_type":"1RTT"/ {
      split($0, parts, "\"dcid\":\""); cid = substr(parts[2], 1, index(parts[2], "\"") - 1)
      if (!moved && !index($0, "path_challenge")) before[cid] = 1
      if (moved && !seen && !(cid in before)) seen = 1
    }
    END { exit !(moved && seen) }' || fail "the client kept its connection ID when it moved"
}

check_client_migration() {
  for side in $(our_sides); do
    [ "$(count_records "$side" '"new":"migration_complete"')" -gt 0 ] || fail "no move was completed at the $side"
  done
  check_other_cid
}

# The first connection has nothing to go on with; the second one is resumed, and in zerortt speaks at once.
check_resumption() {
  early=none
  [ "$case" = resumption ] || early=accepted
  if [ "$client" = hawser ]; then
    grep -qa 'resumed=no early_data=none' "$work/client1.log" || fail "the first connection was resumed"
    grep -qa "resumed=yes early_data=$early" "$work/client2.log" ||
      fail "the second connection: $(grep -a early_data= "$work/client2.log" | sort -u)"
  fi
  [ "$server" = hawser ] || return 0
  sizes_of_flights=$(for log in $(logs server); do
    grep -aF '"quic:packet_sent"' "$log" | grep -aF '"packet_type":"handshake"' |
      sed -n 's/.*"raw":{"length":\([0-9]*\).*/\1/p' | awk '{ sum += $1 } END { print sum + 0 }'
  done | sort -n | tr '\n' ' ')
  # Without a certificate and its signature there is less to say.
  [ "${sizes_of_flights%% *}" -lt 300 ] || fail "nothing was resumed: Handshake packets of $sizes_of_flights octets"
  [ "$case" = zerortt ] || return 0
  [ "$(count_records server '"hawser:early_data_judged"' '"accepted":true')" -eq 1 ] || fail "no 0-RTT was accepted"
  [ "$(count_records server '"quic:packet_received"' '"packet_type":"0RTT"')" -gt 0 ] || fail "no 0-RTT packet"
}

check_interrupted() {
  grep -q . "$work/disturb.log" && fail "the link could not be changed: $(cat "$work/disturb.log")"
  return 0
}

check_case() {
  check_files
  check_handshakes
  case $case in
    handshake) check_no_retry ;;
    retry) check_retry ;;
    longrtt) check_repeated_hello ;;
    chacha20) check_chacha20 ;;
    multiplexing) check_stream_limit ;;
    keyupdate) check_key_update ;;
    ecn) check_ecn ;;
    v2) check_v2 ;;
    resumption | zerortt) check_resumption ;;
    amplificationlimit) check_interrupted && check_amplification ;;
    blackhole) check_interrupted ;;
    rebind-port | rebind-addr) check_interrupted && check_rebinding ;;
    connectionmigration) check_preferred_address ;;
    clientmigration) check_client_migration ;;
  esac
}
