package site

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// trials are what tests get in place of grants, for one run of them.
type trials struct {
	dir     string // their files are below it; "" if there are none
	members []host.Member
	begins  []func() error
	ends    []func() error
}

// try puts into grants, in place of each that has one, what tests get instead. One that several modules
// are granted has one.
func try(grants map[string]any) (*trials, error) {
	t := new(trials)
	tried := make(map[host.Tester]any)
	for _, name := range slices.Sorted(maps.Keys(grants)) {
		grant, ok := grants[name].(host.Tester)
		if !ok {
			continue
		}
		comparable := reflect.ValueOf(grant).Comparable()
		if comparable && tried[grant] != nil {
			grants[name] = tried[grant]
			continue
		}
		trial, err := t.trial(name, grant)
		if err != nil {
			_ = t.end() // the first error says why
			return nil, fmt.Errorf("site: @%s for tests: %w", name, err)
		}
		grants[name] = trial.Grant
		if comparable {
			tried[grant] = trial.Grant
		}
		t.members = append(t.members, trial.Members...)
		if trial.Begin != nil {
			t.begins = append(t.begins, trial.Begin)
		}
		if trial.End != nil {
			t.ends = append(t.ends, trial.End)
		}
	}
	return t, nil
}

func (t *trials) trial(name string, grant host.Tester) (*host.Trial, error) {
	if t.dir == "" {
		dir, err := os.MkdirTemp("", "larkspur-test-*")
		if err != nil {
			return nil, err
		}
		t.dir = dir
	}
	dir := filepath.Join(t.dir, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	return grant.Trial(dir)
}

// begin readies them for the next test.
func (t *trials) begin() error {
	for _, begin := range t.begins {
		if err := begin(); err != nil {
			return err
		}
	}
	return nil
}

// end lets go of what they hold, and removes what they kept.
func (t *trials) end() error {
	var errs []error
	for _, end := range t.ends {
		errs = append(errs, end())
	}
	if t.dir != "" {
		errs = append(errs, os.RemoveAll(t.dir))
	}
	return errors.Join(errs...)
}
