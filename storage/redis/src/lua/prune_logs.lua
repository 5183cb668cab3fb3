-- Deletes log entries of runs that ended before an instant. KEYS: where the last call stopped.
-- ARGV: the instant, entries at most, runs to look at, behind which place or ''.
-- Answers how many entries went, how many runs were looked at, and the place of the last.
--
-- `until` is the run whose log was deleted to its end last. `seen` is one behind it, up to
-- which no run has a log: log.lua removes it when such a run gets one, and it is only noted
-- of runs that ended more than an hour ago, since a run that ends now may sort before others.
local PLACE = KEYS[RUN_FIRST]
local limit, look_max = tonumber(ARGV[ARG_FIRST + 1]), tonumber(ARGV[ARG_FIRST + 2])
local SETTLED = NOW - 3600000000

local function mark_of(text)
  if not text then return nil end
  local at = struct.unpack('>i8', text)
  return { at = at, order = id_order(sub(text, 9)) }
end

local marks = redis.call('HMGET', PLACE, 'until', 'seen')
local begin = ARGV[ARG_FIRST + 3] ~= '' and ARGV[ARG_FIRST + 3] or marks[2] or marks[1]
local ended = first_ended(tonumber(ARGV[ARG_FIRST]), look_max, mark_of(begin))
local gone, last, seen = 0, nil, nil
for _, run in ipairs(ended) do
  local log = P .. 'log:' .. run.id
  local entries = redis.call('ZCARD', log)
  if entries > limit - gone then
    if limit > gone then redis.call('ZREMRANGEBYRANK', log, 0, limit - gone - 1) end
    gone = limit
    break
  elseif entries > 0 then
    redis.call('UNLINK', log)
    gone = gone + entries
    last, seen = run, nil
  elseif run.at < SETTLED then
    seen = run
  end
end
local function text_of(run) return instant(run.at) .. run.id end
if last then
  redis.call('HSET', PLACE, 'until', text_of(last))
  redis.call('HDEL', PLACE, 'seen')
end
if seen then redis.call('HSET', PLACE, 'seen', text_of(seen)) end
return { gone, #ended, #ended > 0 and text_of(ended[#ended]) or '' }
