"""Where a widget's page code comes from: the sources in a checkout, the joined texts in a wheel."""

from __future__ import annotations

import pytest

from nbstream.display.page import page_code


@pytest.mark.parametrize(("kind", "before", "after"), [("js", "a();", "b();"), ("css", "a {}", "b {}")])
def test_a_checkout_shows_its_sources_as_they_are_now(tmp_path, kind, before, after):
    source = tmp_path / f"widget.{kind}"
    source.with_suffix(f".joined.{kind}").write_text("stale", "utf-8")
    source.write_text(before, "utf-8")
    assert page_code(source).strip() == before
    source.write_text(after, "utf-8")
    assert page_code(source).strip() == after


def test_a_wheel_has_the_joined_text_only(tmp_path):
    (tmp_path / "widget.joined.js").write_text("const joined=1;", "utf-8")
    assert page_code(tmp_path / "widget.js") == "const joined=1;"
