"""Real JupyterLab and Notebook 7 in real Chromium, and the model's server, here, where its records can be read."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Collection, Iterator
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect, sync_playwright

from nbstream.demo import DemoServer, Pace

TOKEN = "browser-tests"
PATIENCE_MS = 120_000
START_MS = 10_000
VIEWPORT: ViewportSize = {"width": 1200, "height": 900}
FOREIGN_HOST = "canary.example.com"
# What Playwright turns off by itself, because only the last such list counts; and the browser's own buttons that are
# web pages: nobody sees them, and each window would take two thirds of a second of processor time to prepare them.
FEATURES_OFF = [
    *("AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsFirstBalancedModeAutoEnable"),
    *(
        "HttpsUpgrades",
        "LensOverlay",
        "MediaRouter",
        "OptimizationHints",
        "PaintHolding",
        "ThirdPartyStoragePartitioning",
    ),
    *("InitialWebUI", "PreloadTopChromeWebUI", "TabSearch", "WebUILocationBar", "WebUIOmniboxAimPopup"),
    *("WebUIOmniboxFullPopup", "WebUIOmniboxPopup", "WebUIReloadButton", "WebUISplitTabsButton", "WebUITabStrip"),
    *("WebUIToolbar", "WebUIToolbarWebView"),
]
CHROMIUM_ARGS = [
    f"--host-resolver-rules=MAP {FOREIGN_HOST} 127.0.0.1",  # for a browser it is any server
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join(FEATURES_OFF)}",
]

# Over sockets in the file system: TCP ports that were free when the kernel was started may not be when it takes them.
KERNEL_TRANSPORT = "tcp" if sys.platform == "win32" else "ipc"

_OPEN_IN_APP = """async (path) => {
  if (!window.jupyterapp) return false;
  await jupyterapp.commands.execute("docmanager:open", { path });
  return true;
}"""
_CHANGE_THEME = "(theme) => jupyterapp.commands.execute('apputils:change-theme', { theme })"
_CLOSE_ALL = """() => {
  for (const shown of [...window.jupyterapp?.shell.widgets("main") ?? []]) shown.dispose();
}"""

# Puts other cells into the notebook that is shown, and saves it.
_FILL = """async (notebook) => {
  const { content, context } = jupyterapp.shell.currentWidget;
  content.mode = "command";
  context.model.fromJSON(notebook);
  await context.save();
  content.activeCellIndex = 0;
  content.deselectAll();
}"""
# Runs code in the kernel of the notebook of that name, if it is shown; whether it has run to its end in time.
_EXECUTE = """async ([name, code, patience]) => {
  const { context, sessionContext } = window.jupyterapp?.shell.currentWidget ?? {};
  if (context?.path !== name || !sessionContext?.session?.kernel) return false;
  const { done } = sessionContext.session.kernel.requestExecute({ code, silent: true, stop_on_error: false });
  const run = done.then(({ content }) => content.status === "ok");
  const late = new Promise((resolve) => setTimeout(resolve, patience, false));
  return Promise.race([run, late]).catch(() => false);
}"""
# Makes a kernel as it was when it started, but for what it has imported and for chats by name.
_RESET = """
def reset(shell):
    import nbstream
    from ipywidgets import Widget
    from nbstream.settings.config import NBStream
    from nbstream.streaming.engine import replace_engine

    for job in list(nbstream.jobs):
        job.stop()
    shell.run_line_magic("unload_ext", "nbstream")
    if (engine := replace_engine(None)) is not None:
        engine.close()
    Widget.close_all()
    NBStream.clear_instance()
    shell.reset()

reset(get_ipython())
"""
RESET_MS = 10_000

_EXECUTED = re.compile(r"\[\d+\]")


@pytest.fixture(scope="session")
def upstream() -> Iterator[DemoServer]:
    """The model's server, outside the kernel, so that its records tell what went over the wire and when."""
    with DemoServer(Pace(first_token=0.2, tokens_per_second=60)) as server:
        yield server


class Jupyter:
    """A running Jupyter server with JupyterLab and Notebook 7."""

    def __init__(self, url: str, root: pathlib.Path) -> None:
        self.url = url
        self.root = root

    def address(self, front_end: str, name: str) -> str:
        path = f"lab/tree/{name}?reset&" if front_end == "lab" else f"notebooks/{name}?"
        return f"{self.url}{path}token={TOKEN}"

    def kernel_is_ready(self, name: str) -> bool:
        """Whether a page is connected to an idle kernel of the notebook."""
        kernels = [session["kernel"] for session in self._sessions() if session["path"] == name]
        return any(kernel["connections"] and kernel["execution_state"] == "idle" for kernel in kernels)

    def end_kernel(self, name: str) -> None:
        """End the kernel of the notebook."""
        (session,) = (session for session in self._sessions() if session["path"] == name)
        self._end(session)

    def restart_kernel(self, name: str) -> None:
        """Restart the kernel of the notebook as another client does."""
        (session,) = (session for session in self._sessions() if session["path"] == name)
        address = f"{self.url}api/kernels/{session['kernel']['id']}/restart?token={TOKEN}"
        urllib.request.urlopen(urllib.request.Request(address, data=b"{}", method="POST")).close()

    def end_kernels(self, *, but: Collection[str] = ()) -> None:
        """End every kernel but those of these notebooks, because a hundred of them would fill the memory."""
        for session in self._sessions():
            if session["path"] not in but:
                self._end(session)

    def kernel(self, name: str) -> str:
        """The identifier of the notebook's kernel; empty if it has none."""
        return next((str(session["kernel"]["id"]) for session in self._sessions() if session["path"] == name), "")

    # By its sessions, because listing kernels fails on the server while one of them is starting.

    def _sessions(self) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{self.url}api/sessions?token={TOKEN}") as answer:
            sessions: list[dict[str, Any]] = json.load(answer)
        return sessions

    def _end(self, session: dict[str, Any]) -> None:
        address = f"{self.url}api/sessions/{session['id']}?token={TOKEN}"
        urllib.request.urlopen(urllib.request.Request(address, method="DELETE")).close()


@pytest.fixture(scope="session")
def jupyter(upstream: DemoServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    home = tmp_path_factory.mktemp("jupyter")
    root = home / "root"
    root.mkdir()
    runtime = pathlib.Path(tempfile.mkdtemp(prefix="nbs"))  # the path of a socket is short
    environment = {
        **os.environ,
        "HOME": str(home),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(runtime),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "OPENAI_BASE_URL": upstream.base_url,
        "OPENAI_API_KEY": upstream.api_key,
        "NBSTREAM_MODEL": "demo",
        "PYTHONWARNINGS": "default",
    }
    notifications = home / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    notifications.parent.mkdir(parents=True)
    notifications.write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}))
    # Without the animation while JupyterLab loads: drawn by no graphics card, it would take a second of processor time.
    page_config = home / "config" / "labconfig" / "page_config.json"
    page_config.parent.mkdir(parents=True)
    # And without asking whether JupyterLab has to be built again, for which the server would start Node for each page.
    off = {"disabledExtensions": {"@jupyterlab/apputils-extension:splash": True}, "buildCheck": False}
    page_config.write_text(json.dumps(off))
    log = (home / "server.log").open("w")
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.port=0"]
    options = [f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={root}"]
    options += [f"--KernelManager.transport={KERNEL_TRANSPORT}", "--LabApp.expose_app_in_browser=True"]
    options += ["--JupyterNotebookApp.expose_app_in_browser=True"]
    process = subprocess.Popen(
        [*command, *options],
        env=environment,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield Jupyter(_wait_for_url(process, runtime, home / "server.log"), root)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)
        log.close()
        shutil.rmtree(runtime, ignore_errors=True)


def _wait_for_url(process: subprocess.Popen[bytes], runtime: pathlib.Path, log: pathlib.Path) -> str:
    info = runtime / f"jpserver-{process.pid}.json"
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while time.monotonic() < deadline and process.poll() is None:
        if info.exists() and info.stat().st_size:
            return str(json.loads(info.read_text())["url"]).replace("localhost", "127.0.0.1")
        time.sleep(0.1)  # the server tells that it is ready in no other way than by this file
    raise RuntimeError(f"Jupyter did not start:\n{log.read_text()[-3000:]}")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if executable is None:
        pytest.fail("no Chromium on PATH; install it (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE_MS)
        browser = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_ARGS)
        yield browser
        browser.close()


class Notebook:
    """One notebook in one page."""

    def __init__(self, page: Page, jupyter: Jupyter, front_end: str, name: str) -> None:
        self.page = page
        self.front_end = front_end
        self.path = jupyter.root / name
        self._jupyter = jupyter
        self._address = jupyter.address(front_end, name)
        self._kernel = ""
        self.again = False

    def open(self, *, in_app: bool = False, again: bool = False) -> Notebook:
        """Open it and run its first cell; `again` notes that the next test may have it."""
        self.again = again
        self.load(in_app=in_app)
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while not self._jupyter.kernel_is_ready(self.path.name) and time.monotonic() < deadline:
            self.page.wait_for_timeout(100)
        self._kernel = self._jupyter.kernel(self.path.name)
        self._run_first(deadline)
        return self

    def fill(self, content: dict[str, Any]) -> Notebook:
        """Put other cells into it, and run the first."""
        self.page.evaluate(_FILL, content)
        self._run_first(time.monotonic() + PATIENCE_MS / 1000)
        return self

    def reset(self) -> bool:
        """Have its kernel forget everything; whether it is still the one that it was opened with, and could."""
        return self.has_kernel and bool(self.page.evaluate(_EXECUTE, [self.path.name, _RESET, RESET_MS]))

    @property
    def has_kernel(self) -> bool:
        """Whether its kernel is the one that it was opened with."""
        return self._jupyter.kernel(self.path.name) == self._kernel

    def _run_first(self, deadline: float) -> None:
        # The server knows of the kernel a moment before the page does, and does not run a cell in that moment.
        while not _EXECUTED.search(self.prompt(0).inner_text()) and time.monotonic() < deadline:
            if self.prompt(0).inner_text().strip() == "[ ]:":
                self.start(0)
            self.page.wait_for_timeout(500)
        self.wait_for_end(0)

    def load(self, *, in_app: bool = False) -> None:
        """Load the page with it, or show it in the JupyterLab that is there already."""
        if not (in_app and self.page.evaluate(_OPEN_IN_APP, self.path.name)):
            self.page.goto(self._address)
        expect(self.cells.first).to_be_visible(timeout=PATIENCE_MS)

    def prompt(self, number: int) -> Locator:
        return self.cells.nth(number).locator(".jp-InputPrompt").first

    @property
    def cells(self) -> Locator:
        return self.page.locator(".jp-Notebook .jp-Cell")

    def output(self, number: int) -> Locator:
        return self.cells.nth(number).locator(".jp-Cell-outputArea")

    def view(self, number: int) -> Locator:
        return self.cells.nth(number).locator(".nbs-view")

    def start(self, number: int) -> None:
        """Run a cell as a person does, without waiting for its end."""
        prompt = self.prompt(number)
        before = prompt.inner_text()
        for _ in range(3):  # on a busy machine a page may lose what is pressed
            self.cells.nth(number).locator(".jp-InputArea-editor").click()
            self.page.keyboard.press("Control+Enter")
            if "*" in before:
                return
            with contextlib.suppress(AssertionError):
                expect(prompt).not_to_have_text(before, timeout=START_MS)
                return

    def wait_for_end(self, number: int) -> None:
        expect(self.prompt(number)).to_have_text(_EXECUTED, timeout=PATIENCE_MS)

    def run(self, number: int) -> None:
        self.start(number)
        self.wait_for_end(number)

    def interrupt(self) -> None:
        """Interrupt the kernel by the keyboard."""
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("i")
        self.page.keyboard.press("i")

    def save(self) -> dict[str, Any]:
        """Save as a person does, and read the file."""
        before = self.path.stat().st_mtime_ns
        for _ in range(3):  # on a busy machine a page may lose what is pressed
            self.page.keyboard.press("Escape")
            self.page.keyboard.press("Control+s")
            deadline = time.monotonic() + PATIENCE_MS / 1000
            while time.monotonic() < deadline:
                with contextlib.suppress(json.JSONDecodeError):  # only half of it is written
                    if self.path.stat().st_mtime_ns != before:
                        saved: dict[str, Any] = json.loads(self.path.read_text())
                        return saved
                self.page.wait_for_timeout(50)
        raise AssertionError("the notebook was not saved")

    def shades(self) -> Iterator[str]:
        """Show it in JupyterLab's dark and light theme, one after the other."""
        for shade in ("dark", "light"):  # in this order, because others want the page as it was
            theme = f"JupyterLab {shade.title()}"
            self.page.evaluate(_CHANGE_THEME, theme)
            self.page.wait_for_function("theme => document.body.dataset.jpThemeName === theme", arg=theme)
            yield shade

    def value(self, expression: str, cell: int) -> str:
        """What the notebook prints for an expression, evaluated in the given (spare) cell."""
        self.cells.nth(cell).locator(".jp-InputArea-editor").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(f"print({expression})")
        self.run(cell)
        return self.output(cell).inner_text().strip()


@pytest.fixture
def page(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = chromium.new_context(viewport=VIEWPORT)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)  # as long as what is expected may take
    yield page
    if failures := os.environ.get("TEST_SCREENSHOTS"):  # to see what the test saw last
        page.screenshot(path=f"{failures}/{request.node.name[:80]}.png")
    context.close()


class _Shared:
    """The pages that tests share, one of each front end, with the notebook that the last test has left there."""

    def __init__(self, chromium: Browser, jupyter: Jupyter) -> None:
        self._chromium, self._jupyter = chromium, jupyter
        self._pages: dict[str, Page] = {}
        self._left: dict[str, Notebook] = {}

    def page(self, front_end: str) -> Page:
        if front_end not in self._pages:
            page = self._chromium.new_context(viewport=VIEWPORT).new_page()
            page.set_default_timeout(PATIENCE_MS)
            self._pages[front_end] = page
        return self._pages[front_end]

    def left(self, front_end: str) -> Notebook | None:
        """The notebook that the last test has left, which now is the caller's."""
        return self._left.pop(front_end, None)

    def leave(self, notebook: Notebook) -> None:
        """Leave the notebook to the next test, or close it if that is not possible."""
        if notebook.reset():
            self._left[notebook.front_end] = notebook
        else:
            self.clear(notebook.front_end)

    def clear(self, front_end: str) -> None:
        """Close what the page shows."""
        self._left.pop(front_end, None)
        if front_end in self._pages:
            self._pages[front_end].evaluate(_CLOSE_ALL)

    def drop(self, front_end: str) -> None:
        """Have another page from now on."""
        self._left.pop(front_end, None)
        if (page := self._pages.pop(front_end, None)) is not None:
            page.context.close()

    def end_kernels(self) -> None:
        self._jupyter.end_kernels(but={notebook.path.name for notebook in self._left.values()})

    def close(self) -> None:
        for front_end in list(self._pages):
            self.drop(front_end)


@pytest.fixture(scope="session")
def _shared(chromium: Browser, jupyter: Jupyter) -> Iterator[_Shared]:
    shared = _Shared(chromium, jupyter)
    yield shared
    shared.close()


@pytest.fixture(params=["lab", "notebook"])
def front_end(request: pytest.FixtureRequest) -> str:
    return str(request.param)


OpenNotebook = Callable[..., Notebook]


@pytest.fixture
def open_notebook(jupyter: Jupyter, _shared: _Shared, request: pytest.FixtureRequest) -> Iterator[OpenNotebook]:
    """Open a new notebook with the given cells, after one that loads the extension.

    To load JupyterLab takes more time than most tests, and so does a kernel until it has imported everything. Tests
    that change nothing of the page share one (`shared=True`). Those that, besides, change nothing in the kernel but
    names, settings and widgets get the notebook that the last of them has left there, with other cells and a kernel
    that has forgotten the rest (`again=True`). After a test that failed, there is a new page.
    """
    count, failed = 0, request.session.testsfailed
    opened: list[Notebook] = []

    def open_(
        front_end: str,
        *cells: str,
        before_opening: Callable[[Page], object] = id,
        kernel: str = "python3",
        shared: bool = False,
        again: bool = False,
    ) -> Notebook:
        nonlocal count
        shared = again or (shared and front_end == "lab")
        left = _shared.left(front_end) if shared else None
        sources = ["%load_ext nbstream", *cells, "pass"]
        content = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
        content.metadata["kernelspec"] = {"name": kernel, "display_name": kernel, "language": "python"}
        if again and left is not None and left.has_kernel:
            opened.append(left)
            return left.fill(content)
        if left is not None:
            _shared.clear(front_end)
            _shared.end_kernels()
        page: Page = _shared.page(front_end) if shared else request.getfixturevalue("page")
        before_opening(page)
        count += 1
        name = "".join(c if c.isalnum() else "-" for c in request.node.name) + f"-{count}.ipynb"
        nbformat.write(content, jupyter.root / name)
        notebook = Notebook(page, jupyter, front_end, name)
        if shared:
            opened.append(notebook)
        return notebook.open(in_app=shared and front_end == "lab", again=again)

    yield open_
    for notebook in opened:
        if request.session.testsfailed > failed:
            _shared.drop(notebook.front_end)
        elif notebook.again:
            _shared.leave(notebook)
        else:
            _shared.clear(notebook.front_end)
    _shared.end_kernels()
