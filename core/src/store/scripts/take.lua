-- Asks for a token: another's that is newer than mine, the last failure, or the turn to fetch.
-- ARGV: own, lease (ms), tag of my token, tag of the rejected token, 1 if I may fetch,
--       stamp of my token or -1, its age (ms) or -1
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local n = function(v) return tonumber(v or 0) or 0 end
local r = redis.call('HMGET', KEYS[1], 'tok', 'tag', 'exp', 'stamp', 'own', 'lease', 'fail', 'retry', 'rejected', 'rest')
if r[5] == ARGV[1] then
  -- A dead process of this machine has left it.
  redis.call('HDEL', KEYS[1], 'own', 'lease')
  r[5] = false
end
local seen = n(r[4])
if seen > now then seen = 0 end
local mine, slack = n(ARGV[6]), 0
if ARGV[6] == '-1' then mine, slack = now - n(ARGV[7]), 1000 end
if ARGV[6] == '-1' and ARGV[7] == '-1' or mine > now then mine = 0 end
if r[1] and n(r[3]) > now + 1000 then
  if r[2] == ARGV[3] and r[2] ~= ARGV[4] and n(r[10]) > now then
    return {'T', r[1], r[2], n(r[3]) - now, seen}
  end
  if r[2] ~= ARGV[3] and r[2] ~= ARGV[4] and r[2] ~= r[9] and seen + slack >= mine then
    return {'T', r[1], r[2], n(r[3]) - now, seen}
  end
end
if r[5] and n(r[6]) > now then return {'B', n(r[6]) - now} end
if r[7] and n(r[8]) > now then return {'F', r[7], n(r[8]) - now} end
if ARGV[5] ~= '1' then return {'X'} end
redis.call('HSET', KEYS[1], 'own', ARGV[1], 'lease', string.format('%.0f', now + ARGV[2]))
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return {'G', r[7] or '', r[9] or '', now}
