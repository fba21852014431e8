"""What a reader can do about what happened, as values. How it is done depends on the place; see `text.wording`."""

from __future__ import annotations

import enum
from dataclasses import dataclass

__all__ = ["Remedy", "RemedyKind"]


class RemedyKind(enum.StrEnum):
    """What can be done."""

    CONTINUE = "continue"  # continue the partial answer
    RETRY = "retry"  # send the same request again
    REGENERATE = "regenerate"  # ask for another answer to the same question
    ASK_ANEW = "ask_anew"  # send the prompt again, because what there is of an answer cannot be continued
    RETRY_LATER = "retry_later"
    WAIT = "wait"  # then send it again; the value is how many seconds, if the server says
    RAISE_TOKEN_LIMIT = "raise_token_limit"  # noqa: S105  a token of text
    LOWER_TOKEN_LIMIT = "lower_token_limit"  # noqa: S105  a token of text
    SHORTEN_PROMPT = "shorten_prompt"
    LONGER_CONTEXT = "longer_context"  # a model that has one
    REPHRASE = "rephrase"
    CHANGE_REQUEST = "change_request"
    CHOOSE_MODEL = "choose_model"
    CHECK_MODEL = "check_model"  # the value is its name
    USE_API = "use_api"  # the value is which: "chat" or "responses"
    SEND_HISTORY = "send_history"  # with each request, in place of an id
    SET_KEY = "set_key"
    SET_ENDPOINT_KEY = "set_endpoint_key"  # for an endpoint that the environment's key is not meant for
    CHECK_KEY = "check_key"
    COPY_KEY = "copy_key"
    CHECK_KEY_FILE = "check_key_file"  # the value is its path
    CHECK_KEY_FUNCTION = "check_key_function"
    ASK_OPERATOR = "ask_operator"  # of a relay
    NAME_SERVER = "name_server"
    TRY_DEMO = "try_demo"
    CHECK_ADDRESS = "check_address"
    USE_ADDRESS = "use_address"  # the value is which base URL
    CHECK_VARIABLE = "check_variable"  # the value is the environment variable's name
    INSTALL = "install"  # the value is the package
    CHECK_CONNECTION = "check_connection"
    CHECK_PROXY = "check_proxy"
    CHECK_LOCATION = "check_location"  # from which countries and networks the provider may be used
    CHECK_CERTIFICATE = "check_certificate"
    CHECK_SERVER = "check_server"
    START_SERVER = "start_server"
    CHECK_BILLING = "check_billing"
    MORE_TIME_TO_BEGIN = "more_time_to_begin"
    MORE_TIME_IN_TOTAL = "more_time_in_total"
    LONGER_ANSWER = "longer_answer"  # allow one
    MORE_PARTS = "more_parts"  # allow them
    LARGER_EVENT = "larger_event"  # allow one
    LARGER_FILE = "larger_file"  # allow one
    REPAIR = "repair"  # have the model correct its answer
    MORE_BUDGET = "more_budget"  # allow the answer to cost more
    MORE_KERNEL_BUDGET = "more_kernel_budget"  # allow the kernel to spend more
    MORE_SECONDS = "more_seconds"  # allow the answer to take longer
    SET_PRICE = "set_price"  # say what a model costs; the value is its name
    ALLOW_TOOL = "allow_tool"  # the value is its name
    ALLOW_SECRETS = "allow_secrets"  # send them
    MORE_ROUNDS = "more_rounds"  # allow them
    REPORT_BUG = "report_bug"

    def __repr__(self) -> str:
        return repr(str(self))


@dataclass(frozen=True, slots=True)
class Remedy:
    """One thing that a reader can do.

    Attributes:
        kind: What it is; compares equal to its word.
        value: What it is about, for the kinds that have one.

    Example:
        >>> Remedy(RemedyKind.USE_API, "chat").kind == "use_api"
        True
    """

    kind: RemedyKind
    value: str | float | None = None
