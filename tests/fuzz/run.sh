#!/usr/bin/env bash
# Run each fuzz target for some seconds: tests/fuzz/run.sh <build folder> [SECONDS]
# Starts from the kept inputs; new ones stay in the build folder. An input that makes a target
# fail is written there as found-<name>-*: fix the parser, then keep it in corpus/<name>/.
set -u
cd "$(dirname "$0")/../.."
build=$1
seconds=${2:-30}
failed=0

for program in "$build"/fuzz-*; do
    [ -x "$program" ] && [ -f "$program" ] || continue
    name=${program##*/fuzz-}
    mkdir -p "$build/corpus/$name"
    if "$program" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048 \
        -print_final_stats=1 -artifact_prefix="$build/found-$name-" \
        "$build/corpus/$name" "tests/fuzz/corpus/$name" >"$build/fuzz-$name.log" 2>&1; then
        echo "ok    $name: $(sed -n 's/stat::number_of_executed_units: *//p' "$build/fuzz-$name.log") inputs"
    else
        echo "FOUND $name: see $build/fuzz-$name.log"
        grep -aE 'ERROR|runtime error|SUMMARY|Test unit written' "$build/fuzz-$name.log" | sed 's/^/      /'
        failed=1
    fi
done
exit $failed
