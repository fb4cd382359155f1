-- The lines before this define `requests`, each with its method, path, headers and body; the `order` in which they are
-- sent; the expected `status`; and `another`, a placeholder that is replaced by a new number each time.

local texts, position, number = {}, 0, os.time() * 1e6
local is_new = false

function init()
    for i, parts in ipairs(requests) do
        texts[i] = wrk.format(unpack(parts))
        is_new = is_new or texts[i]:find(another, 1, true) ~= nil
    end
end

function request()
    position = position % #order + 1
    local text = texts[order[position]]
    if is_new then
        number = number + 1
        text = text:gsub(another, string.format('%016.0f', number))
    end
    return text
end

function response(received)
    if received ~= status then
        print('status ' .. received)
        os.exit(1)
    end
end

function done(summary, latency)
    io.write(string.format('RESULT %d %d %f %f\n', summary.requests, summary.duration,
        latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
