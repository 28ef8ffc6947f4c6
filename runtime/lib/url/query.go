package url

import (
	"errors"
	"fmt"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

func urlencodeMember() host.Member {
	return host.Member{
		Name: "urlencode",
		Doc:  "Writes names and values as a query, or as the body of a form.",
		Params: append(append([]host.Param{
			{
				Name: "query",
				Doc: "a dict, or an iterable of pairs, of names and values; what is no " +
					"string and no bytes is written as str does",
				Type: "dict or iterable",
			},
			{
				Name: "doseq",
				Doc: "whether a list or another sequence as a value is one pair for " +
					"each element",
				Default: starlark.False,
			},
			safe(""),
		}, encoding()...), host.Param{
			Name: "quote_via",
			Doc: "the function that escapes, called with a text and safe; None " +
				"is quote_plus",
			Type: "callable", Default: starlark.None,
		}),
		Result: "a string",
		Errors: []host.Failure{
			{When: "query is neither a dict nor an iterable of pairs"},
			{When: "the result would be longer than 16 MiB"},
		},
		Example: `urlencode({"q": "green tea", "page": 2})  # "q=green+tea&page=2"
urlencode([("id", [1, 2])], doseq = True)  # "id=1&id=2"`,
		Pure: true,
		Fn: func(
			t *starlark.Thread, query starlark.Value, doseq bool, safe starlark.Value,
			encoding, errors *string, via starlark.Value,
		) (string, error) {
			w := &writer{thread: t, safe: safe, encoding: encoding, errors: errors}
			if via != starlark.None {
				var ok bool
				if w.via, ok = via.(starlark.Callable); !ok {
					return "", fmt.Errorf("for parameter quote_via: got %s, want callable",
						via.Type())
				}
			}
			pairs, ok := query.(starlark.Iterable)
			if !ok {
				return "", fmt.Errorf("for parameter query: got %s, want dict or iterable",
					query.Type())
			}
			err := w.query(pairs, doseq)
			return w.b.String(), err
		},
	}
}

// A writer writes a query.
type writer struct {
	thread           *starlark.Thread
	b                strings.Builder
	safe             starlark.Value
	encoding, errors *string
	via              starlark.Callable
}

func (w *writer) query(query starlark.Iterable, doseq bool) error {
	if err := host.CheckElements(query); err != nil {
		return err
	}
	if m, ok := query.(starlark.IterableMapping); ok {
		for _, item := range m.Items() {
			if err := w.item(item[0], item[1], doseq); err != nil {
				return err
			}
		}
		return nil
	}
	iter := query.Iterate()
	defer iter.Done()
	var v starlark.Value
	for i := 0; iter.Next(&v); i++ {
		pair, ok := v.(starlark.Indexable)
		if _, text := host.Octets(v); !ok || text || pair.Len() != 2 {
			return fmt.Errorf("for parameter query: at index %d: got %s, want a pair: (name, "+
				"value)",
				i, host.Show(v))
		}
		if err := w.item(pair.Index(0), pair.Index(1), doseq); err != nil {
			return err
		}
	}
	return host.IterError(iter)
}

func (w *writer) item(name, value starlark.Value, doseq bool) error {
	elems, several := value.(starlark.Sequence)
	if _, text := host.Octets(value); !doseq || text || !several {
		return w.pair(name, value)
	}
	iter := elems.Iterate()
	defer iter.Done()
	var v starlark.Value
	for iter.Next(&v) {
		if err := w.pair(name, v); err != nil {
			return err
		}
	}
	return host.IterError(iter)
}

func (w *writer) pair(name, value starlark.Value) error {
	if w.b.Len() > 0 {
		w.b.WriteByte('&')
	}
	if err := w.text(name); err != nil {
		return err
	}
	w.b.WriteByte('=')
	if err := w.text(value); err != nil {
		return err
	}
	if w.b.Len() > maxText {
		return fmt.Errorf("the result would be longer than %d bytes", maxText)
	}
	return nil
}

func (w *writer) text(v starlark.Value) error {
	encoding, errors := w.encoding, w.errors
	switch v.(type) {
	case starlark.String:
	case starlark.Bytes:
		encoding, errors = nil, nil
	default:
		if err := host.Measure(v, maxText); err != nil {
			return err
		}
		v = starlark.String(v.String())
	}
	if w.via == nil {
		s, err := escape(v, w.safe, encoding, errors, true)
		w.b.WriteString(s)
		return err
	}
	args := starlark.Tuple{v, w.safe}
	if _, is := v.(starlark.String); is && (encoding != nil || errors != nil) {
		for _, s := range []string{or(encoding, "utf-8"), or(errors, "strict")} {
			args = append(args, starlark.String(s))
		}
	}
	quoted, err := starlark.Call(w.thread, w.via, args, nil)
	if err != nil {
		return err
	}
	s, ok := starlark.AsString(quoted)
	if !ok {
		return fmt.Errorf("quote_via returned %s, not a string", quoted.Type())
	}
	w.b.WriteString(s)
	return nil
}

func queryParams() []host.Param {
	return append(append([]host.Param{
		{Name: "qs", Doc: "the query, or the body of a form", Type: "string"},
		{
			Name: "keep_blank_values",
			Doc:  "whether names without a value, or with an empty one, count",
			Type: "bool", Default: starlark.False,
		},
		{
			Name: "strict_parsing",
			Doc:  "whether a part that has no = is an error, or else left out",
			Type: "bool", Default: starlark.False,
		},
	}, decoding()...), optional("max_num_fields", "int", "how many parts are an error"),
		host.Param{
			Name: "separator", Doc: "what stands between parts", Type: "string",
			Default: starlark.String("&"),
		})
}

var queryFailures = []host.Failure{
	{When: "there are more parts than max_num_fields, or than 1,048,576"},
	{When: "strict_parsing is True, and a part has no ="},
	{When: "errors is strict, and octets are no text"},
	{When: "the text has more than 16 MiB"},
}

func parseQslMember() host.Member {
	return host.Member{
		Name:   "parse_qsl",
		Doc:    "Reads a query as a list, in its order. For that of a request see query of @http.",
		Params: queryParams(),
		Result: "a list of tuples, (name, value)",
		Errors: queryFailures,
		Example: `parse_qsl("q=green+tea&page=2&q=x")  # ` +
			`[("q", "green tea"), ("page", "2"), ("q", "x")]`,
		Pure: true,
		Fn: func(a host.Args) (starlark.Value, error) {
			pairs, err := parseQuery(a)
			if err != nil {
				return nil, err
			}
			return starlark.NewList(pairs), nil
		},
	}
}

func parseQsMember() host.Member {
	return host.Member{
		Name:   "parse_qs",
		Doc:    "Reads a query as a dict. For that of a request see query of @http.",
		Params: queryParams(),
		Result: "a dict with the list of values of each name",
		Errors: append([]host.Failure{{When: "there are more than 10,000 " +
			"names"}}, queryFailures...),
		Example: `parse_qs("q=green+tea&page=2&q=x")  # {"q": ["green tea", "x"], "page": ["2"]}`,
		Pure:    true,
		Fn: func(a host.Args) (starlark.Value, error) {
			pairs, err := parseQuery(a)
			if err != nil {
				return nil, err
			}
			return grouped(pairs)
		},
	}
}

// maxNames bounds the keys of a dict, which a client can choose so that all of them collide: those
// of less than 12 bytes are hashed without a seed.
const maxNames = 10_000

// grouped makes a dict of pairs.
func grouped(pairs []starlark.Value) (starlark.Value, error) {
	values := make(map[string]*starlark.List)
	dict := new(starlark.Dict)
	for _, pair := range pairs {
		name, _ := starlark.AsString(pair.(starlark.Tuple)[0])
		list := values[name]
		if list == nil {
			if len(values) == maxNames {
				return nil, fmt.Errorf("there are more than %d names; parse_qsl takes more",
					maxNames)
			}
			list = new(starlark.List)
			values[name] = list
			if err := dict.SetKey(starlark.String(name), list); err != nil {
				return nil, err
			}
		}
		if err := list.Append(pair.(starlark.Tuple)[1]); err != nil {
			return nil, err
		}
	}
	return dict, nil
}

// parseQuery returns the pairs of a query.
func parseQuery(a host.Args) ([]starlark.Value, error) {
	var qs, encoding, errs, separator string
	var blank, strict bool
	var limit starlark.Value
	err := a.Unpack(&qs, &blank, &strict, &encoding, &errs, &limit, &separator)
	if err != nil {
		return nil, err
	}
	if err := bounded("qs", qs); err != nil {
		return nil, err
	}
	if separator == "" {
		return nil, errors.New("for parameter separator: it is empty")
	}
	most := host.MaxElements
	if limit != starlark.None {
		n, err := starlark.AsInt32(limit)
		if err != nil {
			return nil, fmt.Errorf("for parameter max_num_fields: %w", err)
		}
		most = min(most, n)
	}
	if n := strings.Count(qs, separator) + 1; n > most && qs != "" {
		return nil, fmt.Errorf("there are %d parts, more than %d", n, most)
	}
	var pairs []starlark.Value
	for part := range strings.SplitSeq(qs, separator) {
		if part == "" && !strict || qs == "" {
			continue
		}
		name, value, ok := strings.Cut(part, "=")
		if !ok && strict {
			return nil, fmt.Errorf("%s has no =", host.Show(starlark.String(part)))
		}
		if value == "" && !blank {
			continue
		}
		pair := make(starlark.Tuple, 2)
		for i, s := range []string{name, value} {
			s, err := unescape(strings.ReplaceAll(s, "+", " "), encoding, errs)
			if err != nil {
				return nil, err
			}
			pair[i] = starlark.String(s)
		}
		pairs = append(pairs, pair)
	}
	return pairs, nil
}
