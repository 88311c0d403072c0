-- Stores a token, unless one that was fetched later is there, and ends my turn. A failure stays on record:
-- the token may be one that was fetched before it.
-- ARGV: own, sealed token, tag, rest of its life (ms), its age (ms), its stamp or -1,
--       tag of the rejected token, how long it is not worth asking again (ms)
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local n = function(v) return tonumber(v or 0) or 0 end
local r = redis.call('HMGET', KEYS[1], 'tok', 'tag', 'exp', 'stamp', 'own', 'rejected')
if r[5] == ARGV[1] then redis.call('HDEL', KEYS[1], 'own', 'lease') end
local stamp, exp, seen = n(ARGV[6]), now + n(ARGV[4]), n(r[4])
if ARGV[6] == '-1' or stamp > now then stamp = now - n(ARGV[5]) end
if seen > now then seen = 0 end
if r[1] and n(r[3]) > now and seen > stamp and r[2] ~= ARGV[3] and r[2] ~= ARGV[7] and r[2] ~= r[6] then
  return {'T', r[1], r[2], n(r[3]) - now, seen}
end
if exp <= now then return {'E'} end
if r[2] == ARGV[3] and seen > stamp then stamp = seen end
local ms = function(v) return string.format('%.0f', v) end
redis.call('HSET', KEYS[1], 'tok', ARGV[2], 'tag', ARGV[3], 'exp', ms(exp), 'stamp', ms(stamp), 'rest', ms(now + n(ARGV[8])))
if r[6] and r[6] ~= ARGV[3] then redis.call('HDEL', KEYS[1], 'rejected') end
local keep = exp - now + 60000
if redis.call('PTTL', KEYS[1]) < keep then redis.call('PEXPIRE', KEYS[1], ms(keep)) end
return {'S', stamp}
