"""What the scripts compare with, and the client as they use it."""

import json
import sys
import urllib.parse
import urllib.request
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from clients import client

FACTS = json.loads(sys.argv[1])
ROOT = FACTS["root"]


def same(actual, expected):
    """Fails unless both are equal, and of the same class: 1 is not True."""
    if actual != expected or (type(actual) is bool) != (type(expected) is bool):
        raise AssertionError(f"{actual!r} instead of {expected!r}")


def holds(condition, shown):
    """Fails with what is shown unless the condition holds."""
    if not condition:
        raise AssertionError(repr(shown))


def number(value):
    """A number that came as a number."""
    holds(isinstance(value, (int, float)) and not isinstance(value, bool), value)
    return Decimal(str(value))


def cents(value):
    """An amount that came as a number, in cents."""
    minor = number(value) * 100
    holds(minor == int(minor), value)
    return int(minor)


def members(item, *names):
    """Fails unless an object has these members; it may have others."""
    missing = [name for name in names if name not in item]
    holds(not missing, (missing, item))


def day(text):
    """A date such as 26.06.2026, to the day."""
    return datetime.strptime(text, "%d.%m.%Y").replace(tzinfo=timezone.utc)


def second(text):
    """A moment such as 26.06.2026 14:05:00."""
    return datetime.strptime(text, "%d.%m.%Y %H:%M:%S").replace(tzinfo=timezone.utc)


def days(count):
    """So many days."""
    return timedelta(days=count)


def _asked(path, body=None, headers=None):
    request = urllib.request.Request(ROOT + path, data=body, headers=headers or {})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
        same(answer.status, 200)
        return answer.read().decode()


def _clock(body=None):
    headers = {"Authorization": "Bearer " + FACTS["token"], "Content-Type": "application/json"}
    body = None if body is None else json.dumps(body).encode()
    now = json.loads(_asked("/sandbox/v1/clock", body, headers))["now"]
    return datetime.fromisoformat(now.replace("Z", "+00:00"))


def now():
    """What the clock of the shop says."""
    return _clock()


def advance(span):
    """Lets time pass for the shop, such as `30d`."""
    return _clock({"advance": span})


def page(url, action=None):
    """A page of the shop, or what it says when a button of it is pressed."""
    holds(url.startswith(ROOT + "/"), url)
    body = None if action is None else urllib.parse.urlencode({"action": action}).encode()
    return _asked(url.removeprefix(ROOT), body)


class Watched:
    """The client of a customer; it is known afterwards what was called."""

    def __init__(self, customer, called):
        self._client = client(ROOT, FACTS[customer])
        self._called = called

    def __getattr__(self, name):
        value = getattr(self._client, name)
        if callable(value):
            self._called.add(name)
        return value

    def uncalled(self):
        """The public methods that nobody has called."""
        kind = type(self._client).__mro__
        public = {
            name
            for parent in kind
            if parent is not object
            for name, value in vars(parent).items()
            if not name.startswith("_")
            and (callable(value) or isinstance(value, (staticmethod, classmethod)))
        }
        return public - self._called
