package state

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A bucket is a stream as the clients of NATS agree on it, ADR-8: a key is a subject of $KV.NAME, its
// value the last message there, its version the sequence of that. A message without a value, with a
// field that says why, is a key that was deleted.
const (
	fieldOperation = "KV-Operation"
	purged         = "PURGE"
)

// A row is a key of a bucket as it was at a version.
type row struct {
	key     string
	data    []byte
	version uint64
	time    time.Time
	deleted bool
}

// bucketShape is that of the stream of a bucket.
func bucketShape(name string, ttl time.Duration, history int) shape {
	return shape{
		name: "KV_" + name, subject: prefixOf(name) + ">", age: ttl, each: int64(history), markers: true,
	}
}

// prefixOf is what the subjects of a bucket begin with.
func prefixOf(bucket string) string { return "$KV." + bucket + "." }

// absent reports whether a message says that there is no value.
func absent(h nats.Header) bool {
	return len(h) > 0 && (h.Get(fieldOperation) != "" || h.Get(jetstream.MarkerReasonHeader) != "")
}

// last returns the row of a key, nil if there never was one. It may be deleted.
func last(ctx context.Context, o *opened, prefix, subject string) (*row, error) {
	m, err := o.stream.GetLastMsgForSubject(ctx, prefix+subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &row{
		key: keyOf(subject), data: m.Data, version: m.Sequence, time: m.Time, deleted: absent(m.Header),
	}, nil
}

// A change is a value that is put, or that a key is deleted.
type change struct {
	data   []byte
	delete bool
	ttl    time.Duration // 0 for that of the bucket
	// expect is the version that the key must have, if it is bound to one: 0 for none.
	expect uint64
	bound  bool
}

// put makes a change, and returns the version that the key has then.
func (e *engine) put(ctx context.Context, o *opened, subject string, c change) (uint64, error) {
	m := &nats.Msg{Subject: subject, Data: c.data}
	if c.delete || c.bound || c.ttl > 0 {
		m.Header = make(nats.Header, 3)
	}
	if c.bound {
		m.Header[jetstream.ExpectedLastSubjSeqHeader] = []string{strconv.FormatUint(c.expect, 10)}
	}
	if c.delete {
		m.Header[fieldOperation] = []string{purged}
		m.Header[jetstream.MsgRollup] = []string{jetstream.MsgRollupSubject}
		if o.level >= levelTTL {
			c.ttl = markerTime
		}
	}
	if c.ttl > 0 {
		if o.level < levelTTL {
			return 0, failed(KindUsage, "a key has a ttl of its own from nats-server 2.11 on; this server is older: "+
				"pass ttl to bucket()")
		}
		m.Header[jetstream.MsgTTLHeader] = []string{c.ttl.String()}
	}
	ack, err := e.js.PublishMsg(ctx, m)
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

// isConflict reports whether another one was first.
func isConflict(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && (api.ErrorCode == codeWrongLast || api.ErrorCode == codeWrongLastSame)
}

// send puts data with fields of its own, if the subject has the version.
func (e *engine) send(
	ctx context.Context, subject string, data []byte, version uint64, h nats.Header,
) (uint64, error) {
	h[jetstream.ExpectedLastSubjSeqHeader] = []string{strconv.FormatUint(version, 10)}
	ack, err := e.js.PublishMsg(ctx, &nats.Msg{Subject: subject, Data: data, Header: h})
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

// isMissing reports whether there is no such message.
func isMissing(err error) bool { return errors.Is(err, jetstream.ErrMsgNotFound) }

// textOf writes a moment for a field, timeOf reads it: the zero time if there is none.
func textOf(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

func timeOf(h nats.Header, field string) time.Time {
	ms, err := strconv.ParseInt(h.Get(field), 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
