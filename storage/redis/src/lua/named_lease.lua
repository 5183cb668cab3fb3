-- Who holds a named lease. KEYS: the lease. ARGV: now. Answers owner, fence and expiry, or
-- nothing.
local lease = redis.call('HMGET', KEYS[1], 'owner', 'fence', 'expires_at')
if not lease[1] or tonumber(lease[3]) <= read_clock(ARGV[1]) then return {} end
return lease
