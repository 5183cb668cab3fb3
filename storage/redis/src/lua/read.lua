-- Reads runs. KEYS: the runs. ARGV: bytes at most, '1' to leave out input and output.
-- Answers the fields of as many as fit, at least one; none for a run that is not there.
local bytes_max, is_light = tonumber(ARGV[1]), ARGV[2] == '1'
local answers, bytes = {}, 0
for i = 1, #KEYS do
  local fields = redis.pcall('HGETALL', KEYS[i])
  if fields.err then fields = { 'aside', '1' } end
  for at = 1, #fields, 2 do
    if is_light and (fields[at] == 'input' or fields[at] == 'output') then
      fields[at + 1] = 'null'
    end
    bytes = bytes + #fields[at + 1]
  end
  answers[i] = fields
  if bytes >= bytes_max then break end
end
return answers
