#!/usr/bin/env bash
# Who may include whom (ARCHITECTURE.md, "The dependency rule"). Prints each include that
# points up or sideways, and each state write outside the engine; exits 1 when there is one.
set -eu
cd "$(dirname "$0")/.."
found=0

complain() {
    printf '%s: %s\n' "$1" "$2"
    found=1
}

# The folders that files of a layer may include from, as an extended regular expression.
allowed() {
    case "$1" in
    core/base/*) echo '^core/base/' ;;
    core/db/*) echo '^core/(base|db)/' ;;
    core/entity/*) echo '^core/(base|db|entity)/' ;;
    core/mail/*) echo '^core/(base|db|entity|mail)/' ;;
    core/workflow/*) echo '^core/' ;;
    reports/*) echo '^(core|reports)/' ;;
    modules/*) echo '^core/' ;;
    server/*) echo '^(core|reports|server)/' ;;
    gui/*) echo '^(core/base|gui)/' ;;
    *) echo '.' ;;
    esac
}

# modules/x may include its own headers and modules/y/y.h for each y that it needs.
needs() {
    sed -n 's/.*\.needs *= *"\([^"]*\)".*/\1/p' "modules/$1/module.c"
}

may_include() { # file, header
    local module rest y
    [[ $2 =~ $(allowed "$1") ]] && return 0
    [[ $1 == */tests/* && $2 == tests/* ]] && return 0
    [[ $1 == modules/* ]] || return 1
    rest=${1#modules/} module=${rest%%/*}
    [[ $2 == modules/$module/* ]] && return 0
    for y in $(needs "$module"); do
        [[ $2 == "modules/$y/$y.h" ]] && return 0
    done
    return 1
}

while IFS=: read -r file header; do
    may_include "$file" "$header" || complain "$file" "may not include $header"
done < <(grep -rnoE '^#include "[^"]+"' core modules server reports gui --include='*.c' --include='*.h' 2>/dev/null |
    sed -E 's/^([^:]+):[0-9]+:#include "([^"]+)"/\1:\2/')

# The engine is the only writer of a state.
while read -r file; do
    case "$file" in
    core/workflow/* | sql/001_platform.sql | sql/functions.sql | */tests/* | tests/*) ;;
    *) complain "$file" "names workflow_move: use workflow_take" ;;
    esac
done < <(grep -rl 'workflow_move' core modules server reports sql --include='*.c' --include='*.h' --include='*.sql' 2>/dev/null || true)

exit $found
