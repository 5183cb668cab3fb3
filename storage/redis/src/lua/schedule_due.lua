-- Schedules whose time has come. KEYS: those due. ARGV: now or '', limit, when the one was due
-- behind which to look or '', its name, what keys of schedules begin with.
-- Answers for each: when it is due, its name, its record.
local DUE, now, limit = KEYS[1], read_clock(ARGV[1]), tonumber(ARGV[2])
local first = 0
if ARGV[3] ~= '' then
  -- The place may be empty by now. A mark in it finds it without a walk through those before;
  -- no name holds what the mark ends with, which sorts before all that a name may go on with.
  local mark = ARGV[4] .. '!'
  redis.call('ZADD', DUE, ARGV[3], mark)
  first = redis.call('ZRANK', DUE, mark)
  redis.call('ZREM', DUE, mark)
end
local answers = {}
if limit == 0 then return answers end
local found = redis.call('ZRANGE', DUE, first, first + limit - 1, 'WITHSCORES')
for i = 1, #found, 2 do
  if tonumber(found[i + 1]) > now then break end
  local record = redis.call('HGET', ARGV[5] .. found[i], 'record') or ''
  answers[#answers + 1] = { whole(tonumber(found[i + 1])), found[i], record }
end
return answers
