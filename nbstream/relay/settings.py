"""The relay's settings, for `jupyter_server_config.py`: `c.NBStreamRelay.models = ["gpt-5-mini"]`."""

from __future__ import annotations

import os
import pathlib
from typing import TYPE_CHECKING, Any, cast

from traitlets import Dict, Enum, Integer, List, TraitError, Unicode, validate
from traitlets.config import LoggingConfigurable

from nbstream.errors import UsageError
from nbstream.relay.limits import read_limits
from nbstream.relay.policy import Policy
from nbstream.relay.prices import Prices, read_prices
from nbstream.relay.relay import Relay
from nbstream.request import OPENAI_BASE_URL, Endpoint
from nbstream.settings.config import SecretTrait
from nbstream.settings.credential import Credential
from nbstream.settings.fetched_credential import FetchedCredential
from nbstream.settings.key_sources import FileKey, FunctionKey
from nbstream.text.address import check_address
from nbstream.text.key_function import KeyFunction
from nbstream.text.secret import Secret

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from nbstream.relay.limits import Period

__all__ = ["NBStreamRelay"]

_KEY_VARIABLE, _KEY_FILE_VARIABLE = "NBSTREAM_RELAY_KEY", "NBSTREAM_RELAY_KEY_FILE"


class NBStreamRelay(LoggingConfigurable):
    """An OpenAI-compatible endpoint that holds the key, and says who may ask for what and how much."""

    base_url = Unicode(OPENAI_BASE_URL, help="The provider's address.").tag(config=True)
    api_key = SecretTrait(help="The key, or a function that gives it; a file is better (`key_file`).").tag(config=True)
    key_file = Unicode(
        None, allow_none=True, help="File that holds the key, which neither users nor their kernels can read."
    ).tag(config=True)
    headers = Dict(help="Headers that go with each request to the provider beside the key.").tag(config=True)
    models = List(Unicode(), help='Models that may be asked, or patterns such as "gpt-5-*". None by default.').tag(
        config=True
    )
    fields = List(Unicode(), help="Fields of a request that are allowed beside the common ones.").tag(config=True)
    tool_types = List(
        Unicode(), ["function", "custom"], help="Types of tools that are allowed; the provider's own cost extra."
    ).tag(config=True)
    max_output_tokens = Integer(
        None, allow_none=True, min=1, help="The maximum number of tokens that an answer may be asked to have."
    ).tag(config=True)
    quotas = Dict(
        help='Limits by "*", "group:NAME" or "user:NAME": tokens, usd, requests_per_minute, concurrent, period.'
    ).tag(config=True)
    period = Enum(("day", "month", "total"), "month", help="When quotas begin anew, by UTC.").tag(config=True)
    prices = Dict(help="US dollars for a million tokens, by model: input, output, cached.").tag(config=True)
    database = Unicode(help="File in which usage is counted.").tag(config=True)

    def _database_default(self) -> str:
        from jupyter_core.paths import jupyter_data_dir

        return str(pathlib.Path(jupyter_data_dir()) / "nbstream-relay.sqlite")

    @validate("base_url")
    def _is_address(self, proposal: Any) -> str:
        url: str = proposal["value"].strip()
        try:
            check_address(url)
        except UsageError as error:
            raise TraitError(str(error)) from None
        return url

    @validate("quotas")
    def _are_limits(self, proposal: Any) -> Any:
        return _checked(read_limits, proposal["value"])

    @validate("prices")
    def _are_prices(self, proposal: Any) -> Any:
        return _checked(read_prices, proposal["value"])

    def relay(self) -> Relay:
        """A relay with these settings. The key is taken out of the environment, which kernels inherit."""
        policy = Policy(tuple(self.models), frozenset(self.fields), frozenset(self.tool_types), self.max_output_tokens)
        endpoint = Endpoint(self.base_url, self._credential(os.environ))
        limits = read_limits(self.quotas, cast("Period", self.period))
        return Relay(endpoint, policy, limits, self.database, Prices(self.prices), self.headers, self.log)

    def _credential(self, environment: MutableMapping[str, str]) -> Credential | None:
        of_environment = environment.pop(_KEY_VARIABLE, "").strip()
        path = self.key_file or environment.get(_KEY_FILE_VARIABLE, "").strip()
        if isinstance(self.api_key, KeyFunction):
            return FetchedCredential(FunctionKey(self.api_key))
        if self.api_key is None and not of_environment:
            return FetchedCredential(FileKey(path)) if path else None
        key = self.api_key or Secret(of_environment)
        for name, value in list(environment.items()):
            if value.strip() == key.reveal():  # also where it stands for other programs
                self.log.warning("relay: %s holds the relay's key, and is taken from kernels", name)
                del environment[name]
        return Credential(key, "settings")


def _checked(read: Any, value: Any) -> Any:
    try:
        read(value)
    except ValueError as error:
        raise TraitError(str(error)) from None
    return value
