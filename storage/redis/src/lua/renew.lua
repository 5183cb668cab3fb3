-- Prolongs leases. ARGV: the term in microseconds, then each run's lease number, packed.
-- Answers for each: 0 lost, 1 held, 2 held and asked to stop.
local expires = NOW + tonumber(ARGV[ARG_FIRST])
local expires_text, expires_bytes = whole(expires), instant(expires)
local answers = {}
for i = RUN_FIRST, #KEYS do
  local state = redis.call('HGET', KEYS[i], 'state')
  if state and sub(state, 1, 1) == '2'
    and sub(state, 27, 30) == ARGV[ARG_FIRST + 1 + i - RUN_FIRST] then
    redis.call('HSET', KEYS[i], 'state', sub(state, 1, 10) .. expires_bytes .. sub(state, 19))
    add(RUNNING, expires_text, id_of(KEYS[i]))
    answers[#answers + 1] = byte(state, 2) == YES and 2 or 1
  else
    answers[#answers + 1] = 0
  end
end
flush()
return answers
