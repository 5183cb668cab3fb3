-- Asks a run to stop. ARGV: its id as text, the error of one that waits. Answers its status
-- before, or -1.
local key, id = KEYS[RUN_FIRST], id_of(KEYS[RUN_FIRST])
local run = look(id)
if not run then return -1 end
local status = run.status
if status == 2 then
  redis.call('HSET', key, 'state', '21' .. sub(run.state, 3))
  redis.call('PUBLISH', P .. 'notices', ORIGIN .. '\ncancel ' .. ARGV[ARG_FIRST])
elseif status == 0 or status == 1 or status == 6 or status == 7 then
  local state = '5' .. sub(run.state, 2, 10) .. instant(NOW) .. sub(run.state, 19)
  redis.call('HSET', key, 'state', state, 'error', ARGV[ARG_FIRST + 1])
  leave(id, run)
  enter(id, run.lane, run.priority, 5, NOW)
  happened(run.lane, 'cancelled', 1)
  flush()
end
return status
