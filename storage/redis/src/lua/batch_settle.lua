-- Writes a decision about a batch, if it is the one that `zapjobs_model::batch::decide` makes.
-- KEYS: the batch. ARGV: its id, the decision. Answers 0 written, 1 not called for, 2 no such batch;
-- the queues and notices.
local BATCH, id, wanted = KEYS[RUN_FIRST], ARGV[ARG_FIRST], ARGV[ARG_FIRST + 1]
local of = redis.call('HMGET', BATCH, 'closed', 'unfinished', 'failed', 'cancelled',
  'completed_at', 'succeeded_at', 'parent', 'on_complete', 'on_success')
local closed, unfinished, failed, cancelled, completed_at, succeeded_at = unpack(of, 1, 6)
local parent, on_complete, on_success = unpack(of, 7, 9)
if not closed then return { 2, {}, 0 } end

local function decide()
  if closed ~= '1' or unfinished ~= '0' or succeeded_at then return nil end
  local has_succeeded = failed == '0' and cancelled == '0'
  if completed_at then return has_succeeded and 'late-success' or nil end
  return has_succeeded and 'complete-with-success' or 'complete'
end

if decide() ~= wanted then return { 1, {}, 0 } end

-- One that is held no more is left as it is.
local function call_back(run_id)
  local run = run_id and look(run_id)
  if run and run.status == 7 and not run.line
    and redis.call('EXISTS', after_key(run_id)) == 0 then
    let_go(run_key(run_id), run_id, run)
  end
end

local before, after = 2, 3
if wanted == 'complete' then after = 4 elseif wanted == 'late-success' then before = 4 end
if before == 2 then
  redis.call('HSET', BATCH, 'completed_at', whole(NOW))
  call_back(on_complete)
end
if after == 3 then
  redis.call('HSET', BATCH, 'succeeded_at', whole(NOW))
  call_back(on_success)
end
if parent then shift_member(parent, before, after) end
index_batch(id)
local queues, must_wait = flush()
return { 0, queues, must_wait }
