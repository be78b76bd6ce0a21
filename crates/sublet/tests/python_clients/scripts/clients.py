"""The official client, pointed at a shop. Nothing of it is changed."""

from importlib.metadata import version

import proxy_seller_user_api as official


class Pace:
    """A clock that only waiting moves: the client keeps its distances, and nobody waits."""

    def __init__(self):
        self.now = 0.0

    def read(self):
        return self.now

    def wait(self, seconds):
        self.now += seconds


def client(root, key):
    """The client that is installed."""
    installed = version("proxy-seller-user-api")
    if installed == "1.0.4":

        class Here(official.Api):
            URL = root + "/personal/api/v1/"

        return Here({"key": key})
    if installed == "2.1.1":
        pace = Pace()
        return official.Api(
            {
                "key": key,
                "base_url": root + "/personal/api/v2",
                "rate_limit": {"clock": pace.read, "sleep": pace.wait},
            }
        )
    raise AssertionError("the client is of another version: " + installed)
