-- What every script about runs begins with.
--
-- KEYS: 1 counts, 2 queues, 3 running, 4 delayed, 5 finished, 6 to 12 the index of each
-- status 0 to 6, 13 quarantine, and from 14 on the runs that the caller names.
-- ARGV: 1 now in microseconds ('' reads the server's clock), 2 what all keys begin with,
-- 3 who calls, and from 4 on what the script itself takes.
--
-- Instants are microseconds since 1970 and fit a double exactly until the year 2255.
local COUNTS, QUEUES, RUNNING, DELAYED, FINISHED = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local QUARANTINE, RUN_FIRST, ARG_FIRST = KEYS[13], 14, 4
local P, ORIGIN = ARGV[2], ARGV[3]
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

local function status_index(status) return KEYS[6 + status] end

local function id_of(run_key) return string.sub(run_key, #P + 5) end

-- A pending run's place in its line: by priority, then by the millisecond it was due; among
-- equals its member decides, which begins with the microsecond and ends with the id.
local function place(priority, due)
  local due_ms = math.min(math.max(math.floor(due / 1000), 0), 4398046511103)
  return whole((1000 - priority) * 4398046511104 + due_ms)
end

local function member(due, id) return string.format('%016.0f', due) .. id end

-- Changes of indexes, kept until the end so that many runs share one command.
local adds, removes, deltas, told = {}, {}, {}, {}
local ready, waits = {}, false

local function add(key, score, what)
  local list = adds[key]
  if not list then list = {}; adds[key] = list end
  list[#list + 1] = score
  list[#list + 1] = what
end

local function remove(key, what)
  local list = removes[key]
  if not list then list = {}; removes[key] = list end
  list[#list + 1] = what
end

local function count(queue, status, by)
  local field = status .. '/' .. queue
  deltas[field] = (deltas[field] or 0) + by
end

local function happened(what, times) told[what] = (told[what] or 0) + (times or 1) end

-- Indexes a run under a status. `at` is when it is due, its lease ends or it ended.
local function enter(id, queue, priority, status, at)
  add(status_index(status), 0, id)
  count(queue, status, 1)
  if status == 0 then
    add(P .. 'pending:' .. queue, place(priority, at), member(at, id))
    ready[queue] = true
  elseif status == 1 or status == 6 then
    add(DELAYED, whole(at), id)
    waits = true
  elseif status == 2 then
    add(RUNNING, whole(at), id)
  else
    add(FINISHED, whole(at), id)
  end
end

-- Takes a run out of the indexes of its status.
local function leave(id, queue, status, due)
  remove(status_index(status), id)
  count(queue, status, -1)
  if status == 0 then
    remove(P .. 'pending:' .. queue, member(due, id))
  elseif status == 1 or status == 6 then
    remove(DELAYED, id)
  elseif status == 2 then
    remove(RUNNING, id)
  else
    remove(FINISHED, id)
  end
end

local function tally(key, what, times, keep_s)
  if redis.call('HINCRBY', key, what, times) == times then
    redis.call('EXPIRE', key, keep_s)
  end
end

-- Writes the changes, and tells other processes. Answers the queues that became ready.
local function flush()
  for key, list in pairs(removes) do
    for first = 1, #list, MEMBERS_MAX do
      redis.call('ZREM', key, unpack(list, first, math.min(first + MEMBERS_MAX - 1, #list)))
    end
  end
  for key, list in pairs(adds) do
    for first = 1, #list, 2 * MEMBERS_MAX do
      redis.call('ZADD', key, unpack(list, first, math.min(first + 2 * MEMBERS_MAX - 1, #list)))
    end
  end
  for field, by in pairs(deltas) do
    if by ~= 0 and redis.call('HINCRBY', COUNTS, field, by) <= 0 then
      redis.call('HDEL', COUNTS, field)
    end
  end
  for what, times in pairs(told) do
    -- Hours are kept 14 days, days 400.
    tally(P .. 'stats:hour:' .. whole(math.floor(NOW / 3600000000)), what, times, 1209600)
    tally(P .. 'stats:day:' .. whole(math.floor(NOW / 86400000000)), what, times, 34560000)
  end
  local names, notice = {}, {}
  for queue in pairs(ready) do
    redis.call('SADD', QUEUES, queue)
    names[#names + 1] = queue
    notice[#notice + 1] = '\nready ' .. queue
  end
  if waits then notice[#notice + 1] = '\nscheduled' end
  if #notice > 0 then
    redis.call('PUBLISH', P .. 'notices', ORIGIN .. table.concat(notice))
  end
  return names, waits and 1 or 0
end
