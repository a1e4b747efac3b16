# count_tests.awk: adds up a test run and prints "N passed, N failed" as its last line.
# Input: the JUnit file of ctest, that of what ran again, then the JSON reports of the GoogleTest programs, which
# are named like the ctest test that ran them. Each GoogleTest case counts as one, each
# other ctest test as one. Exit status 1 if anything failed or nothing ran.

# <testcase name="wire_test" classname="wire_test" time="0.1" status="run">
FILENAME ~ /\.xml$/ && /<testcase / {
  name = $0; sub(/.*<testcase name="/, "", name); sub(/".*/, "", name)
  status = $0; sub(/.*status="/, "", status); sub(/".*/, "", status)
  ctest[name] = status
}

FILENAME ~ /\.json$/ && FNR == 1 {
  report = FILENAME; sub(/.*\//, "", report); sub(/\.json$/, "", report)
  reports[report] = 1
}
# The totals stand at the top of the report, indented by two spaces.
FILENAME ~ /\.json$/ && /^  "tests":/ { cases[report] = number($0) }
FILENAME ~ /\.json$/ && /^  "failures":/ { failures[report] = number($0) }
FILENAME ~ /\.json$/ && /^  "disabled":/ { skips[report] += number($0) }
FILENAME ~ /\.json$/ && /"result": "SKIPPED"/ { skips[report]++ }

function number(line) { gsub(/[^0-9]/, "", line); return line + 0 }

END {
  for (report in reports) {
    failed += failures[report]
    skipped += skips[report]
    passed += cases[report] - failures[report] - skips[report]
  }
  for (name in ctest) {
    # A program that crashed left no report or an innocent one: the crash is a failure of its own.
    if (ctest[name] == "fail") { if (!failures[name]) { failed++; printf "failed: %s\n", name } }
    else if (ctest[name] == "run") { if (!(name in reports)) passed++ }
    else skipped++
  }
  passed += fuzz_passed
  failed += fuzz_failed
  if (ctest_status != 0 && failed == 0) { print "ctest failed with status " ctest_status; failed++ }
  if (skipped) printf "%d skipped (their reasons stand above or in build/*/results)\n", skipped
  printf "%d passed, %d failed\n", passed, failed
  exit failed > 0 || passed == 0
}
