-- Documents of a kind in the order of their places. KEYS: the places. ARGV: behind what, up to
-- what, limit, 'back' to go from the end, what keys of documents begin with. Answers for each: its
-- place; its revision, instant and body.
local answers, places = {}, nil
if ARGV[4] == 'back' then
  places = redis.call('ZREVRANGEBYLEX', KEYS[1], ARGV[2], ARGV[1], 'LIMIT', 0, ARGV[3])
else
  places = redis.call('ZRANGEBYLEX', KEYS[1], ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])
end
for i, place in ipairs(places) do
  local fields = redis.call('HMGET', ARGV[5] .. place, 'revision', 'at', 'body')
  answers[i] = { place, { fields[1] or '', fields[2] or '', fields[3] or '' } }
end
return answers
