-- What an admission begins with: the time, the version of what it goes by, the limits, the scopes
-- that still have ready runs to hold, and the first runs of all lines, each as its member and its
-- line; and how many there were. ARGV: how many at most.
local first, members = {}, redis.call('ZRANGE', ORDER, 0, tonumber(ARGV[ARG_FIRST]) - 1)
for _, member in ipairs(members) do
  local line = redis.pcall('HGET', run_key(sub(member, -16)), 'line')
  if type(line) == 'string' then
    first[#first + 1] = member
    first[#first + 1] = line
  else
    -- It has gone, or cannot be read.
    redis.call('ZREM', ORDER, member)
  end
end
return { whole(NOW), redis.call('GET', P .. 'flow:version') or '0', redis.call('HGETALL', LIMITS),
  redis.call('SMEMBERS', P .. 'flow:settling'), first, #members }
