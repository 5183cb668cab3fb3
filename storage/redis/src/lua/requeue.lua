-- Makes a failed or cancelled run pending again. ARGV: the trigger's number.
-- Answers its status before, or -1.
local key, id = KEYS[RUN_FIRST], id_of(KEYS[RUN_FIRST])
local run = redis.call('HMGET', key, 'status', 'queue', 'priority')
if not run[1] then return { -1, {}, 0 } end
local status = tonumber(run[1]) or 99
if status ~= 4 and status ~= 5 then return { status, {}, 0 } end
redis.call('HSET', key, 'status', 0, 'due_at', whole(NOW), 'trigger', ARGV[ARG_FIRST])
redis.call('HDEL', key, 'attempt', 'host_faults', 'error', 'output', 'started_at', 'finished_at',
  'cancel_requested', 'progress', 'counts')
leave(id, run[2] or '', status)
enter(id, run[2] or '', tonumber(run[3] or 0) or 0, 0, NOW)
local queues = flush()
return { status, queues, 0 }
