-- The labels of a run, which stand behind its job type: their number, then each with its
-- length. Spoilt ones are left in their indexes, where listings pass over them.
local function tags_of(run)
  local tags, at = {}, run.tags_at
  for i = 1, byte(run.new, at) or 0 do
    local is_read, tag, next_at = pcall(struct.unpack, 'Bc0', run.new, at + 1)
    if not is_read then break end
    tags[i], at = tag, next_at - 1
  end
  return tags
end
