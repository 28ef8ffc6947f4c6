package crypto_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"github.com/larkspur-web/larkspur/runtime/lib/crypto"
)

func TestModule(t *testing.T) { hosttest.Module(t, crypto.Module(), nil, nil) }
