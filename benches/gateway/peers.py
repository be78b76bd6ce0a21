"""The proxies that are measured: how each is set up and started."""

import os
import resource
import subprocess

# HAProxy does not start with more than it has descriptors for: two each, and some for pipes.
CONNECTIONS_MAX = min(20_000, (resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 2_000) // 2)


class Peer:
    """A proxy that runs until the end of the `with` block."""

    name = ""
    # The ways over which a client can go through it; see `load`.
    ways = ()
    port = 0
    socks_port = 0

    def __init__(self, folder, origin, options):
        self.folder, self.origin, self.options = folder, origin, options

    def command(self):
        raise NotImplementedError

    def __enter__(self):
        self.process = subprocess.Popen(self.command(), stdout=subprocess.DEVNULL)
        self.pid = self.process.pid
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


class Direct(Peer):
    """No proxy: what the client and the destination take by themselves."""

    name = "direct"
    ways = ("direct",)

    def __init__(self, folder, origin, options):
        super().__init__(folder, origin, options)
        self.port = int(origin.rsplit(":", 1)[1])

    def command(self):
        return ["sleep", "infinity"]


class Sublet(Peer):
    name = "sublet"
    ways = ("connect", "socks5", "http")
    port, socks_port = 28111, 28112

    def command(self):
        peer = os.path.join(self.options.binaries, "peer")
        return [peer, str(self.port), str(self.socks_port), str(self.options.leases)]


class SubletLimited(Sublet):
    """With limits that no lease reaches, so that what they cost is measured."""

    name = "sublet-limited"

    def command(self):
        return [*super().command(), "limited"]


class HaproxyTcp(Peer):
    """Passes bytes on to one destination: no protocol, no login, no lease."""

    name = "haproxy-tcp"
    ways = ("forward",)
    port = 28101
    extra_global = ""
    extra_defaults = ""

    def configuration(self):
        return f"""
global
  nbthread 2
  maxconn {CONNECTIONS_MAX}
  {self.extra_global}
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  {self.extra_defaults}
listen everything
  bind 127.0.0.1:{self.port}
  server origin {self.origin}
"""

    def command(self):
        path = os.path.join(self.folder, self.name)
        with open(path, "w") as file:
            file.write(self.configuration())
        return ["haproxy", "-db", "-q", "-f", path]


class HaproxySplice(HaproxyTcp):
    """The same through pipes in the kernel."""

    name = "haproxy-splice"
    port = 28102
    extra_global = "maxpipes 500\n  tune.pipesize 1048576"
    extra_defaults = "option splice-request\n  option splice-response"


class HaproxyHttp(HaproxyTcp):
    """A forward proxy for requests with absolute URIs: a login for each lease, and its exit."""

    name = "haproxy-http"
    ways = ("http",)
    port = 28104

    def configuration(self):
        numbers = range(self.options.leases)
        users = "\n".join(f"  user u{i:06} insecure-password p{i:06}" for i in numbers)
        exits = "\n".join(
            f"backend exit_u{i:06}\n  server any 0.0.0.0:0 source 127.20.{i // 250}.{i % 250 + 1}"
            for i in numbers
        )
        return f"""
global
  nbthread 2
  maxconn {CONNECTIONS_MAX}
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  http-reuse safe
userlist customers
{users}
frontend proxy
  bind 127.0.0.1:{self.port}
  option http-use-proxy-header
  http-request auth unless {{ http_auth(customers) }}
  http-request set-var(txn.login) req.hdr(Proxy-Authorization),word(2,' '),b64dec,field(1,:)
  http-request set-dst url_ip
  http-request set-dst-port url_port
  http-request del-header Proxy-Authorization
  http-request set-uri %[path]
  use_backend exit_%[var(txn.login)]
{exits}
"""


ALL = {
    kind.name: kind
    for kind in (Direct, Sublet, SubletLimited, HaproxyTcp, HaproxySplice, HaproxyHttp)
}
