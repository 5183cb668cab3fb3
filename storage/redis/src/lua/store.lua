-- Stores runs that are alike: KEYS from `first` on, arguments from ARGV[at] on: how many,
-- lane, job type, priority, how they are due, when, '1' if they are held, else '0', and behind it
-- their batch if they have one, the number of tags,
-- the key of their limit per key or '', the tags; then for each what was submitted, without the
-- instant, and its input.
-- Answers where the next arguments begin. Places of runs that were there go to `there`.
local function store(first, at, there)
  local last = first + tonumber(ARGV[at]) - 1
  local lane, job_type, priority = ARGV[at + 1], ARGV[at + 2], tonumber(ARGV[at + 3])
  local kind, time, tags = ARGV[at + 4], tonumber(ARGV[at + 5]), tonumber(ARGV[at + 7])
  local due = NOW
  if kind == 'in' then
    due = NOW + time
  elseif kind == 'at' then
    due = math.max(time, NOW)
  end
  local status, created, state = due > NOW and 1 or 0, instant(NOW), nil
  local batch = sub(ARGV[at + 6], 2)
  if sub(ARGV[at + 6], 1, 1) == '1' then status = 7 end
  if status ~= 0 then
    state = status .. '0' .. string.rep('\0', 8) .. NEVER .. instant(due) .. string.rep('\0', 4) .. NEVER
      .. string.rep('\0', 16) .. '0'
  end
  local is_any_there = false
  for from = first, last, MEMBERS_MAX do
    local to = math.min(from + MEMBERS_MAX - 1, last)
    is_any_there = is_any_there or redis.call('EXISTS', unpack(KEYS, from, to)) > 0
  end

  local score, begin, index = whole(due), '', status == 7 and HELD or DELAYED
  if status == 0 then
    score, begin, index = place(priority, due), rank(priority, due), lane_key(lane)
  end
  local line, of_type = list_in(adds, index), list_in(adds, P .. 'type:' .. job_type)
  local line_at, type_at = #line, #of_type
  local limit_key = ARGV[at + 8]
  local stored, argument = 0, at + 9 + tags
  for i = first, last do
    local key = KEYS[i]
    if is_any_there and redis.call('EXISTS', key) == 1 then
      there[#there + 1] = i - RUN_FIRST
    else
      local new, input = created .. ARGV[argument], ARGV[argument + 1]
      if state then
        redis.call('HSET', key, 'new', new, 'input', input, 'state', state)
      else
        redis.call('HSET', key, 'new', new, 'input', input)
      end
      if limit_key ~= '' then redis.call('HSET', key, 'limit_key', limit_key) end
      local id = sub(key, -16)
      if batch ~= '' then
        redis.call('HSET', key, 'batch', batch)
        add(P .. 'members:' .. batch, '0', id)
      end
      if status == 0 then became_pending(id) end
      line[line_at + 1], line[line_at + 2], line_at = score, begin .. id, line_at + 2
      of_type[type_at + 1], of_type[type_at + 2], type_at = '0', id, type_at + 2
      for tag = at + 9, at + 8 + tags do add(P .. 'tag:' .. ARGV[tag], '0', id) end
      stored = stored + 1
    end
    argument = argument + 2
  end
  if stored > 0 then
    redis.call('SADD', TYPES, job_type)
    count(lane, status, stored)
    happened(lane, 'enqueued', stored)
    if batch ~= '' then add_members(batch, stored) end
    if status == 0 then ready[lane] = true elseif status == 1 then waits = true end
  end
  return argument
end
