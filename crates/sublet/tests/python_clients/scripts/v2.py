"""A customer's program with the client of v2: all that it can do, and what it is told if it cannot.

v2.py FACTS
"""

from checks import same
from v2_buying import order_list, orders, orders_that_cannot_be, what_can_be_ordered
from v2_customers import rich
from v2_money import money, the_settings_of_the_client, topped_up_automatically
from v2_owning import authorisations, comments, downloads, proxies, replacement
from v2_prolonging import (
    a_wallet_that_is_too_small,
    prolongations,
    prolonged_automatically,
    what_is_not_offered,
)

# They make what other methods send, and ask nobody.
HELPERS = """assertExt filterNone mergeOrderOptions paymentOptions prepare prepareAutoProlong
    prepareIpv6 prepareMix prepareMobile prepareProlong prepareRegular prepareResident
    requestCategory withGenerateAuth""".split()

the_settings_of_the_client()
money()
topped_up_automatically()
what_can_be_ordered()
made = orders()
orders_that_cannot_be()
order_list(made)
everything = proxies(made)
downloads(everything)
comments(everything)
prolongations(everything, made)
authorisations(made)
replacement(everything)
a_wallet_that_is_too_small()
what_is_not_offered()
prolonged_automatically(everything, made)
same(rich.uncalled(), set(HELPERS))
