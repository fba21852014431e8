"""Characters that act are taken out; characters that show stay."""

import pytest

from nbstream.text.plain import plain


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("tab\tand\nline", "tab\tand\nline"),
        ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
        ("\x1b]52;c;c3RvbGVu\x07", "␛]52;c;c3RvbGVu"),
        ("over\rwritten", "overwritten"),
        ("back\x08space\x7f", "backspace"),
        ("nul\x00l", "null"),
        ("\x9b31m C1 \x85", "31m C1 "),
        ("é 😀 👩‍💻 \u2028 \u00a0 \ufffd", "é 😀 👩‍💻 \u2028 \u00a0 \ufffd"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    ],
)
def test_plain(text, expected):
    assert plain(text) == expected


def test_every_control_character_but_tab_and_newline_is_gone():
    controls = "".join(map(chr, (*range(0x20), *range(0x7F, 0xA0))))
    assert plain(controls) == "\t\n␛"


def test_it_does_not_matter_how_the_text_is_cut():
    text = "a\x1b[3\r\n1mb\x00"
    assert plain(text) == "".join(map(plain, text))


def test_plain_text_stays_plain():
    assert plain(plain("\x1b[31m")) == plain("\x1b[31m")
