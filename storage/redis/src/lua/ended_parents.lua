-- Runs that ended while others waited. KEYS: ends. ARGV: what keys begin with, limit.
-- Answers for each its id and status, and those that wait: id, condition, for how many.
local P, left, answer = ARGV[1], tonumber(ARGV[2]), {}
for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, left - 1)) do
  if left <= 0 then break end
  local id, children = string.sub(member, 1, 16), {}
  for _, child in ipairs(redis.call('ZRANGE', P .. 'followers:' .. id, 0, left - 1)) do
    local after = P .. 'after:' .. child
    children[#children + 1] = child
    children[#children + 1] = redis.call('HGET', after, id) or ''
    children[#children + 1] = redis.call('HLEN', after)
    left = left - 1
  end
  answer[#answer + 1] = id
  answer[#answer + 1] = string.sub(member, 17)
  answer[#answer + 1] = children
end
return answer
