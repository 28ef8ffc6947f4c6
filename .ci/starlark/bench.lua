local bench = {}

function bench.fib(n)
  n = n or 26
  if n < 2 then return n end
  return bench.fib(n - 1) + bench.fib(n - 2)
end

function bench.nbody()
  local bodies = { { 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 39.47 } }
  for i = 1, 4 do bodies[i + 1] = { i + 0.0, 0.3 * i, 0.1, 0.0, 2.0 / i, 0.1, 0.03 / i } end
  for _ = 1, 20000 do
    for i = 1, 5 do
      local a = bodies[i]
      for j = i + 1, 5 do
        local b = bodies[j]
        local x, y, z = a[1] - b[1], a[2] - b[2], a[3] - b[3]
        local d = x * x + y * y + z * z + 1.0
        local m = 0.001 / (d * d)
        local p, q = b[7] * m, a[7] * m
        a[4] = a[4] - x * p
        a[5] = a[5] - y * p
        a[6] = a[6] - z * p
        b[4] = b[4] + x * q
        b[5] = b[5] + y * q
        b[6] = b[6] + z * q
      end
    end
    for _, a in ipairs(bodies) do
      a[1] = a[1] + 0.001 * a[4]
      a[2] = a[2] + 0.001 * a[5]
      a[3] = a[3] + 0.001 * a[6]
    end
  end
  local v = bodies[2][1] * 100
  return v < 0 and math.ceil(v) or math.floor(v)
end

function bench.mandelbrot()
  local size, inside = 200, 0
  for row = 0, size - 1 do
    for column = 0, size - 1 do
      local x, y = 0.0, 0.0
      local cx, cy = 3.0 * column / size - 2.0, 2.0 * row / size - 1.0
      inside = inside + 1
      for _ = 1, 50 do
        local xx, yy = x * x, y * y
        if xx + yy > 4.0 then
          inside = inside - 1
          break
        end
        x, y = xx - yy + cx, 2.0 * x * y + cy
      end
    end
  end
  return inside
end

function bench.strings()
  local parts = {}
  for i = 0, 199999 do parts[#parts + 1] = string.format("<li>%d: %s</li>", i, "item") end
  local text = table.concat(parts)
  local pieces = {}
  for piece in (text:gsub("item", "thing") .. "<li>"):gmatch("(.-)<li>") do pieces[#pieces + 1] = piece end
  return #text + #pieces
end

function bench.dicts()
  local counts, key, distinct, most = {}, 1, 0, 0
  for _ = 1, 500000 do
    key = (key * 1103515245 + 12345) % 2147483648
    local word = key % 5000
    counts[word] = (counts[word] or 0) + 1
  end
  for _, n in pairs(counts) do
    distinct = distinct + 1
    if n > most then most = n end
  end
  return distinct + most
end

function bench.sorting()
  local n, key, numbers, other = 200000, 1, {}, {}
  for i = 1, n do
    key = (key * 1103515245 + 12345) % 2147483648
    numbers[i], other[i] = key, key
  end
  table.sort(numbers)
  table.sort(other, function(a, b) return a > b end)
  return numbers[n // 2 + 1] + other[1]
end

if arg[1] ~= "nothing" then print(bench[arg[1]]()) end
