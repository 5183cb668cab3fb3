-- Runs for a worker. ARGV: worker, lease in microseconds, limit, bytes of inputs at most,
-- '1' for all queues, then the queues' names.
--
-- Which runs these are is known only here: their keys, and those of the lines, are derived
-- from the indexes, within the one hash tag.
local limit, bytes_max = tonumber(ARGV[ARG_FIRST + 2]), tonumber(ARGV[ARG_FIRST + 3])
local queues
if ARGV[ARG_FIRST + 4] == '1' then
  queues = redis.call('SMEMBERS', QUEUES)
else
  queues = { unpack(ARGV, ARG_FIRST + 5, #ARGV) }
end

-- Lines share the answer: each gives a part, and more only if its part was used up.
local part = #queues == 1 and limit or math.max(8, math.ceil(2 * limit / #queues))

-- The head of a line as numbers that can be compared.
local function look_at_head(line)
  line.head = line.places[line.at]
  if line.head and #queues > 1 then line.order = { struct.unpack('>I5I5I5I5I6', line.head) } end
end

local function refill(line)
  line.places = redis.call('ZRANGE', line.key, line.taken, line.taken + part - 1)
  line.at = 1
  look_at_head(line)
end

local lines, all_lines = {}, {}
for _, queue in ipairs(queues) do
  local line = { queue = queue, key = P .. 'pending:' .. queue, taken = 0 }
  refill(line)
  if line.head then
    lines[#lines + 1] = line
    all_lines[#all_lines + 1] = line
  else
    redis.call('SREM', QUEUES, queue)
  end
end

local function goes_before(a, b)
  for i = 1, 5 do
    if a.order[i] ~= b.order[i] then return a.order[i] < b.order[i] end
  end
  return false
end

-- The line whose head goes next; few queues have pending runs, so looking at all is cheap.
local function first_line()
  local first, first_at = lines[1], 1
  for i = 2, #lines do
    if goes_before(lines[i], first) then first, first_at = lines[i], i end
  end
  return first, first_at
end

local function go_on(line, line_at)
  line.taken, line.at = line.taken + 1, line.at + 1
  look_at_head(line)
  if not line.head and #line.places == part then refill(line) end
  if not line.head then table.remove(lines, line_at) end
end

local seen = 0
while seen < limit and bytes < bytes_max and #lines > 0 do
  local line, line_at = first_line()
  take(sub(line.head, 11), line.queue)
  seen = seen + 1
  go_on(line, line_at)
end
for _, line in ipairs(all_lines) do
  if line.taken > 0 then
    redis.call('ZREMRANGEBYRANK', line.key, 0, line.taken - 1)
    if redis.call('EXISTS', line.key) == 0 then redis.call('SREM', QUEUES, line.queue) end
  end
end
count_started(0)
flush()
return { claimed, #lines > 0 and 1 or 0 }
