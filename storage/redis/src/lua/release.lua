-- Gives a named lease back. KEYS: the lease. ARGV: now, owner.
local lease = redis.call('HMGET', KEYS[1], 'owner', 'expires_at')
if lease[1] ~= ARGV[2] or tonumber(lease[2]) <= read_clock(ARGV[1]) then return 0 end
redis.call('HDEL', KEYS[1], 'owner', 'expires_at')
return 1
