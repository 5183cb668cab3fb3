-- Gives runs under way within a scope a slot in each of their gates, and notes that the limit's
-- ready runs are held. ARGV: the scope, the tenant or '', the queue or '', the job type or '', '1' if
-- only runs with a limit key. There are as many as hosts execute.
local scope, tenant, queue, job_type = unpack(ARGV, ARG_FIRST, ARG_FIRST + 3)
local needs_key = ARGV[ARG_FIRST + 4] == '1'
redis.call('INCR', P .. 'flow:version')
if redis.call('SREM', P .. 'flow:settling', scope) == 0 then return 0 end
for _, id in ipairs(redis.call('ZRANGE', RUNNING, 0, -1)) do
  local run = look(id)
  if run and run.status == 2 then
    local of_tenant, of_queue = parts_of(run.lane)
    local is_within = (tenant == '' or tenant == of_tenant) and (queue == '' or queue == of_queue)
      and (job_type == '' or job_type == run.job_type) and (run.limit_key or not needs_key)
    if is_within then
      if run.slots then give_back(id, run.slots) end
      local scopes, gates = scopes_of(run.lane, run.job_type, run.limit_key)
      local slots = {}
      for i, allows in ipairs(redis.call('HMGET', LIMITS, unpack(scopes))) do
        if allows and type(cjson.decode(allows).concurrency) == 'number' then
          slots[#slots + 1] = gates[i]
        end
      end
      take_slots(id, table.concat(slots, '\n'), run.state)
    end
  end
end
write_indexes()
return 1
