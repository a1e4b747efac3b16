#!/bin/sh
# early.sh HAWSER HAWSER_LAB [VISITS]: how long after a client's first packet the first octet of its response comes, over
# a link of 100 Mbit/s and 50 ms one way: with 0-RTT, resumed without it, and on a first visit. Prints each
# visit in milliseconds, and the medians. Needs root, as the lab does. Run by ./dev bench early.
set -eu
hawser=$(realpath "$1") lab=$(realpath "$2") visits=${3:-20}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir site data
echo hello >site/a

cat >client.sh <<'CLIENT'
visit() { # [ARGUMENTS]
  "$hawser" get --cacert data/hawser/dev-cert.pem --resolve "localhost:4433:$HAWSER_LAB_SERVER" -sS -o out "$@" \
    -w '%{resumed} %{early_data} %{time_firstpacket} %{time_starttransfer}\n' https://localhost:4433/a
}
visit --session-file session --early-data >first
for i in $(seq "$visits"); do visit --session-file session --early-data; done >early
rm session
visit --session-file session >>first
for i in 1 2 3 4 5; do visit --session-file session; done >resumed
CLIENT
export hawser visits
XDG_DATA_HOME=$folder/data "$lab" run --link 'rate=100mbit,delay=50ms' \
  --server "\"$hawser\" serve \$HAWSER_LAB_SERVER:4433 --root site --dev-cert --early-data --access-log off" \
  --client 'sh client.sh' >lab.log 2>&1 || { cat lab.log >&2; exit 1; }

show() { # NAME FILE
  awk '{ printf "%s %s %.1f\n", $1, $2, ($4 - $3) * 1000 }' "$2" | sort -k3n >sorted
  awk -v name="$1" '{ all = all " " $3; times[NR] = $3; if ($2 == "accepted") accepted++ }
    END { printf "%s: median %.1f ms of %d, %d accepted:%s\n", name, (times[int((NR + 1) / 2)] + times[int(NR / 2) + 1]) / 2, NR, accepted, all }' sorted
}
show "0-RTT" early
show "resumed" resumed
show "first visit" first
