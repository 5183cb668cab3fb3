-- Which attempts should stop. ARGV: each run's lease number.
local answers = {}
for i = RUN_FIRST, #KEYS do
  local run = redis.call('HMGET', KEYS[i], 'status', 'lease', 'cancel_requested')
  local is_held = run[1] == '2' and run[2] == ARGV[ARG_FIRST + i - RUN_FIRST]
  answers[#answers + 1] = is_held and run[3] and 1 or 0
end
return answers
