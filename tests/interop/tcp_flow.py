"""A bulk flow of the kernel's TCP with a congestion controller of its own choice, for the case crosstraffic:

    tcp_flow.py send ADDRESS PORT CONTROLLER    sends to whoever connects, until that one leaves
    tcp_flow.py sink ADDRESS PORT               reads until it is ended

The controller is set on the socket: a network namespace may not have the one wanted as its default, since only
those of tcp_allowed_congestion_control may be written there.
"""

import socket
import sys

mode, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
if mode == "send":
    listener = socket.create_server((address, port))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, sys.argv[4].encode())
    peer, _ = listener.accept()
    block = bytes(1 << 16)
    try:
        while True:
            peer.sendall(block)
    except OSError:
        pass
else:
    sink = socket.create_connection((address, port))
    while sink.recv(1 << 18):
        pass
