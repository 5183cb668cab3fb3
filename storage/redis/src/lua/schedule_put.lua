-- Stores schedules, each over its revision. KEYS: the names, those due, then each schedule.
-- ARGV for each: name, the revision that must be stored or 0, when due or '', the record.
-- Answers 1 for each that was written.
local NAMES, DUE = KEYS[1], KEYS[2]
local answers = {}
for i = 3, #KEYS do
  local at = 1 + 4 * (i - 3)
  local name, before, due_at = ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2]
  local stored = tonumber(redis.call('HGET', KEYS[i], 'revision') or '0')
  if stored == before then
    redis.call('HSET', KEYS[i], 'revision', whole(before + 1), 'record', ARGV[at + 3])
    redis.call('ZADD', NAMES, 0, name)
    if due_at == '' then
      redis.call('ZREM', DUE, name)
    else
      redis.call('ZADD', DUE, due_at, name)
    end
    answers[#answers + 1] = 1
  else
    answers[#answers + 1] = 0
  end
end
return answers
