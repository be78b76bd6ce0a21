"""What has been bought: lists, files, comments, and who may use it."""

from checks import ROOT, advance, day, days, holds, members, now, number, same
from v1_customers import poor, refused, rich

MEMBERS = """id order_id order_number basket_id ip ip_only protocol port_socks port_http login
    password auth_ip rotation link_reboot country country_alpha3 status status_type can_prolong
    date_start date_end comment auto_renew auto_renew_period""".split()


def lists(made):
    """Every proxy that was bought, by section; and how they look."""
    everything = rich.proxyList()
    sections = ["ipv4", "ipv6", "mobile", "isp", "mix", "mix_isp"]
    same(list(everything), [*sections, "resident"])
    counts = {section: len(everything[section]) for section in everything}
    same(counts, dict(ipv4=3, ipv6=3, mobile=1, isp=2, mix=10, mix_isp=10, resident=0))
    today = {now().strftime("%d.%m.%Y"), (now() - days(1)).strftime("%d.%m.%Y")}
    for section in sections:
        proxies = everything[section]
        same(rich.proxyList(section), {"items": proxies})
        for proxy in proxies:
            members(proxy, *MEMBERS)
            holds(all(proxy[name].isdigit() for name in ["id", "order_id", "basket_id"]), proxy)
            same((proxy["status_type"], proxy["can_prolong"]), ("ACTIVE", 1))
            same((proxy["auto_renew"], proxy["auto_renew_period"]), ("N", ""))
            holds(proxy["date_start"] in today, proxy)
            holds(type(proxy["port_http"]) is int and type(proxy["port_socks"]) is int, proxy)
        for order in [made[section], made["carded"]]:
            of = [proxy for proxy in proxies if int(proxy["order_id"]) == order["orderId"]]
            same(
                {proxy["order_number"] for proxy in of} - set(order["listBaseOrderNumbers"]), set()
            )

    def spans(section):
        return sorted(
            {(day(it["date_end"]) - day(it["date_start"])).days for it in everything[section]}
        )

    same([spans(section) for section in sections], [[30, 60], [90], [30], [30], [30], [30]])
    ipv4 = everything["ipv4"][0]
    same((ipv4["country"], ipv4["country_alpha3"]), ("United States", "USA"))
    same((ipv4["ip"], ipv4["rotation"], ipv4["link_reboot"]), (ipv4["ip_only"], "", "#"))
    holds(ipv4["ip"].startswith("198.51.100.") and ipv4["port_http"] != ipv4["port_socks"], ipv4)
    same((ipv4["protocol"], ipv4["auth_ip"]), ("HTTP", ""))
    holds(ipv4["login"] and ipv4["password"], ipv4)
    ipv6 = everything["ipv6"][0]
    same((ipv6["protocol"], ipv6["auth_ip"]), ("SOCKS5", "198.51.100.7"))
    same((ipv6["login"], ipv6["password"]), ("", ""))
    same(ipv6["ip"], f"{ipv6['ip_only']}:{ipv6['port_socks']}")
    mobile = everything["mobile"][0]
    same(mobile["rotation"], "5")
    holds(mobile["link_reboot"].startswith(ROOT + "/api/proxy/reboot?token="), mobile)
    # Two addresses of each of five countries.
    countries = sorted(proxy["country_alpha3"] for proxy in everything["mix"])
    same(countries, sorted(["DEU", "GBR", "FRA", "NLD", "POL"] * 2))
    # Of its filters, the client can only be given those of the free form.
    found = rich.request(
        "GET", "proxy/list/ipv4", params={"orderId": made["carded"]["listBaseOrderNumbers"][0]}
    )
    same([it["order_id"] for it in found["items"]], [str(made["carded"]["orderId"])])
    same(
        rich.request("GET", "proxy/list/mix?country=POL")["items"],
        [it for it in everything["mix"] if it["country_alpha3"] == "POL"],
    )
    same(
        rich.request("GET", "proxy/list/ipv4?latest=Y")["items"],
        [it for it in everything["ipv4"] if int(it["order_id"]) == made["carded"]["orderId"]],
    )
    same(rich.request("GET", "proxy/list?ends=Y")["ipv4"], [])
    refused("Incorrect proxy type", rich.proxyList, "ipv5")
    return everything


def downloads(everything):
    ipv4, ipv6 = everything["ipv4"], everything["ipv6"]

    def lines(form, port="port_http", of=ipv4):
        return "\n".join(form.format(**{**it, "port": it[port]}) for it in of)

    def file(*arguments):
        return rich.proxyDownload(*arguments).decode().removesuffix("\n")

    usual = "{login}:{password}@{ip_only}:{port}"
    same(file("ipv4"), lines(usual))
    same(file("ipv4", "txt", "https"), lines(usual))
    same(file("ipv4", "txt", "socks5"), lines(usual, "port_socks"))
    same(file("ipv4", "csv"), lines("{ip_only};{port};{login};{password}"))
    same(file("ipv4", "%ip%|%port%|%user%|%unknown%"), lines("{ip_only}|{port}|{login}|%unknown%"))
    same(file("ipv6", "%ip%:%port%"), lines("{ip_only}:{port}", of=ipv6))
    same(file("ipv6", "", "", 0), lines(":@{ip_only}:{port}", of=ipv6))
    words = "Could not find description of listipv5 in CrmUserApiProxy"
    refused(words, rich.proxyDownload, "ipv5")


def comments(everything):
    ids = [everything["ipv4"][0]["id"], int(everything["mobile"][0]["id"])]
    same(rich.proxyCommentSet(ids, "for <b>the</b> shop"), 2)
    listed = rich.proxyList()
    same(listed["ipv4"][0]["comment"], "for the shop")
    same(listed["mobile"][0]["comment"], "for the shop")
    same(listed["ipv4"][1]["comment"], "")
    same(rich.proxyCommentSet(ids[:1]), 1)
    same(rich.proxyList("ipv4")["items"][0]["comment"], "")
    refused("IP not found", rich.proxyCommentSet, [ids[0], 7], "nothing")
    refused("IP not found", poor.proxyCommentSet, ids, "not his")


def authorisations(made):
    known = rich.authList()
    own, other = made["isp"]["listBaseOrderNumbers"][0], made["ipv6"]["listBaseOrderNumbers"][0]

    def of(number, known=None):
        known = rich.authList() if known is None else known
        return [it for it in known if it["orderNumber"].startswith(number)]

    # The usual pair, which lists show, and that of the order's own, which they do not.
    [usual, fresh] = of(own, known)
    holds(all(type(it["active"]) is bool for it in known), known)
    listed = rich.proxyList("isp")["items"][0]
    same({listed["login"]}, {it["login"] for it in [usual, fresh]} - {fresh["login"]})
    holds(usual["login"] != fresh["login"] and len(fresh["password"]) >= 8, known)
    [source] = of(other, known)
    same((source["ip"], source["active"]), ("198.51.100.7", True))
    off = rich.authActive(fresh["id"], "N")
    same((off["id"], off["active"], off["login"]), (fresh["id"], False, fresh["login"]))
    same([it["active"] for it in of(own)], [True, False])
    same(rich.authActive(fresh["id"], "Y")["active"], True)
    refused("Set exists [id]", rich.authActive, "65aa10c2d4e5f60718293a4b", "N")
    refused("Set exists [id]", rich.authActive, 7, "N")
    refused("Set exists [id]", poor.authActive, fresh["id"], "N")
    # The client has no methods for these.
    added = rich.request("POST", "auth/add", json={"orderNumber": own, "generateAuth": "Y"})
    holds(added["login"] not in [usual["login"], fresh["login"]], added)
    named = rich.request("POST", "auth/add/ip", json={"orderNumber": own, "ip": "203.0.113.200"})
    same((named["ip"], named["active"]), ("203.0.113.200", True))
    same(len(of(own)), 4)
    changed = rich.request("POST", "auth/change", json={"id": named["id"], "ip": "203.0.113.201"})
    same((changed["id"], changed["ip"]), (named["id"], "203.0.113.201"))
    for gone in [added, named]:
        same(rich.request("DELETE", "auth/delete", json={"id": gone["id"]}), {"deleted": True})
    same(of(own), of(own, known))

    def added_to(order):
        return rich.request("POST", "auth/add", json=order)

    for wrong in [{"orderNumber": "1_2"}, {}]:
        refused("Set exists [orderNumber]", added_to, wrong)


def replacement(everything):
    proxy = everything["isp"][0]
    asked = {"ids": [proxy["id"]], "type": "NOT_WORK"}
    done = rich.request("POST", "proxy/replace", json=asked)
    same(done, {"ok": {"ips": [proxy["ip"]], "msg": "Replacement request submitted"}})
    after = rich.proxyList("isp")["items"][0]
    holds(after["id"] == proxy["id"] and after["ip"] != proxy["ip"], after)
    same(after["login"], proxy["login"])
    refused(
        "Replacement already requested", lambda: rich.request("POST", "proxy/replace", json=asked)
    )


def checked(everything):
    proxy = everything["ipv4"][0]
    login = f"{proxy['login']}:{proxy['password']}"
    told = rich.proxyCheck(f"{login}@{proxy['ip']}:{proxy['port_http']}")
    same((told["ip"], told["port"]), (proxy["ip"], proxy["port_http"]))
    same((told["user"], told["password"]), (proxy["login"], proxy["password"]))
    same(type(told["valid"]), bool)
    number(told["time"])


def the_end(everything):
    """Thirty days later some have ended, and are listed no more."""
    ipv4 = len(rich.proxyList("ipv4")["items"])
    advance("31d")
    same(len(rich.proxyList("ipv4")["items"]), ipv4)
    same(len(rich.proxyList("isp")["items"]), 1)
    same(poor.proxyList("ipv4"), {"items": []})
    holds(everything["isp"][1]["id"] not in [it["id"] for it in rich.proxyList("isp")["items"]], 0)
