package csv_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"github.com/larkspur-web/larkspur/runtime/lib/csv"
)

func TestModule(t *testing.T) { hosttest.Module(t, csv.Module(), nil, nil) }
