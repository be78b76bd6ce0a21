"""Two customers with the client of v1, and how it raises what the shop refuses."""

from checks import Watched, same

CALLED = set()
rich, poor = Watched("rich", CALLED), Watched("poor", CALLED)
# What `reference/list` calls them; a number names the section too.
USA, USA_ISP, USA_MOBILE, DEU_IPV6 = 1840, 4840, 3840, 2276
EUROPE, WEST_ISP = 50001, 60001
GOAL = "price monitoring"


def refused(words, method, *arguments):
    """The client raises a ValueError with the words of the first error, and the shop has these."""
    try:
        answer = method(*arguments)
    except ValueError as error:
        same(str(error), words)
        return
    raise AssertionError(f"{answer!r} instead of {words!r}")


def too_dear(method, *arguments):
    """A price above the balance has no error in it, and this client cannot read that."""
    try:
        answer = method(*arguments)
    except IndexError:
        return
    raise AssertionError(repr(answer))


def unpaid(call, body):
    """What the client is sent then: a price and why it cannot be paid."""
    answer = poor.session.post(poor.base_uri + call, json=body)
    same(answer.status_code, 200)
    same((answer.json()["status"], answer.json()["errors"]), ("error", []))
    return answer.json()["data"]
