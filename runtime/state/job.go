package state

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.starlark.net/starlark"
)

// A job is a message of a stream that all queues are in: the subject says of which queue, and whether it
// waits for a time first. Its fields say the id, the key and the time.
const (
	jobStream = own + "_jobs"
	jobPrefix = own + ".job."
	nowPrefix = jobPrefix + "now."
	// laterPrefix is that of jobs with a delay. When that has passed they become others, so that how
	// often those were tried is known.
	laterPrefix = jobPrefix + "later."

	keysBucket = own + "_keys" // jobs that have a key, by queue and key
	deadBucket = own + "_dead" // jobs that have failed, by queue and id

	fieldJob = "Larkspur-Job"
	fieldKey = "Larkspur-Key"
	fieldDue = "Larkspur-Due"

	keysAge = 7 * 24 * time.Hour
	deadAge = 30 * 24 * time.Hour
)

func jobShape() shape {
	return shape{name: jobStream, subject: jobPrefix + ">", work: true}
}

func keysShape() shape { s := bucketShape(keysBucket, keysAge, 1); s.markers = false; return s }
func deadShape() shape { s := bucketShape(deadBucket, deadAge, 1); s.markers = false; return s }

// put is put(value, delay, key).
func (q *queue) put(t *starlark.Thread, value, delay, key starlark.Value) (starlark.Value, error) {
	data, err := encode(value)
	if err != nil {
		return nil, err
	}
	d, err := durationOf("delay", delay, 0, longestDelay)
	if err != nil {
		return nil, err
	}
	j := &job{queue: q.name, id: rand.Text()[:16], data: data}
	if d > 0 {
		j.due = time.Now().Add(d)
	}
	if key != starlark.None {
		text, ok := starlark.AsString(key)
		if !ok {
			return nil, failed(KindUsage, "key is %s, not a string", key.Type())
		}
		if j.key, err = subjectOf(text); err != nil {
			return nil, err
		}
	}
	taken := false
	err = q.lib.do(t, deed{text: q.name + ".put", unit: "bytes"}, func(
		ctx context.Context, e *engine,
	) (int64, error) {
		taken, err = e.enqueue(ctx, j)
		return int64(len(data)), err
	})
	if err != nil || !taken {
		return starlark.None, err
	}
	return starlark.String(j.id), nil
}

// A job is one that is put into a queue, or was taken out of it.
type job struct {
	queue string
	id    string
	key   string // as a subject; "" for none
	data  []byte
	due   time.Time // zero for now
}

// subject is that of the job's key, in its bucket.
func (j *job) subject() string { return prefixOf(keysBucket) + j.queue + "." + j.key }

// enqueue puts a job, and reports false if there is one of the same key. The key is noted after the
// job was put, so that one who dies between the two has lost nothing; until then, and for two minutes,
// the server knows jobs of the same key by their id.
func (e *engine) enqueue(ctx context.Context, j *job) (taken bool, err error) {
	h := nats.Header{fieldJob: {j.id}, jetstream.MsgIDHeader: {j.id}}
	subject := nowPrefix + j.queue
	if !j.due.IsZero() {
		subject = laterPrefix + j.queue
		h[fieldDue] = []string{textOf(j.due)}
	}
	if j.key != "" {
		id, err := e.keyed(ctx, j)
		if err != nil || id != "" {
			return false, err
		}
		h[fieldKey], h[jetstream.MsgIDHeader] = []string{j.key}, []string{j.queue + " " + j.key}
	}
	var ack *jetstream.PubAck
	_, err = e.within(ctx, jobShape(), func(ctx context.Context, e *engine, _ *opened) (int64, error) {
		ack, err = e.js.PublishMsg(ctx, &nats.Msg{Subject: subject, Data: j.data, Header: h})
		return 0, err
	})
	if err != nil || ack.Duplicate {
		return false, err
	}
	if j.key == "" {
		return true, nil
	}
	_, err = e.claim(ctx, j)
	return err == nil, err
}

// requeue puts a job again that was taken out: it has its id and its key. Twice within two minutes is
// once.
func (e *engine) requeue(ctx context.Context, j *job, why string) error {
	h := nats.Header{fieldJob: {j.id}, jetstream.MsgIDHeader: {why + " " + j.id}}
	if j.key != "" {
		h[fieldKey] = []string{j.key}
	}
	_, err := e.within(ctx, jobShape(), func(ctx context.Context, e *engine, _ *opened) (int64, error) {
		_, err := e.js.PublishMsg(ctx, &nats.Msg{Subject: nowPrefix + j.queue, Data: j.data, Header: h})
		return 0, err
	})
	return err
}

// keyed returns the id of the job that has the key of j, "" if none has.
func (e *engine) keyed(ctx context.Context, j *job) (id string, err error) {
	_, err = e.within(ctx, keysShape(), func(ctx context.Context, _ *engine, o *opened) (int64, error) {
		m, err := o.stream.GetLastMsgForSubject(ctx, j.subject())
		if isMissing(err) {
			return 0, nil
		}
		if err == nil {
			id = string(m.Data)
		}
		return 0, err
	})
	return id, err
}

// claim notes that j is the job of its key, and reports whether it is.
func (e *engine) claim(ctx context.Context, j *job) (mine bool, err error) {
	_, err = e.within(ctx, keysShape(), func(ctx context.Context, e *engine, o *opened) (int64, error) {
		_, err := e.put(ctx, o, j.subject(), change{data: []byte(j.id), bound: true})
		return 0, err
	})
	if err == nil {
		return true, nil
	}
	if !isConflict(err) {
		return false, err
	}
	id, err := e.keyed(ctx, j)
	return id == j.id, err
}

// jobOf is the job that a message is.
func jobOf(queue string, m jetstream.Msg) *job {
	h := m.Headers()
	return &job{queue: queue, id: h.Get(fieldJob), key: h.Get(fieldKey), data: m.Data(), due: timeOf(h, fieldDue)}
}

// consumer is what the jobs of a queue are taken from, by all processes that work on it.
func (e *engine) consumer(ctx context.Context, queue string, later bool) (cons jetstream.Consumer, err error) {
	c := jetstream.ConsumerConfig{
		Durable: "now-" + queue, FilterSubject: nowPrefix + queue, AckPolicy: jetstream.AckExplicitPolicy,
		AckWait: ackTime, MaxDeliver: -1, MaxAckPending: maxPending,
	}
	if later {
		c.Durable, c.FilterSubject = "later-"+queue, laterPrefix+queue
	}
	_, err = e.within(ctx, jobShape(), func(ctx context.Context, _ *engine, o *opened) (int64, error) {
		cons, err = o.stream.CreateOrUpdateConsumer(ctx, c)
		return 0, err
	})
	return cons, err
}

const (
	// ackTime is how long a process that works on a job may say nothing of it, before another one does it.
	ackTime = 10 * time.Second
	// maxPending is how many jobs of a queue may be waited for at once, with a delay or to be tried again.
	maxPending = 100_000
)

func (q *queue) size(t *starlark.Thread) (n int64, err error) {
	err = q.lib.do(t, deed{text: q.name + ".size", unit: "reads", again: true}, func(
		ctx context.Context, e *engine,
	) (int64, error) {
		n, err = e.waiting(ctx, q.name)
		return 1, err
	})
	return n, err
}

// waiting is how many jobs of a queue there are.
func (e *engine) waiting(ctx context.Context, queue string) (n int64, err error) {
	_, err = e.within(ctx, jobShape(), func(ctx context.Context, _ *engine, o *opened) (int64, error) {
		n = 0
		info, err := o.stream.Info(ctx, jetstream.WithSubjectFilter(jobPrefix+"*."+queue))
		if err != nil {
			return 0, err
		}
		for _, each := range info.State.Subjects {
			n += int64(each)
		}
		return 0, nil
	})
	return n, err
}

// isNobody reports whether there was just nothing to be taken.
func isNobody(err error) bool {
	return errors.Is(err, nats.ErrTimeout) || errors.Is(err, jetstream.ErrNoMessages) ||
		errors.Is(err, context.DeadlineExceeded)
}
