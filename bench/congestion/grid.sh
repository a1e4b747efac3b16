#!/bin/sh
# grid.sh: the figures of docs/congestion.md by simulation. FOLDER keeps a file for each controller, so that one that
# has changed is made again alone: delete its file. Minutes for all of it; virtual time, so any machine gets the same.
#   bench/congestion/grid.sh HAWSER FOLDER
# makes FOLDER/grid.md and FOLDER/grid.svg (each controller alone), prague.md (behind DualPI2) and pairs.md.
set -eu
hawser=$1
folder=$2
here=$(dirname "$0")
controllers='newreno cubic westwood bbr bbr1 bbr2 copa prague'
mkdir -p "$folder"

sim() { "$hawser" sim congestion --json - "$@" | grep '^{'; }

for name in $controllers; do
  out=$folder/$name.json
  [ -s "$out" ] && continue
  links="--controllers $name --rtt 10,40,200 --loss 0,1,5 --buffer 0.2,1"
  # shellcheck disable=SC2086 # a list of options
  { sim $links --rate 10,100 --duration 10 --warmup 3; sim $links --rate 1000 --duration 6 --warmup 2; } > "$out.part"
  mv "$out.part" "$out"
done
if [ ! -s "$folder/dualpi2.json" ]; then
  sim --controllers prague --rate 10,100,1000 --rtt 10,40,200 --queue dualpi2 --duration 10 --warmup 3 \
    > "$folder/dualpi2.json"
fi
if [ ! -s "$folder/pairs.json" ]; then
  sim --controllers "$(echo "$controllers" | tr ' ' ,)" --pairs --rate 10 --rtt 40 --buffer 1 --duration 60 --warmup 10 \
    > "$folder/pairs.json"
fi

files=$(for name in $controllers; do echo "$folder/$name.json"; done)
# shellcheck disable=SC2086 # a list of files
cat $files | awk -f "$here/table.awk" > "$folder/grid.md"
# shellcheck disable=SC2086
cat $files | awk -f "$here/plot.awk" > "$folder/grid.svg"
awk -f "$here/table.awk" "$folder/dualpi2.json" > "$folder/prague.md"
awk -v order="$controllers" -f "$here/pairs.awk" "$folder/pairs.json" > "$folder/pairs.md"
