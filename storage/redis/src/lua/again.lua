-- Makes a failed or cancelled run pending again.
local function again(key, id, run, trigger)
  local state = '00' .. string.rep('\0', 8) .. NEVER .. instant(NOW) .. sub(run.state, 27, 30)
    .. NEVER .. sub(run.state, 39)
  redis.call('HSET', key, 'state', state, 'trigger', trigger)
  redis.call('HDEL', key, 'error', 'output', 'progress', 'counts')
  if run.followed then redis.call('ZREM', ENDS, id .. run.status) end
  leave(id, run)
  enter(id, run.lane, run.priority, 0, NOW)
end
