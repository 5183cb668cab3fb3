-- Makes a failed or cancelled run pending again. One with a key takes it again: answers the run
-- that holds it, and writes nothing, if another does.
local function again(key, id, run, trigger)
  local name, term = key_of(run)
  if name then
    local record = redis.call('GET', name)
    local holder = record and sub(record, 1, 16)
    if record and holder ~= id and holds(record, stands(holder)) then return holder end
    redis.call('SET', name, id .. term)
  end
  local state = '00' .. string.rep('\0', 8) .. NEVER .. instant(NOW) .. sub(run.state, 27, 30)
    .. NEVER .. sub(run.state, 39)
  redis.call('HSET', key, 'state', state, 'trigger', trigger)
  redis.call('HDEL', key, 'error', 'output', 'progress', 'counts', 'slots')
  if run.followed then redis.call('ZREM', ENDS, id .. run.status) end
  leave(id, run)
  enter(id, run.lane, run.priority, 0, NOW)
end
