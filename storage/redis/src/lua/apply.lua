-- Writes transitions. ARGV for each run: the change, the time it ended or '', the result, the
-- output or '', the error or ''.
--
-- A change is packed: 4 bytes lease, the first 18 bytes of the new state, 8 bytes due time
-- (none leaves it), 8 bytes CPU time, 8 bytes wall-clock time.
-- Answers for each that was not written its place, from 0, and why: -1 there is none, -2
-- another lease, -3 asked to stop, or its status.
local NAMES = { [3] = 'completed', [4] = 'failed', [5] = 'cancelled', [6] = 'retried' }

-- Why a transition is not written; nothing if it is.
local function refusal(key, new, state, lease, is_final)
  if not new or state and #state ~= STATE_BYTES then
    return redis.call('EXISTS', key) == 1 and 99 or -1
  end
  local status = state and byte(state) - 48 or 0
  if (state and sub(state, 27, 30) or '\0\0\0\0') ~= lease then return -2 end
  if status ~= 2 then return status end
  if byte(state, 2) == YES and not is_final then return -3 end
end

-- Indexes a run that waits again.
local function put_back(id, new, lane, status, due)
  due = struct.unpack('>i8', due)
  if status == 0 then
    local priority = struct.unpack('>i2', new, 9)
    add(lane_key(lane), place(priority, due), rank(priority, due) .. id)
    ready[lane] = true
    became_pending(id)
  elseif status == 7 then
    add(HELD, whole(due), id)
  else
    add(DELAYED, whole(due), id)
    waits = true
  end
end

-- `has_slots` where the run ended and its slots were freed: an empty field, which costs no command
-- of its own, says as much.
local function write(key, state, result, output, error_text, has_slots)
  if byte(result) == 0 then
    -- An absent digest leaves the stored one, which comes first in a result.
    local before = redis.call('HGET', key, 'result')
    if before and byte(before) > 0 then result = sub(before, 1, 1 + byte(before)) .. sub(result, 2) end
  end
  local is_output_left = error_text ~= '' and output ~= ''
  if has_slots then
    local fields = { 'state', state, 'result', result, 'slots', '' }
    if error_text ~= '' then
      fields[7], fields[8] = 'error', error_text
    elseif output ~= '' then
      fields[7], fields[8] = 'output', output
    end
    redis.call('HSET', key, unpack(fields))
  elseif error_text ~= '' then
    redis.call('HSET', key, 'state', state, 'result', result, 'error', error_text)
  elseif output ~= '' then
    redis.call('HSET', key, 'state', state, 'result', result, 'output', output)
  else
    redis.call('HSET', key, 'state', state, 'result', result)
  end
  -- What an earlier attempt left.
  if is_output_left then redis.call('HSET', key, 'output', output) end
  if output == '' and byte(state, 55) == YES then redis.call('HDEL', key, 'output') end
end

local by_lane = {}
local function sums_of(lane)
  local sums = by_lane[lane]
  if not sums then
    sums = { [0] = 0, 0, 0, 0, 0, 0, 0, 0, cpu_us = 0, wall_us = 0, all = 0 }
    by_lane[lane] = sums
  end
  return sums
end

local refused, ended, at = {}, {}, ARG_FIRST
for i = RUN_FIRST, #KEYS do
  local key, change = KEYS[i], ARGV[at]
  local lease, status = sub(change, 1, 4), byte(change, 5) - 48
  local is_final = status >= 3 and status <= 5
  local run = redis.pcall('HMGET', key, 'state', 'new', 'aside', 'followed', 'slots', 'batch')
  local state, new = run[1], not run[3] and run[2]
  local why = refusal(key, new, state, lease, is_final)
  if why then
    refused[#refused + 1] = i - RUN_FIRST
    refused[#refused + 1] = why
  else
    local id, head, due, lane = sub(key, -16), sub(change, 5, 22), sub(change, 23, 30), lane_of(new)
    if byte(state, 2) == YES then head = sub(head, 1, 1) .. '1' .. sub(head, 3) end
    if due == NEVER then due = sub(state, 19, 26) end
    local has_slots = run[5] and is_final
    write(key, head .. due .. sub(state, 27), ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], has_slots)
    ended[#ended + 1] = id
    if has_slots then
      free_slots(id, run[5])
    elseif run[5] and status ~= 0 then
      give_back(id, run[5])
    end
    if is_final then
      add(KEYS[3 + status], ARGV[at + 1], id)
      if run[4] then note_end(id, status) end
      if run[6] then shift_member(run[6], 2, status) end
    else
      put_back(id, new, lane, status, due)
    end
    local cpu, wall = struct.unpack('>I8I8', change, 31)
    local sums = sums_of(lane)
    sums[status], sums.all = sums[status] + 1, sums.all + 1
    sums.cpu_us, sums.wall_us = sums.cpu_us + cpu, sums.wall_us + wall
  end
  at = at + 5
end

if #ended > 0 then removes[RUNNING] = ended end
for lane, sums in pairs(by_lane) do
  count(lane, 2, -sums.all)
  for status = 0, 7 do
    if sums[status] > 0 then count(lane, status, sums[status]) end
    if NAMES[status] then happened(lane, NAMES[status], sums[status]) end
  end
  happened(lane, 'put_back', sums[0] + sums[1] + sums[7])
  happened(lane, 'cpu_us', sums.cpu_us)
  happened(lane, 'wall_us', sums.wall_us)
end
local queues, must_wait = flush()
return { refused, queues, must_wait }
