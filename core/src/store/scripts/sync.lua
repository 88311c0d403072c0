-- Compares my token with the stored one.
-- ARGV: tag, rest of its life (ms), its stamp or -1, its age (ms) or -1
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local n = function(v) return tonumber(v or 0) or 0 end
local r = redis.call('HMGET', KEYS[1], 'tok', 'tag', 'exp', 'stamp', 'rejected')
local valid = r[1] and n(r[3]) > now
local seen = n(r[4])
if seen > now then seen = 0 end
if valid and r[2] == ARGV[1] then return {'='} end
local mine, slack, known = n(ARGV[3]), 0, true
if ARGV[3] == '-1' then mine, slack, known = now - n(ARGV[4]), 1000, ARGV[4] ~= '-1' end
if mine > now then mine = 0 end
if n(ARGV[2]) > 0 and ARGV[1] ~= r[5] and (not valid or (known and mine > seen + slack)) then return {'W'} end
if valid and r[2] ~= r[5] and (known or n(r[3]) > now + n(ARGV[2]) + 1000) then
  return {'T', r[1], r[2], n(r[3]) - now, seen}
end
return {'-'}
