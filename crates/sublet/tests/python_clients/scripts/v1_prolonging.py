"""Prolonging, and what the shop refuses."""

from checks import cents, day, days, holds, number, same, second
from v1_customers import GOAL, USA, poor, refused, rich, too_dear, unpaid


def prolonged(section, proxies, period, total, price, span, discount=0):
    """Prolongs for what was calculated."""
    ids = [proxy["id"] for proxy in proxies]
    before = cents(rich.balance())
    quote = rich.prolongCalc(section, ids, period)
    same(cents(quote["balance"]), before)
    same((cents(quote["total"]), number(quote["price"])), (total, number(price)))
    same(number(quote["discount"]), number(discount))
    same((quote["warning"], quote["currency"]), ("", "USD"))
    same((quote["quantity"], quote["orders"]), (len(ids), len({it["order_id"] for it in proxies})))
    items = quote["items"]
    same([item["id"] for item in items], [int(it) for it in ids])
    for item, proxy in zip(items, proxies):
        same((item["status"], item["can_prolong"]), ("ACTIVE", True))
        same(item["order_id"], int(proxy["order_id"]))
        for name in ["order_number", "ip", "port_http", "login", "password", "auth_ip", "country"]:
            same(item[name], proxy[name])
        same(item["date_end"].split(" ")[0], proxy["date_end"])
    made = rich.prolongMake(section, ids, period)
    same((cents(made["total"]), cents(made["balance"])), (total, before - total))
    same(cents(rich.balance()), before - total)
    same(type(made["orderId"]), int)
    same(made["listBaseOrderNumbers"], sorted({it["base_order_number"] for it in items}))
    again = rich.prolongCalc(section, ids, period)["items"]
    same(len(again), len(items))
    for was, item in zip(items, again):
        same(second(item["date_end"]) - second(was["date_end"]), days(span))
        same((item["id"], item["date_start"]), (was["id"], was["date_start"]))
        same(item["base_order_number"], was["base_order_number"])
        holds(item["order_number"].startswith(was["base_order_number"] + "_e_"), item)
    listed = {proxy["id"]: proxy for proxy in rich.proxyList(section)["items"]}
    for proxy in proxies:
        same(day(listed[proxy["id"]]["date_end"]) - day(proxy["date_end"]), days(span))


def prolongations(everything):
    ipv4 = [
        it for it in everything["ipv4"] if (day(it["date_end"]) - day(it["date_start"])).days == 30
    ]
    prolonged("ipv4", ipv4, "1m", 2_62, 1.31, 30)
    prolonged("isp", everything["isp"][:1], "2m", 4_83, 4.8306, 60, 0.03)
    prolonged("ipv6", everything["ipv6"], "3m", 73, 0.243, 90)
    prolonged("mobile", everything["mobile"], "1m", 72_00, 72, 30)
    prolonged("mix", everything["mix"], "1m", 12_13, 1.2125, 30, 0.03)
    prolonged("mix_isp", everything["mix_isp"], "1m", 22_99, 2.2989, 30, 0.03)
    before = cents(rich.balance())
    ids = [it["id"] for it in ipv4]
    with_coupon = rich.prolongCalc("ipv4", ids, "1m", "TEN")
    same((cents(with_coupon["total"]), with_coupon["discount"]), (2_36, 0.1))
    same(cents(rich.prolongCalc("ipv4", ids, "1m", "NOPE")["total"]), 2_62)
    same(rich.prolongCalc("ipv4", ids[0], "1m")["quantity"], 1)
    same(rich.prolongCalc("ipv4", ",".join(ids), "1m")["quantity"], 2)
    for prolong in [rich.prolongCalc, rich.prolongMake]:
        refused("Set existed [periodId] from reference", prolong, "ipv4", ids, "5w")
        refused("IP not found", prolong, "ipv4", [*ids, 7], "1m")
        refused("IP not found", prolong, "ipv4", [], "1m")
        refused("IP not found", prolong, "isp", ids, "1m")
        refused("IP not found", prolong, "ipv4", [everything["mix"][0]["id"]], "1m")
        refused("Incorrect proxy type", prolong, "ipv5", ids, "1m")
        whole = "The order is prolonged as a whole, missing [ids]: " + everything["ipv6"][0]["id"]
        refused(whole, prolong, "ipv6", [it["id"] for it in everything["ipv6"][1:]], "3m")
    for prolong in [poor.prolongCalc, poor.prolongMake]:
        refused("IP not found", prolong, "ipv4", ids, "1m")
    same(cents(rich.balance()), before)


def a_wallet_that_is_too_small():
    same(cents(poor.balance()), 4_00)
    words = "Insufficient funds. Total $4. Not enough $2.55"
    too_dear(poor.orderCalcIpv4, USA, "1m", 5, "", "", GOAL)
    order = {"countryId": USA, "periodId": "1m", "quantity": 5, "customTargetName": GOAL}
    quote = unpaid("order/calc", order)
    same((quote["warning"], quote["currency"], quote["quantity"]), (words, "USD", 5))
    same((cents(quote["balance"]), cents(quote["total"])), (4_00, 6_55))
    refused(words, poor.orderMakeIpv4, USA, "1m", 5, "", "", GOAL)
    same(cents(poor.balance()), 4_00)
    poor.orderMakeIpv4(USA, "1m", 3, "", "", GOAL)
    same(cents(poor.balance()), 7)
    ids = [it["id"] for it in poor.proxyList("ipv4")["items"]]
    too_dear(poor.prolongCalc, "ipv4", ids, "1m")
    too_dear(poor.prolongMake, "ipv4", ids, "1m")
    words = "Insufficient funds. Total $0.07. Not enough $3.86"
    for call in ["prolong/calc/ipv4", "prolong/make/ipv4"]:
        quote = unpaid(call, {"ids": ids, "periodId": "1m"})
        same((quote["warning"], quote["orders"], len(quote["items"])), (words, 1, 3))
        same((cents(quote["balance"]), cents(quote["total"])), (7, 3_93))
    same(cents(poor.balance()), 7)
    poor.setPaymentId("43")
    refused("No saved payment method", poor.orderMakeIpv4, USA, "1m", 1, "", "", GOAL)
    poor.setPaymentId(1)


def what_is_not_offered():
    for method, arguments in {
        rich.residentPackage: [],
        rich.residentGeo: [],
        rich.residentList: [],
        rich.residentListRename: [1, "a"],
        rich.residentListDelete: [1],
    }.items():
        refused("Tarif not found", method, *arguments)
