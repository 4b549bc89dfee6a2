-- For wrk: posts the file named after the URL, each time with a hookInstance of its own and, where
-- a file of tokens is named too, with the next token of it; prints what load.py reads.
local INSTANCE = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
local TOKEN = "<token>"
local worker

function setup(thread)
  worker = thread
end

local function content(name)
  local file = assert(io.open(name, "rb"))
  local all = file:read("*a")
  file:close()
  return all
end

local function split(text, at)
  local from, to = text:find(at, 1, true)
  return text:sub(1, from - 1), text:sub(to + 1)
end

function init(args)
  local run, tokens = args[2], {}
  used = 0
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.body = content(args[1])
  if args[3] then
    for token in content(args[3]):gmatch("%S+") do tokens[#tokens + 1] = token end
    wrk.headers["Authorization"] = "Bearer " .. TOKEN
  end
  local rest, tail = split(wrk.format(), INSTANCE)
  local head, middle = rest, ""
  if args[3] then head, middle = split(rest, TOKEN) end
  request = function()
    used = used + 1
    local instance = string.format("%s-0000-4000-8000-%012x", run, used)
    return head .. (tokens[math.min(used, #tokens)] or "") .. middle .. instance .. tail
  end
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  print(string.format(
    "figures %d %.6f %.3f %.3f %d %d",
    summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, failed, worker:get("used")
  ))
end
