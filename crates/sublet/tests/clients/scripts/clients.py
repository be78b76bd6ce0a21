"""Python programs as customers write them: what each of them is told by the destination.

Argument: the facts, in JSON. Prints one line of JSON: by the name of a program, what it was told.
"""

import asyncio
import json
import ssl
import sys

import aiohttp
import aiohttp_socks
import dns.message
import dns.query
import httpx
import requests
import socks
import urllib3

FACTS = json.loads(sys.argv[1])
PAIR = f"{FACTS['login']}:{FACTS['password']}"
HOST, CA = FACTS["host"], FACTS["ca"]
HTTP_PROXY = f"http://{PAIR}@{HOST}:{FACTS['http']}"
PLAIN = f"http://127.0.0.1:{FACTS['targets']['http']}/"
SECURE = f"https://127.0.0.1:{FACTS['targets']['https']}/"
# Each library asks for other protocols inside it.
TLS, TLS_OF_HTTPX = ssl.create_default_context(cafile=CA), ssl.create_default_context(cafile=CA)
PATIENCE_SECONDS = 20

told = {}


def by_requests():
    for scheme, port in [("http", "http"), ("socks5", "socks"), ("socks5h", "socks")]:
        proxy = f"{scheme}://{PAIR}@{HOST}:{FACTS[port]}"
        with requests.Session() as session:
            session.trust_env = False
            session.proxies = {"http": proxy, "https": proxy}
            for name, url in [("http", PLAIN), ("https", SECURE)]:
                # Twice, so that a connection is used again.
                for _ in range(2):
                    answer = session.get(url, verify=CA, timeout=PATIENCE_SECONDS)
                    answer.raise_for_status()
                told[f"requests, {name} over {scheme}"] = answer.text
    wrong = HTTP_PROXY.replace(PAIR, FACTS["login"] + ":wrong")
    answer = requests.get(PLAIN, proxies={"http": wrong}, timeout=PATIENCE_SECONDS)
    assert answer.status_code == 407, answer.status_code
    try:
        requests.get(SECURE, proxies={"https": wrong}, verify=CA, timeout=PATIENCE_SECONDS)
        sys.exit("a wrong password was taken")
    except requests.exceptions.ProxyError as error:
        assert "407" in str(error), error


def by_httpx():
    for scheme, port in [("http", "http"), ("socks5", "socks")]:
        proxy = f"{scheme}://{PAIR}@{HOST}:{FACTS[port]}"
        with httpx.Client(
            http2=True, proxy=proxy, verify=TLS_OF_HTTPX, trust_env=False, timeout=PATIENCE_SECONDS
        ) as client:
            # Several requests on one connection, which is one tunnel.
            answers = {client.get(SECURE).text for _ in range(5)}
            assert len(answers) == 1, answers
            told[f"httpx, HTTP/2 over {scheme}"] = answers.pop()


async def websocket(session, url, **options):
    async with session.ws_connect(url, **options) as socket:
        answer = await socket.receive_str()
        await socket.send_str("ping")
        assert await socket.receive_str() == "ping"
        return answer


async def by_aiohttp():
    # As most programs have it: aiohttp takes the login out of the URL.
    proxy = {"proxy": HTTP_PROXY}
    timeout = aiohttp.ClientTimeout(total=PATIENCE_SECONDS)
    socks_url = f"socks5://{PAIR}@{HOST}:{FACTS['socks']}"
    for name, options in [("http", proxy), ("socks5", {})]:
        # Over SOCKS it is the connector that knows the way.
        connector = None if options else aiohttp_socks.ProxyConnector.from_url(socks_url)
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
            for scheme, url in [("http", PLAIN), ("https", SECURE)]:
                for _ in range(2):
                    async with session.get(url, ssl=TLS, **options) as answer:
                        told[f"aiohttp, {scheme} over {name}"] = await answer.text()
                told[f"aiohttp, WebSocket in {scheme} over {name}"] = await websocket(
                    session, url.replace("http", "ws", 1), ssl=TLS, **options
                )


def by_dnspython():
    with socks.socksocket(socks.socket.AF_INET, socks.socket.SOCK_DGRAM) as sock:
        sock.set_proxy(socks.SOCKS5, HOST, FACTS["socks"], True, FACTS["login"], FACTS["password"])
        sock.settimeout(PATIENCE_SECONDS)
        server = ("127.0.0.1", FACTS["targets"]["dns"])
        for number in range(5):
            query = dns.message.make_query(f"name{number}.example", "A")
            sock.sendto(query.to_wire(), server)
            wire, sender = sock.recvfrom(4096)
            answer = dns.message.from_wire(wire)
            assert query.is_response(answer) and sender == server, (answer, sender)
            told["dnspython, a DNS query over socks5"] = f"{answer.answer[0][0].address} DNS"


def refused_by_client(name, how):
    """Nothing was said to a proxy that is not who it should be."""
    try:
        how()
    except Exception as error:
        chain, words = error, []
        while chain:
            words.append(repr(chain))
            chain = chain.__cause__ or chain.__context__
        assert "CERTIFICATE_VERIFY_FAILED" in " ".join(words), (name, words)
    else:
        sys.exit(f"{name}: a stranger's certificate was taken")


def inside_tls():
    proxy = f"https://{PAIR}@{HOST}:{FACTS['https']}"
    stranger = FACTS["other_ca"]
    targets = [("http", PLAIN), ("https", SECURE)]
    with requests.Session() as session:
        session.trust_env = False
        session.proxies = {"http": proxy, "https": proxy}
        for name, url in targets:
            for _ in range(2):
                answer = session.get(url, verify=CA, timeout=PATIENCE_SECONDS)
                answer.raise_for_status()
            told[f"requests, {name} inside TLS"] = answer.text
    # For http:// it asks nobody's certificate, not even that of the proxy, as urllib3 warns.
    options = {"proxies": {"https": proxy}, "timeout": PATIENCE_SECONDS}
    refused_by_client("requests", lambda: requests.get(SECURE, verify=stranger, **options))

    def by_urllib3(url, ca):
        # It takes the login out of a field of its own.
        login = urllib3.make_headers(proxy_basic_auth=PAIR)
        context = ssl.create_default_context(cafile=ca)
        options = {"proxy_headers": login, "proxy_ssl_context": context, "ca_certs": CA}
        with urllib3.ProxyManager(f"https://{HOST}:{FACTS['https']}", **options) as manager:
            return [manager.request("GET", url, retries=False).data.decode() for _ in range(2)][1]

    for name, url in targets:
        told[f"urllib3, {name} inside TLS"] = by_urllib3(url, CA)
        refused_by_client("urllib3", lambda: by_urllib3(url, stranger))

    def httpx_client(ca):
        through = httpx.Proxy(proxy, ssl_context=ssl.create_default_context(cafile=ca))
        options = {"verify": TLS_OF_HTTPX, "trust_env": False, "timeout": PATIENCE_SECONDS}
        return httpx.Client(proxy=through, **options)

    for name, url in targets:
        with httpx_client(CA) as client:
            told[f"httpx, {name} inside TLS"] = [client.get(url).text for _ in range(2)][1]
        with httpx_client(stranger) as client:
            refused_by_client("httpx", lambda: client.get(url))

    async def by_aiohttp_of(url, ca):
        context = ssl.create_default_context(cafile=ca)
        timeout = aiohttp.ClientTimeout(total=PATIENCE_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            for _ in range(2):
                async with session.get(url, proxy=proxy, ssl=context) as answer:
                    text = await answer.text()
            return text

    for name, url in targets:
        told[f"aiohttp, {name} inside TLS"] = asyncio.run(by_aiohttp_of(url, CA))
        refused_by_client("aiohttp", lambda: asyncio.run(by_aiohttp_of(url, stranger)))


if "secure" in FACTS["of"]:
    inside_tls()
if "datagrams" in FACTS["of"]:
    by_dnspython()
if "connections" in FACTS["of"]:
    by_requests()
    by_httpx()
    asyncio.run(by_aiohttp())
print(json.dumps(told))
