"""ES modules joined into one: the joined text does what the modules do, or they are refused in words that help."""

from __future__ import annotations

import json
import pathlib
import shutil
import subprocess
import sys
from typing import Any

import pytest

from nbstream.display.joining.modules import has_default_export, join_modules
from nbstream.display.page import packed_code

NODE = shutil.which("node") or str(pathlib.Path(sys.executable).parent / "node")
PACKAGE = pathlib.Path(__file__).parents[2] / "nbstream"
RUN = "const { default: value } = await import(process.argv[1]); console.log(JSON.stringify(value));"


@pytest.fixture
def write(tmp_path: pathlib.Path):
    """Write modules; the first is the entry."""

    def write(**modules: str) -> pathlib.Path:
        (tmp_path / "package.json").write_text('{"type": "module"}')
        for name, code in modules.items():
            (tmp_path / f"{name}.js").write_text(code, "utf-8", newline="")
        return tmp_path / f"{next(iter(modules))}.js"

    return write


def value_of(module: pathlib.Path) -> Any:
    """What Node makes of the default export."""
    command = [NODE, "--input-type=module", "--eval", RUN, module.as_uri()]
    return json.loads(subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout)


def joined_value_of(entry: pathlib.Path) -> Any:
    joined = entry.with_suffix(".joined.js")
    joined.write_text(join_modules(entry), "utf-8", newline="")
    return value_of(joined)


# --- one file ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "joined"),
    [
        ('const a = "image/*"; // one\nconst b = "*/"; /* two */', 'const a="image/*";\nconst b="*/";'),
        ("const a = 'http://x ; y'; // z", "const a='http://x ; y';"),
        (r"const a = /[/*] = \/\*/g; /* b */const c = 1 / 2 / 3; // d", r"const a=/[/*] = \/\*/g;const c=1 / 2 / 3;"),
        ("a = `// b\n   /* ${ c//d\n + `\n  ${e}` } */\n  f`;", "a=`// b\n   /* ${c\n+ `\n  ${e}`} */\n  f`;"),
        ("a = ` { ${ b } = ${ c } ; `", "a=` { ${b} = ${c} ; `"),
        ('const a = "one \\\n   two"; // three', 'const a="one \\\n   two";'),
        ("/**\n * @type {a}\n */\nconst b = 1;\n\n\n   // c\n\n  const d = 2;", "const b=1;\nconst d=2;"),
        ("const a = b; /*\n*/ const c = d", "const a=b;\nconst c=d"),
        ("const a = b\n  ++c\n", "const a=b\n++c"),
        ("if (a in/**/b) c();", "if(a in b)c();"),
        ("a = b > c && d <= e ? .5 : - -f", "a=b > c && d <=e ? .5:- -f"),
        ("const a = <'x'>", None),
        ("const a = {", None),
    ],
)  # fmt: skip
def test_only_readers_miss_what_is_left_out(write, code, joined):
    entry = write(entry=code)
    if joined is None:
        with pytest.raises(ValueError, match=r"entry\.js, line 1: syntax error"):
            join_modules(entry)
    else:
        assert join_modules(entry).strip() == joined


def test_an_entry_is_known_by_its_default_export(write):
    assert has_default_export(write(a="export default {};"))
    assert not has_default_export(write(b="export const a = 'export default';  // export default {}"))


# --- several files ----------------------------------------------------------------------------------------------------

TANGLED = {
    "entry": """
        import { box, bump as raise, Box } from "./box.js";
        const name = "entry", helper = (value) => `<${value}>`; // both are names of box.js too
        raise(); raise();
        import { order } from "./order.js"; import "./effect.js"
        export default [helper(name), box.name, box.count(), new Box("mine").name, order,
            (function () { return this })() === undefined];
    """,
    "box": """
        import { order } from './order.js'
        import { pattern, text, default_ } from "./odd.js";
        const name = "box"
        let count = 0;
        function helper() { return `${name}
          ${text /* as it is */} ${"a/*b*/c //".match(pattern)}`; }
        class Made { constructor(name) { this.name = helper() + name; } }
        export function bump() { count += default_ }
        export const box = { name: helper(), count: () => count }, $0 = "taken";
        export { Made as Box };
        order.push("box");
    """,
    "odd": """
        export const pattern = /[/*]+|"/g, text = "image/*"; /* to be dropped */
        const one = 1;
        export { one as default_ }
        import { order } from "./order.js";
        order.push("odd")
    """,
    "order": "export const order = [];",
    "effect": 'import { order } from "./order.js";\norder.push("effect");',
}  # fmt: skip


def test_the_joined_module_does_what_the_modules_do(write):
    entry = write(**TANGLED)
    value = value_of(entry)
    assert value[0] == "<entry>"  # names of the modules have not met
    assert value[4] == ["odd", "box", "effect"]
    assert joined_value_of(entry) == value


def test_a_module_that_several_import_runs_once(write):
    entry = write(
        entry='import { a } from "./a.js";\nimport { b } from "./b.js";\nexport default [a, b, a === b];',
        a='import { one } from "./c.js"; export const a = one;',
        b='import { one } from "./sub/../c.js"; export const b = one;',
        c="export const one = {};",
    )
    assert joined_value_of(entry) == [{}, {}, True]


def test_modules_of_several_folders(tmp_path, write):
    entry = write(entry='import { a } from "./room/a.js";\nexport default a;', b="export const b = 'b';")
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "a.js").write_text('import { b } from "../b.js";\nexport const a = b + "a";')
    assert joined_value_of(entry) == "ba"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ('import { b } from "./gone.js";', "entry.js, line 1: there is no gone.js"),
        ('\nimport { b } from "./other.js";', "entry.js, line 2: other.js exports no b"),
        ('import other from "./other.js";', "only named imports can be joined"),
        ('import * as other from "./other.js";', "only named imports can be joined"),
        ('import { default as other } from "./other.js";', "not as default"),
        ('import { "a b" as b } from "./other.js";', "only identifiers"),
        ('import other from "./other.json" with { type: "json" };', "only named imports can be joined"),
        ('import { a } from "lodash";', "only relative imports can be joined"),
        ('import { a } from "https://example.org/a.js";', "only relative imports can be joined"),
        ('const a = await import("./other.js");', "entry.js, line 1"),
        ('const a = () => import("./other.js");', "would be relative to the joined module"),
    ],
)
def test_imports_that_cannot_be_joined_are_refused(write, code, words):
    with pytest.raises(ValueError, match=words.replace(".", r"\.")):
        join_modules(write(entry=code, other="export const a = 1;"))


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("export default 1;", "only the entry may have a default export"),
        ("const a = 1;\nexport { a as default };", "only identifiers"),
        ("export let a = 1;", "export a constant"),
        ("export var a = 1;", "export a constant"),
        ("export const { a } = { a: 1 };", "declare each constant by its name"),
        ('export { a } from "./third.js";', "import from the module that declares the name"),
        ('export * from "./third.js";', "import from the module that declares the name"),
        ("export const a = await 1;", "top-level await"),
        ("for await (const each of []) each();\nexport const a = 1;", "top-level await"),
    ],
)
def test_exports_that_cannot_be_joined_are_refused(write, code, words):
    entry = write(entry='import { a } from "./other.js";', other=code, third="export const a = 1;")
    with pytest.raises(ValueError, match=rf"other\.js, line .*{words}"):
        join_modules(entry)


def test_waiting_within_functions_is_no_matter(write):
    code = "export const a = async () => { for await (const b of []) b; };\nexport class C { async d() { await 1; } }"
    join_modules(write(entry='import { a } from "./other.js";', other=code))


def test_a_cycle_is_refused_and_named(write):
    entry = write(
        entry='import { a } from "./a.js";',
        a='import { b } from "./b.js"; export const a = 1;',
        b='import { a } from "./a.js"; export const b = 1;',
    )
    with pytest.raises(ValueError, match=r"import cycle: a\.js → b\.js → a\.js"):
        join_modules(entry)


# --- the widgets ------------------------------------------------------------------------------------------------------


# Each page gets this code, packed. What makes it longer has to be worth it: in the panel, text files in Windows-1252
# and UTF-16, refusals of images that models do not take, the question whether a saved chat is trusted, undo, a queue
# that says how to go on, and diagrams; in the view, what only its page can do: tell that the kernel has ended, also
# by another client, keep the text so far in an output of the saved notebook and take that away again, interrupt a
# kernel that hears no messages and say why, colour prompts as Markdown, notice that the cell runs again, bring an
# answer into view once, make room for the static answer and give it its buttons on code and the fold of the
# reasoning, put code into a new cell, ask whether a call may run or code be inserted, take the reason of a denial,
# and revoke what is allowed. The panel has the last ones too. Both hear the kernel on a page that is too busy for
# anywidget, and share their code with others of their kind. A comparison has a view's code but for its own box, and
# columns; the question which answer is the best is a row of buttons.
@pytest.mark.parametrize(
    ("widget", "before"),
    [
        ("display/static/live_view", 16_900),
        ("many/comparison/static/choice", 2_960),
        ("many/comparison/static/comparison", 16_900),
        ("panel/view/static/panel", 31_100),
    ],
)
def test_a_widget_sends_no_more_than_its_code(widget, before):
    assert len(packed_code(PACKAGE / f"{widget}.js")) <= before
    joined = join_modules(PACKAGE / f"{widget}.js")
    assert "// " not in joined
    assert "/*" not in joined
