-- The first members of lines. ARGV: for each line its name and how many.
local heads = {}
for at = ARG_FIRST, #ARGV, 2 do
  heads[#heads + 1] = redis.call('ZRANGE', line_key(ARGV[at]), 0, tonumber(ARGV[at + 1]) - 1)
end
return heads
