-- Asks a run to stop that has not ended. The error is that of one that waits.
local function stop(key, id, id_text, run, error_text)
  if run.status == 2 then
    redis.call('HSET', key, 'state', '21' .. sub(run.state, 3))
    redis.call('PUBLISH', P .. 'notices', ORIGIN .. '\ncancel ' .. id_text)
    return
  end
  local state = '5' .. sub(run.state, 2, 10) .. instant(NOW) .. sub(run.state, 19)
  redis.call('HSET', key, 'state', state, 'error', error_text)
  leave(id, run)
  enter(id, run.lane, run.priority, 5, NOW)
  happened(run.lane, 'cancelled', 1)
  if run.status == 7 then forget(id) end
  if run.followed then note_end(id, 5) end
end
