-- Before this stand: `requests`, each with its method, path, headers and body; the `order` in which they
-- are sent; the `status` that they are answered with; and what stands in a request for `another` number.

local texts, place, number = {}, 0, os.time() * 1e6
local is_new = false

function init()
    for i, asked in ipairs(requests) do
        texts[i] = wrk.format(unpack(asked))
        is_new = is_new or texts[i]:find(another, 1, true) ~= nil
    end
end

function request()
    place = place % #order + 1
    local text = texts[order[place]]
    if is_new then
        number = number + 1
        text = text:gsub(another, string.format('%016.0f', number))
    end
    return text
end

function response(told)
    if told ~= status then
        print('status ' .. told)
        os.exit(1)
    end
end

function done(summary, latency)
    io.write(string.format('RESULT %d %d %f %f\n', summary.requests, summary.duration,
        latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
