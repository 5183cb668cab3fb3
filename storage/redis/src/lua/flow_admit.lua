-- Makes held runs pending, if what the caller went by still is so: only slots and lines may have
-- changed meanwhile, and they only gave room. ARGV: the version; 1 if the next look at lines goes
-- on elsewhere than this one did, and where; how many rates, for each its gate, what it remembers
-- and when it forgets; then for each run its line, its member there, and the gates it takes a slot
-- in, between line feeds.
-- Answers 1 if it was so, how many runs were admitted, and the queues.
local VERSION, RATES, FORGETS = P .. 'flow:version', P .. 'flow:rates', P .. 'flow:forgets'
if (redis.call('GET', VERSION) or '0') ~= ARGV[ARG_FIRST] then return { 0, 0, {}, 0 } end
redis.call('INCR', VERSION)
if ARGV[ARG_FIRST + 1] == '1' then redis.call('SET', P .. 'flow:look', ARGV[ARG_FIRST + 2]) end
local forgotten = redis.call('ZRANGEBYSCORE', FORGETS, '-inf', whole(NOW), 'LIMIT', 0, MEMBERS_MAX)
if #forgotten > 0 then
  redis.call('HDEL', RATES, unpack(forgotten))
  redis.call('ZREM', FORGETS, unpack(forgotten))
end
local at = ARG_FIRST + 4
for _ = 1, tonumber(ARGV[ARG_FIRST + 3]) do
  redis.call('HSET', RATES, ARGV[at], ARGV[at + 1])
  redis.call('ZADD', FORGETS, ARGV[at + 2], ARGV[at])
  at = at + 3
end
-- What is admitted is not held again.
has_limits = false
local admitted = 0
for i = RUN_FIRST, #KEYS do
  local line, member, slots = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local id = id_of(KEYS[i])
  local run = look(id)
  if run and run.status == 7 and run.line == line then
    leave(id, run)
    take_slots(id, slots, '0' .. sub(run.state, 2))
    enter(id, run.lane, run.priority, 0, run.due)
    admitted = admitted + 1
  else
    -- It has gone, or cannot be read.
    remove_from_line(line, member)
  end
  at = at + 3
end
local queues = flush()
return { 1, admitted, queues, 0 }
