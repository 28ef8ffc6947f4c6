package push

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// A diaryModel is a diary that is too simple to be wrong: a list, the most recent last.
type diaryModel []entry

func (m *diaryModel) find(key uint64) int {
	return slices.IndexFunc(*m, func(e entry) bool { return e.key == key })
}

func (m *diaryModel) remove(i int) { *m = slices.Delete(*m, i, i+1) }

func (m *diaryModel) add(e entry) {
	if i := m.find(e.key); i >= 0 {
		m.remove(i)
	} else if len(*m) == diarySize {
		m.remove(0)
	}
	*m = append(*m, e)
}

func (m *diaryModel) has(e entry) bool {
	i := m.find(e.key)
	if i < 0 || (*m)[i].validator != e.validator {
		return false
	}
	e.serial, e.arrived = (*m)[i].serial, (*m)[i].arrived
	m.remove(i)
	*m = append(*m, e)
	return true
}

func (m *diaryModel) settle(key, serial uint64, sent bool) {
	i := m.find(key)
	switch {
	case i < 0 || (*m)[i].serial != serial:
	case sent:
		(*m)[i].arrived = true
	default:
		m.remove(i)
	}
}

func (m *diaryModel) fresh(key uint64, now time.Time) bool {
	i := m.find(key)
	return i >= 0 && now.Before((*m)[i].fresh)
}

func (m *diaryModel) memos(now time.Time) (memos []memo) {
	for _, e := range slices.Backward(*m) {
		if e.arrived && now.Before(e.fresh) {
			memos = append(memos, e.memo)
		}
	}
	return memos
}

// TestDiaryModel runs random calls against a diary and against its model.
func TestDiaryModel(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var d diary
	var model diaryModel
	now := time.Now()
	for step := range 200000 {
		key := random.Uint64N(400) + 1
		e := entry{key: key, validator: validator{tag: random.Uint64N(2) + 1}}
		switch random.IntN(5) {
		case 0, 1:
			e.serial, e.fresh, e.memo = random.Uint64N(3), now.Add(time.Hour), memo{hash: key}
			d.add(e)
			model.add(e)
		case 2:
			if got, want := d.has(e), model.has(e); got != want {
				t.Fatalf("step %d: has %v, want %v", step, got, want)
			}
		case 3:
			serial, sent := random.Uint64N(3), random.IntN(2) == 0
			d.settle(key, serial, sent)
			model.settle(key, serial, sent)
		case 4:
			if got, want := d.fresh(key, 0, now), model.fresh(key, now); got != want {
				t.Fatalf("step %d: fresh %v, want %v", step, got, want)
			}
		}
		if step%1000 != 0 {
			continue
		}
		if got, want := d.memos(1000, now), model.memos(now); !slices.Equal(got, want) {
			t.Fatalf("step %d: memos %v, want %v", step, got, want)
		}
	}
	if len(d.entries) > diarySize+1 {
		t.Errorf("%d entries", len(d.entries))
	}
}
