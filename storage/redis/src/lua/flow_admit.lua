-- Makes held runs pending, if what the caller went by still is so: only slots and lines may have
-- changed meanwhile, and they only gave room. ARGV: the version; 1 if the next look at lines goes
-- on elsewhere than this one did, and where; how many rates, for each its gate, what it remembers
-- and when it forgets; then for each run its place, its id and its line; then for each the gates it
-- takes a slot in, between line feeds.
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
-- Those that still stand where they did; the others have gone.
local runs = #KEYS - RUN_FIRST + 1
local stands = runs > 0 and redis.call('ZMSCORE', ORDER, unpack(ARGV, at, at + runs - 1)) or {}
local lanes, admitted = {}, 0
for i = 1, runs do
  local key, member, slots = KEYS[RUN_FIRST + i - 1], ARGV[at], ARGV[at + runs]
  local place_and_id, line = sub(member, 1, PLACE_BYTES), sub(member, PLACE_BYTES + 1)
  remove_from_line(line, place_and_id)
  local record = stands[i] and redis.pcall('HMGET', key, 'state', 'aside') or {}
  local state = not record.err and not record[2] and record[1]
  if state and #state == STATE_BYTES and sub(state, 1, 1) == '7' then
    local id, above, due = id_of(key), struct.unpack('>I2i8', member)
    local lane = lanes[line]
    if not lane then
      lane = string.gsub(string.match(line, '^[^/]*/[^/]*'), '/', ',')
      lanes[line] = lane
      ready[lane] = true
    end
    take_slots(id, slots, '0' .. sub(state, 2, STATE_BYTES - 1) .. '0')
    remove(HELD, id)
    count(lane, 7, -1)
    count(lane, 0, 1)
    add(lane_key(lane), place(1000 - above, due), place_and_id)
    admitted = admitted + 1
  end
  at = at + 1
end
local queues = flush()
return { 1, admitted, queues, 0 }
