-- Deletes runs that ended before an instant, with their logs and steps. ARGV: the instant, limit.
-- Answers how many were deleted and how many were looked at.
local ended = first_ended(tonumber(ARGV[ARG_FIRST]), tonumber(ARGV[ARG_FIRST + 1]))

local deleted, keys, types = 0, {}, {}
for _, place_of in ipairs(ended) do
  local id = place_of.id
  local run = look(id)
  if run and run.status == 99 then
    remove(place_of.index, id)
    redis.call('HSET', QUARANTINE, id, 'it ended, and cannot be read')
    redis.pcall('HSET', run_key(id), 'aside', 1)
  elseif not run or (run.status < 3 or run.status > 5) then
    remove(place_of.index, id)
  else
    leave(id, run)
    remove(P .. 'type:' .. run.job_type, id)
    types[run.job_type] = true
    if run.batch then remove(P .. 'members:' .. run.batch, id) end
    for _, tag in ipairs(tags_of(run)) do remove(P .. 'tag:' .. tag, id) end
    keys[#keys + 1] = own_key(id, run)
    keys[#keys + 1] = run_key(id)
    keys[#keys + 1] = P .. 'log:' .. id
    keys[#keys + 1] = P .. 'steps:' .. id
    keys[#keys + 1] = P .. 'signals:' .. id
    deleted = deleted + 1
  end
end
for first = 1, #keys, MEMBERS_MAX do
  redis.call('UNLINK', unpack(keys, first, math.min(first + MEMBERS_MAX - 1, #keys)))
end
flush()
for job_type in pairs(types) do
  if redis.call('EXISTS', P .. 'type:' .. job_type) == 0 then redis.call('SREM', TYPES, job_type) end
end
return { deleted, #ended }
