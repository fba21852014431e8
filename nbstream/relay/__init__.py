"""The relay: an OpenAI-compatible endpoint under a Jupyter server, or a service of JupyterHub, that holds the key.

Neither kernels nor browsers see the key. `jupyter server extension enable nbstream.relay` turns it on; then
`base_url="jupyter"` finds it from a kernel.
"""

from __future__ import annotations

from typing import Any

__all__: list[str] = []


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """What Jupyter asks a package that extends its server."""
    return [{"module": "nbstream.relay"}]


def _load_jupyter_server_extension(server: Any) -> None:
    """What Jupyter calls when its server starts."""
    from nbstream.relay.extension import load

    load(server)
