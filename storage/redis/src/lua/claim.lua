-- Runs for a worker. ARGV: worker, lease in microseconds, limit, bytes of inputs at most,
-- '1' for all queues, then the queues' names.
--
-- Which runs these are is known only here: their keys, and those of the lines, are derived
-- from the indexes, within the one hash tag.
local worker, lease = ARGV[ARG_FIRST], tonumber(ARGV[ARG_FIRST + 1])
local limit, bytes_max = tonumber(ARGV[ARG_FIRST + 2]), tonumber(ARGV[ARG_FIRST + 3])
local queues
if ARGV[ARG_FIRST + 4] == '1' then
  queues = redis.call('SMEMBERS', QUEUES)
else
  queues = { unpack(ARGV, ARG_FIRST + 5, #ARGV) }
end

-- Lines share the answer: each gives a part, and more only if its part was used up.
local part = #queues == 1 and limit or math.max(8, math.ceil(2 * limit / #queues))

local function refill(line)
  line.places = redis.call('ZRANGE', line.key, line.read, line.read + part - 1, 'WITHSCORES')
  line.read = line.read + #line.places / 2
  line.at = 1
  line.score = tonumber(line.places[2])
end

local lines = {}
for _, queue in ipairs(queues) do
  local line = { queue = queue, key = P .. 'pending:' .. queue, read = 0 }
  refill(line)
  if line.score then
    lines[#lines + 1] = line
  else
    redis.call('SREM', QUEUES, queue)
  end
end

local function goes_before(a, b)
  if a.score ~= b.score then return a.score < b.score end
  return a.places[a.at] < b.places[b.at]
end

-- The line whose head goes next; few queues have pending runs, so looking at all is cheap.
local function first_line()
  local first, first_at
  for i = 1, #lines do
    if not first or goes_before(lines[i], first) then first, first_at = lines[i], i end
  end
  return first, first_at
end

local function go_on(line, line_at)
  line.at = line.at + 2
  line.score = tonumber(line.places[line.at + 1])
  if not line.score and #line.places == 2 * part then refill(line) end
  if not line.score then table.remove(lines, line_at) end
end

local expires = NOW + lease
local started, expires_text = whole(NOW), whole(expires)
local claimed, bytes = {}, 0

local function set_aside(id, queue, reason)
  remove(status_index(0), id)
  count(queue, 0, -1)
  redis.call('HSET', QUARANTINE, id, reason)
end

-- Claims one run. Its answer: id, queue, fields with values.
local function take(id, queue)
  local key = P .. 'run:' .. id
  local fields = redis.pcall('HGETALL', key)
  if fields.err or #fields == 0 then return set_aside(id, queue, 'it is no hash') end
  local status, attempt, number, is_worn
  for i = 1, #fields, 2 do
    local name = fields[i]
    if name == 'status' then status = fields[i + 1]
    elseif name == 'attempt' then attempt = fields[i + 1]
    elseif name == 'lease' then number = fields[i + 1]
    elseif name == 'error' or name == 'progress' or name == 'counts' or name == 'usage' then
      is_worn = true
    elseif name == 'input' then bytes = bytes + #fields[i + 1] end
  end
  -- A line may name a run that moved on only if someone wrote past these scripts.
  if status ~= '0' then return end
  attempt, number = tonumber(attempt or 0), tonumber(number or 0)
  if not attempt or not number then return set_aside(id, queue, 'its lease is no number') end
  attempt, number = whole(attempt + 1), whole(number + 1)
  redis.call('HSET', key, 'status', 2, 'attempt', attempt, 'lease', number, 'worker', worker,
    'started_at', started, 'lease_expires_at', expires_text)
  if is_worn then
    redis.call('HDEL', key, 'error', 'progress', 'counts', 'usage')
    fields = redis.call('HGETALL', key)
  else
    -- The later of two values of a field counts.
    local news = { 'status', '2', 'attempt', attempt, 'lease', number, 'worker', worker,
      'started_at', started, 'lease_expires_at', expires_text }
    for i = 1, #news do fields[#fields + 1] = news[i] end
  end
  remove(status_index(0), id)
  count(queue, 0, -1)
  enter(id, queue, 0, 2, expires)
  claimed[#claimed + 1] = id
  claimed[#claimed + 1] = queue
  claimed[#claimed + 1] = fields
end

local touched, seen = {}, 0
while seen < limit and bytes < bytes_max do
  local line, line_at = first_line()
  if not line then break end
  local what = line.places[line.at]
  remove(line.key, what)
  touched[line.queue] = line.key
  take(string.sub(what, 17), line.queue)
  seen = seen + 1
  go_on(line, line_at)
end
if #claimed > 0 then happened('claimed', #claimed / 3) end
flush()
for queue, key in pairs(touched) do
  if redis.call('EXISTS', key) == 0 then redis.call('SREM', QUEUES, queue) end
end
return { claimed, #lines > 0 and 1 or 0 }
