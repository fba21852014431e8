#!/usr/bin/env bash
# Types and lint of the page code: `bash tests/javascript/check.sh`, from a fresh clone too.
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/javascript/node.sh

tools=tests/javascript/node_modules
if ! [ "$tools/.package-lock.json" -nt tests/javascript/package-lock.json ]; then
  (cd tests/javascript && npm ci --no-audit --no-fund --loglevel=error)
fi
"$tools/.bin/tsc" --project tests/javascript
"$tools/.bin/eslint" --config tests/javascript/eslint.config.js --max-warnings 0 nbstream
