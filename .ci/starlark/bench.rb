def fib(n = 26)
  n < 2 ? n : fib(n - 1) + fib(n - 2)
end

def nbody
  bodies = [[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 39.47]]
  (1..4).each { |i| bodies << [i.to_f, 0.3 * i, 0.1, 0.0, 2.0 / i, 0.1, 0.03 / i] }
  20000.times do
    5.times do |i|
      a = bodies[i]
      (i + 1).upto(4) do |j|
        b = bodies[j]
        x, y, z = a[0] - b[0], a[1] - b[1], a[2] - b[2]
        d = x * x + y * y + z * z + 1.0
        m = 0.001 / (d * d)
        p, q = b[6] * m, a[6] * m
        a[3] -= x * p
        a[4] -= y * p
        a[5] -= z * p
        b[3] += x * q
        b[4] += y * q
        b[5] += z * q
      end
    end
    bodies.each do |a|
      a[0] += 0.001 * a[3]
      a[1] += 0.001 * a[4]
      a[2] += 0.001 * a[5]
    end
  end
  (bodies[1][0] * 100).to_i
end

def mandelbrot
  size, inside = 200, 0
  size.times do |row|
    size.times do |column|
      x, y = 0.0, 0.0
      cx, cy = 3.0 * column / size - 2.0, 2.0 * row / size - 1.0
      inside += 1
      50.times do
        xx, yy = x * x, y * y
        if xx + yy > 4.0
          inside -= 1
          break
        end
        x, y = xx - yy + cx, 2.0 * x * y + cy
      end
    end
  end
  inside
end

def strings
  parts = []
  200000.times { |i| parts << "<li>#{i}: #{"item"}</li>" }
  text = parts.join
  text.size + text.gsub("item", "thing").split("<li>").size
end

def dicts
  counts, key = {}, 1
  500000.times do
    key = (key * 1103515245 + 12345) % 2147483648
    word = key % 5000
    counts[word] = (counts[word] || 0) + 1
  end
  counts.size + counts.values.max
end

def sorting
  n, key, numbers = 200000, 1, []
  n.times do
    key = (key * 1103515245 + 12345) % 2147483648
    numbers << key
  end
  ordered = numbers.sort
  ordered[n / 2] + numbers.sort { |a, b| b <=> a }[0]
end

puts send(ARGV[0]) if ARGV[0] != "nothing"
