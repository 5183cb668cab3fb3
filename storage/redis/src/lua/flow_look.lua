-- What an admission goes by: the time, the version of what it goes by, the limits, the scopes
-- that still have ready runs to hold, lines behind the last look, going round, and where that
-- ended. ARGV: how many lines at most.
local max, until_line = tonumber(ARGV[ARG_FIRST]), redis.call('GET', P .. 'flow:look') or ''
local lines, from = P .. 'flow:lines', until_line == '' and '-' or '(' .. until_line
local names = redis.call('ZRANGEBYLEX', lines, from, '+', 'LIMIT', 0, max)
if until_line ~= '' and #names < max then
  local before = redis.call('ZRANGEBYLEX', lines, '-', '[' .. until_line, 'LIMIT', 0, max - #names)
  for _, name in ipairs(before) do names[#names + 1] = name end
end
return { whole(NOW), redis.call('GET', P .. 'flow:version') or '0', redis.call('HGETALL', LIMITS),
  redis.call('SMEMBERS', P .. 'flow:settling'), names, until_line }
