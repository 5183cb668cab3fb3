-- Fire times of schedules become runs. KEYS: the runs, the schedules, those due.
-- ARGV: how many schedules, and for each its name, the revision that must be stored, when it is
-- due next or '', its record, how many runs, and these.
-- Answers for each 1 if it fired.
local count_of, DUE = tonumber(ARGV[ARG_FIRST]), KEYS[#KEYS]
local fired, key, at = {}, RUN_FIRST, ARG_FIRST + 1
for i = 1, count_of do
  local schedule = KEYS[#KEYS - 1 - count_of + i]
  local name, revision, due_at, record, runs = unpack(ARGV, at, at + 4)
  local is_fired = redis.call('HGET', schedule, 'revision') == revision
  at = at + 5
  for _ = 1, tonumber(runs) do
    local alike = tonumber(ARGV[at])
    if is_fired then
      at = store(key, at, {})
    else
      at = at + 9 + tonumber(ARGV[at + 7]) + 2 * alike
    end
    key = key + alike
  end
  if is_fired then
    redis.call('HSET', schedule, 'revision', whole(tonumber(revision) + 1), 'record', record)
    if due_at == '' then
      redis.call('ZREM', DUE, name)
    else
      redis.call('ZADD', DUE, due_at, name)
    end
  end
  fired[i] = is_fired and 1 or 0
end
local queues, must_wait = flush()
return { fired, queues, must_wait }
