-- Runs that became ready before an instant. KEYS: the lanes. ARGV: what keys of lanes begin with,
-- the instant, the priority below which, limit, looks into lanes at most, the lane to go on with
-- or '', behind which of its priorities, counted from the most urgent on, then the names of
-- queues; none for all.
-- Answers members, then where to go on: the lane or '', and behind which priority.
--
-- A score is a priority, counted so, and the milliseconds behind it: see `place` in prelude.lua.
local LANES_MAX, LEVEL = 100, 4398046511104
local before, limit, looks = tonumber(ARGV[2]), tonumber(ARGV[4]), tonumber(ARGV[5])
local first = 1000 - tonumber(ARGV[3])
local before_ms = math.min(math.max(math.floor(before / 1000), 0), LEVEL - 1)
local function whole(number) return string.format('%.0f', number) end

local is_wanted
for at = 8, #ARGV do
  is_wanted = is_wanted or {}
  is_wanted[ARGV[at]] = true
end

local found = {}

-- Goes from one priority of a lane to the next. Answers where it stopped, or nothing at the end.
local function look(lane, level)
  local key = ARGV[1] .. lane
  while true do
    if looks == 0 or #found == limit then return level end
    looks = looks - 1
    local from = whole((level + 1) * LEVEL)
    local head = redis.call('ZRANGEBYSCORE', key, from, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
    if #head == 0 then return end
    level = math.floor(tonumber(head[2]) / LEVEL)
    local to = whole(level * LEVEL + before_ms)
    local left = limit - #found
    local old = redis.call('ZRANGEBYSCORE', key, whole(level * LEVEL), to, 'LIMIT', 0, left)
    for _, member in ipairs(old) do
      -- To the microsecond.
      if struct.unpack('>i8', member, 3) < before then found[#found + 1] = member end
    end
  end
end

local function answer(lane, level) return { found, lane, whole(level) } end

local from = '-'
if ARGV[6] ~= '' then
  local stopped = look(ARGV[6], tonumber(ARGV[7]))
  if stopped then return answer(ARGV[6], stopped) end
  from = '(' .. ARGV[6]
end
while true do
  local lanes = redis.call('ZRANGEBYLEX', KEYS[1], from, '+', 'LIMIT', 0, LANES_MAX)
  for _, lane in ipairs(lanes) do
    local queue = string.match(lane, '^.-,(.*)$')
    if not is_wanted or is_wanted[queue] then
      local stopped = look(lane, first)
      if stopped then return answer(lane, stopped) end
    end
    from = '(' .. lane
  end
  if #lanes < LANES_MAX then return answer('', 0) end
end
