-- Prolongs leases. ARGV: the term in microseconds, then each run's lease number.
-- Answers for each: 0 lost, 1 held, 2 held and asked to stop.
local expires = whole(NOW + tonumber(ARGV[ARG_FIRST]))
local answers = {}
for i = RUN_FIRST, #KEYS do
  local run = redis.call('HMGET', KEYS[i], 'status', 'lease', 'cancel_requested')
  if run[1] == '2' and run[2] == ARGV[ARG_FIRST + 1 + i - RUN_FIRST] then
    redis.call('HSET', KEYS[i], 'lease_expires_at', expires)
    add(RUNNING, expires, id_of(KEYS[i]))
    answers[#answers + 1] = run[3] and 2 or 1
  else
    answers[#answers + 1] = 0
  end
end
flush()
return answers
