-- Deletes documents of a kind by their names, the least first. KEYS: the places and the names.
-- ARGV: before what, limit, what keys of documents begin with. Answers how many went.
local names = redis.call('ZRANGEBYLEX', KEYS[2], '-', ARGV[1], 'LIMIT', 0, ARGV[2])
for _, entry in ipairs(names) do
  local zero = string.find(entry, '\0', 1, true)
  local place = string.sub(entry, zero + 1) .. ',' .. string.sub(entry, 1, zero - 1)
  redis.call('ZREM', KEYS[1], place)
  redis.call('ZREM', KEYS[2], entry)
  redis.call('DEL', ARGV[3] .. place)
end
return #names
