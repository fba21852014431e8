"""`ChatPanel` as a notebook's author uses it: traits, callbacks, names, what is displayed and restored."""

import json
import threading
from types import SimpleNamespace

import pytest
import traitlets

import nbstream as nbs
from nbstream.display.host import Host
from nbstream.errors import UsageError
from nbstream.testing import FaultServer, chat_body, chat_chunk, error_body
from tests.comms import OLD_WIDGETS


@pytest.fixture
def ask(loopback):
    """A panel, and a way to have its chat answer."""
    panels = []

    def make(*arguments, **options):
        panel = nbs.ChatPanel(*arguments, **options)
        panels.append(panel)
        return panel

    yield make
    for panel in panels:
        panel.close()
    loopback.close()


@pytest.fixture
def options(loopback):
    return {"model": "m", "base_url": loopback.base_url, "max_retries": 0}


def answer(panel, text="Hi"):
    return panel.chat.stream(text, display=False)


def test_the_last_turn_is_at_hand(ask, options, loopback):
    loopback.send(chat_body("Hello", usage=(3, 2)))
    panel = ask(**options)
    assert (panel.text, panel.usage, panel.result, panel.messages) == ("", None, None, [])
    result = answer(panel)
    assert (panel.text, panel.usage, panel.result) == ("Hello", nbs.Usage(3, 2, 5), result)
    assert panel.messages == [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]


def test_text_and_usage_are_those_of_the_last_completed_turn(ask, options, loopback):
    loopback.send(chat_body("Hello", usage=(3, 2)))
    loopback.send(error_body("no"), status=400, headers={"content-type": "application/json"})
    panel = ask(**options)
    answer(panel)
    with pytest.raises(nbs.StreamError):
        answer(panel)
    assert (panel.text, panel.usage) == ("Hello", nbs.Usage(3, 2, 5))
    assert panel.result is not None
    assert panel.result.state == "failed"


def test_they_can_be_observed_but_not_set(ask, options, loopback):
    loopback.send(chat_body("Hello", usage=(3, 2)))
    panel, seen = ask(**options), []
    panel.observe(lambda change: seen.append((change["name"], panel.text)), ["result", "text", "usage"])
    answer(panel)
    assert seen == [("text", "Hello"), ("usage", "Hello"), ("result", "Hello")]
    with pytest.raises(traitlets.TraitError):
        panel.text = "x"


def test_the_callback_gets_every_result(ask, options, loopback):
    loopback.send(chat_body("Hello"))
    loopback.send(error_body("no"), status=400, headers={"content-type": "application/json"})
    results: list[nbs.StreamResult] = []
    panel = ask(on_result=results.append, **options)
    answer(panel)
    with pytest.raises(nbs.StreamError):
        answer(panel)
    assert [str(result.state) for result in results] == ["completed", "failed"]


def test_what_observers_and_callbacks_raise_is_shown(ask, options, loopback):
    def fails(_):
        raise RuntimeError("mine")

    loopback.send(chat_body("Hello"))
    panel = ask(on_result=fails, **options)
    panel.observe(fails, "text")
    assert answer(panel).text == "Hello"
    assert panel.shown.notices == (
        "An observer of text failed: RuntimeError: mine",
        "on_result failed: RuntimeError: mine",
    )
    assert panel.result is not None


def test_the_bound_name_is_set_before_the_callback(ask, options, loopback, shell):
    loopback.send(chat_body("Hello"))
    seen = []
    panel = ask(bind="reply", on_result=lambda _: seen.append(shell.user_ns["reply"]), **options)
    shell.user_ns["reply"] = "stale"
    answer(panel)
    assert seen == ["Hello"]


def test_the_bound_name_stays_unset_while_another_panel_has_asked_on(ask, options, loopback, shell):
    loopback.send(chat_body("Hello"))
    loopback.send(chat_body("Hel", finish_reason=None, done=False), then="hold")
    chat = nbs.Chat(**options)
    asking = ask(chat, on_result=lambda result: result.text == "Hello" and chat.start("On", display=False))
    panel, told = ask(chat, bind="reply"), threading.Event()
    panel.observe(lambda _: told.set(), "text")
    panel.send("Hi")
    loopback.wait(requests=2)
    assert told.wait(60), "the panels are told one after the other"
    assert "reply" not in shell.user_ns
    assert (panel.text, asking.text) == ("Hello", "Hello")
    panel.stop()
    loopback.wait(left=1)


def test_send_returns_at_once_and_can_be_stopped(ask, options, loopback):
    loopback.send(chat_body("Hel", finish_reason=None, done=False), then="hold")
    panel = ask(**options)
    assert panel.send("Hi") is None
    loopback.wait(requests=1)
    handle = panel.chat.running.handle
    panel.stop()
    assert handle.result(10).state == "cancelled"
    loopback.wait(left=1)


def test_a_chat_can_have_several_panels_and_a_name(ask, options):
    chat = nbs.Chat(**options)
    assert ask(chat).chat is ask(chat).chat is chat
    assert ask("talk-of-this-test", **options).chat is nbs.Chat.named("talk-of-this-test")


@pytest.mark.usefixtures("shell")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"chat": [{"role": "user", "content": "Hi"}]}, "shows an nbs.Chat, not list"),
        ({"bind": "not a name"}, "is not a valid variable name"),
        ({"context": ["df", "a b"]}, "is not a valid variable name"),
        ({"chat": nbs.Chat(model="m"), "temperature": 1}, "temperature: set these on the chat"),
        ({"modle": "m"}, "no such option: modle; did you mean model?"),
        ({"sugestions": ["Hi"]}, "no such option: sugestions; did you mean suggestions?"),
    ],
)
def test_what_cannot_be_is_refused_at_once(arguments, words):
    with pytest.raises(UsageError, match=words):
        nbs.ChatPanel(**arguments)


def test_outside_of_a_notebook_there_are_no_variables():
    with pytest.raises(UsageError, match="context=… needs a notebook"):
        nbs.ChatPanel(context="df", model="m")


def test_one_word_will_do_where_a_list_is_meant(ask, options, shell):
    shell.user_ns["x"] = 1
    panel = ask(context="x", suggestions="hello", **options)
    assert panel.shown.context == ("x: int\n  1",)
    assert panel.shown.suggestions == ("hello",)


def test_the_context_is_shown_as_the_last_cell_left_it(ask, options, shell):
    shell.run_cell("x = 1")
    panel = ask(context="x", **options)
    shell.user_ns["x"] = 2
    with shell.builtin_trap:
        shell.events.trigger("post_run_cell", None)  # an interrupt has cancelled it
    assert panel.shown.context == ("x: int\n  2",)
    panel.close()
    shell.run_cell("x = 3")
    assert panel.shown.context == ("x: int\n  2",)


def test_a_closed_panel_hears_no_more_of_its_chat(ask, options, loopback):
    loopback.send(chat_body("Hello"))
    panel = ask(**options)
    panel.close()
    assert answer(panel).text == "Hello"
    assert (panel.text, panel.shown.turns) == ("", ())


# --- what is displayed ------------------------------------------------------------------------------------------------


@pytest.fixture
def published(shell, monkeypatch):
    """What the shell is asked to publish."""
    messages = []
    monkeypatch.setattr(
        shell.display_pub,
        "publish",
        lambda data, metadata=None, *, transient=None, update=False, **_: messages.append(
            (data, metadata or {}, (transient or {}).get("display_id"), update)
        ),
    )
    return messages


def test_a_panel_is_displayed_as_a_view_above_a_transcript(ask, options, published):
    panel = ask(**options)
    panel._ipython_display_()
    (view, *_), (earlier, *_), (transcript, metadata, display_id, _) = published
    empty = {"text/markdown": "", "text/plain": ""}
    assert earlier == {"text/html": f'<div class="nbs-transcript" data-panel="{panel.key}"></div>', **empty}
    assert set(transcript) == {"text/html", "text/markdown", "text/plain"}
    assert f'data-panel="{panel.key}"' in transcript["text/html"]
    assert metadata["nbstream"]["chat"]["nbstream_chat"] == 2
    assert display_id
    assert view["application/vnd.jupyter.widget-view+json"]["model_id"] == panel.model_id
    assert view["text/plain"] == "", "who sees no widgets reads the transcript"


def test_where_a_server_adds_every_output_a_panel_adds_none_to_later_cells_and_says_what_to_do_without_widgets(
    ask, options, published, loopback, monkeypatch
):
    monkeypatch.setattr("nbstream.panel.output.host_here", lambda: Host.SERVER_PAGE)
    loopback.send(chat_body("Hello"))
    panel = ask(**options)
    panel._ipython_display_()
    assert "Trust Notebook" in published[0][0]["text/plain"]
    shown = len(published)
    assert answer(panel).text == "Hello"
    panel.close()
    assert len(published) == shown


def test_voila_shows_a_panel_without_a_transcript_that_nobody_would_save(ask, options, published, shell, monkeypatch):
    monkeypatch.setenv("SERVER_SOFTWARE", "voila/0.5")
    monkeypatch.setattr(shell, "kernel", SimpleNamespace(get_parent=lambda _: {}), raising=False)
    ask(**options)._ipython_display_()
    ((view, *_),) = published
    assert "application/vnd.jupyter.widget-view+json" in view


def test_where_no_view_is_wanted_a_panel_is_its_transcript(ask, options, published):
    ask(**options, surface="static")._ipython_display_()
    assert [set(data) for data, *_ in published][-1] == {"text/html", "text/markdown", "text/plain"}
    assert not any("application/vnd.jupyter.widget-view+json" in data for data, *_ in published)


def test_who_hears_of_the_end_finds_the_conversation_kept(ask, options, published, loopback):
    loopback.send(chat_body("Hello"))
    seen = []
    panel = ask(on_result=lambda _: seen.append(published[-1][0]["text/markdown"]), **options)
    panel._ipython_display_()
    answer(panel)
    assert len(seen) == 1
    assert "Hello" in seen[0]
    kept = [data for data, *_, update in published if update and "still arriving" not in data["text/html"]]
    assert len(kept) == 1, "it is not kept twice"


def test_only_the_transcript_is_updated_at_the_end_of_a_turn(ask, options, published, loopback):
    loopback.send(chat_body("Hello"))
    panel = ask(**options)
    panel._ipython_display_()
    displayed = published[2][2]
    del published[:]
    answer(panel)
    *while_it_arrived, (data, metadata, display_id, update) = published  # on a slow machine there are some
    assert all("still arriving" in data["text/html"] for data, *_ in while_it_arrived)
    assert (display_id, update) == (displayed, True)
    assert "Hello" in data["text/markdown"]
    asked, answered = metadata["nbstream"]["chat"]["turns"]
    assert (asked["content"], answered["answer"]["parts"][0]["text"]) == ("Hi", "Hello")


@pytest.mark.parametrize("container", ["VBox([panel])", "Tab([HTML('x'), VBox([HTML('y'), panel])])"])
def test_a_panel_in_another_widget_is_kept_in_the_cell_that_shows_it(
    ask, options, published, loopback, shell, container
):
    loopback.send(chat_body("Hello"))
    shell.user_ns["panel"] = panel = ask(**options)
    shell.run_cell(f"from ipywidgets import HTML, Tab, VBox\nshown = {container}")
    assert published == [], "it is not on the page yet"
    shell.run_cell("shown")
    answer(panel)
    data, metadata, display_id, update = published[-1]
    assert display_id in [other for _, _, other, is_newer in published if not is_newer]
    assert update
    assert "Hello" in data["text/markdown"]
    assert "chat" in metadata["nbstream"]
    views = [data for data, *_ in published if "application/vnd.jupyter.widget-view+json" in data]
    assert not views or OLD_WIDGETS, "ipywidgets 7 shows views of its own accord"


def test_what_shows_no_panel_keeps_none(ask, options, published, shell):
    shell.user_ns["panel"] = panel = ask(**options)
    shell.run_cell("from ipywidgets import VBox\nbox = VBox()\nbox.children = [box]\nbox")
    shell.run_cell("VBox([panel]), None")
    assert published == []
    panel.close()
    shell.run_cell("VBox([panel])")
    assert published == []


def test_a_panel_that_is_not_displayed_publishes_nothing(ask, options, published, loopback):
    loopback.send(chat_body("Hello"))
    answer(ask(**options))
    assert published == []


def test_what_has_arrived_is_kept_meanwhile(ask, options, published, loopback, monkeypatch, shell, tmp_path):
    kept, rest = threading.Event(), threading.Event()
    first = [chat_chunk("Hel"), 3.1, chat_chunk("lo, ")]  # not earlier
    loopback.send(*first, rest, chat_body("world."))
    publish = shell.display_pub.publish

    def noting(data, metadata=None, **others):
        publish(data, metadata, **others)
        kept.set()

    monkeypatch.setattr(shell.display_pub, "publish", noting)
    panel = ask(**options)
    panel._ipython_display_()
    del published[:]
    kept.clear()
    panel.send("Hi")
    assert kept.wait(30.0)
    rest.set()
    panel.chat.running.handle.result()
    (data, metadata, *_), *_ = published
    assert "Hel" in data["text/markdown"]
    assert "still arriving when it was saved" in data["text/html"]
    path = tmp_path / "talk.ipynb"
    output = {"output_type": "display_data", "data": data, "metadata": metadata}
    path.write_text(json.dumps({"cells": [{"cell_type": "code", "outputs": [output]}], "nbformat": 4}))
    restored = nbs.ChatPanel.restore(path, trust=True)
    asked, answered = restored.chat.turns
    assert (asked.text, answered.state) == ("Hi", "failed")
    assert answered.text in {"Hel", "Hello, "}
    assert [turn.text for turn in panel.chat.turns] == ["Hi", "Hello, world."]
    assert "world." in published[-1][0]["text/markdown"]


# --- what is restored -------------------------------------------------------------------------------------------------


@pytest.fixture
def saved(ask, options, published, loopback, tmp_path):
    """A notebook that has kept a conversation."""
    loopback.send(chat_body("Hello"))
    panel = ask(system="Be terse.", name="talk", **options)
    panel._ipython_display_()
    answer(panel)
    data, metadata, *_ = published[-1]
    output = {"output_type": "display_data", "data": data, "metadata": metadata}
    path = tmp_path / "talk.ipynb"
    path.write_text(json.dumps({"cells": [{"cell_type": "code", "outputs": [output]}], "nbformat": 4}))
    return path, panel


def test_a_saved_conversation_is_restored_and_goes_on(saved, loopback):
    path, panel = saved
    restored = nbs.ChatPanel.restore(path, name="talk", temperature=0.5, trust=True)
    assert restored.messages == panel.messages
    assert [turn.id for turn in restored.chat.turns] == [turn.id for turn in panel.chat.turns]
    answer(restored, "And?")
    assert [message["content"] for message in loopback.requests[-1].json["messages"]][:3] == [
        "Be terse.",
        "Hi",
        "Hello",
    ]
    assert loopback.requests[-1].json["temperature"] == 0.5
    restored.close()


def test_what_a_panel_was_made_with_is_named_and_not_taken_from_a_file(saved):
    path, _ = saved
    notebook = json.loads(path.read_text())
    [output] = notebook["cells"][0]["outputs"]
    output["metadata"]["nbstream"]["panel"] = {"suggestions": ["Why?"], "context": ["df"], "bind": "open"}
    path.write_text(json.dumps(notebook))
    restored = nbs.ChatPanel.restore(path, suggestions=["How?"], trust=True)
    assert restored.shown.suggestions == ("How?",)
    assert not restored.shown.context
    assert restored.shown.notices == (
        "Not restored: context=['df'], bind='open'. To use them, pass them to ChatPanel.restore().",
    )
    restored.close()


def test_a_restored_panel_goes_nowhere_else_before_the_reader_agrees(saved, loopback):
    path, _ = saved
    asked_before = len(loopback.requests)
    with FaultServer() as mine:
        nbs.configure(base_url=mine.base_url)
        restored = nbs.ChatPanel.restore(path, api_key="sk-0123456789abcdef")
        assert [*restored.shown.untrusted] == [f'base_url: "{loopback.base_url}"']
        mine.send(chat_body("Mine"))
        answer(restored, "And?")
        assert len(loopback.requests) == asked_before
        assert mine.requests[0].headers["authorization"] == "Bearer sk-0123456789abcdef"
        restored.chat.trust()
        assert not restored.shown.untrusted
        loopback.send(chat_body("Theirs"))
        answer(restored, "And?")
    assert len(loopback.requests) == asked_before + 1
    assert "0123456789abcdef" not in str(loopback.requests[-1].headers)
    restored.close()


def test_what_a_file_asks_for_is_shown_in_ascii_and_cut():
    asked = {"base_url": "https://\u0430pple.example/v1", "metadata": {"a": "\n" + "x" * 1000}}
    panel = nbs.ChatPanel(nbs.Chat.from_dict({"nbstream_chat": 2, "options": asked, "turns": []}))
    address, other = panel.shown.untrusted
    assert address == 'base_url: "https://\\u0430pple.example/v1"'
    assert (other.isprintable(), len(other) < 400) == (True, True)
    panel.chat.distrust()
    assert not panel.shown.untrusted
    panel.close()


def test_a_restored_panel_has_the_last_answers_at_hand(saved):
    path, panel = saved
    restored = nbs.ChatPanel.restore(path, layout={"width": "300px"})
    assert (restored.text, restored.usage) == ("Hello", panel.usage)
    assert restored.result is not None
    assert (restored.result.text, restored.result.state) == ("Hello", "completed")
    assert restored.layout.width == "300px"
    restored.close()


def test_the_notebook_that_runs_is_found(saved, monkeypatch):
    path, _ = saved
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    results: list[nbs.StreamResult] = []
    restored = nbs.ChatPanel.restore(bind="reply", on_result=results.append, system="Be kind.", trust=True)
    assert (restored.chat.name, restored.chat.system) == ("talk", "Be kind.")
    answer(restored, "And?")
    assert len(results) == 1
    restored.close()


def test_where_there_is_nothing_to_restore_it_is_said_so(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        nbs.ChatPanel.restore(tmp_path / "none.ipynb")
