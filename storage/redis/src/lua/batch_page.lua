-- Batches of an index. KEYS: the index. ARGV: what keys begin with, limit, then 'ids' and where to
-- begin, going down by ids; or 'ended' and an instant, going up to before it.
-- Answers for each its id and its fields.
local ids
if ARGV[3] == 'ids' then
  ids = redis.call('ZREVRANGEBYLEX', KEYS[1], ARGV[4], '-', 'LIMIT', 0, ARGV[2])
else
  ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. ARGV[4], 'LIMIT', 0, ARGV[2])
end
local answers = {}
for _, id in ipairs(ids) do
  answers[#answers + 1] = { id, redis.call('HGETALL', ARGV[1] .. 'batch:' .. id) }
end
return answers
