package state

import (
	"github.com/larkspur-web/larkspur/runtime/host"
	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"
)

// An entry is a row as a script sees it. It is immutable.
type entry struct {
	host.Object
	row   *row
	value starlark.Value
}

var _ starlark.HasAttrs = (*entry)(nil)

// newEntry returns the entry of a row.
func newEntry(r *row) (*entry, error) {
	e := &entry{"kv.entry", r, starlark.None}
	if r.deleted {
		return e, nil
	}
	var err error
	e.value, err = decode(r.data)
	return e, err
}

// Freeze freezes the value.
func (e *entry) Freeze() { e.value.Freeze() }

// AttrNames are those of the description.
func (e *entry) AttrNames() []string { return entryType.AttrNames() }

// Attr returns what the entry has.
func (e *entry) Attr(name string) (starlark.Value, error) {
	switch name {
	case "key":
		return starlark.String(e.row.key), nil
	case "value":
		return e.value, nil
	case "version":
		return starlark.MakeUint64(e.row.version), nil
	case "time":
		return startime.Time(e.row.time.UTC()), nil
	case "deleted":
		return starlark.Bool(e.row.deleted), nil
	}
	return nil, nil
}

var entryType = &host.Type{
	Name: "kv.entry",
	Doc:  "What a bucket has, or had, under a key.",
	Members: []host.Member{
		{Name: "key", Doc: "The key."},
		{Name: "value", Doc: "The value; None if it was deleted."},
		{Name: "version", Doc: "An int: a later value of the key, and of any other of the bucket, has a larger one."},
		{Name: "time", Doc: "When it was put, a time of @time."},
		{Name: "deleted", Doc: "Whether it says that the key was deleted, or its ttl has passed."},
	},
}
