-- New runs some of which have keys, all or none: decided one after the other, then written.
-- KEYS: the runs, then the records of their keys. ARGV: how many runs; then for each the place of
-- its idempotency key among KEYS or 0, its term in microseconds, the fingerprint; the place of its
-- unique key or 0, its term as '0', '1' or in microseconds behind a 'w', and 1 if it replaces; and
-- the run as a group of one, as `store` takes it.
-- Answers two for each run: 0 stored, 1 there already, 2 this run has its key, 3 this run has its
-- key and what it brought; and which. Or -1 and a run: its request was another.
local runs = tonumber(ARGV[ARG_FIRST])
-- By the name of a key, by the id of a run that is stored, and of one that has come to change.
local records, groups, brought = {}, {}, {}
local function fresh(group)
  local status = ARGV[group + 6] == '1' and 7 or 0
  return { status = status, state = string.rep('\0', 30) .. NEVER }
end

-- The record that holds a key now, and its run.
local function holder(name)
  local record = records[name] or redis.call('GET', name)
  if not record then return nil end
  local id = sub(record, 1, 16)
  local run = groups[id] and fresh(brought[id] or groups[id]) or stands(id)
  if holds(record, run) then return record, run end
end

local function for_a_time(id, micros, fingerprint)
  return id .. 'w' .. instant(NOW + tonumber(micros)) .. fingerprint
end

local function by_unique(id, at, group)
  if ARGV[at + 3] ~= '0' then
    local name, term = KEYS[tonumber(ARGV[at + 3])], ARGV[at + 4]
    local record, run = holder(name)
    if record then
      local survivor = sub(record, 1, 16)
      if ARGV[at + 5] ~= '1' or not run or run.status == 7 or not is_untouched(run) then
        return 2, survivor
      end
      brought[survivor] = group
      return 3, survivor
    end
    local is_timed = sub(term, 1, 1) == 'w'
    records[name] = is_timed and for_a_time(id, sub(term, 2), '') or id .. term
  end
  groups[id] = group
  return 0, ''
end

local function fate(key, at, group)
  local id = id_of(key)
  if groups[id] or redis.call('EXISTS', key) == 1 then return 1, '' end
  if ARGV[at] == '0' then return by_unique(id, at, group) end
  local name, fingerprint = KEYS[tonumber(ARGV[at])], ARGV[at + 2]
  local record = holder(name)
  if record then
    return sub(record, 26) == fingerprint and 2 or -1, sub(record, 1, 16)
  end
  local what, survivor = by_unique(id, at, group)
  records[name] = for_a_time(what == 0 and id or survivor, ARGV[at + 1], fingerprint)
  return what, survivor
end

local function deadline_of(new)
  local _, _, _, _, tags_at = struct.unpack('>i8i2Bc0Bc0', new)
  local at = marks_at(new, tags_at)
  local from = at + 1 + (has(byte(new, at), HAS_UNIQUE) and 17 or 0)
  return at, from, has(byte(new, at), HAS_DEADLINE) and sub(new, from, from + 7) or ''
end

-- What was submitted with the priority and the deadline of another.
local function with(new, other)
  local at, from, old = deadline_of(new)
  local _, _, deadline = deadline_of(other)
  local marks = byte(new, at) - (old ~= '' and HAS_DEADLINE or 0)
    + (deadline ~= '' and HAS_DEADLINE or 0)
  return sub(new, 1, 8) .. sub(other, 9, 10) .. sub(new, 11, at - 1) .. string.char(marks)
    .. sub(new, at + 1, from - 1) .. deadline .. sub(new, from + #old)
end

-- Where what was submitted stands in a group, and its input behind it.
local function new_at(group) return group + 9 + tonumber(ARGV[group + 7]) end

local function submitted(group) return string.rep('\0', 8) .. ARGV[new_at(group)] end

-- Gives a group that is still to be stored what a later one brought: its priority, when it is due
-- and whether it is held, its deadline and its input.
local function change_new(group, other)
  ARGV[new_at(group)] = sub(with(submitted(group), submitted(other)), 9)
  ARGV[new_at(group) + 1] = ARGV[new_at(other) + 1]
  for place_in = 3, 6 do ARGV[group + place_in] = ARGV[other + place_in] end
end

-- The same for a run that waits.
local function change_stored(id, other)
  local run, kind, time = look(id), ARGV[other + 4], tonumber(ARGV[other + 5])
  local due = kind == 'in' and NOW + time or kind == 'at' and math.max(time, NOW) or NOW
  local status = due > NOW and 1 or 0
  local state = status .. sub(run.state, 2, 18) .. instant(due) .. sub(run.state, 27)
  redis.call('HSET', run_key(id), 'new', with(run.new, submitted(other)), 'state', state,
    'input', ARGV[new_at(other) + 1])
  leave(id, run)
  enter(id, run.lane, tonumber(ARGV[other + 3]), status, due)
end

local fates, at = {}, ARG_FIRST + 1
for i = 1, runs do
  local group = at + 6
  local what, survivor = fate(KEYS[RUN_FIRST + i - 1], at, group)
  if what == -1 then return { { -1, survivor }, {}, 0 } end
  fates[2 * i - 1], fates[2 * i] = what, survivor
  at = new_at(group) + 2
end
for id, other in pairs(brought) do
  if groups[id] then change_new(groups[id], other) else change_stored(id, other) end
end
for i = 1, runs do
  if fates[2 * i - 1] == 0 then
    store(RUN_FIRST + i - 1, groups[id_of(KEYS[RUN_FIRST + i - 1])], {})
  end
end
for name, record in pairs(records) do
  if sub(record, 17, 17) == 'w' then
    -- A minute longer than it holds: the server's clock is not asked to the microsecond.
    local keep_s = math.ceil((struct.unpack('>i8', record, 18) - NOW) / 1000000) + 60
    redis.call('SET', name, record, 'EX', whole(keep_s))
  else
    redis.call('SET', name, record)
  end
end
local queues, must_wait = flush()
return { fates, queues, must_wait }
