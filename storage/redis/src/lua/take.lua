-- Makes runs a worker's. ARGV: worker, lease in microseconds.
local EXPIRES = NOW + tonumber(ARGV[ARG_FIRST + 1])
local EXPIRES_TEXT, EXPIRES_BYTES, NOW_BYTES = whole(EXPIRES), instant(EXPIRES), instant(NOW)
local WORKER = ARGV[ARG_FIRST]
-- The state of a run that was never claimed before, around its due time.
local FIRST_HEAD = '20' .. pack('>I4I4', 1, 0) .. EXPIRES_BYTES
local FIRST_TAIL = pack('>I4', 1) .. NOW_BYTES .. WORKER .. '0'
-- What a claim clears.
local IS_WORN = { error = true, progress = true, counts = true }

local claimed, bytes, started = {}, 0, {}

-- Keeps a record out of everyone's way, and says why.
local function set_aside(id, lane, reason)
  count(lane, 0, -1)
  redis.call('HSET', QUARANTINE, id, reason)
  set_member_aside(id, 0)
  local slots = redis.pcall('HGET', run_key(id), 'slots')
  if type(slots) == 'string' then give_back(id, slots) end
  redis.pcall('HSET', run_key(id), 'aside', 1)
end

-- Claims one run, which is in no index any more. Its answer: id, state, fields with values.
-- Answers nothing where the run cannot be claimed and was set aside.
local function take(id, lane)
  local key = run_key(id)
  local fields = redis.pcall('HGETALL', key)
  if fields.err or #fields == 0 then return set_aside(id, lane, 'it is no hash') end
  local new, state, result, is_worn, has_output
  for i = 1, #fields, 2 do
    local name = fields[i]
    if name == 'new' then new = fields[i + 1]
    elseif name == 'input' then bytes = bytes + #fields[i + 1]
    elseif name == 'state' then state = fields[i + 1]
    elseif name == 'output' then has_output = true
    elseif name == 'result' then result = fields[i + 1]
    elseif IS_WORN[name] then is_worn = true end
  end
  if not new or #new < 12 or lane_of(new) ~= lane then
    return set_aside(id, lane, 'it does not say what it is')
  end
  if not state then
    state = FIRST_HEAD .. sub(new, 1, 8) .. FIRST_TAIL
  elseif #state ~= STATE_BYTES then
    return set_aside(id, lane, 'its state is spoilt')
  else
    local attempt, faults = struct.unpack('>I4I4', state, 3)
    local lease = struct.unpack('>I4', state, 27)
    state = '20' .. pack('>I4I4', attempt + 1, faults) .. EXPIRES_BYTES .. sub(state, 19, 26)
      .. pack('>I4', lease + 1) .. NOW_BYTES .. WORKER .. (has_output and '1' or '0')
  end
  redis.call('HSET', key, 'state', state)
  if is_worn or result then
    redis.call('HDEL', key, 'error', 'progress', 'counts')
    -- The digest stays, which comes first in a result.
    if result then redis.call('HSET', key, 'result', sub(result, 1, 1 + byte(result .. '\0'))) end
    fields = redis.call('HGETALL', key)
  end
  add(RUNNING, EXPIRES_TEXT, id)
  local at = #claimed
  claimed[at + 1], claimed[at + 2], claimed[at + 3] = id, state, fields
  started[lane] = (started[lane] or 0) + 1
  return true
end

-- Counts what was claimed. `was` is the status before.
local function count_started(was)
  for lane, times in pairs(started) do
    count(lane, was, -times)
    count(lane, 2, times)
    happened(lane, 'started', times)
  end
end
