//go:build !unix

package worker

import (
	"errors"
	"os"
)

// shared returns none: there are no workers.
func shared(*os.File, int) ([]byte, error) { return nil, errors.ErrUnsupported }
