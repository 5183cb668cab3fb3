-- Stores definitions. KEYS: the names, the schedules, then each definition.
-- ARGV for each: name, declaration, enabled, digest or '', next, last, last status or ''.
local NAMES, SCHEDULES = KEYS[1], KEYS[2]
for i = 3, #KEYS do
  local at = 1 + 7 * (i - 3)
  local name, enabled, digest, next_due = ARGV[at], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  local fields = { 'declared', ARGV[at + 1], 'enabled', enabled }
  local function put(field, value)
    if value ~= '' then fields[#fields + 1] = field; fields[#fields + 1] = value end
  end
  put('digest', digest)
  put('next_run_at', next_due)
  put('last_run_at', ARGV[at + 5])
  put('last_status', ARGV[at + 6])
  redis.call('DEL', KEYS[i])
  redis.call('HSET', KEYS[i], unpack(fields))
  redis.call('ZADD', NAMES, 0, name)
  if enabled == '1' and digest ~= '' and next_due ~= '' then
    redis.call('ZADD', SCHEDULES, next_due, name)
  else
    redis.call('ZREM', SCHEDULES, name)
  end
end
return 1
