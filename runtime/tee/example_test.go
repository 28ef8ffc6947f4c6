package tee_test

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/larkspur-web/larkspur/runtime/tee"
)

func Example() {
	logger := slog.New(tee.New(slog.DiscardHandler))
	ctx := tee.With(context.Background(), func(r slog.Record) bool {
		fmt.Println(r.Level, r.Message)
		return false // others may want it too
	})
	logger.InfoContext(ctx, "for the request")
	logger.Info("for nobody")
	// Output: INFO for the request
}
