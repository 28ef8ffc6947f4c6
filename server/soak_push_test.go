//go:build linux

package server_test

import (
	"context"
	"fmt"

	"github.com/larkspur-web/larkspur/push/pushtest"
)

// visit takes pushes on two pages of one connection. What cannot be verified in time, as on a machine
// that is busy, or was lost with a worker a moment ago, is not promised.
func visit(s *soak, _ *soakClient) error {
	could := map[string]bool{"/push/push.css": true, "/push/push.js": true, "/push/facts.json": true}
	return withPush(s, nil, func(c *pushtest.Client) error {
		for range 2 {
			page := c.Get("/push/")
			if err := page.WaitAll(); err != nil {
				return &lostError{err: fmt.Errorf("a page with pushes: %w", err)}
			}
			if page.Status != 200 {
				return &lostError{err: fmt.Errorf("a page with pushes: %d", page.Status)}
			}
			for _, p := range page.Promises {
				if !could[p.Request.Target] {
					return fmt.Errorf("%s is promised, again perhaps", p.Request.Target)
				}
				delete(could, p.Request.Target)
				if err := p.Wait(); err != nil || p.Status != 200 {
					return fmt.Errorf("the promise of %s: %d, %w", p.Request.Target, p.Status, err)
				}
				s.promised.Add(1)
			}
		}
		if v := c.Violations(); len(v) > 0 {
			return fmt.Errorf("%v", v)
		}
		return nil
	})
}

// refuse takes no push.
func refuse(s *soak, _ *soakClient) error {
	return withPush(s, &pushtest.Settings{OnPromise: pushtest.Refuse}, func(c *pushtest.Client) error {
		page := c.Get("/push/")
		if err := page.Wait(); err != nil || page.Status != 200 {
			return &lostError{err: fmt.Errorf("a page whose pushes are refused: %d, %w", page.Status, err)}
		}
		return nil
	})
}

// withPush opens a connection that takes pushes for f, and closes it when that returns.
func withPush(s *soak, settings *pushtest.Settings, f func(*pushtest.Client) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), soakPatience)
	defer cancel()
	if settings == nil {
		settings = new(pushtest.Settings)
	}
	settings.Timeout = soakPatience
	c, err := pushtest.Dial(ctx, s.house.url, settings)
	if err != nil {
		return fmt.Errorf("open a connection: %w", err)
	}
	defer c.Close()
	return f(c)
}
