-- A schedule's fire time becomes a run. KEYS: the run, the definition, the schedules.
-- ARGV: the definition's name, the fire time, the one after it or '', then the run.
local DEFINITION, SCHEDULES = KEYS[RUN_FIRST + 1], KEYS[RUN_FIRST + 2]
local name, due, next_due = ARGV[ARG_FIRST], ARGV[ARG_FIRST + 1], ARGV[ARG_FIRST + 2]
local stored = redis.call('HMGET', DEFINITION, 'enabled', 'next_run_at', 'digest')
if stored[1] ~= '1' or stored[2] ~= due then return { 0, {}, 0 } end
store(RUN_FIRST, ARG_FIRST + 3, {})
redis.call('HSET', DEFINITION, 'last_run_at', due)
if next_due == '' then
  redis.call('HDEL', DEFINITION, 'next_run_at')
  redis.call('ZREM', SCHEDULES, name)
else
  redis.call('HSET', DEFINITION, 'next_run_at', next_due)
  if stored[3] then redis.call('ZADD', SCHEDULES, next_due, name) end
end
local queues, must_wait = flush()
return { 1, queues, must_wait }
