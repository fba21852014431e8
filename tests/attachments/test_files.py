"""Files as they are sent: text is text, whatever its encoding; a PDF is a PDF; nothing else is sent."""

import base64
import codecs
import contextlib
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nbstream as nbs
from nbstream.attachments.attached import attached
from nbstream.attachments.files import decoded, made_file
from nbstream.attachments.parts import text_file_in
from nbstream.errors import UsageError
from nbstream.testing import chat_body

PDF = b"%PDF-1.7\n\x00\xff"
FRENCH = (
    "Le café de l'hôtel était fermé à cause d'une grève, dont la durée n'était pas précisée par la préfecture. " * 3
)
CZECH = "Příliš žluťoučký kůň úpěl ďábelské ódy, a proto se všichni sousedé znovu sešli před radnicí. " * 3
JAPANESE = (
    "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。何でも薄暗いじめじめした所で泣いていた。" * 3
)


def file_in(part):
    found = text_file_in(part)
    assert found is not None
    return tuple(found)


def test_a_text_file_is_text_with_its_name(tmp_path):
    path = tmp_path / "my data.csv"
    path.write_text("a,b\r\n```\r\n", "utf-8", newline="")
    for given_path in (path, str(path)):
        part, notes = made_file(given_path)
        assert (file_in(part), notes) == (("my data.csv", "a,b\r\n```\r\n"), ())


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_an_encoding_that_is_certain_is_no_news(mark, encoding):
    assert decoded(mark + JAPANESE.encode(encoding), "x") == (JAPANESE, None)


@pytest.mark.parametrize(
    ("text", "encoding"), [(FRENCH, "cp1252"), ("größe;12", "cp1252"), (CZECH, "cp1250"), (JAPANESE, "shift_jis")]
)
def test_an_encoding_that_is_guessed_is_said(tmp_path, text, encoding):
    path = tmp_path / "notes.txt"
    path.write_bytes(text.encode(encoding))
    asked = attached("Read", file=path)
    assert file_in(asked.prompt[1]) == ("notes.txt", text)
    (warning,) = asked.warnings
    assert (warning.kind, bool(re.fullmatch(r"notes\.txt was read as \w+, which is a guess\.", warning.happened))) == (
        "changed_attachment",
        True,
    )


@settings(max_examples=100)
@given(st.binary(max_size=60))
def test_any_bytes_are_a_part_or_a_clear_error(data):
    with contextlib.suppress(UsageError):
        assert made_file(data).part["type"] in {"text", "file"}


def test_a_pdf_is_handed_on(tmp_path):
    (tmp_path / "paper.pdf").write_bytes(PDF)
    url = f"data:application/pdf;base64,{base64.b64encode(PDF).decode()}"
    for what, name in ((tmp_path / "paper.pdf", "paper.pdf"), (PDF, "file.pdf")):
        assert made_file(what).part == {"type": "file", "file": {"filename": name, "file_data": url}}


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (7, "a file is a path or bytes, not int"),
        ("missing.txt", "there is no file missing.txt"),
        ("https://example.org/a.txt", "a file is not loaded from an address"),
        (b"", "the file is empty"),
        (b"\x89PNG\r\n\x1a\n", "the file is an image; attach it as an image"),
        (b"PK\x03\x04\x14\x00\x06\x00\xff", "the file is neither text nor a PDF"),
        (b"\x7fELF\x02\x01\x01\x00", "the file is neither text nor a PDF"),
        (codecs.BOM_UTF16_LE + b"a", "the file begins as UTF-16 does, but is damaged"),
    ],
    ids=str,
)
def test_what_cannot_be_sent_is_said_so(what, words):
    with pytest.raises(UsageError, match=f"^{words}"):
        made_file(what)


def test_what_is_too_long_is_said_with_the_limit(tmp_path):
    with pytest.raises(UsageError, match="file is too long; text files can have up to 1,000,000 characters"):
        made_file(b"x" * 1_000_001)
    path = tmp_path / "huge.bin"
    with path.open("wb") as file:
        file.truncate(32_000_001)
    with pytest.raises(UsageError, match=r"huge\.bin is too large; files can be up to 32 MB"):
        made_file(path)


def test_images_come_before_files():
    asked = attached("Look", image="https://example.org/a.png", file=[b"a", PDF]).prompt
    assert [part["type"] for part in asked if isinstance(part, dict)] == ["text", "image_url", "text", "file"]


# --- sent once --------------------------------------------------------------------------------------------------------


@pytest.mark.sdk
def test_a_file_is_sent_once_and_named_by_its_id(loopback, tmp_path):
    report = tmp_path / "report.txt"
    report.write_text("Five million.")
    loopback.send(json.dumps({"id": "file-abc123", "object": "file"}), headers={"content-type": "application/json"})
    loopback.send(chat_body("Few."))
    named: dict[str, Any] = {"base_url": loopback.base_url, "model": "m"}
    uploaded = nbs.upload(report, **named)
    assert uploaded == "file-abc123"
    nbs.stream("How many?", file=uploaded, api="chat", display=False, **named)
    sent, asked = loopback.requests
    assert sent.path.endswith("/files")
    assert all(part in sent.body for part in (b"Five million.", b'filename="report.txt"', b"user_data"))
    assert asked.json["messages"][0]["content"][1] == {"type": "file", "file": {"file_id": "file-abc123"}}


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (404, "{}", r"has no /files \(404\)"),
        (401, '{"error": {"message": "no"}}', "answered 401"),
        (200, "{}", "did not say which id"),
        (200, "<html>", "did not say which id"),
    ],
)
def test_a_server_that_keeps_no_files_is_an_error(loopback, status, body, says):
    kind = "text/html" if body.startswith("<") else "application/json"
    loopback.send(body, status=status, headers={"content-type": kind})
    with pytest.raises(nbs.StreamError, match=says):
        nbs.upload(b"x", base_url=loopback.base_url)


@pytest.mark.parametrize(
    ("file", "options", "says"),
    [
        ("nowhere.pdf", {}, "there is no file nowhere.pdf"),
        (b"", {}, "file is empty"),
        (b"x", {"model": "demo"}, "the demo model keeps no files"),
    ],
)
def test_what_cannot_be_uploaded_is_refused(file, options, says):
    with pytest.raises(UsageError, match=says):
        nbs.upload(file, **options)
