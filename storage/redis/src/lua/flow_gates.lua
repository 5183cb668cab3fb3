-- How many slots gates have in use, and what their rates remember or ''. ARGV: the gates.
local used = {}
for at = ARG_FIRST, #ARGV do
  used[#used + 1] = redis.call('SCARD', P .. 'flow:slots:' .. ARGV[at])
  used[#used + 1] = redis.call('HGET', P .. 'flow:rates', ARGV[at]) or ''
end
return used
