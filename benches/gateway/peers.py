"""The proxies that are measured: how each is set up and started."""

import hashlib
import json
import os
import pwd
import resource
import shutil
import subprocess
import urllib.request

# HAProxy does not start with more than it has descriptors for: two each, and some for pipes.
CONNECTIONS_MAX = min(20_000, (resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 2_000) // 2)


class Peer:
    """A proxy that runs until the end of the `with` block."""

    name = ""
    # What it needs besides what is built here.
    program = None
    # The ways over which a client can go through it; see `load`.
    ways = ()
    port = 0
    socks_port = 0
    # Where its leases are told, if they are not those that everybody has.
    known = None

    def __init__(self, folder, origin, options):
        self.folder, self.origin, self.options = folder, origin, options

    def command(self):
        raise NotImplementedError

    def path(self, name):
        return os.path.join(self.folder, f"{self.name}.{name}")

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        os.chmod(self.path(name), 0o644)
        return self.path(name)

    def __enter__(self):
        silent = subprocess.DEVNULL
        self.process = subprocess.Popen(self.command(), stdout=silent, stderr=silent)
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


class SubletServe(Peer):
    """The program itself: a shop whose customer has rented so many addresses."""

    name = "sublet-serve"
    ways = ("connect", "socks5", "http")
    port = socks_port = 28115
    api = "127.0.0.1:28117"

    catalogue = f"""
[gateways.main]
host = "127.0.0.1"
http_port = {port}
socks_port = 28116
shared_ports = [28200, 28299]
[kinds.IPv4]
periods = [30]
quantity = [1, 10000]
limits = {{ connections = 0, new_connections_per_second = 0 }}
[[products]]
kind = "IPv4"
country = "USA"
per_day.USD = "0.01"
"""

    def run(self, *words):
        program = [self.options.program, "--database", f"sqlite:{self.path('db')}", "--json"]
        return json.loads(subprocess.check_output([*program, *words]) or b"{}")

    def call(self, key, call, body=None):
        url = f"http://{self.api}/client/api/v1/{key}/{call}"
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(url, body and json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def proxyseller(self, key, call, body=None):
        url = f"http://{self.api}/personal/api/v2/{key}/{call}"
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(url, body and json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)["data"]

    def command(self):
        if not os.path.exists(self.path("db")):
            self.run("init", "--sandbox")
            self.run("catalogue", "apply", self.write("toml", self.catalogue), "--yes")
            self.run("stock", "add", "--kind", "IPv4", "--country", "USA", "--cidr", self.stock())
        database = ["--database", f"sqlite:{self.path('db')}"]
        return [self.options.program, *database, "serve", "--listen", self.api]

    def stock(self):
        return "127.20.0.0/14" if self.options.leases <= 200_000 else "127.32.0.0/12"

    def __enter__(self):
        super().__enter__()
        if self.options.wait_for(int(self.api.rsplit(":", 1)[1]), self.process):
            self.rent()
        return self

    def rent(self):
        """Rents what is missing, and says where the client finds it."""
        self.known = self.path("leases")
        if os.path.exists(self.known):
            return
        key = self.customer()
        left = self.options.leases
        while left > 0:
            self.order(key, min(left, 10_000))
            left -= min(left, 10_000)
        self.write_leases(key)

    def customer(self):
        """The key of a new customer, who has money."""
        customer = str(self.run("customer", "create", "--name", "bench")["customer_id"])
        self.run("wallet", "deposit", "--customer", customer, "--amount", "1000000.00")
        return self.run("key", "create", "--customer", customer)["api_key"]

    def order(self, key, quantity):
        order = {"proxyType": "IPv4", "authType": "LOGIN", "goal": "bench", "country": "USA"}
        order |= {"quantity": quantity, "rentPeriodDays": 30}
        answer = self.call(key, "order", order)
        assert answer["success"], answer

    def write_leases(self, key):
        orders = self.call(key, "ipAddress?proxyType=IPv4")["IPv4"]
        leases = [lease for order in orders for lease in order["ipAddresses"]]
        self.write(
            "leases",
            "".join(
                f"{it['ipAddressIp']}:{self.port} {it['authInfo']['login']} {it['authInfo']['password']}\n"
                for it in leases
            ),
        )


class HaproxyTcp(Peer):
    """Passes bytes on to one destination: no protocol, no login, no lease."""

    name = "haproxy-tcp"
    program = "haproxy"
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
        return ["haproxy", "-db", "-q", "-f", self.write("conf", self.configuration())]


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


class Squid(Peer):
    """A login for each lease, and its exit by a rule for each."""

    name = "squid"
    program = "squid"
    ways = ("connect", "http")
    port = 28105

    def command(self):
        for user in ("proxy", "squid", "nobody"):
            try:
                shutil.chown(self.folder, user)
                break
            except LookupError:
                continue
        numbers = range(self.options.leases)
        hashed = (hashlib.md5(f"p{i:06}".encode()).hexdigest() for i in numbers)
        logins = self.write("logins", "".join(f"u{i:06}:{it}\n" for i, it in enumerate(hashed)))
        rules = "\n".join(
            f"acl l{i} proxy_auth u{i:06}\ntcp_outgoing_address 127.20.{i // 250}.{i % 250 + 1} l{i}"
            for i in numbers
        )
        configuration = f"""
http_port {self.port}
auth_param basic program /usr/lib/squid/basic_ncsa_auth {logins}
auth_param basic children 2 startup=2
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
{rules}
cache deny all
access_log none
cache_store_log none
cache_log {self.path("log")}
pid_filename {self.path("pid")}
coredump_dir {self.folder}
cache_effective_user {user}
via off
forwarded_for delete
max_filedescriptors {CONNECTIONS_MAX}
visible_hostname bench
shutdown_lifetime 0 seconds
pinger_enable off
"""
        return ["squid", "-N", "-n", "bench", "-f", self.write("conf", configuration)]


class Tinyproxy(Peer):
    """One list of logins for all; the exit is the address that was connected to."""

    name = "tinyproxy"
    program = "tinyproxy"
    ways = ("connect", "http")
    port = 28106

    def command(self):
        logins = "".join(
            f"BasicAuth u{i:06} p{i:06}\n" for i in range(self.options.leases)
        )
        head = f"Port {self.port}\nListen 0.0.0.0\nTimeout 3600\nMaxClients 15000\n"
        tail = "LogLevel Critical\nDisableViaHeader Yes\nBindSame yes\n"
        return ["tinyproxy", "-d", "-c", self.write("conf", head + tail + logins)]


class Dante(Peer):
    """The exit is the address that was connected to. It takes logins from the system or from PAM
    alone, which a measurement leaves as they are: here it asks for none."""

    name = "dante"
    program = "danted"
    ways = ("socks5",)
    socks_port = port = 28113

    def command(self):
        exits = [f"127.20.{i // 250}.{i % 250 + 1}" for i in range(self.options.leases)]
        # Without a login, the client goes to the address of each lease.
        self.known = self.write("leases", "".join(f"{ip}:{self.port} - -\n" for ip in exits))
        external = "\n".join(f"external: {ip}" for ip in exits)
        user = pwd.getpwuid(os.getuid()).pw_name
        configuration = f"""
logoutput: stderr
internal: 0.0.0.0 port = {self.port}
{external}
external.rotation: same-same
clientmethod: none
socksmethod: none
user.privileged: {user}
user.unprivileged: {user}
client pass {{
  from: 127.0.0.0/8 to: 0.0.0.0/0
}}
socks pass {{
  from: 127.0.0.0/8 to: 127.0.0.0/8
  command: connect
}}
"""
        return ["danted", "-p", self.path("pid"), "-f", self.write("conf", configuration)]


class Microsocks(Peer):
    """One login and one exit."""

    name = "microsocks"
    program = "microsocks"
    ways = ("socks5",)
    socks_port = port = 28114

    def command(self):
        login = ["-u", "u000000", "-P", "p000000", "-b", "127.20.0.1"]
        return ["microsocks", "-i", "0.0.0.0", "-p", str(self.port), *login]


ALL = {
    kind.name: kind
    for kind in (
        Direct,
        Sublet,
        SubletLimited,
        SubletServe,
        HaproxyTcp,
        HaproxySplice,
        HaproxyHttp,
        Squid,
        Tinyproxy,
        Dante,
        Microsocks,
    )
}
