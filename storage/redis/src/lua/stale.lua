-- Forgets silent workers. KEYS: workers, when they were seen. ARGV: now, silence, limit.
local oldest = read_clock(ARGV[1]) - tonumber(ARGV[2])
local ids = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', '(' .. whole(oldest), 'LIMIT', 0, ARGV[3])
if #ids > 0 then
  redis.call('HDEL', KEYS[1], unpack(ids))
  redis.call('ZREM', KEYS[2], unpack(ids))
end
return ids
