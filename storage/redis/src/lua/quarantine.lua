-- Sets a run aside that cannot be read. ARGV: why.
-- Nothing of it is deleted; it only leaves every index that claims and sweeps look at.
local key, id = KEYS[RUN_FIRST], id_of(KEYS[RUN_FIRST])
local run = look(id)
if run and run.status ~= 99 then
  leave(id, run)
  set_member_aside(id, run.status)
elseif run then
  -- As far as it can be read, it is counted no more.
  local fields = redis.pcall('HMGET', key, 'new', 'state', 'aside')
  local new, state = fields[1], fields[2]
  local status = not state and 0 or #state == STATE_BYTES and byte(state) - 48
  if not fields.err and not fields[3] and new and #new > 11 and status then
    local field = status .. '/' .. lane_of(new)
    if redis.call('HEXISTS', COUNTS, field) == 1 then count(lane_of(new), status, -1) end
    set_member_aside(id, status)
  end
end
local slots = redis.pcall('HGET', key, 'slots')
if type(slots) == 'string' then give_back(id, slots) end
for status = 3, 5 do remove(KEYS[3 + status], id) end
remove(RUNNING, id)
remove(DELAYED, id)
remove(HELD, id)
redis.call('HSET', QUARANTINE, id, ARGV[ARG_FIRST])
if run then redis.pcall('HSET', key, 'aside', 1) end
flush()
return 1
