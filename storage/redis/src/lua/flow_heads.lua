-- The first runs of lines, each as its place and its id. ARGV: for each line its name and how many.
local heads = {}
for at = ARG_FIRST, #ARGV, 2 do
  local line, from, to = ARGV[at], members_of(ARGV[at])
  local members = redis.call('ZRANGEBYLEX', LINES, from, to, 'LIMIT', 0, ARGV[at + 1])
  for i, member in ipairs(members) do members[i] = sub(member, #line + 2) end
  heads[#heads + 1] = members
end
return heads
