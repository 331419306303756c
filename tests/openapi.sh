#!/usr/bin/env bash
# The OpenAPI document of all entities passes a linter from npm, which is installed when it is
# missing. Skipped, and said so, only when npm's registry cannot be reached.
#
#     tests/openapi.sh [FOLDER OF THE BUILT PROGRAMS]
set -eu
cd "$(dirname "$0")/.."
build=${1:-build}
linter=@redocly/cli@1.34.5
tools=${XDG_CACHE_HOME:-$HOME/.cache}/tenon/npm
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

command -v npm >/dev/null || { echo "openapi: skipped, npm is not installed"; exit 0; }
if [ ! -x "$tools/node_modules/.bin/redocly" ]; then
    mkdir -p "$tools"
    npm install --silent --no-audit --no-fund --prefix "$tools" "$linter" >"$work/npm" 2>&1 || {
        npm ping --silent >/dev/null 2>&1 && { cat "$work/npm"; exit 1; }
        echo "openapi: skipped, npm's registry cannot be reached"
        exit 0
    }
fi
TENON_OPENAPI=$work/openapi.json "$build/tenon-test" 'the OpenAPI document' >"$work/log" ||
    { cat "$work/log"; exit 1; }
printf 'extends: [recommended]\n' >"$work/redocly.yaml"
"$tools/node_modules/.bin/redocly" lint --config "$work/redocly.yaml" "$work/openapi.json"
