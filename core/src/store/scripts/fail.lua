-- Ends my turn without a token. A failure that concerns all is recorded.
-- ARGV: own, failure or nothing, how long nobody asks again (ms), tag of a token that stays rejected or nothing
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
if redis.call('HGET', KEYS[1], 'own') ~= ARGV[1] then return {'O'} end
redis.call('HDEL', KEYS[1], 'own', 'lease')
if ARGV[2] ~= '' then
  redis.call('HSET', KEYS[1], 'fail', ARGV[2], 'retry', string.format('%.0f', now + ARGV[3]))
  local keep = tonumber(ARGV[3]) + 60000
  if redis.call('PTTL', KEYS[1]) < keep then redis.call('PEXPIRE', KEYS[1], string.format('%.0f', keep)) end
end
if ARGV[4] ~= '' then redis.call('HSET', KEYS[1], 'rejected', ARGV[4]) end
return {'R'}
