-- Takes or prolongs a named lease. KEYS: the lease. ARGV: now, owner, term.
-- Answers the fence and the expiry, or nothing. The fence outlives every holder.
local now = read_clock(ARGV[1])
local lease = redis.call('HMGET', KEYS[1], 'owner', 'expires_at', 'fence')
local is_held = lease[1] and tonumber(lease[2]) > now
if is_held and lease[1] ~= ARGV[2] then return {} end
local fence = lease[3]
if not is_held then fence = redis.call('HINCRBY', KEYS[1], 'fence', 1) end
local expires = whole(now + tonumber(ARGV[3]))
redis.call('HSET', KEYS[1], 'owner', ARGV[2], 'expires_at', expires)
return { tostring(fence), expires }
