#!/bin/bash
# bonding.sh HAWSER LAB aggregation|failover: one bulk stream over two links of hawser-lab, by hawser and by the
# kernel's MPTCP in the same run; prints the tables of docs/multipath.md. Needs root and python3.
#   aggregation   each link alone and both, goodput at the receiver: medians of RUNS
#   failover      the first link is cut (its interface goes down, or the network falls silent) and comes back:
#                 the longest time without octets in order at the receiver, and until the link carries data again
# RUNS, PAIRS (0 1 2), SECONDS_EACH and SCHEDULER can be set. RESULTS=FILE keeps what was measured and adds to what is
# there: so a long series can be made in pieces.
set -u
hawser=$(realpath "$1") lab_program=$(realpath "$2") what=$3
runs=${RUNS:-5} seconds=${SECONDS_EACH:-6}
work=$(mktemp -d)
results=${RESULTS:-$work/results}
name=hawser-bonding-$$

# Queues of one bandwidth-delay product, and the controller for both programs: CUBIC gives up a link with 1 % loss.
links[0]='rate=100mbit,delay=5ms,queue=100p rate=100mbit,delay=5ms,queue=100p' controllers[0]=cubic
links[1]='rate=100mbit,delay=5ms,queue=100p rate=100mbit,delay=25ms,queue=430p' controllers[1]=cubic
links[2]='rate=50mbit,delay=10ms,queue=90p rate=20mbit,delay=40ms,loss=1%,queue=140p' controllers[2]=bbr
export names_0='100 + 100 Mbit/s, RTT 10 and 10 ms' names_1='100 + 100 Mbit/s, RTT 10 and 50 ms'
export names_2='50 + 20 Mbit/s, RTT 20 and 80 ms, 1 % loss on the second'

stop_servers() {
  # shellcheck disable=SC2046 # process ids
  [ ! -e "$work/pids" ] || kill $(cat "$work/pids") 2>/dev/null
  rm -f "$work/pids"
  wait
}

clean_up() {
  stop_servers
  "$lab_program" down "$name" >/dev/null 2>&1
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

on() {
  local host=$1
  shift
  "$lab_program" exec "$name" "$host" "$@"
}

# Sender and receiver of the MPTCP flow; the receiver reads hawser's octets from its standard input, too. It prints
# goodput in Mbit/s, the longest gap in ms from the cut to the return, and the time from there until the first link
# carries data again.
cat >"$work/flow.py" <<'END_OF_PYTHON'
import os, socket, subprocess, sys, threading, time
kMptcp = 262
mode, controller = sys.argv[1], sys.argv[2].encode()
if mode == "send":
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, kMptcp)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, controller)
    listener.bind(("10.77.0.2", 5201))
    listener.listen()
    # A flow whose receiver has gone may be heard of no more for a minute, and must not keep the next one waiting.
    def feed(peer):
        try:
            while True: peer.send(bytes(1 << 16))
        except OSError: peer.close()
    while True: threading.Thread(target=feed, args=[listener.accept()[0]], daemon=True).start()
seconds, source, cut, back = float(sys.argv[3]), sys.argv[4], sys.argv[5], sys.argv[6]

def first_link():
    for line in open("/proc/net/dev"):
        if line.strip().startswith("wifi:"): return int(line.split()[1])

begin = time.time()
if source == "-":
    def read(): return os.read(0, 1 << 18)
else:
    flow = socket.socket(socket.AF_INET, socket.SOCK_STREAM, kMptcp)
    flow.bind((source, 0))
    flow.connect(("10.77.0.2", 5201))
    flow.settimeout(0.2)
    def read():
        try: return flow.recv(1 << 18)
        except TimeoutError: return b""
if not cut:
    octets = 0
    while time.time() < begin + seconds: octets += len(read())
    print(f"{octets * 8 / (time.time() - begin) / 1e6:.2f}")
    sys.exit()

# In thirds: both links, one, both. Another process cuts, so that the gap is not its start.
third = seconds / 3
steps = subprocess.Popen(["sh", "-c", f"sleep {third}; {cut}; sleep {third}; {back}"])
back_at = begin + 2 * third
latest, gap, base, used = None, 0.0, None, None
while time.time() < begin + seconds:
    got = len(read())
    now = time.time()
    if got == 0: continue
    if latest and begin + third <= now and latest < back_at: gap = max(gap, now - latest)
    latest = now
    if now < back_at - 0.05: continue
    if base is None: base = first_link()
    # More than probes: some datagrams of data.
    if used is None and first_link() - base > 20000: used = now
steps.wait()
print(f"{1000 * gap:.0f} {1000 * (used - back_at) if used else -1:.0f}")
END_OF_PYTHON

two_links() {
  "$lab_program" up "$name" --link "name=wifi,$1" --link "name=lte,$2" >"$work/lab.log" 2>&1 || {
    cat "$work/lab.log"
    exit 1
  }
  # The server's one address is reached over both links, and answers go back the way the question came.
  on client ip route replace 10.77.0.2/32 dev wifi src 10.77.0.1 metric 10
  on client ip route add 10.77.0.2/32 dev lte src 10.77.1.1 metric 20
  on server ip route add default dev lte table 200
  on server ip rule add to 10.77.1.1 table 200 pref 10
  on client ip mptcp limits set subflow 2
  on server ip mptcp limits set subflow 2
}

serve() {
  # shellcheck disable=SC2016 # the words of the inner shell
  on server sh -c 'echo $$ >>"$0"; exec "$@"' "$work/pids" "$@" >>"$work/server.log" 2>&1 &
}

# mptcp ADDRESS SECONDS CONTROLLER [CUT BACK]: endpoints say whether there is a second flow.
mptcp() {
  on client ip mptcp endpoint flush
  [ "$1" != both ] || on client ip mptcp endpoint add 10.77.1.1 dev lte subflow
  local source=10.77.0.1
  [ "$1" != lte ] || source=10.77.1.1
  on client python3 "$work/flow.py" receive "$3" "$2" "$source" "${4-}" "${5-}"
}

# hawser_perf PATHS CONTROLLER
hawser_perf() {
  on client "$hawser" perf client 10.77.0.2:4433 -k --download 0 --duration "$seconds" --cc "$2" --paths "$1" --json \
    2>"$work/client.log" | python3 -c 'import json, sys; print("%.2f" % (json.load(sys.stdin)["goodput_bps"] / 1e6))'
}

aggregation_round() {
  local pair=$1 cc=$2
  serve "$hawser" perf server 10.77.0.2:4433 --cc "$cc" --scheduler "${SCHEDULER:-min-rtt}"
  serve python3 "$work/flow.py" send "$cc"
  sleep 0.7
  echo "$what $pair hawser $(hawser_perf wifi "$cc") $(hawser_perf lte "$cc") $(hawser_perf wifi,lte "$cc")" >>"$results"
  echo "$what $pair MPTCP $(mptcp wifi "$seconds" "$cc") $(mptcp lte "$seconds" "$cc") $(mptcp both "$seconds" "$cc")" >>"$results"
}

failover_round() {
  local pair=$1 cc=$2 how cut back
  # More than fits into the time.
  mkdir -p "$work/site"
  truncate -s 1G "$work/site/large"
  serve "$hawser" serve 10.77.0.2:4433 --root "$work/site" --dev-cert --access-log off --cc "$cc" \
    --scheduler "${SCHEDULER:-min-rtt}"
  serve python3 "$work/flow.py" send "$cc"
  sleep 0.7
  for how in down silent; do
    if [ $how = down ]; then
      cut="ip link set wifi down"
      back="ip link set wifi up; ip route replace 10.77.0.2/32 dev wifi src 10.77.0.1 metric 10"
    else
      cut="$lab_program set --name $name wifi down"
      back="$lab_program set --name $name wifi up"
    fi
    # shellcheck disable=SC2016 # the words of the inner shell
    echo "$what $pair hawser $how $(on client sh -c '"$0" get -k -sS --paths wifi,lte -o - https://10.77.0.2:4433/large |
      python3 "$1" receive - "$2" - "$3" "$4"' "$hawser" "$work/flow.py" "$seconds" "$cut" "$back" 2>"$work/client.log")" >>"$results"
    echo "$what $pair MPTCP $how $(mptcp both "$seconds" "$cc" "$cut" "$back")" >>"$results"
  done
}

for ((run = 0; run < runs; ++run)); do
  for pair in ${PAIRS:-0 1 2}; do
    # shellcheck disable=SC2086 # two links
    two_links ${links[$pair]}
    "${what}_round" "$pair" "${controllers[$pair]}"
    stop_servers
    "$lab_program" down "$name" >/dev/null 2>&1
  done
done

python3 - "$results" "$what" <<'END_OF_PYTHON'
import os, statistics, sys
rows = {}
for line in open(sys.argv[1]):
    words = line.split()
    if words[0] != sys.argv[2]: continue
    if len(words) != 6:
        print("failed:", line.strip(), file=sys.stderr)
        continue
    key = tuple(words[1:3] if sys.argv[2] == "aggregation" else words[1:4])
    rows.setdefault(key, []).append([float(word) for word in words[1 + len(key):]])
if sys.argv[2] == "aggregation":
    print("| links | program | each alone, Mbit/s | both, Mbit/s | of the sum | runs |")
    print("|---|---|---:|---:|---:|---:|")
    for (pair, program), runs in sorted(rows.items()):
        first, second, both = (statistics.median(run[i] for run in runs) for i in range(3))
        print(f"| {os.environ['names_' + pair]} | {program} | {first:.1f}, {second:.1f} | {both:.1f} | "
              f"{100 * both / (first + second):.1f} % | {len(runs)} |")
else:
    print("| links | the first one | program | longest gap, ms: median, worst | back in use after, ms: median, worst | runs |")
    print("|---|---|---|---:|---:|---:|")
    for (pair, how, program), runs in sorted(((k[0], k[2], k[1]), r) for k, r in rows.items()):
        gaps, backs = [run[0] for run in runs], [run[1] if run[1] >= 0 else float("inf") for run in runs]
        print(f"| {os.environ['names_' + pair]} | {how} | {program} | {statistics.median(gaps):.0f}, {max(gaps):.0f} | "
              f"{statistics.median(backs):.0f}, {max(backs):.0f} | {len(runs)} |")
END_OF_PYTHON
