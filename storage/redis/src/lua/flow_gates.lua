-- How many slots gates have in use, and what their rates remember or ''. ARGV: the gates, each
-- behind `s`, `r` or `b` for what is asked of it: the slots, the rate or both.
local used = {}
for at = ARG_FIRST, #ARGV do
  local asked, gate = sub(ARGV[at], 1, 1), sub(ARGV[at], 2)
  used[#used + 1] = asked ~= 'r' and redis.call('ZLEXCOUNT', SLOTS, members_of(gate)) or 0
  used[#used + 1] = asked ~= 's' and redis.call('HGET', P .. 'flow:rates', gate) or ''
end
return used
