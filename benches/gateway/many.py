#!/usr/bin/env python3
"""Measures the program itself with very many leases: how soon it serves them after its start, how
soon a change is in force, and what replacing all of them costs.

See README.md. Prints one line of JSON.
"""

import argparse
import base64
import copy
import json
import os
import resource
import shutil
import socket
import statistics
import tempfile
import time

import peers
from bench import ORIGIN, cpu_seconds, wait_for

CHANGES = 20
# The port for SOCKS5 after everything was replaced.
MOVED = 28118


class Lease:
    """A lease as its customer knows it."""

    def __init__(self, address, login, password):
        host, port = address.rsplit(":", 1)
        self.address = (host, int(port))
        pair = base64.b64encode(f"{login}:{password}".encode()).decode()
        self.known = f"Proxy-Authorization: Basic {pair}"

    def is_served(self):
        """Whether its login is taken: what it asks for is closed, which others are not told."""
        head = f"CONNECT 127.0.0.1:25 HTTP/1.1\r\nHost: 127.0.0.1:25\r\n{self.known}\r\n\r\n"
        try:
            with socket.create_connection(self.address, timeout=5) as stream:
                stream.sendall(head.encode())
                return b" 407 " not in stream.recv(1024).split(b"\r\n")[0] + b" "
        except OSError:
            return False


def until(is_so, patience=120):
    """How long it takes until something is so."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < patience, "it never is"
        time.sleep(0.001)
    return time.monotonic() - began


def memory_kib(pid):
    """The memory that a process has for itself: pages of the books' file, which it looks at through
    the system's cache for a while, are not in it."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon:"))


def idle_cpu(pid):
    """Waits until a process has no more to do, and gives what it has used."""
    used = cpu_seconds(pid)
    while True:
        time.sleep(0.5)
        now = cpu_seconds(pid)
        if now - used <= 0.02:
            return now
        used = now


def start(peer):
    """Starts the server, which has rented everything, for the first login at it."""
    with open(peer.known) as known:
        lines = known.read().splitlines()
    lease = Lease(*lines[-1].split(" "))
    began = time.monotonic()
    peers.Peer.__enter__(peer)
    until(lease.is_served)
    return lease, time.monotonic() - began


def changes(peer):
    """How soon leases that are bought work, and those whose login is switched off do not."""
    key = peer.customer()
    bought, revoked = [], []
    before = idle_cpu(peer.pid)
    for number in range(CHANGES):
        peer.order(key, 1)
        answered = time.monotonic()
        orders = peer.call(key, "ipAddress?proxyType=IPv4")["IPv4"]
        listed = [lease for order in orders for lease in order["ipAddresses"]]
        assert len(listed) == number + 1
        new = max(listed, key=lambda lease: lease["dateStart"])
        info = new["authInfo"]
        lease = Lease(f"{new['ipAddressIp']}:{peer.port}", info["login"], info["password"])
        until(lease.is_served)
        bought.append(time.monotonic() - answered)
        ways = peer.proxyseller(key, "auth/list")
        way = next(way for way in ways if way["login"] == info["login"])
        peer.proxyseller(key, "auth/change", {"id": way["id"], "active": False})
        answered = time.monotonic()
        until(lambda: not lease.is_served())
        revoked.append(time.monotonic() - answered)
        time.sleep(0.05)
    used = idle_cpu(peer.pid) - before
    return {
        "bought_ms": round(statistics.median(bought) * 1e3, 1),
        "revoked_ms": round(statistics.median(revoked) * 1e3, 1),
        "slowest_ms": round(max(bought + revoked) * 1e3, 1),
        # Two changes and the calls that make and find them.
        "cpu_ms_each": round(used / CHANGES * 1e3, 1),
    }


def replacement(peer, lease):
    """All leases once more, because the catalogue names another port for all of them."""
    before = idle_cpu(peer.pid)
    changed = peer.catalogue.replace("28116", str(MOVED))
    peer.run("catalogue", "apply", peer.write("toml", changed), "--yes")
    moved = copy.copy(lease)
    moved.address = (lease.address[0], MOVED)
    slowest, refused, quiet, used, in_force = 0, 0, 0, before, None
    peak = memory_kib(peer.pid)
    began = last = time.monotonic()
    while quiet < 20:
        asked = time.monotonic()
        refused += not lease.is_served()
        slowest = max(slowest, time.monotonic() - asked)
        if in_force is None and moved.is_served():
            in_force = time.monotonic() - began
        time.sleep(0.05)
        peak = max(peak, memory_kib(peer.pid))
        now = cpu_seconds(peer.pid)
        quiet = quiet + 1 if now - used <= 0.01 else 0
        if quiet == 0:
            last = time.monotonic()
        used = now
    assert in_force, "it never is"
    return {
        "replacement_s": round(in_force, 2),
        # What was before has been thrown away by then.
        "replacement_over_s": round(last - began, 2),
        "replacement_cpu_s": round(used - before, 2),
        "slowest_login_ms": round(slowest * 1e3, 1),
        "refused": refused,
        "peak_kib": peak,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True, help="the program itself")
    parser.add_argument("--leases", type=int, default=1_000_000)
    parser.add_argument("--folder", help="where the shop is, or is made")
    options = parser.parse_args()
    options.wait_for = wait_for
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    folder = options.folder or tempfile.mkdtemp(prefix="gateway-bench.")
    os.makedirs(folder, exist_ok=True)
    peer = peers.SubletServe(folder, ORIGIN, options)
    try:
        with peer:
            pass
        lease, first = start(peer)
        used, memory = cpu_seconds(peer.pid), memory_kib(peer.pid)
        found = {"leases": options.leases, "first_login_s": round(first, 2)}
        found |= {"cpu_s": round(used, 2), "kib": memory}
        found["bytes_each"] = round(memory * 1024 / options.leases)
        found |= changes(peer)
        found |= replacement(peer, lease)
        print(json.dumps(found))
    finally:
        peer.__exit__()
        if not options.folder:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
