# plot.awk: draws what `hawser sim congestion --json` says of single flows as an SVG: one panel for each
# loss, and in it a dot for each link, goodput against the 99th percentile of queueing delay.
#   awk -f bench/congestion/plot.awk GRID.json > GRID.svg

function field(name,    at) {
  at = index($0, "\"" name "\": ")
  return at == 0 ? 0 : substr($0, at + length(name) + 4) + 0
}
function controller(    at, rest) {
  at = index($0, "\"controller\": \"")
  rest = substr($0, at + 15)
  return substr(rest, 1, index(rest, "\"") - 1)
}
# Delays from 0.1 ms to 1 s, by powers of ten.
function across(panel, ms) {
  if (ms < 0.1) ms = 0.1
  if (ms > 1000) ms = 1000
  return kLeft + panel * kPanel + (log(ms) / log(10) + 1) / 4 * kWidth
}
function down(share) { return kTop + (1 - (share > 1 ? 1 : share)) * kHeight }
function label(x, y, text, extra) { printf "<text x=\"%.1f\" y=\"%.1f\" %s>%s</text>\n", x, y, extra, text }

BEGIN {
  kLeft = 50; kTop = 40; kPanel = 300; kWidth = 250; kHeight = 220
  split("#1b6ca8 #d1495b #2e933c #edae49 #7b2d8b #00798c #8c5a2b #444444", colours, " ")
}
{
  loss = field("loss_percent")
  if (!(loss in panel_of)) { panel_of[loss] = panels++; losses[panels] = loss }
  name = controller()
  if (!(name in colour_of)) { colour_of[name] = colours[names++ % 8 + 1]; order[names] = name }
  ++dots
  dot_panel[dots] = panel_of[loss]; dot_name[dots] = name; dot_deep[dots] = field("buffer_bdp") >= 1
  # What the loss leaves of the rate is all that can be had.
  dot_share[dots] = field("steady_goodput_bps") / (field("rate_mbit") * 1e6 * (1 - loss / 100))
  dot_delay[dots] = field("p99")
}
END {
  printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d 330\" font-family=\"sans-serif\" font-size=\"11\">\n", \
         kLeft + panels * kPanel
  print "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>"
  for (p = 0; p < panels; ++p) {
    label(across(p, 10), 20, "loss " losses[p + 1] " % each way", "text-anchor=\"middle\" font-weight=\"bold\"")
    for (ms = 0.1; ms < 1001; ms *= 10) {
      printf "<path d=\"M%.1f %dv%d\" stroke=\"#ddd\"/>\n", across(p, ms), kTop, kHeight
      label(across(p, ms), kTop + kHeight + 14, ms, "text-anchor=\"middle\"")
    }
    for (share = 0; share <= 100; share += 25) {
      printf "<path d=\"M%.1f %.1fh%d\" stroke=\"#ddd\"/>\n", across(p, 0.1), down(share / 100), kWidth
      if (p == 0) label(kLeft - 6, down(share / 100) + 4, share " %", "text-anchor=\"end\"")
    }
    label(across(p, 10), kTop + kHeight + 30, "queueing delay, 99th percentile, ms", "text-anchor=\"middle\"")
  }
  for (i = 1; i <= dots; ++i)
    printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" stroke=\"%s\" fill=\"%s\"/>\n", across(dot_panel[i], dot_delay[i]), \
           down(dot_share[i]), colour_of[dot_name[i]], dot_deep[i] ? colour_of[dot_name[i]] : "none"
  for (n = 1; n <= names; ++n) {
    printf "<circle cx=\"%d\" cy=\"316\" r=\"4\" fill=\"%s\"/>\n", kLeft + (n - 1) * 80, colour_of[order[n]]
    label(kLeft + (n - 1) * 80 + 8, 320, order[n], "")
  }
  print "</svg>"
}
