-- Which attempts should stop. ARGV: each run's lease number, packed.
local answers = {}
for i = RUN_FIRST, #KEYS do
  local state = redis.call('HGET', KEYS[i], 'state')
  local is_held = state and sub(state, 1, 1) == '2'
    and sub(state, 27, 30) == ARGV[ARG_FIRST + i - RUN_FIRST]
  answers[#answers + 1] = is_held and byte(state, 2) == YES and 1 or 0
end
return answers
