-- Makes runs pending whose time has come. ARGV: limit.
-- Answers how many were promoted, how many were looked at, and when the next one is due.
local ids = redis.call('ZRANGEBYSCORE', DELAYED, '-inf', whole(NOW), 'LIMIT', 0, ARGV[ARG_FIRST])
local promoted = 0
for _, id in ipairs(ids) do
  local key = P .. 'run:' .. id
  local run = redis.pcall('HMGET', key, 'status', 'queue', 'priority', 'due_at')
  local status, due = tonumber(run[1] or nil), tonumber(run[4] or nil)
  if (status == 1 or status == 6) and due then
    local queue = run[2] or ''
    redis.call('HSET', key, 'status', 0)
    leave(id, queue, status)
    enter(id, queue, tonumber(run[3] or 0) or 0, 0, due)
    promoted = promoted + 1
  else
    remove(DELAYED, id)
    redis.call('HSET', QUARANTINE, id, 'it waits for its time, and does not say which')
  end
end
local queues = flush()
local next_due = redis.call('ZRANGE', DELAYED, 0, 0, 'WITHSCORES')
return { promoted, #ids, next_due[2] or '', queues, 0 }
