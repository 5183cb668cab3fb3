-- Stores one run, whose arguments begin at ARGV[at]: id, queue, job type, priority, how it is
-- due, when, the number of tags, the number of fields and values; then those.
-- Answers whether it was new, and where the next run's arguments begin.
local function store(run_key, at)
  local id, queue, job_type, priority = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local kind, time = ARGV[at + 4], tonumber(ARGV[at + 5])
  local tag_first = at + 8
  local field_first = tag_first + tonumber(ARGV[at + 6])
  local next_run = field_first + tonumber(ARGV[at + 7])
  if redis.call('EXISTS', run_key) == 1 then return 0, next_run end
  local due = NOW
  if kind == 'in' then
    due = NOW + time
  elseif kind == 'at' then
    due = math.max(time, NOW)
  end
  local status = due > NOW and 1 or 0
  redis.call('HSET', run_key, 'status', status, 'created_at', whole(NOW), 'due_at', whole(due),
    unpack(ARGV, field_first, next_run - 1))
  enter(id, queue, tonumber(priority), status, due)
  add(P .. 'type:' .. job_type, 0, id)
  for tag = tag_first, field_first - 1 do
    add(P .. 'tag:' .. ARGV[tag], 0, id)
  end
  happened('enqueued')
  return 1, next_run
end
