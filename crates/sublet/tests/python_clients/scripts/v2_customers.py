"""Two customers with the client of v2, and how it raises what the shop refuses."""

import re

from proxy_seller_user_api import ApiError

from checks import Watched, holds, same

CALLED = set()
rich, poor = Watched("rich", CALLED), Watched("poor", CALLED)
GOAL = "price monitoring"
NO_PERIOD = "Set existed [periodId] from reference"
UNKNOWN = "65aa10c2d4e5f60718293a4b"


def objectid(text):
    """An id as v2 writes them."""
    holds(re.fullmatch("[0-9a-f]{24}", text), text)
    return text


def ids(proxies):
    return [proxy["id"] for proxy in proxies]


def refused(words, code, method, *arguments, data=None, custom=None, **named):
    """The client raises an ApiError of one error with these words and this number."""
    try:
        answer = method(*arguments, **named)
    except ApiError as error:
        same((str(error), error.code, error.http_status), (words, code, 200))
        same(error.errors, [{"message": words, "code": code, "customData": custom}])
        same(error.body["status"], "error")
        holds(bool(error.body["data"]) == bool(data), error.body)
        holds(not error.isAccessError(), words)
        return error.body["data"]
    raise AssertionError(f"{answer!r} instead of {words!r}")


def impossible(method, *arguments, **named):
    """The client sees for itself that this is wrong, and asks the shop nothing."""
    try:
        answer = method(*arguments, **named)
    except (ValueError, TypeError):
        return
    raise AssertionError(repr(answer))
