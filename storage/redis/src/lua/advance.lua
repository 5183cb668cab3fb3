-- Writes decisions about runs that wait for one that ended. KEYS: the runs. ARGV: the one that
-- ended, its status; then for each run a word and two values: 'wait', 'release' with '1' and its
-- input or with '' and '', or 'end' with its status and its error.
-- Answers for each 0 done, 1 changed, 2 gone.
local parent, status = ARGV[ARG_FIRST], ARGV[ARG_FIRST + 1]
local answers = {}
if not redis.call('ZSCORE', ENDS, parent .. status) then
  for i = RUN_FIRST, #KEYS do answers[#answers + 1] = 1 end
  return { answers, {}, 0 }
end

local function end_waiting(key, id, run, as, error_text)
  local state = as .. sub(run.state, 2, 10) .. instant(NOW) .. sub(run.state, 19)
  redis.call('HSET', key, 'state', state, 'error', error_text)
  leave(id, run)
  enter(id, run.lane, run.priority, tonumber(as), NOW)
  happened(run.lane, as == '4' and 'failed' or 'cancelled', 1)
  if run.followed then note_end(id, as) end
end

local function advance(key, word, first, second)
  local id = id_of(key)
  if redis.call('HEXISTS', after_key(id), parent) == 0 then return 2 end
  local run = look(id)
  if not run or run.status ~= 7 then
    cut(parent, id)
    return 2
  end
  local others = redis.call('HLEN', after_key(id)) - 1
  if word == 'end' then
    forget(id)
    end_waiting(key, id, run, first, second)
  elseif (others > 0) ~= (word == 'wait') then
    return 1
  else
    cut(parent, id)
    if word == 'release' then
      if first == '1' then redis.call('HSET', key, 'input', second) end
      let_go(key, id, run)
    end
  end
  return 0
end

for i = RUN_FIRST, #KEYS do
  local at = ARG_FIRST + 2 + 3 * (i - RUN_FIRST)
  answers[#answers + 1] = advance(KEYS[i], ARGV[at], ARGV[at + 1], ARGV[at + 2])
end
if redis.call('EXISTS', followers_key(parent)) == 0 then
  redis.call('ZREM', ENDS, parent .. status)
end
local queues, must_wait = flush()
return { answers, queues, must_wait }
