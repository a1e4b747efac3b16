# table.awk: what `hawser sim congestion --json` says of single flows, as Markdown: a row for each link, a
# column for each controller; goodput in percent of (1 - loss) x rate, and behind the stroke the 99th
# percentile of queueing delay in ms.
#   awk -f bench/congestion/table.awk GRID.json

function field(name,    at) {
  at = index($0, "\"" name "\": ")
  return at == 0 ? 0 : substr($0, at + length(name) + 4) + 0
}
{
  at = index($0, "\"controller\": \"")
  name = substr($0, at + 15)
  name = substr(name, 1, index(name, "\"") - 1)
  link = field("rate_mbit") " | " field("rtt_ms") " | " field("loss_percent") " % | " field("buffer_bdp")
  if (!(link in seen)) { seen[link] = 1; links[++count] = link }
  if (!(name in known)) { known[name] = 1; order[++names] = name }
  share = field("steady_goodput_bps") / (field("rate_mbit") * 1e4 * (1 - field("loss_percent") / 100))
  delay = field("p99")
  cell[link, name] = sprintf(share < 10 ? "%.1f / %s" : "%.0f / %s", share, sprintf(delay < 10 ? "%.1f" : "%.0f", delay))
}
END {
  printf "| Mbit/s | RTT ms | loss | buffer |"
  for (n = 1; n <= names; ++n) printf " `%s` |", order[n]
  printf "\n|---:|---:|---:|---:|"
  for (n = 1; n <= names; ++n) printf "---:|"
  print ""
  for (l = 1; l <= count; ++l) {
    printf "| %s |", links[l]
    for (n = 1; n <= names; ++n) printf " %s |", cell[links[l], order[n]]
    print ""
  }
}
