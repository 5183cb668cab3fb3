-- Deletes runs that ended before an instant, with their logs. ARGV: the instant, limit.
-- Answers how many were deleted and how many were looked at.
local ids = redis.call('ZRANGEBYSCORE', FINISHED, '-inf', '(' .. ARGV[ARG_FIRST], 'LIMIT', 0,
  ARGV[ARG_FIRST + 1])
local deleted = 0
for _, id in ipairs(ids) do
  local key = P .. 'run:' .. id
  local run = redis.pcall('HMGET', key, 'status', 'queue', 'job_type', 'tags')
  local status = tonumber(run[1] or nil)
  if status == 3 or status == 4 or status == 5 then
    leave(id, run[2] or '', status)
    if run[3] then remove(P .. 'type:' .. run[3], id) end
    local is_read, tags = pcall(cjson.decode, run[4] or '[]')
    if is_read and type(tags) == 'table' then
      for _, tag in ipairs(tags) do
        if type(tag) == 'string' then remove(P .. 'tag:' .. tag, id) end
      end
    end
    redis.call('UNLINK', key, P .. 'log:' .. id)
    deleted = deleted + 1
  else
    remove(FINISHED, id)
  end
end
flush()
return { deleted, #ids }
