# shellcheck shell=sh disable=SC2154,SC2034,SC2016 # variables of run_case.sh
# peers.sh: how each implementation is started as server and as client. Sourced by run_case.sh.
#
# They read client and server too, which are the names of the peers.
# A peer has two functions, PEER_server and PEER_client, and PEER_missing, which prints what is
# not installed. They read: case, protocol (hq or h3), work, server_address, server_port, names
# (files to fetch), downloads (folder), connection (number of this client).
# What a peer writes goes to its log; hawser writes qlog as well.

host_name=hawser.test
preferred_address=10.77.1.2 # of the server on the second link

urls() {
  for name in $names; do echo "https://$host_name:$server_port/$name"; done
}

# Version 2 as both sides know it: the packaged ngtcp2 speaks the drafts' one.
version2=2
if [ "$client" != hawser ] || [ "$server" != hawser ]; then version2=2-draft; fi

# hawser -----------------------------------------------------------------------------------------

hawser_missing() { [ -x "$HAWSER" ] || echo "the program hawser ($HAWSER)"; }

hawser_server() {
  set --
  [ "$case" != retry ] || set -- --retry
  [ "$case" != connectionmigration ] || set -- --preferred-address "$preferred_address"
  [ "$case" != v2 ] || set -- --quic-version "$version2,1"
  [ "$case" != zerortt ] || set -- --early-data
  listen=$server_address:$server_port
  [ "$family" = 4 ] || listen="[$server_address]:$server_port"
  SSLKEYLOGFILE=$work/server.keys on_host server "$HAWSER" serve "$listen" --root "$work/www" --cert "$work/chain.pem" \
    --key "$work/key.pem" --qlog "$work/qlog_server" --access-log off --grace 0 --handshake-timeout 60 "$@"
}

hawser_client() {
  set --
  [ "$protocol" = h3 ] || set -- "$@" --hq
  [ "$case" != v2 ] || set -- "$@" --quic-version "$version2,1"
  [ "$case" != chacha20 ] || set -- "$@" --tls-cipher chacha20
  # A receiver sends few packets: its acknowledgements stand for many datagrams each.
  [ "$case" != keyupdate ] || set -- "$@" --key-update 25
  [ "$case" != clientmigration ] || set -- "$@" --migrate-after 0.5
  case $case in
    resumption | zerortt)
      set -- "$@" --session-file "$work/sessions" -w 'resumed=%{resumed} early_data=%{early_data}\n'
      ;;
  esac
  [ "$case" != zerortt ] || set -- "$@" --early-data
  # shellcheck disable=SC2046 # URLs hold no spaces
  SSLKEYLOGFILE=$work/client.keys on_host client "$HAWSER" get --cacert "$work/chain.pem" --connect-timeout 60 \
    --resolve "$host_name:$server_port:$server_address" --qlog "$work/qlog_client" -sS -v "$@" \
    --output-dir "$downloads" -O $(urls)
}

# ngtcp2, as Debian packages its examples: HTTP/3 only, over GnuTLS --------------------------------

ngtcp2_missing() {
  for program in gtlsclient gtlsserver; do
    PATH=$PATH:/usr/sbin command -v $program >/dev/null || echo "$program (packages ngtcp2-client, ngtcp2-server)"
  done
}

ngtcp2_server() {
  set --
  [ "$case" != retry ] || set -- --validate-addr
  [ "$case" != connectionmigration ] || set -- --preferred-ipv4-addr="$preferred_address:$server_port"
  [ "$case" != v2 ] || set -- --preferred-versions=v2draft,v1
  PATH=$PATH:/usr/sbin on_host server gtlsserver --no-quic-dump --no-http-dump --htdocs "$work/www" --handshake-timeout 60s \
    "$@" "$server_address" "$server_port" "$work/key.pem" "$work/chain.pem"
}

ngtcp2_client() {
  set --
  [ "$case" != chacha20 ] ||
    set -- --ciphers=NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+CHACHA20-POLY1305
  [ "$case" != keyupdate ] || set -- --key-update=10ms
  [ "$case" != clientmigration ] || set -- --change-local-addr=500ms
  [ "$case" != v2 ] || set -- --version=v1 --other-versions=v2draft,v1
  case $case in
    resumption | zerortt) set -- --session-file="$work/session" --tp-file="$work/parameters" ;;
  esac
  [ "$case" != resumption ] || set -- "$@" --disable-early-data
  # shellcheck disable=SC2046 # URLs hold no spaces
  on_host client gtlsclient --no-quic-dump --no-http-dump --exit-on-all-streams-close --handshake-timeout=60s \
    --download="$downloads" "$@" "$server_address" "$server_port" $(urls)
}
