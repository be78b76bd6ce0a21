"""What there is to buy, buying it, and what was bought."""

import re
from datetime import datetime

from checks import cents, days, holds, now, number, same
from v2_customers import GOAL, NO_PERIOD, UNKNOWN, impossible, objectid, refused, rich
from v2_money import order_by_card


def what_can_be_ordered():
    everything = rich.referenceList()
    sections = ["ipv4", "ipv6", "mobile", "isp", "mix", "mix_isp"]
    same(list(everything), [*sections, "resident", "scraper"])
    same((everything["resident"], everything["scraper"]), ({"tarifs": []}, {"tarifs": []}))
    for section in sections:
        same(rich.referenceList(section), {"items": everything[section]})
    same(rich.referenceList(" MIX-ISP"), {"items": everything["mix_isp"]})
    same(rich.referenceList("mix isp"), {"items": everything["mix_isp"]})
    holds({"id": "USA", "name": "United States"} in everything["ipv4"]["country"], everything)
    same(everything["isp"]["period"][0], {"id": "1m", "name": "1 month"})
    same([it["id"] for it in everything["ipv6"]["period"]], ["3m", "6m", "12m"])
    [usa] = [it for it in everything["mobile"]["country"] if it["id"] == "USA"]
    [verizon] = [it for it in usa["operators"]["dedicated"] if it["id"] == "verizon"]
    same((verizon["name"], verizon["traffic"]), ("Verizon", "unlimited"))
    same(verizon["rotations"][:2], [{"id": 0, "name": "By Link"}, {"id": 5, "name": "5 minutes"}])
    same(usa["operators"]["shared"], [])
    same(
        everything["mix"]["quantities"],
        [{"id": "europe-5", "name": "Europe 5", "quantities": [10, 25, 50, 100]}],
    )
    same([it["id"] for it in everything["mix_isp"]["country"]], ["west-isp"])
    refused("Incorrect proxy type", 4, rich.referenceList, "ipv5")


def bought(calculate, make, arguments, total, quantity, price, discount=0, **named):
    """Buys for what was calculated; the answer to it."""
    before = cents(rich.balance())
    quote = calculate(*arguments, **named)
    same(cents(quote["balance"]), before)
    same((cents(quote["total"]), number(quote["price"])), (total, number(price)))
    same(number(quote["discount"]), number(discount))
    same((quote["warning"], quote["quantity"], quote["currency"]), ("", quantity, "USD"))
    same(cents(rich.balance()), before)
    made = make(*arguments, **named)
    objectid(made["orderId"])
    same((cents(made["total"]), cents(made["balance"])), (total, before - total))
    same(cents(rich.balance()), before - total)
    [numbered] = made["listBaseOrderNumbers"]
    holds(re.fullmatch(r"NS_\d+-[a-z0-9]{2}", numbered), made)
    return made


def orders():
    it = rich
    regular = ("USA", "1m", 2, None, None, GOAL)
    made = {"ipv4": bought(it.orderCalcIpv4, it.orderMakeIpv4, regular, 2_62, 2, 1.31)}
    it.setGenerateAuth("Y")
    isp = ("USA", "1m", 2, None, "TEN", GOAL)
    made["isp"] = bought(it.orderCalcIsp, it.orderMakeIsp, isp, 4_30, 2, 2.151, 0.1)
    it.setGenerateAuth("N")
    ipv6 = ("DEU", "3m", 3, "198.51.100.7", None, GOAL, "socks5")
    made["ipv6"] = bought(it.orderCalcIpv6, it.orderMakeIpv6, ipv6, 73, 3, 0.243)
    mobile = ("USA", "1m", 1, None, None, "verizon", 5)
    made["mobile"] = bought(it.orderCalcMobile, it.orderMakeMobile, mobile, 72_00, 1, 72)
    calculate, make = it.orderCalcMixByCode, it.orderMakeMixByCode
    made["mix"] = bought(calculate, make, ("europe-5", "1m", 10), 12_13, 10, 1.2125, 0.03)
    west = {
        "sectionCode": "mix_isp",
        "countryId": "west-isp:10",
        "periodCode": "1M",
        "paymentId": "balance",
    }
    made["mix_isp"] = bought(it.orderCalc, it.orderMake, [west], 22_99, 10, 2.2989, 0.03)
    # A package has as many addresses as are said, in one way or the other.
    ways = [
        {**west, "countryId": "west-isp", "quantity": 10},
        {**west, "countryId": None, "mixId": "west-isp", "quantity": "10"},
    ]
    for way in ways:
        same(cents(it.orderCalc(way)["total"]), 22_99)
    same(cents(it.orderCalcMix("europe-5", "1m", 10)["total"]), 12_13)
    coded = {"countryCode": "usa", "periodCode": "1m", "quantity": 2, "customTargetName": GOAL}
    same(cents(it.orderCalcIpv4(coded, uptime=True)["total"]), 2_62)
    # By the card that was saved: the wallet stays as it is.
    before = cents(it.balance())
    made["carded"] = order_by_card()
    same((cents(made["carded"]["total"]), cents(it.balance())), (2_74, before))
    return made


def orders_that_cannot_be():
    before = cents(rich.balance())
    for regular in [rich.orderCalcIpv4, rich.orderMakeIpv4, rich.orderCalcIsp, rich.orderMakeIsp]:
        refused("Country not exists", 0, regular, "XXX", "1m", 1, customTargetName=GOAL)
        refused(NO_PERIOD, 0, regular, "USA", "5w", 1, customTargetName=GOAL)
        refused("Set existed [quantity]", 0, regular, "USA", "1m", -1, customTargetName=GOAL)
        words = "Set existed [authorization]"
        refused(words, 0, regular, "USA", "1m", 1, "256.1.1.1", customTargetName=GOAL)
        words = "Incorrect payment system"
        refused(words, 0, regular, "USA", "1m", 1, customTargetName=GOAL, paymentId="paypal")
        impossible(regular, "USA", "1m", 1)
    for mix in [rich.orderCalcMix, rich.orderMakeMix]:
        refused("Set existed [quantity]", 0, mix, "europe-5", "1m", 11)
        refused("Set existed [mixId] from reference", 0, mix, "europe-6", "1m", 10)
    for ipv6 in [rich.orderCalcIpv6, rich.orderMakeIpv6]:
        refused("Incorrect protocol", 13, ipv6, "DEU", "3m", 1, None, None, GOAL, "ftp")
    for mobile in [rich.orderCalcMobile, rich.orderMakeMobile]:
        words = "Set existed [operatorId] from reference"
        refused(words, 0, mobile, "USA", "1m", 1, operatorId="nobody", rotationId=5)
        words = "Set existed [rotationCode] from reference"
        refused(words, 0, mobile, "USA", "1m", 1, operatorId="verizon", rotationId="5m")
    for resident in [rich.orderCalcResident, rich.orderMakeResident]:
        refused("Tarif not found", 0, resident, "1-gb")
    for free in [rich.orderCalc, rich.orderMake]:
        data = {"countryCode": "USA", "periodCode": "1m", "quantity": 1, "paymentCode": "balance"}
        refused("Incorrect proxy type", 4, free, {**data, "sectionCode": "ipv5"})
        # In a shape that the client does not know to want a target.
        refused("Incorrect goal", 14, free, {**data, "sectionCode": "IPv4"})
    words = "Not enough proxies in stock"
    refused(words, 0, rich.orderMakeIpv4, "USA", "1m", 500, customTargetName=GOAL)
    rich.setPaymentCode(None)
    refused("Set [paymentId]", 0, rich.orderMakeIpv4, "USA", "1m", 1, customTargetName=GOAL)
    same(cents(rich.orderCalcIpv4("USA", "1m", 1, customTargetName=GOAL)["total"]), 1_31)
    rich.setPaymentCode("balance")
    same(cents(rich.balance()), before)


def order_list(made):
    everything = rich.orderList()
    same(
        everything["metadata"],
        {"total_orders": 7, "total_pages": 1, "current_page": 1, "current_limit": 0},
    )
    rows = {row["order_id"]: row for row in everything["items"]}
    holds(len(rows) == 7, rows)
    for order in made.values():
        row = rows[order["orderId"]]
        same(row["summ"], f"${order['total']:.2f}")
        same((row["status"], row["status_type"]), ("Paid", "PAYED"))
        same((row["is_extend"], row["auto_order"]), ("N", "N"))
        same([row["base_order_number"]], order["listBaseOrderNumbers"])
        same(row["order_number"], row["base_order_number"])
        holds(row["id"].isdigit(), row)
        inserted = datetime.fromisoformat(row["date_insert"])
        holds(now() - days(1) < inserted <= now() and "." not in row["date_insert"], row)
        holds(datetime.fromisoformat(row["date_payed"]) >= inserted, row)
        holds(row["items"] and all(objectid(it["order_part_id"]) for it in row["items"]), row)
        parts = [it["price"].removeprefix("$") for it in row["items"]]
        same(sum(round(float(part) * 100) for part in parts), cents(order["total"]))

    def ids(**filters):
        return {row["order_id"] for row in rich.orderList(**filters)["items"]}

    ipv4 = made["ipv4"]["orderId"]
    same(ids(order_id=ipv4), {ipv4})
    same(ids(order_id=rows[ipv4]["id"]), {ipv4})
    same(ids(order_id=UNKNOWN), set())
    same(ids(status="PAYED", is_extend="N", auto_order="N"), set(rows))
    for nothing in [
        {"status": "RETURN"},
        {"is_extend": "Y"},
        {"auto_order": "Y"},
        {"end_date": "01.01.2020"},
        {"start_date": "2100-01-01T00:00:00+00:00"},
    ]:
        same(ids(**nothing), set())
    same(ids(start_date="01.01.2020", status="whatever"), set(rows))
    dearest = rich.orderList(sort_by="summ", order="desc", page=1, limit=2)
    same(
        dearest["metadata"],
        {"total_orders": 7, "total_pages": 4, "current_page": 1, "current_limit": 2},
    )
    same(
        [it["order_id"] for it in dearest["items"]],
        [made["mobile"]["orderId"], made["mix_isp"]["orderId"]],
    )
