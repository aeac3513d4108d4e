-- SPDX-License-Identifier: ISC
-- wrk's requests: GET of a random certificate by its fingerprint. NAMES: the file of fingerprints, DIGITS of hex each;
-- LOOKUP: what stands before one, as "/pks/lookup?op=get&options=mr&search=0x"; COUNT: how many of NAMES are there.
-- A request is three texts put together, so that wrk does as little as it can.
local DIGITS = 40
local names, count, before, behind = nil, 0, nil, nil
local thread_count = 0

function setup(thread)
   thread:set("number", thread_count)
   thread_count = thread_count + 1
end

function init(args)
   local file = assert(io.open(os.getenv("NAMES"), "rb"))
   names = file:read("*a")
   file:close()
   count = tonumber(os.getenv("COUNT"))
   before, behind = wrk.format("GET", os.getenv("LOOKUP") .. "@"):match("^([^@]*)@(.*)$")
   math.randomseed(os.time() * 16 + number)
end

function request()
   local at = math.random(0, count - 1) * DIGITS
   return before .. names:sub(at + 1, at + DIGITS) .. behind
end

-- Answers that are not 200 are counted by wrk; what is no certificate is told here.
function done(summary, latency, requests)
   local e = summary.errors
   io.write(string.format("RESULT %d %d %d %d\n", summary.requests, summary.duration, e.status,
                          e.connect + e.read + e.write + e.timeout))
end
