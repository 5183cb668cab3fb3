-- Appends to one run's log. KEYS: the run, its log, where the pruning of logs stopped.
-- ARGV: entries kept at most, seconds the log is kept after its last entry, then for each
-- entry its name and its line.
local run, log = KEYS[1], KEYS[2]
if redis.call('EXISTS', run) == 0 then return 0 end
-- One that pruning has passed over for having no log.
if redis.call('EXISTS', log) == 0 then redis.call('HDEL', KEYS[3], 'seen') end
for at = 3, #ARGV, 2 do
  local name = ARGV[at]
  if redis.call('ZLEXCOUNT', log, '[' .. name, '[' .. name .. '\255') == 0 then
    redis.call('ZADD', log, 0, name .. ARGV[at + 1])
  end
end
local surplus = redis.call('ZCARD', log) - tonumber(ARGV[1])
if surplus > 0 then redis.call('ZREMRANGEBYRANK', log, 0, surplus - 1) end
redis.call('EXPIRE', log, ARGV[2])
return 1
