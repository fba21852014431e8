"""An example: the relay as a service of JupyterHub. Copy what is below into your own `jupyterhub_config.py`.

The key is in a file that only the service can read. It is not in the service's `environment`, because the hub keeps
that in its database.

`relay_config.py` holds the relay's own settings, such as

    c.NBStreamRelay.key_file = "/etc/nbstream/key"
    c.NBStreamRelay.models = ["gpt-5-mini"]
    c.NBStreamRelay.database = "/var/lib/nbstream/usage.sqlite"
    c.NBStreamRelay.quotas = {"*": {"tokens": 200_000}, "group:teachers": {"usd": 20.0}}
"""

import os
import sys

c = get_config()  # type: ignore[name-defined]  # noqa: F821  JupyterHub gives it

RELAY = os.environ.get("NBSTREAM_RELAY_ADDRESS", "http://127.0.0.1:10101")
CONFIG = os.environ.get("NBSTREAM_RELAY_CONFIG", "/etc/nbstream/relay_config.py")

c.JupyterHub.services = [
    {
        "name": "nbstream",
        "url": RELAY,
        "command": [sys.executable, "-m", "nbstream.relay.hub", "--config", CONFIG],
    }
]
c.JupyterHub.load_roles = [
    # Who may use it: here, every user.
    {"name": "user", "scopes": ["self", "access:services!service=nbstream"]},
    # It reads the groups of users, for limits by group.
    {"name": "nbstream", "services": ["nbstream"], "scopes": ["read:users:name", "read:users:groups"]},
]
# What a user's server, and so its kernels, identify themselves with.
c.Spawner.server_token_scopes = [
    "users:activity!user",
    "access:servers!server",
    "access:services!service=nbstream",
]
# Where kernels find it. In a cluster, name the address by which their machines reach the service.
c.Spawner.environment = {"NBSTREAM_RELAY_URL": f"{RELAY}/services/nbstream/v1", "OPENAI_BASE_URL": "jupyter"}
