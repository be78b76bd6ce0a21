"""Calls what it is told to, and tells what came of it: a line of JSON for each call.

told.py ROOT KEY
"""

import json
import sys

from clients import client

api = client(sys.argv[1], sys.argv[2])
for line in sys.stdin:
    method, arguments = json.loads(line)
    named = arguments.pop() if arguments and isinstance(arguments[-1], dict) else {}
    try:
        said = {"answer": getattr(api, method)(*arguments, **named)}
    except Exception as error:  # Whatever a method raises is what is asked for.
        said = {"error": [type(error).__name__, str(error)]}
        if getattr(error, "code", None) is not None:
            said["error"].append(error.code)
    print(json.dumps(said), flush=True)
