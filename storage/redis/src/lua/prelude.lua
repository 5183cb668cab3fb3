-- What every script about runs begins with.
--
-- KEYS: 1 counts, 2 lanes, 3 running, 4 delayed, 5 job types, 6 to 8 the runs that ended as
-- status 3 to 5, 9 quarantine, 10 what waits, 11 a key that never exists, and from 12 on the runs
-- that the caller names. While a cluster moves the slot, some keys are here and some there: a
-- script that names one that is nowhere is then turned away as a whole, before it finds half of
-- its runs.
-- ARGV: 1 now in microseconds ('' reads the server's clock), 2 what all keys begin with,
-- 3 who calls, and from 4 on what the script itself takes.
--
-- A lane is where runs of a queue of a tenant wait: `TENANT,QUEUE`. No name holds a comma, which
-- sorts before all that a name holds: lanes stand in the order of tenants, then of queues.
--
-- Ids are 16 bytes. A state is 55 bytes, as record/state.rs tells; places in it, from 1:
-- 1 status, 2 asked to stop, 3 attempt, 7 host faults, 11 when it ended or its lease ends,
-- 19 due, 27 lease, 31 started, 39 worker, 55 whether it has an output of before, or stands in a
-- line.
-- Instants are microseconds since 1970 and fit a double exactly until the year 2255.
--
-- Two strings are never compared by `<`: that goes by the server's locale.
local COUNTS, LANES, RUNNING, DELAYED, TYPES = unpack(KEYS, 1, 5)
local QUARANTINE, WAITING, RUN_FIRST, ARG_FIRST = KEYS[9], KEYS[10], 12, 4
local P, ORIGIN = ARGV[2], ARGV[3]
local HELD = P .. 'held'
local sub, byte, pack = string.sub, string.byte, struct.pack
local STATE_BYTES, YES, IN_LINE = 55, byte('1'), 'L'
local STANDARD_TENANT = 'default'
-- No instant.
local NEVER = '\128\0\0\0\0\0\0\0'
-- Members in one command: what `unpack` can put on the stack with room to spare.
local MEMBERS_MAX = 1000

local NOW
if ARGV[1] == '' then
  local time = redis.call('TIME')
  NOW = tonumber(time[1]) * 1000000 + tonumber(time[2])
else
  NOW = tonumber(ARGV[1])
end

-- A number without an exponent or a lost digit, as `tostring` would write it.
local function whole(number) return string.format('%.0f', number) end

local function instant(micros) return pack('>i8', micros) end

local function run_key(id) return P .. 'run:' .. id end

local function id_of(key) return sub(key, -16) end

-- A pending run's place in its line: by priority, then by the millisecond it was due; among
-- equals its member decides, which says both again, to the microsecond, and ends with the id.
local function place(priority, due)
  local due_ms = math.min(math.max(math.floor(due / 1000), 0), 4398046511103)
  return whole((1000 - priority) * 4398046511104 + due_ms)
end

-- What a member begins with.
local function rank(priority, due) return pack('>I2i8', 1000 - priority, due) end

-- What a member holds of a run whose place it is: that, and the id.
local PLACE_BYTES = 26

local function lane_key(lane) return P .. 'pending:' .. lane end

-- The tenant and the queue of a lane.
local function parts_of(lane)
  local tenant, queue = string.match(lane, '^(.-),(.*)$')
  return tenant or '', queue or lane
end

-- The lane of a run, as what was submitted says it.
local function lane_of(new) return sub(new, 12, 11 + byte(new, 11)) end

-- Changes of indexes, kept until the end so that many runs share one command.
local adds, removes, deltas, told = {}, {}, {}, {}
-- Lanes that runs came to, and lanes that runs were taken out of.
local ready, shortened, waits, ends = {}, {}, false, false

local function list_in(lists, key)
  local list = lists[key]
  if not list then list = {}; lists[key] = list end
  return list
end

local function add(key, score, what)
  local list = list_in(adds, key)
  list[#list + 1] = score
  list[#list + 1] = what
end

local function remove(key, what)
  local list = list_in(removes, key)
  list[#list + 1] = what
end

local function count(lane, status, by)
  local field = status .. '/' .. lane
  deltas[field] = (deltas[field] or 0) + by
end

local function tell(tenant, field, times)
  local sums = list_in(told, tenant)
  sums[field] = (sums[field] or 0) + times
end

-- Counts for a span. The standard tenant's sums and those of all others together are one hash,
-- so that who has no other tenants writes no more for it; each other has one of its own beside.
local function happened(lane, what, times)
  if times == 0 then return end
  local tenant, queue = parts_of(lane)
  local field = queue .. '/' .. what
  if tenant == STANDARD_TENANT then return tell('', field, times) end
  tell('', ',' .. field, times)
  tell(':' .. tenant, field, times)
end

-- Flow control. Runs that this script made pending: those that a limit applies to are held at its
-- end. Whether there are limits is asked once, and only by a script that makes a run pending.
local LIMITS, entered, has_limits = P .. 'flow:limits', {}, nil
-- Slots of runs that leave pending or running, and runs that left a line, by their ids.
local slots_left, lines_left = {}, {}

local function became_pending(id)
  if has_limits == nil then has_limits = redis.call('EXISTS', LIMITS) == 1 end
  if has_limits then entered[#entered + 1] = id end
end

-- A slot is a member, the gate's name and the run; a line's runs are members behind its name. No
-- name holds a zero byte, which sorts before all that a name holds.
local SLOTS, ORDER, LINES = P .. 'flow:slots', P .. 'flow:order', P .. 'flow:lines'
local END_OF_NAME = '\0'

-- The members behind a name, as a range.
local function members_of(name) return '[' .. name .. '\0', '(' .. name .. '\1' end

-- Up to so many names that members of a range begin with, by one seek each. The range's end is
-- that of a name, or of all.
local function names_in(key, from, to, max)
  local names = {}
  while #names < max do
    local member = redis.call('ZRANGEBYLEX', key, from, to, 'LIMIT', 0, 1)[1]
    if not member then break end
    local name = sub(member, 1, string.find(member, END_OF_NAME, 1, true) - 1)
    names[#names + 1] = name
    from = '[' .. name .. '\1'
  end
  return names
end

-- Takes slots, gates between line feeds, out of those in use.
local function free_slots(id, slots)
  for gate in string.gmatch(slots, '[^\n]+') do remove(SLOTS, gate .. END_OF_NAME .. id) end
end

-- A run that is neither pending nor running has no slots.
local function give_back(id, slots)
  free_slots(id, slots)
  redis.call('HDEL', run_key(id), 'slots')
end

-- The run may be pending or running with a slot in each of these gates, and stands so.
local function take_slots(id, slots, state)
  for gate in string.gmatch(slots, '[^\n]+') do add(SLOTS, 0, gate .. END_OF_NAME .. id) end
  redis.call('HSET', run_key(id), 'slots', slots, 'state', state)
end

-- Takes a run out of its line and of the order of all lines, where it stands at this place.
local function remove_from_line(line, place_and_id)
  remove(LINES, line .. END_OF_NAME .. place_and_id)
  remove(ORDER, place_and_id .. line)
end

local function leave_line(id, run)
  remove_from_line(run.line, rank(run.priority, run.due) .. id)
  lines_left[id] = run.line
end

-- The run's state says that it stands in a line.
local function join_line(id, line, priority, due)
  local place_and_id = rank(priority, due) .. id
  add(LINES, 0, line .. END_OF_NAME .. place_and_id)
  add(ORDER, place(priority, due), place_and_id .. line)
end

-- What runs of a lane, a job type and a limit key face together.
local function line_of(lane, job_type, limit_key)
  local tenant, queue = parts_of(lane)
  local line = tenant .. '/' .. queue .. '/' .. job_type
  return limit_key and line .. '/' .. limit_key or line
end

-- Batches. By batch, how many members came to stand in another place; and members that left an
-- index, by their ids: their batch and how they stood.
local batch_deltas, members_left = {}, {}
local PLACES = { [3] = 'completed', [4] = 'failed', [5] = 'cancelled' }

local function batch_key(batch) return P .. 'batch:' .. batch end

local function count_members(batch, place_in, by)
  local deltas = list_in(batch_deltas, batch)
  deltas[place_in] = (deltas[place_in] or 0) + by
end

local function add_members(batch, times)
  count_members(batch, 'total', times)
  count_members(batch, 'unfinished', times)
end

-- A member that stood so stands otherwise.
local function shift_member(batch, before, after)
  count_members(batch, PLACES[before] or 'unfinished', -1)
  count_members(batch, PLACES[after] or 'unfinished', 1)
end

-- One that was set aside counts as failed.
local function set_member_aside(id, before)
  local batch = redis.pcall('HGET', run_key(id), 'batch')
  if type(batch) == 'string' and #batch == 16 then shift_member(batch, before, 4) end
end

-- Indexes a batch as it stands: whether something is due, as `zapjobs_model::batch::decide` says,
-- and whether it may be pruned.
local function index_batch(batch)
  local closed, unfinished, failed, cancelled, completed_at, succeeded_at = unpack(redis.call(
    'HMGET', batch_key(batch), 'closed', 'unfinished', 'failed', 'cancelled', 'completed_at',
    'succeeded_at'), 1, 6)
  local is_over = closed == '1' and unfinished == '0'
  local is_due = not succeeded_at and (not completed_at or failed == '0' and cancelled == '0')
  if is_over and is_due then
    redis.call('ZADD', P .. 'batches:due', 0, batch)
  else
    redis.call('ZREM', P .. 'batches:due', batch)
  end
  if is_over and completed_at then
    redis.call('ZADD', P .. 'batches:ended', completed_at, batch)
  else
    redis.call('ZREM', P .. 'batches:ended', batch)
  end
end

local function write_batches()
  for batch, deltas in pairs(batch_deltas) do
    if redis.call('EXISTS', batch_key(batch)) == 1 then
      for place_in, by in pairs(deltas) do
        if by ~= 0 then redis.call('HINCRBY', batch_key(batch), place_in, whole(by)) end
      end
      index_batch(batch)
    end
  end
end

-- Indexes a run that is not running. `at` is when it is due or ended.
local function enter(id, lane, priority, status, at)
  count(lane, status, 1)
  local member = members_left[id]
  if member then shift_member(member.batch, member.status, status) end
  if status ~= 0 and slots_left[id] then give_back(id, slots_left[id]) end
  if status == 0 then
    add(lane_key(lane), place(priority, at), rank(priority, at) .. id)
    ready[lane] = true
    became_pending(id)
  elseif status == 1 or status == 6 then
    add(DELAYED, whole(at), id)
    waits = true
  elseif status == 7 then
    add(HELD, whole(at), id)
    -- Still held by the same limits, at another place perhaps.
    if lines_left[id] then join_line(id, lines_left[id], priority, at) end
  else
    add(KEYS[3 + status], whole(at), id)
  end
end

-- Takes a run out of the index of its status.
local function leave(id, run)
  count(run.lane, run.status, -1)
  if run.slots then slots_left[id] = run.slots end
  if run.batch then members_left[id] = { batch = run.batch, status = run.status } end
  if run.line then leave_line(id, run) end
  if run.status == 0 then
    remove(lane_key(run.lane), rank(run.priority, run.due) .. id)
    shortened[run.lane] = true
  elseif run.status == 1 or run.status == 6 then
    remove(DELAYED, id)
  elseif run.status == 2 then
    remove(RUNNING, id)
  elseif run.status == 7 then
    remove(HELD, id)
  else
    remove(KEYS[3 + run.status], id)
  end
end

-- How one run stands; nothing if there is none. Status 99: it was set aside or is spoilt.
local function look(id)
  local run = redis.pcall('HMGET', run_key(id), 'new', 'state', 'aside', 'followed', 'slots',
    'limit_key', 'batch')
  if run.err then return { status = 99 } end
  local new, state = run[1], run[2]
  if not new and redis.call('EXISTS', run_key(id)) == 0 then return nil end
  local is_read, created, priority, lane, job_type, tags_at =
    pcall(struct.unpack, '>i8i2Bc0Bc0', new or '')
  if run[3] or not is_read or state and #state ~= STATE_BYTES then return { status = 99 } end
  local due = state and struct.unpack('>i8', state, 19) or created
  state = state or '00' .. string.rep('\0', 8) .. NEVER .. sub(new, 1, 8)
    .. string.rep('\0', 4) .. NEVER .. string.rep('\0', 16) .. '0'
  local status, line = tonumber(sub(state, 1, 1)) or 99, nil
  if status == 7 and sub(state, STATE_BYTES) == IN_LINE then
    line = line_of(lane, job_type, run[6])
  end
  return { status = status, state = state, due = due,
    priority = priority, lane = lane, job_type = job_type, new = new, tags_at = tags_at,
    followed = run[4], slots = run[5], line = line, limit_key = run[6],
    batch = run[7] }
end

local function tally(span, keep_s)
  for tenant, sums in pairs(told) do
    local key = P .. 'stats:' .. span .. tenant
    for what, times in pairs(sums) do
      -- A sum that no longer fits stays as it is: no reason to refuse the runs.
      times = math.min(times, 9007199254740991)
      if redis.pcall('HINCRBY', key, what, whole(times)) == times and keep_s then
        redis.call('EXPIRE', key, keep_s)
      end
    end
  end
end

-- Adds to the numbers in a hash. One that falls to 0 has no field.
local function add_up(key, changes)
  for field, by in pairs(changes) do
    if by ~= 0 and redis.call('HINCRBY', key, field, by) <= 0 then
      redis.call('HDEL', key, field)
    end
  end
end

-- How many more runs of each tenant wait: are pending, scheduled, await a retry or are held.
local function more_waiting()
  local more = {}
  for field, by in pairs(deltas) do
    local status, tenant = string.match(field, '^([0167])/(.-),')
    if status then more[tenant] = (more[tenant] or 0) + by end
  end
  return more
end

-- Calls a command with all of a list, so many at a time.
local function in_parts(command, key, list, part)
  for first = 1, #list, part do
    redis.call(command, key, unpack(list, first, math.min(first + part - 1, #list)))
  end
end

-- The scopes that a run is within, and its gates' names.
local function scopes_of(lane, job_type, limit_key)
  local tenant, queue = parts_of(lane)
  local job = tenant .. '/' .. job_type
  local scopes = { 'everything', 'tenant:' .. tenant, 'queue:' .. queue, 'job:' .. job }
  local gates = { unpack(scopes) }
  if limit_key then
    scopes[5] = 'key:' .. job
    gates[5] = scopes[5] .. '/' .. limit_key
  end
  return scopes, gates
end

-- Holds a pending run in its line.
local function hold(id, run)
  remove(lane_key(run.lane), rank(run.priority, run.due) .. id)
  add(HELD, whole(run.due), id)
  count(run.lane, 0, -1)
  count(run.lane, 7, 1)
  shortened[run.lane] = true
  if run.slots then give_back(id, run.slots) end
  redis.call('HSET', run_key(id), 'state', '7' .. sub(run.state, 2, STATE_BYTES - 1) .. IN_LINE)
  join_line(id, line_of(run.lane, run.job_type, run.limit_key), run.priority, run.due)
end

-- Whether a limit applies to a run, as `FlowLimits::gates` says. What was answered for one run is
-- remembered for others alike.
local limited = {}
local function is_limited(run)
  local alike = run.lane .. (run.limit_key and '/' or ',') .. run.job_type
  if limited[alike] == nil then
    local scopes = scopes_of(run.lane, run.job_type, run.limit_key)
    limited[alike] = false
    for _, allows in ipairs(redis.call('HMGET', LIMITS, unpack(scopes))) do
      if allows then limited[alike] = true end
    end
  end
  return limited[alike]
end

-- Holds those of the runs just made pending that a limit applies to.
local function hold_entered()
  for _, id in ipairs(entered) do
    local run = look(id)
    if run and run.status == 0 and not run.slots and is_limited(run) then hold(id, run) end
  end
end

local function write_indexes()
  for key, list in pairs(removes) do in_parts('ZREM', key, list, MEMBERS_MAX) end
  for key, list in pairs(adds) do in_parts('ZADD', key, list, 2 * MEMBERS_MAX) end
end

-- Writes the changes, and tells other processes. Answers the queues that became ready, and 1 if a
-- run must wait for its time, plus 2 if one has ended that others wait for.
local function flush()
  write_indexes()
  if #entered > 0 then
    removes, adds = {}, {}
    hold_entered()
    write_indexes()
  end
  write_batches()
  add_up(COUNTS, deltas)
  add_up(WAITING, more_waiting())
  if next(told) then
    -- Hours are kept 14 days, days 400.
    tally('hour:' .. whole(math.floor(NOW / 3600000000)), 1209600)
    tally('day:' .. whole(math.floor(NOW / 86400000000)), 34560000)
    tally('total')
  end
  for lane in pairs(shortened) do
    if redis.call('EXISTS', lane_key(lane)) == 0 then redis.call('ZREM', LANES, lane) end
  end
  local names, notice, named = {}, {}, {}
  for lane in pairs(ready) do
    -- All that came may be held.
    if #entered == 0 or redis.call('EXISTS', lane_key(lane)) == 1 then
      redis.call('ZADD', LANES, 0, lane)
    end
    local _, queue = parts_of(lane)
    if not named[queue] then
      named[queue] = true
      names[#names + 1] = queue
      notice[#notice + 1] = '\nready ' .. queue
    end
  end
  if waits then notice[#notice + 1] = '\nscheduled' end
  if ends then notice[#notice + 1] = '\nended' end
  if #notice > 0 then
    redis.call('PUBLISH', P .. 'notices', ORIGIN .. table.concat(notice))
  end
  return names, (waits and 1 or 0) + (ends and 2 or 0)
end
