#!/usr/bin/env bash
# Sets up everything the tests need and runs all of them: `bash tests/run.sh`, from a fresh clone on a fresh machine.
# Arguments go to pytest, which then runs once, on openai 3.x: `bash tests/run.sh tests/transport -x`.
set -euo pipefail
cd "$(dirname "$0")/.."
unset VIRTUAL_ENV # IPython warns of another environment that happens to be active, and warnings are errors here

environment() { # NAME REQUIREMENT: a virtual environment with this checkout and that version of the SDK
  [ -x "$1/bin/python" ] || python3 -m venv "$1"
  "$1/bin/python" -m pip install --quiet --disable-pip-version-check --editable '.[test]' "$2"
}

if ! command -v chromium >/dev/null && ! command -v chromium-browser >/dev/null && ! command -v google-chrome >/dev/null; then
  if command -v apt-get >/dev/null; then
    as_root=""
    [ "$(id -u)" = 0 ] || as_root=sudo
    $as_root apt-get update --quiet=2
    DEBIAN_FRONTEND=noninteractive $as_root apt-get install --yes --quiet=2 chromium >/dev/null
  else
    echo "The browser tests need Chromium on PATH: please install it, then run this again." >&2
    exit 1
  fi
fi

environment .venv 'openai>=3,<4'
environment .venv-openai2 'openai>=2,<3'

.venv/bin/ruff check .
.venv/bin/ruff format --check .
.venv/bin/mypy

source tests/javascript/node.sh # some of the tests need it too
bash tests/javascript/check.sh

if [ $# -gt 0 ]; then
  exec .venv/bin/python -m pytest "$@"
fi
side_by_side=(-n auto --maxprocesses 4 --dist worksteal)
failed=0 # each part runs whatever became of those before it, so that one run shows all there is to mend
echo "== on openai 2.x: everything that the SDK has a part in"
.venv-openai2/bin/python -m pytest --quiet "${side_by_side[@]}" --ignore tests/browser --ignore tests/benchmarks \
  --ignore tests/markdown --ignore tests/transport/test_fuzz.py || failed=1
echo "== on openai 3.x: what is timed, which wants the machine for itself"
.venv/bin/python -m pytest -m "benchmark or timed" || failed=1
echo "== on openai 3.x: everything else"
.venv/bin/python -m pytest "${side_by_side[@]}" -m "not benchmark and not timed" || failed=1
exit $failed
