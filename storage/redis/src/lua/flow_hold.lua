-- Holds ready runs of one lane that a new limit applies to. ARGV: the scope, the lane, how many
-- runs at its end to pass over, how many to look at before these, the job type or '', '1' if
-- only runs with a limit key. Answers how many were looked at and how many held.
--
-- From the end, because claims take from the beginning.
local scope, lane = ARGV[ARG_FIRST], ARGV[ARG_FIRST + 1]
local skip, count_max = tonumber(ARGV[ARG_FIRST + 2]), tonumber(ARGV[ARG_FIRST + 3])
local job_type, needs_key = ARGV[ARG_FIRST + 4], ARGV[ARG_FIRST + 5] == '1'
if redis.call('SISMEMBER', P .. 'flow:settling', scope) == 0 then return { 0, 0 } end
local members = redis.call('ZRANGE', lane_key(lane), -(skip + count_max), -(skip + 1))
local held = 0
for _, member in ipairs(members) do
  local id = sub(member, -16)
  local run = look(id)
  if run and run.status == 0 and (job_type == '' or run.job_type == job_type) then
    if run.limit_key or not needs_key then
      hold(id, run)
      held = held + 1
    end
  end
end
flush()
return { #members, held }
