package push

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestDiaryModel runs random calls against a diary and against one that is too simple to be wrong: a list, the newest last.
func TestDiaryModel(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var d diary
	var model []entry
	find := func(key uint64) int {
		for i := range model {
			if model[i].key == key {
				return i
			}
		}
		return -1
	}
	remove := func(i int) { model = append(model[:i:i], model[i+1:]...) }
	now := time.Now()
	for step := range 200000 {
		key := random.Uint64N(400) + 1
		i := find(key)
		switch random.IntN(5) {
		case 0, 1:
			e := entry{key: key, validator: validator{tag: random.Uint64N(2) + 1}, serial: random.Uint64N(3), fresh: now.Add(time.Hour), memo: memo{hash: key}}
			d.add(e)
			if i >= 0 {
				remove(i)
			} else if len(model) == diarySize {
				remove(0)
			}
			model = append(model, e)
		case 2:
			e := entry{key: key, validator: validator{tag: random.Uint64N(2) + 1}}
			has := i >= 0 && model[i].validator == e.validator
			if got := d.has(e); got != has {
				t.Fatalf("step %d: has %v, want %v", step, got, has)
			}
			if has {
				e.serial, e.arrived = model[i].serial, model[i].arrived
				remove(i)
				model = append(model, e)
			}
		case 3:
			serial, kept := random.Uint64N(3), random.IntN(2) == 0
			d.settle(key, serial, kept)
			if i >= 0 && model[i].serial == serial {
				if kept {
					model[i].arrived = true
				} else {
					remove(i)
				}
			}
		case 4:
			if got, want := d.fresh(key, 0, now), i >= 0 && now.Before(model[i].fresh); got != want {
				t.Fatalf("step %d: fresh %v, want %v", step, got, want)
			}
		}
		if step%1000 == 0 {
			var want []uint64
			for i := len(model) - 1; i >= 0; i-- {
				if e := model[i]; e.arrived && now.Before(e.fresh) {
					want = append(want, e.memo.hash)
				}
			}
			got := d.memos(1000, now)
			for i := range max(len(got), len(want)) {
				if i >= len(got) || i >= len(want) || got[i].hash != want[i] {
					t.Fatalf("step %d: %d memos, want %d; they differ at %d", step, len(got), len(want), i)
				}
			}
		}
	}
	if len(d.entries) > diarySize+1 {
		t.Errorf("%d entries", len(d.entries))
	}
}
