-- What an admission goes by: the time, the version of what it goes by, the limits, the scopes
-- that still have ready runs to hold, lines behind the last look, going round, and where that
-- ended. ARGV: how many lines at most.
local max, until_line = tonumber(ARGV[ARG_FIRST]), redis.call('GET', P .. 'flow:look') or ''
local from, to = '-', '+'
if until_line ~= '' then from, to = '[' .. until_line .. '\1', '(' .. until_line .. '\1' end
local names = names_in(LINES, from, '+', max)
if until_line ~= '' and #names < max then
  for _, name in ipairs(names_in(LINES, '-', to, max - #names)) do names[#names + 1] = name end
end
return { whole(NOW), redis.call('GET', P .. 'flow:version') or '0', redis.call('HGETALL', LIMITS),
  redis.call('SMEMBERS', P .. 'flow:settling'), names, until_line }
