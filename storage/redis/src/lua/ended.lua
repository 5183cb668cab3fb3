-- The order of runs that ended: by when, then by id.

local function id_order(id) return { struct.unpack('>I6I6I4', id) } end

local function ended_before(a, b)
  if a.at ~= b.at then return a.at < b.at end
  for i = 1, 3 do
    if a.order[i] ~= b.order[i] then return a.order[i] < b.order[i] end
  end
  return false
end

-- How many of an index stand at a place or before it. Among those that ended at the same
-- instant, members stand in the order of their bytes: halving finds the place.
local function ranks_until(index, mark)
  if not mark then return 0 end
  local at = whole(mark.at)
  local low = redis.call('ZCOUNT', index, '-inf', '(' .. at)
  local high = low + redis.call('ZCOUNT', index, at, at)
  while low < high do
    local middle = math.floor((low + high) / 2)
    local id = redis.call('ZRANGE', index, middle, middle)[1]
    if ended_before(mark, { at = mark.at, order = id_order(id) }) then
      high = middle
    else
      low = middle + 1
    end
  end
  return low
end

-- Up to so many runs that ended before an instant, behind a mark, earliest first.
local function first_ended(before, limit, mark)
  local found = {}
  for index = 6, 8 do
    local from = ranks_until(KEYS[index], mark)
    local places = redis.call('ZRANGE', KEYS[index], from, from + limit - 1, 'WITHSCORES')
    for i = 1, #places, 2 do
      local at = tonumber(places[i + 1])
      if at >= before then break end
      found[#found + 1] = { id = places[i], at = at, order = id_order(places[i]), index = KEYS[index] }
    end
  end
  table.sort(found, ended_before)
  for i = #found, limit + 1, -1 do found[i] = nil end
  return found
end
