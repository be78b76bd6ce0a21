"""What has been bought: lists, files, comments, and who may use it."""

from checks import day, days, holds, members, now, same
from v2_customers import UNKNOWN, impossible, objectid, poor, refused, rich

MEMBERS = """id order_id order_number base_order_number basket_id ip ip_only protocol port_socks
    port_http login password auth_ip rotation link_reboot country country_alpha3 status status_type
    can_prolong date_start date_end comment auto_renew auto_renew_period is_uptime""".split()


def proxies(made):
    """Every proxy that was bought, by section; and how they look."""
    everything = rich.proxyList()
    sections = ["ipv4", "ipv6", "mobile", "isp", "mix", "mix_isp"]
    same(list(everything), [*sections, "resident"])
    counts = {section: len(everything[section]) for section in everything}
    same(counts, dict(ipv4=3, ipv6=3, mobile=1, isp=2, mix=10, mix_isp=10, resident=0))
    today = {now().strftime("%d.%m.%Y"), (now() - days(1)).strftime("%d.%m.%Y")}
    for section in sections:
        same(rich.proxyList(section)["items"], everything[section])
        for proxy in everything[section]:
            members(proxy, *MEMBERS)
            objectid(proxy["id"])
            objectid(proxy["order_id"])
            objectid(proxy["basket_id"])
            same((proxy["status_type"], proxy["can_prolong"]), ("ACTIVE", True))
            same((proxy["auto_renew"], proxy["is_uptime"]), ("N", False))
            same(proxy["order_number"], proxy["base_order_number"])
            holds(proxy["date_start"] in today, proxy)
        for order in [made[section], made["carded"]]:
            of = {
                it["base_order_number"]
                for it in everything[section]
                if it["order_id"] == order["orderId"]
            }
            same(of - set(order["listBaseOrderNumbers"]), set())
    ipv4, ipv6 = everything["ipv4"], everything["ipv6"]
    same((ipv4[0]["ip"], ipv4[0]["link_reboot"]), (ipv4[0]["ip_only"], "#"))
    same((ipv6[0]["protocol"], ipv6[0]["auth_ip"]), ("SOCKS5", "198.51.100.7"))
    same(ipv6[0]["ip"], f"{ipv6[0]['ip_only']}:{ipv6[0]['port_socks']}")
    same(everything["mobile"][0]["rotation"], "5")
    carded = [it for it in ipv4 if it["order_id"] == made["carded"]["orderId"]]
    same((len(carded), (day(carded[0]["date_end"]) - day(carded[0]["date_start"])).days), (1, 60))

    def found(section, **filters):
        return rich.proxyList(section, **filters)["items"]

    for name in [made["carded"]["orderId"], *made["carded"]["listBaseOrderNumbers"]]:
        same(found("ipv4", orderId=name), carded)
        same(rich.proxyList(orderId=name)["isp"], [])
    same(found("ipv4", orderId=UNKNOWN), [])
    same(found("ipv4", latest="Y"), carded)
    same(rich.proxyList(latest="Y")["mix_isp"], [])
    same(
        found("mix", country="POL"),
        [it for it in everything["mix"] if it["country_alpha3"] == "POL"],
    )
    same(found("ipv4", ends="Y"), [])
    same(found("mix", page=2, per_page=4), everything["mix"][4:8])
    same(found("mix", per_page=4), everything["mix"][:4])
    same(found("mix", page=1), everything["mix"])
    same(found("mix", page=4, per_page=4), [])
    refused("Incorrect proxy type", 4, rich.proxyList, "ipv5")
    return everything


def downloads(everything):
    ipv4, mobile = everything["ipv4"], everything["mobile"][0]

    def lines(form, port="port_http"):
        return "\n".join(form.format(**{**it, "port": it[port]}) for it in ipv4)

    def file(*arguments, **named):
        return rich.proxyDownload(*arguments, **named).removesuffix("\n")

    usual = "{login}:{password}@{ip_only}:{port}"
    same(file("ipv4"), lines(usual))
    same(file("ipv4", "txt", "socks5"), lines(usual, "port_socks"))
    same(file("ipv4", "csv"), lines("{ip_only};{port};{login};{password}"))
    same(
        file("mobile", "%ip% %user% %rotation_link%"),
        f"{mobile['ip_only']} {mobile['login']} {mobile['link_reboot']}",
    )
    same(file("mix", country="POL").count("\n"), 1)
    words = "Could not find description of listipv5 in CrmUserApiProxy"
    refused(words, 22002, rich.proxyDownload, "ipv5")
    impossible(rich.proxyDownload, "ipv4", "a/b")
    for resident in [rich.proxyDownloadResident, lambda: rich.proxyDownload("resident")]:
        refused("Tarif not found", 0, resident)


def comments(everything):
    ids = [everything["ipv4"][0]["id"], everything["mobile"][0]["id"]]
    same(rich.proxyCommentSet(ids, "for <b>the</b> shop"), 2)
    listed = rich.proxyList()
    same(
        [listed[of][0]["comment"] for of in ["ipv4", "mobile", "isp"]], ["for the shop"] * 2 + [""]
    )
    same(rich.proxyCommentSet(ids[0]), 1)
    same(rich.proxyList("ipv4")["items"][0]["comment"], "")
    refused("IP not found", 0, rich.proxyCommentSet, [ids[0], UNKNOWN], "nothing")
    refused("IP not found", 0, poor.proxyCommentSet, ids, "not his")


def authorisations(made):
    def of(order):
        [numbered] = order["listBaseOrderNumbers"]
        return [it for it in rich.authList() if it["orderNumber"].split("_e_")[0] == numbered]

    [usual, fresh] = of(made["isp"])
    shown = rich.proxyList("isp")["items"][0]
    same((shown["login"], shown["password"]), (usual["login"], usual["password"]))
    # An order that was prolonged has a new number, and is known by it as by its first one.
    same(usual["orderNumber"], shown["order_number"])
    holds(usual["login"] != fresh["login"], fresh)
    [source] = of(made["ipv6"])
    same((source["ip"], source["active"]), ("198.51.100.7", True))
    numbered = shown["order_number"]
    added = rich.authAdd(numbered, "Y")
    holds(objectid(added["id"]) and added["login"] != fresh["login"], added)
    # There is one of the usual pair already.
    same(rich.authAdd(made["isp"]["listBaseOrderNumbers"][0])["login"], usual["login"])
    named = rich.authAddIp(numbered, "203.0.113.200")
    same((named["ip"], named["active"], named["orderNumber"]), ("203.0.113.200", True, numbered))
    changed = rich.authChange(named["id"], None, ip="203.0.113.201")
    same((changed["ip"], changed["active"]), ("203.0.113.201", True))
    changed = rich.authChange(added["id"], False, login="a-new-login", password="a-new-password")
    same((changed["active"], changed["login"]), (False, "a-new-login"))
    same(changed["password"], "a-new-password")
    same(rich.authChange(added["id"], True), {**changed, "active": True})
    same(rich.authDelete(added["id"]), {"deleted": True})
    same(rich.authDelete(named["id"]), {"deleted": True})
    holds(not {added["id"], named["id"]} & {it["id"] for it in of(made["isp"])}, "deleted")
    refused("Set exists [id]", 0, rich.authDelete, added["id"])
    refused("Set exists [id]", 0, rich.authChange, UNKNOWN, True)
    refused("Set exists [id]", 0, poor.authChange, fresh["id"], False)
    refused("Set exists [orderNumber]", 0, rich.authAdd, "NS_1789631886643-7D")
    refused("Set exists [orderNumber]", 0, rich.authAddIp, "NS_1789631886643-7D", "203.0.113.9")
    refused("Set existed [ip]", 0, rich.authAddIp, numbered, "203.0.113.256")


def replacement(everything):
    first, other = everything["isp"]
    done = rich.proxyReplace([first["id"]], "not_work")
    same(done["ok"], {"ips": [first["ip"]], "msg": "Replacement request submitted"})
    rich.proxyReplace(other["id"], reason="CUSTOM", comment="too slow for us")
    replaced = rich.proxyList("isp")["items"]
    same(len(replaced), 2)
    for before, after in zip(everything["isp"], replaced):
        holds(before["id"] == after["id"] and before["ip"] != after["ip"], after)
    words = "Replacement already requested"
    refused(words, 0, rich.proxyReplace, [first["id"]], "LOW_SPEED")
    impossible(rich.proxyReplace, [first["id"]], "CUSTOM")
    refused(
        "Set comment",
        503,
        rich.request,
        "POST",
        "proxy/replace",
        json={"ids": [first["id"]], "type": "CUSTOM"},
    )
    refused("IP not found", 0, rich.proxyReplace, [UNKNOWN], "LOW_SPEED")
