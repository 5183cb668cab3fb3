-- The limits; the gates that have slots in use, with their number; the lines that hold runs, with
-- theirs.
local function counted(key)
  local counts = {}
  for _, name in ipairs(names_in(key, '-', '+', math.huge)) do
    counts[#counts + 1] = name
    counts[#counts + 1] = redis.call('ZLEXCOUNT', key, members_of(name))
  end
  return counts
end
return { redis.call('HGETALL', LIMITS), counted(SLOTS), counted(LINES) }
