"""The shape of the package, read from its source: who may import whom, how large things are, what must not be there.

Every gate is also shown a small offending source, so that it is known to be able to fail.
"""

from __future__ import annotations

import ast
import pathlib
import re
import statistics
from typing import TYPE_CHECKING, NamedTuple

import pytest

import nbstream

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

ROOT = pathlib.Path(nbstream.__file__).parent
PUBLIC = {
    "Chat",
    "ChatPanel",
    "StreamError",
    "StreamResult",
    "StreamState",
    "Usage",
    "astream",
    "compare",
    "configure",
    "diff",
    "endpoint",
    "items",
    "jobs",
    "ledger",
    "map",
    "mcp",
    "price",
    "recordings",
    "start",
    "stream",
    "tool",
    "upload",
}
HOOKS = {"load_ipython_extension", "unload_ipython_extension"}

# --- which room may know which ----------------------------------------------------------------------------------------

VALUES = ("errors", "events", "failures", "media", "outcome", "parts", "remedies", "request", "result", "text")
"""What nearly all may import."""

# Besides these values and its own room. The rule with the longest name counts; what has none is a thin entry point.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(VALUES, ()),
    "accounting": (),
    "accounting.book": ("streaming.daemon_thread",),
    "accounting.budgeted": ("streaming.cost",),
    "accounting.counting": ("moderation.gates", "moderation.secrets", "streaming.cost", "streaming.engine"),
    "accounting.plan": ("streaming.cost",),
    "accounting.entering": ("streaming.cost",),
    "accounting.ledger": ("streaming.engine",),
    "accounting.pricing": ("settings.config",),
    "api": (
        "display.choose",
        "display.rerun",
        "display.surface",
        "many.background.asked",
        "moderation.gates",
        "recording.results",
        "settings",
        "streaming",
        "structured",
        "tools.asking",
        "tools.inserting",
        "tools.loop",
    ),
    "assembly": (),
    "attachments": ("settings.shell",),
    "attachments.upload": ("settings", "streaming.engine"),
    "cli": ("api", "demo", "recording", "settings", "transport.open"),
    "conversation": ("display.bundle", "markdown", "tools.call_messages", "tools.journal"),
    "conversation.asking": ("settings.resolution",),
    "conversation.chat": ("api", "attachments", "settings", "streaming"),
    "conversation.chat_options": ("settings",),
    "conversation.saved_options": ("settings.options",),
    "conversation.chat_running": ("display.surface", "streaming.handle", "streaming.surfaces"),
    "demo": (),
    "display": ("markdown", "settings.shell", "tools.approval"),
    "display.show_again": ("markdown", "settings"),
    "ipython": (
        "accounting",
        "api",
        "attachments",
        "conversation.chat",
        "many.comparison",
        "many.job.map_job",
        "many.mapping",
        "recording.diff",
        "settings",
        "streaming.engine",
        "streaming.errands",
        "streaming.handle",
        "streaming.interrupts",
        "telemetry.inspection",
        "tools.inserting",
    ),
    "ipython.background": ("display.host", "display.rerun", "many.background.asked", "streaming"),
    "ipython.jobs": ("many.background", "settings.config"),
    "many.background": ("display", "settings.config", "streaming.running"),
    "many.background.asked": ("moderation.prompts", "moderation.secrets"),
    "many.background.jobs": ("settings.config", "streaming.engine", "streaming.running"),
    "many": (),
    "many.asking.executor": ("streaming.engine", "structured.schema"),
    "many.asking.local": ("accounting.budget", "accounting.budgeted", "api", "moderation.gates", "streaming"),
    "many.asking.worker": ("streaming.engine",),
    **dict.fromkeys(("many.batch.batch_file", "many.batch.batch_runner"), ("transport.batch_wire",)),
    "many.batch.batch_provider": ("transport",),
    "many.batch.batch_reading": ("transport.batch_answer",),
    "many.batch.batch_sending": ("moderation.gates", "moderation.secrets", "transport.batch_wire"),
    "many.batch.open_batch": (),
    "many.checkpoint.kept_request": ("settings.resolution",),
    "many.checkpoint.stored_rows": ("attachments.attached",),
    "many.comparison": (
        "api",
        "display",
        "markdown",
        "recording.diff",
        "settings.named_endpoint",
        "settings.resolution",
        "streaming.engine",
        "streaming.errands",
        "streaming.handle",
        "streaming.interrupts",
        "tools.approval",
    ),
    **dict.fromkeys(("many.job.map_job", "many.job.map_work"), ("streaming.engine",)),
    "many.job.map_plan": ("accounting.lower_bound", "accounting.usage_table", "streaming.cost", "streaming.engine"),
    "many.job.row_reader": ("attachments.attached",),
    "many.job.row_view": ("structured.schema",),
    "many.job.waiting": ("streaming.interrupts",),
    "many.mapping.making": ("streaming.engine",),
    "many.mapping.mapping": ("settings.resolution", "settings.shell", "streaming.engine"),
    "many.rows.row_key": ("recording.described",),
    "many.rows.row_prompts": ("attachments",),
    "many.table": ("display", "markdown"),
    "markdown": (),
    "moderation": (),
    "moderation.endpoint": ("streaming.engine", "transport.moderation"),
    "moderation.gates": ("tools.approval",),
    "moderation.hook": ("streaming.daemon_thread",),
    "panel": ("attachments", "conversation", "display", "markdown", "settings", "streaming.engine"),
    "panel.view": ("display", "markdown", "tools.approval"),
    "recording": ("tools.next_request", "transport.decoded"),
    "recording.player": ("assembly", "transport"),
    "recording.recordings": ("streaming.engine",),
    "relay": ("settings", "streaming.cost", "transport"),
    "settings": (
        "accounting.budget",
        "accounting.ledger_file",
        "accounting.price",
        "attachments",
        "demo",
        "moderation",
        "recording.choice",
        "streaming.stages",
        "streaming.stopping",
        "structured.schema",
        "tools.approval",
        "tools.given",
    ),
    "streaming": ("display.surface", "display.throttle"),
    "streaming.continuation": ("tools.call_messages", "tools.next_request"),
    "streaming.engine": (
        "accounting.book",
        "recording.library",
        "recording.uses",
        "telemetry.following",
        "transport",
    ),
    "streaming.handle": ("accounting.budgeted", "display.throttle"),
    "streaming.session": ("assembly", "structured.shown"),
    "telemetry": ("recording.described", "settings.config", "streaming.steps"),
    "telemetry.inspection": ("streaming.steps", "streaming.tape"),
    "telemetry.raw_events": ("transport",),
    "testing": (
        *("display.surface", "display.throttle", "streaming.retry", "streaming.rounds", "streaming.stages"),
        *("recording", "transport.byte_stream", "transport.decoded", "transport.event_stream"),
    ),
    "testing.batches": ("demo",),
    "structured": (),
    "tools": ("streaming.errands",),
    "tools.captured": ("settings.shell",),
    "tools.mcp_http": ("transport.bounded_body",),
    "tools.outputs": ("attachments",),
    "transport": ("settings.capabilities", "settings.credential"),
    "transport.embedded": ("demo", "settings.capabilities"),
}
MAY_NAME_TYPES_OF = {
    "transport": ("structured.schema",),
    "structured": ("streaming.handle", "streaming.text_so_far"),
    **dict.fromkeys(("api", "settings"), ("transport.event_stream", "tools")),
    **dict.fromkeys(
        ("streaming", "streaming.handle", "streaming.session"),
        ("accounting.price", "transport.event_stream", "tools.approval"),
    ),
    **dict.fromkeys(
        ("many.batch.batch_provider", "many.batch.batch_reading"), ("streaming.engine", "transport.batch_wire")
    ),
    **dict.fromkeys(("many.batch.batch_sending", "many.batch.open_batch"), ("transport.batch_wire",)),
    **dict.fromkeys(("many.asking.local", "many.mapping.mapping"), ("transport.event_stream",)),
    **dict.fromkeys(("many.asking.executor", "many.asking.worker"), ("settings.credential",)),
    "moderation.gates": ("tools.asking",),
    "recording": ("moderation.moderates", "transport.byte_stream", "transport.event_stream"),
    "accounting.budgeted": ("transport.event_stream",),
    "request": (
        "accounting.budget",
        "accounting.price",
        "moderation.moderates",
        "recording.choice",
        "settings.credential",
        "streaming.stages",
        "streaming.stopping",
        "structured.schema",
        "tools.approval",
        "tools.journal",
        "tools.tool",
    ),
}
KNOW_NO_VALUES = {"markdown", "demo"}
KNOW_ONLY = {"text.wording": ("remedies", "text.place")}
"""What values themselves read must not read them, nor anything else of its room."""

SDK = {"openai", "httpx", "httpx2"}
MAY_NAME_SDK_TYPES = {"request", "api", "settings.target", "settings.resolution", "conversation.chat"}
MAY_NAME_SDK_TYPES |= {"attachments.upload"}
MAY_IMPORT_PYTEST = {"testing.fixtures"}


class Import(NamedTuple):
    line: int
    target: str
    for_types: bool


def imports_of(tree: ast.AST, *, for_types: bool = False) -> Iterator[Import]:
    """Every import, also those within functions, and whether it is only for the type checker."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (Import(node.lineno, alias.name, for_types) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            names = [f"{base}.{alias.name}" for alias in node.names] if base == "nbstream" else [base]
            yield from (Import(node.lineno, name, for_types) for name in names)
        elif isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            yield from imports_of(ast.Module(node.body, []), for_types=True)
            yield from imports_of(ast.Module(node.orelse, []), for_types=for_types)
        else:
            yield from imports_of(node, for_types=for_types)


def within(module: str, prefixes: tuple[str, ...]) -> bool:
    return any(module == prefix or module.startswith(f"{prefix}.") for prefix in prefixes)


def rule_for(module: str, rules: Collection[str]) -> str:
    """The longest name among the rules that the module is within; its own, if there is none."""
    return max((rule for rule in rules if within(module, (rule,))), key=len, default=module)


def wrong_imports(module: str, source: str) -> Iterator[str]:
    """`module` is the name within the package, such as `display.marks`."""
    room, rule = module.partition(".")[0], rule_for(module, MAY_IMPORT)
    for line, target, for_types in imports_of(ast.parse(source)):
        package, _, wanted = target.partition(".")
        where = f"nbstream.{module}, line {line}"
        if target.startswith("."):
            yield f"{where}: imports are absolute"
        elif package in SDK and room != "transport" and not (for_types and within(module, (*MAY_NAME_SDK_TYPES,))):
            yield f"{where}: only transport/ may import {package}"
        elif package in {"pytest", "_pytest"} and module not in MAY_IMPORT_PYTEST:
            yield f"{where}: only {', '.join(MAY_IMPORT_PYTEST)} may import pytest"
        elif within(target, ("nbstream.testing",)) and room != "testing":
            yield f"{where}: testing/ is for tests, {room} must not import it"
        elif package == "nbstream" and rule in MAY_IMPORT and (module in KNOW_ONLY or not within(wanted, (room,))):
            allowed = MAY_IMPORT[rule] + (() if room in KNOW_NO_VALUES else VALUES)
            if for_types:
                allowed += MAY_NAME_TYPES_OF.get(rule, ())
            allowed = KNOW_ONLY.get(module, allowed)
            if not within(wanted, allowed) and wanted != "__version__":
                known = ", ".join(allowed) or "nothing else of the package"
                yield f"{where}: {rule} must not import {target}; it may know {known}"


def circles(sources: Mapping[str, str]) -> Iterator[str]:
    """Files that lead back to themselves by their imports, those within functions and those for types included."""
    leads_to = {module: _modules_that(source, sources) - {module} for module, source in sources.items()}
    while ends := {module for module, targets in leads_to.items() if not targets & leads_to.keys()}:
        leads_to = {module: targets for module, targets in leads_to.items() if module not in ends}
    while begins := leads_to.keys() - set().union(*leads_to.values()):
        leads_to = {module: targets for module, targets in leads_to.items() if module not in begins}
    if leads_to:
        yield f"in a circle, or between two: {', '.join(sorted(leads_to))}"


def rooms_of(room: str, sources: Mapping[str, str]) -> dict[str, str]:
    """The rooms within a room, each as one source that imports rooms."""
    joined: dict[str, list[str]] = {}
    for module, source in sources.items():
        if module.startswith(f"{room}.") and module.count(".") > 1:
            within_room = re.sub(rf"(nbstream\.{room}\.\w+)\.\w+", r"\1", source)
            joined.setdefault(".".join(module.split(".")[:2]), []).append(within_room)
    return {name: "\n".join(parts) for name, parts in joined.items()}


def _modules_that(source: str, known: Collection[str]) -> set[str]:
    """The modules of the package that a source imports."""
    imported = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("nbstream."):
            base = (node.module or "").partition(".")[2]
            imported |= {each if (each := f"{base}.{alias.name}") in known else base for alias in node.names}
    return {each if each in known else f"{each}.__init__" for each in imported}


# --- who may say how something is done --------------------------------------------------------------------------------

# What happened is said everywhere, and what to do about it only by what knows the place.
PLACES = {"display", "panel", "ipython", "cli", "demo", "testing"}
WRITE_CELLS = {
    "conversation.export",
    "relay.jupyterhub_config",
    "settings.options",
    "settings.provenance",
    "text.wording",
}
WAYS = re.compile(
    r"%stream|(?<![\w-])--[a-z]|(?<![\w-])-m [\w]|[Rr]un the cell|\bMax tokens\b|"
    r"\b(?:Continue|Retry|Regenerate|Send|Stop|Edit|Copy)\b(?=.* )"
)


def literals(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The strings of a module other than its docstrings, with their lines."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    texts = {id(node) for each in ast.walk(tree) if isinstance(each, documented) for node in _attached(each.body)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in texts:
            yield node.lineno, node.value


def _attached(body: list[ast.stmt]) -> Iterator[ast.expr]:
    """The strings that stand alone: docstrings, and those below a name."""
    return (each.value for each in body if isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))


def says_how(module: str, source: str) -> Iterator[str]:
    if module.partition(".")[0] in PLACES or module in WRITE_CELLS:
        return
    for line, text in literals(ast.parse(source)):
        if found := WAYS.search(text):
            where = f"nbstream.{module}, line {line}"
            yield f"{where}: {found.group()!r} is a way of one place; say it with a remedy"


# --- size and tidiness ------------------------------------------------------------------------------------------------

LONGEST_FILE, LONGEST_FUNCTION = 400, 60
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
MAY_PRINT = {"cli.commands"}


def too_long(module: str, source: str) -> Iterator[str]:
    lines = len(source.splitlines())
    if lines > LONGEST_FILE:
        yield f"nbstream.{module} has {lines} lines, more than {LONGEST_FILE}"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            code = node.body[1:] if ast.get_docstring(node) is not None else node.body
            size = node.body[0].lineno - node.lineno + (code[-1].end_lineno or 0) - code[0].lineno + 1 if code else 0
            if size > LONGEST_FUNCTION:
                where = f"nbstream.{module}, line {node.lineno}"
                yield f"{where}: {node.name} has {size} lines, more than {LONGEST_FUNCTION}"


def untidy(module: str, source: str) -> Iterator[str]:
    tree = ast.parse(source)
    if VAGUE_NAMES & set(module.split(".")):
        yield f"nbstream.{module}: a module is named for what it holds"
    if ast.get_docstring(tree) is None:
        yield f"nbstream.{module} has no docstring"
    for word in ("TODO", "FIXME", "XXX"):
        if word in source:
            yield f"nbstream.{module}: {word} is left over"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "print" and module not in MAY_PRINT:
            yield f"nbstream.{module}, line {node.lineno}: only the command line prints"


# --- the package ------------------------------------------------------------------------------------------------------

SOURCES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path.read_text("utf-8")
    for path in sorted(ROOT.rglob("*.py"))
}


@pytest.mark.parametrize("gate", [wrong_imports, says_how, too_long, untidy], ids=lambda gate: gate.__name__)
def test_every_module_passes(gate: Callable[[str, str], Iterator[str]]) -> None:
    assert [complaint for module, source in SOURCES.items() for complaint in gate(module, source)] == []


def test_every_room_and_module_of_the_rules_exists() -> None:
    named = {
        *MAY_IMPORT,
        *MAY_NAME_TYPES_OF,
        *KNOW_ONLY,
        *(each for allowed in MAY_IMPORT.values() for each in allowed),
    }
    assert [each for each in named if not any(within(module, (each,)) for module in SOURCES)] == []


def test_the_top_holds_what_users_import_and_nothing_else() -> None:
    top = {module for module in SOURCES if "." not in module}
    assert top == {"__init__", "__main__", "api", *VALUES} - {"text"}
    rooms = {module.partition(".")[0] for module in SOURCES} - top
    assert rooms == {
        *(
            "accounting",
            "assembly",
            "attachments",
            "cli",
            "conversation",
            "demo",
            "display",
            "ipython",
            "many",
            "markdown",
            "moderation",
            "panel",
            "recording",
            "relay",
        ),
        *("settings", "streaming", "structured", "telemetry", "testing", "text", "tools", "transport"),
    }


def test_no_file_leads_back_to_itself() -> None:
    assert list(circles(SOURCES)) == []


def test_the_rooms_of_many_lead_one_way() -> None:
    assert list(circles(rooms_of("many", SOURCES))) == []


def test_a_circle_of_rooms_is_found() -> None:
    sources = {
        "many.rows.row": "from nbstream.many.batch.batch_job import BatchJob",
        "many.rows.row_key": "",
        "many.batch.batch_job": "from nbstream.many.rows.row_key import RowKeys",
    }
    assert list(circles(sources)) == []
    assert list(circles(rooms_of("many", sources))) == ["in a circle, or between two: many.batch, many.rows"]


def test_a_circle_is_found() -> None:
    one = "from nbstream.b import c"
    two = "if TYPE_CHECKING:\n    from nbstream.a import x"
    assert list(circles({"a": one, "b.c": two, "d": "from nbstream.a import x"})) == [
        "in a circle, or between two: a, b.c"
    ]
    assert list(circles({"a": one, "b.c": "", "d": "from nbstream.a import x"})) == []


def test_a_file_is_one_noun() -> None:
    median = statistics.median(len(source.splitlines()) for source in SOURCES.values())
    print(f"median file: {median:.0f} lines")
    assert median <= 150


def test_the_public_names_are_few_and_all_there_are() -> None:
    names = set(nbstream.__all__)
    assert len(nbstream.__all__) == len(names) <= 24
    assert names >= PUBLIC | HOOKS
    tree = ast.parse(SOURCES["__init__"])
    made = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    taken = {
        alias.asname or alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert {name for name in made | taken if not name.startswith("_")} - {"annotations", "TYPE_CHECKING"} <= names


# --- every gate can fail ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gate", "module", "source", "words"),
    [
        (wrong_imports, "assembly.text", "from nbstream.transport import sse", "assembly must not import"),
        (wrong_imports, "transport.sse", "def f():\n    import nbstream.assembly", "transport must not import"),
        (wrong_imports, "markdown.blocks", "from nbstream.errors import UsageError", "nothing else of the package"),
        (wrong_imports, "display.marks", "from nbstream.streaming import session", "display must not import"),
        (
            wrong_imports,
            "display.marks",
            "if TYPE_CHECKING:\n    from nbstream.streaming.engine import Engine",
            "display must not",
        ),
        (
            wrong_imports,
            "streaming.session",
            "from nbstream.display.surface import Surface",
            "streaming.session must not",
        ),
        (
            wrong_imports,
            "streaming.session",
            "from nbstream.transport.event_stream import EventStream",
            "session must not",
        ),
        (wrong_imports, "conversation.turn", "from nbstream.api import start", "conversation must not import"),
        (wrong_imports, "panel.view.panel_state", "from nbstream.conversation.turn import Turn", "panel.view must not"),
        (wrong_imports, "errors", "from nbstream.settings.config import settings", "errors must not"),
        (wrong_imports, "demo.wire", "from nbstream.result import Usage", "demo must not"),
        (wrong_imports, "request", "import openai", "only transport/ may import openai"),
        (wrong_imports, "display.marks", "if TYPE_CHECKING:\n    import openai", "only transport/ may import openai"),
        (wrong_imports, "cli.commands", "from openai import OpenAI", "only transport/ may import openai"),
        (wrong_imports, "streaming.engine", "import httpx", "only transport/ may import httpx"),
        (wrong_imports, "assembly.text", "from . import state", "imports are absolute"),
        (wrong_imports, "testing.server", "from nbstream.transport import sse", "testing must not import"),
        (wrong_imports, "testing.server", "import pytest", "only testing.fixtures may import pytest"),
        (wrong_imports, "cli.commands", "import pytest", "only testing.fixtures may import pytest"),
        (wrong_imports, "cli.commands", "from nbstream.testing import FaultServer", "cli must not import it"),
        (wrong_imports, "errors", "from nbstream.testing.script import play", "errors must not import it"),
        (wrong_imports, "text.wording", "from nbstream.errors import UsageError", "text must not import"),
        (wrong_imports, "text.wording", "from nbstream.text.money import shown_cost", "text must not import"),
        (wrong_imports, "errors", "from nbstream.display.marks import mark_of", "errors must not import"),
        (says_how, "session", 'say = "Broken; %stream_continue picks up from there."', "%stream"),
        (says_how, "transport.open", 'say = f"Name {server} with --base-url URL."', "--b"),
        (says_how, "transport.open", 'say = "Try the demo with -m demo."', "-m d"),
        (says_how, "assembly.assembler", 'say = "It broke. Run the cell again."', "Run the cell"),
        (says_how, "assembly.assembler", 'say = "Continue picks up from there."', "Continue"),
        (says_how, "chat", 'def f():\n    """Doc."""\n    return "Press Retry to ask again."', "Retry"),
        (too_long, "x", "\n" * 401, "has 401 lines"),
        (too_long, "x", "def f():\n" + "    pass\n" * 61, "f has 62 lines"),
        (untidy, "display.utils", '"""Doc."""', "named for what it holds"),
        (untidy, "x", "pass", "has no docstring"),
        (untidy, "x", '"""Doc."""\n# TODO', "TODO is left over"),
        (untidy, "x", '"""Doc."""\ndef f():\n    print(1)', "only the command line prints"),
    ],
)
def test_gates_can_fail(gate: Callable[[str, str], Iterator[str]], module: str, source: str, words: str) -> None:
    (complaint,) = gate(module, source)
    assert words in complaint


@pytest.mark.parametrize(
    ("gate", "module", "source"),
    [
        (wrong_imports, "request", "if TYPE_CHECKING:\n    from openai import AsyncOpenAI"),
        (
            wrong_imports,
            "streaming.session",
            "if TYPE_CHECKING:\n    from nbstream.transport.event_stream import EventStream",
        ),
        (wrong_imports, "display.marks", "from nbstream.markdown import inert\nfrom nbstream.result import Usage"),
        (wrong_imports, "transport.open", "import openai"),
        (
            wrong_imports,
            "testing.script",
            "from nbstream.streaming.rounds import Rounds\nfrom nbstream.testing import answers",
        ),
        (wrong_imports, "testing.fixtures", "import pytest"),
        (wrong_imports, "errors", "from nbstream.text.wording import told"),
        (says_how, "text.wording", 'SAID = "run the cell again, or try -m demo"'),
        (
            says_how,
            "chat",
            '"""Continues like `%%stream --chat NAME`."""\nX = 1\n"""For %stream."""\nRETRY = "Retry-After"',
        ),
        (too_long, "x", 'def f():\n    """' + "\n" * 100 + '"""\n    return 1'),
        (untidy, "cli.commands", '"""Doc."""\nprint(1)'),
    ],
)
def test_gates_let_pass(gate: Callable[[str, str], Iterator[str]], module: str, source: str) -> None:
    assert not list(gate(module, source))
