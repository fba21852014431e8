"""What an answer cost: by the price list if there is one, and never a guess."""

import sys
import types
from decimal import Decimal
from importlib.machinery import ModuleSpec

import pytest

import nbstream as nbs
from nbstream.display.marks import facts_of
from nbstream.result import Usage
from nbstream.streaming import cost
from nbstream.streaming.cost import cost_of
from nbstream.text.money import shown_cost

OPENAI = "https://api.openai.com/v1"


class _PriceList(types.ModuleType):
    """As much of genai-prices as is used: a dollar for a million input tokens, ten for output, a tenth if cached."""

    priced = (OPENAI, "gpt-5-mini")

    class Usage:
        def __init__(self, *, input_tokens, output_tokens, cache_read_tokens):
            assert 0 <= cache_read_tokens <= input_tokens
            self.cost = (input_tokens - cache_read_tokens) + output_tokens * 10 + Decimal(cache_read_tokens) / 10

    @staticmethod
    def calc_price(usage, model_ref, *, provider_api_url):
        if (provider_api_url, model_ref) != _PriceList.priced:
            raise LookupError(model_ref)
        return types.SimpleNamespace(total_price=usage.cost / 1_000_000)


@pytest.fixture(autouse=True)
def _read_again():
    for kept in (cost.price_list, cost.installed):
        kept.cache_clear()
    yield
    for kept in (cost.price_list, cost.installed):
        kept.cache_clear()


@pytest.fixture
def _priced(monkeypatch):
    module = _PriceList("genai_prices")
    module.__spec__ = ModuleSpec("genai_prices", None)
    monkeypatch.setitem(sys.modules, "genai_prices", module)


@pytest.mark.usefixtures("_priced")
@pytest.mark.parametrize(
    ("usage", "model", "base_url", "expected"),
    [
        (Usage(1000, 100, 1100), "gpt-5-mini", OPENAI, 0.002),
        (Usage(1000, 100, 1100, cached_tokens=1000), "gpt-5-mini", OPENAI, 0.0011),
        (Usage(1000, 100, 1100, cached_tokens=5000), "gpt-5-mini", OPENAI, 0.0011),
        (Usage(0, 0, 0), "gpt-5-mini", OPENAI, 0.0),
        (Usage(1000, 100, 1100), "gpt-5-mini", "http://localhost:11434/v1", None),
        (Usage(1000, 100, 1100), "llama3.2", OPENAI, None),
        (Usage(1000, 100, 1100), None, OPENAI, None),
        (None, "gpt-5-mini", OPENAI, None),
    ],
)
def test_a_known_model_at_a_known_server_has_a_price(usage, model, base_url, expected):
    assert cost_of(usage, model, base_url) == (None if expected is None else pytest.approx(expected))


def test_without_the_price_list_there_is_no_price(monkeypatch):
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    assert cost_of(Usage(1000, 100, 1100), "gpt-5-mini", OPENAI) is None


@pytest.mark.usefixtures("_priced")
def test_a_stream_has_its_price_if_its_server_has_prices(demo, monkeypatch):
    assert nbs.stream("hello", model="demo", display=False).cost is None
    monkeypatch.setattr(_PriceList, "priced", (demo.base_url, "demo"))
    result = nbs.stream("hello", model="demo", display=False)
    usage = result.usage
    assert usage is not None
    assert result.cost is not None
    assert result.cost == pytest.approx((usage.input_tokens + usage.output_tokens * 10) / 1e6)
    assert result.metadata()["cost"] == result.cost
    shown = shown_cost(result.cost)
    assert ("cost", shown) in result.summary()
    assert facts_of(result)[-1] == shown


def test_the_real_price_list_knows_the_default_model():
    pytest.importorskip("genai_prices")
    known = cost_of(Usage(1_000_000, 0, 1_000_000), "gpt-5-mini", OPENAI)
    assert known is not None
    assert 0.01 < known < 10
    assert cost_of(Usage(1, 1, 2), "gpt-5-mini", "http://localhost:8000/v1") is None


@pytest.mark.parametrize(
    ("dollars", "words"),
    [(0, "$0"), (1e-9, "$0.0000000010"), (0.1, "$0.10"), (0.99, "$0.99"), (12.345, "$12.35"), (1234.5, "$1,234.50")],
)
def test_a_price_is_shown_to_two_figures(dollars, words):
    assert shown_cost(dollars) == words
