-- Makes held runs pending, if what the caller went by still is so: only slots and lines may have
-- changed meanwhile, and they only gave room. ARGV: the version, where the look ended, how many
-- rates, for each its gate, what it remembers and when it forgets; then for each run its line,
-- its member there, and the gates it takes a slot in, between line feeds.
-- Answers 1 if it was so, how many runs were admitted, and the queues.
local VERSION, RATES, FORGETS = P .. 'flow:version', P .. 'flow:rates', P .. 'flow:forgets'
if (redis.call('GET', VERSION) or '0') ~= ARGV[ARG_FIRST] then return { 0, 0, {}, 0 } end
redis.call('INCR', VERSION)
redis.call('SET', P .. 'flow:look', ARGV[ARG_FIRST + 1])
local forgotten = redis.call('ZRANGEBYSCORE', FORGETS, '-inf', whole(NOW), 'LIMIT', 0, MEMBERS_MAX)
if #forgotten > 0 then
  redis.call('HDEL', RATES, unpack(forgotten))
  redis.call('ZREM', FORGETS, unpack(forgotten))
end
local at = ARG_FIRST + 3
for _ = 1, tonumber(ARGV[ARG_FIRST + 2]) do
  redis.call('HSET', RATES, ARGV[at], ARGV[at + 1])
  redis.call('ZADD', FORGETS, ARGV[at + 2], ARGV[at])
  at = at + 3
end
local admitted = 0
for i = RUN_FIRST, #KEYS do
  local line, member, slots = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local key, id = KEYS[i], id_of(KEYS[i])
  local run = look(id)
  if run and run.status == 7 and run.line == line then
    for gate in string.gmatch(slots, '[^\n]+') do
      redis.call('SADD', P .. 'flow:slots:' .. gate, id)
      redis.call('SADD', P .. 'flow:gates', gate)
    end
    redis.call('HSET', key, 'state', '0' .. sub(run.state, 2), 'slots', slots)
    leave(id, run)
    enter(id, run.lane, run.priority, 0, run.due)
    admitted = admitted + 1
  else
    -- It has gone, or cannot be read.
    redis.call('ZREM', line_key(line), member)
    if redis.call('EXISTS', line_key(line)) == 0 then redis.call('ZREM', P .. 'flow:lines', line) end
  end
  at = at + 3
end
local queues = flush()
return { 1, admitted, queues, 0 }
