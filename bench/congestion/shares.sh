#!/bin/sh
# shares.sh: how evenly two flows of one kind share, by simulation: smallest, largest and mean share of the first in
# percent over SEEDS starts, and how many are outside of 45 to 55. The second starts a part of an RTT of 40 ms after the first,
# another part for each seed, and LATER seconds; WARMUP seconds more are left out. The queue holds one BDP.
#   bench/congestion/shares.sh HAWSER CONTROLLER MBIT QUEUE SECONDS [SEEDS [LATER [WARMUP [FIRST]]]]
# FIRST is the first of the seeds, 1: others than those by which a controller was tuned are a test of it.
set -eu
hawser=$1 controller=$2 mbit=$3 queue=$4 seconds=$5 seeds=${6:-12} later=${7:-0} warmup=${8:-10} first=${9:-1}
for seed in $(seq "$first" "$((first + seeds - 1))"); do
  stagger=$(awk -v s="$seed" -v l="$later" 'BEGIN { print l + 0.04 * (s * 37 % 101) / 100 }')
  duration=$(awk -v a="$seconds" -v b="$later" -v c="$warmup" 'BEGIN { print a + b + c }')
  "$hawser" sim congestion --controllers "$controller" --pairs --rate "$mbit" --rtt 40 --buffer 1 --queue "$queue" \
    --duration "$duration" --warmup "$warmup" --seed "$seed" --stagger "$stagger" --json -
done | awk -v what="$controller $mbit $queue $seconds" '
  !/^\{/ { next }
  {
    rest = $0
    for (n = 1; n <= 2; ++n) {
      rest = substr(rest, index(rest, "\"steady_goodput_bps\": ") + 22)
      rate[n] = rest + 0
    }
    share = 100 * rate[1] / (rate[1] + rate[2])
    sum += share
    if (++count == 1 || share < least) least = share
    if (count == 1 || share > most) most = share
    if (share < 45 || share > 55) ++outside
  }
  END { printf "%s: %.0f to %.0f, mean %.1f, outside %d of %d\n", what, least, most, sum / count, outside, count }'
