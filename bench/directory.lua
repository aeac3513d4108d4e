-- SPDX-License-Identifier: ISC
-- wrk's requests: GET of a random certificate by its fingerprint. NAMES: the file of fingerprints; PATH: what stands
-- before one, as "/pks/lookup?op=get&options=mr&search=0x"; COUNT: how many of NAMES are there.
local names, count, path, thread_count = nil, 0, nil, 0

function setup(thread)
   thread:set("number", thread_count)
   thread_count = thread_count + 1
end

function init(args)
   local file = assert(io.open(os.getenv("NAMES"), "rb"))
   names = file:read("*a")
   file:close()
   path = os.getenv("LOOKUP")
   count = tonumber(os.getenv("COUNT"))
   math.randomseed(os.time() * 16 + number)
end

function request()
   local at = math.random(0, count - 1) * 20
   local hex = names:sub(at + 1, at + 20):gsub(".", function(c) return string.format("%02X", c:byte()) end)
   return wrk.format("GET", path .. hex)
end

-- Answers that are not 200 are counted by wrk; what is no certificate is told here.
function done(summary, latency, requests)
   local e = summary.errors
   io.write(string.format("RESULT %d %d %d %d\n", summary.requests, summary.duration, e.status,
                          e.connect + e.read + e.write + e.timeout))
end
