-- Sets a run aside that cannot be read. ARGV: why, its queue as far as known.
-- Nothing of it is deleted; it only leaves every index that claims and sweeps look at.
local key, id = KEYS[RUN_FIRST], id_of(KEYS[RUN_FIRST])
local run = redis.pcall('HMGET', key, 'status', 'queue')
local queue = ARGV[ARG_FIRST + 1]
if queue == '' then queue = run[2] or '' end
if run[1] and run[1] ~= '99' then
  local field = run[1] .. '/' .. queue
  if redis.call('HEXISTS', COUNTS, field) == 1 then count(queue, run[1], -1) end
end
for status = 0, 6 do remove(status_index(status), id) end
remove(RUNNING, id)
remove(DELAYED, id)
remove(FINISHED, id)
redis.call('HSET', QUARANTINE, id, ARGV[ARG_FIRST])
if not run.err then redis.call('HSET', key, 'status', 99) end
flush()
return 1
