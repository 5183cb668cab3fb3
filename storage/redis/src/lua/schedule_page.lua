-- Schedules in the order of their names. KEYS: the names. ARGV: behind what, up to what, limit,
-- what keys of schedules begin with. Answers for each: its name, its record.
local answers = {}
local names = redis.call('ZRANGEBYLEX', KEYS[1], ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])
for _, name in ipairs(names) do
  answers[#answers + 1] = { name, redis.call('HGET', ARGV[4] .. name, 'record') or '' }
end
return answers
