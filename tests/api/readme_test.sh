#!/bin/sh
# readme_test.sh README CLIENT: goal: the client in README.md is the one that compiles. Method: the
# first ```cpp block must be the file's lines after its first, to the letter.
set -eu
shown=$(mktemp)
trap 'rm -f "$shown"' EXIT
awk '/^```cpp$/ && !seen { seen = inside = 1; next } /^```$/ { inside = 0 } inside' "$1" >"$shown"
tail -n +2 "$2" | diff -u "$shown" -
