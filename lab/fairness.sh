#!/bin/bash
# fairness.sh HAWSER LAB: one flow of hawser beside one of the kernel's TCP over a link of hawser-lab, for each
# pair of controllers; prints the table of docs/congestion.md. Needs root. LINK, SECONDS_EACH, OURS and KERNELS
# can be set.
set -eu
hawser=$(realpath "$1") lab=$(realpath "$2")
link=${LINK:-rate=20mbit,delay=20ms,queue=100kb}
export SECONDS_EACH=${SECONDS_EACH:-12} HAWSER_BIN=$hawser FOLDER
FOLDER=$(mktemp -d)
trap 'rm -rf "$FOLDER"' EXIT

# Both flows go from the client to the server, for as long as each other, so that the shares compare.
cat >"$FOLDER/tcp.py" <<'END_OF_PYTHON'
import os, socket, sys, time
mode, address, port, controller, seconds = sys.argv[1], sys.argv[2], 5201, sys.argv[3].encode(), float(sys.argv[4])
if mode == "sink":
    listener = socket.create_server((address, port))
    peer, _ = listener.accept()
    begin, octets = time.time(), 0
    try:
        while data := peer.recv(1 << 18): octets += len(data)
    except ConnectionResetError: pass  # how the sender ends, rather than wait for what it has queued
    print(f"{octets * 8 / (time.time() - begin) / 1e6:.2f}", flush=True)
else:
    sender = socket.socket()
    sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, controller)
    sender.connect((address, port))
    sender.settimeout(0.2)
    end, block = time.time() + seconds, bytes(1 << 16)
    while time.time() < end:
        try: sender.send(block)
        except TimeoutError: pass
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    sender.close()
END_OF_PYTHON

cat >"$FOLDER/server.sh" <<'END_OF_SCRIPT'
"$HAWSER_BIN" perf server "$HAWSER_LAB_SERVER:4433" >/dev/null 2>&1 &
exec python3 "$FOLDER/tcp.py" sink "$HAWSER_LAB_SERVER" - 0 >"$FOLDER/tcp" 2>/dev/null
END_OF_SCRIPT
cat >"$FOLDER/client.sh" <<'END_OF_SCRIPT'
python3 "$FOLDER/tcp.py" send "$HAWSER_LAB_SERVER" "$KERNEL" "$SECONDS_EACH" &
"$HAWSER_BIN" perf client "$HAWSER_LAB_SERVER:4433" -k --upload 0 --duration "$SECONDS_EACH" --cc "$OURS_NOW" --json >"$FOLDER/quic"
wait
sleep 0.5
END_OF_SCRIPT

echo "| hawser | kernel TCP | hawser, Mbit/s | TCP, Mbit/s | hawser's share |"
echo "|---|---|---:|---:|---:|"
for ours in ${OURS:-cubic bbr newreno copa}; do
  for kernel in ${KERNELS:-cubic bbr}; do
    export OURS_NOW=$ours KERNEL=$kernel
    "$lab" run --link "$link" --server "bash $FOLDER/server.sh" --client "bash $FOLDER/client.sh" >/dev/null 2>&1 || true
    python3 - "$ours" "$kernel" "$FOLDER" <<'END_OF_PYTHON'
import json, sys
ours, kernel, folder = sys.argv[1:]
quic = json.load(open(folder + "/quic"))
mbit = quic["goodput_bps"] / 1e6
tcp = float(open(folder + "/tcp").read() or 0)
print(f"| `{ours}` | {kernel} | {mbit:.1f} | {tcp:.1f} | {100 * mbit / max(mbit + tcp, 1e-9):.0f} % |", flush=True)
END_OF_PYTHON
  done
done
