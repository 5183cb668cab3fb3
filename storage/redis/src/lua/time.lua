-- The instant. KEYS: any, to find the server. ARGV: now, if the caller knows better.
return whole(read_clock(ARGV[1]))
