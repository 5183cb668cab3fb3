-- Keys of unique runs and of requests that may be repeated, as model/src/unique.rs says.
--
-- A record is the run that took the key (16 bytes), and how long it holds it: '0' until it is
-- started, '1' until it ends, or 'w', an instant (8 bytes) and, of a request, its fingerprint (16).
-- Whether it holds follows from how the run stands, so that nothing is written when that changes.
local HAS_DEADLINE, HAS_UNIQUE = 1, 64

local function has(marks, mark) return math.floor(marks / mark) % 2 == 1 end

-- Where the byte of marks stands in what was submitted.
local function marks_at(new, tags_at)
  local at = tags_at + 1
  for _ = 1, byte(new, tags_at) or 0 do at = at + 1 + (byte(new, at) or 0) end
  return at + 5
end

-- The record's name of a run's own key, and its term; nothing if it has none.
local function key_of(run)
  local at = marks_at(run.new, run.tags_at)
  if not has(byte(run.new, at) or 0, HAS_UNIQUE) then return nil end
  local name = string.gsub(sub(run.new, at + 2, at + 17), '.', function(c)
    return string.format('%02x', byte(c))
  end)
  return P .. 'unique:' .. name, sub(run.new, at + 1, at + 1)
end

-- Whether a run waits and was never started.
local function is_untouched(run)
  local waits = run.status < 2 or run.status == 6 or run.status == 7
  return waits and sub(run.state, 31, 38) == NEVER
end

-- How the run of a record stands; nothing if it is gone or cannot be read.
local function stands(id)
  local run = look(id)
  if run and run.status ~= 99 then return run end
end

local function holds(record, run)
  local term = sub(record, 17, 17)
  if term == 'w' then return NOW < struct.unpack('>i8', record, 18) end
  if not run then return false end
  if term == '0' then return is_untouched(run) end
  return run.status < 3 or run.status == 6 or run.status == 7
end

-- The record's name of the key that a run took until it has come so far; nothing if it has none,
-- or another has taken the key since.
local function own_key(id, run)
  local name = key_of(run)
  local record = name and redis.call('GET', name)
  if record and sub(record, 1, 16) == id and sub(record, 17, 17) ~= 'w' then return name end
end
