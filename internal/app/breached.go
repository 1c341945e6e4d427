package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

const (
	breachedTimeout = 10 * time.Second
	breachedMax     = 1 << 20 // bytes of one part; those of today have a twentieth of it
)

func isURL(text string) bool { return strings.Contains(text, "://") }

// breachedIn is where a setting says that breached passwords are, nil for nowhere.
func breachedIn(where string) gateway.Breached {
	switch {
	case where == "":
		return nil
	case isURL(where):
		return fetchPart(trimSlash(where))
	}
	return func(_ context.Context, prefix string) (io.ReadCloser, error) { return openPart(where, prefix) }
}

// openPart opens a part of a download of Pwned Passwords, whose files have an ending
// or none.
func openPart(dir, prefix string) (io.ReadCloser, error) {
	f, err := os.Open(filepath.Join(dir, prefix+".txt"))
	if errors.Is(err, fs.ErrNotExist) {
		f, err = os.Open(filepath.Join(dir, prefix))
	}
	if err != nil {
		return nil, err // and no file that is nil in an interface
	}
	return f, nil
}

// fetchPart asks a server for a part. It is sent five digits of a digest, which a
// thousand passwords share, and asked for an answer whose size tells nobody which.
func fetchPart(base string) gateway.Breached {
	client := &http.Client{Timeout: breachedTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return func(ctx context.Context, prefix string) (io.ReadCloser, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/"+prefix, nil)
		if err != nil {
			return nil, err
		}
		r.Header.Set("Add-Padding", "true")
		r.Header.Set("User-Agent", "gerbang")
		resp, err := client.Do(r)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode != http.StatusOK {
			return nil, errors.Join(fmt.Errorf("%s answers HTTP %d", base, resp.StatusCode), resp.Body.Close())
		}
		return struct {
			io.Reader
			io.Closer
		}{http.MaxBytesReader(nil, resp.Body, breachedMax), resp.Body}, nil
	}
}
