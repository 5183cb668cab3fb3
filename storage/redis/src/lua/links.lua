-- Edges between runs: `after:CHILD` holds for whom a run waits and how each must end,
-- `followers:PARENT` who waits for a run, and `ends` who ended while others waited.

local ENDS = P .. 'ends'

local function after_key(id) return P .. 'after:' .. id end

local function followers_key(id) return P .. 'followers:' .. id end

-- The run waits for this one no more.
local function cut(parent, child)
  redis.call('HDEL', after_key(child), parent)
  redis.call('ZREM', followers_key(parent), child)
end

-- The run waits for nothing more.
local function forget(child)
  for _, parent in ipairs(redis.call('HKEYS', after_key(child))) do
    redis.call('ZREM', followers_key(parent), child)
  end
  redis.call('DEL', after_key(child))
end

-- Notes the end of a run that is marked as followed, if anyone still waits for it.
local function note_end(id, status)
  if redis.call('EXISTS', followers_key(id)) == 0 then return end
  redis.call('ZADD', ENDS, 'NX', whole(NOW), id .. status)
  ends = true
end

-- Lets go of a held run: pending, or scheduled where its time has not come, as
-- `zapjobs_model::run::released` says.
local function let_go(key, id, run)
  local due, status = math.max(run.due, NOW), run.due > NOW and 1 or 0
  redis.call('HSET', key, 'state', status .. sub(run.state, 2, 18) .. instant(due) .. sub(run.state, 27))
  leave(id, run)
  enter(id, run.lane, run.priority, status, due)
end
