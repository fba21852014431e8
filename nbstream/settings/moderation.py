"""What a call asks of moderation, resolved: what moderates it, and whose moderation endpoint is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbstream.moderation.policy import moderation_from
from nbstream.moderation.provider import asked_of_provider
from nbstream.moderation.stage import ModerationStage
from nbstream.request import EMBEDDED_URL, OPENAI_BASE_URL
from nbstream.settings.target import resolve_target

if TYPE_CHECKING:
    from nbstream.moderation.policy import Moderation
    from nbstream.request import Target
    from nbstream.settings.config import NBStream

__all__ = ["asked_of", "moderation_of"]


def moderation_of(config: NBStream, target: Target, moderate: Any, on_flagged: Any) -> ModerationStage | None:
    """What moderates a call; `None` if nothing does.

    Args:
        config: The settings.
        target: Where the call goes.
        moderate: Who moderates, as the call says.
        on_flagged: What becomes of what is flagged, as the call says.

    Raises:
        UsageError: It makes no sense.
    """
    policy = moderation_from(moderate, on_flagged)
    if policy is None:
        return None
    return ModerationStage(policy, _asked(config, target, policy), target.sizes.characters)


def asked_of(moderation: ModerationStage | None) -> dict[str, Any]:
    """The fields of a request that ask its provider to moderate it.

    Args:
        moderation: What moderates it.
    """
    if moderation is None or moderation.policy.check != "provider":
        return {}
    return asked_of_provider(moderation.policy)


def _asked(config: NBStream, target: Target, policy: Moderation) -> Target | None:
    """Whose moderation endpoint is asked, if one is. Other servers than OpenAI's seldom have one."""
    if policy.check != "openai":
        return None
    if policy.base_url is not None:
        return resolve_target(config, model="", base_url=policy.base_url)
    key = target.endpoint.api_key
    own = target.client is not None or target.endpoint.environment_applies
    own = own or (key is not None and key.origin in {"demo", "relay"})
    if own or target.endpoint.base_url == EMBEDDED_URL:
        return target
    return resolve_target(config, model="", base_url=OPENAI_BASE_URL)
