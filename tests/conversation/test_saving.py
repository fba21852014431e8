"""Saving a chat over what is there: links, modes, full discs, folders that are not there."""

from __future__ import annotations

import fcntl
import os
import pickle
import stat
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import pytest

import nbstream as nbs
from nbstream.errors import ChangedFileError, NbstreamError, SaveError
from tests.conversation.talks import said
from tests.locked import locked

if TYPE_CHECKING:
    import pathlib

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links and modes are those of POSIX")


@pytest.fixture
def chat() -> nbs.Chat:
    return nbs.Chat(messages=said("Q", "A"))


def names(folder: pathlib.Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("steps", [1, 2])
@pytest.mark.parametrize("there", ["old", None])
def test_a_link_stays(chat: nbs.Chat, tmp_path: pathlib.Path, steps: int, there: str | None) -> None:
    (folder := tmp_path / "elsewhere").mkdir()
    target = folder / "chat.json"
    if there:
        target.write_text(there)
    link = tmp_path / "link0"
    link.symlink_to(os.path.relpath(target, tmp_path))
    for step in range(1, steps):
        (longer := tmp_path / f"link{step}").symlink_to(link)
        link = longer
    chat.save(link)
    assert link.is_symlink()
    assert nbs.Chat.load(target).messages == nbs.Chat.load(link).messages == said("Q", "A")
    assert names(folder) == {"chat.json"}


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444, 0o755])
def test_a_mode_stays(chat: nbs.Chat, tmp_path: pathlib.Path, mode: int) -> None:
    path = tmp_path / "chat.json"
    path.touch()
    path.chmod(mode)
    chat.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert nbs.Chat.load(path).messages == said("Q", "A")


def test_a_new_file_has_the_usual_mode(chat: nbs.Chat, tmp_path: pathlib.Path) -> None:
    (usual := tmp_path / "usual").touch()
    chat.save(tmp_path / "chat.json")
    assert (tmp_path / "chat.json").stat().st_mode == usual.stat().st_mode


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give files away")
def test_an_owner_stays(chat: nbs.Chat, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "chat.json"
    path.touch()
    os.chown(path, 1234, 5678)
    chat.save(path)
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 5678)


def test_a_name_as_long_as_names_can_be(chat: nbs.Chat, tmp_path: pathlib.Path) -> None:
    path = tmp_path / f"{'x' * 250}.json"
    chat.save(path)
    chat.save(path)
    assert names(tmp_path) == {path.name}


def test_what_another_process_has_saved_is_not_replaced_unless_asked(chat: nbs.Chat, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "chat.json"
    chat.save(path)
    (link := tmp_path / "link").symlink_to(path)
    others = [nbs.Chat.load(link), chat.fork(), pickle.loads(pickle.dumps(chat))]
    chat.messages = said("Q", "A", "Q2", "A2")
    chat.save(link)
    chat.save(path)  # its own change is none
    for other in others:
        with pytest.raises(ChangedFileError, match=r"it has changed since .*replace=True$") as caught:
            other.save(path)
        assert isinstance(caught.value, SaveError)
        assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
        assert nbs.Chat.load(path).messages == said("Q", "A", "Q2", "A2")
        other.save(tmp_path / "elsewhere.json")
    others[0].messages = chat.messages
    others[0].save(path, replace=True)
    others[0].save(path)
    path.unlink()
    chat.save(path)
    assert names(tmp_path) == {"chat.json", "link", "elsewhere.json"}


def test_a_chat_that_knows_nothing_of_a_file_replaces_it(chat: nbs.Chat, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "chat.json"
    nbs.Chat().save(path)
    chat.save(path)
    assert nbs.Chat.load(path).messages == said("Q", "A")


def test_a_folder_that_another_process_holds_is_not_waited_for_without_end(
    chat: nbs.Chat, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nbstream.conversation.chat_files._PATIENCE", 0.05)
    folder = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    with pytest.raises(SaveError, match="another process is saving there"):
        chat.save(tmp_path / "chat.json")
    os.close(folder)
    chat.save(tmp_path / "chat.json")
    assert names(tmp_path) == {"chat.json"}


def test_a_name_that_no_file_has(tmp_path: pathlib.Path) -> None:
    with pytest.raises(SaveError, match="was not saved"):
        nbs.Chat().save(f"{tmp_path}/a\0b")


def test_a_pipe_is_written_to(chat: nbs.Chat, tmp_path: pathlib.Path) -> None:
    os.mkfifo(path := tmp_path / "pipe")
    reader = subprocess.Popen(["cat", str(path)], stdout=subprocess.PIPE, text=True)
    chat.save(path)
    assert '"nbstream_chat": 2' in reader.communicate(timeout=60)[0]
    assert stat.S_ISFIFO(path.stat().st_mode)


def loop_of(folder: pathlib.Path) -> pathlib.Path:
    (folder / "a").symlink_to(folder / "b")
    (folder / "b").symlink_to(folder / "a")
    return folder / "a"


@pytest.mark.parametrize(
    ("where", "words"),
    [
        (lambda folder: folder / "none" / "chat.json", "No such file or directory"),
        (lambda folder: folder, "Is a directory"),
        (lambda folder: folder / "file" / "chat.json", "Not a directory"),
        (lambda folder: folder / ("x" * 300), "File name too long"),
        (loop_of, ""),
    ],
)
def test_what_cannot_be_written_is_one_line(chat: nbs.Chat, tmp_path: pathlib.Path, where: Any, words: str) -> None:
    (tmp_path / "file").write_text("precious")
    path = where(tmp_path)
    before = names(tmp_path)
    with pytest.raises(SaveError) as caught:
        chat.save(path)
    error = caught.value
    assert str(error).startswith(f"{path} was not saved ({words}")
    assert str(error).endswith("; what was there before is unchanged")
    assert isinstance(error, OSError)
    assert isinstance(error, NbstreamError)
    assert error.filename == str(path)
    assert error.__cause__ is None
    assert names(tmp_path) == before
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    assert getattr(error, "_render_traceback_")()[-1] == f"SaveError: {error}"  # noqa: B009  IPython's hook


def test_a_disc_without_room_costs_nothing_that_was_there(chat: nbs.Chat, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "chat.json"
    chat.save(path)
    before = path.read_bytes()
    program = f"""
        import resource, sys
        import nbstream as nbs
        from nbstream.errors import SaveError
        chat = nbs.Chat(messages=[{{"role": "user", "content": "x" * 100_000}}])
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        try:
            chat.save({str(path)!r})
        except SaveError as error:
            print(error)
    """
    run = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=False)
    assert run.stdout == f"{path} was not saved (File too large); what was there before is unchanged\n", run.stderr
    assert path.read_bytes() == before
    assert names(tmp_path) == {"chat.json"}


def test_a_folder_in_which_nobody_may_write(chat: nbs.Chat, tmp_path: pathlib.Path) -> None:
    chat.save(path := tmp_path / "chat.json")
    with locked(tmp_path, 0o555), pytest.raises(SaveError, match="Permission denied"):
        chat.save(path)
    assert nbs.Chat.load(path).messages == said("Q", "A")
