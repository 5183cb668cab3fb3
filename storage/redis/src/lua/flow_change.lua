-- Puts or removes a limit, if no other was changed since the caller looked. ARGV: the version, the
-- scope, what it allows or ''. Answers 1 if it was so.
local VERSION, scope, allows = P .. 'flow:version', ARGV[ARG_FIRST + 1], ARGV[ARG_FIRST + 2]
if (redis.call('GET', VERSION) or '0') ~= ARGV[ARG_FIRST] then return 0 end
redis.call('INCR', VERSION)
if allows == '' then
  redis.call('HDEL', LIMITS, scope)
  redis.call('SREM', P .. 'flow:settling', scope)
else
  redis.call('HSET', LIMITS, scope, allows)
  redis.call('SADD', P .. 'flow:settling', scope)
end
return 1
