-- The limits; the gates that have slots in use, with their number; the lines that hold runs, with
-- theirs.
local gates, lines = {}, {}
for _, gate in ipairs(redis.call('SMEMBERS', P .. 'flow:gates')) do
  gates[#gates + 1] = gate
  gates[#gates + 1] = redis.call('SCARD', P .. 'flow:slots:' .. gate)
end
for _, line in ipairs(redis.call('ZRANGE', P .. 'flow:lines', 0, -1)) do
  lines[#lines + 1] = line
  lines[#lines + 1] = redis.call('ZCARD', line_key(line))
end
return { redis.call('HGETALL', LIMITS), gates, lines }
