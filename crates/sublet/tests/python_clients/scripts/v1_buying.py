"""Money, what there is to buy, and buying it."""

from checks import ROOT, cents, holds, now, number, page, same
from clients import client
from v1_customers import DEU_IPV6, EUROPE, GOAL, USA, USA_ISP, USA_MOBILE, WEST_ISP, refused, rich


def the_settings_of_the_client():
    same(rich.getPaymentId(), 1)
    rich.setPaymentId("1")
    same(rich.getPaymentId(), "1")
    rich.setGenerateAuth("Y")
    same(rich.getGenerateAuth(), "Y")
    rich.setGenerateAuth("n")
    same(rich.getGenerateAuth(), "N")
    same(rich.prepare(a=1, b=None), {"a": 1, "b": None})


def the_shop_is_there():
    before = now().timestamp()
    pong = number(rich.ping())
    same(pong, int(pong))
    holds(int(before) <= pong <= now().timestamp(), (before, pong))
    nobody = client(ROOT, "nobodyhasthiskey1234")
    refused("Error api key", nobody.balance)
    refused("Error api key", nobody.orderMakeIpv4, USA, "1m", 1, "", "", GOAL)


def money():
    same(cents(rich.balance()), 1000_00)
    systems = rich.balancePaymentsList()
    same([system["id"] for system in systems], ["29", "37"])
    holds(all(system["name"] for system in systems), systems)
    begun = rich.balanceAdd()
    holds("5.00" in page(begun), begun)
    same(cents(rich.balance()), 1000_00)
    # A payment by the card that a sandbox has to play with: it is credited, and the card is saved.
    paid = rich.balanceAdd(100, 37)
    holds("100.00" in page(paid), paid)
    page(paid, "pay")
    same(cents(rich.balance()), 1100_00)
    declined = rich.balanceAdd(1, "37")
    page(declined, "decline")
    same(cents(rich.balance()), 1100_00)
    refused("Set existed [paymentId]", rich.balanceAdd, 5, 30)
    refused("Set [summ > 1]", rich.balanceAdd, 0.99, 29)


def what_can_be_ordered():
    everything = rich.referenceList()
    same(list(everything), ["ipv4", "ipv6", "mobile", "isp", "mix", "mix_isp", "resident"])
    same(everything["resident"], {"tarifs": []})
    for section in ["ipv4", "ipv6", "mobile", "isp", "mix", "mix_isp"]:
        same(rich.referenceList(section), {"items": everything[section]})

    def country(section, alpha3):
        [found] = [it for it in everything[section]["country"] if it["alpha3"] == alpha3]
        return found

    same(country("ipv4", "USA"), {"id": USA, "name": "United States", "alpha3": "USA"})
    same(country("isp", "USA")["id"], USA_ISP)
    same(country("ipv6", "DEU"), {"id": DEU_IPV6, "name": "Germany", "alpha3": "DEU"})
    numbers = [it["id"] for section in everything.values() for it in section.get("country", [])]
    same(len(numbers), len(set(numbers)))
    same(everything["ipv4"]["period"][0], {"id": "1m", "name": "1 month"})
    same([it["id"] for it in everything["ipv6"]["period"]], ["3m", "6m", "12m"])
    mobile = country("mobile", "USA")
    same(mobile["id"], USA_MOBILE)
    [verizon] = [it for it in mobile["operators"]["dedicated"] if it["name"] == "Verizon"]
    same(mobile["operators"]["shared"], [])
    same(verizon["rotations"][:2], [{"id": 0, "name": "By Link"}, {"id": 5, "name": "5 minutes"}])
    packages = everything["mix"]
    same([it["id"] for it in packages["country"]], [EUROPE])
    same(
        packages["quantities"],
        [{"id": EUROPE, "name": "Europe 5", "quantities": [10, 25, 50, 100]}],
    )
    same([it["id"] for it in everything["mix_isp"]["country"]], [WEST_ISP])
    refused("Incorrect proxy type", rich.referenceList, "ipv5")
    return verizon["id"]


def bought(calculate, make, arguments, total, quantity, price, discount=0):
    """Buys for what was calculated; the answer to it."""
    before = cents(rich.balance())
    quote = calculate(*arguments)
    same(cents(quote["balance"]), before)
    same(cents(quote["total"]), total)
    same(number(quote["price"]), number(price))
    same(number(quote["discount"]), number(discount))
    same((quote["warning"], quote["quantity"], quote["currency"]), ("", quantity, "USD"))
    same(cents(rich.balance()), before)
    made = make(*arguments)
    holds(type(made["orderId"]) is int and 0 < made["orderId"] < 2**53, made)
    same(cents(made["total"]), total)
    same(cents(made["balance"]), before - total)
    same(cents(rich.balance()), before - total)
    [numbered] = made["listBaseOrderNumbers"]
    holds(numbered.startswith(f"{made['orderId']}_"), made)
    return made


def orders(verizon):
    ann = rich
    regular = (USA, "1m", 2, "", None, GOAL)
    made = {"ipv4": bought(ann.orderCalcIpv4, ann.orderMakeIpv4, regular, 2_62, 2, 1.31)}
    ann.setGenerateAuth("Y")
    isp = (USA_ISP, "1m", 2, "", "TEN", GOAL)
    made["isp"] = bought(ann.orderCalcIsp, ann.orderMakeIsp, isp, 4_30, 2, 2.151, 0.1)
    ann.setGenerateAuth("N")
    ipv6 = (DEU_IPV6, "3m", 3, "198.51.100.7", "", GOAL, "SOCKS5")
    made["ipv6"] = bought(ann.orderCalcIpv6, ann.orderMakeIpv6, ipv6, 73, 3, 0.243)
    mobile = (USA_MOBILE, "1m", 1, "", "", verizon, 5)
    made["mobile"] = bought(ann.orderCalcMobile, ann.orderMakeMobile, mobile, 72_00, 1, 72)
    mix = (EUROPE, "1m", 10, "", "", "")
    made["mix"] = bought(ann.orderCalcMix, ann.orderMakeMix, mix, 12_13, 10, 1.2125, 0.03)
    free = {"countryId": str(WEST_ISP), "periodId": "1m", "quantity": "10", "paymentId": "1"}
    made["mix_isp"] = bought(ann.orderCalc, ann.orderMake, [free], 22_99, 10, 2.2989, 0.03)
    # By the card that was saved: the wallet stays as it is.
    before = cents(ann.balance())
    ann.setPaymentId(43)
    carded = ann.orderMakeIpv4(USA, "2m", 1, "", "", GOAL)
    ann.setPaymentId(1)
    same((cents(carded["total"]), cents(ann.balance())), (2_74, before))
    made["carded"] = carded
    return made


def orders_that_cannot_be(verizon):
    before = cents(rich.balance())
    for regular in [rich.orderCalcIpv4, rich.orderMakeIpv4, rich.orderCalcIsp, rich.orderMakeIsp]:
        refused("Country not exists", regular, 999, "1m", 1, "", "", GOAL)
        refused("Set existed [periodId] from reference", regular, USA, "5w", 1, "", "", GOAL)
        refused("Set existed [quantity]", regular, USA, "1m", -1, "", "", GOAL)
        refused("Set [customTargetName]", regular, USA, "1m", 1, "", "", "")
        refused("Set existed [authorization]", regular, USA, "1m", 1, "256.1.1.1", "", GOAL)
    for mix in [rich.orderCalcMix, rich.orderMakeMix]:
        refused("Set existed [quantity]", mix, EUROPE, "1m", 11, "", "", "")
        refused("Country not exists", mix, EUROPE + 7, "1m", 10, "", "", "")
    for ipv6 in [rich.orderCalcIpv6, rich.orderMakeIpv6]:
        refused("Set existed [protocol]", ipv6, DEU_IPV6, "3m", 1, "", "", GOAL, "FTP")
    for mobile in [rich.orderCalcMobile, rich.orderMakeMobile]:
        unknown = "Set existed [operatorId] from reference"
        refused(unknown, mobile, USA_MOBILE, "1m", 1, "", "", 7, 5)
        unknown = "Set existed [rotationId] from reference"
        refused(unknown, mobile, USA_MOBILE, "1m", 1, "", "", verizon, 7)
    for resident in [rich.orderCalcResident, rich.orderMakeResident]:
        refused("Tarif not found", resident, 1, "")
    refused("Not enough proxies in stock", rich.orderMakeIpv4, USA, "1m", 500, "", "", GOAL)
    rich.setPaymentId(99)
    refused("Set existed [paymentId]", rich.orderMakeIpv4, USA, "1m", 1, "", "", GOAL)
    rich.setPaymentId(1)
    same(cents(rich.balance()), before)
