-- New members of batches: a batch takes those of its tenant while it is open.

local function takes(batch, tenant)
  local of = redis.call('HMGET', batch_key(batch), 'tenant', 'closed')
  return of[1] == tenant and of[2] == '0'
end

-- The batch of a group of new runs, as `store` takes them, that takes none of them; nothing if all
-- is well. Of runs that are stored already nothing is asked.
local function closed_batch(key, at)
  while key <= #KEYS do
    local alike, batch = tonumber(ARGV[at]), sub(ARGV[at + 6], 2)
    if batch ~= '' and not takes(batch, (parts_of(ARGV[at + 1]))) then
      for i = key, key + alike - 1 do
        if redis.call('EXISTS', KEYS[i]) == 0 then return batch end
      end
    end
    key, at = key + alike, at + 9 + tonumber(ARGV[at + 7]) + 2 * alike
  end
end
