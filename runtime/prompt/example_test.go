package prompt_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/prompt"
)

func Example() {
	files := fstest.MapFS{"prices.star": {Data: []byte("_tax = 20\n\ndef gross(n):\n    return n + n * _tax // 100\n")}}
	s, err := prompt.New(&runtime.Config{FS: files}, "prices.star")
	if err != nil {
		fmt.Println(err)
		return
	}
	typed := bufio.NewReader(strings.NewReader("gross(50)\n_tax = 10\n_tax, gross(50)\n"))
	for {
		statement, err := s.Read(func(bool) ([]byte, error) { return typed.ReadBytes('\n') })
		if errors.Is(err, io.EOF) {
			return
		}
		v, err := s.Run(context.Background(), statement, nil)
		if err != nil {
			fmt.Println(err)
		} else if v != nil {
			fmt.Println(v)
		}
	}
	// Output:
	// 60
	// (10, 60)
}
