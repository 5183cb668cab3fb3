-- Keeps a signal for a run that has not ended, and makes it ready if it waits for it. ARGV: the
-- name, the payload, signals of a run at most.
-- Answers the run's status, or -1; notices; 0 where there is no room, 1 once it is kept, 2 once the
-- run was woken too.
local key, id, name = KEYS[RUN_FIRST], id_of(KEYS[RUN_FIRST]), ARGV[ARG_FIRST]
local run = look(id)
if not run or run.status == 99 then return { -1, {}, 0, 0 } end
if run.status >= 3 and run.status <= 5 then return { run.status, {}, 0, 0 } end
local kept, last = look_at_signals(id, name)
if kept >= tonumber(ARGV[ARG_FIRST + 2]) then return { run.status, {}, 0, 0 } end
local wait = redis.call('HGET', signals_key(id), '')
redis.call('HSET', signals_key(id), pack('>I4', last + 1) .. name, instant(NOW) .. ARGV[ARG_FIRST + 1])
-- As `wait::stands` says it.
if run.status ~= 1 or not wait or sub(wait, 1, 4) ~= sub(run.state, 27, 30)
  or sub(wait, 13) ~= '1' .. name then
  return { run.status, {}, 0, 1 }
end
redis.call('HSET', key, 'state', '0' .. sub(run.state, 2, 18) .. instant(NOW) .. sub(run.state, 27))
leave(id, run)
enter(id, run.lane, run.priority, 0, NOW)
local queues, must_wait = flush()
return { run.status, queues, must_wait, 2 }
