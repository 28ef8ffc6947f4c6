package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"time"
)

// replay logs a record that a worker has logged, as [recorder] writes it, with its level,
// its message and its attributes in their order.
func replay(logger *slog.Logger, record json.RawMessage) {
	d := json.NewDecoder(bytes.NewReader(record))
	d.UseNumber()
	attrs, err := object(d, maxNesting)
	if err != nil {
		logger.Error("a worker's log cannot be read", slog.Any("error", err))
		return
	}
	level, text := slog.LevelInfo, ""
	var own int // of the handler, which come first: an attribute may have the same name
own:
	for _, a := range attrs[:min(3, len(attrs))] {
		switch a.Key {
		case slog.TimeKey:
		case slog.LevelKey:
			if err := level.UnmarshalText([]byte(a.Value.String())); err != nil {
				level = slog.LevelError
			}
		case slog.MessageKey:
			text = a.Value.String()
		default:
			break own
		}
		own++
	}
	ctx := context.Background()
	if !logger.Enabled(ctx, level) {
		return
	}
	r := slog.NewRecord(time.Now(), level, text, 0)
	r.AddAttrs(attrs[own:]...)
	_ = logger.Handler().Handle(ctx, r) // a log that fails has nowhere to say so
}

// maxNesting is how deep groups are in one another that are logged as groups: each is read once for each
// that it is in.
const maxNesting = 8

// object reads an object as attributes, with as many groups in one another.
func object(d *json.Decoder, groups int) (attrs []slog.Attr, err error) {
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, _ := key.(string)
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, err
		}
		attrs = append(attrs, attr(name, raw, groups))
	}
	return attrs, nil
}

// attr makes an attribute of a value: a group of an object, unless that is a duration.
func attr(name string, raw json.RawMessage, groups int) slog.Attr {
	var v any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if len(raw) > 0 && raw[0] == '{' && groups > 0 {
		if group, err := object(d, groups-1); err == nil {
			if len(group) == 1 && group[0].Key == durationKey && group[0].Value.Kind() == slog.KindInt64 {
				return slog.Duration(name, time.Duration(group[0].Value.Int64()))
			}
			return slog.Attr{Key: name, Value: slog.GroupValue(group...)}
		}
	}
	if len(raw) > 0 && raw[0] != '{' && raw[0] != '[' {
		_ = d.Decode(&v) // it has been read before
	}
	switch v := v.(type) {
	case string:
		return slog.String(name, v)
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return slog.Int64(name, n)
		}
		f, _ := v.Float64()
		return slog.Float64(name, f)
	case bool:
		return slog.Bool(name, v)
	}
	return slog.String(name, string(raw))
}
