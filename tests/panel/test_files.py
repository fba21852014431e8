"""What the page makes of files that are attached: its own code, under node."""

from __future__ import annotations

import base64
import json
import pathlib
import shutil
import subprocess
import sys
from typing import Any

import pytest

import nbstream
from nbstream.errors import UsageError
from nbstream.panel.attachments import prompt_from
from nbstream.panel.view.panel_state import Attachment

NODE = shutil.which("node") or str(pathlib.Path(sys.executable).parent / "node")
SOURCE = pathlib.Path(nbstream.__file__).parent / "panel" / "view" / "static" / "panel_files.js"
PROGRAM = """
import { readFile } from "./panel_files.mjs";
let words = "";
for await (const chunk of process.stdin) words += chunk;
const cases = JSON.parse(words).map(async ([name, type, data]) => {
  try {
    return await readFile(new File([Buffer.from(data, "base64")], name, { type }));
  } catch (error) {
    return { problem: String(error) };
  }
});
process.stdout.write(JSON.stringify(await Promise.all(cases)));
"""
CSV = "Stück;Preis\r\n„Äpfel“;1,50 €\r\n"
BROKEN = "was read as UTF-8 with broken characters (1)."
NEITHER = "is neither an image nor a text file."
UNKNOWN = "is in an encoding that is not recognised; save it as UTF-8."
HEIC = "is in HEIC format, which models do not accept; convert it to JPEG or PNG."
AVIF = "is in AVIF format, which models do not accept; convert it to JPEG or PNG."


def box(brand: bytes) -> bytes:
    return b"\x00\x00\x00\x18ftyp" + brand + b"\x00\x00\x00\x00mif1"


CASES: dict[str, tuple[bytes, Any, str]] = {
    "a.csv": (CSV.encode("cp1252"), CSV, "was read as Windows-1252."),
    "b.csv": (CSV.encode("utf-16"), CSV, "was read as UTF-16."),
    "c.csv": (b"\xfe\xff" + CSV.encode("utf-16-be"), CSV, "was read as UTF-16."),
    "d.csv": (CSV.encode("utf-8-sig"), CSV, ""),
    "e.csv": (CSV.encode(), CSV, ""),
    "empty.txt": (b"", "", ""),
    "replaced.txt": ("lost: \ufffd".encode(), "lost: \ufffd", ""),
    "cut.txt": ("ü und €".encode()[:-1] + "ö".encode(), "ü und \ufffdö", BROKEN),
    "colours.log": ("\x1b[31mfür\x1b[0m\x0c".encode("cp1252"), "\x1b[31mfür\x1b[0m\x0c", "was read as Windows-1252."),
    "japanese.txt": ("こんにちは、世界。表示".encode("shift_jis"), None, UNKNOWN),
    "program": (b"\x7fELF\x02\x01\x01\x00\x00", None, NEITHER),
    "some.pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n\x01\x02\x15", None, NEITHER),
    "wide.txt": ("Hi".encode("utf-32"), None, NEITHER),
    "photo.heic": (box(b"heic"), None, HEIC),
    "photo": (box(b"mif1"), None, HEIC),
    "picture": (box(b"avif"), None, AVIF),
    "picture.AVIF": (b"anything", None, AVIF),
}  # fmt: skip


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Any:
    if not pathlib.Path(NODE).exists():
        pytest.skip("there is no node")
    folder = tmp_path_factory.mktemp("page")
    (folder / "panel_files.mjs").write_text(SOURCE.read_text("utf-8"), "utf-8")
    (folder / "program.mjs").write_text(PROGRAM, "utf-8")

    def read(*files: tuple[str, str, bytes]) -> list[dict[str, Any]]:
        given = json.dumps([(name, kind, base64.b64encode(data).decode()) for name, kind, data in files])
        done = subprocess.run(
            [NODE, str(folder / "program.mjs")], input=given, capture_output=True, text=True, check=True, timeout=60
        )
        answers: list[dict[str, Any]] = json.loads(done.stdout)
        return answers

    return read


def test_files_are_read_in_their_encoding_or_refused_in_words(read: Any) -> None:
    answers = read(*((name, "", data) for name, (data, _, _) in CASES.items()))
    for (name, (_, text, words)), answer in zip(CASES.items(), answers, strict=True):
        said = words and f"{name} {words}"
        if text is None:
            assert answer == {"problem": said}
        else:
            assert answer == {"file": {"name": name, "type": "text/plain", "url": "", "text": text}, "remark": said}


@pytest.mark.parametrize(("kind", "words"), [("image/heic", HEIC), ("image/heif-sequence", HEIC), ("image/avif", AVIF)])
def test_the_type_that_the_browser_gives_counts_too(read: Any, kind: str, words: str) -> None:
    assert read(("photo", kind, b"x")) == [{"problem": f"photo {words}"}]


@pytest.mark.parametrize("kind", ["heic", "heif", "avif", "HEIC"])
def test_python_refuses_them_too(kind: str) -> None:
    with pytest.raises(UsageError, match="which models do not accept; convert it to JPEG or PNG"):
        prompt_from("See", [Attachment("photo", url=f"data:image/{kind};base64,AAAA")])
