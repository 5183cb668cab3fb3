-- Takes the first signal of a name for a running run, as the result of a step. ARGV: its lease
-- number, packed; the name; the step's name; what the result begins and ends with; steps and bytes
-- of a run at most.
-- Answers 0 where the lease is stale, 1 and what the step came to, 2 where there is no room for it,
-- 3 where there is no such signal.
local key, id, step = KEYS[RUN_FIRST], id_of(KEYS[RUN_FIRST]), ARGV[ARG_FIRST + 2]
local state = redis.call('HGET', key, 'state')
if not state or sub(state, 1, 1) ~= '2' or sub(state, 27, 30) ~= ARGV[ARG_FIRST] then return { 0 } end
local steps = P .. 'steps:' .. id
local earlier = redis.call('HGET', steps, step)
if earlier then return { 1, sub(earlier, 11) } end
local name = ARGV[ARG_FIRST + 1]
local _, _, first = look_at_signals(id, name)
if not first then return { 3 } end
local field = pack('>I4', first) .. name
local result = ARGV[ARG_FIRST + 3] .. sub(redis.call('HGET', signals_key(id), field), 9)
  .. ARGV[ARG_FIRST + 4]
local bytes = tonumber(redis.call('HGET', steps, '') or '0') + #result
local kept = math.max(redis.call('HLEN', steps) - 1, 0)
if kept >= tonumber(ARGV[ARG_FIRST + 5]) or bytes > tonumber(ARGV[ARG_FIRST + 6]) then return { 2 } end
redis.call('HSET', steps, '', whole(bytes), step, pack('>I2i8', kept, NOW) .. result)
redis.call('HDEL', signals_key(id), field)
return { 1, result }
