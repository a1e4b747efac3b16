-- steady.lua: a path scheduler that stays where it is. All goes over one path for as long as its round trip is at most
-- a quarter longer than the shortest, so that packets seldom overtake each other; what one path cannot take goes to the
-- others only while there is much to send.
--
--   hawser get --paths eth0,wlan0 --scheduler lua:examples/steady.lua -O https://example.net/big.iso
--   hawser serve :443 --scheduler lua:examples/steady.lua
--
-- docs/schedulers.md says what choose() sees and may answer.

local home = nil     -- the id of the path where things go
local MUCH = 100000  -- octets that wait: worth the other paths too

function choose(paths, demand, now_ms)
  local quickest = paths[1]
  local at_home = nil
  for position, path in ipairs(paths) do
    if path.rtt_ms < quickest.rtt_ms then quickest = path end
    if path.id == home then at_home = position end
  end
  if at_home and paths[at_home].rtt_ms > quickest.rtt_ms * 1.25 then at_home = nil end
  if not at_home then
    home = quickest.id
    for position, path in ipairs(paths) do
      if path.id == home then at_home = position end
    end
  end
  if paths[at_home].ready then return at_home, paths[at_home].room end
  if demand.bytes_waiting > MUCH then
    local other = hawser.fastest()
    if other then return other, 4 * paths[other].mtu end
  end
  return at_home -- not ready: wait for it
end
