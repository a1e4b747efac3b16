#!/bin/sh
# chromium.sh: a headless Chromium loads a page with 100 resources from `hawser serve --dev-cert`
# and writes into the page by which protocol each came: all of them, and the page, by h3.
#
#   HAWSER     the program under test
#   CHROMIUM   the browser; chromium if unset
# Exit code 0: passed. 77: skipped, with the reason. Anything else: failed.
set -u
: "${HAWSER:?the program hawser}"
browser=${CHROMIUM:-chromium}
resources=100

if ! command -v "$browser" >/dev/null; then
  echo "skipped: no $browser (package chromium)"
  exit 77
fi
work=$(mktemp -d)
server=
clean_up() {
  [ -z "$server" ] || kill "$server" 2>/dev/null
  wait 2>/dev/null
}
fail() {
  echo "FAILED: $*"
  clean_up
  echo "logs are in $work"
  exit 1
}
trap 'clean_up; exit 130' INT TERM

write_page() {
  mkdir "$work/site"
  page=$work/site/index.html
  echo '<!doctype html><title>interop</title><pre id="out">nothing ran</pre>' >"$page"
  for i in $(seq 1 $resources); do
    echo "window.loaded = (window.loaded || 0) + 1;" >"$work/site/part$i.js"
    echo "<script src=\"part$i.js\"></script>" >>"$page"
  done
  cat >>"$page" <<'HTML'
<script>
addEventListener('load', function () {
  function protocol(entry) { return entry.nextHopProtocol; }
  var parts = performance.getEntriesByType('resource').filter(function (entry) { return entry.name.endsWith('.js'); });
  var page = performance.getEntriesByType('navigation').map(protocol);
  document.getElementById('out').textContent = 'loaded=' + loaded + ' page=' + page +
    ' h3=' + parts.map(protocol).filter(function (name) { return name === 'h3'; }).length;
});
</script>
HTML
}

start_server() {
  XDG_DATA_HOME=$work/data HOME=$work "$HAWSER" serve 127.0.0.1:0 --root "$work/site" --dev-cert --qlog "$work/qlog" \
    --access-log off --grace 0 >"$work/server.log" 2>&1 &
  server=$!
  tries=0
  until grep -q 'https://127.0.0.1:[0-9]*/' "$work/server.log"; do
    kill -0 "$server" 2>/dev/null || fail "the server ended: $(cat "$work/server.log")"
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || fail "the server does not listen"
    sleep 0.1
  done
  port=$(sed -n 's|.*https://127.0.0.1:\([0-9]*\)/.*|\1|p' "$work/server.log" | head -n 1)
}

# The hash that the server prints for people to paste.
spki_hash() { grep -o 'ignore-certificate-errors-spki-list=[A-Za-z0-9+/=]*' "$work/server.log" | head -n 1 | cut -d= -f2-; }

mkdir "$work/qlog"
write_page
start_server
hash=$(spki_hash)
[ -n "$hash" ] || fail "the server prints no hash of its key: $(cat "$work/server.log")"
HOME=$work timeout 90 "$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$work/profile" --no-first-run \
  --disable-background-networking --disable-component-update --disable-sync --timeout=60000 \
  --origin-to-force-quic-on="127.0.0.1:$port" --ignore-certificate-errors-spki-list="$hash" \
  --dump-dom "https://127.0.0.1:$port/" >"$work/dom.html" 2>"$work/browser.log"
status=$?
[ "$status" -eq 0 ] || fail "$browser ended with status $status: $(tail -n 3 "$work/browser.log")"
grep -q "loaded=$resources page=h3 h3=$resources<" "$work/dom.html" ||
  fail "the page says: $(sed -n 's|.*<pre id="out">\(.*\)</pre>.*|\1|p' "$work/dom.html") $(tail -n 2 "$work/browser.log")"
clean_up
"$browser" --version 2>/dev/null
rm -rf "$work"
echo "passed: the page and its $resources resources came by h3"
