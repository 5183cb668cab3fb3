-- Makes a failed or cancelled run pending again. ARGV: the trigger's number.
-- Answers its status before, or -1; or -2 and the run that holds its key.
local key, id = KEYS[RUN_FIRST], id_of(KEYS[RUN_FIRST])
local run = look(id)
if not run then return { -1, {}, 0 } end
if run.status ~= 4 and run.status ~= 5 then return { run.status, {}, 0 } end
local name, term = key_of(run)
if name then
  local record = redis.call('GET', name)
  local holder = record and sub(record, 1, 16)
  if record and holder ~= id and holds(record, stands(holder)) then return { -2, {}, 0, holder } end
  redis.call('SET', name, id .. term)
end
local state = '00' .. string.rep('\0', 8) .. NEVER .. instant(NOW) .. sub(run.state, 27, 30) .. NEVER
  .. sub(run.state, 39)
redis.call('HSET', key, 'state', state, 'trigger', ARGV[ARG_FIRST])
redis.call('HDEL', key, 'error', 'output', 'progress', 'counts')
if run.followed then redis.call('ZREM', ENDS, id .. run.status) end
leave(id, run)
enter(id, run.lane, run.priority, 0, NOW)
local queues = flush()
return { run.status, queues, 0 }
