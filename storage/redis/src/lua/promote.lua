-- Makes runs pending whose time has come. ARGV: limit.
-- Answers how many were promoted, how many were looked at, and when the next one is due.
local ids = redis.call('ZRANGEBYSCORE', DELAYED, '-inf', whole(NOW), 'LIMIT', 0, ARGV[ARG_FIRST])
local promoted = 0
for _, id in ipairs(ids) do
  local run = look(id)
  if run and (run.status == 1 or run.status == 6) then
    redis.call('HSET', run_key(id), 'state', '0' .. sub(run.state, 2))
    leave(id, run)
    enter(id, run.lane, run.priority, 0, run.due)
    promoted = promoted + 1
  else
    remove(DELAYED, id)
    redis.call('HSET', QUARANTINE, id, 'it waits for its time, and does not say which')
    if run then redis.pcall('HSET', run_key(id), 'aside', 1) end
  end
end
local queues = flush()
local next_due = redis.call('ZRANGE', DELAYED, 0, 0, 'WITHSCORES')
return { promoted, #ids, next_due[2] or '', queues, 0 }
