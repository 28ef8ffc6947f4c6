package mail

import (
	"io"
	"mime"
	"path"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

const (
	// maxAttachments is how many files a mail may have.
	maxAttachments = 100
	// maxFileName is how many bytes the name of one may have.
	maxFileName = 200
)

// attachments reads a list of files, None being none, that together have up to most bytes.
func attachments(t *starlark.Thread, v starlark.Value, most int) ([]Attachment, error) {
	if v == starlark.None {
		return nil, nil
	}
	list, ok := v.(starlark.Iterable)
	if _, mapping := v.(starlark.Mapping); !ok || mapping {
		return nil, failed(invalid, "for parameter attachments: got %s, want a list", v.Type())
	}
	var all []Attachment
	iter := list.Iterate()
	defer iter.Done()
	var x starlark.Value
	for iter.Next(&x) {
		if len(all) == maxAttachments {
			return nil, failed(excessive, "there are more than %d attachments", maxAttachments)
		}
		a, err := attachment(t, x, most)
		if err != nil {
			return nil, err
		}
		most -= len(a.Data)
		all = append(all, *a)
	}
	return all, host.IterError(iter)
}

// attachment reads one: a pair, or a dict.
func attachment(t *starlark.Thread, v starlark.Value, most int) (*Attachment, error) {
	var name, media string
	var data starlark.Value
	switch v := v.(type) {
	case starlark.IterableMapping:
		for _, item := range v.Items() {
			if _, ok := starlark.AsString(item[0]); !ok {
				return nil, failed(invalid, "an attachment has a key that is %s", item[0].Type())
			}
		}
		if err := starlark.UnpackArgs("attachment", nil, v.Items(), "name", &name, "data", &data,
			"type?", &media); err != nil {
			return nil, failed(invalid, "%v", err)
		}
	case starlark.Tuple:
		if err := starlark.UnpackPositionalArgs("attachment", v, nil, 2, &name, &data); err != nil {
			return nil, failed(invalid, "%v", err)
		}
	default:
		return nil, failed(invalid, "an attachment is %s: want a pair, (name, data), or a dict", v.Type())
	}
	if name == "" || len(name) > maxFileName || !printable(name) || strings.ContainsAny(name, `/\":<>?|`) {
		return nil, failed(invalid, `%s is no name of a file: up to %d bytes, without a directory and none of ":<>?|`,
			host.Show(starlark.String(name)), maxFileName)
	}
	a := &Attachment{Name: name, Type: media}
	if a.Type == "" {
		if a.Type = mime.TypeByExtension(path.Ext(name)); a.Type == "" {
			a.Type = "application/octet-stream"
		}
	}
	if err := attachable(a); err != nil {
		return nil, err
	}
	var err error
	a.Data, err = contents(t, data, most)
	return a, err
}

// attachable returns an error if the type of an attachment is none, and writes it in one way.
func attachable(a *Attachment) error {
	media, params, err := mime.ParseMediaType(a.Type)
	if err == nil && printable(a.Type) && strings.Count(media, "/") == 1 &&
		!strings.HasPrefix(media, "multipart/") {
		if a.Type = mime.FormatMediaType(media, params); a.Type != "" {
			return nil
		}
	}
	return failed(invalid, "the type of %s is no media type, as text/plain", a.Name)
}

// contents reads what is attached: up to most bytes.
func contents(t *starlark.Thread, v starlark.Value, most int) ([]byte, error) {
	tooLarge := failed(excessive, "the mail has more bytes than it may have")
	if s, ok := host.Octets(v); ok {
		if len(s) > most {
			return nil, tooLarge
		}
		return []byte(s), nil
	}
	readable := false
	if _, readable = v.(io.Reader); !readable {
		if f, ok := v.(starlark.HasAttrs); ok {
			read, err := f.Attr("read")
			readable = err == nil && read != nil
		}
	}
	if !readable {
		return nil, failed(invalid, "what is attached is %s: want bytes, text or an open file", v.Type())
	}
	data, err := io.ReadAll(io.LimitReader(host.Reader(t, v), int64(most)+1))
	if err != nil {
		return nil, err
	}
	if len(data) > most {
		return nil, tooLarge
	}
	return data, nil
}
