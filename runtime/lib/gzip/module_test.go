package gzip_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"github.com/larkspur-web/larkspur/runtime/lib/gzip"
)

func TestModule(t *testing.T) { hosttest.Module(t, gzip.Module(), nil, nil) }
