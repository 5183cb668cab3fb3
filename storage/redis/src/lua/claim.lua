-- Runs for a worker. ARGV: worker, lease in microseconds, limit, bytes of inputs at most, how many
-- queues, or '' for all, and their names; then for each share the tenant and its limit; none for
-- all tenants as if they were one.
-- Answers the runs, and 1 if more may be had for the same.
--
-- Which runs these are is known only here: their keys, and those of the lanes, are derived
-- from the indexes, within the one hash tag.
local limit, bytes_max = tonumber(ARGV[ARG_FIRST + 2]), tonumber(ARGV[ARG_FIRST + 3])
local queues_at = ARG_FIRST + 5
local shares_at = queues_at + (tonumber(ARGV[ARG_FIRST + 4]) or 0)
local is_wanted
if ARGV[ARG_FIRST + 4] ~= '' then
  is_wanted = {}
  for at = queues_at, shares_at - 1 do is_wanted[ARGV[at]] = true end
end

-- Lanes of wanted queues in a range of names.
local function lanes_in(from, to)
  local all = redis.call('ZRANGEBYLEX', LANES, from, to)
  if not is_wanted then return all end
  local lanes = {}
  for _, lane in ipairs(all) do
    local _, queue = parts_of(lane)
    if is_wanted[queue] then lanes[#lanes + 1] = lane end
  end
  return lanes
end

-- The head of a line as numbers that can be compared.
local function look_at_head(line)
  line.head = line.places[line.at]
  if line.head and not line.is_alone then
    line.order = { struct.unpack('>I5I5I5I5I6', line.head) }
  end
end

-- Reads a part of a line; the next part is larger, for the line is one that is used up.
local function refill(line)
  local from = line.taken
  line.places = redis.call('ZRANGE', line.key, from, from + line.part - 1)
  line.at, line.is_read = 1, #line.places < line.part
  line.part = math.min(2 * line.part, MEMBERS_MAX)
  look_at_head(line)
end

local function go_on(line)
  line.taken, line.at = line.taken + 1, line.at + 1
  look_at_head(line)
  if not line.head and not line.is_read then refill(line) end
end

local function goes_before(a, b)
  for i = 1, 5 do
    if a.order[i] ~= b.order[i] then return a.order[i] < b.order[i] end
  end
  return false
end

-- Lines are a heap, by their heads: brings the one at a place to where it belongs.
local function sift(lines, at)
  while true do
    local first, left = at, 2 * at
    if lines[left] and goes_before(lines[left], lines[first]) then first = left end
    if lines[left + 1] and goes_before(lines[left + 1], lines[first]) then first = left + 1 end
    if first == at then return end
    lines[at], lines[first] = lines[first], lines[at]
    at = first
  end
end

local all_lines = {}

-- The lines of lanes, as a heap. A lane in which nothing waits is dropped.
local function lines_of(lanes, wanted)
  -- Lines share the answer: each gives a part, and more only if its part was used up.
  local lines, part = {}, #lanes == 1 and wanted or math.ceil(2 * wanted / #lanes)
  for _, lane in ipairs(lanes) do
    local line = { lane = lane, key = lane_key(lane), taken = 0, part = part }
    line.is_alone = #lanes == 1
    refill(line)
    if line.head then
      lines[#lines + 1] = line
      all_lines[#all_lines + 1] = line
    else
      redis.call('ZREM', LANES, lane)
    end
  end
  for at = math.floor(#lines / 2), 1, -1 do sift(lines, at) end
  return lines
end

local seen = 0
local function is_full() return seen >= limit or bytes >= bytes_max end

-- Takes so many runs of some lanes together. Answers whether it stopped for want of room.
local function take_of(lanes, wanted)
  local lines, got = lines_of(lanes, wanted), 0
  while got < wanted and #lines > 0 and not is_full() do
    local line = lines[1]
    if take(sub(line.head, 11), line.lane) then got = got + 1 end
    seen = seen + 1
    go_on(line)
    if not line.head then
      lines[1] = lines[#lines]
      lines[#lines] = nil
    end
    if #lines > 1 then sift(lines, 1) end
  end
  return #lines > 0 and is_full()
end

local stopped = false
if shares_at > #ARGV then
  stopped = take_of(lanes_in('-', '+'), limit)
else
  for at = shares_at, #ARGV, 2 do
    stopped = is_full()
    if stopped then break end
    -- From the comma up to what follows it.
    local lanes = lanes_in('[' .. ARGV[at] .. ',', '(' .. ARGV[at] .. '-')
    stopped = take_of(lanes, math.min(tonumber(ARGV[at + 1]), limit - seen))
    if stopped then break end
  end
end
for _, line in ipairs(all_lines) do
  if line.taken > 0 then
    redis.call('ZREMRANGEBYRANK', line.key, 0, line.taken - 1)
    shortened[line.lane] = true
  end
end
count_started(0)
flush()
return { claimed, stopped and 1 or 0 }
