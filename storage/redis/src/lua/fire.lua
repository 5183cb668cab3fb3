-- Fire times of a schedule become runs. KEYS: the runs, the schedule, those due.
-- ARGV: the schedule's name, the revision that must be stored, when it is due next or '', its
-- record, then the runs, if there are any.
local SCHEDULE, DUE = KEYS[#KEYS - 1], KEYS[#KEYS]
local name, revision, due_at = ARGV[ARG_FIRST], ARGV[ARG_FIRST + 1], ARGV[ARG_FIRST + 2]
if redis.call('HGET', SCHEDULE, 'revision') ~= revision then return { 0, {}, 0 } end
local key, at = RUN_FIRST, ARG_FIRST + 4
while key <= #KEYS - 2 do
  local next_at = store(key, at, {})
  key, at = key + tonumber(ARGV[at]), next_at
end
redis.call('HSET', SCHEDULE, 'revision', whole(tonumber(revision) + 1), 'record',
  ARGV[ARG_FIRST + 3])
if due_at == '' then
  redis.call('ZREM', DUE, name)
else
  redis.call('ZADD', DUE, due_at, name)
end
local queues, must_wait = flush()
return { 1, queues, must_wait }
