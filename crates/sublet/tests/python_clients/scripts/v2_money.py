"""What the client is set to, and money."""

import re

from proxy_seller_user_api import ApiError

from checks import ROOT, cents, holds, page, same
from clients import client
from v2_customers import GOAL, UNKNOWN, impossible, objectid, poor, refused, rich


def the_settings_of_the_client():
    same((rich.getPaymentId(), rich.getPaymentCode(), rich.getGenerateAuth()), (None, None, "N"))
    rich.setPaymentId("balance")
    same((rich.getPaymentId(), rich.getPaymentCode()), ("balance", None))
    rich.setPaymentCode("balance")
    same((rich.getPaymentId(), rich.getPaymentCode()), (None, "balance"))
    rich.setFingerprint("an installation")
    same(rich.getFingerprint(), "an installation")
    rich.setGenerateAuth("Y")
    same(rich.getGenerateAuth(), "Y")
    rich.setGenerateAuth("N")
    poor.setPaymentCode("balance")
    with client(ROOT, "nobodyhasthiskey1234") as nobody:
        for method in [nobody.balance, nobody.authList, nobody.balanceAutoTopupGet]:
            try:
                raise AssertionError(method())
            except ApiError as error:
                holds(error.isAccessError() and error.http_status == 200, error.body)
                words = ["Error api key", "IP not allowed 127.0.0.1", "Request limit reached"]
                same([it["message"] for it in error.errors], words)
                same([it["code"] for it in error.errors], [503] * 3)
    rich.close()


def money():
    same(cents(rich.balance()), 1000_00)
    systems = rich.balancePaymentsList()
    manual, card = [objectid(system["id"]) for system in systems]
    holds(all(system["name"] for system in systems), systems)
    begun = rich.balanceAdd(5, manual)
    holds("5.00" in page(begun), begun)
    same(cents(rich.balance()), 1000_00)
    off = rich.balanceAutoTopupGet()
    same((off["configured"], off["enabled"], off["state"]), (False, False, "NO_PAYMENT_METHOD"))
    same((off["subscriptionId"], off["paymentMethod"], off["lastEvent"]), (None, None, None))
    refused("No saved payment method", 53, rich.balanceAutoTopupSet, enabled=True)
    refused("No saved payment method", 53, order_by_card)
    # A payment by the card that a sandbox has to play with: it is credited, and the card is saved.
    paid = rich.balanceAdd(summ=100, paymentId=card)
    holds("100.00" in page(paid), paid)
    page(paid, "pay")
    same(cents(rich.balance()), 1100_00)
    refused("Set existed [paymentId]", 0, rich.balanceAdd, 5, UNKNOWN)
    refused("Set [summ > 1]", 0, rich.balanceAdd, 0.99, manual)
    holds(rich.balanceAdd(1, manual).startswith(ROOT), "the least that may be paid")
    impossible(rich.balanceAdd, 5, paymentCode="balance")


def order_by_card():
    return rich.orderMakeIpv4(
        "USA", "2m", 1, customTargetName=GOAL, paymentCode="paddle_subscription"
    )


def topped_up_automatically():
    seconds = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00")
    limits = {"minAmount": 5, "minThreshold": 1}
    on = rich.balanceAutoTopupSet(enabled=True, threshold=10, amount=25)
    same((on["configured"], on["enabled"], on["state"]), (True, True, "ACTIVE"))
    same((cents(on["threshold"]), cents(on["amount"]), on["failCount"]), (10_00, 25_00, 0))
    method = on["paymentMethod"]
    same((method["id"], method["status"]), (on["subscriptionId"], "active"))
    same((method["paymentMethod"], method["last4"]), ("card", "4242"))
    holds(re.fullmatch(r"\d\d/\d{4}", method["exp"]), method)
    same(on["lastEvent"]["status"], "SETTINGS_SAVED")
    holds(seconds.fullmatch(on["lastEvent"]["at"]), on)
    same(rich.balanceAutoTopupGet(), on)
    top_up = rich.balanceAutoTopupSet
    refused("Top-up amount must be 5 or more", 51, top_up, amount=4, threshold=2, custom=limits)
    refused("Top-up threshold must be 1 or more", 50, top_up, threshold=0, custom=limits)
    words = "Top-up amount must not be below the threshold"
    refused(words, 52, top_up, {"threshold": 26}, custom=limits)
    refused("No saved payment method", 53, top_up, subscriptionId="sub_01hexample")
    impossible(top_up, dailyCountCap=5)
    same(rich.balanceAutoTopupGet(), on)
    off = top_up(enabled=False)
    same((off["enabled"], off["state"], cents(off["amount"])), (False, "DISABLED", 25_00))
