-- Asks a run to stop. ARGV: the error of one that waits. Answers its status before, or -1.
local key, id = KEYS[RUN_FIRST], id_of(KEYS[RUN_FIRST])
local run = redis.call('HMGET', key, 'status', 'queue', 'due_at')
if not run[1] then return -1 end
local status = tonumber(run[1]) or 99
if status == 2 then
  redis.call('HSET', key, 'cancel_requested', 1)
  redis.call('PUBLISH', P .. 'notices', ORIGIN .. '\ncancel ' .. id)
elseif status == 0 or status == 1 or status == 6 then
  redis.call('HSET', key, 'status', 5, 'finished_at', whole(NOW), 'error', ARGV[ARG_FIRST])
  leave(id, run[2] or '', status, tonumber(run[3]) or 0)
  enter(id, run[2] or '', 0, 5, NOW)
  happened('cancelled')
  flush()
end
return status
