#!/usr/bin/env python3
"""Measures the gateway beside other proxies, on loopback, with the same client and the same destination.

See README.md. Prints one line of JSON for each peer and scenario: medians over the repeats.
"""

import argparse
import json
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import peers

ORIGIN = "127.0.0.1:28080"
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PATIENCE_SECONDS = 120


def cpu_seconds(pid):
    """What a process and its children have used so far."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    used = sum(map(int, fields[11:15])) / TICKS_PER_SECOND
    with open(f"/proc/{pid}/task/{pid}/children") as children:
        return used + sum(map(cpu_seconds, children.read().split()))


def memory_kib(pid):
    """The memory that is a process's own share, without what the kernel has for its sockets."""
    with open(f"/proc/{pid}/smaps_rollup") as rollup:
        return next(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def wait_for(port, process):
    """Waits until somebody listens on `port`."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.05)
    sys.exit(f"nobody listens on port {port}")


class Bench:
    """The load generator, the destination that it serves, and what they are told."""

    def __init__(self, load, leases):
        self.load, self.leases = load, leases
        self.origin = subprocess.Popen([load, "origin", ORIGIN])
        wait_for(int(ORIGIN.rsplit(":", 1)[1]), self.origin)

    def command(self, work, peer, through, **options):
        port = peer.socks_port if through == "socks5" else peer.port
        options |= {"through": through, "proxy": f"127.0.0.1:{port}", "origin": ORIGIN}
        options |= {"leases": 1 if peer.name == "microsocks" else self.leases}
        if peer.known:
            options |= {"known": peer.known}
        return [self.load, work, *(f"{key}={value}" for key, value in options.items())]

    def run(self, work, peer, through, **options):
        """What the client says of its work, and the CPU that the peer used for it."""
        command = self.command(work, peer, through, **options)
        before = cpu_seconds(peer.pid)
        done = subprocess.run(command, stdout=subprocess.PIPE, timeout=PATIENCE_SECONDS)
        # Connections are still being closed for a moment.
        time.sleep(0.15)
        used = cpu_seconds(peer.pid) - before
        if done.returncode != 0:
            sys.exit(f"{peer.name}: {' '.join(command)} failed")
        said = json.loads(done.stdout)
        if said["failed"]:
            print(f"{peer.name}: {said['failed']} failed in {work}", file=sys.stderr)
        return said | {"cpu_seconds": used}


def bulk(bench, peer, through, options, streams):
    said = bench.run("bulk", peer, through, total=int(options.gb * 1e9), at_once=streams)
    gigabytes = said["bytes"] / 1e9
    return {
        "cpu_seconds_per_gb": said["cpu_seconds"] / gigabytes,
        "gb_per_second": gigabytes / said["micros"] * 1e6,
    }


def many(said):
    return {
        "cpu_ms_per_1k": said["cpu_seconds"] * 1e6 / max(1, said["done"]),
        "per_second": said["done"] / said["micros"] * 1e6,
        "p50_ms": said["p50_micros"] / 1e3,
        "p99_ms": said["p99_micros"] / 1e3,
        "failed": said["failed"],
    }


def connections(bench, peer, through, options):
    found = many(
        bench.run("connections", peer, through, total=options.connections, at_once=32)
    )
    # At a low rate, what a connection takes is what the peer adds, and not what it waits for.
    paced = bench.run(
        "connections", peer, through, total=options.rate * 3, per_second=options.rate
    )
    return found | {"paced_p50_ms": paced["p50_micros"] / 1e3}


def requests(bench, peer, through, options):
    return many(bench.run("requests", peer, through, total=options.requests, at_once=32))


def idle(bench, peer, through, options):
    memory, files = memory_kib(peer.pid), descriptors(peer.pid)
    command = bench.command("idle", peer, through, total=options.tunnels)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
        held = max(1, json.loads(client.stdout.readline())["done"])
        time.sleep(1.5)
        found = {
            "tunnels": held,
            "kib_per_tunnel": (memory_kib(peer.pid) - memory) / held,
            "descriptors_per_tunnel": (descriptors(peer.pid) - files) / held,
        }
        client.communicate(b"\n")
    return found


# What is measured, with which work, and over which of the ways that a peer knows.
SCENARIOS = {
    "A1": (lambda *given: bulk(*given, 1), ("direct", "forward", "connect")),
    "A16": (lambda *given: bulk(*given, 16), ("direct", "forward", "connect")),
    "B": (connections, ("direct", "forward", "connect")),
    "C": (connections, ("socks5",)),
    "D": (requests, ("direct", "http")),
    "E": (idle, ("direct", "forward", "connect")),
}


def medians(rows):
    return {key: round(statistics.median(row[key] for row in rows), 3) for key in rows[0]}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binaries", required=True, help="the folder with `load` and `peer`")
    everybody = [name for name in peers.ALL if name != "sublet-serve"]
    parser.add_argument("--peers", default=",".join(everybody))
    parser.add_argument("--scenarios", default=",".join(SCENARIOS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--leases", type=int, default=64)
    parser.add_argument("--gb", type=float, default=2.0)
    parser.add_argument("--connections", type=int, default=4000)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--requests", type=int, default=30000)
    parser.add_argument("--tunnels", type=int, default=5000)
    parser.add_argument("--program", help="the program itself, for sublet-serve")
    options = parser.parse_args()
    options.wait_for = wait_for

    # A tunnel takes two descriptors, here and in every peer.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    # Where some have what the system starts by itself.
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    bench = Bench(os.path.join(options.binaries, "load"), options.leases)
    folder = tempfile.mkdtemp(prefix="gateway-bench.")
    try:
        for name in options.peers.split(","):
            program = peers.ALL[name].program
            if program and not shutil.which(program):
                print(f"{name} is left out: there is no {program} here", file=sys.stderr)
                continue
            for scenario in options.scenarios.split(","):
                measure, ways = SCENARIOS[scenario]
                kind = peers.ALL[name]
                through = next((way for way in ways if way in kind.ways), None)
                if through is None:
                    continue
                rows = []
                for _ in range(options.repeats):
                    # Each time a new one: what an earlier scenario left behind is no part of this.
                    with kind(folder, ORIGIN, options) as peer:
                        wait_for(peer.port, peer.process)
                        rows.append(measure(bench, peer, through, options))
                line = {"scenario": scenario, "peer": name, "through": through}
                print(json.dumps(line | medians(rows)), flush=True)
    finally:
        bench.origin.kill()
        bench.origin.wait()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
