"""Prolonging, at once and automatically, and what the shop refuses."""

from datetime import datetime, timezone

from checks import advance, cents, day, days, holds, now, number, same, second
from v2_customers import GOAL, NO_PERIOD, UNKNOWN, ids, impossible, poor, refused, rich


def prolonged(section, chosen, of, period, total, price, span, discount=0):
    """Prolongs for what was calculated; `of` are the proxies that are chosen."""
    before = cents(rich.balance())
    quote = rich.prolongCalc(section, chosen, period)
    same(cents(quote["balance"]), before)
    same((cents(quote["total"]), number(quote["price"])), (total, number(price)))
    same(number(quote["discount"]), number(discount))
    orders = sorted({proxy["order_id"] for proxy in of})
    same((quote["warning"], quote["quantity"], quote["orders"]), ("", len(of), len(orders)))
    items = {item["id"]: item for item in quote["items"]}
    same(set(items), {proxy["id"] for proxy in of})
    for proxy in of:
        item = items[proxy["id"]]
        for name in ["order_id", "base_order_number", "ip", "port_http", "port_socks", "login"]:
            same(item[name], proxy[name])
        same(item["can_prolong"], True)
        same(item["date_end"].split(" ")[0], proxy["date_end"])
    made = rich.prolongMake(section, chosen, period)
    same((cents(made["total"]), cents(made["balance"])), (total, before - total))
    same(cents(rich.balance()), before - total)
    same((made["orderId"] in orders, sorted(made["orderIds"])), (True, orders))
    same(set(made["listBaseOrderNumbers"]), {proxy["base_order_number"] for proxy in of})
    for item in rich.prolongCalc(section, chosen, period)["items"]:
        same(second(item["date_end"]) - second(items[item["id"]]["date_end"]), days(span))
        holds(item["order_number"].startswith(item["base_order_number"] + "_e_"), item)
    listed = {proxy["id"]: proxy for proxy in rich.proxyList(section)["items"]}
    for proxy in of:
        now_listed = listed[proxy["id"]]
        same(day(now_listed["date_end"]) - day(proxy["date_end"]), days(span))
        holds(now_listed["order_number"].startswith(proxy["base_order_number"] + "_e_"), now_listed)


def prolongations(everything, made):
    ipv4 = [it for it in everything["ipv4"] if it["order_id"] == made["ipv4"]["orderId"]]
    whole = {section: [made[section]["orderId"]] for section in ["ipv6", "mix", "mix_isp"]}
    prolonged("ipv4", ids(ipv4), ipv4, "1m", 2_62, 1.31, 30)
    isp = everything["isp"][:1]
    prolonged("isp", [isp[0]["ip"]], isp, "2M", 4_83, 4.8306, 60, 0.03)
    prolonged("ipv6", whole["ipv6"], everything["ipv6"], "3m", 73, 0.243, 90)
    mobile = everything["mobile"]
    modem = "{ip_only}:{port_http}:{port_socks}".format(**mobile[0])
    prolonged("mobile", [modem], mobile, "1m", 72_00, 72, 30)
    prolonged("mix", whole["mix"], everything["mix"], "1m", 12_13, 1.2125, 30, 0.03)
    prolonged("mix-isp", whole["mix_isp"], everything["mix_isp"], "1m", 22_99, 2.2989, 30, 0.03)
    before = cents(rich.balance())
    with_coupon = rich.prolongCalc("ipv4", ids(ipv4), "1m", "TEN", paymentId="balance")
    same((cents(with_coupon["total"]), with_coupon["discount"]), (2_36, 0.1))
    same(cents(rich.prolongCalc("ipv4", ids(ipv4), "1m", "NOPE")["total"]), 2_62)
    same(cents(rich.prolongCalc("ipv4", {"ids": ids(ipv4), "periodCode": "1m"})["total"]), 2_62)
    for prolong in [rich.prolongCalc, rich.prolongMake]:
        refused(NO_PERIOD, 0, prolong, "ipv4", ids(ipv4), "5w")
        refused("IP not found", 0, prolong, "ipv4", [ipv4[0]["id"], UNKNOWN], "1m")
        refused("IP not found", 0, prolong, "ipv4", ["198.51.100.255"], "1m")
        refused("IP not found", 0, prolong, "isp", ids(ipv4), "1m")
        refused("IP not found", 0, prolong, "ipv4", ids(everything["mix"])[:1], "1m")
        refused("Incorrect orderIds", 29, prolong, "ipv6", [UNKNOWN], "3m")
        refused("Incorrect orderIds", 29, prolong, "mix", [], "1m")
        refused("Incorrect orderIds", 29, prolong, "mix", whole["mix_isp"], "1m")
        for type, options in {
            "ipv6": {"ids": ids(everything["ipv6"])},
            "mix": {"ips": ["1.1.1.1"]},
        }.items():
            [wrong] = options
            words = f"[{wrong}] is not applicable for {type}: prolong by [orderIds]"
            refused(words, 0, prolong, type, None, "1m", options=options)
        words = "[orderIds] is not applicable for ipv4: prolong by [ids]"
        refused(words, 0, prolong, "ipv4", None, "1m", orderIds=[made["ipv4"]["orderId"]])
        words = "Create new order to add traffic, prolong options not available"
        refused(words, 0, prolong, "resident", ids(ipv4), "1m")
    for prolong in [poor.prolongCalc, poor.prolongMake]:
        refused("IP not found", 0, prolong, "ipv4", ids(ipv4), "1m")
        refused("Incorrect orderIds", 29, prolong, "mix", whole["mix"], "1m")
    same(cents(rich.balance()), before)


def prolonged_automatically(everything, made):
    sortable = "%Y-%m-%d %H:%M:%S"
    ipv4 = [
        it for it in rich.proxyList("ipv4")["items"] if it["order_id"] == made["ipv4"]["orderId"]
    ]
    quote = rich.autoProlongCalc("ipv4", ids(ipv4), "1m", paymentId="balance")
    same((quote["warning"], cents(quote["total"]), quote["quantity"]), ("", 2_62, 2))
    same((quote["days"], quote["paymentId"], quote["autoProlong"]), (30, "balance", False))
    same((quote["tarifId"], quote["orders"], len(quote["items"])), (None, 1, 2))
    ends = datetime.strptime(quote["dateEnd"], sortable)
    charged = datetime.strptime(quote["chargeDate"], sortable)
    same(ends.strftime("%d.%m.%Y"), ipv4[0]["date_end"])
    same(ends - charged, days(1))
    on = rich.autoProlongEnable("ipv4", ids(ipv4), "1m", paymentCode="balance")
    same((on["warning"], on["autoProlong"], on["quantity"]), ("", True, 2))
    same((set(on["ids"]), on["orderIds"]), (set(ids(ipv4)), [made["ipv4"]["orderId"]]))
    same((on["days"], on["paymentId"]), (30, "balance"))
    same((on["chargeDate"], on["dateEnd"]), (quote["chargeDate"], quote["dateEnd"]))
    mix = rich.autoProlongEnable("mix", [made["mix"]["orderId"]], "1m")
    same((mix["quantity"], set(mix["ids"])), (10, set(ids(everything["mix"]))))
    listed = {it["id"]: it for it in rich.proxyList("ipv4")["items"]}
    same([listed[it]["auto_renew"] for it in ids(ipv4)], ["Y", "Y"])
    same({listed[it]["auto_renew_period"] for it in ids(ipv4)}, {"1m"})
    same(
        {row["order_id"] for row in rich.orderList(auto_order="Y", is_extend="N")["items"]},
        {made["mix"]["orderId"], made["ipv4"]["orderId"]},
    )
    off = rich.autoProlongDisable("mix", [made["mix"]["orderId"]])
    same((off["autoProlong"], off["quantity"], off["days"]), (False, 10, None))
    same((off["paymentId"], off["chargeDate"]), (None, None))
    same(rich.proxyList("mix")["items"][0]["auto_renew"], "N")
    for switch in [rich.autoProlongCalc, rich.autoProlongEnable]:
        refused(NO_PERIOD, 0, switch, "ipv4", ids(ipv4), "5w")
        refused("IP not found", 0, switch, "ipv4", [UNKNOWN], "1m")
        refused("IP not found", 0, switch, "ipv4", ids(everything["mix"])[:1], "1m")
        refused("Incorrect orderIds", 29, switch, "mix_isp", [UNKNOWN], "1m")
        words = "Incorrect payment system"
        refused(words, 0, switch, "ipv4", ids(ipv4), "1m", paymentId="other")
        impossible(switch, "scraper", None, "1m")
    refused("IP not found", 0, rich.autoProlongDisable, "ipv4", [UNKNOWN])
    # A day before the end it is done and paid for, and is in the list of orders.
    before = cents(rich.balance())
    advance(f"{int((charged.replace(tzinfo=timezone.utc) - now()).total_seconds()) + 60}s")
    same(cents(rich.balance()), before - 2_62)
    renewed = [it for it in rich.proxyList("ipv4")["items"] if it["id"] in ids(ipv4)]
    same({it["date_end"] for it in renewed}, {(ends + days(30)).strftime("%d.%m.%Y")})
    rows = rich.orderList(is_extend="Y", sort_by="date_insert", order="desc")["items"]
    same(
        (rows[0]["summ"], rows[0]["base_order_number"]), ("$2.62", renewed[0]["base_order_number"])
    )


def a_wallet_that_is_too_small():
    words = "Insufficient funds. Total $4. Not enough $2.55"
    short = poor.orderCalcIpv4("USA", "1m", 5, customTargetName=GOAL)
    same((short["warning"], cents(short["balance"]), cents(short["total"])), (words, 4_00, 6_55))
    funds = "Insufficient funds on balance"
    refused(funds, 16, poor.orderMakeIpv4, "USA", "1m", 5, customTargetName=GOAL)
    same(cents(poor.balance()), 4_00)
    poor.orderMakeIpv4("USA", "1m", 3, customTargetName=GOAL)
    same(cents(poor.balance()), 7)
    his = ids(poor.proxyList("ipv4")["items"])
    words = "Insufficient funds. Total $0.07. Not enough $3.86"
    short = poor.prolongCalc("ipv4", his, "1m")
    same((short["warning"], short["quantity"], len(short["items"])), (words, 3, 3))
    same(poor.autoProlongCalc("ipv4", his, "1m")["warning"], words)
    data = refused(funds, 16, poor.prolongMake, "ipv4", his, "1m", data=True)
    same(data, short)
    same(cents(poor.balance()), 7)
    same(poor.autoProlongEnable("ipv4", his, "1m")["autoProlong"], True)


def what_is_not_offered():
    for method, arguments in {
        rich.residentPackage: [],
        rich.residentConsumption: [],
        rich.residentTrafficDetails: [],
        rich.residentGeo: [],
        rich.residentGeoIsp: [],
        rich.residentGeoCount: [],
        rich.residentList: [],
        rich.residentListAdd: ["a"],
        rich.residentListRename: [1, "a"],
        rich.residentListRotation: [1, 60],
        rich.residentListTools: [],
        rich.residentListDelete: [1],
        rich.residentSubUserCreate: [False, 60, "1000000"],
        rich.residentSubUserUpdate: ["a", False],
        rich.residentSubUserDelete: ["a"],
        rich.residentSubUserPackages: [],
        rich.residentSubUserLists: ["a"],
        rich.residentSubUserListAdd: ["a", "b"],
        rich.residentSubUserListRename: ["a", 1, "b"],
        rich.residentSubUserListRotation: ["a", 1, 60],
        rich.residentSubUserListTools: ["a"],
        rich.residentSubUserListDelete: ["a", 1],
    }.items():
        refused("Tarif not found", 0, method, *arguments)
