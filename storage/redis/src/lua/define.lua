-- Stores definitions. KEYS: the names, then each definition.
-- ARGV for each: name, declaration, digest or '', last status or ''.
for i = 2, #KEYS do
  local at = 1 + 4 * (i - 2)
  local fields = { 'declared', ARGV[at + 1] }
  local function put(field, value)
    if value ~= '' then fields[#fields + 1] = field; fields[#fields + 1] = value end
  end
  put('digest', ARGV[at + 2])
  put('last_status', ARGV[at + 3])
  redis.call('DEL', KEYS[i])
  redis.call('HSET', KEYS[i], unpack(fields))
  redis.call('ZADD', KEYS[1], 0, ARGV[at])
end
return 1
