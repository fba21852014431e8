"""Which settings apply, and where each comes from, as a new kernel would find them.

`target` decides; this module only says where the chosen value was found, so the two cannot disagree. It shows no more
of a key than the key itself shows.
"""

from __future__ import annotations

import os
import pathlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from traitlets import TraitError
from traitlets.config.loader import Config, ConfigFileNotFound, PyFileConfigLoader

from nbstream.errors import MissingKeyError, UsageError
from nbstream.request import OPENAI_BASE_URL
from nbstream.settings.config import NBStream
from nbstream.settings.credential import Credential
from nbstream.settings.jupyter_relay import find_relay
from nbstream.settings.key_sources import KeyringKey
from nbstream.settings.key_store import server_of
from nbstream.settings.target import ADDRESS_VARIABLE, KEY_VARIABLE, no_model, resolve_target
from nbstream.text.address import JUPYTER, address_from, bare
from nbstream.text.place import Place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbstream.request import Endpoint, Target

__all__ = ["Rows", "Setup", "find_setup"]

Rows: TypeAlias = list[tuple[str, ...]]

_PROFILE = "IPython profile"
_DEFAULT = "default"
_ORIGINS = {
    **dict.fromkeys(("settings", "function"), _PROFILE),
    "demo": "the demo model",
    "file": "a file",
    "keyring": "the system's keyring",
    "relay": "Jupyter's own token",
}


@dataclass(frozen=True, slots=True)
class Setup:
    """The settings that apply, and where they lead.

    Attributes:
        rows: Each setting with its value and where it comes from, then what is wrong with them.
        target: Where a stream would go; `None` if these settings lead nowhere.
    """

    rows: Rows
    target: Target | None = None

    @property
    def model(self) -> str | None:
        """The model that would be asked, if the settings name one."""
        return None if self.target is None else self.target.model


def find_setup(model: str | None = None, base_url: str | None = None) -> Setup:
    """Resolve the settings as a new kernel of the default IPython profile would.

    Args:
        model: What the option `--model` says.
        base_url: What the option `--base-url` says.

    Example:
        >>> find_setup(model="demo").target.api
        'chat'
    """
    loaded, problems = _profile()
    try:
        config = NBStream(config=loaded)
        target = resolve_target(config, model=model, base_url=base_url)
        if target.model is None:  # a server can be asked which it has
            problems.append(("problem", no_model(target.endpoint).told(Place.TERMINAL)))
    except UsageError as error:
        return Setup([*problems, ("problem", error.told(Place.TERMINAL))])
    except (TraitError, ValueError, OSError) as error:
        return Setup([*problems, ("problem", str(error))])
    return Setup([*_main_rows(config, target, model, base_url), *_other_rows(config), *problems], target)


def _profile() -> tuple[Config, Rows]:
    """What IPython's configuration files say, and which of them are broken: IPython continues without those."""
    from IPython.core.application import ENV_CONFIG_DIRS, SYSTEM_CONFIG_DIRS

    own = pathlib.Path(os.environ.get("IPYTHONDIR") or "~/.ipython").expanduser() / "profile_default"
    config, problems = Config(), Rows()
    for name in ("ipython_config.py", "ipython_kernel_config.py"):  # IPython's order: what comes later wins
        for folder in (*reversed(SYSTEM_CONFIG_DIRS), *reversed(ENV_CONFIG_DIRS), str(own)):
            try:
                config.merge(PyFileConfigLoader(name, path=folder).load_config())
            except ConfigFileNotFound:
                continue
            except Exception as error:  # noqa: BLE001  the file is Python, and may raise anything
                # The error's own words may quote the file, and the file may hold a key.
                problems.append(("problem", f"{folder}/{name} is left out: it raises {type(error).__name__}"))
    return config, problems


def _main_rows(config: NBStream, target: Target, model: str | None, base_url: str | None) -> Rows:
    url, variables = target.endpoint.base_url, os.environ
    given = {"--base-url": base_url, _PROFILE: config.base_url, ADDRESS_VARIABLE: variables.get(ADDRESS_VARIABLE)}
    urls = {name: _meant(each) for name, each in given.items()}
    models = {"--model": model, _PROFILE: config.model, "NBSTREAM_MODEL": variables.get("NBSTREAM_MODEL", "").strip()}
    return [
        ("endpoint", bare(url), _source(url, urls, _DEFAULT if url == OPENAI_BASE_URL else "the demo model")),
        ("model", target.model or "(none)", _source(target.model or "(none)", models, _DEFAULT)),
        ("api", target.api, _source(target.api, {_PROFILE: config.api}, "chosen for this endpoint")),
        ("key", *_key(config, target.endpoint)),
    ]


def _meant(address: str | None) -> str | None:
    """The base URL that an address means; `None` for what is none, and therefore does not apply."""
    try:
        if address == JUPYTER:
            return find_relay().base_url
        return address_from(address).base_url if address else None
    except UsageError:
        return None


def _key(config: NBStream, endpoint: Endpoint) -> tuple[str, str]:
    key = endpoint.api_key
    if key is not None and key.origin == "keyring":  # where it is looked for when it is needed
        key = _in_keyring(endpoint)
    if key is not None:
        return str(key), _ORIGINS.get(key.origin, key.variable or key.origin)
    keys = {_PROFILE: config.api_key, KEY_VARIABLE: os.environ.get(KEY_VARIABLE, "").strip()}
    kept = " and ".join(name for name, key in keys.items() if key)
    return "none", f"the key in {kept} is not for this endpoint" if kept else "not set"


def _in_keyring(endpoint: Endpoint) -> Credential | None:
    try:
        found = KeyringKey(server_of(endpoint.base_url)).read()
    except MissingKeyError:
        return None
    return Credential(found, "keyring") if found else None


def _other_rows(config: NBStream) -> Rows:
    """The time limits, and every other setting that differs from its default."""
    rows = Rows()
    for name, trait in config.class_own_traits(config=True).items():
        value, changed = getattr(config, name), getattr(config, name) != trait.default(config)
        if name.endswith("_timeout"):
            rows.append((name, "none" if value is None else f"{value:g} s", _PROFILE if changed else _DEFAULT))
        elif changed and name not in {"model", "api", "base_url", "api_key"}:
            rows.append((name, repr(value), _PROFILE))
    return rows


def _source(value: object, candidates: Mapping[str, object], otherwise: str) -> str:
    """The first source that has the value, in the order of precedence."""
    return next((name for name, candidate in candidates.items() if candidate == value), otherwise)
