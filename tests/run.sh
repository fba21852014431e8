#!/usr/bin/env bash
# Sets up everything the tests need, from a fresh clone on a fresh machine, and runs them:
#
#   bash tests/run.sh                 the gate: lint, types, and all tests on openai 3.x, those in which the SDK has a part
#                                     on 2.x too, and a few with the lowest version of each dependency
#   bash tests/run.sh --fast          the same on openai 3.x alone and without a browser, for daily work
#   bash tests/run.sh --benchmarks    what is timed: a table of figures, and a failure if a bound is missed; the page on
#                                     performance shows them after --benchmarks --figures .docs/figures.json
#   bash tests/run.sh ARGUMENTS       pytest with these arguments, once, on openai 3.x
set -euo pipefail
cd "$(dirname "$0")/.."
unset VIRTUAL_ENV             # IPython warns of another environment that happens to be active, and warnings are errors here
unset PYTHONDONTWRITEBYTECODE # or each kernel and each worker compiles everything again

# Python compiles what is imported, which is a part of what is installed.
installed() { # NAME REQUIREMENT...: a virtual environment with that; by uv, which takes a fifth of pip's time, if it works
  [ -x "$1/bin/python" ] || python3 -m venv "$1"
  local python="$1/bin/python"
  shift
  .venv/bin/uv pip install --quiet --python "$python" "$@" 2>/dev/null ||
    "$python" -m pip install --quiet --disable-pip-version-check --no-compile "$@"
}

environment() { # a virtual environment with this checkout and the newest SDK
  with_uv
  installed .venv --editable '.[test]' 'openai>=3,<4'
  # It checks addresses in notebooks, if it is there, and takes each process more than a second to import.
  .venv/bin/python -m pip uninstall --quiet --yes rfc3987-syntax 2>/dev/null
}

with_uv() {
  [ -x .venv/bin/python ] || python3 -m venv .venv
  [ -x .venv/bin/uv ] || .venv/bin/python -m pip install --quiet --disable-pip-version-check uv || true
}

above() { # NAME BELOW REQUIREMENT: a virtual environment with that version of the SDK, and all else from the one below
  if [ ! -x "$1/bin/python" ]; then
    installed "$1" "$3"
    site='import site; print(site.getsitepackages()[0])'
    printf '%s\n' "$("$2/bin/python" -c "$site")" "$PWD" >"$("$1/bin/python" -c "$site")/below.pth"
  fi
}

on_lowest() { # a few tests of what each dependency is used for, with the lowest version of each that pyproject.toml allows.
  # Google Colab has these of IPython, ipykernel, ipywidgets and traitlets, and this jupyter-client. They warn of a lot, and
  # their ipywidgets shows boxes of its own accord.
  [ -x .venv-lowest/bin/python ] || python3 -m venv .venv-lowest
  # Only uv resolves so. Two extras are left out, because they need a newer pydantic than nbstream does.
  .venv/bin/uv pip install --quiet --python .venv-lowest/bin/python --resolution lowest-direct \
    --editable '.[keyring,lab,relay,telemetry,terminal]' 'tinycss2>=1.2' 'tree-sitter>=0.25' 'tree-sitter-javascript>=0.25' \
    'pandas>=2.2' 'playwright>=1.45' 'pytest>=8.2' 'jupyter-client==7.4.9'
  .venv/bin/uv pip uninstall --quiet --python .venv-lowest/bin/python rfc3987-syntax 2>/dev/null || true # see above
  .venv-lowest/bin/python -m pytest --quiet --override-ini filterwarnings=default --disable-warnings \
    tests/display/test_{live_view,output,rich_terminal}.py tests/ipython/test_magics.py tests/panel/test_chat_panel.py \
    tests/{structured/test_structured,tools/test_tool,attachments/test_images,markdown/test_render,transport/test_open}.py \
    tests/test_keys.py tests/relay/test_extension.py::test_the_health_page_is_under_the_server \
    --deselect tests/panel/test_chat_panel.py::test_what_shows_no_panel_keeps_none \
    --deselect tests/ipython/test_magics.py::test_the_tools_of_an_mcp_server_are_named_as_a_set \
    --deselect tests/display/test_output.py::test_another_output_belongs_to_the_same_cell_though_the_kernel_has_heard_of_other_things \
    tests/test_headless.py::test_answer_is_static_text_with_its_facts_and_no_widget_state \
    tests/test_headless.py::test_a_chat_panel_in_a_container_is_a_static_transcript_below_it
}

browser() { # Chromium, if there is none
  if command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null; then
    return
  fi
  if ! command -v apt-get >/dev/null; then
    echo "The browser tests need Chromium on PATH: please install it, then run this again." >&2
    exit 1
  fi
  as_root=""
  [ "$(id -u)" = 0 ] || as_root=sudo
  $as_root apt-get update --quiet=2
  DEBIAN_FRONTEND=noninteractive $as_root apt-get install --yes --quiet=2 chromium >/dev/null
}

lint() {
  .venv/bin/ruff check .
  .venv/bin/ruff format --check .
  .venv/bin/mypy
  source tests/javascript/node.sh # some of the tests need it too
  bash tests/javascript/check.sh
}

# Four workers on two cores, because many tests wait for a kernel or a page.
side_by_side=(-n 4 --dist worksteal)

case "${1-}" in
  --benchmarks)
    browser
    environment
    exec .venv/bin/python -m pytest -m benchmark --capture=no "${@:2}"
    ;;
  --fast)
    environment
    lint
    exec .venv/bin/python -m pytest "${side_by_side[@]}" -m "not benchmark and not browser" "${@:2}"
    ;;
  ?*)
    browser
    environment
    source tests/javascript/node.sh
    exec .venv/bin/python -m pytest "$@"
    ;;
esac

beside() { # TITLE FUNCTION: run it beside the rest, and print what it says in one piece when it has ended
  (
    log=$(mktemp)
    "$2" >"$log" 2>&1 &
    status=0
    wait $! || status=$?
    printf '\n== %s\n' "$1"
    cat "$log"
    rm "$log"
    exit "$status"
  ) &
  parts+=($!)
}

# Where the SDK has a part: it makes, authorises and opens requests, and tells what went wrong with them. The rooms above
# know nothing of it, so one file of each, whose tests ask in most of its ways, is enough.
through_the_sdk=(
  tests/{attachments,cost,recording,settings,streaming,testing,transport}
  tests/accounting/test_plan.py tests/cli/test_doctor.py tests/conversation/test_chat.py tests/ipython/test_magics.py
  tests/moderation/test_moderated.py tests/panel/test_model_list.py tests/relay/test_relay.py tests/tools/test_loop.py
  tests/test_{api,broken_environments,canaries,headless,keys}.py
)

on_openai_2() {
  above .venv-openai2 .venv 'openai>=2,<3'
  JUPYTER_PATH="$PWD/.venv/share/jupyter" .venv-openai2/bin/python -m pytest --quiet -n 2 --dist worksteal -m "sdk and not benchmark and not browser" "${through_the_sdk[@]}"
}

# Everything waits for something most of the time, so all parts together take little longer than the longest.
browser &
parts=($!)
with_uv
beside "on the lowest versions: a few tests" on_lowest
environment
source tests/javascript/node.sh
beside "lint and types" lint
# One process rewrites the assertions of all tests; each worker would do it for itself, which takes it half of its start.
.venv/bin/python -m pytest --collect-only --quiet -m "not benchmark" >/dev/null || true # what is wrong is told below
beside "on openai 2.x: what goes through the SDK" on_openai_2
wait "${parts[0]}"
failed=0 # each part runs whatever became of the others, so that one run shows everything that needs fixing
echo "== on openai 3.x: everything"
.venv/bin/python -m pytest "${side_by_side[@]}" -m "not benchmark" || failed=1
for each in "${parts[@]:1}"; do wait "$each" || failed=1; done
exit $failed
