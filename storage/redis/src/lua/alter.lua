-- Does one thing to runs that stand so as to allow it. ARGV: what, the statuses that allow it as
-- digits, two values that it takes, then the runs' ids as text. Answers for each its status
-- before, -1 if there is none; or the run that holds the key it would have to take again.
local what, allowed = ARGV[ARG_FIRST], ARGV[ARG_FIRST + 1]
local first, second = ARGV[ARG_FIRST + 2], ARGV[ARG_FIRST + 3]
local before, gone, types = {}, {}, {}

local doings = {}

function doings.cancel(key, id, run, id_text) stop(key, id, id_text, run, first) end

function doings.requeue(key, id, run)
  local holder = again(key, id, run, first)
  if holder then return holder end
  if second ~= '' then redis.call('HSET', key, 'input', second) end
end

function doings.delete(key, id, run)
  leave(id, run)
  remove(P .. 'type:' .. run.job_type, id)
  types[run.job_type] = true
  if run.batch then remove(P .. 'members:' .. run.batch, id) end
  for _, tag in ipairs(tags_of(run)) do remove(P .. 'tag:' .. tag, id) end
  gone[#gone + 1] = key
  gone[#gone + 1] = P .. 'log:' .. id
  gone[#gone + 1] = P .. 'steps:' .. id
  gone[#gone + 1] = P .. 'signals:' .. id
  gone[#gone + 1] = own_key(id, run)
end

-- The run in another lane, or of another priority: both stand in what was submitted. The limits
-- of the new lane decide about one that those of the old one hold.
local function replace(key, id, run, lane, priority)
  local new = sub(run.new, 1, 8) .. pack('>i2', priority) .. string.char(#lane) .. lane
    .. sub(run.new, 12 + byte(run.new, 11))
  redis.call('HSET', key, 'new', new)
  leave(id, run)
  if run.line and lane ~= run.lane then
    lines_left[id] = nil
    redis.call('HSET', key, 'state', '0' .. sub(run.state, 2))
    run.status = 0
  end
  enter(id, lane, priority, run.status, run.due)
end

function doings.move(key, id, run)
  local tenant = parts_of(run.lane)
  replace(key, id, run, tenant .. ',' .. first, run.priority)
end

function doings.prioritise(key, id, run) replace(key, id, run, run.lane, tonumber(first)) end

doings['run-now'] = function(key, id, run)
  redis.call('HSET', key, 'state', '0' .. sub(run.state, 2, 18) .. instant(NOW) .. sub(run.state, 27))
  leave(id, run)
  enter(id, run.lane, run.priority, 0, NOW)
end

for i = RUN_FIRST, #KEYS do
  local id = id_of(KEYS[i])
  local run = look(id)
  local status = run and run.status or -1
  if status >= 0 and status <= 9 and string.find(allowed, whole(status), 1, true) then
    status = doings[what](KEYS[i], id, run, ARGV[ARG_FIRST + 4 + i - RUN_FIRST]) or status
  end
  before[#before + 1] = status
end
for at = 1, #gone, MEMBERS_MAX do
  redis.call('UNLINK', unpack(gone, at, math.min(at + MEMBERS_MAX - 1, #gone)))
end
local queues, must_wait = flush()
for job_type in pairs(types) do
  if redis.call('EXISTS', P .. 'type:' .. job_type) == 0 then redis.call('SREM', TYPES, job_type) end
end
return { before, queues, must_wait }
