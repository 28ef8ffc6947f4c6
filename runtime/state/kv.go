package state

import (
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"
)

// KV describes @kv, which is granted a [*Grant].
func KV() *host.Module {
	return &host.Module{
		Name: "kv",
		Doc: "Buckets of values by key, which outlive requests and reloads and are the same for all " +
			"processes and machines of a site. A value is what JSON can say, 1,000,000 bytes of it at most; a " +
			"tuple comes back as a list, a time as a string. A key is any text of 1 to 256 bytes; dots " +
			"separate its parts.",
		Grant:   "what keeps state",
		Members: []host.Member{bucketMember(), counterMember(), cachedMember()},
		Types:   []*host.Type{bucketType, entryType, counterType},
		Whole:   true,
		Scene: `notes = bucket("notes")
for key in notes.keys():
    notes.delete(key)
notes.put("tea", {"cups": 2})`,
		Open: open("kv"),
	}
}

func bucketMember() host.Member {
	return host.Member{
		Name: "bucket",
		Doc: "Returns a bucket, which is made when something is first put into it. It is called at the top " +
			"level of a script.",
		Params: []host.Param{
			{Name: "name", Doc: "a-z, 0-9, _ and -, 64 at most; not beginning with larkspur", Type: "string"},
			{
				Name: "ttl", Type: durationType, Default: starlark.None,
				Doc: "how long after it was put a value goes; None keeps it",
			},
			{
				Name: "history", Default: starlark.MakeInt(1),
				Doc: "how many versions of a value are kept, the present one included, 64 at most",
			},
		},
		Result: "kv.bucket",
		Errors: []host.Failure{
			{When: "name, ttl or history is out of bounds, or another bucket() of the program has said it otherwise"},
		},
		Example: `bucket("notes")  # <kv.bucket notes>
bucket("Notes")  # error: is no name of a bucket
bucket("notes", history = 100)  # error: history is 100, not from 1 to 64`,
		Fn: func(l *library, name string, ttl starlark.Value, history int) (*bucket, error) {
			return l.bucket(name, ttl, history)
		},
	}
}

// durationType is what a script passes for a time that something takes.
const durationType = "int, float, string, time.duration or None"

// durationOf reads how long something is: seconds, a text as "1h30m", or a duration of @time. None is
// 0.
func durationOf(name string, v starlark.Value, least, most time.Duration) (time.Duration, error) {
	var d time.Duration
	switch v := v.(type) {
	case nil, starlark.NoneType:
		return 0, nil
	case startime.Duration:
		d = time.Duration(v)
	case starlark.String:
		var err error
		if d, err = time.ParseDuration(string(v)); err != nil {
			return 0, failed(KindUsage, "%s is %s, which is no time: write \"90s\", \"10m\" or \"36h\"", name, host.Show(v))
		}
	default:
		f, ok := starlark.AsFloat(v)
		if !ok {
			return 0, failed(KindUsage, "%s is %s, neither seconds nor a string as \"10m\"", name, v.Type())
		}
		if !(f >= 0 && f <= most.Seconds()) {
			return 0, failed(KindUsage, "%s is %v seconds, not from %v to %v", name, v, least, most)
		}
		d = time.Duration(f * float64(time.Second))
	}
	if d < least || d > most {
		return 0, failed(KindUsage, "%s is %v, not from %v to %v", name, d, least, most)
	}
	return d, nil
}

const (
	leastTTL = time.Second
	mostTTL  = 10 * 365 * 24 * time.Hour
)
