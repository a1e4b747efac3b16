#!/bin/sh
# count_tests_test.sh: goal: the last line of ./dev test counts every kind of outcome once.
# Method: a made-up ctest report and GoogleTest reports of a good, a failed and a crashed program.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
counter=$(dirname "$0")/count_tests.awk

report() { printf '{\n  "tests": %d,\n  "failures": %d,\n  "disabled": %d,\n' "$2" "$3" "$4" >"$folder/$1.json"; }
outcome() { printf '\t<testcase name="%s" classname="%s" time="0.1" status="%s">\n' "$1" "$1" "$2" >>"$folder/ctest.xml"; }
expect() {
  got=$(awk -f "$counter" "$folder/ctest.xml" "$folder"/*.json | tail -n 1)
  [ "$got" = "$1" ] || { echo "expected '$1', got '$got'"; exit 1; }
}

report good_test 5 0 1
printf '          "result": "SKIPPED",\n' >>"$folder/good_test.json"
outcome good_test run
outcome tidy run
outcome root_only notrun
expect "4 passed, 0 failed"
awk -f "$counter" "$folder/ctest.xml" "$folder"/*.json >/dev/null || { echo "a good run must exit with 0"; exit 1; }

report bad_test 3 2 0
outcome bad_test fail
outcome crashed_test fail
expect "5 passed, 3 failed"
if awk -f "$counter" "$folder/ctest.xml" "$folder"/*.json >/dev/null; then echo "a bad run must not exit with 0"; exit 1; fi

rm "$folder"/*
outcome flaky fail
outcome good run
cp "$folder/ctest.xml" "$folder/first.xml"
rm "$folder/ctest.xml"
outcome flaky run
got=$(awk -f "$counter" "$folder/first.xml" "$folder/ctest.xml" | tail -n 1)
[ "$got" = "2 passed, 0 failed" ] || { echo "what passed when run again counts as passed, got '$got'"; exit 1; }
