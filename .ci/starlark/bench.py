import json
import sys


def fib(n=26):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def nbody(steps=20000):
    bodies = [[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 39.47]] + [
        [float(i), 0.3 * i, 0.1, 0.0, 2.0 / i, 0.1, 0.03 / i]
        for i in range(1, 5)
    ]
    for _ in range(steps):
        for i in range(5):
            a = bodies[i]
            for j in range(i + 1, 5):
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
        for a in bodies:
            a[0] += 0.001 * a[3]
            a[1] += 0.001 * a[4]
            a[2] += 0.001 * a[5]
    return int(bodies[1][0] * 100)


def mandelbrot(size=200):
    inside = 0
    for row in range(size):
        for column in range(size):
            x, y = 0.0, 0.0
            cx, cy = 3.0 * column / size - 2.0, 2.0 * row / size - 1.0
            inside += 1
            for _ in range(50):
                xx, yy = x * x, y * y
                if xx + yy > 4.0:
                    inside -= 1
                    break
                x, y = xx - yy + cx, 2.0 * x * y + cy
    return inside


def strings(n=200000):
    parts = []
    for i in range(n):
        parts.append("<li>%d: %s</li>" % (i, "item"))
    text = "".join(parts)
    return len(text) + len(text.replace("item", "thing").split("<li>"))


def dicts(n=500000):
    counts = {}
    key = 1
    for _ in range(n):
        key = (key * 1103515245 + 12345) % 2147483648
        word = key % 5000
        counts[word] = counts.get(word, 0) + 1
    return len(counts) + max(counts.values())


def sorting(n=200000):
    numbers = []
    key = 1
    for _ in range(n):
        key = (key * 1103515245 + 12345) % 2147483648
        numbers.append(key)
    ordered = sorted(numbers)
    return ordered[n // 2] + sorted(numbers, key=lambda k: -k)[0]


def transform(n=100):
    text = json.dumps([{"id": i, "name": "user%d" % i, "tags": ["a", "b"], "score": i * 0.5} for i in range(500)])
    size = 0
    for _ in range(n):
        kept = [
            {"id": user["id"], "name": user["name"].upper()}
            for user in json.loads(text)
            if user["score"] > 100
        ]
        size += len(json.dumps(kept, separators=(",", ":")))
    return size


if sys.argv[1] != "nothing":
    print(globals()[sys.argv[1]]())
