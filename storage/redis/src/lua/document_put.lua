-- Stores documents, each over its revision. KEYS for each: the places and the names of its kind,
-- the document. ARGV: now or '', then for each: its place, its name, the revision that must be
-- stored or 0, the body. Answers 1 for each that was written.
local now = whole(read_clock(ARGV[1]))
local answers = {}
for i = 1, #KEYS / 3 do
  local key, at = KEYS[3 * i], 4 * i - 2
  local before = tonumber(ARGV[at + 2])
  local stored = tonumber(redis.call('HGET', key, 'revision') or '0')
  if stored == before then
    redis.call('HSET', key, 'revision', whole(before + 1), 'at', now, 'body', ARGV[at + 3])
    redis.call('ZADD', KEYS[3 * i - 2], 0, ARGV[at])
    redis.call('ZADD', KEYS[3 * i - 1], 0, ARGV[at + 1])
    answers[i] = 1
  else
    answers[i] = 0
  end
end
return answers
