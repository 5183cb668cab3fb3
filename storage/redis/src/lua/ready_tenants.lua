-- Tenants that have a pending run, in the order of their names. KEYS: the lanes.
-- ARGV: behind which one, or '', how many at most, then the names of queues; none for all.
local LANES_MAX = 1000
local from = ARGV[1] == '' and '-' or '(' .. ARGV[1] .. ',\255'
local limit = tonumber(ARGV[2])
local is_wanted
for at = 3, #ARGV do
  is_wanted = is_wanted or {}
  is_wanted[ARGV[at]] = true
end
local tenants = {}
if limit == 0 then return tenants end
repeat
  local lanes = redis.call('ZRANGEBYLEX', KEYS[1], from, '+', 'LIMIT', 0, LANES_MAX)
  for _, lane in ipairs(lanes) do
    local tenant, queue = string.match(lane, '^(.-),(.*)$')
    if tenant and tenant ~= tenants[#tenants] and (not is_wanted or is_wanted[queue]) then
      tenants[#tenants + 1] = tenant
      if #tenants == limit then return tenants end
    end
    from = '(' .. lane
  end
until #lanes < LANES_MAX
return tenants
