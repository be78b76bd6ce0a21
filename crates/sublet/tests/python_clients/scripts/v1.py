"""A customer's program with the client of v1: all that it can do, and what it is told if it cannot.

v1.py FACTS
"""

from checks import same
from v1_buying import (
    money,
    orders,
    orders_that_cannot_be,
    the_settings_of_the_client,
    the_shop_is_there,
    what_can_be_ordered,
)
from v1_customers import rich
from v1_owning import authorisations, checked, comments, downloads, lists, replacement, the_end
from v1_prolonging import a_wallet_that_is_too_small, prolongations, what_is_not_offered

the_settings_of_the_client()
the_shop_is_there()
money()
verizon = what_can_be_ordered()
made = orders(verizon)
orders_that_cannot_be(verizon)
everything = lists(made)
downloads(everything)
comments(everything)
prolongations(everything)
authorisations(made)
replacement(everything)
checked(everything)
a_wallet_that_is_too_small()
what_is_not_offered()
the_end(everything)
same(rich.uncalled(), set())
