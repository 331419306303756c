#!/usr/bin/env bash
# What `make check` proves besides the tests: format, static analysis, layers, sizes.
# tests/check.sh <build folder with compile_commands.json>; exits 1 when anything is found.
set -u
cd "$(dirname "$0")/.."
build=$1
found=0

step() { # title, command...
    local title=$1 output
    shift
    if output=$("$@" 2>&1); then
        echo "ok    $title"
    else
        echo "FOUND $title"
        printf '%s\n' "$output" | sed 's/^/      /'
        found=1
    fi
}

format() {
    git ls-files '*.c' '*.h' | xargs clang-format --dry-run -Werror
}

# Bugs, not taste: what the compilers' own warnings leave. It does not see that P() and OUT()
# are arguments: commas and unset variables are left to the compilers.
cpp_check() {
    cppcheck --quiet --error-exitcode=1 --enable=warning,portability,performance --inline-suppr \
        --std=c11 --suppress=missingIncludeSystem --suppress=varFuncNullUB \
        --suppress=constStatement --suppress=legacyUninitvar --suppress=uninitvar -j "$(nproc)" \
        --include=/usr/include/cjson/cJSON.h --suppress='*:/usr/include/*' \
        -I . core modules server reports tests
}

# Mistakes that are never meant; none of style.
suspect=bugprone-suspicious-memset-usage,bugprone-infinite-loop,bugprone-integer-division
suspect+=,bugprone-misplaced-widening-cast,bugprone-posix-return,bugprone-suspicious-semicolon
suspect+=,bugprone-too-small-loop-variable,bugprone-string-literal-with-embedded-nul
suspect+=,bugprone-macro-repeated-side-effects,bugprone-not-null-terminated-result,bugprone-terminating-continue
suspect+=,-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling

tidy() {
    # The core only: the analyser takes seconds a file.
    git ls-files 'core/**.c' 'server/**.c' | xargs -n 4 -P "$(nproc)" clang-tidy --quiet -p "$build" \
        --warnings-as-errors='*' \
        --checks="-*,clang-analyzer-core.*,clang-analyzer-unix.*,clang-analyzer-security.*,$suspect" 2>/dev/null
}

shell() {
    git ls-files '*.sh' .ci/run | xargs -n 1 bash -n
}

step "format (clang-format)" format
step "bugs (cppcheck)" cpp_check
step "bugs (clang-tidy)" tidy
step "shell scripts" shell
step "layers: who includes whom" tests/layers.sh
step "sentences: each is in Chinese too" tests/messages.sh
step "interface: OpenAPI 3.1 (redocly)" tests/openapi.sh "$build"
step "sizes: functions past 50 lines, files past 500" tests/sizes.sh
exit $found
