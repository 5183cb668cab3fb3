-- Writes transitions. ARGV for each run: lease number, status, when it ended, when it is due
-- or '', whether it clears the output, the number of fields and values; then those.
-- Answers for each: 0 stale, 1 applied, 2 asked to stop.
local FINAL = { [3] = 'completed', [4] = 'failed', [5] = 'cancelled' }

local answers, at = {}, ARG_FIRST
for i = RUN_FIRST, #KEYS do
  local status, fields = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 5])
  local run = redis.call('HMGET', KEYS[i], 'status', 'lease', 'cancel_requested', 'queue',
    'priority', 'due_at')
  if run[1] ~= '2' or run[2] ~= ARGV[at] then
    answers[#answers + 1] = 0
  elseif run[3] and not FINAL[status] then
    answers[#answers + 1] = 2
  else
    redis.call('HSET', KEYS[i], 'status', status, unpack(ARGV, at + 6, at + 5 + fields))
    if ARGV[at + 4] == '1' then redis.call('HDEL', KEYS[i], 'output') end
    local id, queue = id_of(KEYS[i]), run[4] or ''
    local due = tonumber(ARGV[at + 3]) or tonumber(run[6]) or NOW
    leave(id, queue, 2)
    enter(id, queue, tonumber(run[5] or 0) or 0, status,
      FINAL[status] and tonumber(ARGV[at + 2]) or due)
    happened(FINAL[status] or status == 6 and 'retried' or 'put-back')
    answers[#answers + 1] = 1
  end
  at = at + 6 + fields
end
local queues, must_wait = flush()
return { answers, queues, must_wait }
