package state

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A cached is a function whose results are kept for a time. It is immutable.
type cached struct {
	host.Object
	lib   *library
	fn    starlark.Callable
	name  string
	lasts time.Duration
}

var _ starlark.Callable = (*cached)(nil)

// longest is how long a result may be kept.
const longest = 30 * 24 * time.Hour

func cachedMember() host.Member {
	return host.Member{
		Name: "cached",
		Doc: "Returns a function that does as fn does, and keeps what it returned for each list of " +
			"arguments: it is not called again until the time has passed, by no process. What many ask for at " +
			"once is made once, over all processes; the others wait. While what keeps state cannot be reached, " +
			"each process does so for itself. An error is not kept. It is called at the top level of a script. " +
			"Each process has the 10,000 results in memory that were used last, 64 MiB of them.",
		Params: []host.Param{
			{
				Name: "seconds", Type: durationType,
				Doc: "for how long: a number of seconds, or a text as \"10m\"; 30 days at most",
			},
			{Name: "fn", Doc: "a function whose arguments and result JSON can say"},
			{
				Name: "name", Default: starlark.String(""),
				Doc: "what the results are kept by; \"\" is the name of fn and of its file. A new name forgets them",
			},
		},
		Result: "a function, whose result is frozen: what JSON made of it, a list for a tuple",
		Errors: []host.Failure{
			{When: "seconds is out of bounds, fn has no name, or the name is taken"},
			{When: "of the function: arguments or result are none that JSON can say (value), or too large " +
				"(size), or it calls itself with the same arguments (usage)"},
		},
		Example: `asked = []
def price(drink):
    asked.append(drink)
    return {"tea": 2}[drink]

quick = cached("10m", price)
quick("tea") + quick(drink = "tea") + quick("tea")  # 6
len(asked) <= 2  # True
quick("milk")  # error: key "milk" not in dict`,
		Fn: func(l *library, seconds starlark.Value, fn starlark.Callable, name string) (*cached, error) {
			return l.cached(seconds, fn, name)
		},
	}
}

// cached is cached(seconds, fn, name).
func (l *library) cached(seconds starlark.Value, fn starlark.Callable, name string) (*cached, error) {
	lasts, err := durationOf("seconds", seconds, time.Millisecond, longest)
	if err == nil && lasts == 0 {
		err = failed(KindUsage, "seconds is %s: say for how long results are kept", seconds)
	}
	if err != nil {
		return nil, err
	}
	if name == "" {
		if name = fn.Name(); name == "lambda" || name == "" {
			return nil, failed(KindUsage, "the function has no name: pass name")
		}
		if f, ok := fn.(*starlark.Function); ok {
			name = strings.TrimSuffix(f.Position().Filename(), path.Ext(f.Position().Filename())) + "/" + name
		}
	}
	if _, err := subjectOf(name); err != nil || len(name) > maxName {
		return nil, failed(KindUsage,
			"the name of a cached function has 1 to %d characters, and no empty part between dots", maxName)
	}
	if err := l.top("cached"); err != nil {
		return nil, err
	}
	if !l.take(name) {
		return nil, failed(KindUsage, "two cached functions have the name %s: pass name", host.Show(starlark.String(name)))
	}
	return &cached{"kv.cached", l, fn, name, lasts}, nil
}

func (c *cached) String() string { return "<kv.cached " + c.name + ">" }

// Name is that of a function.
func (c *cached) Name() string { return c.fn.Name() }

// Freeze freezes the function.
func (c *cached) Freeze() { c.fn.Freeze() }

// CallInternal returns what is kept, or has it made.
func (c *cached) CallInternal(
	t *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	all := &c.lib.grant.results
	var room [maxPlain]byte
	if b := c.plain(room[:0], args); b != nil && len(kwargs) == 0 {
		if v := all.find(b, time.Now()); v != nil {
			return v, nil
		}
	}
	key, err := c.key(args, kwargs)
	if err != nil {
		return nil, err
	}
	for {
		if v := all.find([]byte(key), time.Now()); v != nil {
			return v, nil
		}
		f, mine := all.begin(key, t)
		if mine {
			v, err := c.make(t, key, args, kwargs)
			all.end(key, f)
			return v, err
		}
		if f.thread == t {
			return nil, failed(KindUsage, "%s calls itself with the same arguments", c.name)
		}
		err := host.CallOf(t).Wait(func(ctx context.Context) error {
			select {
			case <-f.done:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		if err != nil {
			return nil, err
		}
	}
}

// key is what a result is kept by: the name, and the arguments as JSON.
func (c *cached) key(args starlark.Tuple, kwargs []starlark.Tuple) (string, error) {
	var of starlark.Value = args
	if len(kwargs) > 0 {
		named := starlark.NewDict(len(kwargs))
		for _, kv := range kwargs {
			if err := named.SetKey(kv[0], kv[1]); err != nil {
				return "", err
			}
		}
		of = starlark.Tuple{args, named}
	}
	text, err := values.Encode(of)
	if err != nil {
		return "", failed(KindValue, "%s: an argument is none that JSON can say: %v", c.name, err)
	}
	return c.name + " " + text, nil
}

// maxPlain is how many bytes a key has at most that is made without JSON.
const maxPlain = 256

// plain appends the key of arguments that are short, and are None, bools, ints, or strings of which JSON
// escapes nothing: it costs no allocation. It is nil if they are not.
func (c *cached) plain(b []byte, args starlark.Tuple) []byte {
	if len(c.name) > maxPlain/2 {
		return nil
	}
	b = append(append(b, c.name...), ' ', '[')
	for i, v := range args {
		if i > 0 {
			b = append(b, ',')
		}
		const longest = 24 // of all but strings, with what stands around them
		switch v := v.(type) {
		case starlark.String:
			if len(v) > cap(b)-len(b)-longest || !isPlainText(string(v)) {
				return nil
			}
			b = append(append(append(b, '"'), v...), '"')
		case starlark.Int:
			n, ok := v.Int64()
			if !ok {
				return nil
			}
			b = strconv.AppendInt(b, n, 10)
		case starlark.Bool:
			b = strconv.AppendBool(b, bool(v))
		case starlark.NoneType:
			b = append(b, "null"...)
		default:
			return nil
		}
		if cap(b)-len(b) < longest {
			return nil
		}
	}
	return append(b, ']')
}

// isPlainText reports whether JSON has text as it is.
func isPlainText(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// subject is where a result is kept for all processes.
func (c *cached) subject(key string) string {
	sum := sha256.Sum256([]byte(key))
	return prefixOf(cachedBucket) + escape(c.name) + "." + hex.EncodeToString(sum[:16])
}

// make finds a result that another process has made, or makes it.
func (c *cached) make(
	t *starlark.Thread, key string, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	s := &shared{lib: c.lib, thread: t, name: c.name, subject: c.subject(key), lasts: c.lasts}
	defer s.release()
	data, until, err := s.claim()
	if err == nil && data != nil {
		return c.keep(key, data, until)
	}
	if err != nil && !isKind(err, KindUnavailable) && !isKind(err, KindTimeout) && !isKind(err, KindFull) {
		return nil, err
	}
	v, err := starlark.Call(t, c.fn, args, kwargs)
	if err != nil {
		return nil, err
	}
	if data, err = encode(v); err != nil {
		return nil, err
	}
	until = time.Now().Add(c.lasts)
	s.publish(data, until)
	return c.keep(key, data, until)
}

// keep keeps a result in this process, and returns it.
func (c *cached) keep(key string, data []byte, until time.Time) (starlark.Value, error) {
	v, err := decode(data)
	if err != nil {
		return nil, err
	}
	v.Freeze()
	c.lib.grant.results.keep(&result{key: key, value: v, until: until, size: 4 * len(data)})
	return v, nil
}
