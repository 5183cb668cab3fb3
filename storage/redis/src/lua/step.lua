-- Records a step of a running run. KEYS: the run. ARGV: its lease number, packed; the step's name
-- and result; steps and bytes of a run at most.
--
-- Steps are a hash: each name to its place from 0 (2 bytes), its instant (8 bytes) and its result;
-- the empty name, which no step has, to the bytes of all results.
-- Answers 0 where the lease is stale, 1 and what was recorded before, 2 where there is no room,
-- 3 once it is recorded.
local name, result = ARGV[ARG_FIRST + 1], ARGV[ARG_FIRST + 2]
local state = redis.call('HGET', KEYS[RUN_FIRST], 'state')
if not state or sub(state, 1, 1) ~= '2' or sub(state, 27, 30) ~= ARGV[ARG_FIRST] then return { 0 } end
local steps = P .. 'steps:' .. id_of(KEYS[RUN_FIRST])
local earlier = redis.call('HGET', steps, name)
if earlier then return { 1, sub(earlier, 11) } end
local bytes = tonumber(redis.call('HGET', steps, '') or '0') + #result
local kept = math.max(redis.call('HLEN', steps) - 1, 0)
if kept >= tonumber(ARGV[ARG_FIRST + 3]) or bytes > tonumber(ARGV[ARG_FIRST + 4]) then return { 2 } end
redis.call('HSET', steps, '', whole(bytes), name, pack('>I2i8', kept, NOW) .. result)
return { 3 }
