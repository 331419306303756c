#!/usr/bin/env bash
# Functions past 50 lines and files past 500: each is two things, or has a reason that is
# written above it (a comment with the words "long because").
set -eu
cd "$(dirname "$0")/.."
git ls-files '*.c' '*.h' | while read -r f; do
    awk -v file="$f" '
        /long because/ { excused = 1 }
        /^[a-z_].*\(/ { name = $0 }
        /^\{/ { start = NR }
        /^\}/ && start {
            if (NR - start - 1 > 50 && !excused)
                printf "%s:%d: %s is %d lines long\n", file, start, name, NR - start - 1
            start = 0
            excused = 0
        }
        END { if (NR > 500) printf "%s: %d lines\n", file, NR }' "$f"
done | { found=0; while read -r line; do echo "$line"; found=1; done; exit $found; }
