# pairs.awk: what `hawser sim congestion --pairs --json` says of two flows, as Markdown: the share in percent that the
# row's controller gets beside the column's; on the diagonal, the first of two alike.
#   awk -v order='newreno cubic' -f bench/congestion/pairs.awk PAIRS.json

{
  flows = 0
  rest = $0
  while ((at = index(rest, "\"controller\": \"")) > 0) {
    rest = substr(rest, at + 15)
    name[++flows] = substr(rest, 1, index(rest, "\"") - 1)
    at = index(rest, "\"steady_goodput_bps\": ")
    rate[flows] = substr(rest, at + 22) + 0
  }
  if (flows != 2 || rate[1] + rate[2] == 0) next
  share[name[2], name[1]] = 100 * rate[2] / (rate[1] + rate[2])
  share[name[1], name[2]] = 100 * rate[1] / (rate[1] + rate[2])
}
END {
  count = split(order, column, " ")
  printf "| |"
  for (n = 1; n <= count; ++n) printf " `%s` |", column[n]
  printf "\n|---|"
  for (n = 1; n <= count; ++n) printf "---:|"
  print ""
  for (row = 1; row <= count; ++row) {
    printf "| `%s` |", column[row]
    for (n = 1; n <= count; ++n)
      printf((column[row], column[n]) in share ? " %.0f |" : " |", share[column[row], column[n]])
    print ""
  }
}
