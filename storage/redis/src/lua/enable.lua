-- Enables or disables a schedule. KEYS: the schedules, the definition.
-- ARGV: its name, '1' or '0', the next fire time or ''.
if redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
redis.call('HSET', KEYS[2], 'enabled', ARGV[2])
if ARGV[3] == '' then
  redis.call('HDEL', KEYS[2], 'next_run_at')
else
  redis.call('HSET', KEYS[2], 'next_run_at', ARGV[3])
end
if ARGV[2] == '1' and ARGV[3] ~= '' and redis.call('HEXISTS', KEYS[2], 'digest') == 1 then
  redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
else
  redis.call('ZREM', KEYS[1], ARGV[1])
end
return 1
