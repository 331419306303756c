#!/usr/bin/env bash
# Every sentence that a user can meet stands in a po file: messages of fail() and tr() in C
# (xgettext reads them), of fail() in SQL, and both labels in the workflow files. Prints what
# is missing; exits 1 when something is. (Labels of the database: tests/core/platform_test.c.)
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# C: msgids, one per line, as they stand in a po file.
git ls-files 'core/*.c' 'modules/*.c' 'server/*.c' 'reports/*.c' | grep -v '/tests/' |
    xgettext --from-code=UTF-8 --files-from=- --language=C --keyword=fail:4 --keyword=tr:2 \
        --keyword=call_fail:3 --keyword=refuse:4 --keyword=malformed:2 --keyword=never:2 --keyword=TR_LATER \
        --no-wrap --no-location --output="$work/c.pot"
msgattrib --no-obsolete --no-wrap "$work/c.pot" | sed -n 's/^msgid "\(.\+\)"$/\1/p' >"$work/wanted"

# SQL: the third argument of fail('code', field, 'message'...), quotes doubled inside.
git ls-files '*.sql' | grep -v '/tests/' | xargs cat | tr '\n' ' ' |
    grep -oE "PERFORM +(tenon\.)?fail\( *'[a-z_]+', *('[^']*'|[a-zA-Z_.]+|NULL), *'([^']|'')*'" |
    sed -E "s/.*, *'(([^']|'')*)'\$/\1/; s/''/'/g" >>"$work/wanted"

# Known: every msgid with a translation.
find core server modules reports -name zh_CN.po -print0 | xargs -0 msgcat --use-first --no-wrap |
    msgattrib --translated --no-obsolete --no-wrap | sed -n 's/^msgid "\(.\+\)"$/\1/p' | sort -u >"$work/known"

sort -u "$work/wanted" | grep -vx '%s' | comm -23 - "$work/known" >"$work/missing"
sed 's/^/not translated: /' "$work/missing"

# Workflow files: as many Chinese labels and messages as English ones.
uneven=0
for f in modules/*/workflow/*.json; do
    for word in label message; do
        en=$(grep -o "\"$word\":" "$f" | wc -l)
        zh=$(grep -o "\"${word}_zh\":" "$f" | wc -l)
        [ "$en" = "$zh" ] || { echo "$f: $en $word, $zh ${word}_zh"; uneven=1; }
    done
done
[ ! -s "$work/missing" ] && [ $uneven = 0 ]
